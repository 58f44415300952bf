// An idempotent consumer: a message may come twice, its effect happens once.

import { InvalidFactory, Refusal } from "../../runtime/kernel/failure.ts";
import { messagesOf } from "../../runtime/kernel/names.ts";
import { type Ref, receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import { type CommitOptions, commit } from "../broker/index.ts";

/** What a message is to have done: all of it, or nothing, in one commit. */
export type Effect = Pick<CommitOptions, "publish" | "state">;

/** The messages of A, whose effects its handlers give. */
export type EffectOnce<A> = {
  readonly [M in keyof A]: A[M] extends (...payload: infer X) => unknown ? (...payload: X) => Promise<void> : never;
};

/**
 * A consumer whose handlers give the effect of a message instead of having it. It is committed with the settlement of the
 * message and a note of its name and id.
 *
 * Promises: of all messages of one name and id one has its effect, once; whatever crashes, as long as the store remembers
 * the note, which is at least as long as one message may come again. `through` is the queue or topic that delivers, or its
 * store. A refusal has no effect, and is no note.
 * Not promised: anything of what a handler does beside the effect that it gives; it may run again for each attempt.
 * Fails: InvalidFactory, at spawn, for an object with `[receive]`; what {@link commit} fails with, and then the message
 * comes again.
 * Example: `queue(effectOnce(store, () => ({ placed: ({ id }) => ({ state: { [id]: "billed" } }) })), { store })`.
 */
export function effectOnce<A extends object>(through: Ref<unknown>, make: Make<A>): Make<EffectOnce<A>> {
  return wrapped(make, (self, name, handle) => async (payload) => {
    const id = self.message?.id ?? "";
    const effect = await handle(payload);
    if (effect instanceof Refusal) return effect;
    await commit(self, through, { ...(effect as Effect | undefined), inbox: `${self.path} ${name} ${id}` });
    return undefined;
  }) as Make<EffectOnce<A>>;
}

type Handle = (payload: unknown) => unknown;

/** An object with the messages of what `make` gives, each handled by what `around` makes of its handler. */
export function wrapped<A extends object>(
  make: Make<A>,
  around: (self: Self, name: string, handle: Handle) => Handle,
): Make<object> {
  return async (self: Self) => {
    const inner = await make(self);
    if (receive in inner)
      throw new InvalidFactory(self.path, "an object with [receive]", "Give it an object with a method per message.");
    const handlers = inner as Record<string, Handle>;
    const outer: Record<string | symbol, unknown> = {};
    for (const name of messagesOf(inner)) outer[name] = around(self, name, (payload) => handlers[name]?.(payload));
    for (const dispose of [Symbol.asyncDispose, Symbol.dispose])
      if (dispose in inner) outer[dispose] = () => (inner as Record<symbol, () => unknown>)[dispose]?.();
    return outer;
  };
}
