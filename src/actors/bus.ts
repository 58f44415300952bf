// An event bus: whoever publishes does not know who listens.

import { InvalidOption, Refusal } from "../runtime/kernel/failure.ts";
import { oneOf, whole } from "../runtime/kernel/options.ts";
import type { Ref, Reply } from "../runtime/kernel/protocol.ts";
import type { Make, Self } from "../runtime/kernel/verbs.ts";
import { Fifo } from "./fifo.ts";
import { functionOf, known } from "./front.ts";

/** An event as it is published. */
export interface Published<E> {
  readonly topic: string;
  readonly event: E;
}

/** An event as a listener gets it. */
export interface Heard<E> extends Published<E> {
  /** Events that this listener should have got since the last one and did not, as its capacity says. */
  readonly missed: number;
}

export interface Listener<E> {
  heard(event: Heard<E>): unknown;
}

export interface Subscription<E> {
  readonly ref: Ref<Listener<E>>;
  /** Only events of this topic; with a star at its end, of all topics that begin so. All by default. */
  readonly topic?: string | undefined;
  /** Only events of which this holds. It runs in the bus: a throw is an event that is not for this listener. */
  readonly where?: ((published: Published<E>) => boolean) | undefined;
  /** Events that wait for the listener beyond the one it handles; 1,000 by default. */
  readonly capacity?: number | undefined;
  /** What happens to one more: the oldest goes (default), it goes itself, or the subscription ends. */
  readonly overflow?: "drop-oldest" | "drop-newest" | "unsubscribe" | undefined;
}

/** The messages of a {@link bus}. */
export interface Bus<E> {
  /** Answers how many listeners it goes to. */
  publish(published: Published<E>): number;
  /** Adds a subscription; one of the same listener to the same topic is replaced. */
  subscribe(subscription: Subscription<E>): Reply<void, NotSubscribed>;
  /** Ends the subscription to the topic; without one, all of this listener. */
  unsubscribe(subscription: { readonly ref: Ref<Listener<E>>; readonly topic?: string | undefined }): void;
}

/** A subscription that can not be made. */
export class NotSubscribed extends Refusal {
  readonly _tag = "NotSubscribed";
}

export interface BusOptions {
  /** Subscriptions; 10,000 by default. */
  limit?: number | undefined;
}

/**
 * A bus for events of type E.
 *
 * Promises: each event goes once to each subscription that is for it, in the order of their publication; the next when the
 * listener has dealt with the one before, by an answer, a refusal or a crash. A slow listener holds up nobody: it misses
 * events, as its `overflow` says, and is told how many. One that has ended is forgotten. A restart of the bus forgets all.
 * Fails: InvalidOption; the asker with NotSubscribed.
 * Example: `const events = system.spawn(bus<OrderPlaced>())`, `self.tell(events).subscribe({ ref: self.ref, topic: "order.*" })`.
 */
export function bus<E>(options: BusOptions = {}): Make<Bus<E>> {
  known(options, ["limit"]);
  const limit = whole("limit", options.limit, 10_000, 1);
  return (self) => new EventBus<E>(self, limit);
}

class Subscriber<E> {
  readonly ref: Ref<Listener<E>>;
  readonly topic: string;
  readonly where: ((published: Published<E>) => boolean) | undefined;
  readonly capacity: number;
  readonly overflow: "drop-oldest" | "drop-newest" | "unsubscribe";
  readonly waiting = new Fifo<Published<E>>();
  missed = 0;
  isBusy = false;
  isOver = false;

  /** Fails: InvalidOption. */
  constructor(subscription: Subscription<E>) {
    known(subscription, ["ref", "topic", "where", "capacity", "overflow"]);
    const { ref, topic = "*", where, capacity, overflow } = subscription;
    if (typeof topic !== "string") throw new InvalidOption("topic", topic, "a text");
    if (where !== undefined) functionOf("where", where, "a function of what is published");
    this.ref = ref;
    this.topic = topic;
    this.where = where;
    this.capacity = whole("capacity", capacity, 1_000, 0);
    this.overflow = oneOf("overflow", overflow, ["drop-oldest", "drop-newest", "unsubscribe"]);
  }

