// The mean of a sequence whose members depend on their neighbours, as response times of one queue do.

import { type Confidence, type Interval, meanInterval } from "./interval.ts";

/** A power of two. Between half as many and one less are full at a time, once there were as many samples. */
const batchesMax = 128;
const batchesMin = 20;
/** Neighbours that correlate so much make intervals that are too narrow. */
const correlationLimit = 0.2;

/**
 * Takes a sequence in steady state one by one and gives its mean with an interval, from the means of batches so long
 * that neighbours hardly depend on each other. A full set of batches is joined two by two.
 *
 * Promises: an interval has a `doubt` when there are fewer than 20 batches, or when neighbouring batches correlate by
 * 0.2 or more; independent ones do by chance in 1 to 4 of 100 runs.
 * Cost: 128 numbers, however long the sequence.
 * Source: A. Law, "Simulation modeling and analysis", on batch means; A. Law and J. Carson, "A sequential procedure for
 * determining the length of a steady-state simulation" (1979), on the correlation.
 */
export class BatchMeans {
  #sums: number[] = [];
  /** Samples of one batch. */
  #size = 1;
  /** Samples and sum of the batch that is not full. */
  #begun = 0;
  #sum = 0;
  #count = 0;
  #total = 0;

  get count(): number {
    return this.#count;
  }

  record(value: number): void {
    this.#count++;
    this.#total += value;
    this.#sum += value;
    if (++this.#begun < this.#size) return;
    this.#sums.push(this.#sum);
    this.#begun = this.#sum = 0;
    if (this.#sums.length < batchesMax) return;
    this.#sums = Array.from({ length: batchesMax / 2 }, (_, pair) => this.#sums[2 * pair]! + this.#sums[2 * pair + 1]!);
    this.#size *= 2;
  }

  /** The width is that of the full batches, the value is the mean of all samples. Fails: InvalidOption for the level. */
  interval(confidence: Confidence = {}): Interval {
    const means = this.#sums.map((sum) => sum / this.#size);
    const { value, high, level } = meanInterval(means, confidence);
    const half = high - value;
    const mean = this.#total / this.#count;
    const doubt = doubtOf(means, value);
    return {
      value: mean,
      low: mean - half,
      high: mean + half,
      level,
      count: this.#count,
      method: "batch means",
      ...(doubt && { doubt }),
    };
  }
}

/** The interval of {@link BatchMeans} for a sequence that is there as a whole. Fails: InvalidOption for the level. */
export function batchMeans(samples: Iterable<number>, confidence: Confidence = {}): Interval {
  const means = new BatchMeans();
  for (const sample of samples) means.record(sample);
  return means.interval(confidence);
}

function doubtOf(means: readonly number[], mean: number): string | undefined {
  if (means.length < batchesMin) return `${means.length} batches are too few, ${batchesMin} are needed`;
  const correlation = correlationOf(means, mean);
  if (!(correlation >= correlationLimit)) return undefined;
  return `neighbours of ${means.length} batches correlate by ${correlation.toFixed(2)}, which makes the interval too narrow; a longer run is needed`;
}

/** Of each with the next. NaN when all are equal. */
function correlationOf(means: readonly number[], mean: number): number {
  let [products, squares] = [0, 0];
  for (const [index, each] of means.entries()) {
    squares += (each - mean) * (each - mean);
    products += (each - mean) * ((means[index + 1] ?? mean) - mean);
  }
  return products / squares;
}
