import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSystem, type Self, type System } from "antiphon";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { JournalCorrupt, JournalLocked } from "../../../src/actors/broker/failure-journal.ts";
import { encodeGroup } from "../../../src/actors/broker/format.ts";
import { lmdbJournal } from "../../../src/actors/broker/lmdb.ts";
import { repairJournal } from "../../../src/actors/broker/lmdb-repair.ts";
import { keyOf, lmdbOpen } from "../../../src/actors/broker/lmdb-store.ts";
import { persistent } from "../../../src/actors/broker/persistent.ts";

const top = mkdtempSync(join(tmpdir(), "antiphon-lmdb-"));
const child = "node_modules/.antiphon/lmdb-child.mjs";
let made = 0;
const folder = (): string => join(top, `store-${++made}`);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

beforeAll(() => {
  buildSync({
    entryPoints: ["test/actors/broker/lmdb-child.ts"],
    outfile: child,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["lmdb", "msgpackr"],
    tsconfig: "tsconfig.json",
  });
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

interface Opened {
  readonly system: System;
  readonly snapshot: string | undefined;
  readonly records: readonly string[];
  append(...records: readonly string[]): Promise<void>;
  compact(snapshot: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a journal for an actor in a system of its own; rejects with what the opening fails with. */
async function opened(path: string, part = ""): Promise<Opened> {
  const system = createSystem({ report: false });
  return await new Promise<Opened>((resolve, reject) => {
    const make = async (self: Self) => {
      try {
        const journal = await lmdbJournal(path, { part })(self);
        const { snapshot, records } = journal.recovered;
        resolve({
          system,
          snapshot: snapshot && text(snapshot),
          records: [...records].map(text),
          append: (...records) => journal.append(records.map((one) => new TextEncoder().encode(one))),
          compact: (one) => journal.compact(new TextEncoder().encode(one)),
          close: async () => {
            await journal.close();
            await system.stop();
          },
        });
      } catch (error) {
        reject(error);
        throw error;
      }
      return { idle: () => {} };
    };
    system.spawn(make, { name: "a", supervision: { onCrash: "stop" } });
  });
}

async function found(path: string, part = ""): Promise<{ snapshot: string | undefined; records: readonly string[] }> {
  const { snapshot, records, close } = await opened(path, part);
  await close();
  return { snapshot, records };
}

async function written(path: string, groups: readonly (readonly string[])[]): Promise<void> {
  const journal = await opened(path);
  for (const group of groups) await journal.append(...group);
  await journal.close();
}

describe("lmdbJournal", () => {
  test("keeps what was appended, and a snapshot in the place of what was before it", async () => {
    const path = folder();
    await written(path, [["1", "2"], ["x".repeat(10_000)], [""]]);
    const journal = await opened(path);
    expect(journal.records).toEqual(["1", "2", "x".repeat(10_000), ""]);
    await Promise.all([journal.append("3"), journal.append("4"), journal.compact("1234"), journal.append("5")]);
    await journal.append();
    await journal.close();
    expect(await found(path)).toEqual({ snapshot: "1234", records: ["5"] });
  });

  test("has parts with records of their own in one file", async () => {
    const path = folder();
    const parts = await Promise.all(["", "a", "a b/ä"].map((part) => opened(path, part)));
    await Promise.all(parts.map((one, i) => one.append(`${i}`)));
    await Promise.all(parts.map((one) => one.close()));
    expect(await Promise.all(["", "a", "a b/ä"].map((part) => found(path, part)))).toEqual(
      ["0", "1", "2"].map((one) => ({ snapshot: undefined, records: [one] })),
    );
  });

  test("is refused while another actor or process has it", async () => {
    const path = folder();
    const journal = await opened(path);
    const refused = await opened(path).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(JournalLocked);
    expect((refused as Error).message).toMatch(/is open already: \/a has it/);
    const { out, end } = run(path, "open");
    await until(() => out.some((line) => line.startsWith("crashed")));
    expect(out[0]).toMatch(new RegExp(`crashed JournalLocked: .*process ${process.pid} has it.*Stop it first`));
    await end();
    await journal.close();
    expect(readdirSync(path)).not.toContain("owner.lock");
  });

  test("takes over the lock of a process that is gone, and waits for none that lives", async () => {
    const path = folder();
    const { out, process: other, end } = run(path, "open");
    await until(() => out.length > 0);
    expect(out).toEqual(["recovered 0"]);
    await expect(opened(path)).rejects.toThrow(new RegExp(`process ${other.pid} has it`));
    await end("SIGKILL");
    expect(readdirSync(path)).toContain("owner.lock");
    expect(await found(path)).toEqual({ snapshot: undefined, records: [] });
    writeFileSync(join(path, "owner.lock"), "not json");
    await found(path);
    writeFileSync(join(path, "owner.lock"), JSON.stringify({ pid: process.pid, began: "an earlier boot/1" }));
    await found(path);
  });

  test("says what it found in the place of a store", async () => {
    const foreign = folder();
    mkdirSync(foreign);
    writeFileSync(join(foreign, "data.mdb"), "this is no store, but long enough to look like one".repeat(200));
    await expect(opened(foreign)).rejects.toThrow(/data\.mdb, offset 0.*no LMDB file.*repair/);
    const other = folder();
    mkdirSync(other);
    writeFileSync(join(other, "photo.jpg"), "");
    await expect(opened(other)).rejects.toThrow(/found photo\.jpg and no data\.mdb/);
    const open = await lmdbOpen();
    const theirs = folder();
    const db = open(theirs);
    await db.put(Uint8Array.of(7), Uint8Array.of(1, 2, 3));
    await db.close();
    await expect(opened(theirs)).rejects.toThrow(
      /found an entry whose key is not that of its group: damaged or foreign/,
    );
  });

  test("refuses what a later version wrote, and a group that is missing", async () => {
    const change = async (
      path: string,
      work: (db: ReturnType<Awaited<ReturnType<typeof lmdbOpen>>>) => Promise<unknown>,
    ) => {
      const db = (await lmdbOpen())(path);
      await work(db);
      await db.flushed;
      await db.close();
    };
    const later = folder();
    await written(later, [["1"]]);
    await change(later, (db) => db.put(Uint8Array.of(0), new TextEncoder().encode("antiphon journal 2")));
    await expect(opened(later)).rejects.toThrow(/found the format "antiphon journal 2".*later antiphon/);
    const frame = folder();
    await written(frame, [["1"], ["2"], ["3"]]);
    const name = new Uint8Array(0);
    const two = encodeGroup(2, 1, [Uint8Array.of(50)]);
    two[3] = 2;
    await change(frame, (db) => db.put(keyOf(name, 2), two));
    await expect(opened(frame)).rejects.toThrow(/group 2: found format version 2, expected 1: written by a later/);
    await change(frame, (db) => db.remove(keyOf(name, 2)));
    await expect(opened(frame)).rejects.toThrow(/group 3: expected group 2: groups are missing/);
    await change(frame, (db) => db.remove(keyOf(name, 1)));
    await expect(opened(frame)).rejects.toThrow(/found group 3 first, expected 1 or a snapshot/);
  });

  test("keeps timers of a persistent actor going on the host's clock", async () => {
    const path = folder();
    const alarm = persistent(lmdbJournal(path), {
      initial: 0,
      apply: (rung: number, _: "rang") => rung + 1,
      commands: (_, log) => ({ arm: (ms: number) => log.after("ring", ms), rung: () => log.state }),
      timers: (_, log) => ({ ring: () => void log.emit("rang") }),
    });
    const first = createSystem({ report: false });
    await first.ask(first.spawn(alarm)).arm(60);
    await first.stop();
    await new Promise((resolve) => setTimeout(resolve, 70));
    const second = createSystem({ report: false });
    const ref = second.spawn(alarm);
    while ((await second.ask(ref).rung()) === 0) await new Promise<void>(setImmediate);
    expect(second.now()).toBeLessThan(5_000);
    await second.stop();
  });
});

describe("a damaged store", () => {
  const groups = Array.from({ length: 12 }, (_, i) => [`${i}`, i % 4 === 3 ? "y".repeat(5_000) : "z".repeat(40)]);

  test("is found damaged or read right, at whatever byte, and never ends the process", async () => {
    const path = folder();
    await written(path, groups);
    const whole = readFileSync(join(path, "data.mdb"));
    const stride = Number(process.env["FUZZ_STRIDE"] ?? 211);
    const outcomes = { right: 0, corrupt: 0 };
    for (let offset = 0; offset < whole.length; offset += stride) {
      const damaged = Buffer.from(whole);
      damaged[offset] = (damaged[offset] as number) ^ (1 << (offset % 8));
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path);
      writeFileSync(join(path, "data.mdb"), damaged);
      try {
        const { records } = await found(path);
        expect(records, `offset ${offset}`).toEqual(groups.flat());
        outcomes.right++;
      } catch (error) {
        expect(error, `offset ${offset}: ${error}`).toBeInstanceOf(JournalCorrupt);
        outcomes.corrupt++;
      }
    }
    expect(outcomes.right).toBeGreaterThan(10);
    expect(outcomes.corrupt).toBeGreaterThan(10);
  }, 120_000);

  test("is repaired: all that is readable is kept, and what is lost is said", async () => {
    const path = folder();
    const journal = await opened(path);
    for (const group of groups.slice(0, 3)) await journal.append(...group);
    await journal.compact("so far");
    for (const group of groups.slice(3)) await journal.append(...group);
    await journal.close();
    const file = join(path, "data.mdb");
    const damaged = readFileSync(file);
    // The frames of two groups, wherever copies of them are, and the pages that find them.
    for (const group of [7, 8])
      for (let at = damaged.indexOf("APH"); at >= 0; at = damaged.indexOf("APH", at + 3))
        if (damaged.readBigUInt64LE(at + 16) === BigInt(group)) damaged.fill(0, at, at + 3);
    damaged.fill(0, 0, 8_192);
    writeFileSync(file, damaged);
    await expect(opened(path)).rejects.toBeInstanceOf(JournalCorrupt);
    const { parts, text, damaged: beside } = await repairJournal(path);
    expect(parts).toEqual([{ part: "", snapshot: true, groups: 7, records: 14, lost: [[7, 8]] }]);
    expect(text).toMatch(/kept a snapshot and 7 groups with 14 records; lost are groups 7 to 8\n/);
    expect(readFileSync(beside)).toEqual(damaged);
    const expected = { snapshot: "so far", records: [...groups.slice(3, 5), ...groups.slice(7)].flat() };
    expect(await found(path)).toEqual(expected);
    const next = await opened(path);
    await next.append("later");
    await next.close();
    expect((await found(path)).records).toEqual([...expected.records, "later"]);
  });

  test("of which nothing is damaged is the same after a repair", async () => {
    const path = folder();
    await written(path, groups);
    expect((await repairJournal(path)).parts).toEqual([
      { part: "", snapshot: false, groups: 12, records: 24, lost: [] },
    ]);
    expect((await found(path)).records).toEqual(groups.flat());
  });
});

interface Running {
  readonly process: ChildProcess;
  readonly out: string[];
  end(signal?: "SIGKILL" | "SIGTERM"): Promise<void>;
}

function run(path: string, mode: string, wrap: readonly string[] = []): Running {
  const [command = process.execPath, ...args] = [...wrap, process.execPath, child, path, mode];
  const started = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const out: string[] = [];
  let rest = "";
  started.stdout?.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    out.push(...lines);
  });
  const ended = new Promise<void>((resolve) => started.on("close", () => resolve()));
  return {
    process: started,
    out,
    async end(signal = "SIGTERM") {
      started.kill(signal);
      await ended;
    },
  };
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("a process that is killed", () => {
  const rounds = Number(process.env["KILL_ROUNDS"] ?? 20);

  test(`loses nothing that was confirmed, and leaves no gap, in ${rounds} rounds`, async () => {
    const path = folder();
    let last = 0;
    let confirmed = 0;
    let draw = 7;
    for (let round = 0; round < rounds; round++) {
      const { out, end } = run(path, "append");
      await until(() => out.length > 0);
      draw = (draw * 48_271) % 2_147_483_647;
      await new Promise((resolve) => setTimeout(resolve, draw % 120));
      await end("SIGKILL");
      const [first = "", ...lines] = out;
      expect(first).toMatch(/^recovered \d+$/);
      expect(Number(first.slice(10))).toBeGreaterThanOrEqual(last);
      for (const line of lines) {
        expect(line).toMatch(/^confirmed \d+$/);
        last = Math.max(last, Number(line.slice(10)));
        confirmed++;
      }
    }
    expect(confirmed).toBeGreaterThan(rounds);
  }, 240_000);

  test("fails when the disk is full, and is whole afterwards", async () => {
    const path = folder();
    const { out, end } = run(path, "full", ["bash", "-c", "trap '' XFSZ; ulimit -f 300; exec \"$@\"", "--"]);
    await until(() => out.some((line) => /^failed|never/.test(line)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await end("SIGKILL");
    expect(out.filter((line) => line.startsWith("failed"))).toContain("failed JOURNAL_FAILED");
    const confirmed = out.findLast((line) => line.startsWith("confirmed"));
    const again = run(path, "open");
    await until(() => again.out.length > 0);
    expect(Number(again.out[0]?.slice(10))).toBeGreaterThanOrEqual(Number(confirmed?.slice(10)));
    expect(again.out[0]).toMatch(/^recovered/);
    await again.end();
  }, 30_000);
});
