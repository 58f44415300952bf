// The order of a run as data: a set of pairs "this event after that one", both of one actor. The empty set is the base
// order; each pair says one way in which the run differs from it. Names of events survive edits of the program, so a
// schedule does.

import { InvalidOption } from "../kernel/failure.ts";
import { oneOf } from "../kernel/options.ts";
import type { Choice } from "./choice.ts";
import type { Exploring, TimeMode } from "./exploring.ts";
import { drawStrategy, type StrategyName, strategies } from "./strategy/portfolio.ts";
import { Replay } from "./strategy/replay.ts";

/** `event` happens only after `after` has. */
export interface Pair {
  readonly event: string;
  readonly after: string;
  /** It begins at once, before the handler that `after` began has come to its first await. */
  readonly beside?: true | undefined;
}

export function isPair(one: Partial<Pair> | null): boolean {
  if (typeof one?.event !== "string" || typeof one.after !== "string") return false;
  return one.beside === undefined || one.beside === true;
}

/** In which order a run happens: as a strategy draws it, or as the pairs say. Without pairs it is the base order. */
export type Schedule = (
  | { readonly strategy: StrategyName; readonly seed: number }
  | { readonly pairs: readonly Pair[]; readonly times?: number | undefined }
) & {
  /** `"windows"` by default. */
  readonly time?: TimeMode | undefined;
};

/** Choices that a run is thought to have, where a strategy has to know. */
const choicesExpected = 64;

/** Fails: InvalidOption. */
export function exploringOf(schedule: Schedule): Exploring {
  if (typeof schedule !== "object" || schedule === null)
    throw new InvalidOption("schedule", schedule, "{ strategy, seed } or { pairs }");
  const time = oneOf("schedule.time", schedule.time, ["windows", "des", "async"]);
  if ("pairs" in schedule) {
    const { pairs, times } = schedule;
    if (!Array.isArray(pairs) || !pairs.every(isPair))
      throw new InvalidOption("schedule.pairs", pairs, "a list of pairs { event, after }, the names of two events");
    if (times !== undefined && !Number.isSafeInteger(times))
      throw new InvalidOption("schedule.times", times, "a whole number");
    return { strategy: new Replay(pairs), time, times, joins: undefined, takesNote: false };
  }
  const { strategy: name, seed } = schedule;
  if (!Number.isSafeInteger(seed)) throw new InvalidOption("schedule.seed", seed, "a whole number");
  const { strategy } = drawStrategy(oneOf("schedule.strategy", name, strategies), seed, choicesExpected);
  return { strategy, time, times: seed, joins: seed, takesNote: false };
}

/**
 * An order that is drawn and keeps what it came to. By a field and not a WeakMap, whose entries survive until a full
 * collection: that cost three quarters of the time of short runs.
 */
export class RecordedSchedule {
  readonly strategy: StrategyName;
  readonly seed: number;
  readonly time: TimeMode | undefined;
  #course: Course | undefined = undefined;

  constructor(strategy: StrategyName, seed: number, time: TimeMode | undefined) {
    this.strategy = strategy;
    this.seed = seed;
    this.time = time;
  }

  record(course: Course): void {
    this.#course = course;
  }

  /** The pairs of its last run; undefined before it was played. */
  recorded(): readonly Pair[] | undefined {
    return this.#course && pairsOf(this.#course);
  }
}

/** A message or a reply that a fault of its link took. */
export interface Lost {
  /** The event that sent it; undefined for what the body did before any. */
  readonly by: Choice | undefined;
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly type: string;
}

/** Of a run. */
export interface Course {
  /** What was fired, in order. */
  readonly happened: readonly Choice[];
  /** What could have happened next, and did not. */
  readonly left: readonly Choice[];
  /** What was withdrawn before it happened. */
  readonly voided: readonly Choice[];
  readonly lost?: readonly Lost[];
}

/**
 * The pairs of a run: each event after the one before it at its actor, unless they come in this order anyway; what was
 * never fired after the last one of its actor; what was withdrawn after that by which it was, and after what its actor had
 * seen by then. Replayed, they give the same order.
 */
export function pairsOf({ happened, left, voided }: Course): Pair[] {
  const last = new Map<string, Choice>();
  let fault: Choice | undefined;
  // What came at once can not be put off: what it had to wait for, that by which it came has to wait for.
  let carrier: Choice | undefined;
  const pairs: Pair[] = [];
  const note = (one: Choice, event = one) => {
    // What is turned away is no event of the actor that has ended, and comes after its end.
    for (const path of [...one.deed.touched, ...one.deed.closed]) {
      const before = last.get(path) ?? fault;
      if (before === undefined || before === event) continue;
      if (before === one.besides) pairs.push({ event: one.name, after: before.name, beside: true });
      else if (before.channel !== one.channel) pairs.push({ event: event.name, after: before.name });
    }
  };
  for (const one of happened) {
    if (!one.isForced) carrier = one;
    if (one.deed.isFault) {
      for (const before of new Set(last.values())) pairs.push({ event: one.name, after: before.name });
      fault = one;
      for (const path of last.keys()) last.set(path, one);
      continue;
    }
    note(one, carrier);
    const { besides: begun, cause } = one;
    // It was there when that began.
    if (begun !== undefined && cause !== undefined && cause.index < begun.index)
      pairs.push({ event: begun.name, after: cause.name });
    for (const path of one.deed.touched) last.set(path, one);
  }
  for (const one of left) note(one);
  for (const { name, cell, cause, voidedBy } of voided) {
    if (voidedBy === undefined) continue;
    // It was there before its actor ended: later it would have been turned away, which is no event.
    const ending = voidedBy.isForced
      ? happened.findLast((one) => !one.isForced && one.index < voidedBy.index)
      : voidedBy;
    if (ending !== undefined && cause !== undefined && cause.index < ending.index && voidedBy.deed.ended.has(cell.path))
      pairs.push({ event: ending.name, after: cause.name });
    // By then its actor had come so far, or else it would have happened.
    const before = happened.findLast((one) => one.cell === cell && !one.isForced && one.index < voidedBy.index);
    for (const one of [voidedBy, before]) if (one !== undefined) pairs.push({ event: name, after: one.name });
  }
  return pairs;
}

/** Each event after the one before it, whatever their actors: for what looks at several actors at once. */
export function totalPairsOf({ happened, left, voided }: Course): Pair[] {
  const pairs = happened.slice(1).map(({ name, besides }, i): Pair => {
    const pair = { event: name, after: (happened[i] as Choice).name };
    return besides === undefined ? pair : { ...pair, beside: true };
  });
  const last = happened.at(-1);
  if (last !== undefined) for (const { name } of left) pairs.push({ event: name, after: last.name });
  for (const { name, voidedBy } of voided)
    if (voidedBy !== undefined) pairs.push({ event: name, after: voidedBy.name });
  return pairs;
}
