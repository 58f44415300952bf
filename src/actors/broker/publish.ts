// Decides what becomes of a message that is published: whether it is a duplicate, whether there is room, and what must
// leave for it. Pure: the time is given.

import type { Draft, TopicRules } from "./event.ts";
import { bury } from "./grave.ts";
import type { Ledger } from "./ledger.ts";
import type { Entry, Topic } from "./state.ts";
import { trim, write } from "./write.ts";

/** How much a topic takes. */
export interface Capacity {
  readonly messages: number;
  readonly bytes: number;
  readonly overflow: "reject" | "wait" | "drop-oldest" | "drop-newest" | "dead-letter-oldest" | "conflate-by-key";
  /** What is kept beyond settlement: so many, and so long. */
  readonly keptCount: number;
  readonly keptMs: number;
}

/** A sequence number when it is accepted; else why not. `dropped` was accepted and is no more. */
export type Admission = number | "duplicate" | "full" | "dropped";

/** The time of a step and what a draw gives. */
export interface Moment {
  readonly now: number;
  random(): number;
}

/** `left` is told of each message that had to leave for this one. */
export function admit(
  ledger: Ledger,
  topic: Topic,
  draft: Draft,
  capacity: Capacity,
  now: number,
  left?: (entry: Entry) => void,
): Admission {
  if (draft.same !== "" && isDuplicate(topic, draft.same, now)) return "duplicate";
  const { overflow } = capacity;
  if (!hasRoom(topic, draft.sizeBytes, capacity)) {
    if (overflow === "drop-newest") return "dropped";
    if (overflow === "conflate-by-key") {
      const [before] = replaceable(topic, draft.key);
      if (before === undefined || !hasRoom(topic, draft.sizeBytes - before.sizeBytes, capacity, 0)) return "full";
      ledger.emit({ kind: "trimmed", topic: topic.name, seq: before.seq });
      left?.(before);
    } else if (!topic.rules.dropsOldest || !makeRoom(ledger, topic, draft.sizeBytes, capacity, now, left))
      return "full";
  }
  const seq = write(ledger, topic, draft, now);
  if (topic.rules.retention === "kept") trim(ledger, topic, capacity, now);
  return seq;
}

export function isDuplicate({ seen, rules }: Topic, same: string, now: number): boolean {
  const found = seen.get(same);
  return found !== undefined && found.at + rules.dedupMs > now;
}

/** Whether `more` messages of `bytes` together find room, without making any. */
function hasRoom(topic: Topic, bytes: number, capacity: Capacity, more = 1): boolean {
  return topic.backlog + more <= capacity.messages && topic.backlogBytes + bytes <= capacity.bytes;
}

/** Those of its key that all who see them still wait for, in order. */
function* replaceable({ byKey, subscriptions }: Topic, key: string | undefined): Generator<Entry> {
  if (key === undefined) return;
  for (const entry of byKey.get(key) ?? []) {
    let isFree = true;
    for (const { deliveries } of subscriptions.values()) {
      const phase = deliveries.get(entry.seq)?.phase;
      if (phase === "leased" || phase === "parked") isFree = false;
    }
    if (isFree) yield entry;
  }
}

/** Whether all of them are taken when they are {@link admit}ted one after the other. */
export function takesAll(topic: Topic, drafts: readonly Draft[], capacity: Capacity): boolean {
  const { overflow } = capacity;
  const all = drafts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (hasRoom(topic, all, capacity, drafts.length)) return true;
  if (overflow !== "conflate-by-key") return overflow !== "reject" && overflow !== "wait";
  /** The bytes of those that may leave for others of their key. */
  const mayLeave = new Map<string | undefined, number[]>();
  let more = 0;
  let bytes = 0;
  for (const { key, sizeBytes } of drafts) {
    let leaving = mayLeave.get(key);
    if (leaving === undefined) {
      leaving = [...replaceable(topic, key)].map((entry) => entry.sizeBytes);
      mayLeave.set(key, leaving);
    }
    if (hasRoom(topic, bytes + sizeBytes, capacity, more + 1)) more++;
    else {
      const left = leaving.shift();
      if (left === undefined || !hasRoom(topic, bytes + sizeBytes - left, capacity, more)) return false;
      bytes -= left;
    }
    bytes += sizeBytes;
    if (key !== undefined) leaving.push(sizeBytes);
  }
  return true;
}

/** Of those that had to leave for others. */
const deadLettersMax = 100_000;

/** Drops the oldest that are not being delivered. False when that is not enough. */
function makeRoom(
  ledger: Ledger,
  topic: Topic,
  bytes: number,
  capacity: Capacity,
  now: number,
  left?: (entry: Entry) => void,
): boolean {
  if (bytes > capacity.bytes || capacity.messages < 1) return false;
  const { oldest } = topic;
  for (let rest = oldest.length; rest > 0 && !hasRoom(topic, bytes, capacity); rest--) {
    const entry = oldest.shift();
    if (entry === undefined || entry.pending === 0) continue;
    if (capacity.overflow === "dead-letter-oldest")
      for (const { deliveries } of topic.subscriptions.values()) {
        const one = deliveries.get(entry.seq);
        if (one !== undefined && one.phase !== "leased") bury(ledger, one, "overflow", deadLettersMax, now);
      }
    ledger.emit({ kind: "trimmed", topic: topic.name, seq: entry.seq });
    left?.(entry);
    // Somebody has it in hand: it leaves by itself.
    if (entry.pending > 0) oldest.push(entry);
  }
  return hasRoom(topic, bytes, capacity);
}

/** Whether two say the same. */
export function isSameRules(a: TopicRules, b: TopicRules): boolean {
  return (
    a.retention === b.retention &&
    a.dedupMs === b.dedupMs &&
    a.dedupCount === b.dedupCount &&
    a.dropsOldest === b.dropsOldest &&
    (a.conflates ?? false) === (b.conflates ?? false)
  );
}
