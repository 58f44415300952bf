// A mailbox in which the messages of one putter are in order and those of different putters are not: each first one can
// be next. What is taken is the one that was chosen, else the oldest.

import type { Cell } from "../kernel/cell.ts";
import type { Mailbox, Named, Origin, Taken } from "../kernel/mailbox.ts";
import { Choice, type Posted } from "./choice.ts";
import type { Deeds } from "./deeds.ts";

/** The messages of one putter that wait, oldest first. */
export class Channel {
  #waiting: Waiting[] = [];
  #head = 0;

  push(one: Waiting): void {
    this.#waiting.push(one);
  }

  /** Undefined when nothing waits. */
  get first(): Waiting | undefined {
    return this.#waiting[this.#head];
  }

  /** Takes the first one out. */
  shift(): void {
    if (++this.#head < this.#waiting.length) return;
    this.#waiting = [];
    this.#head = 0;
  }

  get all(): readonly Waiting[] {
    return this.#waiting.slice(this.#head);
  }

  keep(isKept: (one: Waiting) => boolean): void {
    this.#waiting = this.all.filter(isKept);
    this.#head = 0;
  }
}

/** The start of a message that waits. */
export class Waiting extends Choice {
  readonly what: Named;
  readonly payload: unknown;
  readonly origin: Origin;

  constructor(posted: Posted, channel: Channel, what: Named, payload: unknown, origin: Origin) {
    super(posted, channel);
    this.what = what;
    this.payload = payload;
    this.origin = origin;
  }
}

export class ChannelMailbox implements Mailbox {
  live = 0;
  /** What {@link take} gives next; without it, the oldest. */
  chosen: Waiting | undefined = undefined;
  readonly #to: Cell;
  readonly #post: (by: Cell, type: string) => Posted;
  readonly #discard: (one: Waiting) => void;
  readonly #deeds: Deeds | undefined;
  readonly #channels = new Map<Cell, Channel>();
  /** The same, to walk over without making garbage. */
  readonly #list: Channel[] = [];

  /** `post` gives what is put its name and its place in the order of posting; `discard` is told what never starts. */
  constructor(to: Cell, post: (by: Cell, type: string) => Posted, discard: (one: Waiting) => void, deeds?: Deeds) {
    this.#deeds = deeds;
    this.#to = to;
    this.#post = post;
    this.#discard = discard;
  }

  /** The first of each putter into `into`. */
  firsts(into: Choice[]): void {
    for (const { first } of this.#list) if (first !== undefined) into.push(first);
  }

  put(what: Named, payload: unknown, origin: Origin, by: Cell = origin.sender ?? this.#to): void {
    let channel = this.#channels.get(by);
    if (channel === undefined) {
      channel = new Channel();
      this.#channels.set(by, channel);
      this.#list.push(channel);
    }
    // Also what is forwarded, which does not travel.
    this.#deeds?.put(this.#to);
    channel.push(new Waiting(this.#post(by, what.name), channel, what, payload, origin));
    this.live++;
  }

  take(into: Taken): boolean {
    const one = this.#next;
    if (one === undefined) return false;
    if (one !== this.chosen) this.#discard(one);
    this.chosen = undefined;
    return this.#remove(one, into);
  }

  takeOldest(into: Taken): boolean {
    const one = this.#oldest;
    if (one === undefined) return false;
    this.#discard(one);
    return this.#remove(one, into);
  }

  peek(): Waiting | undefined {
    return this.#next;
  }

  withdrawn(): void {
    this.#keep(({ origin }) => origin.queued);
  }

  remove(isKept: (type: string) => boolean): Taken[] {
    const removed = this.#keep(({ what }) => isKept(what.name));
    return removed.map(({ what, payload, origin }) => ({ what, payload, origin }));
  }

  forEach(visit: (what: Named, payload: unknown, origin: Origin) => void): void {
    for (const { what, payload, origin } of this.#all) visit(what, payload, origin);
  }

  /** Gives what it did not keep, oldest first. */
  #keep(isKept: (one: Waiting) => boolean): Waiting[] {
    const removed = this.#all.filter((one) => !isKept(one));
    for (const channel of this.#list) channel.keep(isKept);
    for (const one of removed) this.#discard(one);
    this.live -= removed.length;
    return removed;
  }

  get #all(): Waiting[] {
    return this.#list.flatMap(({ all }) => all).sort((a, b) => a.order - b.order);
  }

  get #next(): Waiting | undefined {
    return this.chosen ?? this.#oldest;
  }

  get #oldest(): Waiting | undefined {
    let oldest: Waiting | undefined;
    for (const { first } of this.#list)
      if (first !== undefined && (oldest === undefined || first.order < oldest.order)) oldest = first;
    return oldest;
  }

  #remove(one: Waiting, into: Taken): true {
    (one.channel as Channel).shift();
    this.live--;
    return show(one, into);
  }
}

function show({ what, payload, origin }: Waiting, into: Taken): true {
  into.what = what;
  into.payload = payload;
  into.origin = origin;
  return true;
}
