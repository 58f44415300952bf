// Puts a message into a topic, and takes out what is kept for too long. Pure: the time is given.

import type { Draft } from "./event.ts";
import type { Ledger } from "./ledger.ts";
import type { Capacity } from "./publish.ts";
import type { Entry, Topic } from "./state.ts";

/** The same message, elsewhere or again: a life does not end twice, and a delay is over. */
export function again({ id, key, type, payload, sizeBytes, tag, priority }: Entry): Draft {
  const none = { notBefore: 0, expiresAt: 0, same: "", to: undefined, history: undefined, failures: 0 };
  return { id, key, type, payload, sizeBytes, tag, priority, ...none };
}

/** Puts it into the topic, whatever room there is. */
export function write(ledger: Ledger, topic: Topic, draft: Draft, now: number): number {
  const { name, latest, rules } = topic;
  const { key } = draft;
  const before = rules.retention === "latestPerKey" && key !== undefined ? latest.get(key) : undefined;
  if (before !== undefined) ledger.emit({ kind: "trimmed", topic: name, seq: before.seq });
  return ledger.publish(topic, draft, now);
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
