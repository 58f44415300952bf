// The guard of a strict run: whoever reads a clock, draws, or arms a timer that is not the world's is stopped and named.
// It stands on the globals of the process, so one strict run at a time; code outside of a run's steps passes.

import { InvalidOption } from "../kernel/failure.ts";

interface Guarded {
  /** The object that is patched, and the name of what is replaced. */
  readonly on: object;
  readonly name: string;
  readonly what: string;
  readonly instead: string;
}

const timer = "self.after, self.every or self.sleep";
const clock = "self.now()";
const draw = "self.random()";
const port = "an actor outside of the simulation, or a port that is simulated";

const guarded: readonly Guarded[] = [
  { on: Date, name: "now", what: "Date.now", instead: clock },
  { on: performance, name: "now", what: "performance.now", instead: clock },
  { on: process, name: "hrtime", what: "process.hrtime", instead: clock },
  { on: process, name: "uptime", what: "process.uptime", instead: clock },
  { on: Math, name: "random", what: "Math.random", instead: draw },
  { on: globalThis.crypto, name: "randomUUID", what: "crypto.randomUUID", instead: draw },
  { on: globalThis.crypto, name: "getRandomValues", what: "crypto.getRandomValues", instead: draw },
  { on: globalThis, name: "setTimeout", what: "setTimeout", instead: timer },
  { on: globalThis, name: "setInterval", what: "setInterval", instead: timer },
  { on: globalThis, name: "setImmediate", what: "setImmediate", instead: timer },
  { on: process, name: "nextTick", what: "process.nextTick", instead: timer },
  { on: AbortSignal, name: "timeout", what: "AbortSignal.timeout", instead: timer },
  { on: globalThis, name: "fetch", what: "fetch", instead: port },
];

let installed = false;

/**
 * Puts the guards up and gives what takes them down. `caught` is called with what was used while `inStep()`; what it
 * throws, the user of it gets.
 * Fails: InvalidOption, when a strict run is under way in this thread.
 */
export function guard(inStep: () => boolean, caught: (what: string, instead: string) => never): () => void {
  if (installed) throw new InvalidOption("strict", true, "one strict simulation at a time in a thread");
  installed = true;
  const undo: (() => void)[] = [];
  for (const { on, name, what, instead } of guarded) {
    const own = Object.getOwnPropertyDescriptor(on, name);
    const original: unknown = Reflect.get(on, name);
    if (typeof original !== "function") continue;
    const value = Object.assign(function (this: unknown, ...args: unknown[]): unknown {
      if (inStep()) caught(what, instead);
      return Reflect.apply(original, this, args);
    }, original);
    Object.defineProperty(on, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: own?.enumerable ?? false,
    });
    undo.push(() => (own === undefined ? Reflect.deleteProperty(on, name) : Object.defineProperty(on, name, own)));
  }
  const RealDate = globalThis.Date;
  const GuardedDate = new Proxy(RealDate, {
    construct(target, args, newTarget) {
      if (args.length === 0 && inStep()) caught("new Date()", clock);
      return Reflect.construct(target, args, newTarget);
    },
    apply(target, self, args) {
      if (inStep()) caught("Date()", clock);
      return Reflect.apply(target, self, args);
    },
  });
  globalThis.Date = GuardedDate;
  undo.push(() => {
    globalThis.Date = RealDate;
  });
  return () => {
    for (const back of undo.reverse()) back();
    installed = false;
  };
}
