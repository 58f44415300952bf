// What an exploration has tried, and what it may have missed.

import type { Cell } from "../kernel/cell.ts";
import type { Choice } from "./choice.ts";
import { mix } from "./digest.ts";
import type { StrategyName } from "./strategy/portfolio.ts";

/** Distinct orders that are kept apart; what is new beyond is counted as new. */
const ordersMax = 1_000_000;

/** How many runs a strategy had. */
export interface StrategyRuns {
  readonly strategy: StrategyName | "base" | "replay" | "exhaustive";
  readonly runs: number;
}

/** A bound on what was missed: for bugs that need `depth` orderings, the chance that all runs aimed at them missed one. */
export interface Bound {
  readonly depth: number;
  readonly runs: number;
  readonly missed: number;
}

export class Coverage {
  readonly #orders = new Map<number, number>();
  readonly #runs = new Map<StrategyRuns["strategy"], number>();
  /** Runs of PCT by the depth at which they aimed. */
  readonly #aimed = new Map<number, number>();
  /** How often something was reached that is to be reached at least once. */
  readonly reached: Map<string, number> = new Map();
  /** Every order that makes a difference was played. */
  isComplete = false;
  schedules = 0;
  steps = 0;
  /** The most choices between several events that a run had. */
  picksMax = 0;
  /** The most channels that a run had. */
  channelsMax = 0;
  /** Played twice, and equal. */
  compared = 0;
  /** Can not be repeated, as they depend on something from outside. */
  leaking = 0;

  add(strategy: StrategyRuns["strategy"], depth: number | undefined, happened: readonly Choice[], picks: number): void {
    this.schedules++;
    this.steps += happened.length;
    this.picksMax = Math.max(this.picksMax, picks);
    this.#runs.set(strategy, (this.#runs.get(strategy) ?? 0) + 1);
    if (strategy === "pct-channels" && depth !== undefined) this.#aimed.set(depth, (this.#aimed.get(depth) ?? 0) + 1);
    const order = this.#orderOf(happened);
    const seen = this.#orders.get(order);
    if (seen !== undefined || this.#orders.size < ordersMax) this.#orders.set(order, (seen ?? 0) + 1);
  }

  /** Orders that differ in what some actor saw before what. */
  get orders(): number {
    return this.#orders.size;
  }

  /**
   * The chance that one more run would show a new order.
   * Source: I. J. Good, "The population frequencies of species" (1953), the share of those seen once.
   */
  get unseen(): number {
    if (this.isComplete) return 0;
    if (this.schedules === 0) return 1;
    let once = 0;
    for (const times of this.#orders.values()) if (times === 1) once++;
    return once / this.schedules;
  }

  get runs(): readonly StrategyRuns[] {
    return [...this.#runs].map(([strategy, runs]) => ({ strategy, runs }));
  }

  /**
   * For n channels and k choices a run of PCT aimed at depth d finds such a bug with a chance of at least 1/(n·k^(d−1)).
   * n and k are the largest that were seen; a bug that makes runs longer than these is not covered.
   */
  get bounds(): readonly Bound[] {
    return [...this.#aimed]
      .sort(([a], [b]) => a - b)
      .map(([depth, runs]) => {
        let chance = 1 / Math.max(1, this.channelsMax);
        for (let i = 1; i < depth; i++) chance /= Math.max(1, this.picksMax);
        return { depth, runs, missed: Math.exp(runs * Math.log1p(-Math.min(chance, 1 - 1e-12))) };
      });
  }

  /** Equal for two runs in which each actor saw the same events in the same order. */
  #orderOf(happened: readonly Choice[]): number {
    const seen = new Map<Cell, { a: number; b: number }>();
    const channels = new Set<object>();
    for (const { cell, event, channel } of happened) {
      channels.add(channel);
      let of = seen.get(cell);
      if (of === undefined) seen.set(cell, (of = { a: 0x9e3779b9, b: 0x243f6a88 }));
      of.a = mix(of.a, event.prefix.hash);
      of.b = mix(of.b ^ of.a, event.n);
    }
    this.channelsMax = Math.max(this.channelsMax, channels.size);
    let [a, b] = [0, 0];
    for (const of of seen.values()) {
      a = (a + mix(of.a, of.b)) | 0;
      b = (b + mix(of.b, of.a)) | 0;
    }
    return (a >>> 0) * 2_097_152 + (b >>> 11);
  }
}
