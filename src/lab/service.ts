// How long work takes: distributions by mean and coefficient of variation (cv = standard deviation / mean), so that
// designs are compared at equal work.

import { notNegative, positive } from "./check.ts";

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
