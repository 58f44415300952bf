// An event that can be fired: what a strategy chooses among.

import type { Cell } from "../kernel/cell.ts";
import type { Event } from "./names.ts";

/** What is known of an event when it is posted. */
export interface Posted {
  /** The actor in which it happens: two events of one actor depend on each other. */
  readonly cell: Cell;
  readonly event: Event;
  /** Its place in the order of posting. */
  readonly order: number;
  /** Virtual time from which on it may happen, in ms. */
  readonly at: number;
  /** The event that set it off; undefined for what the body did before any. */
  readonly cause: Choice | undefined;
}

/** What an event did, as far as it matters for which others may change places with it. */
export interface Deed {
  /** Paths of the actors in which it happened, or which it restarted or ended. */
  readonly touched: Set<string>;
  /** Of those that it restarted or ended. */
  readonly ended: Set<string>;
  /** Of those to which it sent something. */
  readonly put: Set<string>;
  /** Of those that had ended when it did. */
  readonly closed: Set<string>;
  /** A fault: it may change places with nothing. */
  readonly isFault: boolean;
}

const none: ReadonlySet<string> = new Set();

export class Choice {
  readonly cell: Cell;
  readonly event: Event;
  readonly order: number;
  readonly at: number;
  readonly cause: Choice | undefined;
  /** Events of one channel happen in their order: only the first of them is a choice. */
  readonly channel: object;
  /** Its place among all that happened, from 0; -1 before. */
  index = -1;
  /** Virtual time at which it happened, in ms. */
  firedMs: number = Number.NaN;
  /** It was withdrawn, by the event `voidedBy`, and can not happen any more. */
  isVoid = false;
  voidedBy: Choice | undefined = undefined;
  /** The start that it began beside, before that came to its first await. */
  besides: Choice | undefined = undefined;
  /** It came at once, as nothing else could: no choice. */
  isForced = false;
  /** Paths of the actors that could start nothing when it was fired; empty where nobody takes note. */
  held: ReadonlySet<string> = none;
  /** For the strategy alone. */
  rank: number = Number.NaN;
  chain: { tail: Choice; rank: number } | undefined = undefined;
  #deed: Deed | undefined = undefined;

  constructor({ cell, event, order, at, cause }: Posted, channel?: object) {
    this.cell = cell;
    this.event = event;
    this.order = order;
    this.at = at;
    this.cause = cause;
    this.channel = channel ?? this;
  }

  get name(): string {
    return this.event.name;
  }

  /** It starts something: its actor must be free. */
  get isStart(): boolean {
    return true;
  }

  /** So far; before it has happened, what is certain. Filled where somebody takes note. */
  get deed(): Deed {
    this.#deed ??= {
      touched: new Set(this.touches()),
      ended: new Set(),
      put: new Set(),
      closed: new Set(),
      isFault: this.isFault,
    };
    return this.#deed;
  }

  /** Paths of the actors whose order of events it is part of. */
  protected touches(): string[] {
    return [this.cell.path];
  }

  protected get isFault(): boolean {
    return false;
  }
}

/** Whether the base order has `a` before `b`. */
export type Precedes = (a: Choice, b: Choice) => boolean;

/** Decides in which order a run happens. */
export interface Strategy {
  /** It decides about what there is no choice about as well. */
  readonly asksAlways?: boolean;
  /** One of them: of at least two, unless it asks always. */
  pick(enabled: readonly Choice[], precedes: Precedes): Choice;
  /** Which of these begins beside one of its actor that has just begun, where that is not drawn. */
  beside?(begun: Choice, enabled: readonly Choice[]): Choice | undefined;
  /** Told of each event that is fired, also where there was no choice. */
  fired?(choice: Choice): void;
}

/** What the base order would fire. */
export function oldestOf(enabled: readonly Choice[], precedes: Precedes): Choice {
  let oldest = enabled[0] as Choice;
  for (const one of enabled) if (precedes(one, oldest)) oldest = one;
  return oldest;
}
