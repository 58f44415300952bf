// The reducer: what each event does to the state. It decides nothing, reads no clock, and takes constant time but for
// `subscribed`, `unsubscribed` and `sought`, which take the time of what they move.

import { hash } from "../ring.ts";
import type { Attempt, Draft, Fate, LaneRules, StoreEvent, Subscribed } from "./event.ts";
import {
  Delivery,
  Entry,
  index,
  Lane,
  reindex,
  type StoreState,
  Subscription,
  subscriptionOf,
  Topic,
  unindex,
} from "./state.ts";

/** The first and the last of so many attempts are kept. */
const attemptsMax = 10;

/** Changes `state` in place. An event about what is no more changes nothing. */
export function apply(state: StoreState, event: StoreEvent): void {
  switch (event.kind) {
    case "published": {
      const topic = state.topics.get(event.topic);
      if (topic !== undefined) published(state, topic, event, event.seq, event.at);
      return;
    }
    case "leased": {
      const one = deliveryOf(state, event);
      if (one !== undefined) leased(one, event.at, event.consumer);
      return;
    }
    case "settled": {
      const one = deliveryOf(state, event);
      if (one !== undefined) end(state, one, event.fate);
      return;
    }
    case "failed": {
      const one = deliveryOf(state, event);
      if (one === undefined) return;
      count(one, event.at, event.code, event.error, event.isFree);
      place(state, one, event.notBefore, false);
      return;
    }
    case "released": {
      const one = deliveryOf(state, event);
      if (one === undefined) return;
      one.releases++;
      place(state, one, event.notBefore, true);
      return;
    }
    case "woken": {
      const one = deliveryOf(state, event);
      if (one?.phase === "scheduled") place(state, one, 0, false);
      return;
    }
    case "parked": {
      const one = deliveryOf(state, event);
      if (one === undefined) return;
      count(one, event.at, event.code, event.error);
      park(state, one);
      return;
    }
    case "deferred": {
      const one = deliveryOf(state, event);
      if (one !== undefined) park(state, one);
      return;
    }
    case "unparked": {
      const one = deliveryOf(state, event);
      if (one?.phase !== "parked") return;
      one.failures = event.failures;
      place(state, one, event.notBefore ?? 0, false);
      return;
    }
    default:
      applyRare(state, event);
  }
}

function applyRare(state: StoreState, event: StoreEvent): void {
  switch (event.kind) {
    case "declared": {
      const topic = state.topics.get(event.topic);
      if (topic === undefined) {
        state.topics.set(event.topic, new Topic(event.topic, event.rules));
        return;
      }
      topic.rules = event.rules;
      reindex(topic);
      return;
    }
    case "subscribed":
      subscribed(state, event);
      return;
    case "unsubscribed": {
      const found = subscriptionOf(state, event.topic, event.name);
      if (found === undefined) return;
      for (const one of [...found.deliveries.values()]) end(state, one, "dropped");
      found.topic.subscriptions.delete(event.name);
      return;
    }
    case "trimmed": {
      const topic = state.topics.get(event.topic);
      if (topic === undefined) return;
      const entry = topic.log.get(event.seq);
      topic.log.delete(event.seq);
      if (entry?.key !== undefined && topic.latest.get(entry.key) === entry) topic.latest.delete(entry.key);
      for (const { deliveries } of topic.subscriptions.values()) {
        const one = deliveries.get(event.seq);
        if (one !== undefined && one.phase !== "leased") end(state, one, "dropped");
      }
      return;
    }
    case "sought":
      sought(state, event);
      return;
    case "paused": {
      const found = subscriptionOf(state, event.topic, event.name);
      if (found !== undefined) found.isPaused = event.isPaused;
      return;
    }
    case "noted":
      state.inbox.delete(event.inbox);
      state.inbox.set(event.inbox, event.at);
      forget(state.inbox, state.inboxCount, (at) => at + state.inboxMs <= event.at);
      return;
    case "kept":
      if (event.value === undefined) state.values.delete(event.key);
      else state.values.set(event.key, event.value);
  }
}

