// The balancers against theory and against the numbers of messaging.md: V28, V29 and row R38, with the lab's load and
// service times. Finite pools have no closed form but for the ends of the scale; the numbers between are long simulations
// of another program. `REQUESTS=2000000 npx vitest run test/actors/balancers.test.ts` prints what many customers find.

import { type Make, type Message, type Ref, receive, type Self } from "antiphon";
import { exponential, generator, poisson, type ServiceTime } from "antiphon/lab";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { type PoolStrategy, pool } from "../../src/actors/pool.ts";
import { type RouterOptions, router } from "../../src/actors/router.ts";
import { waitingRoom } from "../validation/theory.ts";

interface Station {
  serve(dueMs: number): void;
}

/** One slot and a queue, as any actor, without a promise: service is a timer. */
const station =
  (time: ServiceTime, left: (dueMs: number, nowMs: number) => void): Make<{ [receive](m: Message<Station>): void }> =>
  (self: Self) => {
    const random = () => self.random();
    const waiting: Message<Station>[] = [];
    let isFree = true;
    const begin = (m: Message<Station>): void => {
      isFree = false;
      self.after(time(random), () => {
        left(m.payload as number, self.now());
        m.answer(undefined);
        isFree = true;
        const next = waiting.shift();
        if (next !== undefined) begin(next);
      });
    };
    return {
      [receive](m) {
        m.hold();
        if (isFree) begin(m);
        else waiting.push(m);
      },
    };
  };

interface Town {
  readonly strategy: PoolStrategy;
  readonly size: number;
  readonly perSecond: number;
  readonly time?: ServiceTime;
}

const many = Number(process.env["REQUESTS"] ?? 0);
const timeoutMs = 3_600_000;
const exp = exponential({ mean: 10 });

/** How long customers stay, in the mean, without the first twentieth of them. */
async function stayMs(town: Town): Promise<number> {
  const { strategy, size, perSecond, time = exp } = town;
  const requests = many || 200_000;
  let sumMs = 0;
  let count = 0;
  await simulate({ seed: 1, trace: "off", steps: Number.POSITIVE_INFINITY }, async ({ system, runUntilIdle }) => {
    const make = station(time, (dueMs, nowMs) => {
      if (++count > requests / 20) sumMs += nowMs - dueMs;
    });
    const ref: Ref<Station> = system.spawn(pool(make, { size, strategy }), { name: "desk" });
    const load = generator(poisson({ perSecond, requests }), (self, _, dueMs) => self.tell(ref).serve(dueMs));
    system.tell(system.spawn(load, { name: "crowd" })).start();
    await runUntilIdle();
  });
  return sumMs / (count - Math.floor(requests / 20));
}

async function compare(what: string, town: Town, expectedMs: number): Promise<void> {
  const found = await stayMs(town);
  if (many > 0)
    console.log(`${what}: ${found.toFixed(2)} of ${expectedMs}, ${((found / expectedMs - 1) * 100).toFixed(1)} %`);
  near(found, expectedMs);
}

const near = (found: number, expected: number, within = 0.05): void => {
  expect(Math.abs(found / expected - 1), `found ${found}, expected ${expected}`).toBeLessThan(within);
};

describe("R38 and V28: at 10 servers of 10 ms at 90 %, customers stay", () => {
  test.each<[PoolStrategy, number]>([
    ["random", 97.3],
    ["round-robin", 55.5],
    ["power-of-two-choices", 29.7],
    ["least-loaded", 19],
    ["shared-queue", 16.69],
  ])(
    "by %s, %d ms",
    (strategy, expectedMs) => compare(strategy, { strategy, size: 10, perSecond: 900 }, expectedMs),
    timeoutMs,
  );
});

describe.runIf(many > 0)("V28: at many servers, by power of two choices, customers stay", () => {
  test.each([
    [90, 26.14],
    [95, 33.83],
  ])(
    "at %d percent for about %d ms",
    (percent, expectedMs) =>
      compare(
        `of two choices, ${percent} %, 100 servers`,
        { strategy: "power-of-two-choices", size: 100, perSecond: percent * 100 },
        expectedMs,
      ),
    timeoutMs,
  );
});

describe("V29: at 160 a second, customers stay", () => {
  test.each<[string, Town, number]>([
    ["in two M/M/1 by chance", { strategy: "random", size: 2, perSecond: 160 }, 50],
    ["in M/M/2", { strategy: "shared-queue", size: 2, perSecond: 160 }, 27.78],
    [
      "in one of twice the speed",
      { strategy: "shared-queue", size: 1, perSecond: 160, time: exponential({ mean: 5 }) },
      25,
    ],
  ])("%s", (what, town, expectedMs) => compare(what, town, expectedMs), timeoutMs);

  test("as theory says", () => {
    near(waitingRoom({ perSecond: 160, meanMs: 10, slots: 2 }).stayMs, 27.78, 1e-3);
    near(waitingRoom({ perSecond: 900, meanMs: 10, slots: 10 }).stayMs, 16.69, 1e-3);
    near(waitingRoom({ perSecond: 80, meanMs: 10 }).stayMs, 50, 1e-3);
    near(waitingRoom({ perSecond: 160, meanMs: 5 }).stayMs, 25, 1e-3);
  });
});

describe("R38: when one of 10 servers takes 10 times as long, at 50 %", () => {
  const slowOne = async (strategy: RouterOptions["strategy"]): Promise<number> => {
    const requests = 20_000;
    let sumMs = 0;
    await simulate({ seed: 1, trace: "off" }, async ({ system, runUntilIdle }) => {
      const left = (dueMs: number, nowMs: number) => void (sumMs += nowMs - dueMs);
      const routees = Array.from({ length: 10 }, (_, n) =>
        system.spawn(station(exponential({ mean: n === 0 ? 100 : 10 }), left), { name: `server-${n}` }),
      );
      const ref = system.spawn(router<Station>(routees, { strategy }), { name: "desk" });
      const load = generator(poisson({ perSecond: 500, requests }), (self, _, dueMs) => self.tell(ref).serve(dueMs));
      system.tell(system.spawn(load, { name: "crowd" })).start();
      await runUntilIdle();
    });
    return sumMs / requests;
  };

  test("its queue grows without end by round-robin and random, and by the others does not", async () => {
    // It gets 50 a second and serves 10: at the end of 40 s, 1,600 wait for it.
    for (const strategy of ["round-robin", "random"] as const) expect(await slowOne(strategy)).toBeGreaterThan(1_000);
    for (const strategy of ["power-of-two-choices", "least-loaded"] as const)
      expect(await slowOne(strategy)).toBeLessThan(50);
  });
});
