// Delivers the messages of one subscription: decides who gets the next one. Each consumer has `prefetch` slots, and each
// slot one delivery at a time.

import { Refusal } from "../../runtime/kernel/failure.ts";
import type { Ref } from "../../runtime/kernel/protocol.ts";
import type { Incarnation } from "../../runtime/kernel/self.ts";
import type { Self } from "../../runtime/kernel/verbs.ts";
import { HashRing } from "../ring.ts";
import type { Codec } from "./codec.ts";
import { Consumer } from "./consumer.ts";
import { NotHandled } from "./failure.ts";
import { bury } from "./grave.ts";
import type { Changes } from "./group.ts";
import type { Ledger } from "./ledger.ts";
import { type Line, lineOf } from "./line.ts";
import { burst } from "./record.ts";
import { Ring } from "./ring.ts";
import { unseal } from "./sealed.ts";
import type { SubscriptionSettings } from "./settings.ts";
import { expire, isExpired, type Mishap, release, type Verdict } from "./settle.ts";
import { Slot } from "./slot.ts";
import type { Delivery, Entry, Subscription } from "./state.ts";

/** What a courier needs of its store. */
export interface Office {
  readonly self: Self;
  /** The same, as the kernel has it. */
  readonly incarnation: Incarnation;
  readonly ledger: Ledger;
  /** Of the payloads of a topic. */
  codecOf(topic: string): Codec | undefined;
  /** Whether what happened in this group of records would be found again. */
  isSafe(group: number): boolean;
  /** Tells those who asked, once what was decided is safe. */
  conclude(entry: Entry, answer: unknown): void;
  /** Something was decided outside of a message: makes it safe, and lets other subscriptions go on. */
  finish(): void;
}

/** Ends that are the message's own fault. */
const fatal: ReadonlySet<string> = new Set(["rejected", "exhausted", "noHandler", "undecodable"]);

/** Points of a consumer on the circle of lanes. */
const vnodes = 100;

export class Courier {
  readonly office: Office;
  of: Subscription;
  settings: SubscriptionSettings;
  /** All that were made for its consumers, and for former ones that have something in hand. */
  slots: Slot[] = [];
  /** Deliveries that are out. */
  out = 0;
  /** The consumers, for who looks for circles of waits. */
  refs: readonly Ref<unknown>[] = [];
  /** Nobody has room: set here, and taken back when a slot comes free. */
  isFull = false;
  /** Starts of a message after a later one of its lane, or without lanes of its subscription. */
  inversions = 0;
  /** What consumers may still have, by path, where it is granted. */
  credit: Map<string, number> = new Map();
  /** Who came and left, where its options did not say so. */
  changes: Changes = { joined: new Set(), left: new Set() };
  /** Messages with a lower number may be here without a look at the filter: they are older than the consumers, or sought. */
  since = 0;
  /** Leased, and with nobody yet. */
  readonly #unsent: Ring<{ slot: Slot; one: Delivery; group: number }> = new Ring();
  #begun = 0;
  #consumers: readonly Consumer[] = [];
  readonly #watched: Set<Ref<unknown>> = new Set();
  #next = 0;
  #circle: HashRing<Consumer> = new HashRing<Consumer>([], vnodes);

  constructor(office: Office, of: Subscription, settings: SubscriptionSettings) {
    this.office = office;
    this.of = of;
    this.settings = settings;
  }

  /** Consumers that have not ended. */
  get consumers(): number {
    return this.#consumers.length;
  }

  /** Puts these in the place of the consumers so far. Deliveries that are out end as they do. */
  employ(refs: readonly Ref<unknown>[]): void {
    this.#staff(refs.map((ref) => this.#hire(ref)));
  }

  join(ref: Ref<unknown>): void {
    this.#staff([...this.#consumers, this.#hire(ref)]);
  }

