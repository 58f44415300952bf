// A world in which a strategy decides what happens next. Enabled are the first message of each putter at each actor with
// a free slot, the replies, and what may be due. A step fires one of them and runs what it set off, as in any simulation;
// where only one is enabled nobody is asked.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Cell } from "../kernel/cell.ts";
import type { Core } from "../kernel/core.ts";
import type { Flight } from "../kernel/flight.ts";
import type { Mailbox, Origin } from "../kernel/mailbox.ts";
import type { Selector } from "../kernel/names.ts";
import { type Request, Sleep, type Timed, Turn } from "../kernel/operation.ts";
import { askWithinMs } from "../kernel/options.ts";
import { keyed } from "../kernel/random.ts";
import { isAllItsAskerWaitsFor } from "./away.ts";
import { ChannelMailbox, Waiting } from "./channels.ts";
import type { Choice, Precedes } from "./choice.ts";
import { Choices } from "./choices.ts";
import { Deeds } from "./deeds.ts";
import { Due, Head } from "./due.ts";
import { type Arrival, FaultEvent, Reply } from "./event.ts";
import { type Exploring, timeWithin } from "./exploring.ts";
import type { Unavailable } from "./failure.ts";
import { actors } from "./injection.ts";
import type { Links } from "./link.ts";
import type { Event, Names } from "./names.ts";
import { firstPost, firstTurn, open, type Post, PostedMailbox } from "./posted.ts";
import type { Lost } from "./schedule.ts";
import type { Trace } from "./trace.ts";
import { Windows } from "./windows.ts";
import { SimWorld } from "./world.ts";

export class ExploredWorld extends SimWorld {
  override readonly askWithinMs: number;
  picks = 0;
  readonly happened: Choice[] = [];
  readonly lost: Lost[] = [];
  readonly #exploring: Exploring;
  readonly #isAsync: boolean;
  readonly #readied = new Set<Cell>();
  readonly #names: Names;
  readonly #choices: Choices;
  readonly #windows = new Windows();
  /** In `async` time: the latest moment that each actor knows of. */
  readonly #clocks = new Map<Cell, number>();
  readonly #enabled: Choice[] = [];
  readonly #precedes: Precedes;
  #untilMs = 0;
  #isBusy = false;
  #deeds: Deeds | undefined = undefined;
  #handlers: AsyncLocalStorage<Flight> | undefined = undefined;

  constructor(links: Links, trace: Trace | undefined, names: Names, exploring: Exploring) {
    super(links, trace);
    this.#names = names;
    this.#choices = new Choices(this, names);
    this.#exploring = exploring;
    this.#isAsync = exploring.time === "async";
    this.askWithinMs = this.#isAsync ? Number.POSITIVE_INFINITY : askWithinMs;
    this.#precedes = this.#isBefore.bind(this);
  }

  #isBefore(a: Choice, b: Choice): boolean {
    const [one, other] = [this.#soonestMs(a), this.#soonestMs(b)];
    return one < other || (one === other && a.order < b.order);
  }

