// Delayed retry: a message that fails gives way to those behind it and is tried again later, elsewhere.

import { milliseconds } from "../../runtime/kernel/duration.ts";
import { Failure, InvalidOption, Refusal } from "../../runtime/kernel/failure.ts";
import { type Duration, type Message, type Ref, receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import { commit, type QueueOptions, type Receives, Requeue } from "../broker/index.ts";

/**
 * A consumer in front of `to`: what fails there goes to the queue `later` of the same store, in one commit with its
 * settlement here. `later` has a consumer of its own, usually `to` as well, and {@link waits}.
 *
 * Promises: each message is handled by `to`, or is in `later`, in this queue, or in the dead letters of one of them, never
 * nowhere and never in two; whatever crashes. Who asks through the queue gets the first failure.
 * The order of the queue holds among first attempts: that is the price of not being held up. To keep it through
 * failures, leave this out and take the `backoff` of the queue, with `order: "key"`.
 * A refusal is an answer and goes nowhere else; while `to` turns messages away they stay.
 * Example: `queue(givingWay(mail, later), { store })`, with
 * `const later = system.spawn(queue(mail, { store, ...waits("5s", "1m", "10m") }), { name: "later" })`.
 */
export function givingWay<P>(to: Ref<P>, later: Ref<P>): Make<Receives<P>> {
  return (self: Self) => ({
    async [receive](m: Message<P>): Promise<unknown> {
      try {
        return await m.relay(to as Ref<unknown>);
      } catch (error) {
        if (!(error instanceof Failure) || error instanceof Refusal) throw error;
        if (error.outcome === "not-started") return new Requeue();
        const { type, payload, id, key } = m;
        await commit(self, later, { publish: [{ to: later, type, payload, id, key }] });
        // Nothing is left to settle: it is for who asked.
        throw error;
      }
    },
  });
}

/** The options of a queue that tries a message so long after it came, and after each attempt, until these are used up. */
export function waits(...between: readonly Duration[]): Pick<QueueOptions, "delay" | "maxAttempts" | "backoff"> {
  const all = between.map((wait) => milliseconds("waits", wait));
  const [delay] = all;
  if (delay === undefined) throw new InvalidOption("waits", "none", "at least one duration");
  return { delay, maxAttempts: all.length, backoff: (failures) => all[failures] ?? 0 };
}
