// What to do about the errors of `antiphon/broker`, for docs/errors.md.

import type { Outcome } from "antiphon";

interface Advice {
  readonly outcomes: readonly Outcome[];
  readonly todo: string;
}

const dir = "src/actors/broker";
export const brokerSources: readonly string[] = ["failure", "failure-journal", "durable-box", "entity"].map(
  (name) => `${dir}/${name}.ts`,
);

/** By the name of the class. */
export const brokerAdvice: Readonly<Record<string, Advice>> = {
  NotAccepted: {
    outcomes: ["not-started", "unknown"],
    todo:
      'By `reason`: `full`, send less, `offer` with `overflow: "wait"`, or raise `capacity`; `dropped`, nothing, that is ' +
      "what `drop-newest` says; `duplicate`, nothing, the first one was taken, and its answer has gone; `invalid`, mend the " +
      "payload or the option that the message names; `unroutable`, subscribe to it, or say where it goes instead.",
  },
  NoReply: {
    outcomes: ["not-started"],
    todo: "`tell` or `offer` to a topic. For an answer ask a queue, or the subscriber itself.",
  },
  NotHandled: {
    outcomes: ["not-started", "unknown"],
    todo:
      "Look at `reason` and `cause`, and at `deadLetters` of the queue: after the consumer is mended, `redrive` brings it " +
      "back. Nobody waits for the answer any more then.",
  },
  NotCommitted: {
    outcomes: ["not-started"],
    todo:
      "By `reason`: `stale`, stop, this delivery is another attempt's by now, or make the lease longer and `extend` it; " +
      "`full`, make room or fail, which tries the message again later; `unknown-topic`, publish to what shares the store; " +
      "`invalid`, mend what is published or kept.",
  },
  NotInStore: {
    outcomes: ["not-started"],
    todo: "Pass the ref of a queue, topic or store that is there; a subscription ends with its actor unless it is `durable`.",
  },
  NotSafe: {
    outcomes: ["not-started", "unknown"],
    todo:
      "Look at `cause`: the medium is full or broken. The store starts again from what is safe. If `retrySafe`, offer it " +
      "again; else it may be there already: let `dedup` find that out.",
  },
  NotConfigured: {
    outcomes: ["not-started"],
    todo: "Mend the options: the message says which, what was found and what is allowed.",
  },
  Requeue: {
    outcomes: ["answered"],
    todo: "Nothing: a consumer says so, and its queue delivers the message again. Who asks that consumer without a queue tries later.",
  },
  JournalFailed: {
    outcomes: ["not-started", "unknown"],
    todo: "Make room on the medium, or mend it. The next start of the actor opens the journal again.",
  },
  JournalCorrupt: {
    outcomes: [],
    todo:
      "Restore a copy. Without one, stop whoever has it and run `repairJournal`: it keeps what can be read and says what is " +
      "lost. `place` says where it begins.",
  },
  JournalLocked: {
    outcomes: [],
    todo: "Stop the `holder` first, or give each actor a journal, or a part of one, of its own.",
  },
  PackageMissing: {
    outcomes: [],
    todo: "Install the package that the message names: it is an optional peer.",
  },
  Unencodable: {
    outcomes: ["answered"],
    todo: "Send plain data, as the message says where it is not; or use `msgpackCodec`; or mend the value that the schema refuses.",
  },
  Undecodable: {
    outcomes: ["answered"],
    todo:
      "Give the codec or schema back what wrote it, or one that reads both; then `redrive`: a queue has such messages among " +
      "its dead letters, with their bytes.",
  },
  RecoveryFailed: {
    outcomes: [],
    todo:
      "Do what the message says. `record` is the one that could not be made state: an event that no `upcast` knows, or a " +
      "journal of another actor. Nothing was changed.",
  },
  NotPersisted: {
    outcomes: [],
    todo: "Look at `cause`: the medium is full or broken. The actor recovers by itself; who asked was told.",
  },
  Exhausted: {
    outcomes: ["answered"],
    todo: "Read `cause`, the last failure of the actor behind the mailbox, and mend it; then send again.",
  },
  KeyMissing: {
    outcomes: ["not-started"],
    todo: "Send with `{ key }`, or give `entity` a `key` that every message has.",
  },
};
