// A state as plain data that a codec can write, and back.

import type { Attempt, Fate, History, Order, TopicRules } from "./event.ts";
import { formatVersion } from "./record.ts";
import { Delivery, Entry, Lane, StoreState, Subscription, Topic } from "./state.ts";

interface SavedEntry {
  seq: number;
  id: string;
  key: string | undefined;
  type: string;
  payload: unknown;
  at: number;
  notBefore: number;
  expiresAt: number;
  sizeBytes: number;
  history: History | undefined;
  kept: boolean;
}
interface SavedDelivery {
  seq: number;
  failures: number;
  notBefore: number;
  parked: boolean;
  attempts: Attempt[] | undefined;
}
interface SavedSubscription {
  name: string;
  order: Order;
  isPaused: boolean;
  matched: number;
  fates: Record<Fate, number>;
  deliveries: SavedDelivery[];
}
interface SavedTopic {
  name: string;
  rules: TopicRules;
  nextSeq: number;
  seen: [string, number, number][];
  entries: SavedEntry[];
  subscriptions: SavedSubscription[];
}
export interface Snapshot {
  v: number;
  inbox: [string, number][];
  values: [string, unknown][];
  topics: SavedTopic[];
}

/** What is leased is saved as what waits: its delivery ends with the process. */
export function snapshotOf(state: StoreState): Snapshot {
  return {
    v: formatVersion,
    inbox: [...state.inbox],
    values: [...state.values],
    topics: [...state.topics.values()].map(savedTopic),
  };
}

function savedTopic(topic: Topic): SavedTopic {
  const entries = new Map<number, Entry>(topic.log);
  for (const { deliveries } of topic.subscriptions.values())
    for (const { entry } of deliveries.values()) entries.set(entry.seq, entry);
  return {
    name: topic.name,
    rules: topic.rules,
    nextSeq: topic.nextSeq,
    seen: [...topic.seen].map(([same, { seq, at }]) => [same, seq, at]),
    entries: [...entries.values()]
      .sort((a, b) => a.seq - b.seq)
      .map(({ seq, id, key, type, payload, at, notBefore, expiresAt, sizeBytes, history }) => ({
        ...{ seq, id, key, type, payload, at, notBefore, expiresAt, sizeBytes, history },
        kept: topic.log.has(seq),
      })),
    subscriptions: [...topic.subscriptions.values()].map(({ name, order, isPaused, matched, fates, deliveries }) => ({
      ...{ name, order, isPaused, matched, fates: { ...fates } },
      deliveries: [...deliveries.values()]
        .sort((a, b) => a.entry.seq - b.entry.seq)
        .map(({ entry, failures, notBefore, phase, attempts }) => ({
          seq: entry.seq,
          failures,
          notBefore: phase === "scheduled" || phase === "behind" ? notBefore : 0,
          parked: phase === "parked",
          attempts,
        })),
    })),
  };
}

export function stateFrom(saved: Snapshot): StoreState {
  const state = new StoreState();
  for (const [key, at] of saved.inbox) state.inbox.set(key, at);
  for (const [key, value] of saved.values) state.values.set(key, value);
  for (const one of saved.topics) state.topics.set(one.name, topicFrom(state, one));
  return state;
}

function topicFrom(state: StoreState, saved: SavedTopic): Topic {
  const topic = new Topic(saved.name, saved.rules);
  topic.nextSeq = saved.nextSeq;
  for (const [same, seq, at] of saved.seen) topic.seen.set(same, { seq, at });
  const entries = new Map<number, Entry>();
  for (const one of saved.entries) {
    const entry = new Entry(topic, { ...one, key: one.key, payload: one.payload, history: one.history });
    entries.set(one.seq, entry);
    if (one.kept) topic.log.set(one.seq, entry);
    if (one.kept && topic.rules.retention === "latestPerKey" && entry.key !== undefined)
      topic.latest.set(entry.key, entry);
  }
  for (const one of saved.subscriptions)
    topic.subscriptions.set(one.name, subscriptionFrom(state, topic, one, entries));
  for (const entry of entries.values())
    if (entry.pending > 0) {
      topic.backlog++;
      topic.backlogBytes += entry.sizeBytes;
      if (topic.rules.dropsOldest) topic.oldest.push(entry);
    }
  return topic;
}

function subscriptionFrom(
  state: StoreState,
  topic: Topic,
  saved: SavedSubscription,
  entries: ReadonlyMap<number, Entry>,
): Subscription {
  const made = new Subscription(topic, saved.name, saved.order);
  made.isPaused = saved.isPaused;
  made.matched = saved.matched;
  Object.assign(made.fates, saved.fates);
  for (const { seq, failures, notBefore, parked, attempts } of saved.deliveries) {
    const entry = entries.get(seq);
    if (entry === undefined) continue;
    const of = made.order === "all" ? "" : made.order === "key" ? entry.key : undefined;
    let lane = of === undefined ? undefined : made.lanes.get(of);
    if (of !== undefined && lane === undefined) made.lanes.set(of, (lane = new Lane(of)));
    const one = new Delivery(made, entry, lane, failures);
    one.attempts = attempts;
    one.notBefore = notBefore;
    entry.pending++;
    made.deliveries.set(seq, one);
    if (entry.expiresAt > 0) state.agenda.put(entry.expiresAt, one);
    if (lane?.head !== undefined) lane.behind.push(one);
    else {
      if (lane !== undefined) lane.head = one;
      one.phase = parked ? "parked" : notBefore > 0 ? "scheduled" : "ready";
      if (one.phase === "scheduled") state.agenda.put(notBefore, one);
      if (one.phase === "ready") {
        one.isQueued = true;
        made.ready.push(one);
      }
    }
    made.counts[one.phase]++;
  }
  return made;
}
