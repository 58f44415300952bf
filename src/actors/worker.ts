// A child that is given messages to handle, and who knows how many of them it has not ended.

import { AskTimeout, Cancelled, type Failure, InvalidFactory } from "../runtime/kernel/failure.ts";
import { messagesOf } from "../runtime/kernel/names.ts";
import { type Message, type Ref, receive } from "../runtime/kernel/protocol.ts";
import type { Ended, Make, Self, SpawnOptions } from "../runtime/kernel/verbs.ts";
import type { Target } from "./balancer.ts";

/** The message by which a worker says that it has a free slot again. No message of its own may have this name. */
const checkin = "workerCheckin";
type CheckedIn = { [checkin](): void };
type Handlers = Record<string | symbol, (payload?: unknown) => unknown>;

/**
 * Promises: `inHand` is what it was given by {@link Worker.give} and has not ended, in truth: when an asker gives up,
 * its message counts until the handler, which may run on, has ended.
 */
export class Worker implements Target {
  readonly name: string;
  readonly ref: Ref<unknown>;
  readonly startedAtMs: number;
  /** The object of its present incarnation; undefined while it has none, as between a crash and the restart. */
  object: object | undefined = undefined;
  inHand = 0;
  isEnded = false;
  readonly #parent: Self;
  /** What a message that waits for it waits for. */
  readonly #on: readonly Ref<unknown>[];
  readonly #made: ((worker: Worker) => void) | undefined;
  #inner: object | undefined = undefined;
  #self: Self | undefined = undefined;
  #wrapped: object | undefined = undefined;

  /** Spawns it. `ended` is told when it has, for whatever reason; `made` when it has an object, in a turn of its own. */
  constructor(
    parent: Self,
    make: Make<object>,
    options: SpawnOptions & { name: string },
    ended: (worker: Worker, how: Ended) => void,
    made?: (worker: Worker) => void,
  ) {
    this.#parent = parent;
    this.#made = made;
    this.name = options.name;
    this.startedAtMs = parent.now();
    const { messages } = options;
    this.ref = parent.spawn(
      (self) => this.#make(self, make),
      messages === undefined ? options : { ...options, messages: [...messages, checkin] },
    );
    this.#on = [this.ref];
    parent.watch(this.ref, (how) => {
      this.isEnded = true;
      ended(this, how);
    });
  }

  /** Has it handle `m`. `free` is called whenever it can take one more, `failed` before that if `m` was not answered. */
  give(m: Message, free: (worker: Worker) => void, failed: (worker: Worker, m: Message, error: unknown) => void): void {
    this.inHand++;
    m.hold(this.#on);
    m.relay(this.ref).then(
      (value) => {
        m.answer(value);
        this.inHand--;
        this.#run(() => free(this));
      },
      (error: Failure) => {
        const mayRun = (error instanceof AskTimeout || error instanceof Cancelled) && error.outcome !== "not-started";
        if (!mayRun) this.inHand--;
        this.#run(() => {
          failed(this, m, error);
          if (!mayRun) free(this);
          else this.#checkIn(free);
        });
      },
    );
    m.accept();
  }

  /** It takes nothing more and ends; what it has in flight gets its `settleWithin`. */
  stop(): void {
    this.#self?.stop();
  }

  /** In the continuation of a promise: a throw is a crash of the parent here as well. */
  #run(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#parent.after(0, () => {
        throw error;
      });
    }
  }

  #checkIn(free: (worker: Worker) => void): void {
    const over = () => {
      this.inHand--;
      this.#run(() => free(this));
    };
    const ask = this.#parent.ask(this.ref as Ref<CheckedIn>, { within: Number.POSITIVE_INFINITY });
    ask[checkin]().then(over, over);
  }

  #make(self: Self, make: Make<object>): object | PromiseLike<object> {
    this.#self = self;
    const made = make(self);
    return isPending(made) ? made.then((object) => this.#wrap(self, object)) : this.#wrap(self, made);
  }

  /** The same messages, and one more. Each call goes to `inner`, so that its private fields work. */
  #wrap(self: Self, inner: object): object {
    // What is no actor, and the same object made twice, are the runtime's to refuse.
    if (typeof inner !== "object" || inner === null || "then" in inner) return inner;
    if (inner === this.#inner && this.#wrapped !== undefined) return this.#wrapped;
    const handlers = inner as Handlers;
    if (checkin in inner)
      throw new InvalidFactory(self.path, `an object with a message ${checkin}`, "Give that message another name.");
    const outer: object = Object.create(Object.getPrototypeOf(inner));
    if (receive in inner)
      define(outer, receive, (m) => ((m as Message).type === checkin ? undefined : handlers[receive]?.(m)));
    else {
      for (const name of messagesOf(inner)) define(outer, name, (payload) => handlers[name]?.(payload));
      define(outer, checkin, () => {});
    }
    // As the runtime looks for it: one of the two, and the asynchronous one first.
    const dispose = Symbol.asyncDispose in inner ? Symbol.asyncDispose : Symbol.dispose;
    define(outer, dispose, () => {
      this.object = undefined;
      return handlers[dispose]?.();
    });
    this.object = inner;
    this.#inner = inner;
    this.#wrapped = outer;
    if (this.#made !== undefined) this.#parent.after(0, () => this.#made?.(this), `made ${this.name}`);
    return outer;
  }
}

function define(object: object, name: string | symbol, value: (payload: unknown) => unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true });
}

/** As the runtime tells a factory that is not done from an object that has messages, of which one is `then`. */
function isPending(made: object | PromiseLike<object>): made is PromiseLike<object> {
  if (made instanceof Promise) return true;
  if (typeof (made as { then?: unknown } | null)?.then !== "function") return false;
  return !messagesOf(made).some((name) => name !== "catch" && name !== "finally");
}
