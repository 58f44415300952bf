// One timer wheel for a whole system: arming and disarming cost the same for one timer and for a million.
// Source: G. Varghese and T. Lauck, "Hashed and hierarchical timing wheels" (1987), scheme 6. Departures: timers that
// are due together fire by due time and then by order of arming; the next wake-up is a lower bound, so that disarming
// needs no search.

import type { Timed } from "../kernel/operation.ts";

/** Ticks of one turn of the wheel, a power of two. */
const slots = 4_096;

/** A tick is a millisecond of the world. */
export class Wheel {
  readonly #first: (Timed | undefined)[] = new Array(slots).fill(undefined);
  readonly #last: (Timed | undefined)[] = new Array(slots).fill(undefined);
  /** Everything due before this tick has fired. */
  #tick = 0;
  #armed = 0;
  /** Nothing is due before this time. */
  soonest: number = Number.POSITIVE_INFINITY;
  /** Armed timers that keep an idle process alive. */
  foreground = 0;

  /** At Infinity it never comes due. A time that has passed is due at the next advance. */
  arm(timed: Timed, time: number): void {
    if (timed.armed) this.disarm(timed);
    if (time === Number.POSITIVE_INFINITY) return;
    // A slot that was read is not read again before the wheel has come round.
    const at = Math.max(time, this.#tick);
    timed.at = at;
    timed.armed = true;
    this.#armed++;
    if (!timed.background) this.foreground++;
    if (at < this.soonest) this.soonest = at;
    const slot = this.#slotOf(at);
    const last = this.#last[slot];
    timed.earlier = last;
    timed.later = undefined;
    if (last === undefined) this.#first[slot] = timed;
    else last.later = timed;
    this.#last[slot] = timed;
  }

  disarm(timed: Timed): void {
    const { earlier, later } = timed;
    const slot = this.#slotOf(timed.at);
    if (earlier === undefined) this.#first[slot] = later;
    else earlier.later = later;
    if (later === undefined) this.#last[slot] = earlier;
    else later.earlier = earlier;
    timed.earlier = undefined;
    timed.later = undefined;
    timed.armed = false;
    this.#armed--;
    if (!timed.background) this.foreground--;
    if (this.#armed === 0) this.soonest = Number.POSITIVE_INFINITY;
  }

  /** Fires what is due at `now`. What its turns arm fires at a later call. */
  advance(now: number): void {
    if (now < this.soonest) return;
    const due: Timed[] = [];
    const until = Math.floor(now);
    const ticks = Math.min(slots, until - this.#tick + 1);
    for (let i = 0; i < ticks; i++)
      for (let timed = this.#first[(until - i) & (slots - 1)]; timed !== undefined; timed = timed.later)
        if (timed.at <= now) due.push(timed);
    // Slots were read last to first and a slot keeps the order of arming: the sort is stable.
    due.sort((a, b) => a.at - b.at);
    this.#tick = until;
    this.soonest = this.#search(until, now);
    for (const timed of due) {
      if (!timed.armed || timed.at > now) continue;
      this.disarm(timed);
      timed.due();
    }
  }

  /** A time before which nothing that is not due at `now` comes due. */
  #search(from: number, now: number): number {
    if (this.#armed === 0) return Number.POSITIVE_INFINITY;
    for (let tick = from; tick < from + slots; tick++) {
      let soonest = Number.POSITIVE_INFINITY;
      for (let timed = this.#first[tick & (slots - 1)]; timed !== undefined; timed = timed.later)
        if (timed.at > now && timed.at < soonest && Math.floor(timed.at) <= tick) soonest = timed.at;
      if (soonest < Number.POSITIVE_INFINITY) return soonest;
    }
    return from + slots;
  }

  #slotOf(at: number): number {
    return Math.floor(at) % slots;
  }
}
