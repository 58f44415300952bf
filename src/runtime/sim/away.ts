// Who waits for what, and who acts out of turn.

import type { Cell } from "../kernel/cell.ts";
import { Flight } from "../kernel/flight.ts";
import type { Request } from "../kernel/operation.ts";

/** It waits, and for nothing of the runtime's. */
export function isAway(one: Flight | Cell): boolean {
  const { self } = one;
  if (!self.live || (one instanceof Flight ? one.first : self.first) !== undefined) return false;
  return one instanceof Flight ? one.pending && !one.over : one.life === "starting";
}

/** Its asker is one handler at a time, and began nothing else that has not ended. */
export function isAllItsAskerWaitsFor(request: Request): boolean {
  const { from, scope } = request;
  if (from.outside || from.config.concurrency > 1 || scope?.isFlight !== true) return false;
  return scope.first === request && scope.last === request && (scope as Flight).pending;
}

/**
 * It acts in the step of another. Its factory may, as it runs in the step of whoever starts it, and so may a handler
 * whose asker gave up: it goes on in the step of that.
 */
export function isStray(cell: Cell, inStepOf: Cell | undefined): boolean {
  if (cell.outside || cell.life === "starting" || inStepOf === cell) return false;
  for (let one = cell.self.flight; one !== undefined; one = one.nextFlight) if (one.abandoned) return false;
  return true;
}
