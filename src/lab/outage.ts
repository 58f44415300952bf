// Outages, as faults of the laboratory: actors do not know of them.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import type { Duration } from "../runtime/kernel/protocol.ts";
import * as sim from "../runtime/sim/fault.ts";

/**
 * Each service is there for the share `p` of the keys that messages carry, drawn for each service and key: the same order
 * finds the same services out in every design.
 *
 * Promises: where it is not, an ask or offer is turned away (`Unavailable`, not started), and a tell stays queued until it
 * is back: an exponential time with the mean `back` after the first message of that key. This is an asymmetry of waiting,
 * not of luck.
 * Fails: InvalidOption.
 */
export function available(p: number, options: { target?: string; back?: Duration } = {}): sim.Fault {
  if (!(p > 0 && p < 1)) throw new InvalidOption("available", p, "a share above 0 and below 1, for example 0.999");
  const { target = "*", back = "1s" } = options;
  return sim.unavailable(pathOf(target), { share: 1 - p, back });
}

/** A service, by its name or path, can not be reached from `from` until `to`. Fails: InvalidOption. */
export function down(target: string, window: { from?: Duration; to: Duration }): sim.Fault {
  return sim.down(pathOf(target), window);
}

/** What handlers of a service sleep takes so many times as long. Fails: InvalidOption. */
export function slow(target: string, options: { times: number; from?: Duration; to?: Duration }): sim.Fault {
  return sim.slow(pathOf(target), options);
}

function pathOf(target: string): string {
  return target.startsWith("/") || target.startsWith("*") ? target : `/${target}`;
}
