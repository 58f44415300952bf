// Weaker forms of a fault: what fails under one of these says more about the program than what fails under the fault.

import { type Fault, windowOf } from "./fault.ts";

/** Lengths in ms down to which windows are halved, and from which on for those without an end. */
const [lengthMsMin, lengthMsMax] = [1, 60_000];
const slowTimes = 10;

/** The strongest first; each of them is weaker than `fault` by an order that ends. */
export function weakerThan(fault: Fault): readonly Fault[] {
  switch (fault.kind) {
    case "crash":
    case "restart": {
      const { target, at } = fault;
      const slow: Fault = { kind: "slow", target, times: slowTimes, from: at };
      return fault.kind === "crash" ? [{ kind: "restart", target, at }, slow] : [slow];
    }
    case "power-failure":
      return [];
    case "slow":
      return [...(fault.times > 2 ? [{ ...fault, times: Math.max(2, fault.times / 2) }] : []), ...shorter(fault)];
    case "error":
      return [...(fault.first > 1 ? [{ ...fault, first: fault.first >> 1 }] : []), ...shorter(fault)];
    default:
      return shorter(fault);
  }
}

type Lasting = Exclude<Fault, { readonly at: unknown }>;

/** Its first half and its second. */
function shorter(fault: Lasting): Fault[] {
  // One message is not less.
  if ("nth" in fault && fault.nth !== undefined) return [];
  const { fromMs, toMs } = windowOf(fault);
  if (toMs === Number.POSITIVE_INFINITY) return [{ ...fault, to: fromMs + lengthMsMax }];
  const half = (toMs - fromMs) / 2;
  if (half < lengthMsMin) return [];
  const middleMs = Math.ceil(fromMs + half);
  return [
    { ...fault, from: fromMs, to: middleMs },
    { ...fault, from: middleMs, to: toMs },
  ].filter(({ from, to }) => from < to && to - from < toMs - fromMs);
}
