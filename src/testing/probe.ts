// An actor for tests: it takes any message of a protocol, notes it, answers as it was told, and can be waited for.

import { span } from "../runtime/kernel/duration.ts";
import { AskTimeout, type Failure } from "../runtime/kernel/failure.ts";
import { type Answer, type Ask, type Duration, type Message, type Ref, receive } from "../runtime/kernel/protocol.ts";
import type { Self, System } from "../runtime/kernel/verbs.ts";

type Name<P> = keyof Ask<P> & string;
type Handler<P, M extends Name<P>> = Ask<P>[M] extends (...payload: infer A) => Answer<infer R, infer E>
  ? { readonly payload: A extends readonly [] ? undefined : A[0]; readonly answer: R | E }
  : never;
type Payload<P, M extends Name<P>> = Handler<P, M>["payload"];
/** `self` is the probe's: with it an answer may take its time. */
type By<P, M extends Name<P>, R> = R | ((payload: Payload<P, M>, self: Self<P>) => R | PromiseLike<R>);

/** A message that a probe was sent. Its `payload` has the type that its `type` says. */
export type Received<P, M extends Name<P> = Name<P>> = {
  [T in M]: {
    readonly type: T;
    readonly payload: Payload<P, T>;
    /** Path of the actor that sent it; undefined from outside. */
    readonly sender: string | undefined;
    readonly id: string;
    readonly key: string | undefined;
    /** World time of its start, in ms. */
    readonly atMs: number;
  };
}[M];

export interface Probe<P> {
  readonly ref: Ref<P>;
  /** All that it was sent so far, in the order in which it started. */
  readonly received: readonly Received<P>[];
  /**
   * The oldest message that was not taken yet, or the oldest of that type, which is taken with it; those who wait get
   * theirs in the order of their calls. `within` bounds the wait, `"5s"` by default.
   * Fails: AskTimeout, which says what came instead.
   */
  next<M extends Name<P> = Name<P>>(type?: M, options?: { within?: Duration | undefined }): Promise<Received<P, M>>;
  /** How messages are answered from now on: with a value, or with what a function of the payload gives or throws. */
  answers(by: { readonly [M in Name<P>]?: By<P, M, Handler<P, M>["answer"] | Failure> }): Probe<P>;
  /** Answers no from now on. */
  refuses<M extends Name<P>>(type: M, refusal: By<P, M, Failure>): Probe<P>;
}

/**
 * Starts an actor that stands for one of protocol P. Without more it answers `undefined`.
 *
 * Promises: live and in virtual time alike. It takes messages side by side, so that an answer that takes its time keeps
 * nobody waiting. A function that throws is a crash like any other, after which the probe goes on as it was. `next` is an
 * ask from outside: it counts as one in the census and the trace, is held while it waits, and is struck by faults of that
 * link and of the probe.
 * Fails: InvalidOption.
 * Example: `const mail = probe<Mail>(system).answers({ send: () => "ok" })`, then `await mail.next("send")`.
 */
export function probe<P>(system: System, name?: string): Probe<P> {
  return new Inbox<P>(system, name);
}

/** The message with which `next` waits: no method is called so. */
const wait = "probe-next";
type Waits = { readonly [wait]: (waiter: number) => void };

interface Waiter<P> {
  readonly type: string | undefined;
  found: Received<P> | undefined;
  /** More than one where a fault has doubled it. */
  readonly held: Message[];
}

class Inbox<P> implements Probe<P> {
  readonly ref: Ref<P>;
  readonly received: Received<P>[] = [];
  readonly #system: System;
  readonly #untaken: Received<P>[] = [];
  readonly #waiters = new Map<number, Waiter<P>>();
  #calls = 0;
  readonly #answers = new Map<string, unknown>();

  constructor(system: System, name: string | undefined) {
    this.#system = system;
    const probe = (self: Self<P>) => ({ [receive]: (m: Message<P>) => this.#receive(m, self) });
    const supervision = { onCrash: "resume" } as const;
    this.ref = system.spawn(probe, { name, concurrency: Number.POSITIVE_INFINITY, supervision }) as Ref<P>;
  }

  next<M extends Name<P>>(type?: M, options: { within?: Duration | undefined } = {}): Promise<Received<P, M>> {
    const next = this.#next(type, options.within);
    // It may be awaited later than it fails.
    next.catch(() => {});
    return next as Promise<Received<P, M>>;
  }

  answers(by: { readonly [M in Name<P>]?: unknown }): this {
    for (const [type, answer] of Object.entries(by)) this.#answers.set(type, answer);
    return this;
  }

  refuses(type: string, refusal: unknown): this {
    this.#answers.set(type, refusal);
    return this;
  }

  async #next(type: string | undefined, within: Duration | undefined): Promise<Received<P>> {
    const at = this.#untaken.findIndex((one) => fits(one, type));
    if (at >= 0) return this.#untaken.splice(at, 1)[0]!;
    const number = this.#calls++;
    const waiter: Waiter<P> = { type, found: undefined, held: [] };
    this.#waiters.set(number, waiter);
    const sinceMs = this.#system.now();
    try {
      await this.#system.ask(this.ref as Ref<unknown> as Ref<Waits>, { within })[wait](number);
    } catch (error) {
      // What it was given is not lost with the word of it.
      if (waiter.found !== undefined) return waiter.found;
      if (!(error instanceof AskTimeout)) throw error;
      const others = this.#untaken.map((one) => one.type).join(", ");
      const text = `${this.ref.path} got no ${type ?? "message"} within ${span(this.#system.now() - sinceMs)}`;
      throw new AskTimeout(`${text}; not taken: ${others || "nothing"}.`, error.outcome, { cause: error });
    } finally {
      this.#waiters.delete(number);
    }
    return waiter.found!;
  }

  #receive(m: Message<P>, self: Self<P>): unknown {
    if (m.type === wait) {
      const waiter = this.#waiters.get(m.payload as number);
      if (waiter === undefined || waiter.found !== undefined) return undefined;
      waiter.held.push(m);
      m.hold();
      return undefined;
    }
    const { type, payload, sender, id, key } = m;
    const one = { type, payload, sender: sender?.path, id, key, atMs: self.now() } as Received<P>;
    this.received.push(one);
    const waiter = [...this.#waiters.values()].find(({ type, found }) => found === undefined && fits(one, type));
    if (waiter === undefined) this.#untaken.push(one);
    else {
      waiter.found = one;
      for (const held of waiter.held) held.answer(undefined);
    }
    const answer = this.#answers.get(type);
    return typeof answer === "function" ? answer(payload, self) : answer;
  }
}

function fits(one: { readonly type: string }, type: string | undefined): boolean {
  return type === undefined || one.type === type;
}
