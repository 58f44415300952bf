// Failing runs made small: the algorithm against its definition, and what is left of failures of known protocols.

import type { Ref, Self } from "antiphon";
import { crash, delay, drop, errors, type Fault, partition, pause, powerFailure, restart, slow } from "antiphon/sim";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { digest } from "../../../../src/runtime/sim/digest.ts";
import { type Body, Explorer, type Finding } from "../../../../src/runtime/sim/explorer.ts";
import { checked } from "../../../../src/runtime/sim/fault.ts";
import { ddmin } from "../../../../src/runtime/sim/minimise.ts";
import { type Case, type Shrunk, shrink } from "../../../../src/runtime/sim/shrink.ts";
import type { Swarm } from "../../../../src/runtime/sim/swarm.ts";
import { weakerThan } from "../../../../src/runtime/sim/weaken.ts";
import { zoo } from "../../../zoo/all.ts";
import { paxos } from "../../../zoo/paxos.ts";
import type { Protocol } from "../../../zoo/protocol.ts";

type Fails = (part: readonly number[]) => boolean;

/** Some of these are needed, all of one set or all of another: with more of them it fails too. */
const monotone: fc.Arbitrary<Fails> = fc
  .array(fc.uniqueArray(fc.nat(23), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 })
  .map((sets) => (part) => sets.some((set) => set.every((one) => part.includes(one))));

/** Any parts fail or do not. */
const erratic: fc.Arbitrary<Fails> = fc
  .tuple(fc.nat(1_000_000), fc.double({ min: 0.05, max: 0.9, noNaN: true }))
  .map(([seed, share]) => (part) => {
    let hash = seed;
    for (const one of part) hash = (Math.imul(hash ^ (one + 1), 0x9e3779b1) >>> 0) ^ (hash >>> 15);
    return (hash >>> 0) / 2 ** 32 < share;
  });

describe("ddmin", () => {
  const items = fc.uniqueArray(fc.nat(23), { minLength: 1, maxLength: 24 });

  test.each([
    ["more of them would fail too", monotone],
    ["any part may fail or not", erratic],
  ])("leaves what fails, of which nothing more can be left out alone, where %s (seed 41)", async (_, predicates) => {
    const property = fc.asyncProperty(items, predicates, async (all, predicate) => {
      const fails: Fails = (part) => part.length === all.length || predicate(part);
      let trials = 0;
      const kept = await ddmin(all, async (part) => {
        trials++;
        return fails(part);
      });
      expect(kept).toEqual(all.filter((one) => kept.includes(one)));
      expect(fails(kept)).toBe(true);
      for (const one of kept) expect(fails(kept.filter((other) => other !== one))).toBe(false);
      // The bound of its authors, and one trial of nothing at all.
      expect(trials).toBeLessThanOrEqual(all.length ** 2 + 3 * all.length + 1);
    });
    await fc.assert(property, { numRuns: 1_000, seed: 41 });
  });

  test("needs few trials where one item is to be kept of many", async () => {
    for (let kept = 0; kept < 64; kept++) {
      let trials = 0;
      const all = Array.from({ length: 64 }, (_, i) => i);
      const found = await ddmin(all, async (part) => {
        trials++;
        return part.includes(kept);
      });
      expect(found).toEqual([kept]);
      expect(trials).toBeLessThanOrEqual(13);
    }
  });

  test("gives nothing where nothing is needed, in one trial", async () => {
    let trials = 0;
    const all = async () => ++trials > 0;
    expect(await ddmin([1, 2, 3], all)).toEqual([]);
    expect(await ddmin([], all)).toEqual([]);
    expect(trials).toBe(1);
  });
});

const playing =
  <Op>({ play }: Protocol<Op>, operations: readonly Op[]): Body =>
  (world) =>
    play(world, "buggy", operations);

/** The first failure from a seed. */
async function firstFailure(explorer: Explorer, body: Body): Promise<Finding> {
  for (let index = 0; ; index++) {
    const finding = await explorer.explore(index, body);
    if (finding !== undefined) return finding;
  }
}

