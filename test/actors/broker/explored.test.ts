// Queues between actors, in many orders and through crashes, watched by the reference model.

import type { Self } from "antiphon";
import { down, unavailable } from "antiphon/sim";
import { assertExplored, conserved, type ExploreOptions, explore } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonCodec } from "../../../src/actors/broker/codec.ts";
import { deadLetters, inspect, join, leave, pause, redrive, resume } from "../../../src/actors/broker/control.ts";
import type { QueueOptions } from "../../../src/actors/broker/options.ts";
import { queue } from "../../../src/actors/broker/queue.ts";
import { Model, type ModelOptions, type Order } from "./model.ts";

const deed = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      key: fc.constantFrom("a", "b"),
      /** Attempts that crash before one succeeds; 9 is poison. */
      crashes: fc.constantFrom(0, 0, 0, 1, 2, 9),
      sleepMs: fc.constantFrom(0, 3, 20),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("pause", "resume", "redrive", "rebalance" as const) }) },
);
type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never;

interface Task {
  seq: number;
  crashes: number;
  sleepMs: number;
}

const maxAttempts = 3;
const backoffMs = 10;
const unset = { maxAttempts: undefined, backoff: undefined };

/** `planted` are options, or what breaks the promise; the model goes by `order` and `rules`. */
function watched(
  order: Order,
  planted: QueueOptions = {},
  options: ExploreOptions = {},
  rules: Partial<ModelOptions> = {},
) {
  return explore(
    { deeds: fc.array(deed, { minLength: 1, maxLength: 14 }) },
    async ({ system, run, runUntilIdle, now, sometimes }, { deeds }) => {
      const model = new Model({ order, maxAttempts, backoffMs, onExhausted: "deadLetter", ...rules });
      // What is thrown in a handler is a crash like others: it is kept for the end.
      const violations: unknown[] = [];
      const note = (happens: () => void) => {
        model.tick(now());
        try {
          happens();
        } catch (error) {
          violations.push(error);
        }
      };
      const worker = (self: Self) => ({
        async work({ seq, crashes, sleepMs }: Task) {
          const attempt = self.message?.attempt ?? 0;
          note(() => model.start(seq, attempt));
          try {
            if (sleepMs > 0) await self.sleep(sleepMs);
          } catch (error) {
            // Another message, or a fault, brought the worker down.
            note(() => model.end(seq, rules.isOnce === true ? "crash" : "release"));
            sometimes("a message that runs beside a crash is released");
            throw error;
          }
          if (attempt <= crashes) {
            note(() => model.end(seq, "crash"));
            sometimes("a message comes again");
            throw new Error("planted");
          }
          note(() => model.end(seq, "ack"));
        },
      });
      const supervision = { maxRestarts: Number.POSITIVE_INFINITY };
      const refs = ["worker-1", "worker-2"].map((name) => system.spawn(worker, { name, supervision }));
      const third = system.spawn(worker, { name: "worker-3", supervision });
      let isThere = false;
      const q = system.spawn(queue(refs, { order, maxAttempts, backoff: backoffMs, prefetch: 2, ...planted }), {
        name: "q",
      });
      let seq = 0;
      const act = async (one: Deed) => {
        if (one.do === "publish") {
          model.tick(now());
          model.publish(++seq, one.key, 0, 0);
          system.tell(q, { key: one.key, id: `m${seq}` }).work({ seq, crashes: one.crashes, sleepMs: one.sleepMs });
        } else if (one.do === "pass") await run(one.ms);
        else if (one.do === "pause") await pause(system, q);
        else if (one.do === "resume") await resume(system, q);
        else if (one.do === "rebalance") {
          if (isThere) await leave(system, q, third);
          else await join(system, q, third);
          isThere = !isThere;
        } else {
          const ids = (await deadLetters(system, q)).map(({ id }) => id);
          for (const id of ids) note(() => model.redrive(Number(id.slice(1))));
          expect(await redrive(system, q, { filter: { ids } })).toBe(ids.length);
          if (ids.length > 0) sometimes("a dead letter comes back");
        }
      };
      for (const one of deeds) await act(one);
      await resume(system, q);
      await runUntilIdle();
      if (violations.length > 0) throw violations[0];
      const { acked, dead, ready, leased, scheduled } = (await inspect(system, q)).topics[0]!.subscriptions[0]!;
      const counts = model.counts();
      const again = dead - (counts["dead"] ?? 0);
      expect({ acked, dead: dead - again, open: ready + scheduled, leased }).toEqual({
        ...{ acked: counts["acked"], dead: counts["dead"], open: 0, leased: 0 },
      });
      expect(conserved(system)).toMatchObject({ ok: true });
      for (const { id, attempts, reason } of await deadLetters(system, q)) {
        const rest = attempts.length % model.options.maxAttempts;
        expect({ id, reason, rest }).toMatchObject({ reason: "exhausted", rest: 0 });
        sometimes("a message is dead");
      }
      expect(await redrive(system, q)).toBe(dead - again);
    },
    { schedules: 8, replays: 60, ...options },
  );
}

