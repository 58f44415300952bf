// Small systems in every order that makes a difference, with timers and deadlines at any moment. After each event the books
// are looked at (D3), and for circles of waits that stand (A7).

import type { Self } from "antiphon";
import type { SimulatedWorld } from "antiphon/sim";
import { expect } from "vitest";
import { Coverage } from "../../../../src/runtime/sim/coverage.ts";
import { exhaust } from "../../../../src/runtime/sim/exhaust.ts";
import { type Body, Explorer, type ExplorerOptions } from "../../../../src/runtime/sim/explorer.ts";
import { conserved } from "../../../../src/testing/conserved.ts";
import { quiescent, stuck } from "../../../../src/testing/quiet.ts";
import { verdict } from "../../../conformance/verdict.ts";
import { walkedOrders } from "./orders.ts";

/** Gives what came of a run, actor by actor: between what different actors saw no order makes a difference. */
type Play = (world: SimulatedWorld) => Promise<string>;

export interface Found {
  /** Regression constants: an order is that of the events of each actor, and several traces may have the same. */
  readonly orders: string;
  /** What came of it in any order. */
  readonly outcomes: readonly string[];
  /** Orders and outcomes that were met by drawing, and were not among all: none. */
  readonly missed: readonly string[];
}

const drawnRuns = 200;

/** With a look at the books, and for circles, after each event. */
function watched(play: Play, outcomes: Set<string>): Body {
  return async (world) => {
    const { system } = world;
    world.onStep(() => {
      const [books, { cycle, text }] = [conserved(system), stuck(system)];
      if (!books.ok) throw new Error(books.text);
      if (cycle !== undefined) throw new Error(text);
    });
    outcomes.add(await play(world));
    const end = quiescent(system);
    if (!end.ok) throw new Error(end.text);
  };
}

/** Plays every order. Fails with what failed in one of them. */
export async function everyOrder(play: Play, options: ExplorerOptions = {}): Promise<Found> {
  const coverage = new Coverage();
  const explorer = new Explorer({ time: "async", ...options }, coverage);
  const outcomes = new Set<string>();
  const body = watched(play, outcomes);
  const { isComplete, traces, finding } = await exhaust(explorer, body, { tracesMax: 5_000 });
  if (finding !== undefined) throw finding.error;
  const { orders } = coverage;
  const all = [...outcomes].sort();
  for (let i = 1; i <= drawnRuns; i++) {
    const drawn = await explorer.explore(i, body);
    if (drawn !== undefined) throw drawn.error;
  }
  const missed = [...outcomes].filter((one) => !all.includes(one));
  if (coverage.orders > orders) missed.push(`${coverage.orders - orders} orders`);
  return {
    orders: `${isComplete ? "complete" : "incomplete"}, ${traces} traces of ${orders} orders`,
    outcomes: all,
    missed,
  };
}

/** The same by trying every choice, as it has to be where a circle of waits is broken. */
export async function everyChoice(play: Play): Promise<Omit<Found, "missed">> {
  const outcomes = new Set<string>();
  const failed: unknown[] = [];
  const body = watched(play, outcomes);
  const { orders, runs, isComplete } = await walkedOrders(async (world) => {
    try {
      await body(world);
    } catch (error) {
      failed.push(error);
    }
  });
  expect(failed).toEqual([]);
  return {
    orders: `${isComplete ? "complete" : "incomplete"}, ${runs} runs of ${orders.size} orders`,
    outcomes: [...outcomes].sort(),
  };
}

/** An actor that does one thing, once its turn comes. */
export function does({ system }: SimulatedWorld, name: string, deed: (self: Self) => unknown): void {
  const go = async (self: Self) => void (await deed(self));
  const ref = system.spawn((self: Self) => ({ go: () => go(self) }), { name });
  system.tell(ref).go();
}

/** How what each of these asked for came out; each exactly once. */
export class Ends {
  readonly #ends = new Map<string, string[]>();

  async of(name: string, waiting: Promise<unknown>): Promise<string> {
    const list = this.#ends.get(name) ?? [];
    this.#ends.set(name, list);
    const end = await verdict(waiting);
    list.push(end);
    return end;
  }

  get text(): string {
    const each = [...this.#ends].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, list] of each) if (list.length !== 1) throw new Error(`of ${name} ${list.length} ends`);
    return each.map(([name, list]) => `${name} ${list.join()}`).join("; ");
  }
}

export const planted = (): never => {
  throw new Error("planted");
};

export interface Server {
  get(): Promise<void>;
  fail(): void;
  stop(): void;
}

/** Notes what starts and ends, takes a while for an answer. */
export const server =
  (log: string[] = []) =>
  (self: Self): Server => ({
    async get() {
      const by = self.message?.sender?.path.slice(1);
      self.signal.addEventListener("abort", () => log.push(`abort ${by}`));
      log.push(`start ${by}`);
      await self.sleep(1);
      log.push(`end ${by}`);
    },
    fail: planted,
    stop: () => self.stop(),
  });
