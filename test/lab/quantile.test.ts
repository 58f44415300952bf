import { InvalidOption } from "antiphon";
import {
  estimate,
  Histogram,
  lognormal,
  quantileInterval,
  type Ranked,
  replicatedQuantile,
  summary,
} from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stream } from "../../src/runtime/kernel/random.ts";

const infinite = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
const upTo = (count: number) => summary(Array.from({ length: count }, (_, index) => index + 1));

function histogram(samples: Iterable<number>, error: number): Histogram {
  const filled = new Histogram({ error });
  for (const each of samples) filled.record(each);
  return filled;
}

describe("summary", () => {
  test("gives the samples of a range of ranks, each from itself to itself", () => {
    const samples = [...summary([5, 3, 9, 3]).buckets(2, 3)];
    expect(samples).toEqual([3, 5].map((sample) => ({ low: sample, high: sample, count: 1 })));
    expect([...summary([]).buckets(1, 1)]).toEqual([]);
  });
});

describe("quantileInterval", () => {
  // Ranks from printed tables of the sign test.
  test.each([
    [6, 0.95, 1, 6],
    [10, 0.95, 2, 9],
    [20, 0.95, 6, 15],
    [11, 0.999, 1, 11],
  ])(
    "of the median of %i samples at %d is from the sample of rank %i to that of rank %i",
    (count, level, low, high) => {
      const interval = quantileInterval(upTo(count), { p: 0.5, level });
      expect(interval).toMatchObject({ low, high, level, count, method: "order statistics" });
    },
  );

  test("has no end where so few samples can not tell", () => {
    expect(quantileInterval(upTo(5), { p: 0.5 })).toMatchObject({ value: 3, ...infinite });
    expect(quantileInterval(upTo(100), { p: 0.99 })).toMatchObject({ value: 99, low: 97, high: infinite.high });
    expect(quantileInterval(upTo(100), { p: 0.01 })).toMatchObject({ value: 1, low: infinite.low, high: 4 });
    expect(quantileInterval(summary([]), { p: 0.5 })).toMatchObject({ value: Number.NaN, ...infinite });
  });

  test("of a histogram holds that of its samples, and is wider by no more than the buckets at its ends", () => {
    const samples = fc.array(fc.double({ min: 0.1, max: 1000, noNaN: true }), { minLength: 10, maxLength: 300 });
    fc.assert(
      fc.property(samples, fc.constantFrom(0.001, 0.01, 0.1), fc.constantFrom(0.1, 0.5, 0.9), (list, error, p) => {
        const exact = quantileInterval(summary(list), { p });
        const { low, high } = quantileInterval(histogram(list, error), { p });
        expect(low <= exact.low && exact.high <= high).toBe(true);
        if (exact.low > 0) expect(low).toBeGreaterThanOrEqual(exact.low * (1 - 2 * error));
        if (exact.high < infinite.high) expect(high).toBeLessThanOrEqual(exact.high * (1 + 2 * error));
      }),
      { seed: 1 },
    );
  });

  test("is split when more than half of it is empty", () => {
    const twoModes = [...new Array<number>(50).fill(1), ...new Array<number>(50).fill(2)];
    expect(quantileInterval(summary(twoModes), { p: 0.5 }).split).toBe(true);
    expect(quantileInterval(summary(twoModes), { p: 0.25 }).split).toBeUndefined();
    expect(quantileInterval(upTo(100), { p: 0.5 }).split).toBeUndefined();
  });

  test("is hardly ever split within one mode", () => {
    const random = stream(1, "one mode");
    const draw = lognormal({ mean: 100, cv: 1 });
    const intervals = Array.from({ length: 500 }, () => {
      const samples = summary(Array.from({ length: 1000 }, () => draw(random)));
      return quantileInterval(samples, { p: 0.95 });
    });
    // About 27 samples in each.
    expect(intervals.filter(({ split }) => split).length).toBeLessThanOrEqual(1);
  });

  test.each([
    [{ p: 0 }, "p"],
    [{ p: 1 }, "p"],
    [{ p: 0.5, level: 1 }, "level"],
  ])("refuses %o", (options, named) => {
    expect(() => quantileInterval(upTo(3), options)).toThrow(InvalidOption);
    expect(() => quantileInterval(upTo(3), options)).toThrow(new RegExp(`^${named}: `));
  });
});

// Of 20,000 answers a few take 5 s more. Where their share is 1 − p, the quantile of p stands at the edge of both
// modes, and which one it falls into is chance.
describe("a quantile beside a hiccup", () => {
  const shares = [0.01, 0.02];
  const seeds = Array.from({ length: 10 }, (_, index) => index + 1);
  const quantiles = [0.5, 0.95, 0.975, 0.98, 0.99, 0.995];

  function answers(share: number, seed: number): number[] {
    const random = stream(seed, "hiccup");
    const usual = lognormal({ mean: 560, cv: 0.35 });
    return Array.from({ length: 20_000 }, () => usual(random) + (random() < share ? 5000 : 0));
  }

  function printed(samples: Ranked, p: number, level: number) {
    const interval = quantileInterval(samples, { p, level });
    const spans = interval.low < 3000 && interval.high > 5000;
    return { p, split: interval.split ?? false, spans, text: estimate(interval, "ms") };
  }

  const all = shares.flatMap((share) =>
    seeds.flatMap((seed) => {
      const samples = answers(share, seed);
      const ranked = [summary(samples), histogram(samples, 0.01)];
      return ranked.flatMap((each) =>
        [0.95, 0.999].flatMap((level) => quantiles.map((p) => ({ share, ...printed(each, p, level) }))),
      );
    }),
  );

  test("is a range exactly where its interval spans both modes", () => {
    expect(all.filter(({ split, spans }) => split !== spans)).toEqual([]);
    expect(all.filter(({ spans, text }) => spans && !/^\d,\d{3}–\d,\d{3} ms$/.test(text))).toEqual([]);
  });

  test("does span them for most seeds", () => {
    for (const share of shares) {
      const atEdge = all.filter((each) => each.share === share && each.p === 1 - share);
      expect(atEdge.filter(({ spans }) => spans).length / atEdge.length).toBeGreaterThan(0.8);
    }
  });

  test("is a value with ± at p50 and p95, where there is one mode", () => {
    const inOne = all.filter(({ p }) => p <= 0.95);
    expect(inOne.filter(({ text }) => !/^[\d,.]+ ± [\d.]+ ms$/.test(text))).toEqual([]);
  });
});

describe("replicatedQuantile", () => {
  test("is the median of the quantiles of the replications", () => {
    const replications = Array.from({ length: 20 }, (_, index) => summary([0, index + 1, 100]));
    expect(replicatedQuantile(replications, { p: 0.5 })).toEqual({
      value: 10,
      low: 6,
      high: 15,
      level: 0.95,
      count: 20,
      method: "order statistics",
    });
  });

  test("takes histograms, and refuses what quantileInterval refuses", () => {
    const replications = Array.from({ length: 6 }, (_, index) => histogram([index], 0.01));
    expect(replicatedQuantile(replications, { p: 0.9 })).toMatchObject({ value: 2, low: 0, high: 5 });
    expect(() => replicatedQuantile([], { p: 2 })).toThrow(InvalidOption);
    expect(() => replicatedQuantile(replications, { p: 0.5, level: 2 })).toThrow(InvalidOption);
  });
});
