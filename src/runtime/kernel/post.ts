// From a verb to a mailbox: what is let in, what waits for room, what is turned away.

import { type Cell, gate } from "./cell.ts";
import {
  ActorCrashed,
  ActorStopped,
  type Failure,
  MailboxFull,
  type NotIsolated,
  SystemStopped,
  UnknownMessage,
} from "./failure.ts";
import { count, endQueued, fail, flightOf, resolve, tellEnd } from "./fate.ts";
import { Flight } from "./flight.ts";
import { isolate } from "./isolate.ts";
import { Lane, type Mailbox, type Origin, Ranking, Stack } from "./mailbox.ts";
import { type Selector, selector } from "./names.ts";
import { at, type Request, Turn } from "./operation.ts";
import { Ring } from "./ring.ts";

/**
 * The short road into a mailbox: an open one in fifo order with room, nothing to observe or isolate. A request takes it
 * where a slot is free, as it may close a cycle of waits where none is. It is `origin`'s own, and given, so that a tell need
 * not look for it. False: nothing was done.
 */
export function quickPut(to: Cell, what: Selector, payload: unknown, origin: Origin, request?: Request): boolean {
  const { core, config, running } = to;
  if (to.gate !== 0 || to.protocol.takes[what.id] !== 1) return false;
  const box = (to.box ??= new Ring());
  if (box.live + running >= config.places) return false;
  if (request !== undefined) {
    if (running >= config.concurrency || core.phase !== "up") return false;
    request.state = at.queued;
  }
  core.sent++;
  to.accepted++;
  box.put(what, payload, origin);
  if (!to.scheduled && running < config.concurrency) {
    to.scheduled = true;
    core.world.ready(to);
  }
  return true;
}

/** Puts a message that is no forward. `origin` is the sender's cell for a plain tell. */
export function post(to: Cell, what: Selector, payload: unknown, origin: Origin): void {
  const { core } = to;
  const { wire } = core.world;
  const from = origin.sender;
  if (core.observer !== undefined) core.observer("sent", to, what.name, origin);
  const road = wire === undefined ? false : wire.travels(to, what, origin);
  const travels = road === true;
  let sent = payload;
  let failure = travels ? undefined : road === false ? refusal(to, what, from) : road;
  if (failure === undefined && core.isolation !== "share") {
    try {
      sent = isolate(to, what.name, payload, from);
    } catch (error) {
      failure = error as NotIsolated;
    }
  }
  if (travels && failure === undefined) {
    core.sent++;
    core.transit++;
    wire?.carry(to, what, sent, origin);
  } else admit(to, what, sent, origin, failure);
}

/** A message that travelled is at the mailbox. */
export function arrive(to: Cell, what: Selector, payload: unknown, origin: Origin): void {
  const { core } = to;
  core.transit--;
  core.sent--;
  admit(to, what, payload, origin, refusal(to, what, origin.sender));
}

/** Gives a message its place, if any, unless `refused` says why not. */
function admit(to: Cell, what: Selector, sent: unknown, origin: Origin, refused: Failure | undefined): void {
  const { core } = to;
  const { request } = origin;
  let failure = refused;
  if (failure === undefined && isFull(to)) {
    if (to.config.overflow !== "turn-away") {
      overflow(to, what, sent, origin);
      return;
    }
    if (request?.verb === "offer" && to.rareOf().offers.length < to.config.offers) {
      wait(to, sent, request);
      return;
    }
    failure = full(to, what.name, request?.verb === "offer");
  }
  // Counted when its place is known: accessors of a payload, a priority, and who listens to events may look at the counts.
  if (failure !== undefined) {
    core.sent++;
    turnAway(to, what.name, sent, origin, failure);
  } else {
    const crash = place(to, what, sent, origin);
    core.sent++;
    to.accepted++;
    enter(to, what, sent, origin, crash);
  }
}

/**
 * Moves a message from `by` to the mailbox of `to` at once; it never waits for room. Gives the reason when it is not
 * taken: then it has left `by` for nowhere, and its end is the caller's to count.
 */
