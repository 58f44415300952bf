// What other brokers do, said with the words of this one: those that keep a log.

import type { Ref, Self } from "antiphon";
import { describe, expect, test } from "vitest";
import { ackUpTo, commit, deadLetters, grant, inspect, join, leave } from "../../../src/actors/broker/control.ts";
import { queue, store, topic } from "../../../src/actors/broker/queue.ts";
import { subscribe } from "../../../src/actors/broker/subscribe.ts";
import { crashes, type Events, notes, play, spawn } from "./stage.ts";

/** Where a note stands among those taken. */
function order(seen: readonly string[], note: string): number {
  return seen.findIndex((one) => one.endsWith(note));
}

describe("Kafka", () => {
  test(
    "a consumer group: each key in order, keys side by side",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const slow = (self: Self) => self.sleep(10);
      const q = system.spawn(
        queue([spawn(system, "a", seen, slow), spawn(system, "b", seen, slow)], { order: "key" }),
        { name: "q" },
      );
      for (let n = 0; n < 6; n++) system.tell(q, { key: `${n % 2}` }).placed({ n });
      await runUntilIdle();
      expect(seen.map((one) => one.split(" ")[0])).toEqual(["0", "0", "10", "10", "20", "20"]);
      for (const rest of [0, 1])
        expect(seen.map((one) => Number(one.split(" ")[2])).filter((n) => n % 2 === rest)).toEqual([
          rest,
          rest + 2,
          rest + 4,
        ]);
    }),
  );

  test(
    "partitions: each of one consumer while it lives, one message of it at a time, and a prefix settled as one",
    play(async ({ system, run, runUntilIdle }) => {
      const seen: string[] = [];
      const refs = ["a", "b"].map((name) => spawn(system, name, seen, (self) => self.sleep(10)));
      const group = { order: "key", lanes: 4, consumers: "sticky", prefetch: 9 } as const;
      const q = system.spawn(queue(refs, group), { name: "q" });
      for (let n = 0; n < 24; n++) system.tell(q, { key: `k${n % 6}` }).placed({ n });
      await run(5);
      expect(seen.length).toBeLessThanOrEqual(4);
      await runUntilIdle();
      for (let key = 0; key < 6; key++) {
        const mine = seen.filter((one) => Number(one.split(" ")[2]) % 6 === key);
        expect(mine.map((one) => Number(one.split(" ")[2]))).toEqual([key, key + 6, key + 12, key + 18]);
        expect(new Set(mine.map((one) => one.split(" ")[1])).size).toBe(1);
      }
      expect(new Set(seen.map((one) => one.split(" ")[1])).size).toBe(2);
      // Who takes several at a time commits an offset for all of them.
      const log: Ref<Events> = system.spawn(
        queue(
          spawn(system, "batch", [], (self, n) => (n === 2 ? ackUpTo(self, log) : self.sleep("1h"))),
          { prefetch: 9, lease: "1m" },
        ),
        { name: "log" },
      );
      for (let n = 0; n < 3; n++) system.tell(log).placed({ n });
      await run(1);
      expect((await inspect(system, log)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 3, leased: 0 });
      await runUntilIdle();
      expect((await inspect(system, log)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 3, matched: 3 });
    }),
  );

  test(
    "a rebalance: what a consumer that ends had not begun goes to the others, in order",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const a = system.spawn(
        notes(seen, async (self) => {
          self.stop();
          await self.sleep(5);
        }),
        { name: "a" },
      );
      const b = spawn(system, "b", seen);
      const q = system.spawn(queue([a, b], { consumers: "failover", prefetch: 3, order: "key" }), { name: "q" });
      for (const [n, key] of ["x", "y", "x", "y"].entries()) system.tell(q, { key }).placed({ n });
      await runUntilIdle();
      expect(seen.map((one) => one.slice(one.indexOf("/")))).toEqual(
        ["/a 0 #1", "/b 1 #1", "/b 3 #1", "/b 2 #1"].sort((x, y) => order(seen, x) - order(seen, y)),
      );
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 4, consumers: 1 });
    }),
  );

  test(
    "a rebalance: who joins takes lanes over, who leaves is waited for, and then its work is done by others",
    play(async ({ system, run, runUntilIdle }) => {
      const seen: string[] = [];
      const refs = ["a", "b"].map((name) => spawn(system, name, seen, (self, n) => self.sleep(n < 6 ? 10 : 90)));
      const group = { order: "key", consumers: "sticky", prefetch: 9 } as const;
      const [a, b] = refs as [Ref<Events>, Ref<Events>];
      const lease = { duration: "30s", max: "1m" } as const;
      const q = system.spawn(queue(a, { ...group, lease }), { name: "q" });
      for (let n = 0; n < 12; n++) system.tell(q, { key: `k${n % 6}` }).placed({ n });
      await run(5);
      await join(system, q, b);
      await run(10);
      const of = (path: string) =>
        seen.filter((one) => one.includes(`/${path} `)).map((one) => Number(one.split(" ")[2]));
      expect(of("b").length).toBeGreaterThan(0);
      const rest = of("a").filter((n) => n >= 6);
      expect(rest.length).toBeGreaterThan(0);
      expect(await leave(system, q, a, { grace: "30ms" })).toBe(rest.length);
      await runUntilIdle();
      expect(seen.filter((one) => one.endsWith("#2"))).toEqual(rest.map((n) => `45 /b ${n} #2`));
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 12, consumers: 1 });
    }),
  );

  test(
    "compaction, offsets, replay",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const states = system.spawn(topic<Events>({ retention: "latestPerKey" }), { name: "states" });
      for (const [n, key] of ["x", "y", "x"].entries()) system.tell(states, { key }).placed({ n });
      const sub = system.spawn(subscribe(states, spawn(system, "to", seen), { startAt: "earliest", order: "all" }));
      await system.ask(sub).inspect();
      await runUntilIdle();
      expect(seen).toEqual(["0 /to 1 #1", "0 /to 2 #1"]);
      await system.ask(sub).seek({ seq: 3 });
      await runUntilIdle();
      expect(seen.slice(2)).toEqual(["0 /to 2 #1"]);
      // A tombstone: who listens hears of it, and nothing of its key is kept.
      const bare = states as unknown as Ref<{ gone(): void }>;
      system.spawn(() => ({ gone() {} }), { name: "names" });
      system.tell(bare, { key: "x" }).gone();
      await runUntilIdle();
      expect(await deadLetters(system, states)).toMatchObject([{ type: "gone", reason: "noHandler" }]);
      await system.ask(sub).seek("earliest");
      await runUntilIdle();
      expect(seen.slice(3)).toEqual(["0 /to 1 #1"]);
    }),
  );

  test(
    "transactions: read, process and write take effect once",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const shared = system.spawn(store(), { name: "store" });
      const out = system.spawn(
        queue(spawn(system, "end", seen), { store: shared, dedup: { window: "1h", scope: "publisher" } }),
        { name: "out" },
      );
      const step = spawn(system, "step", [], async (self, n) => {
        await commit(self, shared, {
          publish: [{ to: out, type: "paid", payload: { n }, id: self.message?.id ?? "" }],
        });
        crashes();
      });
      const input = system.spawn(queue(step, { store: shared }), { name: "input" });
      system.tell(input).placed({ n: 1 });
      await runUntilIdle();
      expect(seen).toHaveLength(1);
    }),
  );

  test(
    "a share group: no order, five attempts, thirty seconds",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const bad = (self: Self, n: number) => (n === 0 ? self.sleep("1h") : undefined);
      const q = system.spawn(queue([spawn(system, "a", seen, bad), spawn(system, "b", seen, bad)], { backoff: 0 }), {
        name: "q",
      });
      for (let n = 0; n < 3; n++) system.tell(q).placed({ n });
      await runUntilIdle();
      const first = seen.filter((one) => one.includes(" 0 #"));
      expect(first.map((one) => one.split(" ")[0])).toEqual(["0", "30000", "60000", "90000", "120000"]);
      expect(await deadLetters(system, q)).toMatchObject([{ reason: "exhausted", attempts: { length: 5 } }]);
    }),
  );
});

