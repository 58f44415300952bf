// What comes due in a store, soonest first: ends of delays and of lives. Entries are not taken out when they are void:
// whoever takes one looks whether it still holds, and when they have doubled the void ones are swept out.

/** The soonest first, and of equal times the lowest `order`. */
interface Due<T> {
  readonly at: number;
  readonly order: number;
  readonly what: T;
}

const sweptAt = 4_096;

/** A binary heap over (time, order). */
export class Agenda<T> {
  readonly #isVoid: (what: T) => boolean;
  #heap: Due<T>[] = [];
  #put = 0;
  #sweepAt = sweptAt;

  /** `isVoid` says of what it will never be due. */
  constructor(isVoid: (what: T) => boolean) {
    this.#isVoid = isVoid;
  }

  get length(): number {
    return this.#heap.length;
  }

  /** World time of the soonest, in ms; Infinity when nothing is due. */
  get soonest(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Of equal times the lowest `order` is the first; the one put first, by default. */
  put(at: number, what: T, order: number = this.#put++): void {
    if (this.#heap.length >= this.#sweepAt) this.#sweep();
    const heap = this.#heap;
    const due = { at, order, what };
    let place = heap.length;
    heap.push(due);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(due, heap[parent] as Due<T>)) break;
      heap[place] = heap[parent] as Due<T>;
      place = parent;
    }
    heap[place] = due;
  }

  #sweep(): void {
    // Sorted by the heap's own order is a heap.
    this.#heap = this.#heap.filter(({ what }) => !this.#isVoid(what)).sort((a, b) => (before(a, b) ? -1 : 1));
    this.#sweepAt = Math.max(sweptAt, this.#heap.length * 2);
  }

  peek(): T | undefined {
    return this.#heap[0]?.what;
  }

  take(): T | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top?.what;
    let place = 0;
    for (let child = 1; child < heap.length; child = 2 * place + 1) {
      if (child + 1 < heap.length && before(heap[child + 1] as Due<T>, heap[child] as Due<T>)) child++;
      if (!before(heap[child] as Due<T>, last)) break;
      heap[place] = heap[child] as Due<T>;
      place = child;
    }
    heap[place] = last;
    return top.what;
  }
}

function before<T>(a: Due<T>, b: Due<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
