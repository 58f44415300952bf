// What a journal, or what is kept in one, can fail with. JournalFailed is an answer of no; the others end a start.

import { Failure, type Outcome, Refusal } from "../../runtime/kernel/failure.ts";

/** The medium refused: it is full, or it broke. The journal takes nothing more until it is opened again. */
export class JournalFailed extends Failure {
  readonly _tag = "JournalFailed";
  override readonly code = "JOURNAL_FAILED";
  /** The journal. */
  readonly file: string;

  /** `not-started`: nothing was written; `unknown`: it was written, and is perhaps not safe. */
  constructor(file: string, what: string, outcome: Outcome = "not-started", options?: ErrorOptions) {
    super(`${file}: ${what}. It is opened again by the next start of its actor.`, outcome, options);
    this.file = file;
  }
}

/** Where the first thing stands that can not be read. */
export interface Place {
  /** In bytes, from the start of the file or, in a store, of the entry. */
  readonly offset: number;
  /** The number of the group of records; 0 for what is no group. */
  readonly group: number;
}

/** What a journal holds can not be read: it is damaged, not one of ours, or of a later version of the format. */
export class JournalCorrupt extends Error {
  readonly _tag = "JournalCorrupt";
  readonly code = "JOURNAL_CORRUPT";
  readonly file: string;
  readonly place: Place;

  /** `what` says what was found and what was expected; `remedy` what to do. */
  constructor(file: string, place: Place, what: string, remedy: string, options?: ErrorOptions) {
    super(`${file}, offset ${place.offset}, group ${place.group}: ${what}. ${remedy}`, options);
    this.file = file;
    this.place = place;
  }

  override get name(): string {
    return this._tag;
  }
}

/** The journal is open already, here or in another process. */
export class JournalLocked extends Error {
  readonly _tag = "JournalLocked";
  readonly code = "JOURNAL_LOCKED";
  readonly file: string;
  /** The actor, or the process, that has it. */
  readonly holder: string;

  constructor(file: string, holder: string, remedy: string) {
    super(`${file} is open already: ${holder} has it. ${remedy}`);
    this.file = file;
    this.holder = holder;
  }

  override get name(): string {
    return this._tag;
  }
}

/** A package that a driver or codec needs is not installed. */
export class PackageMissing extends Error {
  readonly _tag = "PackageMissing";
  readonly code = "PACKAGE_MISSING";

  constructor(name: string, version: string, what: string, options?: ErrorOptions) {
    super(
      `${what} needs the package ${name}, which can not be loaded. Install it: npm install ${name}@${version}`,
      options,
    );
  }

  override get name(): string {
    return this._tag;
  }
}

/** A value that the codec can not hold, or that its schema refuses. */
export class Unencodable extends Refusal {
  readonly _tag = "Unencodable";
  override readonly code = "UNENCODABLE";
}

/** Bytes that the codec can not read, or a value that its schema refuses. Never retried: it would fail again. */
export class Undecodable extends Refusal {
  readonly _tag = "Undecodable";
  override readonly code = "UNDECODABLE";
}

/** What a durable actor's journal holds can not be made its state: the start fails, and nothing is changed. */
export class RecoveryFailed extends Error {
  readonly _tag = "RecoveryFailed";
  readonly code = "RECOVERY_FAILED";
  readonly path: string;
  /** Which record after the snapshot, from 1; 0 is the snapshot. */
  readonly record: number;

  constructor(path: string, record: number, what: string, remedy: string, options?: ErrorOptions) {
    const where = record === 0 ? "the snapshot" : `record ${record} after the snapshot`;
    super(`${path} can not recover from ${where}: ${what}. ${remedy}`, options);
    this.path = path;
    this.record = record;
  }

  override get name(): string {
    return this._tag;
  }
}

/** A durable actor's journal refused: its state is ahead of what is safe, so it crashes and recovers. */
export class NotPersisted extends Error {
  readonly _tag = "NotPersisted";
  readonly code = "NOT_PERSISTED";

  constructor(path: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`${path} could not persist what it did, and goes back to what its journal holds: ${why}`, { cause });
  }

  override get name(): string {
    return this._tag;
  }
}
