// One turn: the next message or turn of an actor that has a free slot, begun, and what its end sets off.

import { type Cell, gate } from "./cell.ts";
import { ActorCrashed, Failure } from "./failure.ts";
import { answer, answerNo, count, endQueued, fail, timeout, unheard } from "./fate.ts";
import { Flight } from "./flight.ts";
import { dropHeld, release } from "./giveup.ts";
import { explainFrozen } from "./isolate.ts";
import { Letter } from "./letter.ts";
import { conclude } from "./lifecycle.ts";
import type { Lane, Mailbox } from "./mailbox.ts";
import type { Selector } from "./names.ts";
import { at, type Request, type Turn } from "./operation.ts";
import { admitOffers } from "./post.ts";
import { receive } from "./protocol.ts";
import { crash } from "./supervise.ts";
import { adopt, isOf, messageOf } from "./thenable.ts";

/** A serial actor that keeps its mailbox waiting this long for one ask, while the mailbox grows, is reported. */
const holdingMs = 1_000;

/** Starts what `cell` holds now, at most `most` messages and turns. Gives how many were begun. */
export function serve(cell: Cell, most: number): number {
  const { box } = cell;
  if (cell.lane !== undefined || box === undefined) return serveLong(cell, most);
  // biome-ignore lint/complexity/useMathMinMax: Math.min computes in floating point, on the hottest path there is
  const batch = box.live < most ? box.live : most;
  let begun = 0;
  while (begun < batch && cell.running === 0 && !cell.down && quickTurn(cell, box)) begun++;
  cell.scheduled = false;
  // Its first turn may have come while it was served.
  if (box.live > 0 || cell.lane !== undefined) cell.schedule();
  return begun;
}

function serveLong(cell: Cell, most: number): number {
  const batch = Math.min(most, cell.waiting);
  let begun = 0;
  while (begun < batch && cell.life === "up" && cell.free && turn(cell)) begun++;
  cell.scheduled = false;
  cell.schedule();
  return begun;
}

/** Starts one message or turn of `cell`, which is up and has a free slot. False when there was none to start. */
function turn(cell: Cell): boolean {
  const { core, lane, box } = cell;
  if (lane !== undefined && lane.live > 0 && startTurn(cell, lane)) return true;
  if (box === undefined) return false;
  if (!cell.long) return quickTurn(cell, box);
  const flight = new Flight(cell);
  if (!box.take(flight)) return false;
  const { request } = flight;
  if (request !== undefined && !admit(cell, flight, request)) return true;
  cell.running++;
  if (core.observer !== undefined) core.observer("started", cell, flight.type, flight.origin);
  run(cell, flight);
  return true;
}

/** The short road: a serial actor without [receive], unobserved. Its record serves the next message if it can. */
function quickTurn(cell: Cell, box: Mailbox): boolean {
  const { core } = cell;
  const flight = (core.spare ??= new Flight(cell));
  if (!box.take(flight)) return false;
  const { request } = flight.origin;
  if (request !== undefined && !admit(cell, flight, request)) return true;
  flight.cell = cell;
  cell.running = 1;
  core.current = flight;
  let result: unknown;
  try {
    result = (flight.what as Selector).call(cell.instance as object, flight.payload);
    if (result !== undefined && result !== null && isThenable(result)) {
      pend(cell, flight, result);
      return true;
    }
  } catch (error) {
    keep(cell, flight);
    failed(cell, flight, error);
    return true;
  }
  quickEnd(cell, flight, request, result);
  return true;
}

/** A handler or turn of a serial, unobserved actor returned, and not a promise. */
function quickEnd(cell: Cell, flight: Flight, request: Request | undefined, result: unknown): void {
  const { core } = cell;
  core.current = undefined;
  if (flight.touched || (result !== undefined && isOf(result, Failure))) {
    keep(cell, flight);
    ended(cell, flight, result);
    return;
  }
  cell.running = 0;
  cell.handled++;
  core.ended++;
  if (request !== undefined) answer(cell, request, result);
  if (flight.first !== undefined) {
    flight.self = cell.self;
    release(flight);
  }
  flight.payload = undefined;
  if (cell.gate !== 0) afterTurn(cell);
  if (core.onQuiet !== undefined) core.quiet();
}

