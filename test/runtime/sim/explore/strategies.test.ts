// The strategies that draw schedules: what they find, how likely, and that they starve nobody.

import type { Ref, Self } from "antiphon";
import { describe, expect, test } from "vitest";
import type { Strategy } from "../../../../src/runtime/sim/choice.ts";
import { type Body, Explorer } from "../../../../src/runtime/sim/explorer.ts";
import { StepsExhausted } from "../../../../src/runtime/sim/failure.ts";
import { Delays } from "../../../../src/runtime/sim/strategy/delays.ts";
import { PctChains, PctChannels } from "../../../../src/runtime/sim/strategy/pct.ts";
import { type StrategyName, strategies } from "../../../../src/runtime/sim/strategy/portfolio.ts";
import { PartialOrderSampling } from "../../../../src/runtime/sim/strategy/pos.ts";
import { RandomWalk } from "../../../../src/runtime/sim/strategy/random.ts";
import { zoo } from "../../../zoo/all.ts";
import { drawn, namesOf } from "./drawn.ts";

const protocol = (name: string) => zoo.find((one) => one.name === name)!;

/** The first schedule that fails, of as many of one strategy; undefined if none does. */
async function firstFailure(strategy: StrategyName, name: string, most: number, seed = 1): Promise<number | undefined> {
  const { time, play, operations } = protocol(name);
  const explorer = new Explorer({ seed, time, strategies: [strategy], twice: 0 });
  for (let index = 1; index <= most; index++)
    if (await explorer.explore(index, (world) => play(world, "buggy", operations))) return index;
  return undefined;
}

describe("strategies", () => {
  test.each<[StrategyName, string, number]>([
    ["random", "registry", 20],
    ["random", "raft", 60],
    ["random", "deadlock", 20],
    ["random", "latereply", 20],
    ["pos", "straggler16", 60],
    ["pos", "depth3", 120],
    ["pos", "stalefill", 150],
    ["pos", "router", 60],
    ["pct-chains", "straggler16", 60],
    ["pct-chains", "paxos", 100],
    ["pct-chains", "twophase", 60],
    ["pct-channels", "straggler16", 100],
    ["pct-channels", "twophase", 60],
    ["delays", "straggler16", 100],
    ["delays", "retry", 20],
    ["delays", "account", 40],
  ])("%s finds the bug of %s within %i schedules, from each of three seeds (1, 2, 3)", async (strategy, name, most) => {
    for (const seed of [1, 2, 3]) expect(await firstFailure(strategy, name, most, seed)).toBeDefined();
  });

  test("random does not find in 1,000 schedules what needs 17 events to overtake one (seed 2)", async () => {
    expect(await firstFailure("random", "straggler16", 1_000, 2)).toBeUndefined();
  });

  test.each(strategies)("%s draws the same schedule from the same seed, and another from another", async (strategy) => {
    const { time, play, operations } = protocol("raft");
    const explorer = new Explorer({ time });
    const orders = new Set<string>();
    for (let seed = 1; seed <= 10; seed++) {
      const [one, other] = [1, 2].map(() => drawn(explorer, strategy, seed, (w) => play(w, "buggy", operations)));
      const names = namesOf((await one!).played.happened);
      expect(namesOf((await other!).played.happened)).toEqual(names);
      orders.add(names.join());
    }
    expect(orders.size).toBeGreaterThan(7);
  });
});

/** How often of 2,000 seeds a run of it throws. */
async function failures(body: Body, strategyOf: (seed: number) => Strategy): Promise<number> {
  const explorer = new Explorer();
  let failed = 0;
  for (let seed = 1; seed <= 2_000; seed++) {
    const { error } = await explorer.play(explorer.firstPlan, strategyOf(seed), body);
    if (error !== undefined) failed++;
  }
  return failed;
}

/** Throws where `events` come in the reverse of the order in which they were sent, each by an actor of its own. */
const reversed =
  (events: number): Body =>
  async ({ system, runUntilIdle }) => {
    const seen: number[] = [];
    const to = system.spawn(() => ({ note: (i: number) => void seen.push(i) }), { name: "to" });
    const writer = (self: Self) => ({ write: (i: number) => self.tell(to).note(i) });
    for (let i = 0; i < events; i++) system.tell(system.spawn(writer, { name: `w${i}` })).write(i);
    await runUntilIdle();
    if (seen.every((one, i) => one === events - 1 - i)) throw new Error("reversed");
  };

