// The simulated world: virtual time, and one event at a time. An event starts a message or turn, brings a reply, or
// comes due; a step fires one and runs what it set off. Enabled events are fired in the order in which they were posted;
// time advances only when none is enabled, and then everything due at the new instant is enabled.

import type { Cell } from "../kernel/cell.ts";
import type { Context, Core, Wire, World } from "../kernel/core.ts";
import { serve } from "../kernel/dispatch.ts";
import { Flight } from "../kernel/flight.ts";
import type { Mailbox, Origin, Taken } from "../kernel/mailbox.ts";
import type { Selector } from "../kernel/names.ts";
import { Operation, type Request, Sleep, Timed, Turn } from "../kernel/operation.ts";
import type { Incarnation } from "../kernel/self.ts";
import { Agenda } from "./agenda.ts";
import { isAllItsAskerWaitsFor, isAway, isStray } from "./away.ts";
import { Disturbances } from "./disturbance.ts";
import { Arrival, copyOf, Reply, record, requestOf } from "./event.ts";
import { Unavailable } from "./failure.ts";
import type { Arrivals, Links } from "./link.ts";
import { oldest, open, type Post, PostedMailbox } from "./posted.ts";
import { Ready } from "./ready.ts";
import type { Trace } from "./trace.ts";

const none: readonly (Flight | Cell)[] = [];

/** `place` of what came due in an actor that is paused. */
const paused = -2;

/** Whose code runs in a step, besides the runtime's: an incarnation, or one of its several handlers in flight. */
type Awake = Incarnation | Flight;

interface Wake {
  readonly who: Awake;
  readonly operation: Request | Sleep;
  readonly isOk: boolean;
  readonly value: unknown;
}

export class SimWorld implements World, Wire, Context {
  readonly name = "sim";
  readonly wire: Wire = this;
  readonly context: Context = this;
  readonly links: Links;
  readonly disturbances: Disturbances = new Disturbances();
  readonly trace: Trace | undefined;
  core!: Core;
  time = 0;
  /** Events fired so far. */
  steps = 0;
  /** Whether this step set off promise jobs. */
  stirred = false;
  /** The handler, or the actor, whose code runs in this step; undefined between steps. */
  awake: Awake | undefined = undefined;
  /** An event was fired or the body woken, and what that set off is not over: whatever acts now is of this world. */
  isActing = false;
  /** Called when something acts in no step, with the actor if it is known; in a strict run also in that of another. */
  onStray: (cell?: Cell) => void = () => {};
  isStrict = false;
  /** Incarnations whose factory has come to its first await; kept in a strict run. */
  readonly slow: WeakSet<Incarnation> = new WeakSet();
  /** Handlers and factories that were found pending, or woken, in this step. */
  readonly #touched: (Flight | Cell)[] = [];
  readonly #agenda = new Agenda(() => ++this.core.posts);
  readonly #ready = new Ready();
  /** Replies that are fired before anything else. */
  #fused: Reply[] = [];
  /** Actors that gave a promise to a pipe; undefined while none did. */
  #piping: WeakSet<Cell> | undefined = undefined;
  #wakes: Wake[] = [];
  #after: (() => void)[] = [];
  /** Events of paused actors. */
  #stash: (Timed | Cell)[] = [];
  #flight: Flight | undefined = undefined;
  /** The request that is put: a word on it in this step is not from its receiver, but about the put. */
  #direct: Request | undefined = undefined;
  #arrivals: Arrivals = undefined;
  readonly #scratch: Taken = { type: "", payload: undefined, origin: undefined as unknown as Origin };

  constructor(links: Links, trace: Trace | undefined) {
    this.links = links;
    this.trace = trace;
  }

  // --- what the kernel asks of a world -----------------------------------------------------------------------------

  now(cell?: Cell): number {
    return cell === undefined ? this.time : this.time + this.disturbances.offsetMs(cell, this.time);
  }

  enter(): void {
    if (!this.isActing) this.onStray();
  }

  ready(cell: Cell): void {
    this.#ready.add(cell, oldest(cell, this.#scratch));
  }

  arm(timed: Timed, time: number): void {
    if (!this.isActing && timed instanceof Turn) this.onStray(timed.self.cell);
    if (timed.place === paused) this.disarm(timed);
    let at = Math.max(time, this.time);
    if (timed instanceof Sleep && timed.scope?.isFlight === true)
      at = this.time + (at - this.time) * this.disturbances.slowness(timed.self.cell, this.time);
    this.#agenda.arm(timed, at, this.time);
  }

  disarm(timed: Timed): void {
    if (timed.place === paused) {
      timed.place = -1;
      timed.armed = false;
    } else this.#agenda.disarm(timed);
  }

  afterJobs(then: () => void): void {
    this.afterAllJobs(then);
  }

  afterAllJobs(then: () => void): void {
    this.stirred = true;
    this.#after.push(then);
  }

