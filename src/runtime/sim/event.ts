// What comes due in a simulation beside the kernel's own timers: messages and replies on their way, and faults.

import type { Cell } from "../kernel/cell.ts";
import type { Origin } from "../kernel/mailbox.ts";
import type { Selector } from "../kernel/names.ts";
import { Request, Sleep, Timed, Turn } from "../kernel/operation.ts";
import { arrive } from "../kernel/post.ts";
import { quicken } from "../kernel/quicken.ts";
import type { Event, Names } from "./names.ts";
import type { Trace } from "./trace.ts";

/** A message on its way. */
export class Arrival extends Timed {
  readonly to: Cell;
  readonly what: Selector;
  readonly origin: Origin;
  readonly #payload: unknown;
  /** When it would arrive without the outage that holds it back, in ms of virtual time. */
  withoutOutageMs: number | undefined = undefined;

  constructor(to: Cell, what: Selector, payload: unknown, origin: Origin) {
    super();
    this.to = to;
    this.what = what;
    this.origin = origin;
    this.#payload = payload;
  }

  due(): void {
    const { request } = this.origin;
    if (request !== undefined && request.verb !== "tell" && request.settled) {
      // Given up on its way: its asker was told that it was not started.
      const { core } = this.to;
      core.transit--;
      core.turnedAway++;
      core.quiet();
    } else arrive(this.to, this.what, this.#payload, this.origin);
  }
}

/** What brings a message that comes twice: a plain tell has no id of its own that both could have. */
export function requestOf(to: Cell, what: Selector, { request, sender }: Origin): Request {
  const original = request ?? new Request("tell", (sender as Cell).self, to, what.name);
  original.more().id ??= original.from.core.newId();
  return original;
}

/** What a duplicate by fault is: a message of its own with the same id, for whose answer nobody waits. */
export function copyOf(original: Request): Request {
  const copy = new Request("tell", original.self, original.to, original.type);
  const { id, key, attempt } = original.more();
  Object.assign(copy.more(), { id, key, attempt });
  return copy;
}

/** The word of a receiver, on its way to the asker. */
export class Reply extends Timed {
  readonly request: Request;
  readonly word: unknown;
  readonly due: () => void;

  constructor(request: Request, settle: () => void, word: unknown) {
    super();
    this.request = request;
    this.word = word;
    this.due = settle;
  }

  override get cell(): Cell {
    return this.request.from;
  }
}

quicken(Arrival, Reply);

/** A fault that strikes at an instant. */
export class FaultEvent extends Timed {
  /** For example `crash/shop/payments`. */
  readonly label: string;
  readonly due: () => void;

  constructor(label: string, due: () => void) {
    super();
    this.label = label;
    this.due = due;
  }
}

/** Where it happens: in the actor that is concerned, or in the root. */
export function placeOf(timed: Timed, root: Cell): Cell {
  return timed instanceof Arrival ? timed.to : (timed.cell ?? root);
}

/** Gives something that comes due its name, the next one of its prefix. */
export function eventOf(names: Names, timed: Timed, cell: Cell): Event {
  if (timed instanceof Reply) return names.reply(timed.request.to, cell, timed.request.type);
  if (timed instanceof Arrival)
    return names.own(cell, "arrive", `${(timed.origin.sender ?? cell).path}:${timed.what.name}`);
  if (timed instanceof FaultEvent) return names.fault(cell, timed.label);
  if (timed instanceof Turn) return names.own(cell, "timer", timed.name);
  if (timed instanceof Sleep) return names.own(cell, "sleep", "");
  if (timed instanceof Request) return names.own(cell, "deadline", timed.type);
  return names.own(cell, "runtime", "");
}

/** Writes down that something came due. */
export function record(trace: Trace, step: number, at: number, timed: Timed, event: Event, cell: Cell): void {
  const kind =
    timed instanceof Reply
      ? "reply"
      : timed instanceof Arrival
        ? "arrive"
        : timed instanceof FaultEvent
          ? "fault"
          : "due";
  trace.event(step, at, kind, event, cell, timed instanceof Reply ? timed.word : undefined);
}
