// What is written down of a run: the names of its events, its text, and what its hash sees.

import { type Ref, Refusal, type Self, type System } from "antiphon";
import { crash, type SimulatedWorld, type SimulateOptions, type Simulation, simulate } from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digest } from "../../../src/runtime/sim/digest.ts";

/** Runs until nothing is left to happen. */
const until = (prepare: (system: System, world: SimulatedWorld) => unknown, options: SimulateOptions = {}) =>
  simulate(options, async (world) => {
    await prepare(world.system, world);
    await world.runUntilIdle();
  });

const events = ({ trace }: Simulation<unknown>) =>
  trace.filter(({ name }) => name.includes("#")).map(({ kind, name }) => `${kind} ${name}`);

describe("the name of an event", () => {
  test("says from whom it goes to whom with what message, and its number", async () => {
    const run = await until(
      (system) => {
        const b = system.spawn(
          (self: Self) => {
            self.after(1, () => {}, "beat");
            self.after(1, () => {});
            return { get: () => self.sleep(2) };
          },
          { name: "b" },
        );
        const a = system.spawn(
          (self: Self) => {
            self.watch(b, () => {});
            return { go: () => self.pipeToSelf(self.ask(b, { within: 5 }).get(), () => {}) };
          },
          { name: "a" },
        );
        system.tell(a).go();
      },
      { latency: { "/a>/b": 1 }, faults: [crash("/b", { at: 2 })] },
    );
    expect(events(run)).toEqual([
      "start />/a:go#1",
      "due /b/timer:beat#1",
      "due /b/timer:timer#1",
      "arrive /b/arrive:/a:get#1",
      "start /b/timer:beat#2",
      "start /b/timer:timer#2",
      "start /a>/b:get#1",
      "fault f:crash/b#1",
      "reply /b~>/a:get#1",
      "start /a/reply:get#1",
      "start /a/pipe:pipe#1",
      "due /b/timer:beat#3",
      "due /b/timer:timer#3",
      "start /b/timer:beat#4",
      "start /b/timer:timer#4",
    ]);
  });

  test("is never given again, over restarts and new actors at an old path", async () => {
    const run = await until(async (system, { run }) => {
      const start = () => {
        const ref: Ref<{ get(how: string): void }> = system.spawn(
          (self: Self) => {
            self.after(1, () => {}, "beat");
            return {
              get(how: string) {
                if (how === "crash") throw new Error("planted");
                if (how === "stop") self.stop();
              },
            };
          },
          { name: "a" },
        );
        return ref;
      };
      for (const how of ["crash", "stop", "crash"]) {
        const ref = start();
        system.tell(ref).get(how);
        await run(2);
        system.tell(ref).get("stop");
        await run(1);
      }
    });
    const all = events(run);
    expect(new Set(all).size).toBe(all.length);
    const numbered = (prefix: string, ...numbers: number[]) => numbers.map((n) => `${prefix}#${n}`);
    expect(all.filter((name) => name.includes(">"))).toEqual(numbered("start />/a:get", 1, 2, 3, 4, 5));
    // It comes due, and it starts.
    expect(all.filter((name) => name.startsWith("due /a"))).toEqual(numbered("due /a/timer:beat", 1, 3));
  });

  test("does not change what an actor is called that tells before its object says what it is", async () => {
    class Mug {
      held() {}
    }
    const pathUnder = async (trace: "full" | "off") => {
      let path = "";
      await until(
        (system) => {
          const other = system.spawn(() => ({ hear() {} }), { name: "other" });
          path = system.spawn((self: Self) => {
            self.tell(other).hear();
            return new Mug();
          }).path;
        },
        { trace },
      );
      return path;
    };
    expect([await pathUnder("full"), await pathUnder("off")]).toEqual(["/mug-1", "/mug-1"]);
  });

  test("of an actor without a given name is made of its class and its place among its siblings", async () => {
    class Store {
      get(): void {}
    }
    const run = await until((system) => {
      for (let i = 0; i < 2; i++) system.tell(system.spawn(() => new Store())).get();
      system.tell(system.spawn(() => ({ get() {} }))).get();
    });
    expect(events(run)).toEqual(["start />/store-1:get#1", "start />/store-2:get#1", "start />/actor-1:get#1"]);
  });
});

