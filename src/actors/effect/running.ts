// An Effect that an actor runs: at once as far as it goes, then as the promise of a handler. Success is the answer, a
// typed failure a refusal, a defect a crash; it is interrupted when nobody waits for it any more.

import * as Cause from "effect/Cause";
import type { Context } from "effect/Context";
import * as Effect from "effect/Effect";
import type { Exit } from "effect/Exit";
import { Cancelled, Failure, type Refusal } from "../../runtime/kernel/failure.ts";
import { EffectRefusal } from "./answers.ts";

/** Starts Effects with the services of one incarnation. */
export type Runner = <A, E>(
  effect: Effect.Effect<A, E, never>,
  signal: () => AbortSignal | undefined,
) => A | Promise<A>;

/** `signal` is read only for an Effect that does not end at once; the path only when it is said: it may not be known yet. */
export function runnerOf(context: Context<never>, path: () => string): Runner {
  const fork = Effect.runForkWith(context);
  return (effect, signal) => {
    const fiber = fork(effect);
    const exit = fiber.pollUnsafe();
    if (exit !== undefined) return answerOf(exit, path);
    return new Promise((resolve, reject) => {
      const given = signal();
      const giveUp = () => fiber.interruptUnsafe();
      fiber.addObserver((exit) => {
        given?.removeEventListener("abort", giveUp);
        try {
          resolve(answerOf(exit, path));
        } catch (error) {
          reject(error);
        }
      });
      if (given?.aborted === true) giveUp();
      else given?.addEventListener("abort", giveUp);
    });
  };
}

/** Throws what the runtime reads as a refusal or as a crash. */
function answerOf<A, E>(exit: Exit<A, E>, path: () => string): A {
  if (exit._tag === "Success") return exit.value;
  const { cause } = exit;
  if (Cause.hasDies(cause)) throw defectOf(cause);
  if (Cause.hasFails(cause)) throw refusalOf(Cause.squash(cause));
  throw new Cancelled(`${path()} was interrupted: nobody waited for its answer any more.`, "unknown");
}

function defectOf(cause: Cause.Cause<unknown>): unknown {
  for (const reason of cause.reasons) if (reason._tag === "Die") return reason.defect;
  return Cause.squash(cause);
}

/** Refusals that were taken out of the answer to an ask: let through, they go on as what they were. */
const taken = new WeakMap<object, Refusal>();

function refusalOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return (typeof error === "object" && error !== null ? taken.get(error) : undefined) ?? new EffectRefusal(error);
}

/** The typed failure that a failed ask is to an Effect. */
export function failureOf(failure: unknown): unknown {
  if (!(failure instanceof EffectRefusal)) return failure;
  const { error } = failure;
  if (typeof error === "object" && error !== null) taken.set(error, failure);
  return error;
}
