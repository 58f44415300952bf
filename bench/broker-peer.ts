// BullMQ on a Redis of its own, where both are installed: the queue that most Node programs have.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { BrokerSample } from "./broker.ts";

export interface Jobs {
  work(job: { readonly n: number; readonly to: string }): unknown;
}

interface Bull {
  readonly Queue: new (
    name: string,
    options: object,
  ) => { addBulk(jobs: readonly object[]): Promise<unknown>; close(): Promise<void> };
  readonly Worker: new (name: string, work: () => Promise<void>, options: object) => { close(): Promise<void> };
}

const port = 16_379;

/** Fails, with what is missing as its message, where it is not installed. */
export function overRedis(jobOf: (n: number) => object): (size: number, folder: string) => Promise<BrokerSample> {
  return async (size, folder) => {
    const name = "bullmq";
    const { Queue, Worker } = (await import(name).catch(() => {
      throw new Error("bullmq is not installed");
    })) as Bull;
    await mkdir(folder, { recursive: true });
    const redis = await started(folder);
    const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
    const queue = new Queue("q", { connection });
    let seen = 0;
    let done: () => void = () => {};
    const all = new Promise<void>((resolve) => (done = resolve));
    const worker = new Worker("q", async () => void (++seen === size && done()), { connection, concurrency: 100 });
    const late = monitorEventLoopDelay({ resolution: 1 });
    late.enable();
    const startedMs = performance.now();
    const used = process.cpuUsage();
    for (let n = 0; n < size; n += 1_000)
      await queue.addBulk(
        Array.from({ length: Math.min(1_000, size - n) }, (_, i) => ({
          name: "work",
          data: jobOf(n + i),
          opts: { removeOnComplete: true },
        })),
      );
    await all;
    const seconds = (performance.now() - startedMs) / 1_000;
    const { user, system } = process.cpuUsage(used);
    await worker.close();
    await queue.close();
    redis.kill();
    return { done: size, seconds, cpuSeconds: (user + system) / 1e6, lateMsMax: late.max / 1e6 };
  };
}

/** A server that syncs its log each second, its default. */
function started(folder: string): Promise<ChildProcess> {
  const child = spawn("redis-server", ["--port", String(port), "--dir", folder, "--appendonly", "yes"]);
  return new Promise((resolve, reject) => {
    child.once("error", () => reject(new Error("redis-server is not installed")));
    child.stdout.on("data", (said) => {
      if (String(said).includes("Ready to accept connections")) resolve(child);
    });
  });
}
