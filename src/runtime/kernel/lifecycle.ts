// One actor's way down: fence, halt, end. Who restarts whom is decided in supervise.ts.

import { type Cell, gate, type Halting } from "./cell.ts";
import { ActorRestarted, type Failure, Stopped } from "./failure.ts";
import { count, endQueued, fail, nothing, recordLeft } from "./fate.ts";
import { Flight } from "./flight.ts";
import { dropHeld, giveUp } from "./giveup.ts";
import type { Mailbox } from "./mailbox.ts";
import { at, type Operation, Request, Sleep, Timed, Turn } from "./operation.ts";
import { postTurn, stoppedFailure, turnAway } from "./post.ts";
import type { Incarnation } from "./self.ts";
import { adopt } from "./thenable.ts";
import type { Ended } from "./verbs.ts";

/** Runs `then` after `ms` of world time; used where a wait belongs to the runtime and not to an actor. */
export function later(cell: Cell, ms: number, then: () => void): Timed {
  const timed = new Later(cell, then);
  const { world } = cell.core;
  if (ms < Number.POSITIVE_INFINITY) world.arm(timed, world.now() + ms);
  return timed;
}

class Later extends Timed {
  readonly #cell: Cell;
  readonly due: () => void;

  constructor(cell: Cell, then: () => void) {
    super();
    this.#cell = cell;
    this.due = then;
  }

  override get cell(): Cell {
    return this.#cell;
  }
}

/**
 * Ends an incarnation: timers are gone, what it waits for rejects with Stopped, what it had in flight or held ends.
 * Handlers that still run become stragglers until they settle.
 */
export function fence(cell: Cell, failure: (type: string) => Failure, heldFate: "cancelled" | "dead"): void {
  const { self, core } = cell;
  if (!self.live) return;
  self.live = false;
  cell.gate |= gate.starting;
  const wasUp = cell.life !== "starting";
  if (cell.life === "up") cell.life = "fenced";
  const rare = cell.rareOf();
  const flights: Flight[] = [];
  for (let one = self.flight; one !== undefined; one = one.nextFlight) flights.push(one);
  flights.reverse();
  self.flight = undefined;
  for (const flight of flights) {
    rare.stragglers.add(flight);
    cell.running--;
    flight.nextFlight = undefined;
    flight.previousFlight = undefined;
    if (flight.over) continue;
    flight.over = true;
    recordLeft(cell, flight.type, flight.origin);
    count(cell, "cancelled", flight.type, flight.origin);
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
      // Only work that nobody waits for sleeps outside of a message: woken by a rejection, it would end the process.
      if (scope !== self || !wasUp || !(one instanceof Sleep)) cut(cell, one);
      else if (one.armed) core.world.disarm(one);
    }
  }
}

/** Timers and turns that wait: none of them runs any more. */
function clearTurns(cell: Cell): void {
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
  if (lane === undefined || lane.live === 0) return;
  const flight = new Flight(cell);
  while (lane.take(flight)) {
    const turn = flight.origin as Turn;
    turn.queued = false;
    if (turn.kind === "reply") turn.run();
    else count(cell, "cancelled", turn.name, turn);
  }
}

function tell(flight: Flight, failure: Failure): void {
  const { request } = flight;
  if (request === undefined) return;
  request.state = at.done;
  if (request.verb !== "tell") fail(request, failure);
}

/** What a former incarnation waits for rejects once with Stopped, so that its `finally` runs. */
function cut(cell: Cell, one: Operation): void {
  const stopped = () => new Stopped(`${cell.path} was restarted or stopped while it waited.`, "unknown");
  if (one.armed) cell.core.world.disarm(one);
  if (one instanceof Sleep) {
    one.end(false, stopped());
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
      end(cell, how);
      finish(cell, halting);
    }
    return;
  }
  rare.halting = halting;
  // While it starts, the instance is still that of the incarnation before, which was disposed of.
  const instance = cell.life === "starting" ? undefined : cell.instance;
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
        stopChildren(cell, how, () => disposeOf(cell, instance, () => halted(cell, halting)));
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
    turnAway(cell, request.type, request.details?.payload, request, stoppedFailure(cell, request.type, "not-started"));
  }
  if (box !== undefined && box.live > 0) drain(cell, box);
  clearTurns(cell);
}

function drain(cell: Cell, box: Mailbox): void {
  const flight = new Flight(cell);
  while (box.take(flight)) endQueued(cell, flight, "dead", stoppedFailure(cell, flight.type, "not-started"));
}

