// What an actor acts with. One per incarnation: after its fence it is inert, so that a handler of the former
// incarnation that still runs can change nothing.

import { type Cell, cellOf } from "./cell.ts";
import { milliseconds } from "./duration.ts";
import { InvalidOption, Stopped } from "./failure.ts";
import { flightOf, nothing } from "./fate.ts";
import type { Flight } from "./flight.ts";
import { giveUp } from "./giveup.ts";
import { conclude, watchTurn } from "./lifecycle.ts";
import { type Selector, selector } from "./names.ts";
import { AskPromise, type Operation, promiseOf, Request, Scope, Sleep } from "./operation.ts";
import { whole } from "./options.ts";
import { post, quickPut } from "./post.ts";
import type { Answer, Ask, Duration, MessageInfo, Offer, Ref, Spawned, Stub, Tell } from "./protocol.ts";
import { quicken } from "./quicken.ts";
import { keyed, stream } from "./random.ts";
import { askStub, offerStub, type TellStub, tellStub, viaStub } from "./stub.ts";
import { spawn } from "./supervise.ts";
import { pipeTurn, timerTurn } from "./turns.ts";
import type { Ended, Make, Self, SpawnOptions, TellOptions, Timer, Verb, WaitOptions } from "./verbs.ts";

/** Also the list of what was begun outside of a message in flight. */
export class Incarnation extends Scope implements Self {
  readonly cell: Cell;
  /** False from the fence on. */
  live = true;
  /** Of the last plain tell: most actors tell the same one again. */
  told: TellStub | undefined = undefined;
  /** Handlers that returned a pending promise, the youngest first. */
  flight: Flight | undefined = undefined;

  constructor(cell: Cell) {
    super();
    this.cell = cell;
    if (cell.rare !== undefined) cell.rare.stream = undefined;
  }

  get ref(): Ref<any> {
    return this.cell.ref as Ref<any>;
  }

  get path(): string {
    return this.cell.path;
  }

  get message(): MessageInfo | undefined {
    return this.current()?.info();
  }

  get signal(): AbortSignal {
    const flight = this.current();
    return flight === undefined ? never : flight.signal;
  }

  now(): number {
    return this.cell.core.world.now(this.cell);
  }

  random(key?: string | number): number {
    const { cell } = this;
    const { core } = cell;
    core.world.wire?.drew(cell);
    if (key !== undefined) return keyed(core.seed, cell.path, key);
    // The stream is the present incarnation's: a former one may not move it.
    if (!this.live) return keyed(core.seed, cell.path, "inert");
    const rare = cell.rareOf();
    rare.stream ??= stream(core.seed, `${cell.path}#${rare.incarnation}${core.boots === 1 ? "" : `/${core.boots}`}`);
    return rare.stream();
  }

  tell<P>(to: Ref<P>, options?: TellOptions): Stub<P, Tell<P>> {
    const { told } = this;
    if (told !== undefined && told._to.ref === to && options === undefined) return told as unknown as Stub<P, Tell<P>>;
    return tellStub(this, to, options) as Stub<P, Tell<P>>;
  }

  offer<P>(to: Ref<P>, options?: WaitOptions): Stub<P, Offer<P>> {
    return offerStub(this, to, options) as Stub<P, Offer<P>>;
  }

  ask<P>(to: Ref<P>, options?: WaitOptions): Stub<P, Ask<P>> {
    return askStub(this, to, options) as Stub<P, Ask<P>>;
  }

  via<V extends Verb, P>(
    verb: V,
    to: Ref<P>,
    options?: WaitOptions,
  ): Stub<P, V extends "tell" ? Tell<P> : V extends "offer" ? Offer<P> : Ask<P>> {
    return viaStub(verb, this, to, options) as Stub<
      P,
      V extends "tell" ? Tell<P> : V extends "offer" ? Offer<P> : Ask<P>
    >;
  }

