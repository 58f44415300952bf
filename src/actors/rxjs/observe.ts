// What goes on in actors, as observables: events of a system, the state of an actor, the answers to asks; and observables
// inside of an actor, each value a turn.

import { from, Observable, type ObservableInput, type Subscription as Subscribed } from "rxjs";
import type { Answer, Ask, Ref } from "../../runtime/kernel/protocol.ts";
import { Incarnation } from "../../runtime/kernel/self.ts";
import type { Self, System, SystemEvent, Verbs, WaitOptions } from "../../runtime/kernel/verbs.ts";
import { sending } from "../begun.ts";
import type { Bus, Heard, Subscription } from "../bus.ts";
import type { Stateful } from "./stateful.ts";

/** What happens in a system beside messages, from each subscription on. */
export function eventsOf(system: System): Observable<SystemEvent> {
  return new Observable((subscriber) => system.events((event) => subscriber.next(event)));
}

/**
 * The state of an actor that has `subscribe`, as `stateful` and machines have: its present one and each that follows.
 * Completes when the actor ends, or `by` does. It is brought by messages to an actor of its own, a child of `by`, which ends with the
 * subscription.
 * Example: `stateOf(system, cart).pipe(map(({ total }) => total), distinctUntilChanged())`.
 */
export function stateOf<S>(by: Verbs, ref: Ref<Stateful<S>>): Observable<S> {
  return new Observable((subscriber) => {
    by.spawn(
      (self: Self) => {
        subscriber.add(() => self.stop());
        self.watch(ref, () => {
          subscriber.complete();
          self.stop();
        });
        self.tell(ref).subscribe(self.ref);
        return {
          next: (state: S) => subscriber.next(state),
          complete: () => subscriber.complete(),
          [Symbol.dispose]: () => subscriber.complete(),
        };
      },
      { supervision: { onCrash: "stop" } },
    );
  });
}

/**
 * What a `bus` says of a topic, from the subscription on. It is heard by an actor of its own, a child of `by`, with a queue
 * in the bus; completes when the bus ends, or `by` does, and fails when the bus does not take it. A restart of the bus
 * forgets it, as all subscriptions.
 * Example: `topicOf(system, events, { topic: "order.*" }).pipe(map(({ event }) => event))`.
 */
export function topicOf<E>(
  by: Verbs,
  bus: Ref<Bus<E>>,
  options: Omit<Subscription<E>, "ref"> = {},
): Observable<Heard<E>> {
  return new Observable((subscriber) => {
    by.spawn(
      (self: Self) => {
        subscriber.add(() => self.stop());
        self.watch(bus, () => self.stop());
        self.pipeToSelf(
          self.ask(bus).subscribe({ ...options, ref: self.ref }),
          () => {},
          (error) => {
            subscriber.error(error);
            self.stop();
          },
        );
        return {
          heard: (heard: Heard<E>) => subscriber.next(heard),
          [Symbol.dispose]: () => subscriber.complete(),
        };
      },
      { supervision: { onCrash: "stop" } },
    );
  });
}

type Asks = Record<string, (payload: unknown) => Promise<unknown>>;

/** The messages of P as observables: asked anew at each subscription, given up when that ends. */
export type ObservableAsk<P> = {
  readonly [M in keyof Ask<P>]: Ask<P>[M] extends (...payload: infer I) => Answer<infer A, unknown>
    ? (...payload: I) => Observable<A>
    : never;
};

/**
 * Asks when it is subscribed to; fails as the ask does. What unsubscribes, such as `switchMap`, gives the ask up, and
 * with it what was asked for its sake.
 * Example: `typed$.pipe(switchMap((word) => asking(system, index, { within: "1s" }).search(word)))`.
 */
export function asking<P>(by: Verbs, to: Ref<P>, options: Omit<WaitOptions, "signal"> = {}): ObservableAsk<P> {
  const ask = (type: string) => (payload: unknown) =>
    new Observable((subscriber) => {
      const { sent, cancel } = sending(by, (signal) => {
        const stub = by.ask(to, signal === undefined ? options : { ...options, signal }) as unknown as Asks;
        return (stub[type] as Asks[string]).call(stub, payload);
      });
      sent.then(
        (answer) => {
          subscriber.next(answer);
          subscriber.complete();
        },
        (error) => subscriber.error(error),
      );
      return cancel;
    });
  return new Proxy({}, { get: (_, type) => (typeof type === "string" ? ask(type) : undefined) }) as ObservableAsk<P>;
}

export interface TurnObserver<T> {
  readonly next: (value: T) => void;
  /** Without it, an error of the source is a crash. */
  readonly error?: ((error: unknown) => void) | undefined;
  readonly complete?: (() => void) | undefined;
}

/**
 * Observes inside of an actor: each value, error and end is a turn of it, in order, and what an observer throws is a
 * crash of the actor. Ends with the incarnation, at the first value after its end.
 * Example: `observeIn(self, merge(prices$, news$), { next: (one) => self.tell(board).show(one) })`.
 */
export function observeIn<T>(self: Self, source: ObservableInput<T>, observer: TurnObserver<T>): Subscribed {
  /** Unsubscribed by the program, and not by the end of the source. */
  let isOut = false;
  let hasEnded = false;
  let subscription: Subscribed | undefined;
  const turn = (run: () => void) => {
    if (self instanceof Incarnation && !self.live) subscription?.unsubscribe();
    else self.pipeToSelf(Promise.resolve(), () => (isOut ? undefined : run()));
  };
  subscription = from(source).subscribe({
    next: (value) => turn(() => observer.next(value)),
    error: (error) => {
      hasEnded = true;
      turn(() => {
        if (observer.error === undefined) throw error;
        observer.error(error);
      });
    },
    complete: () => {
      hasEnded = true;
      turn(() => observer.complete?.());
    },
  });
  subscription.add(() => {
    isOut = !hasEnded;
  });
  return subscription;
}
