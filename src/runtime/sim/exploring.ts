// How a run is explored.

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
