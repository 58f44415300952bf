// Who gets which message when: lanes, stickiness, fairness, priority, credit, and settling several at once.

import { type Ref, type Self, type System, settle } from "antiphon";
import { simulate } from "antiphon/sim";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ackUpTo,
  commit,
  deadLetters,
  grant,
  inspect,
  pause,
  redrive,
  resume,
} from "../../../src/actors/broker/control.ts";
import { Requeue } from "../../../src/actors/broker/failure.ts";
import type { SubscriptionReport } from "../../../src/actors/broker/inspect.ts";
import type { QueueOptions } from "../../../src/actors/broker/options.ts";
import { queue, store } from "../../../src/actors/broker/queue.ts";

interface Work {
  work(n: number): unknown;
}
interface Kit {
  readonly system: System;
  readonly q: Ref<Work>;
  /** `now consumer n #attempt`, as they started. */
  readonly seen: string[];
  idle(): Promise<void>;
  run(ms: number): Promise<void>;
  report(): Promise<SubscriptionReport>;
}

/** A queue in front of consumers that do `then` with each message. */
const scene = (
  options: QueueOptions,
  names: readonly string[],
  then: (self: Self, n: number, q: Ref<Work>) => unknown,
  body: (kit: Kit) => Promise<void>,
) =>
  simulate({}, async ({ system, run, runUntilIdle }) => {
    const seen: string[] = [];
    const worker = (self: Self): Work => ({
      work(n) {
        seen.push(`${self.now()} ${self.path.slice(1)} ${n} #${self.message?.attempt}`);
        return then(self, n, q);
      },
    });
    const supervision = { maxRestarts: Number.POSITIVE_INFINITY };
    const refs = names.map((name) => system.spawn(worker, { name, supervision, concurrency: 50 }));
    const q: Ref<Work> = system.spawn(queue(refs, options), { name: "q", supervision });
    const report = async () => (await inspect(system, q)).topics[0]!.subscriptions[0]!;
    await body({ system, q, seen, idle: runUntilIdle, run, report });
  }).then(() => {});

const crashes = () => {
  throw new Error("planted");
};
const numbers = (seen: readonly string[]) => seen.map((one) => Number(one.split(" ")[2]));

