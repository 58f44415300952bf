// A journal on disk, in an LMDB store by the package lmdb. Groups are entries, numbered; what LMDB does not check, the
// format of each entry and the look through its pages before it opens do.

import { resolve } from "node:path";
import { cellOf } from "../../runtime/kernel/cell.ts";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import type { Self } from "../../runtime/kernel/verbs.ts";
import { JournalFailed, JournalLocked } from "./failure-journal.ts";
import { corrupt, encodeGroup, encodeSnapshot, type Frame, isFrame, kinds, readFrame, recordsOf } from "./format.ts";
import type { Journal, OpenJournal, Recovered } from "./journal.ts";
import { keyOf, type Store, storeIn } from "./lmdb-store.ts";

export interface LmdbJournalOptions {
  /** Which journal in the store: each has records of its own; they share its file and its flushes. `""` by default. */
  part?: string | undefined;
}

/**
 * A journal in the folder `path`, which is made if it is not there.
 *
 * Promises: as {@link Journal}, of a process that ends at any moment and of a machine whose disk keeps what fsync says.
 * What is appended while a group is written goes into the next transaction, of all parts of a store together. The flush
 * is waited for before anything is confirmed, in a thread of LMDB's: the event loop does not stand still for it. Its clock
 * is the host's, so that timers go on while the process is not there. For live worlds: what it waits for is no world's.
 * Fails: InvalidOption; `open` with PackageMissing (lmdb is installed by the program), JournalLocked (another process has
 * the store, or another actor the part), JournalCorrupt, JournalFailed; `append` and `compact` with JournalFailed.
 * Cost: one entry per group; opening reads the pages once and all records of the part.
 */
export function lmdbJournal(path: string, options: LmdbJournalOptions = {}): OpenJournal {
  if (typeof path !== "string" || path === "") throw new InvalidOption("path", path, "the name of a folder");
  for (const option of Object.keys(options))
    if (option !== "part") throw new InvalidOption(option, "an unknown option", "part");
  const { part = "" } = options;
  const bytes = new TextEncoder().encode(part);
  if (typeof part !== "string" || part.includes("\u0000") || bytes.length > 255)
    throw new InvalidOption("part", part, "a text of at most 255 bytes without NUL");
  const folder = resolve(path);
  return async (self) => await openPart(folder, part, bytes, self);
}

async function openPart(folder: string, part: string, bytes: Uint8Array, self: Self): Promise<Journal> {
  const handle = new LmdbHandle(part, bytes);
  const store = await storeIn(folder, handle);
  handle.store = store;
  const before = store.holders.get(part);
  const isTaken = before !== undefined && (before.self === self || before.self.ref !== self.ref);
  try {
    if (isTaken && cellOf(before.self.ref).life !== "ended") {
      const file = part === "" ? folder : `${folder}, part ${part}`;
      throw new JournalLocked(file, before.self.path, "Give each actor a part of its own.");
    }
    store.holders.set(part, { self, handle });
    if (before !== undefined) store.handles.delete(before.handle);
    await handle.recover();
  } catch (error) {
    await handle.close();
    throw error;
  }
  return handle;
}

/** Entries removed in one transaction. */
const breath = 256;
/** Bytes read before the host has its turn, and what an entry costs beside its own. */
const breathBytes = 1 << 20;
const entryBytes = 1_000;

class LmdbHandle implements Journal {
  declare store: Store;
  readonly #part: string;
  readonly #partBytes: Uint8Array;
  #group = 0;
  #opening = 1;
  #failure: JournalFailed | undefined = undefined;
  #last: Promise<void> = Promise.resolve();
  recovered: Recovered = { snapshot: undefined, records: [] };

  constructor(part: string, partBytes: Uint8Array) {
    this.#part = part;
    this.#partBytes = partBytes;
  }

  /** Milliseconds since 1970, on the host's clock. */
  readonly clock = (): number => performance.timeOrigin + performance.now();

  append(records: readonly Uint8Array[]): Promise<void> {
    if (records.length === 0) return this.#sound() ?? this.#last;
    return this.#sound() ?? this.#write(encodeGroup(this.#group + 1, this.#opening, records, this.#partBytes));
  }

