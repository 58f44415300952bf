import { createSystem, Refusal, type Self, settle } from "antiphon";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { deadLetters, inspect, pause, resume } from "../../../src/actors/broker/control.ts";
import { queue } from "../../../src/actors/broker/queue.ts";

class No extends Refusal {
  readonly _tag = "No";
}

/** Notes each attempt; fails, sleeps or refuses as the payload says. */
const worker = (self: Self, seen: string[]) => ({
  async work(what: string) {
    seen.push(`${self.now()} ${what} #${self.message?.attempt}`);
    const [, verb, arg] = what.split(" ");
    if (verb === "sleep") await self.sleep(Number(arg));
    if (verb === "crash" && (self.message?.attempt ?? 0) < Number(arg)) throw new Error("planted");
    if (verb === "refuse") return new No("no");
    return `done ${what}`;
  },
});

describe("queue", () => {
  test("hands over what it is told, and answers what it is asked", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const to = system.spawn((self) => worker(self, seen), { name: "worker" });
      const q = system.spawn(queue(to), { name: "q" });
      system.tell(q).work("a");
      await system.offer(q).work("b");
      expect(await system.ask(q).work("c")).toBe("done c");
      await runUntilIdle();
      expect(seen).toEqual(["0 a #1", "0 b #1", "0 c #1"]);
      const report = await inspect(system, q);
      expect(report.topics[0]?.subscriptions[0]).toMatchObject({ acked: 3, matched: 3, ready: 0, leased: 0 });
    });
  });

  test("[G2 sim] starts as many as its consumer may have, at once", async () => {
    await simulate({ trace: "off" }, async ({ system, run }) => {
      let started = 0;
      const slow = (self: Self) => ({
        async work(_: number) {
          started++;
          await self.sleep("1m");
        },
      });
      const to = system.spawn(slow, { name: "slow", concurrency: 900 });
      const q = system.spawn(queue(to, { prefetch: 900 }), { name: "q" });
      await pause(system, q);
      await Promise.all(Array.from({ length: 1_000 }, (_, n) => system.offer(q).work(n)));
      await resume(system, q);
      await run(1);
      expect(started).toBe(900);
    });
  });

  test("tries again what crashed, after a wait that grows, and answers with the attempt that succeeds", async () => {
    await simulate({}, async ({ system }) => {
      const seen: string[] = [];
      const q = system.spawn(
        queue((self: Self) => worker(self, seen), { backoff: { first: 100 } }),
        { name: "q" },
      );
      expect(await system.ask(q, { within: "1m" }).work("a crash 4")).toBe("done a crash 4");
      expect(seen).toEqual(["0 a crash 4 #1", "100 a crash 4 #2", "300 a crash 4 #3", "700 a crash 4 #4"]);
    });
  });

  test("puts what is exhausted or refused among the dead letters, with its history", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const q = system.spawn(
        queue((self: Self) => worker(self, seen), { maxAttempts: 2, backoff: 10 }),
        { name: "q" },
      );
      system.tell(q, { id: "i", key: "k" }).work("a crash 9");
      system.tell(q).work("b refuse");
      const asked = await settle(system.ask(q).work("c crash 9"));
      expect(asked.ok || asked.error).toMatchObject({ _tag: "NotHandled", reason: "exhausted", outcome: "unknown" });
      const refused = await settle(system.ask(q).work("d refuse"));
      expect(refused.ok || refused.error).toBeInstanceOf(No);
      await runUntilIdle();
      const dead = await deadLetters(system, q);
      expect(dead).toMatchObject([
        { payload: "b refuse", reason: "rejected" },
        { id: "i", key: "k", type: "work", payload: "a crash 9", reason: "exhausted", attempts: [{}, {}] },
        { payload: "c crash 9", reason: "exhausted" },
      ]);
    });
  });

  test("keeps the order of each key through the wait between attempts", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const q = system.spawn(
        queue((self: Self) => worker(self, seen), { backoff: 1_000, order: "key", prefetch: 10 }),
        { name: "q" },
      );
      system.tell(q, { key: "k" }).work("a crash 2");
      system.tell(q, { key: "k" }).work("b");
      system.tell(q, { key: "l" }).work("c");
      await runUntilIdle();
      expect(seen).toEqual(["0 a crash 2 #1", "0 c #1", "1000 a crash 2 #2", "1000 b #1"]);
    });
  });

  test("handles what was asked also when the asker has left, and counts the answer as late", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const q = system.spawn(
        queue((self: Self) => worker(self, seen), { backoff: 10 }),
        { name: "q" },
      );
      const first = await settle(system.ask(q, { within: 5 }).work("a sleep 20"));
      expect(first.ok || first.error).toMatchObject({ _tag: "AskTimeout", outcome: "unknown" });
      const second = await settle(system.ask(q, { within: 5 }).work("b crash 2"));
      expect(second.ok).toBe(false);
      await runUntilIdle();
      expect(seen.map((one) => one.slice(one.indexOf(" ") + 1))).toEqual([
        "a sleep 20 #1",
        "b crash 2 #1",
        "b crash 2 #2",
      ]);
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 2, dead: 0 });
      expect(system.census().late).toBe(2);
    });
  });

  test("works live", async () => {
    await using system = createSystem({ report: false });
    let n = 0;
    const to = system.spawn(() => ({ add: (by: number) => (n += by) }));
    const q = system.spawn(queue(to, { prefetch: 100 }));
    for (let i = 0; i < 1_000; i++) system.tell(q).add(1);
    expect(await system.ask(q).add(1)).toBe(1_001);
  });
});