  override mailbox(cell: Cell, make: (open: (held: unknown) => unknown) => Mailbox): Mailbox {
    if (cell.config.order !== "fifo") return new PostedMailbox(cell, make(open), this.#names, this.#deeds);
    const post = (by: Cell, type: string) => this.#choices.message(by, cell, type);
    return new ChannelMailbox(cell, post, (one) => this.#choices.discard(one), this.#deeds);
  }

  override travels(to: Cell, what: Selector, origin: Origin): boolean | Unavailable {
    this.#deeds?.put(to, origin.request);
    const isOnItsWay = super.travels(to, what, origin);
    const from = origin.sender;
    if (isOnItsWay !== false || from === undefined || !this.#windows.hasBefore(from, to, this.time)) return isOnItsWay;
    this.arrivals = [this.time];
    return true;
  }

  override join(core: Core): void {
    super.join(core);
    if (this.#exploring.takesNote)
      this.#choices.deeds = this.#deeds = new Deeds(core, (choice) => this.#choices.discard(choice));
  }

  override wake(operation: Request | Sleep, isOk: boolean, value: unknown): void {
    this.#deeds?.wakes(operation, value);
    super.wake(operation, isOk, value);
  }

  override reply(request: Request, settle: () => void, word: unknown): void {
    this.#deeds?.put(request.to);
    super.reply(request, settle, word);
  }

  get hasCycle(): boolean {
    return this.#deeds?.hasCycle === true;
  }

  override ready(cell: Cell): void {
    this.#readied.add(cell);
  }

  override arm(timed: Timed, time: number): void {
    super.arm(timed, time);
    this.#choices.arm(timed);
  }

  protected override travel(timed: Arrival | Reply, at: number): void {
    super.travel(timed, at);
    this.#choices.travel(timed);
    this.#windows.add(this.links, timed, at);
  }

  protected override lose(from: Cell, to: Cell, type: string): void {
    super.lose(from, to, type);
    this.lost.push({ by: this.#choices.cause, atMs: this.time, from: from.path, to: to.path, type });
  }

  override hasten(fits: (path: string) => boolean): void {
    super.hasten(fits);
    this.#windows.hasten(fits);
  }

  /** While its asker is stopping, and in `async` time where a deadline or a fault is armed, something may come between. */
  protected override isNext(request: Request): boolean {
    const isUp = request.from.life === "up";
    if (!this.#isAsync) {
      const isNext = super.isNext(request);
      if (isNext && !isUp) this.#choices.hurry(request);
      return isNext && isUp;
    }
    if (!isUp || !isAllItsAskerWaitsFor(request) || request.deadline < Number.POSITIVE_INFINITY) return false;
    if (this.#windows.hasBefore(request.to, request.from, this.time)) return false;
    return !this.agenda.hasFault && !this.agenda.armed.some((timed) => timed instanceof FaultEvent);
  }

  get voided(): readonly Choice[] {
    return this.#choices.voided;
  }

  override disarm(timed: Timed): void {
    super.disarm(timed);
    this.#choices.disarm(timed);
  }

  override get hasEnabled(): boolean {
    return this.fused.length > 0 || this.#collect().some((one) => this.#soonestMs(one) <= this.time);
  }

  override get isIdle(): boolean {
    this.#collect();
    return this.fused.length === 0 && !this.#isBusy;
  }

  /** When it can happen at the soonest; in `async` time what has a time of its own comes last. */
  #soonestMs(one: Choice): number {
    if (this.#isAsync) return one instanceof Due && !(one.timed instanceof Reply) ? one.at : Number.NEGATIVE_INFINITY;
    return Math.max(this.time, one.at);
  }

  #collect(): readonly Choice[] {
    const { agenda, time } = this;
    const enabled = this.#enabled;
    enabled.length = 0;
    for (const cell of this.#readied) this.#starts(cell, enabled);
    this.#isBusy = enabled.length > 0;
    if (this.#isBusy && !this.#isAsync && agenda.soonest > time && agenda.order === Number.POSITIVE_INFINITY)
      return enabled;
    const pending = [...agenda.enabled, ...agenda.armed].filter((timed) => this.#isFree(timed));
    this.#isBusy ||= pending.some((timed) => !timed.background || timed.at <= time);
    if (this.#isAsync) {
      // How long the body lets time pass says that it wants to see what comes of it.
      const patient = (timed: Timed) => timed instanceof Sleep && timed.cell.outside;
      for (const timed of pending) if (!patient(timed)) enabled.push(this.#choices.due(timed));
      if (enabled.length === 0) for (const timed of pending) enabled.push(this.#choices.due(timed));
      return enabled;
    }
    let untilMs = enabled.length > 0 ? time : Number.POSITIVE_INFINITY;
    for (const timed of pending) untilMs = Math.min(untilMs, Math.max(time, this.#windows.untilMs(timed)));
    for (const timed of pending) if (Math.max(time, timed.at) <= untilMs) enabled.push(this.#choices.due(timed));
    this.#untilMs = untilMs;
    return enabled;
  }

  #starts(cell: Cell, into: Choice[]): void {
    if (cell.down || cell.waiting === 0 || !cell.free) {
      this.#readied.delete(cell);
      cell.scheduled = false;
      cell.schedule();
      return;
    }
    if (this.disturbances.pauses(cell, this.time)) return;
    const turn = firstTurn(cell);
    if (turn !== undefined) into.push(this.#choices.turn(turn));
    if (cell.box instanceof ChannelMailbox) {
      cell.box.firsts(into);
      return;
    }
    const post = firstPost(cell);
    if (post !== undefined) into.push(this.#choices.first(cell, post));
  }

  /** A timer is a turn of its actor: it comes when that is free. On a link, nothing overtakes. */
  #isFree(timed: Timed): boolean {
    const { cell } = timed;
    if (cell !== undefined && this.disturbances.pauses(cell, this.time)) return false;
    if (timed instanceof Turn) {
      const { down, free, lane } = timed.cell;
      return !down && free && (lane === undefined || lane.live === 0);
    }
    return this.#windows.isFirst(timed);
  }

  get left(): readonly Choice[] {
    return [...this.#collect()];
  }

  /** What waits, whether it could be next or not. */
  get pending(): readonly Choice[] {
    const found = new Set(this.#collect());
    this.#deeds?.settle();
    for (const { lane, box } of actors(this.core)) {
      const firsts: Choice[] = [];
      if (box instanceof ChannelMailbox) box.firsts(firsts);
      lane?.forEach((_type, _payload, origin) => {
        found.add(this.#choices.turn(origin as Turn));
      });
      for (const one of firsts) found.add(one);
    }
    for (const timed of [...this.agenda.enabled, ...this.agenda.armed]) found.add(this.#choices.due(timed));
    return [...found];
  }

  override fire(most: number, untilIdle: boolean): "some" | "idle" | "none" {
    this.stirred = false;
    for (let left = most; left > 0; ) {
      const reply = this.fused.shift();
      if (reply !== undefined) {
        const forced = this.#choices.due(reply);
        forced.isForced = true;
        this.#fire(forced);
      } else {
        const enabled = this.#collect();
        if (untilIdle && !this.#isBusy) {
          for (const clock of this.#clocks.values()) this.time = Math.max(this.time, clock);
          return "idle";
        }
        if (enabled.length === 0) return left === most ? "none" : "some";
        this.#deeds?.settle();
        this.#fire(this.#pick(enabled));
      }
      left--;
      if (this.stirred || left === 0) return "some";
      this.rest();
    }
    return "some";
  }

  #pick(enabled: readonly Choice[]): Choice {
    const { strategy } = this.#exploring;
    if (enabled.length === 1 && strategy.asksAlways !== true) return enabled[0] as Choice;
    this.picks++;
    return strategy.pick(enabled, this.#precedes);
  }

  #fire(choice: Choice): void {
    this.#deeds?.fires(choice);
    this.time = this.#timeOf(choice);
    choice.index = this.happened.push(choice) - 1;
    choice.firedMs = this.time;
    this.#exploring.strategy.fired?.(choice);
    this.#choices.cause = choice;
    if (choice instanceof Due) this.#bringDue(choice);
    else this.#start(choice as Waiting | Head);
  }

  #timeOf(choice: Choice): number {
    if (this.#isAsync) {
      const time = Math.max(this.#clocks.get(choice.cell) ?? 0, choice.at);
      this.#clocks.set(choice.cell, time);
      return time;
    }
    const soonestMs = Math.max(this.time, choice.at);
    const mayWait = !choice.isForced && choice instanceof Due && this.#untilMs > soonestMs;
    return mayWait ? timeWithin(soonestMs, this.#untilMs, this.#exploring.times, choice.name) : soonestMs;
  }

  #bringDue(choice: Due): void {
    const { timed, event, cell } = choice;
    this.#choices.take(timed);
    this.#windows.delete(timed);
    if (timed.armed) this.agenda.disarm(timed);
    if (!(timed instanceof Turn)) {
      this.bring(timed, event);
      return;
    }
    this.#enter("start", event, cell, undefined);
    timed.due();
    if (cell.lane === undefined || cell.lane.live === 0) return;
    this.#readied.delete(cell);
    this.begin(cell, true);
  }

  #start(choice: Waiting | Head): void {
    const { cell, event, payload } = choice;
    const isTurn = choice instanceof Head && choice.isTurn;
    this.#readied.delete(cell);
    if (choice instanceof Waiting) (cell.box as ChannelMailbox).chosen = choice;
    this.#enter("start", event, cell, payload);
    const next = isTurn ? undefined : (cell.box?.peek() as Waiting | Post);
    if (next === undefined || !this.disturbances.refuses(cell, next, this.time)) this.begin(cell, isTurn);
    if (this.stirred && cell.config.concurrency > 1) this.#join(choice);
  }

  /** Starts more of an actor that handles several at once, before those that were begun go on. */
  #join(begun: Choice): void {
    const { cell } = begun;
    const { joins, strategy } = this.#exploring;
    if (cell.down || !cell.free || !(cell.box instanceof ChannelMailbox)) return;
    const firsts: Choice[] = [];
    cell.box.firsts(firsts);
    if (firsts.length === 0) return;
    const next = joins === undefined ? strategy.beside?.(begun, firsts) : this.#pick(firsts);
    if (next === undefined || (joins !== undefined && keyed(joins, "join", next.name) >= 0.5)) return;
    next.besides = begun;
    this.#fire(next);
  }

  #enter(kind: "start", event: Event, cell: Cell, payload: unknown): void {
    this.steps++;
    this.isActing = true;
    this.trace?.event(this.steps, this.time, kind, event, cell, payload);
  }

  // Where handlers may be begun beside each other, each promise job knows its own.

  override open(): void {
    const { joins, strategy } = this.#exploring;
    if (joins !== undefined || strategy.beside !== undefined) this.#handlers ??= new AsyncLocalStorage();
  }

  /** The run is over: Node would ask each storage at every promise. */
  close(): void {
    this.#handlers?.disable();
  }

  override run<T>(flight: Flight, handler: () => T): T {
    const handlers = this.#handlers;
    return handlers === undefined ? super.run(flight, handler) : handlers.run(flight, () => super.run(flight, handler));
  }

  override current(): Flight | undefined {
    return this.#handlers?.getStore() ?? super.current();
  }

  override unpause(): void {}

  override forget(keeps: (timed: Timed) => boolean): void {
    super.forget(keeps);
    this.#choices.forget(keeps);
    this.#readied.clear();
    this.#windows.clear();
  }
}
