// The entrance to simulation: its body, the ways to let the world go on, and its options.

import { InvalidOption, type Self, type System, settle } from "antiphon";
import { crash, type SimulateOptions, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";

const errorOf = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Sleeps as long as it is told, then says what time it is. */
const sleeper = (self: Self) => ({
  async nap(ms: number) {
    await self.sleep(ms);
    return self.now();
  },
  sender: () => self.message?.sender,
});

/** Counts its beats, one a millisecond. */
function clockwork(system: System): { beats: number } {
  const seen = { beats: 0 };
  system.spawn((self: Self) => {
    self.every(1, () => void seen.beats++);
    return {};
  });
  return seen;
}

describe("simulate", () => {
  test("runs its body as a handler of the root: while that awaits its world, the world goes on", async () => {
    const { value, endedMs, seed } = await simulate({ seed: 7 }, async ({ system, now }) => {
      const one = system.spawn(sleeper, { name: "one" });
      const two = system.spawn(sleeper, { name: "two" });
      const both = await Promise.all([system.ask(one).nap(20), system.ask(two).nap(10)]);
      return { both, now: now(), sender: await system.ask(one).sender() };
    });
    expect(value).toEqual({ both: [20, 10], now: 20, sender: undefined });
    expect([endedMs, seed]).toEqual([20, 7]);
  });

  test("gives what its body gives, also when that awaits nothing or a promise of its own", async () => {
    expect((await simulate({}, () => 1)).value).toBe(1);
    expect((await simulate({}, async () => await Promise.resolve(2))).value).toBe(2);
    const { value, barriers, steps } = await simulate({}, ({ system }) => {
      const done = new Promise<number>((resolve) => {
        system.tell(system.spawn(() => ({ go: () => resolve(3) }))).go();
      });
      return done;
    });
    expect([value, barriers, steps]).toEqual([3, 0, 1]);
  });

  test("fails with what its body throws, at once or later, or its boot", async () => {
    const error = new Error("planted");
    const hurl = () => {
      throw error;
    };
    expect(await errorOf(simulate({}, hurl))).toBe(error);
    expect(await errorOf(simulate({ boot: hurl }, () => 1))).toBe(error);
    const later = simulate({}, async ({ run }) => {
      await run(5);
      hurl();
    });
    expect(await errorOf(later)).toBe(error);
  });

  test("starts its actors by boot, before the body, and hands on what that gives", async () => {
    const boot = (system: System) => system.spawn(sleeper, { name: "booted" });
    const { value } = await simulate({ boot }, async ({ system, booted }) => {
      await system.ask(booted).nap(3);
      return booted.path;
    });
    expect(value).toBe("/booted");
  });

  test("ends with its body, whatever is left to happen", async () => {
    const { steps, endedMs } = await simulate({}, async ({ system, run }) => {
      clockwork(system);
      await run(10);
    });
    expect(endedMs).toBe(10);
    expect(steps).toBeLessThan(30);
  });

  test("reports what should not go unnoticed, and tells it as it happens", async () => {
    const told: string[] = [];
    const { events } = await simulate(
      { report: ({ kind }) => void told.push(kind) },
      async ({ system, runUntilIdle }) => {
        const ref = system.spawn(() => ({
          fail() {
            throw new Error("planted");
          },
        }));
        system.tell(ref).fail();
        await runUntilIdle();
        await system.stop();
        system.tell(ref).fail();
      },
    );
    expect(events.map(({ kind }) => kind)).toEqual(["crashed", "dead-letter"]);
    expect(told).toEqual(["crashed", "dead-letter"]);
  });
});

describe("the world of a simulation", () => {
  test("lets exactly so much time pass by run, whatever happens in it", async () => {
    await simulate({}, async ({ system, run, now }) => {
      const seen = clockwork(system);
      for (const [duration, ms] of [
        [2.5, 2.5],
        ["1s", 1_002.5],
        [0, 1_002.5],
        ["0.05m", 4_002.5],
      ] as const) {
        await run(duration);
        expect(now()).toBe(ms);
        expect(seen.beats).toBe(Math.floor(ms));
      }
      expect(() => run("soon" as "1s")).toThrow(InvalidOption);
    });
  });

  test("goes on by run after its system has stopped", async () => {
    const { value } = await simulate({}, async ({ system, run, now, runUntilIdle }) => {
      const seen = clockwork(system);
      await run(5.5);
      await system.stop();
      await run("1s");
      await runUntilIdle();
      return [now(), seen.beats];
    });
    expect(value).toEqual([1_005.5, 5]);
  });

  test("is idle when nothing is left to happen but what every() timers set off", async () => {
    await simulate({ faults: [crash("/nobody", { at: 400 })] }, async ({ system, runUntilIdle, now }) => {
      const seen = clockwork(system);
      await runUntilIdle();
      expect([now(), seen.beats]).toEqual([400, 400]);
      await runUntilIdle();
      expect(now()).toBe(400);
      const ref = system.spawn(sleeper);
      system.tell(ref).nap(7);
      system.tell(ref).nap(7);
      await runUntilIdle();
      expect([now(), seen.beats]).toEqual([414, 414]);
      system.spawn((self: Self) => {
        self.after(3, () => self.after(3, () => {}));
        return {};
      });
      await runUntilIdle();
      expect(now()).toBe(420);
    });
  });

  test("fires one event by step, and says whether there was one", async () => {
    await simulate({}, async (world) => {
      const { system, step } = world;
      const log: number[] = [];
      expect(await step()).toBe(false);
      const ref = system.spawn(() => ({ note: (n: number) => void log.push(n) }));
      for (let n = 1; n <= 3; n++) system.tell(ref).note(n);
      for (let n = 1; n <= 3; n++) {
        expect(await step()).toBe(true);
        expect([log.at(-1), world.steps]).toEqual([n, n]);
      }
      expect([await step(), world.steps]).toEqual([false, 3]);
      const nap = system.ask(system.spawn(sleeper)).nap(5);
      // It starts, its sleep comes due, its reply comes.
      expect([await step(), await step(), await step(), await step()]).toEqual([true, true, true, false]);
      expect(await nap).toBe(5);
    });
  });

  test("[W2 sim] draws streams by name, and with a key what depends on nothing but seed, name and key", async () => {
    const draw = async (seed: number) =>
      (
        await simulate({ seed }, async ({ random }) => {
          const three = (stream: () => number) => [stream(), stream(), stream()];
          const first = three(random("load"));
          random("other")();
          expect(three(random("load"))).toEqual(first);
          expect(three(random("load", 1))).toEqual(three(random("load", 1)));
          const all = [first, three(random("other")), ...[0, 1, "1", "a"].map((key) => three(random("load", key)))];
          expect(new Set(all.flat()).size).toBe(18);
          for (const u of all.flat()) expect(u >= 0 && u < 1).toBe(true);
          return all;
        })
      ).value;
    const once = await draw(1);
    expect(await draw(1)).toEqual(once);
    expect(await draw(2)).not.toEqual(once);
  });

  test("has methods that work when they are taken out of it", async () => {
    const { value } = await simulate({}, async ({ system, run, runUntilIdle, step, now, random, inject }) => {
      inject(crash("/one", { at: 3 }));
      const ref = system.spawn(sleeper, { name: "one" });
      await run(1);
      await step();
      await runUntilIdle();
      const u = random("x")();
      return [now(), u >= 0, await settle(system.ask(ref).nap(1))];
    });
    expect(value).toEqual([3, true, { ok: true, value: 4 }]);
  });

  test("needs no barrier where no promise is involved", async () => {
    const { steps, barriers } = await simulate({}, async ({ system, runUntilIdle }) => {
      const sink = system.spawn(() => ({ take(_: number) {} }));
      system.spawn((self: Self) => {
        let left = 500;
        const turn = () => {
          self.tell(sink).take(left);
          if (--left > 0) self.after(self.random(), turn);
        };
        turn();
        return {};
      });
      await runUntilIdle();
    });
    // Of each round but the first: the timer comes due, its turn, the message.
    expect([steps, barriers]).toEqual([3 * 500 - 2, 0]);
  });
});

describe("the options of simulate", () => {
  const wrong: readonly [string, object, string?][] = [
    ["an unknown one", { seeds: 1 }, "seeds"],
    ["seed", { seed: 1.5 }],
    ["name", { name: "" }],
    ["isolation", { isolation: "deep" }],
    ["latency", { latency: null }],
    ["a link without an end", { latency: { "/a": 1 } }, "latency"],
    ["a link of more than two", { latency: { "/a>/b>/c": 1 } }, "latency"],
    ["a link of no path", { latency: { "a>/b": 1 } }, "latency"],
    ["the latency of a link", { latency: { "/a>/b": "soon" } }, "latency of /a>/b"],
    ["no latency of a link", { latency: { "/a>/b": null } }, "latency of /a>/b"],
    ["bounds of a latency", { latency: { "/a>/b": { min: 2, max: 1 } } }, "latency of /a>/b.max"],
    ["faults", { faults: crash("/a", { at: 1 }) }],
    ["a fault", { faults: [{ kind: "hiccup" }] }, "kind"],
    ["boot", { boot: sleeper({} as Self) }],
    ["journals", { journals: [{}] }],
    ["journals that a second run would find", { twice: true, journals: [{ keepPrefix: () => {} }] }, "journals"],
    ["strict", { strict: "very" }],
    ["twice", { twice: 2 }],
    ["twice without a full trace", { twice: true, trace: "hash" }, "trace"],
    ["trace", { trace: true }],
    ["traceLimit", { traceLimit: -1 }],
    ["steps", { steps: 0 }],
    ["report", { report: true }],
  ];
  test.each(wrong)("refuse a wrong value: %s", async (option, given, named = option) => {
    let began = false;
    const run = simulate(given as SimulateOptions, () => {
      began = true;
    });
    expect(await errorOf(run)).toMatchObject({ _tag: "InvalidOption", option: named });
    expect(began).toBe(false);
  });

  test("refuse what is no body", async () => {
    expect(await errorOf(simulate({}, undefined as unknown as () => void))).toMatchObject({ option: "body" });
  });

  test("are checked where they can be: a latency that draws nonsense fails the sender", async () => {
    const { events } = await simulate({ latency: { "/a>/b": () => Number.NaN } }, async ({ system, runUntilIdle }) => {
      const b = system.spawn(sleeper, { name: "b" });
      const a = system.spawn((self: Self) => ({ go: () => self.tell(b).nap(1) }), { name: "a" });
      system.tell(a).go();
      await runUntilIdle();
    });
    expect(events).toMatchObject([{ kind: "crashed", path: "/a", reason: { option: "latency of /a>/b" } }]);
  });
});
