// Services that can not be reached. Who waits for an answer is turned away at once; what nobody waits for stays queued in
// front of the service until it is back. That asymmetry is what the two ways to communicate are about.

import type { Cell } from "../kernel/cell.ts";
import { milliseconds } from "../kernel/duration.ts";
import type { Origin } from "../kernel/mailbox.ts";
import type { Selector } from "../kernel/names.ts";
import { keyed } from "../kernel/random.ts";
import { Unavailable } from "./failure.ts";
import { type Fault, pattern, windowOf } from "./fault.ts";

type OutageFault = Extract<Fault, { kind: "down" | "unavailable" }>;

interface Outage {
  readonly fault: OutageFault;
  readonly fits: (path: string) => boolean;
  readonly fromMs: number;
  readonly toMs: number;
  struck: number;
}

export class Outages {
  readonly #seed: number;
  readonly #outages: Outage[] = [];
  #healed: (path: string) => boolean = () => false;
  /** By actor, those that fit its path. */
  #of = new Map<Cell, readonly Outage[]>();
  /** Until when those are out that a drawn outage has met, by path and key. */
  readonly #until = new Map<string, number>();
  #puts = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Gives how often it struck so far. */
  add(fault: OutageFault): () => number {
    const target = pattern("target", fault.target);
    const fits = (path: string) => target(path) && !this.#healed(path);
    const outage = { fault, fits, ...windowOf(fault), struck: 0 };
    this.#outages.push(outage);
    this.#of = new Map();
    return () => outage.struck;
  }

  /** Ends those of these actors, also those to come. */
  heal(fits: (path: string) => boolean): void {
    const before = this.#healed;
    this.#healed = (path) => before(path) || fits(path);
    this.#of = new Map();
  }

  /** What becomes of a message that is put now: turned away, or there at a later time; undefined when nothing is out. */
  strike(to: Cell, { name }: Selector, { request }: Origin, nowMs: number): Unavailable | number | undefined {
    if (this.#outages.length === 0) return undefined;
    const outages = this.#outagesOf(to);
    if (outages.length === 0) return undefined;
    const { path } = to;
    const key = request?.key ?? ++this.#puts;
    let thereMs: number | undefined;
    for (const outage of outages) {
      if (nowMs < outage.fromMs || nowMs > outage.toMs) continue;
      if (nowMs === outage.toMs) {
        // What waited for this instant may not be there yet: nothing passes it.
        if (outage.fault.kind === "down") thereMs ??= nowMs;
        continue;
      }
      const backMs = this.#backMs(outage, path, key, nowMs);
      if (backMs === undefined) continue;
      outage.struck++;
      if (request !== undefined && request.verb !== "tell")
        return new Unavailable(
          `${path} can not be reached: ${name} was turned away. Tell it, or ask again later.`,
          "not-started",
        );
      // Where several hold, it waits for the last.
      thereMs = Math.max(thereMs ?? nowMs, backMs);
    }
    return thereMs;
  }

  #outagesOf(cell: Cell): readonly Outage[] {
    let found = this.#of.get(cell);
    if (found === undefined) this.#of.set(cell, (found = this.#outages.filter(({ fits }) => fits(cell.path))));
    return found;
  }

  /** When it is back for this message; undefined when it is there. A drawn outage begins when it is first met. */
  #backMs({ fault, toMs }: Outage, path: string, key: string | number, nowMs: number): number | undefined {
    if (fault.kind === "down") return toMs;
    if (keyed(this.#seed, `unavailable ${path}`, key) >= fault.share) return undefined;
    const met = `${path} ${key}`;
    let untilMs = this.#until.get(met);
    if (untilMs === undefined) {
      const drawn = keyed(this.#seed, `back ${path}`, key);
      this.#until.set(met, (untilMs = nowMs - milliseconds("back", fault.back) * Math.log(1 - drawn)));
    }
    return nowMs < untilMs ? untilMs : undefined;
  }
}
