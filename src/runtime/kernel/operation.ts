// What an actor waits for: asks and offers it made, sleeps, timers. Intrusive links, so that making, finishing and
// abandoning one costs no further object.

import type { Cell } from "./cell.ts";
import type { Flight } from "./flight.ts";
import type { Origin } from "./mailbox.ts";
import { quicken } from "./quicken.ts";
import type { Incarnation } from "./self.ts";

/** Something that comes due. The links, `at` and `place` belong to the world's timer. */
export abstract class Timed {
  at = 0;
  armed = false;
  earlier: Timed | undefined = undefined;
  later: Timed | undefined = undefined;
  place = -1;
  /** Whose it is. */
  get cell(): Cell | undefined {
    return undefined;
  }

  /** An idle system need not be kept alive for it. */
  get background(): boolean {
    return false;
  }
  abstract due(): void;
}

/** A list of unfinished operations, oldest first. */
export class Scope {
  /** A message in flight or held, and not an incarnation. */
  get isFlight(): boolean {
    return false;
  }

  first: Operation | undefined = undefined;
  last: Operation | undefined = undefined;

  add(operation: Operation): void {
    operation.scope = this;
    operation.previous = this.last;
    operation.next = undefined;
    if (this.last === undefined) this.first = operation;
    else this.last.next = operation;
    this.last = operation;
  }

  remove(operation: Operation): void {
    const { previous, next } = operation;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    operation.scope = undefined;
    operation.previous = undefined;
    operation.next = undefined;
  }
}

/** An operation begun through a Self and not finished. */
export abstract class Operation extends Timed {
  readonly self: Incarnation;
  /** The handler in flight that began it, or, outside of one and after its end, the incarnation. */
  scope: Scope | undefined = undefined;
  previous: Operation | undefined = undefined;
  next: Operation | undefined = undefined;

  constructor(self: Incarnation) {
    super();
    this.self = self;
  }

  override get cell(): Cell {
    return this.self.cell;
  }
}

export class Sleep extends Operation {
  /** The message for which it was begun, in worlds that ask. */
  beganIn: Flight | undefined = undefined;
  promise: Promise<void> | undefined = undefined;
  resolve: () => void = nothing;
  reject: (reason: unknown) => void = nothing;
  readonly onDue: (sleep: Sleep) => void;

  constructor(self: Incarnation, onDue: (sleep: Sleep) => void) {
    super(self);
    this.onDue = onDue;
  }

  due(): void {
    this.onDue(this);
  }

  /** Wakes who sleeps, or tells why it can not go on. */
  end(isOk: boolean, reason?: unknown): void {
    const { wire } = this.self.cell.core.world;
    if (!isOk) this.promise?.catch(nothing);
    if (wire !== undefined) wire.wake(this, isOk, reason);
    else if (isOk) this.resolve();
    else this.reject(reason);
  }
}

/** A turn of an actor's own: a timer, a pipe, a watch; or a reply to a handler that has returned. */
export class Turn extends Operation implements Origin {
  readonly kind: "timer" | "pipe" | "watch" | "priority" | "reply";
  readonly name: string;
  run: () => unknown;
  /** Of a repeating timer; 0 for any other turn. */
  periodMs = 0;
  queued = false;
  /** Its place in the order of posting. */
  posted = 0;
  /** Of a repeating timer: its last turn returned a promise that has not settled. */
  pending = false;
  cancelled = false;

  constructor(self: Incarnation, kind: Turn["kind"], name: string, run: () => unknown) {
    super(self);
    this.kind = kind;
    this.name = name;
    this.run = run;
  }

  get sender(): undefined {
    return undefined;
  }

  get request(): undefined {
    return undefined;
  }

  get turn(): Turn {
    return this;
  }

  override get background(): boolean {
    return this.periodMs > 0;
  }

  /** Set once, by the module that runs turns. */
  static onDue: (turn: Turn) => void = nothing;

  due(): void {
    Turn.onDue(this);
  }
}

