// Which of several targets gets a message.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { oneOf, whole } from "../runtime/kernel/options.ts";
import type { Message, Ref } from "../runtime/kernel/protocol.ts";
import type { Self } from "../runtime/kernel/verbs.ts";
import { functionOf } from "./front.ts";
import { HashRing } from "./ring.ts";

/**
 * `round-robin`: in turn. `random`: any. `least-loaded`: who has fewest messages that are not answered.
 * `power-of-two-choices`: of two drawn, the less loaded. `consistent-hash`: the same key, the same target.
 */
export type Strategy = "round-robin" | "random" | "least-loaded" | "power-of-two-choices" | "consistent-hash";

export const strategies: readonly Strategy[] = [
  "round-robin",
  "random",
  "least-loaded",
  "power-of-two-choices",
  "consistent-hash",
];

export interface BalancerOptions<S extends string = Strategy> {
  strategy?: S | undefined;
  /** Of `consistent-hash`: the key of a message. By default the key that it was sent with, else its id. */
  by?: ((message: Message) => string) | undefined;
  /** Of `consistent-hash`: points of each target on the circle; 100 by default. More spread keys more evenly. */
  vnodes?: number | undefined;
}

export interface Target {
  readonly name: string;
  readonly ref: Ref<unknown>;
  /** Messages that it was given and has not answered; 0 where nobody counts. */
  readonly inHand: number;
}

export interface Balance<S extends string = Strategy> {
  readonly strategy: S;
  readonly by: (message: Message) => string;
  readonly vnodes: number;
}

/** Fails: InvalidOption. The first of `allowed` is the default. */
export function balanceOf<S extends string>(options: BalancerOptions<S>, allowed: readonly S[]): Balance<S> {
  const strategy = oneOf("strategy", options.strategy, allowed);
  const { by = keyOf } = options;
  functionOf("by", by, "a function that gives the key of a message");
  for (const option of ["by", "vnodes"] as const)
    if (options[option] !== undefined && strategy !== "consistent-hash")
      throw new InvalidOption(option, "given", `nothing, unless the strategy is "consistent-hash"`);
  return { strategy, by, vnodes: whole("vnodes", options.vnodes, 100, 1) };
}

function keyOf(m: Message): string {
  return m.key ?? m.id;
}

/** Whether targets have to be counted for. */
export function counts(strategy: string): boolean {
  return strategy === "least-loaded" || strategy === "power-of-two-choices";
}

/** Picks among targets that come and go. */
export class Balancer<T extends Target> {
  readonly #self: Self;
  readonly #balance: Balance;
  #targets: readonly T[] = [];
  #ring: HashRing<T> | undefined = undefined;
  /** Whose turn it is. */
  #turn = 0;

  constructor(self: Self, balance: Balance) {
    this.#self = self;
    this.#balance = balance;
  }

  get targets(): readonly T[] {
    return this.#targets;
  }

  set targets(targets: readonly T[]) {
    this.#targets = targets;
    this.#ring = undefined;
  }

  /** Undefined when there are no targets. */
  pick(m: Message): T | undefined {
    const targets = this.#targets;
    if (targets.length < 2) return targets[0];
    switch (this.#balance.strategy) {
      case "round-robin":
        return this.#next();
      case "random":
        return targets[this.#draw(targets.length)];
      case "least-loaded":
        return this.#least();
      case "power-of-two-choices":
        return this.#lessOfTwo();
      case "consistent-hash":
        this.#ring ??= new HashRing(targets, this.#balance.vnodes);
        return this.#ring.of(this.#balance.by(m));
    }
  }

  #next(): T | undefined {
    const { length } = this.#targets;
    const at = this.#turn % length;
    this.#turn = at + 1;
    return this.#targets[at];
  }

  /** Among equals, the next in turn. */
  #least(): T | undefined {
    const targets = this.#targets;
    let least = this.#next() as T;
    const from = this.#turn;
    for (let n = 0; n < targets.length - 1 && least.inHand > 0; n++) {
      const other = targets[(from + n) % targets.length] as T;
      if (other.inHand >= least.inHand) continue;
      least = other;
      this.#turn = (from + n + 1) % targets.length;
    }
    return least;
  }

  #lessOfTwo(): T | undefined {
    const { length } = this.#targets;
    const first = this.#draw(length);
    const second = (first + 1 + this.#draw(length - 1)) % length;
    const [one, other] = [this.#targets[first] as T, this.#targets[second] as T];
    return other.inHand < one.inHand ? other : one;
  }

  #draw(below: number): number {
    return Math.floor(this.#self.random() * below);
  }
}
