// What is not ours as bytes of a codec, and how bytes of that kind stand in a record or snapshot: behind a head that can
// be read whatever the codec has become.
//
//    u32  bytes of the head          little-endian, as all numbers
//    the head: JSON in UTF-8
//    for each part, in order: u32 its length and its bytes

import type { Codec } from "./codec.ts";
import { Undecodable } from "./failure-journal.ts";

/** Of records and snapshots. */
export const formatVersion = 2;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A payload, or a value, that a codec has written. It is read when somebody needs it. */
export class Sealed {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** What is no value stays what it is. Fails: as the codec does. */
export function seal(codec: Codec | undefined, value: unknown): unknown {
  return codec === undefined || value === undefined ? value : new Sealed(codec.encode(value));
}

/** The value; Undecodable is given, not thrown. */
export function unseal(codec: Codec | undefined, value: unknown): unknown {
  if (!(value instanceof Sealed)) return value;
  if (codec === undefined) return new Undecodable("It was written by a codec, and there is none now.");
  try {
    return codec.decode(value.bytes);
  } catch (error) {
    if (error instanceof Undecodable) return error;
    return new Undecodable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Sets what is sealed apart: the parts of one record. */
export class Parts {
  readonly bytes: Uint8Array[] = [];

  /** What stands in the head for it: undefined, or which part, from 1. */
  put(value: unknown): number | undefined {
    return value instanceof Sealed ? this.bytes.push(value.bytes) : undefined;
  }
}

/** One record. Its head says nothing but what JSON can. */
export function packed(head: unknown, { bytes: parts }: Parts): Uint8Array {
  const first = encoder.encode(JSON.stringify(head));
  let length = 4 + first.length;
  for (const part of parts) length += 4 + part.length;
  const record = new Uint8Array(length);
  const view = new DataView(record.buffer);
  let at = 0;
  for (const one of [first, ...parts]) {
    view.setUint32(at, one.length, true);
    record.set(one, at + 4);
    at += 4 + one.length;
  }
  return record;
}

/** Fails: RangeError, SyntaxError, TypeError, for what is no record of this kind. */
export function unpacked(record: Uint8Array): { head: unknown; part: (index: unknown) => Sealed | undefined } {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const parts: Sealed[] = [];
  let head: unknown;
  for (let at = 0; at < record.length; ) {
    const from = at + 4;
    at = from + view.getUint32(at, true);
    if (at > record.length) throw new RangeError(`found ${record.length} bytes, expected ${at}`);
    const bytes = record.subarray(from, at);
    if (from === 4) head = JSON.parse(decoder.decode(bytes));
    else parts.push(new Sealed(bytes));
  }
  return { head, part: (index) => (typeof index === "number" ? parts[index - 1] : undefined) };
}
