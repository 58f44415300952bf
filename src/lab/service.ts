// How long work takes: distributions by mean and coefficient of variation (cv = standard deviation / mean), so that
// designs are compared at equal work. Each draws a fixed number of times, so that keyed draws stay in step.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { notNegative, positive, whole } from "./check.ts";

/** Draws one duration in ms; `random` gives uniform numbers in [0, 1). */
export type ServiceTime = (random: () => number) => number;

/** Always `mean` ms, without drawing. Fails: InvalidOption. */
export function constant(mean: number): ServiceTime {
  notNegative("mean", mean, " of ms");
  return () => mean;
}

/** Memoryless, cv 1: one draw. Units: `mean` in ms. Fails: InvalidOption. */
export function exponential({ mean }: { mean: number }): ServiceTime {
  positive("mean", mean, " of ms");
  return (random) => -mean * Math.log(1 - random());
}

/**
 * Work in `k` exponential stages, one after the other: cv 1/√k, below 1. `k` draws.
 *
 * Units: `mean` of all stages together, in ms.
 * Fails: InvalidOption.
 */
export function erlang({ mean, k }: { mean: number; k: number }): ServiceTime {
  positive("mean", mean, " of ms");
  whole("k", k);
  return (random) => {
    let stages = 0;
    for (let stage = 0; stage < k; stage++) stages -= Math.log(1 - random());
    return (mean / k) * stages;
  };
}

/**
 * Two kinds of work, each exponential: many are short, few are long. Any cv from 1 on: two draws.
 *
 * Promises: balanced means, each kind makes up half of all work.
 * Units: `mean` in ms; `cv` has none, 1 is the exponential.
 * Fails: InvalidOption.
 * Source: W. Whitt, "Approximating a point process by a renewal process, I" (1982).
 */
export function hyperexponential({ mean, cv }: { mean: number; cv: number }): ServiceTime {
  positive("mean", mean, " of ms");
  if (!(cv >= 1 && Number.isFinite(cv))) throw new InvalidOption("cv", cv, "a number of at least 1");
  const square = cv * cv;
  const long = 1 / (square + 1) / (1 + Math.sqrt((square - 1) / (square + 1)));
  return (random) => {
    const share = random() < long ? long : 1 - long;
    return (-mean / 2 / share) * Math.log(1 - random());
  };
}

/**
 * A power law: at least `mean × (alpha − 1) / alpha`, and longer than x with a chance that falls as x to the −`alpha`.
 * One draw. Its cv is 1/√(alpha × (alpha − 2)) for an `alpha` above 2, and infinite otherwise; between 2 and 3 means of
 * samples settle very slowly.
 *
 * Units: `mean` in ms; `alpha` is above 1.
 * Fails: InvalidOption.
 */
export function pareto({ mean, alpha }: { mean: number; alpha: number }): ServiceTime {
  positive("mean", mean, " of ms");
  if (!(alpha > 1 && Number.isFinite(alpha))) throw new InvalidOption("alpha", alpha, "a number above 1");
  const least = (mean * (alpha - 1)) / alpha;
  return (random) => least * Math.exp(-Math.log(1 - random()) / alpha);
}

/**
 * One of the given samples in ms, each with the same chance: mean and cv are theirs, and nothing is longer than the
 * longest. One draw. Fails: InvalidOption.
 */
export function empirical(samples: Iterable<number>): ServiceTime {
  const kept = Float64Array.from(samples);
  if (kept.length === 0) throw new InvalidOption("samples", "none", "at least one number of ms");
  for (const [index, sample] of kept.entries()) notNegative(`samples[${index}]`, sample, " of ms");
  return (random) => kept[Math.floor(random() * kept.length)]!;
}

/**
 * From the quantiles of a dashboard: points `[share, ms]` from share 0 to share 1, with straight lines between them. One
 * draw. What lies beyond the last known quantile is not invented: the longest time is for the caller to state.
 *
 * Fails: InvalidOption.
 * Example: `quantiles([[0, 2], [0.5, 20], [0.95, 80], [0.99, 300], [1, 2000]])`.
 */
export function quantiles(points: readonly (readonly [share: number, ms: number])[]): ServiceTime {
  const allowed = "points [share, ms] from share 0 to share 1, both ascending";
  if (points[0]?.[0] !== 0 || points.at(-1)![0] !== 1)
    throw new InvalidOption("quantiles", `shares ${points.map(([share]) => share).join(", ")}`, allowed);
  for (const [index, [share, ms]] of points.entries()) {
    notNegative(`points[${index}]`, ms, " of ms");
    const before = points[index - 1];
    if (before && !(share > before[0] && ms >= before[1]))
      throw new InvalidOption(`points[${index}]`, `${share}, ${ms} after ${before.join(", ")}`, allowed);
  }
  return (random) => {
    const draw = random();
    const index = points.findIndex(([share]) => share > draw);
    const [[lowShare, low], [highShare, high]] = [points[index - 1]!, points[index]!];
    return low + ((draw - lowShare) / (highShare - lowShare)) * (high - low);
  };
}

/**
 * Never negative, with a tail to the right, as response times have: two draws.
 *
 * Units: `mean` in ms; `cv` has none, 0 gives the mean itself.
 * Fails: InvalidOption.
 * Source: Box and Muller 1958 for the normal draw, from log, sqrt and cos: these agree on every supported Node.
 */
export function lognormal({ mean, cv }: { mean: number; cv: number }): ServiceTime {
  positive("mean", mean, " of ms");
  notNegative("cv", cv);
  const variance = Math.log(1 + cv * cv);
  const location = Math.log(mean) - variance / 2;
  const scale = Math.sqrt(variance);
  return (random) => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return Math.exp(location + scale * radius * Math.cos(2 * Math.PI * random()));
  };
}
