// Delivers the messages of one subscription. A delivery is an ask that nobody awaits; how it ends is how the message is
// settled. Each consumer has `prefetch` slots, and each slot one delivery at a time.

import { ActorRestarted, Failure, Refusal, Stopped, UnknownMessage } from "../../runtime/kernel/failure.ts";
import type { Ref } from "../../runtime/kernel/protocol.ts";
import type { Self, Timer } from "../../runtime/kernel/verbs.ts";
import { NotHandled, Requeue } from "./failure.ts";
import type { Ledger } from "./ledger.ts";
import type { SubscriptionSettings } from "./settings.ts";
import { acknowledge, expire, fail, isExpired, type Mishap, reject, release, type Verdict } from "./settle.ts";
import type { Delivery, Entry, Subscription } from "./state.ts";

/** What a courier needs of its store. */
export interface Office {
  readonly self: Self;
  readonly ledger: Ledger;
  /** Whether what was published would be found again. */
  isSafe(entry: Entry): boolean;
  /** Tells those who asked, once what was decided is safe. */
  conclude(entry: Entry, answer: unknown): void;
  /** Something was decided outside of a message: makes it safe, and lets other subscriptions go on. */
  finish(): void;
}

/** A consumer that turns a message away is tried again after so long, twice as long each time up to the second. */
const awayMs = 10;
const awayMsMax = 1_000;

interface Consumer {
  readonly ref: Ref<unknown>;
  readonly path: string;
  readonly idle: Slot[];
  isGone: boolean;
}

type Stub = Record<string, ((payload: unknown) => Promise<unknown>) | undefined>;

export class Courier {
  readonly office: Office;
  of: Subscription;
  settings: SubscriptionSettings;
  /** Slots with a delivery. */
  readonly busy: Set<Slot> = new Set();
  /** The consumers, for who looks for circles of waits. */
  refs: readonly Ref<unknown>[] = [];
  /** Nobody has room: set here, and taken back when a slot comes free. */
  isFull = false;
  #consumers: Consumer[] = [];
  #next = 0;

  constructor(office: Office, of: Subscription, settings: SubscriptionSettings) {
    this.office = office;
    this.of = of;
    this.settings = settings;
  }

  /** Consumers that have not ended. */
  get consumers(): number {
    return this.#consumers.reduce((sum, { isGone }) => sum + (isGone ? 0 : 1), 0);
  }

  /** Puts these in the place of the consumers so far. Deliveries that are out end as they do. */
  employ(refs: readonly Ref<unknown>[]): void {
    for (const one of this.#consumers) one.isGone = true;
    this.refs = refs;
    this.isFull = false;
    this.#consumers = refs.map((ref) => {
      const consumer: Consumer = { ref, path: ref.path, idle: [], isGone: false };
      const slots = Math.min(this.settings.prefetch, 1_000_000);
      // The last one first: slots are made when they are needed.
      consumer.idle.push(new Slot(this, consumer, slots - 1));
      this.office.self.watch(ref, () => {
        consumer.isGone = true;
        this.isFull = false;
        this.office.finish();
      });
      return consumer;
    });
  }

  /** Sends what is ready to whoever has room for it. */
  dispatch(now: number): void {
    const { of, office, settings } = this;
    if (of.isPaused) return;
    const { ready } = of;
    while (ready.length > 0) {
      const consumer = this.#choose();
      if (consumer === undefined) {
        this.isFull = true;
        return;
      }
      const one = ready.shift() as Delivery;
      one.isQueued = false;
      if (one.phase !== "ready") continue;
      if (one.entry.expiresAt > 0 && isExpired(one.entry, now)) {
        this.over(one, expire(office.ledger, one, settings.redelivery, now));
        continue;
      }
      if (!office.isSafe(one.entry)) {
        one.isQueued = true;
        ready.unshift(one);
        return;
      }
      const { topic, name } = of;
      const { seq } = one.entry;
      office.ledger.emit({ kind: "leased", topic: topic.name, name, seq, at: now, consumer: consumer.path });
      const slot = consumer.idle.pop() as Slot;
      this.busy.add(slot);
      slot.send(one, now);
    }
  }

  /** Tells askers of a message that came to an end without an answer. */
  over(one: Delivery, verdict: Verdict, mishap?: Mishap, cause?: unknown): void {
    if (verdict === undefined || one.entry.askers === undefined) return;
    const { path } = this.office.self;
    const why = mishap === undefined ? "" : `: ${mishap.error}`;
    this.office.conclude(
      one.entry,
      cause instanceof Refusal
        ? cause
        : new NotHandled(
            `${path} gave ${one.entry.type} up after ${one.failures} of ${this.settings.redelivery.maxAttempts} attempts (${verdict})${why}`,
            verdict,
            one.failures > 0,
            { cause },
          ),
    );
  }

  #choose(): Consumer | undefined {
    const consumers = this.#consumers;
    const count = consumers.length;
    if (this.settings.consumers !== "shared") {
      const first = consumers.find(({ isGone }) => !isGone);
      return first !== undefined && first.idle.length > 0 ? first : undefined;
    }
    for (let i = 0; i < count; i++) {
      if (this.#next >= count) this.#next = 0;
      const consumer = consumers[this.#next++] as Consumer;
      if (!consumer.isGone && consumer.idle.length > 0) return consumer;
    }
    return undefined;
  }
}

