// Looks through the pages of an LMDB file before LMDB does: that has no checksums, and a damaged page may end the process.
// Source of the layout: lmdb-js 3.5 (LMDB data version 2), mdb.c; every page begins with its number, u64, transaction, u64,
// pad, flags, lower and upper bound, u16 each; bounds and pointers count from behind that. Numbers are little-endian: that of other processors is not checked.

import { open } from "node:fs/promises";
import { corrupt } from "./format.ts";
import { type Meta, metaBytes, metaOf, noPage, overlappingSync, picked, type Tree } from "./lmdb-meta.ts";

const pageHead = 24;
const flags = { branch: 1, leaf: 2, overflow: 4, meta: 8 } as const;
const bigData = 1;
const integerKeys = 8;
const magic = 0xbeef_c0de;
const chunkBytes = 1 << 20;
/** What a process can address. */
const mapBytesMax = 0x7fff_0000_0000n;

/**
 * Checks that the file is an LMDB file of this layout and that its two trees are whole: every page is where the tree says,
 * says so itself, is used once and not free, and the counts are right.
 *
 * Fails: JournalCorrupt, with the offset. Cost: reads the file once, 1 MiB at a time, off the event loop.
 */
export async function checkPages(file: string, problemOf: ProblemOf): Promise<void> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    if (size === 0) return;
    const read: Read = async (at, into) => {
      await handle.read(into, 0, into.length, at);
    };
    await new Check(file, size, read, problemOf).all();
  } finally {
    await handle.close();
  }
}

/** What is wrong with an entry, of whose data it is given the first bytes, in one page; undefined for nothing. */
export type ProblemOf = (key: Uint8Array, data: Uint8Array) => string | undefined;

type Read = (at: number, into: Uint8Array) => Promise<void>;

class Check {
  readonly #file: string;
  readonly #size: number;
  readonly #read: Read;
  readonly #problemOf: ProblemOf;
  #pageBytes = 4_096;
  #lastPage = 0;
  readonly #free = new Set<number>();
  #transaction = 0n;
  readonly #used = new Set<number>();
  #chunk: DataView = new DataView(new ArrayBuffer(0));
  #chunkAt = -1;

  constructor(file: string, size: number, read: Read, problemOf: ProblemOf) {
    this.#file = file;
    this.#size = size;
    this.#read = read;
    this.#problemOf = problemOf;
  }

  async all(): Promise<void> {
    const first = await this.#meta(0);
    this.#pageBytes = first.pageBytes;
    const second = await this.#meta(1);
    const half = this.#pageBytes >> 1;
    const flushed = metaOf(await this.#bytes(half, metaBytes), half);
    const all = flushed.transaction === 0n ? [first, second] : [first, second, flushed];
    for (const meta of all) this.#geometry(meta, first.pageBytes);
    // Of one transaction, both say the same.
    for (const meta of [first, second])
      if (meta.transaction === flushed.transaction && flushed.transaction !== 0n)
        this.#expect(isSame(meta, flushed), 0, `found two states of transaction ${meta.transaction}`);
    const last = picked(first, second, all[2]);
    await this.#trees(last);
    const root = await this.#rootTransaction(last);
    const page = last.at / this.#pageBytes;
    const said = `found transaction ${last.transaction}, and its tree is of ${root}`;
    this.#expect(root === undefined || root === last.transaction, page, said);
    for (const other of all)
      if (other !== last && other.boot === last.boot) await this.#checkOlder(other, last.transaction);
  }

  /** LMDB takes the sizes from any of them. */
  #geometry({ at, pageBytes, lastPage, mapBytes, free, main }: Meta, expected: number): void {
    const page = at / this.#pageBytes;
    this.#expect(pageBytes === expected, page, `found pages of ${pageBytes} bytes and of ${expected}`);
    const isPlain = (free.flags & ~overlappingSync) === integerKeys && main.flags === 0 && main.pad === 0;
    this.#expect(isPlain, page, `found trees with flags ${free.flags} and ${main.flags}`);
    const bytes = (lastPage + 1n) * BigInt(pageBytes);
    this.#expect(
      lastPage <= 1n || bytes <= BigInt(this.#size),
      page,
      `found ${this.#size} bytes, expected ${bytes}: cut`,
    );
    this.#expect(mapBytes % 4_096n === 0n && mapBytes < mapBytesMax, page, `found a map of ${mapBytes} bytes`);
  }

  async #trees(meta: Meta): Promise<void> {
    this.#lastPage = Number(meta.lastPage);
    this.#transaction = meta.transaction;
    this.#used.clear();
    this.#free.clear();
    await this.#tree(meta.main, false);
    await this.#tree(meta.free, true);
    for (const page of this.#free) this.#expect(!this.#used.has(page), page, "a page is used and free");
  }

