// How the live world shares the thread with its host, asserted by counting turns per macrotask on a host whose time is
// spent by the handlers themselves. The last group runs the same floods on Node.

import { createSystem, type Ref, type Self, type System } from "antiphon";
import { describe, expect, test } from "vitest";
import { createSystemOn } from "../../src/runtime/live/create.ts";
import { CountingHost } from "./counting.ts";

const sliceMs = 2;

function counting(): { host: CountingHost; system: System } {
  const host = new CountingHost();
  return { host, system: createSystemOn(host, { seed: 1, report: false }) };
}

/** Turns in each of the next `rounds` macrotasks. */
async function turnsPer(host: CountingHost, rounds: number, count: () => number): Promise<number[]> {
  const turns: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const before = count();
    await host.macrotask();
    turns.push(count() - before);
  }
  return turns;
}

/** What one slice holds when each turn takes `costMs`, read off design's rule and not off the code. */
function sliceOf(costMs: number): number {
  let turns = 0;
  let stretch = 1;
  for (;;) {
    turns += stretch;
    if (turns * costMs >= sliceMs - 1e-9) return turns;
    const took = stretch * costMs;
    if (took > 0.5) stretch = 1;
    else if (took < 0.25) stretch = Math.min(64, stretch * 2);
  }
}

/** An actor that tells itself for ever, each turn of `costMs`. */
function flood(
  system: System,
  host: { spend(ms: number): void },
  costMs: number,
  count: { turns: number },
  stop = () => false,
) {
  const ref = system.spawn((self: Self<{ go(): void }>) => ({
    go() {
      count.turns++;
      host.spend(costMs);
      if (!stop()) self.tell(self.ref).go();
    },
  }));
  system.tell(ref).go();
  return ref;
}

describe("the slice", () => {
  test.each([0.01, 0.2, 0.3, 1, 50])(
    "[T4 live] is 2 ms of host time under a flood of turns of %d ms",
    async (costMs) => {
      const { host, system } = counting();
      const count = { turns: 0 };
      flood(system, host, costMs, count);
      const turns = await turnsPer(host, 5, () => count.turns);
      // The first macrotask is what was told outside of one, up to the first immediate.
      expect(new Set(turns.slice(1))).toEqual(new Set([sliceOf(costMs)]));
      expect(turns[1]).toBe({ 0.01: 223, 0.2: 11, 0.3: 7, 1: 2, 50: 1 }[costMs]);
      await system.stop();
    },
  );

  test("[T4 live] is shared by 10,000 actors that tell themselves", async () => {
    const { host, system } = counting();
    const count = { turns: 0 };
    for (let i = 0; i < 10_000; i++) flood(system, host, 0.01, count);
    const turns = await turnsPer(host, 5, () => count.turns);
    for (const one of turns.slice(1)) expect(one).toBe(sliceOf(0.01));
  });

  test("[T4 live] survives an empty queue: an endless loop of awaited asks leaves the host its macrotasks", async () => {
    const { host, system } = counting();
    const echo = system.spawn(() => ({ e: () => host.spend(0.2) }));
    let asked = 0;
    let going = true;
    const loop = (async () => {
      while (going && asked < 10_000) {
        await system.ask(echo).e();
        asked++;
      }
    })();
    const turns = await turnsPer(host, 6, () => asked);
    for (const one of turns.slice(1)) expect(one).toBeLessThanOrEqual(sliceOf(0.2) + 1);
    expect(asked).toBeGreaterThan(40);
    going = false;
    await host.settled();
    await loop;
  });

  test("[T4 live] belongs to the macrotask: bursts in one share it, the next has its own", async () => {
    const { host, system } = counting();
    let turns = 0;
    const worker = system.spawn(() => ({
      work() {
        turns++;
        host.spend(0.9);
      },
    }));
    const burst = async () => {
      system.tell(worker).work();
      for (let i = 0; i < 20; i++) await Promise.resolve();
    };
    await burst();
    await burst();
    expect(turns).toBe(2);
    await burst();
    expect(turns).toBe(3);
    // 2.7 ms are spent: also a loop that was idle waits for the host.
    await burst();
    expect(turns).toBe(3);
    await host.macrotask();
    expect(turns).toBe(4);
    await burst();
    expect(turns).toBe(5);
  });

  test("[T4 live] holds when 50 actors ask one in endless loops", async () => {
    const { host, system } = counting();
    const count = { turns: 0 };
    const sink = system.spawn(() => ({
      take() {
        count.turns++;
        host.spend(0.1);
      },
    }));
    for (let i = 0; i < 50; i++) {
      const ref = system.spawn((self) => ({
        async go() {
          for (;;) await self.ask(sink).take();
        },
      }));
      system.tell(ref).go();
    }
    await host.macrotask();
    for (let i = 0; i < 10; i++) {
      const before = host.time;
      await host.macrotask();
      // One stretch may have been begun just before the end of the slice.
      expect(host.time - before).toBeLessThanOrEqual(sliceMs + 0.5);
    }
    expect(count.turns).toBeGreaterThan(100);
  });
});

