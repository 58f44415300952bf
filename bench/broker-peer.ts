// BullMQ on a Redis of its own, where a redis-server is installed: the queue that most Node programs have.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Queue, Worker } from "bullmq";
import type { BrokerSample } from "./broker.ts";

export interface Jobs {
  work(job: { readonly n: number; readonly to: string }): unknown;
}

/** Fails, with what is missing as its message, where no `redis-server` is installed. */
export function overRedis(jobOf: (n: number) => object): (size: number, folder: string) => Promise<BrokerSample> {
  return async (size, folder) => {
    await mkdir(folder, { recursive: true });
    const socket = join(folder, "socket");
    const redis = await started(folder, socket);
    const connection = { path: socket, maxRetriesPerRequest: null };
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
    await once(redis, "exit");
    return { done: size, seconds, cpuSeconds: (user + system) / 1e6, lateMsMax: late.max / 1e6 };
  };
}

/** A server that syncs its log each second, its default. */
function started(folder: string, socket: string): Promise<ChildProcess> {
  const args = ["--port", "0", "--unixsocket", socket, "--dir", folder, "--appendonly", "yes"];
  const child = spawn("redis-server", args);
  return new Promise((resolve, reject) => {
    let said = "";
    child.once("error", () => reject(new Error("redis-server is not installed")));
    child.once("exit", () => reject(new Error(`redis-server ended: ${said.trim().split("\n").at(-1)}`)));
    child.stdout.on("data", (more) => {
      said += String(more);
      if (said.includes("ready to accept connections")) resolve(child);
    });
  });
}
