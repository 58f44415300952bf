// What theory says of a single path through a system, to 1e-9: of sums over it, and of paths on which nothing is drawn.

import { Refusal, type Self, settle } from "antiphon";
import {
  batches,
  closed,
  constant,
  exponential,
  generator,
  lognormal,
  poisson,
  type ServiceTime,
  steady,
  summary,
} from "antiphon/lab";
import { pause, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { isEqual, list, play, sum } from "./exact.ts";
import { send, shared, station, synchronous, untilAllLeft, Visits } from "./queues.ts";

describe("V1: customers of one run, from empty to empty", () => {
  test.each([
    ["one slot", {}],
    ["three slots", { concurrency: 3 }],
    ["a queue of five, last in first out", { mailbox: { capacity: 5, order: "lifo" as const } }],
  ])("spend as much time inside as the census counts them there, with %s", async (_, options) => {
    const visits = new Visits();
    const { value: area } = await play(async ({ system, now, step }) => {
      const at = system.spawn(station(lognormal({ mean: 10, cv: 1 }), visits), options);
      send(system, poisson({ perSecond: 90, requests: 1_000 }), at, visits);
      let area = 0;
      let [sinceMs, inside] = [0, 0];
      while (await step()) {
        area += inside * (now() - sinceMs);
        sinceMs = now();
        const { queued, running } = system.census(at);
        inside = queued + running;
      }
      return area;
    });
    expect(visits.staysMs).toHaveLength(1_000 - sum(visits.turnedAway));
    isEqual(area, sum(visits.staysMs));
  });
});

describe("V2: customers who arrive", () => {
  class Sold extends Refusal {
    readonly _tag = "Sold";
  }
  const time = lognormal({ mean: 10, cv: 1 });
  const shop = (self: Self) => ({
    async buy() {
      await self.sleep(time(() => self.random()));
      if (self.now() > 8_000) self.stop();
      if (self.random() < 0.1) return new Sold();
      if (self.random() < 0.05) throw new Error("crash");
      return "bought";
    },
  });
  const options = {
    concurrency: 2,
    mailbox: { capacity: 3 },
    supervision: { maxRestarts: Number.POSITIVE_INFINITY },
  };

  test("are done, failed, shed, expired, dead or inside at every look, and are told so in the end", () =>
    play(async ({ system, run, runUntilIdle }) => {
      const at = system.spawn(shop, options);
      let arrived = 0;
      const told: Record<string, number> = {};
      const customers = generator(poisson({ perSecond: 250, requests: 2_500 }), async (self) => {
        arrived++;
        const answer = await settle(self.ask(at, { within: 25 }).buy());
        const what = answer.ok ? "done" : `${answer.error._tag} ${answer.error.outcome}`;
        told[what] = (told[what] ?? 0) + 1;
      });
      system.tell(system.spawn(customers)).start();
      for (let look = 0; look < 1_000; look++) {
        await run(11);
        const { handled, refused, crashed, expired, cancelled, dead, queued, running } = system.census(at);
        const ended = handled + refused + crashed + expired + cancelled + dead;
        expect(arrived).toBe(ended + queued + running + system.census().turnedAway);
      }
      await runUntilIdle();
      const { handled, refused, crashed, expired, cancelled, dead } = system.census(at);
      const of = (...what: string[]) => sum(what.map((each) => told[each] ?? 0));
      expect(sum(Object.values(told))).toBe(2_500);
      expect(of("MailboxFull not-started", "ActorStopped not-started")).toBe(system.census().turnedAway + dead);
      expect(of("AskTimeout not-started")).toBe(expired);
      // Who gave up while being served can not know how that ended.
      const begun = ["done", "Sold answered", "ActorCrashed unknown", "ActorRestarted unknown", "AskTimeout unknown"];
      expect(of(...begun)).toBe(handled + refused + crashed + cancelled);
      expect(Math.min(handled, refused, crashed, expired, cancelled, dead)).toBeGreaterThan(0);
    }));
});

const kinds: readonly (readonly [string, typeof station])[] = [
  ["in a mailbox", station],
  ["by timers", synchronous],
];

/** All who come to one station. */
async function visitsOf(make: typeof station, time: ServiceTime, load: Parameters<typeof send>[1]): Promise<Visits> {
  const visits = new Visits();
  await untilAllLeft(1, (system) => send(system, load, system.spawn(make(time, visits)), visits));
  return visits;
}

describe("V3: customers every 12.5 ms, each served for 10 ms", () => {
  test.each(kinds)("never wait, %s", async (_, make) => {
    const { waitsMs, staysMs } = await visitsOf(make, constant(10), steady({ perSecond: 80, requests: 1_000 }));
    expect([waitsMs.length, Math.max(...waitsMs)]).toEqual([1_000, 0]);
    expect([Math.min(...staysMs), Math.max(...staysMs)]).toEqual([10, 10]);
  });
});

const tenAtOnce = batches(steady({ perSecond: 1, requests: 1 }), 10);

describe("V4: ten customers at once, each served for 100 ms", () => {
  test.each(kinds)("leave one after the other, %s", async (_, make) => {
    const { staysMs } = await visitsOf(make, constant(100), tenAtOnce);
    expect(staysMs).toEqual(list(10, (place) => 100 * (place + 1)));
    expect(summary(staysMs).mean).toBe(550);
  });
});

describe("V5: ten customers at once, who share a processor", () => {
  test("leave all together, when each would take 100 ms alone", async () => {
    const { staysMs } = await visitsOf(shared, constant(100), tenAtOnce);
    expect(staysMs).toEqual(list(10, () => 1_000));
  });
});

describe("V27: users who wait for an answer, then think", () => {
  test.each([
    [5, 50, 10],
    [20, 100, 110],
  ])(
    "are %i = X (Z + R) with X = %i per second, R = %i ms and Z = 90 ms, when nothing is drawn",
    async (users, perSecond, responseMs) => {
      const [fromMs, toMs] = [2_000, 7_000];
      const responses: number[] = [];
      await play(async ({ system, run }) => {
        const at = system.spawn(station(constant(10), new Visits()));
        const crowd = generator(closed({ users, think: 90, seconds: 60 }), async (self, _, dueMs) => {
          await self.ask(at).serve(dueMs);
          if (self.now() > fromMs && self.now() <= toMs) responses.push(self.now() - dueMs);
        });
        system.tell(system.spawn(crowd)).start();
        await run("8s");
      });
      expect(responses.length / (toMs - fromMs)).toBe(perSecond / 1000);
      for (const each of responses) isEqual(each, responseMs);
      isEqual((perSecond / 1000) * (90 + responseMs), users);
    },
  );

  test("have no time but for the two, when all is drawn", async () => {
    const [users, seconds] = [7, 60];
    const time = exponential({ mean: 90 });
    let [thoughtMs, waitedMs, endedMs] = [0, 0, 0];
    await play(async ({ system, now, runUntilIdle }) => {
      const at = system.spawn(station(exponential({ mean: 10 }), new Visits()));
      // Each user ends with a thought that lasts longer than the load.
      const think: ServiceTime = (random) => {
        const drawnMs = time(random);
        thoughtMs += drawnMs;
        if (now() + drawnMs >= 1000 * seconds) endedMs += now() + drawnMs;
        return drawnMs;
      };
      const crowd = generator(closed({ users, think, seconds }), async (self, _, dueMs) => {
        await self.ask(at).serve(dueMs);
        waitedMs += self.now() - dueMs;
      });
      system.tell(system.spawn(crowd)).start();
      await runUntilIdle();
    });
    expect(endedMs).toBeGreaterThan(1000 * seconds * users);
    isEqual(thoughtMs + waitedMs, endedMs);
  });
});

describe("V40: 500 customers per second for 60 s, then 100, where 200 can be served", () => {
  test("leave 18,000 behind, who are served after 180 s; the last of the burst waits for 90 s", async () => {
    const visits = new Visits();
    await play(async ({ system, run, runUntilIdle }) => {
      const at = system.spawn(station(constant(5), visits));
      send(system, steady({ perSecond: 500, seconds: 60 }), at, visits);
      await run("60s");
      // Those who leave at this very instant go first.
      await run(0);
      const { queued, running } = system.census(at);
      expect(queued + running).toBe(18_000);
      send(system, steady({ perSecond: 100, seconds: 200 }), at, visits);
      await runUntilIdle();
    });
    const afterBurst = visits.waitsMs.slice(30_000);
    expect(afterBurst.indexOf(0)).toBe(100 * 180);
    expect(Math.max(...afterBurst)).toBe(90_000);
    expect(Math.max(...visits.waitsMs)).toBe(90_000);
  });
});

describe("V43: a service that stands still for 10 s of 100", () => {
  const faults = [pause("/service", { from: "45s", to: "55s" })];
  const service = { name: "service", concurrency: Number.POSITIVE_INFINITY };

  test("is seen by customers who come 100 times per second", async () => {
    const visits = new Visits();
    await simulate({ trace: "off", faults }, async ({ system, runUntilIdle }) => {
      const at = system.spawn(station(constant(1), visits), service);
      send(system, steady({ perSecond: 100, seconds: 100 }), at, visits);
      await runUntilIdle();
    });
    // Who comes at the start of the pause stays for 10,001 ms, who comes 10 ms later for 10 ms less.
    const stays = summary(visits.staysMs);
    expect([stays.count, stays.max]).toEqual([10_000, 10_001]);
    isEqual(stays.mean, (9_000 + sum(list(1_000, (place) => 10_001 - 10 * place))) / 10_000);
    expect(stays.quantile(0.99)).toBe(9_001);
  });

  test("is hardly seen by one who asks, and 9 ms after each answer asks again", async () => {
    const stays: number[] = [];
    await simulate({ trace: "off", faults }, async ({ system, runUntilIdle }) => {
      const at = system.spawn(station(constant(1), new Visits()), service);
      const user = generator(closed({ users: 1, think: 9, seconds: 100 }), async (self, _, dueMs) => {
        await self.ask(at, { within: "1m" }).serve(dueMs);
        stays.push(self.now() - dueMs);
      });
      system.tell(system.spawn(user)).start();
      await runUntilIdle();
    });
    expect(stays.filter((ms) => ms > 1)).toEqual([10_001]);
    expect(summary(stays).quantile(0.99)).toBe(1);
    expect(summary(stays).mean).toBeCloseTo(2.11, 2);
  });
});