  isFor(published: Published<E>): boolean {
    const { topic } = this;
    const isTopic = topic.endsWith("*") ? published.topic.startsWith(topic.slice(0, -1)) : published.topic === topic;
    if (!isTopic || this.where === undefined) return isTopic;
    try {
      return this.where(published);
    } catch {
      return false;
    }
  }
}

class EventBus<E> implements Bus<E> {
  readonly #self: Self;
  readonly #limit: number;
  /** In the order in which they were made. */
  readonly #subscribers = new Map<string, Subscriber<E>>();
  readonly #watched = new Set<Ref<unknown>>();
  /** Those that have something to be sent. */
  #due: Subscriber<E>[] = [];

  constructor(self: Self, limit: number) {
    this.#self = self;
    this.#limit = limit;
  }

  publish(published: Published<E>): number {
    let count = 0;
    for (const subscriber of this.#subscribers.values()) {
      if (!subscriber.isFor(published)) continue;
      count++;
      this.#put(subscriber, published);
    }
    return count;
  }

  subscribe(subscription: Subscription<E>): Reply<void, NotSubscribed> {
    let made: Subscriber<E>;
    try {
      made = new Subscriber(subscription);
      this.#watch(made.ref);
    } catch (error) {
      return new NotSubscribed(error instanceof Error ? error.message : String(error));
    }
    const key = keyOf(made);
    if (!this.#subscribers.has(key) && this.#subscribers.size >= this.#limit)
      return new NotSubscribed(`${this.#self.path} has ${this.#limit} subscriptions, as many as it may.`);
    this.#remove(key);
    this.#subscribers.set(key, made);
  }

  /** Fails: InvalidOption, when it is no ref. */
  #watch(ref: Ref<Listener<E>>): void {
    if (this.#watched.has(ref)) return;
    this.#self.watch(ref, () => {
      this.#watched.delete(ref);
      this.unsubscribe({ ref });
    });
    this.#watched.add(ref);
  }

  unsubscribe({ ref, topic }: { ref: Ref<Listener<E>>; topic?: string | undefined }): void {
    for (const [key, one] of this.#subscribers)
      if (one.ref === ref && (topic === undefined || one.topic === topic)) this.#remove(key);
  }

  #remove(key: string): void {
    const subscriber = this.#subscribers.get(key);
    if (subscriber !== undefined) subscriber.isOver = true;
    this.#subscribers.delete(key);
  }

  #put(subscriber: Subscriber<E>, published: Published<E>): void {
    const { waiting, capacity, overflow, isBusy } = subscriber;
    if (isBusy && waiting.length >= capacity) {
      if (overflow === "unsubscribe") this.#remove(keyOf(subscriber));
      subscriber.missed++;
      if (overflow !== "drop-oldest" || capacity === 0) return;
      waiting.shift();
    }
    waiting.push(published);
    if (isBusy) return;
    subscriber.isBusy = true;
    // Not in the handler of what was published: the listener has not the deadline of the publisher.
    if (this.#due.length === 0) this.#self.after(0, this.#send, "send");
    this.#due.push(subscriber);
  }

  readonly #send = (): void => {
    const due = this.#due;
    this.#due = [];
    for (const subscriber of due) this.#next(subscriber);
  };

  #next(subscriber: Subscriber<E>): void {
    const published = subscriber.isOver ? undefined : subscriber.waiting.shift();
    subscriber.isBusy = published !== undefined;
    if (published === undefined) return;
    const { missed } = subscriber;
    subscriber.missed = 0;
    const next = () => this.#next(subscriber);
    const ask = this.#self.ask(subscriber.ref, { within: Number.POSITIVE_INFINITY });
    ask.heard({ ...published, missed }).then(next, next);
  }
}

function keyOf({ ref, topic }: { readonly ref: Ref<unknown>; readonly topic: string }): string {
  return `${ref.path}\n${topic}`;
}
