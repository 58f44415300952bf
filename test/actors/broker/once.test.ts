// Delivery at most once: what began is not begun again, whatever breaks, and what became of it is counted.

import type { Ref, Self, System } from "antiphon";
import { crash, type Fault, powerFailure, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { commit, deadLetters, inspect, join, leave, redrive } from "../../../src/actors/broker/control.ts";
import { Requeue } from "../../../src/actors/broker/failure.ts";
import { memoryJournal } from "../../../src/actors/broker/memory.ts";
import type { QueueOptions } from "../../../src/actors/broker/options.ts";
import { queue } from "../../../src/actors/broker/queue.ts";
import { json, SlowJournal } from "./scene.ts";

interface Work {
  work(n: number): unknown;
}
const once = { delivery: "atMostOnce" } as const;
const supervision = { maxRestarts: Number.POSITIVE_INFINITY };
const messages = 6;

/** Each third message crashes its consumer; the others take two milliseconds, and half of these commit. */
function boot(system: System, options: QueueOptions, started: number[]): Ref<Work> {
  const worker = (self: Self) => ({
    async work(n: number) {
      started.push(n);
      await self.sleep(2);
      if (n % 3 === 0) throw new Error("planted");
      if (n % 2 === 0) await commit(self, q, { state: { last: n } });
    },
  });
  const refs = ["a", "b"].map((name) => system.spawn(worker, { name, concurrency: 2, supervision }));
  const q: Ref<Work> = system.spawn(queue(refs, { prefetch: 2, ...options }), { name: "q", supervision });
  return q;
}

/** Gives which began, in their order. */
async function story(fault: Fault | undefined, options: QueueOptions) {
  const started: number[] = [];
  const journal = memoryJournal({ latency: "1ms" });
  const faults = fault === undefined ? [] : [fault];
  const start = (system: System) => boot(system, { journal: journal.open, snapshotEvery: 3, ...options }, started);
  await simulate({ boot: start, journals: [journal], trace: "off", faults }, async (world) => {
    for (let n = 0; n < messages; n++) world.system.tell(world.booted, { id: `m${n}`, key: `${n % 2}` }).work(n);
    await world.run("1m");
    const { system, booted } = world;
    const { matched, acked, dead, dropped } = (await inspect(system, booted)).topics[0]!.subscriptions[0]!;
    expect(acked + dead + dropped).toBe(matched);
    expect(dead).toBe((await deadLetters(system, booted)).length);
  });
  return started;
}

describe('a queue with delivery: "atMostOnce"', () => {
  for (const [what, options] of [
    ["no order", { ...once }],
    ["an order per key", { ...once, order: "key" }],
    ["shared lanes that stick", { ...once, order: "key", lanes: 2, consumers: "sticky" }],
  ] as const)
    test(`[G2 sim] [G13 sim] begins no message twice, whatever breaks at whatever time, with ${what}`, async () => {
      expect((await story(undefined, options)).sort()).toEqual([0, 1, 2, 3, 4, 5]);
      let all = 0;
      for (let at = 0; at <= 30; at += 0.5)
        for (const fault of [powerFailure({ at }), crash("/q", { at }), crash("/a", { at })]) {
          const started = await story(fault, options);
          expect({ fault, started: started.sort() }).toEqual({ fault, started: [...new Set(started)].sort() });
          if (started.length === messages) all++;
        }
      // It is not that nothing is begun.
      expect(all).toBeGreaterThan(60);
    }, 60_000);

  test("[G2 sim] delivers nothing before it is safe that it is delivered", async () => {
    const journal = new SlowJournal();
    const started: string[] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const to = system.spawn((self: Self) => ({ work: (n: number) => void started.push(`${self.now()}:${n}`) }));
      const q = system.spawn(queue(to, { journal: journal.open, codec: json, ...once }), { name: "q" });
      await system.offer(q, { id: "m" }).work(1);
      await runUntilIdle();
      // One record for the message, and one for its delivery.
      expect(started).toEqual(["10:1"]);
    });
  });

  test("[G2 sim] gives up what failed, what ran beside it, and what its consumer does not want now; a redrive brings it back", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const started: string[] = [];
      const worker = (self: Self) => ({
        async work(n: number) {
          started.push(`${n} #${self.message?.attempt}`);
          if (n === 3) return new Requeue();
          await self.sleep(n);
          if (n === 1) throw new Error("planted");
          return n;
        },
      });
      const to = system.spawn(worker, { name: "to", concurrency: 2, supervision });
      const q = system.spawn(queue(to, { prefetch: 3, ...once }), { name: "q" });
      for (const n of [1, 5, 3]) system.tell(q).work(n);
      await runUntilIdle();
      // The third waited in the mailbox when the consumer crashed: it had not begun.
      expect(started).toEqual(["1 #1", "5 #1", "3 #1"]);
      expect((await deadLetters(system, q)).map(({ payload, reason }) => [payload, reason])).toEqual([
        [1, "exhausted"],
        [5, "exhausted"],
        [3, "exhausted"],
      ]);
      expect(await redrive(system, q, { limit: 1 })).toBe(1);
      await runUntilIdle();
      expect(started.at(-1)).toBe("1 #1");
    }).then(() => {}));

  test("[G2 sim] gives to others what was on its way to who left", async () => {
    const journal = new SlowJournal();
    const started: string[] = [];
    await simulate({}, async ({ system, run, runUntilIdle }) => {
      const [a, b] = ["a", "b"].map((name) =>
        system.spawn((self: Self) => ({ work: (n: number) => void started.push(`${self.path} ${n}`) }), { name }),
      ) as [Ref<Work>, Ref<Work>];
      const q = system.spawn(queue(a, { journal: journal.open, codec: json, ...once }), { name: "q" });
      await system.offer(q, { id: "m" }).work(1);
      await run(2);
      await Promise.all([join(system, q, b), leave(system, q, a)]);
      await runUntilIdle();
      expect(started).toEqual(["/b 1"]);
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 1, matched: 1 });
    });
  });

  test("[G2 sim] counts as dropped what was under way when the store crashed", () =>
    simulate({}, async ({ system, run, runUntilIdle }) => {
      const started: number[] = [];
      const worker = (self: Self) => ({
        async work(n: number) {
          started.push(n);
          await self.sleep(10);
        },
      });
      const q = system.spawn(queue(system.spawn(worker, { name: "to" }), once), { name: "q", supervision });
      for (const n of [1, 2]) system.tell(q).work(n);
      await run(5);
      system.tell(q as never as Ref<{ "broker.pause"(x: unknown): void }>)["broker.pause"](null);
      await runUntilIdle();
      expect(started).toEqual([1, 2]);
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({
        acked: 1,
        dropped: 1,
        matched: 2,
      });
    }).then(() => {}));
});
