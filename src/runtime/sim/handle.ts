// What the body of a simulation holds, and what it waits for.
//
// No function here is a literal that is assigned to a property: V8 allocates such in the old space, and what they can reach,
// a whole run, would then live until the next full collection.

import { milliseconds } from "../kernel/duration.ts";
import { Sleep } from "../kernel/operation.ts";
import type { Duration } from "../kernel/protocol.ts";
import { type Stream, stream } from "../kernel/random.ts";
import type { ActorSystem } from "../kernel/system.ts";
import type { Fault } from "./fault.ts";
import type { Injections } from "./injection.ts";
import type { SimulatedWorld } from "./simulate.ts";
import type { SimWorld } from "./world.ts";

/** What a body has asked of its run. */
export class Requests<B> {
  /** They wait until nothing is left to happen. */
  idlers: (() => void)[] = [];
  /** They wait for the next event. */
  steppers: ((fired: boolean) => void)[] = [];
  /** Called after each event. */
  readonly looks: (() => void)[] = [];
  booted: B = undefined as B;
  barriers = 0;
}

export class Handle<B> implements SimulatedWorld<B> {
  readonly system: ActorSystem;
  readonly #world: SimWorld;
  readonly #injections: Injections;
  readonly #requests: Requests<B>;
  readonly run: (duration: Duration) => Promise<void>;
  readonly runUntilIdle: () => Promise<void>;
  readonly step: () => Promise<boolean>;
  readonly onStep: (look: () => void) => void;
  readonly now: () => number;
  readonly random: (name: string, key?: string | number) => Stream;
  readonly inject: (fault: Fault) => void;
  readonly heal: (paths?: readonly string[]) => void;

  constructor(system: ActorSystem, world: SimWorld, injections: Injections, requests: Requests<B>) {
    this.system = system;
    this.#world = world;
    this.#injections = injections;
    this.#requests = requests;
    this.run = this.#pass.bind(this);
    this.runUntilIdle = this.#idle.bind(this);
    this.step = this.#step.bind(this);
    this.onStep = this.#look.bind(this);
    this.now = this.#now.bind(this);
    this.random = this.#random.bind(this);
    this.inject = this.#inject.bind(this);
    this.heal = this.#heal.bind(this);
  }

  get booted(): B {
    return this.#requests.booted;
  }

  get steps(): number {
    return this.#world.steps;
  }

  get barriers(): number {
    return this.#requests.barriers;
  }

  #now(): number {
    return this.#world.time;
  }

  #random(name: string, key?: string | number): Stream {
    return stream(this.system.seed, key === undefined ? name : `${name}\u0000${typeof key}\u0000${key}`);
  }

  #inject(fault: Fault): void {
    this.#injections.add(fault);
  }

  #heal(paths: readonly string[] = ["*"]): void {
    this.#injections.heal(paths);
  }

  #look(look: () => void): void {
    this.#requests.looks.push(look);
  }

  #idle(): Promise<void> {
    this.#world.enter();
    return new Promise((resolve) => this.#requests.idlers.push(resolve));
  }

  #step(): Promise<boolean> {
    this.#world.enter();
    return new Promise((resolve) => this.#requests.steppers.push(resolve));
  }

  /** A sleep of the root's, also once the system has stopped and its verbs are inert. */
  #pass(duration: Duration): Promise<void> {
    const ms = milliseconds("run", duration);
    const { self } = this.system.core.root;
    const sleep = new Sleep(self, passed);
    const over = new Promise<void>((resolve) => {
      sleep.resolve = resolve;
    });
    self.add(sleep);
    this.#world.began(sleep, undefined);
    this.#world.arm(sleep, this.#world.time + ms);
    return over;
  }
}

function passed(sleep: Sleep): void {
  sleep.self.remove(sleep);
  sleep.end(true);
}
