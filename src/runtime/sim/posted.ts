// A mailbox that knows the order of posting: around the kernel's own, which decides what is taken, each payload has its
// number, and where names are asked for, the name of its event.

import type { Cell } from "../kernel/cell.ts";
import type { Core } from "../kernel/core.ts";
import type { Lane, Mailbox, Named, Origin, Taken } from "../kernel/mailbox.ts";
import type { Turn } from "../kernel/operation.ts";
import type { Deeds } from "./deeds.ts";
import type { Event, Names } from "./names.ts";

/** What stands in the kernel's mailbox in place of a payload. */
export class Post {
  readonly payload: unknown;
  readonly order: number;
  readonly event: Event | undefined;
  readonly #origin: Origin;
  #isTaken = false;

  constructor(payload: unknown, order: number, event: Event | undefined, origin: Origin) {
    this.payload = payload;
    this.order = order;
    this.event = event;
    this.#origin = origin;
  }

  /** It waits in its mailbox. */
  get queued(): boolean {
    return !this.#isTaken && this.#origin.queued;
  }

  take(): unknown {
    this.#isTaken = true;
    return this.payload;
  }
}

export function open(held: unknown): unknown {
  return (held as Post).payload;
}

/** The turn that waits longest. */
export function firstTurn(lane: Lane | undefined): Turn | undefined {
  return lane === undefined || lane.live === 0 ? undefined : (shown(lane).origin as Turn);
}

/** The message that the mailbox gives next. */
export function firstPost(box: Mailbox | undefined): Post | undefined {
  return box === undefined || box.live === 0 ? undefined : (shown(box).payload as Post);
}

/** An object of its own each time: what is written into an old one costs more than a young one. */
function shown(box: Mailbox): Taken {
  const scratch: Taken = { what: undefined as never, payload: undefined, origin: undefined as never };
  box.peek(scratch);
  return scratch;
}

/** The order of posting of the oldest message or turn that waits. */
export function oldest({ lane, box }: Cell): number {
  const turn = firstTurn(lane)?.posted ?? Number.POSITIVE_INFINITY;
  const post = firstPost(box)?.order ?? Number.POSITIVE_INFINITY;
  return Math.min(turn, post);
}

export class PostedMailbox implements Mailbox {
  readonly #core: Core;
  readonly #to: Cell;
  readonly #inner: Mailbox;
  readonly #names: Names | undefined;
  readonly #deeds: Deeds | undefined;

  constructor(to: Cell, inner: Mailbox, names: Names | undefined, deeds?: Deeds) {
    this.#deeds = deeds;
    this.#core = to.core;
    this.#to = to;
    this.#inner = inner;
    this.#names = names;
  }

  get live(): number {
    return this.#inner.live;
  }

  put(what: Named, payload: unknown, origin: Origin, by: Cell | undefined = origin.sender): void {
    // What comes next depends on what is there.
    this.#deeds?.touch(this.#to);
    const event = this.#names?.message(by ?? this.#to, this.#to, what.name);
    this.#inner.put(what, new Post(payload, ++this.#core.posts, event, origin), origin);
  }

  take(into: Taken): boolean {
    return this.#inner.take(into) && opened(into);
  }

  takeOldest(into: Taken): boolean {
    return this.#inner.takeOldest(into) && opened(into);
  }

  /** Shows the {@link Post}, not its payload. */
  peek(into: Taken): boolean {
    return this.#inner.peek(into);
  }

  withdrawn(): void {
    this.#inner.withdrawn();
  }

  remove(isKept: (type: string) => boolean): Taken[] {
    const removed = this.#inner.remove(isKept);
    removed.forEach(opened);
    return removed;
  }

  forEach(visit: (what: Named, payload: unknown, origin: Origin) => void): void {
    this.#inner.forEach((what, held, origin) => {
      visit(what, open(held), origin);
    });
  }
}

function opened(taken: Taken): true {
  taken.payload = (taken.payload as Post).take();
  return true;
}
