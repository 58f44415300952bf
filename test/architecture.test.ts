import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isDoor, limits, loaded, rooms, violations } from "./architecture/rules.ts";
import { readSources } from "./architecture/source.ts";

const sources = readSources(".", ["src", "test", "bench"]);

describe("the architecture", () => {
  test("keeps its rules", () => {
    expect(violations(sources, limits)).toEqual([]);
  });

  test("has rules that each find what was planted against them", () => {
    const planted = readSources("test/fixtures/planted/architecture", ["src"]);
    expect(violations(planted, { kernelLines: 12, fileLines: 11, medianLines: 2 }).sort()).toEqual([
      "barrels: src/lab/all.ts is no door",
      "barrels: src/lab/deep/index.ts is no door",
      "cycles: src/runtime/kernel/ping.ts → src/runtime/kernel/pong.ts → src/runtime/kernel/ping.ts",
      "hosted: src/runtime/kernel/clock.ts uses performance",
      "hosted: src/runtime/kernel/host.ts uses globalThis",
      "hosted: src/runtime/kernel/host.ts uses process",
      "hosted: src/runtime/kernel/host.ts uses setTimeout",
      "layers: src/actors/patterns/inward.ts imports src/actors/broker/broker.ts",
      "layers: src/actors/pool.ts imports a computed name",
      "layers: src/actors/pool.ts imports piscina",
      "layers: src/runtime/kernel/clock.ts imports node:perf_hooks",
      "layers: src/runtime/live/upward.ts imports src/lab/rate.ts",
      "layers: src/runtime/loose.ts is in no room",
      "layers: src/runtime/observe/sideways.ts imports src/actors/pool.ts",
      "layers: src/runtime/observe/sideways.ts imports src/runtime/live/upward.ts",
      "layers: src/scenarios/inside.ts imports src/lab/rate.ts",
      "names: src/lab/helpers.ts says QueueManager",
      "names: src/lab/helpers.ts says src/lab/helpers.ts",
      "sizes: src/lab/chance.ts has 12 lines of 11",
      "sizes: the kernel has 16 lines of 12",
      "sizes: the median file has 3 lines of 2",
      "worldly: src/lab/chance.ts uses **",
      "worldly: src/lab/chance.ts uses **=",
      "worldly: src/lab/chance.ts uses Date()",
      "worldly: src/lab/chance.ts uses Date.now",
      "worldly: src/lab/chance.ts uses Math.pow",
      "worldly: src/lab/chance.ts uses Math.random",
      "worldly: src/lab/chance.ts uses Math.random",
      "worldly: src/lab/chance.ts uses Math.random",
      "worldly: src/lab/chance.ts uses new Date()",
    ]);
  });

  test("is not kept by an empty tree", () => {
    expect(violations([], limits)).toEqual(["scan: no file was found"]);
  });

  test.each(Object.keys(rooms).filter((room) => existsSync(room)))("has files to check in %s", (room) => {
    expect(sources.some(({ path }) => path.startsWith(room))).toBe(true);
  });
});

describe('import "antiphon"', () => {
  const { files, modules } = loaded(sources, "src/index.ts");

  test("loads no package, and of Node what the live world needs", () => {
    expect(files.length).toBeGreaterThan(3);
    expect(["node:async_hooks", "node:perf_hooks"]).toEqual(expect.arrayContaining(modules));
  });

  test("loads few files, none of them from a room above the runtime", () => {
    expect(files.length).toBeLessThanOrEqual(40);
    expect(files.filter((path) => !/^src\/(index\.ts$|runtime\/(kernel|live)\/)/.test(path))).toEqual([]);
  });
});

describe("package.json", () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    exports: Record<string, { types: string; default: string }>;
  };
  const doors = Object.values(exports).filter((door) => typeof door === "object");

  test("opens exactly the doors there are", () => {
    const source = (compiled: string) => compiled.replace("./dist", "src").replace(/(\.d)?\.[jt]s$/, ".ts");
    const files = sources.map(({ path }) => path).filter(isDoor);
    expect(doors.map((door) => source(door.default)).sort()).toEqual(files.sort());
    expect(doors.map((door) => source(door.types))).toEqual(doors.map((door) => source(door.default)));
  });
});
