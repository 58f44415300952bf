import { type Ref, type Self, settle } from "antiphon";
import { crash, simulate } from "antiphon/sim";
import { assertExplored, explore } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commit, inspect, inspectStore, read } from "../../../src/actors/broker/control.ts";
import { queue, store, topic } from "../../../src/actors/broker/queue.ts";
import { SlowJournal } from "./scene.ts";

interface Work {
  work(n: number): unknown;
}

const failure = async (work: Promise<unknown>) => {
  const result = await settle(work);
  return result.ok ? result.value : ((result.error as { reason?: string }).reason ?? (result.error as Error).name);
};

describe("commit", () => {
  test("settles, publishes, keeps and notes together", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const seen: number[] = [];
      const shared = system.spawn(store(), { name: "store" });
      const end = system.spawn((): Work => ({ work: (n) => void seen.push(n) }), { name: "end" });
      const out = system.spawn(queue(end, { store: shared }), { name: "out" });
      const results: unknown[] = [];
      const worker = (self: Self): Work => ({
        async work(n) {
          const done = { publish: [{ to: out, type: "work", payload: n * 2, id: `out-${n}` }], state: { last: n } };
          results.push(await commit(self, shared, { ...done, inbox: `${n}` }));
          results.push(await failure(commit(self, shared, done)));
          return "answered";
        },
      });
      const q = system.spawn(queue(worker, { store: shared }), { name: "in" });
      expect(await system.ask(q).work(4)).toBe("answered");
      await system.offer(q).work(4);
      await runUntilIdle();
      expect(results).toEqual([{ isApplied: true }, "stale", { isApplied: false }, "stale"]);
      expect(seen).toEqual([8]);
      expect(await read(system, shared, "last")).toBe(4);
      expect(await inspectStore(system, shared)).toMatchObject({
        inbox: 1,
        topics: [
          { name: "/out", subscriptions: [{ acked: 1 }] },
          { name: "/in", subscriptions: [{ acked: 2 }] },
        ],
      });
    }).then(() => {}));

  test("does nothing at all when a part of it can not be", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const seen: unknown[] = [];
      const shared = system.spawn(store(), { name: "store" });
      const small = system.spawn(topic({ store: shared, capacity: { messages: 1 } }), { name: "small" });
      const sink = system.spawn((): Work => ({ work() {} }), { name: "sink" });
      const full = system.spawn(queue(sink, { store: shared, capacity: { messages: 1 } }), { name: "full" });
      const worker = (self: Self): Work => ({
        async work() {
          const to = (ref: Ref<unknown>, id: string) => ({ to: ref, type: "work", id });
          const state = { kept: true };
          seen.push(await failure(commit(self, shared, { state, publish: [to(full, "a"), to(full, "b")] })));
          seen.push(await failure(commit(self, shared, { state, publish: [to(sink, "c")] })));
          seen.push(await failure(commit(self, shared, { state, settle: [{ id: "x", attempt: 1 }] })));
          seen.push(await read(self, shared, "kept"));
        },
      });
      const q = system.spawn(queue(worker, { store: shared }), { name: "in" });
      await system.ask(q).work(1);
      await runUntilIdle();
      expect(seen).toEqual(["full", "unknown-topic", "stale", undefined]);
      expect((await inspect(system, full)).topics[0]).toMatchObject({ backlog: 0 });
      expect(small.path).toBe("/small");
    }).then(() => {}));

  test("[G13 sim] is one record, also when an asked message has to leave for what it publishes", () =>
    simulate({}, async ({ system, run }) => {
      const journal = new SlowJournal();
      const shared = system.spawn(store({ journal: journal.open }), { name: "store" });
      const sink = system.spawn((self: Self): Work => ({ work: () => self.sleep("1h") }), { name: "sink" });
      const small = system.spawn(
        queue(sink, { store: shared, capacity: { messages: 2 }, overflow: "drop-oldest", lease: "2h" }),
        { name: "small" },
      );
      await system.offer(small).work(1);
      await run(20);
      const asked = failure(system.ask(small, { within: "1m" }).work(2));
      await run(20);
      const before = journal.records.length;
      const publish = [{ to: small, type: "work", payload: 3, id: "new" }];
      await commit(system, shared, { publish, state: { kept: true } });
      expect(journal.records).toHaveLength(before + 1);
      expect(await asked).toBe("dropped");
      await system.stop();
    }).then(() => {}));

  /** Adds what it is told to a sum, in the same commit or beside it; crashes as drawn, before and after. */
  const summing = (isAtomic: boolean) =>
    explore(
      {
        tasks: fc.array(
          fc.record({ n: fc.integer({ min: 1, max: 9 }), twice: fc.boolean(), sleepMs: fc.constantFrom(0, 5, 40) }),
          { minLength: 1, maxLength: 5 },
        ),
      },
      async ({ system, runUntilIdle }, { tasks }) => {
        let beside = 0;
        const worker = (self: Self) => ({
          async work({ n, sleepMs }: { n: number; sleepMs: number }) {
            const id = self.message?.id ?? "";
            await self.sleep(sleepMs);
            if (!isAtomic) {
              beside += n;
              await self.sleep(1);
              return;
            }
            const sum = ((await read(self, q, "sum")) as number | undefined) ?? 0;
            await commit(self, q, { inbox: id, state: { sum: sum + n } });
            await self.sleep(1);
          },
        });
        const q: Ref<ReturnType<typeof worker>> = system.spawn(
          queue(worker, { lease: 30, backoff: 1, maxAttempts: 20, inbox: { window: "1h" } }),
          { name: "q" },
        );
        let due = 0;
        for (const [i, { n, twice, sleepMs }] of tasks.entries()) {
          const slow = twice ? 0 : sleepMs;
          for (let times = twice ? 2 : 1; times > 0; times--)
            system.tell(q, { id: `t${i}` }).work({ n, sleepMs: Math.min(slow, 20) });
          due += n;
        }
        await runUntilIdle();
        const sum = isAtomic ? ((await read(system, q, "sum")) ?? 0) : beside;
        expect(sum).toBe(due);
      },
      { schedules: 10, replays: 50, faults: { crash: ["/q/consumer", "/q"], most: 3 } },
    );

  test("[G8 sim] has its effect once, through crashes of consumer and store and through duplicates", async () => {
    await assertExplored(summing(true), { seed: 5, numRuns: 20 });
  }, 60_000);

  test("an effect beside the commit is caught having it twice", async () => {
    await expect(fc.assert(summing(false), { seed: 5, numRuns: 20 })).rejects.toThrow();
  }, 60_000);

  test("[G3 sim] is not for who lost the lease", () =>
    simulate({}, async ({ system, run, runUntilIdle }) => {
      const seen: unknown[] = [];
      const worker = (self: Self): Work => ({
        async work(n) {
          await self.sleep(self.message?.attempt === 1 ? 50 : 10);
          seen.push([self.message?.attempt, await failure(commit(self, q, { state: { n } }))]);
        },
      });
      const to = system.spawn(worker, { name: "worker", concurrency: 2 });
      const q: Ref<Work> = system.spawn(queue(to, { lease: 20, backoff: 0 }), { name: "q" });
      system.tell(q, { id: "x" }).work(1);
      await run(25);
      expect(await failure(commit(system, q, { settle: [{ id: "x", attempt: 1 }] }))).toBe("stale");
      await runUntilIdle();
      // The lease was the deadline of its handler: what that asks for afterwards is given up.
      expect(seen).toEqual([
        [2, { isApplied: true }],
        [1, "Cancelled"],
      ]);
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 1, matched: 1 });
    }).then(() => {}));
});

test("[G14 sim] equal seeds give equal traces", async () => {
  const play = async () => {
    const { hash } = await simulate(
      { seed: 3, faults: [crash("/q", { at: 20 })] },
      async ({ system, runUntilIdle }) => {
        const worker = (self: Self): Work => ({
          async work(n) {
            await self.sleep(n);
            if (n % 3 === 0) throw new Error("planted");
          },
        });
        const q = system.spawn(queue(worker, { maxAttempts: 3, backoff: { first: 10, jitter: 0.5 } }), { name: "q" });
        for (let n = 1; n < 9; n++) system.tell(q).work(n);
        await runUntilIdle();
      },
    );
    return hash;
  };
  expect(await play()).toBe(await play());
  expect(await play()).toBeDefined();
});
