// An object whose methods return observables, as an actor.

import { isObservable, type Observable } from "rxjs";
import { Cancelled, InvalidOption } from "../../runtime/kernel/failure.ts";
import { messagesOf } from "../../runtime/kernel/names.ts";
import { receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";

declare module "../../runtime/kernel/protocol.ts" {
  interface Answers<R> {
    /** Never for a type that holds no observable: that reads as it did. */
    readonly rxjs: 0 extends 1 & R
      ? never
      : [Extract<R, Observable<unknown>>] extends [never]
        ? never
        : R extends Observable<infer A>
          ? A
          : Awaited<R>;
  }
}

/**
 * A factory of an actor from one whose object's methods return observables. The last value of an observable is the answer,
 * undefined if there was none; a `Refusal` that it fails with is a refusal, another error a crash. Methods that return
 * something else stay as they are.
 *
 * Promises: unsubscribes when the asker gives up, at its deadline, and at the fence of a restart or stop. The message is
 * handled until the observable completes: operators take `worldScheduler(self, { by: "sleep" })`.
 * Fails: InvalidOption.
 * Example: `system.spawn(streaming((self) => ({ best: (sku: string) => race(asking(self, a).price(sku), …) })))`.
 */
export function streaming<A extends object>(make: Make<A>): Make<A> {
  if (typeof make !== "function") throw new InvalidOption("make", make, "a function that makes the actor's object");
  /** The same object made twice is the runtime's to refuse. */
  const wrapped = new WeakMap<A, A>();
  return (self) => {
    const wrap = (inner: A): A => {
      if (typeof inner !== "object" || inner === null || "then" in inner) return inner;
      const outer = wrapped.get(inner) ?? wrapOf(self, inner);
      wrapped.set(inner, outer);
      return outer;
    };
    const made = make(self);
    return made instanceof Promise ? made.then(wrap) : wrap(made as A);
  };
}

type Handlers = Record<string | symbol, (payload?: unknown) => unknown>;

/** An object of the same class and the same messages. Each call goes to `inner`, so that its private fields work. */
function wrapOf<A extends object>(self: Self, inner: A): A {
  const handlers = inner as Handlers;
  const outer: object = Object.create(Object.getPrototypeOf(inner));
  const define = (name: string | symbol, value: (payload: unknown) => unknown) =>
    Object.defineProperty(outer, name, { value, enumerable: true });
  for (const name of receive in inner ? [...messagesOf(inner), receive] : messagesOf(inner))
    define(name, (payload) => {
      const result = handlers[name]?.(payload);
      return isObservable(result) ? lastOf(self, result) : result;
    });
  for (const dispose of [Symbol.asyncDispose, Symbol.dispose])
    if (dispose in inner) define(dispose, () => handlers[dispose]?.());
  return outer as A;
}

/** At once, if the observable ends at once. */
function lastOf(self: Self, source: Observable<unknown>): unknown {
  let last: unknown;
  let end: { readonly error?: unknown } | undefined;
  let settle = () => {};
  const ended = (how: { readonly error?: unknown }) => {
    end ??= how;
    settle();
  };
  const subscription = source.subscribe({
    next: (value) => {
      last = value;
    },
    error: (error) => ended({ error }),
    complete: () => ended({}),
  });
  const answer = () => {
    if (end !== undefined && "error" in end) throw end.error;
    return last;
  };
  if (end !== undefined) return answer();
  const { signal } = self;
  const leave = () => {
    subscription.unsubscribe();
    const why = `${self.path} was unsubscribed: nobody waited for its answer any more.`;
    ended({ error: new Cancelled(why, "unknown") });
  };
  signal.addEventListener("abort", leave, { once: true });
  return new Promise<void>((resolve) => (settle = resolve)).then(() => {
    signal.removeEventListener("abort", leave);
    return answer();
  });
}
