// One timing wheel for the deadlines of the bare kernel: adding and removing are a few stores, where a setTimeout per
// ask would cost more than the ask. The wheel turns only while something is in it, and never keeps Node alive.
// Source: Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987, scheme 6.

import type { Asked } from "./bare.ts";

const tickMs = 16;
const slots = 512;

export class DeadlineWheel {
  private readonly slots: (Asked | null)[] = new Array(slots).fill(null);
  private readonly expire: (asked: Asked) => void;
  private tick = 0;
  private tickAtMs = 0;
  private count = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(expire: (asked: Asked) => void) {
    this.expire = expire;
  }

  add(asked: Asked, withinMs: number): void {
    if (this.timer === undefined) this.start();
    this.count++;
    // One more tick than needed: the present tick is partly over, and no deadline may come early.
    asked.dueTick = this.tick + Math.ceil(withinMs / tickMs) + 1;
    const slot = asked.dueTick & (slots - 1);
    const first = this.slots[slot] as Asked | null;
    asked.next = first;
    if (first !== null) first.previous = asked;
    this.slots[slot] = asked;
  }

  remove(asked: Asked): void {
    this.count--;
    const { previous, next } = asked;
    if (previous === null) this.slots[asked.dueTick & (slots - 1)] = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    asked.previous = null;
    asked.next = null;
  }

  private start(): void {
    this.tickAtMs = performance.now();
    this.timer = setInterval(() => this.turn(), tickMs);
    this.timer.unref();
  }

  private turn(): void {
    if (this.count === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const nowMs = performance.now();
    while (this.tickAtMs + tickMs <= nowMs) {
      this.tickAtMs += tickMs;
      this.tick++;
      let asked = this.slots[this.tick & (slots - 1)] as Asked | null;
      while (asked !== null) {
        const { next } = asked;
        if (asked.dueTick <= this.tick) this.expire(asked);
        asked = next;
      }
    }
  }
}
