// Most of these run on a host whose time moves only to the next timer, or when a test spends it: what is late is known.

import { createHook } from "node:async_hooks";
import {
  createSystem,
  InvalidOption,
  type Ref,
  Refusal,
  type Self,
  type System,
  type SystemEvent,
  settle,
} from "antiphon";
import {
  batches,
  type ClosedLoad,
  closed,
  exponential,
  generator,
  type Load,
  type LoadGenerator,
  poisson,
  type Send,
  steady,
} from "antiphon/lab";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { createSystemOn } from "../../src/runtime/live/create.ts";
import { CountingHost } from "../live/counting.ts";

interface Sent {
  readonly index: number;
  readonly dueMs: number;
  readonly atMs: number;
}

interface Kit {
  readonly host: CountingHost;
  readonly system: System;
  readonly events: readonly SystemEvent[];
  /** Spawns a generator that notes what it sends. */
  spawn<L extends Load | ClosedLoad>(load: L, send: Send<L>): { ref: Ref<LoadGenerator>; sent: Sent[] };
  /** Runs one to its end, in virtual time. */
  run(ref: Ref<LoadGenerator>): Promise<{ sent: number }>;
}

async function virtually(body: (kit: Kit) => Promise<void>): Promise<void> {
  const host = new CountingHost();
  const system = createSystemOn(host, { seed: 1, report: false });
  const events: SystemEvent[] = [];
  system.events((event) => events.push(event));
  await body({
    host,
    system,
    events,
    spawn(load, send) {
      const sent: Sent[] = [];
      const noting: typeof send = (self, index, dueMs) => {
        sent.push({ index, dueMs, atMs: self.now() });
        return send(self, index, dueMs);
      };
      return { ref: system.spawn(generator(load, noting), { name: "generator" }), sent };
    },
    async run(ref) {
      const answer = system.ask(ref, { within: "100h" }).run();
      await Promise.all([host.settled(), settle(answer)]);
      return answer;
    },
  });
  await Promise.all([system.stop(), host.settled()]);
}

class Sold extends Refusal {
  readonly _tag = "Sold";
}

/** Serves after a sleep; the load can be told from the most that were inside at once. */
const server = (self: Self) => {
  let inside = 0;
  return {
    most: 0,
    async serve(ms: number) {
      this.most = Math.max(this.most, ++inside);
      await self.sleep(ms);
      inside--;
    },
    peak() {
      return this.most;
    },
  };
};
const many = { concurrency: Number.POSITIVE_INFINITY };

