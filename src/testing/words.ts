// A plan as sentences.

import { milliseconds, span } from "../runtime/kernel/duration.ts";
import type { Duration } from "../runtime/kernel/protocol.ts";
import type { Plan } from "../runtime/sim/explorer.ts";
import { delayMs, type Fault, windowOf } from "../runtime/sim/fault.ts";

/** One sentence per fault and pair; that of the base order for a plan without any. */
export function sentencesOf({ faults, pairs, times }: Plan): string[] {
  const seeds = times === undefined ? [] : [`messages on links with a window arrive as seed ${times} says`];
  const orders = pairs.map(({ event, after, beside }) =>
    beside === true ? `${event} beside ${after}, before that awaits anything` : `${event} only after ${after}`,
  );
  const all = [...faults.map(faultText), ...orders, ...seeds];
  return all.length > 0 ? all : ["everything in the order in which it was posted"];
}

function faultText(fault: Fault): string {
  switch (fault.kind) {
    case "crash":
    case "restart":
      return `${fault.target} is ${fault.kind === "crash" ? "crashed" : "restarted"} at ${time(fault.at)}`;
    case "power-failure":
      return `the power fails at ${time(fault.at)}`;
    case "pause":
      return `${fault.target} is paused${during(fault)}`;
    case "slow":
      return `${fault.target} sleeps ${fault.times} times as long${during(fault)}`;
    case "clock-offset":
      return `the clock of ${fault.target} is wrong by ${fault.byMs} ms${during(fault)}`;
    case "error":
      return `${fault.target} answers ${which(fault)} with an error${during(fault)}`;
    case "down":
      return `${fault.target} is down${during(fault)}`;
    case "unavailable":
      return `${fault.target} is unavailable for a share of ${fault.share} of all keys${during(fault)}`;
    case "partition":
      return `${fault.one.join(", ")} and ${fault.other.join(", ")} are cut off from each other${during(fault)}`;
    case "drop":
      return `${which(fault)} on ${fault.link} is lost${during(fault)}`;
    case "duplicate":
      return `${which(fault)} on ${fault.link} comes twice${during(fault)}`;
    case "delay":
    case "reorder": {
      const { minMs, maxMs } = delayMs(fault.by, "by");
      const by = minMs === maxMs ? span(minMs) : `${span(minMs)} to ${span(maxMs)}`;
      return `${which(fault)} on ${fault.link} takes ${by} longer${fault.kind === "reorder" ? ", and others pass it" : ""}${during(fault)}`;
    }
  }
}

function which(fault: {
  readonly first?: number;
  readonly nth?: number;
  readonly share?: number;
  readonly type?: string;
}): string {
  const type = fault.type === undefined ? "message" : fault.type;
  if (fault.nth !== undefined) return `${type} no. ${fault.nth}`;
  if (fault.share !== undefined) return `a share of ${fault.share} of ${type}s`;
  return fault.first === undefined
    ? `every ${type}`
    : fault.first === 1
      ? `the first ${type}`
      : `each of the first ${fault.first} ${type}s`;
}

function during(fault: Fault & Parameters<typeof windowOf>[0]): string {
  const { fromMs, toMs } = windowOf(fault);
  const to = toMs === Number.POSITIVE_INFINITY ? "" : ` until ${span(toMs)}`;
  return `${fromMs > 0 ? ` from ${span(fromMs)}` : ""}${to}`;
}

function time(at: Duration): string {
  return span(milliseconds("at", at));
}
