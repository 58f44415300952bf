// The simulated world: virtual time, and one event at a time. An event starts a message or turn, brings a reply, or
// comes due; a step fires one and runs what it set off. Enabled events are fired in the order in which they were posted;
// time advances only when none is enabled, and then everything due at the new instant is enabled.

import type { Cell } from "../kernel/cell.ts";
import type { Context, Core, Wire, World } from "../kernel/core.ts";
import { serve } from "../kernel/dispatch.ts";
import { Flight } from "../kernel/flight.ts";
import type { Mailbox, Origin } from "../kernel/mailbox.ts";
import type { Selector } from "../kernel/names.ts";
import { Operation, type Request, Sleep, type Timed, Turn } from "../kernel/operation.ts";
import { askWithinMs } from "../kernel/options.ts";
import type { Incarnation } from "../kernel/self.ts";
import { Agenda } from "./agenda.ts";
import { isAllItsAskerWaitsFor, isAway, isStray } from "./away.ts";
import { Disturbances } from "./disturbance.ts";
import { Arrival, copyOf, eventOf, placeOf, Reply, record, requestOf } from "./event.ts";
import { Unavailable } from "./failure.ts";
import type { Arrivals, Links } from "./link.ts";
import type { Event } from "./names.ts";
import type { Trace } from "./trace.ts";

const none: readonly (Flight | Cell)[] = [];

/** Whose code runs in a step, besides the runtime's: an incarnation, or one of its several handlers in flight. */
type Awake = Incarnation | Flight;

/** Shared: a function of its own for each world would be in the old space, and keep it alive (see handle.ts). */
export function nothing(): void {}

interface Wake {
  readonly who: Awake;
  readonly operation: Request | Sleep;
  readonly isOk: boolean;
  readonly value: unknown;
}

export abstract class SimWorld implements World, Wire, Context {
  readonly name = "sim";
  readonly wire: Wire = this;
  readonly context: Context = this;
  readonly askWithinMs: number = askWithinMs;
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
  onStray: (cell?: Cell) => void = nothing;
  isStrict = false;
  /** Incarnations whose factory has come to its first await; kept in a strict run. */
  readonly slow: Set<Incarnation> = new Set();
  /** Handlers and factories that were found pending, or woken, in this step. */
  readonly #touched: (Flight | Cell)[] = [];
  protected readonly agenda: Agenda = new Agenda(() => ++this.core.posts);
  /** Replies that are fired before anything else. */
  protected fused: Reply[] = [];
  /** Actors that gave a promise to a pipe; undefined while none did. */
  #piping: WeakSet<Cell> | undefined = undefined;
  #wakes: Wake[] = [];
  #after: (() => void)[] = [];
  #flight: Flight | undefined = undefined;
  /** The request that is put: a word on it in this step is not from its receiver, but about the put. */
  #direct: Request | undefined = undefined;
  /** Of the message that is put. */
  protected arrivals: Arrivals = undefined;

  constructor(links: Links, trace: Trace | undefined) {
    this.links = links;
    this.trace = trace;
  }

  /** Called once, before anything. */
  join(core: Core): void {
    this.core = core;
  }

  /** An actor has something to start. */
  abstract ready(cell: Cell): void;

  abstract mailbox(cell: Cell, make: (open: (held: unknown) => unknown) => Mailbox): Mailbox;

  /**
   * Fires events: at most `most`, and none after one that set off promise jobs. Gives `idle` before time goes on for
   * repeating timers alone, if that is asked for; `none` when nothing is left to happen.
   */
  abstract fire(most: number, untilIdle: boolean): "some" | "idle" | "none";

  /** Something can be fired without time going on. */
  abstract get hasEnabled(): boolean;

  /** Nothing is enabled, and no timer is armed but repeating ones. */
  abstract get isIdle(): boolean;

  /** Whatever waited for the end of a pause is enabled. */
  abstract unpause(): void;

  // --- what the kernel asks of a world -----------------------------------------------------------------------------

  now(cell?: Cell): number {
    return cell === undefined ? this.time : this.time + this.disturbances.offsetMs(cell, this.time);
  }

  enter(): void {
    if (!this.isActing) this.onStray();
  }

  arm(timed: Timed, time: number): void {
    if (!this.isActing && timed instanceof Turn) this.onStray(timed.self.cell);
    let at = Math.max(time, this.time);
    if (this.disturbances.anySlow && timed instanceof Sleep && timed.scope?.isFlight === true)
      at = this.time + (at - this.time) * this.disturbances.slowness(timed.self.cell, this.time);
    this.agenda.arm(timed, at, this.time);
  }

