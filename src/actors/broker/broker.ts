// The actor behind queues, topics and stores: one state, one turn at a time. It takes messages, has them decided, makes
// them safe, and then tells publishers and consumers.

import { cellOf } from "../../runtime/kernel/cell.ts";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import type { Message, Ref } from "../../runtime/kernel/protocol.ts";
import type { Incarnation } from "../../runtime/kernel/self.ts";
import type { Self, Timer } from "../../runtime/kernel/verbs.ts";
import { isSameLanes } from "./apply.ts";
import type { Codec } from "./codec.ts";
import { Courier, type Office } from "./courier.ts";
import { type Desk, type Parcel, routed, seqAt, unaccepted } from "./draft.ts";
import type { Draft } from "./event.ts";
import { NoReply, NotAccepted, NotHandled } from "./failure.ts";
import { graveOf, sourceOf } from "./grave.ts";
import { type Changes, changed } from "./group.ts";
import type { Journal } from "./journal.ts";
import { Ledger } from "./ledger.ts";
import { type Admission, admit, isSameRules } from "./publish.ts";
import { Records } from "./record.ts";
import { recovered } from "./recover.ts";
import { Ring } from "./ring.ts";
import type { Roster } from "./roster.ts";
import { checkHorizon, grave, type StoreSettings, type SubscriptionSettings, type TopicSettings } from "./settings.ts";
import { due, expire, resume } from "./settle.ts";
import { type Delivery, type Entry, type Subscription, subscriptionOf, type Topic } from "./state.ts";

/** Messages that may wait for room of one topic. */
const waitingMax = 1_000;
const dayMs = 86_400_000;
const already: Promise<void> = Promise.resolve();

export class Broker implements Office {
  readonly self: Self;
  readonly incarnation: Incarnation;
  readonly ledger: Ledger;
  readonly settings: StoreSettings;
  readonly desks: Map<string, Desk> = new Map();
  /** Also the desks: in each round of work all of them are looked at. */
  readonly #rounds: Desk[] = [];
  readonly #roster: Roster;
  readonly #records: Records | undefined;
  #timer: Timer | undefined = undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  /** What had to leave, with what its askers are told. */
  #gone: [Entry, NotHandled][] = [];
  #isKicked = false;
  #isBusy = false;

  constructor(self: Self, settings: StoreSettings, roster: Roster, journal: Journal | undefined) {
    this.self = self;
    this.incarnation = cellOf(self.ref).self;
    this.settings = settings;
    this.#roster = roster;
    const { state, written } = recovered(self.path, roster.state, journal);
    if (journal === undefined) roster.state = state;
    state.inboxMs = settings.inboxMs ?? dayMs;
    state.inboxCount = settings.inboxCount;
    this.#records = journal === undefined ? undefined : new Records(self, journal, written, () => this.finish());
    state.group = this.#records?.collecting ?? 0;
    this.ledger = new Ledger(state, this.#records?.record);
    this.#resume();
    for (const [name, { settings, givesAnswers }] of roster.topics) this.open(name, settings, givesAnswers);
    for (const one of roster.subscriptions.values())
      this.enlist(one.topic, one.name, one.settings, one.refs, one.owner);
  }

  /** What a former incarnation had out did not end, as far as anybody knows: it comes again, if it may, and counts for nothing. */
  #resume(): void {
    const { ledger, self } = this;
    for (const topic of ledger.state.topics.values())
      for (const { deliveries } of topic.subscriptions.values())
        for (const one of deliveries.values()) {
          one.entry.askers = undefined;
          one.entry.group = 0;
          resume(ledger, one, self.now());
        }
  }