/** Runs what a flight is about, up to its first await. */
function run(cell: Cell, flight: Flight): void {
  keep(cell, flight);
  cell.core.current = flight;
  try {
    const result = cell.config.concurrency > 1 ? begin(cell, flight) : handle(cell, flight);
    if (result !== undefined && result !== null && isThenable(result)) pend(cell, flight, result);
    else {
      keep(cell, flight);
      ended(cell, flight, result);
    }
  } catch (error) {
    keep(cell, flight);
    failed(cell, flight, error);
  }
}

/** A request starts, unless its deadline has passed. */
function admit(cell: Cell, flight: Flight, request: Request): boolean {
  if (request.deadline <= cell.core.world.time) {
    endQueued(cell, flight, "expired", timeout(request, "not-started"));
    if (cell.gate !== 0) afterTurn(cell);
    return false;
  }
  request.state = at.running;
  request.flight = flight;
  return true;
}

/** Of several in flight. On its own: who calls it makes no closure. */
function begin(cell: Cell, flight: Flight): unknown {
  return cell.core.world.context.run(flight, () => handle(cell, flight));
}

function handle(cell: Cell, flight: Flight): unknown {
  const own = flight.origin.turn?.run;
  if (own !== undefined) return own();
  if (!cell.protocol.receives) return (flight.what as Selector).call(cell.instance as object, flight.payload);
  flight.letter = new Letter(flight);
  return (cell.instance as { [receive](m: Letter): unknown })[receive](flight.letter);
}

/** May run a getter of the user's: call it inside a try. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

/** The record stays with its message: it is no longer the spare one, and its handler has returned or is to begin. */
function keep(cell: Cell, flight: Flight): void {
  const { core } = cell;
  core.current = undefined;
  flight.self = cell.self;
  if (core.spare === flight) core.spare = undefined;
}

/** The handler returned a promise: it keeps its slot until that settles. */
function pend(cell: Cell, flight: Flight, result: PromiseLike<unknown>): void {
  const { world } = cell.core;
  // First, as it may throw: then nothing has begun.
  adopt(result).then(
    (value) => {
      if (settle(cell, flight)) ended(cell, flight, value);
    },
    (error) => {
      if (settle(cell, flight)) failed(cell, flight, error);
    },
  );
  world.awaits(flight);
  flight.pending = true;
  flight.since = world.time;
  flight.waitingThen = cell.waiting;
  keep(cell, flight);
  cell.addFlight(flight);
  if (flight.first !== undefined) cell.core.upper.suspect(flight);
  if (cell.gate !== 0) afterTurn(cell);
}

/** A pending handler has settled. False when that changes nothing any more. */
function settle(cell: Cell, flight: Flight): boolean {
  if (!flight.pending) return false;
  cell.core.world.enter();
  flight.pending = false;
  const stragglers = cell.rare?.stragglers;
  if (stragglers?.delete(flight) === true) {
    if (stragglers.size === 0) cell.rare?.halting?.settled?.();
    return false;
  }
  cell.removeFlight(flight);
  holdingCheck(cell, flight);
  return true;
}

function holdingCheck(cell: Cell, flight: Flight): void {
  const heldMs = cell.core.world.time - flight.since;
  if (heldMs < holdingMs || cell.config.concurrency > 1 || flight.edge === undefined) return;
  if (cell.waiting <= flight.waitingThen) return;
  const { to, type } = flight.edge;
  cell.core.emit({
    kind: "holding",
    path: cell.path,
    type: flight.type,
    edge: `${to.path} ${type}`,
    heldMs,
    waiting: cell.waiting,
  });
}

/** The slot comes free. What the handler began and did not await goes on under the incarnation. */
function leave(cell: Cell, flight: Flight): void {
  cell.running--;
  release(flight);
}

/** A handler ended with an answer. */
function handled(cell: Cell, flight: Flight, value: unknown): void {
  leave(cell, flight);
  flight.over = true;
  count(cell, "handled", flight.type, flight.origin);
  if (flight.request !== undefined) answer(cell, flight.request, value);
  next(cell);
}

