// Probabilistic concurrency testing: lines of events have random priorities, the highest goes first, and at d − 1 random
// steps the line that would go falls behind all others. A bug that needs d orderings is found with a chance of at least
// 1/(n·k^(d−1)) for n lines and k steps at which there was a choice. Unfair: a line may wait for ever.
// Sources: S. Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs" (ASPLOS 2010);
// chains as lines: B. K. Ozkan et al., "Randomized testing of distributed systems with probabilistic guarantees"
// (OOPSLA 2018), PCTCP, here with chains made greedily.

import { type Stream, stream } from "../../kernel/random.ts";
import type { Choice, Strategy } from "../choice.ts";

interface Line {
  rank: number;
}

abstract class Pct implements Strategy {
  readonly #draw: Stream;
  readonly #changes: ReadonlySet<number>;
  #step = 0;
  #lowest = 0;

  /** For bugs of `depth` orderings, in runs of about `steps` steps with a choice. */
  constructor(seed: number, depth: number, steps: number) {
    this.#draw = stream(seed, "pct");
    this.#changes = new Set(Array.from({ length: depth - 1 }, () => 1 + Math.floor(this.#draw() * steps)));
  }

  protected abstract lineOf(one: Choice): Line;

  protected newLine(): Line {
    return { rank: this.#draw() };
  }

  pick(enabled: readonly Choice[]): Choice {
    if (this.#changes.has(++this.#step)) this.lineOf(this.#highest(enabled)).rank = --this.#lowest;
    return this.#highest(enabled);
  }

  #highest(enabled: readonly Choice[]): Choice {
    let highest: Choice | undefined;
    let rank = Number.NEGATIVE_INFINITY;
    for (const one of enabled) {
      const line = this.lineOf(one);
      if (line.rank <= rank) continue;
      rank = line.rank;
      highest = one;
    }
    return highest as Choice;
  }
}

/** Lines are channels: what one actor sends to one other. */
export class PctChannels extends Pct {
  readonly #lines = new Map<object, Line>();

  protected lineOf({ channel }: Choice): Line {
    let line = this.#lines.get(channel);
    if (line === undefined) this.#lines.set(channel, (line = this.newLine()));
    return line;
  }
}

/** Lines are chains of cause and effect: an event goes on with the chain of what set it off, if that has no other yet. */
export class PctChains extends Pct {
  protected lineOf(one: Choice): Line {
    if (one.chain !== undefined) return one.chain;
    const chain = one.cause?.chain;
    if (chain !== undefined && chain.tail === one.cause) {
      chain.tail = one;
      one.chain = chain;
    } else one.chain = { tail: one, rank: this.newLine().rank };
    return one.chain;
  }
}
