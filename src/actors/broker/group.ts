// Consumers that come to a running subscription, and leave it: who they are from then on, and what becomes of what they
// have in hand.

import type { Ref } from "../../runtime/kernel/protocol.ts";
import type { Broker } from "./broker.ts";
import { NotConfigured, NotInStore } from "./failure.ts";

/** Who came and who left since its options named the first ones. */
export interface Changes {
  readonly joined: Set<Ref<unknown>>;
  /** Paths. */
  readonly left: Set<string>;
}

interface Place {
  readonly topic: string;
  readonly name: string;
}
export interface JoinRequest extends Place {
  readonly consumer: Ref<unknown>;
}
export interface LeaveRequest extends JoinRequest {
  /** Infinity for as long as its leases last. */
  readonly graceMs: number;
}

export function changed(refs: readonly Ref<unknown>[], { joined, left }: Changes): readonly Ref<unknown>[] {
  return [...refs.filter(({ path }) => !left.has(path)), ...joined];
}

export function joinIn({ desks }: Broker, { topic, name, consumer }: JoinRequest): NotConfigured | undefined {
  const courier = desks.get(topic)?.couriers.get(name);
  if (courier === undefined || courier.refs.some(({ path }) => path === consumer.path)) return undefined;
  if (courier.settings.consumers === "exclusive" && courier.consumers > 0)
    return new NotConfigured(`${topic} has a consumer, and it is exclusive: ${consumer.path} can not join it.`);
  courier.changes.joined.add(consumer);
  courier.changes.left.delete(consumer.path);
  courier.join(consumer);
  return undefined;
}

/** How many messages it has in hand. */
export function leaveIn(
  { desks, self }: Broker,
  { topic, name, consumer, graceMs }: LeaveRequest,
): number | NotConfigured | NotInStore {
  const courier = desks.get(topic)?.couriers.get(name);
  if (courier === undefined || !courier.refs.some(({ path }) => path === consumer.path))
    return new NotInStore(`${topic} has no consumer ${consumer.path}.`);
  const { leaseMs, leaseMaxMs } = courier.settings;
  if (graceMs < Number.POSITIVE_INFINITY && leaseMaxMs <= leaseMs)
    return new NotConfigured(
      `${topic} can not cut a delivery short: a grace needs a lease of the form { duration, max }.`,
    );
  const { joined, left } = courier.changes;
  for (const ref of joined) if (ref.path === consumer.path) joined.delete(ref);
  left.add(consumer.path);
  const now = self.now();
  return courier.leave(consumer.path, now + graceMs, now);
}
