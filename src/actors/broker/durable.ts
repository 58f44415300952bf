// A mailbox that outlives its actor: what is accepted is in a journal first, and is handled at least once, however often
// the process ends in between.

import { InvalidOption } from "../../runtime/kernel/failure.ts";
import { whole } from "../../runtime/kernel/options.ts";
import { type Message, receive, type Spawned } from "../../runtime/kernel/protocol.ts";
import type { Backoff, Make, SpawnOptions } from "../../runtime/kernel/verbs.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import { DurableBox } from "./durable-box.ts";
import type { OpenJournal } from "./journal.ts";

export interface DurableOptions {
  journal: OpenJournal;
  /** Of the payloads; {@link jsonCodec} by default. */
  codec?: Codec | undefined;
  /** Messages given to the actor at a time, and its concurrency; 1 by default, which keeps the order through retries. */
  concurrency?: number | undefined;
  /** How often a message that crashes the actor, or during which the process ends, is begun; 5 by default. */
  maxAttempts?: number | undefined;
  /** The wait before a message is begun again; from 100 ms, doubled up to 30 s, by default. */
  backoff?: Backoff | undefined;
  /** Messages after whose end the journal is compacted; 1,000 by default. */
  compactEvery?: number | undefined;
  /** Of the actor itself; by default it is restarted without end, after a growing wait from 10 ms to 10 s. */
  spawn?: Omit<SpawnOptions, "name" | "concurrency"> | undefined;
}

/** What is spawned: the mailbox, with the protocol of the actor behind it. */
export interface Durable<P> {
  [receive](message: Message<P>): void;
}

const known = ["journal", "codec", "concurrency", "maxAttempts", "backoff", "compactEvery", "spawn"];

/**
 * An actor behind a mailbox in a journal.
 *
 * Promises: an offer is confirmed, and a handler starts, when the message is safe. Each safe message is handled until it
 * is answered, refused or has had `maxAttempts`; `self.message.attempt` counts, also across restarts and power failures.
 * Messages start in the order accepted; with `concurrency: 1` none starts before it is
 * safe that the one ahead of it has ended, so that this order holds through retries and power failures.
 * An answer leaves when it is safe that the message has ended: what was answered is never begun again. Id and key stay.
 * Not promised: that a message is handled once. What ended without an answer, as its process did, is begun again.
 * Deadlines end the wait of an asker, not the message.
 * Cost: two groups in the journal per message; at most `concurrency` messages per flush.
 * Fails: InvalidOption. The start fails as that of `persistent`. A message is refused with Unencodable, or JournalFailed,
 * after which the mailbox crashes and opens its journal again. One that was given up refuses its asker with the last
 * failure; where nobody waits for it, it is reported.
 */
export function durable<A extends object>(make: Make<A>, options: DurableOptions): Make<Durable<Spawned<A>>> {
  if (typeof make !== "function") throw new InvalidOption("make", make, "a function that makes the actor's object");
  for (const option of Object.keys(options))
    if (!known.includes(option)) throw new InvalidOption(option, "an unknown option", known.join(", "));
  const { journal, codec = jsonCodec, spawn = {} } = options;
  if (typeof journal !== "function") throw new InvalidOption("journal", journal, "a function that opens a journal");
  const concurrency = whole("concurrency", options.concurrency, 1, 1);
  const maxAttempts = whole("maxAttempts", options.maxAttempts, 5, 1);
  const compactEvery = whole("compactEvery", options.compactEvery, 1_000, 1);
  const { backoff = { first: "100ms", max: "30s" } } = options;
  const supervision = {
    maxRestarts: Number.POSITIVE_INFINITY,
    backoff: { first: "10ms", max: "10s" },
    ...spawn.supervision,
  } as const;
  return async (self) => {
    const opened = await journal(self);
    try {
      const box = new DurableBox(self, opened, { codec, concurrency, maxAttempts, compactEvery, backoff });
      await box.recover();
      box.begin(self.spawn(make, { ...spawn, supervision, name: "actor", concurrency }));
      return {
        [receive](message: Message<Spawned<A>>) {
          box.take(message);
        },
        [Symbol.asyncDispose]: () => opened.close(),
      };
    } catch (error) {
      await opened.close();
      throw error;
    }
  };
}
