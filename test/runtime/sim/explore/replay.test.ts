// What was recorded of a run, played again: in the same order, in a program that was edited, and where names are gone.

import type { Ref, Self, SpawnOptions } from "antiphon";
import {
  crash,
  type Fault,
  type Latencies,
  powerFailure,
  type SimulatedWorld,
  type Simulation,
  simulate,
} from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Body,
  Explorer,
  type ExplorerOptions,
  type Finding,
  type Played,
} from "../../../../src/runtime/sim/explorer.ts";
import type { TimeMode } from "../../../../src/runtime/sim/exploring.ts";
import { pairsOf, totalPairsOf } from "../../../../src/runtime/sim/schedule.ts";
import { type Case, shrink } from "../../../../src/runtime/sim/shrink.ts";
import { strategies } from "../../../../src/runtime/sim/strategy/portfolio.ts";
import { zoo } from "../../../zoo/all.ts";
import { depth3 } from "../../../zoo/depth.ts";
import { detector } from "../../../zoo/detector.ts";
import { paxos } from "../../../zoo/paxos.ts";
import type { Protocol } from "../../../zoo/protocol.ts";
import { raft } from "../../../zoo/raft.ts";
import { stalefill } from "../../../zoo/stalefill.ts";
import { twophase } from "../../../zoo/twophase.ts";
import { drawn, endOf, namesOf, seenBy } from "./drawn.ts";
import { bodyOf, type Kind, programs } from "./programs.ts";

const buggy =
  <Op>(protocol: Protocol<Op>, operations = protocol.operations): Body =>
  (world) =>
    protocol.play(world, "buggy", operations);

const name = fc.constantFrom(...strategies);
const latency: Latencies = { "/a>/b": { min: 1, max: 9 }, "/b>*": { min: 0, max: 3 }, "/c>/a": 2 };

describe("pairsOf", () => {
  /** Who is turned away, of asks that wait for each other, depends on two actors at once. */
  const oneByOne = zoo.filter(({ name }) => name !== "deadlock");

  test.each(oneByOne)(
    "gives pairs with which each actor of $name sees the same again (seeds 1 to 12)",
    async (protocol) => {
      const explorer = new Explorer({ time: protocol.time });
      for (let seed = 1; seed <= 12; seed++) {
        const name = strategies[seed % strategies.length]!;
        const { plan, played } = await drawn(explorer, name, seed, buggy(protocol));
        const again = await explorer.replay({ ...plan, pairs: pairsOf(played) }, buggy(protocol));
        expect(seenBy(again.happened)).toEqual(seenBy(played.happened));
        expect(endOf(again)).toBe(endOf(played));
      }
    },
  );

  const many: Kind[] = ["tell", "ask", "askBoth", "within", "sleep", "pipe", "after", "crash"];

  test.each<[string, Kind[], ExplorerOptions, SpawnOptions?]>([
    ["asks", ["tell", "ask", "askBoth"], {}],
    ["asks, in async time", ["tell", "ask", "askBoth"], { time: "async" }],
    ["deadlines, in async time", ["tell", "ask", "askBoth", "within"], { time: "async" }],
    ["timers and sleeps", ["tell", "ask", "sleep", "after", "cancel"], {}],
    ["timers and sleeps, in async time", ["tell", "ask", "sleep", "after", "cancel"], { time: "async" }],
    ["crashes and pipes, in async time", ["tell", "ask", "pipe", "crash"], { time: "async" }],
    ["a crash that is injected", ["tell", "ask", "sleep"], { faults: [crash("/b", { at: 5 })] }],
    ["a crash that is injected, in async time", ["tell", "after"], { time: "async", faults: [crash("/b", { at: 5 })] }],
    ["latencies that are drawn", ["tell", "ask", "askBoth", "sleep"], { time: "des", latency }],
    ["stops", [...many, "stop"], {}],
    ["stops, in async time", [...many, "stop"], { time: "async" }],
    ["a power failure", many, { faults: [powerFailure({ at: 3 })] }],
    ["a power failure, in async time", many, { time: "async", faults: [powerFailure({ at: 3 })] }],
    ["mailboxes with hardly any room", [...many, "stop"], {}, { mailbox: { capacity: 1 } }],
    ["mailboxes that drop the oldest", many, { time: "async" }, { mailbox: { capacity: 2, overflow: "drop-oldest" } }],
    ["handlers side by side", [...many, "stop"], {}, { concurrency: 2 }],
    ["handlers side by side, in async time", [...many, "stop"], { time: "async" }, { concurrency: Infinity }],
    ["mailboxes that are last in, first out", many, {}, { mailbox: { order: "lifo" } }],
    ["mailboxes that are last in, first out, in async time", many, { time: "async" }, { mailbox: { order: "lifo" } }],
  ])(
    "[X1 sim] gives pairs with which each actor sees the same again, in programs with %s (seed 12)",
    async (_, kinds, options, spawned = {}) => {
      const explorer = new Explorer(options);
      const property = fc.asyncProperty(programs(kinds), fc.nat(1_000_000), name, async (program, seed, name) => {
        const body = bodyOf(program, spawned);
        const { plan, played } = await drawn(explorer, name, seed, body, 10);
        const again = await explorer.replay({ ...plan, pairs: pairsOf(played) }, body);
        expect(seenBy(again.happened)).toEqual(seenBy(played.happened));
      });
      await fc.assert(property, { numRuns: 200, seed: 12 });
    },
  );
});