describe("the clock", () => {
  test("[T4 live] is read every k turns: 1, doubled to at most 64 while they are short, 1 again in each macrotask", async () => {
    const { host, system } = counting();
    const count = { turns: 0 };
    const readings: number[] = [];
    flood(system, host, 0.001, count, () => readings.push(host.readings) === 0);
    await host.macrotask();
    const stretches = async () => {
      readings.length = 0;
      await host.macrotask();
      return lengths(readings);
    };
    for (let i = 0; i < 3; i++) {
      const found = await stretches();
      expect(found.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 64, 64]);
      expect(Math.max(...found)).toBe(64);
    }
  });

  test("[T4 live] is read after each turn again once a stretch took over 0.5 ms", async () => {
    const { host, system } = counting();
    const readings: number[] = [];
    const costs = [...Array<number>(62).fill(0.001), 0.6, 0.3, 0.3, 0.3, 0.01, 0.01, 0.01];
    const ref = system.spawn((self: Self<{ go(): void }>) => ({
      go() {
        readings.push(host.readings);
        host.spend(costs[readings.length - 1] ?? 1);
        if (readings.length < costs.length) self.tell(self.ref).go();
      },
    }));
    system.tell(ref).go();
    await host.macrotask();
    await host.macrotask();
    // The stretch of 32 ends with the turn of 0.6 ms; one from 0.25 to 0.5 ms keeps the length.
    expect(lengths(readings)).toEqual([1, 2, 4, 8, 16, 32, 1, 1, 1, 1, 2]);
  });
});

/** How often each value stands in a row. */
function lengths(values: readonly number[]): number[] {
  const runs: number[] = [];
  values.forEach((value, i) => {
    if (i > 0 && value === values[i - 1]) runs.push((runs.pop() ?? 0) + 1);
    else runs.push(1);
  });
  return runs;
}

/** In this macrotask the clock is read every 64 turns from here on: no batch is cut short by a reading. */
async function grown(system: System): Promise<void> {
  const ref = system.spawn(() => ({ up() {} }));
  for (let i = 0; i < 127; i++) system.tell(ref).up();
  await Promise.resolve();
}