/** Throws where a note that was sent at once comes after one by way of `relays` others. */
const overtaken =
  (relays: number): Body =>
  async ({ system, runUntilIdle }) => {
    interface Noted {
      note(isLate: boolean): void;
    }
    let isFirst: boolean | undefined;
    const to = system.spawn((): Noted => ({ note: (isLate) => void (isFirst ??= !isLate) }), { name: "to" });
    let next: Ref<Noted> = to;
    for (let i = 0; i < relays; i++) {
      const behind = next;
      next = system.spawn((self): Noted => ({ note: (isLate) => self.tell(behind).note(isLate) }), { name: `r${i}` });
    }
    system.tell(to).note(false);
    system.tell(next).note(true);
    await runUntilIdle();
    if (isFirst === false) throw new Error("overtaken");
  };

describe("PctChannels", () => {
  test.each([
    [1, 6, 6, overtaken(4)],
    [2, 6, 6, reversed(3)],
    [3, 8, 8, reversed(4)],
  ])(
    "finds what needs %i orderings as often as promised, in runs of %i channels and %i choices",
    async (d, n, k, body) => {
      const explorer = new Explorer();
      const { happened, picks } = await explorer.play(explorer.firstPlan, new PctChannels(1, d, k), body);
      expect(new Set(happened.map(({ channel }) => channel)).size).toBeLessThanOrEqual(n);
      expect(picks).toBeLessThanOrEqual(k);
      const failed = await failures(body, (seed) => new PctChannels(seed, d, k));
      expect(failed / 2_000).toBeGreaterThanOrEqual(1 / (n * k ** (d - 1)));
    },
  );
});

describe("PctChains", () => {
  test("lets a chain overtake as a whole: half of the runs at depth 1", async () => {
    const failed = await failures(overtaken(16), (seed) => new PctChains(seed, 1, 18));
    // Four standard deviations.
    expect(Math.abs(failed - 1_000)).toBeLessThan(4 * Math.sqrt(2_000 / 4));
  });
});

describe("PartialOrderSampling", () => {
  test.each([4, 8, 16])("lets an event wait for %i + 1 others with a chance of 1/(m + 2)", async (relays) => {
    const chance = 1 / (relays + 2);
    const failed = await failures(overtaken(relays), (seed) => new PartialOrderSampling(seed));
    expect(Math.abs(failed / 2_000 - chance)).toBeLessThan(4 * Math.sqrt((chance * (1 - chance)) / 2_000));
  });
});

describe("RandomWalk", () => {
  test("takes each of the enabled events with the same chance", async () => {
    // The chain of m relays is first m + 1 times in a row.
    const failed = await failures(overtaken(2), (seed) => new RandomWalk(seed));
    expect(Math.abs(failed / 2_000 - 1 / 8)).toBeLessThan(4 * Math.sqrt((1 / 8) * (7 / 8) * (1 / 2_000)));
  });
});

describe("Delays", () => {
  test("sends the next event to the back: without a delay it is the base order, with one the other overtakes", async () => {
    expect(await failures(reversed(2), (seed) => new Delays(seed, 0, 1))).toBe(0);
    expect(await failures(reversed(2), (seed) => new Delays(seed, 1, 1))).toBe(2_000);
  });
});

describe("a program that never ends, beside one that does", () => {
  /** Two actors send each other a message for ever; another one has five steps to do. */
  const beside: Body = async ({ system }) => {
    interface Player {
      play(): void;
    }
    const players: Ref<Player>[] = [];
    const player = (self: Self, other: number): Player => ({ play: () => self.tell(players[other]!).play() });
    for (const other of [1, 0]) players.push(system.spawn((self) => player(self, other), { name: `p${other}` }));
    system.tell(players[0]!).play();
    const worker = (self: Self) => ({
      async work() {
        for (let i = 0; i < 5; i++) await self.ask(echo).back();
      },
    });
    const echo = system.spawn(() => ({ back() {} }), { name: "echo" });
    await system.ask(system.spawn(worker, { name: "worker" })).work();
  };

  test.each(strategies)("comes to an end under %s (seeds 1 to 8)", async (strategy) => {
    for (let seed = 1; seed <= 8; seed++) {
      const { played } = await drawn(new Explorer(), strategy, seed, beside);
      expect(played.error).toBeUndefined();
    }
  });

  test("would starve under PCT alone, for some seed of 1 to 8", async () => {
    const explorer = new Explorer({ steps: 3_000 });
    const errors: unknown[] = [];
    for (let seed = 1; seed <= 8; seed++)
      errors.push((await explorer.play(explorer.firstPlan, new PctChannels(seed, 1, 30), beside)).error);
    expect(errors.some((error) => error instanceof StepsExhausted)).toBe(true);
  });
});