describe("lanes", () => {
  test("[G5 sim] shared out among keys are as many as is said, and each key keeps its order", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(..."abcdefgh"), { minLength: 5, maxLength: 20 }),
        fc.integer({ min: 1, max: 4 }),
        async (keys, lanes) => {
          let out = 0;
          let most = 0;
          const then = async (self: Self, n: number) => {
            most = Math.max(most, ++out);
            // Another one's crash ends the sleep.
            await self.sleep(10).finally(() => out--);
            if (n % 3 === 0 && self.message?.attempt === 1) crashes();
          };
          await scene(
            { order: "key", lanes, prefetch: 50, backoff: 5 },
            ["a"],
            then,
            async ({ system, q, seen, idle }) => {
              for (const [n, key] of keys.entries()) system.tell(q, { key }).work(n);
              await idle();
              expect(most).toBeLessThanOrEqual(lanes);
              for (const key of new Set(keys)) {
                const mine = numbers(seen).filter((n) => keys[n] === key);
                expect(mine).toEqual([...mine].sort((a, b) => a - b));
              }
            },
          );
        },
      ),
      { seed: 31, numRuns: 40 },
    ));

  test("[G6 sim] that pass go on while one waits for its next attempt, which is the next of its lane then, and it is counted", () =>
    scene(
      { order: "key", laneOnBackoff: "pass", backoff: 15, prefetch: 9 },
      ["a"],
      async (self, n) => {
        if (n === 0 && self.message?.attempt === 1) crashes();
        await self.sleep(10);
      },
      async ({ system, q, seen, idle, report }) => {
        for (let n = 0; n < 4; n++) system.tell(q, { key: "k" }).work(n);
        await idle();
        expect(seen).toEqual(["0 a 0 #1", "0 a 1 #1", "10 a 2 #1", "20 a 0 #2", "30 a 3 #1"]);
        expect(await report()).toMatchObject({ acked: 4, inversions: 1 });
      },
    ));

  test("[G6 sim] that hold have no inversions, and no order has as many as it happens to have", async () => {
    const flaky = (self: Self, n: number) => (n % 2 === 0 && self.message?.attempt === 1 ? crashes() : undefined);
    for (const [order, inversions] of [
      ["key", 0],
      ["all", 0],
      ["none", 2],
    ] as const)
      await scene({ order, backoff: 10 }, ["a"], flaky, async ({ system, q, idle, report }) => {
        for (let n = 0; n < 4; n++) system.tell(q, { key: "k" }).work(n);
        await idle();
        expect(await report()).toMatchObject({ acked: 4, inversions });
      });
  });

  test("are passed by what is parked or set aside, which comes back when it is asked for", () =>
    scene(
      { order: "key", laneOnBackoff: "pass", maxAttempts: 2 },
      ["a"],
      (self, n) => (n === 0 && self.now() === 0 ? new Requeue({ after: Number.POSITIVE_INFINITY }) : undefined),
      async ({ system, q, seen, idle, run, report }) => {
        system.tell(q, { key: "k", id: "aside" }).work(0);
        system.tell(q, { key: "k" }).work(1);
        await idle();
        expect(await report()).toMatchObject({ parked: 1, acked: 1 });
        await run(7);
        expect(await redrive(system, q, { filter: { ids: ["aside"] } })).toBe(1);
        await idle();
        expect(seen).toEqual(["0 a 0 #1", "0 a 1 #1", "7 a 0 #1"]);
      },
    ));

  test("follow a message that is dead, if they are to, and come back in their order", () => {
    let isMended = false;
    const then = async (self: Self, n: number) => {
      await self.sleep(5);
      if (n === 0 && !isMended) crashes();
    };
    const options = { order: "key", laneOnDead: "deadLetter", maxAttempts: 2, backoff: 1, prefetch: 9 } as const;
    return scene(options, ["a"], then, async ({ system, q, seen, run, idle }) => {
      for (const [n, key] of [..."kkl"].entries()) system.tell(q, { key }).work(n);
      const asked = settle(system.ask(q, { key: "k" }).work(3));
      expect(await asked).toMatchObject({ error: { _tag: "NotHandled", reason: "laneDead", retrySafe: true } });
      await idle();
      expect(await deadLetters(system, q)).toMatchObject([
        { payload: 0, reason: "exhausted" },
        { payload: 1, reason: "laneDead", attempts: [] },
        { payload: 3, reason: "laneDead" },
      ]);
      system.tell(q, { key: "k" }).work(4);
      await run(10);
      isMended = true;
      expect(await redrive(system, q)).toBe(3);
      await idle();
      expect(numbers(seen).filter((n) => n !== 2)).toEqual([0, 0, 4, 0, 1, 3]);
    });
  });

  test("[G5 sim] that stick go to one consumer as long as it lives, and then only its own move", () =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom(0, 1, 2), fc.constantFrom(undefined, 16), async (leaves, lanes) => {
        const names = ["a", "b", "c"];
        const options: QueueOptions = { order: "key", consumers: "sticky", prefetch: 3, ...(lanes && { lanes }) };
        const then = async (self: Self, n: number) => {
          if (n === 1_000) self.stop();
          await self.sleep(5);
        };
        await scene(options, names, then, async ({ system, q, seen, idle }) => {
          const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
          const round = async () => {
            seen.length = 0;
            for (const [n, key] of [...keys, ...keys].entries()) system.tell(q, { key }).work(n);
            await idle();
            const owners = new Map<string, string>();
            for (const one of seen) {
              const [, owner = "", n] = one.split(" ");
              const key = keys[Number(n) % keys.length] as string;
              expect(owners.get(key) ?? owner).toBe(owner);
              owners.set(key, owner);
            }
            for (const key of keys) {
              const mine = numbers(seen).filter((n) => keys[n % keys.length] === key);
              expect(mine).toEqual([...mine].sort((a, b) => a - b));
            }
            return owners;
          };
          const before = await round();
          expect(new Set(before.values()).size).toBe(3);
          const gone = names[leaves] as string;
          const poisoned = keys.find((key) => before.get(key) === gone) as string;
          system.tell(q, { key: poisoned }).work(1_000);
          await idle();
          for (const [key, owner] of await round())
            if (before.get(key) === gone) expect(owner).not.toBe(gone);
            else expect(owner).toBe(before.get(key));
        });
      }),
      { seed: 32, numRuns: 6 },
    ));
});