  spawn<A extends object>(make: Make<A>, options?: SpawnOptions): Ref<Spawned<A>> {
    if (!this.live) throw new Stopped(`${this.path} was restarted or stopped: it can not spawn.`, "not-started");
    return spawn(this.cell, make, options).ref as Ref<Spawned<A>>;
  }

  sleep(duration: Duration): Promise<void> {
    const ms = wait("sleep", duration);
    if (!this.live) return this.inert();
    const { world } = this.cell.core;
    const sleep = new Sleep(this, endSleep);
    const promise = new Promise<void>((resolve, reject) => {
      sleep.resolve = resolve;
      sleep.reject = reject;
    });
    sleep.promise = promise;
    const flight = this.current();
    (flight ?? this).add(sleep);
    world.wire?.began(sleep, flight);
    if (ms < Number.POSITIVE_INFINITY) world.arm(sleep, world.now() + ms);
    return promise;
  }

  after(duration: Duration, turn: () => void, name?: string): Timer {
    return timerTurn(this, wait("after", duration), 0, turn, name);
  }

  every(duration: Duration, turn: () => void, name?: string): Timer {
    const ms = milliseconds("every", duration);
    if (!(ms > 0)) throw new InvalidOption("every", duration, "a duration above 0");
    return timerTurn(this, ms, ms, turn, name);
  }

  pipeToSelf<T>(work: PromiseLike<T>, done: (value: T) => void, failed?: (error: unknown) => void): void {
    if (this.live) this.#release(work);
    else this.cell.core.inert++;
    pipeTurn(this, work, done, failed);
  }

  watch(ref: Ref<unknown>, ended: (how: Ended) => void): void {
    const of = cellOf(ref);
    if (!this.live) this.cell.core.inert++;
    else if (of.life === "ended") watchTurn(this, of, of.rare?.how ?? { reason: "stopped" }, ended);
    else of.rareOf().addWatcher({ self: this, ended });
  }

  stop(): void {
    if (this.live) conclude(this.cell);
  }

  /** The message in flight that the caller handles, as far as the world can tell. */
  current(): Flight | undefined {
    const { cell } = this;
    const { current, world } = cell.core;
    if (current !== undefined && current.cell === cell) return current;
    if (cell.config.concurrency === 1) return this.flight;
    const flight = world.context.current();
    return flight?.self === this && flight.pending ? flight : undefined;
  }

  tellTo(to: Cell, what: Selector, payload: unknown, options: TellOptions | undefined): void {
    if (!this.#mayPut()) {
      this.cell.core.inert++;
      return;
    }
    if (options === undefined) {
      post(to, what, payload, this.cell);
      return;
    }
    const request = new Request("tell", this, to, what.name);
    describe(request, options);
    post(to, what, payload, request);
  }

