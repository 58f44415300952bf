// Actors in threads of their own: as any actor in both worlds, and what only a thread can do in the live one.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Ref, receive, type SpawnOptions, type System, settle } from "antiphon";
import { crash, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { pool } from "../../src/actors/pool.ts";
import { transfer, WorkerRefusal } from "../../src/actors/thread/wire.ts";
import { type WorkerOptions, worker } from "../../src/actors/thread.ts";
import { live, sim } from "../conformance/world.ts";
import { Broken, Jammed, type Mill, mill } from "../fixtures/thread/mill.ts";

const execArgv = ["--import", new URL("../fixtures/thread/typescript.mjs", import.meta.url).href];
const module = new URL("../fixtures/thread/mill.ts", import.meta.url);
const options: WorkerOptions<Mill> = { model: mill, errors: { Broken, Jammed }, grace: 100, execArgv };

function spawn(system: System, own: WorkerOptions<Mill> = {}, how: SpawnOptions = {}): Ref<Mill> {
  return system.spawn(worker(module, { ...options, ...own }), { name: "mill", ...how });
}

describe.each([live, sim])("an actor of worker, in the $name world", ({ name, run }) => {
  const within = { within: "20s" } as const;

  test(`keeps its state, and knows of its message what any actor knows [P13 ${name}]`, () =>
    run(async ({ system }) => {
      const ref = spawn(system);
      expect(await system.ask(ref, within).grind({ n: 3 })).toBe(3);
      expect(await system.ask(ref, within).grind({ n: 4 })).toBe(7);
      const about = { id: "a", key: "k", attempt: 3 };
      expect(await system.ask(ref, { ...about, ...within }).about()).toEqual(about);
      const left = await system.ask(ref, { within: "10s" }).left();
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(10_000);
    }));

  test(`refuses, crashes and starts anew as any actor, with the errors it has [P13 ${name}]`, () =>
    run(async ({ system, events, breathe }) => {
      const ref = spawn(system);
      await system.ask(ref, within).grind({ n: 3 });
      const jammed = await settle(system.ask(ref, within).jam("oat"));
      if (jammed.ok) throw new Error("not refused");
      expect(jammed.error).toBeInstanceOf(Jammed);
      expect(jammed.error).toMatchObject({ _tag: "Jammed", grain: "oat", outcome: "answered", passed: [] });
      const broken = settle(system.ask(ref, within).break("wheel"));
      const after = system.ask(ref, within).grind({ n: 1 });
      expect(await broken).toMatchObject({ ok: false, error: { _tag: "ActorCrashed", outcome: "unknown" } });
      expect(await after).toBe(1);
      const [crashed] = events.filter(({ kind }) => kind === "crashed");
      const { reason } = crashed as { reason: Broken };
      expect(reason).toBeInstanceOf(Broken);
      expect(reason).toMatchObject({ message: "the wheel broke", part: "wheel", cause: { message: "too hard" } });
      expect(reason.cause).toBeInstanceOf(RangeError);

      // It may be due before the answer has left.
      await settle(system.ask(ref, within).later());
      const crashes = () => events.filter(({ kind }) => kind === "crashed");
      while (crashes().length < 2) await breathe();
      expect(crashes()[1]).toMatchObject({ reason: { message: "the timer broke" } });
    }));

  test(`gets copies, and buffers that are moved; it says what can not be sent [P13 ${name}]`, () =>
    run(async ({ system }) => {
      const ref = spawn(system);
      const numbers = new Float64Array([1, 2]);
      const copied = await system.ask(ref, within).double({ numbers });
      expect([...copied.doubled, numbers.length]).toEqual([2, 4, 2]);
      const moved = await system.ask(ref, within).double(transfer({ numbers }, [numbers.buffer]));
      expect([...moved.doubled, numbers.length]).toEqual([2, 4, 0]);

      const refused = async (n: unknown) => await settle(system.ask(ref, within).grind({ n: n as number }));
      const error = { _tag: "NotIsolated", outcome: "not-started", message: expect.stringContaining("/mill") };
      expect(await refused(ref)).toMatchObject({ ok: false, error });
      expect(await refused(new Map([[1, { ref }]]))).toMatchObject({ ok: false, error });
      expect(await refused(() => 1)).toMatchObject({ ok: false, error });
      const opaque = await settle(system.ask(ref, within).opaque());
      expect(opaque).toMatchObject({ ok: false, error: { _tag: "NotIsolated", outcome: "unknown" } });
      const unknown = await settle(system.ask(ref as unknown as Ref<{ nothing(): void }>, within).nothing());
      expect(unknown).toMatchObject({ ok: false, error: { _tag: "UnknownMessage", outcome: "not-started" } });
      expect(await system.ask(ref, within).grind({ n: 1 })).toBe(1);
    }));

  test(`is signalled when its asker gives up, and ended with its thread if it runs on [P14 ${name}]`, () =>
    run(async ({ system, events, breathe }) => {
      const ref = spawn(system);
      await system.ask(ref, within).grind({ n: 3 });
      const polite = await settle(system.ask(ref, { within: 50 }).polite(1_000_000));
      expect(polite).toMatchObject({ ok: false, error: { _tag: "AskTimeout", outcome: "unknown" } });
      expect(await system.ask(ref, within).grind({ n: 4 })).toBe(7);
      const giveUp = new AbortController();
      const { signal } = giveUp;
      const cancelled = settle(system.ask(ref, { signal, within: "1h" }).polite(1_000_000));
      while (system.census(ref).running === 0) await breathe();
      giveUp.abort();
      expect(await cancelled).toMatchObject({ ok: false, error: { _tag: "Cancelled", outcome: "unknown" } });
      expect(await system.ask(ref, within).grind({ n: 1 })).toBe(8);

      const slow = settle(system.ask(ref, { within: 50 }).slow(1_000_000));
      const next = system.ask(ref, within).grind({ n: 1 });
      expect(await slow).toMatchObject({ ok: false, error: { _tag: "AskTimeout", outcome: "unknown" } });
      expect(await next).toBe(1);
      const reason = expect.objectContaining({ _tag: "WorkerFailed", message: expect.stringContaining("100 ms") });
      expect(events.filter(({ kind }) => kind === "crashed")).toEqual([expect.objectContaining({ reason })]);
    }));

  test(`handles one message at a time, or several; a crash is one for all of them [P13 ${name}]`, () =>
    run(async ({ system }) => {
      const ref = spawn(system, {}, { concurrency: 2 });
      const ends: string[] = [];
      const note = (end: string) => () => ends.push(end);
      const slow = settle(system.ask(ref, within).slow(1_000_000));
      await system.ask(ref, within).slow(1).then(note("fast"));
      const broken = settle(system.ask(ref, within).break("stone"));
      expect(await broken).toMatchObject({ ok: false, error: { _tag: "ActorCrashed" } });
      expect(await slow).toMatchObject({ ok: false, error: { _tag: "ActorRestarted", outcome: "unknown" } });
      expect(ends).toEqual(["fast"]);
    }));

  test(`keeps its state through a throw, when it is resumed [P13 ${name}]`, () =>
    run(async ({ system }) => {
      const ref = spawn(system, {}, { supervision: { onCrash: "resume" } });
      await system.ask(ref, within).grind({ n: 3 });
      expect(await settle(system.ask(ref, within).break("wheel"))).toMatchObject({ error: { _tag: "ActorCrashed" } });
      expect(await system.ask(ref, within).grind({ n: 4 })).toBe(7);
    }));

  test(`is one of several in a pool [P13 ${name}]`, () =>
    run(async ({ system }) => {
      const mills = system.spawn(pool(worker(module, options), { size: 2 }), { name: "mills" });
      const all = [1, 2, 3, 4].map((n) => system.ask(mills, within).grind({ n }));
      const sums = await Promise.all(all);
      expect(sums.reduce((sum, n) => Math.max(sum, n))).toBeLessThan(10);
    }));
});

describe("a worker in a thread", () => {
  test("is ended when it never gives up control, or ends by itself [P14 live]", () =>
    live.run(async ({ system, events }) => {
      const ref = spawn(system);
      await system.ask(ref).grind({ n: 1 });
      expect(await settle(system.ask(ref, { within: 50 }).spin())).toMatchObject({ error: { _tag: "AskTimeout" } });
      expect(await system.ask(ref, { within: "20s" }).grind({ n: 2 })).toBe(2);
      const exit = await settle(system.ask(ref).exit(3));
      const cause = expect.objectContaining({ _tag: "WorkerFailed", message: "/mill: its thread ended with code 3." });
      expect(exit).toMatchObject({ ok: false, error: { _tag: "ActorCrashed", cause } });
      expect(events.filter(({ kind }) => kind === "crashed")).toHaveLength(2);
    }));

  test("crashes alone by what is thrown outside of actors [P13 live]", () =>
    live.run(async ({ system }) => {
      const other = system.spawn(() => ({ ping: () => "pong" }));
      const ref = spawn(system);
      const cause = expect.objectContaining({
        _tag: "WorkerFailed",
        message: expect.stringContaining("the shaft broke"),
      });
      const stray = await settle(system.ask(ref, { within: "20s" }).stray());
      expect(stray).toMatchObject({ ok: false, error: { _tag: "ActorCrashed", cause } });
      expect(await system.ask(ref, { within: "20s" }).grind({ n: 1 })).toBe(1);
      expect(await system.ask(other).ping()).toBe("pong");
    }));

  test.each([
    ["../fixtures/thread/nowhere.ts", "nowhere.ts"],
    ["../fixtures/thread/typescript.mjs", "does not export by default"],
  ])("says why its module can not be run: %s [P13 live]", (path, says) =>
    live.run(async ({ system, events }) => {
      const none = worker<Mill>(new URL(path, import.meta.url), { execArgv });
      const ref = system.spawn(none, { name: "mill", supervision: { maxRestarts: 0 } });
      const failed = await settle(system.ask(ref, { within: "20s" }).grind({ n: 1 }));
      expect(failed).toMatchObject({ ok: false, error: { _tag: "ActorStopped", outcome: "not-started" } });
      const [crashed] = events.filter(({ kind }) => kind === "crashed");
      expect(crashed).toMatchObject({ reason: { _tag: "WorkerFailed", message: expect.stringContaining(says) } });
    }),
  );

  test("is disposed of when its actor stops, and its thread has ended then [P15 live]", () =>
    live.run(async ({ system }) => {
      const ref = spawn(system);
      const sign = new Int32Array(new SharedArrayBuffer(4));
      await system.ask(ref, { within: "20s" }).hang({ sign });
      await system.stop();
      expect(Atomics.load(sign, 0)).toBe(1);
    }));

  test.each([["stop"], ["idle"]])("keeps no process alive: %s [P15 live]", async (how) => {
    const program = ["--import", "tsx", "test/fixtures/thread/idle.ts", how];
    const { stdout } = await promisify(execFile)(process.execPath, program);
    expect(stdout).toBe("20\n");
  });
});

describe("a worker in virtual time", () => {
  const costs = { grind: (random: () => number) => 10 + random(), jam: "1s" } as const;
  const day = (seed: number) =>
    simulate({ seed, faults: [crash("/mills/0", { at: 15 })] }, async ({ system, now }) => {
      const make = worker(module, { ...options, costs });
      const mills = system.spawn(pool(make, { size: 2 }), { name: "mills" });
      const all = [1, 2, 3, 4, 5].map((n) => settle(system.ask(mills).grind({ n })));
      const failed = (await Promise.all(all)).filter(({ ok }) => !ok).length;
      return { ms: now(), failed };
    });

  test("takes the time that is given, and is equal for equal seeds [P13 sim] [W1 sim]", async () => {
    const [one, again, other] = [await day(1), await day(1), await day(2)];
    expect(one.value.failed).toBe(1);
    expect(one.value.ms).toBeGreaterThan(20);
    expect(one.value.ms).toBeLessThan(40);
    expect(again.hash).toBe(one.hash);
    expect(other.hash).not.toBe(one.hash);
  });

  test("works in no time without a cost, and not without a model", async () => {
    const { value } = await simulate({ report: () => {} }, async ({ system, now }) => {
      await system.ask(spawn(system)).grind({ n: 1 });
      const none = system.spawn(worker<Mill>(module), { name: "none", supervision: { onCrash: "stop" } });
      const failed = await settle(system.ask(none).grind({ n: 1 }));
      return { ms: now(), failed };
    });
    expect(value).toMatchObject({ ms: 0, failed: { ok: false } });
  });
});

describe("worker", () => {
  test.each<[string, () => unknown]>([
    ["module", () => worker("./mill.ts")],
    ["grace", () => worker(module, { grace: "soon" as never })],
    ["costs.grind", () => worker<Mill>(module, { costs: { grind: "much" as never } })],
    ["model", () => worker(module, { model: {} as never })],
    ["size", () => worker(module, { size: 2 } as never)],
  ])("refuses a wrong %s", (option, make) => {
    expect(make).toThrow(expect.objectContaining({ _tag: "InvalidOption", option }));
  });

  test("takes no object with [receive]", () =>
    simulate({}, async ({ system }) => {
      const model = () => ({ [receive]: () => {} });
      expect(() => system.spawn(worker(module, { model }), { name: "front" })).toThrow(
        "The factory of /front gave an object with [receive] to a worker.",
      );
    }));

  test("gives refusals of unknown classes their tag, code and fields, in both worlds alike", () =>
    simulate({}, async ({ system }) => {
      const ref = spawn(system, { errors: {} });
      const jammed = await settle(system.ask(ref).jam("oat"));
      if (jammed.ok) throw new Error("not refused");
      expect(jammed.error).toBeInstanceOf(WorkerRefusal);
      expect(jammed.error).toMatchObject({ _tag: "Jammed", name: "Jammed", code: "REFUSED", grain: "oat" });
    }));
});
