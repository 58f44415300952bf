// The simulated world in its base order: of all that is enabled, what was posted first is fired first. It asks nobody, and
// is fast.

import type { Cell } from "../kernel/cell.ts";
import type { Mailbox } from "../kernel/mailbox.ts";
import { Timed } from "../kernel/operation.ts";
import type { Reply } from "./event.ts";
import { firstPost, firstTurn, oldest, open, type Post, PostedMailbox } from "./posted.ts";
import { Ready } from "./ready.ts";
import { SimWorld } from "./world.ts";

/** `place` of what came due in an actor that is paused. */
const paused = -2;

export class OrderedWorld extends SimWorld {
  readonly #ready = new Ready();
  /** Events of paused actors. */
  #stash: (Timed | Cell)[] = [];

  override mailbox(cell: Cell, make: (open: (held: unknown) => unknown) => Mailbox): Mailbox {
    return new PostedMailbox(cell, make(open), this.trace?.names);
  }

  override ready(cell: Cell): void {
    this.#ready.add(cell, oldest(cell));
  }

  override arm(timed: Timed, time: number): void {
    if (timed.place === paused) this.disarm(timed);
    super.arm(timed, time);
  }

  override disarm(timed: Timed): void {
    if (timed.place === paused) {
      timed.place = -1;
      timed.armed = false;
    } else super.disarm(timed);
  }

  override fire(most: number, untilIdle: boolean): "some" | "idle" | "none" {
    const { agenda } = this;
    const ready = this.#ready;
    this.stirred = false;
    for (let left = most; left > 0; ) {
      if (this.fused.length > 0) {
        if (!this.#come(this.fused.shift() as Reply)) continue;
      } else if (agenda.order < ready.order) {
        if (!this.#come(agenda.take())) continue;
      } else if (ready.order < Number.POSITIVE_INFINITY) {
        if (!this.#startNext()) continue;
      } else {
        if (untilIdle && this.isIdle) return "idle";
        const { soonest } = agenda;
        if (soonest === Number.POSITIVE_INFINITY) return left === most ? "none" : "some";
        this.time = soonest;
        const only = agenda.advance();
        if (only === undefined || !this.#come(only)) continue;
      }
      left--;
      if (this.stirred || left === 0) return "some";
      this.rest();
    }
    return "some";
  }

  /** False when its actor is paused. */
  #come(timed: Timed): boolean {
    if (this.#isPaused(timed.cell, timed)) return false;
    this.bring(timed);
    return true;
  }

  override get hasEnabled(): boolean {
    return this.fused.length > 0 || this.#ready.length > 0 || this.agenda.order < Number.POSITIVE_INFINITY;
  }

  override get isIdle(): boolean {
    return !this.hasEnabled && this.agenda.foreground === 0 && this.#stash.length === 0;
  }

  override unpause(): void {
    const stash = this.#stash;
    this.#stash = [];
    for (const one of stash) {
      if (one instanceof Timed) {
        // What was withdrawn or armed anew meanwhile is not in it any more.
        if (one.place === paused) this.arm(one, this.time);
      } else {
        one.scheduled = false;
        one.schedule();
      }
    }
  }

  override forget(keeps: (timed: Timed) => boolean): void {
    super.forget(keeps);
    this.#ready.clear();
    this.#stash = [];
  }

  /** Starts something in the actor whose turn it is. False when that waits no longer, or not as long as it seemed. */
  #startNext(): boolean {
    const since = this.#ready.order;
    const cell = this.#ready.take() as Cell;
    if (cell.down || cell.waiting === 0) {
      cell.scheduled = false;
      cell.schedule();
      return false;
    }
    if (this.#isPaused(cell, cell)) return false;
    const turn = firstTurn(cell);
    const post = firstPost(cell);
    const isTurn = turn !== undefined && (post === undefined || turn.posted < post.order);
    const order = isTurn ? turn.posted : (post as Post).order;
    if (order > since && order > Math.min(this.#ready.order, this.agenda.order)) {
      // What waited longest was withdrawn.
      this.#ready.add(cell, order);
      return false;
    }
    this.steps++;
    this.isActing = true;
    const { trace, steps, time } = this;
    if (trace !== undefined) {
      if (isTurn) trace.event(steps, time, "start", trace.names.own(cell, turn.kind, turn.name), cell, undefined);
      else if (post?.event !== undefined) trace.event(steps, time, "start", post.event, cell, post.payload);
    }
    if (isTurn || !this.disturbances.refuses(cell, post as Post, time)) this.begin(cell, isTurn);
    return true;
  }

  #isPaused(cell: Cell | undefined, event: Timed | Cell): boolean {
    if (!this.disturbances.anyPause || cell === undefined || !this.disturbances.pauses(cell, this.time)) return false;
    if (event instanceof Timed) {
      event.place = paused;
      event.armed = true;
    }
    this.#stash.push(event);
    return true;
  }
}
