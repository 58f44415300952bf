// Claims about designs, and what measurements say of them. A verdict is a pure function of predictions and intervals:
// nobody who likes a claim has a say in it.

import type { Interval } from "./interval.ts";

/** What is claimed to hold under some conditions, beside what was measured under them. */
export interface Check {
  /** The conditions, for a reader: `D3, no hiccup`. */
  readonly where: string;
  readonly predicted: number;
  readonly measured: Interval;
  /** How the measured number is claimed to stand to the predicted one; `"equal"` by default. */
  readonly relation?: "equal" | "above" | "below";
  /** For `"equal"`: a difference of this share of the prediction is none; 0 by default. */
  readonly tolerance?: number;
  readonly unit?: string;
}

/**
 * `confirmed`: it holds wherever it was looked at. `limited`: it holds as it is made, and not under other conditions.
 * `refuted`: it does not hold as it is made. `open`: the measurements are not sharp enough to tell.
 */
export type Verdict = "confirmed" | "limited" | "refuted" | "open";

/**
 * The verdict on a claim. The first check is the claim as it is made, the others are its limits.
 *
 * An equality holds when the interval meets the predicted number, with its tolerance; a claim of above or below when
 * the whole interval lies there.
 */
export function verdict([claim, ...limits]: readonly Check[]): Verdict {
  const made = claim === undefined ? undefined : holds(claim);
  if (made === undefined) return "open";
  if (!made) return "refuted";
  const others = limits.map(holds);
  if (others.includes(false)) return "limited";
  return others.includes(undefined) ? "open" : "confirmed";
}

/** Undefined when the interval does not tell. */
function holds({ predicted, measured, relation = "equal", tolerance = 0 }: Omit<Check, "where">): boolean | undefined {
  const { low, high, value } = measured;
  if (![predicted, value, low, high].every(Number.isFinite)) return undefined;
  if (relation === "equal") {
    const slack = Math.abs(predicted) * tolerance;
    return low <= predicted + slack && high >= predicted - slack;
  }
  const [above, below] = [low > predicted, high < predicted];
  if (!above && !below) return low === high ? false : undefined;
  return relation === "above" ? above : below;
}
