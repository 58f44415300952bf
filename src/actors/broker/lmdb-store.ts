// One LMDB file for all journals of a folder: opened once in this process, locked against others, written in one line.

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../runtime/kernel/thenable.ts";
import type { Self } from "../../runtime/kernel/verbs.ts";
import { JournalFailed, JournalLocked, PackageMissing } from "./failure-journal.ts";
import { corrupt, headerBytes } from "./format.ts";
import { lock } from "./lmdb-lock.ts";
import { checkPages } from "./lmdb-pages.ts";

export interface LmdbDatabase {
  put(key: Uint8Array, value: Uint8Array): Promise<boolean>;
  /** What is put and removed in it is one transaction. */
  batch(work: () => void): Promise<boolean>;
  remove(key: Uint8Array): Promise<boolean>;
  get(key: Uint8Array): Uint8Array | undefined;
  getRange(range: {
    start?: Uint8Array;
    end?: Uint8Array;
    limit?: number;
  }): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;
  getKeys(range: { start: Uint8Array; end: Uint8Array; limit: number }): Iterable<Uint8Array>;
  readonly flushed: PromiseLike<unknown>;
  close(): Promise<void>;
}

const formatKey: Uint8Array = Uint8Array.of(0);
/** Of the store: what is in it, and how the keys are made. */
const storeFormat = "antiphon journal 1";

interface Writing {
  readonly key: Uint8Array;
  readonly frame: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (failure: JournalFailed) => void;
}

/** All parts of one folder, in this process. */
export class Store {
  readonly folder: string;
  readonly db: LmdbDatabase;
  readonly #release: () => void;
  readonly holders: Map<string, { readonly self: Self; readonly handle: object }> = new Map();
  readonly handles: Set<object> = new Set();
  #queue: Writing[] = [];
  #isWriting = false;

  constructor(folder: string, db: LmdbDatabase, release: () => void) {
    this.folder = folder;
    this.db = db;
    this.#release = release;
  }

  /** Resolves when it is flushed. One transaction at a time is on its way to its commit: none follows one that failed. */
  write(key: Uint8Array, frame: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ key, frame, resolve, reject });
      if (!this.#isWriting) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#isWriting = true;
    // What comes in the same turn of the event loop goes along.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        const committed = this.db.batch(() => {
          for (const { key, frame } of batch) void this.db.put(key, frame).then(nothing, nothing);
        });
        const flushed = Promise.resolve(this.db.flushed);
        flushed.catch(nothing);
        await committed;
        void this.#confirm(batch, flushed);
      } catch (error) {
        const later = this.#queue;
        this.#queue = [];
        const why = messageOf(await reasonOf(error));
        later.push(...this.#queue.splice(0));
        const failure = new JournalFailed(this.folder, `writing failed: ${why}`, "not-started", { cause: error });
        for (const { reject } of [...batch, ...later]) reject(failure);
      }
    }
    this.#isWriting = false;
  }

  async #confirm(batch: readonly Writing[], flushed: Promise<unknown>): Promise<void> {
    try {
      await flushed;
      for (const { resolve } of batch) resolve();
    } catch (error) {
      const failure = new JournalFailed(this.folder, `flushing failed: ${messageOf(error)}`, "unknown", {
        cause: error,
      });
      for (const { reject } of batch) reject(failure);
    }
  }

  /** The last one out closes it. */
  async leave(handle: object): Promise<void> {
    if (!this.handles.delete(handle)) return;
    await Promise.resolve(this.db.flushed).catch(nothing);
    if (this.handles.size > 0) return;
    const closing = (async () => {
      await this.db.close();
      this.#release();
    })();
    stores.set(
      this.folder,
      closing.then(() => undefined),
    );
    await closing;
    if (this.handles.size === 0) stores.delete(this.folder);
  }
}

/** What LMDB said, which comes a little later than that it failed. */
async function reasonOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  const said = commitError.catch((reason: unknown) => reason);
  return await Promise.race([said, new Promise((resolve) => setImmediate(() => setImmediate(resolve, error)))]);
}

/** By folder: open, opening, or closing, which gives undefined. */
const stores = new Map<string, Promise<Store | undefined>>();

