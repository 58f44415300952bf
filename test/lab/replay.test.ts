import { existsSync } from "node:fs";
import { InvalidOption } from "antiphon";
import { readSeries, readSeriesFile, replay } from "antiphon/lab";
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
/** Where real series lie; without it their tests are left out. */
const folder = process.env["SERIES"] ?? "../shared/data";
const values = fc
  .array(
    fc.oneof(
      fc.nat({ max: 30 }),
      fc.nat({ max: 3000 }).map((hundredths) => hundredths / 100),
    ),
    { minLength: 2, maxLength: 28 },
  )
  .filter((list) => list.reduce((sum, value) => sum + value, 0) >= 1);

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

  test("sends what is left of a series with bad, repeated and backward rows", () => {
    const mended = readSeries(
      "timestamp,value\n2014-04-01,4\n2014-04-03,9\nx,1\n2014-04-02,6\n2014-04-04,-1\n2014-04-03,2\n",
      { least: 0 },
    );
    expect(mended.counts).toEqual({ bad: 2, repeated: 1, backward: 1, irregular: 0 });
    const times = [...replay(mended).times(draws())];
    expect([0, 1, 2].map((day) => times.filter((time) => Math.floor(time / dayMs) === day).length)).toEqual([4, 6, 2]);
  });

  test
    .skipIf(!existsSync(folder))
    .each([
      "elb_request_count_8c0756.csv",
      "machine_temperature_system_failure.csv",
      "ec2_request_latency_system_failure.csv",
      "nyc_taxi.csv",
    ])("keeps the shape of %s", async (file) => {
    const { rows, ...rest } = await readSeriesFile(`${folder}/${file}`, { least: 0 });
    const load = replay({ rows, ...rest }, { seconds: 20, perSecond: 500 });
    const times = [...load.times(draws())];
    expect([times.length, ascending(times), times.at(-1)! <= 20_000]).toEqual([10_000, true, true]);
    // Half of the requests come in the time in which half of the values were recorded.
    const total = rows.reduce((sum, { value }) => sum + value, 0);
    let before = 0;
    const middle = rows.findIndex(({ value }) => (before += value) >= total / 2);
    const lengthMs = rows.at(-1)!.timeMs + rest.intervalMs! - rows[0]!.timeMs;
    const middleMs = ((rows[middle]!.timeMs - rows[0]!.timeMs) / lengthMs) * 20_000;
    const early = times.filter((time) => time < middleMs).length;
    // The middle lies within one row; four standard deviations of a binomial count with p = 1/2, and that row.
    expect(Math.abs(early - 5000)).toBeLessThan(200 + (10_000 * rows[middle]!.value) / total);
  });

  test.skipIf(!existsSync(folder))("sends every request of a real series", async () => {
    const recorded = await readSeriesFile(`${folder}/elb_request_count_8c0756.csv`);
    const load = replay(recorded);
    let sent = 0;
    for (const _ of load.times(draws())) sent++;
    expect(sent).toBe(recorded.rows.reduce((sum, { value }) => sum + value, 0));
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