/** A place for one delivery at a time. Its two functions serve all of them. */
export class Slot {
  readonly courier: Courier;
  readonly #consumer: Consumer;
  /** Slots that may still be made for this consumer. */
  #more: number;
  delivery: Delivery | undefined = undefined;
  /** World time at which the delivery is given up. */
  endsAt = 0;
  #timer: Timer | undefined = undefined;
  #control: AbortController | undefined = undefined;
  readonly #done: (answer: unknown) => void;
  readonly #failed: (error: unknown) => void;

  constructor(courier: Courier, consumer: Consumer, more: number) {
    this.courier = courier;
    this.#consumer = consumer;
    this.#more = more;
    this.#done = (answer) => {
      try {
        this.#handled(answer);
        this.#free();
      } catch (error) {
        this.#crash(error);
      }
    };
    this.#failed = (error) => {
      // The store itself was restarted: what was out is looked after by its next incarnation.
      if (error instanceof Stopped && error.passed.length === 0) return;
      try {
        this.#unhandled(error);
        this.#free();
      } catch (problem) {
        this.#crash(problem);
      }
    };
  }

  get consumer(): Ref<unknown> {
    return this.#consumer.ref;
  }

  send(one: Delivery, now: number): void {
    if (this.#more > 0 && this.#consumer.idle.length === 0) {
      this.#consumer.idle.push(new Slot(this.courier, this.#consumer, this.#more - 1));
      this.#more = 0;
    }
    this.delivery = one;
    const { office, settings } = this.courier;
    const { id, key, type, payload, expiresAt } = one.entry;
    const lifeMs = expiresAt > 0 ? expiresAt - now : Number.POSITIVE_INFINITY;
    const within = Math.min(settings.leaseMaxMs, lifeMs);
    const attempt = one.failures + 1;
    const isExtensible = settings.leaseMaxMs > settings.leaseMs;
    const options = { id, key, attempt, within, signal: isExtensible ? this.#begin(now) : undefined };
    const stub = office.self.ask(this.#consumer.ref, options) as Stub;
    if (typeof stub[type] !== "function") {
      this.#failed(new UnknownMessage(`${this.#consumer.ref.path} has no message ${type}.`, "not-started"));
      return;
    }
    (stub[type](payload) as Promise<unknown>).then(this.#done, this.#failed);
  }

  /** Gives the delivery until `untilMs`, if that is later and not more than the lease allows. */
  extend(until: number, now: number): boolean {
    const { settings, office } = this.courier;
    const { delivery } = this;
    if (delivery === undefined || settings.leaseMaxMs <= settings.leaseMs) return false;
    const endsAt = Math.min(until, delivery.leasedAt + settings.leaseMaxMs);
    if (endsAt <= this.endsAt) return true;
    this.endsAt = endsAt;
    this.#timer?.cancel();
    this.#timer = office.self.after(endsAt - now, () => this.#control?.abort());
    return true;
  }

  #begin(now: number): AbortSignal {
    const { settings, office } = this.courier;
    if (this.#control === undefined || this.#control.signal.aborted) this.#control = new AbortController();
    this.endsAt = now + settings.leaseMs;
    this.#timer = office.self.after(settings.leaseMs, () => this.#control?.abort());
    return this.#control.signal;
  }

  #free(): void {
    const { courier } = this;
    const { office, busy } = courier;
    courier.isFull = false;
    this.delivery = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    busy.delete(this);
    this.#consumer.idle.push(this);
    office.finish();
  }

  /** Whatever goes wrong here is a crash of the store, and not of the process. */
  #crash(error: unknown): void {
    this.courier.office.self.pipeToSelf(Promise.resolve(), () => {
      throw error;
    });
  }

  #handled(answer: unknown): void {
    const one = this.delivery as Delivery;
    const { office } = this.courier;
    if (one.phase === "leased") acknowledge(office.ledger, one);
    if (one.entry.askers !== undefined) office.conclude(one.entry, answer);
  }

  #unhandled(error: unknown): void {
    const one = this.delivery as Delivery;
    const { office, settings } = this.courier;
    if (one.phase !== "leased") {
      // A commit has settled it, and its handler failed afterwards.
      office.conclude(
        one.entry,
        error instanceof Failure ? error : new NotHandled(mishapOf(error).error, "failed", true),
      );
      return;
    }
    const { ledger, self } = office;
    const moment = { now: self.now(), random: () => self.random() };
    const { redelivery } = settings;
    const mishap = mishapOf(error);
    const isOwn = !(error instanceof Failure) || error.passed.length === 0;
    if (error instanceof Requeue && !isExpired(one.entry, moment.now)) {
      if (error.counts) {
        const again = { ...redelivery, waitMs: () => error.afterMs };
        this.courier.over(one, fail(ledger, one, again, mishap, moment), mishap, error);
      } else release(ledger, one, error.afterMs, moment.now);
    } else if (error instanceof Refusal && !(error instanceof Requeue)) {
      if (one.entry.askers === undefined || redelivery.onRefusal === "retry")
        this.courier.over(one, reject(ledger, one, "rejected", redelivery, mishap, moment), mishap, error);
      else {
        // Who asked has an answer.
        acknowledge(ledger, one);
        office.conclude(one.entry, error);
      }
    } else if (isExpired(one.entry, moment.now)) {
      this.courier.over(one, expire(ledger, one, redelivery, moment.now), mishap, error);
    } else if (error instanceof UnknownMessage && isOwn) {
      this.courier.over(one, reject(ledger, one, "noHandler", redelivery, mishap, moment), mishap, error);
    } else if (isOwn && error instanceof ActorRestarted) {
      release(ledger, one, 0, moment.now);
    } else if (error instanceof Failure && error.outcome === "not-started") {
      const waitMs = error.code === "ASK_TIMEOUT" ? 0 : Math.min(awayMsMax, awayMs << Math.min(one.releases, 10));
      release(ledger, one, waitMs, moment.now);
    } else this.courier.over(one, fail(ledger, one, redelivery, mishap, moment), mishap, error);
  }
}

function mishapOf(error: unknown): Mishap {
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof Failure ? error.code : "ERROR";
  return { code, error: text.length > 500 ? `${text.slice(0, 500)}…` : text };
}
