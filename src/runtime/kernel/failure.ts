// Everything that can be an answer of "no". A closed set: `docs/errors.md` is generated from it.

/** Whether the message was handled, as far as the asker can know. */
export type Outcome = "not-started" | "unknown" | "answered";

/**
 * Why an ask or an offer did not succeed. `_tag` and `code` name the kind; `outcome` says whether the receiver may
 * have acted on the message.
 */
export abstract class Failure extends Error {
  abstract readonly _tag: string;
  readonly code: string = "FAILURE";
  /** `not-started`: it was never handled. `unknown`: it may have been. `answered`: the receiver said no. */
  readonly outcome: Outcome;
  /** Paths of the actors that let this failure pass to their own asker, innermost first. */
  readonly passed: readonly string[] = [];

  constructor(message: string, outcome: Outcome = "unknown", options?: ErrorOptions) {
    super(message, options);
    this.outcome = outcome;
  }

  /** True exactly when the outcome is `not-started`: sending again can not do the work twice. */
  get retrySafe(): boolean {
    return this.outcome === "not-started";
  }

  override get name(): string {
    return this._tag;
  }
}

/**
 * A typed "no": return it or throw it from a handler. The actor keeps its state, the asker gets this object.
 * Extend it and name it: `class OutOfStock extends Refusal { readonly _tag = "OutOfStock" }`. Make a new one for each
 * answer: the runtime writes into `passed` where it passes other actors.
 */
export abstract class Refusal extends Failure {
  // Error is structurally a supertype of every failure; the brand keeps a plain Error from reading as a refusal.
  declare protected readonly brand: true;
  override readonly code: string = "REFUSED";

  constructor(message?: string, options?: ErrorOptions) {
    super(message ?? "", "answered", options);
  }
}

/** No answer within the deadline of the ask. */
export class AskTimeout extends Failure {
  readonly _tag = "AskTimeout";
  override readonly code = "ASK_TIMEOUT";
}

/** No room in the mailbox within the limit of the offer. */
export class OfferTimeout extends Failure {
  readonly _tag = "OfferTimeout";
  override readonly code = "OFFER_TIMEOUT";
}

/** The asker gave up: its signal aborted, or the message it was handling was itself given up. */
export class Cancelled extends Failure {
  readonly _tag = "Cancelled";
  override readonly code = "CANCELLED";
}

/** All places of the receiver's mailbox are taken, or its overflow rule dropped the message. */
export class MailboxFull extends Failure {
  readonly _tag = "MailboxFull";
  override readonly code = "MAILBOX_FULL";
}

/** The receiver has no message of this name. */
export class UnknownMessage extends Failure {
  readonly _tag = "UnknownMessage";
  override readonly code = "UNKNOWN_MESSAGE";
}

/** The payload or the answer could not be frozen or cloned, as the system's isolation or a thread demands. */
export class NotIsolated extends Failure {
  readonly _tag = "NotIsolated";
  override readonly code = "NOT_ISOLATED";
}

/** The receiver stopped before it answered. */
export class ActorStopped extends Failure {
  readonly _tag = "ActorStopped";
  override readonly code = "ACTOR_STOPPED";
}

/** The handler threw. `cause` is what it threw. */
export class ActorCrashed extends Failure {
  readonly _tag = "ActorCrashed";
  override readonly code = "ACTOR_CRASHED";
}

/** Another message crashed the receiver while it handled or held this one. `cause` is that crash. */
export class ActorRestarted extends Failure {
  readonly _tag = "ActorRestarted";
  override readonly code = "ACTOR_RESTARTED";
}

/** Waiting for this answer would wait for itself. The message names the whole cycle. */
export class WaitCycle extends Failure {
  readonly _tag = "WaitCycle";
  override readonly code = "WAIT_CYCLE";
}

/** The asking actor was itself restarted or stopped: what its former incarnation waited for is void. */
export class Stopped extends Failure {
  readonly _tag = "Stopped";
  override readonly code = "STOPPED";
}

/** The system drains or has stopped and takes no work from outside. */
export class SystemStopped extends Failure {
  readonly _tag = "SystemStopped";
  override readonly code = "SYSTEM_STOPPED";
}

/** Every kind of failure that the runtime itself makes. Refusals are the program's own. */
export const failures: readonly (new (message: string, outcome?: Outcome, options?: ErrorOptions) => Failure)[] = [
  AskTimeout,
  OfferTimeout,
  Cancelled,
  MailboxFull,
  UnknownMessage,
  NotIsolated,
  ActorStopped,
  ActorCrashed,
  ActorRestarted,
  WaitCycle,
  Stopped,
  SystemStopped,
];

/** An option, a name, a path, a column or an argument that can not be used. */
export class InvalidOption extends TypeError {
  readonly _tag = "InvalidOption";
  readonly code = "INVALID_OPTION";
  readonly option: string;

  constructor(option: string, found: unknown, allowed: string) {
    super(`${option}: found ${show(found)}, allowed is ${allowed}.`);
    this.option = option;
  }

  override get name(): string {
    return this._tag;
  }
}

/** A factory did not give a fresh object: no object, the same one twice, or one that a promise would swallow. */
export class InvalidFactory extends TypeError {
  readonly _tag = "InvalidFactory";
  readonly code = "INVALID_FACTORY";
  readonly path: string;

  constructor(path: string, found: string, remedy: string) {
    super(`The factory of ${path} gave ${found}. ${remedy}`);
    this.path = path;
  }

  override get name(): string {
    return this._tag;
  }
}

/** A handler changed something that was frozen on its way between two actors. `cause` is the engine's own error. */
export class FrozenPayload extends TypeError {
  readonly _tag = "FrozenPayload";
  readonly code = "FROZEN_PAYLOAD";

  override get name(): string {
    return this._tag;
  }
}

/** A top-level actor used up its restarts, or its crash was escalated past the root. It was stopped. */
export class SystemFailed extends Error {
  readonly _tag = "SystemFailed";
  readonly code = "SYSTEM_FAILED";
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path} failed for good: ${reason}. It is stopped; its siblings go on.`, options);
    this.path = path;
  }

  override get name(): string {
    return this._tag;
  }
}

/** An actor crashed because the crash of its child was escalated to it. `cause` is the child's. */
export class ChildFailed extends Error {
  readonly _tag = "ChildFailed";
  readonly code = "CHILD_FAILED";
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path} failed: ${reason}.`, options);
    this.path = path;
  }

  override get name(): string {
    return this._tag;
  }
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return typeof value === "function" ? "a function" : String(value);
}
