// Decides what becomes of a message after a delivery: settled, delivered again after a wait, parked, or dead. Pure: the
// time and the draws are given.

import { isOver } from "./apply.ts";
import type { DeadReason } from "./event.ts";
import { bury } from "./grave.ts";
import type { Ledger } from "./ledger.ts";
import type { Moment } from "./publish.ts";
import type { Delivery, Entry, StoreState, Subscription } from "./state.ts";

/** How a delivery that began came to no good end: by its handler, by its lease, or by a word of its consumer. */
export type End = "crash" | "expiry" | "nack";

/** What a subscription does about failures. */
export interface Redelivery {
  readonly maxAttempts: number;
  /** The ends of which `maxAttempts` are enough. */
  readonly counts: ReadonlySet<End | "revoked">;
  /** The wait before attempt n + 1, after n have failed, in ms. */
  waitMs(failures: number, random: () => number): number;
  readonly onExhausted: "deadLetter" | "drop" | "park";
  readonly onRefusal: "deadLetter" | "retry" | "drop";
  readonly onExpired: "deadLetter" | "drop";
  /** What would be a dead letter for what it is stays, and holds its lane. */
  readonly parksLane: boolean;
  /** Dead letters that are kept. */
  readonly deadLetters: number;
}

/** How a delivery failed. */
export interface Mishap {
  readonly code: string;
  readonly error: string;
}

/** What becomes of it: undefined when it comes again. */
export type Verdict = DeadReason | "dropped" | "expired" | undefined;

export function acknowledge(ledger: Ledger, one: Delivery): void {
  ledger.settle(one, "acked");
}

/** A delivery that began has failed. */
export function fail(
  ledger: Ledger,
  one: Delivery,
  end: End | "revoked",
  redelivery: Redelivery,
  mishap: Mishap,
  moment: Moment,
): Verdict {
  const { of, entry, attempt } = one;
  const at = moment.now;
  const isFree = !redelivery.counts.has(end);
  const told = { topic: of.topic.name, name: of.name, seq: entry.seq, at, ...mishap };
  if (isFree || one.failures + 1 < redelivery.maxAttempts) {
    const waitMs = redelivery.waitMs(attempt, moment.random);
    if (waitMs === Number.POSITIVE_INFINITY) {
      ledger.emit({ kind: "parked", ...told });
      return undefined;
    }
    const notBefore = waitMs > 0 ? at + waitMs : 0;
    ledger.emit({ kind: "failed", ...told, notBefore, ...(isFree && { isFree }) });
    return isExpired(entry, at) ? expire(ledger, one, redelivery, at) : undefined;
  }
  if (redelivery.onExhausted === "deadLetter") return giveUp(ledger, one, "exhausted", redelivery, mishap, at);
  if (redelivery.onExhausted === "park") {
    ledger.emit({ kind: "parked", ...told });
    return undefined;
  }
  ledger.emit({ kind: "failed", ...told, notBefore: 0 });
  ledger.settle(one, "dropped");
  return "dropped";
}

/** A dead letter for what it is; or it is parked, and its lane with it. */
function giveUp(
  ledger: Ledger,
  one: Delivery,
  reason: DeadReason,
  { parksLane, deadLetters }: Redelivery,
  mishap: Mishap,
  at: number,
): Verdict {
  const { of, entry, lane } = one;
  const told = { topic: of.topic.name, name: of.name, seq: entry.seq, at, ...mishap };
  if (parksLane && lane !== undefined) {
    ledger.emit({ kind: "parked", ...told });
    return undefined;
  }
  ledger.emit({ kind: "failed", ...told, notBefore: 0 });
  return bury(ledger, one, reason, deadLetters, at);
}

/** The consumer said no, has no such message, or could not read it: there is no use in trying again. */
export function reject(
  ledger: Ledger,
  one: Delivery,
  reason: "rejected" | "noHandler" | "undecodable",
  redelivery: Redelivery,
  mishap: Mishap,
  moment: Moment,
): Verdict {
  if (reason === "rejected" && redelivery.onRefusal === "retry")
    return fail(ledger, one, "nack", redelivery, mishap, moment);
  if (reason === "rejected" && redelivery.onRefusal === "drop") {
    ledger.settle(one, "dropped");
    return "dropped";
  }
  return giveUp(ledger, one, reason, redelivery, mishap, moment.now);
}

/**
 * A delivery did not begin, or was cut short by another one: it counts for nothing, and comes first again. After a wait
 * without end it comes when it is asked for.
 */
export function release(ledger: Ledger, one: Delivery, waitMs: number, now: number): void {
  const { of, entry } = one;
  if (waitMs === Number.POSITIVE_INFINITY) {
    ledger.emit({ kind: "deferred", topic: of.topic.name, name: of.name, seq: entry.seq });
    return;
  }
  const notBefore = waitMs > 0 ? now + waitMs : 0;
  ledger.emit({ kind: "released", topic: of.topic.name, name: of.name, seq: entry.seq, notBefore });
}

/** It was out in an incarnation that is no more: how it ended, nobody will hear. */
export function resume(ledger: Ledger, one: Delivery, now: number): void {
  if (isOver(one)) ledger.settle(one, "dropped");
  else if (one.phase === "leased") release(ledger, one, 0, now);
}

export function isExpired({ expiresAt }: Entry, now: number): boolean {
  return expiresAt > 0 && expiresAt <= now;
}

export function expire(ledger: Ledger, one: Delivery, redelivery: Redelivery, now: number): Verdict {
  if (redelivery.onExpired === "deadLetter") return bury(ledger, one, "expired", redelivery.deadLetters, now);
  ledger.settle(one, "expired");
  return "expired";
}

/** Makes ready what has waited long enough, and gives to `expired` what has waited too long. */
export function due(
  state: StoreState,
  ledger: Ledger,
  now: number,
  expired: (one: Delivery) => void,
): Set<Subscription> {
  const touched = new Set<Subscription>();
  while (state.agenda.soonest <= now) {
    const one = state.agenda.take() as Delivery;
    const { of, entry, phase } = one;
    if (phase === "over" || phase === "leased" || phase === "parked") continue;
    touched.add(of);
    if (isExpired(entry, now)) expired(one);
    else if (phase === "scheduled" && one.notBefore <= now) {
      const isKept = of.rules.passes && one.lane !== undefined;
      ledger.emit({ kind: "woken", topic: of.topic.name, name: of.name, seq: entry.seq, isKept });
    }
  }
  return touched;
}
