// From a factory to an actor that is up.

import { type Cell, gate } from "./cell.ts";
import { InvalidFactory } from "./failure.ts";
import { nothing } from "./fate.ts";
import { disposeOf } from "./lifecycle.ts";
import { messagesOf, protocolOf } from "./names.ts";
import { admitOffers, review } from "./post.ts";
import type { Incarnation } from "./self.ts";
import { adopt, isOf } from "./thenable.ts";

export type Started = "up" | "starting" | InvalidFactory | { readonly error: unknown };

/** Told what became of an asynchronous factory. */
type Then = (cell: Cell, how: "up" | { readonly error: unknown }) => void;

/** Runs the factory. Gives at once what a synchronous factory did; of an asynchronous one, `then` is told later. */
export function start(cell: Cell, then: Then): Started {
  cell.life = "starting";
  cell.gate = (cell.gate & ~gate.closed) | gate.starting;
  const former = cell.instance;
  const self = cell.core.upper.incarnate(cell);
  cell.self = self;
  try {
    const made = cell.make(self);
    if (isPending(made)) {
      // First, as it may throw: then nothing has begun.
      upLater(cell, self, adopt(made), then);
      return "starting";
    }
    if (!self.live) {
      disposeOf(cell, made, nothing);
      return "starting";
    }
    const invalid = check(cell, made, former);
    if (invalid !== undefined) return invalid;
    up(cell, made);
    return "up";
  } catch (error) {
    return isInvalid(cell, error) ? error : { error };
  }
}

/** `self` is of the incarnation that is started: another one may have followed by now. */
function upLater(cell: Cell, self: Incarnation, pending: PromiseLike<object>, then: Then): void {
  const former = cell.instance;
  cell.core.world.awaits(cell);
  pending.then(
    (instance) => {
      cell.core.world.enter();
      if (cell.self !== self || !self.live) {
        disposeOf(cell, instance, nothing);
        return;
      }
      const invalid = check(cell, instance, former);
      if (invalid !== undefined) {
        then(cell, { error: invalid });
        return;
      }
      try {
        up(cell, instance);
      } catch (error) {
        then(cell, { error });
        return;
      }
      then(cell, "up");
    },
    (error) => {
      cell.core.world.enter();
      if (cell.self === self && self.live) then(cell, { error });
    },
  );
}

/** True of an error of this actor's factory itself; one that it let through from a child's is like any other. */
export function isInvalid(cell: Cell, error: unknown): error is InvalidFactory {
  return isOf(error, InvalidFactory) && error.path === cell.path;
}

/** A thenable with messages of its own is an actor with a `then`, which promises would swallow: see {@link check}. */
function isPending(made: unknown): made is PromiseLike<object> {
  if (made instanceof Promise) return true;
  if (typeof made !== "object" || made === null || typeof (made as { then?: unknown }).then !== "function")
    return false;
  return !messagesOf(made).some((name) => name !== "catch" && name !== "finally");
}

function check(cell: Cell, made: unknown, former: object | undefined): InvalidFactory | undefined {
  if (typeof made !== "object" || made === null)
    return new InvalidFactory(
      cell.path,
      made === null ? "null" : typeof made,
      "It must make an object whose methods are the messages.",
    );
  if (made === former)
    return new InvalidFactory(
      cell.path,
      "the same object twice",
      "Make a new one in each call: a restart means fresh state.",
    );
  if (typeof (made as { then?: unknown }).then === "function")
    return new InvalidFactory(
      cell.path,
      "an object with a method then",
      "A promise would call it: give the message another name.",
    );
  return undefined;
}

function up(cell: Cell, instance: object): void {
  const { config, core } = cell;
  cell.protocol = protocolOf(instance, config.messages, cell);
  cell.instance = instance;
  cell.life = "up";
  cell.gate &= gate.offers;
  cell.choose();
  if (core.listeners.size > 0)
    core.emit({ kind: "started", path: cell.path, incarnation: cell.rare?.incarnation ?? 1 });
  review(cell);
  if ((cell.gate & gate.offers) !== 0) admitOffers(cell);
  cell.schedule();
}
