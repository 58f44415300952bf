// The script as its users start it: a process with arguments.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const script = fileURLToPath(new URL("../../src/scenarios/orders.ts", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const timeoutMs = 120_000;

function orders(...args: string[]): Promise<{ stdout: string; stderr: string; code?: number }> {
  const env = { ...process.env, NO_COLOR: "1" };
  return promisify(execFile)(process.execPath, ["--import", "tsx", script, ...args], { cwd: root, env }).catch(
    (failed) => failed,
  );
}

interface Counts {
  readonly name: string;
  readonly [measure: string]: unknown;
}

describe("orders", () => {
  test(
    "loses nothing with a journal, has each effect once, keeps the order, and brings dead letters back",
    async () => {
      const { runs, claims, disk } = JSON.parse((await orders("--orders", "1000", "--json")).stdout);
      const found = runs.base.subscribers as Counts[];
      expect(found.map(({ name }) => name)).toEqual(["email", "analytics", "fraud", "inventory", "shipping"]);
      for (const one of found) {
        expect(one).toMatchObject({ effects: 1_000, notOnce: 0, inversions: 0, lost: 0 });
        expect(one["redriven"]).toBe(one["dead"]);
      }
      expect(found[1]).toMatchObject({ name: "analytics", dead: 2 });
      expect(found[3]!["ran"]).toBeGreaterThan(1_000);
      const verdicts = Object.fromEntries(claims.map(({ id, verdict }: Record<string, string>) => [id, verdict]));
      expect(verdicts).toMatchObject({
        ...{ lost: "limited", once: "limited", order: "limited", isolated: "limited" },
        ...{ deliveries: "confirmed", dead: "confirmed", redrive: "confirmed" },
      });
      expect(disk).toMatchObject({ orders: 2_000, lost: 0 });
      expect(disk.handledBefore).toBeLessThan(2_000);
      const [, , memory] = claims[0].checks;
      expect([memory.predicted, memory.measured > 0]).toEqual([0, true]);
    },
    timeoutMs,
  );

  test(
    "prints tables of at most 80 columns, and the same ones for the same seed",
    async () => {
      const [one, again] = await Promise.all([1, 2].map(() => orders("--orders", "1000", "--no-disk", "--seed", "3")));
      expect(again?.stdout).toBe(one?.stdout);
      expect(one?.stdout).toMatch(/^ +email +analytics +fraud +inventory +shipping$/m);
      expect(one?.stdout).toMatch(/^lost( +0){5}$/m);
      expect(one?.stdout).toMatch(/^limited +What was confirmed is not lost\./m);
      expect(one?.stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    },
    timeoutMs,
  );

  test(
    "teaches itself by example, on one screen",
    async () => {
      const { stdout } = await orders("--help");
      for (const flag of ["seed", "orders", "disk", "no-disk", "json"]) expect(stdout).toContain(`--${flag}`);
      expect(stdout.split("\n").length).toBeLessThan(25);
    },
    timeoutMs,
  );

  test.each([
    [["--order", "3"], "--orders N if that was meant"],
    [["--orders", "10"], "a whole number of at least 1000, for example --orders 1000"],
    [["--seed", "-1"], "a whole number of at least 0"],
    [["--disk", "package.json"], "a folder for a journal"],
    [["--disk", "x", "--no-disk"], "either --disk FOLDER or --no-disk"],
  ])(
    "says what to type instead of %j",
    async (args, message) => {
      const { code, stdout, stderr } = await orders(...args);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(message);
    },
    timeoutMs,
  );
});
