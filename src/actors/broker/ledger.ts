// A state and who hears what happens to it: decisions write events here, which take effect at once.

import { apply } from "./apply.ts";
import type { StoreEvent } from "./event.ts";
import type { StoreState } from "./state.ts";

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

  /** The events since the last call. */
  take(): readonly StoreEvent[] {
    const { record } = this;
    if (record === undefined || record.length === 0) return none;
    this.record = [];
    return record;
  }
}

const none: readonly StoreEvent[] = [];
