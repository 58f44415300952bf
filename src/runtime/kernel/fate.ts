// How a message ends, and how its asker learns of it. Whatever ends a message comes through here, so that each ends
// in exactly one fate and each promise settles exactly once.

import type { Cell } from "./cell.ts";
import type { Fate } from "./core.ts";
import { span } from "./duration.ts";
import { AskTimeout, type Failure } from "./failure.ts";
import { type Flight, infoOf } from "./flight.ts";
import { isolate } from "./isolate.ts";
import { Lane, type Origin, type Taken } from "./mailbox.ts";
import { at, type Request, type Scope, Turn } from "./operation.ts";

/** Counts the fate of a message that `cell` had accepted. */
export function count(cell: Cell, fate: Fate, type: string, origin: Origin): void {
  const { core } = cell;
  core.ended++;
  if (fate === "handled") cell.handled++;
  else cell.count()[fate]++;
  if (core.observer !== undefined) core.observer(fate, cell, type, origin);
  if (core.onQuiet !== undefined) core.quiet();
}

/** Ends a message that waited in the mailbox of `cell`: its asker is told, a tell leaves a dead letter. */
export function endQueued(cell: Cell, message: Taken, fate: Fate, failure: Failure): void {
  const { origin } = message;
  const type = message.what.name;
  if (fate === "dead" || fate === "cancelled") recordLeft(cell, type, origin);
  count(cell, fate, type, origin);
  tellEnd(cell, message, fate, failure);
}

/** The second half of {@link endQueued}. Here users may look at the counts. */
export function tellEnd(cell: Cell, { what, payload, origin }: Taken, fate: Fate, failure: Failure): void {
  const { request } = origin;
  if (request !== undefined) {
    request.state = at.done;
    const asked = request.verb === "ask" || (request.verb === "offer" && !isAccepted(request));
    // A deadline is the asker's own.
    if (fate === "expired") reject(request, failure);
    else fail(request, failure);
    if (asked) return;
  }
  if (fate === "dead" && origin.turn === undefined)
    cell.core.deadLetter(cell, origin.sender, what.name, payload, failure);
}

/** While the system stops, what ends unfinished stands in its report. */
export function recordLeft(cell: Cell, type: string, origin: Origin): void {
  const { left } = cell.core;
  if (left === undefined || origin.turn !== undefined) return;
  const path = cell.path;
  if (origin.request !== undefined) left.push({ ...infoOf(origin.request), path });
  else {
    const from = origin as Cell;
    left.push({
      path,
      type,
      sender: from.outside ? undefined : from.ref,
      id: cell.core.newId(),
      deadline: undefined,
      attempt: 1,
    });
  }
}

/** Gives what a handler answered to whoever asked, isolated as the system demands. */
export function answer(cell: Cell, request: Request, value: unknown): void {
  request.state = at.done;
  if (request.verb === "offer") resolve(request, undefined);
  else if (request.verb === "ask") {
    let sent = value;
    if (cell.core.isolation !== "share") {
      try {
        sent = isolate(cell, request.type, value, request.from, true);
      } catch (error) {
        fail(request, error as Failure);
        return;
      }
    }
    resolve(request, sent);
  }
}

/** The receiver answers an ask, or accepts an offer. */
export function resolve(request: Request, value: unknown): void {
  if (request.settled || request.from.core.world.wire === undefined) succeed(request, value);
  else send(request, true, value);
}

/** The receiver fails an ask or offer. */
export function fail(request: Request, failure: Failure): void {
  if (request.settled || request.from.core.world.wire === undefined) rejectInTime(request, failure);
  else send(request, false, failure);
}

/** Where words travel. */
function send(request: Request, isOk: boolean, word: unknown): void {
  if (request.told) return;
  request.told = true;
  const settle = () => (isOk ? succeed(request, word) : rejectInTime(request, word as Failure));
  request.from.core.world.wire?.reply(request, settle, word);
}

function rejectInTime(request: Request, failure: Failure): void {
  const { core } = request.from;
  if (request.verb === "ask" && !request.settled && request.deadline <= core.world.time) {
    core.late++;
    reject(request, timeout(request, failure.outcome === "not-started" ? "not-started" : "unknown"));
  } else reject(request, failure);
}

/** An answer after the deadline is late, whatever the timer did. */
function succeed(request: Request, value: unknown): void {
  const { core } = request.from;
  if (request.settled) {
    if (request.verb === "ask") core.late++;
    return;
  }
  if (request.verb === "ask" && request.deadline <= core.world.time) {
    core.late++;
    reject(request, timeout(request, "unknown"));
    return;
  }
  const scope = detach(request);
  if (waitsForTurn(request, scope)) replyTurn(request, true, value);
  else request.end(true, value);
  goOn(scope);
}

