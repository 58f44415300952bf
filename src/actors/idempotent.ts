// Answers each message once: a duplicate, which carries the id of a message seen before, gets the answer of the first.

import { milliseconds } from "../runtime/kernel/duration.ts";
import { Failure, InvalidFactory, InvalidOption, Refusal } from "../runtime/kernel/failure.ts";
import { messagesOf } from "../runtime/kernel/names.ts";
import { whole } from "../runtime/kernel/options.ts";
import { type Duration, receive } from "../runtime/kernel/protocol.ts";
import type { Make, Self } from "../runtime/kernel/verbs.ts";

export interface IdempotentOptions {
  /** How long an answer is remembered, from the first start of its message; above 0, `Infinity` is legal. */
  window: Duration;
  /** Answers remembered at a time, the oldest forgotten first; 100,000 by default. */
  limit?: number | undefined;
}

/**
 * An actor that answers a message whose name and id it has seen with the answer it gave, a value or a refusal, and runs
 * no handler. While the first attempt still runs (`concurrency` above 1), its duplicates share its outcome.
 *
 * Promises: within `window` and `limit` at most one attempt of a message succeeds or is refused. One that ends by a
 * crash, a failed ask or a restart is forgotten: the next runs again, so a handler takes its effect last. Each actor
 * made with it has a memory of its own, which outlives restarts and ends with the actor.
 * Fails: InvalidOption; InvalidFactory, at spawn, for an object with `[receive]`, whose answers can not be seen.
 * Example: `system.spawn(idempotent(() => new Payments(), { window: "10m" }), { name: "payments" })`, and then
 * `self.ask(payments, { id: orderId }).pay(amount)` as often as it takes.
 */
export function idempotent<A extends object>(make: Make<A>, options: IdempotentOptions): Make<A> {
  if (typeof make !== "function") throw new InvalidOption("make", make, "a function that makes the actor's object");
  const windowMs = milliseconds("window", options.window);
  if (!(windowMs > 0)) throw new InvalidOption("window", options.window, "a duration above 0");
  const limit = whole("limit", options.limit, 100_000, 1);
  for (const option of Object.keys(options))
    if (option !== "window" && option !== "limit")
      throw new InvalidOption(option, "an unknown option", "window, limit");
  const memories = new WeakMap<object, Memory<A>>();
  return (self) => {
    let memory = memories.get(self.ref);
    if (memory === undefined) memories.set(self.ref, (memory = new Memory(windowMs, limit)));
    const { wrap } = memory;
    const made = make(self);
    return isPending(made) ? made.then((inner) => wrap(self, inner)) : wrap(self, made);
  };
}

interface Seen {
  /** World time of the first start. */
  readonly since: number;
  /** The incarnation that runs the first attempt; undefined once that has ended. */
  running: Self | undefined;
  /** A value or a refusal; while the first attempt runs, its promise. */
  answer: unknown;
}

type Handlers = Record<string | symbol, (payload?: unknown) => unknown>;

/** What one actor remembers, through all its incarnations. */
class Memory<A extends object> {
  readonly #windowMs: number;
  readonly #limit: number;
  /** In the order of the first starts. */
  readonly #seen = new Map<string, Seen>();
  #inner: A | undefined = undefined;
  #outer: A | undefined = undefined;

  constructor(windowMs: number, limit: number) {
    this.#windowMs = windowMs;
    this.#limit = limit;
  }

  /** An object of the same class and the same messages. Each call goes to `inner`, so that its private fields work. */
  readonly wrap = (self: Self, inner: A): A => {
    // What is no actor, and the same object made twice, are the runtime's to refuse.
    if (typeof inner !== "object" || inner === null || "then" in inner) return inner;
    if (inner === this.#inner && this.#outer !== undefined) return this.#outer;
    if (receive in inner)
      throw new InvalidFactory(
        self.path,
        "an object with [receive] to idempotent",
        "It may answer later and elsewhere: put idempotent around the actors that it sends to.",
      );
    const handlers = inner as Handlers;
    const outer: object = Object.create(Object.getPrototypeOf(inner));
    for (const name of messagesOf(inner))
      define(outer, name, (payload) => this.#once(self, name, () => handlers[name]?.(payload)));
    for (const dispose of [Symbol.asyncDispose, Symbol.dispose])
      if (dispose in inner) define(outer, dispose, () => handlers[dispose]?.());
    this.#inner = inner;
    this.#outer = outer as A;
    return this.#outer;
  };

  #once(self: Self, name: string, run: () => unknown): unknown {
    const id = self.message?.id;
    // No message is handled: a test calls the object, or the actor calls itself.
    if (id === undefined) return run();
    const now = self.now();
    const key = `${name}\n${id}`;
    for (const [oldest, { since }] of this.#seen) {
      if (since + this.#windowMs > now) break;
      this.#seen.delete(oldest);
    }
    const seen = this.#seen.get(key);
    if (seen !== undefined && (seen.running === undefined || seen.running === self)) return seen.answer;
    this.#seen.delete(key);
    return this.#first(key, { since: now, running: self, answer: undefined }, run);
  }

  /** Runs the handler and remembers how it ends, if that is an answer. */
  #first(key: string, seen: Seen, run: () => unknown): unknown {
    const end = (answer: unknown) => {
      seen.running = undefined;
      seen.answer = answer;
      if (answer instanceof Failure && !(answer instanceof Refusal) && this.#seen.get(key) === seen)
        this.#seen.delete(key);
      return answer;
    };
    const fail = (error: unknown) => {
      if (error instanceof Refusal) end(error);
      else if (this.#seen.get(key) === seen) this.#seen.delete(key);
      throw error;
    };
    this.#seen.set(key, seen);
    this.#bound();
    try {
      const answer = run();
      if (typeof (answer as PromiseLike<unknown> | null | undefined)?.then !== "function") return end(answer);
      seen.answer = Promise.resolve(answer).then(end, fail);
    } catch (error) {
      return fail(error);
    }
    return seen.answer;
  }

  #bound(): void {
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= this.#limit) return;
      this.#seen.delete(oldest);
    }
  }
}

function define(object: object, name: string | symbol, value: (payload: unknown) => unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true });
}

/** As the runtime tells a factory that is not done from an object that has messages, of which one is `then`. */
function isPending<A extends object>(made: A | PromiseLike<A>): made is PromiseLike<A> {
  if (made instanceof Promise) return true;
  if (typeof (made as { then?: unknown } | null)?.then !== "function") return false;
  return !messagesOf(made).some((name) => name !== "catch" && name !== "finally");
}
