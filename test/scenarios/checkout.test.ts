// The script as its users start it: a process with arguments. At this speed its times mean nothing, its counts do.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const script = fileURLToPath(new URL("../../src/scenarios/checkout.ts", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const timeoutMs = 60_000;
const quick = ["--speed", "100"];

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the script to its end; `onStderr` gets what it says meanwhile, and the process. */
function checkout(
  args: readonly string[],
  onStderr = (_text: string, _interrupt: () => void): void => {},
): Promise<Ended> {
  const child = spawn(process.execPath, ["--import", "tsx", script, ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1" },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => onStderr((stderr += text), () => child.kill("SIGINT")));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "checkout-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

describe("checkout", () => {
  test(
    "gives one JSON object in which the same orders have the same fate in each design",
    async () => {
      const { code, stdout, stderr } = await checkout([...quick, "--orders", "150", "--rate", "100", "--json"]);
      expect([code, stderr]).toEqual([0, ""]);
      const result = JSON.parse(stdout);
      expect(result).toMatchObject({ scenario: "checkout", world: "live", seed: 7, speed: 100, interrupted: false });
      const [d1, d2, d3, d4] = result.designs;
      expect(result.designs.map(({ name }: { name: string }) => name)).toEqual(["D1", "D2", "D3", "D4"]);
      for (const { orders, edge, timerError, behind } of result.designs) {
        expect(orders).toMatchObject({ sent: 150, failed: 0, waiting: 0 });
        expect(edge).toEqual({
          mean: expect.any(Number),
          p50: expect.any(Number),
          p95: expect.any(Number),
          p99: expect.any(Number),
          unit: "ms",
        });
        expect([timerError.unit, behind.unfinished.unit, behind.doneAfter.unit]).toEqual(["ms", "calls", "ms"]);
      }
      const refused = d1.orders.declined + d1.orders.outOfStock;
      expect(refused).toBeGreaterThan(0);
      expect(d1.orders.placed).toBe(150 - refused);
      // An order that both would refuse gets the answer that comes first: in D2 that may be either.
      expect(d2.orders.placed).toBe(d1.orders.placed);
      expect(d3.orders).toEqual(d1.orders);
      expect(d4.orders).toMatchObject({ placed: 150, declined: 0, outOfStock: 0 });
      expect([d1, d2, d3, d4].map(({ behind }) => behind.refusedLater)).toEqual([0, 0, 0, refused]);
      expect([d1.behind.unfinished.mean, d2.behind.unfinished.mean]).toEqual([0, 0]);
      expect(d4.behind.unfinished.mean).toBeGreaterThan(0);
    },
    timeoutMs,
  );

  test(
    "prints a table 80 columns wide, of the designs that were asked for",
    async () => {
      const { code, stdout } = await checkout([...quick, "--orders", "20", "--design", "d1,D3"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^ +D1 +D3$/m);
      expect(stdout).toMatch(/^orders placed +\d+ +\d+$/m);
      expect(stdout).toMatch(/^ {2}timer error in that mean, ms( +-?[\d,.]+){2}$/m);
      expect(stdout).not.toContain("D2");
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    },
    timeoutMs,
  );

  test(
    "takes a series as arrivals and says what is wrong with it",
    async () => {
      const rows = Array.from(
        { length: 50 },
        (_, minute) => `2014-04-10 00:${String(minute).padStart(2, "0")}:00,${minute * 10}`,
      );
      const lines = ["timestamp,value", ...rows, "2014-04-10 00:10:00,7", "oops,3", "2014-04-10 00:50:00,-2"];
      const arrivals = await file("requests.csv", lines.join("\r\n"));
      const { code, stdout } = await checkout([
        ...quick,
        "--orders",
        "40",
        "--design",
        "D4",
        "--arrivals",
        arrivals,
        "--json",
      ]);
      const result = JSON.parse(stdout);
      expect([code, result.designs[0].orders.sent]).toEqual([0, 40]);
      expect(result.arrivals).toMatchObject({
        file: arrivals,
        rows: 50,
        bad: 2,
        repeated: 1,
        backward: 0,
        irregular: 0,
      });
      expect(result.arrivals.problems).toContainEqual({ line: 53, kind: "bad", why: '"oops" is no timestamp' });
      expect(result.arrivals.problems).toContainEqual({ line: 54, kind: "bad", why: "-2 is less than 0" });
    },
    timeoutMs,
  );

  test(
    "prints what is known so far when it is interrupted, and exits with 130",
    async () => {
      const { code, stdout } = await checkout(["--orders", "100000", "--json"], (said, interrupt) => {
        if (said.includes("Ctrl-C")) interrupt();
      });
      expect(code).toBe(130);
      const { interrupted, designs } = JSON.parse(stdout);
      expect(interrupted).toBe(true);
      expect(designs).toHaveLength(4);
    },
    timeoutMs,
  );

  test(
    "teaches itself by example, on one screen",
    async () => {
      const { code, stdout } = await checkout(["--help"]);
      expect([code, stdout.split("\n").length < 25]).toEqual([0, true]);
      for (const flag of ["speed", "seed", "orders", "seconds", "rate", "design", "arrivals", "json"]) {
        expect(stdout).toContain(`--${flag}`);
      }
      expect(stdout).toContain("npm start -- --design D1,D3");
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    },
    timeoutMs,
  );

  test.each([
    [["--sped", "3"], "--speed N if that was meant"],
    [["--speed", "0"], "a number above 0 and at most 1000, for example --speed 2"],
    [["--seed", "-1"], "a whole number of at least 0"],
    [["--design", "D1,D9"], "any of D1,D2,D3,D4"],
    [["--orders", "10", "--seconds", "3"], "one of them"],
    [["--arrivals", "no/such.csv"], "a CSV file that can be read (ENOENT)"],
  ])(
    "says what to type instead of %j",
    async (args, message) => {
      const { code, stdout, stderr } = await checkout(args);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    },
    timeoutMs,
  );

  test(
    "refuses a series with nothing usable",
    async () => {
      const arrivals = await file("empty.csv", "timestamp,value\nyesterday,many\n");
      const { code, stdout, stderr } = await checkout(["--arrivals", arrivals]);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/empty\.csv: found "no usable row, 1 bad".*line 2: "yesterday" is no timestamp/);
    },
    timeoutMs,
  );
});
