// What comes due in a simulation beside the kernel's own timers: messages and replies on their way, and faults.

import type { Cell } from "../kernel/cell.ts";
import type { Origin } from "../kernel/mailbox.ts";
import type { Selector } from "../kernel/names.ts";
import { Request, Timed } from "../kernel/operation.ts";
import { arrive } from "../kernel/post.ts";

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

/** What a duplicate by fault is: a message of its own with the same id, for whose answer nobody waits. */
export function copyOf(to: Cell, what: Selector, origin: Origin): Origin {
  const { request, sender } = origin;
  if (request === undefined || sender === undefined) return origin;
  const copy = new Request("tell", request.self, to, what.name);
  request.id ??= sender.core.newId();
  copy.id = request.id;
  copy.key = request.key;
  copy.attempt = request.attempt;
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
