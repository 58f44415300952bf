// What a system does to the process it runs in: each program is a process of its own.

import { execFile } from "node:child_process";
import { createSystem, InvalidOption, type SystemOptions } from "antiphon";
import { describe, expect, test } from "vitest";
import type { ActorSystem } from "../../src/runtime/kernel/system.ts";

interface Ended {
  readonly code: number;
  readonly out: string[];
  readonly err: string;
}

/** Runs a program to its end. One that does not end by itself is killed, and the test fails by the code. */
function run(program: string): Promise<Ended> {
  const source = `import { createSystem, settle } from "./src/index.ts";\n${program}`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", source];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 30_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, out: stdout.split("\n").slice(0, -1), err: stderr });
    });
  });
}

/** An actor with each way to wait, and a line printed when the process ends. */
const waiting = `
  const system = createSystem();
  process.on("exit", () => console.log("end"));
  const ref = system.spawn((self) => ({
    sleep: async (ms) => { await self.sleep(ms); console.log("slept"); },
    after: (ms) => { self.after(ms, () => console.log("after")); },
    every: (ms) => { self.every(ms, () => console.log("every")); },
    never: () => new Promise(() => {}),
    echo: (value) => value,
  }), { name: "waiting", concurrency: 10, supervision: { settleWithin: 10 } });
`;

describe("a process", { timeout: 60_000 }, () => {
  test.each([
    ["an idle system does not keep alive", "", ["end"]],
    ["a system that has been used does not keep alive", "console.log(await system.ask(ref).echo(7));", ["7", "end"]],
    ["a sleeping handler keeps alive", "system.tell(ref).sleep(30);", ["slept", "end"]],
    ["`after` keeps alive", "system.tell(ref).after(30);", ["after", "end"]],
    ["`every` does not keep alive", "system.tell(ref).every(100_000);", ["end"]],
    [
      "`every` runs as long as something else keeps alive",
      "system.tell(ref).every(10); system.tell(ref).sleep(200);",
      expect.arrayContaining(["every", "slept", "end"]),
    ],
    [
      "an ask in flight keeps alive until its deadline",
      "const { error } = await settle(system.ask(ref, { within: 50 }).never()); console.log(error.code);",
      ["ASK_TIMEOUT", "end"],
    ],
    ["a handler that nobody waits for does not keep alive", "system.tell(ref).never();", ["end"]],
    [
      "a stopped system does not keep alive",
      "system.tell(ref).sleep(60_000); await system.ask(ref).echo(1); await system.stop();",
      ["end"],
    ],
  ])("%s", async (_what, program, out) => {
    expect(await run(waiting + program)).toEqual({ code: 0, out, err: "" });
  });

  test("a rejected ask that nobody awaits does not end, and is reported", async () => {
    const { code, out, err } = await run(`
      const system = createSystem();
      const ref = system.spawn(() => ({ fail() { throw new Error("planted"); } }), { name: "failing" });
      void system.ask(ref).fail();
      process.on("exit", () => console.log("end"));
    `);
    expect({ code, out }).toEqual({ code: 0, out: ["end"] });
    expect(err).toMatch(/^antiphon: \/failing crashed in fail.*planted/m);
    expect(err).toMatch(/^antiphon: unheard: fail of \/failing, sent by outside, failed and nobody waited/m);
  });

  test("a rejected ask whose promise was listened to is not reported a second time, and ends by the user's throw", async () => {
    const failing = `
      const system = createSystem({ report: (event) => console.log(event.kind) });
      const ref = system.spawn(() => ({ fail() { throw new Error("planted"); } }), { name: "failing" });
    `;
    const heard = await run(`${failing} await system.ask(ref).fail().catch(() => {});`);
    expect(heard).toEqual({ code: 0, out: ["crashed"], err: "" });
    const thrown = await run(`${failing} await system.ask(ref).fail();`);
    expect(thrown.code).toBe(1);
    expect(thrown.err).toContain("ActorCrashed");
  });

  test("[F3 live] work of no message that sleeps when its actor stops sleeps on: it does not end the process", async () => {
    const asleep = `
      const system = createSystem();
      const loop = async (self) => { for (;;) await self.sleep("1h"); };
      const ref = system.spawn((self) => { void loop(self); return { go() { void loop(self); } }; });
      await system.ask(ref).go();
      await system.stop();
      console.log("stopped");
    `;
    expect(await run(asleep)).toEqual({ code: 0, out: ["stopped"], err: "" });
  });

  test("`speed` scales the clock: an hour of the world passes at 1,000,000 times the host's", async () => {
    const { out } = await run(`
      const system = createSystem({ speed: 1_000_000 });
      const ref = system.spawn((self) => ({ async wait() { await self.sleep("1h"); return self.now(); } }));
      console.log((await system.ask(ref, { within: Infinity }).wait()) >= 3_600_000);
    `);
    expect(out).toEqual(["true"]);
  });
});

