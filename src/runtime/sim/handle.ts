// What the body of a simulation holds.

import type { Duration } from "../kernel/protocol.ts";
import { type Stream, stream } from "../kernel/random.ts";
import type { System } from "../kernel/verbs.ts";
import type { Fault } from "./fault.ts";
import type { SimulatedWorld } from "./simulate.ts";

/** The run, as its body sees it. */
export interface Controls<B> {
  readonly system: System & { readonly seed: number };
  readonly booted: () => B;
  readonly steps: () => number;
  readonly barriers: () => number;
  /** Virtual time in ms. */
  readonly time: () => number;
  readonly pass: (duration: Duration) => Promise<void>;
  readonly idle: () => Promise<void>;
  readonly step: () => Promise<boolean>;
  readonly look: (look: () => void) => void;
  readonly inject: (fault: Fault) => void;
  readonly heal: (paths: readonly string[]) => void;
}

/**
 * A class, because its accessors then belong to it: those of an object literal are of a hidden class of their own, by
 * which V8 keeps each one, and the whole run with it, until the next full collection.
 */
export class Handle<B> implements SimulatedWorld<B> {
  readonly #controls: Controls<B>;
  readonly system: System;
  readonly run: (duration: Duration) => Promise<void>;
  readonly runUntilIdle: () => Promise<void>;
  readonly step: () => Promise<boolean>;
  readonly onStep: (look: () => void) => void;
  readonly now: () => number;
  readonly random: (name: string, key?: string | number) => Stream;
  readonly inject: (fault: Fault) => void;
  readonly heal: (paths?: readonly string[]) => void;

  constructor(controls: Controls<B>) {
    const { system } = controls;
    this.#controls = controls;
    this.system = system;
    this.run = controls.pass;
    this.runUntilIdle = controls.idle;
    this.step = controls.step;
    this.onStep = controls.look;
    this.now = controls.time;
    this.random = (name, key) =>
      stream(system.seed, key === undefined ? name : `${name}\u0000${typeof key}\u0000${key}`);
    this.inject = controls.inject;
    this.heal = (paths = ["*"]) => controls.heal(paths);
  }

  get booted(): B {
    return this.#controls.booted();
  }

  get steps(): number {
    return this.#controls.steps();
  }

  get barriers(): number {
    return this.#controls.barriers();
  }
}
