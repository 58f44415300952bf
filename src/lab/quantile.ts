// Intervals of quantiles from the order of samples: which distribution they have does not matter.
// Source: H. David and H. Nagaraja, "Order statistics" (3rd edition, 2003), §7.1.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { hitsQuantile } from "./distribution.ts";
import { type Confidence, checkLevel, type Interval } from "./interval.ts";
import { summary } from "./summary.ts";

/** Samples in order: a `Summary`, or a `Histogram`, whose buckets make the interval a little wider. */
export interface Ranked {
  readonly count: number;
  quantile(p: number): number;
  /** Where the samples of these ranks lie, ascending: 1 is the least sample, `count` the greatest. */
  buckets(from: number, to: number): Iterable<{ readonly low: number; readonly high: number }>;
}

/**
 * What the share `p` of all that could be drawn does not exceed, from independent samples. Response times of one queue
 * are not independent, and need {@link replicatedQuantile}.
 *
 * Promises: covers with at least its level, whatever the distribution. An end that so few samples can not tell is
 * infinite. `split` says that a gap between samples takes more than half of it: the quantile stands where one mode ends
 * and another begins, and the next run may find it in either. In one mode so wide a gap has, with k samples in the
 * interval, a chance of about k / 2^(k − 2).
 * Fails: InvalidOption for a `p` that is not in (0, 1), or the level.
 */
export function quantileInterval(samples: Ranked, { p, level = 0.95 }: Confidence & { readonly p: number }): Interval {
  checkLevel(level);
  if (!(p > 0 && p < 1)) throw new InvalidOption("p", p, "a number above 0 and below 1");
  const { count } = samples;
  // The quantile is in [sample of rank from, sample of rank to) when `from` to `to - 1` samples do not exceed it.
  const from = hitsQuantile((1 - level) / 2, count, p);
  const to = hitsQuantile((1 + level) / 2, count, p) + 1;
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  let gap = 0;
  let before: number | undefined;
  for (const bucket of samples.buckets(Math.max(from, 1), to)) {
    if (before === undefined && from >= 1) low = bucket.low;
    if (before !== undefined) gap = Math.max(gap, bucket.low - before);
    before = bucket.high;
  }
  if (before !== undefined && to <= count) high = before;
  const split = gap > (high - low) / 2;
  return { value: samples.quantile(p), low, high, level, count, method: "order statistics", ...(split && { split }) };
}

/**
 * The same from independent replications: the median of their quantiles. What happens inside a replication may depend
 * on itself as it likes. A mean of quantiles would lie between two modes, where nothing is.
 *
 * Promises: covers that median with at least its level; the longer a replication, the nearer it is to the quantile.
 * Units: of the interval, `count` is the number of replications. At 95 % both ends are finite from 6 on, at 99.9 % from 11.
 * Fails: InvalidOption as {@link quantileInterval}.
 */
export function replicatedQuantile(
  replications: readonly Pick<Ranked, "quantile">[],
  { p, ...confidence }: Confidence & { readonly p: number },
): Interval {
  if (!(p > 0 && p < 1)) throw new InvalidOption("p", p, "a number above 0 and below 1");
  return quantileInterval(summary(replications.map((each) => each.quantile(p))), { p: 0.5, ...confidence });
}
