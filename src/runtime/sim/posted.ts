// A mailbox that knows the order of posting: around the kernel's own, which decides what is taken, each payload has its
// number, and where names are asked for, the name of its event.

import type { Cell } from "../kernel/cell.ts";
import type { Core } from "../kernel/core.ts";
import type { Mailbox, Named, Origin, Taken } from "../kernel/mailbox.ts";
import type { Turn } from "../kernel/operation.ts";
import type { Deeds } from "./deeds.ts";
import type { Event, Names } from "./names.ts";

/** What stands in the kernel's mailbox in place of a payload. */
export class Post {
  readonly what: Named;
  readonly payload: unknown;
  readonly origin: Origin;
  readonly order: number;
  readonly event: Event | undefined;
  #isTaken = false;

  constructor(what: Named, payload: unknown, origin: Origin, order: number, event: Event | undefined) {
    this.what = what;
    this.payload = payload;
    this.origin = origin;
    this.order = order;
    this.event = event;
  }

  /** It waits in its mailbox. */
  get queued(): boolean {
    return !this.#isTaken && this.origin.queued;
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
export function firstTurn(cell: Cell): Turn | undefined {
  return cell.lane?.peek() as Turn | undefined;
}

/** The message that its mailbox gives next. */
export function firstPost(cell: Cell): Post | undefined {
  return cell.box?.peek() as Post | undefined;
}

/** The order of posting of the oldest message or turn that waits. */
export function oldest(cell: Cell): number {
  const turn = firstTurn(cell)?.posted ?? Number.POSITIVE_INFINITY;
  const post = firstPost(cell)?.order ?? Number.POSITIVE_INFINITY;
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
    this.#inner.put(what, new Post(what, payload, origin, ++this.#core.posts, event), origin);
  }

  take(into: Taken): boolean {
    return this.#inner.take(into) && opened(into);
  }

  takeOldest(into: Taken): boolean {
    return this.#inner.takeOldest(into) && opened(into);
  }

  /** Shows the {@link Post}, not its payload. */
  peek(): unknown {
    return this.#inner.peek();
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
