// The three verbs as Effects: lazy, typed in what they fail with, and given up when they are interrupted.

import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import {
  type ActorCrashed,
  type ActorRestarted,
  type ActorStopped,
  type AskTimeout,
  type Cancelled,
  Failure,
  type MailboxFull,
  type NotIsolated,
  type OfferTimeout,
  type Stopped,
  type SystemStopped,
  type UnknownMessage,
  type WaitCycle,
} from "../../runtime/kernel/failure.ts";
import type { Answer, Ask, Offer, Ref, Tell } from "../../runtime/kernel/protocol.ts";
import type { TellOptions, Verb, Verbs, WaitOptions } from "../../runtime/kernel/verbs.ts";
import { sending } from "../begun.ts";
import type { Unwrapped } from "./answers.ts";
import { failureOf } from "./running.ts";

/** Who tells, offers and asks: an actor's own `self`, or a system. Each Effect of an actor has it. */
export interface Caller {
  readonly key: "antiphon/Caller";
}
export const Caller: Context.Service<Caller, Verbs> = Context.Service<Caller, Verbs>("antiphon/Caller");

declare const other: unique symbol;

/** A failure whose kind is not in the receiver's type: a refusal that was thrown or passed on, a fault of a simulation. */
export type OtherFailure = Failure & { readonly _tag: string & { readonly [other]: true } };

/** Why no answer came, each kind by its tag. */
export type Unanswered =
  | AskTimeout
  | Cancelled
  | MailboxFull
  | UnknownMessage
  | NotIsolated
  | ActorStopped
  | ActorCrashed
  | ActorRestarted
  | WaitCycle
  | Stopped
  | SystemStopped
  | OtherFailure;

/** Why a message was not accepted. */
export type NotAccepted = OfferTimeout | Unanswered;

export type EffectAsk<P> = {
  readonly [M in keyof Ask<P>]: Ask<P>[M] extends (...payload: infer I) => Answer<infer A, infer E>
    ? (...payload: I) => Effect.Effect<A, Unwrapped<E> | Unanswered, Caller>
    : never;
};
export type EffectOffer<P> = {
  readonly [M in keyof Offer<P>]: (...payload: Parameters<Offer<P>[M]>) => Effect.Effect<void, NotAccepted, Caller>;
};
export type EffectTell<P> = {
  readonly [M in keyof Tell<P>]: (...payload: Parameters<Tell<P>[M]>) => Effect.Effect<void, never, Caller>;
};

type Options = Omit<WaitOptions, "signal">;

/**
 * Asks when it is run, each time anew. Fails with what the receiver fails with, as that Effect had it, and with
 * `Unanswered`; interrupted, it gives the ask up.
 * Example: `ask(stock, { within: "100ms" }).reserve("mug").pipe(Effect.retry(Schedule.recurs(3)))`.
 */
export function ask<P>(to: Ref<P>, options?: Options): EffectAsk<P> {
  return messages((type, payload) => waited("ask", to, options, type, payload)) as EffectAsk<P>;
}

/** Waits until the message is accepted. Fails with `NotAccepted`. */
export function offer<P>(to: Ref<P>, options?: Options): EffectOffer<P> {
  return messages((type, payload) => waited("offer", to, options, type, payload)) as EffectOffer<P>;
}

/** Sends without waiting. What is turned away is a dead letter. */
export function tell<P>(to: Ref<P>, options?: TellOptions): EffectTell<P> {
  return messages((type, payload) =>
    Effect.map(Caller, (caller) => {
      messageOf(caller, "tell", to, options, type)(payload);
    }),
  ) as EffectTell<P>;
}

type Send = (payload: unknown) => unknown;

function messages(send: (type: string, payload: unknown) => Effect.Effect<unknown, unknown, Caller>): object {
  return new Proxy(
    {},
    { get: (_, type) => (typeof type === "string" ? (payload: unknown) => send(type, payload) : undefined) },
  );
}

function messageOf<P>(caller: Verbs, verb: Verb, to: Ref<P>, options: WaitOptions | undefined, type: string): Send {
  const stub = caller.via(verb, to, options) as unknown as Record<string, Send>;
  return (payload) => (stub[type] as Send).call(stub, payload);
}

function waited<P>(
  verb: "ask" | "offer",
  to: Ref<P>,
  options: Options | undefined,
  type: string,
  payload: unknown,
): Effect.Effect<unknown, unknown, Caller> {
  return Effect.flatMap(Caller, (caller) =>
    Effect.callback<unknown, unknown>((resume) => {
      const { sent, cancel } = sending(caller, (signal) => {
        const send = messageOf(caller, verb, to, signal === undefined ? options : { ...options, signal }, type);
        return send(payload) as Promise<unknown>;
      });
      sent.then(
        (answer) => resume(Effect.succeed(answer)),
        (error) => resume(error instanceof Failure ? Effect.fail(failureOf(error)) : Effect.die(error)),
      );
      return Effect.sync(cancel);
    }),
  );
}