  disarm(timed: Timed): void {
    this.agenda.disarm(timed);
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

  travels(to: Cell, what: Selector, origin: Origin): boolean | Unavailable {
    const from = origin.sender;
    this.#direct = origin.request;
    if (from === undefined) return false;
    if (!this.isActing || (this.isStrict && isStray(from, this.awake?.cell))) this.onStray(from);
    const route = this.links.route(from, to, what, origin, this.time);
    if (route instanceof Unavailable) return route;
    this.arrivals = route;
    return route !== undefined;
  }

  carry(to: Cell, what: Selector, payload: unknown, origin: Origin): void {
    const arrivals = this.arrivals ?? [];
    const { withoutOutageMs } = this.links;
    if (arrivals.length === 0) {
      this.core.transit--;
      this.core.lost++;
      this.lose(origin.sender as Cell, to, what.name);
      this.core.quiet();
      return;
    }
    const original = arrivals.length === 1 ? origin : requestOf(to, what, origin);
    for (const [i, at] of arrivals.entries()) {
      if (i > 0) {
        this.core.sent++;
        this.core.transit++;
      }
      const arrival = new Arrival(to, what, payload, i === 0 ? original : copyOf(original as Request));
      arrival.withoutOutageMs = withoutOutageMs?.[i];
      this.travel(arrival, at);
    }
  }

  /** What an outage holds back arrives as it would have without one, or now. */
  hasten(fits: (path: string) => boolean): void {
    for (const timed of this.agenda.armed) {
      if (!(timed instanceof Arrival) || timed.withoutOutageMs === undefined || !fits(timed.to.path)) continue;
      const at = Math.max(this.time, timed.withoutOutageMs);
      // What it does not hold keeps its place among what comes with it.
      if (at < timed.at) this.travel(timed, at);
      timed.withoutOutageMs = undefined;
    }
  }

  reply(request: Request, settle: () => void, word: unknown): void {
    if (request === this.#direct) {
      settle();
      return;
    }
    const reply = new Reply(request, settle, word);
    const arrivals = this.links.between(request.to, request.from)?.send(this.time, request.type, true);
    if (arrivals === undefined && this.isNext(request)) this.fused.push(reply);
    else {
      const [at] = arrivals ?? [this.time];
      if (at !== undefined) this.travel(reply, at);
      else this.lose(request.to, request.from, request.type);
    }
  }

  /** It never arrives. */
  protected lose(_from: Cell, to: Cell, type: string): void {
    this.trace?.fate(this.steps, this.time, "lost", to, type);
  }

  /** Has something arrive at `at`, in ms of virtual time. */
  protected travel(timed: Arrival | Reply, at: number): void {
    this.agenda.arm(timed, at, this.time);
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

  /** After a power failure: of what is armed or enabled only what `keeps` says stays. */
  forget(keeps: (timed: Timed) => boolean): void {
    this.agenda.clear(keeps);
    this.fused = [];
    this.#wakes = [];
  }

  /** Fires something that came due; `event` is its name, where it has one already. */
  protected bring(timed: Timed, event?: Event): void {
    const { trace, core } = this;
    this.steps++;
    this.isActing = true;
    if (trace !== undefined) {
      const cell = placeOf(timed, core.root);
      record(trace, this.steps, this.time, timed, event ?? eventOf(trace.names, timed, cell), cell);
    }
    if (!(timed instanceof Turn)) {
      // What the runtime waited for, and a fault, may run a factory or a dispose.
      if (!(timed instanceof Operation || timed instanceof Reply)) this.awake = (timed.cell ?? core.root).self;
      // It may end what somebody waits for.
      if (!(timed instanceof Arrival)) this.stirred = true;
    }
    timed.due();
  }

  /** The turn at the head of the lane, or the next message. */
  protected begin(cell: Cell, isTurn: boolean): void {
    this.awake = cell.self;
    // It may settle what another handler of its actor waits for, or a pipe.
    if (cell.self.flight !== undefined || this.#piping?.has(cell) === true) this.stirred = true;
    // The kernel would have a turn go first, but not twice in a row: here the older one goes.
    if (cell.lane !== undefined) cell.lane.turned = !isTurn;
    serve(cell, 1);
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
  protected isNext(request: Request): boolean {
    return isAllItsAskerWaitsFor(request) && request.deadline > this.time && !this.agenda.hasFault;
  }
}
