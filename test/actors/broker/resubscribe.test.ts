// A durable subscription that comes again with other lane rules.

import type { Self } from "antiphon";
import { powerFailure, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { deadLetters } from "../../../src/actors/broker/control.ts";
import type { SubscribeOptions } from "../../../src/actors/broker/options.ts";
import { topic } from "../../../src/actors/broker/queue.ts";
import { subscribe } from "../../../src/actors/broker/subscribe.ts";
import { json, SlowJournal } from "./scene.ts";

interface Work {
  work(n: number): void;
}

const rules: readonly SubscribeOptions[] = [
  { order: "none" },
  { order: "key" },
  { order: "key", laneOnBackoff: "pass" },
  { order: "all" },
];
const pairs = rules.flatMap((before) => rules.filter((after) => after !== before).map((after) => ({ before, after })));

describe("a subscription that comes again with other lane rules", () => {
  test.each(pairs)("[G9 sim] [G13 sim] keeps waits and the history of attempts: $before, $after", async (given) => {
    const journal = new SlowJournal();
    const seen: string[] = [];
    const worker = (self: Self): Work => ({
      work(n) {
        seen.push(`${self.now() >= 1_000 ? "late" : "early"} ${n} #${self.message?.attempt}`);
        if (n === 1) throw new Error("planted");
      },
    });
    const options = { durable: true, maxAttempts: 2, backoff: 1_000 };
    let current = given.before;
    await simulate(
      {
        journals: [journal],
        boot: (system) => {
          const jobs = system.spawn(topic<Work>({ journal: journal.open, codec: json }), { name: "jobs" });
          const to = system.spawn(worker, { name: "to", supervision: { maxRestarts: 9 } });
          return { jobs, sub: system.spawn(subscribe(jobs, to, { ...options, ...current }), { name: "sub" }) };
        },
      },
      async (world) => {
        await world.system.ask(world.booted.sub).inspect();
        await world.system.offer(world.booted.jobs, { key: "k" }).work(1);
        await world.run(50);
        current = given.after;
        // The first one gives it the other rules, the second one finds them.
        for (let failures = 0; failures < 2; failures++) {
          world.inject(powerFailure({ at: world.now() + 1 }));
          await world.run(50);
          expect(await world.system.ask(world.booted.sub).inspect()).toMatchObject({ scheduled: 1 });
        }
        expect(seen).toEqual(["early 1 #1"]);
        await world.run("1m");
        expect(seen).toEqual(["early 1 #1", "late 1 #2"]);
        expect(await deadLetters(world.system, world.booted.jobs)).toMatchObject([
          { payload: 1, reason: "exhausted", attempts: [{ attempt: 1 }, { attempt: 2 }] },
        ]);
      },
    );
  });
});
