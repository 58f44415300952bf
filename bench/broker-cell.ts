// One row of the broker's bench, in a process of its own: does the work as often as it is told, and prints a line of JSON
// for each repetition. `folder` is where journals are, for the rows that have one.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createSystem, type Ref, type Self, type System } from "antiphon";
import { inspect, jsonCodec, lmdbJournal, pause, queue, resume } from "antiphon/broker";
import type { BrokerSample } from "./broker.ts";
import { type Jobs, overRedis } from "./broker-peer.ts";
import { expectEqual } from "./rows.ts";

type Row = (size: number, folder: string) => Promise<BrokerSample>;

interface Job {
  readonly n: number;
  readonly to: string;
}
const jobOf = (n: number): Job => ({ n, to: "someone@example.org" });

/** Offers under way at a time, in rows that wait for the disk; of five times as many, each scavenge copies megabytes. */
const waves = 1_000;

const collect = (): void => (globalThis as { gc?: () => void }).gc?.();

/**
 * Seconds, of the wall and of the processor, and the worst that a timer was late meanwhile. What waits for no disk and
 * took longer than it computed was pushed off its core by another process: then its processor time is nearer to the truth.
 */
async function timed(
  work: () => Promise<void>,
  waits: "for the disk" | "for nothing",
): Promise<Pick<BrokerSample, "seconds" | "cpuSeconds" | "lateMsMax">> {
  const late = monitorEventLoopDelay({ resolution: 1 });
  late.enable();
  const startedMs = performance.now();
  const used = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(used);
  const wallSeconds = (performance.now() - startedMs) / 1_000;
  const cpuSeconds = (user + system) / 1e6;
  late.disable();
  const seconds = waits === "for nothing" ? Math.min(wallSeconds, cpuSeconds) : wallSeconds;
  return { seconds, cpuSeconds, lateMsMax: late.max / 1e6 };
}

/** A consumer that counts, and a promise of its having had so many. */
function counting(size: number): { make: () => Jobs; all: Promise<void>; seen: () => number } {
  let seen = 0;
  let done: () => void = () => {};
  const all = new Promise<void>((resolve) => (done = resolve));
  const make = () => ({
    work() {
      if (++seen === size) done();
    },
  });
  return { make, all, seen: () => seen };
}

const roomy = { capacity: { messages: 2_000_000 } };
const mailbox = { capacity: 3_000_000 };

/** In chunks, so that the loop has its turns; at most 2,000 are told and not `seen`, so that the queue stays short. */
async function tellAll(system: System, to: Ref<Jobs>, size: number, seen = () => size): Promise<void> {
  for (let n = 0; n < size; n += 1_000) {
    for (let i = n; i < Math.min(n + 1_000, size); i++) system.tell(to).work(jobOf(i));
    do await new Promise((resolve) => setImmediate(resolve));
    while (n > seen());
  }
}

async function offerAll(system: System, to: Ref<Jobs>, size: number): Promise<void> {
  let next = 0;
  const publisher = async () => {
    while (next < size) await system.offer(to, { within: "10m" }).work(jobOf(next++));
  };
  await Promise.all(Array.from({ length: waves }, publisher));
}

const memory: Row = async (size) => {
  const { make, all, seen } = counting(size);
  const system = createSystem();
  const q = system.spawn(queue(make, { prefetch: 100, ...roomy }), { name: "q", mailbox });
  const took = await timed(async () => {
    await tellAll(system, q, size, seen);
    await all;
  }, "for nothing");
  await system.stop();
  return { done: size, ...took };
};

