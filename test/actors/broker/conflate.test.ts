// A full topic in which a message takes the place of one of its key.

import { type Ref, type Self, type System, settle } from "antiphon";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { commit, inspect } from "../../../src/actors/broker/control.ts";
import type { QueueOptions } from "../../../src/actors/broker/options.ts";
import { queue, store, topic } from "../../../src/actors/broker/queue.ts";
import { subscribe } from "../../../src/actors/broker/subscribe.ts";
import { json, SlowJournal } from "./scene.ts";

interface Prices {
  price(value: number): unknown;
}

const full = { overflow: "conflate-by-key", capacity: { messages: 3 } } as const;

/** An actor that notes what it gets, and takes its time. */
const notes = (system: System, name: string, seen: string[], ms = 10): Ref<Prices> =>
  system.spawn(
    (self: Self) => ({
      async price(value: number) {
        seen.push(`${self.message?.key} ${value}`);
        await self.sleep(ms);
      },
    }),
    { name },
  );

const reasonOf = async (work: Promise<unknown>) => {
  const result = await settle(work);
  return result.ok ? "ok" : (result.error as { reason?: string }).reason;
};

const counts = async (system: System, of: Ref<unknown>) => (await inspect(system, of)).topics[0]?.subscriptions;

describe('overflow: "conflate-by-key"', () => {
  const scene = (
    options: QueueOptions,
    body: (kit: {
      system: System;
      q: Ref<Prices>;
      seen: string[];
      put: (key: string, value: number) => Promise<unknown>;
      idle: () => Promise<void>;
    }) => Promise<void>,
  ) =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const q = system.spawn(queue(notes(system, "to", seen), { ...full, ...options }), { name: "q" });
      const put = (key: string, value: number) => reasonOf(system.offer(q, { key }).price(value));
      await body({ system, q, seen, put, idle: runUntilIdle });
    }).then(() => {});

  test("[G1 sim] [G10 sim] drops the oldest of the key that waits, and rejects a message without one", () =>
    scene({}, async ({ system, q, seen, put, idle }) => {
      for (const [key, value] of [
        ["a", 1],
        ["b", 2],
        ["a", 3],
      ] as const)
        expect(await put(key, value)).toBe("ok");
      expect(await put("c", 4)).toBe("full");
      expect(await put("b", 5)).toBe("ok");
      // The first one of a is in hand.
      expect(await put("a", 6)).toBe("ok");
      expect(await reasonOf(system.offer(q).price(7))).toBe("full");
      await idle();
      expect(seen).toEqual(["a 1", "b 5", "a 6"]);
      expect(await counts(system, q)).toMatchObject([{ matched: 5, acked: 3, dropped: 2 }]);
    }));

  test("[G10 sim] keeps within its bytes, also when the new one is larger", () =>
    scene(
      { capacity: { messages: 9, bytes: 10 }, size: ({ payload }) => payload as number },
      async ({ put, seen, idle }) => {
        for (const [key, value] of [
          ["x", 4],
          ["a", 2],
          ["b", 4],
        ] as const)
          await put(key, value);
        expect(await put("a", 3)).toBe("full");
        expect(await put("b", 3)).toBe("ok");
        expect(await put("a", 3)).toBe("ok");
        await idle();
        expect(seen).toEqual(["x 4", "b 3", "a 3"]);
      },
    ));

  test("[G11 sim] with a fair selection a key that is renewed keeps its turn", async () => {
    for (const [selection, last] of [
      ["fifo", ["b 2", "a 4"]],
      ["fair", ["a 4", "b 2"]],
    ] as const)
      await scene({ selection }, async ({ seen, put, idle }) => {
        for (const [key, value] of [
          ["x", 0],
          ["a", 1],
          ["b", 2],
          ["a", 3],
          ["a", 4],
        ] as const)
          await put(key, value);
        await idle();
        expect(seen).toEqual(["x 0", ...last]);
      });
  });

  test("[G12 sim] leaves a message that one of several subscriptions has in hand", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const seen: string[][] = [[], []];
      const prices = system.spawn(topic<Prices>({ ...full, capacity: { messages: 1 } }), { name: "prices" });
      for (const [n, ms] of [10, 0].entries()) {
        const to = notes(system, `to-${n}`, seen[n]!, ms);
        await system.ask(system.spawn(subscribe(prices, to), { name: `s${n}` })).inspect();
      }
      system.tell(prices, { key: "a" }).price(1);
      expect(await reasonOf(system.offer(prices, { key: "a" }).price(2))).toBe("full");
      await runUntilIdle();
      expect(seen).toEqual([["a 1"], ["a 1"]]);
    }).then(() => {}));

  test("[G10 sim] a commit publishes all of it or nothing, with what it may replace", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const shared = system.spawn(store(), { name: "store" });
      const q = system.spawn(queue(notes(system, "to", seen), { ...full, store: shared }), { name: "q" });
      for (const key of ["x", "a", "b"]) await system.offer(q, { key }).price(0);
      const publish = (keys: readonly string[]) =>
        commit(system, shared, {
          publish: keys.map((key, n) => ({ to: q, type: "price", payload: 1 + n, key, id: `${keys}${n}` })),
        });
      expect(await reasonOf(publish(["a", "c"]))).toBe("full");
      expect(await reasonOf(publish(["a", "b", "a"]))).toBe("ok");
      await runUntilIdle();
      expect(seen).toEqual(["x 0", "b 2", "a 3"]);
    }).then(() => {}));

  test("[G13 sim] finds what may be replaced again after a restart, also where the option is new", async () => {
    const journal = new SlowJournal();
    const seen: string[] = [];
    const run = (options: QueueOptions, body: (system: System, q: Ref<Prices>) => Promise<void>) =>
      simulate({}, async ({ system, runUntilIdle }) => {
        const to = notes(system, "to", seen);
        const q = system.spawn(
          queue(to, { ...full, journal: journal.open, codec: json, snapshotEvery: 1, ...options }),
          { name: "q" },
        );
        await body(system, q);
        await runUntilIdle();
      });
    await run({ overflow: "reject", delay: "1h" }, async (system, q) => {
      for (const key of ["a", "b", "c"]) await system.offer(q, { key, id: key }).price(1);
      await system.stop();
    });
    expect(seen).toEqual([]);
    await run({}, async (system, q) => {
      expect(await reasonOf(system.offer(q, { key: "b", id: "b2" }).price(2))).toBe("ok");
    });
    expect([...seen].sort()).toEqual(["a 1", "b 2", "c 1"]);
  });
});
