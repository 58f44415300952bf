import { BatchMeans, batchMeans, meanInterval, summary } from "antiphon/lab";
import { describe, expect, test } from "vitest";
import { stream } from "../../src/runtime/kernel/random.ts";

function uniforms(count: number, seed: number): number[] {
  const random = stream(seed, "batches");
  return Array.from({ length: count }, random);
}

/** Means of so many samples each. */
function means(samples: readonly number[], size: number): number[] {
  const batches = Array.from({ length: Math.floor(samples.length / size) }, (_, batch) =>
    samples.slice(batch * size, (batch + 1) * size),
  );
  return batches.map((batch) => summary(batch).mean);
}

describe("BatchMeans", () => {
  test.each([
    [20, 1],
    [127, 1],
    [128, 2],
    [255, 2],
    [256, 4],
    [5000, 64],
    [8191, 64],
    [8192, 128],
  ])("of %i samples has batches of %i, and the mean of all", (count, size) => {
    const samples = uniforms(count, 1);
    const batches = meanInterval(means(samples, size), { level: 0.99 });
    const { value, low, high, ...rest } = batchMeans(samples, { level: 0.99 });
    expect(value).toBeCloseTo(meanInterval(samples).value, 12);
    expect(high - value).toBeCloseTo(batches.high - batches.value, 12);
    expect(value - low).toBeCloseTo(high - value, 12);
    expect(rest).toMatchObject({ level: 0.99, count, method: "batch means" });
  });

  test("has an interval at any time", () => {
    const batches = new BatchMeans();
    for (const [index, sample] of uniforms(300, 2).entries()) {
      batches.record(sample);
      if (index % 50 === 0) expect(batches.interval()).toEqual(batchMeans(uniforms(index + 1, 2)));
    }
    expect(batches.count).toBe(300);
  });

  test("doubts fewer than 20 batches", () => {
    expect(batchMeans(uniforms(19, 1)).doubt).toBe("19 batches are too few, 20 are needed");
    expect(batchMeans([])).toMatchObject({ value: Number.NaN, doubt: "0 batches are too few, 20 are needed" });
    expect(batchMeans(uniforms(20, 1)).doubt).toBeUndefined();
  });

  test("doubts batches whose neighbours depend on each other", () => {
    const slow = uniforms(10_000, 1);
    for (let index = 1; index < slow.length; index++) slow[index] = 0.99 * slow[index - 1]! + 0.01 * slow[index]!;
    expect(batchMeans(slow).doubt).toMatch(
      /^neighbours of 78 batches correlate by 0\.\d\d, .* a longer run is needed$/,
    );
  });

  test("doubts few sequences of independent samples", () => {
    const doubted = (length: number) =>
      Array.from({ length: 500 }, (_, seed) => batchMeans(uniforms(length, seed))).filter(({ doubt }) => doubt).length;
    // 4.2 and 0.9 of 100 are expected from a correlation that is normal, about -1 / n, with variance 1 / n; of 500,
    // within four standard deviations.
    expect(doubted(64 * 4)).toBeLessThan(39);
    expect(doubted(127 * 4)).toBeLessThan(13);
  });

  test("is exact for what never varies", () => {
    expect(batchMeans(new Array<number>(1000).fill(40))).toEqual({
      value: 40,
      low: 40,
      high: 40,
      level: 0.95,
      count: 1000,
      method: "batch means",
    });
  });
});
