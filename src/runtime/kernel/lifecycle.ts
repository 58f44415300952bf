// One actor's way from its factory to its end: start, fence, halt. Who restarts whom is decided in supervise.ts.

import { type Cell, gate, type Halting } from "./cell.ts";
import { ActorRestarted, type Failure, InvalidFactory, Stopped } from "./failure.ts";
import { count, endQueued, nothing, recordLeft, reject } from "./fate.ts";
import { Flight } from "./flight.ts";
import { dropHeld, giveUp } from "./giveup.ts";
import type { Mailbox } from "./mailbox.ts";
import { messagesOf, protocolOf } from "./names.ts";
import { at, type Operation, Request, Sleep, Timed, Turn } from "./operation.ts";
import { admitOffers, postTurn, review, stoppedFailure, turnAway } from "./post.ts";
import type { Incarnation } from "./self.ts";
import type { Ended } from "./verbs.ts";

/** Runs `then` after `ms` of world time; used where a wait belongs to the runtime and not to an actor. */
export function later(cell: Cell, ms: number, then: () => void): Timed {
  const timed = new Later(then);
  const { world } = cell.core;
  world.arm(timed, world.now() + ms);
  return timed;
}

class Later extends Timed {
  readonly due: () => void;
  constructor(then: () => void) {
    super();
    this.due = then;
  }
}

export type Started = "up" | "starting" | InvalidFactory | { readonly error: unknown };

/**
 * Runs the factory. Gives at once what a synchronous factory did; an asynchronous one is told to `then` later.
 */
export function start(cell: Cell, then: (how: "up" | { readonly error: unknown }) => void): Started {
  cell.life = "starting";
  cell.gate = (cell.gate & ~gate.closed) | gate.starting;
  const former = cell.instance;
  const self = cell.core.upper.incarnate(cell);
  cell.self = self;
  let made: object | PromiseLike<object>;
  try {
    made = cell.make(self);
    if (!isPending(made)) {
      if (!self.live) return "starting";
      const invalid = check(cell, made, former);
      if (invalid !== undefined) return invalid;
      up(cell, made);
      return "up";
    }
  } catch (error) {
    return { error };
  }
  made.then(
    (instance) => {
      cell.core.world.enter();
      if (cell.self !== self || !self.live) {
        disposeOf(cell, instance, nothing);
        return;
      }
      const invalid = check(cell, instance, former);
      if (invalid !== undefined) {
        then({ error: invalid });
        return;
      }
      try {
        up(cell, instance);
      } catch (error) {
        then({ error });
        return;
      }
      then("up");
    },
    (error) => {
      cell.core.world.enter();
      if (cell.self === self && self.live) then({ error });
    },
  );
  return "starting";
}

/** A thenable with messages of its own is an actor with a `then`, which promises would swallow: see {@link check}. */
function isPending(made: unknown): made is PromiseLike<object> {
  if (made instanceof Promise) return true;
  if (typeof made !== "object" || made === null || typeof (made as { then?: unknown }).then !== "function")
    return false;
  return !messagesOf(made).some((name) => name !== "catch" && name !== "finally");
}

function check(cell: Cell, made: unknown, former: object | undefined): InvalidFactory | undefined {
  if (typeof made !== "object" || made === null)
    return new InvalidFactory(
      cell.path,
      made === null ? "null" : typeof made,
      "It must make an object whose methods are the messages.",
    );
  if (made === former)
    return new InvalidFactory(
      cell.path,
      "the same object twice",
      "Make a new one in each call: a restart means fresh state.",
    );
  if (typeof (made as { then?: unknown }).then === "function")
    return new InvalidFactory(
      cell.path,
      "an object with a method then",
      "A promise would call it: give the message another name.",
    );
  return undefined;
}

function up(cell: Cell, instance: object): void {
  const { config, core } = cell;
  cell.protocol = protocolOf(instance, config.messages, () => cell.path);
  cell.instance = instance;
  cell.life = "up";
  const special = cell.protocol.any || core.isolation !== "share" || config.order !== "fifo";
  cell.gate = (cell.gate & gate.offers) | (special ? gate.special : 0);
  if (core.listeners.size > 0)
    core.emit({ kind: "started", path: cell.path, incarnation: cell.rare?.incarnation ?? 1 });
  review(cell);
  if ((cell.gate & gate.offers) !== 0) admitOffers(cell);
  cell.schedule();
}

/**
 * Ends an incarnation: timers are gone, what it waits for rejects with Stopped, what it had in flight or held ends.
 * Handlers that still run become stragglers until they settle.
 */
