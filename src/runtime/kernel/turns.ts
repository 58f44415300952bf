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
  const { cell } = self;
  const { world } = cell.core;
  // An argument and not assigned: V8 allocates function literals that are assigned to properties in the old space.
  const isPlain = name === undefined && periodMs === 0;
  const turn: Turn = new Turn(self, "timer", name ?? "timer", isPlain ? run : () => runTimer(turn, run));
  turn.periodMs = periodMs;
  if (!self.live) {
    cell.core.inert++;
    return { cancel: nothing };
  }
  if (name !== undefined) {
    const timers = (cell.rareOf().timers ??= new Map());
    const before = timers.get(name);
    if (before !== undefined) cancelTurn(before);
    timers.set(name, turn);
  }
  self.add(turn);
  world.arm(turn, world.now() + ms);
  return timerOf(() => cancelTurn(turn));
}

function timerOf(cancel: () => void): Timer {
  return { cancel };
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
  const { self } = turn;
  if (turn.periodMs === 0) {
    turn.scope?.remove(turn);
    postTurn(turn);
    return;
  }
  // One turn at a time: a beat that comes while the former one waits or runs is skipped.
  if (!turn.queued && !turn.pending) postTurn(turn);
  const { world } = self.cell.core;
  let next = turn.at + turn.periodMs;
  if (next <= world.time) next = world.time + turn.periodMs;
  world.arm(turn, next);
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
