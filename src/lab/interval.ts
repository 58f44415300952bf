// What samples say about a number that they were drawn around, and with which confidence.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { positive } from "./check.ts";
import { chanceOfAtMost, normalQuantile, studentQuantile } from "./distribution.ts";

export interface Interval {
  /** The best guess; NaN without samples. */
  readonly value: number;
  /** Of runs with other seeds, the share `level` has the true number from `low` to `high`. */
  readonly low: number;
  readonly high: number;
  readonly level: number;
  /** How many samples it rests on. */
  readonly count: number;
  readonly method: "independent samples" | "pairs" | "batch means" | "Clopper-Pearson" | "order statistics";
  /** More than half of it is empty: there are samples at both ends, and a gap between them. */
  readonly split?: boolean;
  /** What speaks against it. */
  readonly doubt?: string;
}

export interface Confidence {
  /** In (0, 0.999999]; 0.95 by default. At 0.95 one interval of twenty misses, at 0.999 one of a thousand. */
  readonly level?: number;
}

/**
 * The mean that independent samples were drawn around, such as one result of each of several replications. Response
 * times of one run are not independent: see `batchMeans`.
 *
 * Fails: InvalidOption for the level.
 * Source: Student, "The probable error of a mean" (1908). Near to exact for ten samples or more of moderate skewness.
 */
export function meanInterval(samples: readonly number[], { level = 0.95 }: Confidence = {}): Interval {
  checkLevel(level);
  const count = samples.length;
  const value = samples.reduce((sum, sample) => sum + sample, 0) / count;
  const squares = samples.reduce((sum, sample) => sum + (sample - value) * (sample - value), 0);
  const degrees = count - 1;
  const half =
    degrees > 0 ? studentQuantile((1 + level) / 2, degrees) * Math.sqrt(squares / degrees / count) : Infinity;
  return { value, low: value - half, high: value + half, level, count, method: "independent samples" };
}

/**
 * The mean of what `second` has more than `first`, sample by sample: two designs under the same random numbers. The
 * pairs must be independent of each other, as those of replications are.
 *
 * Fails: InvalidOption for lists of different lengths, or the level.
 */
export function pairedInterval(
  first: readonly number[],
  second: readonly number[],
  confidence: Confidence = {},
): Interval {
  if (first.length !== second.length) {
    throw new InvalidOption("second", `${second.length} samples`, `${first.length} samples, one for each of the first`);
  }
  const differences = first.map((sample, index) => second[index]! - sample);
  return { ...meanInterval(differences, confidence), method: "pairs" };
}

/**
 * The chance of a hit, from `hits` in `of` independent trials.
 *
 * Promises: covers with at least its level, whatever the chance and however few the trials.
 * Fails: InvalidOption.
 * Source: C. Clopper and E. Pearson, "The use of confidence or fiducial limits" (1934).
 */
export function proportionInterval(
  { hits, of }: { hits: number; of: number },
  { level = 0.95 }: Confidence = {},
): Interval {
  checkLevel(level);
  if (!(Number.isSafeInteger(of) && of >= 0)) throw new InvalidOption("of", of, "a whole number of at least 0");
  if (!(Number.isSafeInteger(hits) && hits >= 0 && hits <= of)) {
    throw new InvalidOption("hits", hits, `a whole number from 0 to ${of}`);
  }
  const missed = (1 - level) / 2;
  return {
    value: hits / of,
    low: hits === 0 ? 0 : chanceWhere((chance) => chanceOfAtMost(hits - 1, of, chance) > 1 - missed),
    high: hits === of ? 1 : chanceWhere((chance) => chanceOfAtMost(hits, of, chance) > missed),
    level,
    count: of,
    method: "Clopper-Pearson",
  };
}

/** The same in another unit: `scaled(share, 100)` in percent. Fails: InvalidOption for a factor that is not above 0. */
export function scaled(interval: Interval, factor: number): Interval {
  positive("factor", factor);
  const { value, low, high } = interval;
  return { ...interval, value: value * factor, low: low * factor, high: high * factor };
}

/**
 * How far the value is from a prediction, as a number of standard deviations: a prediction at an end of an interval of
 * 95 % is 1.96 of them away. Positive when the value is greater.
 */
export function deviations({ value, low, high, level }: Interval, predicted: number): number {
  if (value === predicted) return 0;
  const side = predicted < value ? value - low : high - value;
  return ((value - predicted) / side) * normalQuantile((1 + level) / 2);
}

/** Fails: InvalidOption. */
export function checkLevel(level: number): void {
  if (!(level > 0 && level <= 0.999_999)) throw new InvalidOption("level", level, "a number above 0, at most 0.999999");
}

/** The chance from which on `holds` is false, which it is at 1: halved until no double lies between. */
function chanceWhere(holds: (chance: number) => boolean): number {
  let [low, high] = [0, 1];
  for (let middle = 0.5; middle > low && middle < high; middle = (low + high) / 2) {
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return high;
}
