// A system: the root of a tree of actors in a world, and the outside's way in.

import { Cell, cellOf, gate } from "./cell.ts";
import { census, censusOf } from "./census.ts";
import { Core, type World } from "./core.ts";
import { suspect } from "./cycle.ts";
import { milliseconds } from "./duration.ts";
import { Failure, SystemStopped } from "./failure.ts";
import { later, stopChildren } from "./lifecycle.ts";
import { defaults } from "./options.ts";
import type { Answer, Ask, Duration, Offer, Ref, Spawned, Stub, Tell } from "./protocol.ts";
import { Incarnation } from "./self.ts";
import type {
  Census,
  DeadLetter,
  Make,
  SpawnOptions,
  StopReport,
  System,
  SystemEvent,
  TellOptions,
  Verb,
  WaitOptions,
} from "./verbs.ts";

export interface SystemSettings {
  readonly name: string;
  readonly seed: number;
  readonly isolation: "share" | "freeze" | "clone";
  readonly report: ((event: SystemEvent) => void) | undefined;
}

const upper = { incarnate: (cell: Cell) => new Incarnation(cell), suspect };

/** Makes a system in `world`. Worlds call this; users call the world's own maker. */
export class ActorSystem implements System {
  readonly core: Core;
  readonly #outside: Incarnation;
  #stopping: Promise<StopReport> | undefined;

  constructor(world: World, settings: SystemSettings) {
    const core = new Core(settings.name, settings.seed, world, settings.isolation, upper);
    const root = new Cell(core, undefined, () => ({}), defaults, "");
    core.root = root;
    root.self = new Incarnation(root);
    // Nothing is ever put to the root.
    root.gate = gate.closed;
    root.life = "up";
    this.core = core;
    this.#outside = root.self;
    core.report = settings.report;
  }

  get name(): string {
    return this.core.name;
  }

  get seed(): number {
    return this.core.seed;
  }

  get deadLetters(): readonly DeadLetter[] {
    return [...this.core.deadLetters];
  }

  now(): number {
    return this.core.world.now();
  }

  tell<P>(to: Ref<P>, options?: TellOptions): Stub<P, Tell<P>> {
    this.core.world.enter();
    return this.#outside.tell(to, options);
  }

  offer<P>(to: Ref<P>, options?: WaitOptions): Stub<P, Offer<P>> {
    this.core.world.enter();
    return this.#outside.offer(to, options);
  }

  ask<P>(to: Ref<P>, options?: WaitOptions): Stub<P, Ask<P>> {
    this.core.world.enter();
    return this.#outside.ask(to, options);
  }

  via<V extends Verb, P>(
    verb: V,
    to: Ref<P>,
    options?: WaitOptions,
  ): Stub<P, V extends "tell" ? Tell<P> : V extends "offer" ? Offer<P> : Ask<P>> {
    this.core.world.enter();
    return this.#outside.via(verb, to, options);
  }

  spawn<A extends object>(make: Make<A>, options?: SpawnOptions): Ref<Spawned<A>> {
    if (this.core.phase !== "up")
      throw new SystemStopped(`${this.name} is ${this.core.phase}: it starts no actors.`, "not-started");
    this.core.world.enter();
    return this.#outside.spawn(make, options);
  }

  census(of?: Ref<unknown>): Census {
    return of === undefined ? census(this.core) : censusOf(cellOf(of));
  }

  events(listener: (event: SystemEvent) => void): () => void {
    this.core.listeners.add(listener);
    return () => void this.core.listeners.delete(listener);
  }

  stop(options: { drain?: Duration | undefined } = {}): Promise<StopReport> {
    const drainMs = milliseconds("drain", options.drain ?? 0);
    this.#stopping ??= this.#stop(drainMs);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #stop(drainMs: number): Promise<StopReport> {
    const { core } = this;
    core.world.enter();
    core.phase = "draining";
    // The short road of tell asks for a live sender: from outside there is none any more.
    this.#outside.live = false;
    return new Promise((resolve) => {
      const down = () => {
        core.phase = "stopping";
        core.left = [];
        stopChildren(core.root, { reason: "stopped" }, () => {
          core.phase = "stopped";
          resolve({ left: core.left ?? [] });
        });
      };
      if (drainMs === 0 || core.isQuiet) {
        down();
        return;
      }
      const quiet = () => {
        core.onQuiet = undefined;
        if (limit.armed) core.world.disarm(limit);
        down();
      };
      const limit = later(core.root, drainMs, quiet);
      // Not in the stack of the handler that was the last: what it goes on to do may open something again.
      core.onQuiet = () => core.world.afterAllJobs(() => core.onQuiet !== undefined && core.isQuiet && quiet());
    });
  }
}

/** Waits for an answer and gives it as a value: a refusal or failed ask does not throw. Other errors do. */
export function settle<A, E>(
  answer: Answer<A, E>,
): Promise<{ ok: true; value: A } | { ok: false; error: E | Failure }> {
  return answer.then(
    (value) => ({ ok: true, value }) as const,
    (error: unknown) => {
      if (error instanceof Failure) return { ok: false, error } as const;
      throw error;
    },
  );
}
