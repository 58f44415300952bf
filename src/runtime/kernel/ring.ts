// The mailbox that nearly all actors have: first in, first out. Small while it is empty, quick while it is short.

import type { Mailbox, Named, Origin, Taken } from "./mailbox.ts";

const nameless: Named = { name: "" };
const firstCapacity = 4;
const keptCapacity = 1_024;

/**
 * First in, first out. A mailbox that holds one message at a time, as most do, keeps it in its own fields; what comes
 * behind it goes to a buffer, made when it is needed.
 */
export class Ring implements Mailbox {
  /** A field and not derived: it is read three times a message. */
  live = 0;
  // The oldest message, if there is an origin. Filled only when nothing waits; never a gap.
  #what: Named = nameless;
  #payload: unknown = undefined;
  #origin: Origin | undefined = undefined;
  #more: Buffer | undefined = undefined;

  put(what: Named, payload: unknown, origin: Origin): void {
    if (this.live++ > 0) {
      (this.#more ??= new Buffer()).push(what, payload, origin);
      return;
    }
    // It may hold gaps.
    if (this.#more !== undefined && this.#more.length > 0) this.#more = undefined;
    this.#what = what;
    this.#payload = payload;
    this.#origin = origin;
  }

  take(into: Taken): boolean {
    const origin = this.#origin;
    if (origin === undefined) return this.#more !== undefined && this.#shift(this.#more, into);
    into.what = this.#what;
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

  /** Takes the message that came last. */
  takeNewest(into: Taken): boolean {
    if (this.#more?.pop(into) !== true) return this.take(into);
    this.live--;
    return true;
  }

  peek(): unknown {
    return this.#payload ?? this.#more?.peek();
  }

  peekNewest(): unknown {
    return this.#more?.peekNewest() ?? this.#payload;
  }

  withdrawn(): void {
    this.live--;
    if (this.#origin?.queued === false) {
      this.#payload = undefined;
      this.#origin = undefined;
    } else this.#more?.withdrawn(this.live);
  }

  remove(isKept: (type: string) => boolean): Taken[] {
    const kept: Taken[] = [];
    const removed: Taken[] = [];
    this.forEach((what, payload, origin) => {
      (isKept(what.name) ? kept : removed).push({ what, payload, origin });
    });
    if (removed.length === 0) return removed;
    this.#payload = undefined;
    this.#origin = undefined;
    this.#more = undefined;
    this.live = 0;
    for (const { what, payload, origin } of kept) this.put(what, payload, origin);
    return removed;
  }

  forEach(visit: (what: Named, payload: unknown, origin: Origin) => void): void {
    if (this.#origin !== undefined) visit(this.#what, this.#payload, this.#origin);
    this.#more?.forEach(visit);
  }

  #shift(more: Buffer, into: Taken): boolean {
    const found = more.shift(into);
    if (found) this.live--;
    if (more.length === 0 && more.capacity > keptCapacity) this.#more = undefined;
    return found;
  }
}

/** A circular buffer, a power of two of messages, doubled when full. What was withdrawn stays in it, as a gap. */
class Buffer {
  /** Messages and gaps. */
  length = 0;
  #slots: unknown[] = empty(firstCapacity);
  #mask = firstCapacity - 1;
  #head = 0;

  get capacity(): number {
    return this.#mask + 1;
  }

  push(what: Named, payload: unknown, origin: Origin): void {
    if (this.length > this.#mask) this.#resize(this.capacity * 2);
    const at = ((this.#head + this.length) & this.#mask) * 3;
    const slots = this.#slots;
    slots[at] = what;
    slots[at + 1] = payload;
    slots[at + 2] = origin;
    this.length++;
  }

  /** Takes the oldest message. */
  shift(into: Taken): boolean {
    while (this.length > 0) {
      const found = this.#read(this.#head, into);
      this.#head = (this.#head + 1) & this.#mask;
      this.length--;
      if (found) return true;
    }
    return false;
  }

  /** Takes the newest. */
  pop(into: Taken): boolean {
    while (this.length > 0) if (this.#read((this.#head + --this.length) & this.#mask, into)) return true;
    return false;
  }

  peek(): unknown {
    let i = 0;
    while (i < this.length && !this.#isQueued(i)) i++;
    return i < this.length ? this.#payloadOf(i) : undefined;
  }

  peekNewest(): unknown {
    let i = this.length - 1;
    while (i >= 0 && !this.#isQueued(i)) i--;
    return i >= 0 ? this.#payloadOf(i) : undefined;
  }

  /** Squeezes the gaps out when they are many: `live` messages wait. */
  withdrawn(live: number): void {
    if (this.length > 32 && live * 2 < this.length) this.#resize(this.capacity);
  }

  forEach(visit: (what: Named, payload: unknown, origin: Origin) => void): void {
    for (let i = 0; i < this.length; i++) {
      const at = ((this.#head + i) & this.#mask) * 3;
      const origin = this.#slots[at + 2] as Origin;
      if (origin.queued) visit(this.#slots[at] as Named, this.#slots[at + 1], origin);
    }
  }

  /** Whether the i-th is no gap. */
  #isQueued(i: number): boolean {
    return (this.#slots[((this.#head + i) & this.#mask) * 3 + 2] as Origin).queued;
  }

  #payloadOf(i: number): unknown {
    return this.#slots[((this.#head + i) & this.#mask) * 3 + 1];
  }

  /** Empties a place. False if it was a gap. */
  #read(place: number, into: Taken): boolean {
    const slots = this.#slots;
    const at = place * 3;
    const origin = slots[at + 2] as Origin;
    into.what = slots[at] as Named;
    into.payload = slots[at + 1];
    slots[at + 1] = undefined;
    slots[at + 2] = undefined;
    if (!origin.queued) return false;
    into.origin = origin;
    return true;
  }

  /** Moves what is queued to `capacity` places, without the gaps. */
  #resize(capacity: number): void {
    const slots = empty(capacity);
    let end = 0;
    this.forEach((what, payload, origin) => {
      slots[end++] = what;
      slots[end++] = payload;
      slots[end++] = origin;
    });
    this.#slots = slots;
    this.#mask = capacity - 1;
    this.#head = 0;
    this.length = end / 3;
  }
}

function empty(capacity: number): unknown[] {
  return new Array(capacity * 3).fill(undefined);
}
