// One run: fires the events of a world, waits for promise jobs where a step set some off, gives the host its turn, and
// sees to it that nothing from outside goes unnoticed.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Cell } from "../kernel/cell.ts";
import type { Observer } from "../kernel/core.ts";
import type { Flight } from "../kernel/flight.ts";
import { oneOf } from "../kernel/options.ts";
import { ActorSystem } from "../kernel/system.ts";
import type { SystemEvent } from "../kernel/verbs.ts";
import { isAway } from "./away.ts";
import { Comparison } from "./difference.ts";
import { ExploredWorld } from "./explored.ts";
import type { Exploring } from "./exploring.ts";
import { Stalled, StepsExhausted } from "./failure.ts";
import { Handle, Requests } from "./handle.ts";
import { Injections } from "./injection.ts";
import { Links } from "./link.ts";
import { Names } from "./names.ts";
import { OrderedWorld } from "./ordered.ts";
import { Outside } from "./outside.ts";
import type { SimulatedWorld, SimulateOptions, Simulation } from "./simulate.ts";
import { guard } from "./strict.ts";
import { Trace, type TraceKind } from "./trace.ts";
import { waits } from "./waits.ts";
import { nothing, type SimWorld } from "./world.ts";

// As they were before any guard was put up.
const { nextTick } = process;
const immediately = setImmediate;
const hostNow = performance.now.bind(performance);

/** Runs when no promise job is left, if it was called in one. */
const tick = (): Promise<void> => new Promise((resolve) => nextTick(resolve));
const hostTurn = (): Promise<void> => new Promise((resolve) => void immediately(resolve));

/** Steps between two looks at the host's clock; also where detached promise jobs run, if there are any. */
const breath = 64;
const yieldSteps = 4_096;
const yieldMs = 8;
/** How long something from outside is waited for, in host time, while the world stands still. */
const foreignMs = 1_000;
/** How long a run that is over waits for what might have come from outside. */
const lateMs = 20;
/** Turns of the host before a run in which nothing happens is given up. */
const stallTurns = 50;
const eventsKept = 1_000;

/** Tells code of a strict run from other code of the process, whose promise jobs run among those of a step. */
const inside = new AsyncLocalStorage<unknown>();

type Ended<T> = { readonly value: T } | { readonly error: unknown };

export class Run<B> {
  readonly #options: SimulateOptions<B>;
  readonly #world: SimWorld;
  readonly #trace: Trace | undefined;
  readonly #comparison: Comparison | undefined;
  readonly #system: ActorSystem;
  readonly #injections: Injections;
  /** The first thousand that should not go unnoticed. */
  readonly events: SystemEvent[] = [];
  readonly #outside: Outside;
  #failure: unknown;
  readonly #requests = new Requests<B>();
  #isOver = false;
  #yieldedAtStep = 0;
  #yieldedMs = hostNow();