  offerTo(to: Cell, what: Selector, payload: unknown, options: WaitOptions | undefined): Promise<void> {
    if (!this.#mayPut()) return this.inert();
    const request = new Request("offer", this, to, what.name);
    const promise = this.#begin(request, options, Number.POSITIVE_INFINITY, this.current());
    if (!request.settled) post(to, what, payload, request);
    return promise as Promise<unknown> as Promise<void>;
  }

  askOf(to: Cell, what: Selector, payload: unknown, options?: WaitOptions, given?: Request): Answer<unknown, unknown> {
    if (!this.#mayPut()) return this.inert() as Promise<never>;
    const request = given ?? new Request("ask", this, to, what.name);
    const promise = this.#begin(request, options, this.cell.core.world.askWithinMs, this.current());
    if (!request.settled && !quickPut(to, what, payload, request, request)) post(to, what, payload, request);
    return promise;
  }

  /** Asks on behalf of a message in flight or held: under its deadline, its signal and its wait. */
  relay(
    flight: Flight,
    to: Cell,
    options: { within?: Duration | undefined; signal?: AbortSignal | undefined } | undefined,
  ): Answer<unknown, unknown> {
    if (!this.live) return this.inert() as Promise<never>;
    const { id, key, attempt } = flight.info();
    const request = new Request("ask", this, to, flight.type);
    const promise = this.#begin(request, { ...options, id, key, attempt }, Number.POSITIVE_INFINITY, flight);
    if (!request.settled) post(to, selector(flight.type), flight.payload, request);
    return promise;
  }

  /** What a verb of an ended incarnation gives: it never settles. */
  inert(): Promise<never> {
    this.cell.core.inert++;
    return new Promise<never>(nothing);
  }

  /** From outside a stopping system, putting is allowed: it will be turned away. */
  #mayPut(): boolean {
    return this.live || this.cell.outside;
  }

  /** Gives a request its promise, its place among the operations and its deadline. */
  #begin(
    request: Request,
    options: WaitOptions | undefined,
    otherwiseMs: number,
    flight: Flight | undefined,
  ): AskPromise {
    const { core } = this.cell;
    const { world } = core;
    const promise = request.promise ?? promiseOf(request);
    request.order = ++core.requests;
    let within = otherwiseMs;
    if (options !== undefined) {
      describe(request, options);
      if (options.within !== undefined) within = milliseconds("within", options.within);
    }
    const scope = flight ?? this;
    const inherited = flight === undefined || request.verb !== "ask" ? Number.POSITIVE_INFINITY : flight.deadline;
    // An old reading can only be too early: if the inherited deadline is nearer by it, it is nearer in truth.
    if (inherited <= world.time + within) request.deadline = inherited;
    else if (within < Number.POSITIVE_INFINITY) {
      const own = world.now() + within;
      // An offer's limit is that of its entry: the message itself has no deadline.
      if (request.verb === "ask") request.deadline = Math.min(own, inherited);
      if (own < inherited) world.arm(request, own);
    }
    // The timer of the message in flight serves what is asked for it, as long as its asker waits.
    const unserved = flight?.answered === true || flight?.request?.settled === true;
    if (!request.armed && unserved && request.deadline < Number.POSITIVE_INFINITY) world.arm(request, request.deadline);
    scope.add(request);
    world.wire?.began(request, flight);
    const signal = options?.signal;
    if (signal?.aborted === true || (flight?.abandoned === true && request.verb === "ask")) {
      core.sent++;
      core.turnedAway++;
      giveUp(request, signal?.aborted === true ? "signal" : "asker");
    } else if (signal !== undefined) listen(request, signal);
    return promise;
  }

  /** What is given to a pipe is not waited for by the message in flight. */
  #release(work: PromiseLike<unknown>): void {
    if (!(work instanceof AskPromise)) return;
    // Most are piped as soon as they are made.
    for (let one: Operation | undefined = this.current()?.last; one !== undefined; one = one.previous) {
      if (!(one instanceof Request) || one.promise !== work) continue;
      flightOf(one.scope)?.remove(one);
      this.add(one);
      if (!one.armed && one.deadline < Number.POSITIVE_INFINITY) this.cell.core.world.arm(one, one.deadline);
      return;
    }
  }
}

quicken(Incarnation);

/** What is due already is due now. */
function wait(option: string, duration: Duration): number {
  return typeof duration === "number" && duration < 0 ? 0 : milliseconds(option, duration);
}

const never: AbortSignal = new AbortController().signal;

function listen(request: Request, signal: AbortSignal): void {
  const details = request.more();
  details.signal = signal;
  details.onAbort = () => giveUp(request, "signal");
  signal.addEventListener("abort", details.onAbort);
}

function describe(request: Request, options: TellOptions): void {
  if (options.id === undefined && options.key === undefined && options.attempt === undefined) return;
  const details = request.more();
  details.id = options.id;
  details.key = options.key;
  if (options.attempt !== undefined) details.attempt = whole("attempt", options.attempt, 1, 1);
}

function endSleep(sleep: Sleep): void {
  const flight = flightOf(sleep.scope);
  sleep.scope?.remove(sleep);
  sleep.end(true);
  if (flight?.pending === true && flight.first !== undefined) flight.cell.core.upper.suspect(flight);
}