describe("shrink", () => {
  const shrunk: { readonly name: string; readonly found: Finding; readonly small: Shrunk<unknown> }[] = [];

  beforeAll(async () => {
    for (const protocol of zoo)
      for (let seed = 1; seed <= 5; seed++) {
        const { name, time, operations } = protocol;
        const explorer = new Explorer({ time, seed, twice: 0 });
        const found = await firstFailure(explorer, playing(protocol, operations));
        const again = async ({ plan, operations }: Case<unknown>) =>
          explorer.findingOf(plan, await explorer.replay(plan, playing(protocol, operations)));
        shrunk.push({ name, found, small: (await shrink(found, operations, again, 1_000))! });
      }
  }, 120_000);

  const median = (of: (small: Shrunk<unknown>) => number) => {
    const values = shrunk.map(({ small }) => of(small)).sort((a, b) => a - b);
    return values[Math.floor(values.length / 2)];
  };

  test("leaves few pairs, faults and operations of the failures of the zoo (seeds 1 to 5)", () => {
    expect(shrunk.length).toBe(5 * zoo.length);
    expect(median(({ finding }) => finding.plan.pairs.length)).toBeLessThanOrEqual(3);
    expect(median(({ finding }) => finding.plan.faults.length)).toBe(0);
    expect(median(({ operations }) => operations.length)).toBeLessThanOrEqual(4);
    for (const { name, small } of shrunk) expect(small.finding.plan.pairs.length, name).toBeLessThanOrEqual(10);
  });

  test("needs at most 200 replays of each, and then nothing more can be left out alone", () => {
    for (const { name, small } of shrunk) {
      expect(small.replays, name).toBeLessThanOrEqual(200);
      expect(small.isMinimal, name).toBe(true);
    }
  });

  test("ends with the same failure", () => {
    for (const { name, found, small } of shrunk) expect(small.finding.signature, name).toBe(found.signature);
  });

  test("gives up after as many replays as it may have, with what it has by then", async () => {
    const explorer = new Explorer({ twice: 0 });
    const { operations } = paxos;
    const found = await firstFailure(explorer, playing(paxos, operations));
    let replays = 0;
    const again = async ({ plan, operations }: Case<(typeof paxos.operations)[number]>) => {
      replays++;
      return explorer.findingOf(plan, await explorer.replay(plan, playing(paxos, operations)));
    };
    const small = await shrink(found, operations, again, 10);
    expect(replays).toBe(10);
    expect(small).toMatchObject({ replays: 10, isMinimal: false, from: { operations: 2, faults: 0 } });
    const { error } = await explorer.replay(small!.finding.plan, playing(paxos, small!.operations));
    expect(error).toBeInstanceOf(Error);
  });

  test("gives nothing for a run that does not fail again", async () => {
    const explorer = new Explorer({ twice: 0 });
    const found = await firstFailure(explorer, playing(paxos, paxos.operations));
    expect(await shrink(found, [], async () => undefined, 100)).toBeUndefined();
  });
});

