// Partial order sampling: each pending event has a random priority, and the highest is next; then all that race with it
// get a new one. Needs no parameter, and reaches an order in which one event waits for many others with a chance that is
// polynomial in their number.
// Source: X. Yuan, J. Yang, R. Gu, "Partial order aware concurrency sampling" (CAV 2018), POS.

import { type Stream, stream } from "../../kernel/random.ts";
import type { Choice, Strategy } from "../choice.ts";

export class PartialOrderSampling implements Strategy {
  readonly #draw: Stream;

  constructor(seed: number) {
    this.#draw = stream(seed, "partial order sampling");
  }

  pick(enabled: readonly Choice[]): Choice {
    let highest: Choice | undefined;
    for (const one of enabled) {
      if (Number.isNaN(one.rank)) one.rank = this.#draw();
      if (highest === undefined || one.rank > highest.rank) highest = one;
    }
    const picked = highest as Choice;
    for (const one of enabled) if (one.cell === picked.cell) one.rank = Number.NaN;
    return picked;
  }
}
