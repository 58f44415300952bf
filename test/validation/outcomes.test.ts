// What theory says of calls that fail or are slow by chance, to 1e-9: each outcome there is is played once, and counts as
// much as its chance.

import { type Ref, settle } from "antiphon";
import { errors, type SimulatedWorld, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { chain, Down, fanOut, leaf, persistent, queue, redundant, type Shaky } from "./calls.ts";
import { isEqual, list, play } from "./exact.ts";
import { attempts } from "./theory.ts";

/** Of independent trials in a row, each a hit with chance `p`: the place of the first hit, `count` for none, and its chance. */
const firstHits = (count: number, p: number) =>
  list(count + 1, (place) => ({ place, chance: (place < count ? p : 1) * (1 - p) ** place }));

/** As many as `count`, of which the one at `place` is the first; those behind it are drawn. */
const hitsFrom = (place: number, count: number, draw: () => number) =>
  list(count, (each) => each === place || (each > place && draw() < 0.5));

describe("V30: a chain of services", () => {
  test.each([
    [0.999, 5, 0.99501],
    [0.999, 6, 0.99401],
    [0.999, 7, 0.99302],
    [0.99, 5, 0.95099],
    [0.99, 10, 0.90438],
  ])("each available with %d, of %i, answers with %d", async (available, length, published) => {
    const { value } = await play(async ({ system, random }) => {
      const services = chain(system, length);
      const draw = random("down");
      let answered = 0;
      for (const { place, chance } of firstHits(length, 1 - available)) {
        const before = services.map((service) => system.census(service).accepted);
        const answer = await settle(system.ask(services[0]!).call(hitsFrom(place, length, draw)));
        if (answer.ok) answered += chance;
        // Nobody behind the first that is down is asked.
        const asked = services.map((service, each) => system.census(service).accepted - before[each]!);
        expect(asked).toEqual(list(length, (each) => (each <= place ? 1 : 0)));
      }
      return answered;
    });
    isEqual(value, available ** length);
    expect(value).toBeCloseTo(published, 5);
  });
});

describe("V31: two replicas, each available with 0.99", () => {
  test("are so together with 0.9999", async () => {
    const { value } = await play(async ({ system }) => {
      const replicas = list(2, () => chain(system, 1)[0]!);
      const front = system.spawn(redundant(replicas));
      let answered = 0;
      for (const first of [false, true])
        for (const second of [false, true]) {
          const chance = (first ? 0.01 : 0.99) * (second ? 0.01 : 0.99);
          if ((await settle(system.ask(front).call([first, second]))).ok) answered += chance;
        }
      return answered;
    });
    isEqual(value, 0.9999);
  });
});

/** The share of calls that take longer than 10 ms when each of `width` leaves does with chance `p`. */
async function slowShare(width: number, p: number): Promise<number> {
  const { value } = await play(async ({ system, random }) => {
    const front = system.spawn(fanOut(list(width, () => system.spawn(leaf))));
    const draw = random("times");
    let slow = 0;
    for (const { place, chance } of firstHits(width, p)) {
      const times = hitsFrom(place, width, draw).map((isSlow) => (isSlow ? 1_000 : 10) * (1 - draw() / 2));
      const tookMs = await system.ask(front).gather(times);
      isEqual(tookMs, Math.max(...times));
      if (tookMs > 10) slow += chance;
    }
    return slow;
  });
  return value;
}

describe("V32: who asks many at once, each slow in 1 of 100 calls", () => {
  test.each([
    [2, 0.0199],
    [6, 0.05852],
    [10, 0.09562],
    [20, 0.18209],
    [100, 0.63397],
  ])("is slow for %i with %d", async (width, published) => {
    const share = await slowShare(width, 0.01);
    isEqual(share, 1 - 0.99 ** width);
    expect(share).toBeCloseTo(published, 5);
  });
});

describe("V33: who asks many at once and is slow in 1 of 100 calls", () => {
  test.each([
    [6, 0.998326],
    [100, 0.9998995],
  ])("needs of each of %i that it is not, with %d", async (width, published) => {
    const quantile = 0.99 ** (1 / width);
    isEqual(await slowShare(width, 1 - quantile), 0.01);
    expect(quantile).toBeCloseTo(published, 6);
  });
});

/** Attempts of which each fails with chance `p`, at most `most`: how many are made on average, and the share of those in vain. */
async function failing(
  p: number,
  most: number,
  attempt: (world: SimulatedWorld) => Promise<{ made: number; ok: boolean }>,
) {
  const mean = { made: 0, inVain: 0 };
  for (const { place: failures, chance } of firstHits(most, 1 - p)) {
    const faults = failures > 0 ? [errors("/target", { first: failures })] : [];
    const { value } = await simulate({ trace: "off", faults }, attempt);
    mean.made += chance * value.made;
    mean.inVain += chance * (value.ok ? 0 : 1);
  }
  return mean;
}

describe("V35: four attempts", () => {
  test.each([
    [0.1, 1.111, 1e-4],
    [0.5, 1.875, 0.0625],
    [0.9, 3.439, 0.6561],
    [1, 4, 1],
  ])("that fail with %d are %d on average, and in vain with %d", async (p, published, inVain) => {
    const found = await failing(p, 4, async ({ system }) => {
      const target = system.spawn(() => ({ call: () => "answered" }), { name: "target" });
      const { ok } = await settle(system.ask(system.spawn(persistent(target, 4))).call());
      return { ok, made: system.census(target).accepted };
    });
    isEqual(found.made, attempts(p, 4));
    isEqual(found.inVain, inVain);
    expect(found.made).toBeCloseTo(published, 3);
  });
});

describe("V36: services that each ask the next up to so many times", () => {
  test.each([
    [3, 5, 243],
    [4, 3, 64],
  ])("%i times, %i deep, ask one that is down %i times", async (most, depth, asks) => {
    const { value } = await play(async ({ system }) => {
      const target = system.spawn(() => ({ call: () => new Down() }));
      let front: Ref<Shaky> = target;
      for (let level = 0; level < depth; level++) front = system.spawn(persistent(front, most));
      expect((await settle(system.ask(front).call())).ok).toBe(false);
      return system.census(target).accepted;
    });
    expect(value).toBe(asks);
  });
});

describe("V39: a queue that delivers up to five times to one who fails with 0.3", () => {
  test("delivers 1.42510 times on average, and gives up with 0.00243", async () => {
    const found = await failing(0.3, 5, async ({ system, runUntilIdle }) => {
      const target = system.spawn(() => ({ take: (_job: number) => {} }), { name: "target" });
      const dead: number[] = [];
      system.tell(system.spawn(queue(target, 5, dead))).put(1);
      await runUntilIdle();
      return { ok: dead.length === 0, made: system.census(target).accepted };
    });
    isEqual(found.made, 1.4251);
    isEqual(found.inVain, 0.00243);
  });
});
