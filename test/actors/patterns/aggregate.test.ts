import type { Ref, Self, System } from "antiphon";
import { inspect, inspectStore, queue, store } from "antiphon/broker";
import { aggregate, type Gathered, type Parts } from "antiphon/patterns";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { everywhere, insist, type Play, supervision } from "./everywhere.ts";

const spawned = (
  system: System,
  seen: Gathered<number>[],
  options: Parameters<typeof store>[0] = {},
): { shared: Ref<never>; parts: Ref<Parts<number>> } => {
  const shared = system.spawn(store(options), { name: "store", supervision });
  const buyer = queue(() => ({ gathered: (all: Gathered<number>) => void seen.push(all) }), { store: shared });
  const to = system.spawn(buyer, { name: "offers", supervision });
  const gather = aggregate<number>({ store: shared, to, complete: 3, within: "50ms", keep: "1s" });
  return { shared: shared as Ref<never>, parts: system.spawn(gather, { name: "gather", supervision }) };
};

describe("aggregate", () => {
  test("gives one message when all parts have come, and drops what comes twice or late", async () => {
    const seen: Gathered<number>[] = [];
    await simulate({}, async ({ system, run, runUntilIdle, now }) => {
      const { parts, shared } = spawned(system, seen);
      for (const [from, value] of [
        ["x", 1],
        ["x", 9],
        ["y", 2],
        ["z", 3],
        ["late", 4],
      ] as const)
        await system.offer(parts).part({ of: "mug", from, value });
      await run("10ms");
      expect(seen).toEqual([
        {
          of: "mug",
          parts: [
            { from: "x", value: 1 },
            { from: "y", value: 2 },
            { from: "z", value: 3 },
          ],
          isComplete: true,
        },
      ]);
      await runUntilIdle();
      expect(now()).toBeGreaterThan(1_000);
      expect(seen).toHaveLength(1);
      const { topics } = await inspectStore(system, shared);
      expect(topics.map(({ backlog }) => backlog)).toEqual([0, 0, 0]);
    });
  });

  test("gives what has come when it is time, and says that it is not all", async () => {
    const seen: [number, Gathered<number>][] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const shared = system.spawn(store(), { name: "store" });
      const buyer = (self: Self) => ({ gathered: (all: Gathered<number>) => void seen.push([self.now(), all]) });
      const to = system.spawn(queue(buyer, { store: shared }), { name: "offers" });
      const complete = (parts: Gathered<number>["parts"]) => parts.some(({ value }) => value < 10);
      const parts = system.spawn(aggregate<number>({ store: shared, to, complete, within: "50ms" }), { name: "g" });
      await inspect(system, to);
      await system.offer(parts).part({ of: "mug", from: "x", value: 20 });
      await system.offer(parts).part({ of: "pan", from: "x", value: 5 });
      await runUntilIdle();
    });
    expect(seen).toEqual([
      [0, { of: "pan", parts: [{ from: "x", value: 5 }], isComplete: true }],
      [50, { of: "mug", parts: [{ from: "x", value: 20 }], isComplete: false }],
    ]);
  });

  test("[C4 sim] gives one message for each, whatever breaks after whichever event", async () => {
    const make = (): Play<ReturnType<typeof spawned>> => {
      // Noted at the end of the queue, which is at least once: by what they are of.
      const seen: Gathered<number>[] = [];
      return {
        boot: (system, options) => spawned(system, seen, options),
        act: (world) =>
          Promise.all(
            ["mug x", "mug y", "pan x", "mug z"].map((one) => {
              const [of = "", from = ""] = one.split(" ");
              return insist(world, () =>
                world.system.offer(world.booted.parts, { id: one }).part({ of, from, value: 1 }),
              );
            }),
          ),
        async look({ system, booted }) {
          const { topics } = await inspectStore(system, booted.shared);
          const [to] = topics.filter(({ name }) => name === "/offers");
          expect(to?.subscriptions[0]).toMatchObject({ matched: 2, acked: 2 });
          const of = (name: string) => seen.filter((one) => one.of === name);
          expect(of("pan")).toEqual(of("pan").map(() => expect.objectContaining({ isComplete: false })));
          for (const { parts } of of("mug")) expect(new Set(parts.map(({ from }) => from)).size).toBe(parts.length);
          expect([of("mug").length > 0, of("pan").length > 0]).toEqual([true, true]);
        },
      };
    };
    const runs = await everywhere(["/store", "/gather", "/gather/worker", "/gather/clock", "/offers"], make);
    expect(runs).toBeGreaterThan(100);
  }, 120_000);
});
