import { InvalidOption, type Self } from "antiphon";
import { drop, type Fault, type Schedule, type SimulatedWorld, simulate } from "antiphon/sim";
import { faultPlans, type Pair, schedules } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { account } from "../zoo/account.ts";
import { stalefill } from "../zoo/stalefill.ts";

// Many runs each: slow where much else runs.
vi.setConfig({ testTimeout: 30_000 });

const deposits = (world: SimulatedWorld) => account.play(world, "buggy", account.operations);

/** Orders in which something fails, as fast-check finds and shrinks them. */
function check(body: (world: SimulatedWorld) => unknown, parameters: fc.Parameters<[Schedule]> = {}) {
  const property = fc.asyncProperty(schedules(), async (schedule) => void (await simulate({ schedule }, body)));
  return fc.check(property, { seed: 1, ...parameters });
}

function pairsOf(schedule: Schedule | undefined): readonly Pair[] {
  expect(schedule).toHaveProperty("pairs");
  return (schedule as { readonly pairs: readonly Pair[] }).pairs;
}

async function passes(body: (world: SimulatedWorld) => unknown, pairs: readonly Pair[]): Promise<boolean> {
  return await simulate({ schedule: { pairs } }, body).then(
    () => true,
    () => false,
  );
}

describe("schedules", () => {
  test("draws how the order of a run is drawn: by one of the strategies, and a seed", () => {
    const drawn = fc.sample(schedules(), { seed: 1, numRuns: 300 });
    const strategies = new Set(drawn.map((one) => "strategy" in one && one.strategy));
    expect(strategies).toEqual(new Set(["random", "pos", "pct-chains", "pct-channels", "delays"]));
    expect(new Set(drawn.map((one) => "seed" in one && one.seed)).size).toBeGreaterThan(200);
    const some = fc.sample(schedules({ strategies: ["pos"], time: "async" }), { seed: 1, numRuns: 20 });
    for (const one of some) expect(one).toMatchObject({ strategy: "pos", time: "async" });
    expectTypeOf(schedules()).toEqualTypeOf<fc.Arbitrary<Schedule>>();
  });

  test("refuses strategies and times that there are not", () => {
    for (const strategies of [[], ["luck"], "random"])
      expect(() => schedules({ strategies: strategies as ["random"] })).toThrow(InvalidOption);
    expect(() => schedules({ time: "real" as "des" })).toThrow(InvalidOption);
  });

  test("finds a lost update, and shrinks to the pairs that it takes", async () => {
    const { failed, counterexample, errorInstance } = await check(deposits, { numRuns: 500 });
    expect(failed).toBe(true);
    expect(String(errorInstance)).toContain("no deposit is lost");
    const pairs = pairsOf(counterexample![0]);
    expect(pairs).toHaveLength(1);
    expect(await passes(deposits, pairs)).toBe(false);
    expect(await passes(deposits, [])).toBe(true);
  });

  test("shrinks a bug that takes several orderings to pairs of which none can be left out", async () => {
    const body = (world: SimulatedWorld) => stalefill.play(world, "buggy", stalefill.operations);
    const { counterexample } = await check(body, { numRuns: 3_000 });
    const pairs = pairsOf(counterexample![0]);
    expect(pairs.length).toBeGreaterThan(1);
    expect(pairs.length).toBeLessThanOrEqual(stalefill.depth);
    for (const pair of pairs)
      expect(
        await passes(
          body,
          pairs.filter((one) => one !== pair),
        ),
      ).toBe(true);
  });

  test("replays pairs that are given as an example, and makes them fewer", async () => {
    const many: Pair[] = [
      { event: "/ann>/store:write#1", after: "/ann>/store:read#1" },
      { event: "/bob>/store:read#1", after: "/cay>/store:read#1" },
      { event: "/nobody>/store:read#1", after: "/ann>/store:read#1" },
    ];
    const { failed, counterexample, numShrinks } = await check(deposits, { examples: [[{ pairs: many }]], numRuns: 1 });
    expect(failed).toBe(true);
    expect(numShrinks).toBeGreaterThan(0);
    expect(counterexample).toEqual([{ pairs: [many[1]] }]);
  });

  test("is no path of fast-check: that fails, with the reason and what to do instead", async () => {
    const { counterexamplePath } = await check(deposits, { numRuns: 500 });
    expect(counterexamplePath).toMatch(/:/);
    await expect(async () => check(deposits, { path: counterexamplePath! })).rejects.toThrow(
      /^A path can not be replayed here: .* examples: \[\[schedule\]\]\.$/,
    );
  });
});