describe("shrink, under faults", () => {
  interface Log {
    put(value: number): void;
    all(): readonly number[];
  }

  /** What it keeps it has in memory, and after a crash from the log. */
  const keeper = async (self: Self, log: Ref<Log>): Promise<Log> => {
    const kept = new Set(await self.ask(log).all());
    return { put: (value) => void kept.add(value), all: () => [...kept] };
  };

  const logging = (): Log => {
    const logged = new Set<number>();
    return { put: (value) => void logged.add(value), all: () => [...logged] };
  };

  const writer = (self: Self, to: readonly Ref<Log>[]) => ({
    async write(values: readonly number[]) {
      for (const value of values) {
        for (const ref of to) self.tell(ref).put(value);
        await self.sleep("1s");
      }
    },
  });

  /** A value is lost only if the log never had it and the keeper forgets it. */
  const keeping =
    (values: readonly number[]): Body =>
    async ({ system, run }) => {
      const log = system.spawn(logging, { name: "log" });
      const ref = system.spawn((self) => keeper(self, log), { name: "keeper", supervision: { maxRestarts: 100 } });
      system.tell(system.spawn((self) => writer(self, [log, ref]), { name: "writer" })).write(values);
      await run("1m");
      const kept = await system.ask(ref).all();
      const lost = values.filter((value) => !kept.includes(value));
      if (lost.length > 0) throw new Error(`what was written is kept: not ${lost.join()}`);
    };

  const faults: Swarm = {
    crash: ["/keeper"],
    drop: ["/writer>/log"],
    duplicate: ["/writer>/keeper"],
    slow: ["/writer"],
    clockOffset: ["/keeper"],
    most: 4,
  };

  test("leaves of four faults the message that was lost and the crash, as a restart, which are needed (seed 3)", async () => {
    const explorer = new Explorer({ seed: 3, twice: 0, faults });
    const values = [1, 2, 3, 4, 5];
    const found: Finding[] = [];
    for (let index = 1; found.length < 5; index++) {
      const finding = await explorer.explore(index, keeping(values));
      if (finding?.plan.faults.length === 4) found.push(finding);
    }
    for (const finding of found) {
      const again = async ({ plan, operations }: Case<number>) =>
        explorer.findingOf(plan, await explorer.replay(plan, keeping(operations)));
      const small = await shrink(finding, values, again, 200);
      expect(small?.finding.plan.faults.map(({ kind }) => kind).sort()).toEqual(["drop", "restart"]);
      expect(small?.finding.plan.pairs).toEqual([]);
      expect(small?.isMinimal).toBe(true);
    }
  });

  const at = fc.nat(50);
  const upTo = fc.tuple(at, fc.integer({ min: 1, max: 500 })).map(([from, more]) => ({ from, to: from + more }));
  const anyFault: fc.Arbitrary<Fault> = fc.oneof(
    at.map((at) => crash("/a", { at })),
    at.map((at) => restart("/a", { at })),
    at.map((at) => powerFailure({ at })),
    upTo.map((window) => pause("/a", window)),
    fc.tuple(upTo, fc.integer({ min: 1, max: 50 })).map(([window, times]) => slow("/a", { ...window, times })),
    fc.integer({ min: 1, max: 9 }).map((first) => errors("/a", { first })),
    upTo.map((window) => drop("/a>/b", window)),
    fc.integer({ min: 1, max: 9 }).map((nth) => delay("/a>/b", { nth, by: 5 })),
    upTo.map((window) => partition(["/a"], ["/b"], window)),
  );

  test("takes a weaker fault only if it fails in the same way, and ends with the weakest (seed 42)", async () => {
    const property = fc.asyncProperty(
      fc.array(anyFault, { minLength: 1, maxLength: 4 }),
      fc.nat(),
      async (faults, salt) => {
        const given = JSON.stringify(faults);
        /** One of three failures, or none. */
        const signature = (list: readonly Fault[]) =>
          JSON.stringify(list) === given ? "same" : ["same", "other", "another", undefined][digest([list, salt]) & 3];
        const play = async ({ plan }: Case<never>) => {
          const found = signature(plan.faults);
          return found === undefined ? undefined : { ...finding, plan, signature: found };
        };
        const plan = { seed: 1, time: "windows" as const, faults, pairs: [] };
        const course = { happened: [], left: [], voided: [] };
        const finding: Finding = { plan, course, error: new Error("planted"), signature: "same", strategy: "base" };
        const small = await shrink(finding, [], play, 10_000);
        expect(small).toMatchObject({ isMinimal: true, finding: { signature: "same" } });
        const { faults: left } = small!.finding.plan;
        expect(signature(left)).toBe("same");
        for (const fault of left) checked(fault);
        for (const [place, fault] of left.entries())
          for (const weaker of weakerThan(fault)) expect(signature(left.with(place, weaker))).not.toBe("same");
      },
    );
    await fc.assert(property, { numRuns: 500, seed: 42 });
  });

  test("gives a window of a fault the part of it that is needed", async () => {
    const body: Body = async ({ system, run }) => {
      const seen: number[] = [];
      const ear = system.spawn(() => ({ hear: (beat: number) => void seen.push(beat) }), { name: "ear" });
      const heart = (self: Self) => {
        let beat = 0;
        self.every(10, () => self.tell(ear).hear(++beat));
        return {};
      };
      system.spawn(heart, { name: "heart" });
      await run(500);
      if (!seen.includes(13)) throw new Error("each beat is heard: not the thirteenth");
    };
    const explorer = new Explorer({ faults: [drop("/heart>/ear", { to: "10m" })] });
    const found = await firstFailure(explorer, body);
    const again = async ({ plan }: Case<never>) => explorer.findingOf(plan, await explorer.replay(plan, body));
    const small = await shrink(found, [], again, 200);
    const [fault] = small!.finding.plan.faults as unknown as [{ from: number; to: number }];
    expect(fault.from).toBeLessThanOrEqual(130);
    expect(fault.to).toBeGreaterThan(130);
    expect(fault.to - fault.from).toBeLessThan(4);
  });
});