  async compact(snapshot: Uint8Array): Promise<void> {
    await (this.#sound() ??
      this.#write(encodeSnapshot(this.#group + 1, this.#opening, snapshot, this.#partBytes), true));
  }

  async close(): Promise<void> {
    const { holders } = this.store;
    if (this.#isHeld) holders.delete(this.#part);
    await this.#last.catch(nothing);
    await this.store.leave(this);
  }

  get #isHeld(): boolean {
    return this.store.holders.get(this.#part)?.handle === this;
  }

  /** Why it takes nothing, if so. */
  #sound(): Promise<never> | undefined {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isHeld) return undefined;
    return Promise.reject(new JournalFailed(this.store.folder, "it was closed, or opened again since"));
  }

  #write(frame: Uint8Array, isSnapshot = false): Promise<void> {
    const group = ++this.#group;
    const written = this.store.write(this.#key(group), frame).then(
      () => {
        if (isSnapshot) void this.#forget(group);
      },
      (failure: JournalFailed) => {
        this.#failure ??= failure;
        throw this.#failure;
      },
    );
    written.catch(nothing);
    this.#last = written;
    return written;
  }

  /** What a snapshot has taken the place of, the oldest first, so that no gap comes of it; a crash meanwhile leaves it to the next opening. */
  async #forget(group: number): Promise<void> {
    const { db } = this.store;
    try {
      for (;;) {
        if (!this.#isHeld) return;
        const old = [...db.getKeys({ start: this.#key(0), end: this.#key(group), limit: breath })];
        if (old.length === 0) return;
        await db.batch(() => {
          for (const key of old) void db.remove(key).then(nothing, nothing);
        });
      }
    } catch {
      // It is only room.
    }
  }

  async recover(): Promise<void> {
    const { db, folder } = this.store;
    // What a former incarnation wrote is there, and may not be safe yet.
    await db.flushed;
    let snapshot: Frame | undefined;
    let groups: Frame[] = [];
    const end = this.#key(Number.MAX_SAFE_INTEGER);
    for (let start: Uint8Array | undefined = this.#key(0); start !== undefined; ) {
      let bytes = 0;
      const range = db.getRange({ start, end });
      start = undefined;
      for (const { key, value } of range) {
        const frame = this.#check(key, value, groups.at(-1) ?? snapshot);
        this.#opening = Math.max(this.#opening, frame.opening + 1);
        this.#group = frame.group;
        if (frame.kind === kinds.snapshot) {
          snapshot = frame;
          groups = [];
        } else groups.push(frame);
        if ((bytes += value.length + entryBytes) < breathBytes) continue;
        start = this.#key(frame.group + 1);
        break;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [first] = groups;
    if (snapshot === undefined && first !== undefined && first.group !== 1)
      throw corrupt(
        folder,
        { offset: 0, group: first.group },
        `found group ${first.group} first, expected 1 or a snapshot: groups are missing`,
      );
    if (snapshot !== undefined) void this.#forget(snapshot.group);
    this.recovered = {
      snapshot: snapshot?.body,
      records: {
        *[Symbol.iterator]() {
          for (const group of groups) yield* recordsOf(group);
        },
      },
    };
  }

  #check(key: Uint8Array, value: Uint8Array, before: Frame | undefined): Frame {
    const { folder } = this.store;
    const file = this.#part === "" ? folder : `${folder}, part ${this.#part}`;
    const group = Number(new DataView(key.buffer, key.byteOffset, key.length).getBigUint64(key.length - 8));
    const frame = readFrame(value);
    const place = { offset: 0, group };
    if (!isFrame(frame)) throw corrupt(file, place, frame.why);
    if (frame.group !== group || !isEqual(frame.part, this.#partBytes))
      throw corrupt(file, place, `found what was written as group ${frame.group}`);
    if (before !== undefined && group !== before.group + 1)
      throw corrupt(file, place, `expected group ${before.group + 1}: groups are missing`);
    return frame;
  }

  #key(group: number): Uint8Array {
    return keyOf(this.#partBytes, group);
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

function nothing(): void {}
