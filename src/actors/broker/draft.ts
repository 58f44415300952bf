// From what was put to what is published: the options of a topic that look at messages run here.

import { milliseconds } from "../../runtime/kernel/duration.ts";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import type { Message, Ref } from "../../runtime/kernel/protocol.ts";
import type { Courier } from "./courier.ts";
import type { Draft } from "./event.ts";
import { NotAccepted } from "./failure.ts";
import type { Published } from "./options.ts";
import type { Admission } from "./publish.ts";
import type { Ring } from "./ring.ts";
import { seal } from "./sealed.ts";
import type { SubscriptionSettings, TopicSettings } from "./settings.ts";
import type { Topic } from "./state.ts";

/** What is published, as its store gets it. */
export interface Parcel {
  readonly type: string;
  readonly payload: unknown;
  readonly id: string;
  readonly key: string | undefined;
  /** Who puts it waits for its answer. */
  readonly isAsked: boolean;
  /** Who puts it; undefined from outside. */
  readonly publisher: Ref<unknown> | undefined;
}

/** A topic while its store runs. */
export interface Desk {
  readonly topic: Topic;
  settings: TopicSettings;
  /** A queue gives answers, a topic none. */
  givesAnswers: boolean;
  readonly couriers: Map<string, Courier>;
  /** The same, for each round of work. */
  rounds: readonly Courier[];
  /** Messages that wait for room. */
  readonly waiting: Ring<{ m: Message; parcel: Parcel }>;
}

/** What a message is to the topic it was put into. */
export function parcelOf(m: Message): Parcel {
  const { type, payload, id, key, deadline } = m;
  // Only an ask has a deadline; one without end can not be told from an offer, and is answered when it is accepted.
  return { type, payload, id, key, isAsked: deadline !== undefined, publisher: m.sender };
}

/** Where it goes and as what: to the other place of its topic, if no subscription wants it here. */
export function routed(
  desks: ReadonlyMap<string, Desk>,
  desk: Desk,
  parcel: Parcel,
  now: number,
): { readonly desk: Desk; readonly draft: Draft } | NotAccepted {
  const draft = draftOf(desk, parcel, now);
  if (draft instanceof NotAccepted) return draft;
  const { topic, settings } = desk;
  const { unroutable } = settings;
  if (unroutable === "accept" || topic.rules.retention !== "untilSettled") return { desk, draft };
  if (draft.to === undefined ? topic.subscriptions.size > 0 : draft.to.length > 0) return { desk, draft };
  const other = unroutable === "reject" ? undefined : desks.get(unroutable.to);
  if (other === undefined) {
    const where = unroutable === "reject" ? "" : `, and there is no ${unroutable.to} in its store`;
    return new NotAccepted(`No subscription of ${topic.name} wants ${parcel.type}${where}.`, "unroutable");
  }
  const second = draftOf(other, parcel, now);
  return second instanceof NotAccepted ? second : { desk: other, draft: second };
}

/** What the options throw is the publisher's to hear. */
function draftOf({ topic, settings, couriers }: Desk, parcel: Parcel, now: number): Draft | NotAccepted {
  const { keyOf, sameOf, sizeOf, delayOf, lifeOf, tagOf, priorityOf } = settings;
  const { id, type, payload } = parcel;
  let { key } = parcel;
  let same = "";
  let sizeBytes = 0;
  let notBefore = 0;
  let expiresAt = 0;
  let to: string[] | undefined;
  let tag: string | undefined;
  let priority = 0;
  let kept: unknown;
  try {
    if (keyOf !== undefined) key = keyOf({ type, payload, key, id });
    const seen: Published = { type, payload, key, id };
    if (sameOf !== undefined) same = sameOf(seen, parcel.publisher?.path ?? "/");
    if (sizeOf !== undefined) sizeBytes = finite("size", sizeOf(seen));
    if (tagOf !== undefined) tag = tagOf(seen);
    if (priorityOf !== undefined) priority = finite("priority", priorityOf(seen));
    if (delayOf !== undefined) notBefore = Math.min(now + delayOf(seen), Number.MAX_SAFE_INTEGER);
    if (lifeOf !== undefined) expiresAt = ends(now + lifeOf(seen));
    for (const { settings: of } of couriers.values())
      if (of.filter !== undefined) to ??= [...topic.subscriptions.keys()].filter(sees(couriers, seen));
    kept = seal(settings.codec, payload);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return new NotAccepted(`${topic.name} can not place ${type}: ${why}`, "invalid", { cause: error });
  }
  // Spelt out: a spread takes several times as long.
  return {
    id,
    key,
    type,
    payload: kept,
    notBefore,
    expiresAt,
    sizeBytes,
    tag,
    priority,
    same,
    to,
    history: undefined,
    failures: 0,
  };
}

function finite(option: string, value: number): number {
  if (!Number.isFinite(value)) throw new InvalidOption(option, value, "a function that gives a finite number");
  return value;
}

/** Of one that is without consumers nobody knows: it is looked at when they have come. */
const sees =
  (couriers: ReadonlyMap<string, Courier>, message: Published) =>
  (name: string): boolean =>
    couriers.get(name)?.settings.filter?.(message) ?? true;

function ends(at: number): number {
  return at < Number.POSITIVE_INFINITY ? at : 0;
}

export function unaccepted(topic: Topic, result: Admission): [string, "full" | "dropped" | "duplicate"] {
  if (result === "duplicate") return [`${topic.name} has taken this message before, and its answer is gone.`, result];
  if (result === "dropped") return [`${topic.name} is full and dropped it.`, result];
  return [`${topic.name} is full: ${topic.backlog} messages are not settled.`, "full"];
}

/** The first sequence number that a subscription begins with. */
export function seqAt(topic: Topic, from: SubscriptionSettings["startAt"]): number {
  if (from === "earliest") return 0;
  if (from === "latest") return topic.nextSeq;
  if ("seq" in from) return from.seq;
  const at = milliseconds("startAt.time", from.time);
  for (const entry of topic.log.values()) if (entry.at >= at) return entry.seq;
  return topic.nextSeq;
}
