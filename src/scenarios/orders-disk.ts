// The last part of orders.ts: the same topic in real time, with its journal on a disk, stopped and opened again.

import { setTimeout as sleep } from "node:timers/promises";
import { createSystem, InvalidOption, type Ref, type Self, type System } from "antiphon";
import {
  JournalCorrupt,
  JournalFailed,
  JournalLocked,
  jsonCodec,
  lmdbJournal,
  PackageMissing,
  subscribe,
  topic,
} from "antiphon/broker";
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

const nothing = { orders: 0, handledBefore: 0, foundAgain: 0, lost: 0, tookMs: 0 };

/** Fails: InvalidOption, for a folder that can not be used. */
export async function onDisk(folder: string, count: number): Promise<OnDisk> {
  const startedMs = performance.now();
  // Each run has a part of its own, so that a folder can be used again.
  const part = `orders-${process.pid}-${Math.round(performance.timeOrigin + startedMs)}`;
  const before = new Set<number>();
  const after = new Set<number>();
  let problem: unknown;
  const open = (seen: Set<number>) => opened({ folder, part, seen, failed: (why) => void (problem ??= why) });
  try {
    const first = await open(before);
    await Promise.all(
      Array.from({ length: count }, (_, i) =>
        first.system.offer(first.orders, { id: `o${i}`, within: "1m" }).placed(orderOf(i)),
      ),
    );
    await first.system.stop();
    const handledBefore = before.size;
    const second = await open(after);
    while (new Set([...before, ...after]).size < count && performance.now() - startedMs < 60_000) await sleep(5);
    await second.system.stop();
    const lost = count - new Set([...before, ...after]).size;
    return { orders: count, handledBefore, foundAgain: after.size, lost, tookMs: performance.now() - startedMs };
  } catch (error) {
    if (problem instanceof PackageMissing) return { ...nothing, missing: problem.message };
    if (!(problem instanceof JournalFailed || problem instanceof JournalCorrupt || problem instanceof JournalLocked))
      throw error;
    throw new InvalidOption("--disk", folder, `a folder for a journal (${problem.message})`);
  }
}

async function opened(of: {
  folder: string;
  part: string;
  seen: Set<number>;
  failed(why: unknown): void;
}): Promise<{ system: System; orders: Ref<Orders> }> {
  const system = createSystem({ report: (event) => event.kind === "crashed" && of.failed(event.reason) });
  const journal = lmdbJournal(of.folder, { part: of.part });
  const orders = system.spawn(topic<Orders>({ journal, codec: jsonCodec }), { name: "orders" });
  const shipping = (self: Self): Orders => ({
    async placed({ n }) {
      await self.sleep(1);
      of.seen.add(n);
    },
  });
  const consumer = system.spawn(shipping, { name: "shipping", concurrency: 4 });
  const options = { prefetch: 4, durable: true, lease: "30s" } as const;
  const subscription = system.spawn(subscribe(orders, consumer, options), { name: "shipping-orders" });
  try {
    await system.ask(subscription, { within: "1m" }).inspect();
  } catch (error) {
    await system.stop();
    throw error;
  }
  return { system, orders };
}

const orderOf = (n: number): Order => ({ n, id: `o${n}`, customer: `c${n % 10}`, placedMs: 0 });