describe("a batch", () => {
  const served = async (sizes: readonly number[]) => {
    const { host, system } = counting();
    const order: number[] = [];
    const refs = sizes.map((_, i) => system.spawn(() => ({ take: () => void order.push(i) })));
    await grown(system);
    sizes.forEach((size, i) => {
      for (let n = 0; n < size; n++) system.tell(refs[i] as Ref<{ take(): void }>).take();
    });
    await host.settled();
    return order;
  };

  test("is what the mailbox held at activation, at most 16: nobody gets more while another waits", async () => {
    expect(lengths(await served([40, 40]))).toEqual([16, 16, 16, 16, 8, 8]);
    expect(lengths(await served([3, 100, 5]))).toEqual([3, 16, 5, 84]);
  });

  test("does not grow by what comes in while it runs", async () => {
    const { host, system } = counting();
    const order: number[] = [];
    const [three, five] = [3, 5].map((size) =>
      system.spawn((self: Self<{ go(): void }>) => ({
        go() {
          order.push(size);
          if (order.length < 300) self.tell(self.ref).go();
        },
      })),
    );
    await grown(system);
    for (let i = 0; i < 3; i++) system.tell(three as Ref<{ go(): void }>).go();
    for (let i = 0; i < 5; i++) system.tell(five as Ref<{ go(): void }>).go();
    await host.settled();
    expect(lengths(order).slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 3 : 5)));
  });
});

describe("timers", () => {
  test.each(["a flood", "an ask loop"])(
    "[T4 live] fire under %s, at the first reading of the clock after they are due",
    async (what) => {
      const { host, system } = counting();
      const fired: number[] = [];
      const start = host.time;
      const clock = system.spawn((self) => ({
        begin() {
          for (const ms of [3, 5, 20]) self.after(ms, () => void fired.push(host.time - start - ms));
        },
      }));
      system.tell(clock).begin();
      const count = { turns: 0 };
      const over = () => host.time - start > 40;
      if (what === "a flood") flood(system, host, 0.1, count, over);
      else {
        const echo = system.spawn(() => ({ e: () => host.spend(0.1) }));
        void (async () => {
          while (!over()) await system.ask(echo).e();
        })();
      }
      while (!over()) await host.macrotask();
      await host.macrotask();
      expect(fired).toHaveLength(3);
      for (const late of fired) {
        expect(late).toBeGreaterThanOrEqual(0);
        expect(late).toBeLessThanOrEqual(0.5 + 0.1);
      }
    },
  );
});

describe("Node", () => {
  const burn = (ms: number) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  };

  /** Runs until `over`; gives how often an immediate and an interval of the host came round meanwhile. */
  async function meanwhile(over: () => boolean): Promise<{ immediates: number; intervals: number }> {
    let [immediates, intervals] = [0, 0];
    const interval = setInterval(() => intervals++, 1);
    while (!over()) {
      await new Promise(setImmediate);
      immediates++;
    }
    clearInterval(interval);
    return { immediates, intervals };
  }

  test.each([
    // [turns, what each costs at least, how many fit a slice at most: the slice and one stretch]
    ["a flood", 1, 300_000, 0, 60_000],
    ["a flood of heavy turns", 1, 400, 0.2, 14],
    ["a flood of very heavy turns", 1, 12, 10, 2],
    ["10,000 actors that tell themselves", 10_000, 300_000, 0, 60_000],
  ])("[T4 live] has its timers and immediates under %s", async (_what, actors, most, costMs, perSlice) => {
    const system = createSystem({ seed: 1, report: false });
    const count = { turns: 0 };
    const over = () => count.turns >= most;
    for (let i = 0; i < actors; i++) flood(system, { spend: (ms) => ms > 0 && burn(ms) }, costMs, count, over);
    const { immediates, intervals } = await meanwhile(over);
    expect(immediates).toBeGreaterThanOrEqual(Math.floor(most / perSlice) - 1);
    expect(intervals).toBeGreaterThanOrEqual(1);
    await system.stop();
  });

  test("[T4 live] has its timers and immediates under an endless loop of awaited asks", async () => {
    const system = createSystem({ seed: 1, report: false });
    const echo = system.spawn(() => ({ e() {} }));
    let asked = 0;
    const over = () => asked >= 60_000;
    void (async () => {
      for (; !over(); asked++) await system.ask(echo).e();
    })();
    const { immediates, intervals } = await meanwhile(over);
    expect(immediates).toBeGreaterThanOrEqual(3);
    expect(intervals).toBeGreaterThanOrEqual(1);
    await system.stop();
  });
});
