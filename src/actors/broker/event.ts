// What can happen in a store, as plain data. A journal keeps these; applied in order to an empty state they give the
// state again. Times are milliseconds of the world; 0 stands for none.

/** Which messages of a subscription wait for each other. */
export type Order = "none" | "key" | "all";

/** The lanes of a subscription: messages of one are delivered one after the other. */
export interface LaneRules {
  readonly order: Order;
  /** Among so many lanes the keys are shared out; 0 for one each. */
  readonly lanes: number;
  /** What waits for a time, or for somebody, lets those behind it pass. */
  readonly passes: boolean;
  /** What was leased is not delivered again, unless it is known that it did not begin; false where it is absent. */
  readonly isOnce?: boolean;
}

/** How a message ends for a subscription. */
export type Fate = "acked" | "dead" | "expired" | "dropped";

/** Why a message is a dead letter. */
export type DeadReason =
  | "rejected"
  | "exhausted"
  | "expired"
  | "noHandler"
  | "undecodable"
  | "overflow"
  | "laneDead"
  | "skipped";

/** One failed delivery. */
export interface Attempt {
  readonly attempt: number;
  readonly consumer: string;
  readonly leasedAt: number;
  readonly endedAt: number;
  /** The code of the failure, and its message. */
  readonly code: string;
  readonly error: string;
}

/** What a dead letter tells of its life. */
export interface History {
  /** The topic and the subscription in which it died. */
  readonly source: string;
  readonly subscription: string;
  readonly reason: DeadReason;
  /** When it was first published, and when it died. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** The first and the last few. */
  readonly attempts: readonly Attempt[];
  readonly redriveCount: number;
}

/** What of a topic's options decides what events do. */
export interface TopicRules {
  readonly retention: "untilSettled" | "kept" | "latestPerKey";
  /** Ids are remembered so long, and so many of them; 0 is no memory. */
  readonly dedupMs: number;
  readonly dedupCount: number;
  /** The oldest message must be found at once. */
  readonly dropsOldest: boolean;
  /** The oldest message of a key must be found at once; false where it is absent. */
  readonly conflates?: boolean;
}

interface Declared {
  readonly kind: "declared";
  readonly topic: string;
  readonly rules: TopicRules;
}
export interface Subscribed {
  readonly kind: "subscribed";
  readonly topic: string;
  readonly name: string;
  readonly rules: LaneRules;
  /** It sees what is kept from this sequence number on. */
  readonly from: number;
}
interface Unsubscribed {
  readonly kind: "unsubscribed";
  readonly topic: string;
  readonly name: string;
}
export interface Published {
  readonly kind: "published";
  readonly topic: string;
  readonly seq: number;
  readonly id: string;
  readonly key: string | undefined;
  readonly type: string;
  readonly payload: unknown;
  readonly at: number;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly sizeBytes: number;
  /** Among which it has its turn where they are fair, and how urgent it is. */
  readonly tag: string | undefined;
  readonly priority: number;
  /** What a duplicate is known by; empty for none. */
  readonly same: string;
  /** The subscriptions that see it; all, when undefined. */
  readonly to: readonly string[] | undefined;
  readonly history: History | undefined;
  /** Attempts that count already. */
  readonly failures: number;
}
/** A message before it has a place. */
export type Draft = Omit<Published, "kind" | "topic" | "seq" | "at">;
interface Leased {
  readonly kind: "leased";
  readonly topic: string;
  readonly name: string;
  readonly seq: number;
  readonly at: number;
  readonly consumer: string;
}
/** An attempt failed; the message comes again. */
interface Failed {
  readonly kind: "failed";
  readonly topic: string;
  readonly name: string;
  readonly seq: number;
  readonly at: number;
  readonly notBefore: number;
  readonly code: string;
  readonly error: string;
  /** It uses up none of the attempts; false where it is absent. */
  readonly isFree?: boolean;
}
/** A delivery did not begin: it counts for nothing. */
interface Released {
  readonly kind: "released";
  readonly topic: string;
  readonly name: string;
  readonly seq: number;
  readonly notBefore: number;
}
/** Attempts are used up, and it stays where it is. */
interface Parked {
  readonly kind: "parked";
  readonly topic: string;
  readonly name: string;
  readonly seq: number;
  readonly at: number;
  readonly code: string;
  readonly error: string;
}
/** It was set aside, until somebody asks for it, and counts for nothing. */
interface Deferred {
  readonly kind: "deferred";
  readonly topic: string;
  readonly name: string;
  readonly seq: number;
}
/** A parked message may be delivered again, its attempts forgotten or not. */
interface Unparked {
  readonly kind: "unparked";
  readonly topic: string;
  readonly name: string;
  readonly seq: number;
  readonly failures: number;
  /** Not at once; 0 where it is absent. */
  readonly notBefore?: number;
}
/** Its delay is over. Follows from the time, and is kept only where it decides who of a lane is next. */
interface Woken {
  readonly kind: "woken";
  readonly topic: string;
  readonly name: string;
  readonly seq: number;
  readonly isKept: boolean;
}
interface Settled {
  readonly kind: "settled";
  readonly topic: string;
  readonly name: string;
  readonly seq: number;
  readonly fate: Fate;
}
/** A message leaves its topic; where it waits it is dropped. */
interface Trimmed {
  readonly kind: "trimmed";
  readonly topic: string;
  readonly seq: number;
}
interface Sought {
  readonly kind: "sought";
  readonly topic: string;
  readonly name: string;
  readonly from: number;
}
interface Paused {
  readonly kind: "paused";
  readonly topic: string;
  readonly name: string;
  readonly isPaused: boolean;
}
/** A key of an inbox: what it stands for is done. */
interface Noted {
  readonly kind: "noted";
  readonly inbox: string;
  readonly at: number;
}
/** A value that a commit wrote; undefined takes it out. */
interface Kept {
  readonly kind: "kept";
  readonly key: string;
  readonly value: unknown;
}

export type StoreEvent =
  | Declared
  | Subscribed
  | Unsubscribed
  | Published
  | Leased
  | Failed
  | Released
  | Parked
  | Deferred
  | Unparked
  | Woken
  | Settled
  | Trimmed
  | Sought
  | Paused
  | Noted
  | Kept;
