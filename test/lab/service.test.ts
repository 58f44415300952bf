import { InvalidOption } from "antiphon";
import {
  constant,
  empirical,
  erlang,
  exponential,
  hyperexponential,
  lognormal,
  pareto,
  quantiles,
  type ServiceTime,
  summary,
} from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stream } from "../../src/runtime/kernel/random.ts";

const size = 200_000;

/** The second, third and fourth raw moment of a distribution with mean 1. */
type Moments = readonly [second: number, third: number, fourth: number];

const still: Moments = [1, 1, 1];
const gamma = (k: number): Moments => [
  (k + 1) / k,
  ((k + 1) * (k + 2)) / k ** 2,
  ((k + 1) * (k + 2) * (k + 3)) / k ** 3,
];
const logNormal = (cv: number): Moments => [1 + cv ** 2, (1 + cv ** 2) ** 3, (1 + cv ** 2) ** 6];
const powerLaw = (alpha: number): Moments => {
  const moment = (n: number) => (((alpha - 1) / alpha) ** n * alpha) / (alpha - n);
  return [moment(2), moment(3), moment(4)];
};
/** Of two exponentials, each half of the mean: drawn with chances p and 1 − p, p (1 − p) = 1 / 2 (cv² + 1). */
const balanced = (cv: number): Moments => {
  const p = (1 - Math.sqrt(1 - 2 / (cv ** 2 + 1))) / 2;
  const moment = (n: number, factorial: number) => factorial * 0.5 ** n * (p ** (1 - n) + (1 - p) ** (1 - n));
  return [moment(2, 2), moment(3, 6), moment(4, 24)];
};
const sampled = (samples: readonly number[]): Moments => {
  const { mean } = summary(samples);
  const moment = (n: number) => summary(samples.map((sample) => (sample / mean) ** n)).mean;
  return [moment(2), moment(3), moment(4)];
};
/** Straight lines between points: of a uniform distribution from a to b, the n-th moment is the mean of aⁱ bⁿ⁻ⁱ. */
const straight = (points: readonly (readonly [number, number])[]): Moments => {
  const moment = (n: number) =>
    points.slice(1).reduce((sum, [share, b], index) => {
      const [before, a] = points[index]!;
      const powers = Array.from({ length: n + 1 }, (_, i) => a ** i * b ** (n - i));
      return sum + (share - before) * summary(powers).mean;
    }, 0);
  return [moment(2) / moment(1) ** 2, moment(3) / moment(1) ** 3, moment(4) / moment(1) ** 4];
};

/** The standard errors of mean and cv of a sample, by the delta method, for mean 1. */
function errors([second, third, fourth]: Moments): { mean: number; cv: number } {
  const variance = second - 1;
  const mean = Math.sqrt(variance / size);
  if (variance === 0) return { mean, cv: 0 };
  const cv = Math.sqrt(
    (second ** 2 * variance - second * (third - second) + (fourth - second ** 2) / 4) / variance / size,
  );
  return { mean, cv };
}

const samples = [3, 5, 5, 8, 13, 40];
const dashboard = [
  [0, 2],
  [0.5, 20],
  [0.95, 80],
  [1, 300],
] as const;
const dashboardMean = 0.5 * 11 + 0.45 * 50 + 0.05 * 190;

const times: readonly (readonly [name: string, time: ServiceTime, mean: number, moments: Moments])[] = [
  ["constant", constant(30), 30, still],
  ["exponential", exponential({ mean: 200 }), 200, gamma(1)],
  ["erlang, k 1", erlang({ mean: 200, k: 1 }), 200, gamma(1)],
  ["erlang, k 4", erlang({ mean: 80, k: 4 }), 80, gamma(4)],
  ["erlang, k 100", erlang({ mean: 10, k: 100 }), 10, gamma(100)],
  ["hyperexponential, cv 1", hyperexponential({ mean: 10, cv: 1 }), 10, gamma(1)],
  ["hyperexponential, cv 2", hyperexponential({ mean: 10, cv: 2 }), 10, balanced(2)],
  ["hyperexponential, cv 5", hyperexponential({ mean: 10, cv: 5 }), 10, balanced(5)],
  ["lognormal, cv 0", lognormal({ mean: 40, cv: 0 }), 40, still],
  ["lognormal, cv 0.5", lognormal({ mean: 120, cv: 0.5 }), 120, logNormal(0.5)],
  ["lognormal, cv 2", lognormal({ mean: 5, cv: 2 }), 5, logNormal(2)],
  ["pareto, alpha 6", pareto({ mean: 50, alpha: 6 }), 50, powerLaw(6)],
  ["empirical", empirical(samples), summary(samples).mean, sampled(samples)],
  ["quantiles", quantiles(dashboard), dashboardMean, straight(dashboard)],
];

