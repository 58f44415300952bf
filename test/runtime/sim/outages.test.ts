// Services that can not be reached: who waits is turned away, what nobody waits for stays queued.

import { type Ref, type Self, settle } from "antiphon";
import { down, type Fault, unavailable } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { at, balanced } from "./balanced.ts";

interface Sink {
  take(n: number): number;
}

/** Has actors do something to a sink /b at a time, each with a self of its own; gives what that took, and when. */
async function met(faults: Fault[], jobs: [ms: number, job: (self: Self, b: Ref<Sink>) => unknown][], seed = 1) {
  const run = await balanced({ seed, faults }, ({ system }) => {
    const log: [n: number, ms: number][] = [];
    const sink = (self: Self) => ({
      take(n: number) {
        log.push([n, self.now()]);
        return n;
      },
    });
    const b = system.spawn(sink, { name: "b" });
    for (const [ms, job] of jobs) at(system, ms, (self) => job(self, b));
    return { log, census: () => system.census() };
  });
  return { log: run.value.log, census: run.value.census(), struck: run.faults.map(({ struck }) => struck) };
}

describe("down", () => {
  test("[D4 sim] turns away whoever waits, at once, and keeps what is told until it is back", async () => {
    const outcomes: unknown[] = [];
    const { log, census, struck } = await met(
      [down("/b", { from: 5, to: "20ms" })],
      [
        [4, (self, b) => self.tell(b).take(1)],
        [5, (self, b) => self.tell(b).take(2)],
        [6, async (self, b) => outcomes.push(await settle(self.ask(b).take(3)), self.now())],
        [
          7,
          (self, b) =>
            self
              .offer(b)
              .take(4)
              .catch((error) => outcomes.push(error, self.now())),
        ],
        [8, (self, b) => self.tell(b, { key: "k" }).take(5)],
        [21, async (self, b) => outcomes.push(await settle(self.ask(b).take(6)))],
      ],
    );
    const turnedAway = { _tag: "Unavailable", outcome: "not-started", retrySafe: true };
    expect(outcomes).toMatchObject([{ ok: false, error: turnedAway }, 6, turnedAway, 7, { ok: true, value: 6 }]);
    expect(log).toEqual([
      [1, 4],
      [2, 20],
      [5, 20],
      [6, 21],
    ]);
    expect(census).toMatchObject({ turnedAway: 2, lost: 0 });
    expect(struck).toEqual([4]);
  });

  test("[D1 sim] lets nothing pass what it kept, also not at the instant at which it is back", async () => {
    const { log } = await met(
      [down("/b", { to: 5 }), down("/*", { from: 7, to: 9 })],
      [
        [
          0,
          async (self, b) => {
            // Armed before what is told now: it comes due first.
            const nap = self.sleep(5);
            self.tell(b).take(1);
            await nap;
            self.tell(b).take(2);
            void self.ask(b).take(3);
            await self.sleep(3);
            self.tell(b).take(4);
          },
        ],
      ],
    );
    expect(log).toEqual([
      [1, 5],
      [2, 5],
      [3, 5],
      [4, 9],
    ]);
  });
});

