// One delivery at a time: an ask that nobody awaits. How it ends is how the message is settled.

import { cellOf } from "../../runtime/kernel/cell.ts";
import {
  ActorRestarted,
  AskTimeout,
  Cancelled,
  Failure,
  NotIsolated,
  Refusal,
  Stopped,
  UnknownMessage,
} from "../../runtime/kernel/failure.ts";
import { selector } from "../../runtime/kernel/names.ts";
import { AskPromise, Request } from "../../runtime/kernel/operation.ts";
import type { Ref } from "../../runtime/kernel/protocol.ts";
import type { Timer } from "../../runtime/kernel/verbs.ts";
import type { Consumer } from "./consumer.ts";
import type { Courier } from "./courier.ts";
import { NotAccepted, NotHandled, Requeue } from "./failure.ts";
import { Undecodable } from "./failure-journal.ts";
import { Sealed, unseal } from "./sealed.ts";
import { acknowledge, expire, fail, isExpired, type Mishap, reject, release } from "./settle.ts";
import type { Delivery } from "./state.ts";

/** A message that its consumer turns away for what it is comes again after so long, twice as long each time up to the second. */
const aloofMs = 10;
const aloofMsMax = 1_000;
/** What did not begin because its consumer could not be reached, whatever it was. */
const unreached: ReadonlySet<string> = new Set([
  "MAILBOX_FULL",
  "ACTOR_STOPPED",
  "SYSTEM_STOPPED",
  "ASK_TIMEOUT",
  "CANCELLED",
  "UNAVAILABLE",
]);
const already: Promise<void> = Promise.resolve();

/** In the place of the promises of all deliveries: how one ends its slot hears without. */
const nobodys = new AskPromise(() => {});
nobodys.heard = true;

/** A place for one delivery at a time. Its two functions serve all of them. */
export class Slot {
  readonly courier: Courier;
  readonly #consumer: Consumer;
  /** Slots that may still be made for this consumer. */
  #more: number;
  delivery: Delivery | undefined = undefined;
  /** World time at which the delivery is given up. */
  endsAt = 0;
  /** Its consumer has left: that is no fault of the message. */
  #isRevoked = false;
  #timer: Timer | undefined = undefined;
  #control: AbortController | undefined = undefined;
  /** It is turned away as it is put. */
  #isSending = false;
  readonly #done: (answer: unknown) => true;
  readonly #failed: (error: unknown) => true;

