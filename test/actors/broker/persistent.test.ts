import { createSystem, InvalidOption, Refusal, type Reply, type Self, type SystemEvent, settle } from "antiphon";
import { powerFailure, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { jsonCodec } from "../../../src/actors/broker/codec.ts";
import { NotPersisted, RecoveryFailed } from "../../../src/actors/broker/failure-journal.ts";
import { type MemoryJournal, memoryJournal } from "../../../src/actors/broker/memory.ts";
import { type PersistentOptions, persistent } from "../../../src/actors/broker/persistent.ts";
import type { Persisted } from "../../../src/actors/broker/persistent-log.ts";

class Overdrawn extends Refusal {
  readonly _tag = "Overdrawn";
}
interface State {
  readonly balance: number;
  readonly seen: readonly string[];
}
interface Moved {
  readonly id: string;
  readonly amount: number;
}
interface Account {
  move(moved: Moved): Reply<number, Overdrawn>;
  slowly(moved: Moved): Reply<number>;
  state(): Reply<State>;
  fail(moved: Moved): Reply<void>;
}
const initial: State = { balance: 0, seen: [] };
const apply = (state: State, { id, amount }: Moved): State => ({
  balance: state.balance + amount,
  seen: [...state.seen, id],
});
const commands = (self: Self, log: Persisted<State, Moved>): Account => ({
  move(moved) {
    if (log.state.balance + moved.amount < 0) return new Overdrawn();
    void log.emit(moved);
    return log.state.balance;
  },
  async slowly(moved) {
    await log.emit({ ...moved, id: `${moved.id}-1` });
    await self.sleep(3);
    await log.emit({ ...moved, id: `${moved.id}-2` });
    return log.state.balance;
  },
  state: () => log.state,
  fail(moved) {
    void log.emit(moved);
    throw new Error("planted");
  },
});
const account = (journal: MemoryJournal, more: Partial<PersistentOptions<Account, State, Moved>> = {}) =>
  persistent<Account, State, Moved>(journal.open, { initial, apply, commands, ...more });
const noted = async (world: { system: { ask: Self["ask"] }; booted: ReturnType<Self["spawn"]> }): Promise<State> =>
  await world.system.ask(world.booted as unknown as ReturnType<typeof spawned>).state();
declare function spawned(): import("antiphon").Ref<Account>;
/** Runs three clients, lets the power fail after `at` events, and says how it ended. */
async function crashed(at: number, concurrency: number): Promise<{ reached: boolean; failed: number }> {
  const journal = memoryJournal({ latency: "5ms" });
  const answered: string[] = [];
  let failed = 0;
  let reached = true;
  const boot = (system: { spawn: Self["spawn"] }) =>
    system.spawn(account(journal, { snapshotEvery: 3 }), { name: "account", concurrency });
  const schedule = at % 2 === 1 ? ({ strategy: "random", seed: at } as const) : undefined;
  const { leaks } = await simulate({ seed: at + 1, journals: [journal], boot, schedule }, async (world) => {
    const { system } = world;
    const client = async (name: string) => {
      for (let n = 1; n <= 3; n++) {
        const id = `${name}${n}`;
        const slow = n === 2;
        const moved = await settle<unknown, Refusal>(
          slow ? system.ask(world.booted).slowly({ id, amount: 1 }) : system.ask(world.booted).move({ id, amount: 1 }),
        );
        if (!moved.ok) failed++;
        else if (slow) answered.push(`${id}-1`, `${id}-2`);
        else answered.push(id);
      }
    };
    const clients = Promise.all(["a", "b", "c"].map(client));
    for (let fired = 0; fired < at && reached; fired++) reached = await world.step();
    world.inject(powerFailure({ at: world.now() }));
    await clients;
    await world.runUntilIdle();
    const { balance, seen } = await noted(world);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(answered));
    expect(balance).toBe(seen.length);
    for (const name of ["a", "b", "c"]) {
      const own = seen.filter((id) => id.startsWith(name));
      expect(own).toEqual([...own].sort());
    }
  });
  expect(leaks).toEqual([]);
  return { reached, failed };
}
describe("persistent", () => {
  test.each([1, 8])(
    "loses nothing that was answered and applies nothing twice when the power fails after any event, at concurrency %i",
    async (concurrency) => {
      let failed = 0;
      let at = 0;
      for (; ; at++) {
        const run = await crashed(at, concurrency);
        failed += run.failed;
        if (!run.reached) break;
      }
      expect(at).toBeGreaterThan(20);
      expect(failed).toBeGreaterThan(20);
    },
  );
  test("answers when what it emitted is safe, and reads when what they show is", async () => {
    const journal = memoryJournal({ latency: "5ms" });
    await simulate({}, async ({ system, now }) => {
      const ref = system.spawn(account(journal), { name: "account", concurrency: 10 });
      await system.ask(ref).state();
      const began = now();
      const at = async (answer: Promise<unknown>) => [await answer, now() - began];
      const moved = at(system.ask(ref).move({ id: "a", amount: 5 }));
      const read = at(
        system
          .ask(ref)
          .state()
          .then(({ balance }) => balance),
      );
      const refused = at(settle(system.ask(ref).move({ id: "b", amount: -9 })).then(({ ok }) => ok));
      expect([await moved, await read, await refused]).toEqual([
        [5, 5],
        [5, 5],
        [false, 5],
      ]);
      const quiet = now();
      expect((await system.ask(ref).state()).balance).toBe(5);
      expect(now()).toBe(quiet);
    });
  });
  test("writes side by side with concurrency, one group at a time without", async () => {
    const took = async (concurrency: number) => {
      const journal = memoryJournal({ latency: "5ms" });
      const { endedMs } = await simulate({}, async ({ system }) => {
        const ref = system.spawn(account(journal), { name: "account", concurrency });
        await Promise.all(
          Array.from({ length: 100 }, (_, i) => system.ask(ref, { within: "1m" }).move({ id: `${i}`, amount: 1 })),
        );
        expect((await system.ask(ref).state()).balance).toBe(100);
      });
      return endedMs;
    };
    expect([await took(1), await took(100)]).toEqual([505, 15]);
  });

  test("keeps what a handler emitted before it crashed", async () => {
    const journal = memoryJournal();
    await simulate({}, async ({ system }) => {
      const ref = system.spawn(account(journal), { name: "account" });
      await expect(system.ask(ref).fail({ id: "a", amount: 3 })).rejects.toThrow(/planted/);
      expect(await system.ask(ref).state()).toEqual({ balance: 3, seen: ["a"] });
    });
  });

  test.each([1, 8])(
    "crashes when the journal refuses, and goes on from what is safe, at concurrency %i",
    async (concurrency) => {
      const journal = memoryJournal({ latency: "5ms", fails: (append) => append === 2 });
      const events: SystemEvent[] = [];
      await simulate({ report: (event) => void events.push(event) }, async ({ system }) => {
        const ref = system.spawn(account(journal), { name: "account", concurrency });
        const ids = ["a", "b", "c"];
        const moved = await Promise.all(ids.map((id) => settle(system.ask(ref).move({ id, amount: 1 }))));
        const codes = moved.map((one) => (one.ok ? one.value : one.error.code));
        expect(codes.slice(0, 2)).toEqual([1, "ACTOR_CRASHED"]);
        const { seen } = await system.ask(ref).state();
        expect(seen).toEqual(concurrency === 1 ? ["a", "c"] : ["a"]);
        const crash = events.find((event) => event.kind === "crashed");
        expect(crash?.reason).toBeInstanceOf(NotPersisted);
        expect(crash?.reason).toMatchObject({ cause: { code: "JOURNAL_FAILED" } });
      });
    },
  );

  test("survives a full disk: what was answered is there when there is room", async () => {
    const journal = memoryJournal({ capacityBytes: 600 });
    const answered: string[] = [];
    await simulate({}, async ({ system, run }) => {
      const ref = system.spawn(account(journal), {
        name: "account",
        supervision: { maxRestarts: Number.POSITIVE_INFINITY },
      });
      for (let n = 0; n < 20; n++) {
        const id = `m${n}`;
        if ((await settle(system.ask(ref).move({ id, amount: 1 }))).ok) answered.push(id);
        await run("10ms");
      }
      expect((await system.ask(ref).state()).seen).toEqual(answered);
    });
    expect(answered.length).toBeGreaterThan(3);
    expect(answered.length).toBeLessThan(20);
  });

  test("casts up what earlier versions of the program wrote, in snapshots and behind them", async () => {
    interface Old {
      readonly sum: number;
    }
    const journal = memoryJournal();
    const first = persistent<{ add(n: number): Reply<number> }, Old, number>(journal.open, {
      initial: { sum: 0 },
      apply: ({ sum }, n) => ({ sum: sum + n }),
      snapshotEvery: 2,
      commands: (_, log) => ({
        add(n) {
          void log.emit(n);
          return log.state.sum;
        },
      }),
    });
    await simulate({}, async ({ system }) => {
      const ref = system.spawn(first);
      for (const n of [1, 2, 3]) await system.ask(ref).add(n);
      await system.stop();
    });
    const upcast = {
      1: {
        event: (n: unknown) => ({ id: `old${n}`, amount: n }),
        state: (state: unknown) => ({ balance: (state as Old).sum, seen: ["before"] }),
      },
      2: {},
    };
    await simulate({}, async ({ system }) => {
      const ref = system.spawn(account(journal, { version: 3, upcast }));
      expect(await system.ask(ref).state()).toEqual({ balance: 6, seen: ["before", "old3"] });
    });
  });

  test("does not start on what it can not read, and says why", async () => {
    const journal = memoryJournal();
    const why = async (more: Partial<PersistentOptions<Account, State, Moved>>): Promise<RecoveryFailed> => {
      let found: unknown;
      await simulate(
        {
          report: (event) => {
            if (event.kind === "crashed") found ??= event.reason;
          },
        },
        async ({ system, run }) => {
          const ref = system.spawn(account(journal, more), { name: "account" });
          await settle(system.ask(ref).move({ id: "x", amount: 1 }));
          await run("10s");
          await system.stop();
        },
      );
      return found as RecoveryFailed;
    };
    expect(await why({ version: 2, upcast: { 1: {} } })).toBe(undefined);
    const later = await why({});
    expect(later).toBeInstanceOf(RecoveryFailed);
    expect(later.message).toMatch(
      /^\/account can not recover from record 1 .*version 2 of the program, and this is version 1/,
    );
    expect((await why({ version: 4, upcast: { 2: {} } })).message).toMatch(/version 2, and upcast has no step from 3/);
    const broken = () => {
      throw new Error("no such event");
    };
    expect(await why({ version: 2, apply: broken })).toMatchObject({ record: 1, code: "RECOVERY_FAILED" });
    const decode = () => jsonCodec.decode(new Uint8Array([1]));
    expect((await why({ version: 2, codec: { ...jsonCodec, decode } })).message).toMatch(/no JSON/);
  });

  test("stops cleanly: the next system finds all of it", async () => {
    const journal = memoryJournal({ latency: 1 });
    for (const n of [1, 2]) {
      const system = createSystem({ report: false });
      const ref = system.spawn(account(journal), { name: "account" });
      expect(await system.ask(ref).move({ id: `${n}`, amount: 1 })).toBe(n);
      await system.stop({ drain: "1s" });
    }
  });

  test("refuses bad options, and an object with [receive]", () => {
    const journal = memoryJournal();
    expect(() => account(journal, { version: 0 })).toThrow(InvalidOption);
    expect(() => account(journal, { snapshotEvery: -1 })).toThrow(InvalidOption);
    expect(() => account(journal, { apply: 1 as never })).toThrow(/apply: found 1/);
    expect(() => persistent({} as never, { initial, apply, commands })).toThrow(/journal/);
  });
});
interface Reminder {
  arm(at: { name: string; ms: number }): Reply<void>;
  cancel(name: string): Reply<void>;
  fired(): Reply<readonly string[]>;
}