  /** It gets no more, and what it has may last until then. Gives how many that are. */
  leave(path: string, until: number, now: number): number {
    this.#staff(this.#consumers.filter(({ name }) => name !== path));
    const out = this.slots.filter(({ consumer, delivery }) => consumer.path === path && delivery !== undefined);
    for (const slot of out) slot.revoke(until, now);
    return out.length;
  }

  #hire(ref: Ref<unknown>): Consumer {
    const consumer = new Consumer(ref, lineOf(this.settings.selection));
    const slots = Math.min(this.settings.prefetch, 1_000_000);
    // The last one first: slots are made when they are needed.
    consumer.idle.push(new Slot(this, consumer, slots - 1));
    if (this.#watched.has(ref)) return consumer;
    this.#watched.add(ref);
    this.office.self.watch(ref, () => {
      this.#watched.delete(ref);
      this.changes.joined.delete(ref);
      this.#staff(this.#consumers.filter((one) => one.ref !== ref));
      this.office.finish();
    });
    return consumer;
  }

  /** These are the consumers. All that is ready stands in line again: it may be another line, with others in it. */
  #staff(consumers: readonly Consumer[]): void {
    const before = this.#consumers;
    this.#consumers = consumers;
    this.refs = consumers.map(({ ref }) => ref);
    this.slots = this.slots.filter((slot) => slot.delivery !== undefined || slot.serves(consumers));
    this.isFull = false;
    const line = lineOf(this.settings.selection);
    for (const from of [...before.map(({ own }) => own), this.of.ready])
      for (let one = from.peek(); one !== undefined; one = from.peek()) {
        from.take();
        line.put(one, false);
      }
    this.of.ready = line;
    if (this.settings.consumers === "sticky") this.#circle = new HashRing(consumers, vnodes);
  }

  /** False when it is no consumer here, or gets what it has room for. */
  grant(path: string, count: number): boolean {
    if (!this.settings.isGranted || !this.#consumers.some(({ name }) => name === path)) return false;
    this.credit.set(path, count);
    this.isFull = false;
    return true;
  }

  /** Nothing can be delivered, as far as can be seen in constant time. */
  get isIdle(): boolean {
    const next = this.#unsent.peek();
    if (next !== undefined && this.office.isSafe(next.group)) return false;
    if (this.isFull || this.of.ready.length > 0) return this.isFull;
    return this.settings.consumers !== "sticky" || this.#consumers.every(({ own }) => own.length === 0);
  }

  /** Sends what is ready to whoever has room for it. True when there was more than goes into one turn. */
  dispatch(now: number): boolean {
    const { of, settings } = this;
    this.#send(now);
    if (of.isPaused) return false;
    if (settings.consumers !== "sticky") return this.#deliver(of.ready, undefined, now);
    for (let one = of.ready.peek(); one !== undefined; one = of.ready.peek()) {
      const owner = this.#circle.of(one.lane?.key ?? `${one.entry.seq}`);
      if (owner === undefined) return false;
      of.ready.take();
      owner.own.put(one, one.releases > 0);
    }
    let isCut = false;
    for (const consumer of this.#consumers) isCut = this.#deliver(consumer.own, consumer, now) || isCut;
    this.isFull = !this.#consumers.some((one) => this.#hasRoom(one));
    return isCut;
  }

  /** To its `owner`, or to who is next. */
  #deliver(line: Line, owner: Consumer | undefined, now: number): boolean {
    const { office, settings } = this;
    let sent = 0;
    for (let one = line.peek(); one !== undefined; one = line.peek()) {
      const consumer = this.out < settings.maxUnsettled ? this.#choose(owner) : undefined;
      if (consumer === undefined) {
        this.isFull = true;
        return false;
      }
      if (sent++ === burst) return true;
      const { entry } = one;
      if (entry.expiresAt > 0 && isExpired(entry, now)) {
        this.over(one, expire(office.ledger, one, settings.redelivery, now));
        continue;
      }
      if (!office.isSafe(entry.group)) return false;
      if (entry.seq < this.since && !this.#wants(entry)) {
        office.ledger.settle(one, "dropped");
        continue;
      }
      line.take();
      this.#count(one);
      office.ledger.lease(one, now, consumer.name);
      if (settings.isGranted) this.credit.set(consumer.name, (this.credit.get(consumer.name) ?? 0) - 1);
      const slot = consumer.idle.pop() as Slot;
      this.out++;
      consumer.out++;
      const { group } = office.ledger.state;
      if (one.of.rules.isOnce === true && !office.isSafe(group)) this.#unsent.push({ slot, one, group });
      else slot.send(one, now);
    }
    return false;
  }

  /** What is delivered at most once, as soon as it is safe that it is. */
  #send(now: number): void {
    const { office, settings } = this;
    for (let next = this.#unsent.peek(); next !== undefined; next = this.#unsent.peek()) {
      const { slot, one, group } = next;
      if (!office.isSafe(group)) return;
      this.#unsent.shift();
      const isLeased = one.phase === "leased";
      if (isLeased && isExpired(one.entry, now)) this.over(one, expire(office.ledger, one, settings.redelivery, now));
      else if (isLeased && this.refs.includes(slot.consumer)) {
        slot.send(one, now);
        continue;
      } else if (isLeased) release(office.ledger, one, 0, now);
      slot.free();
    }
  }

  /** A consumer could not be reached: it gets nothing until a wait is over, and what is ready stays so. */
  missed(consumer: Consumer): void {
    const waitMs = consumer.missed();
    if (waitMs === 0) return;
    this.office.self.after(waitMs, () => {
      consumer.back();
      this.isFull = false;
      this.office.finish();
    });
  }

  /** Tells askers of a message that came to an end without an answer. */
  over(one: Delivery, verdict: Verdict, mishap?: Mishap, cause?: unknown): void {
    // All of them are of one record, before anybody is told.
    const followers = verdict !== undefined && fatal.has(verdict) ? this.#followers(one) : [];
    this.#tell(one, verdict, mishap, cause);
    for (const other of followers) this.#tell(other, "laneDead");
  }

  /** The rest of its lane, which is dead now. */
  #followers({ lane }: Delivery): Delivery[] {
    const { office, settings } = this;
    const followers: Delivery[] = [];
    if (!settings.follows || lane === undefined) return followers;
    const now = office.self.now();
    for (let head = lane.head; head !== undefined && head.phase !== "leased"; head = lane.head) {
      bury(office.ledger, head, "laneDead", settings.redelivery.deadLetters, now);
      followers.push(head);
    }
    return followers;
  }

  #tell(one: Delivery, verdict: Verdict, mishap?: Mishap, cause?: unknown): void {
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

  #wants({ type, payload, key, id, topic, history }: Entry): boolean {
    const { filter } = this.settings;
    if (filter === undefined) return true;
    try {
      return filter({ type, payload: unseal(this.office.codecOf(topic.name), payload), key, id, history });
    } catch {
      // Its consumer, or the dead letters, get what the filter can not look at.
      return true;
    }
  }

  #count({ lane, entry }: Delivery): void {
    const begun = lane === undefined ? this.#begun : lane.begun;
    if (entry.seq < begun) this.inversions++;
    else if (lane === undefined) this.#begun = entry.seq;
    else lane.begun = entry.seq;
  }

  #hasRoom({ idle, name, isThere }: Consumer): boolean {
    return isThere && idle.length > 0 && (!this.settings.isGranted || (this.credit.get(name) ?? 0) > 0);
  }

  #choose(owner: Consumer | undefined): Consumer | undefined {
    if (owner !== undefined) return this.#hasRoom(owner) ? owner : undefined;
    const consumers = this.#consumers;
    const count = consumers.length;
    if (this.settings.consumers !== "shared") {
      const [first] = consumers;
      return first !== undefined && this.#hasRoom(first) ? first : undefined;
    }
    for (let i = 0; i < count; i++) {
      if (this.#next >= count) this.#next = 0;
      const consumer = consumers[this.#next++] as Consumer;
      if (this.#hasRoom(consumer)) return consumer;
    }
    return undefined;
  }
}