  /** A topic begins, or goes on with these settings. */
  open(name: string, settings: TopicSettings, givesAnswers: boolean): Desk {
    const { ledger } = this;
    const before = ledger.state.topics.get(name);
    if (before === undefined || !isSameRules(before.rules, settings.rules))
      ledger.emit({ kind: "declared", topic: name, rules: settings.rules });
    this.#roster.topics.set(name, { settings, givesAnswers });
    let desk = this.desks.get(name);
    if (desk === undefined) {
      const topic = ledger.state.topics.get(name) as Topic;
      desk = { topic, settings, givesAnswers, couriers: new Map(), rounds: [], waiting: new Ring() };
      this.desks.set(name, desk);
      this.#rounds.push(desk);
    }
    desk.settings = { ...settings, codec: settings.codec ?? this.settings.codec };
    desk.givesAnswers = givesAnswers;
    if (settings.capacity.overflow === "dead-letter-oldest") this.#dig(desk);
    return desk;
  }

  /** A subscription begins, or goes on with these consumers. Fails: InvalidOption. */
  enlist(
    topic: string,
    name: string,
    settings: SubscriptionSettings,
    refs: readonly Ref<unknown>[],
    owner?: Ref<unknown>,
  ): void {
    const { ledger, desks } = this;
    const source = sourceOf(desks, topic);
    if (source !== undefined) this.#dig(source);
    const desk = desks.get(topic);
    if (desk === undefined) throw new InvalidOption("topic", topic, "a topic of this store");
    checkHorizon(this.settings, settings);
    if (this.settings.inboxMs === undefined) ledger.state.inboxMs = Math.max(ledger.state.inboxMs, settings.horizonMs);
    if (settings.consumers === "exclusive" && refs.length > 1)
      throw new InvalidOption("consumers", `exclusive with ${refs.length} consumers`, "one consumer");
    // Whatever the options: what nobody has a handler for, or can read, goes there.
    if (source === undefined) this.#dig(desk);
    const from = settings.startAt;
    const before = subscriptionOf(ledger.state, topic, name);
    if (before === undefined || !isSameLanes(before.rules, settings.lanes))
      ledger.emit({ kind: "subscribed", topic, name, rules: settings.lanes, from: seqAt(desk.topic, from) });
    const of = subscriptionOf(ledger.state, topic, name) as Subscription;
    const place = `${topic}\n${name}`;
    const known = this.#roster.subscriptions.get(place);
    const credit = known?.credit ?? new Map<string, number>();
    const changes: Changes = known?.changes ?? { joined: new Set(), left: new Set() };
    this.#roster.subscriptions.set(place, { topic, name, settings, refs, owner, credit, changes });
    let courier = desk.couriers.get(name);
    if (courier === undefined) {
      courier = new Courier(this, of, settings);
      desk.couriers.set(name, courier);
      desk.rounds = [...desk.couriers.values()];
    }
    courier.of = of;
    courier.settings = settings;
    // What dies is given to all that look at dead letters, whatever they want of them.
    courier.since = source === undefined ? desk.topic.nextSeq : Number.POSITIVE_INFINITY;
    courier.credit = credit;
    courier.changes = changes;
    courier.employ(changed(refs, changes));
    const now = courier;
    if (owner !== undefined) this.self.watch(owner, () => this.#dismiss(topic, name, now));
    this.kick(true);
  }

  /** Its consumers leave; its messages wait for the next ones if it is durable. */
  #dismiss(topic: string, name: string, courier: Courier): void {
    const desk = this.desks.get(topic);
    if (desk?.couriers.get(name) !== courier) return;
    courier.employ([]);
    this.#roster.subscriptions.delete(`${topic}\n${name}`);
    if (!courier.settings.isDurable) {
      desk.couriers.delete(name);
      desk.rounds = [...desk.couriers.values()];
      this.ledger.emit({ kind: "unsubscribed", topic, name });
    }
    this.finish();
  }

