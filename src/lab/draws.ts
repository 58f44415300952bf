// Draws that belong to something other than an actor's own stream.

import { stream } from "../runtime/kernel/random.ts";
import type { Self } from "../runtime/kernel/verbs.ts";

/**
 * The draws that belong to one entity, for example an order.
 *
 * Promises: they depend only on the system's seed, the actor's path and `key` (W2). The same order gets the same
 * draws in every design, whatever the actor did before.
 * Cost: a string and a hash of the key, once.
 */
export function draws(self: Pick<Self, "random">, key: string | number): () => number {
  return stream(self.random(key) * 9_007_199_254_740_992, "");
}
