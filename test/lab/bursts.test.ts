import { InvalidOption } from "antiphon";
import { bursts } from "antiphon/lab";
import { describe, expect, test } from "vitest";
import { stream } from "../../src/runtime/kernel/random.ts";

const draws = () => stream(1, "bursts");
const calm = { perSecond: 5, seconds: 10 };
const burst = { perSecond: 50, seconds: 2 };

describe("bursts", () => {
  test("have the mean rate of the phases, weighted by how long they last", () => {
    expect(bursts({ calm, burst, requests: 250 })).toMatchObject({ requests: 250, lastsMs: 20_000 });
    expect(bursts({ calm, burst, seconds: 20 })).toMatchObject({ requests: 250, lastsMs: 20_000 });
  });

  test("begin in each phase as often as it lasts", () => {
    const silent = { perSecond: 0, seconds: 10 };
    const random = draws();
    // In a burst of 1,000 per second the first request comes within 50 ms; after 10 s of silence it hardly does.
    let soon = 0;
    for (let run = 0; run < 4000; run++) {
      const [first] = bursts({ calm: silent, burst: { perSecond: 1000, seconds: 30 }, requests: 1 }).times(random);
      if (first! < 50) soon++;
    }
    // A silence that ends within 50 ms adds 0.1 % of the runs. Four standard deviations of a binomial share of 3/4.
    expect(Math.abs(soon / 4000 - 0.75)).toBeLessThan(0.028);
  });

  test.each([
    ["of two rates", { calm, burst }, 1 + (2 * 45 * 45 * 10 * 10 * 2 * 2) / (12 * 12 * 150)],
    ["on and off", { calm: { perSecond: 0, seconds: 3 }, burst: { perSecond: 40, seconds: 1 } }, 1 + 45],
    ["of equal rates", { calm, burst: { ...burst, perSecond: 5 } }, 1],
  ])("%s have counts that vary as the closed form says", (_, phases, limit) => {
    const windowMs = 100_000;
    const windows = 2000;
    const counts = new Float64Array(windows);
    const load = bursts({ ...phases, seconds: (windows * windowMs) / 1000 });
    for (const atMs of load.times(draws())) counts[Math.floor(atMs / windowMs)]!++;
    const mean = counts.reduce((sum, count) => sum + count, 0) / windows;
    const spread = counts.map((count) => (count - mean) * (count - mean));
    const variance = spread.reduce((sum, square) => sum + square, 0) / windows;
    // Of the limit, windows of this length show all but 1/(rate of change × length), their exponential being nothing.
    const perSecond = 1 / phases.calm.seconds + 1 / phases.burst.seconds;
    const expected = 1 + (limit - 1) * (1 - 1000 / (perSecond * windowMs));
    // Four standard errors of the variance, from the fourth moment of the sample.
    const fourth = spread.reduce((sum, square) => sum + square * square, 0) / windows;
    const error = Math.sqrt((fourth - variance * variance) / windows) / mean;
    expect(load.dispersion).toBeCloseTo(limit, 9);
    expect(Math.abs(variance / mean - expected)).toBeLessThan(4 * error);
    expect(Math.abs(mean / (load.requests / windows) - 1)).toBeLessThan(4 * Math.sqrt(limit / load.requests));
  });

  test.each([
    [{ calm: { perSecond: -1, seconds: 1 }, burst, requests: 1 }, /^calm\.perSecond: /],
    [{ calm, burst: { perSecond: 1, seconds: 0 }, requests: 1 }, /^burst\.seconds: /],
    [{ calm: { perSecond: 0, seconds: 1 }, burst: { perSecond: 0, seconds: 1 }, requests: 1 }, /^bursts: /],
  ])("refuse %o", (options, message) => {
    expect(() => bursts(options)).toThrow(InvalidOption);
    expect(() => bursts(options)).toThrow(message);
  });
});