/** A handler ended, in whatever way but by a throw. */
function ended(cell: Cell, flight: Flight, value: unknown): void {
  const { request, type } = flight;
  if (flight.over) {
    leave(cell, flight);
    next(cell);
    return;
  }
  if (!flight.answered && !flight.holding && !isOf(value, Failure)) {
    handled(cell, flight, value);
    return;
  }
  if (flight.holding && !flight.answered && flight.abandoned) {
    // Nobody is left to hold it for.
    leave(cell, flight);
    dropHeld(flight, "cancelled");
    next(cell);
    return;
  }
  if (flight.holding && !flight.answered) {
    cell.running--;
    cell.rareOf().held.add(flight);
    if (request !== undefined && !(request.verb === "ask" && request.settled)) request.state = at.held;
    if (cell.core.observer !== undefined) cell.core.observer("held", cell, type, flight.origin);
    if (flight.first !== undefined || flight.on !== undefined) cell.core.upper.suspect(request ?? flight);
    next(cell);
    return;
  }
  leave(cell, flight);
  flight.over = true;
  if (flight.answered) {
    if (request !== undefined) request.state = at.done;
    count(cell, flight.refused ? "refused" : "handled", type, flight.origin);
    if (value !== undefined && !(isOf(value, Failure) && flight.refused)) cell.core.repeated++;
  } else refuse(cell, flight, value as Failure);
  next(cell);
}

/** An answer of no: the state is kept, the asker gets it; where nobody waits, it is reported. */
function refuse(cell: Cell, flight: Flight, failure: Failure): void {
  count(cell, "refused", flight.type, flight.origin);
  answerNo(flight, failure);
  if (flight.request !== undefined) flight.request.state = at.done;
}

/** The handler threw: a refusal or a failed ask is an answer, anything else a crash. */
function failed(cell: Cell, flight: Flight, thrown: unknown): void {
  const error = explainFrozen(flight, thrown);
  const answers =
    isOf(error, Failure) && (cell.config.onAskError === "answer" || flight.heard?.includes(error) !== true);
  if (answers && (flight.over || flight.answered)) {
    unheard(cell, flight.type, flight.sender, error);
    ended(cell, flight, undefined);
    return;
  }
  if (answers) {
    flight.over = true;
    leave(cell, flight);
    refuse(cell, flight, error);
    next(cell);
    return;
  }
  leave(cell, flight);
  if (!flight.over) {
    flight.over = true;
    const { request } = flight;
    count(cell, "crashed", flight.type, flight.origin);
    if (request !== undefined) {
      request.state = at.done;
      const failure = new ActorCrashed(
        `${cell.path} crashed while it handled ${flight.type}: ${messageOf(error).replace(/\.$/, "")}.`,
        "unknown",
        { cause: error },
      );
      if (request.verb === "ask" && request.settled) cell.core.late += flight.answered ? 0 : 1;
      else if (request.verb !== "tell") fail(request, failure);
    }
  }
  const { turn } = flight.origin;
  if (turn === undefined) crash(cell, flight.type, error, flight.info());
  else crash(cell, contextOf(turn), error, undefined);
  next(cell);
}

function contextOf(turn: Turn): string {
  return turn.name === turn.kind ? turn.kind : `${turn.kind} ${turn.name}`;
}

function next(cell: Cell): void {
  if (cell.gate !== 0) afterTurn(cell);
  cell.schedule();
}

function afterTurn(cell: Cell): void {
  if ((cell.gate & gate.offers) !== 0) admitOffers(cell);
  if (cell.life === "halting" && cell.rare?.halting === undefined) conclude(cell);
  else if (cell.running === 0) cell.rare?.halting?.settled?.();
}

/** Starts the turn at the head of the lane, unless a message waits and the last start was a turn. */
function startTurn(cell: Cell, lane: Lane): boolean {
  if (lane.turned && cell.box !== undefined && cell.box.live > 0) {
    lane.turned = false;
    return false;
  }
  const flight = (cell.core.spare ??= new Flight(cell));
  lane.take(flight);
  flight.cell = cell;
  const started = flight.origin as Turn;
  started.queued = false;
  lane.turned = true;
  cell.running++;
  if (started.kind === "reply") {
    // It holds the slot while what it set off runs, and is no message.
    if (started.run() === true) replied(cell);
    else cell.core.world.afterJobs(replied.bind(undefined, cell));
    return true;
  }
  if (cell.core.observer !== undefined) cell.core.observer("started", cell, started.name, started);
  if (!cell.long) quickRun(cell, flight);
  else run(cell, flight);
  return true;
}

function replied(cell: Cell): void {
  cell.running--;
  next(cell);
}

/** A turn on the short road. */
function quickRun(cell: Cell, flight: Flight): void {
  cell.core.current = flight;
  let result: unknown;
  try {
    result = handle(cell, flight);
    if (result !== undefined && result !== null && isThenable(result)) {
      pend(cell, flight, result);
      return;
    }
  } catch (error) {
    keep(cell, flight);
    failed(cell, flight, error);
    return;
  }
  quickEnd(cell, flight, undefined, result);
}