/** The store of a folder, opened if it is not, with one more handle. Fails: as lmdbJournal's `open`. */
export async function storeIn(folder: string, handle: object): Promise<Store> {
  for (;;) {
    let opening = stores.get(folder);
    if (opening === undefined) {
      opening = openStore(folder);
      stores.set(folder, opening);
      opening.catch(() => stores.delete(folder));
    }
    const store = await opening;
    if (store !== undefined && stores.get(folder) === opening) {
      store.handles.add(handle);
      return store;
    }
    // It was closing, and is closed by now.
    if (store === undefined && stores.get(folder) === opening) stores.delete(folder);
  }
}

async function openStore(folder: string): Promise<Store> {
  const open = await lmdbOpen();
  const file = join(folder, "data.mdb");
  let release: (() => void) | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    const others = readdirSync(folder).filter((name) => !/^(data\.mdb|lock\.mdb|owner\.lock.*)$/.test(name));
    if (others.length > 0 && !existsSync(file))
      throw corrupt(
        folder,
        { offset: 0, group: 0 },
        `found ${others[0]} and no data.mdb, expected a store or an empty folder`,
      );
    release = lock(folder);
    if (existsSync(file)) await checkPages(file, problemOf);
    const db = open(folder);
    try {
      await checkFormat(folder, db);
    } catch (error) {
      await db.close();
      throw error;
    }
    return new Store(folder, db, release);
  } catch (error) {
    release?.();
    if ((error as { code?: unknown }).code === "JOURNAL_CORRUPT" || error instanceof JournalLocked) throw error;
    throw new JournalFailed(folder, `it can not be opened: ${messageOf(error)}`, "not-started", { cause: error });
  }
}

/** Fails: PackageMissing. */
export async function lmdbOpen(): Promise<(folder: string) => LmdbDatabase> {
  try {
    const { open } = (await import("lmdb")) as unknown as { open: (options: object) => LmdbDatabase };
    // Without batches by turn: of these, lmdb 3.5.6 leaves a rejection unhandled when a commit fails.
    return (folder) =>
      open({
        eventTurnBatching: false,
        path: folder,
        noSubdir: false,
        encoding: "binary",
        keyEncoding: "binary",
        cache: false,
        maxDbs: 1,
      });
  } catch (error) {
    throw new PackageMissing("lmdb", "3.5.6", "lmdbJournal", { cause: error });
  }
}

/** Says in a new store what it is. Fails: JournalCorrupt, when it is something else. */
export async function checkFormat(folder: string, db: LmdbDatabase): Promise<void> {
  const found = db.get(formatKey);
  if (found !== undefined) {
    const text = new TextDecoder().decode(found);
    if (text === storeFormat) return;
    const later = /^antiphon journal \d+$/.test(text) ? "written by a later antiphon" : "damaged or foreign";
    throw corrupt(
      folder,
      { offset: 0, group: 0 },
      `found the format ${JSON.stringify(text.slice(0, 40))}, expected ${JSON.stringify(storeFormat)}: ${later}`,
    );
  }
  for (const _ of db.getRange({ limit: 1 }))
    throw corrupt(
      folder,
      { offset: 0, group: 0 },
      "found entries and no format, expected a store of antiphon: damaged or foreign",
    );
  await db.put(formatKey, new TextEncoder().encode(storeFormat));
  await db.flushed;
}

/** Keys are not in the checksum of what they lead to: one that was damaged would hide its group. */
function problemOf(key: Uint8Array, data: Uint8Array): string | undefined {
  if (key.length === 1 && key[0] === 0) return undefined;
  const from = key.length - 9;
  const isFound =
    from >= 0 &&
    data.length >= headerBytes + from &&
    data[5] === from &&
    isEqual(key.subarray(0, from), data.subarray(headerBytes, headerBytes + from)) &&
    isEqual(key, keyOf(key.subarray(0, from), numberOf(data)));
  return isFound ? undefined : "found an entry whose key is not that of its group: damaged or foreign";
}

function numberOf(frame: Uint8Array): number {
  const group = new DataView(frame.buffer, frame.byteOffset, frame.length).getBigUint64(16, true);
  return Number(BigInt.asUintN(53, group));
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** The part, 0, and the number in big-endian: in the order of the numbers. */
export function keyOf(part: Uint8Array, group: number): Uint8Array {
  const key = new Uint8Array(part.length + 9);
  key.set(part);
  new DataView(key.buffer).setBigUint64(part.length + 1, BigInt(group));
  return key;
}

function nothing(): void {}
