// What a store can be asked for beside taking messages: the names of these messages, and what each does.

import { InvalidOption } from "../../runtime/kernel/failure.ts";
import type { Message, Ref } from "../../runtime/kernel/protocol.ts";
import type { Broker } from "./broker.ts";
import { type CommitRequest, type Committed, commitTo, type Settlement, slotOf } from "./commit.ts";
import { type Parcel, seqAt } from "./draft.ts";
import { NotConfigured, NotInStore } from "./failure.ts";
import { type JoinRequest, joinIn, type LeaveRequest, leaveIn } from "./group.ts";
import {
  type DeadMessage,
  type DeadRequest,
  deadOf,
  type ParkedMessage,
  parkedOf,
  reportOf,
  type StoreReport,
} from "./inspect.ts";
import { type RedriveRequest, redriveIn, type SkipRequest, skipIn } from "./redrive.ts";
import { unseal } from "./sealed.ts";
import type { SubscriptionSettings, TopicSettings } from "./settings.ts";
import { subscriptionOf } from "./state.ts";

/** Names that no method of a user's has by accident. */
export const prefix = "broker.";

interface Place {
  readonly topic: string;
  readonly name: string;
}
export interface OpenRequest {
  readonly topic: string;
  readonly settings: TopicSettings;
  readonly givesAnswers: boolean;
  /** Its own subscription, of a queue: what a commit publishes meanwhile must not find it without one. */
  readonly enlist?: EnlistRequest | undefined;
}
export interface EnlistRequest extends Place {
  readonly settings: SubscriptionSettings;
  readonly refs: readonly Ref<unknown>[];
  /** When it ends, so do the deliveries. */
  readonly owner: Ref<unknown> | undefined;
}
interface SeekRequest extends Place {
  readonly to: SubscriptionSettings["startAt"];
}
interface ExtendRequest extends Settlement {
  readonly forMs: number;
}

/** The requests, as a protocol: every ref of this room takes them. */
export interface Requests {
  "broker.publish"(request: Parcel & { readonly topic: string }): unknown;
  "broker.open"(request: OpenRequest): void;
  "broker.enlist"(request: EnlistRequest): void;
  "broker.commit"(request: CommitRequest): Committed;
  "broker.extend"(request: ExtendRequest): boolean;
  "broker.grant"(request: { readonly topic: string; readonly count: number }): void;
  "broker.join"(request: JoinRequest): void;
  "broker.leave"(request: LeaveRequest): number;
  "broker.pause"(request: Place & { readonly isPaused: boolean }): void;
  "broker.seek"(request: SeekRequest): number;
  "broker.redrive"(request: RedriveRequest): number;
  "broker.inspect"(request: { readonly topic: string | undefined }): StoreReport;
  "broker.skip"(request: SkipRequest): number;
  "broker.parked"(request: SkipRequest): ParkedMessage[];
  "broker.dead"(request: DeadRequest): DeadMessage[];
  "broker.read"(request: { readonly key: string }): unknown;
}

/** Deals with a request. `m` is answered, held or refused. */
export function requested(broker: Broker, m: Message): void {
  if (m.type === "broker.publish") {
    const request = m.payload as Parcel & { readonly topic: string };
    const desk = broker.desks.get(request.topic);
    if (desk === undefined) m.refuse(new NotInStore(`${broker.self.path} has no ${request.topic}.`));
    else broker.take(desk, m, request);
    return;
  }
  let answer: unknown;
  try {
    answer = answerTo(broker, m);
  } catch (error) {
    if (!(error instanceof InvalidOption)) throw error;
    answer = new NotConfigured(`${broker.self.path}: ${error.message}`);
  }
  broker.seal();
  m.hold();
  broker.reply(m, answer);
  broker.seal();
  broker.kick(true);
}

function answerTo(broker: Broker, m: Message): unknown {
  const { self, ledger } = broker;
  const committer = m.sender?.path ?? "/";
  switch (m.type) {
    case "broker.open": {
      const { topic, settings, givesAnswers, enlist } = m.payload as OpenRequest;
      broker.open(topic, settings, givesAnswers);
      if (enlist !== undefined) broker.enlist(topic, enlist.name, enlist.settings, enlist.refs);
      return undefined;
    }
    case "broker.enlist": {
      const { topic, name, settings, refs, owner } = m.payload as EnlistRequest;
      broker.enlist(topic, name, settings, refs, owner);
      return undefined;
    }
    case "broker.commit":
      return commitTo(broker, m.payload as CommitRequest, committer);
    case "broker.extend": {
      const request = m.payload as ExtendRequest;
      const now = self.now();
      return slotOf(broker, request, committer)?.extend(now + request.forMs, now) ?? false;
    }
    case "broker.grant": {
      const { topic, count } = m.payload as { topic: string; count: number };
      const granted = [...(broker.desks.get(topic)?.couriers.values() ?? [])].filter((one) =>
        one.grant(committer, count),
      );
      return granted.length > 0
        ? undefined
        : new NotInStore(
            `${topic} grants nothing to ${committer}: it is none of its consumers with credit: "granted".`,
          );
    }
    case "broker.redrive":
      return redriveIn(broker, m.payload as RedriveRequest);
    case "broker.inspect":
      return reportOf(broker, (m.payload as { topic: string | undefined }).topic);
    case "broker.skip":
      return skipIn(broker, m.payload as SkipRequest);
    case "broker.parked":
      return parkedOf(broker, m.payload as SkipRequest);
    case "broker.dead":
      return deadOf(broker, m.payload as DeadRequest);
    case "broker.read":
      return unseal(broker.settings.codec, ledger.state.values.get((m.payload as { key: string }).key));
    default:
      return answerAbout(broker, m);
  }
}

/** Requests about one subscription. */
function answerAbout(broker: Broker, m: Message): unknown {
  const { self, ledger } = broker;
  const place = m.payload as Place;
  const { topic, name } = place;
  const found = subscriptionOf(ledger.state, topic, name);
  if (found === undefined) return new NotInStore(`${self.path} has no subscription "${name}" of ${topic}.`);
  switch (m.type) {
    case "broker.join":
      return joinIn(broker, m.payload as JoinRequest);
    case "broker.leave":
      return leaveIn(broker, m.payload as LeaveRequest);
    case "broker.pause":
      ledger.emit({ kind: "paused", topic, name, isPaused: (m.payload as { isPaused: boolean }).isPaused });
      return undefined;
    case "broker.seek": {
      if (found.topic.rules.retention === "untilSettled")
        return new NotConfigured(`${topic} keeps nothing beyond its settlement: set its retention to seek in it.`);
      const from = seqAt(found.topic, (m.payload as SeekRequest).to);
      const courier = broker.desks.get(topic)?.couriers.get(name);
      if (courier !== undefined) courier.since = Math.max(courier.since, found.topic.nextSeq);
      ledger.emit({ kind: "sought", topic, name, from });
      return from;
    }
    default:
      return new NotInStore(`${self.path} is a store and has no message ${m.type}.`);
  }
}
