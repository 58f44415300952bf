// What can be done with a queue, topic or store beside sending to it. `by` is who does it: an actor's self, or a system.

import { milliseconds } from "../../runtime/kernel/duration.ts";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import { whole } from "../../runtime/kernel/options.ts";
import type { Ask, Duration, Ref } from "../../runtime/kernel/protocol.ts";
import type { Self, Verbs } from "../../runtime/kernel/verbs.ts";
import type { Committed, Settlement } from "./commit.ts";
import type { DeadMessage, ParkedMessage, StoreReport } from "./inspect.ts";
import type { RedriveFilter } from "./redrive.ts";
import type { Requests } from "./request.ts";
import { checkNames, checkRef } from "./settings.ts";

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

/**
 * An actor joins the consumers of a queue. With `consumers: "sticky"` lanes go over to it with their next message. Who is
 * there already stays. It stays until it ends or leaves, also through a crash of the store; when the process starts again,
 * the consumers are those of the options.
 * Fails: NotConfigured, where the consumer is exclusive.
 */
export async function join<P>(by: Asker, queue: Ref<P>, consumer: Ref<Partial<P>>): Promise<void> {
  checkRef("consumer", consumer);
  await ask(by, queue)["broker.join"]({ topic: queue.path, name: "", consumer });
}

/**
 * A consumer leaves a queue: it gets no more, and lanes that stick go over with their next message. What it has in hand it
 * may end as long as its leases last, or for `grace`: then what had not begun goes to others, and so does what had, which
 * is told by `self.signal`; neither counts as an attempt. Gives how many it has in hand. An actor that stops leaves by that.
 * Fails: NotInStore, for who is no consumer there; NotConfigured, for a grace where the lease has no `max`.
 */
export async function leave(
  by: Asker,
  queue: Ref<unknown>,
  consumer: Ref<unknown>,
  options: { grace?: Duration | undefined } = {},
): Promise<number> {
  return await ask(by, queue)["broker.leave"]({ topic: queue.path, name: "", ...leaving(consumer, options) });
}

export function leaving(
  consumer: Ref<unknown>,
  options: { grace?: Duration | undefined },
): { consumer: Ref<unknown>; graceMs: number } {
  checkRef("consumer", consumer);
  checkNames(options, ["grace"]);
  return { consumer, graceMs: milliseconds("grace", options.grace ?? Number.POSITIVE_INFINITY) };
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

/** The dead letters of a queue or topic, the oldest first: 100 by default, those after a sequence number, those that fit. */
export async function deadLetters(
  by: Asker,
  of: Ref<unknown>,
  options: { limit?: number | undefined; after?: number | undefined; filter?: RedriveFilter | undefined } = {},
): Promise<readonly DeadMessage[]> {
  checkNames(options, ["limit", "after", "filter"]);
  const limit = whole("limit", options.limit, 100, 1);
  const filter = checkFilter(options.filter);
  return await ask(by, of)["broker.dead"]({ topic: of.path, limit, after: options.after ?? 0, filter });
}

/** The parked messages of a queue or topic: 100 by default, those that fit. Cost: the time of what is not settled. */
export async function parked(
  by: Asker,
  of: Ref<unknown>,
  options: { limit?: number | undefined; filter?: RedriveFilter | undefined } = {},
): Promise<readonly ParkedMessage[]> {
  checkNames(options, ["limit", "filter"]);
  const limit = whole("limit", options.limit, 100, 1);
  return await ask(by, of)["broker.parked"]({ topic: of.path, limit, filter: checkFilter(options.filter) });
}

function checkFilter(filter: RedriveFilter = {}): RedriveFilter {
  checkNames(filter, ["ids", "type", "key", "reason", "subscription"]);
  return filter;
}

/**
 * Dead letters come back to where they died, with their history, and parked messages are tried again. Gives how many.
 * With `resetAttempts: false` they have one attempt each. With `rate`, so many a second begin: the others are scheduled,
 * which a restart does not change, and hold their lanes meanwhile.
 * With `to`, dead letters go to another queue or topic of the store instead, as if they were published there, and what it
 * does not take stays dead; parked messages stay where they are.
 * Fails: InvalidOption; NotInStore, for a `to` of another store.
 */
export async function redrive(
  by: Asker,
  of: Ref<unknown>,
  options: {
    filter?: RedriveFilter | undefined;
    limit?: number | undefined;
    resetAttempts?: boolean | undefined;
    rate?: number | undefined;
    to?: Ref<unknown> | undefined;
  } = {},
): Promise<number> {
  checkNames(options, ["filter", "limit", "resetAttempts", "rate", "to"]);
  const { resetAttempts = true, rate = Number.POSITIVE_INFINITY, to } = options;
  if (!(rate > 0)) throw new InvalidOption("rate", rate, "a number of messages a second, above 0");
  if (to !== undefined) checkRef("to", to);
  if (to !== undefined && !resetAttempts)
    throw new InvalidOption("resetAttempts", resetAttempts, "nothing beside to: elsewhere none was made");
  const limit = whole("limit", options.limit, Number.POSITIVE_INFINITY, 1);
  const request = { topic: of.path, filter: checkFilter(options.filter), limit, resetAttempts };
  return await ask(by, of)["broker.redrive"]({ ...request, to: to?.path, everyMs: 1_000 / rate });
}

/** Parked messages become dead letters, for the reason `"skipped"`, and their lanes go on. Gives how many. */
export async function skip(
  by: Asker,
  of: Ref<unknown>,
  options: { filter?: RedriveFilter | undefined; limit?: number | undefined } = {},
): Promise<number> {
  checkNames(options, ["filter", "limit"]);
  const limit = whole("limit", options.limit, Number.POSITIVE_INFINITY, 1);
  return await ask(by, of)["broker.skip"]({ topic: of.path, filter: checkFilter(options.filter), limit });
}

function ask(by: Asker, to: Ref<unknown>): Ask<Requests> {
  return by.ask(to as Ref<Requests>) as Ask<Requests>;
}
