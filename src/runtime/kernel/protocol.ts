// What a message is to the type checker: an object's methods, seen through a ref, under one of three verbs.

import type { Failure, Refusal } from "./failure.ts";

declare const protocol: unique symbol;
declare const refused: unique symbol;

/** The method that takes any message of a ref: pools, queues and routers are objects with this one method. */
export const receive: unique symbol = Symbol.for("antiphon.receive");

/** A span of time: a bare number is milliseconds; `"90s"`, `"1.5m"`, `"20ms"` and `"2h"` say their unit. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h"}`;

/**
 * What a message of a protocol gives back: an answer, a typed refusal, or a promise of either.
 * A protocol written with it fits synchronous and asynchronous implementations alike.
 */
export type Reply<A, E extends Refusal = never> = A | E | PromiseLike<A | E>;

/**
 * The address of something that takes P's messages: an actor, a pool, a queue, a topic.
 * A `Ref<Stripe>` is a `Ref<Payments>` when Stripe has all messages of Payments.
 */
export interface Ref<out P> {
  /** Where it stands in the tree of its system, for example `/shop/payments`. */
  readonly path: string;
  readonly [protocol]: () => P;
}

/**
 * How a handler's return type reads as an answer. Empty here: a library's door adds a member that maps its own
 * effect type to `A | Refusal`, so the core imports no library's types.
 */
// biome-ignore lint/suspicious/noTsIgnore: an error only as long as nobody augments it
// @ts-ignore: the parameter is there for those who do
export interface Answers<R> {}

type Answered<R> = [Answers<R>[keyof Answers<R>]] extends [never] ? Awaited<R> : Answers<R>[keyof Answers<R>];
type Handler<F> = F extends (...a: infer A) => infer R ? (A["length"] extends 0 | 1 ? [A, R] : never) : never;
type Payload<F> = Handler<F> extends [infer A extends unknown[], unknown] ? A : never;
type Result<F> = Handler<F> extends [unknown, infer R] ? Answered<R> : never;
type Names<P> = {
  [M in keyof P]-?: M extends `_${string}` | "then" | keyof Object
    ? never
    : M extends string
      ? [Handler<P[M]>] extends [never]
        ? never
        : M
      : never;
}[keyof P];
/** `Self<any>` may tell itself anything; kept out of Tell, so that compiler messages name `Ask<Inventory>`. */
export type Stub<P, S> = 0 extends 1 & P ? any : S;

/** The promise of an ask. `E` is what the receiver may refuse with: {@link settle} gives it back typed. */
export type Answer<A, E> = Promise<A> & { readonly [refused]?: () => E };

/** P's messages, sent without waiting. */
export type Tell<P> = { readonly [M in Names<P>]: (...payload: Payload<P[M]>) => void };
/** P's messages, sent waiting until the receiver has accepted them. */
export type Offer<P> = { readonly [M in Names<P>]: (...payload: Payload<P[M]>) => Promise<void> };
/** P's messages, sent waiting until they are answered. */
export type Ask<P> = {
  readonly [M in Names<P>]: (
    ...payload: Payload<P[M]>
  ) => Answer<Exclude<Result<P[M]>, Refusal>, Extract<Result<P[M]>, Refusal>>;
};

/** What can be known of a message while it is handled. */
export interface MessageInfo {
  /** The name of the method, or of the timer, watch or pipe whose turn it is. */
  readonly type: string;
  /** Who put it; undefined from outside the system and in turns. A forwarder does not replace the sender. */
  readonly sender: Ref<unknown> | undefined;
  /** Made on first read, unless the sender gave one; kept when forwarded. */
  readonly id: string;
  readonly key?: string;
  /** World time in ms at which the asker stops waiting; undefined for tell and offer and in turns. */
  readonly deadline: number | undefined;
  /** 1, unless the sender said otherwise. */
  readonly attempt: number;
}

/** What {@link receive} is given: a message of any name, and the ways to deal with it. */
export interface Message<out P = unknown> extends MessageInfo {
  readonly [protocol]: () => P;
  readonly payload: unknown;
  /** Aborts when the asker gives up, and when this actor is restarted or stopped. */
  readonly signal: AbortSignal;
  /** Answers it. A second answer is counted, not thrown. */
  answer(value: unknown): void;
  /** Answers no. */
  refuse(failure: Failure): void;
  /** Settles the offer that brought it; nothing else changes. */
  accept(): void;
  /** Moves it to another mailbox at once. Not taken there, it ends dead here and its asker is told. */
  forward(to: Ref<unknown>): void;
  /** Keeps it past the end of this turn. `on` names what it waits for, so that cycles of waits are found. */
  hold(on?: readonly Ref<unknown>[]): void;
  /** Asks `to` the same message under this one's deadline and signal. */
  relay(
    to: Ref<unknown>,
    options?: { within?: Duration | undefined; signal?: AbortSignal | undefined },
  ): Answer<unknown, unknown>;
}

/** The protocol of what a factory makes: of its `[receive]` if it has one, else the object's own type. */
export type Spawned<A> = A extends { [receive](m: Message<infer P>): unknown } ? P : A;
