// Who of the ready messages of a subscription is next. What was put may stop being ready while it stands here: it is
// passed over when its turn comes, and takes nobody's.

import { Agenda } from "./agenda.ts";
import { Ring } from "./ring.ts";
import type { Delivery } from "./state.ts";

export interface Line {
  /** With those that are not ready any more. */
  readonly length: number;
  /** `isFirst` before its equals, and of these the lowest number first. It stands here once: see {@link Delivery.isQueued}. */
  put(one: Delivery, isFirst: boolean): void;
  /** The next that is ready; it stays. */
  peek(): Delivery | undefined;
  /** Takes out what {@link peek} gave. */
  take(): void;
}

/** How a subscription chooses: the oldest, each tag in turn, or the most urgent with what a wait is worth. */
export type Selection = "fifo" | "fair" | { readonly agingMs: number };

export function lineOf(selection: Selection): Line {
  if (selection === "fifo") return new Fifo();
  return selection === "fair" ? new Fair() : new Urgent(selection.agingMs);
}

/** Constant time, as are all of `Fair`; logarithmic in those that came back first. */
export class Fifo implements Line {
  readonly #ring: Ring<Delivery> = new Ring();
  /** What goes before the rest, by number: what came back together is in its order again. */
  #first: Agenda<Delivery> | undefined = undefined;

  get length(): number {
    return this.#ring.length + (this.#first?.length ?? 0);
  }

  put(one: Delivery, isFirst: boolean): void {
    one.isQueued = true;
    if (!isFirst) this.#ring.push(one);
    else (this.#first ??= new Agenda(isOver)).put(one.entry.seq, one);
  }

  peek(): Delivery | undefined {
    for (let one = this.#next(); one !== undefined; one = this.#next()) {
      if (one.phase === "ready") return one;
      this.take();
    }
    return undefined;
  }

  #next(): Delivery | undefined {
    return this.#first?.peek() ?? this.#ring.peek();
  }

  take(): void {
    const one = this.#first?.take() ?? this.#ring.shift();
    if (one !== undefined) one.isQueued = false;
  }
}

/** One of each tag, then again one of each. Within a tag the oldest first. The tag is by default the key. */
class Fair implements Line {
  readonly #tags: Map<string, Fifo> = new Map();
  /** Each tag that has something, once. */
  readonly #turns: Ring<string> = new Ring();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  put(one: Delivery, isFirst: boolean): void {
    const { tag, key } = one.entry;
    const of = tag ?? key ?? "";
    let line = this.#tags.get(of);
    if (line === undefined) {
      this.#tags.set(of, (line = new Fifo()));
      // Also what comes first among its equals: its tag has had its turn.
      this.#turns.push(of);
    }
    line.put(one, isFirst);
    this.#length++;
  }

  peek(): Delivery | undefined {
    for (let tag = this.#turns.peek(); tag !== undefined; tag = this.#turns.peek()) {
      const one = this.#within(tag, (line) => line.peek());
      if (one !== undefined) return one;
      this.#turns.shift();
      this.#tags.delete(tag);
    }
    return undefined;
  }

  take(): void {
    const tag = this.#turns.shift();
    if (tag === undefined) return;
    const left = this.#within(tag, (line) => {
      line.take();
      return line.length;
    });
    if (left === 0) this.#tags.delete(tag);
    else this.#turns.push(tag);
  }

  #within<T>(tag: string, act: (line: Fifo) => T): T {
    const line = this.#tags.get(tag) as Fifo;
    const before = line.length;
    const result = act(line);
    this.#length -= before - line.length;
    return result;
  }
}

/** The highest priority first; a wait of `agingMs` is worth one step of it. Logarithmic time. */
class Urgent implements Line {
  readonly #agingMs: number;
  readonly #agenda: Agenda<Delivery> = new Agenda(isOver);

  constructor(agingMs: number) {
    this.#agingMs = agingMs;
  }

  get length(): number {
    return this.#agenda.length;
  }

  /** All age alike, so what a wait is worth does not change their order. */
  put(one: Delivery, isFirst: boolean): void {
    const { priority, at, seq } = one.entry;
    one.isQueued = true;
    const due = Number.isFinite(this.#agingMs) ? at - priority * this.#agingMs : -priority;
    this.#agenda.put(due, one, isFirst ? seq - Number.MAX_SAFE_INTEGER : undefined);
  }

  peek(): Delivery | undefined {
    for (let one = this.#agenda.peek(); one !== undefined; one = this.#agenda.peek()) {
      if (one.phase === "ready") return one;
      this.take();
    }
    return undefined;
  }

  take(): void {
    const one = this.#agenda.take();
    if (one !== undefined) one.isQueued = false;
  }
}

function isOver({ phase }: Delivery): boolean {
  return phase === "over";
}
