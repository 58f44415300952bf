// Arithmetic and edges; how often intervals hold what they promise is in coverage.test.ts. Expected ends are from
// scipy 1.17.

import { InvalidOption } from "antiphon";
import { deviations, type Interval, meanInterval, pairedInterval, proportionInterval, scaled } from "antiphon/lab";
import { describe, expect, test } from "vitest";

const infinite = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

function hasEnds({ low, high }: Interval, expectedLow: number, expectedHigh: number): void {
  expect(low).toBeCloseTo(expectedLow, 10);
  expect(high).toBeCloseTo(expectedHigh, 10);
}

describe("meanInterval", () => {
  test("lies about the mean, as wide as Student says", () => {
    const interval = meanInterval([3, 5, 4, 6, 8]);
    expect(interval).toMatchObject({ value: 5.2, level: 0.95, count: 5, method: "independent samples" });
    hasEnds(interval, 2.81161161190002, 7.588388388099981);
  });

  test("has no ends for one sample, and no value for none", () => {
    expect(meanInterval([3])).toMatchObject({ value: 3, ...infinite });
    expect(meanInterval([]).value).toBeNaN();
  });

  test.each([[0], [1], [95], [Number.NaN]])("refuses the level %d", (level) => {
    expect(() => meanInterval([1, 2], { level })).toThrow(InvalidOption);
  });
});

describe("pairedInterval", () => {
  test("is that of the differences, second less first", () => {
    const { method, ...paired } = pairedInterval([1, 2, 3], [2, 4, 4], { level: 0.99 });
    expect(method).toBe("pairs");
    expect(meanInterval([1, 2, 1], { level: 0.99 })).toMatchObject(paired);
  });

  test("refuses lists of different lengths", () => {
    expect(() => pairedInterval([1, 2], [1])).toThrow(
      'second: found "1 samples", allowed is 2 samples, one for each of the first.',
    );
  });
});

describe("proportionInterval", () => {
  test.each([
    [0, 20, 0.95, 0, 0.1684334709830853],
    [1, 20, 0.95, 0.0012650894979498, 0.248732762772028],
    [5, 50, 0.95, 0.0332750935890225, 0.2181353664342022],
    [5, 50, 0.99, 0.0222178148075504, 0.2580497288164088],
    [200, 20_000, 0.999, 0.0078439803761855, 0.012531460391197],
    [20, 20, 0.95, 0.8315665290169147, 1],
  ])("of %i hits in %i at %d is from %d to %d", (hits, of, level, low, high) => {
    const interval = proportionInterval({ hits, of }, { level });
    expect(interval).toMatchObject({ value: hits / of, level, count: of, method: "Clopper-Pearson" });
    hasEnds(interval, low, high);
  });

  test("knows nothing without trials", () => {
    expect(proportionInterval({ hits: 0, of: 0 })).toMatchObject({ value: Number.NaN, low: 0, high: 1 });
  });

  test.each([
    [{ hits: 3, of: 2 }],
    [{ hits: -1, of: 2 }],
    [{ hits: 0.5, of: 2 }],
    [{ hits: 0, of: Number.POSITIVE_INFINITY }],
  ])("refuses %o", (trials) => {
    expect(() => proportionInterval(trials)).toThrow(InvalidOption);
  });
});

describe("scaled", () => {
  test("gives the same interval in another unit", () => {
    const interval = proportionInterval({ hits: 5, of: 50 });
    expect(scaled(interval, 100)).toEqual({
      ...interval,
      value: 10,
      low: interval.low * 100,
      high: interval.high * 100,
    });
    expect(() => scaled(interval, -1)).toThrow(InvalidOption);
  });
});

describe("deviations", () => {
  const interval = { ...meanInterval([3, 5, 4, 6, 8]), value: 5, low: 4, high: 8 };

  test.each([
    [5, 0],
    [4, 1.96],
    [8, -1.96],
    [3, 3.92],
    [6.5, -0.98],
  ])("from a prediction of %d are %d", (predicted, expected) => {
    expect(deviations(interval, predicted)).toBeCloseTo(expected, 3);
  });

  test("of what is exact are none or without end", () => {
    const exact = meanInterval([40, 40, 40]);
    expect([deviations(exact, 40), deviations(exact, 39)]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  test("of what is not known at all are none", () => {
    expect(Math.abs(deviations(meanInterval([3]), 7))).toBe(0);
  });
});
