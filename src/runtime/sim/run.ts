// One run: fires the events of a world, waits for promise jobs where a step set some off, gives the host its turn, and
// sees to it that nothing from outside goes unnoticed.

import type { Cell } from "../kernel/cell.ts";
import type { Observer } from "../kernel/core.ts";
import { Flight } from "../kernel/flight.ts";
import { oneOf } from "../kernel/options.ts";
import { stream } from "../kernel/random.ts";
import { ActorSystem } from "../kernel/system.ts";
import type { SystemEvent } from "../kernel/verbs.ts";
import { isAway } from "./away.ts";
import { type Leak, NotReproducible, Stalled, StepsExhausted } from "./failure.ts";
import { Injections } from "./injection.ts";
import { Links } from "./link.ts";
import type { SimulatedWorld, SimulateOptions, Simulation } from "./simulate.ts";
import { guard } from "./strict.ts";
import { Trace, type TraceEntry, type TraceKind } from "./trace.ts";
import { waits } from "./waits.ts";
import { SimWorld } from "./world.ts";

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
/** Turns of the host before a run in which nothing happens is given up. */
const stallTurns = 50;
const eventsKept = 1_000;

const fromOutside = "a promise from outside";

type Ended<T> = { readonly value: T } | { readonly error: unknown };

export class Run<B> {
  readonly #options: SimulateOptions<B>;
  readonly #world: SimWorld;
  readonly #trace: Trace | undefined;
  readonly #former: Simulation<unknown> | undefined;
  readonly #system: ActorSystem;
  readonly #injections: Injections;
  readonly #events: SystemEvent[] = [];
  readonly #leaks: Leak[] = [];
  #failure: unknown;
  #booted: B = undefined as B;
  #barriers = 0;
  #idlers: (() => void)[] = [];
  #steppers: ((fired: boolean) => void)[] = [];
  /** Handlers and factories that wait for nothing of the runtime's, and until when on the host's clock time waits for them. */
  readonly #away = new Map<Flight | Cell, number>();
  #isOver = false;
  #yieldedAtStep = 0;
  #yieldedMs = hostNow();