describe("a trace", () => {
  const small = (options: SimulateOptions) =>
    until((system) => {
      const a = system.spawn((self: Self) => ({ nap: () => self.sleep(2.5), fail: () => new No() }), { name: "a" });
      system.tell(a).nap();
      system.tell(a).fail();
    }, options);
  class No extends Refusal {
    readonly _tag = "No";
  }

  test("has a line for each event and each end of a message: step, time, kind and name", async () => {
    const { trace } = await small({});
    expect(trace.map(String)).toEqual([
      "     1  0 ms  start       />/a:nap#1",
      "     2  2.5 ms  due         /a/sleep#1",
      "     2  2.5 ms  handled     /a:nap",
      "     3  2.5 ms  start       />/a:fail#1",
      "     3  2.5 ms  refused     /a:fail",
    ]);
    expect(trace[0]).toMatchObject({ step: 1, at: 0, kind: "start", name: "/>/a:nap#1", path: "/a", draws: 0 });
  });

  test("keeps as many entries as it may, and the hash is of all", async () => {
    const full = await small({});
    const some = await small({ traceLimit: 2 });
    expect(some.trace.map(String)).toEqual(full.trace.slice(0, 2).map(String));
    const hash = await small({ trace: "hash" });
    expect([hash.trace, some.hash, hash.hash]).toEqual([[], full.hash, full.hash]);
    const off = await small({ trace: "off" });
    expect([off.trace, off.hash, off.steps]).toEqual([[], undefined, full.steps]);
  });
});

describe("the hash of a run", () => {
  interface Change {
    readonly payload?: unknown;
    readonly answer?: unknown;
    readonly napMs?: number;
    readonly order?: readonly string[];
    readonly draws?: number;
    readonly type?: "take" | "keep";
    readonly name?: string;
    readonly ends?: () => unknown;
  }
  async function hashOf(change: Change): Promise<string | undefined> {
    const {
      payload = { id: 1, lines: [{ sku: "mug", count: 2 }] },
      answer = [1],
      napMs = 5,
      order = ["a", "b"],
    } = change;
    const run = await until((system) => {
      const store = system.spawn(
        (self: Self) => {
          const take = async (_: unknown) => {
            for (let i = 0; i < (change.draws ?? 1); i++) self.random();
            await self.sleep(napMs);
            return answer;
          };
          return { take, keep: take, end: change.ends ?? (() => {}) };
        },
        { name: change.name ?? "store", supervision: { onCrash: "resume" } },
      );
      const buyer = (self: Self) => ({ go: async () => void (await self.ask(store)[change.type ?? "take"](payload)) });
      const buyers = new Map([...new Set(order)].sort().map((name) => [name, system.spawn(buyer, { name })]));
      for (const name of order) system.tell(buyers.get(name) as Ref<{ go(): void }>).go();
      system.tell(store).end();
    });
    return run.hash;
  }
  class No extends Refusal {
    readonly _tag: string;

    constructor(tag: string, message: string) {
      super(message);
      this._tag = tag;
    }
  }
  const hurl = (message: string) => () => {
    throw new Error(message);
  };
  const no = (tag: string, message: string) => () => new No(tag, message);

  test("is another for another payload, answer, time, order, number of draws, name, message or end", async () => {
    const changes: Change[] = [
      {},
      { payload: { id: 2, lines: [{ sku: "mug", count: 2 }] } },
      { payload: { id: 1, lines: [{ sku: "mug", count: 3 }] } },
      { payload: { id: 1, lines: [{ sku: "cup", count: 2 }] } },
      { payload: { id: 1, items: [{ sku: "mug", count: 2 }] } },
      { payload: { id: "1", lines: [{ sku: "mug", count: 2 }] } },
      { payload: null },
      { answer: [2] },
      { answer: [1, undefined] },
      { answer: null },
      { napMs: 5.000_000_001 },
      { napMs: 6 },
      { order: ["b", "a"] },
      { order: ["a", "b", "b"] },
      { draws: 0 },
      { draws: 2 },
      { type: "keep" },
      { name: "shop" },
      { ends: hurl("planted") },
      { ends: no("No", "") },
    ];
    const hashes = await Promise.all(changes.map(hashOf));
    expect(new Set(hashes).size).toBe(changes.length);
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(await Promise.all(changes.map(hashOf))).toEqual(hashes);
  });

  test("does not see the text of an error, which is the host's, but its kind", async () => {
    expect(await hashOf({ ends: hurl("one text") })).toBe(await hashOf({ ends: hurl("another") }));
    expect(await hashOf({ answer: no("No", "one text")() })).toBe(await hashOf({ answer: no("No", "another")() }));
    expect(await hashOf({ answer: no("No", "")() })).not.toBe(await hashOf({ answer: no("Never", "")() }));
  });
});

describe("the digest of a value", () => {
  test("is equal for equal values, and differs for others", async () => {
    const plain = fc.object({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true });
    const digests = new Map<string, string>();
    await fc.assert(
      fc.property(plain, (value) => {
        const copy: unknown = structuredClone(value);
        expect(digest(copy)).toBe(digest(value));
        const text = fc.stringify(value).replaceAll("-0", "0");
        const known = digests.get(`${digest(value)}`);
        expect(known ?? text).toBe(text);
        digests.set(`${digest(value)}`, text);
      }),
      { seed: 31, numRuns: 250 },
    );
    expect(digests.size).toBeGreaterThan(100);
  });
});
