// What an exploration says that it has tried, and what it may have missed.

import type { Self } from "antiphon";
import { describe, expect, test } from "vitest";
import { Coverage } from "../../../../src/runtime/sim/coverage.ts";
import { exhaust } from "../../../../src/runtime/sim/exhaust.ts";
import { type Body, Explorer } from "../../../../src/runtime/sim/explorer.ts";
import { NotReproducible } from "../../../../src/runtime/sim/failure.ts";
import { drawn } from "./drawn.ts";

/** So many pairs of a writer and a notebook of its own; or all with one. */
const writers =
  (count: number, notes: number, isShared: boolean): Body =>
  async ({ system, runUntilIdle }) => {
    const notebook = () => ({ note() {} });
    const shared = isShared ? system.spawn(notebook, { name: "notebook" }) : undefined;
    for (let i = 0; i < count; i++) {
      const to = shared ?? system.spawn(notebook, { name: `n${i}` });
      const writer = (self: Self) => ({
        write() {
          for (let n = 0; n < notes; n++) self.tell(to).note();
        },
      });
      system.tell(system.spawn(writer, { name: `w${i}` })).write();
    }
    await runUntilIdle();
  };

async function explored(body: Body, count: number, seed = 1, coverage = new Coverage()): Promise<Coverage> {
  const explorer = new Explorer({ seed, twice: 0, strategies: ["random"] }, coverage);
  for (let index = 1; index <= count; index++) await explorer.explore(index, body);
  return coverage;
}

describe("Coverage", () => {
  test("counts orders that differ for some actor, and not those of what different actors do", async () => {
    expect((await explored(writers(4, 2, false), 100)).orders).toBe(1);
    expect((await explored(writers(2, 1, true), 100)).orders).toBe(2);
    expect((await explored(writers(3, 1, true), 200)).orders).toBe(6);
  });

  test("comes to the number of orders that there are: 90 of three writers of two notes (seed 1)", async () => {
    expect((await explored(writers(3, 2, true), 2_000)).orders).toBe(90);
  });

  test("tells how likely one more run shows something new: nearly never after 2,000 runs of 90 orders", async () => {
    expect(new Coverage().unseen).toBe(1);
    expect((await explored(writers(3, 2, true), 2_000)).unseen).toBeLessThan(0.002);
    expect((await explored(writers(1, 1, true), 1)).unseen).toBe(1);
    expect((await explored(writers(1, 1, true), 2)).unseen).toBe(0);
    const every = new Coverage();
    await exhaust(new Explorer({ time: "async" }, every), writers(3, 2, true), { tracesMax: 1_000 });
    expect(every).toMatchObject({ isComplete: true, unseen: 0 });
  });

  test("tells so about as often as it is so (seeds 1 to 20)", async () => {
    let [told, found] = [0, 0];
    for (let seed = 1; seed <= 20; seed++) {
      const coverage = await explored(writers(3, 2, true), 60, seed);
      told += coverage.unseen / 20;
      const before = coverage.orders;
      await explored(writers(3, 2, true), 5, 100 + seed, coverage);
      found += (coverage.orders - before) / 100;
    }
    // Of 100 runs a share of about one half has a standard deviation of 0.05.
    expect(found).toBeGreaterThan(0.2);
    expect(Math.abs(told - found)).toBeLessThan(0.15);
  });

  test("counts schedules, steps, choices and channels", async () => {
    const coverage = new Coverage();
    const explorer = new Explorer({ twice: 0 }, coverage);
    const { played } = await drawn(explorer, "random", 1, writers(2, 1, true));
    coverage.add("random", undefined, played.happened, played.picks);
    coverage.add("pos", undefined, played.happened, played.picks);
    // Two writes and two notes; a note races with the other writer's write or note, as long as there is one.
    expect(coverage).toMatchObject({ schedules: 2, steps: 8, channelsMax: 4, picksMax: played.picks, orders: 1 });
    expect(played.picks).toBeGreaterThan(0);
    expect(coverage.runs).toEqual([
      { strategy: "random", runs: 1 },
      { strategy: "pos", runs: 1 },
    ]);
  });

  test("bounds the chance that runs of PCT on channels missed a bug: (1 − 1/(n·k^(d−1)))^runs", async () => {
    const coverage = new Coverage();
    const explorer = new Explorer({ twice: 0 }, coverage);
    const { played } = await drawn(explorer, "random", 1, writers(2, 1, true));
    expect(coverage.bounds).toEqual([]);
    for (const [depth, runs] of [
      [2, 40],
      [1, 10],
      [3, 7],
    ] as const)
      for (let i = 0; i < runs; i++) coverage.add("pct-channels", depth, played.happened, 5);
    // Chains have another bound, and the others none.
    coverage.add("pct-chains", 2, played.happened, 5);
    coverage.add("random", undefined, played.happened, 3);
    const [n, k] = [4, 5];
    expect(coverage).toMatchObject({ channelsMax: n, picksMax: k });
    const missed = (depth: number, runs: number) => (1 - 1 / (n * k ** (depth - 1))) ** runs;
    expect(coverage.bounds).toEqual([
      { depth: 1, runs: 10, missed: expect.closeTo(missed(1, 10), 10) },
      { depth: 2, runs: 40, missed: expect.closeTo(missed(2, 40), 10) },
      { depth: 3, runs: 7, missed: expect.closeTo(missed(3, 7), 10) },
    ]);
  });

  test("counts the strategies that took their turn, after the base order", async () => {
    const explorer = new Explorer({ strategies: ["pos", "delays"], twice: 0 });
    for (let index = 0; index < 6; index++) await explorer.explore(index, writers(2, 1, true));
    expect(explorer.coverage.runs).toEqual([
      { strategy: "base", runs: 1 },
      { strategy: "pos", runs: 3 },
      { strategy: "delays", runs: 2 },
    ]);
  });

  test("counts the runs that were played twice and were equal, and those that can not be repeated", async () => {
    const equal = new Explorer({ twice: 1 });
    for (let index = 0; index < 5; index++) expect(await equal.explore(index, writers(3, 1, true))).toBeUndefined();
    expect(equal.coverage).toMatchObject({ compared: 5, leaking: 0, schedules: 5 });

    const leaking = new Explorer({ twice: 1 });
    const outside: Body = async (world) => {
      const waiter = () => ({ wait: () => new Promise<void>((resolve) => void setImmediate(resolve)) });
      await world.system.ask(world.system.spawn(waiter, { name: "waiter" })).wait();
    };
    expect(await leaking.explore(1, outside)).toBeUndefined();
    expect(leaking.coverage).toMatchObject({ compared: 0, leaking: 1 });
  });

  test("finds a program that is not the same in each run, where it plays twice", async () => {
    let runs = 0;
    const explorer = new Explorer({ twice: 1 });
    const finding = await explorer.explore(1, (world) => writers(1 + (++runs % 2), 1, true)(world));
    expect(finding?.error).toBeInstanceOf(NotReproducible);
  });
});