/** The limit: the same payloads through an array to the same handler, one promise each. */
const loop: Row = async (size) => {
  const { make, seen } = counting(size);
  const took = await timed(async () => {
    const waiting: Job[] = [];
    const consumer = make() as { work(job: Job): Promise<void> };
    for (let n = 0; n < size; n += 1_000) {
      for (let i = n; i < Math.min(n + 1_000, size); i++) waiting.push(jobOf(i));
      for (const job of waiting.splice(0)) await consumer.work(job);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }, "for nothing");
  expectEqual("handled", seen(), size);
  return { done: size, ...took };
};

/** What any queue between actors costs here: told to an actor that asks the consumer, and keeps nothing. */
const relay: Row = async (size) => {
  const { make, all, seen } = counting(size);
  const system = createSystem();
  const front = (self: Self): Jobs => {
    const to = self.spawn(make, { name: "consumer" });
    return { work: (job) => void self.ask(to, { within: "30s" }).work(job) };
  };
  const ref = system.spawn(front, { name: "relay", mailbox });
  const took = await timed(async () => {
    await tellAll(system, ref, size, seen);
    await all;
  }, "for nothing");
  await system.stop();
  return { done: size, ...took };
};

const durable: Row = async (size, folder) => {
  const { make, all } = counting(size);
  const system = createSystem();
  const journal = lmdbJournal(folder);
  const q = system.spawn(queue(make, { journal, codec: jsonCodec, prefetch: 1_000, ...roomy }), { name: "q", mailbox });
  await inspect(system, q);
  const took = await timed(async () => {
    await offerAll(system, q, size);
    await all;
    for (;;) {
      const [found] = (await inspect(system, q)).topics;
      if (found?.backlog === 0) break;
    }
  }, "for the disk");
  await system.stop();
  return { done: size, ...took };
};

/** The limit: each message as JSON, a group of them as one entry, put and flushed one after the other. */
const lmdb: Row = async (size, folder) => {
  const { open } = (await import("lmdb")) as unknown as {
    open(options: object): {
      put(key: number, value: Uint8Array): Promise<boolean>;
      readonly flushed: Promise<unknown>;
      close(): Promise<void>;
    };
  };
  const db = open({ path: folder, encoding: "binary", keyEncoding: "uint32", cache: false, eventTurnBatching: false });
  const encoder = new TextEncoder();
  const took = await timed(async () => {
    for (let n = 0; n < size; n += waves) {
      const group: string[] = [];
      for (let i = n; i < Math.min(n + waves, size); i++)
        group.push(JSON.stringify({ kind: "published", topic: "/q", id: `m${i}`, payload: jobOf(i) }));
      void db.put(n, encoder.encode(group.join("\n")));
      await db.flushed;
    }
  }, "for the disk");
  await db.close();
  return { done: size, ...took };
};

/** So many wait in a queue that is paused: what they take of the heap. Then it is resumed. */
const backlog: Row = async (size) => {
  const { make, all } = counting(size);
  const system = createSystem();
  const q = system.spawn(queue(make, { prefetch: 100, ...roomy }), { name: "q", mailbox });
  await pause(system, q);
  collect();
  const before = process.memoryUsage().heapUsed;
  await tellAll(system, q, size);
  expectEqual("waiting", (await inspect(system, q)).topics[0]?.backlog, size);
  collect();
  const bytesEach = (process.memoryUsage().heapUsed - before) / size;
  const took = await timed(async () => {
    await resume(system, q);
    await all;
  }, "for nothing");
  await system.stop();
  return { done: size, ...took, bytesEach };
};

/** As many are found again by a system that opens their journal. */
const recovery: Row = async (size, folder) => {
  const options = { journal: lmdbJournal(folder), codec: jsonCodec, ...roomy };
  const first = createSystem();
  const q = first.spawn(
    queue(() => ({ work() {} }) as Jobs, options),
    { name: "q", mailbox },
  );
  await pause(first, q);
  await offerAll(first, q, size);
  await first.stop();
  collect();
  const second = createSystem();
  const took = await timed(async () => {
    const again = second.spawn(
      queue(() => ({ work() {} }) as Jobs, options),
      { name: "q", mailbox },
    );
    const found = (await second.ask(again as Ref<never> as Ref<Inspected>, { within: "5m" })["broker.inspect"]({}))
      .topics;
    expectEqual("found", found[0]?.backlog, size);
  }, "for the disk");
  await second.stop();
  return { done: size, ...took };
};

interface Inspected {
  "broker.inspect"(of: object): { topics: readonly { backlog: number }[] };
}

const rows: Readonly<Record<string, Row>> = {
  memory,
  relay,
  loop,
  durable,
  lmdb,
  backlog,
  recovery,
  bullmq: overRedis(jobOf),
};
const [name = "", size = "", reps = "1", folder = ""] = process.argv.slice(2);
const row = rows[name];
if (row === undefined) throw new Error(`no such row: ${name}`);
for (let i = 0; i < Number(reps); i++) {
  const place = join(folder, `${name}-${i}`);
  console.log(JSON.stringify(await row(Number(size), place)));
  await rm(place, { recursive: true, force: true });
}
