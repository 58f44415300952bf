// The guard of a strict run: whoever reads a clock, draws, or arms a timer that is not the world's is stopped and named.
// It stands on the globals and modules of the process, so one strict run at a time; code outside of a run's steps passes.

import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import timersPromises from "node:timers/promises";
import { InvalidOption } from "../kernel/failure.ts";

interface Guarded {
  /** The object that is patched, and what is replaced in it. */
  readonly on: object;
  readonly names: readonly string[];
  /** What users call the object; empty for what they name alone. */
  readonly of: string;
  readonly instead: string;
}

const timer = "self.after, self.every or self.sleep";
const clock = "self.now()";
const draw = "self.random()";
const port = "an actor outside of the simulation, or a port that is simulated";
const armed = ["setTimeout", "setInterval", "setImmediate"];

const guarded: readonly Guarded[] = [
  { on: performance, names: ["now"], of: "performance", instead: clock },
  { on: process.hrtime, names: ["bigint"], of: "process.hrtime", instead: clock },
  { on: process, names: ["hrtime", "uptime"], of: "process", instead: clock },
  { on: Math, names: ["random"], of: "Math", instead: draw },
  { on: globalThis.crypto, names: ["randomUUID", "getRandomValues"], of: "crypto", instead: draw },
  { on: crypto, names: ["randomUUID", "randomBytes", "randomInt"], of: "crypto", instead: draw },
  { on: globalThis, names: armed, of: "", instead: timer },
  { on: timers, names: armed, of: "", instead: timer },
  { on: timersPromises, names: armed, of: "timers/promises", instead: timer },
  { on: process, names: ["nextTick"], of: "process", instead: timer },
  { on: AbortSignal, names: ["timeout"], of: "AbortSignal", instead: timer },
  { on: globalThis, names: ["fetch"], of: "", instead: port },
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
  const check = (what: string, instead: string): void => {
    if (inStep() && !isCalledByNode()) caught(what, instead);
  };
  const undo: (() => void)[] = [];
  for (const { on, names, of, instead } of guarded)
    for (const name of names) {
      const what = of === "" ? name : `${of}.${name}`;
      undo.push(replace(on, name, () => check(what, instead)));
    }
  const RealDate = globalThis.Date;
  globalThis.Date = guardedDate(RealDate, (what) => check(what, clock));
  syncBuiltinESMExports();
  return () => {
    globalThis.Date = RealDate;
    for (const back of undo.reverse()) back();
    syncBuiltinESMExports();
    installed = false;
  };
}

/**
 * Has `before` called before each call of `on[name]`. Gives what undoes that. An accessor: a test runner that puts back
 * what it found there, at any moment, changes what is called and not the guard.
 */
function replace(on: object, name: string, before: () => void): () => void {
  const own = Object.getOwnPropertyDescriptor(on, name);
  let original = Reflect.get(on, name) as (...args: unknown[]) => unknown;
  let guards: (() => void) | undefined = before;
  const value = Object.assign(function (this: unknown, ...args: unknown[]): unknown {
    guards?.();
    return Reflect.apply(original, this, args);
  }, original);
  const set = (other: typeof value) => {
    if (other !== value) original = other;
  };
  Object.defineProperty(on, name, { get: () => value, set, configurable: true, enumerable: own?.enumerable ?? false });
  return () => {
    // Whoever kept it keeps nothing of the run.
    guards = undefined;
    if (own === undefined) Reflect.deleteProperty(on, name);
    else Object.defineProperty(on, name, own);
  };
}

/** Another object than the real one: who kept that before the run, such as a test runner, is none of the run's. */
function guardedDate(RealDate: DateConstructor, before: (what: string) => void): DateConstructor {
  const now = () => {
    before("Date.now");
    return RealDate.now();
  };
  return new Proxy(RealDate, {
    get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver)),
    construct(target, args, newTarget) {
      if (args.length === 0) before("new Date()");
      return Reflect.construct(target, args, newTarget);
    },
    apply(target, self, args) {
      before("Date()");
      return Reflect.apply(target, self, args);
    },
  });
}

/** Node's own modules use these too, for example to write to the console: that is not the actor's doing. */
function isCalledByNode(): boolean {
  // Above the caller stand the error, this function, `check`, what called that, and the guard itself.
  return /[ (]node:/.test(new Error().stack?.split("\n")[5] ?? "");
}
