// Where accepted messages wait. Three orders, one interface; the fifo ring is the hot one.
// A message is three values (type, payload, origin), kept side by side: a plain tell allocates nothing here.
// A withdrawn message leaves a gap that is skipped at take and squeezed out when gaps outnumber messages.

import type { Cell } from "./cell.ts";
import type { Request, Turn } from "./operation.ts";

/** What brought a message: the cell of the sender for a plain tell, else a request, or a turn of the actor's own. */
export interface Origin {
  /** False once it was withdrawn from the mailbox. */
  readonly queued: boolean;
  /** Undefined for a turn. */
  readonly sender: Cell | undefined;
  readonly request: Request | undefined;
  readonly turn: Turn | undefined;
}

/** Receives what {@link Mailbox.take} takes out. */
export interface Taken {
  type: string;
  payload: unknown;
  origin: Origin;
}

export interface Mailbox {
  /** Messages waiting, gaps not counted. */
  readonly live: number;
  /** `by` is who puts it: a forwarder, else the sender. */
  put(type: string, payload: unknown, origin: Origin, by?: Cell): void;
  /** The next message into `into`; false if there is none. */
  take(into: Taken): boolean;
  /** Shows in `into` what {@link take} would give. */
  peek(into: Taken): boolean;
  /** The message that came first of those waiting, whatever the order of take. */
  takeOldest(into: Taken): boolean;
  /** To be called after an origin here stopped being queued. */
  withdrawn(): void;
  /** Takes out what is not kept and gives it, oldest first. */
  remove(isKept: (type: string) => boolean): Taken[];
  /** Oldest first. Reads the structure, no counter. */
  forEach(visit: (type: string, payload: unknown, origin: Origin) => void): void;
}

const firstCapacity = 4;
/** Of mailboxes that need no buffer; never written. */
const none: unknown[] = [];
const keptCapacity = 1_024;

/**
 * First in, first out. A mailbox that holds one message at a time, as most do, keeps it in its own fields; behind that
 * is a circular buffer, a power of two of messages, doubled when full.
 */
export class Ring implements Mailbox {
  /** A field and not derived: it is read three times a message. */
  live = 0;
  // The oldest message, if there is an origin. Filled only when nothing waits; never a gap.
  #type = "";
  #payload: unknown = undefined;
  #origin: Origin | undefined = undefined;
  #slots: unknown[] = none;
  #mask = -1;
  #head = 0;
  /** Messages and gaps in the buffer. */
  #length = 0;

