// Decides what becomes of a message that is published: whether it is a duplicate, whether there is room, and what must
// leave for it. Pure: the time is given.

import type { History, TopicRules } from "./event.ts";
import type { Ledger } from "./ledger.ts";
import type { Topic } from "./state.ts";

/** A message before it has a place. */
export interface Draft {
  readonly id: string;
  readonly key: string | undefined;
  readonly type: string;
  readonly payload: unknown;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly sizeBytes: number;
  /** What a duplicate is known by; empty for none. */
  readonly same: string;
  readonly to: readonly string[] | undefined;
  readonly history?: History | undefined;
  readonly failures?: number;
}

/** How much a topic takes. */
export interface Capacity {
  readonly messages: number;
  readonly bytes: number;
  readonly overflow: "reject" | "wait" | "drop-oldest" | "drop-newest";
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

export function admit(ledger: Ledger, topic: Topic, draft: Draft, capacity: Capacity, now: number): Admission {
  if (draft.same !== "" && isDuplicate(topic, draft.same, now)) return "duplicate";
  const { overflow } = capacity;
  if (!hasRoom(topic, draft.sizeBytes, capacity)) {
    if (overflow === "drop-newest") return "dropped";
    if (overflow !== "drop-oldest" || !makeRoom(ledger, topic, draft.sizeBytes, capacity)) return "full";
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
export function hasRoom(topic: Topic, bytes: number, capacity: Capacity, more = 1): boolean {
  return topic.backlog + more <= capacity.messages && topic.backlogBytes + bytes <= capacity.bytes;
}

/** Puts it into the topic, whatever room there is. */
export function write(ledger: Ledger, topic: Topic, draft: Draft, now: number): number {
  const { name, latest, rules, nextSeq: seq } = topic;
  const { id, key, type, payload, notBefore, expiresAt, sizeBytes, same, to, history, failures = 0 } = draft;
  const before = rules.retention === "latestPerKey" && key !== undefined ? latest.get(key) : undefined;
  if (before !== undefined) ledger.emit({ kind: "trimmed", topic: name, seq: before.seq });
  ledger.emit({
    kind: "published",
    topic: name,
    seq,
    id,
    key,
    type,
    payload,
    at: now,
    notBefore: notBefore > now ? notBefore : 0,
    expiresAt,
    sizeBytes,
    same,
    to,
    history,
    failures,
  });
  return seq;
}

/** Drops the oldest that are not being delivered. False when that is not enough. */
function makeRoom(ledger: Ledger, topic: Topic, bytes: number, capacity: Capacity): boolean {
  if (bytes > capacity.bytes || capacity.messages < 1) return false;
  const { oldest } = topic;
  for (let left = oldest.length; left > 0 && !hasRoom(topic, bytes, capacity); left--) {
    const entry = oldest.shift();
    if (entry === undefined || entry.pending === 0) continue;
    ledger.emit({ kind: "trimmed", topic: topic.name, seq: entry.seq });
    // Somebody has it in hand: it leaves by itself.
    if (entry.pending > 0) oldest.push(entry);
  }
  return hasRoom(topic, bytes, capacity);
}

/** What is kept longer than is said goes, whoever has not seen it. */
export function trim(
  ledger: Ledger,
  topic: Topic,
  { keptCount, keptMs }: Pick<Capacity, "keptCount" | "keptMs">,
  now: number,
): void {
  for (const entry of topic.log.values()) {
    if (topic.log.size <= keptCount && entry.at + keptMs > now) return;
    ledger.emit({ kind: "trimmed", topic: topic.name, seq: entry.seq });
  }
}

/** Whether two say the same. */
export function isSameRules(a: TopicRules, b: TopicRules): boolean {
  return (
    a.retention === b.retention &&
    a.dedupMs === b.dedupMs &&
    a.dedupCount === b.dedupCount &&
    a.dropsOldest === b.dropsOldest
  );
}