  /** Where its dead letters go. */
  #dig({ topic, settings }: Desk): void {
    this.open(graveOf(topic.name), { ...grave, codec: settings.codec }, false);
  }

  /** Takes a message for a topic. `m` is answered, held or refused. */
  take(desk: Desk, m: Message, parcel: Parcel): void {
    const { isAsked } = parcel;
    if (isAsked && !desk.givesAnswers) {
      m.refuse(new NoReply(`${desk.topic.name} is a topic and gives no answers: tell or offer it, or ask a queue.`));
      return;
    }
    const { overflow } = desk.settings.capacity;
    const now = this.self.now();
    const result = desk.waiting.length > 0 ? "full" : this.#admit(desk, parcel, now);
    if (result === "full" && overflow === "wait" && !isAsked && desk.waiting.length < waitingMax) {
      m.hold();
      desk.waiting.push({ m, parcel });
      return;
    }
    this.#answer(desk, m, parcel, result);
    this.seal();
    this.kick(isAsked || this.#records !== undefined, now);
  }

  #answer(desk: Desk, m: Message, parcel: Parcel, result: Admission | NotAccepted): void {
    const { isAsked } = parcel;
    if (typeof result === "number") {
      if (isAsked) this.#await(desk, m, result);
      else this.#confirm(m);
    } else if (result === "duplicate" && !isAsked) this.#confirm(m);
    else if (result === "duplicate" && this.#join(desk, m, parcel)) return;
    else if (result === "dropped" && !isAsked) this.#confirm(m);
    else if (result instanceof NotAccepted) m.refuse(result);
    else m.refuse(new NotAccepted(...unaccepted(desk.topic, result)));
  }

  /** Accepted: said at once where nothing is kept, and when it is safe where it is. */
  #confirm(m: Message): void {
    if (this.#records === undefined) {
      // Returning says it, but for one that is held.
      m.accept();
      return;
    }
    m.hold();
    this.#records.answer(m, undefined);
  }

  #await(desk: Desk, m: Message, seq: number): void {
    for (const { of, refs } of desk.couriers.values()) {
      const one = of.deliveries.get(seq);
      if (one === undefined) continue;
      m.hold(refs);
      (one.entry.askers ??= []).push(m);
      return;
    }
    m.refuse(new NotAccepted(...unaccepted(desk.topic, "dropped")));
  }

  /** Who asks again waits for the answer to the first time, if it is still to come. */
  #join(desk: Desk, m: Message, parcel: Parcel): boolean {
    const to = routed(this.desks, desk, parcel, this.self.now());
    if (to instanceof NotAccepted) return false;
    const seq = to.desk.topic.seen.get(to.draft.same)?.seq ?? 0;
    for (const { of, refs } of to.desk.couriers.values()) {
      const one = of.deliveries.get(seq);
      if (one === undefined) continue;
      m.hold(refs);
      (one.entry.askers ??= []).push(m);
      return true;
    }
    return false;
  }

  #admit(desk: Desk, parcel: Parcel, now: number): Admission | NotAccepted {
    const to = routed(this.desks, desk, parcel, now);
    return to instanceof NotAccepted ? to : this.place(to.desk, to.draft, now);
  }

  /** Decides about a draft. */
  place(desk: Desk, draft: Draft, now: number): Admission {
    const { dropsOldest, conflates } = desk.topic.rules;
    const left = dropsOldest || conflates === true ? this.#leaves(desk) : undefined;
    return admit(this.ledger, desk.topic, draft, desk.settings.capacity, now, left);
  }

  /** It had to leave for another one: who asked is told when the command has ended, as that is one record. */
  #leaves({ topic, settings }: Desk): (entry: Entry) => void {
    return (entry) => {
      if (entry.askers === undefined || entry.pending > 0) return;
      const reason = settings.capacity.overflow === "dead-letter-oldest" ? "overflow" : "dropped";
      this.#gone.push([entry, new NotHandled(`${topic.name} is full and gave ${entry.type} up.`, reason, false)]);
    };
  }

  // The office of the couriers.

  codecOf(topic: string): Codec | undefined {
    return this.desks.get(topic)?.settings.codec;
  }

  isSafe(group: number): boolean {
    return this.#records === undefined || group <= this.#records.safe;
  }

  conclude(entry: Entry, answer: unknown): void {
    const { askers } = entry;
    if (askers === undefined) return;
    entry.askers = undefined;
    this.seal();
    for (const m of askers) this.reply(m, answer);
  }

  finish(): void {
    this.seal();
    this.kick();
  }

  /** Answers when what was decided is safe. Call {@link seal} before. */
  reply(m: Message, answer: unknown): void {
    if (this.#records === undefined) m.answer(answer);
    else this.#records.answer(m, answer);
  }

  /** The end of a command: its events are one record. */
  seal(): void {
    if (this.#records === undefined) return;
    this.#records.flush();
    this.ledger.state.group = this.#records.collecting;
  }

  /**
   * Delivers what can be delivered. Asks inherit the deadline of the message in flight, and a held message waits for
   * what is asked while it is handled: then it is left to a turn of its own. `now`, if the clock was read in this turn.
   */
  kick(isLater = false, now = -1): void {
    if (this.#isBusy || this.#isKicked) return;
    if (!isLater) {
      this.#work(now);
      return;
    }
    this.#isKicked = true;
    this.self.pipeToSelf(already, () => {
      this.#isKicked = false;
      this.#work(-1);
    });
  }

  #work(read: number): void {
    this.#isBusy = true;
    const { ledger, self } = this;
    if (this.#gone.length > 0) for (const [entry, failure] of this.#gone.splice(0)) this.conclude(entry, failure);
    const { agenda } = ledger.state;
    // Reading the clock costs as much as the rest.
    let now = read < 0 && agenda.length > 0 ? self.now() : read;
    if (now >= 0 && agenda.soonest <= now) due(ledger.state, ledger, now, (one) => this.#expire(one, self.now()));
    let isFreed = true;
    let isCut = false;
    while (isFreed) {
      isFreed = false;
      for (const desk of this.#rounds) {
        for (const courier of desk.rounds) {
          if (courier.isIdle) continue;
          if (now < 0) now = self.now();
          isCut = courier.dispatch(now) || isCut;
        }
        if (desk.waiting.length > 0) isFreed = this.#admitWaiting(desk) || isFreed;
      }
    }
    this.#isBusy = false;
    if (this.#records !== undefined) {
      this.seal();
      this.#compact();
    }
    if (agenda.length > 0) this.#wake(now < 0 ? self.now() : now);
    if (isCut) this.kick(true);
  }

  /** What waited for room and finds it. True when something was admitted. */
  #admitWaiting(desk: Desk): boolean {
    let isAdmitted = false;
    for (let next = desk.waiting.peek(); next !== undefined; next = desk.waiting.peek()) {
      const { m, parcel } = next;
      const result = this.#admit(desk, parcel, this.self.now());
      if (result === "full") return isAdmitted;
      if (this.#records === undefined && (typeof result === "number" || result === "duplicate")) m.answer(undefined);
      else this.#answer(desk, m, parcel, result);
      this.seal();
      desk.waiting.shift();
      isAdmitted = true;
    }
    return isAdmitted;
  }

  #expire(one: Delivery, now: number): void {
    const courier = this.desks.get(one.of.topic.name)?.couriers.get(one.of.name);
    if (courier !== undefined) courier.over(one, expire(this.ledger, one, courier.settings.redelivery, now));
    else this.ledger.settle(one, "expired");
  }

  #wake(now: number): void {
    const { soonest } = this.ledger.state.agenda;
    if (soonest === Number.POSITIVE_INFINITY || this.#timerAt <= soonest) return;
    this.#timer?.cancel();
    this.#timerAt = soonest;
    this.#timer = this.self.after(soonest - now, () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.finish();
    });
  }

  #compact(): void {
    const records = this.#records;
    if (records === undefined || !records.isIdle || records.written < this.settings.snapshotEvery) return;
    const { state } = this.ledger;
    let messages = 0;
    for (const { backlog, log } of state.topics.values()) messages += backlog + log.size;
    if (records.written >= 4 * messages) records.compact(state);
  }

  async close(): Promise<void> {
    await this.#records?.close();
  }
}
