import { InvalidOption, type Self, type System } from "antiphon";
import { NotReproducible } from "antiphon/sim";
import { assertExplored, type Exploration, type ExploreOptions, explore, PropertyViolated } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, expectTypeOf, onTestFinished, test, vi } from "vitest";
import { account } from "../zoo/account.ts";
import type { Variant } from "../zoo/protocol.ts";
import { clerks, failure, thrown } from "./exploring.ts";

// Many runs each: slow where much else runs.
vi.setConfig({ testTimeout: 30_000 });

/** Three clients read a balance, add to it and write it back; in the base order one after the other. */
function deposits(variant: Variant, options: ExploreOptions = {}, more: (system: System) => void = () => {}) {
  return explore(
    {},
    async (world) => {
      more(world.system);
      await account.play(world, variant, account.operations);
    },
    options,
  );
}

/** Actors that have nothing to do with deposits, and are busy. */
function strangers(system: System): void {
  const clock = system.spawn(() => ({ tick: () => {} }), { name: "clock" });
  for (const name of ["owl", "bat"]) {
    const bird = (self: Self) => ({ fly: (left: number) => left > 0 && self.tell(clock).tick() });
    system.tell(system.spawn(bird, { name })).fly(1);
  }
}

describe("explore", () => {
  test("is a property for fast-check: as many runs as numRuns says, each of as many orders as schedules says", async () => {
    const property = explore(
      { items: fc.array(fc.string(), { minLength: 2 }) },
      async ({ system, runUntilIdle }, { items }) => {
        const cart: string[] = [];
        const shop = system.spawn(() => ({ add: (item: string) => void cart.push(item) }), { name: "shop" });
        const shopper = (self: Self) => ({ take: (item: string) => self.tell(shop).add(item) });
        for (const item of items) system.tell(system.spawn(shopper)).take(item);
        await runUntilIdle();
        expect(cart.toSorted()).toEqual(items.toSorted());
      },
      { schedules: 30 },
    );
    await fc.assert(property, { seed: 1, numRuns: 20 });
    expect(property.coverage.schedules).toBe(600);
    expect(property.coverage.runs[0]).toEqual({ strategy: "base", runs: 20 });
  });

  test("finds a lost update between actors, and tells the property, the order, what happened and how to play it again", async () => {
    const error = await failure(deposits("buggy"));
    const { pairs } = error.played.plan;
    expect(pairs).toHaveLength(1);
    const lines = error.message.split("\n");
    expect(lines[0]).toMatch(/^no deposit is lost: 111 were deposited and \d+ are there$/);
    expect(error.message).toContain(`  order   ${pairs[0]!.event} only after ${pairs[0]!.after}\n`);
    expect(error.message).toMatch(/found in schedule \d+ \(\w.*\); made smaller in \d+ replays: \d+ pairs to 1/);
    expect(error.message).toMatch(/^ +outside +ann +bob +cay +store$/m);
    expect(error.message).toContain(`after ${pairs[0]!.after}`);
    expect(error.message).toContain(`examples: [["${error.token}"]]`);
    expect(error.mermaid()).toMatch(/^sequenceDiagram\n/);
    expect(error.cause).toMatchObject({ message: lines[0] });
  });

  test("says so when the order of posting is enough", async () => {
    const error = await failure(clerks((noted) => expect(noted).not.toBe("abcd")));
    expect(error.message).toContain("found in schedule 1 (base)");
    expect(error.message).toContain("order   everything in the order in which it was posted");
    expect(error.played.plan.pairs).toEqual([]);
  });

  test("finds what it finds again, to the letter, with the same seed of fast-check", async () => {
    const once = () => failure(deposits("buggy", { schedules: 20 }), { seed: 42 });
    const [one, other] = [await once(), await once()];
    expect(one.message).toBe(other.message);
    expect(one.played).toEqual(other.played);
  });

  test("finds nothing in the program that is right", async () => {
    await fc.assert(deposits("fixed"), { seed: 1, numRuns: 5 });
  });

  test("has always, never and leadsTo in the body's world fail at the step at which they do not hold", async () => {
    const violated = async (operator: "always" | "never" | "leadsTo") => {
      const property = explore({}, async ({ system, run, always, never, leadsTo }) => {
        let [asked, sum] = [false, 0];
        const till = system.spawn((self: Self) => ({
          async pay() {
            asked = true;
            await self.sleep("2s");
            sum--;
          },
        }));
        if (operator === "always") always("no overdraft", () => sum >= 0 || `the sum is ${sum}`);
        if (operator === "never") never("debt", () => sum < 0);
        if (operator === "leadsTo") leadsTo("paid", { when: () => asked, then: () => sum < 0, within: "1s" });
        system.tell(till).pay();
        await run("1m");
      });
      return (await failure(property)).cause;
    };
    for (const [operator, property] of [
      ["always", "no overdraft"],
      ["never", "debt"],
      ["leadsTo", "paid"],
    ] as const) {
      const cause = await violated(operator);
      expect(cause).toBeInstanceOf(PropertyViolated);
      expect(cause).toMatchObject({ operator, property, atMs: 2_000 });
    }
  });

  test("takes inputs that fc.pre does not want for none, and goes on with others", async () => {
    const seen = new Set<number>();
    const property = explore({ n: fc.nat(100) }, (_, { n }) => {
      fc.pre(n % 2 === 0);
      seen.add(n);
    });
    await fc.assert(property, { seed: 1, numRuns: 20 });
    expect([...seen].filter((n) => n % 2 === 1)).toEqual([]);
    expect(seen.size).toBeGreaterThan(10);
  });

  test("finds, where every run is played twice, what a module remembers: ExplorationFailed by NotReproducible", async () => {
    let remembered = 0;
    const property = explore(
      {},
      async ({ system, runUntilIdle }) => {
        system.tell(system.spawn(() => ({ take: (_: number) => {} }), { name: "taker" })).take(remembered++);
        await runUntilIdle();
      },
      { twice: 1 },
    );
    const error = await failure(property);
    expect(error.cause).toBeInstanceOf(NotReproducible);
    expect(error.message).toMatch(/^Two runs of one seed differ, first in a payload of \/:/);
    // Also where it is played again.
    expect(await property.replay(error.token!)).toMatchObject({
      outcome: "failing",
      error: { code: "NOT_REPRODUCIBLE" },
    });
    const again = await failure(property, { examples: [[error.token!]], numRuns: 1 });
    expect(again.cause).toBeInstanceOf(NotReproducible);
  });

  test("knows the types of the inputs, and what boot gives", () => {
    const property = explore({ n: fc.nat(), text: fc.string() }, (_, inputs) => {
      expectTypeOf(inputs).toEqualTypeOf<{ n: number; text: string }>();
    });
    expectTypeOf(property).toEqualTypeOf<Exploration<{ n: number; text: string }>>();
    explore({}, ({ booted }) => expectTypeOf(booted).toBeString(), { boot: (_: System) => "up" });
    // @ts-expect-error: an input is an arbitrary
    expect(() => explore({ n: 3 }, () => {})).toThrow();
    // @ts-expect-error: no such strategy
    expect(() => explore({}, () => {}, { strategies: ["luck"] })).toThrow(InvalidOption);
  });

  test.each<[string, object]>([
    ["schedules", { schedules: 0 }],
    ["schedules", { schedules: 1.5 }],
    ["replays", { replays: -1 }],
    ["exhaustive", { exhaustive: 0 }],
    ["exhaustive", { exhaustive: "all" }],
    ["faults", { exhaustive: true, faults: { crash: ["/a"] } }],
    ["twice", { twice: 2 }],
    ["seed", { seed: 0.5 }],
    ["steps", { steps: 0 }],
    ["time", { time: "real" }],
    ["name", { name: "" }],
    ["boot", { boot: "up" }],
    ["strict", { strict: "very" }],
    ["isolation", { isolation: "none" }],
    ["latency", { latency: { "/a": 1 } }],
    ["latency of /a>/b", { latency: { "/a>/b": "soon" } }],
    ["strategies", { strategies: [] }],
    ["faults.rain", { faults: { rain: ["/a"] } }],
    ["faults.drop", { faults: { drop: ["/a"] } }],
    ["crash.at", { faults: [{ kind: "crash", target: "/a" }] }],
    ["tries", { tries: 3 }],
  ])("refuses a wrong %s at the call: %j", (option, options) => {
    let error: unknown;
    try {
      explore({}, () => {}, options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InvalidOption);
    expect(error).toMatchObject({ option });
  });
});

describe("a counterexample of explore", () => {
  test("[X1 sim] fails again, as a token and as a value, in that one run", async () => {
    const { token, played, message } = await failure(deposits("buggy"));
    for (const example of [token!, played]) {
      const property = deposits("buggy");
      const again = await failure(property, { examples: [[example]], numRuns: 1 });
      expect(again.played).toEqual(played);
      expect(again.message.split("\n")[0]).toBe(message.split("\n")[0]);
      expect(again.message).toContain("  given; ");
      expect(property.coverage.schedules).toBe(0);
    }
  });

  test("[X4 sim] fails still when actors were added that have nothing to do with it", async () => {
    const { played } = await failure(deposits("buggy"));
    const again = await failure(deposits("buggy", {}, strangers), { examples: [[played]], numRuns: 1 });
    expect(again.played.plan.pairs).toEqual(played.plan.pairs);
    expect(await deposits("buggy", {}, strangers).replay(played)).toMatchObject({ outcome: "failing", gone: [] });
  });

  test("passes in the program that was repaired", async () => {
    const { token } = await failure(deposits("buggy"));
    await fc.assert(deposits("fixed"), { examples: [[token!]], numRuns: 1 });
    expect(await deposits("fixed").replay(token!)).toEqual({ outcome: "passing", error: undefined, gone: [] });
  });

  test("[X4 sim] names what is gone from its order, and is played without that", async () => {
    const { played } = await failure(deposits("buggy"));
    const pair = { event: "/eve>/store:read#1", after: "/ann>/store:read#1" };
    const renamed = { ...played, plan: { ...played.plan, pairs: [...played.plan.pairs, pair] } };
    expect(await deposits("buggy").replay(renamed)).toMatchObject({ outcome: "failing", gone: [pair.event] });
    expect(await deposits("fixed").replay(renamed)).toMatchObject({ outcome: "passing", gone: [pair.event] });
  });

  test("is no path of fast-check: that fails, with the reason and what to do instead", async () => {
    const error = await thrown(deposits("buggy"), { path: "0:0:0" });
    expect(error.message).toMatch(/^A path can not be replayed here: .* examples: \[\[token\]\]\.$/);
  });
});

/** After some that end a run without end, in virtual time, until the test is over. */
function flood(options: ExploreOptions = {}, before = 0): Exploration<object> {
  let runs = 0;
  let isOver = false;
  onTestFinished(() => {
    isOver = true;
  });
  const tide = (self: Self<{ rise(): void }>) => ({ rise: () => isOver || self.tell(self.ref).rise() });
  return explore(
    {},
    async ({ system, runUntilIdle }) => {
      if (++runs > before) system.tell(system.spawn(tide, { name: "sea" })).rise();
      await runUntilIdle();
    },
    { steps: Number.POSITIVE_INFINITY, schedules: 1, twice: 0, ...options },
  );
}

describe("the limits of fast-check", () => {
  test.each([
    ["as an option", { interruptAfterTimeLimit: 50 }, {}],
    ["as a plugin", { plugins: [fc.interruptAfterTimeLimit(50)] }, {}],
    ["while clocks and timers are guarded", { plugins: [fc.interruptAfterTimeLimit(50)] }, { strict: true }],
  ])("interrupt a run %s", async (_, parameters, options) => {
    expect(await fc.check(flood(options), parameters)).toMatchObject({ interrupted: true, numRuns: 0 });
  });

  test("let what was tried in time count", async () => {
    const property = flood({}, 3);
    const details = await fc.check(property, { seed: 1, interruptAfterTimeLimit: 1_000 });
    expect(details).toMatchObject({ interrupted: true, failed: false, numRuns: 3 });
    expect(property.coverage.schedules).toBe(3);
  });

  test("end a run that takes too long, and say that it did", async () => {
    const { failed, errorInstance } = await fc.check(flood(), { timeout: 50 });
    expect(failed).toBe(true);
    expect(String(errorInstance)).toContain("exceeded limit of 50 milliseconds");
  });

  test("interrupt the search for something smaller, and keep what was found", async () => {
    let runs = 0;
    let isOver = false;
    onTestFinished(() => {
      isOver = true;
    });
    const property = explore(
      { n: fc.nat() },
      async ({ run }) => {
        // Of the smaller inputs that are tried none come to an end.
        while (runs > 3 && !isOver) await run(1);
        runs++;
        throw new Error("always");
      },
      { replays: 1, steps: Number.POSITIVE_INFINITY },
    );
    const details = await fc.check(property, { seed: 1, interruptAfterTimeLimit: 50 });
    expect(details).toMatchObject({ failed: true, interrupted: true });
  });

  let isEnded = false;
  test.fails("of vitest too", async () => {
    await fc.assert(flood(), { numRuns: 1 });
    isEnded = true;
  }, 50);
  test("of vitest end a test that explores without end", () => {
    expect(isEnded).toBe(false);
  });

  test("hold: endOnFailure leaves the inputs as they are, verbose lists what failed", async () => {
    const property = () => clerks((noted) => expect(noted).not.toBe("abcd"));
    const found = await fc.check(property(), { seed: 3, endOnFailure: true });
    expect(found).toMatchObject({ failed: true, numShrinks: 0 });
    const shrunk = await fc.check(property(), { seed: 3 });
    expect(shrunk.numShrinks).toBeGreaterThan(0);
    const verbose = await thrown(property(), { verbose: fc.VerbosityLevel.Verbose });
    expect(verbose.message).toMatch(/Encountered failures were:\n- \[\{.*"paper":\d\}\]\n- \["antiphon1:/);
  });
});

describe("assertExplored", () => {
  const property = (name: string) =>
    explore({ n: fc.nat(9) }, async ({ sometimes, run }, { n }) => {
      await run(1);
      sometimes("small", () => n < 10);
      if (n > 9) sometimes(name);
      sometimes(name, () => false);
    });

  test("fails for what sometimes names and no run reached", async () => {
    const error = await assertExplored(property("large"), { seed: 1, numRuns: 2 }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(PropertyViolated);
    expect(error).toMatchObject({ operator: "sometimes", property: "large" });
    expect((error as Error).message).toContain("never happened in 200 schedules");
  });

  test("gives what was tried, and fails as fast-check does", async () => {
    const fine = clerks(() => {});
    const coverage = await assertExplored(fine, { seed: 1, numRuns: 1 });
    expect(coverage).toBe(fine.coverage);
    expect(coverage.schedules).toBe(100);
    await expect(
      assertExplored(
        clerks((noted) => expect(noted).toBe("abcd")),
        { seed: 1 },
      ),
    ).rejects.toThrow(/^Property failed after 1 tests/);
  });
});
