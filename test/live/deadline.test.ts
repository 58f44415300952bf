// D5 with a clock that is not read for each message: how much later than its deadline a handler may start.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { audit } from "../../src/runtime/kernel/census.ts";
import type { ActorSystem } from "../../src/runtime/kernel/system.ts";
import { createSystemOn } from "../../src/runtime/live/create.ts";
import { CountingHost } from "./counting.ts";

const sliceMs = 2;

interface Sent {
  readonly to: number;
  readonly verb: "tell" | "ask";
  readonly within: number;
  readonly costMs: number;
  /** The work is done after an await of the handler. */
  readonly later: boolean;
  /** The host gets its macrotask before this one is sent. */
  readonly breathes: boolean;
}

const sent: fc.Arbitrary<Sent> = fc.record({
  to: fc.nat({ max: 2 }),
  verb: fc.constantFrom("tell", "ask"),
  within: fc.integer({ min: 1, max: 40 }),
  costMs: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(0.001, 0.01, 0.1) },
    { weight: 3, arbitrary: fc.constantFrom(0.3, 1, 3) },
    { weight: 1, arbitrary: fc.constant(50) },
  ),
  later: fc.boolean(),
  breathes: fc.nat({ max: 9 }).map((draw) => draw === 0),
});

interface Start {
  /** World ms after the deadline; negative before it. */
  readonly lateMs: number;
  /** Turns begun since the clock was last read, and the time they took. */
  readonly turns: number;
  readonly tookMs: number;
}

async function startsOf(plan: readonly Sent[]): Promise<{ starts: Start[]; answered: number; expired: number }> {
  const host = new CountingHost();
  const system = createSystemOn(host, { seed: 1, report: false }) as ActorSystem;
  const { world } = system.core;
  const starts: Start[] = [];
  let [read, turns, tookMs] = [world.time, 0, 0];
  const look = () => {
    if (world.time !== read) [read, turns, tookMs] = [world.time, 0, 0];
  };
  const refs = [0, 1, 2].map(() =>
    system.spawn((self) => ({
      work({ costMs, later }: Sent) {
        look();
        const deadline = self.message?.deadline;
        if (deadline !== undefined) starts.push({ lateMs: self.now() - deadline, turns, tookMs });
        turns++;
        const spend = () => {
          look();
          host.spend(costMs);
          tookMs += costMs;
        };
        return later ? Promise.resolve().then(spend) : spend();
      },
    })),
  );
  let answered = 0;
  for (const one of plan) {
    const ref = refs[one.to];
    if (ref === undefined) continue;
    if (one.verb === "tell") system.tell(ref).work(one);
    else
      system
        .ask(ref, { within: one.within })
        .work(one)
        .then(
          () => answered++,
          () => {},
        );
    if (one.breathes) await host.macrotask();
  }
  await host.settled();
  expect(audit(system.core)).toEqual([]);
  const { expired } = system.census();
  const stopped = system.stop();
  await host.settled();
  await stopped;
  return { starts, answered, expired };
}

describe("a deadline", () => {
  test("[D5 live] is passed at a start by at most one slice and the turns since the last reading, at most 64", async () => {
    const total = { starts: 0, late: 0, expired: 0, answered: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(sent, { minLength: 1, maxLength: 300, size: "max" }), async (plan) => {
        const { starts, answered, expired } = await startsOf(plan);
        for (const { lateMs, turns, tookMs } of starts) {
          expect(turns).toBeLessThanOrEqual(64);
          expect(lateMs).toBeLessThanOrEqual(sliceMs + tookMs + 1e-6);
          total.starts++;
          if (lateMs > 0) total.late++;
        }
        total.expired += expired;
        total.answered += answered;
      }),
      { seed: 7, numRuns: 60 },
    );
    // Each side is met: handlers that start in time, some too late by the clock that was not read, messages that expire.
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(10);
  });

  test("[D5 live] that has passed by more than that starts nothing: the message expires", async () => {
    const ask = { to: 0, verb: "ask", within: 30, costMs: 1, later: false, breathes: false } as const;
    const { starts, answered, expired } = await startsOf(Array.from({ length: 100 }, () => ask));
    expect(starts).toHaveLength(30);
    expect({ answered, expired }).toEqual({ answered: 30, expired: 70 });
  });

  test("[D5 live] is compared with a clock that is at most 64 turns old", async () => {
    const quick = { to: 0, verb: "tell", within: 1, costMs: 0.001, later: false, breathes: false } as const;
    // The clock is read after 127 quick turns and from then on every 64. One of them takes 50 ms.
    const plan: Sent[] = [
      ...Array.from({ length: 127 }, () => quick),
      { ...quick, costMs: 50 },
      ...Array.from({ length: 100 }, () => ({ ...quick, verb: "ask" as const, within: 10 })),
    ];
    const { starts, expired } = await startsOf(plan);
    expect({ late: starts.filter(({ lateMs }) => lateMs > 0).length, expired }).toEqual({ late: 63, expired: 37 });
  });
});
