// What is not ours as bytes of a codec, and how bytes of that kind stand in a snapshot: behind a head that can be read
// whatever the codec has become.
//
//    u32  bytes of the head          little-endian, as all numbers
//    the head: JSON in UTF-8
//    for each part, in order: u32 its length and its bytes

import { bytesOf, type Codec, jsonCodec, jsonOf } from "./codec.ts";
import { Undecodable } from "./failure-journal.ts";

/** Of records and snapshots. */
export const formatVersion = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A payload, or a value, that a codec has written. It is read when somebody needs it. */
export class Sealed {
  /** What stands for its bytes: JSON stays text as long as it is in memory, which takes a fifth of the room if it is short. */
  readonly as: Uint8Array | string;

  constructor(as: Uint8Array | string) {
    this.as = as;
  }

  get bytes(): Uint8Array {
    return typeof this.as === "string" ? bytesOf(this.as) : this.as;
  }
}

/** What is no value stays what it is. Fails: as the codec does. */
export function seal(codec: Codec | undefined, value: unknown): unknown {
  if (codec === undefined || value === undefined) return value;
  return new Sealed(codec === jsonCodec ? jsonOf(value) : codec.encode(value));
}

/** The value; Undecodable is given, not thrown. */
export function unseal(codec: Codec | undefined, value: unknown): unknown {
  if (!(value instanceof Sealed)) return value;
  if (codec === undefined) return new Undecodable("It was written by a codec, and there is none now.");
  try {
    if (typeof value.as === "string" && codec === jsonCodec) return JSON.parse(value.as) as unknown;
    return codec.decode(value.bytes);
  } catch (error) {
    if (error instanceof Undecodable) return error;
    return new Undecodable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Sets what is sealed apart: the parts of one head. */
export class Parts {
  readonly bytes: Uint8Array[] = [];

  /** What stands in the head for it: undefined, or which part, from 1. */
  put(value: unknown): number | undefined {
    return value instanceof Sealed ? this.bytes.push(value.bytes) : undefined;
  }
}

/** Its head says nothing but what JSON can. */
export function packed(head: unknown, { bytes: parts }: Parts): Uint8Array {
  const text = JSON.stringify(head);
  let length = 4 + text.length;
  for (const part of parts) length += 4 + part.length;
  let record = new Uint8Array(length);
  let { read, written } = encoder.encodeInto(text, record.subarray(4, 4 + text.length));
  if (read < text.length) {
    // Not all of it is ASCII.
    const first = encoder.encode(text);
    record = new Uint8Array(length + first.length - text.length);
    record.set(first, 4);
    written = first.length;
  }
  const view = new DataView(record.buffer);
  view.setUint32(0, written, true);
  let at = 4 + written;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    record.set(part, at + 4);
    at += 4 + part.length;
  }
  return record;
}

/** Fails: RangeError, SyntaxError, TypeError, for what is not packed. */
export function unpacked(record: Uint8Array): { head: unknown; part: (index: unknown) => Sealed | undefined } {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  let at = 0;
  const next = () => {
    const from = at + 4;
    at = from + view.getUint32(at, true);
    if (at > record.length) throw new RangeError(`found ${record.length} bytes, expected ${at}`);
    return record.subarray(from, at);
  };
  const head: unknown = JSON.parse(decoder.decode(next()));
  const parts: Sealed[] = [];
  while (at < record.length) parts.push(new Sealed(next()));
  return { head, part: (index) => (typeof index === "number" ? parts[index - 1] : undefined) };
}
