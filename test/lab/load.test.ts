import { InvalidOption } from "antiphon";
import { poisson, readSeries, replay } from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stream } from "../../src/runtime/kernel/random.ts";

const draws = (seed = 1) => stream(seed, "load");
const ascending = (times: readonly number[]) => times.every((time, index) => index === 0 || time >= times[index - 1]!);
const series = (...values: readonly number[]) =>
  readSeries(
    ["timestamp,value", ...values.map((value, day) => `2014-04-${String(day + 1).padStart(2, "0")},${value}`)].join(
      "\n",
    ),
  );
const dayMs = 86_400_000;
const values = fc
  .array(
    fc.oneof(
      fc.nat({ max: 30 }),
      fc.nat({ max: 3000 }).map((hundredths) => hundredths / 100),
    ),
    { minLength: 2, maxLength: 28 },
  )
  .filter((list) => list.reduce((sum, value) => sum + value, 0) >= 1);

describe("poisson", () => {
  test("sends as many requests as were wished, in order", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0.01, max: 1e6, noNaN: true }),
        fc.nat(),
        (requests, perSecond, seed) => {
          const times = [...poisson({ perSecond, requests }).times(draws(seed))];
          expect([times.length, ascending(times), times[0]! >= 0]).toEqual([requests, true, true]);
        },
      ),
      { seed: 1 },
    );
  });

  test("keeps its mean rate, and gaps that vary as much as they last", () => {
    const times = [...poisson({ perSecond: 20, requests: 40_000 }).times(draws())];
    const gaps = times.map((time, index) => time - (times[index - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) * (gap - mean), 0) / gaps.length);
    // The standard error of the mean of 40,000 exponential gaps is 0.5 %: four of them.
    expect(Math.abs(mean - 50)).toBeLessThan(1);
    expect(Math.abs(deviation / mean - 1)).toBeLessThan(0.03);
  });

  test("ends before the last second is over", () => {
    const load = poisson({ perSecond: 100, seconds: 50 });
    const times = [...load.times(draws())];
    expect([load.requests, load.lastsMs]).toEqual([5000, 50_000]);
    expect(Math.max(...times)).toBeLessThan(50_000);
    // Four standard deviations of a Poisson count of 5,000.
    expect(Math.abs(times.length - 5000)).toBeLessThan(283);
  });

  test("gives equal times for equal draws", () => {
    const load = poisson({ perSecond: 20, requests: 100 });
    expect([...load.times(draws(3))]).toEqual([...load.times(draws(3))]);
  });

  test.each([
    [{ perSecond: 0, requests: 1 }, "perSecond"],
    [{ perSecond: Number.NaN, requests: 1 }, "perSecond"],
    [{ perSecond: 1, requests: 1.5 }, "requests"],
    [{ perSecond: 1, seconds: Number.POSITIVE_INFINITY }, "seconds"],
    [{ perSecond: 1 }, "poisson"],
    [{ perSecond: 1, requests: 1, seconds: 1 }, "poisson"],
  ])("refuses %o", (options, named) => {
    expect(() => poisson(options)).toThrow(InvalidOption);
    expect(() => poisson(options)).toThrow(new RegExp(`^${named}: `));
  });
});

describe("replay", () => {
  test("sends each request of a row between its time and the next row's", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 30 }), { minLength: 2, maxLength: 28 }), fc.nat(), (counts, seed) => {
        fc.pre(counts.some((count) => count > 0));
        const times = [...replay(series(...counts)).times(draws(seed))];
        expect(ascending(times)).toBe(true);
        expect(counts.map((_, day) => times.filter((time) => Math.floor(time / dayMs) === day).length)).toEqual(counts);
      }),
      { seed: 1 },
    );
  });

  test("carries the fractions of values over, so that the total stays", () => {
    fc.assert(
      fc.property(values, fc.nat(), (list, seed) => {
        const total = list.reduce((sum, value) => sum + value, 0);
        const load = replay(series(...list));
        expect([...load.times(draws(seed))].length).toBe(load.requests);
        expect(Math.abs(load.requests - total)).toBeLessThanOrEqual(0.5 + 1e-9);
      }),
      { seed: 2 },
    );
  });

  test("is compressed in time, to a rate, or to a length, with every request kept", () => {
    const recorded = series(10, 30, 20);
    expect(replay(recorded)).toMatchObject({ requests: 60, lastsMs: 3 * dayMs });
    expect(replay(recorded, { speedup: 3 })).toMatchObject({ requests: 60, lastsMs: dayMs });
    expect(replay(recorded, { perSecond: 20 })).toMatchObject({ requests: 60, lastsMs: 3000 });
    expect(replay(recorded, { seconds: 30 })).toMatchObject({ requests: 60, lastsMs: 30_000 });
    const times = [...replay(recorded, { seconds: 30 }).times(draws())];
    expect([0, 1, 2].map((part) => times.filter((time) => Math.floor(time / 10_000) === part).length)).toEqual([
      10, 30, 20,
    ]);
  });

  test("shows a sample in the shape of the series, as long and as fast as wished", () => {
    const load = replay(series(1e6, 3e6, 0, 2e6), { seconds: 40, perSecond: 150 });
    expect(load).toMatchObject({ requests: 6000, lastsMs: 40_000 });
    const times = [...load.times(draws())];
    const parts = [0, 1, 2, 3].map((part) => times.filter((time) => Math.floor(time / 10_000) === part).length);
    expect([times.length, ascending(times), parts[2]]).toEqual([6000, true, 0]);
    // Four standard deviations of a binomial count of 6,000 with p = 1/2.
    for (const [part, expected] of [
      [0, 1000],
      [1, 3000],
      [3, 2000],
    ] as const) {
      expect(Math.abs(parts[part]! - expected)).toBeLessThan(155);
    }
  });

  test("spreads the requests of a row uniformly", () => {
    const times = [...replay(series(20_000, 0), { seconds: 2 }).times(draws())];
    const tenths = Array.from(
      { length: 10 },
      (_, tenth) => times.filter((time) => Math.floor(time / 100) === tenth).length,
    );
    // Chi-squared with 9 degrees of freedom exceeds 27.9 once in a thousand.
    expect(tenths.reduce((sum, count) => sum + ((count - 2000) * (count - 2000)) / 2000, 0)).toBeLessThan(27.9);
  });

  test("stretches a row over a gap", () => {
    const gap = readSeries("timestamp,value\n2014-04-01,0\n2014-04-02,40\n2014-04-06,0\n2014-04-07,0\n");
    const times = [...replay(gap).times(draws())];
    expect(Math.max(...times)).toBeGreaterThan(3 * dayMs);
    expect(Math.max(...times)).toBeLessThan(5 * dayMs);
  });

  test.each([
    [() => replay(series(5)), /one usable row/],
    [() => replay(series(0, 0)), /at least one request/],
    [() => replay(series(5, -1)), /line 3/],
    [() => replay(series(5, 5), { speedup: 2, seconds: 2 }), /speedup alone/],
    [() => replay(series(5, 5), { perSecond: -1 }), /^perSecond/],
  ])("refuses what it can not send: %s", (make, message) => {
    expect(make).toThrow(InvalidOption);
    expect(make).toThrow(message);
  });
});