export function fence(cell: Cell, failure: (type: string) => Failure, heldFate: "cancelled" | "dead"): void {
  const { self } = cell;
  if (!self.live) return;
  self.live = false;
  const rare = cell.rareOf();
  const flights: Flight[] = [];
  for (let one = cell.flights; one !== undefined; one = one.nextFlight) flights.push(one);
  flights.reverse();
  cell.flights = undefined;
  for (const flight of flights) {
    rare.stragglers.add(flight);
    cell.running--;
    flight.nextFlight = undefined;
    flight.previousFlight = undefined;
    if (flight.over) continue;
    flight.over = true;
    recordLeft(cell, flight.type, flight.origin);
    count(cell, "cancelled", flight.type, flight.sender);
    tell(flight, failure(flight.type));
  }
  const held = [...rare.held];
  for (const flight of held) {
    dropHeld(flight, heldFate);
    tell(flight, failure(flight.type));
  }
  for (const flight of [...flights, ...held]) flight.controller?.abort();
  clearTurns(cell);
  for (const scope of [...flights, ...held, self]) {
    for (let one = scope.first; one !== undefined; one = scope.first) {
      scope.remove(one);
      void_(cell, one);
    }
  }
}

/** Timers and turns that wait: none of them runs any more. */
export function clearTurns(cell: Cell): void {
  const { self, lane, core } = cell;
  for (let one: Operation | undefined = self.first; one !== undefined; ) {
    const { next } = one;
    if (one instanceof Turn) {
      self.remove(one);
      one.cancelled = true;
      if (one.armed) core.world.disarm(one);
    }
    one = next;
  }
  cell.rare?.timers?.clear();
  if (lane === undefined) return;
  const flight = new Flight(cell);
  while (lane.take(flight)) {
    const turn = flight.origin as Turn;
    turn.queued = false;
    if (turn.kind === "reply") turn.run();
    else count(cell, "cancelled", turn.name, cell);
  }
}

function tell(flight: Flight, failure: Failure): void {
  const { request } = flight;
  if (request === undefined) return;
  request.state = at.done;
  if (request.verb !== "tell") reject(request, failure);
}

/** What a former incarnation waits for rejects once with Stopped, so that its `finally` runs. */
function void_(cell: Cell, one: Operation): void {
  const stopped = () => new Stopped(`${cell.path} was restarted or stopped while it waited.`, "unknown");
  if (one.armed) cell.core.world.disarm(one);
  if (one instanceof Sleep) {
    one.reject(stopped());
    return;
  }
  if (!(one instanceof Request)) return;
  const promise = one.promise;
  if (promise !== undefined) promise.then(undefined, nothing);
  const rejectWith = one.reject;
  // The message itself is given up; the failure that the former incarnation sees says why.
  one.reject = () => rejectWith(stopped());
  giveUp(one, "asker");
}

/**
 * Brings an actor down, children first: handlers get `settleWithin`, then children stop in reverse order, then dispose
 * runs. `final`: it ends, takes nothing any more, and handlers may finish before they are fenced. Else it was fenced and
 * keeps its mailbox. `done` is called once it is halted or ended.
 */
export function halt(cell: Cell, final: boolean, how: Ended, done: () => void): void {
  if (cell.life === "ended") {
    done();
    return;
  }
  const rare = cell.rareOf();
  const before = rare.halting;
  if (before !== undefined) {
    before.done.push(done);
    if (final && !before.final) {
      before.final = true;
      before.how = how;
      close(cell);
    }
    return;
  }
  const halting: Halting = { final, how, done: [done], settled: undefined };
  if (cell.life === "halted") {
    if (!final) done();
    else {
      close(cell);
      end(cell, halting);
    }
    return;
  }
  rare.halting = halting;
  cell.life = "halting";
  cell.gate |= gate.starting;
  if (final) close(cell);
  const limit = cell.config.settleWithinMs;
  const fenced = () => {
    fence(cell, (type) => stoppedFailure(cell, type, "unknown"), "dead");
    awaitSettled(
      cell,
      halting,
      () => rare.stragglers.size === 0,
      limit,
      () => {
        reportStragglers(cell);
        stopChildren(cell, how, () => disposeOf(cell, cell.instance, () => halted(cell, halting)));
      },
    );
  };
  if (cell.self.live && final) awaitSettled(cell, halting, () => cell.running === 0, limit, fenced);
  else fenced();
}