describe("Pulsar", () => {
  test(
    "key_shared keeps the order of a key also after a failure, failover, delayed messages",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const fails = (self: Self, n: number) => (n === 0 && self.message?.attempt === 1 ? crashes() : undefined);
      const q = system.spawn(
        queue([spawn(system, "a", seen, fails), spawn(system, "b", seen, fails)], {
          order: "key",
          backoff: 100,
          delay: ({ payload }) => ((payload as { n: number }).n === 2 ? 50 : 0),
        }),
        { name: "q" },
      );
      for (const [n, key] of ["x", "x", "y"].entries()) system.tell(q, { key }).placed({ n });
      await runUntilIdle();
      expect(seen.map((one) => one.replace(/\/. /, ""))).toEqual(["0 0 #1", "50 2 #1", "100 0 #2", "100 1 #1"]);
    }),
  );
});

describe("Pulsar's dead letter topic", () => {
  test(
    "has subscriptions like any other, of which one sees what was there",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const q = system.spawn(queue(spawn(system, "bad", [], crashes), { maxAttempts: 2, backoff: 0 }), { name: "q" });
      system.tell(q, { key: "k", id: "m" }).placed({ n: 1 });
      await runUntilIdle();
      for (const startAt of ["earliest", "latest"] as const) {
        const to = spawn(system, startAt, seen);
        const sub = subscribe(q, to, { of: "deadLetters", startAt, durable: true });
        await system.ask(system.spawn(sub, { name: `of-${startAt}` })).inspect();
      }
      system.tell(q).placed({ n: 2 });
      await runUntilIdle();
      expect(seen).toEqual(["0 /earliest 1 #1", "0 /earliest 2 #1", "0 /latest 2 #1"]);
    }),
  );
});

