// A queue in front of a service: who sends does not wait for the service, and the service's crashes lose nothing.

import { InvalidOption } from "../../runtime/kernel/failure.ts";
import type { Ref, Spawned } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import type { QueueOptions, StoreOptions, StoreProtocol, SubscriptionOptions, TopicOptions } from "./options.ts";
import {
  checkHorizon,
  checkNames,
  checkRef,
  type StoreSettings,
  type SubscriptionSettings,
  storeNames,
  storeSettings,
  subscriptionNames,
  subscriptionSettings,
  topicNames,
  topicSettings,
} from "./settings.ts";
import { facade, type Opening, type Receives, station } from "./station.ts";

/**
 * A queue to spawn, in front of one or several consumers, or of an actor that it spawns itself. Its ref has the protocol
 * of the consumer: to put a queue in front of a service is to pass another ref.
 *
 * tell publishes; offer settles when the message is accepted, and safe where there is a journal; ask waits for the
 * consumer's answer, whichever attempt gives it. When the asker has left, the message is handled all the same, and its
 * answer counted as late.
 *
 * Promises: at least one delivery while a consumer lives and attempts are left, never two at a time; at most one that
 * begins with `delivery: "atMostOnce"`. A crash of the
 * consumer counts as an attempt if it was this message that crashed it; deliveries that did not begin count for nothing.
 * `self.message.attempt` says which attempt it is; id and key are those of the sender. A consumer given as a ref needs a
 * budget of restarts of its own (`supervision: { maxRestarts: Infinity }`); one that the queue spawns has it.
 * Fails: InvalidOption. Whom it does not accept gets NotAccepted; whom it can not answer, NotHandled.
 * Cost: without a journal about twice that of an ask for each message; 400 bytes and the payload for each that waits.
 * Example: `system.spawn(queue(email, { maxAttempts: 5, order: "key" }), { name: "mail" })`.
 */
export function queue<P>(to: Ref<P> | readonly Ref<P>[], options?: QueueOptions): Make<Receives<P>>;
export function queue<A extends object>(to: Make<A>, options?: QueueOptions): Make<Receives<Spawned<A>>>;
export function queue(
  to: Ref<unknown> | readonly Ref<unknown>[] | Make<object>,
  options: QueueOptions = {},
): Make<Receives<unknown>> {
  checkNames(options, ["store", ...storeNames, ...topicNames, ...subscriptionNames]);
  const subscription = subscriptionSettings(subscriptionOptions(options));
  if (typeof to !== "function") for (const ref of Array.isArray(to) ? to : [to]) checkRef("to", ref);
  if (subscription.consumers === "exclusive" && Array.isArray(to) && to.length > 1)
    throw new InvalidOption("consumers", `exclusive with ${to.length} consumers`, "one consumer");
  return made(options, subscription, (self) =>
    typeof to === "function"
      ? [self.spawn(to, { name: "consumer", supervision: { maxRestarts: Number.POSITIVE_INFINITY } })]
      : Array.isArray(to)
        ? (to as readonly Ref<unknown>[])
        : [to as Ref<unknown>],
  );
}

/**
 * A topic to spawn: what is published goes to each of its subscriptions, of which {@link subscribe} makes one.
 *
 * tell publishes, and offer settles when the message is accepted, and safe where there is a journal. Without a
 * subscription it goes to nobody. An ask is refused with NoReply: any number of subscribers would have to answer.
 * Fails: InvalidOption. Whom it does not accept gets NotAccepted.
 * Example: `const orders = system.spawn(topic<OrderEvents>(), { name: "orders" })`.
 */
export function topic<P>(options: TopicOptions = {}): Make<Receives<P>> {
  checkNames(options, ["store", ...storeNames, ...topicNames]);
  return made(options, undefined, () => []);
}

/**
 * A store that several queues and topics share: `queue(email, { store })`. What they publish and settle in one
 * {@link commit} takes effect together. Its journal is that of all of them.
 *
 * Promises: without a journal it keeps what it has through its own restarts, and loses it with the process. With one,
 * what was accepted is found again.
 * Fails: InvalidOption.
 */
export function store(options: StoreOptions = {}): Make<Receives<StoreProtocol>> {
  checkNames(options, storeNames);
  return station(storeSettings(options), undefined);
}

function subscriptionOptions(options: QueueOptions): SubscriptionOptions {
  return Object.fromEntries(subscriptionNames.map((name) => [name, options[name]]));
}

function made(
  options: TopicOptions,
  subscription: SubscriptionSettings | undefined,
  consumers: (self: Self) => readonly Ref<unknown>[],
): Make<Receives<unknown>> {
  const settings = topicSettings(options);
  const opening = (self: Self): Opening => {
    const topic = self.path;
    const enlist = subscription && { topic, name: "", settings: subscription, refs: consumers(self), owner: undefined };
    return { open: { topic, settings, givesAnswers: subscription !== undefined }, enlist };
  };
  if (options.store !== undefined) {
    checkRef("store", options.store);
    for (const option of storeNames)
      if (option !== "codec" && options[option] !== undefined)
        throw new InvalidOption(option, "an option beside store", "options of the store where that is spawned");
    return facade(options.store, opening);
  }
  const own: StoreSettings = storeSettings(options);
  if (subscription !== undefined) checkHorizon(own, subscription);
  return station(own, opening);
}
