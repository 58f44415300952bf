// Options, checked, in the form in which a store uses them.

import { milliseconds } from "../../runtime/kernel/duration.ts";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import { backoffMs, oneOf, whole } from "../../runtime/kernel/options.ts";
import type { Duration, Ref } from "../../runtime/kernel/protocol.ts";
import type { Backoff } from "../../runtime/kernel/verbs.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import type { LaneRules, TopicRules } from "./event.ts";
import type { OpenJournal } from "./journal.ts";
import type { Selection } from "./line.ts";
import type { Published, StoreOptions, SubscribeOptions, SubscriptionOptions, TopicOptions } from "./options.ts";
import type { Capacity } from "./publish.ts";
import type { End, Redelivery } from "./settle.ts";

/** A topic as its store handles it. */
export interface TopicSettings {
  readonly rules: TopicRules;
  /** Of its payloads; that of the store, when undefined. */
  readonly codec: Codec | undefined;
  readonly capacity: Capacity;
  /** Or the path of where it goes instead. */
  readonly unroutable: "accept" | "reject" | { readonly to: string };
  readonly keyOf: ((message: Published) => string | undefined) | undefined;
  readonly sameOf: ((message: Published, publisher: string) => string) | undefined;
  readonly sizeOf: ((message: Published) => number) | undefined;
  readonly tagOf: ((message: Published) => string) | undefined;
  readonly priorityOf: ((message: Published) => number) | undefined;
  readonly delayOf: ((message: Published) => number) | undefined;
  readonly lifeOf: ((message: Published) => number) | undefined;
}

export interface SubscriptionSettings {
  readonly lanes: LaneRules;
  readonly selection: Selection;
  /** The rest of a lane follows a message of it that is dead. */
  readonly follows: boolean;
  readonly consumers: "shared" | "failover" | "exclusive" | "sticky";
  readonly prefetch: number;
  /** Consumers get what they ask for, and no more. */
  readonly isGranted: boolean;
  /** Of all consumers together. */
  readonly maxUnsettled: number;
  readonly leaseMs: number;
  readonly leaseMaxMs: number;
  readonly redelivery: Redelivery;
  /** After which a message can not come again, if attempts have an end. */
  readonly horizonMs: number;
  readonly maxRedrives: number;
  readonly filter: ((message: Published) => boolean) | undefined;
  readonly startAt: "latest" | "earliest" | { seq: number } | { time: number };
  readonly isDurable: boolean;
}

export interface StoreSettings {
  readonly journal: OpenJournal | undefined;
  readonly codec: Codec | undefined;
  /** Undefined: at least a day, and as long as a message may come again. */
  readonly inboxMs: number | undefined;
  readonly inboxCount: number;
  readonly snapshotEvery: number;
}

export const storeNames = ["journal", "codec", "inbox", "snapshotEvery"] as const;
export const topicNames = [
  "key",
  "retention",
  "dedup",
  "capacity",
  "overflow",
  "unroutable",
  "size",
  "tag",
  "priority",
  "delay",
  "ttl",
] as const;
export const subscriptionNames = [
  "order",
  "lanes",
  "laneOnBackoff",
  "laneOnDead",
  "selection",
  "aging",
  "consumers",
  "prefetch",
  "credit",
  "maxUnsettled",
  "lease",
  "delivery",
  "maxAttempts",
  "counts",
  "backoff",
  "onExhausted",
  "onRefusal",
  "onExpired",
  "maxRedrives",
  "deadLetters",
] as const;

/** Fails: InvalidOption, as all of these do. */
export function checkNames(options: object, allowed: readonly string[]): void {
  if (typeof options !== "object" || options === null)
    throw new InvalidOption("options", options, `an object of ${allowed.join(", ")}`);
  for (const option of Object.keys(options))
    if (!allowed.includes(option)) throw new InvalidOption(option, "an unknown option", allowed.join(", "));
}

