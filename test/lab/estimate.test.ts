import { estimate, type Interval } from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const of = (value: number, low: number, high: number): Interval => ({
  value,
  low,
  high,
  level: 0.95,
  count: 1000,
  method: "batch means",
});
const about = (value: number, half: number) => of(value, value - half, value + half);

describe("estimate", () => {
  test.each([
    [40.1234, 0.8123, "40.1 ± 0.8"],
    [40.1234, 0.1234, "40.12 ± 0.12"],
    [40.1234, 2.961, "40 ± 3"],
    [40.1234, 0.0297, "40.12 ± 0.03"],
    [40.1234, 0.96, "40.1 ± 1.0"],
    [1234567, 4321, "1,235,000 ± 4,000"],
    [1234567, 12.3, "1,234,567 ± 12"],
    [1234567, 1_234_567 / 2, "1,200,000 ± 600,000"],
    [-3.2, 5.1, "-3 ± 5"],
    [-0.2, 5.1, "0 ± 5"],
    [0.00012345, 0.00000678, "0.000123 ± 0.000007"],
    [12, 0, "12 ± 0"],
    [0.1 + 0.2, 4e-17, "0.30 ± 0"],
  ])("of %d with %d to each side is %j", (value, half, text) => {
    expect(estimate(about(value, half))).toBe(text);
  });

  test("has the longer side after the ±", () => {
    expect(estimate(of(100, 96, 108), "ms")).toBe("100 ± 8 ms");
  });

  test.each([
    [of(0, 0, 0.00018), "0.00000–0.00018"],
    [of(0.005, 0.00163, 0.01163), "0.002–0.012"],
    [of(1_300, 1_128.4, 5_430.6), "1,128–5,431"],
    [of(100, 99, 108), "99.0–108.0"],
    [of(-3, -40, -1), "-40 to -1"],
  ])("of %o, which is not even around its value, is %j", (interval, text) => {
    expect(estimate(interval)).toBe(text);
  });

  test("of an interval split between two modes is a range", () => {
    expect(estimate({ ...of(3_000, 1_000, 5_000), split: true }, "ms")).toBe("1,000–5,000 ms");
  });

  test("with one end is that end, and with none nothing", () => {
    expect(estimate(of(1300, 1128.4, Number.POSITIVE_INFINITY), "ms")).toBe(">1,128 ms");
    expect(estimate(of(1300, Number.NEGATIVE_INFINITY, 1500), "ms")).toBe("<1,500 ms");
    expect(estimate(of(1300, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY), "ms")).toBe("-");
    expect(estimate(of(Number.NaN, Number.NaN, Number.NaN), "ms")).toBe("-");
    expect(estimate(of(Number.NaN, 0, 1), "%")).toBe("-");
  });

  test("shows a doubt", () => {
    expect(estimate({ ...about(40.12, 0.81), doubt: "19 batches are too few, 20 are needed" }, "ms")).toBe(
      "~40.1 ± 0.8 ms",
    );
  });

  test("never has a digit of the value behind the last of the half-width, which is off by a sixth at most", () => {
    const size = fc.double({ min: -12, max: 12, noNaN: true }).map((power) => 10 ** power);
    fc.assert(
      fc.property(size, size, fc.constantFrom(1, -1), (value, ratio, sign) => {
        fc.pre(ratio > 1e-8 && ratio < 1e6);
        const half = value * ratio;
        const [shown, width] = estimate(about(sign * value * 1.5, half)).split(" ± ") as [string, string];
        const places = (text: string) => text.split(".")[1]?.length ?? 0;
        const number = (text: string) => Number(text.replaceAll(",", ""));
        expect(places(shown)).toBe(places(width));
        expect(Math.abs(number(width) / half - 1)).toBeLessThan(1 / 6);
        expect(Math.abs(number(shown) - sign * value * 1.5)).toBeLessThan(0.51 * half);
        expect(width.replace(/[.,]/g, "").replace(/^0+|0+$/g, "").length).toBeLessThanOrEqual(2);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });
});
