// What comes due, and what is enabled of it: in the order in which it was enabled, which is an order of posting. Starts
// of messages are not here but with the actors that are ready.

import type { Timed } from "../kernel/operation.ts";
import { FaultEvent } from "./event.ts";
import { Timers } from "./timers.ts";

/** `place` of what is enabled and not in the heap of timers: by its place in the order of posting, from 1. */
const placeOf = (order: number): number => -2 - order;

/** Of what is enabled, its place in the order of posting; undefined for what is armed for later. */
export function orderOf({ place }: Timed): number | undefined {
  return place < -2 ? -2 - place : undefined;
}

export class Agenda {
  readonly #timers = new Timers();
  readonly #post: () => number;
  #enabled: Timed[] = [];
  #orders: number[] = [];
  #head = 0;
  /** The place in the order of posting of what was enabled first; Infinity when nothing is. */
  order: number = Number.POSITIVE_INFINITY;
  #faults = 0;

  /** `post` gives the next number in the order of posting. */
  constructor(post: () => number) {
    this.#post = post;
  }

  /** When the next instant is; Infinity when nothing is armed. */
  get soonest(): number {
    return this.#timers.soonest;
  }

  /** Armed for a later instant, repeating timers not counted. */
  get foreground(): number {
    return this.#timers.foreground;
  }

  /** A fault strikes at this instant. */
  get hasFault(): boolean {
    return this.#faults > 0;
  }

  /** For `time`, at once if that is `now`. */
  arm(timed: Timed, time: number, now: number): void {
    if (timed.armed) this.disarm(timed);
    if (time > now) this.#timers.arm(timed, time);
    else this.#enable(timed, now);
  }

  disarm(timed: Timed): void {
    if (timed.place < -1) {
      this.#disable(timed);
      this.#seek();
    } else this.#timers.disarm(timed);
  }

  /** What is due at the soonest instant: gives it if it is one alone, else enables each of them. */
  advance(): Timed | undefined {
    const first = this.#timers.take();
    const { at } = first;
    if (this.#timers.soonest > at) return first;
    this.#enable(first, at);
    while (this.#timers.soonest === at) this.#enable(this.#timers.take(), at);
    return undefined;
  }

  /** What is enabled. */
  get enabled(): Timed[] {
    if (this.order === Number.POSITIVE_INFINITY) return [];
    return this.#enabled.filter((_, i) => i >= this.#head && this.#isEnabled(i));
  }

  /** What is armed for a later instant, soonest first. */
  get armed(): Timed[] {
    return this.#timers.inOrder();
  }

  /** Takes out what was enabled first: that of which `order` tells. */
  take(): Timed {
    const timed = this.#enabled[this.#head] as Timed;
    this.#disable(timed);
    this.#seek();
    return timed;
  }

  /** Of what is armed or enabled only what `keeps` says stays. */
  clear(keeps: (timed: Timed) => boolean): void {
    for (let i = this.#head; i < this.#enabled.length; i++) {
      const one = this.#enabled[i] as Timed;
      if (this.#isEnabled(i) && !keeps(one)) this.#disable(one);
    }
    this.#seek();
    for (const one of this.#timers.all()) if (!keeps(one)) this.#timers.disarm(one);
  }

  #enable(timed: Timed, at: number): void {
    timed.at = at;
    timed.armed = true;
    const order = this.#post();
    timed.place = placeOf(order);
    if (timed instanceof FaultEvent) this.#faults++;
    this.#enabled.push(timed);
    this.#orders.push(order);
    if (this.order === Number.POSITIVE_INFINITY) this.order = order;
  }

  /** False for what was disarmed since, and perhaps armed anew: that stands further behind. */
  #isEnabled(i: number): boolean {
    return (this.#enabled[i] as Timed).place === placeOf(this.#orders[i] as number);
  }

  #disable(timed: Timed): void {
    timed.place = -1;
    timed.armed = false;
    if (timed instanceof FaultEvent) this.#faults--;
  }

  /** Goes on to what is first now. */
  #seek(): void {
    while (this.#head < this.#enabled.length && !this.#isEnabled(this.#head)) this.#head++;
    if (this.#head < this.#enabled.length) {
      this.order = this.#orders[this.#head] as number;
      return;
    }
    this.order = Number.POSITIVE_INFINITY;
    if (this.#head === 0) return;
    this.#enabled = [];
    this.#orders = [];
    this.#head = 0;
  }
}
