// Something to look at, as the language and its libraries look at things: by subscribing, by `for await`, and by the
// symbol that observables have in common. It loads no library.

import type { System, SystemEvent } from "../runtime/kernel/verbs.ts";

export interface Watcher<T> {
  next?(value: T): void;
  error?(error: unknown): void;
  complete?(): void;
}

export interface Watchable<T> extends AsyncIterable<T> {
  /** What a watcher throws is its own: it is not heard again. */
  subscribe(watcher: Watcher<T> | ((value: T) => void)): { unsubscribe(): void };
  /** For `from` of RxJS and its kin; where the language has `Symbol.observable`, under that name too. */
  readonly "@@observable": () => Watchable<T>;
}

/** Values that a `for await` has not come to, the newest ones. */
const keptMax = 1_000;

/** What happens in a system beside messages: to subscribe to, and for `for await`. */
export function watchEvents(system: System): Watchable<SystemEvent> {
  return watchable((next) => system.events(next));
}

/** `start` is called for each subscription with what takes the values, and gives what ends it. */
export function watchable<T>(start: (next: (value: T) => void) => () => void): Watchable<T> {
  const one: Watchable<T> = {
    subscribe(watcher) {
      const next = typeof watcher === "function" ? watcher : watcher.next?.bind(watcher);
      let leave = () => {};
      leave = start((value) => {
        try {
          next?.(value);
        } catch {
          leave();
        }
      });
      return { unsubscribe: leave };
    },
    "@@observable": () => one,
    [Symbol.asyncIterator]: () => iterate(start),
  };
  const symbol = (Symbol as { observable?: symbol }).observable;
  if (symbol !== undefined) Object.defineProperty(one, symbol, { value: () => one });
  return one;
}

/** Begins at once, so that nothing between two steps is missed. */
function iterate<T>(start: (next: (value: T) => void) => () => void): AsyncIterator<T> {
  const kept: T[] = [];
  const waiting: ((step: IteratorResult<T>) => void)[] = [];
  let isOver = false;
  const leave = start((value) => {
    const wake = waiting.shift();
    if (wake !== undefined) wake({ value, done: false });
    else if (kept.push(value) > keptMax) kept.shift();
  });
  const over = { value: undefined, done: true } as const;
  return {
    next: () => {
      const value = kept.shift();
      if (value !== undefined) return Promise.resolve({ value, done: false });
      if (isOver) return Promise.resolve(over);
      return new Promise((resolve) => waiting.push(resolve));
    },
    return: () => {
      isOver = true;
      leave();
      for (const wake of waiting.splice(0)) wake(over);
      return Promise.resolve(over);
    },
  };
}