export function published(state: StoreState, topic: Topic, draft: Draft, seq: number, at: number): void {
  const { rules, subscriptions } = topic;
  const { same, to, failures } = draft;
  const entry = new Entry(topic, seq, at, draft);
  entry.group = state.group;
  topic.nextSeq = seq + 1;
  if (same !== "") {
    topic.seen.delete(same);
    topic.seen.set(same, { seq, at });
    forget(topic.seen, rules.dedupCount, (seen) => seen.at + rules.dedupMs <= at);
  }
  if (to === undefined) for (const one of subscriptions.values()) add(state, one, entry, failures);
  else
    for (const name of to) {
      const one = subscriptions.get(name);
      if (one !== undefined) add(state, one, entry, failures);
    }
  if (entry.pending > 0) index(topic, entry);
  if (rules.retention === "kept") topic.log.set(entry.seq, entry);
  // What is of no key is the last of none, and nothing says that a key is no more.
  if (rules.retention !== "latestPerKey" || entry.key === undefined || entry.payload === undefined) return;
  topic.log.set(entry.seq, entry);
  topic.latest.set(entry.key, entry);
}

/** Takes out the oldest while there are too many or they are too old. */
function forget<T>(seen: Map<string, T>, most: number, isOld: (value: T) => boolean): void {
  for (const [key, value] of seen) {
    if (seen.size <= most && !isOld(value)) return;
    seen.delete(key);
  }
}

function subscribed(state: StoreState, { topic: of, name, rules, from }: Subscribed): void {
  const topic = state.topics.get(of);
  if (topic === undefined) return;
  const before = topic.subscriptions.get(name);
  if (before !== undefined && isSameLanes(before.rules, rules)) return;
  const made = new Subscription(topic, name, rules);
  topic.subscriptions.set(name, made);
  // Another order makes other lanes, of the same messages, which wait as long as they had to.
  for (const one of [...(before?.deliveries.values() ?? [])]) {
    if (isOver(one)) {
      end(state, one, "dropped");
      continue;
    }
    const again = add(state, made, one.entry, one.failures, one.notBefore);
    again.free = one.free;
    again.attempts = one.attempts;
    one.entry.pending--;
  }
  if (before !== undefined) {
    made.isPaused = before.isPaused;
    made.matched = before.matched;
    Object.assign(made.fates, before.fates);
    before.deliveries.clear();
    return;
  }
  for (const entry of topic.log.values()) if (entry.seq >= from) add(state, made, entry, 0);
}

/** What is leased goes on; the rest is forgotten, and what is kept from `from` on comes again. */
function sought(state: StoreState, { topic, name, from }: { topic: string; name: string; from: number }): void {
  const found = subscriptionOf(state, topic, name);
  if (found === undefined) return;
  for (const one of [...found.deliveries.values()]) if (one.phase !== "leased") end(state, one, "dropped");
  for (const entry of found.topic.log.values())
    if (entry.seq >= from && !found.deliveries.has(entry.seq)) add(state, found, entry, 0);
}

/** What has become of it nobody knows, and it is not delivered twice. */
export function isOver({ phase, of }: Delivery): boolean {
  return phase === "leased" && of.rules.isOnce === true;
}

function add(
  state: StoreState,
  to: Subscription,
  entry: Entry,
  failures: number,
  notBefore: number = entry.notBefore,
): Delivery {
  const lane = laneOf(to, entry.key);
  const one = new Delivery(to, entry, lane, failures);
  one.notBefore = notBefore;
  to.deliveries.set(entry.seq, one);
  to.matched++;
  if (entry.pending++ === 0) {
    entry.topic.backlog++;
    entry.topic.backlogBytes += entry.sizeBytes;
  }
  if (entry.expiresAt > 0) state.agenda.put(entry.expiresAt, one);
  const isOutside = to.rules.passes && notBefore > 0;
  if (lane !== undefined && isOutside) lane.outside++;
  else if (lane?.head !== undefined) {
    lane.behind.push(one);
    return one;
  } else if (lane !== undefined) lane.head = one;
  place(state, one, notBefore, false);
  return one;
}

