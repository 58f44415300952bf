// Many messages of one item each become few messages of many items.

import { milliseconds } from "../runtime/kernel/duration.ts";
import { InvalidOption, MailboxFull, Refusal } from "../runtime/kernel/failure.ts";
import { whole } from "../runtime/kernel/options.ts";
import { type Duration, type Message, type Ref, receive } from "../runtime/kernel/protocol.ts";
import type { Make, Self } from "../runtime/kernel/verbs.ts";
import { Fifo } from "./fifo.ts";
import { type Front, functionOf, known, refuse } from "./front.ts";

type One<R> = R extends readonly (infer X)[] ? X : R;

/** P's messages with one item each: `save(items: Item[]): Receipt[]` of P is `save(item: Item): Receipt` of this. */
export type Single<P> = {
  readonly [M in keyof P]: P[M] extends (items: infer I) => infer R
    ? I extends readonly (infer T)[]
      ? (item: T) => Promise<One<Awaited<R>>>
      : never
    : never;
};

export interface BatcherOptions {
  /** Items in a batch, at most; 100 by default. */
  size?: number | undefined;
  /** How long an item may wait for others; `"10ms"` by default. */
  within?: Duration | undefined;
  /** Bytes of a batch, at most, and of each item. One that is larger goes alone. */
  bytes?: { readonly max: number; readonly of: (item: never) => number } | undefined;
  /** Batches that the inner actor has at a time; 1 by default. */
  inFlight?: number | undefined;
  /** Items that may wait; 10,000 by default. */
  capacity?: number | undefined;
}

/** The inner actor did not answer a batch with one answer for each item. */
export class WrongBatch extends Refusal {
  readonly _tag = "WrongBatch";
}

/**
 * Collects what it is sent, by the name of the message, and sends it to `inner` under the same name as a list: when the
 * list is full, or its first item has waited long enough. Of a list of answers, each asker gets its own: the value, or the
 * refusal in its place. An inner actor that answers nothing answers nothing to each.
 *
 * Promises: each item is in one batch, items of one name in their order. One whose asker has given up before the batch was
 * sent is not in it. A batch has the latest deadline of its askers, and none if an item was told. When it fails, all its
 * askers get that failure. An offer settles when its batch is sent.
 * Fails: InvalidOption; the asker with MailboxFull, not-started, beyond `capacity`, and with WrongBatch.
 * Example: `system.spawn(batcher(store, { size: 500, within: "5ms" }), { name: "saves" })`, `self.ask(saves).save(row)`.
 */
export function batcher<P>(inner: Ref<P>, options: BatcherOptions = {}): Make<Front<Single<P>>> {
  if (typeof inner?.path !== "string") throw new InvalidOption("inner", inner, "a ref, as spawn gives it");
  known(options, ["size", "within", "bytes", "inFlight", "capacity"]);
  const { bytes } = options;
  if (bytes !== undefined) {
    known(bytes, ["max", "of"], "bytes");
    functionOf("bytes.of", bytes.of, "a function that gives the size of an item");
  }
  const limits: Limits = {
    size: whole("size", options.size, 100, 1),
    withinMs: milliseconds("within", options.within ?? "10ms"),
    bytes: whole("bytes.max", bytes?.max, Number.POSITIVE_INFINITY, 1),
    bytesOf: bytes?.of as ((item: unknown) => number) | undefined,
    inFlight: whole("inFlight", options.inFlight, 1, 1),
    capacity: whole("capacity", options.capacity, 10_000, 1),
  };
  return (self) => new Batcher<P>(self, inner, limits);
}

interface Limits {
  readonly size: number;
  readonly withinMs: number;
  readonly bytes: number;
  readonly bytesOf: ((item: unknown) => number) | undefined;
  readonly inFlight: number;
  readonly capacity: number;
}

interface Item {
  readonly m: Message;
  readonly bytes: number;
  readonly dueMs: number;
}

/** Items of one name. */
class Batch {
  readonly type: string;
  readonly items = new Fifo<Item>();
  bytes = 0;
  /** When the first item has waited long enough; undefined while nothing waits. */
  dueMs: number | undefined = undefined;

  constructor(type: string) {
    this.type = type;
  }
}

class Batcher<P> implements Front<Single<P>> {
  readonly #self: Self;
  readonly #inner: Ref<P>;
  readonly #limits: Limits;
  readonly #batches = new Map<string, Batch>();
  #waiting = 0;
  #inFlight = 0;

