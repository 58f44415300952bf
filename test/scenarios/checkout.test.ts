// The script as its users start it: a process with arguments.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const script = fileURLToPath(new URL("../../src/scenarios/checkout.ts", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const timeoutMs = 60_000;

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

interface Design {
  readonly name: string;
  readonly requests: Record<"sent" | "ok" | "refused" | "failed", number>;
  readonly edge: { readonly mean: number; readonly interval: [number, number] };
  readonly over1s: { readonly measured: number };
  readonly success: { readonly measured: number; readonly interval: [number, number] };
  readonly done: { readonly mean: number };
  readonly regret: { readonly measured: number; readonly interval: [number, number] };
  readonly services: { readonly path: string; readonly mostWaiting: number; readonly holdMs: number }[];
}

describe("checkout", () => {
  test(
    "finds the means and the success that theory predicts, and the same orders refused in each design",
    async () => {
      const { code, stdout } = await checkout(["--hiccup", "0", "--json"]);
      expect(code).toBe(0);
      const { scenario, world, seed, designs, claims } = JSON.parse(stdout);
      expect([scenario, world, seed]).toEqual(["checkout", "sim", 7]);
      const [d1, d2, d3, d4] = designs as [Design, Design, Design, Design];
      expect(designs.map(({ name }: Design) => name)).toEqual(["D1", "D2", "D3", "D4"]);
      for (const [design, meanMs, success] of [
        [d1, 560, 0.99302],
        [d2, 236.6, 0.99302],
        [d3, 180, 0.997],
        [d4, 20, 0.999],
      ] as const) {
        expect(design.requests.sent).toBe(20_000);
        expect(Math.abs(design.edge.mean / meanMs - 1)).toBeLessThan(0.03);
        const [low, high] = design.success.interval;
        expect([low < success, high > success]).toEqual([true, true]);
      }
      // Whoever is asked last is asked of those that others let through: the designs refuse the same, and fail others.
      expect(Math.abs(d1.requests.refused - d3.requests.refused)).toBeLessThan(10);
      expect([d1.regret.measured, d2.regret.measured, d3.regret.measured]).toEqual([0, 0, 0]);
      expect(d4.requests.refused).toBe(0);
      expect(d4.regret.interval[0]).toBeLessThan(0.0397);
      expect(d4.regret.interval[1]).toBeGreaterThan(0.0397);
      expect([d1.done.mean, d2.done.mean]).toEqual([d1.edge.mean, d2.edge.mean]);
      expect(d4.done.mean).toBeGreaterThan(10 * d4.edge.mean);
      const verdicts = Object.fromEntries(claims.map(({ id, verdict }: Record<string, string>) => [id, verdict]));
      expect(verdicts).toEqual({
        series: "confirmed",
        parallel: "confirmed",
        told: "confirmed",
        "off-path": "confirmed",
        tail: "confirmed",
        success: "confirmed",
        regret: "confirmed",
        half: "refuted",
        faster: "limited",
        resilient: "limited",
      });
      for (const claim of claims)
        expect(claim).toMatchObject({
          claim: expect.any(String),
          source: expect.any(String),
          interval: expect.any(Array),
        });
    },
    timeoutMs,
  );

  test(
    "shows whom a hanging e-mail holds up",
    async () => {
      const { stdout } = await checkout(["--orders", "3000", "--json"]);
      const shares = (JSON.parse(stdout).designs as Design[]).map(({ over1s }) => over1s.measured);
      // 2 % hang; five standard deviations of a share of 3,000.
      expect(Math.abs(shares[0]! - 0.0263)).toBeLessThan(0.015);
      expect(Math.abs(shares[1]! - 0.0203)).toBeLessThan(0.013);
      expect(shares.slice(2)).toEqual([0, 0]);
    },
    timeoutMs,
  );

  test(
    "prints a table and the verdicts, 80 columns wide",
    async () => {
      const { code, stdout } = await checkout(["--orders", "2000"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^ +D1 +D2 +D3 +D4$/m);
      expect(stdout).toMatch(/^until answered, mean, ms( +\d+(\.\d+)? ± [\d.]+){4}$/m);
      expect(stdout).toMatch(/^refuted +Twice as fast is as good as off the path\./m);
      expect(stdout).toContain("docs/first-comparison.md");
      const long = stdout.split("\n").filter((line) => line.length > 80);
      expect(long).toEqual([]);
    },
    timeoutMs,
  );

  test(
    "shows a queue where there are too few slots",
    async () => {
      const { stdout } = await checkout(["--orders", "2000", "--slots", "email=4", "--design", "D1,D4", "--json"]);
      const { designs, claims } = JSON.parse(stdout);
      for (const { services } of designs as Design[])
        for (const { path, mostWaiting } of services)
          expect([path, mostWaiting > 20]).toEqual([path, path === "/email"]);
      // Claims are about all four designs.
      expect(claims).toEqual([]);
    },
    timeoutMs,
  );

  test(
    "is the same twice, and another with another seed",
    async () => {
      const [one, again, other] = await Promise.all(
        ["7", "7", "8"].map((seed) => checkout(["--orders", "300", "--seed", seed, "--json"])),
      );
      expect(again?.stdout).toBe(one?.stdout);
      expect(other?.stdout).not.toBe(one?.stdout);
    },
    timeoutMs,
  );

  test(
    "is one program in both worlds: live, the same orders get the same answers, a little later",
    async () => {
      const { code, stdout } = await checkout(["--live", "--orders", "20", "--rate", "40", "--design", "D3", "--json"]);
      expect(code).toBe(0);
      const { world, design, live, virtual, longer } = JSON.parse(stdout);
      expect([world, design]).toEqual(["live", "D3"]);
      // No timer fires early; how late they are is the machine's.
      expect(longer.mean).toBeGreaterThanOrEqual(0);
      expect(live).toBeGreaterThan(virtual);
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
      const { code, stdout } = await checkout(["--orders", "40", "--design", "D4", "--arrivals", arrivals, "--json"]);
      const result = JSON.parse(stdout);
      expect([code, result.designs[0].requests.sent]).toEqual([0, 40]);
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
      const { code, stdout } = await checkout(["--orders", "1000000", "--json"], (said, interrupt) => {
        if (said.includes("Ctrl-C")) interrupt();
      });
      expect(code).toBe(130);
      const { interrupted, designs, claims } = JSON.parse(stdout);
      expect([interrupted, claims]).toEqual([true, []]);
      expect(designs[0]).toMatchObject({
        name: "D1",
        requests: { sent: expect.any(Number), failed: expect.any(Number) },
      });
    },
    timeoutMs,
  );

  test(
    "teaches itself by example, on one screen",
    async () => {
      const { code, stdout } = await checkout(["--help"]);
      expect([code, stdout.split("\n").length < 25]).toEqual([0, true]);
      for (const flag of ["seed", "orders", "rate", "hiccup", "slots", "design", "arrivals", "live", "json"]) {
        expect(stdout).toContain(`--${flag}`);
      }
      expect(stdout).toContain("npm start -- --slots email=10");
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    },
    timeoutMs,
  );

  test.each([
    [["--hicup", "3"], "--hiccup N if that was meant"],
    [["--hiccup", "300"], "a number above 0 and at most 100, for example --hiccup 2"],
    [["--seed", "-1"], "a whole number of at least 0"],
    [["--design", "D1,D9"], "any of D1,D2,D3,D4"],
    [["--slots", "mail=3"], "a service and a number, for example --slots email=10"],
    [["--slots", "email"], "a whole number of at least 1, for example --slots email=10"],
    [["--live", "--design", "D1,D2"], "one design with --live"],
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
