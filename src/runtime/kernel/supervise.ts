// Who starts, restarts and stops whom. The strategies and the restart budget are those of Erlang/OTP's supervisor,
// with the budget kept per child; the supervisor of an actor is the actor that spawned it.

import { Cell, type Rare } from "./cell.ts";
import { span } from "./duration.ts";
import { ChildFailed, InvalidFactory, InvalidOption, SystemFailed } from "./failure.ts";
import { nothing } from "./fate.ts";
import { fence, halt, inTurn, later, restartedFailure, startOver } from "./lifecycle.ts";
import { backoffMs, checkName, configure, defaults } from "./options.ts";
import { stoppedFailure } from "./post.ts";
import type { MessageInfo } from "./protocol.ts";
import { isInvalid, start } from "./start.ts";
import { messageOf } from "./thenable.ts";
import type { Ended, Make, SpawnOptions } from "./verbs.ts";

/** Starts an actor under `parent`. Fails: InvalidOption, InvalidFactory. A factory that throws is a crash of the child. */
export function spawn(parent: Cell, make: Make<object>, options: SpawnOptions | undefined): Cell {
  if (typeof make !== "function") throw new InvalidOption("make", make, "a function that makes the actor's object");
  const config = options === undefined || isOnlyName(options) ? defaults : configure(options);
  const { core } = parent;
  const family = parent.rareOf();
  const given = options?.name === undefined ? undefined : takeName(parent, family, checkName(options.name));
  const cell = new Cell(core, parent, make, config, given);
  if (given !== undefined) {
    (family.names ??= new Map()).set(given, cell);
    const before = family.drawn?.get(given);
    if (before !== undefined) cell.rareOf().incarnation = before + 1;
  }
  if (config.concurrency > 1) core.world.context.open();
  cell.join(family);
  core.actors++;
  const started = start(cell, begun);
  if (started instanceof InvalidFactory) {
    stop(cell);
    throw started;
  }
  cell.christen();
  if (typeof started === "object") failLater(cell, started.error);
  return cell;
}

/** Not in the stack of the parent's handler: its own fate may hang on the crash of its child. */
function failLater(cell: Cell, error: unknown): void {
  const { self } = cell;
  later(cell, 0, () => {
    if (cell.self === self) startFailed(cell, error);
    else report(cell, "factory", error, undefined, "restart");
  });
}

function begun(cell: Cell, how: "up" | { readonly error: unknown }): void {
  if (how !== "up") startFailed(cell, how.error);
}

/**
 * An incarnation failed on something that is no answer. `context` is the message or turn it handled.
 * Source of the rules: Erlang/OTP, supervisor; departures: a crash may also resume, and the budget is per child.
 */
export function crash(cell: Cell, context: string, error: unknown, offender: MessageInfo | undefined): void {
  if (cell.life !== "up" && cell.life !== "starting") {
    const ends = cell.life === "ended" || cell.rare?.halting?.final === true;
    report(cell, context, error, offender, ends ? "stop" : "restart");
    return;
  }
  const { onCrash, maxRestarts, withinMs } = cell.config;
  let hopeless: string | undefined;
  let waitMs = 0;
  if (isInvalid(cell, error)) hopeless = "its factory can not start it again";
  else if (onCrash === "restart" && !spend(cell))
    hopeless = `more than ${maxRestarts} crashes within ${span(withinMs)}`;
  else if (onCrash === "restart") {
    try {
      waitMs = waitOf(cell, context);
    } catch (problem) {
      hopeless = `its backoff gives no duration (${messageOf(problem)})`;
    }
  }
  const directive = hopeless === undefined ? onCrash : "escalate";
  report(cell, context, error, offender, directive);
  switch (directive) {
    case "resume":
      // There is nothing to resume before the factory is done.
      if (cell.life === "up") return;
      stop(cell, { reason: "failed", cause: error });
      return;
    case "stop":
      stop(cell, { reason: "failed", cause: error });
      return;
    case "restart":
      restart(cell, context, error, waitMs);
      return;
    case "escalate":
      escalate(cell, error, hopeless ?? "its supervision escalates");
  }
}

/** Takes no more messages; ends when those in flight have finished or their time is up. A failed one is cut short. */
function stop(cell: Cell, how: Ended = { reason: "stopped" }): void {
  if (how.reason === "failed") fence(cell, (type) => stoppedFailure(cell, type, "unknown"), "dead");
  halt(cell, true, how, nothing);
}

function startFailed(cell: Cell, error: unknown): void {
  crash(cell, "factory", error, undefined);
}

