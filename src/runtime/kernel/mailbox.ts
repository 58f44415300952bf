// Where accepted messages wait. Three orders, one interface; the fifo ring is the hot one.
// A message is three values (type, payload, origin), kept side by side: a plain tell allocates nothing here.
// A withdrawn message leaves a gap that is skipped at take and squeezed out when gaps outnumber messages.

import type { Cell } from "./cell.ts";
import type { Request, Turn } from "./operation.ts";
import { Ring } from "./ring.ts";

/** What brought a message: the cell of the sender for a plain tell, else a request, or a turn of the actor's own. */
export interface Origin {
  /** False once it was withdrawn from the mailbox. */
  readonly queued: boolean;
  /** Undefined for a turn. */
  readonly sender: Cell | undefined;
  readonly request: Request | undefined;
  readonly turn: Turn | undefined;
}

/** The selector of a message; or a turn. */
export interface Named {
  readonly name: string;
}

/** Receives what {@link Mailbox.take} takes out. */
export interface Taken {
  what: Named;
  payload: unknown;
  origin: Origin;
}

export interface Mailbox {
  /** Messages waiting, gaps not counted. */
  readonly live: number;
  /** `by` is who puts it: a forwarder, else the sender. */
  put(what: Named, payload: unknown, origin: Origin, by?: Cell): void;
  /** The next message into `into`; false if there is none. */
  take(into: Taken): boolean;
  /** The payload that {@link take} would give; for worlds whose payloads are never undefined, as it is when none waits. */
  peek(): unknown;
  /** The message that came first of those waiting, whatever the order of take. */
  takeOldest(into: Taken): boolean;
  /** To be called after an origin here stopped being queued. */
  withdrawn(): void;
  /** Takes out what is not kept and gives it, oldest first. */
  remove(isKept: (type: string) => boolean): Taken[];
  /** Oldest first. Reads the structure, no counter. */
  forEach(visit: (what: Named, payload: unknown, origin: Origin) => void): void;
}

/** Where an actor's own turns wait. */
export class Lane extends Ring {
  /** The last start of the actor was a turn: a message that waits goes first. */
  turned = false;

  /** As its own payload: {@link peek} shows it. */
  add(turn: Turn): void {
    this.put(turn, turn, turn);
  }
}

/** Last in, first out. */
export class Stack implements Mailbox {
  readonly #ring = new Ring();

  get live(): number {
    return this.#ring.live;
  }

  put(what: Named, payload: unknown, origin: Origin): void {
    this.#ring.put(what, payload, origin);
  }

  take(into: Taken): boolean {
    return this.#ring.takeNewest(into);
  }

  takeOldest(into: Taken): boolean {
    return this.#ring.take(into);
  }

  peek(): unknown {
    return this.#ring.peekNewest();
  }

  withdrawn(): void {
    this.#ring.withdrawn();
  }

  remove(isKept: (type: string) => boolean): Taken[] {
    return this.#ring.remove(isKept);
  }

  forEach(visit: (what: Named, payload: unknown, origin: Origin) => void): void {
    this.#ring.forEach(visit);
  }
}

interface Ranked extends Taken {
  readonly rank: number;
  readonly order: number;
}

/** Highest rank first, equals in the order they came: a binary heap over (rank, order). */
export class Ranking implements Mailbox {
  live = 0;
  readonly #rank: (type: string, payload: unknown, origin: Origin) => number;
  #heap: Ranked[] = [];
  #put = 0;

  /** `rank` may throw: then nothing was put. */
  constructor(rank: (type: string, payload: unknown, origin: Origin) => number) {
    this.#rank = rank;
  }

  put(what: Named, payload: unknown, origin: Origin): void {
    const entry = { what, payload, origin, rank: this.#rank(what.name, payload, origin), order: this.#put++ };
    this.live++;
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  take(into: Taken): boolean {
    const top = this.#first();
    if (top === undefined) return false;
    into.what = top.what;
    into.payload = top.payload;
    into.origin = top.origin;
    this.#remove(0);
    this.live--;
    return true;
  }

  peek(): unknown {
    return this.#first()?.payload;
  }

  takeOldest(into: Taken): boolean {
    let oldest = -1;
    for (let i = 0; i < this.#heap.length; i++) {
      const entry = this.#heap[i] as Ranked;
      if (entry.origin.queued && (oldest < 0 || entry.order < (this.#heap[oldest] as Ranked).order)) oldest = i;
    }
    if (oldest < 0) return false;
    const entry = this.#remove(oldest);
    into.what = entry.what;
    into.payload = entry.payload;
    into.origin = entry.origin;
    this.live--;
    return true;
  }

  withdrawn(): void {
    this.live--;
    if (this.#heap.length > 32 && this.live * 2 < this.#heap.length) this.#squeeze(() => true);
  }

  remove(isKept: (type: string) => boolean): Taken[] {
    const removed: Taken[] = [];
    this.forEach((what, payload, origin) => {
      if (!isKept(what.name)) removed.push({ what, payload, origin });
    });
    this.#squeeze(isKept);
    return removed;
  }

  forEach(visit: (what: Named, payload: unknown, origin: Origin) => void): void {
    for (const { what, payload, origin } of [...this.#heap].sort((a, b) => a.order - b.order))
      if (origin.queued) visit(what, payload, origin);
  }

  /** Without the gaps before it. */
  #first(): Ranked | undefined {
    while (this.#heap[0]?.origin.queued === false) this.#remove(0);
    return this.#heap[0];
  }

  #squeeze(isKept: (type: string) => boolean): void {
    // Sorted by the heap's own order is a heap.
    this.#heap = this.#heap
      .filter((entry) => entry.origin.queued && isKept(entry.what.name))
      .sort((a, b) => (before(a, b) ? -1 : 1));
    this.live = this.#heap.length;
  }

  #remove(at: number): Ranked {
    const heap = this.#heap;
    const entry = heap[at] as Ranked;
    const last = heap.pop() as Ranked;
    if (at < heap.length) {
      heap[at] = last;
      this.#rise(at);
      this.#sink(at);
    }
    return entry;
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!before(heap[at] as Ranked, heap[parent] as Ranked)) return;
      swap(heap, at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    const heap = this.#heap;
    for (let at = from; ; ) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && before(heap[child] as Ranked, heap[first] as Ranked)) first = child;
      if (first === at) return;
      swap(heap, at, first);
      at = first;
    }
  }
}

function before(a: Ranked, b: Ranked): boolean {
  return a.rank > b.rank || (a.rank === b.rank && a.order < b.order);
}

function swap(heap: Ranked[], a: number, b: number): void {
  const held = heap[a] as Ranked;
  heap[a] = heap[b] as Ranked;
  heap[b] = held;
}
