// Time while schedules are explored: messages that arrive any time in a window, timers that come at their time, and time
// in which everything may come at any moment.

import { type Ref, type Self, settle } from "antiphon";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Coverage } from "../../../../src/runtime/sim/coverage.ts";
import { type Body, Explorer } from "../../../../src/runtime/sim/explorer.ts";
import type { TimeMode } from "../../../../src/runtime/sim/exploring.ts";
import { strategies } from "../../../../src/runtime/sim/strategy/portfolio.ts";
import { zoo } from "../../../zoo/all.ts";
import { drawn } from "./drawn.ts";

interface Hop {
  readonly link: string;
  readonly sentMs: number;
  readonly atMs: number;
}

interface Hub {
  back(step: number): void;
}

/** So many chains of as many hops, each from its own relay back to one hub, with a latency of its own; gives the hops. */
const chains =
  (count: number, length: number, hops: Hop[] = []): Body =>
  async ({ system, runUntilIdle }) => {
    const relays: Ref<{ go(step: number): void }>[] = [];
    const sentMs = new Map<string, number>();
    const hub = (self: Self): Hub => ({
      back(key) {
        const [chain, step] = [key % count, Math.floor(key / count)];
        hops.push({ link: `${chain}`, sentMs: sentMs.get(`${key}`)!, atMs: self.now() });
        if (step + 1 < length) self.tell(relays[chain]!).go(key + count);
      },
    });
    const to = system.spawn(hub, { name: "hub" });
    const relay = (self: Self) => ({
      go(key: number) {
        sentMs.set(`${key}`, self.now());
        self.tell(to).back(key);
      },
    });
    for (let i = 0; i < count; i++) relays.push(system.spawn(relay, { name: `r${i}` }));
    for (const [i, ref] of relays.entries()) system.tell(ref).go(i);
    await runUntilIdle();
  };

