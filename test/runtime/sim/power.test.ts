// Power failures: every actor is gone between two events, journals keep a part, and the boot runs again.

import { type Message, receive, type Self, type System, settle } from "antiphon";
import { delay, type Journal, powerFailure, simulate } from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectBalance } from "./balanced.ts";

/** An append log: what is flushed is safe, of the rest a prefix survives a power failure. */
class Log implements Journal {
  readonly entries: number[] = [];
  readonly cuts: number[] = [];
  #safe = 0;

  append(entry: number): void {
    this.entries.push(entry);
  }

  flush(): void {
    this.#safe = this.entries.length;
  }

  keepPrefix(random: () => number): void {
    const kept = this.#safe + Math.floor(random() * (this.entries.length - this.#safe + 1));
    this.cuts.push(this.entries.length - kept);
    this.entries.length = kept;
    this.flush();
  }
}

/** Appends what it is given, flushes every few ms, and answers those of the group when that is done. */
const writer = (log: Log) => (self: Self) => {
  let waiting: Message<{ write(n: number): void }>[] = [];
  self.every(4, () => {
    log.flush();
    for (const one of waiting.splice(0)) one.answer(undefined);
  });
  return {
    [receive](m: Message<{ write(n: number): void }>) {
      log.append(m.payload as number);
      m.hold();
      waiting = [...waiting, m];
    },
  };
};