export function storeSettings({ journal, codec, inbox = {}, snapshotEvery }: StoreOptions): StoreSettings {
  if (journal !== undefined && typeof journal !== "function")
    throw new InvalidOption("journal", journal, "a function that opens one");
  const inboxMs = inbox.window === undefined ? undefined : positive("inbox.window", inbox.window);
  const inboxCount = whole("inbox.count", inbox.count, 1_000_000, 1);
  const used = codecOf(codec) ?? (journal === undefined ? undefined : jsonCodec);
  return { journal, codec: used, inboxMs, inboxCount, snapshotEvery: whole("snapshotEvery", snapshotEvery, 10_000, 1) };
}

function codecOf(codec: Codec | undefined): Codec | undefined {
  if (codec !== undefined && (typeof codec?.encode !== "function" || typeof codec.decode !== "function"))
    throw new InvalidOption("codec", codec, "an object with encode and decode");
  return codec;
}

export function topicSettings(options: TopicOptions): TopicSettings {
  const { key, retention = "untilSettled", dedup, capacity = {}, size, tag, priority, delay, ttl } = options;
  for (const [name, found] of Object.entries({ key, size, tag, priority }))
    if (found !== undefined && typeof found !== "function")
      throw new InvalidOption(name, found, "a function of the message");
  const isKept = typeof retention === "object";
  if (!isKept) oneOf("retention", retention, ["untilSettled", "latestPerKey"], "an object of age and count");
  const bytes = whole("capacity.bytes", capacity.bytes, Number.POSITIVE_INFINITY, 1);
  if (Number.isFinite(bytes) && size === undefined)
    throw new InvalidOption("size", size, "a function of the message, as capacity.bytes needs one");
  const overflow = oneOf("overflow", options.overflow, [
    "reject",
    "wait",
    "drop-oldest",
    "drop-newest",
    "dead-letter-oldest",
    "conflate-by-key",
  ]);
  return {
    rules: {
      retention: isKept ? "kept" : retention,
      // Of these a journal keeps what JSON can hold.
      dedupMs: dedup === undefined ? 0 : Math.min(positive("dedup.window", dedup.window), Number.MAX_SAFE_INTEGER),
      dedupCount: Math.min(whole("dedup.count", dedup?.count, 100_000, 1), Number.MAX_SAFE_INTEGER),
      dropsOldest: overflow === "drop-oldest" || overflow === "dead-letter-oldest",
      ...(overflow === "conflate-by-key" && { conflates: true }),
    },
    codec: codecOf(options.codec),
    capacity: {
      messages: whole("capacity.messages", capacity.messages, 1_000_000, 1),
      bytes,
      overflow,
      keptCount: whole("retention.count", isKept ? retention.count : undefined, Number.POSITIVE_INFINITY, 0),
      keptMs: isKept && retention.age !== undefined ? positive("retention.age", retention.age) : Infinity,
    },
    unroutable: unroutableOf(options.unroutable),
    keyOf: key,
    sameOf: sameOf(options),
    sizeOf: size,
    tagOf: tag,
    priorityOf: priority,
    delayOf: spanOf("delay", delay),
    lifeOf: spanOf("ttl", ttl),
  };
}

function unroutableOf(given: TopicOptions["unroutable"]): TopicSettings["unroutable"] {
  if (typeof given !== "object") return oneOf<"accept" | "reject">("unroutable", given, ["accept", "reject"], "a ref");
  checkRef("unroutable", given);
  return { to: given.path };
}

function sameOf({ dedup, journal }: TopicOptions): TopicSettings["sameOf"] {
  if (dedup === undefined) return undefined;
  const scope = oneOf("dedup.scope", dedup.scope, ["topic", "publisher", "key"]);
  const { by } = dedup;
  if (by !== undefined && typeof by !== "function")
    throw new InvalidOption("dedup.by", by, "a function of the message");
  if (by === undefined && journal !== undefined)
    throw new InvalidOption(
      "dedup.by",
      by,
      "a function of the message such as ({ id }) => id: with a journal each message needs an id of its sender's, since those that the runtime makes come again after a restart",
    );
  return (message, publisher) => {
    const same = by === undefined ? message.id : by(message);
    if (scope === "topic") return same;
    return `${same}\n${scope === "publisher" ? publisher : (message.key ?? "")}`;
  };
}

