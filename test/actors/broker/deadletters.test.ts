// Dead letters as a topic, their ways back, and lanes that are parked with what died in them.

import { type Ref, type Self, type System, settle } from "antiphon";
import { powerFailure, type SimulatedWorld, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { deadLetters, inspect, parked, redrive, skip } from "../../../src/actors/broker/control.ts";
import { memoryJournal } from "../../../src/actors/broker/memory.ts";
import type { QueueOptions, SubscribeOptions } from "../../../src/actors/broker/options.ts";
import { queue, store, topic } from "../../../src/actors/broker/queue.ts";
import type { Requests } from "../../../src/actors/broker/request.ts";
import { subscribe } from "../../../src/actors/broker/subscribe.ts";

interface Work {
  work(n: number): unknown;
}

const supervision = { maxRestarts: Number.POSITIVE_INFINITY };

/** Notes what it gets; fails for what is in `bad`. */
const worker = (system: System, name: string, seen: string[], bad: ReadonlySet<number> = new Set()): Ref<Work> =>
  system.spawn(
    (self: Self) => ({
      work(n: number) {
        seen.push(`${self.now()}:${n}`);
        if (bad.has(n)) throw new Error("planted");
      },
    }),
    { name, supervision },
  );

interface Kit {
  readonly world: SimulatedWorld;
  readonly system: System;
  readonly q: Ref<Work>;
  readonly seen: string[];
  readonly bad: Set<number>;
  readonly send: (...all: readonly (readonly [key: string, n: number])[]) => Promise<void>;
}

const scene = (options: QueueOptions, body: (kit: Kit) => Promise<void>) =>
  simulate({}, async (world) => {
    const { system } = world;
    const seen: string[] = [];
    const bad = new Set<number>();
    const to = worker(system, "to", seen, bad);
    const q = system.spawn(queue(to, { maxAttempts: 1, ...options }), { name: "q" });
    const send: Kit["send"] = async (...all) => {
      for (const [key, n] of all) await system.offer(q, { key, id: `m${n}` }).work(n);
      await world.runUntilIdle();
    };
    await body({ world, system, q, seen, bad, send });
  }).then(() => {});

const report = async (system: System, q: Ref<unknown>) => (await inspect(system, q)).topics[0]?.subscriptions[0];

describe('laneOnDead: "park"', () => {
  test("[G5 sim] holds the lane of what is dead for what it is until it is tried again, in its place", () =>
    scene({ order: "key", laneOnDead: "park" }, async ({ world, system, q, seen, bad, send }) => {
      bad.add(1);
      await send(["a", 1], ["a", 2], ["b", 3]);
      expect(seen).toEqual(["0:1", "0:3"]);
      expect(await report(system, q)).toMatchObject({ parked: 1, ready: 1, dead: 0, acked: 1 });
      expect(await parked(system, q)).toMatchObject([{ id: "m1", key: "a", payload: 1, attempts: [{ attempt: 1 }] }]);
      expect(await parked(system, q, { filter: { key: "b" } })).toEqual([]);
      bad.clear();
      expect(await redrive(system, q)).toBe(1);
      await world.runUntilIdle();
      expect(seen.slice(2)).toEqual(["0:1", "0:2"]);
    }));

  test("[G1 sim] lets it go on without it when it is skipped, who asked is told, and nothing is lost", () =>
    scene({ order: "key", laneOnDead: "park" }, async ({ world, system, q, seen, bad }) => {
      bad.add(1);
      const asked = settle(system.ask(q, { key: "a", within: "1h" }).work(1));
      await system.offer(q, { key: "a", id: "m2" }).work(2);
      await world.run(1);
      expect(await skip(system, q, { filter: { ids: ["m2"] } })).toBe(0);
      expect(await skip(system, q, { filter: { key: "a" } })).toBe(1);
      expect(await asked).toMatchObject({ error: { _tag: "NotHandled", reason: "skipped" } });
      await world.runUntilIdle();
      expect(seen).toEqual(["0:1", "1:2"]);
      expect(await deadLetters(system, q)).toMatchObject([
        { payload: 1, reason: "skipped", attempts: [{ error: expect.stringContaining("planted") }] },
      ]);
      expect(await report(system, q)).toMatchObject({ parked: 0, dead: 1, acked: 1, matched: 2 });
    }));

  test("parks what its consumer has no handler for, and not what has no lane, nor what has expired", () =>
    scene({ order: "key", laneOnDead: "park", onExpired: "deadLetter" }, async ({ world, system, q }) => {
      const other = q as unknown as Ref<{ play(): void }>;
      system.tell(other, { key: "a" }).play();
      system.tell(other).play();
      await world.runUntilIdle();
      expect(await report(system, q)).toMatchObject({ parked: 1, dead: 1 });
      expect(await deadLetters(system, q)).toMatchObject([{ key: undefined, reason: "noHandler" }]);
    }));
});

describe("redrive", () => {
  test("brings back so many a second, also parked ones, whatever happens to the process meanwhile", async () => {
    const journal = memoryJournal();
    const seen: string[] = [];
    let isBroken = true;
    const boot = (system: System) => {
      const to = (self: Self) => ({
        work(n: number) {
          if (isBroken) throw new Error("planted");
          seen.push(`${self.now()}:${n}`);
        },
      });
      return system.spawn(queue(to, { maxAttempts: 1, journal: journal.open }), { name: "q" });
    };
    await simulate({ boot, journals: [journal], faults: [powerFailure({ at: 900 })] }, async (world) => {
      for (let n = 0; n < 4; n++) await world.system.offer(world.booted, { id: `m${n}` }).work(n);
      await world.run(100);
      isBroken = false;
      expect(await redrive(world.system, world.booted, { rate: 2 })).toBe(4);
      expect(await deadLetters(world.system, world.booted)).toEqual([]);
      await world.run("1m");
    });
    expect(seen).toEqual(["100:0", "600:1", "1100:2", "1600:3"]);
    await scene({ onExhausted: "park" }, async ({ world, system, q, seen, bad, send }) => {
      bad.add(1).add(2);
      await send(["a", 1], ["a", 2]);
      bad.clear();
      expect(await redrive(system, q, { rate: 0.5 })).toBe(2);
      await world.runUntilIdle();
      expect(seen.slice(2)).toEqual(["0:1", "2000:2"]);
    });
  });

  test("[G1 sim] moves dead letters to another queue as if they were published there, and what it does not take stays", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const [seen, late]: [string[], string[]] = [[], []];
      const shared = system.spawn(store(), { name: "store" });
      const bad = new Set([1, 2, 3]);
      const q = system.spawn(queue(worker(system, "to", seen, bad), { store: shared, maxAttempts: 1 }), { name: "q" });
      const repair = system.spawn(
        queue(worker(system, "late", late, new Set([2])), {
          ...{ store: shared, maxAttempts: 1, capacity: { messages: 2 }, delay: "1s" },
        }),
        { name: "repair" },
      );
      for (const n of bad) await system.offer(q, { id: `m${n}` }).work(n);
      await runUntilIdle();
      expect(await redrive(system, q, { to: repair })).toBe(2);
      expect(await deadLetters(system, q)).toMatchObject([{ payload: 3 }]);
      await runUntilIdle();
      expect(late).toEqual(["1000:1", "1000:2"]);
      expect(await deadLetters(system, repair)).toMatchObject([
        { payload: 2, source: "/repair", redriveCount: 1, attempts: { length: 2 } },
      ]);
      const elsewhere = system.spawn(queue(worker(system, "far", [])), { name: "elsewhere" });
      const refused = await settle(redrive(system, q, { to: elsewhere }));
      expect(refused).toMatchObject({ ok: false, error: { _tag: "NotInStore" } });
    }).then(() => {}));

  test("[G1 sim] [G13 sim] leaves each in one of the two places, wherever the power fails", async () => {
    const sums = new Set<number>();
    for (let at = 40; at < 80; at += 1) {
      const journal = memoryJournal({ latency: "7ms" });
      const boot = (system: System) => {
        const shared = system.spawn(store({ journal: journal.open }), { name: "store" });
        const bad = worker(system, "to", [], new Set([0, 1, 2]));
        const q = system.spawn(queue(bad, { store: shared, maxAttempts: 1 }), { name: "q" });
        const other = system.spawn(queue(worker(system, "other", []), { store: shared }), { name: "other-q" });
        return { q, other };
      };
      const faults = [powerFailure({ at })];
      await simulate({ boot, journals: [journal], trace: "off", faults }, async (world) => {
        const { q, other } = world.booted;
        await Promise.all([0, 1, 2].map((n) => world.system.offer(q, { id: `m${n}` }).work(n)));
        await world.run(40 - world.now());
        await settle(redrive(world.system, q, { to: other }));
        await world.run("1m");
        const dead = (await deadLetters(world.system, world.booted.q)).length;
        const moved = (await report(world.system, world.booted.other))?.matched ?? 0;
        expect({ at, dead, moved, sum: dead + moved }).toEqual({ at, dead, moved, sum: 3 });
        sums.add(dead);
      });
    }
    expect(sums.size).toBeGreaterThan(1);
  }, 60_000);

  test("refuses a rate of nothing, and one attempt elsewhere", () =>
    scene({}, async ({ system, q }) => {
      await expect(redrive(system, q, { rate: 0 })).rejects.toThrow("rate");
      await expect(redrive(system, q, { to: q, resetAttempts: false })).rejects.toThrow("resetAttempts");
      await expect(redrive(system, q, { to: 7 as never })).rejects.toThrow("to");
    }));
});