describe("totalPairsOf", () => {
  test.each(zoo)("gives pairs with which all of $name happens in the same order (seeds 1 to 12)", async (protocol) => {
    const explorer = new Explorer({ time: protocol.time });
    for (let seed = 1; seed <= 12; seed++) {
      const name = strategies[seed % strategies.length]!;
      const { plan, played } = await drawn(explorer, name, seed, buggy(protocol));
      const again = await explorer.replay({ ...plan, pairs: totalPairsOf(played) }, buggy(protocol));
      expect(namesOf(again.happened)).toEqual(namesOf(played.happened));
      expect(endOf(again)).toBe(endOf(played));
    }
  });

  test("gives pairs with which all happens in the same order, at the same times, within windows (seed 14)", async () => {
    const explorer = new Explorer({ latency });
    const kinds: Kind[] = ["tell", "ask", "askBoth", "within", "sleep", "after", "crash"];
    const property = fc.asyncProperty(programs(kinds), fc.nat(1_000_000), name, async (program, seed, name) => {
      const { plan, played } = await drawn(explorer, name, seed, bodyOf(program), 10);
      const again = await explorer.replay({ ...plan, pairs: totalPairsOf(played) }, bodyOf(program));
      const timed = ({ happened }: Played) => happened.map((one) => `${one.name} at ${one.firedMs}`);
      expect(timed(again)).toEqual(timed(played));
    });
    await fc.assert(property, { numRuns: 120, seed: 14 });
  });
});

