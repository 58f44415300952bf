// The state of a store when it starts: what its journal has, or what its former incarnation had.

import type { Journal } from "./journal.ts";
import { Ledger } from "./ledger.ts";
import { formatVersion, type Saved } from "./record.ts";
import type { StoreSettings } from "./settings.ts";
import { type Snapshot, stateFrom } from "./snapshot.ts";
import { StoreState } from "./state.ts";

export function recovered(
  { codec }: StoreSettings,
  before: StoreState | undefined,
  journal: Journal | undefined,
): { state: StoreState; written: number } {
  if (journal === undefined || codec === undefined) return { state: before ?? new StoreState(), written: 0 };
  const { snapshot, records } = journal.recovered;
  const state = snapshot === undefined ? new StoreState() : stateFrom(codec.decode(snapshot) as Snapshot);
  const ledger = new Ledger(state, false);
  let written = 0;
  for (const record of records) {
    const { v, events } = codec.decode(record) as Saved;
    if (v !== formatVersion) throw new Error(`A record of version ${v}: this program reads ${formatVersion}.`);
    for (const event of events) ledger.emit(event);
    written++;
  }
  return { state, written };
}
