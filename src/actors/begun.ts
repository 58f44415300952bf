// What was begun through a self and is not over, to give it up: what is interrupted leaves no timer behind, which would
// keep virtual time from coming to rest and hide a circle of waits, and no ask that nobody waits for.

import { giveUp } from "../runtime/kernel/giveup.ts";
import { type Operation, Request, Sleep } from "../runtime/kernel/operation.ts";
import { Incarnation } from "../runtime/kernel/self.ts";
import { ActorSystem } from "../runtime/kernel/system.ts";
import type { Self, Verbs } from "../runtime/kernel/verbs.ts";

interface Sleeping {
  readonly over: Promise<void>;
  /** From here on `over` never settles. */
  cancel(): void;
}

export function sleeping(self: Self, ms: number): Sleeping {
  const over = self.sleep(ms);
  const sleep = lastOf(self);
  return { over, cancel: () => sleep instanceof Sleep && sleep.promise === over && withdraw(sleep) };
}

/**
 * Sends an ask or offer, and gives what gives it up. Without an `AbortSignal`, which costs more than the message, where
 * `by` is the runtime's own.
 */
export function sending(
  by: Verbs,
  send: (signal: AbortSignal | undefined) => Promise<unknown>,
): { readonly sent: Promise<unknown>; readonly cancel: () => void } {
  if (by instanceof Incarnation || by instanceof ActorSystem) {
    const sent = send(undefined);
    const request = lastOf(by);
    return { sent, cancel: () => request instanceof Request && request.promise === sent && giveUp(request, "signal") };
  }
  const controller = new AbortController();
  return { sent: send(controller.signal), cancel: () => controller.abort() };
}

/** The youngest operation of whoever acts. */
function lastOf(by: Self | Verbs): Operation | undefined {
  const self = by instanceof ActorSystem ? by.core.root.self : by;
  return self instanceof Incarnation ? (self.current() ?? self).last : undefined;
}

function withdraw(sleep: Sleep): void {
  const { scope, cell } = sleep;
  if (scope === undefined) return;
  scope.remove(sleep);
  if (sleep.armed) cell.core.world.disarm(sleep);
}
