// Exhaustive exploration against a walk through every choice there is: the same orders, and each of them.

import { type Ref, type Self, type SpawnOptions, settle } from "antiphon";
import { crash, type Fault } from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exhaust } from "../../../../src/runtime/sim/exhaust.ts";
import { type Body, Explorer, type ExplorerOptions } from "../../../../src/runtime/sim/explorer.ts";
import { NotExhaustible } from "../../../../src/runtime/sim/failure.ts";
import { deadlock } from "../../../zoo/deadlock.ts";
import { depth2 } from "../../../zoo/depth.ts";
import { latereply } from "../../../zoo/latereply.ts";
import { lease } from "../../../zoo/lease.ts";
import type { Protocol, Variant } from "../../../zoo/protocol.ts";
import { registry } from "../../../zoo/registry.ts";
import { retry } from "../../../zoo/retry.ts";
import { stalefill } from "../../../zoo/stalefill.ts";
import { twophase } from "../../../zoo/twophase.ts";
import { exhaustedOrders, walkedOrders } from "./orders.ts";
import { bodyOf, type Kind, type Program, programs } from "./programs.ts";
import { cells, counted, endings } from "./small.ts";

function played<Op>({ play, operations }: Protocol<Op>, variant: Variant, most?: number): Body {
  return (world) => play(world, variant, operations.slice(0, most));
}

describe("exhaust", () => {
  test.each(counted)("finds the $orders orders of $name, each in one run", async ({ orders, play }) => {
    const found = await exhaustedOrders(play);
    const walked = await walkedOrders(play, { skipsKnown: true });
    expect(walked).toMatchObject({ isComplete: true });
    expect(found.orders).toEqual(walked.orders);
    expect(found).toMatchObject({ isComplete: true, traces: orders });
  });

  test.each(endings)("finds every order of $name", async ({ play }) => {
    const [found, walked] = [await exhaustedOrders(play), await walkedOrders(play)];
    expect([found, walked]).toMatchObject([{ isComplete: true }, { isComplete: true }]);
    expect(found.orders).toEqual(walked.orders);
  });

  test("finds every order of an actor that stops with an ask that another one who stops may not answer", async () => {
    const ends: Program = [
      { to: 1, steps: [{ do: "tell", to: 0, steps: [{ do: "stop" }, { do: "ask", to: 2, steps: [] }] }] },
      { to: 0, steps: [{ do: "tell", to: 2, steps: [{ do: "stop" }] }] },
    ];
    const [found, walked] = [await exhaustedOrders(bodyOf(ends)), await walkedOrders(bodyOf(ends))];
    expect(walked.isComplete).toBe(true);
    expect(found.orders).toEqual(walked.orders);
  });

  test.each<[string, number, Body]>([
    ["a lease lock without fencing tokens", 52, played(lease, "buggy")],
    ["a lease lock with fencing tokens", 40, played(lease, "fixed")],
    ["a retry", 2, played(retry, "buggy", 1)],
    ["two retries", 14, played(retry, "buggy")],
    ["two-phase commit of one client", 4, played(twophase, "buggy", 1)],
    ["two-phase commit of two clients", 512, played(twophase, "buggy")],
    ["a registry of processes with three clients", 66, played(registry, "buggy")],
    ["a cache before a database", 100, played(stalefill, "buggy")],
    ["three late replies", 66, played(latereply, "buggy")],
    ["a combination lock of three digits", 6, played(depth2, "buggy")],
    ["six cells that are written and read", 64, cells],
  ])("finds as many orders of %s as are known: %i", async (_, orders, body) => {
    const { traces, isComplete } = await exhaustedOrders(body);
    expect({ traces, isComplete }).toEqual({ traces: orders, isComplete: true });
  });

  test("stops at the first order that fails, with the plan of it", async () => {
    const explorer = new Explorer({ time: "async" });
    const body = played(registry, "buggy");
    const { finding, isComplete, traces } = await exhaust(explorer, body, { tracesMax: 1_000 });
    expect(isComplete).toBe(false);
    expect(traces).toBeLessThan(66);
    expect((await explorer.replay(finding!.plan, body)).error).toEqual(finding!.error);
  });

  test("says that it is not complete after as many orders as it may try", async () => {
    const found = await exhaustedOrders(played(registry, "fixed"), { tracesMax: 5 });
    expect(found).toMatchObject({ traces: 5, isComplete: false });
  });

  test.each<[string, Kind[], Fault[]]>([
    ["asks", ["tell", "ask", "askBoth"], []],
    ["handlers that sleep", ["tell", "ask", "sleep"], []],
    ["timers and cancellations", ["tell", "after", "cancel"], []],
    ["deadlines", ["tell", "ask", "within"], []],
    ["crashes and stops", ["tell", "ask", "crash", "stop"], []],
    ["pipes", ["tell", "ask", "pipe", "crash"], []],
    ["a crash that is injected", ["tell", "ask", "sleep"], [crash("/b", { at: "3ms" })]],
  ])("finds the orders of programs with %s that a walk finds (seed 11)", async (_, kinds, faults) => {
    const most = 60;
    const property = fc.asyncProperty(programs(kinds), async (program) => {
      const found = await exhaustedOrders(bodyOf(program), { tracesMax: most, faults });
      const walked = await walkedOrders(bodyOf(program), { runsMax: most, faults });
      if (found.isComplete) for (const order of walked.orders) expect(found.orders).toContain(order);
      if (walked.isComplete) for (const order of found.orders) expect(walked.orders).toContain(order);
    });
    await fc.assert(property, { numRuns: 15, seed: 11 });
  });
});