describe("createSystem", () => {
  test.each<[string, unknown]>([
    ["name", ""],
    ["name", 7],
    ["seed", 0.5],
    ["seed", Number.NaN],
    ["seed", "1"],
    ["speed", 0],
    ["speed", -1],
    ["speed", Number.NaN],
    ["speed", Number.POSITIVE_INFINITY],
    ["speed", "2"],
    ["isolation", "copy"],
    ["report", true],
    ["report", "console"],
    ["sped", 2],
  ])("refuses %s: %o with InvalidOption", (option, value) => {
    const options = { [option]: value } as SystemOptions;
    expect(() => createSystem(options)).toThrow(InvalidOption);
    expect(() => createSystem(options)).toThrow(new RegExp(`^${option}: found .*, allowed is .+\\.$`));
  });

  test.each<[SystemOptions]>([
    [{}],
    [{ name: "shop", seed: -7, speed: 0.5, isolation: "clone", report: false }],
    [{ name: undefined, seed: undefined, speed: undefined, isolation: undefined, report: undefined }],
    [{ seed: Number.MAX_SAFE_INTEGER, report: () => {} }],
  ])("takes %o", async (options) => {
    const system = createSystem(options);
    expect(system.name).toBe(options.name ?? "system");
    if (options.seed !== undefined) expect(system.seed).toBe(options.seed);
    await system.stop();
  });

  test("draws a seed of its own, unlike that of the next", () => {
    expect(createSystem().seed).not.toBe(createSystem().seed);
  });
});

describe("AsyncLocalStorage", { timeout: 60_000 }, () => {
  test("[T1 live] is made for the first actor with concurrency above 1 and not before", async () => {
    const system = createSystem({ seed: 1, report: false }) as ActorSystem;
    const { context } = system.core.world;
    const opened: boolean[] = [];
    const make = (self: { readonly message: { readonly type: string } | undefined }) => ({
      see() {
        // What the context holds in a handler: nothing, as long as there is no storage.
        opened.push(context.current() !== undefined);
        return self.message?.type;
      },
    });
    const serial = system.spawn(make);
    expect(await system.ask(serial).see()).toBe("see");
    const wide = system.spawn(make, { concurrency: 2 });
    expect(await system.ask(wide).see()).toBe("see");
    expect(await system.ask(serial).see()).toBe("see");
    expect(opened).toEqual([false, true, false]);
    await system.stop();
  });

  test("[T1 live] costs a process without such actors no hook", async () => {
    const hooks = (concurrency: number) => `
      import { executionAsyncResource, createHook } from "node:async_hooks";
      const system = createSystem();
      const ref = system.spawn(() => ({ async see() { await null; } }), { concurrency: ${concurrency} });
      await system.ask(ref).see();
      const made = Object.getOwnPropertySymbols(executionAsyncResource()).length;
      console.log(made);
    `;
    const [serial, wide] = await Promise.all([run(hooks(1)), run(hooks(2))]);
    // From Node 24 on the engine keeps the context itself: no hook at all.
    const hooked = Number.parseInt(process.versions.node, 10) < 24 ? "1" : "0";
    expect([serial.out, wide.out]).toEqual([["0"], [hooked]]);
  });
});