  constructor(courier: Courier, consumer: Consumer, more: number) {
    this.courier = courier;
    this.#consumer = consumer;
    this.#more = more;
    courier.slots.push(this);
    this.#done = (answer) => {
      try {
        this.#handled(answer);
        this.free();
      } catch (error) {
        this.#crash(error);
      }
      return true;
    };
    this.#failed = (error) => {
      // The store itself was restarted: what was out is looked after by its next incarnation.
      if (error instanceof Stopped && error.passed.length === 0) return true;
      if (this.#isSending) {
        // Or it would be sent the rest of what is ready before that.
        if (isUnreached(error)) courier.missed(consumer);
        void already.then(() => this.#failed(error));
        return true;
      }
      try {
        this.#unhandled(error);
        this.free();
      } catch (problem) {
        this.#crash(problem);
      }
      return true;
    };
  }

  /** The others of this consumer that have a message of this lane with a lower number. */
  before(): Slot[] {
    const mine = this.delivery;
    return this.courier.slots.filter(({ consumer, delivery }) => {
      if (mine === undefined || consumer !== this.consumer || delivery?.phase !== "leased") return false;
      return delivery.lane === mine.lane && delivery.entry.seq < mine.entry.seq;
    });
  }

  serves(consumers: readonly Consumer[]): boolean {
    return consumers.includes(this.#consumer);
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
    const { id, key, type, expiresAt } = one.entry;
    const kept = one.entry.payload;
    const payload = kept instanceof Sealed ? unseal(office.codecOf(this.courier.of.topic.name), kept) : kept;
    if (payload instanceof Undecodable) {
      const moment = { now, random: () => office.self.random() };
      const mishap = mishapOf(payload);
      const verdict = reject(office.ledger, one, "undecodable", settings.redelivery, mishap, moment);
      this.courier.over(one, verdict, mishap, payload);
      this.free();
      return;
    }
    const lifeMs = expiresAt > 0 ? expiresAt - now : Number.POSITIVE_INFINITY;
    const within = Math.min(settings.leaseMaxMs, lifeMs);
    const isExtensible = settings.leaseMaxMs > settings.leaseMs;
    const { incarnation } = office;
    const to = cellOf(this.#consumer.ref);
    const request = new Request("ask", incarnation, to, type);
    const details = request.more();
    details.id = id;
    details.key = key;
    details.attempt = one.attempt;
    request.promise = nobodys;
    request.resolve = this.#done;
    request.reject = this.#failed;
    this.#isSending = true;
    void incarnation.askOf(
      to,
      selector(type),
      payload,
      isExtensible ? { within, signal: this.#begin(now) } : { within },
      request,
    );
    this.#isSending = false;
  }

  /** Gives the delivery until `untilMs`, if that is later and not more than the lease allows. */
  extend(until: number, now: number): boolean {
    const { settings } = this.courier;
    const { delivery } = this;
    if (delivery === undefined || this.#isRevoked || settings.leaseMaxMs <= settings.leaseMs) return false;
    const endsAt = Math.min(until, delivery.leasedAt + settings.leaseMaxMs);
    if (endsAt > this.endsAt) this.#endAt(endsAt, now);
    return true;
  }

  /** It ends then, unless it ends before. */
  revoke(at: number, now: number): void {
    this.#isRevoked = true;
    if (at < this.endsAt) this.#endAt(at, now);
  }

  #endAt(at: number, now: number): void {
    this.endsAt = at;
    this.#timer?.cancel();
    this.#timer = this.courier.office.self.after(at - now, () => this.#control?.abort());
  }

  #begin(now: number): AbortSignal {
    const { settings, office } = this.courier;
    if (this.#control === undefined || this.#control.signal.aborted) this.#control = new AbortController();
    this.endsAt = now + settings.leaseMs;
    this.#timer = office.self.after(settings.leaseMs, () => this.#control?.abort());
    return this.#control.signal;
  }

  /** It has no delivery, and may get another one. */
  free(): void {
    const { courier } = this;
    courier.isFull = false;
    courier.out--;
    this.delivery = undefined;
    this.#isRevoked = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#consumer.idle.push(this);
    this.#consumer.out--;
    courier.office.finish();
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
    this.#consumer.reached();
    if (one.phase === "leased") acknowledge(office.ledger, one);
    if (one.entry.askers !== undefined) office.conclude(one.entry, answer);
  }

  #unhandled(error: unknown): void {
    const one = this.delivery as Delivery;
    const { office, settings } = this.courier;
    if (!isUnreached(error)) this.#consumer.reached();
    if (one.phase !== "leased") {
      // A commit has settled it, and its handler failed afterwards.
      office.conclude(
        one.entry,
        error instanceof Failure ? error : new NotHandled(mishapOf(error).error, "failed", true),
      );
      return;
    }
    const { ledger, self } = office;
    const isOnce = one.of.rules.isOnce === true;
    const moment = { now: self.now(), random: () => self.random() };
    const { redelivery } = settings;
    const mishap = mishapOf(error);
    const isOwn = !(error instanceof Failure) || error.passed.length === 0;
    if (error instanceof Requeue && !isExpired(one.entry, moment.now)) {
      if (error.counts || isOnce) {
        const again = { ...redelivery, waitMs: () => error.afterMs };
        this.courier.over(one, fail(ledger, one, "nack", again, mishap, moment), mishap, error);
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
    } else if (isOwn && (error instanceof UnknownMessage || error instanceof NotIsolated)) {
      const reason = error instanceof NotIsolated ? "undecodable" : "noHandler";
      this.courier.over(one, reject(ledger, one, reason, redelivery, mishap, moment), mishap, error);
    } else if (isOwn && error instanceof ActorRestarted && !isOnce) {
      release(ledger, one, 0, moment.now);
    } else if (error instanceof Failure && error.outcome === "not-started") {
      // Who has left is no consumer any more, and what it did not begin says nothing of it.
      const isAtOnce = this.#isRevoked || isUnreached(error);
      if (!this.#isRevoked && isAtOnce) this.courier.missed(this.#consumer);
      const waitMs = isAtOnce ? 0 : Math.min(aloofMsMax, aloofMs << Math.min(one.releases, 10));
      release(ledger, one, waitMs, moment.now);
    } else {
      const isCut = isOwn && (error instanceof AskTimeout || error instanceof Cancelled);
      const isRevoked = isCut && this.#isRevoked && !isOnce;
      const end = isRevoked ? "revoked" : isCut ? "expiry" : "crash";
      const again = isRevoked ? { ...redelivery, waitMs: () => 0 } : redelivery;
      this.courier.over(one, fail(ledger, one, end, again, mishap, moment), mishap, error);
    }
  }
}

function isUnreached(error: unknown): boolean {
  if (!(error instanceof Failure) || error.outcome !== "not-started") return false;
  return unreached.has(error.code) || (error instanceof NotAccepted && error.reason === "full");
}

function mishapOf(error: unknown): Mishap {
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof Failure ? error.code : "ERROR";
  return { code, error: text.length > 500 ? `${text.slice(0, 500)}…` : text };
}