export function move(by: Cell, to: Cell, what: Selector, payload: unknown, origin: Origin): Failure | undefined {
  // Who forwards is the one who puts: while the system drains, what came from outside still goes on.
  const failure = refusal(to, what, by) ?? (isFull(to) ? full(to, what.name, false) : undefined);
  if (failure !== undefined) return failure;
  const { request } = origin;
  if (request !== undefined) {
    (request.more().via ??= []).push(by);
    request.to = to;
    request.flight = undefined;
  }
  const crash = place(to, what, payload, origin, by);
  if (by.core === to.core) {
    by.count().forwardedOut++;
    to.count().forwardedIn++;
  } else {
    // Each system keeps its own books: here it is done with, there it is new.
    count(by, "handled", what.name, origin);
    to.core.sent++;
    to.accepted++;
  }
  if (by.core.observer !== undefined) by.core.observer("forwarded", to, what.name, origin);
  enter(to, what, payload, origin, crash);
  return undefined;
}

/** Lets waiting offers in, oldest first, while there is room. */
export function admitOffers(to: Cell): void {
  const offers = to.rare?.offers;
  if (offers === undefined) return;
  while (offers.length > 0 && hasRoom(to)) {
    const request = offers.shift() as Request;
    const details = request.more();
    const { payload } = details;
    details.payload = undefined;
    const what = selector(request.type);
    const crash = place(to, what, payload, request);
    to.core.waitingForRoom--;
    to.accepted++;
    enter(to, what, payload, request, crash);
  }
  if (offers.length === 0) to.gate &= ~gate.offers;
}

/** Turns a message away that was never accepted. */
export function turnAway(to: Cell, type: string, payload: unknown, origin: Origin, failure: Failure): void {
  const { core } = to;
  core.turnedAway++;
  const from = origin.sender;
  if (core.observer !== undefined) core.observer("turned-away", to, type, origin);
  const { request } = origin;
  if (request !== undefined) {
    request.state = at.done;
    if (request.verb !== "tell") {
      fail(request, failure);
      return;
    }
  }
  core.deadLetter(to, from, type, payload, failure);
}

/** Puts a turn of an actor's own: always taken, never against the capacity. */
export function postTurn(turn: Turn): void {
  const { cell } = turn.self;
  const { core } = cell;
  core.sent++;
  core.turns++;
  cell.accepted++;
  turn.queued = true;
  turn.posted = ++core.posts;
  (cell.lane ??= new Lane()).add(turn);
  if (core.observer !== undefined) core.observer("accepted", cell, turn.name, turn);
  cell.schedule();
}

export function stoppedFailure(to: Cell, type: string, outcome: "not-started" | "unknown"): ActorStopped {
  return new ActorStopped(
    `${to.path} ended before it answered ${type}. Watch it, or ask the actor that took its place.`,
    outcome,
  );
}

/** What an actor that has just come up lacks ends dead; offers of the rest are accepted now. */
export function review(cell: Cell): void {
  const { box, protocol } = cell;
  if (box === undefined || protocol.any) return;
  const unknown = box.remove((type) => protocol.takes[selector(type).id] === 1);
  for (const { what, origin } of unknown) count(cell, "dead", what.name, origin);
  for (const one of unknown) tellEnd(cell, one, "dead", unknownFailure(cell, one.what.name));
  if (protocol.receives) return;
  box.forEach((_type, _payload, origin) => {
    if (origin.request?.verb === "offer") resolve(origin.request, undefined);
  });
}

function refusal(to: Cell, what: Selector, from: Cell | undefined): Failure | undefined {
  if ((to.gate & gate.closed) !== 0) return stoppedFailure(to, what.name, "not-started");
  if (to.core.phase !== "up" && (from === undefined || from.outside || from.core !== to.core))
    return new SystemStopped(
      `${to.path} takes no ${what.name} from outside: its system is ${to.core.phase}.`,
      "not-started",
    );
  if (to.instance !== undefined && !to.protocol.any && to.protocol.takes[what.id] !== 1)
    return unknownFailure(to, what.name);
  return undefined;
}

function unknownFailure(to: Cell, type: string): UnknownMessage {
  const list = to.protocol.names.slice(0, 8).join(", ");
  return new UnknownMessage(
    `${to.path} has no message ${type}. It takes: ${list === "" ? "none" : list}.`,
    "not-started",
  );
}

function full(to: Cell, type: string, offered: boolean): MailboxFull {
  const { capacity, offers } = to.config;
  to.core.emit({
    kind: "bound",
    path: to.path,
    bound: offered ? "mailbox.offers" : "mailbox.capacity",
    limit: offered ? offers : capacity,
  });
  return new MailboxFull(
    offered
      ? `${to.path} turned ${type} away: all ${offers} places for waiting offers are taken. Offer less at a time, or raise mailbox.offers.`
      : `${to.path} turned ${type} away: its mailbox holds ${to.box?.live ?? 0} of ${capacity} messages${(to.gate & gate.offers) === 0 ? "" : " and offers wait for room"}. Offer instead, raise mailbox.capacity or choose another overflow.`,
    "not-started",
  );
}

