// Many measurements in little memory, with a stated error. Each octave of doubles, from a power of two to the next, is
// cut into equal buckets; which one a number falls into is read from its bits, so that it is the same on every host.
// Source: G. Tene, HdrHistogram (2012), for the log-linear shape. Departure: buckets are made of the bits of doubles,
// so there is no range to declare.

import { InvalidOption } from "../kernel/failure.ts";

/** Where some of the samples lie: no one of them is below `low` or above `high`. */
export interface Bucket {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** The least double with a full mantissa: what is below, there are no equal parts of an octave for. */
const least = 2.2250738585072014e-308;
const bits = new DataView(new ArrayBuffer(8));

/**
 * Counts numbers of at least 0, of any unit.
 *
 * Promises: `count`, `mean`, `min` and `max` come from the samples themselves; a quantile is off by at most `error`
 * times the exact one.
 * Units: `error` has none; it is 0.01 by default and may be 0.0001 to 0.5. Numbers below 2.3e-308 count as 0.
 * Cost: a record allocates nothing, but for the first of an octave. At 1 % an octave has 64 buckets of 8 bytes, and all
 * octaves between the least and the greatest sample have theirs.
 */
export class Histogram {
  readonly error: number;
  /** What is left of a double's high 32 bits when this many are cut off says its bucket. */
  readonly #cut: number;
  readonly #perOctave: number;
  #counts: Float64Array = new Float64Array(0);
  /** The bucket that `#counts[0]` counts, the first of an octave. */
  #first = 0;
  #zeros = 0;
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  constructor({ error = 0.01 }: { error?: number } = {}) {
    if (!(error >= 0.0001 && error <= 0.5)) throw new InvalidOption("error", error, "a number from 0.0001 to 0.5");
    let bitsKept = 0;
    // The middle of a bucket is off by half of its width, of which an octave's first number has `perOctave`.
    while (1 / (2 << bitsKept) > error) bitsKept++;
    this.error = error;
    this.#cut = 20 - bitsKept;
    this.#perOctave = 1 << bitsKept;
  }

  get count(): number {
    return this.#count;
  }

  get mean(): number {
    return this.#sum / this.#count;
  }

  get min(): number {
    return this.#count > 0 ? this.#min : Number.NaN;
  }

  get max(): number {
    return this.#count > 0 ? this.#max : Number.NaN;
  }

  /** Fails: InvalidOption for a value that is negative or not finite, and for `times` that is no whole number above 0. */
  record(value: number, times = 1): void {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new InvalidOption("value", value, "a finite number of at least 0");
    }
    if (!(Number.isSafeInteger(times) && times > 0)) throw new InvalidOption("times", times, "a whole number above 0");
    this.#count += times;
    this.#sum += value * times;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (value < least) {
      this.#zeros += times;
      return;
    }
    const bucket = this.#bucketOf(value);
    let place = bucket - this.#first;
    if (place < 0 || place >= this.#counts.length) {
      this.#reach(bucket, bucket);
      place = bucket - this.#first;
    }
    this.#counts[place]! += times;
  }

  /**
   * Of the least sample that at least the share `p` of all samples does not exceed; `p` in [0, 1]. NaN without samples.
   * The least and the greatest sample are exact.
   */
  quantile(p: number): number {
    const rank = Math.min(Math.max(Math.ceil(p * this.#count), 1), this.#count);
    if (rank === 1) return this.min;
    if (rank === this.#count) return this.max;
    for (const { low, high } of this.buckets(rank, rank)) return low + (high - low) / 2;
    return Number.NaN;
  }

  /** How many samples are above `threshold`: at least `low` and at most `high`, which differ by one bucket or nothing. */
  above(threshold: number): { low: number; high: number } {
    let low = 0;
    let high = 0;
    for (const bucket of this.buckets()) {
      if (bucket.low > threshold) low += bucket.count;
      if (bucket.high > threshold) high += bucket.count;
    }
    return { low, high };
  }

  /** The buckets that hold the samples of these ranks, ascending: 1 is the least sample, `count` the greatest. */
  *buckets(from = 1, to: number = this.#count): Generator<Bucket> {
    let rank = this.#zeros;
    if (rank > 0 && from <= rank) yield { low: 0, high: 0, count: rank };
    for (let place = 0; rank < to && place < this.#counts.length; place++) {
      const count = this.#counts[place]!;
      rank += count;
      if (count > 0 && from <= rank) {
        const low = Math.max(this.#startOf(this.#first + place), this.#min);
        const high = Math.min(this.#startOf(this.#first + place + 1), this.#max);
        yield { low, high, count };
      }
    }
  }

  /** Adds what another has counted. Fails: InvalidOption when their errors differ. */
  merge(other: Histogram): void {
    if (other.error !== this.error) throw new InvalidOption("error", other.error, `${this.error}, as here`);
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    this.#zeros += other.#zeros;
    if (other.#counts.length === 0) return;
    this.#reach(other.#first, other.#first + other.#counts.length - 1);
    const shift = other.#first - this.#first;
    for (let place = 0; place < other.#counts.length; place++) this.#counts[place + shift]! += other.#counts[place]!;
  }

  #bucketOf(value: number): number {
    bits.setFloat64(0, value);
    return bits.getUint32(0) >>> this.#cut;
  }

  #startOf(bucket: number): number {
    bits.setUint32(0, bucket << this.#cut);
    bits.setUint32(4, 0);
    return bits.getFloat64(0);
  }

  /** Makes room for these buckets, in whole octaves. */
  #reach(from: number, to: number): void {
    const none = this.#counts.length === 0;
    const first = Math.min(from - (from % this.#perOctave), none ? from : this.#first);
    const end = Math.max(to - (to % this.#perOctave) + this.#perOctave, none ? 0 : this.#first + this.#counts.length);
    if (end - first === this.#counts.length) return;
    const counts = new Float64Array(end - first);
    if (!none) counts.set(this.#counts, this.#first - first);
    this.#counts = counts;
    this.#first = first;
  }
}
