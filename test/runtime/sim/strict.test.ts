// The guards of a strict run stand in the way of its own steps and of nothing else, and only as long as it lasts.

import crypto, { randomUUID } from "node:crypto";
import timers from "node:timers";
import timersPromises from "node:timers/promises";
import { InvalidOption, type Self } from "antiphon";
import { NotReproducible, type SimulatedWorld, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";

const guarded = [
  globalThis,
  globalThis.crypto,
  crypto,
  timers,
  timersPromises,
  Date,
  Math,
  performance,
  process,
  process.hrtime,
  AbortSignal,
];

/** Every function that could have been replaced, and how it stands there. */
function surface(): unknown[] {
  const entries = guarded.flatMap((one) => Object.entries(Object.getOwnPropertyDescriptors(one)));
  return entries.filter(([, { value }]) => typeof value === "function");
}

/** A sleeper and its asker, for some thousand steps. */
async function work({ system, run }: SimulatedWorld): Promise<void> {
  const sleeper = system.spawn((self: Self) => ({ nap: () => self.sleep(1) }), { name: "sleeper" });
  system.spawn((self: Self) => {
    self.every(1, () => void self.ask(sleeper).nap());
    return {};
  });
  await run("300ms");
}

describe("the guards of a strict run", () => {
  test("are up while it lasts, and gone after it, also when it fails", async () => {
    const before = surface();
    const now = Date.now;
    const uuid = randomUUID;
    const bodies: ((world: SimulatedWorld) => unknown)[] = [
      work,
      () => Promise.reject(new Error("of the body")),
      () => Math.random(),
      ({ system }) => system.ask(system.spawn(() => ({ go: () => randomUUID() }))).go(),
      () => new Promise(() => {}),
    ];
    const ends: string[] = [];
    for (const body of bodies) {
      let changed = false;
      const end = await simulate({ strict: true }, (world) => {
        changed = Date.now !== now && randomUUID !== uuid;
        return body(world);
      }).then(
        () => "ended",
        (error: Error) => error.name,
      );
      ends.push(end);
      expect(changed).toBe(true);
      expect(surface()).toEqual(before);
      expect([Date.now, randomUUID]).toEqual([now, uuid]);
    }
    expect(ends).toEqual(["ended", "Error", "NotReproducible", "NotReproducible", "Stalled"]);
  });

  test("are up in each of two runs that are compared", async () => {
    const before = surface();
    const fails = simulate({ strict: true, twice: true }, () => Date.now());
    await expect(fails).rejects.toThrow(NotReproducible);
    await simulate({ strict: true, twice: true }, work);
    expect(surface()).toEqual(before);
  });

  test("stay where a test runner puts back what it had found there, and are gone after the run", async () => {
    const before = surface();
    const { nextTick } = process;
    let kept = nextTick;
    const run = simulate({ strict: true }, async ({ system, runUntilIdle }) => {
      kept = process.nextTick;
      process.nextTick = kept;
      process.nextTick = nextTick;
      const user = () => ({ use: () => process.nextTick(() => {}) });
      system.tell(system.spawn(user, { name: "user" })).use();
      await runUntilIdle();
    });
    await expect(run).rejects.toThrow(/\/user used process.nextTick/);
    expect(surface()).toEqual(before);
    expect(kept).not.toBe(nextTick);
    await new Promise<void>((resolve) => kept(resolve));
  });

  test("let the timers and the promise chains of others pass", async () => {
    const { nextTick } = process;
    let isOver = false;
    let beats = 0;
    let links = 0;
    const beat = setInterval(() => {
      beats += Date.now() > 0 && Math.random() < 1 ? 1 : 0;
    }, 1);
    const chain = async () => {
      while (!isOver) {
        // Between the ticks of the run: most of its steps are under way when this goes on.
        await new Promise<void>((resolve) => nextTick(resolve));
        links += Date.now() > 0 && performance.now() > 0 && randomUUID().length > 0 ? 1 : 0;
        if (links % 100 === 0) await new Promise(setImmediate);
      }
    };
    const chained = chain();
    try {
      while (beats < 3 || links < 1_000) expect((await simulate({ strict: true }, work)).leaks).toEqual([]);
    } finally {
      isOver = true;
      clearInterval(beat);
      await chained;
    }
  });

  test("are those of one run in a thread: a second is refused, and the first goes on", async () => {
    const first = simulate({ strict: true }, work);
    await expect(simulate({ strict: true }, work)).rejects.toThrow(InvalidOption);
    const beside = simulate({}, async (world) => {
      await work(world);
      return typeof Date.now();
    });
    expect((await first).leaks).toEqual([]);
    expect((await beside).value).toBe("number");
    expect((await simulate({ strict: true }, work)).hash).toBe((await first).hash);
  });
});
