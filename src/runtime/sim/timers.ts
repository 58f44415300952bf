// What comes due in virtual time: a 4-ary heap over (time, order of arming), with places kept, so that disarming needs no
// search. Times stand in a typed array: sifting reads no object but the one it moves.
// Source: D. H. Larkin, S. Sen, R. E. Tarjan, "A back-to-basics empirical study of priority queues" (2014), implicit heaps.

import type { Timed } from "../kernel/operation.ts";

const firstCapacity = 64;
const none = new Float64Array(0);

/** Fields and long methods: each call on the way of an event shows in the time of a simulation. */
export class Timers {
  // Made when first needed: many runs arm nothing, and buffers outside of the heap are dear.
  #times = none;
  #orders = none;
  readonly #items: Timed[] = [];
  #armings = 0;
  /** When the first one is due; Infinity when nothing is armed. */
  soonest: number = Number.POSITIVE_INFINITY;
  /** Armed timers that {@link World.runUntilIdle} waits for. */
  foreground = 0;

  get length(): number {
    return this.#items.length;
  }

  /** At Infinity it never comes due. */
  arm(timed: Timed, time: number): void {
    if (timed.armed) this.disarm(timed);
    if (time === Number.POSITIVE_INFINITY) return;
    const at = this.#items.length;
    if (at === this.#times.length) this.#grow();
    timed.at = time;
    timed.armed = true;
    if (!timed.background) this.foreground++;
    if (time < this.soonest) this.soonest = time;
    this.#rise(at, timed, time, ++this.#armings);
  }

  disarm(timed: Timed): void {
    const { place } = timed;
    timed.armed = false;
    timed.place = -1;
    if (!timed.background) this.foreground--;
    const last = this.#items.length - 1;
    const moved = this.#items.pop() as Timed;
    if (place !== last) {
      const time = this.#times[last] as number;
      const order = this.#orders[last] as number;
      if (place > 0 && this.#precedes(time, order, (place - 1) >> 2)) this.#rise(place, moved, time, order);
      else this.#sink(place, moved, time, order);
    }
    this.soonest = last === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number);
  }

  /** Takes the first one out. */
  take(): Timed {
    const first = this.#items[0] as Timed;
    this.disarm(first);
    return first;
  }

  /** In no particular order. */
  all(): Timed[] {
    return [...this.#items];
  }

  /** As {@link take} would give them. */
  inOrder(): Timed[] {
    const places = this.#items.map((_, place) => place);
    places.sort((a, b) => (this.#precedes(this.#times[a] as number, this.#orders[a] as number, b) ? -1 : 1));
    return places.map((place) => this.#items[place] as Timed);
  }

  #precedes(time: number, order: number, place: number): boolean {
    const other = this.#times[place] as number;
    return time < other || (time === other && order < (this.#orders[place] as number));
  }

  /** From a place of the heap, or the one behind its last. */
  #rise(from: number, timed: Timed, time: number, order: number): void {
    const items = this.#items;
    const times = this.#times;
    const orders = this.#orders;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 2;
      if (!this.#precedes(time, order, parent)) break;
      const moved = items[parent] as Timed;
      items[place] = moved;
      times[place] = times[parent] as number;
      orders[place] = orders[parent] as number;
      moved.place = place;
      place = parent;
    }
    items[place] = timed;
    times[place] = time;
    orders[place] = order;
    timed.place = place;
  }

  #sink(from: number, timed: Timed, time: number, order: number): void {
    const items = this.#items;
    const times = this.#times;
    const orders = this.#orders;
    const { length } = items;
    let place = from;
    for (let child = place * 4 + 1; child < length; child = place * 4 + 1) {
      let least = child;
      const end = Math.min(child + 4, length);
      for (let other = child + 1; other < end; other++)
        if (this.#precedes(times[other] as number, orders[other] as number, least)) least = other;
      if (this.#precedes(time, order, least)) break;
      const moved = items[least] as Timed;
      items[place] = moved;
      times[place] = times[least] as number;
      orders[place] = orders[least] as number;
      moved.place = place;
      place = least;
    }
    items[place] = timed;
    times[place] = time;
    orders[place] = order;
    timed.place = place;
  }

  #grow(): void {
    const capacity = Math.max(firstCapacity, this.#times.length * 2);
    const [times, orders] = [new Float64Array(capacity), new Float64Array(capacity)];
    times.set(this.#times);
    orders.set(this.#orders);
    this.#times = times;
    this.#orders = orders;
  }
}
