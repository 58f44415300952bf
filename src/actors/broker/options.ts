// The options of queues, topics, subscriptions and stores, each with its default.

import type { Duration, Ref } from "../../runtime/kernel/protocol.ts";
import type { Backoff } from "../../runtime/kernel/verbs.ts";
import type { Codec } from "./codec.ts";
import type { History, Order } from "./event.ts";
import type { OpenJournal } from "./journal.ts";
import type { End } from "./settle.ts";

/** What options may look at. */
export interface Published {
  readonly type: string;
  readonly payload: unknown;
  readonly key: string | undefined;
  readonly id: string;
  /** Of a dead letter: how it died. */
  readonly history?: History | undefined;
}

export interface StoreOptions {
  /** Where the store keeps what must outlive it. Without one it is memory. */
  journal?: OpenJournal | undefined;
  /**
   * Writes payloads and values; with a journal {@link jsonCodec} by default, without one none. With a codec, what a
   * consumer gets is always what it reads, also at the first attempt.
   */
  codec?: Codec | undefined;
  /**
   * How long, and how many, inbox keys of commits are remembered. By default a day, or as long as a message may come again
   * if that is longer, and 1,000,000.
   */
  inbox?: { window?: Duration | undefined; count?: number | undefined } | undefined;
  /** Events after which a snapshot takes their place, if there are four times as many as messages; 10,000 by default. */
  snapshotEvery?: number | undefined;
}

export interface TopicOptions extends StoreOptions {
  /**
   * The store that it shares with others; without it it has one of its own. Then the options of a store are that one's, but
   * for `codec`: that of the payloads of this topic.
   */
  store?: Ref<StoreProtocol> | undefined;
  /** The entity a message is about; by default the key of the call. */
  key?: ((message: Published) => string | undefined) | undefined;
  /**
   * How long messages are kept: until every subscription has settled them (default), longer, or the last of each key, which
   * a message of it without a payload ends. What is not the last any more is delivered no more either.
   */
  retention?: "untilSettled" | "latestPerKey" | { age?: Duration | undefined; count?: number | undefined } | undefined;
  /** Refuses no duplicate, but takes it once; none by default. With a journal `by` is required: other ids repeat. */
  dedup?:
    | {
        window: Duration;
        /** Ids remembered, the oldest forgotten first; 100,000 by default. */
        count?: number | undefined;
        /** Among which messages an id is one: of the topic (default), of one publisher, of one key. */
        scope?: "topic" | "publisher" | "key" | undefined;
        /** What a duplicate is known by; the id of the message by default. */
        by?: ((message: Published) => string) | undefined;
      }
    | undefined;
  /** Messages, and bytes by `size`, that may be unsettled at a time; 1,000,000 and without limit by default. */
  capacity?: { messages?: number | undefined; bytes?: number | undefined } | undefined;
  /**
   * What a full topic does; `"reject"` by default. `"dead-letter-oldest"` keeps what it drops among the dead letters. With `"wait"` up to 1,000 messages wait for room; asks are refused.
   * An offer that gives up while it waits can not know: its message still enters when there is room.
   * With `"conflate-by-key"` a message drops the oldest of its key that still waits everywhere, and is rejected without
   * one. It goes to the end of the line; with `selection: "fair"` its key keeps its turn.
   */
  overflow?: "reject" | "wait" | "drop-oldest" | "drop-newest" | "dead-letter-oldest" | "conflate-by-key" | undefined;
  /**
   * What becomes of a message that no subscription wants, if it is not kept either: it is accepted (default), not accepted,
   * or goes to another topic or queue of this store, and to no third one.
   */
  unroutable?: "accept" | "reject" | Ref<unknown> | undefined;
  /** The bytes of a message, for `capacity.bytes`. */
  size?: ((message: Published) => number) | undefined;
  /** Among which a message has its turn where subscriptions are fair; the key by default. */
  tag?: ((message: Published) => string) | undefined;
  /** How urgent a message is where subscriptions go by that; 0 by default, the higher the sooner. */
  priority?: ((message: Published) => number) | undefined;
  /** No delivery before so long; none by default. */
  delay?: Duration | ((message: Published) => Duration) | undefined;
  /** No delivery after so long; without limit by default. A handler that runs then is given up. */
  ttl?: Duration | ((message: Published) => Duration) | undefined;
}

