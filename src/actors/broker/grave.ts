// Where messages go that were given up: a topic beside theirs.

import type { DeadReason, History } from "./event.ts";
import type { Ledger } from "./ledger.ts";
import type { Delivery } from "./state.ts";
import { again, trim, write } from "./write.ts";

const ending = "/dead";

/** The name of the topic in which the dead letters of `topic` are. */
export function graveOf(topic: string): string {
  return topic + ending;
}

/** Of which of `topics` the dead letters are in this one; undefined where it is a topic like others. */
export function sourceOf<T>(topics: ReadonlyMap<string, T>, grave: string): T | undefined {
  return grave.endsWith(ending) ? topics.get(grave.slice(0, -ending.length)) : undefined;
}

/** Moves it to the dead letters: one record, so it is in the one place or in the other. What dies among these stays there. */
export function bury(ledger: Ledger, one: Delivery, reason: DeadReason, deadLetters: number, now: number): DeadReason {
  const { of, entry } = one;
  const topic = of.topic.name;
  const before = entry.history;
  const history: History = {
    source: topic,
    subscription: of.name,
    reason,
    firstAt: before?.firstAt ?? entry.at,
    lastAt: now,
    attempts: [...(before?.attempts ?? []), ...(one.attempts ?? [])].slice(-20),
    redriveCount: before?.redriveCount ?? 0,
  };
  ledger.settle(one, "dead");
  const grave = ledger.state.topics.get(graveOf(topic));
  if (grave === undefined) return reason;
  write(ledger, grave, { ...again(entry), history }, now);
  trim(ledger, grave, { keptCount: deadLetters, keptMs: Number.POSITIVE_INFINITY }, now);
  return reason;
}
