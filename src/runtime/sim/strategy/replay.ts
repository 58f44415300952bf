// The base order but for some pairs, each of which has one event wait until another has happened. Without pairs it is the
// base order, that of posting.

import { type Choice, oldestOf, type Precedes, type Strategy } from "../choice.ts";
import type { Pair } from "../schedule.ts";

export class Replay implements Strategy {
  /** What each event waits for, while that has not happened. */
  readonly #waits = new Map<string, Set<string>>();
  /** Who waits for an event. */
  readonly #waiting = new Map<string, string[]>();
  /** What begins beside an event. */
  readonly #beside = new Map<string, string[]>();

  constructor(pairs: readonly Pair[]) {
    for (const { event, after, beside } of pairs) {
      if (beside === true) entry(this.#beside, after, () => []).push(event);
      entry(this.#waits, event, () => new Set()).add(after);
      entry(this.#waiting, after, () => []).push(event);
    }
  }

  /** The oldest of those that wait for nothing; if all do, the oldest. */
  pick(enabled: readonly Choice[], precedes: Precedes): Choice {
    if (this.#waits.size === 0) return oldestOf(enabled, precedes);
    const free = enabled.filter(({ name }) => !this.#waits.has(name));
    return oldestOf(free.length > 0 ? free : enabled, precedes);
  }

  beside(begun: Choice, enabled: readonly Choice[]): Choice | undefined {
    const names = this.#beside.get(begun.name);
    return names && enabled.find(({ name }) => names.includes(name) && !this.#waits.has(name));
  }

  fired({ name }: Choice): void {
    for (const event of this.#waiting.get(name) ?? []) {
      const waits = this.#waits.get(event);
      if (waits?.delete(name) === true && waits.size === 0) this.#waits.delete(event);
    }
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