describe("windows", () => {
  const window = fc.tuple(fc.nat(20), fc.nat(30)).map(([min, span]) => ({ min, max: min + span }));

  test("have every message arrive within the latency of its link, whatever the schedule (seed 21)", async () => {
    const property = fc.asyncProperty(
      fc.tuple(window, window, window),
      fc.nat(1_000_000),
      fc.constantFrom(...strategies),
      async (windows, seed, name) => {
        const hops: Hop[] = [];
        const latency = Object.fromEntries(windows.map((each, i) => [`/r${i}>/hub`, each]));
        const { played } = await drawn(new Explorer({ latency }), name, seed, chains(3, 3, hops));
        expect(played.error).toBeUndefined();
        expect(hops.length).toBe(9);
        for (const { link, sentMs, atMs } of hops) {
          const { min, max } = windows[Number(link)]!;
          expect(atMs - sentMs).toBeGreaterThanOrEqual(min - 1e-9);
          expect(atMs - sentMs).toBeLessThanOrEqual(max + 1e-9);
        }
      },
    );
    await fc.assert(property, { numRuns: 100, seed: 21 });
  });

  test("keep what is sent on one link in its order, each message in its own window (seed 22)", async () => {
    const property = fc.asyncProperty(
      window,
      fc.nat(1_000_000),
      fc.constantFrom(...strategies),
      async (each, seed, name) => {
        const seen: { n: number; lateMs: number; atMs: number }[] = [];
        const body: Body = async ({ system, runUntilIdle }) => {
          const noted = (self: Self) => ({
            note({ n, sentMs }: { n: number; sentMs: number }) {
              seen.push({ n, atMs: self.now(), lateMs: self.now() - sentMs });
            },
          });
          const to = system.spawn(noted, { name: "to" });
          const writer = (self: Self) => ({
            async write() {
              for (let n = 0; n < 6; n++) {
                self.tell(to).note({ n, sentMs: self.now() });
                if (n % 2 === 1) await self.sleep(7);
              }
            },
          });
          system.tell(system.spawn(writer, { name: "writer" })).write();
          await runUntilIdle();
        };
        await drawn(new Explorer({ latency: { "/writer>/to": each } }), name, seed, body);
        expect(seen.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5]);
        for (const [i, { lateMs, atMs }] of seen.entries()) {
          expect(atMs).toBeGreaterThanOrEqual(seen[i - 1]?.atMs ?? 0);
          expect(lateMs).toBeGreaterThanOrEqual(each.min - 1e-9);
          expect(lateMs).toBeLessThanOrEqual(each.max + 1e-9);
        }
      },
    );
    await fc.assert(property, { numRuns: 100, seed: 22 });
  });

  test("that begin at 0 are windows too: what is sent later by another way may come first", async () => {
    const seen = new Set<string>();
    const body: Body = async ({ system, runUntilIdle }) => {
      const order: string[] = [];
      const to = system.spawn(() => ({ note: (by: string) => void order.push(by) }), { name: "to" });
      const second = system.spawn((self: Self) => ({ write: () => self.tell(to).note("second") }), { name: "second" });
      const first = (self: Self) => ({
        async write() {
          self.tell(to).note("first");
          await self.sleep(5);
          self.tell(second).write();
        },
      });
      system.tell(system.spawn(first, { name: "first" })).write();
      await runUntilIdle();
      seen.add(order.join());
    };
    const explorer = new Explorer({ latency: { "/first>/to": { min: 0, max: 10 } } });
    for (let seed = 1; seed <= 60; seed++) await drawn(explorer, "random", seed, body);
    expect([...seen].sort()).toEqual(["first,second", "second,first"]);
  });

  test("reach orders that drawing each latency as it is sent does not, in as many runs (seeds 1 to 4)", async () => {
    const orders = { windows: 0, des: 0 };
    const latency = {
      "/r0>/hub": { min: 1, max: 20 },
      "/r1>/hub": { min: 8, max: 16 },
      "/r2>/hub": { min: 2, max: 40 },
    };
    for (const time of ["windows", "des"] as const)
      for (let seed = 1; seed <= 4; seed++) {
        const coverage = new Coverage();
        const explorer = new Explorer({ latency, time, seed, twice: 0 }, coverage);
        for (let index = 1; index <= 150; index++) await explorer.explore(index, chains(3, 3));
        orders[time] += coverage.orders;
      }
    expect(orders.windows).toBeGreaterThan(1.3 * orders.des);
  });

  test("have timers, sleeps and deadlines come at their time, beside messages that may come at any of theirs", async () => {
    const offBy: number[] = [];
    const body: Body = async ({ system, runUntilIdle }) => {
      const other = (self: Self) => ({
        note() {
          const at = self.now();
          self.after(1, () => void offBy.push(self.now() - at - 1), "one");
        },
      });
      const to = system.spawn(other, { name: "to" });
      const sleeper = system.spawn((self: Self) => ({ sleep: () => self.sleep(30) }), { name: "sleeper" });
      const asker = (self: Self) => ({
        async ask() {
          const began = self.now();
          await self.ask(to).note();
          offBy.push(self.now() - began);
          await self.sleep(2);
          offBy.push(self.now() - began - 2);
          await settle(self.ask(sleeper, { within: 4 }).sleep());
          offBy.push(self.now() - began - 6);
        },
      });
      const asks = system.spawn(asker, { name: "asker" });
      system.tell(system.spawn((self: Self) => ({ write: () => self.tell(asks).ask() }), { name: "writer" })).write();
      await runUntilIdle();
    };
    const explorer = new Explorer({ latency: { "/writer>/asker": { min: 1, max: 20 } } });
    for (let seed = 1; seed <= 60; seed++) await drawn(explorer, strategies[seed % strategies.length]!, seed, body);
    expect(offBy.length).toBe(4 * 60);
    for (const ms of offBy) expect(ms).toBeCloseTo(0, 6);
  });

  test("have two actors that sleep as long lose an update in some schedules, and not in others", async () => {
    const values: number[] = [];
    const body: Body = async ({ system, runUntilIdle }) => {
      let value = 0;
      const register = () => ({ read: () => value, write: (next: number) => void (value = next) });
      const to = system.spawn(register, { name: "register" });
      const client = (self: Self) => ({
        async add() {
          await self.sleep("5ms");
          const read = await self.ask(to).read();
          await self.ask(to).write(read + 1);
        },
      });
      for (const name of ["c1", "c2"]) system.tell(system.spawn(client, { name })).add();
      await runUntilIdle();
      values.push(value);
    };
    const explorer = new Explorer();
    for (let seed = 1; seed <= 100; seed++) await drawn(explorer, "random", seed, body);
    const lost = values.filter((value) => value === 1).length;
    expect(lost).toBeGreaterThan(30);
    expect(lost).toBeLessThan(90);
  });

  test("let a stop come between an answer and what its asker does with it, as it may live", async () => {
    const seen = new Set<string>();
    const body: Body = async ({ system, runUntilIdle }) => {
      const done: string[] = [];
      const account = (what: string) => () => ({ book: () => void done.push(what) });
      const debit = system.spawn(account("debit"), { name: "debit" });
      const credit = system.spawn(account("credit"), { name: "credit" });
      const mover = (self: Self) => ({
        async move() {
          await self.ask(debit).book();
          self.tell(credit).book();
        },
      });
      const boss = (self: Self) => {
        const child = self.spawn(mover, { name: "mover", supervision: { settleWithin: 0 } });
        return { begin: () => self.tell(child).move(), end: () => self.stop() };
      };
      const ref = system.spawn(boss, { name: "boss" });
      system.tell(ref).begin();
      system.tell(system.spawn((self: Self) => ({ end: () => self.tell(ref).end() }), { name: "other" })).end();
      await runUntilIdle();
      seen.add(done.join());
    };
    for (let seed = 1; seed <= 100; seed++) await drawn(new Explorer(), "random", seed, body);
    expect([...seen].sort()).toEqual(["", "debit", "debit,credit"]);
  });
});

