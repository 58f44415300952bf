// One consumer of a subscription, as its courier knows it: what it may still be given, and whether it can be reached.

import type { Ref } from "../../runtime/kernel/protocol.ts";
import type { Line } from "./line.ts";
import type { Slot } from "./slot.ts";

/** A consumer that can not be reached is tried again after so long, twice as long each time up to the second. */
const awayMs = 10;
const awayMsMax = 1_000;

export class Consumer {
  readonly ref: Ref<unknown>;
  readonly name: string;
  readonly idle: Slot[] = [];
  /** What is ready and its own, where lanes stick. */
  readonly own: Line;
  /** Deliveries that are out. */
  out = 0;
  /** Times in a row that it could not be reached. */
  #misses = 0;
  #isAway = false;

  constructor(ref: Ref<unknown>, own: Line) {
    this.ref = ref;
    this.name = ref.path;
    this.own = own;
  }

  /** It may be given one more; one at a time while nobody knows whether it is back. */
  get isThere(): boolean {
    return !this.#isAway && (this.#misses === 0 || this.out === 0);
  }

  /** A delivery has reached it. */
  reached(): void {
    this.#misses = 0;
  }

  /** A delivery did not reach it. The wait before the next one, in ms, after which it is {@link back}; 0 while one runs. */
  missed(): number {
    if (this.#isAway) return 0;
    this.#isAway = true;
    return Math.min(awayMsMax, awayMs << Math.min(this.#misses++, 10));
  }

  back(): void {
    this.#isAway = false;
  }
}