function spanOf(
  option: string,
  given: Duration | ((message: Published) => Duration) | undefined,
): ((message: Published) => number) | undefined {
  if (given === undefined) return undefined;
  if (typeof given === "function") return (message) => milliseconds(option, given(message));
  const ms = milliseconds(option, given);
  return () => ms;
}

export function subscriptionSettings(options: SubscribeOptions<never>): SubscriptionSettings {
  const { lease = "30s", backoff = { first: "1s", max: "1m" }, startAt = "latest", durable = false } = options;
  const filter = options.filter as SubscribeOptions["filter"];
  const leaseMs = positive("lease", typeof lease === "object" ? lease.duration : lease);
  const leaseMaxMs = typeof lease === "object" ? positive("lease.max", lease.max) : leaseMs;
  if (leaseMaxMs < leaseMs) throw new InvalidOption("lease.max", leaseMaxMs, "a duration of at least lease.duration");
  const isOnce = oneOf("delivery", options.delivery, ["atLeastOnce", "atMostOnce"]) === "atMostOnce";
  const maxAttempts = isOnce ? 1 : whole("maxAttempts", options.maxAttempts, 5, 1);
  const counts = countsOf(options.counts);
  for (const option of ["maxAttempts", "counts", "backoff"] as const)
    if (isOnce && options[option] !== undefined)
      throw new InvalidOption(option, options[option], 'nothing with delivery: "atMostOnce": there is one attempt');
  const onDead = oneOf("laneOnDead", options.laneOnDead, ["continue", "deadLetter", "park"]);
  if (typeof durable !== "boolean") throw new InvalidOption("durable", durable, "true or false");
  if (typeof startAt !== "object") oneOf("startAt", startAt, ["latest", "earliest"], "an object of seq or time");
  const { lanes, selection } = choosing(options);
  if (onDead === "park" && (lanes.order === "none" || lanes.passes))
    throw new InvalidOption("laneOnDead", onDead, 'an order, and laneOnBackoff: "hold", for a lane that can be parked');
  return {
    lanes: isOnce ? { ...lanes, isOnce } : lanes,
    selection,
    follows: onDead === "deadLetter",
    consumers: oneOf("consumers", options.consumers, ["shared", "failover", "exclusive", "sticky"]),
    prefetch: whole("prefetch", options.prefetch, 1, 1),
    isGranted: oneOf("credit", options.credit, ["prefetch", "granted"]) === "granted",
    maxUnsettled: whole("maxUnsettled", options.maxUnsettled, Number.POSITIVE_INFINITY, 1),
    leaseMs,
    leaseMaxMs,
    redelivery: {
      maxAttempts,
      counts,
      waitMs: (failures, random) => backoffMs(backoff, failures, random),
      onExhausted: oneOf("onExhausted", options.onExhausted, ["deadLetter", "drop", "park"]),
      onRefusal: oneOf("onRefusal", options.onRefusal, ["deadLetter", "retry", "drop"]),
      onExpired: oneOf("onExpired", options.onExpired, ["drop", "deadLetter"]),
      parksLane: onDead === "park",
      deadLetters: whole("deadLetters", options.deadLetters, 100_000, 1),
    },
    horizonMs: horizonOf(counts.size < ends.length ? Number.POSITIVE_INFINITY : maxAttempts, leaseMaxMs, backoff),
    maxRedrives: whole("maxRedrives", options.maxRedrives, 10, 0),
    filter: filterOf(filter),
    startAt,
    isDurable: durable,
  };
}

