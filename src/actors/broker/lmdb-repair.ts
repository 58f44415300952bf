// Makes a store readable again: what can be read is found by its own marks in the bytes of the file, whatever became of the
// pages around it, and goes into a new file; the damaged one stays beside it.

import { existsSync, linkSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import { JournalFailed } from "./failure-journal.ts";
import { encodeGroup, encodeSnapshot, type Frame, frameBytes, isFrame, kinds, readFrame, recordsOf } from "./format.ts";
import { lock } from "./lmdb-lock.ts";
import { checkFormat, keyOf, lmdbOpen } from "./lmdb-store.ts";

/** What became of one journal of a store. */
export interface RepairedPart {
  readonly part: string;
  /** Its last readable snapshot was kept. */
  readonly snapshot: boolean;
  /** Groups and records that were kept, behind the snapshot. */
  readonly groups: number;
  readonly records: number;
  /** Numbers of the groups that are known to be lost: first and last of each gap. What was lost at the end is not known. */
  readonly lost: readonly (readonly [first: number, last: number])[];
}

export interface Repair {
  readonly parts: readonly RepairedPart[];
  /** The file as it was. */
  readonly damaged: string;
  readonly text: string;
}

/**
 * Repairs the store in the folder `path`, which nobody has open.
 *
 * Promises: every group and the last snapshot that can be read are kept, in order, and numbered anew where some between
 * them are lost; nothing is kept that was not written; the file as it was stays beside it. Groups that were written and
 * never confirmed may be among what is kept. If the process ends meanwhile, the old file or the new one is there.
 * Fails: JournalLocked; JournalFailed, when there is no file or the new one can not be written; PackageMissing.
 * Cost: reads the whole file into memory.
 */
export async function repairJournal(path: string): Promise<Repair> {
  if (typeof path !== "string" || path === "") throw new InvalidOption("path", path, "the name of a folder");
  const folder = resolve(path);
  const file = join(folder, "data.mdb");
  if (!existsSync(file)) throw new JournalFailed(folder, "there is no data.mdb to repair");
  const open = await lmdbOpen();
  const release = lock(folder);
  try {
    const found = frames(await readFile(file));
    const fresh = join(folder, "repair");
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh);
    const db = open(fresh);
    const parts: RepairedPart[] = [];
    try {
      await checkFormat(fresh, db);
      for (const [part, list] of [...found].sort(([one], [other]) => (one < other ? -1 : 1))) {
        const { repaired, entries } = repair(part, list);
        parts.push(repaired);
        for (const [key, frame] of entries) await db.put(key, frame);
      }
      await db.flushed;
    } finally {
      await db.close();
    }
    let n = 1;
    while (existsSync(`${file}.damaged-${n}`)) n++;
    const damaged = `${file}.damaged-${n}`;
    linkSync(file, damaged);
    renameSync(join(fresh, "data.mdb"), file);
    for (const left of [fresh, join(folder, "lock.mdb")]) rmSync(left, { recursive: true, force: true });
    return { parts, damaged, text: textOf(parts, damaged) };
  } finally {
    release();
  }
}

/** Every whole frame in the bytes, by part; of those with one number, the one written last. */
function frames(bytes: Buffer): Map<string, Map<number, Frame>> {
  const found = new Map<string, Map<number, Frame>>();
  for (let at = bytes.indexOf("APH"); at >= 0; ) {
    const frame = readFrame(bytes, at);
    if (!isFrame(frame)) {
      at = bytes.indexOf("APH", at + 1);
      continue;
    }
    const part = new TextDecoder().decode(frame.part);
    let groups = found.get(part);
    if (groups === undefined) found.set(part, (groups = new Map()));
    const same = groups.get(frame.group);
    if (same === undefined || same.opening < frame.opening) groups.set(frame.group, frame);
    // What is inside it is its own affair.
    at = bytes.indexOf("APH", at + frameBytes(frame));
  }
  return found;
}

function repair(
  part: string,
  found: ReadonlyMap<number, Frame>,
): { repaired: RepairedPart; entries: (readonly [Uint8Array, Uint8Array])[] } {
  const all = [...found.values()].sort((one, other) => one.group - other.group);
  const last = all.findLastIndex(({ kind }) => kind === kinds.snapshot);
  const snapshot = all[last];
  const name = new TextEncoder().encode(part);
  const entries: (readonly [Uint8Array, Uint8Array])[] = [];
  const lost: (readonly [number, number])[] = [];
  let group = snapshot?.group ?? 0;
  let expected = group + 1;
  let { opening } = snapshot ?? { opening: 1 };
  let records = 0;
  if (snapshot !== undefined) entries.push([keyOf(name, group), encodeSnapshot(group, opening, snapshot.body, name)]);
  for (const frame of all.slice(last + 1)) {
    // Left over from a group that was refused, and whose number was given again.
    if (frame.opening < opening) continue;
    opening = frame.opening;
    if (frame.group > expected) lost.push([expected, frame.group - 1]);
    expected = frame.group + 1;
    const content = [...recordsOf(frame)];
    records += content.length;
    group++;
    entries.push([keyOf(name, group), encodeGroup(group, opening, content, name)]);
  }
  const groups = entries.length - (snapshot === undefined ? 0 : 1);
  return { repaired: { part, snapshot: snapshot !== undefined, groups, records, lost }, entries };
}

function textOf(parts: readonly RepairedPart[], damaged: string): string {
  const lines = parts.map(({ part, snapshot, groups, records, lost }) => {
    const gaps = lost.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`)).join(", ");
    const kept = `kept ${snapshot ? "a snapshot and " : ""}${groups} groups with ${records} records`;
    return `${part === "" ? "the journal" : `part ${part}`}: ${kept}; ${gaps === "" ? "none between them is lost" : `lost are groups ${gaps}`}`;
  });
  return [...lines, `What was lost behind the last one is not known. The file as it was: ${damaged}`].join("\n");
}
