// A subscription of a topic, as an actor: while it lives, its consumers get what is published.

import { oneOf } from "../../runtime/kernel/options.ts";
import type { Duration, Ref } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import { leaving } from "./control.ts";
import { NotInStore } from "./failure.ts";
import { graveOf } from "./grave.ts";
import type { SubscriptionReport } from "./inspect.ts";
import type { SubscribeOptions } from "./options.ts";
import type { EnlistRequest, Requests } from "./request.ts";
import {
  checkNames,
  checkRef,
  type SubscriptionSettings,
  subscriptionNames,
  subscriptionSettings,
} from "./settings.ts";

/** What a subscription can be asked for. */
export interface SubscriptionControl {
  /** As {@link join} and {@link leave} for a queue. */
  join(consumer: Ref<unknown>): Promise<void>;
  leave(who: { readonly consumer: Ref<unknown>; readonly grace?: Duration | undefined }): Promise<number>;
  /** Deliveries end; messages wait. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /**
   * What waits is forgotten, and what the topic keeps from there on comes again; what is being delivered goes on. Gives
   * the sequence number of the first.
   */
  seek(to: SubscriptionSettings["startAt"]): Promise<number>;
  inspect(): Promise<SubscriptionReport>;
}

/**
 * A subscription to spawn. Its name, among those of its topic, is the path of the actor. When the actor stops, so do the
 * deliveries: what waits is forgotten, or, if it is `durable`, waits for the next actor of this name.
 *
 * It begins when its topic has heard of it. Whoever must know asks it first: `await system.ask(mails).inspect()`.
 * Fails: InvalidOption. Whatever it is asked: NotInStore, NotConfigured.
 * Example: `const mails = system.spawn(subscribe(orders, email, { filter: ["placed"], order: "key" }), { name: "mails" })`.
 */
export function subscribe<P>(
  topic: Ref<P>,
  consumers: Ref<Partial<P>> | readonly Ref<Partial<P>>[],
  options: SubscribeOptions<P> = {},
): Make<SubscriptionControl> {
  checkNames(options, ["of", "filter", "startAt", "durable", ...subscriptionNames]);
  const isOfDead = oneOf("of", options.of, ["messages", "deadLetters"]) === "deadLetters";
  const settings = subscriptionSettings(options);
  const refs = (Array.isArray(consumers) ? consumers : [consumers]) as readonly Ref<unknown>[];
  checkRef("topic", topic);
  for (const ref of refs) checkRef("consumers", ref);
  return async (self: Self) => {
    const to = topic as Ref<unknown> as Ref<Requests>;
    const place = { topic: isOfDead ? graveOf(topic.path) : topic.path, name: self.path };
    const request: EnlistRequest = { ...place, settings, refs, owner: self.ref };
    await self.ask(to)["broker.enlist"](request);
    return {
      async join(consumer) {
        checkRef("consumer", consumer);
        await self.ask(to)["broker.join"]({ ...place, consumer });
      },
      async leave({ consumer, ...options }) {
        return await self.ask(to)["broker.leave"]({ ...place, ...leaving(consumer, options) });
      },
      async pause() {
        await self.ask(to)["broker.pause"]({ ...place, isPaused: true });
      },
      async resume() {
        await self.ask(to)["broker.pause"]({ ...place, isPaused: false });
      },
      async seek(from) {
        return await self.ask(to)["broker.seek"]({ ...place, to: from });
      },
      async inspect() {
        const { topics } = await self.ask(to)["broker.inspect"]({ topic: place.topic });
        const found = topics[0]?.subscriptions.find(({ name }) => name === place.name);
        if (found === undefined) throw new NotInStore(`${place.topic} has no subscription ${place.name} any more.`);
        return found;
      },
    } satisfies SubscriptionControl;
  };
}
