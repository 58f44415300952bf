// npm run bench:broker: what a message of a queue costs, in memory and on disk, beside the plain loop of each.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { command, figure, summary, table, wholeFlag } from "antiphon/lab";
import { compile } from "./compile.ts";

export interface BrokerSample {
  readonly done: number;
  readonly seconds: number;
  /** Of all threads of the process. */
  readonly cpuSeconds: number;
  /** The worst that the event loop was late, in ms. */
  readonly lateMsMax: number;
  readonly bytesEach?: number;
}

interface Row {
  readonly what: string;
  readonly size: number;
  /** Messages per second of the design. */
  readonly atLeast?: number;
  readonly lateMsMax?: number;
  readonly secondsMax?: number;
  /** One repetition in a process: it takes long to prepare. */
  readonly isOnce?: boolean;
  /** The row that is its limit. */
  readonly limit?: string;
}

const rows: Readonly<Record<string, Row>> = {
  memory: {
    what: "told from outside, handled, acknowledged, in memory; prefetch 100",
    size: 300_000,
    atLeast: 1_000_000,
    limit: "loop",
  },
  relay: { what: "told to an actor that asks the consumer: a queue that keeps nothing", size: 600_000, limit: "loop" },
  loop: { what: "limit of memory: an array, and a promise each", size: 3_000_000 },
  durable: {
    ...{ what: "offered by 1,000 at a time, confirmed, handled, acknowledged, flushed; prefetch 1,000", size: 200_000 },
    ...{ atLeast: 100_000, lateMsMax: 20, limit: "lmdb" },
  },
  lmdb: { what: "limit of durable: as large groups put and flushed", size: 500_000 },
  backlog: { what: "so many wait, then are handled, in memory", size: 1_000_000, limit: "memory" },
  recovery: { what: "so many are found again on disk", size: 1_000_000, secondsMax: 5, isOnce: true },
  bullmq: { what: "BullMQ on Redis, 1,000 added at a time; CPU without that of the server", size: 20_000 },
};

type Found = Map<string, BrokerSample[] | string>;

await command({
  flags: {
    rounds: { takes: "N", says: "rounds of fresh processes; 3 by default" },
    reps: { takes: "N", says: "repetitions in each process, the first to warm up; 3 by default" },
    rows: { takes: "memory,loop", says: "only these" },
    percent: { takes: "N", says: "of the usual sizes; 100 by default" },
    folder: { takes: "FOLDER", says: "where journals are written; a temporary folder by default" },
    json: { says: "every sample, as JSON" },
  },
  help: `What does a message of a queue cost?

  npm run bench:broker                               3 rounds, some minutes
  npm run bench:broker -- --rounds 1 --percent 20    a quick look
  npm run bench:broker -- --folder /mnt/disk         where the disk is

${Object.entries(rows)
  .map(([name, { what }]) => `  ${name.padEnd(9)} ${what}`)
  .join("\n")}

Payloads have 40 bytes, and one consumer does nothing with them. Who tells is at most 2,000 ahead of it; who offers
does so again when that is confirmed. A group on disk is what came while the one before it was flushed: the more
publishers, the larger.`,
  async run({ rounds = "3", reps = "3", rows: only, percent = "100", folder, json }) {
    const chosen = Object.keys(rows).filter((name) => only === undefined || only.split(",").includes(name));
    const plan = {
      rounds: wholeFlag("rounds", rounds, "3"),
      reps: wholeFlag("reps", reps, "3"),
      scale: wholeFlag("percent", percent, "100") / 100,
    };
    const place = folder ?? (await mkdtemp(join(tmpdir(), "antiphon-bench-")));
    const found: Found = new Map();
    try {
      await measure(chosen, plan, place, found);
    } finally {
      if (folder === undefined) await rm(place, { recursive: true, force: true });
    }
    const load = loadavg()[0]?.toFixed(1);
    const machine = `Node ${process.version}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? "unknown"}, load ${load}`;
    return json ? JSON.stringify({ machine, found: [...found] }, null, 2) : `${machine}\n\n${report(found)}`;
  },
});

