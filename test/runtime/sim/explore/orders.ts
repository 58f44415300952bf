// The orders of a small program: as the explorer finds them, and found by walking the tree of what is enabled, slowly and
// with nothing clever in it.

import type { Choice, Strategy } from "../../../../src/runtime/sim/choice.ts";
import { Coverage, type StrategyRuns } from "../../../../src/runtime/sim/coverage.ts";
import { exhaust } from "../../../../src/runtime/sim/exhaust.ts";
import { type Body, Explorer, type ExplorerOptions } from "../../../../src/runtime/sim/explorer.ts";

/** What each actor saw, in its order. A fault stands in the order of every actor. */
function orderOf(happened: readonly Choice[]): string {
  const paths = new Set(happened.flatMap(({ deed }) => [...deed.touched]));
  return [...paths]
    .sort()
    .map((path) => {
      const seen = happened.filter(({ deed }) => deed.isFault || deed.touched.has(path));
      return `${path}: ${seen.map(({ name }) => name).join(" ")}`;
    })
    .join("\n");
}

/** What began so is walked already. */
class Known extends Error {}

/** Depth first, every choice, each time from the start. */
class Walk implements Strategy {
  readonly asksAlways = true;
  readonly #known: Set<string> | undefined;
  readonly #stack: { readonly count: number; chosen: number }[] = [];
  #happened: Choice[] = [];

  /** With `skipsKnown`, not where each actor has seen the same as somewhere before: what follows is the same then. */
  constructor(skipsKnown: boolean) {
    this.#known = skipsKnown ? new Set() : undefined;
  }

  #depth = 0;

  pick(enabled: readonly Choice[]): Choice {
    let node = this.#stack[this.#depth];
    if (node === undefined) {
      const order = this.#known === undefined ? "" : orderOf(this.#happened);
      if (this.#known?.has(order) === true) throw new Known();
      this.#known?.add(order);
      this.#stack.push((node = { count: enabled.length, chosen: 0 }));
    }
    if (node.count !== enabled.length) throw new Error("the program is not the same in each run");
    this.#depth++;
    return enabled[node.chosen] as Choice;
  }

  fired(choice: Choice): void {
    this.#happened.push(choice);
  }

  /** False when there is no other run. */
  next(): boolean {
    this.#depth = 0;
    this.#happened = [];
    for (let node = this.#stack.at(-1); node !== undefined; node = this.#stack.at(-1)) {
      if (++node.chosen < node.count) return true;
      this.#stack.pop();
    }
    return false;
  }
}

export interface Orders {
  readonly orders: ReadonlySet<string>;
  /** All that were played. */
  readonly runs: number;
  readonly isComplete: boolean;
}

/** Every order, by trying every choice; not all when that takes more than `runsMax` runs. */
export async function walkedOrders(
  body: Body,
  {
    runsMax = 20_000,
    skipsKnown = false,
    ...options
  }: { runsMax?: number; skipsKnown?: boolean } & ExplorerOptions = {},
): Promise<Orders> {
  const explorer = new Explorer({ time: "async", ...options });
  const walk = new Walk(skipsKnown);
  const orders = new Set<string>();
  let runs = 0;
  for (let more = true; more; more = walk.next()) {
    if (runs++ === runsMax) return { orders, runs, isComplete: false };
    const { happened, error } = await explorer.play(explorer.firstPlan, walk, body, { takesNote: true });
    if (!(error instanceof Known)) orders.add(orderOf(happened));
  }
  return { orders, runs, isComplete: true };
}

/** Keeps the orders themselves. */
class Collected extends Coverage {
  readonly found = new Set<string>();

  override add(...run: [StrategyRuns["strategy"], number | undefined, readonly Choice[], number]): void {
    super.add(...run);
    this.found.add(orderOf(run[2]));
  }
}

/** Every order, as {@link exhaust} finds them; whatever fails in one. */
export async function exhaustedOrders(
  body: Body,
  { tracesMax = 20_000, ...options }: { tracesMax?: number } & ExplorerOptions = {},
): Promise<Orders & { readonly traces: number; readonly redundant: number }> {
  const coverage = new Collected();
  const explorer = new Explorer({ time: "async", ...options }, coverage);
  const { traces, redundant, isComplete } = await exhaust(explorer, body, { tracesMax, stopsAtFirst: false });
  return { orders: coverage.found, runs: traces + redundant, isComplete, traces, redundant };
}
