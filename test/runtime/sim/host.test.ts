// How a run ends that its body does not end, and what it leaves to its host meanwhile.

import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { type Message, type Ref, receive, type Self, type System } from "antiphon";
import { type SimulatedWorld, Stalled, StepsExhausted, simulate } from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

const errorOf = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Counts its beats, one a millisecond. */
function clockwork(system: System): { beats: number } {
  const seen = { beats: 0 };
  system.spawn((self: Self) => {
    self.every(1, () => void seen.beats++);
    return {};
  });
  return seen;
}

/** Asks and is asked, with draws, at times that depend on the seed. */
async function busy({ system, run }: SimulatedWorld<unknown>): Promise<void> {
  const store = system.spawn((self: Self) => ({
    async take(n: number) {
      await self.sleep(self.random() * 10);
      return n + self.random();
    },
  }));
  for (let i = 0; i < 5; i++)
    system.spawn((self: Self) => {
      self.every(3, () => self.pipeToSelf(self.ask(store, { within: "1m" }).take(i), () => {}));
      return {};
    });
  await run(300);
}

describe("a run in which nothing is left to happen", () => {
  test("is stalled, and says who waits for what", async () => {
    const error = await errorOf(
      simulate({}, async ({ system }) => {
        const never = Number.POSITIVE_INFINITY;
        const keeper = system.spawn(
          () => ({
            [receive](m: Message<{ get(): void }>) {
              m.hold();
            },
          }),
          { name: "keeper" },
        );
        const asker = system.spawn(
          (self: Self) => ({ ask: () => self.ask(keeper as Ref<{ get(): void }>, { within: never }).get() }),
          {
            name: "asker",
          },
        );
        system.spawn(clockworkOnce, { name: "idle" });
        await system.ask(asker, { within: never }).ask();
      }),
    );
    expect(error).toBeInstanceOf(Stalled);
    expect(error).toMatchObject({ _tag: "Stalled", code: "STALLED" });
    expect((error as Error).message).toBe(
      "Nothing is left to happen at 5 ms, and the body waits. The body waits for /asker.ask; /keeper holds get; /asker handles ask and waits for /keeper.get. Give the ask a deadline, or answer it.",
    );
  });

  const clockworkOnce = (self: Self) => {
    self.after(5, () => {});
    return {};
  };
});

describe("a run that takes too many steps", () => {
  test("is ended after exactly so many events", async () => {
    const run = (steps: number) =>
      simulate({ steps }, async ({ system, run }) => {
        clockwork(system);
        await run(100);
      });
    // Each beat is two: it comes due and starts; and the end of the sleep.
    const enough = (await run(1_000)).steps;
    expect((await run(enough)).steps).toBe(enough);
    for (const steps of [1, 63, 64, 65, enough - 1]) {
      const error = await errorOf(run(steps));
      expect(error).toBeInstanceOf(StepsExhausted);
      expect(error).toMatchObject({ _tag: "StepsExhausted", code: "STEPS_EXHAUSTED" });
      expect((error as Error).message).toMatch(`${steps} events were fired and the body has not ended`);
    }
  });
});

describe("the host of a simulation", () => {
  /** How often the host had its turn since it was asked last. */
  function turns(): () => number {
    let count = 0;
    let open = true;
    const turn = () => {
      count++;
      if (open) setImmediate(turn);
    };
    setImmediate(turn);
    return () => {
      open = false;
      return count;
    };
  }

  test("has its turn every 4,096 events at the latest", async () => {
    const count = turns();
    const { steps } = await simulate({ trace: "off" }, async ({ system, run }) => {
      clockwork(system);
      await run(15_000);
    });
    expect(count()).toBeGreaterThanOrEqual(Math.floor(steps / 4_096));
    expect(steps).toBeGreaterThan(29_000);
  });

  test.each([
    ["lets time pass", ({ run }: SimulatedWorld) => run(1)],
    ["fires events", ({ step }: SimulatedWorld) => step()],
    ["waits until nothing is left to happen", ({ runUntilIdle }: SimulatedWorld) => runUntilIdle()],
  ])("has its timers fire while a body %s for ever", async (_, again) => {
    let rung = false;
    setTimeout(() => {
      rung = true;
    }, 1);
    await simulate({}, async (world) => {
      world.system.spawn(clockworkOf(5), { name: "clockwork" });
      while (!rung) await again(world);
    });
    expect(rung).toBe(true);
  });
  const clockworkOf = (beats: number) => (self: Self) => {
    const beat = (left: number) => left > 0 && self.after(1, () => beat(left - 1));
    beat(beats);
    return {};
  };

  test("interrupts a property that takes too long", async () => {
    let runs = 0;
    let over = false;
    const property = fc.asyncProperty(fc.nat(), async () => {
      const isLong = ++runs > 3;
      await simulate({}, async ({ system, run }) => {
        clockwork(system);
        do await run(1);
        while (isLong && !over);
      });
    });
    const details = await fc.check(property, { seed: 1, interruptAfterTimeLimit: 100 });
    over = true;
    expect(details).toMatchObject({ interrupted: true, failed: false });
    expect(runs).toBe(4);
  });

  test("makes no timer for a simulation, however that ends", async () => {
    const within = new AsyncLocalStorage<boolean>();
    const made: string[] = [];
    const hook = createHook({
      init(_, type) {
        if (within.getStore() === true) made.push(type);
      },
    }).enable();
    await within.run(true, async () => {
      await simulate({}, busy);
      await errorOf(simulate({ steps: 5 }, busy));
      await errorOf(simulate({}, () => Promise.reject(new Error("planted"))));
    });
    hook.disable();
    expect(new Set(made)).toEqual(new Set(["PROMISE", "TickObject", "Immediate"]));
  });
});

describe("two simulations at once", () => {
  test("[W1 sim] have the hashes that each has alone", async () => {
    const seeds = [1, 2, 3, 4];
    const alone: (string | undefined)[] = [];
    for (const seed of seeds) alone.push((await simulate({ seed }, busy)).hash);
    expect(new Set(alone).size).toBe(seeds.length);
    const together = await Promise.all(seeds.map((seed) => simulate({ seed }, busy)));
    expect(together.map(({ hash }) => hash)).toEqual(alone);
    expect(together.every(({ leaks, barriers }) => leaks.length === 0 && barriers > 50)).toBe(true);
  });
});
