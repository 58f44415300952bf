// What is on its way on links whose latency is a span: when it may arrive at the latest, and behind what.

import type { Cell } from "../kernel/cell.ts";
import type { Timed } from "../kernel/operation.ts";
import { type Arrival, Reply } from "./event.ts";
import type { Link, Links } from "./link.ts";

interface Travelling {
  /** Of virtual time. */
  readonly untilMs: number;
  /** What was sent before it on its link. */
  readonly behind: Timed | undefined;
}

export class Windows {
  readonly #travelling = new Map<Timed, Travelling>();
  /** By link, what was sent last. */
  readonly #sent = new Map<Link, Timed>();

  /** Something is sent that may arrive from `at` on, in ms. */
  add(links: Links, timed: Arrival | Reply, at: number): void {
    const [from, to] =
      timed instanceof Reply ? [timed.request.to, timed.request.from] : [timed.origin.sender as Cell, timed.to];
    const link = links.between(from, to);
    // What a fault reorders is nowhere in the line.
    if (link === undefined || link.lastMs !== at) return;
    const behind = this.#sent.get(link);
    const beforeMs = behind === undefined ? 0 : (this.#travelling.get(behind)?.untilMs ?? 0);
    this.#travelling.set(timed, { untilMs: Math.max(at + link.spanMs, beforeMs), behind });
    this.#sent.set(link, timed);
  }

  /** When it comes at the latest; what has no window comes when it is due. */
  untilMs(timed: Timed): number {
    return this.#travelling.get(timed)?.untilMs ?? timed.at;
  }

  /** What was sent before it has arrived. */
  isFirst(timed: Timed): boolean {
    return this.#travelling.get(timed)?.behind?.armed !== true;
  }

  delete(timed: Timed): void {
    this.#travelling.delete(timed);
  }

  clear(): void {
    this.#travelling.clear();
    this.#sent.clear();
  }
}
