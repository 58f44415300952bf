// Streams into actors and out of them.

import type { Done } from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import type { Scope } from "effect/Scope";
import * as Sink from "effect/Sink";
import * as Stream from "effect/Stream";
import { whole } from "../../runtime/kernel/options.ts";
import { type Message, type Offer, type Ref, receive, type Tell } from "../../runtime/kernel/protocol.ts";
import type { Self, SpawnOptions, System, SystemEvent, WaitOptions } from "../../runtime/kernel/verbs.ts";
import { effectful } from "./effectful.ts";
import { Caller, type NotAccepted, offer } from "./verbs.ts";

type PayloadOf<F> = F extends (...payload: infer A) => unknown ? (A extends readonly [] ? undefined : A[0]) : never;

/**
 * Offers each element to an actor as this message, one after the other: the stream waits while the mailbox is full.
 * Fails with `NotAccepted` at the first that is turned away.
 * Example: `Stream.run(orders, feed(shop, "buy"))`.
 */
export function feed<P, M extends keyof Offer<P> & string>(
  to: Ref<P>,
  message: M,
  options?: Omit<WaitOptions, "signal">,
): Sink.Sink<void, PayloadOf<Offer<P>[M]>, never, NotAccepted, Caller> {
  const offers = offer(to, options) as unknown as Record<
    string,
    (payload: unknown) => Effect.Effect<void, NotAccepted, Caller>
  >;
  const put = (payload: unknown) => offers[message]?.(payload) ?? Effect.void;
  return Sink.forEach(put);
}

/** A message that came into an {@link inbox}. */
export type Received<P> = {
  readonly [M in keyof Tell<P>]: { readonly type: M; readonly payload: PayloadOf<Tell<P>[M]> };
}[keyof Tell<P>];

export interface Inbox<P> {
  readonly ref: Ref<P>;
  /** In the order of their arrival. It ends when the actor does. */
  readonly messages: Stream.Stream<Received<P>>;
}

/**
 * An actor of protocol P whose messages are a stream, for as long as the scope is open. A message is handled, and its
 * asker answered with nothing, when the stream has room for it; `capacity`, 16 by default, is that room, and beyond it
 * messages wait in the mailbox.
 */
export function inbox<P>(
  options: SpawnOptions & { readonly capacity?: number | undefined } = {},
): Effect.Effect<Inbox<P>, never, Caller | Scope> {
  const { capacity, ...spawnOptions } = options;
  const room = whole("capacity", capacity, 16, 1);
  return Effect.gen(function* () {
    const caller = yield* Caller;
    const queue = yield* Queue.bounded<Received<P>, Done>(room);
    let stop = () => {};
    const take = (self: Self) => {
      stop = () => self.stop();
      return {
        [receive]: ({ type, payload }: Message<P>) =>
          Effect.asVoid(Queue.offer(queue, { type, payload } as unknown as Received<P>)),
        [Symbol.dispose]: () => void Queue.endUnsafe(queue),
      };
    };
    yield* Effect.addFinalizer(() => Effect.sync(() => stop()));
    const ref = caller.spawn(effectful(take), { ...spawnOptions, supervision: { onCrash: "stop" } });
    return { ref: ref as unknown as Ref<P>, messages: Stream.fromQueue(queue) };
  });
}

/** What happens in a system beside messages, from the moment the stream is run. The newest 1,000 are kept for a slow reader. */
export function events(system: System): Stream.Stream<SystemEvent> {
  return Stream.callback<SystemEvent>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() => system.events((event) => void Queue.offerUnsafe(queue, event))),
        (leave) => Effect.sync(leave),
      ),
    { bufferSize: 1_000, strategy: "sliding" },
  );
}
