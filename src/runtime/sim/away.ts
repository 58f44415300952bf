// Who waits for what is not of the world.

import type { Cell } from "../kernel/cell.ts";
import { Flight } from "../kernel/flight.ts";

/** It waits, and for nothing of the runtime's. */
export function isAway(one: Flight | Cell): boolean {
  const { self } = one;
  if (!self.live || (one instanceof Flight ? one.first : self.first) !== undefined) return false;
  return one instanceof Flight ? one.pending && !one.over : one.life === "starting";
}