  /** Compared with `former` while it runs, if that is given. */
  constructor(options: SimulateOptions<B>, former?: Simulation<unknown>) {
    const { seed = 1, name = "sim", latency = {}, faults = [], journals = [], trace = "full" } = options;
    this.#options = options;
    this.#former = former;
    this.#trace = trace === "off" ? undefined : this.#record();
    this.#world = new SimWorld(new Links(seed, latency), this.#trace);
    const isolation = oneOf("isolation", options.isolation, ["freeze", "share", "clone"]);
    this.#system = new ActorSystem(this.#world, { name, seed, isolation, report: this.#report });
    const { core } = this.#system;
    this.#world.core = core;
    if (isolation === "freeze") core.given = [];
    if (this.#trace !== undefined) core.observe(observer(this.#world, this.#trace));
    this.#injections = new Injections(core, this.#world, journals, () => this.#boot());
    for (const fault of faults) this.#injections.add(fault);
  }

  async play<T>(body: (world: SimulatedWorld<B>) => T | PromiseLike<T>): Promise<Simulation<T>> {
    const { strict = false } = this.#options;
    const lower = strict ? guard(() => this.#world.awake !== undefined, this.#caught) : () => {};
    this.#world.onStray = this.#stray;
    this.#world.isStrict = strict;
    try {
      const ended = await this.#drive(body);
      if (this.#former !== undefined && this.#failure === undefined && this.#former.hash !== this.#trace?.hash)
        this.#differs("/", "", "behind the entries that were kept: raise traceLimit.");
      if (this.#failure !== undefined) throw this.#failure;
      if ("error" in ended) throw ended.error;
      return this.#result(ended.value);
    } finally {
      this.#world.rest();
      lower();
      await hostTurn();
    }
  }

  #result<T>(value: T): Simulation<T> {
    return {
      value,
      seed: this.#system.seed,
      trace: this.#trace?.entries ?? [],
      hash: this.#leaks.length === 0 ? this.#trace?.hash : undefined,
      steps: this.#world.steps,
      barriers: this.#barriers,
      endedMs: this.#world.time,
      events: this.#events,
      faults: this.#injections.reports,
      leaks: this.#leaks,
    };
  }

  async #drive<T>(body: (world: SimulatedWorld<B>) => T | PromiseLike<T>): Promise<Ended<T>> {
    const world = this.#world;
    let ended: Ended<T> | undefined;
    const end = (how: Ended<T>) => {
      ended = how;
      this.#isOver = true;
    };
    // From here on in promise jobs: there a tick comes after all others.
    await tick();
    world.awake = this.#system.core.root.self;
    const begin = async () => {
      this.#boot();
      return await body(this.#handle());
    };
    begin().then(
      (value) => end({ value }),
      (error: unknown) => end({ error }),
    );
    await this.#quiesce();
    while (ended === undefined && this.#failure === undefined) {
      if (this.#away.size > 0 && !world.hasEnabled) await this.#awaitForeign();
      // One event at a time where promise jobs may come of it that the world does not know of.
      const most = this.#isWatchful ? 1 : breath - (world.steps % breath);
      const fired = world.fire(most, this.#idlers.length > 0);
      if (world.stirred) this.#barriers++;
      if (world.stirred || most === 1) await this.#quiesce();
      if (fired === "idle") await this.#wake(this.#idlers.splice(0), undefined);
      else if (this.#steppers.length > 0) await this.#wake(this.#steppers.splice(0), fired === "some");
      else if (fired === "none") await this.#stalled();
      if (world.steps % breath === 0) await this.#breathe();
    }
    return ended ?? { error: this.#failure };
  }

  get #isWatchful(): boolean {
    return this.#steppers.length > 0 || this.#away.size > 0 || this.#bodyIsAway || this.#options.strict === true;
  }

  /** Lets the body go on. */
  async #wake<V>(waiting: ((value: V) => void)[], value: V): Promise<void> {
    this.#world.awake = this.#system.core.root.self;
    for (const go of waiting) go(value);
    await this.#quiesce();
  }

  /** Until no promise job is left, and nothing waits for that. */
  async #quiesce(): Promise<void> {
    const world = this.#world;
    await tick();
    while (world.resume()) if (world.stirred) await tick();
    const suspects = world.takeAway();
    if (suspects.length > 0 || this.#away.size > 0) await this.#lookOutside(suspects);
    world.rest();
  }

  /** The body waits for a promise of its own: what an actor does may settle that. */
  get #bodyIsAway(): boolean {
    const { first } = this.#system.core.root.self;
    return first === undefined && this.#idlers.length + this.#steppers.length === 0;
  }

  // --- what is from outside ------------------------------------------------------------------------------------------

  /** Whoever was started or woken in this step, and waits for nothing of the runtime's. */
  async #lookOutside(suspects: readonly (Flight | Cell)[]): Promise<void> {
    const world = this.#world;
    if (suspects.length > 0) {
      // Ticks of the user's own, queued in one another, end within two more.
      for (let i = 0; i < 2; i++) {
        await tick();
        while (world.resume()) if (world.stirred) await tick();
      }
    }
    for (const one of suspects) {
      if (!isAway(one) || this.#away.has(one)) continue;
      // Another handler of the same actor, or the end of its asker's patience, may bring what it waits for.
      const isInner = one instanceof Flight && (one.cell.config.concurrency > 1 || one.controller !== undefined);
      this.#away.set(one, isInner ? 0 : hostNow() + foreignMs);
      if (isInner) continue;
      const [path, type] = one instanceof Flight ? [one.cell.path, one.type] : [one.path, "factory"];
      this.#leak({ path, type, what: fromOutside }, `awaits ${fromOutside}`, "simulate where it comes from");
    }
    for (const one of this.#away.keys()) if (!isAway(one)) this.#away.delete(one);
  }

  /** Before time goes on without them. */
  async #awaitForeign(): Promise<void> {
    for (const [one, untilMs] of this.#away) {
      while (isAway(one) && hostNow() < untilMs && !this.#world.hasEnabled) await this.#hostTurn();
      if (isAway(one)) this.#away.set(one, 0);
      else this.#away.delete(one);
    }
  }

  async #hostTurn(): Promise<void> {
    const world = this.#world;
    await hostTurn();
    while (world.resume()) if (world.stirred) await tick();
    world.rest();
  }

  readonly #caught = (what: string, instead: string): never => {
    const { awake } = this.#world;
    const cell = awake?.cell ?? this.#system.core.root;
    const flight = awake instanceof Flight ? awake : (this.#system.core.current ?? awake?.flight);
    throw this.#leak({ path: cell.path, type: flight?.type ?? "", what }, `used ${what}`, `use ${instead}`);
  };

  /** A verb was used in a step of another actor, or in none. */
  readonly #stray = (cell: Cell): void => {
    const what = "its self outside of a turn of its own";
    const error = this.#leak(
      { path: cell.path, type: "", what },
      `used ${what}`,
      "give the promise to self.pipeToSelf",
    );
    if (this.#options.strict === true) throw error;
  };

  /** Noted; in a strict run it ends the run. */
  #leak(leak: Leak, did: string, remedy: string): NotReproducible {
    const handling = leak.type === "" ? "" : ` in ${leak.type}`;
    const error = new NotReproducible(
      leak,
      `${leak.path} ${did}${handling}: the run can not be repeated. Instead, ${remedy}.`,
    );
    this.#leaks.push(leak);
    if (this.#options.strict === true) this.#failure ??= error;
    return error;
  }

  /** Nothing is left to happen. Something from outside may still bring something. */
  async #stalled(): Promise<void> {
    const world = this.#world;
    for (let i = 0; i < stallTurns; i++) {
      await this.#hostTurn();
      if (!this.#isOver && !world.hasEnabled && world.isIdle) continue;
      this.#leak(
        { path: "/", type: "body", what: fromOutside },
        `awaits ${fromOutside}`,
        "simulate where it comes from",
      );
      return;
    }
    const who = waits(this.#system.core).join("; ") || "Nobody asks for anything";
    this.#failure = new Stalled(
      `Nothing is left to happen at ${world.time} ms, and the body waits. ${who}. Give the ask a deadline, or answer it.`,
    );
  }

  async #breathe(): Promise<void> {
    const { steps } = this.#world;
    const { steps: stepsMax = 10_000_000 } = this.#options;
    if (steps >= stepsMax)
      this.#failure ??= new StepsExhausted(
        `${stepsMax} events were fired and the body has not ended, at ${this.#world.time} ms. Raise steps, or find out what goes on for ever.`,
      );
    const nowMs = hostNow();
    if (steps - this.#yieldedAtStep < yieldSteps && nowMs - this.#yieldedMs < yieldMs) {
      await tick();
      return;
    }
    await hostTurn();
    this.#yieldedAtStep = steps;
    this.#yieldedMs = hostNow();
  }

