// A 32-bit digest of a value by what it says, equal on every supported host. It reads own enumerable data properties in
// their order, runs no accessor, and looks at no more than the first thousand parts, outer ones first.

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
  const objects: object[] = [value];
  let hash = 0;
  left = partsMax;
  try {
    for (let i = 0; i < objects.length; i++) hash = mix(hash, objectDigest(objects[i] as object, objects));
  } catch {
    // A proxy that can not be read says nothing.
    hash = mix(hash, 0x1d);
  }
  return hash;
}

/** How many parts may still be looked at. */
let left = 0;

/** Of one object with what is in it, but for the objects in it, which are added to `objects`. */
function objectDigest(object: object, objects: object[]): number {
  const isList = Array.isArray(object);
  const special = isList || Object.getPrototypeOf(object) === Object.prototype ? undefined : contentOf(object);
  if (typeof special === "number") return special;
  const keys = isList ? object.keys() : (special ?? Object.keys(object));
  let hash = isList ? mix(0x5b, object.length) : 0x7b;
  for (const key of keys) {
    if (left-- <= 0) break;
    let part: unknown = key;
    if (special === undefined) {
      if (!isList) hash = mix(hash, textDigest(key as string));
      part = Object.getOwnPropertyDescriptor(object, key as PropertyKey)?.value;
    }
    if (typeof part === "object" && part !== null) objects.push(part);
    else hash = mix(hash, leaf(part));
  }
  return hash;
}

/** A digest, or what is in it; undefined when that are its properties. */
function contentOf(object: object): number | Iterable<unknown> | undefined {
  if (object instanceof ActorRef) return textDigest(object.path);
  if (object instanceof Error) return errorDigest(object);
  if (object instanceof Date) return leaf(object.getTime());
  if (ArrayBuffer.isView(object)) return bytesDigest(object);
  if (object instanceof ArrayBuffer) return bytesDigest(new Uint8Array(object));
  if (object instanceof Map) return flat(object);
  return object instanceof Set ? object : undefined;
}

function* flat(map: Map<unknown, unknown>): Generator<unknown> {
  for (const entry of map) yield* entry;
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