  /** Of the main tree, which every transaction of ours changes; undefined for a page that is another by now. */
  async #rootTransaction({ main }: Meta): Promise<bigint | undefined> {
    const page = Number(main.root);
    if (main.root === noPage || (page + 1) * this.#pageBytes > this.#size) return undefined;
    const view = await this.#page(page);
    return view.getBigUint64(0, true) === main.root ? view.getBigUint64(8, true) : undefined;
  }

  /**
   * The meta page that counts as the older one may be the newer, with a damaged number. Then its tree is whole and of a
   * later transaction; of a true older one, a transaction that was cut off may have taken pages, and it is not whole.
   */
  async #checkOlder(meta: Meta, transaction: bigint): Promise<void> {
    const root = await this.#rootTransaction(meta);
    if (root === undefined || root <= transaction) return;
    try {
      await this.#trees({ ...meta, transaction: root });
    } catch {
      return;
    }
    this.#expect(false, 0, `found transaction ${transaction} last, and a whole tree of ${root}`);
  }

  async #meta(page: number): Promise<Meta> {
    const view = await this.#page(page);
    this.#expect(
      view.getUint32(pageHead, true) === magic,
      page,
      `found ${view.getUint32(pageHead, true).toString(16)}, expected ${magic.toString(16)}: no LMDB file, or damaged`,
    );
    this.#expect(view.getUint16(18, true) === flags.meta, page, "no meta page");
    const version = view.getUint32(pageHead + 4, true);
    this.#expect(version === 2, page, `found LMDB data version ${version & 0xffff}, expected 2`);
    const meta = metaOf(view, page * this.#pageBytes);
    const { pageBytes } = meta;
    const isPower = (pageBytes & (pageBytes - 1)) === 0;
    this.#expect(isPower && pageBytes >= 512 && pageBytes <= 65_536, page, `found pages of ${pageBytes} bytes`);
    return meta;
  }

  async #tree(tree: Tree, isFree: boolean): Promise<void> {
    if (tree.root === noPage) {
      this.#expect(tree.entries === 0n, 0, `found ${tree.entries} entries and no root`);
      return;
    }
    const counts = { branches: 0, leaves: 0, overflows: 0, entries: 0 };
    let previous: Uint8Array | undefined;
    const visit = async (number: number, depth: number): Promise<void> => {
      const view = await this.#claim(number, 1);
      const kind = view.getUint16(18, true);
      const lower = view.getUint16(20, true);
      const upper = view.getUint16(22, true);
      const isLeaf = depth === tree.depth;
      this.#expect(
        kind === (isLeaf ? flags.leaf : flags.branch),
        number,
        `found a page of kind ${kind}, expected ${isLeaf ? "a leaf" : "a branch"}`,
      );
      this.#expect(
        lower % 2 === 0 && lower <= upper && pageHead + upper <= this.#pageBytes,
        number,
        `found bounds ${lower} and ${upper}`,
      );
      const nodes = lower / 2;
      if (isLeaf) counts.leaves++;
      else counts.branches++;
      this.#expect(nodes > 0, number, "an empty page");
      const children: number[] = [];
      for (let i = 0; i < nodes; i++) {
        const at = pageHead + view.getUint16(pageHead + 2 * i, true);
        this.#expect(at >= pageHead + upper && at + 8 <= this.#pageBytes, number, `node ${i} is not in its page`);
        const low = view.getUint16(at, true) + view.getUint16(at + 2, true) * 65_536;
        const nodeFlags = view.getUint16(at + 4, true);
        const keyBytes = view.getUint16(at + 6, true);
        this.#expect(at + 8 + keyBytes <= this.#pageBytes, number, `node ${i} is not in its page`);
        if (!isLeaf) {
          children.push(low + nodeFlags * 4_294_967_296);
          continue;
        }
        this.#expect((nodeFlags & ~bigData) === 0, number, `node ${i} has flags ${nodeFlags}`);
        const key = new Uint8Array(view.buffer, view.byteOffset + at + 8, keyBytes).slice();
        if (!isFree) {
          this.#expect(previous === undefined || compare(previous, key) < 0, number, `node ${i} is not in order`);
          previous = key;
        }
        counts.entries++;
        const dataAt = at + 8 + keyBytes;
        if ((nodeFlags & bigData) === 0) {
          this.#expect(dataAt + low <= this.#pageBytes, number, `the data of node ${i} are not in its page`);
          if (isFree) this.#list(number, view, dataAt, low);
          else this.#entry(number, key, view, dataAt, low);
          continue;
        }
        const page = Number(view.getBigUint64(dataAt, true));
        const pages = Math.ceil((low + pageHead) / this.#pageBytes);
        const big = await this.#claim(page, pages);
        this.#expect(
          big.getUint16(18, true) === flags.overflow && big.getUint32(20, true) === pages,
          page,
          `no overflow pages of ${low} bytes`,
        );
        counts.overflows += pages;
        if (!isFree) this.#entry(page, key, big, pageHead, this.#pageBytes - pageHead);
        else this.#list(page, await this.#bytes(page * this.#pageBytes, pages * this.#pageBytes), pageHead, low);
      }
      for (const child of children) await visit(child, depth + 1);
    };
    await visit(Number(tree.root), 1);
    for (const [what, count] of Object.entries(counts))
      this.#expect(
        tree[what as keyof typeof counts] === BigInt(count),
        0,
        `found ${count} ${what}, expected ${tree[what as keyof typeof counts]}`,
      );
  }

  #entry(number: number, key: Uint8Array, view: DataView, at: number, bytes: number): void {
    const problem = this.#problemOf(key, new Uint8Array(view.buffer, view.byteOffset + at, bytes));
    if (problem !== undefined) this.#expect(false, number, problem);
  }

  /** A list of pages: a count, then numbers; a negative one is the length of a run that begins with the next. */
  #list(number: number, view: DataView, at: number, bytes: number): void {
    this.#expect(bytes >= 8 && bytes % 8 === 0, number, "no list of free pages");
    const count = Number(view.getBigInt64(at, true));
    this.#expect(count >= 0 && count * 8 <= bytes - 8, number, `found ${count} free pages in ${bytes} bytes`);
    let run = 1;
    for (let i = 1; i <= count; i++) {
      const entry = Number(view.getBigInt64(at + 8 * i, true));
      if (entry < 0) {
        this.#expect(run === 1 && -entry <= this.#lastPage, number, `found a run of ${-entry} free pages`);
        run = -entry;
        continue;
      }
      // 0 is a gap in a list.
      for (let page = entry; entry > 0 && page < entry + run; page++) {
        this.#expect(
          page >= 2 && page <= this.#lastPage,
          number,
          `page ${page} is free, and the last is ${this.#lastPage}`,
        );
        this.#expect(!this.#free.has(page), number, `page ${page} is free twice`);
        this.#free.add(page);
      }
      run = 1;
    }
  }

  async #claim(number: number, pages: number): Promise<DataView> {
    this.#expect(
      number >= 2 && number + pages - 1 <= this.#lastPage,
      number,
      `page ${number} is used, and the last is ${this.#lastPage}`,
    );
    for (let page = number; page < number + pages; page++) {
      this.#expect(!this.#used.has(page), page, "a page is used twice");
      this.#used.add(page);
    }
    const view = await this.#page(number);
    const written = view.getBigUint64(8, true);
    this.#expect(
      written <= this.#transaction,
      number,
      `found transaction ${written}, and the last is ${this.#transaction}`,
    );
    this.#expect(view.getBigUint64(0, true) === BigInt(number), number, `found page ${view.getBigUint64(0, true)}`);
    return view;
  }

  #page(number: number): Promise<DataView> {
    return this.#bytes(number * this.#pageBytes, this.#pageBytes);
  }

  async #bytes(at: number, bytes: number): Promise<DataView> {
    this.#expect(at + bytes <= this.#size, Math.floor(at / this.#pageBytes), `found ${this.#size} bytes: cut`);
    if (this.#chunkAt < 0 || at < this.#chunkAt || at + bytes > this.#chunkAt + this.#chunk.byteLength) {
      const chunk = new Uint8Array(Math.min(Math.max(chunkBytes, bytes), this.#size - at));
      await this.#read(at, chunk);
      this.#chunk = new DataView(chunk.buffer);
      this.#chunkAt = at;
    }
    return new DataView(this.#chunk.buffer, at - this.#chunkAt, bytes);
  }

  #expect(is: boolean, page: number, what: string): void {
    if (!is) throw corrupt(this.#file, { offset: page * this.#pageBytes, group: 0 }, `${what}, in page ${page}`);
  }
}

function isSame(one: Meta, other: Meta): boolean {
  const said = ({ free, main, lastPage }: Meta) => [lastPage, free.root, free.entries, ...Object.values(main)].join();
  return said(one) === said(other);
}

function compare(one: Uint8Array, other: Uint8Array): number {
  for (let i = 0; i < Math.min(one.length, other.length); i++) {
    const difference = (one[i] as number) - (other[i] as number);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}
