// Turns of an actor's own: timers and pipes. Each is a message of its own class that its actor sends to itself.

import { count, nothing } from "./fate.ts";
import { Turn } from "./operation.ts";
import { postTurn } from "./post.ts";
import type { Incarnation } from "./self.ts";
import type { Timer } from "./verbs.ts";

/** A name replaces the timer that had it; a replaced or cancelled timer never fires, even if it is queued already. */
export function timerTurn(
  self: Incarnation,
  ms: number,
  periodMs: number,
  run: () => unknown,
  name: string | undefined,
): Timer {
  const { core } = self.cell;
  const isPlain = name === undefined && periodMs === 0;
  const turn = isPlain ? new Turn(self, "timer", "timer", run) : noted(self, name ?? "timer", periodMs, run);
  if (!self.live) {
    core.inert++;
    return { cancel: nothing };
  }
  if (name !== undefined) {
    const timers = (self.cell.rareOf().timers ??= new Map());
    const before = timers.get(name);
    if (before !== undefined) cancelTurn(before);
    timers.set(name, turn);
  }
  self.add(turn);
  core.world.arm(turn, core.world.now() + ms);
  return new Handle(turn);
}

/** What users hold. `cancel` may be taken off it, as the same each time, and is a closure only where it is read. */
class Handle implements Timer {
  readonly #turn: Turn;
  #cancel: (() => void) | undefined = undefined;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  get cancel(): () => void {
    return (this.#cancel ??= cancelTurn.bind(undefined, this.#turn));
  }
}

/** One that repeats, or has a name: there is something to do around its run. */
function noted(self: Incarnation, name: string, periodMs: number, run: () => unknown): Turn {
  // An argument and not assigned: V8 allocates function literals that are assigned to properties in the old space.
  const turn: Turn = new Turn(self, "timer", name, () => runTimer(turn, run));
  turn.periodMs = periodMs;
  return turn;
}

function runTimer(turn: Turn, run: () => unknown): unknown {
  if (turn.periodMs === 0) forget(turn);
  const result = run();
  if (turn.periodMs > 0 && result instanceof Promise) {
    turn.pending = true;
    const over = () => {
      turn.pending = false;
    };
    result.then(over, over);
  }
  return result;
}

function cancelTurn(turn: Turn): void {
  if (turn.cancelled) return;
  turn.cancelled = true;
  const { cell } = turn.self;
  if (turn.armed) cell.core.world.disarm(turn);
  turn.scope?.remove(turn);
  forget(turn);
  if (!turn.queued) return;
  turn.queued = false;
  cell.lane?.withdrawn();
  count(cell, "cancelled", turn.name, turn);
}

/** Its name is free again. */
function forget(turn: Turn): void {
  const timers = turn.self.cell.rare?.timers;
  if (timers?.get(turn.name) === turn) timers.delete(turn.name);
}

Turn.onDue = (turn) => {
  if (turn.periodMs === 0) {
    turn.scope?.remove(turn);
    postTurn(turn);
    return;
  }
  // One turn at a time: a beat that comes while the former one waits or runs is skipped.
  if (!turn.queued && !turn.pending) postTurn(turn);
  const { world } = turn.self.cell.core;
  const next = turn.at + turn.periodMs;
  world.arm(turn, next > world.time ? next : world.time + turn.periodMs);
};

/** Without `failed`, a rejection is thrown in the turn: a crash. */
export function pipeTurn<T>(
  self: Incarnation,
  work: PromiseLike<T>,
  done: (value: T) => unknown,
  failed: ((error: unknown) => unknown) | undefined,
): void {
  self.cell.core.world.awaits();
  work.then(
    (value) => endPipe(self, () => done(value)),
    (error) =>
      endPipe(self, () => {
        if (failed === undefined) throw error;
        return failed(error);
      }),
  );
}

function endPipe(self: Incarnation, run: () => unknown): void {
  self.cell.core.world.enter();
  if (self.live) postTurn(new Turn(self, "pipe", "pipe", run));
}