/** Notes when its timers fire; `again` arms itself anew three times. */
const reminder = (journal: MemoryJournal, slow = false) =>
  persistent<Reminder, readonly string[], string>(journal.open, {
    initial: [],
    apply: (fired, one) => [...fired, one],
    snapshotEvery: 2,
    commands: (_, log) => ({
      arm: ({ name, ms }) => log.after(name, ms),
      cancel: (name) => log.cancel(name),
      fired: () => log.state,
    }),
    timers: (self, log) => ({
      async tea() {
        if (slow) await self.sleep(1);
        await log.emit("tea");
      },
      again() {
        void log.emit("again");
        if (log.state.filter((one) => one === "again").length < 3) log.after("again", "1s");
      },
    }),
  });

describe("timers of a persistent actor", () => {
  test("fire after a power failure: those that were due meanwhile first", async () => {
    const journal = memoryJournal({ latency: "1ms" });
    const boot = (system: { spawn: Self["spawn"] }) => system.spawn(reminder(journal), { name: "r" });
    const faults = [powerFailure({ at: "5s" })];
    await simulate({ journals: [journal], boot, faults }, async (world) => {
      const { system, run } = world;
      await system.ask(world.booted).arm({ name: "tea", ms: 60_000 });
      await system.ask(world.booted).arm({ name: "again", ms: 100_000 });
      await run("58s");
      expect(await system.ask(world.booted).fired()).toEqual([]);
      await run("4s");
      expect(await system.ask(world.booted).fired()).toEqual(["tea"]);
      await run("1h");
      expect(await system.ask(world.booted).fired()).toEqual(["tea", "again", "again", "again"]);
    });
  });

  test("are cancelled for good, and replaced by their name", async () => {
    const journal = memoryJournal();
    const boot = (system: { spawn: Self["spawn"] }) => system.spawn(reminder(journal), { name: "r" });
    await simulate({ journals: [journal], boot, faults: [powerFailure({ at: "5s" })] }, async (world) => {
      const { system, run } = world;
      await system.ask(world.booted).arm({ name: "tea", ms: 10_000 });
      await system.ask(world.booted).arm({ name: "tea", ms: 20_000 });
      await system.ask(world.booted).arm({ name: "again", ms: 10_000 });
      await system.ask(world.booted).cancel("again");
      await run("15s");
      expect(await system.ask(world.booted).fired()).toEqual([]);
      await run("1h");
      expect(await system.ask(world.booted).fired()).toEqual(["tea"]);
    });
  });

  test.each([false, true])(
    "fire at least once, and what a synchronous turn emits is there once, when the power fails after any event (slow: %s)",
    async (slow) => {
      let reached = true;
      for (let at = 0; reached; at++) {
        const journal = memoryJournal({ latency: "1ms" });
        const boot = (system: { spawn: Self["spawn"] }) => system.spawn(reminder(journal, slow), { name: "r" });
        await simulate({ seed: at + 1, journals: [journal], boot }, async (world) => {
          const { system, step } = world;
          const armed = [
            settle(system.ask(world.booted).arm({ name: "tea", ms: 20 })),
            settle(system.ask(world.booted).arm({ name: "again", ms: 10 })),
          ];
          for (let fired = 0; fired < at && reached; fired++) reached = await step();
          world.inject(powerFailure({ at: world.now() }));
          const [tea, again] = await Promise.all(armed);
          await world.run("1h");
          const fired = await system.ask(world.booted).fired();
          const count = (name: string) => fired.filter((one) => one === name).length;
          if (tea?.ok) expect(count("tea")).toBeGreaterThanOrEqual(1);
          if (again?.ok) expect(count("again")).toBe(3);
          expect([0, 3]).toContain(count("again"));
        });
      }
    },
  );

  test("that the program no longer has are a failed start", async () => {
    const journal = memoryJournal();
    const events: SystemEvent[] = [];
    await simulate({ report: (event) => void events.push(event) }, async ({ system, run }) => {
      const ref = system.spawn(reminder(journal), { name: "r" });
      await system.ask(ref).arm({ name: "tea", ms: 1_000 });
      await expect(system.ask(ref).arm({ name: "coffee", ms: 1 })).rejects.toThrow(/one of timers: tea, again/);
      await run("10m");
      await system.ask(ref).arm({ name: "tea", ms: 1_000_000 });
      await system.stop();
    });
    await simulate({ report: (event) => void events.push(event) }, async ({ system, run }) => {
      const without = persistent(journal.open, {
        initial: [] as readonly string[],
        apply: (fired: readonly string[], one: string) => [...fired, one],
        commands: () => ({ ping: () => 1 }),
      });
      system.spawn(without, { name: "without" });
      await run("1s");
    });
    const crash = events.find((event) => event.kind === "crashed" && event.path === "/without");
    expect(String(crash?.kind === "crashed" && crash.reason)).toMatch(
      /timer tea is armed, and timers has no such turn/,
    );
  });
});