export interface SubscriptionOptions {
  /** Which messages wait for each other, also through the waits between attempts; `"none"` by default. */
  order?: Order | undefined;
  /** With `order: "key"`: a lane for each key (default), or so many lanes, among which the keys are shared out. */
  lanes?: "perKey" | number | undefined;
  /**
   * Whether the rest of a lane waits while one of it waits for its next attempt, for its time, or is parked
   * (default), or passes it. What was passed goes on as the next of its lane.
   */
  laneOnBackoff?: "hold" | "pass" | undefined;
  /**
   * Which of the messages that could start is next: the one that could first (default), one of each tag in turn, or the
   * most urgent.
   */
  selection?: "fifo" | "fair" | "priority" | undefined;
  /** How long a message must have waited to go before one whose priority is higher by 1; without it, it may wait for ever. */
  aging?: Duration | undefined;
  /**
   * Who of several consumers gets messages: all (default), the first that lives, the only one there may be, or each lane
   * the same as long as that lives (`"sticky"`).
   */
  consumers?: "shared" | "failover" | "exclusive" | "sticky" | undefined;
  /** Messages that one consumer may have at a time; 1 by default. */
  prefetch?: number | undefined;
  /** Whether a consumer gets the next message when it has room (default), or only as many as it was {@link grant}ed. */
  credit?: "prefetch" | "granted" | undefined;
  /** Messages that all consumers together may have at a time; without limit by default. */
  maxUnsettled?: number | undefined;
  /**
   * How long a delivery may take, from when it is sent to the consumer; `"30s"` by default. With `max`, a consumer may
   * extend it that far: {@link extend}.
   */
  lease?: Duration | { duration: Duration; max: Duration } | undefined;
  /**
   * Whether a message whose delivery came to no good end is delivered again (default), or what began is never begun again:
   * one attempt, and no second one because nobody knows what became of it. With a journal it is safe that it is
   * delivered before it is. What began and failed goes by `onExhausted`, also a {@link Requeue}; what was under way when the
   * store or the process ended counts as dropped. Only {@link redrive} brings it back.
   */
  delivery?: "atLeastOnce" | "atMostOnce" | undefined;
  /** Attempts after which a message is exhausted; 5 by default, `Infinity` is legal. */
  maxAttempts?: number | undefined;
  /**
   * Which ends of a delivery use up attempts; all by default. `"crash"`: its handler failed. `"expiry"`: its lease ended.
   * `"nack"`: its consumer said so, by a {@link Requeue} that counts, or a refusal under `onRefusal: "retry"`. After the
   * others it comes again, after the same waits, as often as it takes.
   */
  counts?: readonly End[] | undefined;
  /** The wait between attempts, by the number of those that failed; from `"1s"` doubling to `"1m"` by default. */
  backoff?: Backoff | undefined;
  /** `"deadLetter"` by default; `"park"` keeps it, and what is behind it in its lane, until {@link redrive}. */
  onExhausted?: "deadLetter" | "drop" | "park" | undefined;
  /**
   * What becomes of the rest of a lane when one of it is a dead letter for what it is: it goes on (default), all of it
   * that is there follows, in its order, or none goes on: that one is parked instead, until {@link redrive} tries it again
   * or {@link skip} makes it a dead letter.
   */
  laneOnDead?: "continue" | "deadLetter" | "park" | undefined;
  /** What a refusal does when no asker gets it; `"deadLetter"` by default. */
  onRefusal?: "deadLetter" | "retry" | "drop" | undefined;
  /** `"drop"` by default. */
  onExpired?: "deadLetter" | "drop" | undefined;
  /** How often a dead letter may come back; 10 by default. */
  maxRedrives?: number | undefined;
  /** Dead letters kept, the oldest dropped first; 100,000 by default. */
  deadLetters?: number | undefined;
}

export interface SubscribeOptions<P = unknown> extends SubscriptionOptions {
  /**
   * What is published (default), or its dead letters, which are a topic like others: they stay in it until they are
   * redriven, and what this subscription gives up stays there too. See `startAt` for those that are there.
   */
  of?: "messages" | "deadLetters" | undefined;
  /**
   * Which messages it sees; all by default. It sees those of these names, or those for which the function is true, such as
   * {@link matching} gives. What was kept before it came and does not fit counts as dropped.
   */
  filter?: readonly (keyof P & string)[] | ((message: Published) => boolean) | undefined;
  /** What of the messages that are kept it sees at first; `"latest"`, none of them, by default. */
  startAt?: "latest" | "earliest" | { seq: number } | { time: number } | undefined;
  /** Its messages wait for the next of its name when it stops; false by default. */
  durable?: boolean | undefined;
}

export type QueueOptions = TopicOptions & SubscriptionOptions;

/** What a store takes beside what is published through queues and topics. Use the functions of this door for it. */
export interface StoreProtocol {
  readonly "broker.store": (_: never) => void;
}