  /** Compared with `former` while it runs, if that is given; `exploring` says who decides about the order. */
  constructor(options: SimulateOptions<B>, former?: Simulation<unknown>, exploring?: Exploring) {
    const { seed = 1, name = "sim", latency = {}, faults = [], journals = [] } = options;
    const { trace = "full", traceLimit = 100_000 } = options;
    this.#options = options;
    if (former !== undefined)
      this.#comparison = new Comparison(former, (where) => {
        this.#failure ??= this.#outside.leaks.differs(where);
      });
    const names = new Names();
    const kept = trace === "full" ? traceLimit : 0;
    this.#trace = trace === "off" ? undefined : new Trace(names, kept, this.#comparison?.see);
    const links = new Links(seed, latency, exploring === undefined || exploring.time === "des");
    this.#world =
      exploring === undefined
        ? new OrderedWorld(links, this.#trace)
        : new ExploredWorld(links, this.#trace, names, exploring);
    this.#outside = new Outside(this.#world, (error) => {
      if (options.strict === true) this.#failure ??= error;
    });
    const isolation = oneOf("isolation", options.isolation, ["freeze", "share", "clone"]);
    this.#system = new ActorSystem(this.#world, { name, seed, isolation, report: this.#report.bind(this) });
    const { core } = this.#system;
    this.#world.join(core);
    if (isolation === "freeze") core.given = [];
    if (this.#trace !== undefined) core.observe(this.#observer(this.#trace));
    this.#injections = new Injections(core, this.#world, journals, () => this.#boot());
    for (const fault of faults) this.#injections.add(fault);
  }

  /** Where somebody decides about the order. */
  get explored(): ExploredWorld | undefined {
    return this.#world instanceof ExploredWorld ? this.#world : undefined;
  }

  async play<T>(body: (world: SimulatedWorld<B>) => T | PromiseLike<T>): Promise<Simulation<T>> {
    const { strict = false } = this.#options;
    const world = this.#world;
    const lower = strict ? guard(() => world.isActing && inside.getStore() === this, this.#outside.used) : () => {};
    world.onStray = this.#outside.stray;
    world.isStrict = strict;
    try {
      const ended = await (strict ? inside.run(this, () => this.#drive(body)) : this.#drive(body));
      await this.#lookBack();
      this.#comparison?.end(this.#trace);
      if (this.#failure !== undefined) throw this.#failure;
      if ("error" in ended) throw ended.error;
      return this.#result(ended.value);
    } finally {
      world.rest();
      world.onStray = nothing;
      lower();
      this.explored?.close();
      if (strict) inside.disable();
      await hostTurn();
    }
  }

  #result<T>(value: T): Simulation<T> {
    return {
      value,
      seed: this.#system.seed,
      trace: this.#trace?.entries ?? [],
      hash: this.#outside.leaks.found.length === 0 ? this.#trace?.hash : undefined,
      steps: this.#world.steps,
      barriers: this.#requests.barriers,
      endedMs: this.#world.time,
      events: this.events,
      faults: this.#injections.reports,
      leaks: this.#outside.leaks.found,
    };
  }

  async #drive<T>(body: (world: SimulatedWorld<B>) => T | PromiseLike<T>): Promise<Ended<T>> {
    const world = this.#world;
    let ended: Ended<T> | undefined;
    const end = (how: Ended<T>) => {
      ended = how;
      this.#isOver = true;
      if (!world.isActing) this.#outside.stray(this.#system.core.root);
    };
    // From here on in promise jobs: there a tick comes after all others.
    await tick();
    this.#rouse();
    const begin = async () => {
      this.#boot();
      return await body(new Handle(this.#system, this.#world, this.#injections, this.#requests));
    };
    begin().then(
      (value) => end({ value }),
      (error: unknown) => end({ error }),
    );
    await this.#quiesce();
    const { steps: stepsMax = 10_000_000 } = this.#options;
    let vain = 0;
    while (ended === undefined && this.#failure === undefined) {
      if (this.#outside.away.size > 0 && !world.hasEnabled) await this.#awaitForeign();
      // One event at a time where promise jobs may come of it that the world does not know of.
      const most = this.#isWatchful ? 1 : Math.min(breath - (world.steps % breath), stepsMax + 1 - world.steps);
      let fired = world.fire(most, this.#requests.idlers.length > 0);
      if (fired !== "some") {
        await this.#drain();
        fired = world.fire(most, this.#requests.idlers.length > 0);
      }
      if (world.stirred) this.#requests.barriers++;
      if (world.stirred || most === 1) {
        // As in quiesce, whose promise would cost a tenth of an event.
        await tick();
        while (world.resume()) if (world.stirred) await tick();
        const suspects = world.takeAway();
        if (suspects.length > 0 || this.#outside.away.size > 0) await this.#lookOutside(suspects);
      }
      world.rest();
      if (this.#requests.looks.length > 0) this.#look();
      if (fired === "idle") await this.#wake(this.#requests.idlers.splice(0), undefined);
      else if (this.#requests.steppers.length > 0)
        await this.#wake(this.#requests.steppers.splice(0), fired === "some");
      else if (fired === "none") await this.#stalled();
      // A body may look again and again for what the host alone can bring.
      if (world.steps % breath === 0 || (fired !== "some" && ++vain % breath === 0)) {
        // As in drain.
        world.isActing = true;
        await tick();
        while (world.resume()) if (world.stirred) await tick();
        world.rest();
        if (this.#isBreathless) await this.#breathe();
      }
      if (world.steps > stepsMax) this.#failure ??= new StepsExhausted(stepsMax, world.time, this.#waits);
    }
    return ended ?? { error: this.#failure };
  }

  get #isWatchful(): boolean {
    return (
      this.#requests.steppers.length + this.#requests.looks.length > 0 ||
      this.#outside.away.size > 0 ||
      this.#bodyIsAway ||
      this.#options.strict === true
    );
  }

  #look(): void {
    try {
      for (const look of this.#requests.looks) look();
    } catch (error) {
      this.#failure ??= error;
    }
  }

  /** What happens now is the body's. */
  #rouse(): void {
    this.#world.isActing = true;
    this.#world.awake = this.#system.core.root.self;
  }

  /** Lets the body go on. */
  async #wake<V>(waiting: ((value: V) => void)[], value: V): Promise<void> {
    this.#rouse();
    for (const go of waiting) go(value);
    await this.#quiesce();
  }

  /** Until no promise job is left, and nothing waits for that. */
  async #quiesce(): Promise<void> {
    const world = this.#world;
    await tick();
    // As in goOn, whose promise would cost a tenth of an ask.
    while (world.resume()) if (world.stirred) await tick();
    const suspects = world.takeAway();
    if (suspects.length > 0 || this.#outside.away.size > 0) await this.#lookOutside(suspects);
    world.rest();
  }

  /** The body waits for a promise of its own: what an actor does may settle that. */
  get #bodyIsAway(): boolean {
    const { first } = this.#system.core.root.self;
    return first === undefined && this.#requests.idlers.length + this.#requests.steppers.length === 0;
  }

  // --- what is from outside ------------------------------------------------------------------------------------------

  /** Whoever was started or woken in this step, and waits for nothing of the runtime's. */
  async #lookOutside(suspects: readonly (Flight | Cell)[]): Promise<void> {
    if (suspects.length > 0) {
      // Ticks of the user's own, queued in one another, end within two more.
      for (let i = 0; i < 2; i++) {
        await tick();
        await this.#goOn();
      }
    }
    this.#outside.suspect(suspects, hostNow() + foreignMs);
  }

  /** Before time goes on without them. */
  async #awaitForeign(): Promise<void> {
    for (const [one, untilMs] of this.#outside.away) {
      while (isAway(one) && hostNow() < untilMs && !this.#world.hasEnabled && this.#failure === undefined)
        await this.#hostTurn();
      if (isAway(one)) this.#outside.away.set(one, 0);
      else this.#outside.away.delete(one);
    }
  }

  /** What waited to the end, for what another handler might have brought, may still come from outside. */
  async #lookBack(): Promise<void> {
    const untilMs = hostNow() + lateMs;
    const { leaks } = this.#outside;
    while (leaks.found.length === 0 && this.#outside.hasAway && hostNow() < untilMs) await this.#hostTurn();
  }

  /** The world stands still meanwhile: whatever acts in it is from outside. */
  async #hostTurn(): Promise<void> {
    const { core } = this.#system;
    core.listeners.add(this.#outside.overhear);
    await hostTurn();
    await this.#goOn();
    core.listeners.delete(this.#outside.overhear);
    this.#outside.claimRest();
    this.#world.rest();
  }

  /** With what waits for the end of the promise jobs. */
  async #goOn(): Promise<void> {
    const world = this.#world;
    while (world.resume()) if (world.stirred) await tick();
  }

  /** Nothing is left to happen. Something from outside may still bring something. */
  async #stalled(): Promise<void> {
    const world = this.#world;
    const untilMs = this.#bodyIsAway || this.#outside.hasAway ? hostNow() + foreignMs : 0;
    for (let turns = 0; turns < stallTurns || hostNow() < untilMs; turns++) {
      await this.#hostTurn();
      if (this.#isOver || !world.isIdle || this.#requests.idlers.length + this.#requests.steppers.length > 0) return;
    }
    this.#failure = new Stalled(world.time, this.#waits);
  }

  get #isBreathless(): boolean {
    return this.#world.steps - this.#yieldedAtStep >= yieldSteps || hostNow() - this.#yieldedMs >= yieldMs;
  }

  async #breathe(): Promise<void> {
    await this.#hostTurn();
    this.#yieldedAtStep = this.#world.steps;
    this.#yieldedMs = hostNow();
  }

  /** Runs promise jobs that no step waited for. They are of the world: no turn of the host lies between. */
  async #drain(): Promise<void> {
    this.#world.isActing = true;
    await tick();
    await this.#goOn();
    this.#world.rest();
  }

  get #waits(): string {
    return waits(this.#system.core).join("; ") || "Nobody asks for anything";
  }

  // --- what the body is given, and what is kept ------------------------------------------------------------------------

  #boot(): void {
    const { boot } = this.#options;
    if (boot !== undefined) this.#requests.booted = boot(this.#system);
  }

  #report(event: SystemEvent): void {
    if (this.events.length < eventsKept) this.events.push(event);
    this.#options.report?.(event);
  }

  #observer(trace: Trace): Observer {
    const world = this.#world;
    return (step, cell, type, origin) => {
      this.#outside.observe(step, cell, type, origin);
      if (!unnoted.has(step)) trace.fate(world.steps, world.time, step as TraceKind, cell, type);
    };
  }
}

const unnoted: ReadonlySet<string> = new Set(["sent", "accepted", "started"]);
