import { InvalidOption } from "antiphon";
import {
  batches,
  bursts,
  type ClosedLoad,
  closed,
  constant,
  diurnal,
  type Ends,
  type Load,
  poisson,
  steady,
} from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stream } from "../../src/runtime/kernel/random.ts";

const draws = (seed = 1) => stream(seed, "load");
const ascending = (times: readonly number[]) => times.every((time, index) => index === 0 || time >= times[index - 1]!);

/** Draws with the ends of [0, 1) among them. */
function extremes(seed: number): () => number {
  const random = draws(seed);
  return () => {
    const which = random();
    return which < 0.05 ? 0 : which > 0.95 ? 1 - Number.EPSILON / 2 : random();
  };
}

const onOff = { calm: { perSecond: 0, seconds: 2 }, burst: { perSecond: 90, seconds: 1 } };
/** Each makes a load of 30 requests per second. */
const made: readonly (readonly [string, (ends: Ends) => Load])[] = [
  ["poisson", (ends) => poisson({ perSecond: 30, ...ends })],
  ["steady", (ends) => steady({ perSecond: 30, ...ends })],
  ["bursts", (ends) => bursts({ ...onOff, ...ends })],
  ["diurnal", (ends) => diurnal({ perSecond: 30, amplitude: 1, period: "5s", ...ends })],
];

describe.each(made)("%s", (name, make) => {
  test("sends as many requests as were wished", () => {
    const load = make({ requests: 3000 });
    expect(load).toMatchObject({ kind: "open", requests: 3000, lastsMs: 100_000 });
    expect([...load.times(draws())]).toHaveLength(3000);
  });

  test("ends before the last second is over, after as many requests as it says", () => {
    const load = make({ seconds: 100 });
    const times = [...load.times(draws())];
    expect([load.requests, load.lastsMs]).toEqual([expect.closeTo(3000, 6), 100_000]);
    expect(Math.max(...times)).toBeLessThan(100_000);
    // Four standard deviations of a Poisson count of 3,000; of the bursts, with their index of dispersion.
    const { dispersion = 1 } = load as { dispersion?: number };
    expect(Math.abs(times.length - 3000)).toBeLessThan(4 * Math.sqrt(3000 * dispersion));
  });

  test("never goes back in time, whatever is drawn", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const times = [...make({ requests: 200 }).times(extremes(seed))];
        expect(ascending(times) && times[0]! >= 0 && Number.isFinite(times.at(-1))).toBe(true);
      }),
      { seed: 1 },
    );
  });

  test("gives equal times for equal draws", () => {
    const load = make({ requests: 100 });
    expect([...load.times(draws(3))]).toEqual([...load.times(draws(3))]);
  });

  test.each([
    [{ requests: 1.5 }, /^requests: /],
    [{ seconds: Number.POSITIVE_INFINITY }, /^seconds: /],
    [{}, new RegExp(`^${name}: .*no end`)],
    [{ requests: 1, seconds: 1 }, new RegExp(`^${name}: .*requests and seconds`)],
  ])("refuses the end %o", (ends, message) => {
    expect(() => make(ends)).toThrow(InvalidOption);
    expect(() => make(ends)).toThrow(message);
  });
});

describe("poisson", () => {
  test("sends as many requests as were wished, in order", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0.01, max: 1e6, noNaN: true }),
        fc.nat(),
        (requests, perSecond, seed) => {
          const times = [...poisson({ perSecond, requests }).times(draws(seed))];
          expect([times.length, ascending(times), times[0]! >= 0]).toEqual([requests, true, true]);
        },
      ),
      { seed: 1 },
    );
  });

  test("keeps its mean rate, and gaps that vary as much as they last", () => {
    const times = [...poisson({ perSecond: 20, requests: 40_000 }).times(draws())];
    const gaps = times.map((time, index) => time - (times[index - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) * (gap - mean), 0) / gaps.length);
    // The standard error of the mean of 40,000 exponential gaps is 0.5 %: four of them.
    expect(Math.abs(mean - 50)).toBeLessThan(1);
    expect(Math.abs(deviation / mean - 1)).toBeLessThan(0.03);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a rate of %d", (perSecond) => {
    expect(() => poisson({ perSecond, requests: 1 })).toThrow(/^perSecond: /);
  });
});

describe("steady", () => {
  test("sends at once and then at equal gaps, without drawing", () => {
    const never = () => {
      throw new Error("drawn");
    };
    expect([...steady({ perSecond: 80, requests: 4 }).times(never)]).toEqual([0, 12.5, 25, 37.5]);
    expect([...steady({ perSecond: 3, seconds: 2 }).times(never)]).toHaveLength(6);
  });

  test("does not drift", () => {
    const times = [...steady({ perSecond: 7, requests: 700_001 }).times(draws())];
    expect(times.at(-1)).toBe(100_000_000);
  });

  test("refuses a rate that is none", () => {
    expect(() => steady({ perSecond: -1, requests: 1 })).toThrow(/^perSecond: /);
  });
});

describe("batches", () => {
  test("bring each time of a load several requests at once", () => {
    const load = batches(steady({ perSecond: 2, requests: 3 }), 2);
    expect(load).toMatchObject({ kind: "open", requests: 6, lastsMs: 1500 });
    expect([...load.times(draws())]).toEqual([0, 0, 500, 500, 1000, 1000]);
  });

  test("of a Poisson load keep its draws", () => {
    const load = poisson({ perSecond: 20, requests: 50 });
    const times = [...batches(load, 3).times(draws())];
    expect(times.filter((_, index) => index % 3 === 0)).toEqual([...load.times(draws())]);
  });

  test("refuse a size that is none", () => {
    expect(() => batches(steady({ perSecond: 1, requests: 1 }), 0)).toThrow(/^size: /);
  });
});

describe("closed", () => {
  test("says who asks, how long they think, and where it ends", () => {
    const byRequests: ClosedLoad = closed({ users: 3, think: "2s", requests: 10 });
    expect(byRequests).toMatchObject({ kind: "closed", users: 3, requests: 10, lastsMs: Number.POSITIVE_INFINITY });
    expect(byRequests.think(() => 0)).toBe(2000);
    const think = constant(5);
    const byTime = closed({ users: 1, think, seconds: 4 });
    expect(byTime).toMatchObject({ kind: "closed", users: 1, requests: Number.POSITIVE_INFINITY, lastsMs: 4000 });
    expect(byTime.think).toBe(think);
  });

  test.each([
    [{ users: 0, think: 1, requests: 1 }, /^users: /],
    [{ users: 1, think: -1, requests: 1 }, /^think: /],
    [{ users: 1, think: Number.POSITIVE_INFINITY, requests: 1 }, /^think: /],
    [{ users: 1, think: 1, requests: 0 }, /^requests: /],
    [{ users: 1, think: 1 }, /^closed: /],
  ])("refuses %o", (options, message) => {
    expect(() => closed(options)).toThrow(InvalidOption);
    expect(() => closed(options)).toThrow(message);
  });
});