const runs = { seed: 11, numRuns: 12 };

/** What the property was found to violate. */
async function violation(property: ReturnType<typeof watched>): Promise<string> {
  try {
    await fc.assert(property, runs);
  } catch (error) {
    return String((error as Error).cause);
  }
  return "nothing";
}

describe("a queue in any order of events", () => {
  for (const order of ["none", "key", "all"] as const)
    test(`[G1 sim] [G2 sim] [G3 sim] [G5 sim] [G9 sim] does what the reference model does, with order ${order}`, async () => {
      await assertExplored(watched(order), runs);
    }, 60_000);

  test("[G1 sim] [G2 sim] [G5 sim] does so while its consumers are brought down", async () => {
    await assertExplored(watched("key", {}, { faults: { crash: ["/worker-1", "/worker-2"], most: 3 } }), runs);
  }, 60_000);

  for (const order of ["none", "key", "all"] as const)
    test(`[G1 sim] [G2 sim] [G3 sim] [G5 sim] does so while consumers can not be reached, with order ${order}`, async () => {
      const faults = [down("/worker-1", { from: 5, to: 50 }), unavailable("/worker-2", { share: 0.3, back: 15 })];
      await assertExplored(watched(order, {}, { faults }), runs);
    }, 60_000);

  const others: readonly [string, Order, QueueOptions, Partial<ModelOptions>][] = [
    ["lanes that keys share", "key", { lanes: 1 }, { laneOf: () => "" }],
    ["lanes that pass", "key", { laneOnBackoff: "pass" }, { passes: true }],
    ["lanes that stick to a consumer", "key", { consumers: "sticky" }, {}],
    ["a choice that is fair", "key", { selection: "fair", tag: ({ payload }) => `${(payload as Task).seq % 3}` }, {}],
    ["priority", "none", { selection: "priority", priority: ({ payload }) => (payload as Task).sleepMs }, {}],
    ["a bound on what is unsettled", "none", { maxUnsettled: 1 }, {}],
    ["a codec", "key", { codec: jsonCodec }, {}],
    ["crashes that do not count", "key", { counts: ["expiry"] }, { counts: ["expiry"] }],
    ["one attempt", "key", { delivery: "atMostOnce", ...unset }, { maxAttempts: 1, isOnce: true }],
  ];
  for (const [what, order, planted, rules] of others)
    test(`[G1 sim] [G3 sim] [G5 sim] does what the model does with ${what}, while consumers are brought down`, async () => {
      const faults = { crash: ["/worker-1", "/worker-2"], most: 2 };
      await assertExplored(watched(order, planted, { faults }, rules), runs);
    }, 60_000);

  test("is caught when a lane passes a message that waits for its next attempt", async () => {
    expect(await violation(watched("key", { order: "none" }))).toMatch(/G5/);
    expect(await violation(watched("key", { laneOnBackoff: "pass" }))).toMatch(/G5/);
    expect(await violation(watched("key", { lanes: 4 }, {}, { laneOf: () => "" }))).toMatch(/G5/);
  }, 60_000);

  test("is caught when it gives a message up too early, or too late", async () => {
    expect(await violation(watched("none", { maxAttempts: 2 }))).toMatch(/dead/);
    expect(await violation(watched("none", { maxAttempts: 4 }))).toMatch(/G3: it is dead/);
  }, 60_000);

  test("is caught when it does not wait between attempts", async () => {
    expect(await violation(watched("none", { backoff: 5 }))).toMatch(/G9/);
  }, 60_000);
});
