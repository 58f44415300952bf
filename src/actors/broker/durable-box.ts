// The messages of one durable mailbox: written, begun in order, begun again after a crash, and ended in the journal.

import { Failure, Refusal } from "../../runtime/kernel/failure.ts";
import { backoffMs } from "../../runtime/kernel/options.ts";
import type { Message, Ref } from "../../runtime/kernel/protocol.ts";
import { messageOf } from "../../runtime/kernel/thenable.ts";
import type { Backoff, Self } from "../../runtime/kernel/verbs.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import { NotPersisted, RecoveryFailed } from "./failure-journal.ts";
import type { Journal } from "./journal.ts";

export interface BoxOptions {
  readonly codec: Codec;
  readonly concurrency: number;
  readonly maxAttempts: number;
  readonly compactEvery: number;
  readonly backoff: Backoff;
}

/** As it is written; the payload behind it, as the codec gives it. */
interface Head {
  /** From 1, in the order accepted. */
  readonly n: number;
  readonly type: string;
  readonly id: string;
  readonly key?: string;
  readonly attempt: number;
  readonly hasPayload: boolean;
}

interface Entry {
  readonly head: Head;
  /** Undefined for none. */
  readonly bytes: Uint8Array;
  readonly payload: unknown;
  attempt: number;
  isSafe: boolean;
  isRunning: boolean;
  /** Waits for its next attempt. */
  isBackedOff: boolean;
  /** It has ended, which is not safe yet: it keeps its place. */
  isEnding: boolean;
  /** Of this incarnation; after a recovery nobody waits. */
  readonly message: Message | undefined;
}

const tags = { accepted: 1, attempt: 2, ended: 3, snapshot: 4 } as const;
const none: Uint8Array = new Uint8Array(0);

export class DurableBox {
  readonly #self: Self;
  readonly #journal: Journal;
  readonly #options: BoxOptions;
  /** All that have not ended, in the order accepted. */
  readonly #entries = new Map<number, Entry>();
  #actor: Ref<unknown> | undefined = undefined;
  #last = 0;
  #endedSince = 0;
  #failed = false;

  constructor(self: Self, journal: Journal, options: BoxOptions) {
    this.#self = self;
    this.#journal = journal;
    this.#options = options;
  }

  /** Fails: RecoveryFailed, JournalFailed. */
  async recover(): Promise<void> {
    const { snapshot, records } = this.#journal.recovered;
    let record = 0;
    const reading = (bytes: Uint8Array, snapshotted: boolean) => {
      try {
        this.#read(bytes, snapshotted);
      } catch (error) {
        const remedy = "Nothing was changed. Mend the codec, or give the mailbox another journal.";
        const what = messageOf(error).replace(/\.$/, "");
        throw new RecoveryFailed(this.#self.path, record, what, remedy, { cause: error });
      }
    };
    if (snapshot !== undefined) reading(snapshot, true);
    for (const bytes of records) {
      record++;
      reading(bytes, false);
    }
    if (this.#entries.size === 0) return;
    // These were begun, or may have been.
    let begun = 0;
    for (const entry of this.#entries.values()) {
      if (begun++ >= this.#options.concurrency) break;
      entry.attempt++;
    }
    await this.#journal.compact(this.#snapshot());
  }

  begin(actor: Ref<unknown>): void {
    this.#actor = actor;
    if (this.#entries.size > 0) this.#self.after(0, () => this.#pump(), "recovered");
  }

  /** A message from outside. */
  take(message: Message): void {
    const { type, payload, id, key, attempt } = message;
    let bytes = none;
    try {
      if (payload !== undefined) bytes = this.#options.codec.encode(payload);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      message.refuse(error);
      return;
    }
    const n = ++this.#last;
    const head: Head = {
      n,
      type,
      id,
      attempt,
      hasPayload: payload !== undefined,
      ...(key === undefined ? {} : { key }),
    };
    const entry = entryOf(head, bytes, payload, message);
    this.#entries.set(n, entry);
    message.hold(this.#actor === undefined ? [] : [this.#actor]);
    this.#write([recordOf(tags.accepted, head, bytes)], () => this.#safe(n));
  }

  /** All groups before it are safe as well, whichever is heard of first. */
  #safe(n: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.head.n > n) break;
      if (entry.isSafe) continue;
      entry.isSafe = true;
      entry.message?.accept();
    }
    this.#pump();
  }

  /** Begins what may begin: the first ones in order. One that waits for its next attempt keeps its place. */
  #pump(): void {
    let taken = 0;
    for (const entry of this.#entries.values()) {
      if (taken >= this.#options.concurrency || !entry.isSafe) return;
      taken++;
      if (entry.isRunning || entry.isBackedOff || entry.isEnding) continue;
      if (entry.attempt > this.#options.maxAttempts) {
        this.#end(
          entry,
          new Exhausted(`${this.#self.path} gives ${entry.head.type} up: begun ${entry.attempt - 1} times.`),
        );
        continue;
      }
      entry.isRunning = true;
      this.#start(entry);
    }
  }

  #start(entry: Entry): void {
    const { type, id, key, hasPayload } = entry.head;
    const options = { id, key, attempt: entry.attempt, within: Number.POSITIVE_INFINITY };
    const handlers = this.#self.ask(this.#actor as Ref<unknown>, options) as unknown as Record<string, Asking>;
    let answer: Promise<unknown>;
    try {
      const ask = handlers[type] as Asking;
      answer = hasPayload ? ask.call(handlers, entry.payload) : ask.call(handlers);
    } catch (error) {
      // No actor of this process has such a message: the program was changed.
      const cause = { cause: error };
      answer = Promise.reject(new Exhausted(`${this.#self.path} found ${type}, which nobody handles any more.`, cause));
    }
    this.#self.pipeToSelf(
      answer,
      (value) => this.#end(entry, value),
      (error) => this.#failedWith(entry, error),
    );
  }

