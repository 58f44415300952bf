// How groups of records and snapshots stand in a journal, whatever the driver: framed, numbered and checksummed, so that
// what is cut, damaged or foreign is found. All numbers are little-endian.
//
//    0  3 bytes  "APH"                    16  u64  number of the group; groups of one journal have no gaps
//    3  u8       version of the format    24  u32  bytes of the body
//    4  u8       kind                     28  u32  CRC-32 of part and body
//    5  u8       bytes of the part        32  u32  CRC-32 of bytes 0 to 32
//    6  2 bytes  0                        36  the part: the name of the journal in its store, in UTF-8
//    8  u64      opening: which one           the body: for a group u32 the number of records, then each record,
//                wrote it                     u32 its length and its bytes; for a snapshot the snapshot

import { JournalCorrupt, type Place } from "./failure-journal.ts";
import { crc32 } from "./format-crc.ts";

const formatVersion = 1;
export const headerBytes = 36;
export const kinds: { readonly group: 1; readonly snapshot: 2 } = { group: 1, snapshot: 2 };
/** Of one frame: its header counts bytes in 32 bits, and what is above this is taken for damage. */
const bodyBytesMax = 0x7fff_ffff;

/** One group, or one snapshot. */
export interface Frame {
  readonly kind: number;
  /** From 1, without gaps. A snapshot has a number as well. */
  readonly group: number;
  /** Which opening of the journal wrote it, from 1. */
  readonly opening: number;
  /** The name of the journal in its store, in UTF-8. */
  readonly part: Uint8Array;
  readonly body: Uint8Array;
}

/** Cost: one copy and one checksum of the records, about 3 ns/byte. */
export function encodeGroup(
  group: number,
  opening: number,
  records: readonly Uint8Array[],
  part: Uint8Array = none,
): Uint8Array {
  let bytes = 4;
  for (const record of records) bytes += 4 + record.length;
  const frame = new Uint8Array(headerBytes + part.length + bytes);
  const view = new DataView(frame.buffer);
  let at = headerBytes + part.length;
  view.setUint32(at, records.length, true);
  at += 4;
  for (const record of records) {
    view.setUint32(at, record.length, true);
    frame.set(record, at + 4);
    at += 4 + record.length;
  }
  return seal(frame, view, kinds.group, group, opening, part);
}

export function encodeSnapshot(
  group: number,
  opening: number,
  snapshot: Uint8Array,
  part: Uint8Array = none,
): Uint8Array {
  const frame = new Uint8Array(headerBytes + part.length + snapshot.length);
  frame.set(snapshot, headerBytes + part.length);
  return seal(frame, new DataView(frame.buffer), kinds.snapshot, group, opening, part);
}

const none: Uint8Array = new Uint8Array(0);

function seal(
  frame: Uint8Array,
  view: DataView,
  kind: number,
  group: number,
  opening: number,
  part: Uint8Array,
): Uint8Array {
  const bodyBytes = frame.length - headerBytes - part.length;
  if (bodyBytes > bodyBytesMax)
    throw new RangeError(
      `A group or snapshot of ${bodyBytes} bytes: at most ${bodyBytesMax} fit. Append fewer at a time.`,
    );
  frame.set(part, headerBytes);
  view.setUint32(0, 0x00_48_50_41 | (formatVersion << 24), true);
  view.setUint8(4, kind);
  view.setUint8(5, part.length);
  view.setBigUint64(8, BigInt(opening), true);
  view.setBigUint64(16, BigInt(group), true);
  view.setUint32(24, bodyBytes, true);
  view.setUint32(28, crc32(frame, headerBytes), true);
  view.setUint32(32, crc32(frame, 0, 32), true);
  return frame;
}

/** Why a frame can not be read; `cut` when bytes are missing and what is there may be the start of one. */
interface Unreadable {
  readonly why: string;
  readonly cut: boolean;
}

