// What of a run led to its failure, as exchanges that can be drawn.

import type { Exchange } from "../runtime/observe/sequence.ts";
import type { Choice } from "../runtime/sim/choice.ts";
import { Due, Head } from "../runtime/sim/due.ts";
import type { Finding } from "../runtime/sim/explorer.ts";
import type { Pair } from "../runtime/sim/schedule.ts";
import { show } from "./verdict.ts";

const contentMax = 12;

/** Events that are shown without being asked what they have to do with the failure. */
const shownMax = 24;

/**
 * The events that a failure may come of: those that the pairs name and the last one, what set these off, and what their
 * actors saw before. A short run is given whole.
 * Source: the backward cone of L. Lamport, "Time, clocks, and the ordering of events in a distributed system" (1978).
 */
export function sliceOf({ course, plan }: Finding): readonly Choice[] {
  const { happened } = course;
  const { pairs } = plan;
  const drawn = happened.filter((one) => !isArrival(one));
  if (drawn.length <= shownMax) return drawn;
  const names = new Set(pairs.flatMap(({ event, after }) => [event, after]));
  const kept = new Set<Choice>();
  const open = drawn.filter((one) => names.has(one.name));
  const actors = new Set(open.map(({ cell }) => cell));
  const last = drawn.at(-1);
  if (last !== undefined) open.push(last);
  // Backwards, so that each actor's own past is met once.
  for (const one of drawn.toReversed()) if (actors.has(one.cell)) open.push(one);
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (kept.has(one)) continue;
    kept.add(one);
    if (one.cause !== undefined) open.push(one.cause);
  }
  return drawn.filter((one) => kept.has(one));
}

/** With what was lost on its way from one of these events, or from the body before them. */
export function exchangesOf(slice: readonly Choice[], { plan: { pairs }, course: { lost = [] } }: Finding): Exchange[] {
  const lostBy = (by: Choice | undefined) =>
    lost
      .filter((one) => one.by === by)
      .map(({ atMs, from, to, type }): Exchange => {
        return { step: (by?.index ?? -1) + 1, atMs, kind: "fault", from, to, label: `${type} from ${from} lost` };
      });
  return [...lostBy(undefined), ...slice.flatMap((one) => [exchangeOf(one, pairs), ...lostBy(one)])];
}

function exchangeOf(one: Choice, pairs: readonly Pair[]): Exchange {
  const waits = pairs.filter(({ event }) => event === one.name).map(({ after }) => after);
  const base = { step: one.index + 1, atMs: one.firedMs, ...endsOf(one) };
  return waits.length === 0 ? base : { ...base, marked: true, note: `after ${waits.join(" and ")}` };
}

type Ends = Pick<Exchange, "kind" | "from" | "to" | "label">;

function endsOf(one: Choice): Ends {
  const { name } = one;
  const label = name.slice(name.lastIndexOf(":") + 1);
  if (name.startsWith("f:")) {
    // At its target, where that is one.
    const [, target] = /^f:[a-z-]+(\/[^*#]+)#\d+$/.exec(name) ?? [];
    const { path } = one.cell;
    return { kind: "fault", from: path, to: target ?? path, label: name.slice(2) };
  }
  const message = /^([^>]*?)(~?>)([^>]*?):/.exec(name);
  const isOwn = message === null || (one instanceof Head && one.isTurn);
  if (isOwn || (one instanceof Due && message[2] === ">")) {
    const { path } = one.cell;
    return { kind: "own", from: path, to: path, label: name.slice(path === "/" ? 1 : path.length + 1) };
  }
  const [, from = "", arrow, to = ""] = message;
  return { kind: arrow === "~>" ? "reply" : "message", from, to, label: label + contentOf(one) };
}

/** A payload, where it is short. */
function contentOf(one: Choice): string {
  const { payload } = one as { payload?: unknown };
  if (payload === undefined || typeof payload === "function") return "";
  const text = show(payload);
  return text.length > contentMax ? "" : ` ${text}`;
}

/** On a link with latency: the start of the message is what matters. */
function isArrival(one: Choice): boolean {
  return one instanceof Due && one.name.startsWith(`${one.cell.path}/arrive:`);
}
