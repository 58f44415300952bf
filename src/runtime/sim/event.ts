// What comes due in a simulation beside the kernel's own timers: messages and replies on their way, and faults.

import type { Cell } from "../kernel/cell.ts";
import type { Origin } from "../kernel/mailbox.ts";
import type { Selector } from "../kernel/names.ts";
import { Request, Sleep, Timed, Turn } from "../kernel/operation.ts";
import { arrive } from "../kernel/post.ts";
import { quicken } from "../kernel/quicken.ts";
import type { Trace } from "./trace.ts";

/** A message on its way. */
export class Arrival extends Timed {
  readonly to: Cell;
  readonly what: Selector;
  readonly origin: Origin;
  readonly #payload: unknown;

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
  original.id ??= original.from.core.newId();
  return original;
}

/** What a duplicate by fault is: a message of its own with the same id, for whose answer nobody waits. */
export function copyOf(original: Request): Request {
  const copy = new Request("tell", original.self, original.to, original.type);
  copy.id = original.id;
  copy.key = original.key;
  copy.attempt = original.attempt;
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

/** Writes down that something came due. */
export function record(trace: Trace, step: number, at: number, timed: Timed, root: Cell): void {
  const cell = timed.cell ?? root;
  if (timed instanceof Reply) {
    const { from, to, type } = timed.request;
    trace.event(step, at, "reply", trace.reply(to, from, type), from, timed.word);
  } else if (timed instanceof Arrival) {
    const from = timed.origin.sender ?? cell;
    const event = trace.own(timed.to, "arrive", `${from.path}:${timed.what.name}`);
    trace.event(step, at, "arrive", event, timed.to, undefined);
  } else if (timed instanceof FaultEvent)
    trace.event(step, at, "fault", trace.fault(cell, timed.label), cell, undefined);
  else {
    const [kind, name] = labelOf(timed);
    trace.event(step, at, "due", trace.own(cell, kind, name), cell, undefined);
  }
}

function labelOf(timed: Timed): readonly [kind: string, name: string] {
  if (timed instanceof Turn) return ["timer", timed.name];
  if (timed instanceof Sleep) return ["sleep", ""];
  if (timed instanceof Request) return ["deadline", timed.type];
  return ["runtime", ""];
}
