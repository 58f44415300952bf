import type { Ref, Self, System } from "antiphon";
import { pool } from "antiphon/actors";
import { deadLetters, inspect, queue, redrive, type StoreOptions } from "antiphon/broker";
import { type Blobs, claimCheck, redeem } from "antiphon/patterns";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { everywhere, insist, type Play, supervision } from "./everywhere.ts";

interface Films {
  cut(film: string): void;
}

/** An object store, which outlives everything. */
const shelf =
  (blobs: Map<string, unknown>) =>
  (self: Self): Blobs => ({
    async put({ id, value }) {
      await self.sleep(1);
      blobs.set(id, value);
    },
    get: (id) => blobs.get(id),
    remove: (id) => void blobs.delete(id),
  });

const spawned = (system: System, blobs: Map<string, unknown>, seen: string[], options: StoreOptions = {}) => {
  const store = system.spawn(shelf(blobs), { name: "shelf", supervision });
  const cutter = (self: Self) => ({
    async cut(film: string) {
      await self.sleep(1);
      if (film === "poison") throw new Error("planted");
      seen.push(`${self.message?.id} ${film}`);
    },
  });
  const dedup = { window: "1h", by: ({ id }: { id: string }) => id } as const;
  const limits = { backoff: "5ms", maxAttempts: 10, dedup } as const;
  const films: Ref<Films> = system.spawn(queue(redeem(store, cutter, { remove: true }), { ...options, ...limits }), {
    name: "films",
    supervision,
  });
  return { films, desk: system.spawn(claimCheck(films, store), { name: "desk", supervision }) };
};

describe("claimCheck and redeem", () => {
  test("carry a claim through the queue, and give the consumer what was put aside", async () => {
    const blobs = new Map<string, unknown>();
    const seen: string[] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const { desk, films } = spawned(system, blobs, seen);
      await system.offer(desk, { id: "f1" }).cut("a long one");
      await runUntilIdle();
      expect(seen).toEqual(["f1 a long one"]);
      expect(blobs.size).toBe(0);
      await system.offer(desk, { id: "f2" }).cut("poison");
      await runUntilIdle();
      const [dead] = await deadLetters(system, films);
      expect(dead).toMatchObject({ id: "f2", reason: "exhausted", payload: { claim: "f2" } });
      // It is dead, and its blob is there.
      expect([...blobs.keys()]).toEqual(["f2"]);
    });
  });

  test("make a dead letter of a message whose blob is lost, which a redrive brings back when it is found", async () => {
    const blobs = new Map<string, unknown>();
    const seen: string[] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const { films } = spawned(system, blobs, seen);
      await system.offer(films as Ref<never> as Ref<{ cut(claim: object): void }>, { id: "f1" }).cut({ claim: "f1" });
      await runUntilIdle();
      expect(await deadLetters(system, films)).toMatchObject([
        { reason: "rejected", attempts: [{ code: "CLAIM_LOST", error: expect.stringContaining("cut f1") }] },
      ]);
      blobs.set("f1", "found");
      expect(await redrive(system, films)).toBe(1);
      await runUntilIdle();
      expect(seen).toEqual(["f1 found"]);
    });
  });

  test("remove the blob of what a pool handled, settled through its queue", async () => {
    const blobs = new Map<string, unknown>();
    const seen: string[] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const store = system.spawn(shelf(blobs), { name: "shelf" });
      const cutter = (self: Self) => ({ cut: (film: string) => void seen.push(`${self.path} ${film}`) });
      const through = (): Ref<unknown> => films;
      const workers = system.spawn(
        pool((self: Self) => redeem(store, cutter, { remove: true, through: through() })(self), { size: 2 }),
        { name: "pool" },
      );
      const films: Ref<Films> = system.spawn(queue(workers as Ref<Films>, { prefetch: 2 }), { name: "films" });
      const desk = system.spawn(claimCheck(films, store), { name: "desk" });
      for (const id of ["f1", "f2"]) await system.offer(desk, { id }).cut(`of ${id}`);
      await runUntilIdle();
      expect(seen.sort()).toEqual(["/pool/0 of f1", "/pool/1 of f2"]);
      expect(blobs.size).toBe(0);
      expect((await inspect(system, films)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 2, dead: 0 });
    });
  });

  test("[C5 sim] leave no message without its blob, whatever breaks after whichever event", async () => {
    const make = (): Play<ReturnType<typeof spawned>> => {
      const blobs = new Map<string, unknown>();
      const seen: string[] = [];
      return {
        boot: (system, options) => spawned(system, blobs, seen, options),
        act: (world) =>
          Promise.all(
            ["f1", "f2"].map((id) =>
              insist(world, () => world.system.offer(world.booted.desk, { id }).cut(`of ${id}`)),
            ),
          ),
        async look({ system, booted }) {
          expect(await deadLetters(system, booted.films)).toEqual([]);
          expect(new Set(seen)).toEqual(new Set(["f1 of f1", "f2 of f2"]));
        },
      };
    };
    const runs = await everywhere(["/shelf", "/films", "/films/consumer", "/desk"], make);
    expect(runs).toBeGreaterThan(60);
  }, 120_000);
});
