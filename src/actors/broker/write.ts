// Puts a message into a topic, and takes out what is kept for too long. Pure: the time is given.

import type { History } from "./event.ts";
import type { Ledger } from "./ledger.ts";
import type { Capacity } from "./publish.ts";
import type { Entry, Topic } from "./state.ts";

/** A message before it has a place. */
export interface Draft {
  readonly id: string;
  readonly key: string | undefined;
  readonly type: string;
  readonly payload: unknown;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly sizeBytes: number;
  readonly tag: string | undefined;
  readonly priority: number;
  /** What a duplicate is known by; empty for none. */
  readonly same: string;
  readonly to: readonly string[] | undefined;
  readonly history?: History | undefined;
  readonly failures?: number;
}

/** The same message, elsewhere or again: a life does not end twice, and a delay is over. */
export function again({ id, key, type, payload, sizeBytes, tag, priority }: Entry): Draft {
  return { id, key, type, payload, sizeBytes, tag, priority, notBefore: 0, expiresAt: 0, same: "", to: undefined };
}

/** Puts it into the topic, whatever room there is. */
export function write(ledger: Ledger, topic: Topic, draft: Draft, now: number): number {
  const { name, latest, rules, nextSeq: seq } = topic;
  const { id, key, type, payload, notBefore, expiresAt, sizeBytes, tag, priority, same, to, history } = draft;
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
    tag,
    priority,
    same,
    to,
    history,
    failures: draft.failures ?? 0,
  });
  return seq;
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
