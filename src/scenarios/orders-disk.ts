// The last part of orders.ts: the same topic in real time, with its journal on a disk, stopped and opened again.

import { setTimeout as sleep } from "node:timers/promises";
import { createSystem, type Ref, type Self, type System } from "antiphon";
import { jsonCodec, lmdbJournal, PackageMissing, subscribe, topic } from "antiphon/broker";
import type { Order, Orders } from "./orders-play.ts";

export interface OnDisk {
  readonly orders: number;
  /** Handled by the system that was stopped. */
  readonly handledBefore: number;
  /** What the next one found, and handled. */
  readonly foundAgain: number;
  /** Confirmed and handled by nobody. */
  readonly lost: number;
  readonly tookMs: number;
  /** Why it was not tried. */
  readonly missing?: string | undefined;
}

/** Fails: InvalidOption and what a journal fails with. */
export async function onDisk(folder: string, count: number): Promise<OnDisk> {
  const startedMs = performance.now();
  try {
    // Each run has a part of its own, so that a folder can be used again.
    const part = `orders-${process.pid}-${Math.round(performance.timeOrigin + startedMs)}`;
    const before = new Set<number>();
    const after = new Set<number>();
    const first = await opened(folder, part, before);
    // Acknowledgements go with the journal's groups: one at a time is slow enough to be stopped in the middle.
    await Promise.all(
      Array.from({ length: count }, (_, i) =>
        first.system.offer(first.orders, { id: `o${i}`, within: "1m" }).placed(orderOf(i)),
      ),
    );
    await first.system.stop();
    const handledBefore = before.size;
    const second = await opened(folder, part, after);
    while (before.size + after.size < count && performance.now() - startedMs < 60_000) await sleep(5);
    await second.system.stop();
    const all = new Set([...before, ...after]);
    const tookMs = performance.now() - startedMs;
    return { orders: count, handledBefore, foundAgain: after.size, lost: count - all.size, tookMs };
  } catch (error) {
    const missing = missingOf(error);
    if (missing === undefined) throw error;
    return { orders: 0, handledBefore: 0, foundAgain: 0, lost: 0, tookMs: 0, missing };
  }
}

/** A start that fails is a failed ask; why is in its causes. */
function missingOf(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof PackageMissing) return one.message;
  return undefined;
}

async function opened(
  folder: string,
  part: string,
  seen: Set<number>,
): Promise<{ system: System; orders: Ref<Orders> }> {
  const system = createSystem();
  const journal = lmdbJournal(folder, { part });
  const orders = system.spawn(topic<Orders>({ journal, codec: jsonCodec }), { name: "orders" });
  const shipping = (self: Self): Orders => ({
    async placed({ n }) {
      await self.sleep(1);
      seen.add(n);
    },
  });
  const consumer = system.spawn(shipping, { name: "shipping", concurrency: 4 });
  const options = { prefetch: 4, durable: true, lease: "30s" } as const;
  const subscription = system.spawn(subscribe(orders, consumer, options), { name: "shipping-orders" });
  await system.ask(subscription, { within: "1m" }).inspect();
  return { system, orders };
}

const orderOf = (n: number): Order => ({ n, id: `o${n}`, customer: `c${n % 10}`, placedMs: 0 });
