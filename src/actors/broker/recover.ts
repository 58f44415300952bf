// The state of a store when it starts: what its journal has, or what its former incarnation had.

import { messageOf } from "../../runtime/kernel/thenable.ts";
import { apply } from "./apply.ts";
import { RecoveryFailed } from "./failure-journal.ts";
import type { Journal } from "./journal.ts";
import { eventsOf } from "./record-bytes.ts";
import { stateFrom } from "./snapshot.ts";
import { StoreState } from "./state.ts";

/** Fails: RecoveryFailed, for what is not of a store, or of another version of the format. */
export function recovered(
  path: string,
  before: StoreState | undefined,
  journal: Journal | undefined,
): { state: StoreState; written: number } {
  if (journal === undefined) return { state: before ?? new StoreState(), written: 0 };
  const { snapshot, records } = journal.recovered;
  let place = 0;
  let written = 0;
  try {
    const state = snapshot === undefined ? new StoreState() : stateFrom(snapshot);
    for (const record of records) {
      place++;
      for (const event of eventsOf(record)) {
        written++;
        apply(state, event);
      }
    }
    return { state, written };
  } catch (error) {
    const remedy = "Give it the journal that a store wrote with this version, or an empty one";
    throw new RecoveryFailed(path, place, messageOf(error), remedy, { cause: error });
  }
}
