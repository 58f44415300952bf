// What is on its way between two actors: when it may arrive at the latest, and behind what. First in, first out: what is
// sent later arrives later, unless a fault reorders it, also where times say nothing.

import type { Cell } from "../kernel/cell.ts";
import type { Timed } from "../kernel/operation.ts";
import { Arrival, Reply } from "./event.ts";
import type { Links } from "./link.ts";

interface Travelling {
  /** All that is on its way between the two, in the order of sending; without what a fault reorders. */
  readonly line: Timed[];
  /** Of virtual time. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** What comes sooner than that passes it, as an outage may hold one of two messages; 0 once that is over. */
  heldMs: number;
}

export class Windows {
  readonly #travelling = new Map<Timed, Travelling>();
  /** By the paths of the two, as links are. */
  readonly #lines = new Map<string, Timed[]>();

  /** Something is sent that may arrive from `at` on, in ms; or what was sent may now. */
  add(links: Links, timed: Arrival | Reply, at: number): void {
    const isReply = timed instanceof Reply;
    const [from, to] = isReply ? [timed.request.to, timed.request.from] : [timed.origin.sender as Cell, timed.to];
    const link = links.between(from, to);
    // Where nothing travels, answers are free to come in any order.
    if (link === undefined && isReply) return;
    const known = this.#travelling.get(timed);
    const line = known?.line ?? (link?.isReordered === true ? [] : this.#lineOf(from, to));
    const fromMs = known?.fromMs ?? at;
    const soonestMs = (isReply ? undefined : timed.withoutOutageMs) ?? at;
    let untilMs = Math.max(at, soonestMs + (link?.spanMs ?? 0));
    for (const one of line) {
      if (one === timed) break;
      if (this.#isAhead(one, fromMs)) untilMs = Math.max(untilMs, this.untilMs(one));
    }
    this.#travelling.set(timed, { line, fromMs, untilMs, heldMs: known?.heldMs ?? at });
    if (known === undefined) line.push(timed);
  }

  /** No outage holds these any more: nothing passes what is on its way to them. */
  hasten(fits: (path: string) => boolean): void {
    for (const [timed, own] of this.#travelling) if (timed instanceof Arrival && fits(timed.to.path)) own.heldMs = 0;
  }

  /** What is sent at this time, in ms, comes after something that is on its way. */
  hasBefore(from: Cell, to: Cell, atMs: number): boolean {
    if (this.#travelling.size === 0) return false;
    return this.#lineOf(from, to).some((one) => this.#isAhead(one, atMs));
  }

  #lineOf(from: Cell, to: Cell): Timed[] {
    const name = `${from.path}>${to.path}`;
    let line = this.#lines.get(name);
    if (line === undefined) this.#lines.set(name, (line = []));
    return line;
  }

  /** When it comes at the latest; what has no window comes when it is due. */
  untilMs(timed: Timed): number {
    return this.#travelling.get(timed)?.untilMs ?? timed.at;
  }

  /** What it comes after has arrived. */
  isFirst(timed: Timed): boolean {
    const own = this.#travelling.get(timed);
    if (own === undefined) return true;
    return own.line.find((one) => one === timed || this.#isAhead(one, own.fromMs)) === timed;
  }

  #isAhead(one: Timed, ofMs: number): boolean {
    return (this.#travelling.get(one) as Travelling).heldMs <= ofMs;
  }

  delete(timed: Timed): void {
    const own = this.#travelling.get(timed);
    if (own === undefined) return;
    this.#travelling.delete(timed);
    own.line.splice(own.line.indexOf(timed), 1);
  }

  clear(): void {
    this.#travelling.clear();
    this.#lines.clear();
  }
}
