// A message that a handler has begun and not finished, or holds. A plain handler that finishes synchronously
// leaves its record to the next message.

import type { Cell } from "./cell.ts";
import type { Failure } from "./failure.ts";
import type { Letter } from "./letter.ts";
import type { Named, Origin, Taken } from "./mailbox.ts";
import { type Request, Scope } from "./operation.ts";
import type { MessageInfo } from "./protocol.ts";
import { quicken } from "./quicken.ts";
import type { Incarnation } from "./self.ts";

export class Flight extends Scope implements Taken {
  cell: Cell;
  self: Incarnation;
  what: Named;
  payload: unknown = undefined;
  origin: Origin;
  /** The handler returned a promise that has not settled. */
  pending = false;
  /** More than the fields above has been written: the record serves no other message. */
  touched = false;
  /** Its asker gave up. */
  abandoned = false;
  /** Its fate is counted, or it was forwarded: what the handler still does changes nothing. */
  over = false;
  holding = false;
  /** Answered or refused through its letter, before the handler ended. */
  answered = false;
  refused = false;
  /** What a holder said it waits for. */
  on: readonly Cell[] | undefined = undefined;
  controller: AbortController | undefined = undefined;
  letter: Letter | undefined = undefined;
  /** Failures that asks of this handler got. */
  heard: Failure[] | undefined = undefined;
  /** World time when the handler turned pending, and the length of the mailbox then. */
  since = 0;
  waitingThen = 0;
  /** The last ask of this handler that was answered. */
  edge: Request | undefined = undefined;
  id: string | undefined = undefined;
  previousFlight: Flight | undefined = undefined;
  nextFlight: Flight | undefined = undefined;

  constructor(cell: Cell) {
    super();
    this.cell = cell;
    this.self = cell.self;
    this.what = cell;
    this.origin = cell;
  }

  override get isFlight(): boolean {
    return true;
  }

  get type(): string {
    return this.what.name;
  }

  /** The ask, offer or named tell that brought it; undefined for a plain tell and a turn. */
  get request(): Request | undefined {
    return this.origin.request;
  }

  get sender(): Cell | undefined {
    return this.origin.sender;
  }

  /** In ms of the world; Infinity without. */
  get deadline(): number {
    return this.origin.request?.deadline ?? Number.POSITIVE_INFINITY;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.touched = true;
      this.controller = new AbortController();
      if (this.abandoned || this.over) this.controller.abort();
    }
    return this.controller.signal;
  }

  /** A copy: it stays right when this record serves another message. */
  info(): MessageInfo {
    const { request, sender } = this;
    if (request === undefined) {
      this.touched = true;
      this.id ??= this.cell.core.newId();
      const from = sender === undefined ? undefined : sender.outside ? undefined : sender.ref;
      return { type: this.type, sender: from, id: this.id, deadline: undefined, attempt: 1 };
    }
    return infoOf(request);
  }
}

quicken(Flight);

/** Made on first read, unless the sender gave one. */
export function idOf(request: Request): string {
  return (request.more().id ??= request.from.core.newId());
}

export function infoOf(request: Request): MessageInfo {
  const details = request.more();
  return {
    type: request.type,
    sender: request.from.outside ? undefined : request.from.ref,
    id: idOf(request),
    ...(details.key === undefined ? {} : { key: details.key }),
    deadline: Number.isFinite(request.deadline) ? request.deadline : undefined,
    attempt: details.attempt,
  };
}