  constructor(self: Self, inner: Ref<P>, limits: Limits) {
    this.#self = self;
    this.#inner = inner;
    this.#limits = limits;
  }

  [receive](m: Message<Single<P>>): void {
    const { capacity, size, bytes: bytesMax, bytesOf, withinMs, inFlight } = this.#limits;
    if (this.#waiting >= capacity) {
      m.refuse(
        new MailboxFull(
          `${this.#self.path} can not take ${m.type}: ${capacity} items wait for a batch.`,
          "not-started",
        ),
      );
      return;
    }
    let batch = this.#batches.get(m.type);
    if (batch === undefined) this.#batches.set(m.type, (batch = new Batch(m.type)));
    const bytes = bytesOf === undefined ? 0 : bytesOf(m.payload);
    const dueMs = this.#self.now() + withinMs;
    m.hold([this.#inner as Ref<unknown>]);
    batch.items.push({ m, bytes, dueMs });
    batch.bytes += bytes;
    this.#waiting++;
    if (batch.items.length >= size || batch.bytes >= bytesMax) {
      // Else the end of a batch that is under way sends it.
      if (this.#inFlight < inFlight) this.#self.after(0, this.#flush, "full");
    } else if (batch.dueMs === undefined) this.#arm(batch, dueMs);
  }

  #arm(batch: Batch, dueMs: number | undefined): void {
    batch.dueMs = dueMs;
    if (dueMs !== undefined) this.#self.after(dueMs - this.#self.now(), this.#flush, `due ${batch.type}`);
  }

  /** In a turn of its own, so that a batch inherits nothing from one of its items. */
  readonly #flush = (): void => {
    for (const batch of this.#batches.values())
      while (this.#inFlight < this.#limits.inFlight && this.#isReady(batch)) this.#send(batch);
  };

  #isReady({ items, bytes, dueMs }: Batch): boolean {
    const { size, bytes: bytesMax } = this.#limits;
    if (items.length === 0) return false;
    if (items.length >= size || bytes >= bytesMax) return true;
    // A timer may round to just before the time it was set for.
    return dueMs !== undefined && dueMs <= this.#self.now() + 1e-6;
  }

  #send(batch: Batch): void {
    const { size, bytes: bytesMax } = this.#limits;
    const { items, type } = batch;
    const ms: Message[] = [];
    let bytes = 0;
    while (items.length > 0 && ms.length < size) {
      const next = items.first;
      if (next === undefined || (ms.length > 0 && bytes + next.bytes > bytesMax)) break;
      items.shift();
      batch.bytes -= next.bytes;
      this.#waiting--;
      if (hasLeft(next.m)) continue;
      bytes += next.bytes;
      ms.push(next.m);
    }
    this.#arm(batch, items.first?.dueMs);
    if (ms.length > 0) this.#ask(type, ms);
  }

  #ask(type: string, ms: readonly Message[]): void {
    this.#inFlight++;
    let deadlineMs = 0;
    for (const m of ms) deadlineMs = Math.max(deadlineMs, m.deadline ?? Number.POSITIVE_INFINITY);
    const ask = this.#self.ask(this.#inner, { within: Math.max(0, deadlineMs - this.#self.now()) });
    const batched = ask as unknown as Record<string, (items: unknown[]) => Promise<unknown>>;
    batched[type]?.(ms.map(({ payload }) => payload)).then(
      (answers) => this.#ended(ms, answers),
      (error: unknown) => {
        for (const m of ms) refuse(m, error);
        this.#next();
      },
    );
    for (const m of ms) m.accept();
  }

  #ended(ms: readonly Message[], answers: unknown): void {
    if (answers === undefined) for (const m of ms) m.answer(undefined);
    else if (Array.isArray(answers) && answers.length === ms.length)
      for (const [place, m] of ms.entries()) m.answer(answers[place]);
    else {
      const found = Array.isArray(answers) ? `${answers.length} answers` : "no list";
      for (const m of ms) m.refuse(new WrongBatch(`${this.#inner.path} gave ${found} for ${ms.length} items.`));
    }
    this.#next();
  }

  #next(): void {
    this.#inFlight--;
    this.#flush();
  }
}

/** Its asker has given up. A told message has none. */
function hasLeft(m: Message): boolean {
  return m.deadline !== undefined && m.signal.aborted;
}
