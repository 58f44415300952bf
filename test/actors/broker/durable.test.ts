import { type Ref, type Self, type System, settle } from "antiphon";
import { powerFailure, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { commit, deadLetters, inspect, inspectStore, read, redrive } from "../../../src/actors/broker/control.ts";
import { queue, store, topic } from "../../../src/actors/broker/queue.ts";
import { subscribe } from "../../../src/actors/broker/subscribe.ts";
import { json, type Lie, SlowJournal } from "./scene.ts";

interface Work {
  work(what: string): unknown;
}

/** Publishes numbered messages through power failures and notes what was confirmed, started and settled. */
async function story(seed: number, lie: Lie) {
  const journal = new SlowJournal(lie);
  const confirmed: string[] = [];
  const acked = new Set<string>();
  const started: string[] = [];
  const violations: string[] = [];
  const boot = (system: System): Ref<Work> => {
    const worker = system.spawn(
      (self: Self): Work => ({
        async work(what) {
          if (acked.has(what)) violations.push(`${what} comes again after its commit was answered`);
          started.push(what);
          await self.sleep(3);
          await commit(self, q);
          acked.add(what);
        },
      }),
      { name: "worker", concurrency: 4 },
    );
    const q: Ref<Work> = system.spawn(
      queue(worker, {
        prefetch: 4,
        order: "key",
        key: ({ payload }) => String(payload)[0],
        journal: journal.open,
        codec: json,
      }),
      { name: "q" },
    );
    return q;
  };
  await simulate(
    { seed, boot, journals: [journal], trace: "off", schedule: { strategy: "random", seed } },
    async (world) => {
      for (let i = 0; i < 12; i++) {
        const what = `${"abc"[i % 3]}${i}`;
        const random = world.random("fail", i)();
        if (random < 0.4) world.inject(powerFailure({ at: world.now() + Math.floor(random * 40) }));
        const done = world.system
          .offer(world.booted)
          .work(what)
          .then(
            () => confirmed.push(what),
            () => {},
          );
        if (i % 2 === 0) await done;
        await world.run(4);
      }
      await world.run("1m");
      for (const what of confirmed) if (!started.includes(what)) violations.push(`${what} was confirmed and is lost`);
      const report = await inspect(world.system, world.booted);
      const { matched, acked: ended, ready, leased, scheduled } = report.topics[0]!.subscriptions[0]!;
      if (ready + leased + scheduled > 0 || matched !== ended) violations.push("something is left");
    },
  );
  return violations;
}

describe("a durable queue", () => {
  test("[G13 sim] loses nothing that it confirmed, and delivers nothing again whose commit it answered", async () => {
    for (let seed = 1; seed <= 25; seed++) expect(await story(seed, "none")).toEqual([]);
  }, 60_000);

  test("is caught confirming, or settling, what is not safe", async () => {
    const found = new Set<string>();
    for (let seed = 1; seed <= 25; seed++)
      for (const one of await story(seed, "says safe at once")) found.add(one.replace(/^\w+ /, ""));
    expect(found).toContain("was confirmed and is lost");
    expect(found).toContain("comes again after its commit was answered");
  }, 60_000);
});

describe("a durable store", () => {
  test("[G13 sim] is found again with its topics, subscriptions, dead letters and values, from records or a snapshot", async () => {
    for (const snapshotEvery of [1_000, 3]) {
      const journal = new SlowJournal();
      const seen: string[] = [];
      let broken = true;
      const boot = (system: System) => {
        const shared = system.spawn(store({ journal: journal.open, codec: json, snapshotEvery }), { name: "store" });
        const worker = (self: Self): Work => ({
          async work(what) {
            seen.push(`${what} #${self.message?.attempt}`);
            if (broken && what === "bad") throw new Error("planted");
            await commit(self, shared, { inbox: what, state: { last: what } });
          },
        });
        const supervision = { maxRestarts: 99 };
        const to = system.spawn(worker, { name: "worker", supervision });
        const q = system.spawn(queue(to, { store: shared, maxAttempts: 2, backoff: 1 }), { name: "q" });
        const news = system.spawn(topic<Work>({ store: shared }), { name: "news" });
        const sub = system.spawn(subscribe(news, to, { durable: true, order: "all" }), { name: "sub" });
        return { shared, q, news, sub };
      };
      await simulate({ boot, journals: [journal] }, async (world) => {
        const { system, run, inject, now } = world;
        await system.ask(world.booted.sub).inspect();
        await system.offer(world.booted.q).work("bad");
        await run(100);
        await system.ask(world.booted.sub).pause();
        for (const what of ["n1", "n2"]) await system.offer(world.booted.news).work(what);
        await run(100);
        inject(powerFailure({ at: now() + 1 }));
        await run(100);
        expect(seen).toEqual(["bad #1", "bad #2"]);
        expect(await deadLetters(system, world.booted.q)).toMatchObject([{ payload: "bad", attempts: [{}, {}] }]);
        expect(await system.ask(world.booted.sub).inspect()).toMatchObject({ isPaused: true, ready: 2, matched: 2 });
        broken = false;
        expect(await redrive(system, world.booted.q)).toBe(1);
        await system.ask(world.booted.sub).resume();
        await run(100);
        expect(seen.slice(2).sort()).toEqual(["bad #1", "n1 #1", "n2 #1"]);
        inject(powerFailure({ at: now() + 1 }));
        await run(100);
        expect(await deadLetters(system, world.booted.q)).toEqual([]);
        expect(["bad", "n1", "n2"]).toContain(await read(system, world.booted.shared, "last"));
        expect(await inspectStore(system, world.booted.shared)).toMatchObject({ inbox: 3 });
        expect(seen).toHaveLength(5);
        if (snapshotEvery === 3) expect(journal.snapshot).toBeDefined();
      });
    }
  });

  test("many that offer at once share a group", async () => {
    const journal = new SlowJournal();
    await simulate({}, async ({ system, runUntilIdle }) => {
      const to = system.spawn((): Work => ({ work: () => {} }), { name: "to" });
      const q = system.spawn(queue(to, { journal: journal.open, codec: json, prefetch: 100 }), { name: "q" });
      await Promise.all(Array.from({ length: 100 }, (_, i) => system.offer(q).work(`${i}`)));
      await runUntilIdle();
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 100 });
    });
    expect(journal.groups).toBeLessThan(8);
  });

  test("[G13 sim] a group of any size is confirmed and delivered, also when the one behind it fails", async () => {
    const journal = new SlowJournal();
    const seen = new Set<string>();
    await simulate({ trace: "off" }, async ({ system, run, runUntilIdle }) => {
      const supervision = { maxRestarts: 100, backoff: 5 };
      const worker = (): Work => ({ work: (what) => void seen.add(what) });
      const options = { journal: journal.open, codec: json, prefetch: 1_000 };
      const q = system.spawn(queue(worker, options), { name: "q", supervision });
      await inspect(system, q);
      const offered = Array.from({ length: 1_000 }, (_, i) => settle(system.offer(q).work(`${i}`)));
      await run(6); // All but the first are on their way.
      journal.fails = true;
      await run(6);
      expect((await Promise.all(offered)).filter(({ ok }) => ok)).toHaveLength(1_000);
      journal.fails = false;
      await runUntilIdle();
    });
    expect(seen.size).toBe(1_000);
  });

  test("[G13 sim] a power failure of a queue in memory loses what it had", async () => {
    const seen: string[] = [];
    const boot = (system: System) => {
      const to = system.spawn((self: Self): Work => ({ work: (what) => self.sleep(10).then(() => seen.push(what)) }), {
        name: "to",
      });
      return system.spawn(queue(to), { name: "q" });
    };
    await simulate({ boot, faults: [powerFailure({ at: 15 })] }, async (world) => {
      for (const what of ["a", "b", "c"]) await world.system.offer(world.booted).work(what);
      await world.run(100);
    });
    expect(seen).toEqual(["a"]);
  });
});
