import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

describe("under tsx", () => {
  test("classes with an object per message are as fast as compiled, where any other class is not", async () => {
    const args = ["--allow-natives-syntax", "--import", "tsx", "test/fixtures/quick.ts"];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { Plain, ...ours } = JSON.parse(stdout) as Record<string, boolean>;
    expect(Object.keys(ours).length).toBeGreaterThan(5);
    expect(Object.entries(ours).filter(([, isFast]) => !isFast)).toEqual([]);
    // If this fails, tsx or V8 has changed, and quicken.ts may go.
    expect(Plain).toBe(false);
  }, 30_000);
});