  // --- what the body is given, and what is kept ------------------------------------------------------------------------

  #handle(): SimulatedWorld<B> {
    const world = this.#world;
    const { core } = this.#system;
    const run = this;
    return {
      system: this.#system,
      get booted() {
        return run.#booted;
      },
      run: (duration) => core.root.self.sleep(duration),
      runUntilIdle: () => new Promise<void>((resolve) => this.#idlers.push(resolve)),
      step: () => new Promise<boolean>((resolve) => this.#steppers.push(resolve)),
      now: () => world.time,
      random: (name, key) => stream(core.seed, key === undefined ? name : `${name}\u0000${typeof key}\u0000${key}`),
      inject: (fault) => this.#injections.add(fault),
      get steps() {
        return world.steps;
      },
      get barriers() {
        return run.#barriers;
      },
    };
  }

  #boot(): void {
    const { boot } = this.#options;
    if (boot !== undefined) this.#booted = boot(this.#system);
  }

  readonly #report = (event: SystemEvent): void => {
    if (this.#events.length < eventsKept) this.#events.push(event);
    this.#options.report?.(event);
  };

  #record(): Trace {
    const { trace = "full", traceLimit = 100_000 } = this.#options;
    const former = this.#former?.trace;
    return new Trace(
      trace === "full" ? traceLimit : 0,
      former && ((entry, index) => this.#compare(former[index], entry)),
    );
  }

  #compare(former: TraceEntry | undefined, entry: TraceEntry): void {
    if (former === undefined || this.#failure !== undefined || former.equals(entry)) return;
    this.#differs(entry.path, entry.name, `first in ${entry.path}:\n  ${former}\n  ${entry}`);
  }

  #differs(path: string, type: string, where: string): void {
    const leak = { path, type, what: "something that another run had changed" };
    this.#leaks.push(leak);
    this.#failure = new NotReproducible(
      leak,
      `Two runs of one seed differ, ${where}\nSomething outlives a run, such as a variable of a module, or comes from outside, such as a clock.`,
    );
  }
}

const unnoted: ReadonlySet<string> = new Set(["sent", "accepted", "started"]);

function observer(world: SimWorld, trace: Trace): Observer {
  return (step, cell, type) => {
    if (!unnoted.has(step)) trace.fate(world.steps, world.time, step as TraceKind, cell, type);
  };
}