/** Rows take turns, so that a machine that slows down slows them all. */
async function measure(
  chosen: readonly string[],
  { rounds, reps, scale }: { rounds: number; reps: number; scale: number },
  folder: string,
  found: Found,
): Promise<void> {
  const { script, remove } = await compile("broker-cell");
  try {
    for (let round = 1; round <= rounds; round++)
      for (const name of chosen) {
        const before = found.get(name) ?? [];
        if (typeof before === "string") continue;
        process.stderr.write(`round ${round} of ${rounds}: ${name}\n`);
        const { size: usual, isOnce = false } = rows[name] as Row;
        const size = Math.round(usual * scale);
        const args = [
          "--expose-gc",
          "--max-old-space-size=4096",
          script,
          name,
          String(size),
          String(isOnce ? 1 : reps),
          folder,
        ];
        found.set(
          name,
          await promisify(execFile)(process.execPath, args).then(
            ({ stdout }) => [...before, ...samplesOf(stdout)],
            (failed: { stderr?: string }) => /^\w*Error: (.*)$/m.exec(failed.stderr ?? "")?.[1] ?? String(failed),
          ),
        );
      }
  } finally {
    await remove();
  }
}

function samplesOf(stdout: string): BrokerSample[] {
  const all = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as BrokerSample);
  return all.length > 1 ? all.slice(1) : all;
}

function report(found: Found): string {
  const rate = (name: string | undefined) => {
    const samples = found.get(name ?? "");
    return summary(Array.isArray(samples) ? samples.map(({ done, seconds }) => done / seconds) : []);
  };
  const body = [...found].map(([name, samples]) => {
    const row = rows[name] as Row;
    if (typeof samples === "string") return [name, samples, "", "", "", "", "", "", ""];
    const { quantile, min, max } = rate(name);
    const limit = rate(row.limit).quantile(0.5);
    const late = Math.max(...samples.map(({ lateMsMax }) => lateMsMax));
    const seconds = summary(samples.map(({ seconds }) => seconds)).quantile(0.5);
    const { bytesEach } = samples[0] ?? {};
    const cpuUs = summary(samples.map(({ done, cpuSeconds }) => (cpuSeconds / done) * 1e6)).quantile(0.5);
    const [budget, isMet] = verdictOf(row, quantile(0.5), late, seconds);
    return [
      name,
      `${short(quantile(0.5))} (${short(min)}–${short(max)})`,
      Number.isFinite(limit) ? `${figure(limit / quantile(0.5))} × ${row.limit}` : "",
      figure(cpuUs),
      seconds.toFixed(2),
      late.toFixed(1),
      bytesEach === undefined ? "" : figure(Math.round(bytesEach)),
      budget,
      isMet,
    ];
  });
  return [
    table([["row", "messages/s", "cost", "CPU, µs", "s", "late, ms", "bytes", "budget", "met"], ...body]),
    "",
    "Median (min–max) over all repetitions but the first of each process; rows with a disk on the wall, the",
    "others by processor time where that is less. CPU is of all threads, for each message. Late is the worst",
    "that the event loop was in any of them; bytes, of the heap, are those of a waiting message.",
  ].join("\n");
}

function verdictOf({ atLeast, lateMsMax, secondsMax }: Row, rate: number, late: number, seconds: number) {
  const parts = [
    ...(atLeast === undefined ? [] : [[`≥ ${short(atLeast)}/s`, rate >= atLeast] as const]),
    ...(lateMsMax === undefined ? [] : [[`≤ ${lateMsMax} ms late`, late <= lateMsMax] as const]),
    ...(secondsMax === undefined ? [] : [[`≤ ${secondsMax} s`, seconds <= secondsMax] as const]),
  ];
  const isMet = parts.length === 0 ? "" : parts.every(([, met]) => met) ? "yes" : "no";
  return [parts.map(([text]) => text).join(", "), isMet] as const;
}

function short(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value >= 999_500 ? `${figure(value / 1_000_000)}M` : `${figure(value / 1_000)}k`;
}
