// The command as it is typed, with the least customers that say anything.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const script = fileURLToPath(new URL("../../bench/validate.ts", import.meta.url));
const timeoutMs = 60_000;

function validate(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--import", "tsx", script, ...args], { encoding: "utf8" });
}

describe("npm run validate", () => {
  test(
    "compares what it is told to, and says so",
    () => {
      const { status, stdout, stderr } = validate("--only", "v39", "--scale", "0.01", "--json");
      const { rows } = JSON.parse(stdout);
      expect(status).toBe(0);
      expect(stderr).toMatch(/^1 of 1: V39 /);
      expect([...new Set(rows.flatMap(({ ids }: { ids: string[] }) => ids))]).toEqual(["V39"]);
      for (const { predicted, low, high, agrees } of rows) expect(agrees).toBe(low <= predicted && predicted <= high);
    },
    timeoutMs,
  );

  test(
    "says what to type instead of a case that there is not",
    () => {
      const { status, stdout, stderr } = validate("--only", "V6,V99");
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/--only.*V99.*V6, V9, .*--only V6,V20/);
    },
    timeoutMs,
  );
});
