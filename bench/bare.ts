// The limit that Antiphon is measured against: the smallest actor kernel that still makes every check a real runtime
// makes per message. It leaves out what costs nothing per message (a tree, names, restarts) and what a user would miss
// (message names, typed stubs, inherited cancellation), so being within 1.5x of it is an honest claim.
//
// Checks kept: bounded mailbox, stopped receiver and dead letters, system lane before user messages, trace slot at send
// and at delivery, try/catch around each call, "is the result a promise", counters per actor and in total, a budget per
// macrotask, a deadline on every ask.

import { DeadlineWheel } from "./wheel.ts";

/** Returns the answer, or a promise of it; `sender` is the actor that told, or the ask that waits. */
export type Behaviour = (message: never, sender: Ref | Asked | null) => unknown;
export type Trace = (event: "sent" | "delivered" | "dead", to: Ref, message: unknown) => void;

const batchMax = 32;
const budgetPerMacrotask = 10_000;
const capacityDefault = 100_000;
const askWithinMs = 5_000;

/** What the program holds; the actor behind it stays private. */
export class Ref {
  declare readonly cell: Cell;

  constructor(cell: Cell) {
    this.cell = cell;
  }
}

// The fields are declared, not defined: a class field would write each slot twice, and creation is a row of the bench.
class Cell {
  declare behaviour: Behaviour;
  /** Message i and its sender lie at the same index; null until the first message. */
  declare messages: unknown[] | null;
  declare senders: (Ref | Asked | null)[] | null;
  declare head: number;
  declare count: number;
  declare capacity: number;
  /** In the run queue, running, or awaiting its handler's promise: in each case sending must not queue it again. */
  declare scheduled: boolean;
  declare stopped: boolean;
  declare lane: Signal | null;
  declare handled: number;
  declare crashed: number;
  declare ref: Ref;

  constructor(behaviour: Behaviour, capacity: number) {
    this.behaviour = behaviour;
    this.messages = null;
    this.senders = null;
    this.head = 0;
    this.count = 0;
    this.capacity = capacity;
    this.scheduled = false;
    this.stopped = false;
    this.lane = null;
    this.handled = 0;
    this.crashed = 0;
    this.ref = new Ref(this);
  }
}

/** A message of the kernel itself. They form a list: there are never many. */
class Signal {
  declare readonly kind: "stop";
  declare next: Signal | null;

  constructor(kind: "stop", next: Signal | null) {
    this.kind = kind;
    this.next = next;
  }
}

/** The promise of an ask travels in the sender's slot, so that no table of pending asks is needed. */
export class Asked {
  declare readonly resolve: (value: unknown) => void;
  declare readonly reject: (error: Error) => void;
  declare settled: boolean;
  /** Place in the timing wheel. */
  declare dueTick: number;
  declare previous: Asked | null;
  declare next: Asked | null;

  constructor(resolve: (value: unknown) => void, reject: (error: Error) => void) {
    this.resolve = resolve;
    this.reject = reject;
    this.settled = false;
    this.dueTick = 0;
    this.previous = null;
    this.next = null;
  }
}

// One executor for all asks: a closure per ask would be one more object for the young generation.
let resolveMade: (value: unknown) => void;
let rejectMade: (error: Error) => void;
const capture = (resolve: (value: unknown) => void, reject: (error: Error) => void): void => {
  resolveMade = resolve;
  rejectMade = reject;
};

export class Kernel {
  trace: Trace | null = null;
  actors = 0;
  sent = 0;
  delivered = 0;
  crashed = 0;
  deadLetters = 0;

  /** Run queue: a ring of cells, power of two. */
  private queue: (Cell | null)[] = new Array(64).fill(null);
  private queueHead = 0;
  private queueCount = 0;
  private running = false;
  private budget = budgetPerMacrotask;
  private readonly wheel = new DeadlineWheel((asked) => this.settle(asked, new Error("ask: no answer in time")));
  private readonly started = Promise.resolve();
  private readonly drainInMicrotask = (): void => this.drain();
  private readonly drainInMacrotask = (): void => {
    this.budget = budgetPerMacrotask;
    this.drain();
  };

  spawn(behaviour: Behaviour, capacity: number = capacityDefault): Ref {
    this.actors++;
    return new Cell(behaviour, capacity).ref;
  }

  tell(to: Ref, message: unknown, sender: Ref | null): void {
    this.put(to, message, sender);
  }

  ask<Answer>(to: Ref, message: unknown, withinMs: number = askWithinMs): Promise<Answer> {
    const promise = new Promise<unknown>(capture);
    const asked = new Asked(resolveMade, rejectMade);
    this.wheel.add(asked, withinMs);
    if (!this.put(to, message, asked)) this.settle(asked, new Error("ask: not accepted"));
    return promise as Promise<Answer>;
  }

  stop(ref: Ref): void {
    const { cell } = ref;
    cell.lane = new Signal("stop", cell.lane);
    if (!cell.scheduled) this.schedule(cell);
  }