  #failedWith(entry: Entry, error: unknown): void {
    if (!(error instanceof Failure)) throw error;
    const { maxAttempts, backoff } = this.#options;
    const isAnswer = error instanceof Refusal || error.outcome === "answered" || error.code === "UNKNOWN_MESSAGE";
    if (isAnswer || entry.attempt >= maxAttempts) {
      this.#end(entry, error);
      return;
    }
    const { n } = entry.head;
    const ms = backoffMs(backoff, entry.attempt, () => this.#self.random(`backoff/${n}/${entry.attempt}`));
    entry.attempt++;
    entry.isRunning = false;
    entry.isBackedOff = true;
    this.#write([recordOf(tags.attempt, { n, attempt: entry.attempt }, none)], nothing);
    this.#self.after(
      ms,
      () => {
        entry.isBackedOff = false;
        this.#pump();
      },
      `retry-${n}`,
    );
  }

  /** It is answered, and makes room for the next, when it is safe that it has ended. */
  #end(entry: Entry, value: unknown): void {
    const { n } = entry.head;
    entry.isEnding = true;
    this.#write([recordOf(tags.ended, { n }, none)], () => this.#ended(entry, value));
    if (++this.#endedSince < this.#options.compactEvery) return;
    this.#endedSince = 0;
    this.#self.pipeToSelf(this.#journal.compact(this.#snapshot()), nothing, (error) => this.#broke(error));
  }

  #ended({ head, message }: Entry, value: unknown): void {
    this.#entries.delete(head.n);
    if (!(value instanceof Failure)) message?.answer(value);
    else if (message !== undefined) message.refuse(value);
    // Nobody waits for it: a failure that nobody hears of is reported.
    else if (!(value instanceof Refusal) || value instanceof Exhausted)
      this.#self.pipeToSelf(Promise.reject(value), nothing);
    this.#pump();
  }

  #write(records: readonly Uint8Array[], then: () => void): void {
    this.#self.pipeToSelf(this.#journal.append(records), then, (error) => this.#broke(error));
  }

  /** What is not safe was not accepted. The rest is found again by the start that follows. */
  #broke(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    if (error instanceof Failure)
      for (const { isSafe, message } of this.#entries.values()) if (!isSafe) message?.refuse(error);
    throw new NotPersisted(this.#self.path, error);
  }

  #read(bytes: Uint8Array, isSnapshot: boolean): void {
    const tag = bytes[0];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const from = 5 + view.getUint32(1, true);
    const head = jsonCodec.decode(bytes.subarray(5, from)) as Head & {
      readonly parts: readonly number[];
      last: number;
    };
    if (isSnapshot !== (tag === tags.snapshot))
      throw new Error(`found kind ${tag}: it is no journal of a durable mailbox`);
    if (tag === tags.snapshot) {
      this.#last = head.last;
      let at = from;
      for (const part of head.parts) {
        this.#read(bytes.subarray(at, at + part), false);
        at += part;
      }
    } else if (tag === tags.accepted) {
      this.#last = Math.max(this.#last, head.n);
      const payload = bytes.slice(from);
      const entry = entryOf(
        head,
        payload,
        head.hasPayload ? this.#options.codec.decode(payload) : undefined,
        undefined,
      );
      this.#entries.set(head.n, entry);
    } else if (tag === tags.attempt) {
      const entry = this.#entries.get(head.n);
      if (entry !== undefined) entry.attempt = head.attempt;
    } else if (tag === tags.ended) this.#entries.delete(head.n);
    else throw new Error(`found kind ${tag}: it is no journal of a durable mailbox`);
  }

  #snapshot(): Uint8Array {
    const parts = [...this.#entries.values()]
      .filter(({ isEnding }) => !isEnding)
      .map(({ head, attempt, bytes }) => recordOf(tags.accepted, { ...head, attempt }, bytes));
    const body = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      body.set(part, at);
      at += part.length;
    }
    return recordOf(tags.snapshot, { last: this.#last, parts: parts.map(({ length }) => length) }, body);
  }
}

type Asking = (payload?: unknown) => Promise<unknown>;

/** A message of a durable mailbox was begun as often as it may be. */
export class Exhausted extends Refusal {
  readonly _tag = "Exhausted";
  override readonly code = "EXHAUSTED";
}

function entryOf(head: Head, bytes: Uint8Array, payload: unknown, message: Message | undefined): Entry {
  const isSafe = message === undefined;
  return {
    head,
    bytes,
    payload,
    attempt: head.attempt,
    isSafe,
    isRunning: false,
    isBackedOff: false,
    isEnding: false,
    message,
  };
}

function recordOf(tag: number, head: object, body: Uint8Array): Uint8Array {
  const json = jsonCodec.encode(head);
  const bytes = new Uint8Array(5 + json.length + body.length);
  bytes[0] = tag;
  new DataView(bytes.buffer).setUint32(1, json.length, true);
  bytes.set(json, 5);
  bytes.set(body, 5 + json.length);
  return bytes;
}

function nothing(): void {}
