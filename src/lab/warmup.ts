// How much of the beginning of a sequence to leave out, because it tells of the start and not of the steady state.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { notNegative } from "./check.ts";

export interface Warmup {
  /** How many samples to leave out: `samples.slice(cut)` are the others. */
  readonly cut: number;
  /** No more than half is left out. Otherwise the sequence has not come to rest, and a longer run is needed. */
  readonly settled: boolean;
}

const batchSize = 5;
/** Of so few batches at the end any may be alike by chance. */
const batchesLeft = 5;

/**
 * Where the warm-up of a sequence ends: after the `first` so many samples, after a `share` of all, or where MSER-5 puts
 * the end: there the mean of what is left has the least standard error.
 *
 * Promises: a sequence too short for MSER-5, of fewer than 50 samples, is not settled.
 * Fails: InvalidOption.
 * Source: K. White, "An effective truncation heuristic for bias reduction in simulation output" (1997), on means of 5.
 */
export function warmup(
  samples: readonly number[],
  rule: "mser-5" | { readonly first: number } | { readonly share: number } = "mser-5",
): Warmup {
  if (rule === "mser-5") return mser(samples);
  if ("first" in rule) {
    notNegative("first", rule.first);
    return warmupOf(Math.ceil(rule.first), samples);
  }
  if (!(rule.share >= 0 && rule.share < 1)) throw new InvalidOption("share", rule.share, "a number from 0 to below 1");
  return warmupOf(Math.ceil(rule.share * samples.length), samples);
}

function warmupOf(cut: number, samples: readonly number[]): Warmup {
  return { cut, settled: cut <= samples.length / 2 };
}

function mser(samples: readonly number[]): Warmup {
  const batches = Math.floor(samples.length / batchSize);
  if (batches < 2 * batchesLeft) return { cut: 0, settled: false };
  let best = { error: Number.POSITIVE_INFINITY, cut: 0 };
  let mean = 0;
  let squares = 0;
  // Backwards, so that each batch is looked at once; of equal cuts the shortest wins.
  for (let cut = batches - 1; cut >= 0; cut--) {
    const left = batches - cut;
    const batch =
      samples.slice(cut * batchSize, (cut + 1) * batchSize).reduce((sum, sample) => sum + sample, 0) / batchSize;
    const distance = batch - mean;
    mean += distance / left;
    squares += distance * (batch - mean);
    const error = squares / (left * left);
    if (left >= batchesLeft && error <= best.error) best = { error, cut };
  }
  return warmupOf(best.cut * batchSize, samples);
}
