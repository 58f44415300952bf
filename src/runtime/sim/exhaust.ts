// Every order of a small program that makes a difference. Where that can not be promised, it says why.

import { Due } from "./due.ts";
import type { Body, Explorer, Finding, Played } from "./explorer.ts";
import { NotExhaustible, StepsExhausted } from "./failure.ts";
import { Astray, Exhaustive, Redundant } from "./strategy/exhaustive.ts";

export interface Exhausted {
  /** Orders that differ for some actor; if the search is complete, all there are. */
  readonly traces: number;
  /** Runs that were cut short as nothing new could come of them. */
  readonly redundant: number;
  readonly isComplete: boolean;
  readonly finding: Finding | undefined;
}

/**
 * Plays every order once, up to the first that fails, or all of them.
 *
 * Promises: with `isComplete`, no order was left out, in `async` time, in which timers and deadlines may come at any moment.
 * Fails: NotExhaustible, for what it can not do.
 */
export async function exhaust<B>(
  explorer: Explorer<B>,
  body: Body<B>,
  { tracesMax, stopsAtFirst = true }: { readonly tracesMax: number; readonly stopsAtFirst?: boolean },
): Promise<Exhausted> {
  const strategy = new Exhaustive();
  const plan = explorer.firstPlan;
  if (plan.time !== "async")
    throw new NotExhaustible(`time is ${plan.time}: give time "async", which has no clock to wait for`);
  let [traces, redundant] = [0, 0];
  let pending: Played["pending"] = [];
  let voided: Played["voided"] = [];
  let finding: Finding | undefined;
  for (let more = true; more; more = strategy.next(pending, voided)) {
    if (traces >= tracesMax) return { traces, redundant, isComplete: false, finding };
    const played = await explorer.play(plan, strategy, body, { takesNote: true });
    if (played.error instanceof Redundant) redundant++;
    else {
      refuse(played);
      traces++;
      explorer.coverage.add("exhaustive", undefined, played.happened, played.picks);
      if (played.error !== undefined) finding ??= explorer.findingOf(plan, played);
      if (finding !== undefined && stopsAtFirst) return { traces, redundant, isComplete: false, finding };
    }
    ({ pending, voided } = played);
  }
  explorer.coverage.isComplete = true;
  return { traces, redundant, isComplete: true, finding };
}

function refuse({ happened, pending, error, simulation, events, hasCycle }: Played): void {
  if (error instanceof Astray)
    throw new NotExhaustible(`the program is not the same in each run: ${error.message} did not come again`);
  if (error instanceof StepsExhausted) throw new NotExhaustible(`a run does not end: ${error.message}`);
  if (hasCycle && error === undefined)
    throw new NotExhaustible(
      "a circle of waits was broken, and which ask is withdrawn depends on orders that are not tried",
    );
  const [leak] = simulation?.leaks ?? [];
  if (leak !== undefined) throw new NotExhaustible(`${leak.path} waits for something from outside: ${leak.what}`);
  const rest = error === undefined ? pending.find((one) => !(one instanceof Due && one.timed.background)) : undefined;
  if (rest !== undefined)
    throw new NotExhaustible(
      `the body ended while ${rest.name} was still to come, which might have changed what it saw. End it with runUntilIdle`,
    );
  const bound = events.find(({ kind }) => kind === "bound");
  if (bound !== undefined)
    throw new NotExhaustible(
      `${bound.path} reached a bound: what is turned away depends on orders that are not tried. Raise it`,
    );
  for (const { cell } of happened) {
    const { concurrency, order } = cell.config;
    if (concurrency > 1)
      throw new NotExhaustible(
        `${cell.path} has concurrency ${concurrency}: its handlers mix at awaits that are no events`,
      );
    if (order !== "fifo") throw new NotExhaustible(`${cell.path} has a mailbox with an order of its own`);
  }
}
