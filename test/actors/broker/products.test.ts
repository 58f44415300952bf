// What other brokers do, said with the words of this one: one test for each row of the table in the reference.

import { type Ref, type Self, type System, settle } from "antiphon";
import { type SimulatedWorld, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { commit, deadLetters, inspect, read } from "../../../src/actors/broker/control.ts";
import { Requeue } from "../../../src/actors/broker/failure.ts";
import { queue, store, topic } from "../../../src/actors/broker/queue.ts";
import { subscribe } from "../../../src/actors/broker/subscribe.ts";

interface Events {
  placed(order: { n: number; region?: string }): unknown;
  paid(order: { n: number; region?: string }): unknown;
}

/** An actor that notes what it gets, with the time and its path, and does `then`. */
const notes =
  (seen: string[], then: (self: Self, n: number) => unknown = () => {}) =>
  (self: Self): Events => {
    const take = (order: { n: number }) => {
      seen.push(`${self.now()} ${self.path} ${order.n} #${self.message?.attempt}`);
      return then(self, order.n);
    };
    return { placed: take, paid: take };
  };

const play = (body: (world: SimulatedWorld) => Promise<void>) => () => simulate({}, body).then(() => {});
const spawn = (system: System, name: string, seen: string[], then?: (self: Self, n: number) => unknown): Ref<Events> =>
  system.spawn(notes(seen, then), { name, concurrency: 9, supervision: { maxRestarts: 99 } });
const crashes = () => {
  throw new Error("planted");
};

describe("RabbitMQ", () => {
  test(
    "exchanges: direct by name, fanout to all, headers by function",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const orders = system.spawn(topic<Events>(), { name: "orders" });
      const subs = [
        system.spawn(subscribe(orders, spawn(system, "direct", seen), { filter: ["paid"] })),
        system.spawn(subscribe(orders, spawn(system, "fanout", seen))),
        system.spawn(
          subscribe(orders, spawn(system, "headers", seen), {
            filter: ({ payload }) => (payload as { region?: string }).region === "eu",
          }),
        ),
      ];
      for (const one of subs) await system.ask(one).inspect();
      system.tell(orders).placed({ n: 1, region: "eu" });
      system.tell(orders).paid({ n: 2 });
      await runUntilIdle();
      expect(seen.sort()).toEqual(["0 /direct 2 #1", "0 /fanout 1 #1", "0 /fanout 2 #1", "0 /headers 1 #1"]);
    }),
  );

  test(
    "prefetch, nack with requeue, dead letter exchange, TTL, max length",
    play(async ({ system, run, runUntilIdle }) => {
      const seen: string[] = [];
      let requeued = 0;
      const to = spawn(system, "to", seen, async (self, n) => {
        if (n === 1 && requeued++ < 6) return new Requeue({ after: 0 });
        await self.sleep(10);
        if (n === 2) crashes();
        return undefined;
      });
      const q = system.spawn(
        queue(to, { prefetch: 2, maxAttempts: 1, ttl: 15, capacity: { messages: 4 }, overflow: "drop-oldest" }),
        { name: "q" },
      );
      for (let n = 0; n < 5; n++) system.tell(q).placed({ n });
      await run(1);
      // The oldest was dropped for the fifth; two are out at a time. The crash of 2 is no attempt of 1, which then expires.
      expect(seen.map((one) => one.split(" ")[2])).toEqual(["1", "2", "1", "1", "1", "1", "1", "1"]);
      expect(seen.every((one) => one.endsWith("#1"))).toBe(true);
      await runUntilIdle();
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({
        ...{ matched: 5, dropped: 1, dead: 1, expired: 3 },
      });
    }),
  );

  test(
    "single active consumer",
    play(async ({ system, run, runUntilIdle }) => {
      const seen: string[] = [];
      const slow = async (self: Self, n: number) => {
        if (n === 2) self.stop();
        await self.sleep(1);
      };
      const [a, b] = [spawn(system, "a", seen, slow), spawn(system, "b", seen, slow)];
      const q = system.spawn(queue([a, b], { consumers: "failover" }), { name: "q" });
      for (let n = 1; n <= 3; n++) system.tell(q).placed({ n });
      await run(10);
      await runUntilIdle();
      expect(seen.map((one) => one.slice(one.indexOf("/")))).toEqual(["/a 1 #1", "/a 2 #1", "/b 3 #1"]);
    }),
  );
});

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

/** Where a note stands among those taken. */
function order(seen: readonly string[], note: string): number {
  return seen.findIndex((one) => one.endsWith(note));
}

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

describe("SQS and SNS", () => {
  test(
    "FIFO: a group waits for its invisible head, a duplicate within five minutes is one",
    play(async ({ system, run, runUntilIdle }) => {
      const seen: string[] = [];
      const fails = (self: Self, n: number) => (n === 0 && self.message?.attempt === 1 ? crashes() : undefined);
      const q = system.spawn(
        queue(spawn(system, "to", seen, fails), { order: "key", prefetch: 9, backoff: 1_000, dedup: { window: "5m" } }),
        { name: "q" },
      );
      for (const n of [0, 1, 1]) system.tell(q, { key: "g", id: `d${n}` }).placed({ n });
      await runUntilIdle();
      await run("4m");
      system.tell(q, { key: "g", id: "d1" }).placed({ n: 1 });
      await runUntilIdle();
      expect(seen).toEqual(["0 /to 0 #1", "1000 /to 0 #2", "1000 /to 1 #1"]);
    }),
  );

  test(
    "SNS to SQS: one topic, queues with filters behind it",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const news = system.spawn(topic<Events>(), { name: "news" });
      const behind = ["paid", "placed"].map((name) => {
        const q = system.spawn(queue(spawn(system, `to-${name}`, seen), { maxAttempts: 2 }), { name });
        return system.spawn(subscribe(news, q, { filter: [name as "paid"] }));
      });
      for (const one of behind) await system.ask(one).inspect();
      system.tell(news).placed({ n: 1 });
      system.tell(news).paid({ n: 2 });
      await runUntilIdle();
      expect(seen.sort()).toEqual(["0 /to-paid 2 #1", "0 /to-placed 1 #1"]);
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

describe("Service Bus", () => {
  test(
    "sessions with state, deferral, scheduled messages",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      let deferred = 0;
      const worker = (self: Self): Events => ({
        async placed({ n }) {
          const session = self.message?.key ?? "";
          if (n === 2 && deferred++ === 0) return new Requeue({ after: "1m" });
          const sum = Number((await read(self, q, session)) ?? 0) + n;
          seen.push(`${self.now()} ${session} ${sum}`);
          await commit(self, q, { state: { [session]: sum } });
          return sum;
        },
        paid() {},
      });
      const q: Ref<Events> = system.spawn(
        queue(worker, { order: "key", prefetch: 9, delay: ({ key }) => (key === "late" ? "1h" : 0) }),
        { name: "q" },
      );
      system.tell(q, { key: "late" }).placed({ n: 5 });
      for (const n of [1, 2, 3]) system.tell(q, { key: "s" }).placed({ n });
      await runUntilIdle();
      expect(seen).toEqual(["0 s 1", "60000 s 3", "60000 s 6", "3600000 late 5"]);
      const late = await settle(system.ask(q, { key: "s", within: "1m" }).placed({ n: 4 }));
      expect(late).toMatchObject({ ok: true, value: 10 });
    }),
  );
});
