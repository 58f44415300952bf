// What a property plays: its inputs, and either many orders of them or one. As a value of fast-check it shrinks: first to
// the smallest run that was found to fail, then to smaller inputs in that same order.

import fc from "fast-check";
import type { Finding, Plan } from "../runtime/sim/explorer.ts";
import { isWorkload } from "./operations.ts";
import { type Played, tokenOf } from "./token.ts";

/** An arbitrary for each input, by its name. */
export type Inputs<I> = { readonly [K in keyof I]: fc.Arbitrary<I[K]> };

/** How a failure was found, and what became of it. */
export interface Story {
  /** Which schedule it was, from 1; undefined for one that was given. */
  readonly schedule: number | undefined;
  readonly foundBy: Finding["strategy"];
  /** How much there was at first. */
  readonly from: { readonly operations: number; readonly faults: number; readonly pairs: number };
  /** Runs that making it smaller took. */
  readonly replays: number;
  /** It did fail again, and nothing more can be left out alone. */
  readonly isMinimal: boolean;
}

export class Trial<I> {
  readonly inputs: I;
  /** Only this run; without it, many. */
  readonly plan: Plan | undefined;
  /** Of the failing run that it is a smaller form of. */
  readonly story: Story | undefined;
  /** Of its schedules, so that each input is played in others. */
  readonly seed: number;
  /** It was begun to be played. */
  isPlayed = false;
  /** The smallest failing run of it that is known, once it has failed. */
  failed: (Played<I> & { readonly story: Story }) | undefined = undefined;

  constructor(inputs: I, plan?: Plan, story?: Story, seed = 1) {
    this.inputs = inputs;
    this.plan = plan;
    this.story = story;
    this.seed = seed;
  }
}

// How fast-check prints it.
Object.defineProperty(Trial.prototype, fc.toStringMethod, {
  value(this: Trial<unknown>) {
    const { inputs, plan } = this;
    if (plan === undefined) return fc.stringify(inputs);
    return JSON.stringify(tokenOf({ inputs, plan })) ?? `${fc.stringify(inputs)} in one order`;
  },
});

/** The names of the inputs that are lists of operations, of which any part is one, too. */
export function workloadsOf<I>(inputs: Inputs<I>): readonly (keyof I & string)[] {
  return (Object.keys(inputs) as (keyof I & string)[]).filter((name) => isWorkload(inputs[name]));
}

/** Context of a value: that of its inputs, if fast-check made them. */
interface Made {
  readonly inputs: unknown;
}

export class TrialArbitrary<I> extends fc.Arbitrary<Trial<I>> {
  readonly #inputs: fc.Arbitrary<I>;

  constructor(inputs: Inputs<I>) {
    super();
    this.#inputs = fc.record(inputs as { [K in keyof I]: fc.Arbitrary<I[K]> }) as unknown as fc.Arbitrary<I>;
  }

  generate(random: fc.Random, biasFactor: number | undefined): fc.Value<Trial<I>> {
    const { value_, context } = this.#inputs.generate(random, biasFactor);
    const seed = random.nextInt(0, 0x7fff_ffff);
    return new fc.Value(new Trial(value_, undefined, undefined, seed), { inputs: context } satisfies Made);
  }

  canShrinkWithoutContext(value: unknown): value is Trial<I> {
    return value instanceof Trial;
  }

  /** Fails when it was not played: the path of fast-check leads through values that nobody has run. */
  shrink(trial: Trial<I>, context: Made | undefined): fc.Stream<fc.Value<Trial<I>>> {
    const { failed } = trial;
    // It ran into a limit, or can not be tried: that is no matter of how large it is.
    if (failed === undefined && trial.isPlayed) return fc.Stream.nil();
    if (failed === undefined)
      throw new Error(
        "A path can not be replayed here: what an order shrinks to is known only when it was played. Give the token that the failure printed: examples: [[token]].",
      );
    const { inputs, plan, story } = failed;
    const isSame = inputs === trial.inputs;
    const smaller = this.#smaller(inputs, isSame ? context : undefined).map(
      ({ value_, context: made }) => new fc.Value(new Trial(value_, plan, story), { inputs: made } satisfies Made),
    );
    if (trial.plan !== undefined) return smaller;
    const known = new fc.Value(new Trial(inputs, plan, story), isSame ? context : undefined);
    return fc.Stream.of(known).join(smaller);
  }

  #smaller(inputs: I, context: Made | undefined): fc.Stream<fc.Value<I>> {
    if (context !== undefined) return this.#inputs.shrink(inputs, context.inputs);
    return this.#inputs.canShrinkWithoutContext(inputs)
      ? this.#inputs.shrink(inputs, undefined)
      : fc.Stream.nil<fc.Value<I>>();
  }
}
