import { InvalidOption, type Ref, Refusal, type Reply, type Self, settle } from "antiphon";
import { powerFailure, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { entity } from "../../../src/actors/broker/entity.ts";
import { memoryJournal } from "../../../src/actors/broker/memory.ts";
import { persistent } from "../../../src/actors/broker/persistent.ts";

class No extends Refusal {
  readonly _tag = "No";
}

interface Counter {
  add(n: number): Reply<number>;
  slow(ms: number): Reply<string>;
  no(): Reply<never, No>;
  crash(): Reply<void>;
}

interface Log {
  readonly started: string[];
  readonly ended: string[];
}

const counter =
  (log: Log) =>
  (key: string) =>
  (self: Self): Counter & Disposable => {
    log.started.push(key);
    let sum = 0;
    return {
      add: (n) => (sum += n),
      async slow(ms) {
        await self.sleep(ms);
        return `${key} ${self.path}`;
      },
      no: () => new No(),
      crash() {
        throw new Error("planted");
      },
      [Symbol.dispose]: () => void log.ended.push(key),
    };
  };
const fresh = (): Log => ({ started: [], ended: [] });

describe("entity", () => {
  test("starts one actor per key with its first message, named by the key", async () => {
    const log = fresh();
    await simulate({}, async ({ system }) => {
      const all = system.spawn(entity(counter(log)), { name: "all" });
      expect(await system.ask(all, { key: "a" }).add(1)).toBe(1);
      expect(await system.ask(all, { key: "a" }).add(1)).toBe(2);
      expect(await system.ask(all, { key: "b" }).add(1)).toBe(1);
      expect(await system.ask(all, { key: "a/b c~" }).slow(1)).toBe("a/b c~ /all/a%2Fb%20c%7E");
      expect(log.started).toEqual(["a", "b", "a/b c~"]);
    });
  });

  test("passes on answers, refusals, crashes, deadlines and told messages", async () => {
    const log = fresh();
    await simulate({}, async ({ system, now }) => {
      const all = system.spawn(entity(counter(log)), { name: "all" });
      const code = async (answer: Promise<unknown>) => {
        const settled = await settle<unknown, Refusal>(answer);
        return settled.ok ? settled.value : settled.error._tag;
      };
      expect(await code(system.ask(all, { key: "a" }).no())).toBe("No");
      expect(await code(system.ask(all, { key: "a" }).crash())).toBe("ActorCrashed");
      const began = now();
      expect(await code(system.ask(all, { key: "a", within: 50 }).slow(1_000))).toBe("AskTimeout");
      expect(now() - began).toBe(50);
      expect(await code(system.ask(all).add(1))).toBe("KeyMissing");
      system.tell(all, { key: "b" }).add(5);
      await system.offer(all, { key: "b" }).add(5);
      expect(await system.ask(all, { key: "b" }).add(0)).toBe(10);
    });
  });

  test("takes the key from the message", async () => {
    const log = fresh();
    await simulate({}, async ({ system }) => {
      const key = ({ payload }: { payload: unknown }) => `${payload}`;
      const all = system.spawn(entity(counter(log), { key }), { name: "all" });
      expect(await system.ask(all).slow(7)).toBe("7 /all/7");
    });
  });

  test("stops an entity that was idle for so long, and only then", async () => {
    const log = fresh();
    await simulate({}, async ({ system, run }) => {
      const all = system.spawn(entity(counter(log), { idle: "10s" }), { name: "all" });
      await system.ask(all, { key: "a" }).add(1);
      await run("9s");
      await system.ask(all, { key: "a" }).add(1);
      await run("9s");
      expect(log.ended).toEqual([]);
      const slow = system.ask(all, { key: "a", within: "1h" }).slow(60_000);
      await run("50s");
      expect(log.ended).toEqual([]);
      await slow;
      await run("11s");
      expect(log.ended).toEqual(["a"]);
      expect(await system.ask(all, { key: "a" }).add(1)).toBe(1);
    });
  });

  test("loses no message that comes while its entity stops, and keeps their order (60 schedules)", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const ended = { count: 0 };
      const schedule = { strategy: "random", seed } as const;
      await simulate({ seed, schedule }, async ({ system, run }) => {
        const seen: number[] = [];
        const noting = () => (self: Self) => ({
          note: (n: number) => void seen.push(n),
          async [Symbol.asyncDispose]() {
            ended.count++;
            await Promise.resolve(self.path);
          },
        });
        const all = system.spawn(entity(noting, { idle: 10 }), { name: "all" });
        const client = (self: Self) => ({
          async go() {
            for (let n = 0; n < 30; n++) {
              self.tell(all, { key: "k" }).note(n);
              await self.sleep(n % 3 === 0 ? 10 : 9 + (n % 4));
            }
          },
        });
        await system.ask(system.spawn(client), { within: "1m" }).go();
        await run("1s");
        expect(seen).toEqual(Array.from({ length: 30 }, (_, n) => n));
      });
      expect(ended.count).toBeGreaterThan(3);
    }
  });

  test("has no more entities than it may: those idle longest stop, others wait", async () => {
    const log = fresh();
    await simulate({}, async ({ system }) => {
      const all = system.spawn(entity(counter(log), { max: 2, waiting: 3 }), { name: "all" });
      await system.ask(all, { key: "a" }).add(1);
      await system.ask(all, { key: "b" }).add(1);
      await system.ask(all, { key: "a" }).add(1);
      await system.ask(all, { key: "c" }).add(1);
      expect(log.ended).toEqual(["b"]);
      const busy = ["a", "c"].map((key) => system.ask(all, { key }).slow(100));
      const waiting = ["d", "e", "d", "f"].map((key) => settle(system.ask(all, { key }).add(1)));
      expect(await waiting[3]).toMatchObject({ ok: false, error: { code: "MAILBOX_FULL", retrySafe: true } });
      await Promise.all(busy);
      expect((await Promise.all(waiting.slice(0, 3))).map((one) => one.ok && one.value)).toEqual([1, 1, 2]);
    });
  });

  test("works with persistent actors: what an entity was told survives its stops and power failures", async () => {
    let stops = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const journal = memoryJournal({ latency: "3ms" });
      const account = (key: string) =>
        persistent<{ add(n: number): Reply<number>; sum(): Reply<number> }, number, number>(journal.part(key).open, {
          initial: 0,
          apply: (sum, n) => sum + n,
          snapshotEvery: 4,
          commands: (_, log) => ({
            add(n) {
              void log.emit(n);
              return log.state;
            },
            sum: () => log.state,
            [Symbol.dispose]: () => stops++,
          }),
        });
      const boot = (system: { spawn: Self["spawn"] }) =>
        system.spawn(entity(account, { idle: 20, max: 3 }), { name: "accounts" });
      const faults = [powerFailure({ at: 40 + seed * 7 }), powerFailure({ at: 400 + seed })];
      await simulate({ seed, journals: [journal], boot, faults }, async (world) => {
        const { system, run, random } = world;
        const draw = random("load");
        const confirmed = new Map<string, number>();
        const tried = new Map<string, number>();
        const bump = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
        for (let i = 0; i < 60; i++) {
          const key = `k${Math.floor(draw() * 5)}`;
          bump(tried, key);
          if ((await settle(system.ask(world.booted, { key }).add(1))).ok) bump(confirmed, key);
          await run(Math.floor(draw() * 12));
        }
        for (const [key, n] of tried) {
          const sum = await system.ask(world.booted as Ref<{ sum(): Reply<number> }>, { key }).sum();
          expect(sum).toBeGreaterThanOrEqual(confirmed.get(key) ?? 0);
          expect(sum).toBeLessThanOrEqual(n);
        }
      });
    }
    expect(stops).toBeGreaterThan(100);
  });

  test("refuses bad options", () => {
    expect(() => entity(counter(fresh()), { max: 0 })).toThrow(InvalidOption);
    expect(() => entity(counter(fresh()), { idel: 1 } as never)).toThrow(/idel: found "an unknown option"/);
    expect(() => entity(1 as never)).toThrow(InvalidOption);
  });
});
