// What can be seen of a store: counts, ages, dead letters.

import type { Broker } from "./broker.ts";
import type { Courier } from "./courier.ts";
import type { Attempt, Fate, History } from "./event.ts";
import { Undecodable } from "./failure-journal.ts";
import { graveOf, sourceOf } from "./grave.ts";
import { fits, parkedIn, type RedriveFilter, type SkipRequest } from "./redrive.ts";
import { Sealed, unseal } from "./sealed.ts";
import { phasesOf, type Subscription } from "./state.ts";

export interface SubscriptionReport {
  /** Empty for the one of a queue. */
  readonly name: string;
  readonly isPaused: boolean;
  /** Consumers that have not ended. */
  readonly consumers: number;
  readonly scheduled: number;
  /** Waiting for a consumer, or behind an earlier message of its key. */
  readonly ready: number;
  readonly leased: number;
  readonly parked: number;
  /** Given to it since it began; each is in one of the counts above or below. */
  readonly matched: number;
  readonly acked: number;
  readonly dead: number;
  readonly expired: number;
  readonly dropped: number;
  /** Messages that started after a later one of their lane, or of the subscription if it has none, since the store started. */
  readonly inversions: number;
  /** Milliseconds since the oldest of its messages that are not settled was published; undefined without one. */
  readonly oldestMs: number | undefined;
}

export interface TopicReport {
  readonly name: string;
  /** Messages that some subscription has not settled. */
  readonly backlog: number;
  readonly backlogBytes: number;
  /** Kept beyond that. */
  readonly kept: number;
  /** Waiting for room. */
  readonly waiting: number;
  readonly deadLetters: number;
  /** Ids that are remembered. */
  readonly remembered: number;
  readonly subscriptions: readonly SubscriptionReport[];
}

export interface StoreReport {
  readonly topics: readonly TopicReport[];
  /** Inbox keys that are remembered. */
  readonly inbox: number;
}

/** A message that was given up, with what became of it. */
export interface DeadMessage extends History {
  readonly seq: number;
  readonly id: string;
  readonly key: string | undefined;
  readonly type: string;
  /** Its bytes, if its codec could not read it, or gave what can not be sent. */
  readonly payload: unknown;
}

/** A message that waits for {@link redrive} or {@link skip}. */
export interface ParkedMessage {
  readonly subscription: string;
  readonly seq: number;
  readonly id: string;
  readonly key: string | undefined;
  readonly type: string;
  /** Its bytes, if its codec can not read it. */
  readonly payload: unknown;
  /** The first and the last few; none, if it was set aside. */
  readonly attempts: readonly Attempt[];
}

/** Of one topic, or of all but the dead letters. Cost: the time of what is unsettled, for the oldest. */
export function reportOf({ desks, ledger, self }: Broker, only: string | undefined): StoreReport {
  const now = self.now();
  const { state } = ledger;
  const topics: TopicReport[] = [];
  for (const [name, { topic, couriers, waiting }] of desks) {
    if (only === undefined ? sourceOf(desks, name) !== undefined : name !== only) continue;
    topics.push({
      name,
      backlog: topic.backlog,
      backlogBytes: topic.backlogBytes,
      kept: topic.log.size,
      waiting: waiting.length,
      deadLetters: state.topics.get(graveOf(name))?.log.size ?? 0,
      remembered: topic.seen.size,
      subscriptions: [...topic.subscriptions.values()].map((one) =>
        subscriptionReport(one, couriers.get(one.name), now),
      ),
    });
  }
  return { topics, inbox: state.inbox.size };
}

function subscriptionReport(one: Subscription, courier: Courier | undefined, now: number): SubscriptionReport {
  // What is behind counts as ready.
  const { scheduled, ready, behind, leased, parked } = phasesOf(one);
  const { name, isPaused, fates, matched, deliveries } = one;
  const { acked, dead, expired, dropped }: Record<Fate, number> = fates;
  let oldest = Number.POSITIVE_INFINITY;
  for (const { entry } of deliveries.values()) oldest = Math.min(oldest, entry.at);
  return {
    ...{ name, isPaused, consumers: courier?.consumers ?? 0, scheduled, ready: ready + behind, leased, parked },
    ...{ matched, acked, dead, expired, dropped, inversions: courier?.inversions ?? 0 },
    oldestMs: oldest === Number.POSITIVE_INFINITY ? undefined : now - oldest,
  };
}

export interface DeadRequest {
  readonly topic: string;
  readonly limit: number;
  /** A sequence number. */
  readonly after: number;
  readonly filter: RedriveFilter;
}

/** The dead letters of a topic, the oldest first. */
export function deadOf(broker: Broker, { topic, limit, after, filter }: DeadRequest): DeadMessage[] {
  const found: DeadMessage[] = [];
  for (const entry of broker.ledger.state.topics.get(graveOf(topic))?.log.values() ?? []) {
    const { seq, id, key, type, payload, history } = entry;
    if (found.length >= limit) break;
    if (seq <= after || history === undefined || !fits(filter, entry, history.subscription, history.reason)) continue;
    // What nobody could be given is not given to who looks, either.
    const isOpaque = history.reason === "undecodable" && payload instanceof Sealed;
    found.push({
      ...history,
      seq,
      id,
      key,
      type,
      payload: isOpaque ? payload.bytes : readable(broker, topic, payload),
    });
  }
  return found;
}

/** By subscription and number. */
export function parkedOf(broker: Broker, { topic, limit, filter }: SkipRequest): ParkedMessage[] {
  const desk = broker.desks.get(topic);
  if (desk === undefined) return [];
  return parkedIn(desk, filter)
    .slice(0, limit)
    .map(({ of, entry: { seq, id, key, type, payload }, attempts = [] }) => ({
      ...{ subscription: of.name, seq, id, key, type, payload: readable(broker, topic, payload), attempts },
    }));
}

function readable(broker: Broker, topic: string, payload: unknown): unknown {
  const read = unseal(broker.codecOf(topic), payload);
  return read instanceof Undecodable && payload instanceof Sealed ? payload.bytes : read;
}
