// Brings back what was given up: dead letters to the subscription in which they died, or elsewhere, parked messages where
// they are. Or gives these up for good.

import type { Broker } from "./broker.ts";
import { type Desk, routed } from "./draft.ts";
import type { DeadReason, History } from "./event.ts";
import { NotAccepted, NotInStore } from "./failure.ts";
import { Undecodable } from "./failure-journal.ts";
import { bury, graveOf } from "./grave.ts";
import { unseal } from "./sealed.ts";
import type { Delivery, Entry } from "./state.ts";
import { again, write } from "./write.ts";

/** Which dead letters, or parked messages. All that is said must be so. */
export interface RedriveFilter {
  readonly ids?: readonly string[] | undefined;
  readonly type?: string | undefined;
  readonly key?: string | undefined;
  /** Of dead letters; parked messages have none but `"exhausted"`. */
  readonly reason?: DeadReason | undefined;
  readonly subscription?: string | undefined;
}

export interface SkipRequest {
  readonly topic: string;
  readonly filter: RedriveFilter;
  readonly limit: number;
}

export interface RedriveRequest extends SkipRequest {
  readonly resetAttempts: boolean;
  /** The topic where dead letters go instead of where they died. */
  readonly to: string | undefined;
  /** From one to the next, in ms. */
  readonly everyMs: number;
}

export function fits(
  filter: RedriveFilter,
  one: { readonly id: string; readonly type: string; readonly key: string | undefined },
  subscription: string,
  reason: DeadReason,
): boolean {
  return (
    (filter.ids?.includes(one.id) ?? true) &&
    (filter.type ?? one.type) === one.type &&
    (filter.key ?? one.key) === one.key &&
    (filter.reason ?? reason) === reason &&
    (filter.subscription ?? subscription) === subscription
  );
}

/** One record for each: it is dead or alive, never both. Gives how many came back. */
export function redriveIn(broker: Broker, request: RedriveRequest): number | NotInStore {
  const { topic: name, filter, limit, resetAttempts, to, everyMs } = request;
  const { ledger, desks, self } = broker;
  const desk = desks.get(name);
  if (desk === undefined) return 0;
  const elsewhere = to === undefined ? undefined : desks.get(to);
  if (to !== undefined && elsewhere === undefined)
    return new NotInStore(`${self.path} has no ${to}: what is dead can only go to a queue or topic of its store.`);
  const now = self.now();
  let redriven = 0;
  const notBefore = () => (redriven * everyMs > 0 ? now + redriven * everyMs : 0);
  if (elsewhere === undefined)
    for (const { entry, failures, of } of parkedIn(desk, filter)) {
      if (redriven >= limit) break;
      const told = { topic: name, name: of.name, seq: entry.seq, notBefore: notBefore() };
      ledger.emit({ kind: "unparked", ...told, failures: resetAttempts ? 0 : Math.max(0, failures - 1) });
      redriven++;
    }
  for (const entry of [...(ledger.state.topics.get(graveOf(name))?.log.values() ?? [])]) {
    const { history, seq } = entry;
    if (redriven >= limit) break;
    if (history === undefined || !fits(filter, entry, history.subscription, history.reason)) continue;
    const courier = desk.couriers.get(history.subscription);
    if (history.redriveCount >= (courier?.settings.maxRedrives ?? Number.POSITIVE_INFINITY)) continue;
    const came = { ...history, redriveCount: history.redriveCount + 1 };
    if (elsewhere !== undefined) {
      if (!moved(broker, desk, elsewhere, entry, came, notBefore())) continue;
    } else if (courier === undefined) continue;
    else {
      const failures = resetAttempts ? 0 : Math.max(0, courier.settings.redelivery.maxAttempts - 1);
      const back = { history: came, failures: Number.isFinite(failures) ? failures : 0, notBefore: notBefore() };
      write(ledger, desk.topic, { ...again(entry), ...back, to: [history.subscription] }, now);
    }
    ledger.emit({ kind: "trimmed", topic: graveOf(name), seq });
    broker.seal();
    redriven++;
  }
  return redriven;
}

/** Whether the other place took it, as it takes what is published there. */
function moved(broker: Broker, from: Desk, to: Desk, entry: Entry, history: History, notBefore: number): boolean {
  const { id, type, key } = entry;
  const now = broker.self.now();
  const payload = unseal(from.settings.codec, entry.payload);
  if (payload instanceof Undecodable) return false;
  const parcel = { id, type, key, payload, isAsked: false, publisher: undefined };
  const place = routed(broker.desks, to, parcel, now);
  if (place instanceof NotAccepted) return false;
  const { draft } = place;
  const late = { ...draft, history, notBefore: Math.max(draft.notBefore, notBefore) };
  return typeof broker.place(place.desk, late, now) === "number";
}

/** Parked messages are dead letters from now on. Gives how many. */
export function skipIn(broker: Broker, { topic, filter, limit }: SkipRequest): number {
  const { ledger, desks, self } = broker;
  const desk = desks.get(topic);
  let skipped = 0;
  for (const one of desk === undefined ? [] : parkedIn(desk, filter)) {
    const courier = desk?.couriers.get(one.of.name);
    if (skipped >= limit) break;
    if (courier === undefined) continue;
    courier.over(one, bury(ledger, one, "skipped", courier.settings.redelivery.deadLetters, self.now()));
    broker.seal();
    skipped++;
  }
  return skipped;
}

/** What of it is parked, in each subscription in order. */
export function parkedIn({ topic }: Desk, filter: RedriveFilter): Delivery[] {
  return [...topic.subscriptions.values()].flatMap(({ name, deliveries }) =>
    [...deliveries.values()].filter(({ phase, entry }) => phase === "parked" && fits(filter, entry, name, "exhausted")),
  );
}