  put(type: string, payload: unknown, origin: Origin): void {
    if (this.live++ === 0) {
      if (this.#length > 0) this.#release();
      this.#type = type;
      this.#payload = payload;
      this.#origin = origin;
      return;
    }
    if (this.#length > this.#mask) this.#resize(this.#mask < 0 ? firstCapacity : (this.#mask + 1) * 2);
    const at = ((this.#head + this.#length) & this.#mask) * 3;
    const slots = this.#slots;
    slots[at] = type;
    slots[at + 1] = payload;
    slots[at + 2] = origin;
    this.#length++;
  }

  take(into: Taken): boolean {
    const origin = this.#origin;
    if (origin === undefined) return this.#length > 0 && this.#shift(into);
    into.type = this.#type;
    into.payload = this.#payload;
    into.origin = origin;
    this.#payload = undefined;
    this.#origin = undefined;
    this.live--;
    return true;
  }

  takeOldest(into: Taken): boolean {
    return this.take(into);
  }

  peek(into: Taken): boolean {
    if (this.#origin !== undefined) return this.#showFirst(into);
    for (let i = 0; i < this.#length; i++) if (this.#show(i, into)) return true;
    return false;
  }

  peekNewest(into: Taken): boolean {
    for (let i = this.#length - 1; i >= 0; i--) if (this.#show(i, into)) return true;
    return this.#showFirst(into);
  }

  #showFirst(into: Taken): boolean {
    if (this.#origin === undefined) return false;
    into.type = this.#type;
    into.payload = this.#payload;
    into.origin = this.#origin;
    return true;
  }

  /** Shows the i-th message of the buffer. False if it is a gap. */
  #show(i: number, into: Taken): boolean {
    const at = ((this.#head + i) & this.#mask) * 3;
    const origin = this.#slots[at + 2] as Origin;
    if (!origin.queued) return false;
    into.type = this.#slots[at] as string;
    into.payload = this.#slots[at + 1];
    into.origin = origin;
    return true;
  }

  /** Takes the message that came last. */
  takeNewest(into: Taken): boolean {
    while (this.#length > 0) {
      this.#length--;
      if (this.#read((this.#head + this.#length) & this.#mask, into)) return true;
    }
    return this.take(into);
  }

  withdrawn(): void {
    this.live--;
    if (this.#origin?.queued === false) {
      this.#payload = undefined;
      this.#origin = undefined;
    } else if (this.#length > 32 && this.live * 2 < this.#length) this.#resize(this.#mask + 1);
  }

  remove(isKept: (type: string) => boolean): Taken[] {
    const kept: Taken[] = [];
    const removed: Taken[] = [];
    this.forEach((type, payload, origin) => {
      (isKept(type) ? kept : removed).push({ type, payload, origin });
    });
    if (removed.length === 0) return removed;
    this.#payload = undefined;
    this.#origin = undefined;
    this.live = 0;
    this.#release();
    for (const { type, payload, origin } of kept) this.put(type, payload, origin);
    return removed;
  }

  forEach(visit: (type: string, payload: unknown, origin: Origin) => void): void {
    if (this.#origin !== undefined) visit(this.#type, this.#payload, this.#origin);
    for (let i = 0; i < this.#length; i++) {
      const at = ((this.#head + i) & this.#mask) * 3;
      const origin = this.#slots[at + 2] as Origin;
      if (origin.queued) visit(this.#slots[at] as string, this.#slots[at + 1], origin);
    }
  }

  /** The oldest message of the buffer. */
  #shift(into: Taken): boolean {
    while (this.#length > 0) {
      const found = this.#read(this.#head, into);
      this.#head = (this.#head + 1) & this.#mask;
      if (--this.#length === 0 && this.#mask >= keptCapacity) this.#release();
      if (found) return true;
    }
    return false;
  }

  /** Empties a place of the buffer. False if it was a gap. */
  #read(place: number, into: Taken): boolean {
    const slots = this.#slots;
    const at = place * 3;
    const origin = slots[at + 2] as Origin;
    into.type = slots[at] as string;
    into.payload = slots[at + 1];
    slots[at + 1] = undefined;
    slots[at + 2] = undefined;
    if (!origin.queued) return false;
    into.origin = origin;
    this.live--;
    return true;
  }

  /** Nothing but gaps is in the buffer: its memory is given back. */
  #release(): void {
    this.#slots = none;
    this.#mask = -1;
    this.#head = 0;
    this.#length = 0;
  }

  /** Moves what is queued to a buffer of `capacity` messages, without the gaps. */
  #resize(capacity: number): void {
    const slots: unknown[] = new Array(capacity * 3).fill(undefined);
    let length = 0;
    for (let i = 0; i < this.#length; i++) {
      const at = ((this.#head + i) & this.#mask) * 3;
      if (!(this.#slots[at + 2] as Origin).queued) continue;
      slots[length * 3] = this.#slots[at];
      slots[length * 3 + 1] = this.#slots[at + 1];
      slots[length * 3 + 2] = this.#slots[at + 2];
      length++;
    }
    this.#slots = slots;
    this.#mask = capacity - 1;
    this.#head = 0;
    this.#length = length;
  }
}

/** Where an actor's own turns wait. */
export class Lane extends Ring {
  /** The last start of the actor was a turn: a message that waits goes first. */
  turned = false;
}

/** Last in, first out. */
export class Stack implements Mailbox {
  readonly #ring = new Ring();

  get live(): number {
    return this.#ring.live;
  }

  put(type: string, payload: unknown, origin: Origin): void {
    this.#ring.put(type, payload, origin);
  }

  take(into: Taken): boolean {
    return this.#ring.takeNewest(into);
  }

  takeOldest(into: Taken): boolean {
    return this.#ring.take(into);
  }

  peek(into: Taken): boolean {
    return this.#ring.peekNewest(into);
  }

  withdrawn(): void {
    this.#ring.withdrawn();
  }

  remove(isKept: (type: string) => boolean): Taken[] {
    return this.#ring.remove(isKept);
  }

  forEach(visit: (type: string, payload: unknown, origin: Origin) => void): void {
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

  put(type: string, payload: unknown, origin: Origin): void {
    const entry = { type, payload, origin, rank: this.#rank(type, payload, origin), order: this.#put++ };
    this.live++;
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  take(into: Taken): boolean {
    if (!this.peek(into)) return false;
    this.#remove(0);
    this.live--;
    return true;
  }

  peek(into: Taken): boolean {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (top.origin.queued) {
        into.type = top.type;
        into.payload = top.payload;
        into.origin = top.origin;
        return true;
      }
      this.#remove(0);
    }
    return false;
  }

  takeOldest(into: Taken): boolean {
    let oldest = -1;
    for (let i = 0; i < this.#heap.length; i++) {
      const entry = this.#heap[i] as Ranked;
      if (entry.origin.queued && (oldest < 0 || entry.order < (this.#heap[oldest] as Ranked).order)) oldest = i;
    }
    if (oldest < 0) return false;
    const entry = this.#remove(oldest);
    into.type = entry.type;
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
    this.forEach((type, payload, origin) => {
      if (!isKept(type)) removed.push({ type, payload, origin });
    });
    this.#squeeze(isKept);
    return removed;
  }

  forEach(visit: (type: string, payload: unknown, origin: Origin) => void): void {
    for (const entry of [...this.#heap].sort((a, b) => a.order - b.order))
      if (entry.origin.queued) visit(entry.type, entry.payload, entry.origin);
  }

  #squeeze(isKept: (type: string) => boolean): void {
    // Sorted by the heap's own order is a heap.
    this.#heap = this.#heap
      .filter((entry) => entry.origin.queued && isKept(entry.type))
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
