// A claim check: what is large is put aside, and the message carries what it is fetched with.

import { Refusal } from "../../runtime/kernel/failure.ts";
import { type Message, type Ref, type Reply, receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import { commit, type Receives } from "../broker/index.ts";
import { wrapped } from "./effectonce.ts";

/** Where it is put aside: an actor of yours, in front of a disk or an object store. */
export interface Blobs {
  /** Answered when it is safe. The same id again is the same value again. */
  put(blob: { readonly id: string; readonly value: unknown }): Reply<void>;
  /** Undefined for what is not there. */
  get(id: string): Reply<unknown>;
  remove(id: string): Reply<void>;
}

/** A message came whose blob is not there (any more). Put it back, and redrive the dead letter. */
export class ClaimLost extends Refusal {
  readonly _tag = "ClaimLost";
  override readonly code = "CLAIM_LOST";
}

/** The messages of P, answered when they are accepted. */
export type Checked<P> = {
  readonly [M in keyof P]: P[M] extends (...payload: infer X) => unknown ? (...payload: X) => Promise<void> : never;
};

interface Claim {
  readonly claim: string;
}

/**
 * Stands in front of a queue or topic: puts the payload aside under the id of the message, then sends the message on with
 * a claim for it, under the same name, id and key. Its consumers are made with {@link redeem}.
 *
 * Promises: it is answered, and an offer settled, when both are safe; whatever crashes, no message is without its blob.
 * A crash in between leaves a blob that nobody claims: remove those older than any message can be.
 * Ids have to be the sender's, and of one message each: those that the runtime makes come again after a restart.
 * Cost: spawn it with `concurrency`, or what is large goes one after the other.
 */
export function claimCheck<P>(to: Ref<P>, blobs: Ref<Blobs>): Make<Receives<Checked<P>>> {
  return (self) => ({
    async [receive](m: Message<Checked<P>>): Promise<void> {
      const { type, payload, id, key } = m;
      await self.ask(blobs).put({ id, value: payload });
      const offers = self.offer(to as Ref<unknown>, { id, ...(key !== undefined && { key }) });
      await (offers as Readonly<Record<string, (claim: Claim) => Promise<void>>>)[type]?.({ claim: id });
    },
  });
}

/**
 * A consumer whose handlers get the payload that was put aside.
 *
 * With `remove`, the message is settled first and its blob removed then: one that comes again, or is dead and redriven,
 * finds its blob; one that is sent again under the same id may not, so give the queue a `dedup`. Not for a topic, where
 * others claim the blob too. `through` is the queue that delivers, or its store; needed where the message comes by way of
 * another actor, such as a pool.
 * Fails: a message with ClaimLost, which makes it a dead letter; InvalidFactory, at spawn, for an object with `[receive]`.
 */
export function redeem<A extends object>(
  blobs: Ref<Blobs>,
  make: Make<A>,
  options: { remove?: boolean | undefined; through?: Ref<unknown> | undefined } = {},
): Make<A> {
  return wrapped(make, (self: Self, name, handle) => async (payload) => {
    const { claim } = payload as Claim;
    const from = options.through ?? self.message?.sender;
    const value = await self.ask(blobs).get(claim);
    if (value === undefined) return new ClaimLost(`${self.path} got ${name} ${claim}, and its blob is not there.`);
    const answer = await handle(value);
    if (options.remove !== true || from === undefined || answer instanceof Refusal) return answer;
    await commit(self, from);
    self.tell(blobs).remove(claim);
    return answer;
  }) as Make<A>;
}