/** Whether two say the same. */
export function isSameLanes(a: LaneRules, b: LaneRules): boolean {
  const isSame = a.order === b.order && a.lanes === b.lanes && a.passes === b.passes;
  return isSame && (a.isOnce ?? false) === (b.isOnce ?? false);
}

/** A message without a key waits for none, and none for it, unless all are in one order. */
export function laneOf({ rules, lanes }: Subscription, key: string | undefined): Lane | undefined {
  if (rules.order === "none") return undefined;
  const isShared = rules.lanes > 0 && key !== undefined;
  const of = rules.order === "all" ? "" : isShared ? `${hash(key) % rules.lanes}` : key;
  if (of === undefined) return undefined;
  let lane = lanes.get(of);
  if (lane === undefined) lanes.set(of, (lane = new Lane(of)));
  return lane;
}

function deliveryOf(
  state: StoreState,
  { topic, name, seq }: { readonly topic: string; readonly name: string; readonly seq: number },
): Delivery | undefined {
  return state.topics.get(topic)?.subscriptions.get(name)?.deliveries.get(seq);
}

export function leased(one: Delivery, at: number, consumer: string): void {
  one.phase = "leased";
  one.leasedAt = at;
  one.consumer = consumer;
}

/** Ready, or scheduled when it may not begin before a time. */
function place(state: StoreState, one: Delivery, notBefore: number, isFirst: boolean): void {
  one.notBefore = notBefore;
  // It may have been in somebody's hands, or set aside, when its end came.
  if ((one.phase === "leased" || one.phase === "parked") && one.entry.expiresAt > 0)
    state.agenda.put(one.entry.expiresAt, one);
  if (notBefore > 0) {
    one.phase = "scheduled";
    state.agenda.put(notBefore, one);
    letPass(state, one);
    return;
  }
  const { lane, of } = one;
  if (lane !== undefined && lane.head !== one) {
    // It comes back into its lane, as the next.
    lane.outside--;
    if (lane.head !== undefined) {
      one.phase = "behind";
      lane.behind.unshift(one);
      return;
    }
    lane.head = one;
  }
  one.phase = "ready";
  if (!one.isQueued) of.ready.put(one, isFirst);
}

function park(state: StoreState, one: Delivery): void {
  one.phase = "parked";
  letPass(state, one);
}

function letPass(state: StoreState, one: Delivery): void {
  const { lane, of } = one;
  if (!of.rules.passes || lane?.head !== one) return;
  lane.outside++;
  advance(state, of, lane);
}

/** The head of a lane has gone: the next one has its turn. */
function advance(state: StoreState, of: Subscription, lane: Lane): void {
  let next = lane.behind.shift();
  while (next?.phase === "over") next = lane.behind.shift();
  lane.head = next;
  if (next !== undefined) place(state, next, next.notBefore, false);
  else if (lane.outside === 0) of.lanes.delete(lane.key);
}

function count(one: Delivery, at: number, code: string, error: string, isFree = false): void {
  const attempts: Attempt[] = (one.attempts ??= []);
  const { leasedAt, consumer, attempt } = one;
  if (isFree) one.free++;
  else one.failures++;
  one.releases = 0;
  attempts.push({ attempt, consumer, leasedAt, endedAt: at, code, error });
  if (attempts.length > attemptsMax) attempts.splice(1, 1);
}

export function end(state: StoreState, one: Delivery, fate: Fate): void {
  const { of, entry, lane, phase } = one;
  one.phase = "over";
  of.fates[fate]++;
  of.deliveries.delete(entry.seq);
  if (--entry.pending === 0) {
    entry.topic.backlog--;
    entry.topic.backlogBytes -= entry.sizeBytes;
    unindex(entry.topic, entry);
  }
  if (lane === undefined) return;
  if (lane.head === one) advance(state, of, lane);
  else if (phase !== "behind" && --lane.outside === 0 && lane.head === undefined) of.lanes.delete(lane.key);
}
