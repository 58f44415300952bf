// Faults that are drawn for each run of an exploration.

import { InvalidOption, type Self, settle } from "antiphon";
import type { Fault } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { type Body, Explorer } from "../../../../src/runtime/sim/explorer.ts";
import { checked } from "../../../../src/runtime/sim/fault.ts";
import { checkSwarm, drawFaults, type Swarm } from "../../../../src/runtime/sim/swarm.ts";

const swarm = {
  crash: ["/a", "/b"],
  restart: ["/a"],
  pause: ["/b"],
  slow: ["/*"],
  clockOffset: ["/a"],
  errors: ["/b"],
  down: ["/b"],
  drop: ["/a>/b"],
  duplicate: ["/a>/b", "/b>/a"],
  delay: ["*>/b"],
  reorder: ["/a>*"],
  partition: ["/a", "/b", "/c"],
  powerFailure: true,
  most: 5,
  within: "20s",
} satisfies Swarm;

/** As a swarm names them. */
const kindOf = ({ kind }: Fault) =>
  ({ "power-failure": "powerFailure", "clock-offset": "clockOffset", error: "errors" })[kind as string] ?? kind;

const runs = Array.from({ length: 2_000 }, (_, i) => drawFaults(swarm, i + 1));

describe("drawFaults", () => {
  test("gives faults that are valid, none to as many as it may (seeds 1 to 2,000)", () => {
    expect(new Set(runs.map(({ length }) => length))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    for (const fault of runs.flat()) expect(checked(fault)).toBe(fault);
  });

  test("gives each kind to some runs and not to others, and to no run all of them (seeds 1 to 2,000)", () => {
    const { most, within, ...kinds } = swarm;
    for (const kind of Object.keys(kinds)) {
      const having = runs.filter((faults) => faults.some((fault) => kindOf(fault) === kind)).length;
      expect(having, kind).toBeGreaterThan(50);
      expect(having, kind).toBeLessThan(1_000);
    }
  });

  test("draws from few kinds in a run: about half, however many faults it has (seeds 1 to 2,000)", () => {
    const all = Array.from({ length: 500 }, (_, i) => drawFaults({ ...swarm, most: 200 }, i + 1));
    const kinds = all.filter(({ length }) => length > 100).map((faults) => new Set(faults.map(kindOf)).size);
    const mean = kinds.reduce((sum, one) => sum + one, 0) / kinds.length;
    expect(mean).toBeGreaterThan(5);
    expect(mean).toBeLessThan(8);
  });

  test("has them begin and end before the time that is given (seeds 1 to 2,000)", () => {
    const times = runs.flat().flatMap((fault) => {
      const { at, from, to } = fault as { at?: number; from?: number; to?: number };
      return [at, from, to].filter((time) => time !== undefined);
    });
    expect(times.length).toBeGreaterThan(1_000);
    for (const time of times) {
      expect(Number.isInteger(time)).toBe(true);
      expect(time).toBeGreaterThanOrEqual(0);
      expect(time).toBeLessThanOrEqual(20_000);
    }
  });

  test("strikes what is named, and messages by their number, mostly a small one (seeds 1 to 2,000)", () => {
    const numbers: number[] = [];
    for (const fault of runs.flat()) {
      const { target, link, nth, first } = fault as { target?: string; link?: string; nth?: number; first?: number };
      const named = (swarm as Record<string, unknown>)[kindOf(fault)] as readonly string[];
      if (target !== undefined) expect(named).toContain(target);
      if (link !== undefined) expect(named).toContain(link);
      numbers.push(...[nth, first].filter((number) => number !== undefined));
    }
    expect(Math.min(...numbers)).toBe(1);
    expect(Math.max(...numbers)).toBeLessThanOrEqual(8);
    expect(numbers.filter((number) => number <= 3).length / numbers.length).toBeGreaterThan(0.5);
  });

  test("parts the actors of a partition in two, neither of them empty (seeds 1 to 2,000)", () => {
    const parts = new Set<string>();
    for (const fault of runs.flat()) {
      if (fault.kind !== "partition") continue;
      expect([...fault.one, ...fault.other].sort()).toEqual(["/a", "/b", "/c"]);
      expect([fault.one.length, fault.other.length].sort()).toEqual([1, 2]);
      parts.add([...(fault.one.length === 1 ? fault.one : fault.other)].join());
    }
    expect([...parts].sort()).toEqual(["/a", "/b", "/c"]);
  });

  test("gives the same to the same seed, and others to others", () => {
    expect(runs.map((_, i) => drawFaults(swarm, i + 1))).toEqual(runs);
    expect(new Set(runs.map((faults) => JSON.stringify(faults))).size).toBeGreaterThan(1_000);
  });

  test("gives none of a swarm without targets", () => {
    for (let seed = 1; seed <= 50; seed++) {
      expect(drawFaults({}, seed)).toEqual([]);
      expect(drawFaults({ crash: [], powerFailure: false, drop: undefined }, seed)).toEqual([]);
    }
  });
});

describe("checkSwarm", () => {
  test.each<[string, unknown]>([
    ["faults.explode", { explode: ["/a"] }],
    ["faults.crash", { crash: "/a" }],
    ["faults.crash", { crash: ["a"] }],
    ["faults.pause", { pause: [7] }],
    ["faults.drop", { drop: ["/a"] }],
    ["faults.delay", { delay: ["/a>/b>/c"] }],
    ["faults.partition", { partition: ["/a"] }],
    ["faults.powerFailure", { powerFailure: "often" }],
    ["faults.most", { most: 0 }],
    ["faults.most", { most: 1.5 }],
    ["faults.within", { within: "soon" }],
    ["faults.within", { within: -1 }],
    ["faults.within", { within: Number.POSITIVE_INFINITY }],
    ["faults", null],
  ])("refuses what is wrong with %s: %j", (option, wrong) => {
    const refused = expect.objectContaining({ _tag: "InvalidOption", option });
    expect(() => checkSwarm(wrong as Swarm)).toThrow(refused);
    expect(() => new Explorer({ faults: wrong as Swarm })).toThrow(InvalidOption);
  });

  test("takes every kind", () => {
    expect(() => checkSwarm(swarm)).not.toThrow();
  });
});

describe("an exploration under a swarm", () => {
  /** Two actors that ask and tell each other for 20 seconds. */
  const body: Body = async ({ system, run }) => {
    const b = system.spawn((self: Self) => ({ work: () => self.sleep("10ms") }), { name: "b" });
    const asker = (self: Self) => ({
      async go() {
        for (let i = 0; i < 20; i++) {
          self.tell(b).work();
          await settle(self.ask(b).work());
          await self.sleep("1s");
        }
      },
    });
    system.tell(system.spawn(asker, { name: "a" })).go();
    await run("40s");
  };

  test("plays runs of all kinds of faults to their end", async () => {
    const explorer = new Explorer({ faults: swarm, seed: 61, twice: 0.2 });
    for (let index = 0; index < 100; index++) expect(await explorer.explore(index, body)).toBeUndefined();
    expect(explorer.coverage.compared).toBeGreaterThan(5);
  });

  test("has no faults in the base order, and in each other run those of its seed", async () => {
    const explorer = new Explorer({ faults: swarm, seed: 62, twice: 0 });
    const failing: Body = async (world) => {
      await body(world);
      throw new Error("always");
    };
    const plans = [];
    for (let index = 0; index < 20; index++) plans.push((await explorer.explore(index, failing))!.plan);
    expect(plans[0]!.faults).toEqual([]);
    for (const { seed, faults } of plans.slice(1)) expect(faults).toEqual(drawFaults(swarm, seed));
  });
});
