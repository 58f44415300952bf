import { type Ref, Refusal, type Self, type System, settle } from "antiphon";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { deadLetters, inspect, inspectStore, redrive } from "../../../src/actors/broker/control.ts";
import { queue, store, topic } from "../../../src/actors/broker/queue.ts";
import { subscribe } from "../../../src/actors/broker/subscribe.ts";

interface Events {
  placed(order: number): void;
  paid(order: number): void;
}

/** Notes what it gets; crashes on the orders named. */
const listener =
  (seen: string[], poison: readonly number[] = []) =>
  () => {
    const take = (what: string) => (order: number) => {
      seen.push(`${what} ${order}`);
      if (poison.includes(order)) throw new Error("planted");
    };
    return { placed: take("placed"), paid: take("paid") };
  };
const supervision = { maxRestarts: Number.POSITIVE_INFINITY };

describe.each(["of its own", "shared"])("topic, with a store %s", (kind) => {
  const shared = (system: System) => (kind === "shared" ? { store: system.spawn(store(), { name: "store" }) } : {});

  test("gives each subscription each message that it wants, once", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const orders = system.spawn(topic<Events>(shared(system)), { name: "orders" });
      const [mail, stats]: string[][] = [[], []];
      const mailer = system.spawn(listener(mail!), { name: "mailer" });
      const counter = system.spawn(listener(stats!), { name: "counter" });
      const mails = system.spawn(subscribe(orders, mailer, { filter: ["placed"] }), { name: "mails" });
      const all = system.spawn(subscribe(orders, counter), { name: "all" });
      await system.ask(mails).inspect();
      await system.ask(all).inspect();
      system.tell(orders).placed(1);
      await system.offer(orders).paid(1);
      await runUntilIdle();
      expect(mail).toEqual(["placed 1"]);
      expect(stats).toEqual(["placed 1", "paid 1"]);
      expect(await system.ask(all).inspect()).toMatchObject({ acked: 2, matched: 2, consumers: 1 });
      expect((await inspect(system, orders)).topics[0]).toMatchObject({ backlog: 0, kept: 0 });
    });
  });

  test("refuses to be asked, and has published nothing", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const orders = system.spawn(topic<Events>(shared(system)), { name: "orders" });
      const asked = await settle(system.ask(orders).placed(1));
      expect(asked.ok || asked.error).toMatchObject({ _tag: "NoReply", retrySafe: true });
      await runUntilIdle();
    });
  });

  test("[G12 sim] a subscription that fails changes nothing that another one sees", async () => {
    const seenBy = async (poison: number[]) => {
      const stats: string[] = [];
      await simulate({}, async ({ system, runUntilIdle, now }) => {
        const orders = system.spawn(topic<Events>(shared(system)), { name: "orders" });
        const bad = system.spawn(listener([], poison), { name: "bad", supervision });
        const good = system.spawn(
          () => ({ placed: (order: number) => void stats.push(`${now()} ${order}`), paid() {} }),
          { name: "good" },
        );
        const subs = [
          system.spawn(subscribe(orders, bad, { maxAttempts: 3, backoff: 5, order: "all" }), { name: "bads" }),
          system.spawn(subscribe(orders, good), { name: "goods" }),
        ];
        for (const one of subs) await system.ask(one).inspect();
        for (let i = 0; i < 5; i++) system.tell(orders).placed(i);
        await runUntilIdle();
        expect(await deadLetters(system, orders)).toHaveLength(poison.length);
      });
      return stats;
    };
    expect(await seenBy([1, 2])).toEqual(await seenBy([]));
  });

  test("its dead letters come back to the subscription in which they died", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const orders = system.spawn(topic<Events>(shared(system)), { name: "orders" });
      const [bad, good]: string[][] = [[], []];
      const poison = [1];
      const to = system.spawn(listener(bad!, poison), { name: "bad", supervision });
      const other = system.spawn(listener(good!), { name: "good" });
      const subs = [
        system.spawn(subscribe(orders, to, { maxAttempts: 2, backoff: 0 }), { name: "bads" }),
        system.spawn(subscribe(orders, other), { name: "goods" }),
      ];
      for (const one of subs) await system.ask(one).inspect();
      system.tell(orders, { id: "x" }).placed(1);
      await runUntilIdle();
      expect(await deadLetters(system, orders)).toMatchObject([{ id: "x", subscription: "/bads", redriveCount: 0 }]);
      poison.pop();
      expect(await redrive(system, orders, { filter: { subscription: "/goods" } })).toBe(0);
      expect(await redrive(system, orders, { filter: { ids: ["x"] } })).toBe(1);
      await runUntilIdle();
      expect(bad).toEqual(["placed 1", "placed 1", "placed 1"]);
      expect(good).toEqual(["placed 1"]);
      expect(await deadLetters(system, orders)).toEqual([]);
    });
  });

  test("keeps what its retention says, for who comes later or seeks", async () => {
    await simulate({}, async ({ system, run, runUntilIdle }) => {
      const orders = system.spawn(topic<Events>({ ...shared(system), retention: { count: 3 } }), { name: "orders" });
      const seen: string[] = [];
      const to = system.spawn(listener(seen), { name: "to" });
      for (let i = 1; i <= 5; i++) system.tell(orders).placed(i);
      await runUntilIdle();
      const late = system.spawn(subscribe(orders, to, { startAt: "earliest" }), { name: "late" });
      await system.ask(late).inspect();
      await runUntilIdle();
      expect(seen).toEqual(["placed 3", "placed 4", "placed 5"]);
      await run(10);
      system.tell(orders).placed(6);
      await runUntilIdle();
      expect(await system.ask(late).seek({ time: 5 })).toBe(6);
      await runUntilIdle();
      expect(await system.ask(late).seek({ seq: 5 })).toBe(5);
      await runUntilIdle();
      expect(seen.slice(3)).toEqual(["placed 6", "placed 6", "placed 5", "placed 6"]);
    });
  });

  test("gives who comes later, or seeks, only what it wants of what is kept", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const orders = system.spawn(topic<Events>({ ...shared(system), retention: { count: 9 } }), { name: "orders" });
      const seen: string[] = [];
      const to = system.spawn(listener(seen), { name: "to" });
      for (let i = 1; i <= 2; i++) {
        system.tell(orders).placed(i);
        system.tell(orders).paid(i);
      }
      const late = system.spawn(subscribe(orders, to, { startAt: "earliest", filter: ["paid"], order: "all" }), {
        name: "late",
      });
      await system.ask(late).inspect();
      await runUntilIdle();
      await system.ask(late).seek({ seq: 3 });
      await runUntilIdle();
      expect(seen).toEqual(["paid 1", "paid 2", "paid 2"]);
      expect(await system.ask(late).inspect()).toMatchObject({ matched: 6, acked: 3, dropped: 3 });
    });
  });

  test("keeps for a durable subscription without an actor what only that can know whether it wants it", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const orders = system.spawn(topic<Events>(shared(system)), { name: "orders" });
      const seen: string[] = [];
      const to = system.spawn(listener(seen), { name: "to" });
      const other = system.spawn(listener([]), { name: "other" });
      const make = (self: Self) => {
        const sub = self.spawn(subscribe(orders, to, { durable: true, filter: ["paid"] }), { name: "sub" });
        return { ready: () => self.ask(sub).inspect(), close: () => self.stop() };
      };
      const home = system.spawn(make, { name: "home" });
      await system.ask(home).ready();
      await system.ask(system.spawn(subscribe(orders, other, { filter: ["placed"] }), { name: "others" })).inspect();
      system.tell(home).close();
      await runUntilIdle();
      system.tell(orders).placed(1);
      system.tell(orders).paid(1);
      await runUntilIdle();
      await system.ask(system.spawn(make, { name: "home" })).ready();
      await runUntilIdle();
      expect(seen).toEqual(["paid 1"]);
    });
  });

  test("lets nobody seek in what it does not keep", async () => {
    await simulate({}, async ({ system }) => {
      const orders = system.spawn(topic<Events>(shared(system)), { name: "orders" });
      const to = system.spawn(listener([]), { name: "to" });
      const sub = system.spawn(subscribe(orders, to), { name: "sub" });
      const sought = await settle(system.ask(sub).seek("earliest"));
      expect(sought.ok || sought.error).toMatchObject({ _tag: "NotConfigured" });
    });
  });

  test("keeps the last message of each key", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const orders = system.spawn(topic<Events>({ ...shared(system), retention: "latestPerKey" }), { name: "orders" });
      const seen: string[] = [];
      for (const [key, n] of [
        ["a", 1],
        ["b", 2],
        ["a", 3],
      ] as const)
        system.tell(orders, { key }).placed(n);
      await runUntilIdle();
      const to = system.spawn(listener(seen), { name: "to" });
      await system.ask(system.spawn(subscribe(orders, to, { startAt: "earliest" }), { name: "late" })).inspect();
      await runUntilIdle();
      expect(seen).toEqual(["placed 2", "placed 3"]);
    });
  });

  test("ends a subscription with its actor, or keeps its messages for the next of its name", async () => {
    for (const durable of [false, true])
      await simulate({}, async ({ system, runUntilIdle }) => {
        const orders = system.spawn(topic<Events>(shared(system)), { name: "orders" });
        const seen: string[] = [];
        const to = system.spawn(listener(seen), { name: "to" });
        const home = system.spawn(
          (self: Self) => {
            const sub = self.spawn(subscribe(orders, to, { durable }), { name: "sub" });
            return { ready: () => self.ask(sub).inspect(), close: () => self.stop() };
          },
          { name: "home" },
        );
        await system.ask(home).ready();
        system.tell(home).close();
        await runUntilIdle();
        system.tell(orders).placed(1);
        await runUntilIdle();
        expect(seen).toEqual([]);
        const again = system.spawn(
          (self: Self) => {
            const sub = self.spawn(subscribe(orders, to, { durable }), { name: "sub" });
            return { ready: () => self.ask(sub).inspect() };
          },
          { name: "home" },
        );
        await system.ask(again).ready();
        await runUntilIdle();
        expect(seen).toEqual(durable ? ["placed 1"] : []);
      });
  });
});

class No extends Refusal {
  readonly _tag = "No";
}

describe("a store", () => {
  test("has several queues and topics, each with a path of its own", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const shared = system.spawn(store(), { name: "store" });
      const to = system.spawn(() => ({ double: (n: number) => (n < 0 ? new No() : 2 * n) }), { name: "to" });
      const q = system.spawn(queue(to, { store: shared }), { name: "q" });
      expect(q.path).toBe("/q");
      expect(await system.ask(q).double(2)).toBe(4);
      const refused = await settle(system.ask(q).double(-1));
      expect(refused.ok || refused.error).toBeInstanceOf(No);
      await system.offer(q).double(3);
      await runUntilIdle();
      const report = await inspectStore(system, shared);
      expect(report.topics).toMatchObject([{ name: "/q", subscriptions: [{ acked: 3 }] }]);
      const wrong = await settle(system.ask(shared as unknown as Ref<{ hello(): void }>).hello());
      expect(wrong.ok || wrong.error).toMatchObject({ _tag: "UnknownMessage" });
    });
  });
});
