// What may happen in an explored world, beside the messages of channels, each as one choice: with its name, its place in
// the order of posting and what set it off, from when it is first asked for until it happens or is withdrawn.

import type { Cell } from "../kernel/cell.ts";
import type { Request, Timed, Turn } from "../kernel/operation.ts";
import { orderOf } from "./agenda.ts";
import type { Choice, Posted } from "./choice.ts";
import type { Deeds } from "./deeds.ts";
import { Due, Head } from "./due.ts";
import { eventOf, placeOf, Reply } from "./event.ts";
import type { Event, Names } from "./names.ts";
import type { Post } from "./posted.ts";
import type { SimWorld } from "./world.ts";

export class Choices {
  /** The event that was fired last. */
  cause: Choice | undefined = undefined;
  /** What was withdrawn before it happened. */
  readonly voided: Choice[] = [];
  /** Where somebody takes note. */
  deeds: Deeds | undefined = undefined;
  readonly #world: SimWorld;
  readonly #names: Names;
  readonly #of = new Map<object, Choice>();
  /** Of what comes due: what armed it, and its place in the order of posting. */
  readonly #armed = new Map<Timed, { readonly cause: Choice | undefined; readonly order: number }>();
  readonly #urgent = new Set<Request>();

  constructor(world: SimWorld, names: Names) {
    this.#world = world;
    this.#names = names;
  }

  /** A message is put; by whom is part of its name. */
  message(by: Cell, to: Cell, type: string): Posted {
    return this.#post(to, this.#names.message(by, to, type), this.#world.time);
  }

  #post(cell: Cell, event: Event, at: number): Posted {
    return { cell, event, order: ++this.#world.core.posts, at, cause: this.cause };
  }

  arm(timed: Timed): void {
    this.#armed.set(timed, { cause: this.cause, order: ++this.#world.core.posts });
  }

  /** Something on its way comes at another time, or is sent. */
  travel(timed: Timed): void {
    if (!this.#of.delete(timed)) this.arm(timed);
  }

  /** Its reply is the first of what is enabled with it, in the base order. */
  hurry(request: Request): void {
    this.#urgent.add(request);
  }

  due(timed: Timed): Choice {
    return this.#choiceOf(timed, () => {
      const { core } = this.#world;
      const cell = placeOf(timed, core.root);
      const posted = this.#post(cell, eventOf(this.#names, timed, cell), timed.at);
      const { cause, order } = this.#armed.get(timed) ?? posted;
      if (timed instanceof Reply && this.#urgent.has(timed.request))
        return new Due({ ...posted, cause, order: 0 }, timed);
      // What is enabled already has its place.
      return new Due({ ...posted, cause, order: orderOf(timed) ?? order }, timed);
    });
  }

  turn(turn: Turn): Choice {
    const head = this.#choiceOf(turn, () => {
      const { cell } = turn;
      const posted = this.#post(cell, this.#names.own(cell, turn.kind, turn.name), this.#world.time);
      return new Head({ ...posted, order: turn.posted }, true, undefined);
    });
    this.deeds?.waits(turn, head);
    return head;
  }

  /** The first message of a mailbox with an order of its own. */
  first(cell: Cell, post: Post): Choice {
    const head = this.#choiceOf(post, () => {
      const posted = { cell, event: post.event as Event, order: post.order, at: this.#world.time, cause: undefined };
      return new Head(posted, false, post.payload);
    });
    this.deeds?.waits(post, head);
    return head;
  }

  #choiceOf(of: object, make: () => Choice): Choice {
    const choice = this.#of.get(of) ?? make();
    this.#of.set(of, choice);
    return choice;
  }

  /** It comes due now. */
  take(timed: Timed): void {
    this.#of.delete(timed);
    this.#armed.delete(timed);
  }

  disarm(timed: Timed): void {
    this.#armed.delete(timed);
    const choice = this.#of.get(timed);
    if (choice === undefined) return;
    this.#of.delete(timed);
    this.discard(choice);
  }

  /** After a power failure: what comes due is withdrawn, but for what `keeps` says. */
  forget(keeps: (timed: Timed) => boolean): void {
    for (const [of, choice] of this.#of) {
      if (!(choice instanceof Due) || keeps(choice.timed)) continue;
      this.#of.delete(of);
      this.discard(choice);
    }
  }

  discard(choice: Choice): void {
    this.deeds?.touch(choice.cell);
    choice.isVoid = true;
    choice.voidedBy = this.cause;
    this.voided.push(choice);
  }
}
