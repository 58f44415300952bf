// How an Effect reads as an answer: its success is the answer, its typed failures are refusals. The core knows none of
// this: it is told through the open interface `Answers`.

import type { Effect } from "effect/Effect";
import { type Failure, Refusal } from "../../runtime/kernel/failure.ts";

/**
 * The refusal that a typed failure travels as when it is no {@link Refusal} itself: `error` is what the Effect failed
 * with. `ask` of this door takes it out again.
 */
export class EffectRefusal<out E = unknown> extends Refusal {
  readonly _tag = "EffectRefusal";
  readonly error: E;

  constructor(error: E) {
    super(textOf(error), { cause: error });
    this.error = error;
  }
}

/** What failures of type E are to an asker: refusals as they are, what is no failure of the runtime wrapped. */
export type Refused<E> =
  | Extract<E, Refusal>
  | ([Exclude<E, Failure>] extends [never] ? never : EffectRefusal<Exclude<E, Failure>>);

/** The way back: what an asker's Effect fails with. */
export type Unwrapped<E> = E extends EffectRefusal<infer Inner> ? Inner : E;

declare module "../../runtime/kernel/protocol.ts" {
  interface Answers<R> {
    /** Never for a type that holds no Effect: that reads as it did. */
    readonly effect: 0 extends 1 & R
      ? never
      : [Extract<R, Effect<unknown, unknown, unknown>>] extends [never]
        ? never
        :
            | (R extends Effect<infer A, unknown, unknown> ? A : Awaited<R>)
            | Refused<R extends Effect<unknown, infer E, unknown> ? E : never>;
  }
}

/** The kind of an error, never what it carries. */
function textOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  const tag: unknown = typeof error === "object" && error !== null ? (error as { _tag?: unknown })._tag : undefined;
  return typeof tag === "string" ? tag : `an Effect failed with a ${typeof error}`;
}
