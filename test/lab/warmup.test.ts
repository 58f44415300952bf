import { InvalidOption } from "antiphon";
import { warmup } from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stream } from "../../src/runtime/kernel/random.ts";

function noise(count: number, seed: number): number[] {
  const random = stream(seed, "warm-up");
  return Array.from({ length: count }, () => random() - 0.5);
}

describe("warmup", () => {
  test("cuts off where the mean of what is left has the least standard error", () => {
    const errorAfter = (samples: readonly number[], cut: number) => {
      const means = Array.from({ length: Math.floor(samples.length / 5) - cut }, (_, batch) =>
        samples.slice(5 * (cut + batch), 5 * (cut + batch + 1)).reduce((sum, sample) => sum + sample / 5, 0),
      );
      const mean = means.reduce((sum, each) => sum + each, 0) / means.length;
      return means.reduce((sum, each) => sum + (each - mean) ** 2, 0) / means.length ** 2;
    };
    const samples = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 50, maxLength: 120 });
    fc.assert(
      fc.property(samples, (list) => {
        const { cut } = warmup(list);
        const cuts = Array.from({ length: Math.floor(list.length / 5) - 4 }, (_, index) => index);
        const errors = cuts.map((each) => errorAfter(list, each));
        expect(errors[cut / 5]).toBeLessThanOrEqual(Math.min(...errors) * (1 + 1e-9));
      }),
      { seed: 1 },
    );
  });

  test("cuts off a start that fades, and little more", () => {
    const cuts = Array.from({ length: 100 }, (_, seed) =>
      warmup(noise(2000, seed).map((sample, index) => sample + 10 * Math.exp(-index / 50))),
    );
    // After 50 × ln 100 = 230 samples a tenth of the noise is left of it.
    expect(cuts.filter(({ cut }) => cut < 150 || cut > 1000).length).toBeLessThanOrEqual(5);
    expect(cuts.filter(({ settled }) => !settled).length).toBeLessThanOrEqual(5);
  });

  test("cuts off little of what has no warm-up, and nothing of what never varies", () => {
    const cuts = Array.from({ length: 100 }, (_, seed) => warmup(noise(2000, seed)));
    expect(cuts.filter(({ cut, settled }) => settled && cut <= 200).length).toBeGreaterThanOrEqual(75);
    expect(warmup(new Array<number>(1000).fill(0.1))).toEqual({ cut: 0, settled: true });
  });

  test("does not take for settled what rises to the end, nor what is too short to tell", () => {
    const rising = noise(2000, 1).map((sample, index) => sample + index / 10);
    expect(warmup(rising).settled).toBe(false);
    expect(warmup(noise(49, 1))).toEqual({ cut: 0, settled: false });
    expect(warmup([])).toEqual({ cut: 0, settled: false });
  });

  test.each([
    [{ first: 0 }, { cut: 0, settled: true }],
    [{ first: 30 }, { cut: 30, settled: true }],
    [{ first: 60 }, { cut: 60, settled: false }],
    [{ share: 0.5 }, { cut: 50, settled: true }],
    [{ share: 0.501 }, { cut: 51, settled: false }],
  ])("by the rule %o cuts %o off 100 samples", (rule, expected) => {
    expect(warmup(noise(100, 1), rule)).toEqual(expected);
  });

  test.each([[{ first: -1 }], [{ share: 1 }], [{ share: Number.NaN }]])("refuses the rule %o", (rule) => {
    expect(() => warmup([1, 2], rule)).toThrow(InvalidOption);
  });
});