function hasRoom(to: Cell): boolean {
  return (to.box === undefined ? 0 : to.box.live) + to.running < to.config.places;
}

/** While an offer waits, the mailbox is full for everybody: nothing overtakes it. */
function isFull(to: Cell): boolean {
  return (to.gate & gate.offers) !== 0 || !hasRoom(to);
}

function wait(to: Cell, payload: unknown, request: Request): void {
  request.more().payload = payload;
  request.state = at.waiting;
  to.rareOf().offers.push(request);
  to.core.sent++;
  to.core.waitingForRoom++;
  to.gate |= gate.offers;
  if (flightOf(request.scope)?.pending === true) to.core.upper.suspect(request);
}

/** drop-oldest, drop-newest: the new message is accepted, then one is dropped. */
function overflow(to: Cell, what: Selector, payload: unknown, origin: Origin): void {
  const { core, config } = to;
  core.emit({ kind: "bound", path: to.path, bound: "mailbox.capacity", limit: config.capacity });
  const failure = new MailboxFull(
    `${to.path} dropped a message: all ${config.capacity} places were taken and its overflow is ${config.overflow}.`,
    "not-started",
  );
  const oldest = new Flight(to);
  const isPlaced = config.overflow === "drop-oldest" && to.box?.takeOldest(oldest) === true;
  if (isPlaced) endQueued(to, oldest, "dropped", failure);
  const crash = isPlaced ? place(to, what, payload, origin) : undefined;
  core.sent++;
  to.accepted++;
  if (origin.request?.verb === "offer") resolve(origin.request, undefined);
  if (isPlaced) enter(to, what, payload, origin, crash);
  else endQueued(to, { what, payload, origin }, "dropped", failure);
}

/**
 * Gives a message that `by` puts its place in the mailbox. What its priority throws is given back, and becomes a crash
 * in `enter`.
 */
function place(
  to: Cell,
  what: Selector,
  payload: unknown,
  origin: Origin,
  by: Cell | undefined = origin.sender,
): { readonly error: unknown } | undefined {
  const box = (to.box ??= mailboxOf(to));
  const { request } = origin;
  try {
    box.put(what, payload, origin, by);
  } catch (error) {
    return { error };
  } finally {
    if (request !== undefined) request.state = at.queued;
  }
  return undefined;
}

/** What follows from a message that has its place and is counted. */
function enter(to: Cell, what: Selector, payload: unknown, origin: Origin, crash: ReturnType<typeof place>): void {
  const { core } = to;
  const { request } = origin;
  if (crash !== undefined) {
    crashInPriority(to, what, payload, origin, crash.error);
    return;
  }
  if (core.observer !== undefined) core.observer("accepted", to, what.name, origin);
  if (request?.verb === "offer" && !to.protocol.receives && to.life !== "starting") resolve(request, undefined);
  if (!to.free && flightOf(request?.scope)?.pending === true) core.upper.suspect(request as Request);
  to.schedule();
}

function mailboxOf(cell: Cell): Mailbox {
  const { wire } = cell.core.world;
  return wire === undefined ? orderOf(cell, (held) => held) : wire.mailbox(cell, (open) => orderOf(cell, open));
}

function orderOf(cell: Cell, open: (held: unknown) => unknown): Mailbox {
  const { order } = cell.config;
  if (order === "fifo") return new Ring();
  if (order === "lifo") return new Stack();
  return new Ranking((type, held, origin) => {
    const payload = open(held);
    const key = origin.request?.key;
    const rank = order.priority(key === undefined ? { type, payload } : { type, payload, key });
    if (typeof rank !== "number" || Number.isNaN(rank))
      throw new TypeError(`the priority of ${type} is ${rank}, not a number`);
    return rank;
  });
}

/** The sender is not to blame: the message ends crashed, and the receiver's next turn is the crash. */
function crashInPriority(to: Cell, what: Selector, payload: unknown, origin: Origin, error: unknown): void {
  const failure = new ActorCrashed(
    `${to.path} crashed in the priority of its mailbox, given ${what.name}.`,
    "not-started",
    {
      cause: error,
    },
  );
  endQueued(to, { what, payload, origin }, "crashed", failure);
  postTurn(
    new Turn(to.self, "priority", "priority", () => {
      throw error;
    }),
  );
}
