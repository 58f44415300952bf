// A durable queue in a process that is killed without warning, again and again, on one disk.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "antiphon-kill-"));
const child = "node_modules/.antiphon/kill-child.mjs";
const rounds = Number(process.env["KILL_ROUNDS"] ?? 10);
const fewRounds = Math.min(rounds, 50);

beforeAll(() => {
  buildSync({
    entryPoints: ["test/actors/broker/kill-child.ts"],
    outfile: child,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["lmdb", "msgpackr"],
    tsconfig: "tsconfig.json",
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Running {
  readonly out: string[];
  begin(): void;
  /** Resolves when there is a line that begins so, or the process has ended. */
  said(start: string): Promise<void>;
  kill(): Promise<void>;
}

type Delivery = "atLeastOnce" | "atMostOnce";

function run(delivery: Delivery, round: number, mode = "publish"): Running {
  const started = spawn(process.execPath, [child, join(folder, delivery), `${round}`, mode, delivery], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const out: string[] = [];
  let rest = "";
  let heard = () => {};
  let hasEnded = false;
  started.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    out.push(...lines);
    heard();
  });
  const ended = new Promise<void>((resolve) =>
    started.on("close", () => {
      hasEnded = true;
      heard();
      resolve();
    }),
  );
  return {
    out,
    begin: () => started.stdin.write("go\n"),
    async said(start) {
      while (!hasEnded && !out.some((line) => line.startsWith(start)))
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
    },
    async kill() {
      started.kill("SIGKILL");
      await ended;
    },
  };
}

/** What was seen through all rounds. */
class Witness {
  readonly confirmed = new Set<number>();
  readonly started = new Set<number>();
  readonly acked = new Set<number>();
  readonly violations: string[] = [];

  /** The lines of one process. */
  hear(lines: readonly string[], keys = 4): void {
    const last = new Map<number, number>();
    for (const line of lines) {
      const [what = "", number = ""] = line.split(" ");
      const n = Number(number);
      if (what === "confirmed") this.confirmed.add(n);
      else if (what === "acked") this.acked.add(n);
      else if (what === "started") {
        if (this.acked.has(n)) this.violations.push(`${n} comes again after its commit was answered`);
        if (n < (last.get(n % keys) ?? -1)) this.violations.push(`${n} starts after ${last.get(n % keys)} of its key`);
        last.set(n % keys, n);
        this.started.add(n);
      } else if (what !== "recovered" && line !== "dead 0") this.violations.push(line);
    }
  }
}

/** One process after the other; `hear` gets what each said. Gives what the last one said, which was not killed. */
async function killed(
  delivery: Delivery,
  rounds: number,
  hear: (lines: readonly string[]) => void,
): Promise<readonly string[]> {
  let draw = 7;
  let next = run(delivery, 0);
  for (let round = 0; round < rounds; round++) {
    const now = next;
    now.begin();
    next = run(delivery, round + 1, round + 1 < rounds ? "publish" : "drain");
    await now.said("recovered");
    draw = (draw * 48_271) % 2_147_483_647;
    await new Promise((resolve) => setTimeout(resolve, draw % 150));
    await now.kill();
    hear(now.out);
  }
  next.begin();
  await next.said("dead");
  await next.kill();
  hear(next.out);
  return next.out;
}

describe("a durable queue whose process is killed", () => {
  test(`[G1 live] [G5 live] [G13 live] loses nothing confirmed, repeats nothing acked, keeps each key's order, in ${rounds} rounds`, async () => {
    const witness = new Witness();
    const last = await killed("atLeastOnce", rounds, (lines) => {
      witness.hear(lines);
      expect(witness.violations).toEqual([]);
    });
    const { confirmed, started, acked, violations } = witness;
    expect(last.at(-1)).toBe("dead 0");
    expect([...confirmed].filter((n) => !started.has(n))).toEqual([]);
    expect(violations).toEqual([]);
    // It was worth it.
    expect(Math.min(confirmed.size, acked.size)).toBeGreaterThan(rounds);
  }, 240_000);

  test(`[G2 live] begins nothing twice with delivery: "atMostOnce", in ${fewRounds} rounds`, async () => {
    const started: string[] = [];
    await killed("atMostOnce", fewRounds, (lines) => {
      started.push(...lines.filter((line) => line.startsWith("started")));
      expect(started.length).toBe(new Set(started).size);
    });
    expect(started.length).toBeGreaterThan(fewRounds);
  }, 240_000);
});