/** Fails an ask or offer here and now. A failure that nobody listens to is reported and does not end the process. */
export function reject(request: Request, failure: Failure): void {
  if (request.settled) return;
  const { promise } = request;
  if (promise === undefined) {
    request.settled = true;
    return;
  }
  const scope = detach(request);
  const flight = flightOf(scope);
  if (flight !== undefined) {
    flight.touched = true;
    (flight.heard ??= []).push(failure);
  }
  if (!promise.heard) {
    promise.then(undefined, nothing);
    promise.heard = false;
    const { core } = request.from;
    core.world.afterAllJobs(() => {
      if (!promise.heard && request.self.live) unheard(request.to, request.type, request.from, failure);
    });
  }
  if (waitsForTurn(request, scope)) replyTurn(request, false, failure);
  else request.end(false, failure);
  goOn(scope);
}

export function timeout(request: Request, outcome: "not-started" | "unknown"): AskTimeout {
  const { from, to, type, deadline } = request;
  const late = span(Math.max(0, from.core.world.time - deadline));
  const did = outcome === "not-started" ? "had not begun it" : "had begun it";
  return new AskTimeout(
    `${from.path} asked ${to.path} for ${type}: no answer by its deadline (passed ${late} ago); ${to.path} ${did}. Ask for longer with { within }, or tell.`,
    outcome,
  );
}

/** Reports a refusal or failed ask that nobody waits for. */
export function unheard(to: Cell, type: string, from: Cell | undefined, reason: unknown): void {
  to.core.emit({ kind: "unheard", path: to.path, type, from: from?.outside === false ? from.path : undefined, reason });
}

/** Marks a failure that passes `path` on its way to the asker: the next one can not know what was done. */
function passOn(failure: Failure, path: string): void {
  const open = failure as { -readonly [K in keyof Failure]: Failure[K] };
  try {
    open.passed = [...failure.passed, path];
    if (failure.outcome === "not-started") open.outcome = "unknown";
  } catch {
    // Frozen by its maker: it passes unmarked.
  }
}

/** Gives a "no" to whoever waits for the answer; where nobody does, it is reported. */
export function answerNo(flight: Flight, failure: Failure): void {
  const { cell, request, type, sender } = flight;
  mark(flight, failure);
  if (request === undefined || request.verb === "tell" || (request.verb === "offer" && isAccepted(request)))
    unheard(cell, type, sender, failure);
  else if (request.settled) cell.core.late++;
  else fail(request, failure);
}

function isAccepted(offer: Request): boolean {
  return offer.settled || offer.told;
}

/** Marks a failure that a handler gives as its answer: passed on from one of its asks, or its own. */
function mark(flight: Flight, failure: Failure): void {
  if (flight.heard?.includes(failure) === true) passOn(failure, flight.cell.path);
  else startAnew(failure);
}

/** A refusal that is given again has passed nobody yet. */
function startAnew(failure: Failure): void {
  if (failure.passed.length === 0) return;
  try {
    (failure as { passed: readonly string[] }).passed = [];
  } catch {
    // Frozen by its maker: it keeps its marks.
  }
}

export function nothing(): void {}

/** Takes a request out of every list and timer that could settle it again. */
function detach(request: Request): Scope | undefined {
  const { scope } = request;
  request.settled = true;
  const flight = flightOf(scope);
  if (flight?.pending === true) flight.edge = request;
  if (scope !== undefined) scope.remove(request);
  if (request.armed) request.from.core.world.disarm(request);
  if (request.details !== undefined) request.unlisten();
  return scope;
}

export function flightOf(scope: Scope | undefined): Flight | undefined {
  return scope?.isFlight === true ? (scope as Flight) : undefined;
}

/** T2: a reply to a handler that has returned does not run beside another handler of that actor. */
function waitsForTurn(operation: Request, scope: Scope | undefined): boolean {
  const { cell } = operation.self;
  // A free actor may have begun another handler by the time the reply is read: a serial one always takes a turn.
  const mayMeet = cell.config.concurrency === 1 || !cell.free;
  return scope === operation.self && !cell.outside && cell.life === "up" && mayMeet;
}

function replyTurn(request: Request, isOk: boolean, value: unknown): void {
  const { cell } = request.self;
  const turn = new Turn(request.self, "reply", request.type, () => request.end(isOk, value));
  turn.queued = true;
  turn.posted = ++cell.core.posts;
  (cell.lane ??= new Lane()).add(turn);
  cell.schedule();
}

function goOn(scope: Scope | undefined): void {
  const flight = flightOf(scope);
  if (flight?.pending === true && flight.first !== undefined) flight.cell.core.upper.suspect(flight);
}
