// One process at a time has a store: a file beside it says which. That of a process that is gone is taken over.

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { JournalLocked } from "./failure-journal.ts";

interface Owner {
  readonly pid: number;
  /** Tells it from another process that was given the same number later, where the system says when it began. */
  readonly began: string;
}

/**
 * Takes the lock of the store in the folder `path`; gives what releases it.
 * Fails: JournalLocked; errors of the file system.
 */
export function lock(path: string): () => void {
  const file = join(path, "owner.lock");
  const own = JSON.stringify({ pid: process.pid, began: beganAt(process.pid) });
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, own);
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      // A link is made whole or not at all, and by one process alone.
      if (linked(mine, file)) return () => release(file, own);
      const text = contentOf(file);
      if (text === undefined) continue;
      const owner = ownerOf(text);
      if (owner !== undefined && isThere(owner))
        throw new JournalLocked(
          path,
          `process ${owner.pid}`,
          `Stop it first; if it does not use the store, remove ${file}.`,
        );
      takeAway(file, text, mine);
    }
    throw new JournalLocked(path, "another process", "Several start at once: try again.");
  } finally {
    rmSync(mine, { force: true });
  }
}

function release(file: string, own: string): void {
  if (contentOf(file) === own) rmSync(file, { force: true });
}

/** Takes away what a dead process left, unless another one put its own there meanwhile. */
function takeAway(file: string, dead: string, mine: string): void {
  const aside = `${mine}.stale`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (contentOf(aside) !== dead) linked(aside, file);
  rmSync(aside, { force: true });
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") return false;
    throw error;
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function ownerOf(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Owner;
    return Number.isSafeInteger(owner.pid) && typeof owner.began === "string" ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isThere({ pid, began }: Owner): boolean {
  const now = beganAt(pid);
  // The same number, and another process: in a container each first process has number 1.
  if (began !== now && began !== "" && now !== "") return false;
  if (pid === process.pid) return now !== "";
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

/** Linux: of which boot, and when in it. Elsewhere empty. */
function beganAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${fields[19]}`;
  } catch {
    return "";
  }
}