describe("faultPlans", () => {
  const swarm = { drop: ["/teller>/debits", "/teller>/credits"], pause: ["/audit"], most: 3 };

  test("draws lists of the faults of a swarm, and none", () => {
    const drawn = fc.sample(faultPlans(swarm), { seed: 1, numRuns: 300 });
    expect(new Set(drawn.flat().map(({ kind }) => kind))).toEqual(new Set(["drop", "pause"]));
    expect(new Set(drawn.map(({ length }) => length))).toEqual(new Set([0, 1, 2, 3]));
    expectTypeOf(faultPlans(swarm)).toEqualTypeOf<fc.Arbitrary<readonly Fault[]>>();
  });

  test("refuses what is no swarm", () => {
    expect(() => faultPlans({ drop: ["/a"] })).toThrow(InvalidOption);
    expect(() => faultPlans({ rain: ["/a"] } as object)).toThrow(InvalidOption);
    expect(() => faultPlans({ partition: ["/a"] })).toThrow(InvalidOption);
    expect(() => faultPlans({ crash: ["/a"], most: 0 })).toThrow(InvalidOption);
  });

  /** A transfer that an auditor sees begin, told to both books; it fails if the one loss and the one order come together. */
  async function transfer({ system, runUntilIdle }: SimulatedWorld): Promise<void> {
    const seen: string[] = [];
    const book = (name: string) => system.spawn(() => ({ post: () => void seen.push(name) }), { name });
    const audit = system.spawn(() => ({ see: (what: string) => void seen.push(what) }), { name: "audit" });
    const [debits, credits] = [book("debits"), book("credits")];
    const teller = (self: Self) => ({
      transfer() {
        self.tell(debits).post();
        self.tell(credits).post();
        self.tell(audit).see("end");
      },
    });
    system.tell(system.spawn(teller, { name: "teller" })).transfer();
    const clock = system.spawn((self) => ({ tick: () => self.tell(audit).see("begin") }), { name: "clock" });
    system.tell(clock).tick();
    await runUntilIdle();
    if (!seen.includes("credits") && seen.indexOf("end") > seen.indexOf("begin"))
      throw new Error(`the books agree: ${seen}`);
  }

  test("finds, with schedules, what takes a loss and an order, and shrinks to one fault and one pair", async () => {
    const property = fc.asyncProperty(schedules(), faultPlans(swarm), async (schedule, faults) => {
      await simulate({ schedule, faults }, transfer);
    });
    const { counterexample } = await fc.check(property, { seed: 1, numRuns: 1_000 });
    const [schedule, faults] = counterexample!;
    expect(faults).toEqual([drop("/teller>/credits", { nth: 1 })]);
    expect(pairsOf(schedule)).toHaveLength(1);
    const again = await fc.check(property, { examples: [counterexample!], numRuns: 1 });
    expect(again.failed).toBe(true);
  });
});

describe("simulate({ schedule })", () => {
  const run = (schedule: Schedule) =>
    simulate({ schedule }, (world) => account.play(world, "fixed", account.operations));

  test("without pairs is what simulate is without a schedule", async () => {
    for (const latency of [{}, { "*>/store": "2ms", "/store>*": 1 }] as const) {
      const body = (world: SimulatedWorld) => account.play(world, "fixed", account.operations);
      const plain = await simulate({ latency }, body);
      const scheduled = await simulate({ latency, schedule: { pairs: [] } }, body);
      expect(scheduled.trace.map(String)).toEqual(plain.trace.map(String));
      expect(scheduled.hash).toBe(plain.hash);
    }
  });

  test("gives the same run for the same schedule, and others for others", async () => {
    const hashes = new Set<string | undefined>();
    for (let seed = 1; seed <= 10; seed++) {
      const schedule = { strategy: "random", seed } as const;
      const [one, other] = [await run(schedule), await run({ ...schedule })];
      expect(one.hash).toBe(other.hash);
      hashes.add(one.hash);
    }
    expect(hashes.size).toBeGreaterThan(3);
  });

  test.each<[string, unknown]>([
    ["schedule.strategy", { strategy: "luck", seed: 1 }],
    ["schedule.seed", { strategy: "random", seed: 0.5 }],
    ["schedule.seed", { strategy: "random" }],
    ["schedule.time", { pairs: [], time: "real" }],
    ["schedule.pairs", { pairs: "none" }],
  ])("refuses a wrong %s: %j", async (option, schedule) => {
    await expect(run(schedule as Schedule)).rejects.toMatchObject({ _tag: "InvalidOption", option });
  });

  test("goes with no twice", async () => {
    const both = simulate({ schedule: { pairs: [] }, twice: true }, () => {});
    await expect(both).rejects.toMatchObject({ _tag: "InvalidOption", option: "schedule" });
  });
});
