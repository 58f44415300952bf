// How publishing, asking through a queue, and committing can fail. All are failures of the runtime's kind: with a code,
// an outcome, and whether it is safe to send again.

import { milliseconds } from "../../runtime/kernel/duration.ts";
import { Failure, type Outcome, Refusal } from "../../runtime/kernel/failure.ts";
import type { Duration } from "../../runtime/kernel/protocol.ts";

/** Why a message was not accepted. */
export type Unaccepted = "full" | "dropped" | "duplicate" | "invalid" | "unroutable";

/** A queue or topic did not take the message. Its `reason` says why; of a duplicate the first one was taken. */
export class NotAccepted extends Failure {
  readonly _tag = "NotAccepted";
  override readonly code = "NOT_ACCEPTED";
  readonly reason: Unaccepted;

  constructor(message: string, reason: Unaccepted, options?: ErrorOptions) {
    super(message, reason === "duplicate" ? "unknown" : "not-started", options);
    this.reason = reason;
  }
}

/** A topic was asked: it has any number of subscribers, and so no answer. Nothing was published. */
export class NoReply extends Failure {
  readonly _tag = "NoReply";
  override readonly code = "NO_REPLY";

  constructor(message: string) {
    super(message, "not-started");
  }
}

/** What was asked through a queue ended without an answer. `cause` is how its last attempt failed, if one was made. */
export class NotHandled extends Failure {
  readonly _tag = "NotHandled";
  override readonly code = "NOT_HANDLED";
  /** The reason of its dead letter, or of its end without one. */
  readonly reason: string;

  constructor(message: string, reason: string, isStarted: boolean, options?: ErrorOptions) {
    super(message, isStarted ? "unknown" : "not-started", options);
    this.reason = reason;
  }
}

/** A commit changed nothing: what it settles is not its to settle any more, or what it publishes finds no place. */
export class NotCommitted extends Failure {
  readonly _tag = "NotCommitted";
  override readonly code = "NOT_COMMITTED";
  readonly reason: "stale" | "full" | "unknown-topic" | "invalid";

  constructor(message: string, reason: NotCommitted["reason"]) {
    super(message, "not-started");
    this.reason = reason;
  }
}

/** The store has no topic, queue or subscription of this name. */
export class NotInStore extends Failure {
  readonly _tag = "NotInStore";
  override readonly code = "NOT_IN_STORE";

  constructor(message: string) {
    super(message, "not-started");
  }
}

/** What was accepted could not be made safe: the journal refused it. `unknown` if it may be found all the same. */
export class NotSafe extends Failure {
  readonly _tag = "NotSafe";
  override readonly code = "NOT_SAFE";

  constructor(message: string, outcome: Outcome, options?: ErrorOptions) {
    super(message, outcome, options);
  }
}

/** A topic or subscription can not be as its options say in this store. */
export class NotConfigured extends Failure {
  readonly _tag = "NotConfigured";
  override readonly code = "NOT_CONFIGURED";

  constructor(message: string) {
    super(message, "not-started");
  }
}

/**
 * What a consumer behind a queue says when it can not handle a message now: it comes again, to whoever is free, by
 * default after 100 ms and without being counted as an attempt. Who asked goes on waiting.
 * Example: `if (await busy()) return new Requeue({ after: "5s" });`
 */
export class Requeue extends Refusal {
  readonly _tag = "Requeue";
  override readonly code = "REQUEUE";
  readonly afterMs: number;
  /** It is an attempt like one that crashed, where `counts` of the options has `"nack"`, and `after` is the wait before the next. */
  readonly counts: boolean;

  constructor(options: { after?: Duration | undefined; counts?: boolean | undefined } = {}) {
    super("again, please");
    this.afterMs = milliseconds("after", options.after ?? 100);
    this.counts = options.counts ?? false;
  }
}
