// D3 as a property: actors of random options do random things to each other, and the books balance at every look.

import { type Message, type Ref, Refusal, receive, type Self, type Verb } from "antiphon";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ledger } from "./ledger.ts";
import type { WorldUnderTest } from "./world.ts";

class No extends Refusal {
  readonly _tag = "No";
}

const jobs = [
  "fine",
  "refuse",
  "crash",
  "sleep",
  "ask on",
  "tell on",
  "forward",
  "hold",
  "free",
  "time",
  "end",
] as const;
interface Job {
  readonly what: (typeof jobs)[number];
  readonly on: number;
}
interface Worker {
  work(job: Job): unknown;
}

/** Does with each message what its payload says; looks at the books wherever it can. */
function worker(ledger: Ledger, team: Ref<Worker>[]): (self: Self) => { [receive](m: Message<Worker>): unknown } {
  return (self) => {
    const held: Message<Worker>[] = [];
    return {
      async [receive](m) {
        ledger.look();
        const { what, on } = m.payload as Job;
        const other = team[on % team.length] as Ref<Worker>;
        if (what === "refuse") return new No();
        if (what === "crash") throw new Error("crash");
        if (what === "forward") m.forward(other);
        else if (what === "hold") {
          m.hold();
          held.push(m);
        } else if (what === "free") for (const one of held.splice(0)) one.answer(undefined);
        else if (what === "time") self.after(1, () => ledger.look());
        else if (what === "tell on") self.tell(other).work({ what: "sleep", on: 0 });
        else if (what === "end" && on % 4 === 0) self.stop();
        else if (what !== "fine") {
          if (what === "ask on") await self.ask(other, { within: 3 }).work({ what: "sleep", on: 0 });
          else await self.sleep(1);
          ledger.look();
        }
        return undefined;
      },
    };
  };
}

export function turmoilConformance(world: WorldUnderTest): void {
  const step = fc.record({
    to: fc.nat(3),
    verb: fc.constantFrom<Verb>("tell", "offer", "ask"),
    job: fc.record({ what: fc.constantFrom(...jobs), on: fc.nat(7) }),
    within: fc.constantFrom(1, 3, 50),
    abort: fc.boolean(),
  });
  const options = fc.record({
    concurrency: fc.constantFrom(1, 3),
    mailbox: fc.record({
      capacity: fc.constantFrom(0, 1, 100),
      offers: fc.constantFrom(0, 2),
      overflow: fc.constantFrom("turn-away" as const, "drop-oldest" as const, "drop-newest" as const),
      order: fc.constantFrom("fifo" as const, "lifo" as const),
    }),
  });
  const plan = fc.tuple(
    fc.array(options, { minLength: 4, maxLength: 4 }),
    fc.array(step, { maxLength: 40 }),
    fc.constantFrom(0, 4),
  );
  describe("the census of a system in turmoil", () => {
    test(`[D3 ${world.name}] balances at every look, whatever actors do to each other`, async () => {
      let looks = 0;
      await fc.assert(
        fc.asyncProperty(plan, ([each, steps, drain]) =>
          world.run(async (kit) => {
            const ledger = new Ledger(kit);
            const team: Ref<Worker>[] = [];
            for (const options of each) team.push(kit.system.spawn(worker(ledger, team), options));
            for (const { to, verb, job, within, abort } of steps) {
              const leaving = new AbortController();
              const waits = verb === "tell" ? {} : { within, signal: leaving.signal };
              kit.system
                .via(verb, team[to] as Ref<Worker>, waits)
                .work(job)
                ?.then(undefined, () => {});
              ledger.look();
              if (abort) leaving.abort();
              ledger.look();
            }
            await kit.system.stop({ drain });
            ledger.look();
            expect(ledger.found).toEqual([]);
            looks += ledger.looks;
          }),
        ),
        { seed: 5, numRuns: 60 },
      );
      expect(looks).toBeGreaterThan(1_000);
    });
  });
}
