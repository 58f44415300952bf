// How often intervals hold the truth. Each test makes many intervals from samples whose truth is known, and counts. The
// bounds are four standard deviations of a binomial count: with another seed 1 of 16,000 such tests would fail.

import {
  batchMeans,
  deviations,
  type Interval,
  meanInterval,
  pairedInterval,
  proportionInterval,
  quantileInterval,
  replicatedQuantile,
  summary,
} from "antiphon/lab";
import { describe, expect, test } from "vitest";
import { type Stream, stream } from "../../src/runtime/kernel/random.ts";

const exponential = (random: Stream) => -Math.log(1 - random());
const list = (length: number, draw: () => number): number[] => Array.from({ length }, draw);

/** The share of intervals that hold the truth. */
function covered(runs: number, truth: number, interval: (random: Stream) => Interval): number {
  const random = stream(1, "coverage");
  const intervals = Array.from({ length: runs }, () => interval(random));
  return intervals.filter(({ low, high }) => low <= truth && truth <= high).length / runs;
}

const slack = (level: number, runs: number): number => 4 * Math.sqrt((level * (1 - level)) / runs);

function isExact(share: number, level: number, runs: number): void {
  expect(Math.abs(share - level)).toBeLessThan(slack(level, runs));
}

function isSafe(share: number, level: number, runs: number): void {
  expect(share).toBeGreaterThan(level - slack(level, runs));
}

/** Waiting times of the customers of one M/M/1 queue with service rate 1, from steady state (Lindley's recursion). */
function waits(customers: number, load: number, random: Stream): number[] {
  let wait = random() < load ? exponential(random) / (1 - load) : 0;
  return list(customers, () => {
    const waited = wait;
    wait = Math.max(0, wait + exponential(random) - exponential(random) / load);
    return waited;
  });
}

/** Each sample is `memory` times the one before it, and a uniform draw; the mean is 0. */
function autoregressive(length: number, memory: number, random: Stream): number[] {
  let last = 0;
  for (let warm = 0; warm < 50; warm++) last = memory * last + random() - 0.5;
  return list(length, () => (last = memory * last + random() - 0.5));
}

describe("meanInterval", () => {
  test.each([[0.5], [0.95], [0.99], [0.999]])("holds the mean of ten replications as often as %d says", (level) => {
    const replication = (random: Stream) => summary(list(30, () => exponential(random))).mean;
    const share = covered(1000, 1, (random) =>
      meanInterval(
        list(10, () => replication(random)),
        { level },
      ),
    );
    isExact(share, level, 1000);
  });
});

describe("pairedInterval", () => {
  test("holds the difference of two designs as often as it says, and is narrower than both by what they share", () => {
    const widths = { paired: 0, apart: 0 };
    const share = covered(1000, 2, (random) => {
      const shared = list(20, () => 10 * random());
      const [first, second] = [0, 2].map((more) => shared.map((each) => each + more + random() - random()));
      const paired = pairedInterval(first!, second!);
      widths.paired += paired.high - paired.low;
      widths.apart += meanInterval(second!).high - meanInterval(second!).low;
      return paired;
    });
    isExact(share, 0.95, 1000);
    expect(widths.paired).toBeLessThan(widths.apart / 4);
  });
});

describe("proportionInterval", () => {
  test.each([
    [0.5, 20],
    [0.02, 200],
    [0.001, 300],
    [0.999, 300],
  ])("holds a chance of %d in %i trials at least as often as it says", (chance, of) => {
    for (const level of [0.95, 0.999]) {
      const share = covered(1000, chance, (random) => {
        const hits = list(of, random).filter((draw) => draw < chance).length;
        return proportionInterval({ hits, of }, { level });
      });
      isSafe(share, level, 1000);
    }
  });
});

describe("quantileInterval", () => {
  test.each([
    [0.5, 50],
    [0.9, 200],
    [0.99, 500],
    [0.01, 500],
  ])("holds the quantile of %d of %i samples at least as often as it says, and not much more", (p, count) => {
    const truth = -Math.log(1 - p);
    const samples = (random: Stream) => summary(list(count, () => exponential(random)));
    const share = covered(1000, truth, (random) => quantileInterval(samples(random), { p }));
    isSafe(share, 0.95, 1000);
    expect(share).toBeLessThan(0.99);
  });

  test("does so for samples of which many are equal", () => {
    const samples = (random: Stream) => summary(list(100, () => Math.floor(4 * random())));
    // A quarter of all draws is 0: at p = 0.7 the quantile is 2.
    isSafe(
      covered(500, 2, (random) => quantileInterval(samples(random), { p: 0.7 })),
      0.95,
      500,
    );
  });

  test("does not for customers of one queue, of which replicatedQuantile does", () => {
    // P(wait > t) = ρ e^(−(1 − ρ) t)
    const [load, p] = [0.8, 0.9];
    const truth = Math.log(load / (1 - p)) / (1 - load);
    const dependent = covered(200, truth, (random) => quantileInterval(summary(waits(1000, load, random)), { p }));
    expect(dependent).toBeLessThan(0.5);
    const replicated = covered(200, truth, (random) => {
      const replications = Array.from({ length: 11 }, () => summary(waits(1000, load, random)));
      return replicatedQuantile(replications, { p });
    });
    isSafe(replicated, 0.95, 200);
  });
});

describe("batchMeans", () => {
  test.each([[0.95], [0.99]])("holds the mean of samples that remember the one before as often as %d says", (level) => {
    const share = covered(1000, 0, (random) => batchMeans(autoregressive(2000, 0.5, random), { level }));
    isExact(share, level, 1000);
  });

  test("holds the mean wait of an M/M/1 queue as often as it says, where independence would not", () => {
    const [load, runs] = [0.5, 250];
    const truth = load / (1 - load);
    isExact(
      covered(runs, truth, (random) => batchMeans(waits(10_000, load, random))),
      0.95,
      runs,
    );
    expect(covered(runs, truth, (random) => meanInterval(waits(2000, load, random)))).toBeLessThan(0.6);
  });
});

describe("deviations", () => {
  test("from the truth are spread as a normal variable is", () => {
    const random = stream(2, "coverage");
    const found = list(1000, () => deviations(meanInterval(list(40, random)), 0.5));
    expect(found.filter((each) => Math.abs(each) <= 1).length / 1000).toBeCloseTo(0.683, 1);
    expect(found.filter((each) => each > 0).length / 1000).toBeCloseTo(0.5, 1);
  });
});
