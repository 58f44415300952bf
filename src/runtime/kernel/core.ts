// What all actors of one system share: its world, its counters, its listeners.

import type { Cell } from "./cell.ts";
import type { Failure } from "./failure.ts";
import type { Flight } from "./flight.ts";
import type { Given } from "./isolate.ts";
import type { Mailbox, Origin } from "./mailbox.ts";
import type { Selector } from "./names.ts";
import type { Request, Sleep, Timed } from "./operation.ts";
import type { MessageInfo } from "./protocol.ts";
import type { Incarnation } from "./self.ts";
import type { DeadLetter, SystemEvent } from "./verbs.ts";

/** Where time and order come from. The kernel runs in any world that gives it these. */
export interface World {
  readonly name: string;
  /** The coarse clock: the last reading, in ms. Deadlines are compared with it. */
  readonly time: number;
  /** An exact reading, in ms; a world may have `cell` see another. It does not move the coarse clock. */
  now(cell?: Cell): number;
  /** Called when control comes from the host: the coarse clock may be old. */
  enter(): void;
  /** `cell` has a free slot and something to start. Called once until it was served. */
  ready(cell: Cell): void;
  /** Calls `timed.due()` when the clock has reached `time`, never before. */
  arm(timed: Timed, time: number): void;
  disarm(timed: Timed): void;
  /** Calls `then` after the promise jobs that are queued now. */
  afterJobs(then: () => void): void;
  /** Calls `then` when no promise job is left. */
  afterAllJobs(then: () => void): void;
  /** A promise of the user's is waited for from here on, by a handler or a factory: promise jobs follow. */
  awaits(by?: Flight | Cell): void;
  readonly context: Context;
  /** How long an ask waits that says nothing. */
  readonly askWithinMs: number;
  /** Only where travel is an event of its own. Without it, messages and replies are there at once. */
  readonly wire: Wire | undefined;
}

/** How messages and replies travel. */
export interface Wire {
  /** The mailbox of `cell`, which keeps the order of posting; `make` is told how to look at a payload it is given. */
  mailbox(cell: Cell, make: (open: (held: unknown) => unknown) => Mailbox): Mailbox;
  /** True when a message does not enter at once: {@link carry} has it `arrive` later, or never. Or why it can not. */
  travels(to: Cell, what: Selector, origin: Origin): boolean | Failure;
  carry(to: Cell, what: Selector, payload: unknown, origin: Origin): void;
  /** The receiver settles a request with `word`: its asker learns of it at once, later or never. */
  reply(request: Request, settle: () => void, word: unknown): void;
  /** Something was begun, for a message in flight or outside of one. */
  began(operation: Request | Sleep, flight: Flight | undefined): void;
  /** Settles the promise of an operation: whoever began it is woken. */
  wake(operation: Request | Sleep, isOk: boolean, value: unknown): void;
  /** An actor drew a random number. */
  drew(cell: Cell): void;
}

/** Which handler runs, for actors with several in flight. */
export interface Context {
  /** Called before the first use. */
  open(): void;
  run<T>(flight: Flight, handler: () => T): T;
  current(): Flight | undefined;
}

export const fates = ["handled", "refused", "crashed", "expired", "cancelled", "dropped", "dead"] as const;
export type Fate = (typeof fates)[number];
export type Step = "sent" | "accepted" | "started" | Fate | "turned-away" | "forwarded" | "held" | "noted";

/** Sees every step of every message. One optional slot: without it, a branch per step. */
export type Observer = (
  step: Step,
  cell: Cell,
  type: string,
  /** What brought it: from here come its sender and, if it has one, its key. */
  origin: Origin,
) => void;

export class Tally {
  refused = 0;
  crashed = 0;
  expired = 0;
  cancelled = 0;
  dropped = 0;
  dead = 0;
  forwardedIn = 0;
  forwardedOut = 0;
}
export const tallied = [
  "refused",
  "crashed",
  "expired",
  "cancelled",
  "dropped",
  "dead",
  "forwardedIn",
  "forwardedOut",
] as const;

/** What lower modules of the kernel call in higher ones. */
export interface Upper {
  /** Makes the Self of a new incarnation. */
  incarnate(cell: Cell): Incarnation;
  /** A handler or an operation began to wait, or went on: the graph of waits may have closed. */
  suspect(start: Flight | Request): void;
}

const deadLettersKept = 1_000;
const uncheckedMax = 1_000;

