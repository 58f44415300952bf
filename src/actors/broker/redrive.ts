// Brings back what was given up: dead letters to the subscription in which they died, parked messages where they are.

import type { Broker } from "./broker.ts";
import type { DeadReason } from "./event.ts";
import { graveOf } from "./grave.ts";
import { again, write } from "./write.ts";

/** Which dead letters. All that is said must be so. */
export interface RedriveFilter {
  readonly ids?: readonly string[] | undefined;
  readonly type?: string | undefined;
  readonly key?: string | undefined;
  readonly reason?: DeadReason | undefined;
  readonly subscription?: string | undefined;
}

export interface RedriveRequest {
  readonly topic: string;
  readonly filter: RedriveFilter;
  readonly limit: number;
  readonly resetAttempts: boolean;
}

/** One record for each: it is dead or alive, never both. Gives how many came back. */
export function redriveIn(broker: Broker, { topic: name, filter, limit, resetAttempts }: RedriveRequest): number {
  const { ledger, desks, self } = broker;
  const desk = desks.get(name);
  if (desk === undefined) return 0;
  const { topic, couriers } = desk;
  let redriven = 0;
  const fits = (one: { id: string; type: string; key: string | undefined }, subscription: string) =>
    (filter.ids?.includes(one.id) ?? true) &&
    (filter.type ?? one.type) === one.type &&
    (filter.key ?? one.key) === one.key &&
    (filter.subscription ?? subscription) === subscription;
  if (filter.reason === undefined || filter.reason === "exhausted")
    for (const { name: subscription, deliveries } of topic.subscriptions.values())
      for (const { entry, failures, phase } of [...deliveries.values()]) {
        if (phase !== "parked" || redriven >= limit || !fits(entry, subscription)) continue;
        const told = { topic: name, name: subscription, seq: entry.seq };
        ledger.emit({ kind: "unparked", ...told, failures: resetAttempts ? 0 : Math.max(0, failures - 1) });
        redriven++;
      }
  for (const entry of [...(ledger.state.topics.get(graveOf(name))?.log.values() ?? [])]) {
    const { history, seq } = entry;
    if (redriven >= limit) break;
    if (history === undefined || !fits(entry, history.subscription)) continue;
    if (filter.reason !== undefined && filter.reason !== history.reason) continue;
    const courier = couriers.get(history.subscription);
    if (courier === undefined || history.redriveCount >= courier.settings.maxRedrives) continue;
    ledger.emit({ kind: "trimmed", topic: graveOf(name), seq });
    const came = { ...history, redriveCount: history.redriveCount + 1 };
    const failures = resetAttempts ? 0 : Math.max(0, courier.settings.redelivery.maxAttempts - 1);
    const to = [history.subscription];
    const draft = { ...again(entry), to, history: came, failures: Number.isFinite(failures) ? failures : 0 };
    write(ledger, topic, draft, self.now());
    broker.seal();
    redriven++;
  }
  return redriven;
}