/** The state of a request: where its message is. Exactly one at every instant. */
export const at = { sent: 0, waiting: 1, queued: 2, running: 3, held: 4, left: 5, done: 6 } as const;
export type At = (typeof at)[keyof typeof at];

/** What only some requests have. */
export class Details {
  id: string | undefined = undefined;
  key: string | undefined = undefined;
  attempt = 1;
  signal: AbortSignal | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;
  /** While an offer waits for room: what will enter. */
  payload: unknown = undefined;
  /** Actors that forwarded it, for the path of a wait cycle. */
  via: Cell[] | undefined = undefined;
}

/** What a sender is owed. A plain tell needs none: its origin in the mailbox is the sender's cell. */
export class Request extends Operation implements Origin {
  readonly verb: "tell" | "offer" | "ask";
  readonly from: Cell;
  /** Changes when the message is forwarded. */
  to: Cell;
  readonly type: string;
  state: At = at.sent;
  deadline: number = Number.POSITIVE_INFINITY;
  /** The handler that has it in flight or holds it. */
  flight: Flight | undefined = undefined;
  /** The promise of an ask or offer is settled. */
  settled = false;
  /** The receiver has said how; where words travel, its asker may not know yet. */
  told = false;
  /** The message for which it was begun, in worlds that ask. */
  beganIn: Flight | undefined = undefined;
  promise: AskPromise | undefined = undefined;
  resolve: (value: unknown) => unknown = nothing;
  reject: (reason: unknown) => unknown = nothing;
  details: Details | undefined = undefined;
  /** Of all requests of the system: the youngest of a cycle is withdrawn. */
  order = 0;

  constructor(verb: "tell" | "offer" | "ask", self: Incarnation, to: Cell, type: string) {
    super(self);
    this.verb = verb;
    this.from = self.cell;
    this.to = to;
    this.type = type;
  }

  get sender(): Cell {
    return this.from;
  }

  get request(): Request {
    return this;
  }

  get turn(): undefined {
    return undefined;
  }

  get queued(): boolean {
    return this.state === at.queued;
  }

  get key(): string | undefined {
    return this.details?.key;
  }

  /** Does not mind its signal any more. */
  unlisten(): void {
    const { details } = this;
    if (details?.onAbort === undefined) return;
    details.signal?.removeEventListener("abort", details.onAbort);
    details.onAbort = undefined;
  }

  more(): Details {
    this.details ??= new Details();
    return this.details;
  }

  /** Settles its promise. True says that no promise job comes of that. */
  end(isOk: boolean, value: unknown): unknown {
    const { wire } = this.from.core.world;
    if (wire !== undefined) return wire.wake(this, isOk, value);
    return isOk ? this.resolve(value) : this.reject(value);
  }

  /** Set once, by the module that gives requests up: a deadline that nobody dequeues comes due here. */
  static onDue: (request: Request) => void = nothing;

  due(): void {
    Request.onDue(this);
  }
}

/**
 * The promise of an ask or offer. It knows whether anybody listens, so that a failure that nobody hears is reported
 * and does not end the process: `await`, `then` and the combinators all read `constructor` (ECMA-262, PromiseResolve
 * and SpeciesConstructor). What they get there is Promise, so awaiting costs no extra turn.
 */
export class AskPromise extends Promise<unknown> {
  heard = false;
}
Object.defineProperty(AskPromise.prototype, "constructor", {
  configurable: true,
  get(this: AskPromise) {
    this.heard = true;
    return Promise;
  },
});

quicken(Sleep, Turn, Request, AskPromise);

let capturedResolve: (value: unknown) => void = nothing;
let capturedReject: (reason: unknown) => void = nothing;
const capture = (resolve: (value: unknown) => void, reject: (reason: unknown) => void) => {
  capturedResolve = resolve;
  capturedReject = reject;
};

/** Makes the promise of `request`. One shared executor: no closure per ask. */
export function promiseOf(request: Request): AskPromise {
  const promise = new AskPromise(capture);
  request.promise = promise;
  request.resolve = capturedResolve;
  request.reject = capturedReject;
  return promise;
}

function nothing(): void {}