/** The frame at `offset`, without looking into its body; `bytes` may go on behind it. */
export function readFrame(bytes: Uint8Array, offset = 0): Frame | Unreadable {
  const left = bytes.length - offset;
  const magic = [0x41, 0x50, 0x48];
  for (let i = 0; i < Math.min(3, left); i++)
    if (bytes[offset + i] !== magic[i])
      return unreadable(`found ${hex(bytes, offset, 4)}, expected 41 50 48 (a frame of antiphon): damaged or foreign`);
  if (left < headerBytes) return { why: `found ${left} bytes, expected a header of ${headerBytes}: cut`, cut: true };
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, left);
  const version = view.getUint8(3);
  if (version !== formatVersion)
    return unreadable(
      `found format version ${version}, expected ${formatVersion}: ${version > formatVersion ? "written by a later antiphon, or damaged" : "damaged"}`,
    );
  const found = crc32(bytes, offset, offset + 32);
  if (found !== view.getUint32(32, true))
    return unreadable(`found header checksum ${found}, expected ${view.getUint32(32, true)}: damaged`);
  const bodyBytes = view.getUint32(24, true);
  const kind = view.getUint8(4);
  if (kind !== kinds.group && kind !== kinds.snapshot) return unreadable(`found kind ${kind}, expected 1 or 2`);
  const from = headerBytes + view.getUint8(5);
  if (left < from + bodyBytes)
    return { why: `found ${left - headerBytes} bytes of body, expected ${bodyBytes}: cut`, cut: true };
  const sum = crc32(bytes, offset + headerBytes, offset + from + bodyBytes);
  if (sum !== view.getUint32(28, true))
    return unreadable(`found checksum ${sum}, expected ${view.getUint32(28, true)}: damaged`);
  return {
    kind,
    group: Number(view.getBigUint64(16, true)),
    opening: Number(view.getBigUint64(8, true)),
    part: bytes.subarray(offset + headerBytes, offset + from),
    body: bytes.subarray(offset + from, offset + from + bodyBytes),
  };
}

export function isFrame(one: Frame | Unreadable): one is Frame {
  return "body" in one;
}

/** Bytes that the frame takes. */
export function frameBytes(frame: Frame): number {
  return headerBytes + frame.part.length + frame.body.length;
}

/** The records of a group, copies of nothing: they are views of the frame. Its checksum was right, so are its lengths. */
export function* recordsOf(frame: Frame): Generator<Uint8Array> {
  const { body } = frame;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const count = view.getUint32(0, true);
  let at = 4;
  for (let i = 0; i < count; i++) {
    const bytes = view.getUint32(at, true);
    yield body.subarray(at + 4, at + 4 + bytes);
    at += 4 + bytes;
  }
}

/** The frames of a file, in order, and the bytes behind the last whole one: those of a frame that was cut. */
interface Scan {
  readonly frames: readonly Frame[];
  readonly cutBytes: number;
}

/**
 * Reads a file of frames, one behind the other.
 *
 * Fails: JournalCorrupt at the first frame that can not be read, but for a last one that is cut: a crash while it was
 * written leaves that, and nothing of it was ever confirmed.
 */
export function scan(file: string, bytes: Uint8Array): Scan {
  const frames: Frame[] = [];
  let offset = 0;
  let next = 0;
  while (offset < bytes.length) {
    const frame = readFrame(bytes, offset);
    const place = { offset, group: next };
    if (!isFrame(frame)) {
      if (frame.cut) break;
      throw corrupt(file, place, frame.why);
    }
    if (next !== 0 && frame.group !== next)
      throw corrupt(
        file,
        place,
        `found group ${frame.group}, expected ${next}: groups are missing or in a wrong order`,
      );
    frames.push(frame);
    next = frame.group + 1;
    offset += frameBytes(frame);
  }
  return { frames, cutBytes: bytes.length - offset };
}

export function corrupt(file: string, place: Place, what: string): JournalCorrupt {
  return new JournalCorrupt(
    file,
    place,
    what,
    "Nothing was changed. Restore a copy, or repair it: that keeps what is readable and says what is lost",
  );
}

function unreadable(why: string): Unreadable {
  return { why, cut: false };
}

function hex(bytes: Uint8Array, from: number, count: number): string {
  return [...bytes.subarray(from, from + count)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
