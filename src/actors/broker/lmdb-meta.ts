// The meta pages of an LMDB file: what each says, and which one LMDB goes by.
// Source: lmdb-js 3.5, mdb.c, mdb_pick_meta. Pages 0 and 1 hold the states after the last two transactions; half a page
// behind the first stands the last one that was flushed, which counts after a crash of the machine.

import { readFileSync } from "node:fs";

export interface Tree {
  readonly pad: number;
  readonly flags: number;
  readonly branches: bigint;
  readonly leaves: bigint;
  readonly overflows: bigint;
  readonly entries: bigint;
  readonly depth: number;
  /** {@link noPage}, when it is empty. */
  readonly root: bigint;
}

export interface Meta {
  /** Where it stands, in bytes. */
  readonly at: number;
  readonly pageBytes: number;
  readonly mapBytes: bigint;
  readonly free: Tree;
  readonly main: Tree;
  readonly lastPage: bigint;
  readonly transaction: bigint;
  readonly boot: bigint;
}

export const noPage = 0xffff_ffff_ffff_ffffn;
/** Bytes of a page's head and of the meta behind it. */
export const metaBytes = 168;
/** Among the flags of the tree of free pages: those of the whole file stand there. */
export const overlappingSync = 0x1000;

/** The one in `view`, which begins with the head of its page; it stands at `at` in the file. */
export function metaOf(view: DataView, at: number): Meta {
  return {
    at,
    pageBytes: view.getUint32(48, true),
    mapBytes: view.getBigUint64(40, true),
    free: treeAt(view, 48),
    main: treeAt(view, 96),
    lastPage: view.getBigUint64(144, true),
    transaction: view.getBigUint64(152, true),
    boot: view.getBigUint64(160, true),
  };
}

/** Which one LMDB takes when it opens the file with nobody else there; `flushed` is undefined where none was written. */
export function picked(first: Meta, second: Meta, flushed: Meta | undefined): Meta {
  const boot = bootNow();
  const pick = (a: Meta, b: Meta): Meta => {
    const latest = a.transaction >= b.transaction ? a : b;
    if (b.transaction === 0n) return a;
    if ((latest.boot !== 0n && latest.boot === boot) || (latest.free.flags & overlappingSync) === 0) return latest;
    return a.transaction > b.transaction ? b : a;
  };
  const latest = pick(first, second);
  return flushed === undefined ? latest : pick(latest, flushed);
}

/** The first 32 bits of the name of this boot of the machine, as LMDB reads it; 0 where there is none. */
function bootNow(): bigint {
  try {
    const name = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
    return BigInt(Number.parseInt(name, 16));
  } catch {
    return 0n;
  }
}

function treeAt(view: DataView, at: number): Tree {
  return {
    pad: view.getUint32(at, true),
    flags: view.getUint16(at + 4, true),
    depth: view.getUint16(at + 6, true),
    branches: view.getBigUint64(at + 8, true),
    leaves: view.getBigUint64(at + 16, true),
    overflows: view.getBigUint64(at + 24, true),
    entries: view.getBigUint64(at + 32, true),
    root: view.getBigUint64(at + 40, true),
  };
}
