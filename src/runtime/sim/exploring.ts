// How a run is explored.

import { keyed } from "../kernel/random.ts";
import type { Strategy } from "./choice.ts";

/**
 * When what takes time may happen. `windows`: timers at their time, a message on a link with a latency of `{ min, max }`
 * at any time between. `des`: such a latency is drawn when the message is sent. `async`: everything at any moment,
 * however long it should take; each actor then has a time of its own, that of the latest event it can know of.
 */
export type TimeMode = "windows" | "des" | "async";

export interface Exploring {
  readonly strategy: Strategy;
  readonly time: TimeMode;
  /** Seed of the times within windows; without it, each event comes as early as it can. */
  readonly times: number | undefined;
  /** Seed of which handlers begin beside another one of their actor that has not come to its first await; else none. */
  readonly joins: number | undefined;
  /** Events note what they do. */
  readonly takesNote: boolean;
}

/** When in a window an event comes, by a draw of its name: a third each for the earliest, the latest, and any between. */
export function timeWithin(soonestMs: number, untilMs: number, seed: number | undefined, name: string): number {
  if (seed === undefined) return soonestMs;
  const draw = keyed(seed, "when", name) * 3;
  const share = draw < 1 ? 0 : draw < 2 ? 1 : draw - 2;
  return soonestMs + (untilMs - soonestMs) * share;
}