describe("async time", () => {
  const outcomes = async (body: (world: Parameters<Body>[0]) => Promise<string>, time: TimeMode = "async") => {
    const seen = new Set<string>();
    const explorer = new Explorer({ time });
    for (let seed = 1; seed <= 60; seed++) {
      const { played } = await drawn(explorer, "random", seed, async (world) => void seen.add(await body(world)));
      expect(played.error).toBeUndefined();
    }
    return [...seen].sort();
  };

  test("has a timer come at any moment, however long it is", async () => {
    const body = async ({ system, runUntilIdle }: Parameters<Body>[0]) => {
      const seen: string[] = [];
      const patient = (self: Self) => ({
        start: () => void self.after("9h", () => void seen.push("timer")),
        note: () => void seen.push("note"),
      });
      const to = system.spawn(patient, { name: "to" });
      const writer = (self: Self) => ({
        async write() {
          await self.sleep("1ms");
          self.tell(to).note();
        },
      });
      system.tell(to).start();
      system.tell(system.spawn(writer, { name: "writer" })).write();
      await runUntilIdle();
      return seen.join();
    };
    expect(await outcomes(body)).toEqual(["note,timer", "timer,note"]);
    expect(await outcomes(body, "windows")).toEqual(["note,timer"]);
  });

  const asked =
    (within: number | undefined, works: (self: Self) => unknown) =>
    async ({ system, runUntilIdle }: Parameters<Body>[0]) => {
      let end = "";
      const to = system.spawn((self: Self) => ({ work: () => works(self) }), { name: "to" });
      const asker = (self: Self) => ({
        async ask() {
          const { ok } = await settle(self.ask(to, within === undefined ? {} : { within }).work());
          end = ok ? "answered" : "given up";
        },
      });
      system.tell(system.spawn(asker, { name: "asker" })).ask();
      await runUntilIdle();
      return end;
    };
  const anHour = (self: Self) => self.sleep("1h");

  test("has deadlines that the program gives come at any moment, and no others", async () => {
    expect(await outcomes(asked(1, () => {}))).toEqual(["answered", "given up"]);
    expect(await outcomes(asked(7_200_000, anHour))).toEqual(["answered", "given up"]);
    expect(await outcomes(asked(undefined, anHour))).toEqual(["answered"]);
    expect(await outcomes(asked(undefined, anHour), "windows")).toEqual(["given up"]);
  });

  test("has an answer be late that can not have been there in time", async () => {
    expect(await outcomes(asked(1, anHour))).toEqual(["given up"]);
  });

  test("never goes back for an actor (seeds 1 to 10)", async () => {
    for (const { name, play, operations } of zoo.filter(({ time }) => time === "async"))
      for (let seed = 1; seed <= 10; seed++) {
        const body: Body = (world) => play(world, "buggy", operations);
        const { played } = await drawn(new Explorer({ time: "async" }), strategies[seed % 5]!, seed, body);
        const clocks = new Map<string, number>();
        for (const { cell, firedMs } of played.happened) {
          expect(firedMs, name).toBeGreaterThanOrEqual(clocks.get(cell.path) ?? 0);
          clocks.set(cell.path, firedMs);
        }
      }
  });

  test("lets an actor know of no moment before the one at which what it is told was sent", async () => {
    const body = async ({ system, runUntilIdle }: Parameters<Body>[0]) => {
      const late: boolean[] = [];
      const to = system.spawn((self: Self) => ({ note: (sentMs: number) => void late.push(self.now() >= sentMs) }), {
        name: "to",
      });
      const writer = (self: Self) => ({
        async write() {
          await self.sleep("1h");
          self.tell(to).note(self.now());
        },
      });
      system.tell(system.spawn(writer, { name: "writer" })).write();
      await runUntilIdle();
      return late.join();
    };
    expect(await outcomes(body)).toEqual(["true"]);
  });

  test("waits with how long the body lets time pass until nothing else is left to happen", async () => {
    const body = async ({ system, run, now }: Parameters<Body>[0]) => {
      let done = 0;
      const worker = (self: Self) => ({
        async work() {
          await self.sleep("5h");
          done++;
        },
      });
      for (const name of ["w1", "w2"]) system.tell(system.spawn(worker, { name })).work();
      await run("1ms");
      return `${done} at ${now() >= 1}`;
    };
    expect(await outcomes(body)).toEqual(["2 at true"]);
  });
});