/** Notes a crash; false when the window holds more than the budget. */
function spend(cell: Cell): boolean {
  const { crashes } = cell.rareOf();
  const now = cell.core.world.now();
  crashes.push(now);
  while ((crashes[0] ?? now) < now - cell.config.withinMs) crashes.shift();
  return crashes.length <= cell.config.maxRestarts;
}

function escalate(cell: Cell, error: unknown, why: string): void {
  const { parent, core, path } = cell;
  const rare = cell.rareOf();
  // Whether the rest of its group still starts is known when its parent has decided.
  const next = rare.onStarted;
  rare.onStarted = undefined;
  stop(cell, { reason: "failed", cause: error });
  if (parent === undefined || parent.outside) {
    const failed = new SystemFailed(path, why, { cause: error });
    core.emit({ kind: "system-failed", path, reason: failed });
  } else crash(parent, "child", new ChildFailed(path, why, { cause: error }), undefined);
  next?.();
}

/** The failed actor and those that go with it: fenced at once, brought down last to first, started first to last. */
export function restart(cell: Cell, context: string, error: unknown, waitMs: number): void {
  const group = groupOf(cell);
  for (const one of group) one.rareOf().group = group;
  for (const one of [...group].reverse())
    fence(one, (type) => restartedFailure(cell, type, context, error), "cancelled");
  const up = [...group];
  inTurn(
    () => up.pop(),
    (last, next) => halt(last, false, { reason: "stopped" }, next),
    () => {
      if (waitMs > 0) later(cell, waitMs, () => startInOrder(group));
      else startInOrder(group);
    },
  );
}

function groupOf(cell: Cell): Cell[] {
  const { parent } = cell;
  const strategy = parent?.config.strategy ?? "one-for-one";
  if (strategy === "one-for-one") return [cell];
  const group: Cell[] = [];
  for (let one = strategy === "one-for-all" ? parent?.rare?.firstChild : cell; one !== undefined; one = one.next)
    if (one.life !== "ended" && one.rare?.halting?.final !== true) group.push(one);
  return group;
}

/** A factory that fails at once is not tried again in the same turn. */
function waitOf(cell: Cell, context: string): number {
  const nth = cell.rare?.crashes.length ?? 1;
  const wait = backoffMs(cell.config.backoff, nth, () => cell.self.random(`backoff/${cell.rare?.incarnation ?? 1}`));
  return context === "factory" ? Math.max(wait, 1) : wait;
}

/** An asynchronous factory is waited for; one that fails has its own crash, whose group takes over. */
function startInOrder(group: readonly Cell[]): void {
  let from = 0;
  inTurn(
    () => {
      while (from < group.length) {
        const cell = group[from++] as Cell;
        if (cell.life === "halted" && cell.rare?.group === group && isUp(cell.parent)) return cell;
      }
      return undefined;
    },
    startAgain,
    nothing,
  );
}

/** A parent on its way down stops what is halted instead. */
function isUp(parent: Cell | undefined): boolean {
  return parent?.life === "up" || parent?.life === "starting";
}

function startAgain(cell: Cell, next: () => void): void {
  const rare = cell.rareOf();
  rare.incarnation++;
  rare.onStarted = next;
  const started = start(cell, begunAgain);
  if (started === "up") startOver(cell);
  else if (started instanceof InvalidFactory) startFailed(cell, started);
  else if (typeof started === "object") startFailed(cell, started.error);
}

function begunAgain(cell: Cell, how: "up" | { readonly error: unknown }): void {
  if (how === "up") startOver(cell);
  else startFailed(cell, how.error);
}

function report(
  cell: Cell,
  context: string,
  reason: unknown,
  offender: MessageInfo | undefined,
  directive: "restart" | "resume" | "stop" | "escalate",
): void {
  const { core, path, parent } = cell;
  core.emit({ kind: "crashed", path, supervisor: parent?.path ?? "/", context, reason, offender, directive });
}

function isOnlyName(options: SpawnOptions): boolean {
  if (typeof options !== "object" || options === null) return false;
  for (const key in options) if (key !== "name") return false;
  return true;
}

function takeName(parent: Cell, family: Rare, name: string): string {
  const numbered = /^(.+)-([1-9]\d*)$/.exec(name);
  const used = numbered !== null && (family.labels?.get(numbered[1] ?? "") ?? 0) >= Number(numbered[2]);
  if (used || family.names?.has(name) === true)
    throw new InvalidOption("name", name, `a name that no child of ${parent.path} has or had without being given it`);
  return name;
}