describe("unavailable", () => {
  const n = 400;
  const keys = Array.from({ length: n }, (_, i) => i);
  const ask = (answered: number[]) => (self: Self, b: Ref<Sink>) => {
    for (const i of keys)
      self
        .ask(b, { key: `order ${i}` })
        .take(i)
        .then(
          () => answered.push(i),
          () => {},
        );
  };
  const tell = (self: Self, b: Ref<Sink>) => {
    for (const i of keys) self.tell(b, { key: `order ${i}` }).take(i);
  };

  test("turns away the asks of a share of the keys, and brings what is told of them later, by an exponential time", async () => {
    const fault = unavailable("/b", { share: 0.2, back: "1s" });
    const answered: number[] = [];
    const asked = await met([fault], [[0, ask(answered)]]);
    const out = keys.filter((i) => !answered.includes(i));
    // Within five standard deviations of the binomial.
    expect(Math.abs(out.length - 0.2 * n)).toBeLessThan(5 * Math.sqrt(n * 0.2 * 0.8));
    expect([asked.struck, asked.census.turnedAway]).toEqual([[out.length], out.length]);
    const told = await met([fault], [[0, tell]]);
    const late = told.log.filter(([, ms]) => ms > 0);
    expect(late.map(([i]) => i).sort((x, y) => x - y)).toEqual(out);
    // The mean of k exponential times, within five of its standard errors.
    const mean = late.reduce((sum, [, ms]) => sum + ms, 0) / late.length;
    expect(Math.abs(mean / 1_000 - 1)).toBeLessThan(5 / Math.sqrt(late.length));
    expect(told.log).toHaveLength(n);
  });

  test("[W2 sim] strikes the same keys, whatever else is sent, and others with another seed", async () => {
    const faults = [unavailable("/b", { share: 0.1, back: 10 })];
    const out = async (seed: number, noise: number) => {
      const answered: number[] = [];
      const tells = (self: Self, b: Ref<Sink>) => {
        for (let i = 0; i < noise; i++) self.tell(b).take(-1);
      };
      await met(
        faults,
        [
          [0, tells],
          [1, ask(answered)],
        ],
        seed,
      );
      return keys.filter((i) => !answered.includes(i));
    };
    const first = await out(1, 0);
    expect(await out(1, 50)).toEqual(first);
    expect(await out(2, 0)).not.toEqual(first);
  });

  test("is over after a while, from when it is first met: who asks again is answered", async () => {
    const log: string[] = [];
    const { struck } = await met(
      [unavailable("/b", { share: 1, back: 10 })],
      [
        [
          5,
          async (self, b) => {
            const o = { key: "order 1" };
            self.tell(b, o).take(1);
            let turnedAway = 0;
            while (!(await settle(self.ask(b, o).take(2))).ok) {
              turnedAway++;
              await self.sleep(1);
            }
            log.push(`after ${turnedAway} at ${self.now()}`);
            log.push(String((await settle(self.ask(b, { key: "order 2" }).take(3))).ok));
          },
        ],
      ],
    );
    const turnedAway = Number(log[0]?.split(" ")[1]);
    expect(turnedAway).toBeGreaterThan(0);
    expect(log).toEqual([`after ${turnedAway} at ${5 + turnedAway}`, "false"]);
    expect(struck).toEqual([1 + turnedAway + 1]);
  });

  test("draws for each message by itself where they carry no key", async () => {
    const { log, struck } = await met(
      [unavailable("/b", { share: 0.5, back: 10 })],
      [[0, (self, b) => keys.forEach((i) => void self.tell(b).take(i))]],
    );
    const late = log.filter(([, ms]) => ms > 0).length;
    expect(struck).toEqual([late]);
    expect(Math.abs(late - 0.5 * n)).toBeLessThan(5 * Math.sqrt(n * 0.25));
  });
});

describe("outages of one actor", () => {
  test("have what is told wait for the last of them, whatever their order", async () => {
    const faults = [down("/b", { to: 5 }), down("/b", { from: 2, to: 9 }), down("/*", { to: 3 })];
    for (const order of [faults, [...faults].reverse()]) {
      const { log, struck } = await met(order, [
        [1, (self, b) => self.tell(b).take(1)],
        [2, (self, b) => self.tell(b).take(2)],
        [9, (self, b) => self.tell(b).take(3)],
      ]);
      expect(log).toEqual([
        [1, 5],
        [2, 9],
        [3, 9],
      ]);
      expect(struck).toEqual([2, 1, 2]);
    }
  });

  test("are no outages of another: each actor has luck of its own", async () => {
    const n = 400;
    const { value } = await balanced({ faults: [unavailable("/*", { share: 0.3, back: 10 })] }, ({ system }) => {
      const out: Record<string, number[]> = { b: [], c: [] };
      for (const [name, keys] of Object.entries(out)) {
        const ref = system.spawn(() => ({ take: () => 0 }), { name });
        at(system, 0, (self) => {
          for (let i = 0; i < n; i++)
            self
              .ask(ref, { key: `order ${i}` })
              .take()
              .catch(() => keys.push(i));
        });
      }
      return out;
    });
    const both = value["b"]?.filter((i) => value["c"]?.includes(i)).length ?? 0;
    // Within five standard deviations of the binomial.
    expect(Math.abs(both - 0.09 * n)).toBeLessThan(5 * Math.sqrt(n * 0.09 * 0.91));
  });

  test.each<[() => Fault, string]>([
    [() => down("b", { to: 1 }), "down.target"],
    [() => down("/b", {} as { to: number }), "down.to"],
    [() => down("/b", { from: 5, to: 5 }), "down.to"],
    [() => unavailable("/b", { share: 0, back: 1 }), "unavailable.share"],
    [() => unavailable("/b", { share: 1.1, back: 1 }), "unavailable.share"],
    [() => unavailable("/b", { share: 0.1, back: "soon" as "1s" }), "unavailable.back"],
    [() => unavailable("/b", { share: 0.1, back: 1, first: 2 } as never), "unavailable.first"],
  ])("are checked: %o", (fault, option) => {
    expect(fault).toThrow(expect.objectContaining({ _tag: "InvalidOption", option }));
  });
});
