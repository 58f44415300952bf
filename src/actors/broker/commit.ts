// Decides a commit: what it settles, publishes, remembers and notes takes effect together or not at all.

import { messageOf } from "../../runtime/kernel/thenable.ts";
import type { Broker } from "./broker.ts";
import { type Desk, type Parcel, routed } from "./draft.ts";
import type { Draft } from "./event.ts";
import { NotAccepted, NotCommitted } from "./failure.ts";
import { isDuplicate, takesAll } from "./publish.ts";
import { seal } from "./sealed.ts";
import { acknowledge } from "./settle.ts";
import type { Slot } from "./slot.ts";

/** A delivery, as its handler knows it. */
export interface Settlement {
  readonly id: string;
  readonly attempt: number;
}

export interface CommitRequest {
  readonly settle: readonly Settlement[];
  /** Also settles what the consumer of the last of `settle` got before it and has not settled. */
  readonly isUpTo: boolean;
  readonly publish: readonly (Parcel & { readonly topic: string })[];
  readonly state: Readonly<Record<string, unknown>>;
  readonly inbox: string | undefined;
}

/** What a commit did. */
export interface Committed {
  /** False when its inbox key was there: what it settles is settled, and nothing else was done. */
  readonly isApplied: boolean;
}

/** Checks all of it before any of it takes effect. `committer` is the path of who asks. */
export function commitTo(broker: Broker, request: CommitRequest, committer: string): Committed | NotCommitted {
  const { ledger, self } = broker;
  const { state } = ledger;
  const now = self.now();
  const slots: Slot[] = [];
  for (const one of request.settle) {
    const slot = slotOf(broker, one, committer);
    if (slot === undefined)
      return new NotCommitted(
        `${self.path}: attempt ${one.attempt} of ${one.id} is not ${committer}'s to settle (any more).`,
        "stale",
      );
    slots.push(slot);
  }
  const last = slots.at(-1);
  if (request.isUpTo && last !== undefined) slots.push(...last.before());
  const { inbox } = request;
  const notedAt = inbox === undefined ? undefined : state.inbox.get(inbox);
  if (notedAt !== undefined && notedAt + state.inboxMs > now) {
    for (const { delivery } of slots) if (delivery !== undefined) acknowledge(ledger, delivery);
    return { isApplied: false };
  }
  const drafts = draftsOf(broker, request, now);
  if (drafts instanceof NotCommitted) return drafts;
  const kept = keptOf(broker, request);
  if (kept instanceof NotCommitted) return kept;
  for (const { delivery } of slots) if (delivery !== undefined) acknowledge(ledger, delivery);
  for (const [desk, draft] of drafts) broker.place(desk, draft, now);
  for (const [key, value] of kept) ledger.emit({ kind: "kept", key, value });
  if (inbox !== undefined) ledger.emit({ kind: "noted", inbox, at: now });
  return { isApplied: true };
}

/** What is to be published, if there is room for all of it. */
function draftsOf(broker: Broker, { publish }: CommitRequest, now: number): (readonly [Desk, Draft])[] | NotCommitted {
  const drafts: (readonly [Desk, Draft])[] = [];
  const byDesk = new Map<Desk, Draft[]>();
  for (const one of publish) {
    const desk = broker.desks.get(one.topic);
    if (desk === undefined)
      return new NotCommitted(`${broker.self.path} has no ${one.topic}: a commit is of one store.`, "unknown-topic");
    const place = routed(broker.desks, desk, one, now);
    if (place instanceof NotAccepted) return new NotCommitted(place.message, "invalid");
    const { desk: at, draft } = place;
    if (draft.same !== "" && isDuplicate(at.topic, draft.same, now)) continue;
    const some = byDesk.get(at);
    if (some === undefined) byDesk.set(at, [draft]);
    else some.push(draft);
    drafts.push([at, draft]);
  }
  for (const [{ topic, settings }, some] of byDesk)
    if (!takesAll(topic, some, settings.capacity))
      return new NotCommitted(`${topic.name} has no room for ${some.length} more.`, "full");
  return drafts;
}

function keptOf({ settings, self }: Broker, { state }: CommitRequest): (readonly [string, unknown])[] | NotCommitted {
  try {
    return Object.entries(state).map(([key, value]) => [key, seal(settings.codec, value)] as const);
  } catch (error) {
    return new NotCommitted(`${self.path} can not keep the state: ${messageOf(error)}`, "invalid");
  }
}

/** The delivery that is out under this id and attempt; of several, the one that its own consumer settles. */
export function slotOf(broker: Broker, { id, attempt }: Settlement, consumer: string): Slot | undefined {
  const found: Slot[] = [];
  for (const { couriers } of broker.desks.values())
    for (const { slots } of couriers.values())
      for (const slot of slots) {
        const { delivery } = slot;
        if (delivery?.phase !== "leased" || delivery.entry.id !== id || delivery.attempt !== attempt) continue;
        if (slot.consumer.path === consumer) return slot;
        found.push(slot);
      }
  // Behind a pool or another queue it is not the consumer itself that settles.
  return found.length === 1 ? found[0] : undefined;
}
