// A host for the live world that counts: its time moves only when it is spent, and each macrotask is run by hand.
// Promise jobs are the real ones.

import type { Alarm, Host } from "../../src/runtime/live/host.ts";

export class CountingHost implements Host {
  /** Host time in ms. */
  time = 1_000;
  /** Readings of the clock. */
  readings = 0;
  macrotasks = 0;
  /** What the alarm was told, in order; as Node's, it holds until it is told otherwise. */
  readonly alarms: string[] = [];
  #immediates: (() => void)[] = [];
  #held = true;
  #ring: () => void = () => {};
  #ringsAt = Number.POSITIVE_INFINITY;

  now(): number {
    this.readings++;
    return this.time;
  }

  soon(then: () => void): void {
    void Promise.resolve().then(then);
  }

  immediate(then: () => void): void {
    this.#immediates.push(then);
  }

  alarm(ring: () => void): Alarm {
    this.#ring = ring;
    return {
      set: (ms) => {
        this.alarms.push(`set ${Math.round(ms * 1_000) / 1_000}`);
        this.#ringsAt = this.time + Math.max(1, Math.ceil(ms));
      },
      clear: () => {
        this.alarms.push("clear");
        this.#ringsAt = Number.POSITIVE_INFINITY;
      },
      hold: (alive) => {
        if (alive !== this.#held) this.alarms.push(alive ? "hold" : "unhold");
        this.#held = alive;
      },
    };
  }

  /** Passes time, as work does. */
  spend(ms: number): void {
    this.time += ms;
  }

  /** One round of the host's loop, as Node has it: the alarm if it is due, then each immediate that waits. */
  async macrotask(): Promise<void> {
    this.macrotasks++;
    await drained();
    if (this.#ringsAt <= this.time) {
      this.#ringsAt = Number.POSITIVE_INFINITY;
      this.#ring();
      await drained();
    }
    for (const then of this.#immediates.splice(0)) {
      then();
      await drained();
    }
  }

  /** Rounds until nothing waits; time jumps to the alarm when it is all there is. */
  async settled(): Promise<void> {
    await drained();
    while (this.#immediates.length > 0 || this.#ringsAt < Number.POSITIVE_INFINITY) {
      if (this.#immediates.length === 0) this.time = Math.max(this.time, this.#ringsAt);
      await this.macrotask();
    }
  }
}

/** After every promise job that is queued now, and those that they queue. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