describe("selection", () => {
  test("[G11 sim] that is fair starts a message of each tag in turn, whoever sent more", () =>
    scene(
      { selection: "fair" },
      ["a"],
      () => {},
      async ({ system, q, seen, idle }) => {
        await pause(system, q);
        for (const [n, key] of [..."xxxxyyz"].entries()) system.tell(q, { key }).work(n);
        await resume(system, q);
        await idle();
        expect(numbers(seen)).toEqual([0, 4, 6, 1, 5, 2, 3]);
      },
    ));

  test("[G11 sim] by a tag of its own, and among the heads of lanes", () =>
    scene(
      { selection: "fair", order: "key", tag: ({ payload }) => (Number(payload) < 4 ? "big" : "small") },
      ["a"],
      () => {},
      async ({ system, q, seen, idle }) => {
        await pause(system, q);
        for (let n = 0; n < 6; n++) system.tell(q, { key: `${n % 2}` }).work(n);
        await resume(system, q);
        await idle();
        expect(numbers(seen)).toEqual([0, 1, 2, 3, 4, 5]);
      },
    ));

  test("[G11 sim] by priority starts the most urgent, and with aging what has waited long enough before it", async () => {
    for (const [aging, due] of [
      [undefined, [0, 9, 9, 9, 1]],
      [25, [0, 9, 9, 1, 9]],
    ] as const)
      await scene(
        { selection: "priority", priority: ({ payload }) => (payload === 9 ? 1 : 0), ...(aging && { aging }) },
        ["a"],
        (self) => self.sleep(10),
        async ({ system, q, seen, run, idle }) => {
          system.tell(q).work(0);
          system.tell(q).work(1);
          for (let i = 0; i < 3; i++) {
            await run(i === 0 ? 1 : 12);
            system.tell(q).work(9);
          }
          await idle();
          expect(numbers(seen)).toEqual(due);
        },
      );
  });
});

describe("credit", () => {
  test("[G10 sim] is granted to consumers alone, and without it nothing starts", () =>
    scene(
      { credit: "granted" },
      ["a"],
      () => {},
      async ({ system, q, seen, idle, report }) => {
        system.tell(q).work(0);
        const stranger = system.spawn((self: Self) => ({ more: () => grant(self, q, 1) }), { name: "stranger" });
        await expect(system.ask(stranger).more()).rejects.toMatchObject({ _tag: "NotInStore" });
        await idle();
        expect(seen).toEqual([]);
        expect(await report()).toMatchObject({ ready: 1, leased: 0 });
      },
    ));

  test("[G10 sim] is replaced by the next grant, and outlives a crash of the queue", async () => {
    for (const isShared of [false, true])
      await simulate({}, async ({ system, runUntilIdle }) => {
        const seen: number[] = [];
        const consumer = (self: Self) => ({
          work: (n: number) => void seen.push(n),
          more: (count: number) => grant(self, q, count),
        });
        const to = system.spawn(consumer, { name: "to" });
        const shared = isShared ? { store: system.spawn(store(), { name: "store" }) } : {};
        const q: Ref<Work> = system.spawn(queue(to, { ...shared, credit: "granted", prefetch: 9 }), { name: "q" });
        for (let n = 0; n < 6; n++) await system.offer(q).work(n);
        await runUntilIdle();
        expect(seen).toEqual([]);
        await system.ask(to).more(2);
        await runUntilIdle();
        expect(seen).toEqual([0, 1]);
        await system.ask(to).more(0);
        await system.ask(to).more(3);
        system.tell(q as unknown as Ref<{ "broker.pause"(x: unknown): void }>)["broker.pause"](null);
        await runUntilIdle();
        expect(seen).toEqual([0, 1, 2, 3, 4]);
      });
  });

  test("[G10 sim] of all consumers together has a bound", () => {
    let out = 0;
    let most = 0;
    const then = async (self: Self) => {
      most = Math.max(most, ++out);
      await self.sleep(5);
      out--;
    };
    return scene({ maxUnsettled: 3, prefetch: 5 }, ["a", "b"], then, async ({ system, q, idle, report }) => {
      for (let n = 0; n < 20; n++) system.tell(q).work(n);
      await idle();
      expect(most).toBe(3);
      expect(await report()).toMatchObject({ acked: 20 });
    });
  });
});

describe("settling up to a message", () => {
  test("[G3 sim] settles all that its consumer had before it, and what they do afterwards changes nothing", () =>
    scene(
      { prefetch: 4, backoff: 1 },
      ["a"],
      async (self, n, q) => {
        await self.sleep(n === 2 ? 5 : 50);
        if (n === 2) await ackUpTo(self, q);
        else crashes();
      },
      async ({ system, q, run, idle, seen, report }) => {
        for (let n = 0; n < 3; n++) system.tell(q).work(n);
        await run(10);
        expect(await report()).toMatchObject({ acked: 3, leased: 0 });
        await idle();
        expect(seen).toHaveLength(3);
      },
    ));

  test("leaves what another consumer has, and what is of another lane", () =>
    scene(
      { order: "key", prefetch: 9, lease: 100 },
      ["a", "b"],
      async (self, n, q) => {
        await self.sleep(n === 3 ? 1 : 5);
        if (n === 3) await ackUpTo(self, q);
        else await commit(self, q);
      },
      async ({ system, q, run, idle, report }) => {
        for (let n = 0; n < 4; n++) system.tell(q, { key: `${n}` }).work(n);
        await run(2);
        expect(await report()).toMatchObject({ acked: 1, leased: 3 });
        await idle();
        expect(await report()).toMatchObject({ acked: 4 });
        expect(await deadLetters(system, q)).toEqual([]);
      },
    ));
});
