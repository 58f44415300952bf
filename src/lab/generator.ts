// An actor that sends a load. Its clock is the world's: a request is due at its intended time, however late it is sent.

import { InvalidOption, UnknownMessage } from "../runtime/kernel/failure.ts";
import { type Message, receive } from "../runtime/kernel/protocol.ts";
import type { Self, Timer } from "../runtime/kernel/verbs.ts";
import { draws } from "./draws.ts";
import type { ClosedLoad, Load } from "./load.ts";

/** The messages of a {@link generator}. */
export interface LoadGenerator {
  /** Begins to send. */
  start(): void;
  /** Begins too; answers when the last request is sent and every promise that `send` gave has settled. */
  run(): Promise<{ sent: number }>;
}

/**
 * Sends the request `index`, counted from 0, which is due at `dueMs` of the world: latency counts from there. It tells
 * and gives nothing, or gives the promise of the answer; users of a closed load wait for that.
 */
export type Send<L extends Load | ClosedLoad> = (
  self: Self,
  index: number,
  dueMs: number,
) => L extends ClosedLoad ? PromiseLike<unknown> : unknown;

/**
 * Makes an actor for `spawn` that sends `load` once, from its first message on: `system.tell(ref).start()`, or
 * `await system.ask(ref, { within: "1h" }).run()`, which waits for the end.
 *
 * Promises: requests are sent in order. When the world is late, all that is due is sent at once, each with the time at
 * which it was due. An open load never waits for an answer. Times are drawn from streams of their own, which depend on
 * seed and path alone: what `send` draws does not change them.
 * Fails: a failed ask that `send` lets through is reported, and the load goes on. Anything else that it throws or
 * rejects with is a crash of this actor, and so is a `send` that gives no promise under a closed load: `run` fails, and
 * nothing is sent until the next message, which sends the load from its start.
 * Cost: one timer for each instant at which something is due, and one turn for each promise of `send`; without these,
 * no promise is made. What it keeps grows with the answers that are outstanding, not with the load.
 */
export function generator<L extends Load | ClosedLoad>(
  load: L,
  send: Send<L>,
): (self: Self) => { [receive](m: Message<LoadGenerator>): void } {
  return (self) => new Traffic(self, load, send);
}

class Traffic {
  readonly #self: Self;
  readonly #load: Load | ClosedLoad;
  readonly #send: (self: Self, index: number, dueMs: number) => unknown;
  #begun = false;
  #sent = 0;
  /** Promises of `send` that have not settled, and one more while an open load has times left. */
  #open = 0;
  /** One for each user of a closed load who thinks. */
  readonly #thinking = new Set<Timer>();
  readonly #waiting: Message<LoadGenerator>[] = [];

  constructor(self: Self, load: Load | ClosedLoad, send: Send<Load | ClosedLoad>) {
    this.#self = self;
    this.#load = load;
    this.#send = send;
  }

  [receive](m: Message<LoadGenerator>): void {
    if (m.type === "run") {
      m.hold();
      this.#waiting.push(m);
    } else if (m.type !== "start") {
      m.refuse(new UnknownMessage(`${this.#self.path} has no message ${m.type}. It takes: start, run.`, "not-started"));
      return;
    }
    if (!this.#begun) this.#begin(this.#load);
    this.#conclude();
  }

  #begin(load: Load | ClosedLoad): void {
    this.#begun = true;
    const startMs = this.#self.now();
    if (load.kind === "open") this.#keep(load, startMs);
    else for (let user = 1; user <= load.users; user++) this.#admit(load, startMs, user);
  }

  /** Keeps to the times of an open load. */
  #keep(load: Load, startMs: number): void {
    const self = this.#self;
    const times = load.times(draws(self, "times"))[Symbol.iterator]();
    let next = times.next();
    const wait = () => {
      if (!next.done) self.after(startMs + next.value - self.now(), turn);
      else {
        this.#open--;
        this.#conclude();
      }
    };
    const turn = () => {
      // A timer may round to just before the time it was set for.
      const nowMs = Math.max(self.now(), startMs + next.value);
      while (!next.done && startMs + next.value <= nowMs) {
        this.#request(startMs + next.value, () => {});
        next = times.next();
      }
      wait();
    };
    this.#open++;
    wait();
  }

  /** Lets a user of a closed load in, who thinks, asks and waits until the load ends. */
  #admit(load: ClosedLoad, startMs: number, user: number): void {
    const self = this.#self;
    const random = draws(self, `user ${user}`);
    const think = () => {
      const nowMs = self.now();
      const dueMs = nowMs + load.think(random);
      if (this.#sent >= load.requests || dueMs - startMs >= load.lastsMs) return;
      const timer = self.after(dueMs - nowMs, () => {
        this.#thinking.delete(timer);
        if (!this.#request(dueMs, think))
          throw new InvalidOption("send", "no promise", "a promise of the answer: users of a closed load wait for it");
        if (this.#sent >= load.requests) this.#dismiss();
      });
      this.#thinking.add(timer);
    };
    think();
  }

  #dismiss(): void {
    for (const timer of this.#thinking) timer.cancel();
    this.#thinking.clear();
  }

  /** Sends the next request. When `send` gives a promise, `then` runs in a turn after its end; without one, false. */
  #request(dueMs: number, then: () => void): boolean {
    const self = this.#self;
    let answer: unknown;
    try {
      answer = this.#send(self, this.#sent++, dueMs);
    } catch (error) {
      answer = Promise.reject(error);
    }
    if (!isPromise(answer)) return false;
    this.#open++;
    self.pipeToSelf(
      answer,
      () => this.#settled(then),
      (error) => {
        // Only if this actor lives on.
        self.after(0, () => this.#settled(then));
        throw error;
      },
    );
    return true;
  }

  #settled(then: () => void): void {
    this.#open--;
    then();
    this.#conclude();
  }

  #conclude(): void {
    if (this.#open > 0 || this.#thinking.size > 0) return;
    for (const m of this.#waiting.splice(0)) m.answer({ sent: this.#sent });
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}
