// Where a store, or a durable actor, keeps what must outlive it. The port: an ordered list of records, written in groups.

import type { Self } from "../../runtime/kernel/verbs.ts";

/** What was found when a journal was opened. */
export interface Recovered {
  /** The last snapshot, if there is one. */
  readonly snapshot: Uint8Array | undefined;
  /** What was appended after it, oldest first. */
  readonly records: Iterable<Uint8Array>;
}

/** An open journal. One actor has it; it is not opened twice. */
export interface Journal {
  readonly recovered: Recovered;
  /**
   * Appends a group of records, all or none. Resolves when they are safe: whatever fails afterwards, they are found when
   * the journal is opened again, behind those of all groups that were appended before.
   *
   * Fails: JournalFailed, when the medium refuses (full disk); then nothing of the group, nor of a later one, is written.
   */
  append(records: readonly Uint8Array[]): Promise<void>;
  /** Puts a snapshot in the place of all records so far. Resolves when that is safe; fails as {@link append} does. */
  compact(snapshot: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a journal for an actor; called in its factory. What it waits for it waits for through `self`, so that it takes
 * virtual time in a simulation.
 *
 * Fails: JournalFailed; JournalCorrupt, with the place of the first record that can not be read; JournalLocked, when it is
 * open already.
 */
export type OpenJournal = (self: Self) => Journal | PromiseLike<Journal>;
