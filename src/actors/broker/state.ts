// What a store knows: its topics, their subscriptions, and for each subscription the state of each message it has not
// finished. Plain data with its indexes; nothing here reads a clock or sends anything.

import type { Message } from "../../runtime/kernel/protocol.ts";
import { Agenda } from "./agenda.ts";
import type { Attempt, Fate, History, LaneRules, Published, TopicRules } from "./event.ts";
import { Fifo, type Line } from "./line.ts";
import { Ring } from "./ring.ts";

/** What an entry has that is not of its publication, or no more. */
type Own = "topic" | "seq" | "at" | "pending" | "askers" | "group";

/** A message in a topic. */
export class Entry {
  readonly topic: Topic;
  readonly seq: number;
  readonly id: string;
  readonly key: string | undefined;
  readonly type: string;
  /** Sealed where there is a codec. */
  readonly payload: unknown;
  readonly at: number;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly sizeBytes: number;
  readonly tag: string | undefined;
  readonly priority: number;
  readonly history: History | undefined;
  /** Subscriptions that have not finished it. */
  pending = 0;
  // Of this incarnation, not of the state: who waits for its answer, and the group of records after which it is safe.
  askers: Message[] | undefined = undefined;
  group = 0;

  constructor(topic: Topic, seq: number, at: number, from: Pick<Published, Exclude<keyof Entry, Own>>) {
    this.topic = topic;
    this.seq = seq;
    this.id = from.id;
    this.key = from.key;
    this.type = from.type;
    this.payload = from.payload;
    this.at = at;
    this.notBefore = from.notBefore > at ? from.notBefore : 0;
    this.expiresAt = from.expiresAt;
    this.sizeBytes = from.sizeBytes;
    this.tag = from.tag;
    this.priority = from.priority;
    this.history = from.history;
  }
}

/** `behind` waits for an earlier message of its lane, `scheduled` for a time, `parked` for somebody. */
export type Phase = "behind" | "scheduled" | "ready" | "leased" | "parked" | "over";

/** One message as one subscription sees it. */
export class Delivery {
  readonly of: Subscription;
  readonly entry: Entry;
  readonly lane: Lane | undefined;
  phase: Phase = "behind";
  /** Attempts that failed and count, and those that failed and do not. */
  failures: number;
  free = 0;
  /** Deliveries in a row that did not begin. */
  releases = 0;
  /** While it is scheduled: until when. */
  notBefore: number;
  leasedAt = 0;
  consumer = "";
  attempts: Attempt[] | undefined = undefined;
  /** It stands in the line of its subscription, perhaps no more as what is ready. */
  isQueued = false;

  constructor(of: Subscription, entry: Entry, lane: Lane | undefined, failures: number) {
    this.of = of;
    this.entry = entry;
    this.lane = lane;
    this.failures = failures;
    this.notBefore = entry.notBefore;
  }

  /** The number of this attempt, or of the next one. */
  get attempt(): number {
    return this.failures + this.free + 1;
  }
}

/** Messages of one lane, one after the other: only the head, and what has let others pass, is anything but `behind`. */
export class Lane {
  readonly key: string;
  head: Delivery | undefined = undefined;
  readonly behind: Ring<Delivery> = new Ring();
  /** Of its messages, those that wait outside and let others pass. */
  outside = 0;
  /** The highest sequence number begun, of this incarnation and not of the state. */
  begun = 0;

  constructor(key: string) {
    this.key = key;
  }
}

export class Subscription {
  readonly topic: Topic;
  readonly name: string;
  readonly rules: LaneRules;
  isPaused = false;
  /** By sequence number: what is not over. */
  readonly deliveries: Map<number, Delivery> = new Map();
  /** What is ready, in the order in which it is chosen. */
  ready: Line = new Fifo();
  readonly lanes: Map<string, Lane> = new Map();
  /** Messages it was given since it began, and how many of them ended how. */
  matched = 0;
  readonly fates: Record<Fate, number> = { acked: 0, dead: 0, expired: 0, dropped: 0 };

  constructor(topic: Topic, name: string, rules: LaneRules) {
    this.topic = topic;
    this.name = name;
    this.rules = rules;
  }
}

/** How many are in each phase: counted when somebody asks, as a message changes its phase three times. */
export function phasesOf({ deliveries }: Subscription): Record<Exclude<Phase, "over">, number> {
  const counts = { behind: 0, scheduled: 0, ready: 0, leased: 0, parked: 0, over: 0 };
  for (const { phase } of deliveries.values()) counts[phase]++;
  return counts;
}

export interface Remembered {
  readonly seq: number;
  readonly at: number;
}

export class Topic {
  readonly name: string;
  rules: TopicRules;
  nextSeq = 1;
  /** Messages that some subscription has not finished, and their bytes. */
  backlog = 0;
  backlogBytes = 0;
  readonly subscriptions: Map<string, Subscription> = new Map();
  /** What is kept beyond its settlement, in the order of publishing. */
  readonly log: Map<number, Entry> = new Map();
  /** With `latestPerKey`: the last message of each key. */
  readonly latest: Map<string, Entry> = new Map();
  /** Ids seen, the oldest first. */
  readonly seen: Map<string, Remembered> = new Map();
  /** Where the oldest may be dropped: the backlog in order, with what is finished still among it. */
  readonly oldest: Ring<Entry> = new Ring();
  /** Where one may leave for another of its key: those of each key in the backlog, in order. */
  readonly byKey: Map<string, Set<Entry>> = new Map();

  constructor(name: string, rules: TopicRules) {
    this.name = name;
    this.rules = rules;
  }
}

/** Makes a message of the backlog to be found as the rules of its topic want it. */
export function index({ rules, oldest, byKey }: Topic, entry: Entry): void {
  const { key } = entry;
  if (rules.dropsOldest) oldest.push(entry);
  if (rules.conflates !== true || key === undefined) return;
  const others = byKey.get(key);
  if (others === undefined) byKey.set(key, new Set([entry]));
  else others.add(entry);
}

/** It has left the backlog. */
export function unindex({ byKey }: Topic, entry: Entry): void {
  const { key } = entry;
  if (byKey.size === 0 || key === undefined) return;
  const others = byKey.get(key);
  others?.delete(entry);
  if (others?.size === 0) byKey.delete(key);
}

/** Does so for all of them, when the rules have changed. */
export function reindex(topic: Topic): void {
  topic.oldest.clear();
  topic.byKey.clear();
  const backlog = new Set<Entry>();
  for (const { deliveries } of topic.subscriptions.values())
    for (const { entry } of deliveries.values()) backlog.add(entry);
  for (const entry of [...backlog].sort((a, b) => a.seq - b.seq)) index(topic, entry);
}

export class StoreState {
  readonly topics: Map<string, Topic> = new Map();
  /** Keys of the inbox and when they were noted, the oldest first. */
  readonly inbox: Map<string, number> = new Map();
  readonly values: Map<string, unknown> = new Map();
  /** Ends of delays and of lives. */
  readonly agenda: Agenda<Delivery> = new Agenda(({ phase }) => phase === "over");
  /** How long, and how many, keys are remembered: set by who runs it, before it goes on. */
  inboxMs: number = Number.POSITIVE_INFINITY;
  inboxCount: number = Number.POSITIVE_INFINITY;
  // Of this incarnation, not of the state: the group of records of what happens now.
  group = 0;
}

export function subscriptionOf(state: StoreState, topic: string, name: string): Subscription | undefined {
  return state.topics.get(topic)?.subscriptions.get(name);
}
