// The live world: actors on Node's event loop. A loop of turns runs inside promise jobs and gives the host its turn
// after each slice, so that timers and sockets are served under any flood.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Cell } from "../kernel/cell.ts";
import type { Context, World } from "../kernel/core.ts";
import { serve } from "../kernel/dispatch.ts";
import type { Flight } from "../kernel/flight.ts";
import type { Timed } from "../kernel/operation.ts";
import { askWithinMs } from "../kernel/options.ts";
import type { Alarm, Host } from "./host.ts";
import { Wheel } from "./wheel.ts";

/** Host time that turns may take in one macrotask. */
const sliceMs = 2;
/** Turns between two readings of the clock, at most. */
const stretchMax = 64;
/** A stretch shorter than this is doubled, one longer than the next is cut to one turn. */
const shortMs = 0.25;
const longMs = 0.5;
/** Messages of one actor in a row, at most. */
const batchMax = 16;

export class LiveWorld implements World {
  readonly name = "live";
  readonly context: Context = new LiveContext();
  readonly askWithinMs: number = askWithinMs;
  readonly wire: undefined = undefined;
  /** World time at the last reading. */
  time: number;
  readonly #host: Host;
  readonly #speed: number;
  readonly #origin: number;
  readonly #wheel = new Wheel();
  readonly #alarm: Alarm;
  // Actors with something to start. One that is alone, as where two actors talk, stands in a field; what comes behind it, in
  // a circular buffer, a power of two. In a class of its own this would be a tenth slower.
  #first: Cell | undefined = undefined;
  #queue: (Cell | undefined)[] = new Array(64).fill(undefined);
  #head = 0;
  #length = 0;
  /** The loop runs, or is about to. */
  #started = false;
  /** In this macrotask something has happened: an immediate will mark its end. */
  #entered = false;
  #spent = false;
  #sliceStart = 0;
  #read = 0;
  #stretch = 1;
  #left = 1;
  #alarmAt: number = Number.POSITIVE_INFINITY;

  constructor(host: Host, speed: number) {
    this.#host = host;
    this.#speed = speed;
    this.#origin = host.now();
    this.time = 0;
    this.#alarm = host.alarm(this.#ring);
  }

  now(): number {
    return (this.#host.now() - this.#origin) * this.#speed;
  }

  enter(): void {
    if (this.#entered) return;
    this.#entered = true;
    this.#spent = false;
    this.#stretch = 1;
    this.#left = 1;
    this.#reading();
    this.#sliceStart = this.#read;
    this.#host.immediate(this.#leave);
  }

  ready(cell: Cell): void {
    if (this.#first === undefined && this.#length === 0) this.#first = cell;
    else {
      if (this.#length === this.#queue.length) this.#grow();
      this.#queue[(this.#head + this.#length) & (this.#queue.length - 1)] = cell;
      this.#length++;
    }
    if (!this.#started) this.#start();
  }

  arm(timed: Timed, time: number): void {
    this.enter();
    this.#wheel.arm(timed, time);
  }

  disarm(timed: Timed): void {
    this.#wheel.disarm(timed);
  }

  afterJobs(then: () => void): void {
    this.#host.soon(then);
  }

  afterAllJobs(then: () => void): void {
    this.#host.immediate(() => {
      this.enter();
      then();
    });
  }

  awaits(): void {}

  #start(): void {
    this.enter();
    this.#started = true;
    // Once the slice is spent, also an idle loop waits for the host.
    if (!this.#spent) this.#host.soon(this.#run);
  }

  readonly #run = (): void => {
    this.enter();
    do {
      this.#serve();
      if (this.#left <= 0 && this.#pause()) return;
    } while (this.#first !== undefined || this.#length > 0);
    this.#started = false;
  };

  /** Turns until the next reading is due. Alone in its method: the compiler inlines only so much into one. */
  #serve(): void {
    while (this.#left > 0) {
      let cell = this.#first;
      if (cell !== undefined) this.#first = undefined;
      else if (this.#length === 0) return;
      else {
        cell = this.#queue[this.#head] as Cell;
        this.#queue[this.#head] = undefined;
        this.#head = (this.#head + 1) & (this.#queue.length - 1);
        this.#length--;
      }
      // biome-ignore lint/complexity/useMathMinMax: Math.min computes in floating point, on the hottest path there is
      this.#left -= serve(cell, this.#left < batchMax ? this.#left : batchMax);
    }
  }

  /** Reads the clock, fires what is due, adapts the stretch. True when the slice is spent. */
  #pause(): boolean {
    const before = this.#read;
    this.#reading();
    const tookMs = this.#read - before;
    if (tookMs > longMs) this.#stretch = 1;
    else if (tookMs < shortMs && this.#stretch < stretchMax) this.#stretch *= 2;
    this.#left = this.#stretch;
    this.#wheel.advance(this.time);
    if (this.#read - this.#sliceStart < sliceMs) return false;
    this.#spent = true;
    return true;
  }

  #reading(): void {
    this.#read = this.#host.now();
    this.time = (this.#read - this.#origin) * this.#speed;
  }

  /** The macrotask has ended, after its promise jobs. */
  readonly #leave = (): void => {
    this.#entered = false;
    const waiting = this.#spent && this.#started;
    this.#spent = false;
    if (waiting) {
      this.enter();
      this.#wheel.advance(this.time);
      this.#run();
    }
    this.#setAlarm();
  };

  readonly #ring = (): void => {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    this.enter();
    this.#wheel.advance(this.time);
    this.#setAlarm();
  };

  #setAlarm(): void {
    const { soonest, foreground } = this.#wheel;
    this.#alarm.hold(foreground > 0);
    if (soonest === this.#alarmAt) return;
    this.#alarmAt = soonest;
    if (soonest === Number.POSITIVE_INFINITY) this.#alarm.clear();
    else this.#alarm.set((soonest - this.now()) / this.#speed);
  }

  #grow(): void {
    const grown: (Cell | undefined)[] = new Array(this.#queue.length * 2).fill(undefined);
    for (let i = 0; i < this.#length; i++) grown[i] = this.#queue[(this.#head + i) & (this.#queue.length - 1)];
    this.#queue = grown;
    this.#head = 0;
  }
}

/** Made on first use: on Node 20 it costs every await of the process about 0.3 µs from then on. */
class LiveContext implements Context {
  #storage: AsyncLocalStorage<Flight> | undefined;

  open(): void {
    this.#storage ??= new AsyncLocalStorage<Flight>();
  }

  run<T>(flight: Flight, handler: () => T): T {
    return this.#storage === undefined ? handler() : this.#storage.run(flight, handler);
  }

  current(): Flight | undefined {
    return this.#storage?.getStore();
  }
}
