// What a program may do with promises without being taken for one that depends on the host. Each case has no leak, in a
// strict run and in another, and the same hash in both.

import { type Message, type Ref, receive, type Self, type SpawnOptions, settle } from "antiphon";
import { crash, powerFailure, type SimulateOptions, type Simulation, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";

interface Clerk {
  answer(n: number): number;
  later(ms: number): Promise<number>;
  never(): Promise<void>;
}

const clerk = (self: Self) => ({
  answer: (n: number) => n,
  async later(ms: number) {
    await self.sleep(ms);
    return ms;
  },
  async never() {
    await self.sleep("1h");
  },
});

type Make = (self: Self, clerk: Ref<Clerk>) => { go(n: number): unknown };

const cases: Record<string, [make: Make, options?: SpawnOptions]> = {
  "awaits asks and sleeps": [
    (self, clerk) => ({
      async go(n) {
        await self.sleep(n);
        return (await self.ask(clerk).answer(n)) + (await self.ask(clerk).later(2));
      },
    }),
  ],
  "awaits all of several, the first of several, and what became of several": [
    (self, clerk) => ({
      async go(n) {
        const asks = () => [self.ask(clerk).answer(n), self.ask(clerk).later(n), self.sleep(3)];
        await Promise.all(asks());
        await Promise.race(asks());
        await Promise.any(asks());
        await Promise.allSettled([...asks(), Promise.reject(new Error("known"))]);
      },
    }),
  ],
  "awaits what has settled long ago, and what never was a promise": [
    (self) => {
      const settled = Promise.resolve(1);
      return { go: async (n) => (await settled) + (await n) + (await Promise.all([settled, n])).length + self.now() };
    },
  ],
  "has long chains of promise jobs": [
    (self) => ({
      async go(n) {
        for (let i = 0; i < 500; i++) await null;
        await self.sleep(n);
        return await Array.from({ length: 500 }).reduce<Promise<number>>(
          (sum) => sum.then((x) => x + 1),
          self.sleep(1).then(() => n),
        );
      },
    }),
  ],
  "awaits an async generator of its own": [
    (self) => {
      async function* beats(count: number) {
        for (let i = 0; i < count; i++) {
          await self.sleep(1);
          yield i;
        }
      }
      return {
        async go(n) {
          let sum = 0;
          for await (const beat of beats(n)) sum += beat;
          return sum;
        },
      };
    },
  ],
  "returns a thenable of its own": [
    (self) => ({ go: (n) => ({ then: (done: (n: number) => void) => void self.sleep(1).then(() => done(n)) }) }),
  ],
  "awaits what another of its handlers settles, synchronously or not": [
    (self) => {
      const waiting: (() => void)[] = [];
      return {
        go(n) {
          if (n % 3 > 0) return new Promise<void>((resolve) => waiting.push(resolve));
          if (n % 2 > 0) return self.sleep(2).then(() => waiting.shift()?.());
          return waiting.shift()?.();
        },
      };
    },
    { concurrency: 4 },
  ],
  "awaits one of its handlers and looks at the clock meanwhile": [
    (self) => {
      const waiting: (() => void)[] = [];
      return {
        go(n) {
          if (n % 2 === 0) return waiting.shift()?.();
          const told = new Promise<void>((resolve) => waiting.push(resolve));
          return Promise.race([told, self.sleep(15)]).then(() => self.sleep(n));
        },
      };
    },
    { concurrency: 2 },
  ],
  "has a lock of its own among its handlers": [
    (self) => {
      let last: Promise<unknown> = Promise.resolve();
      return { go: () => (last = last.then(() => self.sleep(1))) };
    },
    { concurrency: Number.POSITIVE_INFINITY },
  ],
  "gives a pipe what a later message settles": [
    (self) => {
      let settle = () => {};
      return {
        go() {
          settle();
          self.pipeToSelf(new Promise<void>((resolve) => (settle = resolve)), () => self.random());
        },
      };
    },
  ],
  "waits for its asker to lose patience": [
    (self, clerk) => ({
      async go() {
        await new Promise((resolve) => self.signal.addEventListener("abort", resolve));
        self.tell(clerk).answer(1);
        self.after(1, () => self.random());
        await self.sleep(1);
      },
    }),
  ],
  "gives up its own asks, by a signal and by a deadline": [
    (self, clerk) => ({
      async go() {
        const leaving = new AbortController();
        self.after(1, () => {});
        const given = settle(self.ask(clerk, { signal: leaving.signal }).never());
        await self.sleep(1);
        leaving.abort();
        await given;
        await settle(self.ask(clerk, { within: 1 }).never());
      },
    }),
  ],
  "leaves work behind and goes on with it later": [
    (self, clerk) => ({
      go(n) {
        const later = async () => {
          await self.sleep(n);
          self.tell(clerk).answer(n);
        };
        void later().catch(() => {});
      },
    }),
  ],
  "acts in a factory, and starts others that do": [
    (self, clerk) => {
      self.tell(clerk).answer(1);
      self.after(1, () => self.tell(clerk).answer(2));
      const slowly = async (child: Self) => {
        await child.sleep(1);
        await child.ask(clerk).answer(3);
        child.tell(clerk).answer(child.random());
        return { go() {} };
      };
      return {
        go() {
          const child = self.spawn(slowly);
          self.tell(child).go();
          self.watch(child, () => self.tell(clerk).answer(4));
        },
      };
    },
  ],
  "disposes of itself in time": [
    (self) => ({
      go() {
        self.stop();
      },
      async [Symbol.asyncDispose]() {
        for (let i = 0; i < 9; i++) await null;
      },
    }),
  ],
  "crashes before and after a wait, and is restarted": [
    (self, clerk) => {
      self.tell(clerk).answer(self.random());
      return {
        async go(n) {
          if (n % 2 > 0) await self.sleep(1);
          throw new Error("crash");
        },
      };
    },
    { supervision: { maxRestarts: 100, backoff: 1 } },
  ],
};

interface Holder {
  go(n: number): void;
}

/** Asks for a few things, one after the other and at once. */
async function run(make: Make, options: SpawnOptions, how: SimulateOptions): Promise<Simulation<unknown>> {
  return simulate(how, async ({ system, runUntilIdle }) => {
    const desk = system.spawn(clerk, { name: "clerk", concurrency: 3 });
    const holder = (self: Self) => ({
      [receive](m: Message<Holder>) {
        m.hold();
        self.after(1, () => m.answer(1));
      },
    });
    system.tell(system.spawn(holder) as Ref<Holder>).go(0);
    const one = system.spawn((self: Self) => make(self, desk), { ...options, name: "one" });
    const asks = [1, 2, 3, 4, 5, 6].map((n) => settle(system.ask(one, { within: 20 }).go(n)));
    await runUntilIdle();
    return (await Promise.all(asks)).map(({ ok }) => ok);
  });
}

describe("an innocent program", () => {
  test.each(Object.entries(cases))("[W1 sim] has no leak: one that %s", async (_, [make, options = {}]) => {
    const free = await run(make, options, {});
    expect(free.leaks).toEqual([]);
    expect(free.hash).toBeDefined();
    const { hash, value } = free;
    expect(await run(make, options, { strict: true })).toMatchObject({ leaks: [], hash, value });
    expect(await run(make, options, { strict: true, twice: true })).toMatchObject({ leaks: [], hash });
  });

  test("[W1 sim] has no leak: one whose ticks of the host are over before anything else can happen", async () => {
    const ticks: Make = () => ({
      async go() {
        await new Promise<void>((resolve) => process.nextTick(() => process.nextTick(resolve)));
      },
    });
    const once = await run(ticks, {}, {});
    expect(once.leaks).toEqual([]);
    expect((await run(ticks, {}, {})).hash).toBe(once.hash);
  });

  test("[W1 sim] has no leak: one that is started again by faults, and whose body waits for promises of actors", async () => {
    const runs = [false, true].map((strict) => {
      let told: ((n: number) => void) | undefined;
      return simulate(
        {
          strict,
          faults: [crash("/one", { at: 3 }), powerFailure({ at: 5 })],
          boot(system) {
            const desk = system.spawn(clerk, { name: "clerk" });
            const make = (self: Self) => {
              self.tell(desk).answer(self.random());
              return { go: (n: number) => told?.(n) };
            };
            const one = system.spawn(make, { name: "one" });
            system.tell(one).go(0);
            return one;
          },
        },
        async (world) => {
          await world.run(10);
          const heard = new Promise<number>((resolve) => (told = resolve));
          world.system.tell(world.booted).go(7);
          const n = await heard;
          world.system.tell(world.booted).go(n);
          await world.runUntilIdle();
          return n;
        },
      );
    });
    // One strict run at a time may stand beside others.
    const [free, strict] = await Promise.all(runs);
    expect(free).toMatchObject({ value: 7, leaks: [] });
    expect(strict).toMatchObject({ value: 7, leaks: [], hash: free?.hash });
  });
});

describe("a promise of an actor's own that a later message settles", () => {
  type Waiter = { begin(): unknown; tell(): void };
  const waits: Record<
    string,
    [begin: (self: Self, told: Promise<void>, goOn: () => void) => unknown, concurrency: number]
  > = {
    "a pipe": [(self, told, goOn) => self.pipeToSelf(told, goOn), 1],
    "another handler": [(self, told, goOn) => Promise.race([told, self.sleep("1h")]).then(goOn), 2],
  };

  test.each(Object.entries(waits))(
    "goes on at the time of that message, not when promises are next waited for: in %s",
    async (_, [begin, concurrency]) => {
      for (const strict of [true, false]) {
        const { value } = await simulate({ strict }, async ({ system, run }) => {
          let wentOn: number | undefined;
          let settled = () => {};
          const waiter = (self: Self): Waiter => ({
            begin() {
              const told = new Promise<void>((resolve) => (settled = resolve));
              return begin(self, told, () => {
                wentOn = self.now();
              });
            },
            tell: () => settled(),
          });
          system.spawn((self: Self) => {
            self.every(0.1, () => {});
            return {};
          });
          const one = system.spawn(waiter, { concurrency });
          system.tell(one).begin();
          await run(5);
          system.tell(one).tell();
          await run(100);
          return wentOn;
        });
        expect(value).toBe(5);
      }
    },
  );
});
