// Something that has to follow: one state of a run opens it, another closes it, and until then time runs.

import { milliseconds, span } from "../runtime/kernel/duration.ts";
import type { Duration } from "../runtime/kernel/protocol.ts";

export interface LeadsTo {
  /** Opens it, where `then` does not hold. */
  readonly when: () => boolean;
  /** Closes it. */
  readonly then: () => boolean;
  /** For how long it may be open. */
  readonly within: Duration;
  /** That counts from the first moment on at which this holds, for example when all faults are over; by default always. */
  readonly after?: (() => boolean) | undefined;
}

export class Obligation {
  readonly #expected: LeadsTo;
  readonly #withinMs: number;
  #openedMs: number | undefined = undefined;
  /** When `after` first held. */
  #countsMs: number | undefined = undefined;

  /** Fails: InvalidOption. */
  constructor(expected: LeadsTo) {
    this.#expected = expected;
    this.#withinMs = milliseconds("within", expected.within);
    if (expected.after === undefined) this.#countsMs = 0;
  }

  /** Of the state after a step at `nowMs`: says what is wrong, if something is. */
  look(nowMs: number): string | undefined {
    const { when, then, after } = this.#expected;
    if (this.#countsMs === undefined && after?.() === true) this.#countsMs = nowMs;
    // Before this step it was open, whatever closes it now.
    if (this.#isLate(nowMs)) return `is late at ${nowMs} ms: ${this.#since}, allowed are ${this.#allowed}`;
    if (then()) this.#openedMs = undefined;
    else if (this.#openedMs === undefined && when()) this.#openedMs = nowMs;
    return undefined;
  }

  /** Of the last state: nothing more can close it. */
  end(nowMs: number): string | undefined {
    if (this.#openedMs === undefined || this.#expected.then()) return undefined;
    return `is open at the end, at ${nowMs} ms: ${this.#since}`;
  }

  #isLate(nowMs: number): boolean {
    if (this.#openedMs === undefined || this.#countsMs === undefined) return false;
    return nowMs - Math.max(this.#openedMs, this.#countsMs) > this.#withinMs;
  }

  get #since(): string {
    return `open since ${this.#openedMs} ms`;
  }

  get #allowed(): string {
    const [openedMs, countsMs] = [this.#openedMs ?? 0, this.#countsMs ?? 0];
    return `${span(this.#withinMs)}${countsMs > openedMs ? ` from ${countsMs} ms on` : ""}`;
  }
}
