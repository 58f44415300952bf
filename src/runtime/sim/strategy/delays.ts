// Delay bounding: the base order, in which a few times the event that would be next goes to the back instead. Finds what
// is close to the order of posting.
// Source: M. Emmi, S. Qadeer, Z. Rakamarić, "Delay-bounded scheduling" (POPL 2011).

import { stream } from "../../kernel/random.ts";
import { type Choice, oldestOf, type Precedes, type Strategy } from "../choice.ts";

export class Delays implements Strategy {
  readonly #at: ReadonlySet<number>;
  #step = 0;
  #delayed = 0;

  /** `delays` of them, among about `steps` steps with a choice. */
  constructor(seed: number, delays: number, steps: number) {
    const draw = stream(seed, "delays");
    this.#at = new Set(Array.from({ length: delays }, () => 1 + Math.floor(draw() * steps)));
  }

  pick(enabled: readonly Choice[], precedes: Precedes): Choice {
    const behind: Precedes = (a, b) => {
      const [one, other] = [back(a), back(b)];
      return one < other || (one === other && precedes(a, b));
    };
    if (this.#at.has(++this.#step)) oldestOf(enabled, behind).rank = ++this.#delayed;
    return oldestOf(enabled, behind);
  }
}

/** Its place among those that were delayed; 0 for one that was not. */
function back({ rank }: Choice): number {
  return Number.isNaN(rank) ? 0 : rank;
}
