// Loads of independent customers whose rate changes by a plan: steps, spikes, ramps and days.

import { milliseconds } from "../runtime/kernel/duration.ts";
import { InvalidOption } from "../runtime/kernel/failure.ts";
import type { Duration } from "../runtime/kernel/protocol.ts";
import { notNegative, positive } from "./check.ts";
import { type Ends, gapMs, type Load, openLoad } from "./load.ts";

/** A stretch of one rate, or a ramp from one rate to another; rates are per second. */
export type Piece =
  | { readonly perSecond: number; readonly seconds: number }
  | { readonly from: number; readonly to: number; readonly seconds: number };

/**
 * One piece after the other, and then the end: `[{ perSecond: 20, seconds: 60 }, { perSecond: 200, seconds: 5 }, …]`.
 *
 * Promises: Poisson with exactly the rate of each piece.
 * Fails: InvalidOption, also when no piece has a rate above 0.
 * Source: inversion of the integrated rate, L. Devroye, "Non-Uniform Random Variate Generation" (1986), VI.1.3.
 */
export function piecewise(pieces: readonly Piece[]): Load {
  const ramps = pieces.map((piece, index) => rampOf(piece, `pieces[${index}]`));
  const requests = ramps.reduce((sum, ramp) => sum + ramp.requests, 0);
  positive("piecewise", requests, " of requests");
  return {
    kind: "open",
    requests,
    lastsMs: ramps.reduce((sum, { seconds }) => sum + seconds, 0) * 1000,
    *times(random) {
      const gap = () => -Math.log(1 - random());
      let start = 0;
      // How many requests are expected from the start of the piece to the next request.
      let ahead = gap();
      for (const ramp of ramps) {
        for (; ahead < ramp.requests; ahead += gap()) yield (start + reached(ramp, ahead)) * 1000;
        ahead -= ramp.requests;
        start += ramp.seconds;
      }
    },
  };
}

interface Ramp {
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
  /** On average. */
  readonly requests: number;
}

function rampOf(piece: Piece, name: string): Ramp {
  const { from, to, seconds } = "from" in piece ? piece : { ...piece, from: piece.perSecond, to: piece.perSecond };
  notNegative(`${name}.${"from" in piece ? "from" : "perSecond"}`, from);
  notNegative(`${name}.to`, to);
  positive(`${name}.seconds`, seconds);
  return { from, to, seconds, requests: ((from + to) / 2) * seconds };
}

/** Seconds from the start of the ramp until `requests` are expected: the root of from·t + (to − from)·t²/(2·seconds). */
function reached({ from, to, seconds }: Ramp, requests: number): number {
  // Rounding may take the root of a ramp that ends at 0 below 0, and a time beyond the end; 0/0 is the very start.
  const root = Math.sqrt(Math.max(0, from * from + (2 * (to - from) * requests) / seconds));
  return Math.min(seconds, (2 * requests) / (from + root) || 0);
}

/**
 * Days: the rate swings as a cosine around its mean `perSecond`, from `1 − amplitude` of it at the start of each
 * `period` to `1 + amplitude` in its middle; `amplitude` is from 0 to 1.
 *
 * Fails: InvalidOption, also when both ends or none is given.
 * Source: P. Lewis and G. Shedler, "Simulation of nonhomogeneous Poisson processes by thinning" (1979).
 */
export function diurnal(options: { perSecond: number; amplitude: number; period: Duration } & Ends): Load {
  const { perSecond, amplitude, period, ...ends } = options;
  positive("perSecond", perSecond);
  if (!(amplitude >= 0 && amplitude <= 1)) throw new InvalidOption("amplitude", amplitude, "a number from 0 to 1");
  const periodMs = milliseconds("period", period);
  positive("period", periodMs, " of ms");
  const load = openLoad("diurnal", perSecond, ends, function* (random) {
    const most = 1 + amplitude;
    for (let atMs = 0; ; ) {
      atMs += gapMs(perSecond * most, random);
      if (random() * most < 1 - amplitude * Math.cos((2 * Math.PI * atMs) / periodMs)) yield atMs;
    }
  });
  if (ends.seconds === undefined) return load;
  // The days that are not whole count too.
  const swing = (amplitude * periodMs) / 1000 / (2 * Math.PI);
  const requests = perSecond * (ends.seconds - swing * Math.sin((2 * Math.PI * load.lastsMs) / periodMs));
  return { ...load, requests };
}
