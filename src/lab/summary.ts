// What many measurements come to, computed from all of them: nothing is estimated or put into buckets.

import type { Bucket } from "../runtime/observe/histogram.ts";

export interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** The least sample that at least the share `p` of all samples does not exceed; `p` in [0, 1]. */
  quantile(p: number): number;
  /** The samples of these ranks, ascending, each from itself to itself; 1 is the least, `count` the greatest. */
  buckets(from: number, to: number): Iterable<Bucket>;
}

/** Sums up samples of any unit. Without samples every number is NaN. */
export function summary(samples: Iterable<number>): Summary {
  const sorted = Float64Array.from(samples).sort();
  const count = sorted.length;
  const at = (index: number): number => sorted[Math.min(Math.max(index, 0), count - 1)] ?? Number.NaN;
  return {
    count,
    mean: sorted.reduce((sum, sample) => sum + sample, 0) / count,
    min: at(0),
    max: at(count - 1),
    quantile: (p) => at(Math.ceil(p * count) - 1),
    *buckets(from, to) {
      for (const sample of sorted.subarray(Math.max(from - 1, 0), to)) yield { low: sample, high: sample, count: 1 };
    },
  };
}
