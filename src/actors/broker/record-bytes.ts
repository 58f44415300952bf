// Events as the bytes of a record, and back. What happens to every message has a form of its own, the rest is JSON. All
// numbers are little-endian.
//
//    u32           0xffffff00 and the version of the format
//    for each event: u8 its kind, and
//      published   its name's topic, f64 number, f64 time, id, name of its type, u16 which fields, and these, see `has`
//      leased      names of topic and subscription, f64 number, f64 time, name of the consumer
//      settled     names of topic and subscription, f64 number, u8 fate
//      any other   u32 its length, and what `packed` makes of it
//
// A text is u32 twice its length, and 1 more if it is not ASCII and its units take two bytes each, and the units. A name is
// u32 which of the names in this record it is, from 0, and where it is there for the first time its text.

import type { Draft, Fate, Published, StoreEvent } from "./event.ts";
import { formatVersion, Parts, packed, Sealed, unpacked } from "./sealed.ts";

const magic = 0xffff_ff00;
const kinds = { other: 0, published: 1, leased: 2, settled: 3 } as const;
const fates: readonly Fate[] = ["acked", "dead", "expired", "dropped"];
/** Which fields a published message has; the others are undefined, 0 or empty. In this order. */
const has = {
  key: 1,
  tag: 2,
  same: 4,
  notBefore: 8,
  expiresAt: 16,
  sizeBytes: 32,
  priority: 64,
  failures: 128,
  /** `to` and `history`, as JSON. */
  rest: 256,
  payload: 512,
} as const;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
type Rest = Partial<Pick<Published, "to" | "history">>;
const noRest: Rest = {};
/** Units of a text that the encoder's call would take longer for. */
const shortText = 512;
const firstBytes = 4_096;
/** What a record has grown to beyond this is given back. */
const keptBytes = 1 << 20;

/** Collects the events of a record. */
export class RecordWriter {
  #bytes: Uint8Array = new Uint8Array(firstBytes);
  #view: DataView = new DataView(this.#bytes.buffer);
  #at = 0;
  readonly #names: Map<string, number> = new Map();
  /** How many it has. */
  events = 0;

  write(event: StoreEvent): void {
    switch (event.kind) {
      case "published":
        this.published(event.topic, event, event.seq, event.at);
        return;
      case "leased":
        this.leased(event.topic, event.name, event.seq, event.at, event.consumer);
        return;
      case "settled":
        this.settled(event.topic, event.name, event.seq, event.fate);
        return;
      default:
        this.#other(event);
    }
  }

  published(topic: string, draft: Draft, seq: number, at: number): void {
    const { key, tag, same, notBefore, expiresAt, sizeBytes, priority, failures, to, history, payload } = draft;
    this.#begin(kinds.published);
    this.#name(topic);
    this.#f64(seq);
    this.#f64(at);
    this.#text(draft.id);
    this.#name(draft.type);
    let fields = 0;
    if (key !== undefined) fields |= has.key;
    if (tag !== undefined) fields |= has.tag;
    if (same !== "") fields |= has.same;
    if (notBefore !== 0) fields |= has.notBefore;
    if (expiresAt !== 0) fields |= has.expiresAt;
    if (sizeBytes !== 0) fields |= has.sizeBytes;
    if (priority !== 0) fields |= has.priority;
    if (failures !== 0) fields |= has.failures;
    if (to !== undefined || history !== undefined) fields |= has.rest;
    if (payload instanceof Sealed) fields |= has.payload;
    this.#u8(fields & 255);
    this.#u8(fields >> 8);
    if (key !== undefined) this.#text(key);
    if (tag !== undefined) this.#text(tag);
    if (same !== "") this.#text(same);
    if (notBefore !== 0) this.#f64(notBefore);
    if (expiresAt !== 0) this.#f64(expiresAt);
    if (sizeBytes !== 0) this.#f64(sizeBytes);
    if (priority !== 0) this.#f64(priority);
    if (failures !== 0) this.#f64(failures);
    if ((fields & has.rest) !== 0) this.#text(JSON.stringify({ to, history }));
    if (payload instanceof Sealed) this.#sealed(payload);
  }

  leased(topic: string, name: string, seq: number, at: number, consumer: string): void {
    this.#begin(kinds.leased);
    this.#name(topic);
    this.#name(name);
    this.#f64(seq);
    this.#f64(at);
    this.#name(consumer);
  }

  settled(topic: string, name: string, seq: number, fate: Fate): void {
    this.#begin(kinds.settled);
    this.#name(topic);
    this.#name(name);
    this.#f64(seq);
    this.#u8(fates.indexOf(fate));
  }

  /** The record; the next one begins. */
  take(): Uint8Array {
    const record = this.#bytes.slice(0, this.#at);
    if (this.#bytes.length > keptBytes) {
      this.#bytes = new Uint8Array(firstBytes);
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#at = 0;
    this.events = 0;
    this.#names.clear();
    return record;
  }

  #other(event: StoreEvent): void {
    const parts = new Parts();
    const told = event.kind === "kept" ? { ...event, value: parts.put(event.value) } : event;
    this.#begin(kinds.other);
    this.#part(packed(told, parts));
  }

