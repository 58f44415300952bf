// Bursty loads: a Poisson process whose rate changes at random between two phases.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { notNegative, positive } from "./check.ts";
import { type Ends, gapMs, type Load, openLoad } from "./load.ts";

export interface Phase {
  /** The mean rate while it lasts; 0 is legal for one of the two. */
  readonly perSecond: number;
  /** How long it lasts on average; each time is drawn exponentially. */
  readonly seconds: number;
}

export interface Bursts extends Load {
  /**
   * The index of dispersion of counts: variance / mean of the number of requests in a long window. 1 is Poisson, 0 a
   * clock; a queue feels it about as it feels the squared cv of gaps.
   */
  readonly dispersion: number;
}

/**
 * Calm and burst in turns, each with Poisson arrivals of its own rate: a Markov-modulated Poisson process of two
 * phases; with a calm of 0 per second, an on/off load.
 *
 * Promises: the mean rate is that of the phases weighted by their lengths from the start on: the first phase is drawn
 * with these weights.
 * Fails: InvalidOption, also when both ends or none is given.
 * Source: W. Fischer and K. Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook" (1993), for the
 * limit of the index of dispersion.
 */
export function bursts({ calm, burst, ...ends }: { calm: Phase; burst: Phase } & Ends): Bursts {
  for (const [name, { perSecond, seconds }] of Object.entries({ calm, burst })) {
    notNegative(`${name}.perSecond`, perSecond);
    positive(`${name}.seconds`, seconds);
  }
  const cycle = calm.seconds + burst.seconds;
  const mean = (calm.perSecond * calm.seconds + burst.perSecond * burst.seconds) / cycle;
  if (mean === 0) throw new InvalidOption("bursts", "no request in either phase", "a rate above 0 in one of them");
  const apart = ((calm.perSecond - burst.perSecond) * calm.seconds * burst.seconds) / cycle;
  const load = openLoad("bursts", mean, ends, function* (random) {
    let [phase, other] = random() * cycle < calm.seconds ? [calm, burst] : [burst, calm];
    let startMs = 0;
    while (true) {
      const endMs = startMs + gapMs(1 / phase.seconds, random);
      // What was drawn beyond the end is dropped and drawn anew: exponential gaps have no memory.
      if (phase.perSecond > 0) {
        const gap = () => gapMs(phase.perSecond, random);
        for (let atMs = startMs + gap(); atMs < endMs; atMs += gap()) yield atMs;
      }
      startMs = endMs;
      [phase, other] = [other, phase];
    }
  });
  return { ...load, dispersion: 1 + (2 * apart * apart) / (mean * cycle) };
}
