// The reducer: what each event does to the state. It decides nothing, reads no clock, and takes constant time but for
// `subscribed`, `unsubscribed` and `sought`, which take the time of what they move.

import type { Attempt, Fate, Published, StoreEvent, Subscribed } from "./event.ts";
import { Delivery, Entry, Lane, type Phase, type StoreState, Subscription, subscriptionOf, Topic } from "./state.ts";

/** The first and the last of so many attempts are kept. */
const attemptsMax = 10;

/** Changes `state` in place. An event about what is no more changes nothing. */
export function apply(state: StoreState, event: StoreEvent): void {
  switch (event.kind) {
    case "published":
      published(state, event);
      return;
    case "leased": {
      const one = deliveryOf(state, event);
      if (one === undefined) return;
      move(one, "leased");
      one.leasedAt = event.at;
      one.consumer = event.consumer;
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
      count(one, event.at, event.code, event.error);
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
      move(one, "parked");
      return;
    }
    case "unparked": {
      const one = deliveryOf(state, event);
      if (one?.phase !== "parked") return;
      one.failures = event.failures;
      place(state, one, 0, false);
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
      if (topic === undefined) state.topics.set(event.topic, new Topic(event.topic, event.rules));
      else topic.rules = event.rules;
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

function published(state: StoreState, event: Published): void {
  const topic = state.topics.get(event.topic);
  if (topic === undefined) return;
  const { rules, subscriptions } = topic;
  const entry = new Entry(topic, event);
  topic.nextSeq = event.seq + 1;
  if (event.same !== "") {
    topic.seen.delete(event.same);
    topic.seen.set(event.same, { seq: event.seq, at: event.at });
    forget(topic.seen, rules.dedupCount, ({ at }) => at + rules.dedupMs <= event.at);
  }
  if (event.to === undefined) for (const one of subscriptions.values()) add(state, one, entry, event.failures);
  else
    for (const name of event.to) {
      const one = subscriptions.get(name);
      if (one !== undefined) add(state, one, entry, event.failures);
    }
  if (entry.pending > 0 && rules.dropsOldest) topic.oldest.push(entry);
  if (rules.retention !== "untilSettled") topic.log.set(entry.seq, entry);
  if (rules.retention === "latestPerKey" && entry.key !== undefined) topic.latest.set(entry.key, entry);
}

/** Takes out the oldest while there are too many or they are too old. */
function forget<T>(seen: Map<string, T>, most: number, isOld: (value: T) => boolean): void {
  for (const [key, value] of seen) {
    if (seen.size <= most && !isOld(value)) return;
    seen.delete(key);
  }
}

function subscribed(state: StoreState, { topic: of, name, order, from }: Subscribed): void {
  const topic = state.topics.get(of);
  if (topic === undefined) return;
  const before = topic.subscriptions.get(name);
  if (before?.order === order) return;
  const made = new Subscription(topic, name, order);
  topic.subscriptions.set(name, made);
  // Another order makes other lanes, of the same messages.
  for (const { entry, failures } of before?.deliveries.values() ?? []) {
    add(state, made, entry, failures);
    entry.pending--;
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

function add(state: StoreState, to: Subscription, entry: Entry, failures: number): void {
  const lane = to.order === "none" ? undefined : laneOf(to, entry.key);
  const one = new Delivery(to, entry, lane, failures);
  to.deliveries.set(entry.seq, one);
  to.matched++;
  to.counts.behind++;
  if (entry.pending++ === 0) {
    entry.topic.backlog++;
    entry.topic.backlogBytes += entry.sizeBytes;
  }
  if (entry.expiresAt > 0) state.agenda.put(entry.expiresAt, one);
  if (lane?.head !== undefined) lane.behind.push(one);
  else {
    if (lane !== undefined) lane.head = one;
    place(state, one, entry.notBefore, false);
  }
}

/** A message without a key waits for none, and none for it, unless all are in one order. */
function laneOf({ order, lanes }: Subscription, key: string | undefined): Lane | undefined {
  const of = order === "all" ? "" : key;
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

function move(one: Delivery, phase: Phase): void {
  const { counts } = one.of;
  counts[one.phase]--;
  counts[phase]++;
  one.phase = phase;
}

/** Ready, or scheduled when it may not begin before a time. */
function place(state: StoreState, one: Delivery, notBefore: number, isFirst: boolean): void {
  one.notBefore = notBefore;
  // It may have been in somebody's hands when its end came.
  if (one.phase === "leased" && one.entry.expiresAt > 0) state.agenda.put(one.entry.expiresAt, one);
  if (notBefore > 0) {
    move(one, "scheduled");
    state.agenda.put(notBefore, one);
    return;
  }
  move(one, "ready");
  if (one.isQueued) return;
  one.isQueued = true;
  if (isFirst) one.of.ready.unshift(one);
  else one.of.ready.push(one);
}

function count(one: Delivery, at: number, code: string, error: string): void {
  one.failures++;
  one.releases = 0;
  const attempts: Attempt[] = (one.attempts ??= []);
  const { leasedAt, consumer, failures: attempt } = one;
  attempts.push({ attempt, consumer, leasedAt, endedAt: at, code, error });
  if (attempts.length > attemptsMax) attempts.splice(1, 1);
}

function end(state: StoreState, one: Delivery, fate: Fate): void {
  const { of, entry, lane } = one;
  move(one, "over");
  of.fates[fate]++;
  of.deliveries.delete(entry.seq);
  if (--entry.pending === 0) {
    entry.topic.backlog--;
    entry.topic.backlogBytes -= entry.sizeBytes;
  }
  if (lane?.head !== one) return;
  let next = lane.behind.shift();
  while (next?.phase === "over") next = lane.behind.shift();
  lane.head = next;
  if (next === undefined) of.lanes.delete(lane.key);
  else place(state, next, next.notBefore, false);
}
