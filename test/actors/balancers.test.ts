// The balancers against theory and against the numbers of messaging.md: V28, V29 and row R38, with the lab's load and
// service times. Finite pools have no closed form but for the ends of the scale; the numbers between are long simulations
// of another program. `REQUESTS=1000000 npx vitest run test/actors/balancers.test.ts` prints what many customers find.

import { type Make, type Message, type Ref, receive, type Self } from "antiphon";
import { exponential, generator, type Load, poisson } from "antiphon/lab";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { type PoolStrategy, pool } from "../../src/actors/pool.ts";
import { type RouterOptions, router } from "../../src/actors/router.ts";
import { waitingRoom } from "../validation/theory.ts";

interface Customer {
  readonly dueMs: number;
  readonly serviceMs: number;
}
interface Station {
  serve(customer: Customer): void;
}

/** One slot and a queue, as any actor, without a promise: service is a timer. */
const station =
  (left: (dueMs: number, nowMs: number) => void, slowness = 1): Make<{ [receive](m: Message<Station>): void }> =>
  (self: Self) => {
    const waiting: Message<Station>[] = [];
    let isFree = true;
    const begin = (m: Message<Station>): void => {
      isFree = false;
      const { dueMs, serviceMs } = m.payload as Customer;
      self.after(slowness * serviceMs, () => {
        left(dueMs, self.now());
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

/** Customers bring their service times along, so that all strategies serve the same ones. */
function crowd(to: Ref<Station>, load: Load, meanMs: number, come: (customer: Customer) => void = () => {}) {
  const time = exponential({ mean: meanMs });
  return generator(load, (self, _, dueMs) => {
    const customer = { dueMs, serviceMs: time(() => self.random()) };
    come(customer);
    self.tell(to).serve(customer);
  });
}

interface Town {
  readonly strategy: PoolStrategy;
  readonly size: number;
  readonly perSecond: number;
  readonly meanMs?: number;
  readonly requests?: number;
}

const many = Number(process.env["REQUESTS"] ?? 0);
const timeoutMs = 3_600_000;

/** How long customers stay, in the mean, without the first twentieth: in the town, and in one queue for as many servers. */
async function stayMs(town: Town): Promise<{ found: number; pooled: number }> {
  const { strategy, size, perSecond, meanMs = 10 } = town;
  const requests = many || (town.requests ?? 40_000);
  const warm = requests / 20;
  let sumMs = 0;
  let count = 0;
  const customers: Customer[] = [];
  await simulate({ seed: 1, trace: "off", steps: Number.POSITIVE_INFINITY }, async ({ system, runUntilIdle }) => {
    const make = station((dueMs, nowMs) => {
      if (++count > warm) sumMs += nowMs - dueMs;
    });
    const ref: Ref<Station> = system.spawn(pool(make, { size, strategy }), { name: "desk" });
    const load = crowd(ref, poisson({ perSecond, requests }), meanMs, (customer) => customers.push(customer));
    system.tell(system.spawn(load, { name: "crowd" })).start();
    await runUntilIdle();
  });
  return { found: sumMs / (count - warm), pooled: pooledMs(customers, size, warm) };
}

/** The same customers in one queue, first come first served, by the recursion of Kiefer and Wolfowitz. */
function pooledMs(customers: readonly Customer[], slots: number, warm: number): number {
  const freeAtMs = new Array<number>(slots).fill(0);
  const leaves = customers.map(({ dueMs, serviceMs }) => {
    const slot = freeAtMs.indexOf(Math.min(...freeAtMs));
    const leftMs = Math.max(dueMs, freeAtMs[slot] as number) + serviceMs;
    freeAtMs[slot] = leftMs;
    return { leftMs, stayMs: leftMs - dueMs };
  });
  const after = leaves.sort((a, b) => a.leftMs - b.leftMs).slice(warm);
  return after.reduce((sum, { stayMs }) => sum + stayMs, 0) / after.length;
}

/**
 * The luck of the customers is taken out: of the one queue for all servers theory knows the mean, and what these found
 * there is divided by it. What is left has a standard deviation of 0.4 to 1.8 % at 40,000 customers, 2 % at the 100,000 of
 * `round-robin`, and 3 % at the 200,000 of `random`, where the luck is whom they meet; without it, 4 to 8 % at 40,000.
 */
async function compare(what: string, town: Town, expectedMs: number): Promise<void> {
  const { found, pooled } = await stayMs(town);
  const { size, perSecond, meanMs = 10, strategy } = town;
  const mean = (found / pooled) * waitingRoom({ perSecond, meanMs, slots: size }).stayMs;
  if (many > 0) {
    const off = [found, mean].map((ms) => `${ms.toFixed(2)} (${((ms / expectedMs - 1) * 100).toFixed(1)} %)`);
    console.log(`${what}: ${expectedMs} expected, ${off[0]} found, ${off[1]} without luck`);
  }
  near(mean, expectedMs);
  if (strategy === "shared-queue") near(found, pooled, 1e-9);
}

const near = (found: number, expected: number, within = 0.05): void => {
  expect(Math.abs(found / expected - 1), `found ${found}, expected ${expected}`).toBeLessThan(within);
};

describe("R38 and V28: at 10 servers of 10 ms at 90 %, customers stay", () => {
  test.each<[PoolStrategy, number, number]>([
    // As in ten M/M/1; R38 has 97.3, which a simulation found.
    ["random", 100, 200_000],
    ["round-robin", 55.5, 100_000],
    ["power-of-two-choices", 29.7, 40_000],
    ["least-loaded", 19, 40_000],
    ["shared-queue", 16.69, 40_000],
  ])(
    "by %s, %d ms",
    (strategy, expectedMs, requests) => compare(strategy, { strategy, size: 10, perSecond: 900, requests }, expectedMs),
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
    ["in two M/M/1 by chance", { strategy: "random", size: 2, perSecond: 160, requests: 80_000 }, 50],
    ["in M/M/2", { strategy: "shared-queue", size: 2, perSecond: 160 }, 27.78],
    ["in one of twice the speed", { strategy: "shared-queue", size: 1, perSecond: 160, meanMs: 5 }, 25],
  ])("%s", (what, town, expectedMs) => compare(what, town, expectedMs), timeoutMs);

  test("as theory says", () => {
    near(waitingRoom({ perSecond: 160, meanMs: 10, slots: 2 }).stayMs, 27.78, 1e-3);
    near(waitingRoom({ perSecond: 900, meanMs: 10, slots: 10 }).stayMs, 16.69, 1e-3);
    near(waitingRoom({ perSecond: 80, meanMs: 10 }).stayMs, 50, 1e-3);
    near(waitingRoom({ perSecond: 90, meanMs: 10 }).stayMs, 100, 1e-3);
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
        system.spawn(station(left, n === 0 ? 10 : 1), { name: `server-${n}` }),
      );
      const ref = system.spawn(router<Station>(routees, { strategy }), { name: "desk" });
      const load = crowd(ref, poisson({ perSecond: 500, requests }), 10);
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
