// Values that something else has to accept: tried again as long as it does not, but not for ever.

import fc from "fast-check";
import { InvalidOption } from "../runtime/kernel/failure.ts";

/** How often in a row a value may be refused. */
export const triesMax = 1_000;

/** `filter` of fast-check would try for ever. */
export class Tried extends fc.Arbitrary<unknown> {
  readonly #of: fc.Arbitrary<unknown>;
  readonly #accepts: (value: unknown) => boolean;
  readonly #refused: () => Error;

  constructor(of: fc.Arbitrary<unknown>, accepts: (value: unknown) => boolean, refused: () => Error) {
    super();
    this.#of = of;
    this.#accepts = accepts;
    this.#refused = refused;
  }

  generate(random: fc.Random, bias: number | undefined): fc.Value<unknown> {
    for (let tries = 0; tries < triesMax; tries++) {
      const value = this.#of.generate(random, bias);
      if (this.#accepts(value.value)) return value;
    }
    throw this.#refused();
  }

  canShrinkWithoutContext(value: unknown): value is unknown {
    return this.#of.canShrinkWithoutContext(value) && this.#accepts(value);
  }

  shrink(value: unknown, context: unknown): fc.Stream<fc.Value<unknown>> {
    return this.#of.shrink(value, context).filter((smaller) => this.#accepts(smaller.value));
  }
}

/** At `at`, a JSON pointer, a schema is not what values can be made of. */
export function unfit(at: string, found: string, allowed: string): InvalidOption {
  return new InvalidOption(
    `schema${at === "" ? "" : `#${at}`}`,
    found,
    `${allowed}, or a fast-check arbitrary instead`,
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
