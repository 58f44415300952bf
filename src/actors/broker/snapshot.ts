// A state as the bytes of a snapshot, and back.

import { isOver, laneOf } from "./apply.ts";
import type { Attempt, Fate, History, LaneRules, TopicRules } from "./event.ts";
import { formatVersion, Parts, packed, type Sealed, unpacked } from "./sealed.ts";
import { Delivery, Entry, index, type Lane, StoreState, Subscription, Topic } from "./state.ts";

interface SavedEntry {
  seq: number;
  id: string;
  key: string | undefined;
  type: string;
  payload: number | undefined;
  at: number;
  notBefore: number;
  expiresAt: number;
  sizeBytes: number;
  tag: string | undefined;
  priority: number;
  history: History | undefined;
  kept: boolean;
}
interface SavedDelivery {
  seq: number;
  failures: number;
  notBefore: number;
  parked: boolean;
  attempts: Attempt[] | undefined;
  free?: number | undefined;
  leased?: true | undefined;
}
interface SavedSubscription {
  name: string;
  rules: LaneRules;
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
interface Snapshot {
  v: number;
  inbox: [string, number][];
  values: [string, number | undefined][];
  topics: SavedTopic[];
}

/** What is leased is saved as what waits, as its delivery ends with the process; unless it is not delivered again. */
export function snapshotOf(state: StoreState): Uint8Array {
  const parts = new Parts();
  const head: Snapshot = {
    v: formatVersion,
    inbox: [...state.inbox],
    values: [...state.values].map(([key, value]) => [key, parts.put(value)]),
    topics: [...state.topics.values()].map((topic) => savedTopic(topic, parts)),
  };
  return packed(head, parts);
}

function savedTopic(topic: Topic, parts: Parts): SavedTopic {
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
      .map(({ seq, id, key, type, payload, at, notBefore, expiresAt, sizeBytes, tag, priority, history }) => ({
        ...{ seq, id, key, type, at, notBefore, expiresAt, sizeBytes, tag, priority, history },
        payload: parts.put(payload),
        kept: topic.log.has(seq),
      })),
    subscriptions: [...topic.subscriptions.values()].map((one) => {
      const { name, rules, isPaused, matched, fates } = one;
      return {
        ...{ name, rules, isPaused, matched, fates: { ...fates } },
        deliveries: inOrder(one).map((delivery) => {
          const { entry, failures, notBefore, phase, attempts, free } = delivery;
          return {
            seq: entry.seq,
            failures,
            notBefore: phase === "scheduled" || phase === "behind" ? notBefore : 0,
            parked: phase === "parked",
            attempts,
            free: free === 0 ? undefined : free,
            leased: isOver(delivery) ? true : undefined,
          };
        }),
      };
    }),
  };
}

/** By number; where lanes pass, each lane has its places filled in its own order. */
function inOrder({ deliveries, lanes, rules }: Subscription): Delivery[] {
  const sorted = [...deliveries.values()].sort((a, b) => a.entry.seq - b.entry.seq);
  if (!rules.passes) return sorted;
  const rests = new Map([...lanes.values()].map((lane) => [lane, inLane(lane)]));
  return sorted.map((one) => {
    const isWithin = one.lane !== undefined && (one.lane.head === one || one.phase === "behind");
    return isWithin ? (rests.get(one.lane)?.next().value ?? one) : one;
  });
}

function* inLane({ head, behind }: Lane): Generator<Delivery> {
  if (head !== undefined) yield head;
  for (const one of behind) if (one.phase === "behind") yield one;
}

type PartAt = (index: unknown) => Sealed | undefined;

/** Fails: whatever it is that makes it no snapshot of a store. */
export function stateFrom(bytes: Uint8Array): StoreState {
  const { head, part } = unpacked(bytes);
  const saved = head as Snapshot;
  if (saved.v !== formatVersion) throw new Error(`found version ${saved.v} of the format, expected ${formatVersion}`);
  const state = new StoreState();
  for (const [key, at] of saved.inbox) state.inbox.set(key, at);
  for (const [key, value] of saved.values) state.values.set(key, part(value));
  for (const one of saved.topics) state.topics.set(one.name, topicFrom(state, one, part));
  return state;
}

function topicFrom(state: StoreState, saved: SavedTopic, part: PartAt): Topic {
  const topic = new Topic(saved.name, saved.rules);
  topic.nextSeq = saved.nextSeq;
  for (const [same, seq, at] of saved.seen) topic.seen.set(same, { seq, at });
  const entries = new Map<number, Entry>();
  for (const one of saved.entries) {
    const entry = new Entry(topic, one.seq, one.at, {
      ...one,
      ...{ key: one.key, payload: part(one.payload), tag: one.tag, history: one.history },
    });
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
      index(topic, entry);
    }
  return topic;
}

function subscriptionFrom(
  state: StoreState,
  topic: Topic,
  saved: SavedSubscription,
  entries: ReadonlyMap<number, Entry>,
): Subscription {
  const made = new Subscription(topic, saved.name, saved.rules);
  made.isPaused = saved.isPaused;
  made.matched = saved.matched;
  Object.assign(made.fates, saved.fates);
  for (const { seq, failures, notBefore, parked, attempts, free = 0, leased } of saved.deliveries) {
    const entry = entries.get(seq);
    if (entry === undefined) continue;
    const lane = laneOf(made, entry.key);
    const one = new Delivery(made, entry, lane, failures);
    one.attempts = attempts;
    one.free = free;
    one.notBefore = notBefore;
    entry.pending++;
    made.deliveries.set(seq, one);
    if (entry.expiresAt > 0) state.agenda.put(entry.expiresAt, one);
    const isOutside = made.rules.passes && (parked || notBefore > 0);
    if (!isOutside && lane?.head !== undefined) lane.behind.push(one);
    else {
      if (lane !== undefined && isOutside) lane.outside++;
      else if (lane !== undefined) lane.head = one;
      one.phase = leased ? "leased" : parked ? "parked" : notBefore > 0 ? "scheduled" : "ready";
      if (one.phase === "scheduled") state.agenda.put(notBefore, one);
      if (one.phase === "ready") made.ready.put(one, false);
    }
  }
  return made;
}
