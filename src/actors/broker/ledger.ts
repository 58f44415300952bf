// A state and who hears what happens to it: decisions write events here, which take effect at once.

import { apply, end, leased } from "./apply.ts";
import type { Fate, StoreEvent } from "./event.ts";
import type { Delivery, StoreState } from "./state.ts";

/** What is decided by one command. Its events are one record of a journal: all of them are found again, or none. */
export class Ledger {
  readonly state: StoreState;
  /** The events of the command so far; undefined when nobody keeps them. */
  record: StoreEvent[] | undefined;

  constructor(state: StoreState, isKept: boolean) {
    this.state = state;
    this.record = isKept ? [] : undefined;
  }

  emit(event: StoreEvent): void {
    apply(this.state, event);
    if (this.record !== undefined && (event.kind !== "woken" || event.isKept)) this.record.push(event);
  }

  /** `leased`, of a delivery at hand: where nobody keeps events none is made. */
  lease(one: Delivery, at: number, consumer: string): void {
    if (this.record === undefined && isOf(one)) {
      leased(one, at, consumer);
      return;
    }
    const { of, entry } = one;
    this.emit({ kind: "leased", topic: of.topic.name, name: of.name, seq: entry.seq, at, consumer });
  }

  /** `settled`, likewise. */
  settle(one: Delivery, fate: Fate): void {
    if (this.record === undefined && isOf(one)) {
      end(this.state, one, fate);
      return;
    }
    const { of, entry } = one;
    this.emit({ kind: "settled", topic: of.topic.name, name: of.name, seq: entry.seq, fate });
  }

  /** The events since the last call. */
  take(): readonly StoreEvent[] {
    const { record } = this;
    if (record === undefined || record.length === 0) return none;
    this.record = [];
    return record;
  }
}

/** Not of a former state of its subscription, in which another has its place by now. */
function isOf(one: Delivery): boolean {
  return one.of.deliveries.get(one.entry.seq) === one;
}

const none: readonly StoreEvent[] = [];