describe("a subscription of dead letters", () => {
  const listening = async (
    { system, q }: Pick<Kit, "system" | "q">,
    options: SubscribeOptions<Work> = {},
    bad: ReadonlySet<number> = new Set(),
  ) => {
    const heard: string[] = [];
    const to = worker(system, "alarm", heard, bad);
    const sub = system.spawn(subscribe(q, to, { of: "deadLetters", maxAttempts: 2, backoff: 10, ...options }), {
      name: "alarms",
    });
    await system.ask(sub).inspect();
    return { heard, sub };
  };

  test("[G1 sim] hears of each that dies from then on, or of those that are there, and leaves them where they are", () =>
    scene({}, async (kit) => {
      const { system, q, bad, send, world } = kit;
      bad.add(1).add(3);
      await send(["a", 1]);
      const { heard, sub } = await listening(kit, { startAt: "earliest" });
      await send(["a", 2], ["a", 3]);
      expect(heard).toEqual(["0:1", "0:3"]);
      expect(await deadLetters(system, q)).toHaveLength(2);
      bad.clear();
      expect(await redrive(system, q)).toBe(2);
      await world.runUntilIdle();
      expect(await system.ask(sub).inspect()).toMatchObject({ matched: 2, acked: 2 });
      expect(await report(system, q)).toMatchObject({ acked: 3, dead: 2, matched: 5 });
    }));

  test("chooses by how they died", () =>
    scene({}, async (kit) => {
      kit.bad.add(1);
      const filter: SubscribeOptions<Work>["filter"] = ({ history }) => history?.reason === "noHandler";
      const { heard, sub } = await listening(kit, { filter });
      await kit.send(["a", 1]);
      kit.system.tell(kit.q as unknown as Ref<{ play(): void }>).play();
      await kit.world.runUntilIdle();
      expect(heard).toEqual([]);
      expect(await kit.system.ask(sub).inspect()).toMatchObject({ matched: 2, dropped: 1, dead: 1 });
      await kit.system.ask(sub).seek("earliest");
      await kit.world.runUntilIdle();
      expect(await kit.system.ask(sub).inspect()).toMatchObject({ matched: 4, dropped: 2, dead: 2 });
    }));

  test("makes no dead letters of dead letters: what it gives up is still there", () =>
    scene({}, async (kit) => {
      kit.bad.add(1);
      const { heard, sub } = await listening(kit, {}, new Set([1]));
      await kit.send(["a", 1]);
      expect(heard).toEqual(["0:1", "10:1"]);
      expect(await kit.system.ask(sub).inspect()).toMatchObject({ matched: 1, dead: 1 });
      expect(await deadLetters(kit.system, kit.q)).toMatchObject([{ payload: 1, source: "/q" }]);
      const those = await kit.system
        .ask(kit.q as Ref<unknown> as Ref<Requests>)
        ["broker.inspect"]({ topic: "/q/dead" });
      expect(those.topics[0]).toMatchObject({ kept: 1, deadLetters: 0 });
    }));

  test("forgets what is redriven before it was heard, and lists those that fit", () =>
    scene({}, async (kit) => {
      const { system, q, bad, send, world } = kit;
      bad.add(1).add(2);
      const { heard, sub } = await listening(kit);
      await system.ask(sub).pause();
      await send(["a", 1], ["b", 2]);
      expect(await deadLetters(system, q, { filter: { key: "b" } })).toMatchObject([{ payload: 2 }]);
      bad.clear();
      expect(await redrive(system, q, { filter: { ids: ["m1"] } })).toBe(1);
      await system.ask(sub).resume();
      await world.runUntilIdle();
      expect(heard).toEqual(["0:2"]);
    }));

  test("[G13 sim] hears of none that is not safe, and is there after a restart", async () => {
    let most = 0;
    for (let at = 1; at < 90; at += 2) {
      const journal = memoryJournal({ latency: "5ms" });
      const heard = new Set<string>();
      // Mended when the power is back: a death that was not safe did not happen.
      const bad = new Set([0, 1, 2]);
      const boot = (system: System) => {
        const news = system.spawn(topic<Work>({ journal: journal.open }), { name: "news" });
        const work = worker(system, "to", [], new Set(bad));
        bad.clear();
        const alarm = { work: (n: number) => void heard.add(`${n}`) };
        const options = { maxAttempts: 2, backoff: 10, durable: true } as const;
        const subs = [
          system.spawn(subscribe(news, work, options), { name: "works" }),
          system.spawn(
            subscribe(
              news,
              system.spawn(() => alarm, { name: "alarm" }),
              { ...options, of: "deadLetters" },
            ),
            {
              name: "alarms",
            },
          ),
        ];
        return { news, subs };
      };
      const faults = [powerFailure({ at })];
      await simulate({ boot, journals: [journal], trace: "off", faults }, async (world) => {
        for (const one of world.booted.subs) await settle(world.system.ask(one).inspect());
        for (let n = 0; n < 3; n++) await settle(world.system.offer(world.booted.news, { id: `m${n}` }).work(n));
        await world.run("1m");
        const dead = await deadLetters(world.system, world.booted.news);
        most = Math.max(most, dead.length);
        expect({ at, heard: [...heard].sort() }).toEqual({ at, heard: dead.map(({ payload }) => `${payload}`).sort() });
      });
    }
    expect(most).toBe(3);
  }, 60_000);
});
