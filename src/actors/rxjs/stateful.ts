// An actor whose state can be observed: through a message, so that it holds in any order and across any link.

import { InvalidFactory, InvalidOption } from "../../runtime/kernel/failure.ts";
import { messagesOf } from "../../runtime/kernel/names.ts";
import { type Ref, receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";

/** Is told each state, and the end of a machine that is done. */
export interface Observer<S> {
  next(state: S): void;
  complete(): void;
}

export interface Stateful<S> {
  /** Tells the observer the present state and each that is reached from now on, for as long as it lives. */
  subscribe(observer: Ref<Observer<S>>): void;
}

/**
 * A factory of the same actor with one message more: `subscribe`. After each message `view` is taken of the object, and
 * told to the observers if it is another (`Object.is`) than before. Observers outlive restarts. Changes in timers are told
 * after the next message.
 * Fails: InvalidOption; InvalidFactory, at spawn, for an object that has `[receive]` or a `subscribe`.
 * Example: `system.spawn(stateful(() => new Cart(), (cart) => cart.total))`.
 */
export function stateful<A extends object, S>(make: Make<A>, view: (actor: A) => S): Make<A & Stateful<S>> {
  if (typeof make !== "function") throw new InvalidOption("make", make, "a function that makes the actor's object");
  if (typeof view !== "function") throw new InvalidOption("view", view, "a function of the actor's object");
  const everybody = new WeakMap<object, Set<Ref<Observer<S>>>>();
  const wrapped = new WeakMap<A, A & Stateful<S>>();
  return (self) => {
    const observers = everybody.get(self.ref) ?? new Set();
    everybody.set(self.ref, observers);
    const wrap = (inner: A) => {
      const outer = wrapped.get(inner) ?? observed(self, inner, view, observers);
      wrapped.set(inner, outer);
      return outer;
    };
    const made = make(self);
    return made instanceof Promise ? made.then(wrap) : wrap(made as A);
  };
}

type Handlers = Record<string | symbol, (payload?: unknown) => unknown>;

function observed<A extends object, S>(
  self: Self,
  inner: A,
  view: (actor: A) => S,
  observers: Set<Ref<Observer<S>>>,
): A & Stateful<S> {
  const handlers = inner as Handlers;
  const names = messagesOf(inner);
  if (receive in inner || names.includes("subscribe"))
    throw new InvalidFactory(
      self.path,
      receive in inner ? "an object with [receive] to stateful" : "an object with a message subscribe to stateful",
      "Put stateful around the actors behind it, or call the message otherwise.",
    );
  const leaves = (observer: Ref<Observer<S>>) => self.watch(observer, () => observers.delete(observer));
  for (const observer of observers) leaves(observer);
  let last = view(inner);
  for (const observer of observers) self.tell(observer).next(last);
  const look = () => {
    const state = view(inner);
    if (Object.is(state, last)) return;
    last = state;
    for (const observer of observers) self.tell(observer).next(state);
  };
  const outer: Handlers = Object.create(Object.getPrototypeOf(inner));
  const define = (name: string | symbol, value: (payload: never) => unknown) =>
    Object.defineProperty(outer, name, { value, enumerable: true });
  for (const name of names)
    define(name, (payload) => {
      const result = handlers[name]?.(payload);
      if (!(result instanceof Promise)) {
        look();
        return result;
      }
      return result.finally(look);
    });
  define("subscribe", (observer: Ref<Observer<S>>) => {
    if (!observers.has(observer)) leaves(observer);
    observers.add(observer);
    self.tell(observer).next(last);
  });
  for (const dispose of [Symbol.asyncDispose, Symbol.dispose])
    if (dispose in inner) define(dispose, () => handlers[dispose]?.());
  return outer as unknown as A & Stateful<S>;
}