describe("Replay", () => {
  /** Without numbers: where any order is possible, what is armed has a name before it comes due, and may never do so. */
  const lines = ({ trace }: Simulation<unknown>) => trace.map((entry) => `${entry}`.replace(/#\d+$/, ""));

  const doesTheSame = async (kinds: Kind[], options: { latency?: Latencies; faults?: Fault[] } = {}) => {
    const property = fc.asyncProperty(programs(kinds), fc.nat(1_000_000), async (program, seed) => {
      const explorer = new Explorer({ ...options, seed, time: "des" });
      const { simulation } = await explorer.replay(explorer.firstPlan, bodyOf(program), { trace: "full" });
      const simulated = await simulate({ ...options, seed }, bodyOf(program));
      expect(lines(simulation!)).toEqual(lines(simulated));
      expect(simulation?.endedMs).toBe(simulated.endedMs);
    });
    await fc.assert(property, { numRuns: 100, seed: 13 });
  };

  test("without pairs does what simulate does (seed 13)", async () => {
    await doesTheSame(["tell", "ask", "askBoth", "within", "sleep", "pipe", "crash", "stop"]);
  });

  test("without pairs does what simulate does, where messages travel (seed 13)", async () => {
    await doesTheSame(["tell", "ask", "askBoth", "sleep"], { latency });
  });

  test("without pairs does what simulate does, under faults (seed 13)", async () => {
    await doesTheSame(["tell", "ask", "askBoth", "sleep"], {
      faults: [crash("/a", { at: 0 }), crash("/b", { at: 5 })],
    });
  });

  test("without pairs begins at an instant with what was posted first", async () => {
    const played: string[] = [];
    const body: Body = async ({ system, runUntilIdle }) => {
      const other = system.spawn(() => ({ note: () => void played.push("noted") }), { name: "other" });
      const sleeper = (self: Self) => ({
        async sleep() {
          const slept = self.sleep(0);
          self.tell(other).note();
          await slept;
          played.push("slept");
        },
      });
      system.tell(system.spawn(sleeper, { name: "sleeper" })).sleep();
      await runUntilIdle();
    };
    await simulate({}, body);
    const explorer = new Explorer();
    await explorer.replay(explorer.firstPlan, body);
    expect(played).toEqual(["slept", "noted", "slept", "noted"]);
  });

  test("lets an event wait that is to come after one that never comes, until nothing else can happen", async () => {
    const explorer = new Explorer();
    const seen: string[] = [];
    const body: Body = async ({ system, runUntilIdle }) => {
      const to = system.spawn(() => ({ note: (by: string) => void seen.push(by) }), { name: "to" });
      const writer = (self: Self) => ({ write: (by: string) => self.tell(to).note(by) });
      for (const name of ["w1", "w2", "w3"]) system.tell(system.spawn(writer, { name })).write(name);
      await runUntilIdle();
    };
    const pairs = [
      { event: "/w1>/to:note#1", after: "/gone>/to:note#1" },
      { event: "/gone>/to:note#2", after: "/w3>/to:note#1" },
    ];
    const { error } = await explorer.replay({ ...explorer.firstPlan, pairs }, body);
    expect(error).toBeUndefined();
    expect(seen).toEqual(["w2", "w3", "w1"]);
  });
});

describe("a shrunk plan", () => {
  /** Pairs of actors that have nothing to do with the rest, and send each other messages. */
  function chatters({ system }: SimulatedWorld, pairs: number): void {
    interface Chatter {
      chat(left: number): void;
    }
    for (let i = 1; i <= pairs; i++) {
      const both: Ref<Chatter>[] = [];
      const chatter = (self: Self, other: number): Chatter => ({
        chat(left) {
          if (left > 0) self.tell(both[other]!).chat(left - 1);
        },
      });
      for (const other of [1, 0]) both.push(system.spawn((self) => chatter(self, other), { name: `chat${i}${other}` }));
      system.tell(both[0]!).chat(12);
    }
  }

  /** The first failures of drawn schedules, with as few pairs as will do. */
  async function shrunkPlans(explorer: Explorer, body: Body, count: number) {
    const found: Finding[] = [];
    for (let index = 1; found.length < count; index++) {
      const finding = await explorer.explore(index, body);
      if (finding === undefined) continue;
      const play = async ({ plan }: Case<never>) => explorer.findingOf(plan, await explorer.replay(plan, body));
      found.push((await shrink(finding, [], play, 1_000))!.finding);
    }
    return found;
  }

  test.each<[number, string, TimeMode, Body]>([
    [20, "stalefill", stalefill.time, buggy(stalefill)],
    [20, "raft", raft.time, buggy(raft)],
    [20, "paxos", paxos.time, buggy(paxos)],
    [20, "twophase", twophase.time, buggy(twophase)],
    [20, "depth3", depth3.time, buggy(depth3)],
    [2, "detector", detector.time, buggy(detector)],
  ])("fails alike among three more pairs of actors: %i of as many of %s (seed 5)", async (count, _, time, body) => {
    const explorer = new Explorer({ time, seed: 5, twice: 0 });
    const edited: Body = async (world) => {
      chatters(world, 3);
      await body(world);
    };
    for (const { plan, signature } of await shrunkPlans(explorer, body, count))
      expect(endOf(await explorer.replay(plan, edited))).toBe(signature);
  });
});
