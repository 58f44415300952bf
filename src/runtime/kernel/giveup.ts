// Giving up: a deadline that passed, a signal that aborted, an asker that left. A queued request is withdrawn, a running
// one is signalled, and what was asked for its sake is given up in the same turn.

import { gate } from "./cell.ts";
import { Cancelled, type Failure, OfferTimeout, type Outcome } from "./failure.ts";
import { count, recordLeft, reject, timeout } from "./fate.ts";
import type { Flight } from "./flight.ts";
import { at, type Operation, Request, type Scope } from "./operation.ts";
import { admitOffers } from "./post.ts";

/** Why: `deadline` and `signal` are the request's own, `asker` that of the message it was made for. */
export type Why = "deadline" | "signal" | "asker";

/** Ends the wait for `request`, whatever its state. */
export function giveUp(request: Request, why: Why): void {
  withdraw(request, why === "deadline" ? "expired" : "cancelled", (outcome) => failureOf(request, why, outcome));
}

/** Takes a request out of where it is and tells its asker. Its message ends with `fate` unless it is running. */
export function withdraw(request: Request, fate: "expired" | "cancelled", why: (outcome: Outcome) => Failure): void {
  const { to, flight } = request;
  switch (request.state) {
    case at.waiting: {
      const offers = to.rareOf().offers;
      offers.splice(offers.indexOf(request), 1);
      to.core.waitingForRoom--;
      to.core.turnedAway++;
      if (offers.length === 0) to.gate &= ~gate.offers;
      request.state = at.done;
      reject(request, why("not-started"));
      return;
    }
    case at.queued:
      if (request.verb !== "ask") {
        // An offer to a [receive] actor is in its mailbox: only the wait for its acceptance ends.
        reject(request, why("unknown"));
        return;
      }
      request.state = at.done;
      to.box?.withdrawn();
      if (fate === "cancelled") recordLeft(to, request.type, request);
      count(to, fate, request.type, request);
      reject(request, why("not-started"));
      if ((to.gate & gate.offers) !== 0) admitOffers(to);
      return;
    case at.running:
      if (request.verb === "ask") request.state = at.left;
      reject(request, why("unknown"));
      if (flight !== undefined && request.verb === "ask") abandon(flight, fate === "expired" ? "deadline" : "asker");
      return;
    case at.held:
      reject(request, why("unknown"));
      if (flight === undefined || request.verb !== "ask") return;
      request.state = at.done;
      dropHeld(flight, fate);
      abandon(flight, fate === "expired" ? "deadline" : "asker");
      release(flight);
      return;
    default:
      reject(request, why(request.state === at.sent ? "not-started" : "unknown"));
  }
}

/** Aborts the signal of a message whose asker left and gives up what was asked for it. */
function abandon(flight: Flight, why: Why): void {
  flight.abandoned = true;
  flight.controller?.abort();
  giveUpAll(flight, why);
}

/** Ends a held message without an answer. */
export function dropHeld(flight: Flight, fate: "expired" | "cancelled" | "dead"): void {
  const { cell } = flight;
  cell.rare?.held.delete(flight);
  flight.over = true;
  if (fate !== "expired") recordLeft(cell, flight.type, flight.origin);
  count(cell, fate, flight.type, flight.origin);
}

/** Asks that relied on the timer of the message they were made for get their own. */
export function armAll(scope: Scope): void {
  for (let one: Operation | undefined = scope.first; one !== undefined; one = one.next)
    if (one instanceof Request && !one.armed && one.deadline < Number.POSITIVE_INFINITY)
      one.from.core.world.arm(one, one.deadline);
}

/** Operations of a handler or holder that has ended belong to the incarnation now and need timers of their own. */
export function release(flight: Flight): void {
  const { self } = flight;
  armAll(flight);
  for (let one: Operation | undefined = flight.first; one !== undefined; one = flight.first) {
    flight.remove(one);
    if (self.live) self.add(one);
  }
}

function giveUpAll(scope: Scope, why: Why): void {
  const requests: Request[] = [];
  for (let one: Operation | undefined = scope.first; one !== undefined; one = one.next)
    if (one instanceof Request && one.verb === "ask") requests.push(one);
  for (const request of requests) if (!request.settled) giveUp(request, why);
}

function failureOf(request: Request, why: Why, outcome: Outcome): Failure {
  const { from, to, type, verb } = request;
  if (why === "deadline" && verb === "ask") return timeout(request, outcome === "not-started" ? outcome : "unknown");
  if (why === "deadline")
    return new OfferTimeout(
      `${from.path} offered ${type} to ${to.path}: no room within the limit of the offer.`,
      outcome,
    );
  const reason = why === "signal" ? "its signal aborted" : "the message it was made for was given up";
  return new Cancelled(`${from.path} gave up its ${verb} of ${type} to ${to.path}: ${reason}.`, outcome);
}

Request.onDue = (request) => giveUp(request, "deadline");