  #begin(kind: number): void {
    if (this.events++ === 0) this.#u32(magic + formatVersion);
    this.#u8(kind);
  }

  #u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  #u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  #f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  #part(bytes: Uint8Array): void {
    this.#u32(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** A part; a short text of ASCII without a detour. */
  #sealed(sealed: Sealed): void {
    const { as } = sealed;
    if (typeof as === "string" && as.length <= shortText) {
      this.#reserve(4 + as.length);
      if (this.#units(as, this.#at + 4) < 128) {
        this.#view.setUint32(this.#at, as.length, true);
        this.#at += 4 + as.length;
        return;
      }
    }
    this.#part(sealed.bytes);
  }

  #name(name: string): void {
    const known = this.#names.get(name);
    this.#u32(known ?? this.#names.size);
    if (known !== undefined) return;
    this.#names.set(name, this.#names.size);
    this.#text(name);
  }

  #text(text: string): void {
    const { length } = text;
    this.#reserve(4 + 2 * length);
    const isWide = this.#units(text, this.#at + 4) > 127;
    this.#u32(2 * length + (isWide ? 1 : 0));
    if (isWide) for (let i = 0; i < length; i++) this.#view.setUint16(this.#at + 2 * i, text.charCodeAt(i), true);
    this.#at += isWide ? 2 * length : length;
  }

  /** Writes the low byte of each unit from `at` on. Gives the bits that are in any unit. */
  #units(text: string, at: number): number {
    const bytes = this.#bytes;
    let units = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      units |= unit;
      bytes[at + i] = unit;
    }
    return units;
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + more));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** The events of a record. Fails: whatever it is that makes it no record. */
export function eventsOf(record: Uint8Array): Iterable<StoreEvent> {
  return new RecordReader(record).events();
}

class RecordReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 4;
  readonly #names: string[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const version = versionOf(bytes, this.#view.getUint32(0, true));
    if (version !== formatVersion) throw new Error(`found version ${version} of the format, expected ${formatVersion}`);
  }

  *events(): Generator<StoreEvent> {
    while (this.#at < this.#bytes.length) yield this.#event(this.#u8());
  }

  #event(kind: number): StoreEvent {
    switch (kind) {
      case kinds.published:
        return this.#published();
      case kinds.leased: {
        const topic = this.#name();
        const name = this.#name();
        const seq = this.#f64();
        const at = this.#f64();
        return { kind: "leased", topic, name, seq, at, consumer: this.#name() };
      }
      case kinds.settled: {
        const topic = this.#name();
        const name = this.#name();
        const seq = this.#f64();
        return { kind: "settled", topic, name, seq, fate: fates[this.#u8()] as Fate };
      }
      case kinds.other: {
        const { head, part } = unpacked(this.#part());
        const event = head as StoreEvent;
        return event.kind === "kept" ? { ...event, value: part(event.value) } : event;
      }
      default:
        throw new Error(`found an event of kind ${kind}`);
    }
  }

  #published(): Published {
    const topic = this.#name();
    const seq = this.#f64();
    const at = this.#f64();
    const id = this.#text();
    const type = this.#name();
    const fields = this.#u8() | (this.#u8() << 8);
    const key = (fields & has.key) === 0 ? undefined : this.#text();
    const tag = (fields & has.tag) === 0 ? undefined : this.#text();
    const same = (fields & has.same) === 0 ? "" : this.#text();
    const notBefore = (fields & has.notBefore) === 0 ? 0 : this.#f64();
    const expiresAt = (fields & has.expiresAt) === 0 ? 0 : this.#f64();
    const sizeBytes = (fields & has.sizeBytes) === 0 ? 0 : this.#f64();
    const priority = (fields & has.priority) === 0 ? 0 : this.#f64();
    const failures = (fields & has.failures) === 0 ? 0 : this.#f64();
    const { to, history } = (fields & has.rest) === 0 ? noRest : (JSON.parse(this.#text()) as Rest);
    const payload = (fields & has.payload) === 0 ? undefined : new Sealed(this.#part());
    // One literal, and not parts of one that are put together: a million of them are read in a recovery.
    return {
      kind: "published",
      topic,
      seq,
      id,
      key,
      type,
      payload,
      at,
      notBefore,
      expiresAt,
      sizeBytes,
      tag,
      priority,
      same,
      to,
      history,
      failures,
    };
  }

  #u8(): number {
    return this.#view.getUint8(this.#at++);
  }

  #u32(): number {
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  #f64(): number {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  #part(): Uint8Array {
    const length = this.#u32();
    return this.#next(length);
  }

  #next(length: number): Uint8Array {
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length)
      throw new RangeError(`found ${this.#bytes.length} bytes, expected ${this.#at} or more`);
    return this.#bytes.subarray(from, this.#at);
  }

  #name(): string {
    const index = this.#u32();
    if (index === this.#names.length) this.#names.push(this.#text());
    const name = this.#names[index];
    if (name === undefined) throw new RangeError(`found name ${index}, expected one of ${this.#names.length}`);
    return name;
  }

  #text(): string {
    const said = this.#u32();
    const isWide = (said & 1) === 1;
    const from = this.#at;
    const bytes = this.#next(isWide ? 2 * (said >>> 1) : said >>> 1);
    if (!isWide) return decoder.decode(bytes);
    let text = "";
    for (let at = from; at < this.#at; at += 2) text += String.fromCharCode(this.#view.getUint16(at, true));
    return text;
  }
}

/** Earlier ones were JSON behind its length. */
function versionOf(record: Uint8Array, first: number): number {
  return first >= magic ? first - magic : (unpacked(record).head as { v: number }).v;
}
