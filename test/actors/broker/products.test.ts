// What other brokers do, said with the words of this one: those that have queues.

import { type Ref, type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { commit, deadLetters, inspect, read, redrive } from "../../../src/actors/broker/control.ts";
import { Requeue } from "../../../src/actors/broker/failure.ts";
import { queue, store, topic } from "../../../src/actors/broker/queue.ts";
import { matching } from "../../../src/actors/broker/route.ts";
import { subscribe } from "../../../src/actors/broker/subscribe.ts";
import { crashes, type Events, play, spawn } from "./stage.ts";

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
    "topic exchange: * is one word, # any number; what fits no binding goes to the alternate exchange, or is returned",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const shared = system.spawn(store(), { name: "store" });
      const rest = system.spawn(queue(spawn(system, "rest", seen), { store: shared }), { name: "rest-queue" });
      const orders = system.spawn(topic<Events>({ store: shared, unroutable: rest }), { name: "orders" });
      const strict = system.spawn(topic<Events>({ store: shared, unroutable: "reject" }), { name: "strict" });
      const by = (pattern: string) => ({ filter: matching(pattern, ({ key }) => key) });
      for (const [name, pattern] of [
        ["stars", "*.orange.*"],
        ["hash", "lazy.#"],
      ] as const)
        await system
          .ask(system.spawn(subscribe(orders, spawn(system, name, seen), by(pattern)), { name: `sub-${name}` }))
          .inspect();
      const keys = ["quick.orange.fox", "lazy.orange.hare", "lazy", "lazy.pink.a.b", "orange", "quick.orange.a.b"];
      for (const [n, key] of keys.entries()) await system.offer(orders, { key }).placed({ n });
      await runUntilIdle();
      const got = (name: string) => seen.filter((one) => one.includes(`/${name} `)).map((one) => one.split(" ")[2]);
      expect([got("stars"), got("hash"), got("rest")]).toEqual([
        ["0", "1"],
        ["1", "2", "3"],
        ["4", "5"],
      ]);
      const returned = await settle(system.offer(strict).placed({ n: 1 }));
      expect(returned.ok || returned.error).toMatchObject({ _tag: "NotAccepted", reason: "unroutable" });
    }),
  );

  test(
    "max length with dead letters: the oldest leaves, and is kept as such",
    play(async ({ system, run, runUntilIdle }) => {
      const to = spawn(system, "to", [], (self) => self.sleep(10));
      const q = system.spawn(queue(to, { capacity: { messages: 2 }, overflow: "dead-letter-oldest" }), { name: "q" });
      for (const n of [1, 2]) system.tell(q).placed({ n });
      await run(1);
      const asked = settle(system.ask(q).placed({ n: 3 }));
      await run(1);
      system.tell(q).placed({ n: 4 });
      expect(await asked).toMatchObject({ error: { _tag: "NotHandled", reason: "overflow", retrySafe: true } });
      await runUntilIdle();
      expect(await deadLetters(system, q)).toMatchObject([
        { payload: { n: 2 }, reason: "overflow" },
        { payload: { n: 3 }, reason: "overflow" },
      ]);
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

describe("RabbitMQ's settlements", () => {
  test(
    "automatic acknowledgement: what was given to a consumer that dies is not given to another",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const dies = spawn(system, "a", seen, (self) => {
        self.stop();
        return self.sleep("1h");
      });
      const options = { delivery: "atMostOnce", onExhausted: "drop", consumers: "failover" } as const;
      const q = system.spawn(queue([dies, spawn(system, "b", seen)], options), { name: "q" });
      for (const n of [1, 2]) system.tell(q).placed({ n });
      await runUntilIdle();
      expect(seen.map((one) => one.slice(one.indexOf("/")))).toEqual(["/a 1 #1", "/b 2 #1"]);
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 1, dropped: 1 });
    }),
  );

  test(
    "delivery limit of 4.3: a crash counts; a return, or a consumer that takes too long, does not",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const to = spawn(system, "to", seen, (self, n) => {
        const attempt = self.message?.attempt ?? 0;
        if (attempt < 4) return n === 1 ? new Requeue({ after: 0, counts: true }) : self.sleep("1h");
        return crashes();
      });
      const q = system.spawn(queue(to, { counts: ["crash"], maxAttempts: 2, backoff: 0, lease: "1s" }), { name: "q" });
      for (const n of [1, 2]) system.tell(q, { id: `m${n}` }).placed({ n });
      await runUntilIdle();
      for (const n of [1, 2])
        expect(seen.filter((one) => one.includes(` ${n} #`)).map((one) => one.at(-1))).toEqual([
          "1",
          "2",
          "3",
          "4",
          "5",
        ]);
      expect((await deadLetters(system, q)).map(({ attempts }) => attempts.map(({ code }) => code))).toEqual([
        ["REQUEUE", "REQUEUE", "REQUEUE", "ACTOR_CRASHED", "ACTOR_CRASHED"],
        ["ASK_TIMEOUT", "ASK_TIMEOUT", "ASK_TIMEOUT", "ACTOR_CRASHED", "ACTOR_CRASHED"],
      ]);
    }),
  );
});

describe("SQS and SNS", () => {
  test(
    "a redrive moves dead letters to the queue that is named, so many a second",
    play(async ({ system, run, runUntilIdle }) => {
      const seen: string[] = [];
      const shared = system.spawn(store(), { name: "store" });
      const bad = spawn(system, "bad", [], crashes);
      const q = system.spawn(queue(bad, { store: shared, maxAttempts: 1 }), { name: "q" });
      const other = system.spawn(queue(spawn(system, "other", seen), { store: shared }), { name: "other-q" });
      for (let n = 0; n < 3; n++) system.tell(q).placed({ n });
      await run(10);
      expect(await redrive(system, q, { to: other, rate: 1 })).toBe(3);
      await runUntilIdle();
      expect(seen).toEqual(["10 /other 0 #1", "1010 /other 1 #1", "2010 /other 2 #1"]);
      expect(await deadLetters(system, q)).toEqual([]);
    }),
  );

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

describe("A queue of last values", () => {
  test(
    "has the newest of each key when its consumer is slow",
    play(async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const options = { overflow: "conflate-by-key", capacity: { messages: 3 }, selection: "fair" } as const;
      const q = system.spawn(
        queue(
          spawn(system, "to", seen, (self) => self.sleep(10)),
          options,
        ),
        { name: "q" },
      );
      for (const [n, key] of ["x", "a", "b", "a", "b", "a"].entries()) system.tell(q, { key }).placed({ n });
      await runUntilIdle();
      expect(seen).toEqual(["0 /to 0 #1", "10 /to 5 #1", "20 /to 4 #1"]);
    }),
  );
});

describe("Service Bus", () => {
  test(
    "a deferred message lets its session go on, and is received when it is asked for",
    play(async ({ system, run, runUntilIdle }) => {
      const seen: string[] = [];
      let deferred = 0;
      const to = spawn(system, "to", seen, (_, n) =>
        n === 1 && deferred++ === 0 ? new Requeue({ after: Number.POSITIVE_INFINITY }) : undefined,
      );
      const q = system.spawn(queue(to, { order: "key", laneOnBackoff: "pass" }), { name: "q" });
      for (const n of [1, 2]) system.tell(q, { key: "s", id: `m${n}` }).placed({ n });
      await run("1h");
      expect(await redrive(system, q, { filter: { ids: ["m1"] } })).toBe(1);
      await runUntilIdle();
      expect(seen).toEqual(["0 /to 1 #1", "0 /to 2 #1", "3600000 /to 1 #1"]);
    }),
  );

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