function reportStragglers(cell: Cell): void {
  const { world } = cell.core;
  const { stragglers } = cell.rareOf();
  for (const flight of stragglers) {
    // Whenever it settles, that changes nothing any more.
    flight.pending = false;
    cell.core.emit({ kind: "straggler", path: cell.path, type: flight.type, ageMs: world.now() - flight.since });
  }
  stragglers.clear();
}

export function stopChildren(cell: Cell, how: Ended, then: () => void): void {
  const reason: Ended = { reason: "stopped", ...(how.cause === undefined ? {} : { cause: how.cause }) };
  inTurn(
    () => cell.rare?.lastChild,
    (last, next) => halt(last, true, reason, next),
    then,
  );
}

/** Does `step` with what `pick` gives, one after the other, until it gives nothing. Any number fits on the stack. */
export function inTurn<T>(pick: () => T | undefined, step: (one: T, next: () => void) => void, then: () => void): void {
  for (let one = pick(); one !== undefined; one = pick()) {
    let done = false;
    let waits = false;
    step(one, () => {
      done = true;
      if (waits) inTurn(pick, step, then);
    });
    if (done) continue;
    waits = true;
    return;
  }
  then();
}

type Disposing = { [Symbol.asyncDispose]?: () => PromiseLike<void>; [Symbol.dispose]?: () => void };

export function disposeOf(cell: Cell, object: object | undefined, then: () => void): void {
  const instance = object as Disposing | undefined;
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
  let working: PromiseLike<void> | undefined;
  try {
    const dispose = instance?.[Symbol.asyncDispose] ?? instance?.[Symbol.dispose];
    const disposed: unknown = dispose?.call(instance);
    if (typeof (disposed as { then?: unknown } | undefined)?.then === "function")
      working = adopt(disposed as PromiseLike<void>);
  } catch (error) {
    failed(error);
  }
  if (working === undefined) {
    then();
    return;
  }
  cell.core.world.awaits();
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
  working.then(
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
  if (halting.final) end(cell, halting.how);
  finish(cell, halting);
}

function finish(cell: Cell, halting: Halting): void {
  if (cell.rare !== undefined) cell.rare.halting = undefined;
  for (const done of halting.done) done();
  if (cell.life === "ended") startOver(cell);
}

/**
 * The short way down of an actor that stops by itself and has nothing to bring to an end. One whose handler runs, which
 * may yet begin something, is looked at again when that has returned.
 */
export function conclude(cell: Cell): void {
  if (!isBare(cell)) {
    halt(cell, true, stopped, nothing);
    return;
  }
  if (cell.life === "up") {
    cell.life = "halting";
    close(cell);
  }
  if (cell.running > 0) return;
  cell.self.live = false;
  end(cell, stopped);
}

const stopped: Ended = { reason: "stopped" };

function isBare(cell: Cell): boolean {
  const { life, self, rare, lane, core } = cell;
  const instance = cell.instance as Disposing | undefined;
  if (life !== "up" && life !== "halting") return false;
  if (rare !== undefined || lane !== undefined || self.first !== undefined || self.flight !== undefined) return false;
  if (cell.running > 0 && core.current?.cell !== cell) return false;
  return instance?.[Symbol.asyncDispose] === undefined && instance?.[Symbol.dispose] === undefined;
}

/** The last thing an actor does: it leaves the tree, and those who watch it learn of it. */
function end(cell: Cell, how: Ended): void {
  const { core, rare } = cell;
  depart(cell);
  if (rare !== undefined) rare.how = how;
  if (core.listeners.size > 0) core.emit({ kind: "ended", path: cell.path, how });
  for (const { self, ended } of rare?.watchers.splice(0) ?? []) watchTurn(self, cell, how, ended);
}

export function depart(cell: Cell): void {
  const { core } = cell;
  cell.gate = gate.closed;
  cell.life = "ended";
  cell.instance = undefined;
  core.actors--;
  core.retire(cell);
  cell.leave();
}

/** Those that were to start after this one need not wait for it any longer. */
export function startOver(cell: Cell): void {
  const next = cell.rare?.onStarted;
  if (cell.rare === undefined || next === undefined) return;
  cell.rare.onStarted = undefined;
  next();
}

export function watchTurn(self: Incarnation, of: Cell, how: Ended, ended: (how: Ended) => void): void {
  if (self.live) postTurn(new Turn(self, "watch", of.path, () => ended(how)));
}

export function restartedFailure(cell: Cell, type: string, crashed: string, cause: unknown): ActorRestarted {
  return new ActorRestarted(`${cell.path} crashed on ${crashed} while ${type} was in flight beside it.`, "unknown", {
    cause,
  });
}
