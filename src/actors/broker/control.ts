// What can be done with a queue, topic or store beside sending to it. `by` is who does it: an actor's self, or a system.

import { milliseconds } from "../../runtime/kernel/duration.ts";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import { whole } from "../../runtime/kernel/options.ts";
import type { Ask, Duration, Ref } from "../../runtime/kernel/protocol.ts";
import type { Self, Verbs } from "../../runtime/kernel/verbs.ts";
import type { Committed, Settlement } from "./commit.ts";
import type { DeadMessage, StoreReport } from "./inspect.ts";
import type { RedriveFilter } from "./redrive.ts";
import type { Requests } from "./request.ts";
import { checkNames } from "./settings.ts";

/** Who can ask. */
export type Asker = Pick<Verbs, "ask">;

/** A message that a commit publishes. */
export interface Publication {
  /** A queue or topic of the same store. */
  readonly to: Ref<unknown>;
  readonly type: string;
  readonly payload?: unknown;
  readonly key?: string | undefined;
  readonly id: string;
}

export interface CommitOptions {
  /**
   * Deliveries that are settled; the message in flight by default, where there is one, and `[]` for none. With `upTo`, this
   * one and all that its consumer has in hand of the same subscription and lane with a lower number.
   */
  settle?: readonly Settlement[] | { readonly upTo: Settlement } | undefined;
  publish?: readonly Publication[] | undefined;
  /** Values to keep, by key; undefined takes one out. {@link read} gives them. */
  state?: Readonly<Record<string, unknown>> | undefined;
  /** What this stands for is done once: a second commit with this key settles, and does nothing else. */
  inbox?: string | undefined;
}

/**
 * Settles, publishes, keeps and notes, all of it or nothing. `through` is the store, or a queue or topic of it. It is
 * answered when it is safe.
 *
 * Promises: what is settled here by (id, attempt) is settled at most once; of two commits with one inbox key one is
 * applied, as long as the key is remembered ({@link StoreOptions.inbox}).
 * Fails: NotCommitted: `stale`, when a delivery is not this consumer's any more, because its lease ended or it was settled;
 * `full`, `unknown-topic`, `invalid`. InvalidOption. After AskTimeout and its like nobody knows: with an inbox key, try again.
 * Example, in a consumer: `await commit(self, payments, { inbox: self.message.id, publish: [{ to: shipping, … }] })`.
 */
export async function commit(by: Asker | Self, through: Ref<unknown>, options: CommitOptions = {}): Promise<Committed> {
  checkNames(options, ["settle", "publish", "state", "inbox"]);
  const message = "message" in by ? by.message : undefined;
  const own = message === undefined ? [] : [{ id: message.id, attempt: message.attempt }];
  const { settle: given = own, publish = [], state = {}, inbox } = options;
  const isUpTo = "upTo" in given;
  const settle = isUpTo ? [given.upTo] : given;
  return await ask(by, through)["broker.commit"]({
    isUpTo,
    settle: settle.map(({ id, attempt }) => ({ id, attempt })),
    publish: publish.map(({ to, type, payload, key, id }) => {
      if (typeof id !== "string" || id === "")
        throw new InvalidOption("publish.id", id, "a text that names the message");
      return { topic: to.path, type, payload, key, id, isAsked: false, publisher: through };
    }),
    state,
    inbox,
  });
}

/**
 * In a consumer with several messages in hand: settles the one in flight and all before it, as one.
 * Fails: as {@link commit}.
 */
export async function ackUpTo(self: Self, through: Ref<unknown>): Promise<void> {
  const { id, attempt } = inFlight(self);
  await commit(self, through, { settle: { upTo: { id, attempt } } });
}

/**
 * In a consumer whose subscription has `credit: "granted"`: it gets so many messages more, in the place of what was left
 * of a former grant. A crash of the consumer, or of its queue, changes nothing in that; the end of the process does.
 * Fails: NotInStore, for who is no consumer there.
 */
export async function grant(self: Self, queue: Ref<unknown>, count: number): Promise<void> {
  await ask(self, queue)["broker.grant"]({ topic: queue.path, count: whole("count", count, 0, 0) });
}

/** A value that a commit kept; undefined without one. */
export async function read(by: Asker, through: Ref<unknown>, key: string): Promise<unknown> {
  return await ask(by, through)["broker.read"]({ key });
}

/**
 * In a consumer: gives the message in flight so much more time, from now on, up to the `max` of its lease. False when
 * that is not possible: the lease has no `max`, or has ended.
 */
export async function extend(self: Self, queue: Ref<unknown>, duration: Duration): Promise<boolean> {
  const forMs = milliseconds("duration", duration);
  const { id, attempt } = inFlight(self);
  return await ask(self, queue)["broker.extend"]({ id, attempt, forMs });
}

function inFlight({ message, path }: Self): NonNullable<Self["message"]> {
  if (message === undefined) throw new InvalidOption("self", path, "an actor with a message in flight");
  return message;
}

/** A queue delivers no more until {@link resume}; what is out goes on. */
export async function pause(by: Asker, queue: Ref<unknown>): Promise<void> {
  await ask(by, queue)["broker.pause"]({ topic: queue.path, name: "", isPaused: true });
}

export async function resume(by: Asker, queue: Ref<unknown>): Promise<void> {
  await ask(by, queue)["broker.pause"]({ topic: queue.path, name: "", isPaused: false });
}

/** Counts of a queue or topic. Cost: the time of what is not settled. */
export async function inspect(by: Asker, of: Ref<unknown>): Promise<StoreReport> {
  return await ask(by, of)["broker.inspect"]({ topic: of.path });
}

/** Counts of all queues and topics of a store. */
export async function inspectStore(by: Asker, store: Ref<unknown>): Promise<StoreReport> {
  return await ask(by, store)["broker.inspect"]({ topic: undefined });
}

/** The dead letters of a queue or topic, the oldest first: 100 by default, those after a sequence number. */
export async function deadLetters(
  by: Asker,
  of: Ref<unknown>,
  options: { limit?: number | undefined; after?: number | undefined } = {},
): Promise<readonly DeadMessage[]> {
  checkNames(options, ["limit", "after"]);
  const limit = whole("limit", options.limit, 100, 1);
  return await ask(by, of)["broker.dead"]({ topic: of.path, limit, after: options.after ?? 0 });
}

/**
 * Dead letters come back to where they died, with their history, and parked messages are tried again. Gives how many.
 * With `resetAttempts: false` they have one attempt each.
 */
export async function redrive(
  by: Asker,
  of: Ref<unknown>,
  options: {
    filter?: RedriveFilter | undefined;
    limit?: number | undefined;
    resetAttempts?: boolean | undefined;
  } = {},
): Promise<number> {
  checkNames(options, ["filter", "limit", "resetAttempts"]);
  const { filter = {}, resetAttempts = true } = options;
  checkNames(filter, ["ids", "type", "key", "reason", "subscription"]);
  const limit = whole("limit", options.limit, Number.POSITIVE_INFINITY, 1);
  return await ask(by, of)["broker.redrive"]({ topic: of.path, filter, limit, resetAttempts });
}

function ask(by: Asker, to: Ref<unknown>): Ask<Requests> {
  return by.ask(to as Ref<Requests>) as Ask<Requests>;
}