function awaitSettled(cell: Cell, halting: Halting, isSettled: () => boolean, limitMs: number, then: () => void): void {
  if (isSettled()) {
    then();
    return;
  }
  const go = () => {
    halting.settled = undefined;
    if (timer.armed) cell.core.world.disarm(timer);
    then();
  };
  const timer = later(cell, limitMs, go);
  halting.settled = () => {
    if (isSettled()) go();
  };
}

/** From here on nothing is accepted, and what waits ends dead. */
function close(cell: Cell): void {
  const { core, box, rare } = cell;
  cell.gate |= gate.closed;
  const offers = rare?.offers.splice(0) ?? [];
  cell.gate &= ~gate.offers;
  for (const request of offers) {
    core.waitingForRoom--;
    turnAway(cell, request.type, request.payload, request, stoppedFailure(cell, request.type, "not-started"));
  }
  if (box !== undefined) drain(cell, box);
  clearTurns(cell);
}

function drain(cell: Cell, box: Mailbox): void {
  const flight = new Flight(cell);
  while (box.take(flight))
    endQueued(
      cell,
      flight.type,
      flight.payload,
      flight.origin,
      "dead",
      stoppedFailure(cell, flight.type, "not-started"),
    );
}

function reportStragglers(cell: Cell): void {
  const { world } = cell.core;
  for (const { type, since } of cell.rare?.stragglers ?? [])
    cell.core.emit({ kind: "straggler", path: cell.path, type, ageMs: world.now() - since });
  cell.rare?.stragglers.clear();
}

export function stopChildren(cell: Cell, how: Ended, then: () => void): void {
  const last = cell.rare?.lastChild;
  if (last === undefined) then();
  else
    halt(last, true, { reason: "stopped", ...(how.cause === undefined ? {} : { cause: how.cause }) }, () =>
      stopChildren(cell, how, then),
    );
}

type Disposable_ = { [Symbol.asyncDispose]?: () => PromiseLike<void>; [Symbol.dispose]?: () => void };

function disposeOf(cell: Cell, object: object | undefined, then: () => void): void {
  const instance = object as Disposable_ | undefined;
  const failed = (error: unknown) =>
    cell.core.emit({
      kind: "crashed",
      path: cell.path,
      supervisor: cell.parent?.path ?? "/",
      context: "dispose",
      reason: error,
      offender: undefined,
      directive: "resume",
    });
  let working: unknown;
  try {
    working = instance?.[Symbol.asyncDispose]?.() ?? instance?.[Symbol.dispose]?.();
    if (typeof (working as { then?: unknown } | undefined)?.then !== "function") {
      then();
      return;
    }
  } catch (error) {
    failed(error);
    then();
    return;
  }
  let open = true;
  const go = () => {
    if (!open) return;
    open = false;
    if (timer.armed) cell.core.world.disarm(timer);
    then();
  };
  const timer = later(cell, cell.config.settleWithinMs, () => {
    cell.core.emit({ kind: "straggler", path: cell.path, type: "dispose", ageMs: cell.config.settleWithinMs });
    go();
  });
  (working as PromiseLike<void>).then(
    () => {
      cell.core.world.enter();
      go();
    },
    (error) => {
      cell.core.world.enter();
      if (open) failed(error);
      go();
    },
  );
}

function halted(cell: Cell, halting: Halting): void {
  cell.life = "halted";
  if (halting.final) end(cell, halting);
  else finish(cell, halting);
}

function finish(cell: Cell, halting: Halting): void {
  if (cell.rare !== undefined) cell.rare.halting = undefined;
  for (const done of halting.done) done();
}

/** The last thing an actor does: it leaves the tree, and those who watch it learn of it. */
function end(cell: Cell, halting: Halting): void {
  const { core, rare } = cell;
  cell.life = "ended";
  cell.gate = gate.closed;
  cell.instance = undefined;
  core.actors--;
  core.retire(cell);
  cell.leave();
  const how = halting.how;
  if (rare !== undefined) rare.how = how;
  if (core.listeners.size > 0) core.emit({ kind: "ended", path: cell.path, how });
  for (const { self, ended } of rare?.watchers.splice(0) ?? []) watchTurn(self, cell, how, ended);
  finish(cell, halting);
}

export function watchTurn(self: Incarnation, of: Cell, how: Ended, ended: (how: Ended) => void): void {
  if (self.live) postTurn(new Turn(self, "watch", of.path, () => ended(how)));
}

export function restartedFailure(cell: Cell, type: string, crashed: string, cause: unknown): ActorRestarted {
  return new ActorRestarted(`${cell.path} crashed on ${crashed} while ${type} was in flight beside it.`, "unknown", {
    cause,
  });
}
