// A random walk: any of the enabled events, each with the same chance. Strong where a bug needs two events in the wrong
// order, weak where one has to wait for many others.

import { type Stream, stream } from "../../kernel/random.ts";
import type { Choice, Strategy } from "../choice.ts";

export class RandomWalk implements Strategy {
  readonly #draw: Stream;

  constructor(seed: number) {
    this.#draw = stream(seed, "random walk");
  }

  pick(enabled: readonly Choice[]): Choice {
    return enabled[Math.floor(this.#draw() * enabled.length)] as Choice;
  }
}