export class Core {
  readonly name: string;
  readonly seed: number;
  readonly world: World;
  readonly isolation: "share" | "freeze" | "clone";
  root!: Cell;
  readonly upper: Upper;
  /** Record for the next message whose handler may finish synchronously. */
  spare: Flight | undefined = undefined;
  /** The message whose handler runs at this moment, until it returns. */
  current: Flight | undefined = undefined;
  #observer: Observer | undefined = undefined;
  sent = 0;
  turnedAway = 0;
  waitingForRoom = 0;
  /** On their way to a mailbox, and lost there. */
  transit = 0;
  lost = 0;
  turns = 0;
  /** Of all that was put into a mailbox or lane, in worlds that ask for the order. */
  posts = 0;
  /** How often everything was started: 1, and once more after each power failure. */
  boots = 1;
  late = 0;
  repeated = 0;
  inert = 0;
  actors = 0;
  /** Messages that were accepted and have met their fate. */
  ended = 0;
  /** Of actors that have ended. */
  retired: Tally = new Tally();
  retiredAccepted = 0;
  retiredHandled = 0;
  requests = 0;
  readonly deadLetters: DeadLetter[] = [];
  /** The last of what was frozen, in worlds that explain who may not change it any more. */
  given: Given[] | undefined = undefined;
  readonly #unchecked = new Set<string>();
  phase: "up" | "draining" | "stopping" | "stopped" = "up";
  /** While the system stops: what was accepted and not finished. */
  left: (MessageInfo & { readonly path: string })[] | undefined = undefined;
  /** Called when nothing is open any more, while the system drains. */
  onQuiet: (() => void) | undefined = undefined;
  readonly listeners: Set<(event: SystemEvent) => void> = new Set();
  /** Gets what should not go unnoticed: every event but starts and ends. */
  report: ((event: SystemEvent) => void) | undefined;
  #ids = 0;
  /** A dead letter was given up for a newer one: told once. */
  #forgets = false;

  constructor(name: string, seed: number, world: World, isolation: "share" | "freeze" | "clone", upper: Upper) {
    this.name = name;
    this.seed = seed;
    this.world = world;
    this.isolation = isolation;
    this.upper = upper;
  }

  /** Keeps the counts of an actor that has ended. */
  retire(cell: Cell): void {
    this.retiredAccepted += cell.accepted;
    this.retiredHandled += cell.handled;
    if (cell.tally === undefined) return;
    for (const key of tallied) this.retired[key] += cell.tally[key];
  }

  get observer(): Observer | undefined {
    return this.#observer;
  }

  /** Observed actors leave the short roads, which have no place to look from. */
  observe(observer: Observer | undefined): void {
    this.#observer = observer;
    const visit = (cell: Cell) => {
      for (let child = cell.rare?.firstChild; child !== undefined; child = child.next) {
        if (child.instance !== undefined) child.choose();
        visit(child);
      }
    };
    visit(this.root);
  }

  /** Messages accepted and not ended. */
  get open(): number {
    return this.sent - this.turnedAway - this.lost - this.transit - this.waitingForRoom - this.ended;
  }

  /** Nothing is accepted and not ended, and nothing is on its way. */
  get isQuiet(): boolean {
    return this.open + this.waitingForRoom + this.transit === 0;
  }

  quiet(): void {
    if (this.isQuiet) this.onQuiet?.();
  }

  newId(): string {
    return `${this.name}-${++this.#ids}`;
  }

  /** A listener that throws, or rejects, is not heard again: nobody else may suffer from it. */
  emit(event: SystemEvent): void {
    const { report } = this;
    if (report !== undefined && event.kind !== "started" && event.kind !== "ended")
      hear(report, event, () => {
        this.report = undefined;
      });
    for (const listener of [...this.listeners]) hear(listener, event, () => this.listeners.delete(listener));
  }

  /** Something of a `kind` that can not be frozen is shared: told once. */
  unchecked(to: Cell, type: string, kind: string): void {
    const key = `${to.path} ${type} ${kind}`;
    if (this.#unchecked.has(key) || this.#unchecked.size >= uncheckedMax) return;
    this.#unchecked.add(key);
    this.emit({ kind: "not-checked", path: to.path, type, what: kind });
  }

  deadLetter(to: Cell, from: Cell | undefined, type: string, payload: unknown, failure: Failure): void {
    const letter: DeadLetter = {
      to: to.path,
      from: from?.outside === false ? from.path : undefined,
      type,
      payload,
      reason: failure.code,
    };
    if (this.deadLetters.length === deadLettersKept) {
      if (!this.#forgets) this.emit({ kind: "bound", path: "/", bound: "dead letters kept", limit: deadLettersKept });
      this.#forgets = true;
      this.deadLetters.shift();
    }
    this.deadLetters.push(letter);
    this.emit({ kind: "dead-letter", path: letter.to, ...letter });
  }
}

function hear(listener: (event: SystemEvent) => void, event: SystemEvent, leave: () => void): void {
  try {
    const result: unknown = listener(event);
    if (result instanceof Promise) result.then(undefined, leave);
  } catch {
    leave();
  }
}