  private put(to: Ref, message: unknown, sender: Ref | Asked | null): boolean {
    const { cell } = to;
    this.sent++;
    if (this.trace !== null) this.trace("sent", to, message);
    if (cell.stopped || cell.count >= cell.capacity) {
      this.bury(to, message);
      return false;
    }
    let { messages, senders } = cell;
    if (messages === null || senders === null) {
      messages = cell.messages = [undefined, undefined];
      senders = cell.senders = [null, null];
    } else if (cell.count === messages.length) {
      messages = cell.messages = grown(messages, cell.head, undefined);
      senders = cell.senders = grown(senders, cell.head, null);
      cell.head = 0;
    }
    const place = (cell.head + cell.count) & (messages.length - 1);
    messages[place] = message;
    senders[place] = sender;
    cell.count++;
    if (!cell.scheduled) this.schedule(cell);
    return true;
  }

  private bury(to: Ref, message: unknown): void {
    this.deadLetters++;
    if (this.trace !== null) this.trace("dead", to, message);
  }

  private schedule(cell: Cell): void {
    cell.scheduled = true;
    if (this.queueCount === this.queue.length) {
      this.queue = grown(this.queue, this.queueHead, null);
      this.queueHead = 0;
    }
    this.queue[(this.queueHead + this.queueCount) & (this.queue.length - 1)] = cell;
    this.queueCount++;
    if (!this.running) {
      this.running = true;
      if (this.budget > 0) void this.started.then(this.drainInMicrotask);
      else setImmediate(this.drainInMacrotask);
    }
  }

  private drain(): void {
    while (this.queueCount > 0) {
      if (this.budget <= 0) {
        setImmediate(this.drainInMacrotask);
        return;
      }
      const cell = this.queue[this.queueHead] as Cell;
      this.queue[this.queueHead] = null;
      this.queueHead = (this.queueHead + 1) & (this.queue.length - 1);
      this.queueCount--;
      this.runBatch(cell);
    }
    this.running = false;
  }

  private runBatch(cell: Cell): void {
    let left = Math.min(cell.count, batchMax);
    this.budget -= left;
    while (left-- > 0) {
      if (cell.lane !== null) this.runLane(cell);
      if (cell.stopped) return;
      const messages = cell.messages as unknown[];
      const senders = cell.senders as (Ref | Asked | null)[];
      const { head } = cell;
      const message = messages[head];
      const sender = senders[head] as Ref | Asked | null;
      messages[head] = undefined;
      senders[head] = null;
      cell.head = (head + 1) & (messages.length - 1);
      cell.count--;
      cell.handled++;
      this.delivered++;
      if (this.trace !== null) this.trace("delivered", cell.ref, message);
      let result: unknown;
      try {
        result = cell.behaviour(message as never, sender);
      } catch (error) {
        this.fail(cell, sender, error);
        continue;
      }
      if (
        typeof result === "object" &&
        result !== null &&
        typeof (result as PromiseLike<unknown>).then === "function"
      ) {
        this.awaitHandler(cell, sender, result as PromiseLike<unknown>);
        return;
      }
      if (sender instanceof Asked) this.settle(sender, result);
    }
    this.release(cell);
  }

  /** After a batch: to the end of the run queue if there is more, else free. */
  private release(cell: Cell): void {
    if (cell.lane !== null) this.runLane(cell);
    if (cell.count > 0 && !cell.stopped) this.schedule(cell);
    else cell.scheduled = false;
  }

  private awaitHandler(cell: Cell, sender: Ref | Asked | null, result: PromiseLike<unknown>): void {
    result.then(
      (value) => {
        if (sender instanceof Asked) this.settle(sender, value);
        this.release(cell);
      },
      (error: unknown) => {
        this.fail(cell, sender, error);
        this.release(cell);
      },
    );
  }

  private fail(cell: Cell, sender: Ref | Asked | null, error: unknown): void {
    cell.crashed++;
    this.crashed++;
    if (sender instanceof Asked) this.settle(sender, error instanceof Error ? error : new Error(String(error)));
  }

  private settle(asked: Asked, result: unknown): void {
    if (asked.settled) return;
    asked.settled = true;
    this.wheel.remove(asked);
    if (result instanceof Error) asked.reject(result);
    else asked.resolve(result);
  }

  private runLane(cell: Cell): void {
    for (let signal = cell.lane; signal !== null; signal = signal.next) {
      if (signal.kind === "stop" && !cell.stopped) this.end(cell);
    }
    cell.lane = null;
  }

  private end(cell: Cell): void {
    cell.stopped = true;
    this.actors--;
    const { messages, senders } = cell;
    if (messages !== null && senders !== null) {
      for (let i = 0; i < cell.count; i++) {
        const place = (cell.head + i) & (messages.length - 1);
        const sender = senders[place];
        this.bury(cell.ref, messages[place]);
        if (sender instanceof Asked) this.settle(sender, new Error("ask: the actor stopped"));
      }
    }
    cell.messages = null;
    cell.senders = null;
    cell.count = 0;
  }
}

/** The same ring twice as long, its oldest entry at 0. */
function grown<T>(ring: T[], head: number, empty: T): T[] {
  const { length } = ring;
  const larger: T[] = ring.slice(head);
  for (let i = 0; i < head; i++) larger.push(ring[i] as T);
  for (let i = 0; i < length; i++) larger.push(empty);
  return larger;
}
