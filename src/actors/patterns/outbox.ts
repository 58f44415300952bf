// An outbox: what a commit publishes to somewhere outside of its store, brought there afterwards.

import { type Message, type Ref, receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import { queue, type Receives, type StoreProtocol, type SubscriptionOptions } from "../broker/index.ts";

export interface OutboxOptions extends Omit<SubscriptionOptions, "onRefusal" | "consumers" | "prefetch"> {
  /** The store of the commits. */
  store: Ref<StoreProtocol>;
}

/**
 * A queue in `store` that offers what is in it to `to`, under the same name, id and key: a queue of another store, or an
 * actor that talks to another system. Name its ref in the `publish` of a commit.
 *
 * Promises: what a commit published arrives at least once, in the order of the commits (`order: "key"`: of those of a
 * key), and nothing arrives that was not committed; whatever crashes. What comes twice has the same id. While `to` turns
 * it away it waits; what failed `maxAttempts` times (100) is parked, for `redrive`.
 * Not promised: that `to` has handled it. An offer settles when it is accepted.
 * Fails: InvalidOption.
 * Example: `system.spawn(outbox(invoices, { store }), { name: "outbox" })`.
 */
export function outbox<P>(to: Ref<P>, options: OutboxOptions): Make<Receives<P>> {
  const relay = (self: Self) => ({
    [receive]({ type, payload, id, key }: Message<P>): unknown {
      const offers = self.offer(to as Ref<unknown>, { id, ...(key !== undefined && { key }) });
      return (offers as Readonly<Record<string, (payload: unknown) => Promise<void>>>)[type]?.(payload);
    },
  });
  return queue(relay, { order: "all", maxAttempts: 100, onExhausted: "park", ...options, onRefusal: "retry" });
}