describe("NotExhaustible", () => {
  const one = (options: SpawnOptions, work: (self: Self) => unknown = () => {}): Body => {
    return async ({ system, runUntilIdle }) => {
      const ref = system.spawn((self: Self) => ({ work: () => work(self) }), { name: "a", ...options });
      for (let i = 0; i < 3; i++) system.tell(ref).work();
      await runUntilIdle();
    };
  };
  let runs = 0;
  const differing: Body = async ({ system, runUntilIdle }) => {
    const to = system.spawn(() => ({ note() {} }), { name: "to" });
    const writer = (self: Self) => ({ write: () => self.tell(to).note() });
    for (const name of ["w", `w${++runs}`]) system.tell(system.spawn(writer, { name })).write();
    await runUntilIdle();
  };
  const endless: Body = async ({ system, runUntilIdle }) => {
    const ref = system.spawn((self: Self<{ go(): void }>) => ({ go: () => self.tell(self.ref).go() }), { name: "a" });
    system.tell(ref).go();
    await runUntilIdle();
  };
  const fromOutside = () => new Promise<void>((resolve) => void setImmediate(resolve));

  test.each<[string, RegExp, Body, ExplorerOptions]>([
    ["virtual time", /time is windows/, one({}), { time: "windows" }],
    ["drawn latencies", /time is des/, one({}), { time: "des" }],
    ["several handlers at once", /\/a has concurrency 2/, one({ concurrency: 2 }), {}],
    [
      "a mailbox that is last in, first out",
      /\/a has a mailbox with an order/,
      one({ mailbox: { order: "lifo" } }),
      {},
    ],
    ["priorities", /\/a has a mailbox with an order/, one({ mailbox: { order: { priority: () => 0 } } }), {}],
    ["a bound that is reached", /\/a reached a bound/, one({ mailbox: { capacity: 1 } }), {}],
    ["a promise from outside", /\/a waits for something from outside/, one({}, fromOutside), {}],
    ["a program that is not the same in each run", /not the same in each run/, differing, {}],
    ["a run that does not end", /does not end/, endless, { steps: 50 }],
  ])("says why not every order can be tried: %s", async (_, why, body, options) => {
    const explored = exhaust(new Explorer({ time: "async", ...options }), body, { tracesMax: 1_000 });
    await expect(explored).rejects.toThrow(NotExhaustible);
    await expect(explored).rejects.toThrow(why);
  });

  test("says that a body ends too early: what is to come might have led to another order", async () => {
    const ended = (isIdle: boolean): Body => {
      return async ({ system, runUntilIdle }) => {
        const register = () => ({ get: () => {}, set: () => {} });
        const to = system.spawn(register, { name: "register" });
        const last = system.spawn((self: Self) => ({ pass: () => self.tell(to).set() }), { name: "last" });
        const first = system.spawn((self: Self) => ({ pass: () => self.tell(last).pass() }), { name: "first" });
        const asked = system.ask(to).get();
        system.tell(first).pass();
        await asked;
        if (isIdle) await runUntilIdle();
      };
    };
    await expect(exhaustedOrders(ended(false))).rejects.toThrow(/ended while .* was still to come.*runUntilIdle/);
    expect((await exhaustedOrders(ended(true))).orders).toEqual((await walkedOrders(ended(true))).orders);
  });

  test("is not said of timers that go on for ever", async () => {
    const body: Body = async ({ system, runUntilIdle }) => {
      const clock = (self: Self) => {
        self.every("1s", () => {});
        return { look: () => {} };
      };
      system.tell(system.spawn(clock, { name: "clock" })).look();
      await runUntilIdle();
    };
    const found = await exhaustedOrders(body, { steps: 50 }).catch((error: Error) => error.message);
    expect(found).not.toMatch(/the body ended/);
  });

  test("does not claim to be complete where asks wait for each other: who asked last is turned away", async () => {
    interface Peer {
      ask(): Promise<void>;
      answer(): void;
    }
    const body: Body = async ({ system, runUntilIdle }) => {
      const peers: Ref<Peer>[] = [];
      const peer = (self: Self, other: number): Peer => ({
        async ask() {
          await settle(self.ask(peers[other]!).answer());
        },
        answer() {},
      });
      for (const other of [1, 0]) peers.push(system.spawn((self) => peer(self, other), { name: `p${peers.length}` }));
      for (const ref of peers) system.tell(ref).ask();
      await runUntilIdle();
    };
    const walked = await walkedOrders(body);
    const found = await exhaustedOrders(body).catch((error: unknown) => error);
    if (!(found instanceof NotExhaustible)) expect(found).toMatchObject({ orders: walked.orders });
  });

  test("gives the order that fails first, where asks wait for each other", async () => {
    const explorer = new Explorer({ time: "async" });
    const { finding } = await exhaust(explorer, played(deadlock, "buggy"), { tracesMax: 1_000 });
    expect(finding?.signature).toBe("Error: no ask waits for itself");
  });
});
