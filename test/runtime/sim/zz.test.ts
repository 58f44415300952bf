// Laws that hold under faults: actors do random things to each other while random faults strike them and their links.

import { type Message, type Ref, Refusal, receive, type Self, type Verb } from "antiphon";
import { type Fault, simulate } from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectBalance } from "./balanced.ts";

class No extends Refusal {
  readonly _tag = "No";
}

const deeds = [
  "answer",
  "refuse",
  "crash",
  "sleep",
  "ask",
  "tell",
  "forward",
  "hold",
  "free",
  "timer",
  "stop",
] as const;
interface Job {
  readonly what: (typeof deeds)[number];
  /** Of whom more is wanted. */
  readonly on: number;
}
interface Worker {
  work(job: Job): unknown;
}
const size = 4;

/** Takes any message; the team is known by name, as it is another after a power failure. */
const worker = (team: () => readonly Ref<Worker>[], starts: (m: Message<Worker>) => void) => (self: Self) => {
  const held: Message<Worker>[] = [];
  let moves = 0;
  return {
    [receive](m: Message<Worker>): unknown {
      starts(m);
      const { what, on } = m.payload as Job;
      const other = team()[on % size] as Ref<Worker>;
      const next: Job = { what: "sleep", on };
      switch (what) {
        case "refuse":
          return new No();
        case "crash":
          throw new Error("planted");
        case "sleep":
          return self.sleep(1 + self.random() * 5);
        case "ask":
          return self.ask(other, { within: 1 + on }).work(next);
        case "tell":
          self.tell(other, { id: `${self.path} ${on}` }).work(next);
          return undefined;
        case "forward":
          // In a circle it would take all turns of an instant.
          return ++moves < 50 ? m.forward(other) : undefined;
        case "hold":
          held.push(m);
          return m.hold();
        case "free":
          for (const one of held.splice(0)) one.answer(on);
          return undefined;
        case "timer":
          return void self.after(on, () => self.tell(other).work(next));
        case "stop":
          return on === 0 ? self.stop() : undefined;
        default:
          return self.now();
      }
    },
  };
};

const ms = fc.integer({ min: 0, max: 40 });
const target = fc.constantFrom("/w0", "/w2", "/w*", "*", "/nobody");
const link = fc.constantFrom("/w0>/w1", "/w*>/w2", "*>*", "/>/w*", "/w*>/");
const window = fc.record({ from: fc.nat(3), to: fc.integer({ min: 4, max: 60 }) });
const share = fc.constantFrom(0.2, 0.7, 1);
const by = fc.oneof(ms, fc.record({ min: fc.constant(1), max: fc.integer({ min: 1, max: 30 }) }));
const kind = <K extends Fault["kind"]>(...kinds: K[]) => fc.constantFrom(...kinds);

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: kind("crash", "restart"), target, at: ms }),
  fc.record({ kind: kind("power-failure"), at: ms }),
  fc.tuple(fc.record({ kind: kind("pause", "down"), target }), window).map(([one, when]) => ({ ...one, ...when })),
  fc.record({ kind: kind("slow"), target, times: fc.constantFrom(0, 3) }),
  fc.record({ kind: kind("clock-offset"), target, byMs: fc.integer({ min: -50, max: 50 }) }),
  fc.record({ kind: kind("unavailable"), target, share, back: ms }),
  fc.record({ kind: kind("error"), target, first: fc.integer({ min: 1, max: 3 }) }),
  fc
    .tuple(fc.record({ kind: kind("drop", "duplicate"), link, share }), fc.oneof(window, fc.constant({})))
    .map(([one, when]) => ({ ...one, ...when })),
  fc.record({ kind: kind("delay", "reorder"), link, share, by }),
  fc
    .tuple(fc.record({ kind: kind("partition"), one: fc.constant(["/w0", "/"]), other: fc.constant(["/w1"]) }), window)
    .map(([one, when]) => ({ ...one, ...when })),
);

const step = fc.record({
  to: fc.nat(size - 1),
  verb: fc.constantFrom<Verb>("tell", "offer", "ask"),
  job: fc.record({ what: fc.constantFrom(...deeds), on: fc.nat(9) }),
  within: fc.constantFrom(2, 20),
  leaves: fc.boolean(),
  pause: fc.nat(3),
});
const options = fc.record({
  concurrency: fc.constantFrom(1, 3),
  mailbox: fc.record({
    capacity: fc.constantFrom(0, 2, 100),
    overflow: fc.constantFrom("turn-away" as const, "drop-oldest" as const),
    order: fc.constantFrom("fifo" as const, "lifo" as const),
  }),
  supervision: fc.record({
    onCrash: fc.constantFrom("restart" as const, "resume" as const),
    backoff: fc.constantFrom(0, 2),
  }),
});
const plan = fc.record({
  seed: fc.nat(),
  strict: fc.boolean(),
  each: fc.array(options, { minLength: size, maxLength: size }),
  steps: fc.array(step, { minLength: 5, maxLength: 40 }),
  faults: fc.array(fault, { minLength: 4, maxLength: 8 }),
  latency: fc.constantFrom({}, { "/w*>/w*": { min: 0, max: 5 } }, { "*>*": 2 }),
});

describe("a simulation under random faults", () => {
  test("[D3 sim] [A1 sim] [D5 sim] [W1 sim] balances its books after every event, books", { timeout: 500000 }, async () => {
    const met = { steps: 0, lost: 0, dead: 0, crashed: 0, refused: 0, expired: 0, turnedAway: 0 };
    const strikes: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(plan, async ({ each, steps, ...rest }) => {
        let team: Ref<Worker>[] = [];
        let now = () => 0;
        const tooLate: string[] = [];
        const starts = ({ type, deadline = Number.POSITIVE_INFINITY }: Message<Worker>) =>
          deadline <= now() && tooLate.push(type);
        const run = await simulate(
          {
            ...{ ...rest, twice: true, steps: 50_000 },
            boot: (system) => {
              team = each.map((one, i) =>
                system.spawn(
                  worker(() => team, starts),
                  { ...one, name: `w${i}` },
                ),
              );
            },
          },
          async (world) => {
            now = world.now;
            let waiting = 0;
            const over = () => void waiting--;
            for (const { to, verb, job, within, leaves, pause } of steps) {
              const leaving = new AbortController();
              const waits = verb === "tell" ? {} : { within, signal: leaving.signal };
              const wait = world.system.via(verb, team[to] as Ref<Worker>, waits).work(job);
              if (wait !== undefined) waiting++;
              wait?.then(over, over);
              expectBalance(world.system);
              for (let i = 0; i < pause; i++) await world.step();
              if (leaves) leaving.abort();
              expectBalance(world.system);
            }
            do expectBalance(world.system);
            while (await world.step());
            const census = world.system.census();
            expect(census).toMatchObject({ transit: 0, queued: 0, running: 0, waitingForRoom: 0 });
            expect([waiting, tooLate]).toEqual([0, []]);
            return census;
          },
        );
        expect(run.leaks).toEqual([]);
        for (const key of Object.keys(met) as (keyof typeof met)[])
          met[key] += key === "steps" ? run.steps : run.value[key];
        for (const one of run.faults) strikes[one.fault.kind] = (strikes[one.fault.kind] ?? 0) + one.struck;
      }),
      { seed: Number(process.env.FCSEED), numRuns: 1500 },
    );
    // It has met everything.
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(5);
    expect(Object.keys(strikes).filter((name) => strikes[name] === 0)).toEqual([]);
    expect(Object.keys(strikes)).toHaveLength(14);
  }, 60_000);
});
