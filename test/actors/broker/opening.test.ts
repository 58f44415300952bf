import { settle } from "antiphon";
import { simulate } from "antiphon/sim";
import { expect, test } from "vitest";
import { commit } from "../../../src/actors/broker/control.ts";
import { queue, store } from "../../../src/actors/broker/queue.ts";

test("[G1 sim] a queue of a shared store is there with its subscription, or not at all", async () => {
  const outcomes = new Set<boolean>();
  for (let seed = 0; seed < 30; seed++)
    await simulate({ seed, schedule: { strategy: "random", seed } }, async ({ system, runUntilIdle }) => {
      const seen: number[] = [];
      const shared = system.spawn(store(), { name: "store" });
      const worker = () => ({ work: (n: number) => void seen.push(n) });
      const q = system.spawn(queue(worker, { store: shared }), { name: "q" });
      const { ok } = await settle(commit(system, shared, { publish: [{ to: q, type: "work", payload: 1, id: "a" }] }));
      await runUntilIdle();
      expect(seen).toEqual(ok ? [1] : []);
      outcomes.add(ok);
    });
  expect(outcomes).toEqual(new Set([true, false]));
});