describe.each(times)("%s", (_, time, mean, moments) => {
  test("has its mean and its cv, within four standard errors, and is never negative", () => {
    const random = stream(1, "service");
    const drawn = Float64Array.from({ length: size }, () => time(random));
    const found = summary(drawn);
    const variance = drawn.reduce((sum, sample) => sum + (sample - found.mean) ** 2, 0) / size;
    const error = errors(moments);
    const rounding = 1e-9;
    expect(Math.abs(found.mean / mean - 1)).toBeLessThan(4 * error.mean + rounding);
    expect(Math.abs(Math.sqrt(variance) / found.mean - Math.sqrt(moments[0] - 1))).toBeLessThan(
      4 * error.cv + rounding,
    );
    expect(found.min).toBeGreaterThan(0);
  });

  test("is finite for every draw in [0, 1)", () => {
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.array(draw, { minLength: 100, maxLength: 100 }), (list) => {
        const left = [...list];
        const drawn = time(() => left.shift()!);
        expect(drawn >= 0 && Number.isFinite(drawn)).toBe(true);
      }),
      { seed: 1, examples: [[Array(100).fill(0)], [Array(100).fill(1 - Number.EPSILON / 2)]] },
    );
  });
});

describe("pareto", () => {
  test.each([1.1, 1.5, 2.5])("of alpha %d has its power law, also where its moments are infinite", (alpha) => {
    const random = stream(1, "service");
    const least = (10 * (alpha - 1)) / alpha;
    const time = pareto({ mean: 10, alpha });
    const drawn = Array.from({ length: size }, () => time(random));
    for (const times of [1, 2, 10, 30]) {
      const share = times ** -alpha;
      const longer = drawn.filter((ms) => ms >= least * times).length / size;
      // Four standard deviations of a binomial share.
      expect(Math.abs(longer - share)).toBeLessThanOrEqual(4 * Math.sqrt((share * (1 - share)) / size));
    }
  });
});

describe("empirical", () => {
  test("gives each sample as often as it was given", () => {
    const time = empirical(new Set([4, 2, 9]));
    expect([0, 0.33, 0.34, 0.66, 0.67, 1 - Number.EPSILON / 2].map((draw) => time(() => draw))).toEqual([
      4, 4, 2, 2, 9, 9,
    ]);
  });
});

describe("quantiles", () => {
  test("go through their points, on straight lines", () => {
    const time = quantiles(dashboard);
    expect([0, 0.25, 0.5, 0.95].map((draw) => time(() => draw))).toEqual([2, 11, 20, 80]);
    expect(time(() => 1 - Number.EPSILON / 2)).toBeCloseTo(300, 9);
  });
});

describe("service times", () => {
  test.each([
    [() => lognormal({ mean: 0, cv: 0.5 }), /^mean: /],
    [() => lognormal({ mean: 1, cv: -1 }), /^cv: /],
    [() => lognormal({ mean: Number.POSITIVE_INFINITY, cv: 1 }), /^mean: /],
    [() => exponential({ mean: Number.NaN }), /^mean: /],
    [() => constant(-1), /^mean: /],
    [() => erlang({ mean: 0, k: 1 }), /^mean: /],
    [() => erlang({ mean: 1, k: 0 }), /^k: /],
    [() => erlang({ mean: 1, k: 1.5 }), /^k: /],
    [() => hyperexponential({ mean: -1, cv: 2 }), /^mean: /],
    [() => hyperexponential({ mean: 1, cv: 0.9 }), /^cv: /],
    [() => hyperexponential({ mean: 1, cv: Number.POSITIVE_INFINITY }), /^cv: /],
    [() => pareto({ mean: 0, alpha: 2 }), /^mean: /],
    [() => pareto({ mean: 1, alpha: 1 }), /^alpha: /],
    [() => empirical([]), /^samples: /],
    [() => empirical([1, -1]), /^samples\[1\]: /],
    [() => empirical([Number.NaN]), /^samples\[0\]: /],
    [() => quantiles([]), /^quantiles: /],
    [() => quantiles([[0, 1]]), /^quantiles: /],
    [
      () =>
        quantiles([
          [0.5, 1],
          [1, 2],
        ]),
      /^quantiles: /,
    ],
    [
      () =>
        quantiles([
          [0, 1],
          [0.5, 2],
          [0.5, 3],
          [1, 4],
        ]),
      /^points\[2\]: /,
    ],
    [
      () =>
        quantiles([
          [0, 3],
          [1, 2],
        ]),
      /^points\[1\]: /,
    ],
    [
      () =>
        quantiles([
          [0, -3],
          [1, 2],
        ]),
      /^points\[0\]: /,
    ],
  ])("refuse %s", (make, message) => {
    expect(make).toThrow(InvalidOption);
    expect(make).toThrow(message);
  });
});

describe("summary", () => {
  test("counts, and gives the mean and the ends", () => {
    const { count, mean, min, max } = summary([3, 1, 2, 6]);
    expect([count, mean, min, max]).toEqual([4, 3, 1, 6]);
  });

  test("gives as a quantile the least sample that the share does not exceed", () => {
    const samples = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
    fc.assert(
      fc.property(samples, fc.constantFrom(0, 0.25, 0.5, 0.75, 0.95, 1), (list, p) => {
        const found = summary(list).quantile(p);
        expect(list).toContain(found);
        expect(list.filter((sample) => sample <= found).length).toBeGreaterThanOrEqual(p * list.length);
        if (p > 0) expect(list.filter((sample) => sample < found).length).toBeLessThan(p * list.length);
      }),
      { seed: 1 },
    );
  });

  test("is NaN without samples", () => {
    const { count, mean, min, max, quantile } = summary([]);
    expect([count, mean, min, max, quantile(0.5)]).toEqual([0, Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
  });
});
