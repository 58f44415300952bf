import { InvalidOption } from "antiphon";
import { constant, draws, exponential, lognormal, type ServiceTime, summary } from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyed, stream } from "../../src/runtime/kernel/random.ts";

const size = 200_000;

function moments(time: ServiceTime, random: () => number): { mean: number; cv: number; min: number } {
  const samples = Float64Array.from({ length: size }, () => time(random));
  const { mean, min } = summary(samples);
  const variance = samples.reduce((sum, sample) => sum + (sample - mean) * (sample - mean), 0) / size;
  return { mean, cv: Math.sqrt(variance) / mean, min };
}

// The standard error of the mean is cv/√200,000, at most 0.45 % here; that of the cv is larger where the tail is.
describe.each([
  ["lognormal, cv 0.5", lognormal({ mean: 120, cv: 0.5 }), 120, 0.5],
  ["lognormal, cv 2", lognormal({ mean: 5, cv: 2 }), 5, 2],
  ["lognormal, cv 0", lognormal({ mean: 40, cv: 0 }), 40, 0],
  ["exponential", exponential({ mean: 200 }), 200, 1],
  ["constant", constant(30), 30, 0],
])("%s", (_, time, mean, cv) => {
  test("has its mean and its cv, and is never negative", () => {
    const found = moments(time, stream(1, "service"));
    expect(Math.abs(found.mean / mean - 1)).toBeLessThan(0.018);
    expect(Math.abs(found.cv - cv)).toBeLessThan(0.06 * Math.max(cv, 1e-6));
    expect(found.min).toBeGreaterThan(0);
  });

  test("is finite for every draw in [0, 1)", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 2, maxLength: 2 }),
        (list) => {
          const left = [...list];
          const drawn = time(() => left.shift()!);
          expect(drawn >= 0 && Number.isFinite(drawn)).toBe(true);
        },
      ),
      { seed: 1, examples: [[[0, 0]], [[1 - Number.EPSILON / 2, 0.5]]] },
    );
  });
});

describe("service times", () => {
  test.each([
    () => lognormal({ mean: 0, cv: 0.5 }),
    () => lognormal({ mean: 1, cv: -1 }),
    () => lognormal({ mean: Number.POSITIVE_INFINITY, cv: 1 }),
    () => exponential({ mean: Number.NaN }),
    () => constant(-1),
  ])("refuse %s", (make) => {
    expect(make).toThrow(InvalidOption);
  });
});

describe("draws", () => {
  const self = { random: (key: string | number = "") => keyed(7, "/payment", key) };

  test("depend on the key and the count, and on nothing before", () => {
    const once = draws(self, "o1");
    const [first, second] = [once(), once()];
    draws(self, "o2")();
    const again = draws(self, "o1");
    expect([again(), again()]).toEqual([first, second]);
    expect([first, second]).toEqual([self.random("o1/1"), self.random("o1/2")]);
  });

  test("of many orders make a lognormal with its mean and cv", () => {
    const time = lognormal({ mean: 120, cv: 0.5 });
    let order = 0;
    const { mean, cv } = moments(
      () => time(draws(self, `o${++order}`)),
      () => 0,
    );
    expect(Math.abs(mean / 120 - 1)).toBeLessThan(0.006);
    expect(Math.abs(cv / 0.5 - 1)).toBeLessThan(0.03);
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
