// What a run costs, in events and in barriers, at which it waits for promise jobs: these are counts, the same on every
// host, and say whether synchronous actors stay free of promises.

import type { Ref, Self } from "antiphon";
import { type SimulatedWorld, type Simulation, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";

interface Player {
  play(rest: number): void;
}

const player = (self: Self) => ({
  play(rest: number) {
    if (rest > 0) self.tell(self.message?.sender as Ref<Player>).play(rest - 1);
  },
});

const clerk = () => ({ answer: (n: number) => n });

/** The kinds of events of a run. */
function kinds({ trace }: Simulation<unknown>): string {
  const happened = trace.filter(({ kind }) => ["start", "reply", "due", "arrive"].includes(kind));
  return happened.map(({ kind }) => kind).join(" ");
}

function counted(body: (world: SimulatedWorld) => unknown, latency = {}): Promise<Simulation<unknown>> {
  return simulate({ latency }, body);
}

describe("a message between synchronous actors", () => {
  test("is one event and no barrier", async () => {
    const { steps, barriers } = await counted(async ({ system, runUntilIdle }) => {
      const [one, two] = [system.spawn(player), system.spawn(player)];
      const first = system.spawn((self: Self) => ({ begin: () => self.tell(one).play(0) }));
      system.tell(first).begin();
      const relay = system.spawn((self: Self) => ({ begin: () => self.tell(two).play(0) }));
      system.tell(relay).begin();
      await runUntilIdle();
    });
    expect({ steps, barriers }).toEqual({ steps: 4, barriers: 0 });
  });

  test("stays so, however many there are", async () => {
    const { steps, barriers } = await counted(async ({ system, runUntilIdle }) => {
      const two = system.spawn(player);
      const one = system.spawn((self: Self) => ({ ...player(self), begin: () => self.tell(two).play(10_000) }));
      system.tell(one).begin();
      await runUntilIdle();
    });
    expect({ steps, barriers }).toEqual({ steps: 10_002, barriers: 0 });
  });

  test("is two when it travels", async () => {
    const run = await counted(
      async ({ system, runUntilIdle }) => {
        system.tell(system.spawn(player)).play(0);
        await runUntilIdle();
      },
      { "*>*": 1 },
    );
    expect(kinds(run)).toBe("arrive start");
    expect(run.barriers).toBe(0);
  });
});

describe("a timer", () => {
  test("is two events, due and its turn, and no barrier: a queue of timers needs none", async () => {
    const served = { count: 0 };
    const run = await counted(async ({ system, runUntilIdle }) => {
      const server = (self: Self) => {
        let waiting = 0;
        const serve = () => {
          served.count++;
          if (--waiting > 0) self.after(self.random(), serve);
        };
        return { enter: () => void (waiting++ === 0 && self.after(self.random(), serve)) };
      };
      const queue = system.spawn(server, { name: "queue" });
      const load = (self: Self) => {
        let rest = 1_000;
        const send = () => {
          self.tell(queue).enter();
          if (--rest > 0) self.after(self.random() * 2, send);
        };
        return { begin: send };
      };
      system.tell(system.spawn(load)).begin();
      await runUntilIdle();
    });
    expect(served.count).toBe(1_000);
    // One to begin, 999 arrivals and 1,000 ends of service by timers, 1,000 messages.
    expect(run).toMatchObject({ steps: 1 + 2 * 1_999 + 1_000, barriers: 0 });
  });

  test("that repeats is two events a beat", async () => {
    const run = await counted(async ({ system, run }) => {
      system.spawn((self: Self) => {
        self.every(1, () => {});
        return {};
      });
      await run(100.5);
    });
    // And the end of the body's own wait.
    expect(run).toMatchObject({ steps: 201, barriers: 1 });
  });
});

describe("an ask", () => {
  const asker = (to: Ref<{ answer(n: number): number }>) => (self: Self) => ({
    async go(count: number) {
      for (let i = 0; i < count; i++) await self.ask(to, { within: "1s" }).answer(i);
    },
  });

  test("is two events, start and reply, and one barrier; its deadline is none", async () => {
    const run = await counted(async ({ system }) => {
      await system.ask(system.spawn(clerk)).answer(1);
    });
    expect(kinds(run)).toBe("start reply");
    expect(run).toMatchObject({ steps: 2, barriers: 1, endedMs: 0 });
  });

  test("of an actor that waits for nothing else is answered before anything else happens", async () => {
    const run = await counted(async ({ system, runUntilIdle }) => {
      const to = system.spawn(clerk);
      const others = [1, 2, 3].map(() => system.spawn(clerk));
      system.tell(system.spawn(asker(to))).go(3);
      for (const other of others) system.tell(other).answer(0);
      await runUntilIdle();
    });
    // Begun before the others; each of its asks was posted after them.
    expect(kinds(run)).toBe("start start start start start reply start reply start reply");
    expect(run).toMatchObject({ steps: 10, barriers: 4 });
  });

  test("costs the same however many there are", async () => {
    const run = await counted(async ({ system }) => {
      await system.ask(system.spawn(asker(system.spawn(clerk))), { within: "1h" }).go(1_000);
    });
    expect(run).toMatchObject({ steps: 2 + 2 * 1_000, barriers: 2 + 1_000 });
  });

  test("of a body that asks many at once has one reply each", async () => {
    const run = await counted(async ({ system }) => {
      const to = system.spawn(clerk);
      await Promise.all([1, 2, 3].map((n) => system.ask(to).answer(n)));
    });
    expect(kinds(run)).toBe("start start start reply reply reply");
  });
});

describe("promise jobs", () => {
  test("are no events: a handler of any number of them is one start", async () => {
    const run = await counted(async ({ system, runUntilIdle }) => {
      const long = system.spawn(() => ({
        async go() {
          for (let i = 0; i < 10_000; i++) await null;
        },
      }));
      system.tell(long).go();
      await runUntilIdle();
    });
    expect(run).toMatchObject({ steps: 1, barriers: 1, leaks: [] });
  });
});