  awaits(by?: Flight | Cell): void {
    this.stirred = true;
    if (by === undefined) {
      if (this.awake !== undefined) (this.#piping ??= new WeakSet()).add(this.awake.cell);
      return;
    }
    this.#touched.push(by);
    if (this.isStrict && !(by instanceof Flight)) this.slow.add(by.self);
  }

  // --- context: a plain variable is exact, as one handler runs in a step --------------------------------------------

  open(): void {}

  run<T>(flight: Flight, handler: () => T): T {
    this.#flight = flight;
    this.awake = flight;
    return handler();
  }

  current(): Flight | undefined {
    return this.#flight;
  }

  // --- travel --------------------------------------------------------------------------------------------------------

  mailbox(cell: Cell, make: (open: (held: unknown) => unknown) => Mailbox): Mailbox {
    return new PostedMailbox(cell, make(open), this.trace);
  }

  travels(to: Cell, what: Selector, origin: Origin): boolean | Unavailable {
    const from = origin.sender;
    this.#direct = origin.request;
    if (from === undefined) return false;
    if (!this.isActing || (this.isStrict && isStray(from, this.awake?.cell))) this.onStray(from);
    const route = this.links.route(from, to, what, origin, this.time);
    if (route instanceof Unavailable) return route;
    this.#arrivals = route;
    return route !== undefined;
  }

  carry(to: Cell, what: Selector, payload: unknown, origin: Origin): void {
    const [first, ...more] = this.#arrivals ?? [];
    if (first === undefined) {
      this.core.transit--;
      this.core.lost++;
      this.trace?.fate(this.steps, this.time, "lost", to, what.name);
      this.core.quiet();
      return;
    }
    if (more.length === 0) {
      this.arm(new Arrival(to, what, payload, origin), first);
      return;
    }
    const original = requestOf(to, what, origin);
    this.arm(new Arrival(to, what, payload, original), first);
    for (const at of more) {
      this.core.sent++;
      this.core.transit++;
      this.arm(new Arrival(to, what, payload, copyOf(original)), at);
    }
  }

  reply(request: Request, settle: () => void, word: unknown): void {
    if (request === this.#direct) {
      settle();
      return;
    }
    const reply = new Reply(request, settle, word);
    const arrivals = this.links.between(request.to, request.from)?.send(this.time, request.type, true);
    if (arrivals === undefined && this.#isNext(request)) this.#fused.push(reply);
    else {
      const [at] = arrivals ?? [this.time];
      if (at !== undefined) this.#agenda.arm(reply, at, this.time);
      else this.trace?.fate(this.steps, this.time, "lost", request.from, request.type);
    }
  }

  began(operation: Request | Sleep, flight: Flight | undefined): void {
    if (!this.isActing) this.onStray(operation.self.cell);
    operation.beganIn = flight;
  }

  drew(cell: Cell): void {
    if (!this.isActing) this.onStray(cell);
    this.trace?.drew(cell);
  }

  // --- steps -----------------------------------------------------------------------------------------------------------

  /**
   * Fires events: at most `most`, and none after one that set off promise jobs. Gives `idle` before time goes on for
   * repeating timers alone, if that is asked for; `none` when nothing is left to happen.
   */
  fire(most: number, untilIdle: boolean): "some" | "idle" | "none" {
    this.stirred = false;
    for (let left = most; left > 0; ) {
      if (!this.#fireNext()) {
        if (this.hasEnabled) continue;
        if (untilIdle && this.isIdle) return "idle";
        const { soonest } = this.#agenda;
        if (soonest === Number.POSITIVE_INFINITY) return left === most ? "none" : "some";
        this.time = soonest;
        const only = this.#agenda.advance();
        if (only === undefined || this.#isPaused(only.cell, only)) continue;
        this.#bring(only);
      }
      left--;
      if (this.stirred || left === 0) return "some";
      this.rest();
    }
    return "some";
  }

  /** Fires what is enabled and was posted first. False when there was nothing, or it turned out to be void. */
  #fireNext(): boolean {
    const ready = this.#ready.order;
    const isFused = this.#fused.length > 0;
    if (isFused || this.#agenda.order < ready) {
      const timed = isFused ? (this.#fused.shift() as Reply) : this.#agenda.take();
      if (this.#isPaused(timed.cell, timed)) return false;
      this.#bring(timed);
      return true;
    }
    return ready < Number.POSITIVE_INFINITY && this.#startNext();
  }

  /** Something can be fired without time going on. */
  get hasEnabled(): boolean {
    return this.#fused.length > 0 || this.#ready.length > 0 || this.#agenda.order < Number.POSITIVE_INFINITY;
  }

  /** Nothing is enabled, and no timer is armed but repeating ones. */
  get isIdle(): boolean {
    return !this.hasEnabled && this.#agenda.foreground === 0 && this.#stash.length === 0;
  }

  /** Goes on with what waits for the end of the promise jobs. False when there is nothing. */
  resume(): boolean {
    this.stirred = false;
    const wake = this.#wakes.shift();
    if (wake !== undefined) {
      const { who, operation, isOk, value } = wake;
      this.awake = who;
      this.wake(operation, isOk, value);
      this.#flight = operation.beganIn;
      return true;
    }
    const after = this.#after;
    if (after.length === 0) return false;
    this.#after = [];
    for (const then of after) then();
    return true;
  }

  /** Of the handlers and factories that were begun or woken in this step, those that wait for nothing of the runtime's. */
  takeAway(): readonly (Flight | Cell)[] {
    let away: (Flight | Cell)[] | undefined;
    for (let one = this.#touched.pop(); one !== undefined; one = this.#touched.pop())
      if (isAway(one)) (away ??= []).push(one);
    return away ?? none;
  }

  /** The step is over. */
  rest(): void {
    this.isActing = false;
    this.awake = undefined;
    this.#flight = undefined;
    this.#direct = undefined;
  }

  /** Whatever waited for the end of a pause is enabled. */
  unpause(): void {
    const stash = this.#stash;
    this.#stash = [];
    for (const one of stash) {
      if (one instanceof Timed) {
        // What was withdrawn or armed anew meanwhile is not in it any more.
        if (one.place === paused) this.arm(one, this.time);
      } else {
        one.scheduled = false;
        one.schedule();
      }
    }
  }

  /** After a power failure: of what is armed or enabled only what `keeps` says stays. */
  forget(keeps: (timed: Timed) => boolean): void {
    this.#agenda.clear(keeps);
    this.#ready.clear();
    this.#fused = [];
    this.#wakes = [];
    this.#stash = [];
  }

  #bring(timed: Timed): void {
    this.steps++;
    this.isActing = true;
    if (this.trace !== undefined) record(this.trace, this.steps, this.time, timed, this.core.root);
    // What the runtime waited for, and a fault, may run a factory or a dispose.
    if (!(timed instanceof Operation || timed instanceof Reply)) this.awake = (timed.cell ?? this.core.root).self;
    // It may end what somebody waits for.
    if (!(timed instanceof Turn || timed instanceof Arrival)) this.stirred = true;
    timed.due();
  }

  /** Starts something in the actor whose turn it is. False when that waits no longer, or not as long as it seemed. */
  #startNext(): boolean {
    const since = this.#ready.order;
    const cell = this.#ready.take() as Cell;
    const { lane, box } = cell;
    if (cell.down || cell.waiting === 0) {
      cell.scheduled = false;
      cell.schedule();
      return false;
    }
    if (this.#isPaused(cell, cell)) return false;
    const scratch = this.#scratch;
    const post = box?.peek(scratch) === true ? (scratch.payload as Post) : undefined;
    const turn = lane?.peek(scratch) === true ? (scratch.origin as Turn) : undefined;
    const isTurn = turn !== undefined && (post === undefined || turn.posted < post.order);
    const order = isTurn ? turn.posted : (post as Post).order;
    if (order > since && order > Math.min(this.#ready.order, this.#agenda.order)) {
      // What waited longest was withdrawn.
      this.#ready.add(cell, order);
      return false;
    }
    this.steps++;
    this.isActing = true;
    // The kernel would have a turn go first, but not twice in a row; here the older one goes.
    if (lane !== undefined) lane.turned = !isTurn;
    const { trace, steps, time } = this;
    if (trace !== undefined) {
      if (isTurn) trace.event(steps, time, "start", trace.own(cell, turn.kind, turn.name), cell, undefined);
      else if (post?.event !== undefined) trace.event(steps, time, "start", post.event, cell, post.payload);
    }
    if (isTurn || !this.disturbances.refuses(cell, time)) this.#begin(cell);
    return true;
  }

  #begin(cell: Cell): void {
    this.awake = cell.self;
    // It may settle what another handler of its actor waits for, or a pipe.
    if (cell.self.flight !== undefined || this.#piping?.has(cell) === true) this.stirred = true;
    serve(cell, 1);
  }

  #isPaused(cell: Cell | undefined, event: Timed | Cell): boolean {
    if (cell === undefined || !this.disturbances.pauses(cell, this.time)) return false;
    if (event instanceof Timed) {
      event.place = paused;
      event.armed = true;
    }
    this.#stash.push(event);
    return true;
  }

  /** Settles a promise of the user's, one handler after the other: each runs until it awaits before the next is woken. */
  wake(operation: Request | Sleep, isOk: boolean, value: unknown): void {
    const { beganIn, self } = operation;
    const who = beganIn !== undefined && self.cell.config.concurrency > 1 ? beganIn : self;
    this.stirred = true;
    if (beganIn !== undefined) this.#touched.push(beganIn);
    if (this.awake === undefined) {
      this.awake = who;
      this.#flight = beganIn;
    }
    if (this.awake !== who) this.#wakes.push({ who, operation, isOk, value });
    else if (isOk) operation.resolve(value);
    else operation.reject(value);
  }

  /** Nothing else can happen to such an asker before it has the reply, and nobody sees it before it acts. */
  #isNext(request: Request): boolean {
    return isAllItsAskerWaitsFor(request) && request.deadline > this.time && !this.#agenda.hasFault;
  }
}
