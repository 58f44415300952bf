// A 32-bit digest of a value by what it says, equal on every supported host. It reads own enumerable data properties in
// their order, runs no accessor, and looks at no more than the first thousand parts.

import { ActorRef } from "../kernel/cell.ts";

const partsMax = 1_000;
const textMax = 1_000;

/** One step of a hash: the finishing of MurmurHash3 (A. Appleby, 2011, public domain) over a running word. */
export function mix(hash: number, word: number): number {
  let w = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  w = Math.imul(w ^ (w >>> 13), 0xc2b2ae35);
  const h = hash ^ (w ^ (w >>> 16));
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

export function textDigest(text: string): number {
  let hash = text.length;
  const length = Math.min(text.length, textMax);
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash, length);
}

export function digest(value: unknown): number {
  if (typeof value !== "object" || value === null) return leaf(value);
  let hash = 0;
  let parts = 0;
  const stack: unknown[] = [value];
  while (stack.length > 0 && parts < partsMax) {
    const part = stack.pop();
    parts++;
    if (typeof part !== "object" || part === null) hash = mix(hash, leaf(part));
    else if (part instanceof ActorRef) hash = mix(hash, textDigest(part.path));
    else if (part instanceof Error) hash = mix(hash, errorDigest(part));
    else if (part instanceof Date) hash = mix(hash, leaf(part.getTime()));
    else if (part instanceof Map) stack.push(...part.keys(), ...part.values(), part.size);
    else if (part instanceof Set) stack.push(...part, part.size);
    else if (ArrayBuffer.isView(part)) hash = mix(hash, bytesDigest(part));
    else {
      const keys = Object.keys(part);
      hash = mix(hash, keys.length);
      const isList = Array.isArray(part);
      for (const key of keys) {
        if (!isList) hash = mix(hash, textDigest(key));
        stack.push(Object.getOwnPropertyDescriptor(part, key)?.value);
      }
    }
  }
  return hash;
}

const words = new Float64Array(1);
const halves = new Uint32Array(words.buffer);

function leaf(value: unknown): number {
  switch (typeof value) {
    case "number":
      // One zero, one NaN.
      words[0] = value === 0 ? 0 : Number.isNaN(value) ? Number.NaN : value;
      return Number.isNaN(value) ? 0x7ff8 : mix(halves[0] as number, halves[1] as number);
    case "string":
      return textDigest(value);
    case "bigint":
      return textDigest(String(value));
    case "boolean":
      return value ? 0x51ed : 0x2a1f;
    case "undefined":
      return 0x11;
    default:
      return value === null ? 0x13 : 0x17;
  }
}

/** Its class and our code: its text is the host's. */
function errorDigest(error: Error): number {
  const tag: unknown = Object.getOwnPropertyDescriptor(error, "_tag")?.value;
  return textDigest(typeof tag === "string" ? tag : "Error");
}

function bytesDigest(view: ArrayBufferView): number {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, Math.min(view.byteLength, textMax));
  let hash = view.byteLength;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