describe("a generator of an open load", () => {
  test("sends each request when it is due, in order", () =>
    virtually(async ({ spawn, run, system }) => {
      const { ref, sent } = spawn(batches(steady({ perSecond: 50, requests: 3 }), 2), () => {});
      expect(await run(ref)).toEqual({ sent: 6 });
      expect(sent).toEqual([0, 0, 20, 20, 40, 40].map((dueMs, index) => ({ index, dueMs, atMs: dueMs })));
      expect(system.now()).toBe(40);
    }));

  test("counts from its start, which a told message is too", () =>
    virtually(async ({ spawn, system, host }) => {
      host.spend(500);
      const { ref, sent } = spawn(steady({ perSecond: 100, requests: 2 }), () => {});
      await host.settled();
      expect(sent).toEqual([]);
      system.tell(ref).start();
      await host.settled();
      expect(sent.map(({ dueMs }) => dueMs)).toEqual([500, 510]);
    }));

  test("sends its load once, however often it is started", () =>
    virtually(async ({ spawn, run, system, host }) => {
      const { ref, sent } = spawn(steady({ perSecond: 100, requests: 3 }), () => {});
      system.tell(ref).start();
      system.tell(ref).start();
      const both = Promise.all([system.ask(ref).run(), system.ask(ref).run()]);
      await host.settled();
      expect(await both).toEqual([{ sent: 3 }, { sent: 3 }]);
      expect(await run(ref)).toEqual({ sent: 3 });
      expect(sent).toHaveLength(3);
    }));

  test("answers at once when there is nothing to send", () =>
    virtually(async ({ spawn, run, system }) => {
      const { ref } = spawn({ kind: "open", requests: 0, lastsMs: 1000, times: () => [] }, () => {});
      expect([await run(ref), system.now()]).toEqual([{ sent: 0 }, 0]);
    }));

  test("sends at once what is due when the world was late, each with the time at which it was due", () =>
    virtually(async ({ spawn, system, host }) => {
      const { ref, sent } = spawn(steady({ perSecond: 100, requests: 8 }), (_, index) => {
        if (index === 1) host.spend(35);
      });
      const run = system.ask(ref).run();
      await host.settled();
      await run;
      expect(sent.map(({ dueMs }) => dueMs)).toEqual([0, 10, 20, 30, 40, 50, 60, 70]);
      expect(sent.map(({ atMs }) => atMs)).toEqual([0, 10, 45, 45, 45, 50, 60, 70]);
    }));

  test("never waits for an answer, but answers when all have come", () =>
    virtually(async ({ spawn, run, system }) => {
      const slow = system.spawn(server, many);
      const { ref, sent } = spawn(steady({ perSecond: 100, requests: 5 }), (self) =>
        self.ask(slow, { within: "1h" }).serve(1000),
      );
      await run(ref);
      expect(sent.map(({ atMs }) => atMs)).toEqual([0, 10, 20, 30, 40]);
      expect(system.now()).toBe(1040);
    }));

  test("lets what `send` awaits go on, with the clock of the world", () =>
    virtually(async ({ spawn, run, system }) => {
      const slow = system.spawn(server, many);
      const latencies: number[] = [];
      const { ref } = spawn(steady({ perSecond: 100, requests: 5 }), async (self, index, dueMs) => {
        await self.ask(slow).serve(15 * index);
        latencies.push(self.now() - dueMs);
      });
      await run(ref);
      expect(latencies).toEqual([0, 15, 30, 45, 60]);
    }));

  test("draws its times from a stream that `send` does not move", () =>
    virtually(async ({ spawn, run }) => {
      const load = poisson({ perSecond: 100, requests: 200 });
      const one = spawn(load, () => {});
      await run(one.ref);
      await virtually(async ({ spawn, run }) => {
        const other = spawn(load, (self) => void self.random());
        await run(other.ref);
        expect(other.sent.map(({ dueMs }) => dueMs)).toEqual(one.sent.map(({ dueMs }) => dueMs));
      });
    }));

  test("takes the times of a load as they come, one ahead", () =>
    virtually(async ({ spawn, system, host }) => {
      let taken = 0;
      const endless: Load = {
        kind: "open",
        requests: Number.POSITIVE_INFINITY,
        lastsMs: Number.POSITIVE_INFINITY,
        *times() {
          while (true) yield 10 * taken++;
        },
      };
      const { ref, sent } = spawn(endless, () => {
        if (taken === 50) void system.stop();
      });
      system.tell(ref).start();
      await host.settled();
      expect([sent.length, taken]).toEqual([50, 51]);
    }));

  test("makes no promise for a request that is told", () =>
    virtually(async ({ spawn, run, system }) => {
      const sink = system.spawn(() => ({ take() {} }));
      let promises = 0;
      const hook = createHook({ init: (_, type) => void (promises += type === "PROMISE" ? 1 : 0) });
      const { ref } = spawn(batches(steady({ perSecond: 100, requests: 10 }), 1000), (self) => self.tell(sink).take());
      hook.enable();
      const { sent } = await run(ref);
      hook.disable();
      // The host of this test makes some for each of the ten instants.
      expect([sent, promises < sent / 10]).toEqual([10_000, true]);
    }));

  test("needs no promise in the simulated world, where it is never late", async () => {
    let late = 0;
    const { barriers, value } = await simulate({ seed: 1 }, async ({ system, runUntilIdle }) => {
      const sink = system.spawn(() => ({ take() {} }));
      const load = poisson({ perSecond: 80, requests: 1000 });
      const send: Send<Load> = (self, _, dueMs) => {
        if (self.now() !== dueMs) late++;
        self.tell(sink).take();
      };
      system.tell(system.spawn(generator(load, send))).start();
      await runUntilIdle();
      return system.census(sink).handled;
    });
    expect([barriers, value, late]).toEqual([0, 1000, 0]);
  });

  test("runs in the live world", async () => {
    await using system = createSystem({ seed: 1, report: false, speed: 1000 });
    const slow = system.spawn(server, many);
    const load = poisson({ perSecond: 100, seconds: 10 });
    const late: number[] = [];
    const ref = system.spawn(
      generator(load, (self, _, dueMs) => {
        late.push(self.now() - dueMs);
        return self.ask(slow).serve(50);
      }),
    );
    const { sent } = await system.ask(ref, { within: "1h" }).run();
    expect(sent).toBe(late.length);
    // Four standard deviations of a Poisson count; never early but by the last bit.
    expect(Math.abs(sent - 1000)).toBeLessThan(127);
    expect(Math.min(...late)).toBeGreaterThan(-1e-6);
  });
});

