import { type Message, type Ref, receive, type Self, type System } from "antiphon";
import { commit, inspect, queue, store } from "antiphon/broker";
import { outbox } from "antiphon/patterns";
import { crash, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { everywhere, insist, type Play, supervision } from "./everywhere.ts";

interface Bills {
  send(n: number): void;
}

/** Somewhere else: what was accepted there is there for good. */
const elsewhere = (seen: string[]) => (self: Self) => ({
  async [receive]({ id, payload }: Message<Bills>): Promise<void> {
    await self.sleep(2);
    seen.push(`${id} ${payload}`);
  },
});

const spawned = (system: System, seen: string[], options: Parameters<typeof store>[0] = {}) => {
  const shared = system.spawn(store(options), { name: "store", supervision });
  const bills = system.spawn(elsewhere(seen), { name: "elsewhere", supervision });
  const out = system.spawn(outbox(bills, { store: shared, backoff: "5ms" }), { name: "outbox", supervision });
  return { shared, out };
};

/** Counts, and says so elsewhere, in one commit. */
const count = (by: System, { shared, out }: ReturnType<typeof spawned>, n: number) =>
  commit(by, shared, {
    state: { count: n },
    publish: [{ to: out, type: "send", payload: n, id: `bill-${n}` }],
    inbox: `${n}`,
  });

describe("outbox", () => {
  test("brings what was committed to where it goes, in order, and nothing of a commit that failed", async () => {
    const seen: string[] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const made = spawned(system, seen);
      await inspect(system, made.out);
      for (const n of [1, 2, 3]) await count(system, made, n);
      const lost = { to: made.out, type: "send", payload: 4, id: "bill-4" };
      const nowhere = { to: made.shared as Ref<unknown>, type: "send", id: "x" };
      await expect(commit(system, made.shared, { publish: [lost, nowhere] })).rejects.toThrow(/commit is of one store/);
      await runUntilIdle();
      expect(seen).toEqual(["bill-1 1", "bill-2 2", "bill-3 3"]);
    });
  });

  test("brings it to a queue of another store, where a duplicate is known by its id", async () => {
    const seen: unknown[] = [];
    await simulate({ faults: [crash("/outbox", { at: 1 })] }, async ({ system, runUntilIdle }) => {
      const end = system.spawn(() => ({ send: (n: number) => void seen.push(n) }), { name: "end" });
      const dedup = { window: "1h", by: ({ id }: { id: string }) => id } as const;
      const other = system.spawn(queue(end, { dedup }), { name: "other" });
      const shared = system.spawn(store(), { name: "store" });
      const out = system.spawn(outbox(other, { store: shared }), { name: "outbox" });
      await inspect(system, out);
      for (const n of [1, 2]) await count(system, { shared, out: out as never }, n);
      await runUntilIdle();
      expect(seen).toEqual([1, 2]);
    });
  });

  test("[C2 sim] loses nothing, invents nothing, and keeps the order, whatever breaks after whichever event", async () => {
    let twice = 0;
    const make = (): Play<ReturnType<typeof spawned>> => {
      const seen: string[] = [];
      return {
        boot: (system, options) => spawned(system, seen, options),
        act: async (world) => {
          for (const n of [1, 2, 3]) await insist(world, () => count(world.system, world.booted, n));
        },
        async look() {
          const first = seen.filter((one, i) => seen.indexOf(one) === i);
          expect(first).toEqual(["bill-1 1", "bill-2 2", "bill-3 3"]);
          twice += seen.length - first.length;
        },
      };
    };
    const runs = await everywhere(["/store", "/elsewhere", "/outbox", "/outbox/consumer"], make);
    expect(runs).toBeGreaterThan(100);
    // At least once is not exactly once.
    expect(twice).toBeGreaterThan(0);
  }, 120_000);
});
