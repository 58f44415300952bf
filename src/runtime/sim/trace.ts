// What happened in a run, in order, and its hash. Two runs are equal when their hashes are: what goes in are names,
// virtual times as their 64 bits, fates, digests of payloads and numbers of draws; what stays out is whatever a host may
// differ in: texts and stacks of errors, ids, host time, barriers.

import type { Cell } from "../kernel/cell.ts";
import type { Step } from "../kernel/core.ts";
import { digest, mix } from "./digest.ts";
import type { Event, Names, Prefix } from "./names.ts";

/**
 * `start`: a message, or a turn, begins. `reply`: an asker learns. `due`: time has come. `noted`: what an actor's library
 * says of it. Else the fate of a message.
 */
export type TraceKind =
  | "start"
  | "reply"
  | "due"
  | "arrive"
  | "fault"
  | "lost"
  | Exclude<Step, "sent" | "accepted" | "started">;

export class TraceEntry {
  /** The event of the run in which it happened, counted from 1. */
  readonly step: number;
  /** Virtual time in ms. */
  readonly at: number;
  readonly kind: TraceKind;
  /** Of the payload, or of the answer; 0 without. */
  readonly digest: number;
  /** How often the actor had drawn random numbers. */
  readonly draws: number;
  readonly #prefix: Prefix;
  readonly #n: number;

  constructor(step: number, at: number, kind: TraceKind, prefix: Prefix, n: number, digest: number, draws: number) {
    this.step = step;
    this.at = at;
    this.kind = kind;
    this.digest = digest;
    this.draws = draws;
    this.#prefix = prefix;
    this.#n = n;
  }

  get name(): string {
    return this.#n === 0 ? this.#prefix.text : `${this.#prefix.text}#${this.#n}`;
  }

  /** The actor in which it happened. */
  get path(): string {
    return this.#prefix.path;
  }

  toString(): string {
    return `${String(this.step).padStart(6)}  ${this.at} ms  ${this.kind.padEnd(11)} ${this.name}`;
  }

  /** Two entries alike in all that the hash sees. */
  equals(other: TraceEntry): boolean {
    const { step, at, kind, digest, draws } = this;
    return (
      step === other.step &&
      at === other.at &&
      kind === other.kind &&
      digest === other.digest &&
      draws === other.draws &&
      this.name === other.name
    );
  }
}

export class Trace {
  readonly names: Names;
  readonly entries: TraceEntry[] = [];
  readonly #limit: number;
  /** Gets each entry as it comes: to compare two runs. */
  readonly #check: ((entry: TraceEntry, index: number) => void) | undefined;
  #count = 0;
  readonly #draws = new Map<Cell, number>();
  #high = 0x9e3779b9;
  #low = 0x243f6a88;

  /** Keeps the first `limit` entries; the hash is of all. */
  constructor(names: Names, limit: number, check?: (entry: TraceEntry, index: number) => void) {
    this.names = names;
    this.#limit = limit;
    this.#check = check;
  }

  get hash(): string {
    const word = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
    return word(mix(this.#high, this.#count)) + word(mix(this.#low, this.#high));
  }

  drew(cell: Cell): void {
    this.#draws.set(cell, (this.#draws.get(cell) ?? 0) + 1);
  }

  event(step: number, at: number, kind: TraceKind, event: Event, cell: Cell, payload: unknown): void {
    this.#add(step, at, kind, event.prefix, event.n, payload, cell);
  }

  /** The end of a message, or what else became of it: such lines have no number. */
  fate(step: number, at: number, kind: TraceKind, cell: Cell, type: string): void {
    this.#add(step, at, kind, this.names.fate(cell, type), 0, undefined, cell);
  }

  #add(step: number, at: number, kind: TraceKind, prefix: Prefix, n: number, payload: unknown, cell: Cell): void {
    const content = payload === undefined ? 0 : digest(payload);
    const draws = this.#draws.size === 0 ? 0 : (this.#draws.get(cell) ?? 0);
    words[0] = at;
    let { low, high } = { low: this.#low, high: this.#high };
    low = mix(low, prefix.hash);
    high = mix(high, n);
    low = mix(low, halves[0] as number);
    high = mix(high, halves[1] as number);
    low = mix(low, content);
    high = mix(high, (draws << 5) ^ kinds.indexOf(kind));
    this.#low = low ^ high;
    this.#high = mix(high, low);
    const index = this.#count++;
    if (index >= this.#limit && this.#check === undefined) return;
    const entry = new TraceEntry(step, at, kind, prefix, n, content, draws);
    if (index < this.#limit) this.entries.push(entry);
    this.#check?.(entry, index);
  }
}

const words = new Float64Array(1);
const halves = new Uint32Array(words.buffer);
/** In the order in which they were first given a number: a hash depends on it. */
const kinds: readonly TraceKind[] = [
  "start",
  "reply",
  "due",
  "arrive",
  "fault",
  "lost",
  "handled",
  "refused",
  "crashed",
  "expired",
  "cancelled",
  "dropped",
  "dead",
  "turned-away",
  "forwarded",
  "held",
  "noted",
];
