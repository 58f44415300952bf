// What a simulation itself can fail with, beside the failures of the actors in it.

import { Failure, Refusal } from "../kernel/failure.ts";

/** What a simulation can not see or repeat, and who did it. */
export interface Leak {
  /** The actor; `/` is the body of the simulation. */
  readonly path: string;
  /** The message or turn that was handled. */
  readonly type: string;
  /** For example `Date.now`, or `a promise from outside`. */
  readonly what: string;
}

/** The run depends on something that is not of its world: a clock, a draw, a promise, or state from outside. */
export class NotReproducible extends Error {
  readonly _tag = "NotReproducible";
  readonly code = "NOT_REPRODUCIBLE";
  readonly leak: Leak;

  constructor(leak: Leak, message: string) {
    super(message);
    this.leak = leak;
  }

  override get name(): string {
    return this._tag;
  }
}

/** Nothing is left to happen, and the body still waits. */
export class Stalled extends Error {
  readonly _tag = "Stalled";
  readonly code = "STALLED";

  /** At `ms` of virtual time; `waits` says who waits for whom. */
  constructor(ms: number, waits: string) {
    super(
      `Nothing is left to happen at ${ms} ms, and the body waits. ${waits}. Give the ask a deadline, or answer it.`,
    );
  }

  override get name(): string {
    return this._tag;
  }
}

/** The run took all the steps it may. */
export class StepsExhausted extends Error {
  readonly _tag = "StepsExhausted";
  readonly code = "STEPS_EXHAUSTED";

  constructor(steps: number, ms: number, waits: string) {
    const fired = `${steps} events were fired and the body has not ended, at ${ms} ms`;
    super(`${fired}. ${waits}. Raise steps, or find out what goes on for ever.`);
  }

  override get name(): string {
    return this._tag;
  }
}

/** Not every order of this program can be tried. */
export class NotExhaustible extends Error {
  readonly _tag = "NotExhaustible";
  readonly code = "NOT_EXHAUSTIBLE";

  constructor(why: string) {
    super(`Not every order can be tried: ${why}. Leave out exhaustive, and schedules are drawn.`);
  }

  override get name(): string {
    return this._tag;
  }
}

/** The receiver can not be reached: the fault `down` or `unavailable` turned the message away. */
export class Unavailable extends Failure {
  readonly _tag = "Unavailable";
  override readonly code = "UNAVAILABLE";
}

/** The answer that the fault `errors` gives in place of the actor. */
export class InjectedError extends Refusal {
  readonly _tag = "InjectedError";
  override readonly code = "INJECTED_ERROR";
}
