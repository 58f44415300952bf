// Events that are no message in a channel.

import { Request, type Timed, Turn } from "../kernel/operation.ts";
import { Choice, type Posted } from "./choice.ts";
import { FaultEvent } from "./event.ts";

/** The start of a turn, or of the message that a mailbox with an order of its own gives next. */
export class Head extends Choice {
  readonly isTurn: boolean;
  readonly payload: unknown;

  constructor(posted: Posted, isTurn: boolean, payload: unknown) {
    super(posted);
    this.isTurn = isTurn;
    this.payload = payload;
  }
}

/** Something whose time has come, or may have. */
export class Due extends Choice {
  readonly timed: Timed;

  constructor(posted: Posted, timed: Timed) {
    super(posted);
    this.timed = timed;
  }

  override get isStart(): boolean {
    return this.timed instanceof Turn;
  }

  /** A deadline takes its message out of a mailbox. */
  protected override touches(): string[] {
    return this.timed instanceof Request ? [this.cell.path, this.timed.to.path] : super.touches();
  }

  protected override get isFault(): boolean {
    return this.timed instanceof FaultEvent;
  }
}
