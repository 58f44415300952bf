// What clients asked of one object and what they saw, in the order in which it happened.

import type { Failure } from "../runtime/kernel/failure.ts";
import type { Answer } from "../runtime/kernel/protocol.ts";
import { settle } from "../runtime/kernel/system.ts";

interface Invoked<Input> {
  readonly client: string;
  readonly input: Input;
  /**
   * Its place among all invocations and ends, any number: of two operations the one that ended at a smaller place than
   * the other was invoked came first. Of equal places nothing is known: such operations overlap.
   */
  readonly invoked: number;
  /** For the reader. */
  readonly invokedAtMs?: number | undefined;
}

/** It took effect between `invoked` and `ended`. A refusal is an answer too, and then the output. */
interface Answered<Input, Output> extends Invoked<Input> {
  readonly outcome: "answered";
  readonly output: Output;
  readonly ended: number;
  readonly endedAtMs?: number | undefined;
}

/** `unknown`: it took effect at some point after `invoked`, however late, or never. `not-started`: never. */
interface Unanswered<Input> extends Invoked<Input> {
  readonly outcome: "unknown" | "not-started";
}

export type Operation<Input, Output> = Answered<Input, Output> | Unanswered<Input>;

export interface Recorder<Input, Output> {
  /** Of all that was invoked so far, in that order. What has not ended yet is `unknown`. */
  readonly history: readonly Operation<Input, Output>[];
  /**
   * Asks, and gives how that ended as `settle` does. `client` and `input` are for the history; what really is asked is
   * `ask`'s affair. An offer or a tell is not for it: its promise says nothing of the effect.
   *
   * Fails: what `ask` throws that is no Failure; the operation stays `unknown`.
   */
  record<A extends Output, E extends Output>(
    client: string,
    input: Input,
    ask: () => Answer<A, E>,
  ): Promise<{ ok: true; value: A } | { ok: false; error: E | Failure }>;
}

/**
 * Notes operations as they are invoked and end, for `linearizable`.
 *
 * Promises: places are those of the calls, so two events of one instant have the order in which they were seen; an
 * end that is seen later than it was makes the operation longer, which never accuses wrongly. Inputs and outputs are
 * not copied: where payloads are shared, what is changed later is changed in the history.
 * Units: `now` is in ms: `world.now` of a simulation.
 * Example: `const { record, history } = recorder<RegisterInput<number>, RegisterOutput<number>>(world.now)`, and then
 * `await record("ann", ["write", 1], () => system.ask(register).write(1))`.
 */
export function recorder<Input, Output>(now: () => number): Recorder<Input, Output> {
  const history: Operation<Input, Output>[] = [];
  let places = 0;
  return {
    history,
    record: async (client, input, ask) => {
      const invoked: Invoked<Input> = { client, input, invoked: places++, invokedAtMs: now() };
      const index = history.push({ ...invoked, outcome: "unknown" }) - 1;
      const end = (output: Output) => {
        history[index] = { ...invoked, outcome: "answered", output, ended: places++, endedAtMs: now() };
      };
      const settled = await settle(ask());
      if (settled.ok) end(settled.value);
      else {
        const { outcome } = settled.error as Failure;
        // What is answered is a refusal, whose type says that it is an output.
        if (outcome === "answered") end(settled.error as Output);
        else history[index] = { ...invoked, outcome };
      }
      return settled;
    },
  };
}