describe("a generator of a closed load", () => {
  test("lets each user think, ask, wait and think again", () =>
    virtually(async ({ spawn, run, system }) => {
      const slow = system.spawn(server, many);
      const load = closed({ users: 2, think: 30, seconds: 0.2 });
      const { ref, sent } = spawn(load, (self, index) => self.ask(slow).serve(index === 0 ? 50 : 20));
      expect(await run(ref)).toEqual({ sent: 7 });
      expect(sent.map(({ dueMs }) => dueMs)).toEqual([30, 30, 80, 110, 130, 160, 180]);
      // The last was sent before the end, and its answer was waited for.
      expect(system.now()).toBe(200);
    }));

  test("keeps the interactive response time law", () =>
    virtually(async ({ spawn, run, system }) => {
      const one = system.spawn(server);
      const latencies: number[] = [];
      const load = closed({ users: 5, think: exponential({ mean: 200 }), requests: 1000 });
      const { ref, sent } = spawn(load, async (self, _, dueMs) => {
        await self.ask(one).serve(40);
        latencies.push(self.now() - dueMs);
      });
      expect(await run(ref)).toEqual({ sent: 1000 });
      expect(sent.map(({ index }) => index)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
      const meanMs = latencies.reduce((sum, ms) => sum + ms, 0) / 1000;
      const perMs = 1000 / system.now();
      // The mean of 1,000 thoughts has a standard error of 200/√1,000 = 6.3 ms, of about 290 in all: four are 9 %.
      expect(Math.abs((perMs * (200 + meanMs)) / 5 - 1)).toBeLessThan(0.09);
      expect(await system.ask(one).peak()).toBe(1);
    }));

  test("never has more requests open than it has users", () =>
    virtually(async ({ spawn, run, system }) => {
      const slow = system.spawn(server, many);
      const { ref } = spawn(closed({ users: 7, think: 1, requests: 300 }), (self) => self.ask(slow).serve(90));
      await run(ref);
      const peak = system.ask(slow).peak();
      expect(await peak).toBe(7);
    }));

  test("ends with the last answer, and not with the longest thought", () =>
    virtually(async ({ spawn, run, system, host }) => {
      const slow = system.spawn(server, many);
      let thoughts = 0;
      const think = () => (thoughts++ === 0 ? 10 : 1_000_000);
      const { ref } = spawn(closed({ users: 3, think, requests: 1 }), (self) => self.ask(slow).serve(5));
      expect([await run(ref), system.now()]).toEqual([{ sent: 1 }, 15]);
      expect(host.alarms.at(-1)).toBe("clear");
    }));

  test("lets a user think the same in each design, whoever is answered first", () =>
    virtually(async ({ spawn, run }) => {
      const thoughts = async (spawn: Kit["spawn"], run: Kit["run"], answerMs: number) => {
        const byUser = new Map<() => number, number[]>();
        const think = (random: () => number) => {
          const ms = exponential({ mean: 100 })(random);
          byUser.set(random, [...(byUser.get(random) ?? []), ms]);
          return ms;
        };
        const { ref } = spawn(closed({ users: 3, think, requests: 30 }), (self, index) =>
          self.sleep(index % 2 === 0 ? answerMs : 1),
        );
        await run(ref);
        return [...byUser.values()].map((list) => list.slice(0, 5));
      };
      const quick = await thoughts(spawn, run, 1);
      await virtually(async ({ spawn, run }) => {
        expect(await thoughts(spawn, run, 170)).toEqual(quick);
      });
    }));

  test("crashes when `send` gives no promise to wait for", () =>
    virtually(async ({ spawn, run, events }) => {
      // @ts-expect-error: the types ask for a promise too
      const { ref } = spawn(closed({ users: 1, think: 0, requests: 9 }), () => {});
      await expect(run(ref)).rejects.toMatchObject({ _tag: "ActorRestarted" });
      const [crash] = events.filter(({ kind }) => kind === "crashed");
      expect(crash).toMatchObject({ path: "/generator", reason: expect.any(InvalidOption) });
      expect(String((crash as { reason: unknown }).reason)).toMatch(/^InvalidOption: send: found "no promise"/);
    }));
});

describe.each([
  [
    "throws",
    (error: unknown) => {
      throw error;
    },
  ],
  ["rejects", (error: unknown) => Promise.reject(error)],
])("a generator whose `send` %s", (_, fail) => {
  const load = steady({ perSecond: 100, requests: 4 });

  test("with a bug crashes: its run fails, and it sends nothing more", () =>
    virtually(async ({ spawn, run, events }) => {
      const bug = new RangeError("planted");
      const { ref, sent } = spawn(load, (_, index) => (index === 1 ? fail(bug) : undefined));
      await expect(run(ref)).rejects.toMatchObject({ _tag: "ActorRestarted" });
      expect(events.filter(({ kind }) => kind === "crashed")).toMatchObject([{ path: "/generator", reason: bug }]);
      expect(sent).toHaveLength(2);
    }));

  test("with a refusal reports it and goes on", () =>
    virtually(async ({ spawn, run, events }) => {
      const no = new Sold();
      const { ref } = spawn(load, (_, index) => (index >= 2 ? fail(no) : undefined));
      expect(await run(ref)).toEqual({ sent: 4 });
      expect(events.filter(({ kind }) => kind === "unheard")).toMatchObject([{ reason: no }, { reason: no }]);
      expect(events.filter(({ kind }) => kind === "crashed")).toEqual([]);
    }));

  test("with a refusal lets the user of a closed load go on", () =>
    virtually(async ({ spawn, run, events }) => {
      const { ref } = spawn(closed({ users: 1, think: 10, requests: 3 }), () => fail(new Sold()) as Promise<never>);
      expect(await run(ref)).toEqual({ sent: 3 });
      expect(events.filter(({ kind }) => kind === "unheard")).toHaveLength(3);
    }));
});
