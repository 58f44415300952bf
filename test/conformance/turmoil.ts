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

/** Does what a job says, at once or in time; looks at the books wherever it can. */
function work(self: Self, team: readonly Ref<Worker>[], ledger: Ledger, { what, on }: Job): unknown {
  ledger.look();
  const other = team[on % team.length] as Ref<Worker>;
  if (what === "refuse") return new No();
  if (what === "crash") throw new Error("crash");
  if (what === "time") self.after(1, () => ledger.look());
  if (what === "tell on") self.tell(other).work({ what: "sleep", on: 0 });
  if (what === "end" && on % 4 === 0) self.stop();
  if (what !== "ask on" && what !== "sleep") return undefined;
  const wait = what === "sleep" ? self.sleep(1) : self.ask(other, { within: 3 }).work({ what: "sleep", on: 0 });
  return (async () => {
    try {
      return await wait;
    } finally {
      ledger.look();
    }
  })();
}

type Kind = "methods" | "receive" | "starts slowly";

/** By methods or by [receive], which can do more with a message. */
function worker(kind: Kind, team: readonly Ref<Worker>[], ledger: Ledger): (self: Self) => object {
  const methods = (self: Self) => ({ work: (job: Job) => work(self, team, ledger, job) });
  if (kind === "methods") return methods;
  if (kind === "starts slowly")
    return async (self) => {
      await self.sleep(1);
      ledger.look();
      return methods(self);
    };
  return (self) => {
    const held: Message<Worker>[] = [];
    let forwards = 0;
    return {
      [receive](m: Message<Worker>) {
        const job = m.payload as Job;
        // Forwarded in a circle, it would take all turns there are in one instant of virtual time.
        if (job.what === "forward" && ++forwards < 200) m.forward(team[job.on % team.length] as Ref<Worker>);
        else if (job.what === "hold") {
          m.hold();
          held.push(m);
        } else if (job.what === "free") for (const one of held.splice(0)) one.answer(undefined);
        else return work(self, team, ledger, job);
        ledger.look();
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
    pause: fc.boolean(),
    known: fc.nat(9),
  });
  const priority = ({ payload }: { payload: unknown }) => {
    const { on } = (payload ?? { on: 0 }) as Job;
    if (on === 7) throw new Error("no rank");
    return on;
  };
  const options = fc.record({
    concurrency: fc.constantFrom(1, 3),
    mailbox: fc.record({
      capacity: fc.constantFrom(0, 1, 100),
      offers: fc.constantFrom(0, 2),
      overflow: fc.constantFrom("turn-away" as const, "drop-oldest" as const, "drop-newest" as const),
      order: fc.constantFrom("fifo" as const, "lifo" as const, { priority }),
    }),
    supervision: fc.record({ onCrash: fc.constantFrom("restart" as const, "resume" as const, "stop" as const) }),
  });
  const kind = fc.constantFrom<Kind>("methods", "receive", "starts slowly");
  const plan = fc.tuple(
    fc.array(fc.tuple(kind, options), { minLength: 4, maxLength: 4 }),
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
            for (const [kind, options] of each)
              team.push(kit.system.spawn(worker(kind, team, ledger), options) as Ref<unknown> as Ref<Worker>);
            const clock = kit.system.spawn((self: Self) => ({ pause: () => self.sleep(1), strange() {} }));
            for (const { to, verb, job, within, abort, pause, known } of steps) {
              const leaving = new AbortController();
              const waits = verb === "tell" ? {} : { within, signal: leaving.signal };
              const stub = kit.system.via(verb, team[to] as Ref<Worker & { strange(job: Job): void }>, waits);
              (known > 0 ? stub.work(job) : stub.strange(job))?.then(undefined, () => {});
              ledger.look();
              if (abort) leaving.abort();
              ledger.look();
              if (pause) await kit.system.ask(clock).pause();
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