describe("Pulsar's cumulative acknowledgement", () => {
  test(
    "settles what its consumer got before, and comes again from there when that has ended",
    play(async ({ system, run, runUntilIdle }) => {
      const seen: string[] = [];
      const hold = async (self: Self, n: number) => {
        if (n === 1) await ackUpTo(self, q);
        if (n === 3) self.stop();
        if (self.path === "/a") await self.sleep("1h");
      };
      const q: Ref<Events> = system.spawn(
        queue([spawn(system, "a", seen, hold), spawn(system, "b", seen)], { consumers: "failover", prefetch: 9 }),
        { name: "q" },
      );
      for (let n = 0; n < 4; n++) system.tell(q).placed({ n });
      await run(1);
      await runUntilIdle();
      expect(seen.filter((one) => one.includes("/b")).map((one) => one.split(" ")[2])).toEqual(["2", "3"]);
    }),
  );
});

describe("JetStream", () => {
  test(
    "AckWait and BackOff, Nats-Msg-Id, work queue",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const waits = [10, 20, 40];
      const q = system.spawn(
        queue(
          spawn(system, "to", seen, (self) => (self.message?.attempt === 4 ? undefined : self.sleep("1h"))),
          {
            lease: 100,
            backoff: (failures) => waits[failures - 1] ?? 0,
            dedup: { window: "2m" },
          },
        ),
        { name: "q" },
      );
      for (let i = 0; i < 2; i++) system.tell(q, { id: "m" }).placed({ n: 1 });
      await runUntilIdle();
      expect(seen.map((one) => one.split(" ")[0])).toEqual(["0", "110", "230", "370"]);
      expect((await inspect(system, q)).topics[0]).toMatchObject({ backlog: 0, kept: 0 });
    }),
  );
});

describe("JetStream's pull consumer", () => {
  test(
    "gets as many as it asked for, and no more than may be unsettled",
    play(async ({ system, run, runUntilIdle }) => {
      const seen: string[] = [];
      const worker = (self: Self) => ({
        ...notes(seen, () => self.sleep(10))(self),
        pull: (count: number) => grant(self, q, count),
      });
      const to = system.spawn(worker, { name: "to", concurrency: 9 });
      const q: Ref<Events> = system.spawn(queue(to, { credit: "granted", prefetch: 9, maxUnsettled: 2 }), {
        name: "q",
      });
      for (let n = 0; n < 5; n++) system.tell(q).placed({ n });
      await system.ask(to).pull(3);
      await run(1);
      expect(seen).toHaveLength(2);
      await runUntilIdle();
      expect(seen.map((one) => one.split(" ")[0])).toEqual(["0", "0", "10"]);
    }),
  );
});