describe("powerFailure", () => {
  test("keeps what was acknowledged after a flush, in every seed, and may lose the rest", async () => {
    const plan = fc.record({
      seed: fc.nat(),
      times: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 3 }),
    });
    const seen = { acknowledged: 0, cut: 0, whole: 0 };
    await fc.assert(
      fc.asyncProperty(plan, async ({ seed, times }) => {
        const log = new Log();
        const boot = (system: System) => system.spawn(writer(log), { name: "writer" });
        const faults = times.map((at) => powerFailure({ at }));
        await simulate(
          { seed, boot, faults, journals: [log], latency: { "*>*": { min: 0, max: 2 } } },
          async (world) => {
            const acknowledged: number[] = [];
            for (let n = 0; n < 60; n++) {
              void world.system
                .ask(world.booted, { within: 20 })
                .write(n)
                .then(
                  () => acknowledged.push(n),
                  () => {},
                );
              await world.run(1);
              expectBalance(world.system);
            }
            await world.runUntilIdle();
            expect(log.entries).toEqual([...new Set(log.entries)].sort((a, b) => a - b));
            for (const n of acknowledged) expect(log.entries).toContain(n);
            seen.acknowledged += acknowledged.length;
          },
        );
        for (const cut of log.cuts) seen[cut > 0 ? "cut" : "whole"]++;
      }),
      { seed: 61, numRuns: 20 },
    );
    expect(seen.acknowledged).toBeGreaterThan(300);
    expect(Math.min(seen.cut, seen.whole)).toBeGreaterThan(5);
  });

  test("[D3 sim] ends everything that was accepted as dead, and what was on its way is lost", async () => {
    const faults = [powerFailure({ at: 5 })];
    await simulate({ faults, latency: { "/far>/busy": 9, "/>/busy": 0 } }, async ({ system, run, inject }) => {
      inject(delay("/>/busy", { by: 9, from: 4 }));
      const busy = system.spawn((self: Self) => ({ nap: () => self.sleep(50) }), {
        name: "busy",
        mailbox: { capacity: 2 },
      });
      const many = system.spawn((self: Self) => ({ nap: () => self.sleep(50) }), { name: "many", concurrency: 9 });
      const keeper = system.spawn(() => ({ [receive]: (m: Message<{ keep(): void }>) => m.hold() }), {
        name: "keeper",
      });
      const far = system.spawn((self: Self) => ({ go: () => self.tell(busy).nap() }), { name: "far" });
      const outcomes: string[] = [];
      const note = (name: string, promise: PromiseLike<unknown>) =>
        void promise.then(undefined, ({ code, outcome }) => outcomes.push(`${name}: ${code} ${outcome}`));
      note("running", system.ask(busy).nap());
      for (let i = 0; i < 3; i++) system.tell(many).nap();
      note("held", system.ask(keeper).keep());
      note("queued", system.ask(busy).nap());
      system.tell(busy).nap();
      note("waiting", system.offer(busy).nap());
      system.tell(far).go();
      await run(4);
      note("on its way", system.ask(busy).nap());
      expect(system.census()).toMatchObject({ queued: 2, running: 4, held: 1, waitingForRoom: 1, transit: 2 });
      await run(2);
      expect(outcomes).toEqual([
        "running: ACTOR_STOPPED unknown",
        "held: ACTOR_STOPPED unknown",
        "queued: ACTOR_STOPPED not-started",
        "waiting: ACTOR_STOPPED not-started",
        "on its way: ACTOR_STOPPED not-started",
      ]);
      expectBalance(system);
      expect(system.census()).toMatchObject({ dead: 7, handled: 1, turnedAway: 1, lost: 2, actors: 0, transit: 0 });
      expect(await settle(system.ask(busy).nap())).toMatchObject({
        error: { code: "ACTOR_STOPPED", outcome: "not-started" },
      });
    });
  });

  test("runs no code of theirs: neither dispose nor finally, no timer, watch or reply", async () => {
    const log: string[] = [];
    const boot = (system: System) => {
      const slow = system.spawn((self: Self) => ({ get: () => self.sleep(10) }), { name: "slow" });
      const make = async (self: Self) => {
        await self.sleep(1);
        self.watch(slow, () => log.push("watch"));
        self.after(9, () => log.push("after"));
        self.every(9, () => void log.push("every"));
        self.pipeToSelf(self.sleep(9), () => log.push("pipe"));
        return {
          async go() {
            self.signal.addEventListener("abort", () => log.push("signal"));
            try {
              await self.ask(slow).get();
              log.push("reply");
            } finally {
              log.push("finally");
            }
          },
          [Symbol.dispose]: () => void log.push("dispose"),
        };
      };
      return system.spawn(make, { name: "a", supervision: { backoff: 20 } });
    };
    await simulate(
      { boot, faults: [powerFailure({ at: 5 }), powerFailure({ at: 5.5 })] },
      async ({ system, booted, run }) => {
        const answer = settle(system.ask(booted).go());
        await run(8);
        expect(log).toEqual([]);
        expect(await answer).toMatchObject({ ok: false, error: { _tag: "ActorStopped" } });
        await run(9);
        // Of the third boot alone: begun at 5.5, up at 6.5.
        expect(log).toEqual(["after", "every", "pipe"]);
      },
    );
  });

  test("runs the boot again, under the same names and labels, with draws of its own", async () => {
    class Store {
      get(): void {}
    }
    const paths: string[] = [];
    const draws: number[] = [];
    const keyed: number[] = [];
    const boot = (system: System) => {
      const start = (self: Self) => {
        draws.push(self.random());
        keyed.push(self.random("key"));
        return {};
      };
      const refs = [system.spawn(start, { name: "named" }), ...[1, 2].map(() => system.spawn(() => new Store()))];
      paths.push(refs.map(({ path }) => path).join(" "));
      return paths.length;
    };
    const faults = [powerFailure({ at: 1 }), powerFailure({ at: 2 })];
    const run = () =>
      simulate({ boot, faults }, async (world) => {
        const first = world.booted;
        await world.run(1.5);
        expect(world.booted).toBe(first + 1);
        await world.run(1);
        expect(world.system.census().actors).toBe(3);
      });
    const { faults: reports } = await run();
    expect(paths).toEqual(Array(3).fill("/named /store-1 /store-2"));
    expect(new Set(draws).size).toBe(3);
    expect(new Set(keyed).size).toBe(1);
    expect(reports.map(({ struck }) => struck)).toEqual([3, 3]);
    await run();
    expect(draws.slice(3)).toEqual(draws.slice(0, 3));
  });

  test("leaves the body as it is: its sleep goes on, and what it asks afterwards is answered", async () => {
    const boot = (system: System) => system.spawn(() => ({ get: () => 1 }), { name: "a" });
    const faults = [powerFailure({ at: 5 }), delay("/>/a", { by: "1h", first: 1 })];
    const { value } = await simulate({ boot, faults }, async (world) => {
      const never = settle(world.system.ask(world.booted).get());
      await world.run(10);
      // The message that was an hour on its way is no more, and nothing waits behind it.
      const answers = [await world.system.ask(world.booted).get(), world.now()];
      return [...answers, (await never).ok];
    });
    expect(value).toEqual([1, 10, false]);
  });

  test("ends a stop that waits for the actors it takes, with its limit and without", async () => {
    const boot = (system: System) => system.spawn((self: Self) => ({ work: () => self.sleep("1s") }), { name: "a" });
    for (const options of [{}, { drain: 2 }])
      await simulate({ boot, faults: [powerFailure({ at: 5 })] }, async ({ system, booted, run, now }) => {
        const answer = settle(system.ask(booted).work());
        await run(1);
        await system.stop(options);
        expect(now()).toBe(5);
        expect(await answer).toMatchObject({ ok: false, error: { _tag: "ActorStopped" } });
        expect(system.census()).toMatchObject({ actors: 0, queued: 0, running: 0, transit: 0 });
      });
  });

  test("strikes nothing in a system that was stopped, and starts nothing there", async () => {
    let boots = 0;
    const boot = (system: System) => {
      boots++;
      return system.spawn(() => ({}));
    };
    const { faults } = await simulate({ boot, faults: [powerFailure({ at: 5 })] }, async ({ system, run }) => {
      await system.stop();
      await run(10);
    });
    expect([boots, faults[0]?.struck]).toEqual([1, 0]);
  });
});