/** In which lanes messages are, and which of those that are ready is next. */
function choosing(options: SubscriptionOptions): Pick<SubscriptionSettings, "lanes" | "selection"> {
  const order = oneOf("order", options.order, ["none", "key", "all"]);
  const { lanes = "perKey", aging } = options;
  if (order !== "key" && options.lanes !== undefined)
    throw new InvalidOption("lanes", lanes, 'nothing, unless the order is "key"');
  const selection = oneOf("selection", options.selection, ["fifo", "fair", "priority"]);
  if (order === "all" && selection !== "fifo")
    throw new InvalidOption("selection", selection, '"fifo" with the order "all": there is one message to choose from');
  if (selection !== "priority" && aging !== undefined)
    throw new InvalidOption("aging", aging, 'nothing, unless the selection is "priority"');
  const agingMs = aging === undefined ? Number.POSITIVE_INFINITY : positive("aging", aging);
  return {
    lanes: {
      order,
      lanes: lanes === "perKey" ? 0 : whole("lanes", lanes, 0, 1),
      passes: oneOf("laneOnBackoff", options.laneOnBackoff, ["hold", "pass"]) === "pass",
    },
    selection: selection === "priority" ? { agingMs } : selection,
  };
}

const ends: readonly End[] = ["crash", "expiry", "nack"];

function countsOf(given: SubscriptionOptions["counts"]): ReadonlySet<End> {
  if (given !== undefined && !Array.isArray(given)) throw new InvalidOption("counts", given, `a list of ${ends}`);
  for (const end of given ?? []) oneOf("counts", end, ends);
  return new Set(given ?? ends);
}

function filterOf(filter: SubscribeOptions["filter"]): SubscriptionSettings["filter"] {
  if (filter === undefined || typeof filter === "function") return filter;
  if (!Array.isArray(filter)) throw new InvalidOption("filter", filter, "a list of names or a function of the message");
  const names: ReadonlySet<string> = new Set(filter);
  return ({ type }) => names.has(type);
}

/** The longest time between the first and the last attempt of a message; also a check of `backoff`. */
function horizonOf(maxAttempts: number, leaseMs: number, backoff: Backoff): number {
  if (maxAttempts === Number.POSITIVE_INFINITY) {
    backoffMs(backoff, 1, () => 0);
    return Number.POSITIVE_INFINITY;
  }
  let horizonMs = leaseMs;
  for (let failures = 1; failures < Math.min(maxAttempts, 1_000); failures++)
    horizonMs += leaseMs + backoffMs(backoff, failures, () => 0);
  return horizonMs;
}

function positive(option: string, value: Duration): number {
  const ms = milliseconds(option, value);
  if (!(ms > 0)) throw new InvalidOption(option, value, "a duration above 0");
  return ms;
}

/** Dead letters are a topic like others: what is in it stays until it is redriven. */
export const grave: TopicSettings = {
  rules: { retention: "kept", dedupMs: 0, dedupCount: 1, dropsOldest: false },
  codec: undefined,
  capacity: { messages: Infinity, bytes: Infinity, overflow: "reject", keptCount: Infinity, keptMs: Infinity },
  keyOf: undefined,
  sameOf: undefined,
  unroutable: "accept",
  sizeOf: undefined,
  tagOf: undefined,
  priorityOf: undefined,
  delayOf: undefined,
  lifeOf: undefined,
};

export function checkRef(option: string, ref: unknown): void {
  if (typeof (ref as Ref<unknown> | null)?.path === "string") return;
  throw new InvalidOption(option, ref, "the ref of an actor");
}

/** A message that may come again when its inbox key is forgotten may have its effect twice. Fails: InvalidOption. */
export function checkHorizon({ inboxMs }: StoreSettings, { horizonMs }: SubscriptionSettings): void {
  if (inboxMs === undefined || horizonMs <= inboxMs) return;
  throw new InvalidOption(
    "inbox.window",
    inboxMs,
    `at least ${horizonMs} ms: by its attempts, lease and backoff a message may come again so long`,
  );
}
