// Against the samples themselves, sorted.

import { InvalidOption } from "antiphon";
import { type Bucket, Histogram, summary } from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const leastNormal = 2.2250738585072014e-308;
const ordinary = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
const value = fc.oneof(fc.constant(0), fc.nat({ max: 200 }), ordinary);
const anyValue = fc.oneof(value, fc.double({ min: leastNormal, noNaN: true, noDefaultInfinity: true }));
const error = fc.constantFrom(0.0001, 0.001, 0.01, 0.02, 0.5);
const samples = fc.array(value, { minLength: 1, maxLength: 200 });
const share = fc.oneof(fc.constantFrom(0, 0.5, 0.95, 0.99, 1), fc.double({ min: 0, max: 1, noNaN: true }));

function histogram(list: readonly number[], options: { error?: number } = {}): Histogram {
  const filled = new Histogram(options);
  for (const each of list) filled.record(each);
  return filled;
}

describe("Histogram", () => {
  test("gives every quantile within its error of the exact one", () => {
    fc.assert(
      fc.property(samples, error, share, (list, error, p) => {
        const exact = summary(list).quantile(p);
        const found = histogram(list, { error }).quantile(p);
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(error * exact);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test("does so over all doubles with a full mantissa", () => {
    fc.assert(
      fc.property(fc.array(anyValue, { minLength: 1, maxLength: 50 }), share, (list, p) => {
        const exact = summary(list).quantile(p);
        expect(Math.abs(histogram(list).quantile(p) - exact)).toBeLessThanOrEqual(0.01 * exact);
      }),
      { seed: 2 },
    );
  });

  test("counts, and gives the mean and the ends, from the samples themselves", () => {
    fc.assert(
      fc.property(samples, (list) => {
        const { count, min, max, mean } = histogram(list);
        const exact = summary(list);
        expect([count, min, max]).toEqual([exact.count, exact.min, exact.max]);
        expect(Math.abs(mean - exact.mean)).toBeLessThanOrEqual(1e-12 * exact.mean);
      }),
      { seed: 3 },
    );
  });

  test("takes one value many times as if it came so often", () => {
    const repeated = fc.array(fc.tuple(fc.nat({ max: 1000 }), fc.integer({ min: 1, max: 9 })), { maxLength: 50 });
    fc.assert(
      fc.property(repeated, (list) => {
        const once = new Histogram();
        for (const [each, times] of list) once.record(each, times);
        const often = histogram(list.flatMap(([each, times]) => new Array<number>(times).fill(each)));
        expect([...once.buckets()]).toEqual([...often.buckets()]);
        expect([once.count, once.mean]).toEqual([often.count, often.mean]);
      }),
      { seed: 4 },
    );
  });

  test("holds each rank's sample in the bucket that it gives for it", () => {
    const holds = ({ low, high }: Bucket, sample: number) => low <= sample && sample <= high;
    fc.assert(
      fc.property(samples, fc.nat(), fc.nat(), (list, a, b) => {
        const [from, to] = [1 + (a % list.length), 1 + (b % list.length)].sort((x, y) => x - y) as [number, number];
        const filled = histogram(list);
        const buckets = [...filled.buckets(from, to)];
        const within = [...list].sort((x, y) => x - y).slice(from - 1, to);
        expect(within.filter((sample) => !buckets.some((bucket) => holds(bucket, sample)))).toEqual([]);
        expect(buckets.filter((bucket) => !within.some((sample) => holds(bucket, sample)))).toEqual([]);
        expect([...filled.buckets()].reduce((sum, { count }) => sum + count, 0)).toBe(list.length);
      }),
      { seed: 5 },
    );
  });

  test("bounds how many samples are above a threshold, and knows it at both ends", () => {
    fc.assert(
      fc.property(samples, value, (list, threshold) => {
        const filled = histogram(list);
        const exact = (limit: number) => list.filter((sample) => sample > limit).length;
        const { low, high } = filled.above(threshold);
        expect(low <= exact(threshold) && exact(threshold) <= high).toBe(true);
        expect(high - low).toBeLessThanOrEqual(Math.max(...[...filled.buckets()].map(({ count }) => count)));
        expect(filled.above(filled.max)).toEqual({ low: 0, high: 0 });
        expect(filled.above(filled.min - 1)).toEqual({ low: list.length, high: list.length });
      }),
      { seed: 6 },
    );
  });

  test("merged has counted what both have, itself too", () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), (left, right) => {
        const merged = histogram(left);
        merged.merge(histogram(right));
        expect([...merged.buckets()]).toEqual([...histogram([...left, ...right]).buckets()]);
        merged.merge(merged);
        expect([...merged.buckets()]).toEqual([...histogram([...left, ...right, ...left, ...right]).buckets()]);
        expect(merged.count).toBe(2 * (left.length + right.length));
      }),
      { seed: 7 },
    );
  });

  test("is not merged with one of another error", () => {
    expect(() => histogram([1]).merge(histogram([1], { error: 0.02 }))).toThrow(InvalidOption);
  });

  test("is NaN without samples", () => {
    const { count, mean, min, max } = new Histogram();
    expect([count, mean, min, max]).toEqual([0, Number.NaN, Number.NaN, Number.NaN]);
    expect(new Histogram().quantile(0.5)).toBeNaN();
    expect(new Histogram().above(0)).toEqual({ low: 0, high: 0 });
  });

  test.each([[-1], [Number.NaN], [Number.POSITIVE_INFINITY]])("refuses the value %d", (value) => {
    const filled = new Histogram();
    expect(() => filled.record(value)).toThrow(InvalidOption);
    expect(filled.count).toBe(0);
  });

  test.each([[0], [1.5], [-1], [Number.NaN]])("refuses to count %d times", (times) => {
    expect(() => new Histogram().record(1, times)).toThrow(InvalidOption);
  });

  test.each([[0], [0.6], [Number.NaN]])("refuses an error of %d", (error) => {
    expect(() => new Histogram({ error })).toThrow(InvalidOption);
  });
});
