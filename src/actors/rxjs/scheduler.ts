// The world's time as RxJS's: a scheduler for operators, and a stand-in for all of the timers that RxJS has itself.

import { config, type SchedulerAction, type SchedulerLike, Subscription } from "rxjs";
import { dateTimestampProvider } from "rxjs/internal/scheduler/dateTimestampProvider";
import { immediateProvider } from "rxjs/internal/scheduler/immediateProvider";
import { intervalProvider } from "rxjs/internal/scheduler/intervalProvider";
import { timeoutProvider } from "rxjs/internal/scheduler/timeoutProvider";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import type { ActorSystem } from "../../runtime/kernel/system.ts";
import type { Self, System } from "../../runtime/kernel/verbs.ts";
import { sleeping } from "../begun.ts";

/** Calls `run` once, so many ms from now, unless the function that it gives is called first. */
type Arm = (ms: number, run: () => void) => () => void;

/**
 * The time of an actor or a system, for the operators that take a scheduler.
 *
 * By `"turn"`, the default in an actor, what is scheduled is a timer of the actor: it waits until the actor is free, and
 * what it throws is a crash. By `"sleep"` it belongs to the handler in flight, which may then await the observable; with
 * `"turn"` a serial actor would wait for itself. A system has `"sleep"`, and what is thrown is an event `unheard`.
 * Fails: InvalidOption. Example: `interval(1_000, worldScheduler(self)).subscribe(() => self.tell(shop).tick())`.
 */
export function worldScheduler(
  within: Self | System,
  options: { readonly by?: "turn" | "sleep" | undefined } = {},
): SchedulerLike {
  const { by = "path" in within ? "turn" : "sleep" } = options;
  if (by !== "turn" && by !== "sleep") throw new InvalidOption("by", by, '"turn" or "sleep"');
  if (!("path" in within)) {
    if (by === "turn") throw new InvalidOption("by", by, '"sleep": a system has no turns of its own');
    return schedulerOf(() => within.now(), bySleep(rootOf(within), unheard(within)));
  }
  const byTurn: Arm = (ms, run) => {
    const timer = within.after(ms, run);
    return () => timer.cancel();
  };
  const fails = (error: unknown) => within.pipeToSelf(Promise.reject(error), () => {});
  return schedulerOf(() => within.now(), by === "turn" ? byTurn : bySleep(within, fails));
}

function schedulerOf(now: () => number, arm: Arm): SchedulerLike {
  return {
    now,
    schedule: <T>(work: (this: SchedulerAction<T>, state: T) => void, delay = 0, state?: T) =>
      new WorldAction<T>(arm, work).schedule(state, delay),
  } as SchedulerLike;
}

class WorldAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #arm: Arm;
  readonly #work: (this: SchedulerAction<T>, state: T) => void;
  #cancel: (() => void) | undefined = undefined;

  constructor(arm: Arm, work: (this: SchedulerAction<T>, state: T) => void) {
    super();
    this.#arm = arm;
    this.#work = work;
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    this.#cancel?.();
    this.#cancel = this.#arm(delay, () => {
      this.#cancel = undefined;
      this.#work.call(this, state as T);
      // It has not scheduled itself anew.
      if (this.#cancel === undefined) this.unsubscribe();
    });
    return this;
  }

  override unsubscribe(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    super.unsubscribe();
  }
}

function bySleep(self: Self, fails: (error: unknown) => void): Arm {
  return (ms, run) => {
    const { over, cancel } = sleeping(self, ms);
    over.then(run).catch(fails);
    return cancel;
  };
}

function rootOf(system: System): Self {
  return (system as unknown as ActorSystem).core.root.self;
}

/** Where nobody is left to hear of an error: an event of the system. */
function unheard(system: System): (error: unknown) => void {
  return (reason) => {
    const { core } = system as unknown as ActorSystem;
    core.emit({ kind: "unheard", path: "/", type: "rxjs", from: undefined, reason });
  };
}

let isTaken = false;

/**
 * Gives RxJS of this process the time of a system, until the function that it gives is called: operators without a
 * scheduler use the system's clock and timers, and an error that no observer takes is an event `unheard` of the system
 * instead of the end of the process. One system at a time.
 * Fails: InvalidOption, when another one has it.
 * Example: `const undo = takeOver(system)` at the start of the body of a simulation, `undo()` at its end.
 */
export function takeOver(system: System): () => void {
  if (isTaken) throw new InvalidOption("system", system, "one at a time: another has taken RxJS over");
  isTaken = true;
  const fails = unheard(system);
  const arm = bySleep(rootOf(system), fails);
  const timers = new Map<number, () => void>();
  let count = 0;
  const set = (run: () => void, ms: number, repeats: boolean): number => {
    const handle = ++count;
    const again = () =>
      timers.set(
        handle,
        arm(ms, () => {
          timers.delete(handle);
          if (repeats) again();
          run();
        }),
      );
    again();
    return handle;
  };
  const clear = (handle: unknown) => {
    timers.get(handle as number)?.();
    timers.delete(handle as number);
  };
  const before = config.onUnhandledError;
  config.onUnhandledError = fails;
  intervalProvider.delegate = { setInterval: (run, ms = 0) => set(run, ms, true) as never, clearInterval: clear };
  timeoutProvider.delegate = { setTimeout: (run, ms = 0) => set(run, ms, false) as never, clearTimeout: clear };
  immediateProvider.delegate = {
    setImmediate: (run: () => void) => set(run, 0, false),
    clearImmediate: clear,
  } as never;
  dateTimestampProvider.delegate = { now: () => system.now() };
  return () => {
    for (const cancel of timers.values()) cancel();
    timers.clear();
    config.onUnhandledError = before;
    intervalProvider.delegate = undefined;
    timeoutProvider.delegate = undefined;
    immediateProvider.delegate = undefined;
    dateTimestampProvider.delegate = undefined;
    isTaken = false;
  };
}
