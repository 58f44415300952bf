// Several strategies in turn, since each is the best at some bug and finds nothing of another.

import { keyed } from "../../kernel/random.ts";
import type { Choice, Precedes, Strategy } from "../choice.ts";
import { Delays } from "./delays.ts";
import { PctChains, PctChannels } from "./pct.ts";
import { PartialOrderSampling } from "./pos.ts";
import { RandomWalk } from "./random.ts";

export const strategies = ["random", "pos", "pct-chains", "pct-channels", "delays"] as const;
/** How the orders of a run are drawn. */
export type StrategyName = (typeof strategies)[number];

/** Picks after which a strategy that may starve somebody gives way to a random walk. */
const prefix = 2_000;
const depthMax = 4;

/** A strategy for one run; `depth` is that of the bugs which it is aimed at, where it is aimed. */
export interface Drawn {
  readonly strategy: Strategy;
  readonly depth: number | undefined;
}

/** `steps` is how many choices a run has had so far, at most. */
export function drawStrategy(name: StrategyName, seed: number, steps: number): Drawn {
  const depth = 1 + Math.floor(keyed(seed, "depth", name) * depthMax);
  const k = Math.max(1, steps);
  switch (name) {
    case "random":
      return { strategy: new RandomWalk(seed), depth: undefined };
    case "pos":
      return { strategy: new Fair(new PartialOrderSampling(seed), seed), depth: undefined };
    case "pct-chains":
      return { strategy: new Fair(new PctChains(seed, depth, k), seed), depth };
    case "pct-channels":
      return { strategy: new Fair(new PctChannels(seed, depth, k), seed), depth };
    case "delays":
      return { strategy: new Delays(seed, depth, k), depth: undefined };
  }
}

/** Starves nobody for ever. */
class Fair implements Strategy {
  readonly #inner: Strategy;
  readonly #walk: RandomWalk;
  #picks = 0;

  constructor(inner: Strategy, seed: number) {
    this.#inner = inner;
    this.#walk = new RandomWalk(seed);
  }

  pick(enabled: readonly Choice[], precedes: Precedes): Choice {
    return ++this.#picks > prefix ? this.#walk.pick(enabled) : this.#inner.pick(enabled, precedes);
  }
}
