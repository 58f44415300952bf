import { InvalidOption } from "antiphon";
import { diurnal, type Load, piecewise, poisson } from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stream } from "../../src/runtime/kernel/random.ts";

const draws = (seed = 1) => stream(seed, "rates");

/** How far the counts of a load in ten equal parts are from what is expected there: chi-squared. */
function distance(load: Load, shares: readonly number[]): number {
  const times = [...load.times(draws())];
  const counts = shares.map(() => 0);
  for (const atMs of times) counts[Math.floor((atMs / load.lastsMs) * shares.length)]!++;
  return shares.reduce((sum, share, part) => {
    const off = counts[part]! - share * times.length;
    return sum + (off * off) / (share * times.length);
  }, 0);
}
/** The same with 9 degrees of freedom exceeds this once in a thousand. */
const limit = 27.9;
const tenths = (upTo: (tenth: number) => number) => Array.from({ length: 10 }, (_, i) => upTo(i + 1) - upTo(i));

describe("piecewise", () => {
  test("is a Poisson load when it has one piece", () => {
    const one = [...piecewise([{ perSecond: 20, seconds: 50 }]).times(draws())];
    const other = [...poisson({ perSecond: 20, seconds: 50 }).times(draws())];
    expect(one.length).toBe(other.length);
    for (const [index, atMs] of one.entries()) expect(atMs).toBeCloseTo(other[index]!, 6);
  });

  test("keeps the rate of each piece", () => {
    const load = piecewise([
      { perSecond: 20, seconds: 100 },
      { perSecond: 0, seconds: 50 },
      { perSecond: 300, seconds: 10 },
      { from: 100, to: 0, seconds: 20 },
    ]);
    expect(load).toMatchObject({ kind: "open", requests: 6000, lastsMs: 180_000 });
    const times = [...load.times(draws())];
    const between = (from: number, to: number) => times.filter((t) => t >= from * 1000 && t < to * 1000).length;
    expect(between(100, 150)).toBe(0);
    // Four standard deviations of Poisson counts.
    for (const [from, to, expected] of [
      [0, 100, 2000],
      [150, 160, 3000],
      [160, 180, 1000],
    ] as const) {
      expect(Math.abs(between(from, to) - expected)).toBeLessThan(4 * Math.sqrt(expected));
    }
  });

  test.each([
    ["up", { from: 0, to: 1000, seconds: 40 }, (tenth: number) => (tenth * tenth) / 100],
    ["down", { from: 1000, to: 0, seconds: 40 }, (tenth: number) => 1 - ((10 - tenth) * (10 - tenth)) / 100],
    ["between", { from: 200, to: 600, seconds: 50 }, (tenth: number) => (20 * tenth + 2 * tenth * tenth) / 400],
  ])("goes straight %s a ramp", (_, piece, upTo) => {
    expect(distance(piecewise([piece]), tenths(upTo))).toBeLessThan(limit);
  });

  test("never goes back in time nor beyond the end, whatever the pieces", () => {
    const rate = fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1000, noNaN: true }));
    const piece = fc.record({ from: rate, to: rate, seconds: fc.double({ min: 0.01, max: 3, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), fc.nat(), (pieces, seed) => {
        fc.pre(pieces.some(({ from, to }) => from + to > 0));
        const { lastsMs, ...load } = piecewise(pieces);
        const random = draws(seed);
        const often = () => (random() < 0.1 ? 0 : random());
        let before = 0;
        for (const atMs of load.times(often)) {
          expect(atMs >= before && atMs <= lastsMs).toBe(true);
          before = atMs;
        }
      }),
      { seed: 1 },
    );
  });

  test("gives equal times for equal draws", () => {
    const load = piecewise([{ from: 0, to: 50, seconds: 10 }]);
    expect([...load.times(draws(3))]).toEqual([...load.times(draws(3))]);
  });

  test.each([
    [[], /^piecewise: /],
    [[{ perSecond: 0, seconds: 1 }], /^piecewise: /],
    [[{ perSecond: -1, seconds: 1 }], /^pieces\[0\]\.perSecond: /],
    [[{ from: 1, to: Number.NaN, seconds: 1 }], /^pieces\[0\]\.to: /],
    [[{ from: Number.POSITIVE_INFINITY, to: 1, seconds: 1 }], /^pieces\[0\]\.from: /],
    [
      [
        { perSecond: 1, seconds: 1 },
        { perSecond: 1, seconds: 0 },
      ],
      /^pieces\[1\]\.seconds: /,
    ],
  ])("refuses %o", (pieces, message) => {
    expect(() => piecewise(pieces)).toThrow(InvalidOption);
    expect(() => piecewise(pieces)).toThrow(message);
  });
});

describe("diurnal", () => {
  const day = { perSecond: 200, amplitude: 0.8, period: "100s" } as const;
  const upTo = (tenth: number) => tenth / 10 - (0.8 * Math.sin((2 * Math.PI * tenth) / 10)) / (2 * Math.PI);

  test("swings from its lowest rate to its highest and back", () => {
    expect(distance(diurnal({ ...day, seconds: 100 }), tenths(upTo))).toBeLessThan(limit);
  });

  test("counts the part of a day that it ends in", () => {
    const load = diurnal({ ...day, seconds: 225 });
    expect(load.requests).toBeCloseTo(200 * 225 - (200 * 0.8 * 100) / (2 * Math.PI), 6);
    const sent = [...load.times(draws())].length;
    // Four standard deviations of a Poisson count.
    expect(Math.abs(sent - load.requests)).toBeLessThan(4 * Math.sqrt(load.requests));
  });

  test("is Poisson without a swing", () => {
    const load = diurnal({ perSecond: 200, amplitude: 0, period: "1h", seconds: 100 });
    expect(load.requests).toBe(20_000);
    expect(
      distance(
        load,
        tenths((tenth) => tenth / 10),
      ),
    ).toBeLessThan(limit);
  });

  test.each([
    [{ ...day, perSecond: 0, seconds: 1 }, /^perSecond: /],
    [{ ...day, amplitude: 1.1, seconds: 1 }, /^amplitude: /],
    [{ ...day, amplitude: Number.NaN, seconds: 1 }, /^amplitude: /],
    [{ ...day, period: 0, seconds: 1 }, /^period: /],
    [{ ...day, period: Number.POSITIVE_INFINITY, seconds: 1 }, /^period: /],
  ])("refuses %o", (options, message) => {
    expect(() => diurnal(options)).toThrow(InvalidOption);
    expect(() => diurnal(options)).toThrow(message);
  });
});
