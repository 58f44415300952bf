import { InvalidOption, type Make, type Message, type Ref, Refusal, receive, type Self, settle } from "antiphon";
import { restart, simulate } from "antiphon/sim";
import { conformance, type Subject } from "antiphon/testing";
import { describe, expect, test } from "vitest";
import { type PoolOptions, type PoolStrategy, pool } from "../../src/actors/pool.ts";
import { live, sim } from "../conformance/world.ts";

class Unlucky extends Refusal {
  readonly _tag = "Unlucky";
}

/** Says who did what. */
class Clerk {
  readonly #self: Self;
  #done = 0;

  constructor(self: Self) {
    this.#self = self;
  }

  who(): string {
    return `${this.#self.path} ${++this.#done}`;
  }

  async slow(ms: number): Promise<string> {
    await this.#self.sleep(ms);
    return this.who();
  }

  refuse(): Unlucky {
    return new Unlucky();
  }

  crash(): never {
    throw new Error("planted");
  }

  quit(): void {
    this.#self.stop();
  }

  hang(): Promise<void> {
    return this.#self.sleep("1h");
  }
}

const clerk: Make<Clerk> = (self) => new Clerk(self);
const all: readonly PoolStrategy[] = [
  "shared-queue",
  "round-robin",
  "random",
  "least-loaded",
  "power-of-two-choices",
  "consistent-hash",
];
const sizes: readonly [string, PoolOptions["size"]][] = [
  ["3", 3],
  ["1 to 4", { min: 1, max: 4, every: 50 }],
];

describe.each(all)("a pool, %s", (strategy) => {
  describe.each(sizes)("of %s workers, stands for one of them", (_, size) => {
    const wrap = (inner: Ref<Subject>) =>
      pool(() => ({ [receive]: (m: Message<Subject>) => m.forward(inner) }), { size, strategy });
    test.each(conformance(wrap, { order: false }))("$name", ({ run }) => run());
  });

  test.each([live, sim].map((each) => [each.name, each] as const))(
    "[P1 %s] takes tell, offer and ask, and passes refusals and crashes on",
    (_, world) =>
      world.run(async ({ system, idle, conserve }) => {
        const ref = system.spawn(pool(clerk, { size: 3, strategy }), { name: "desk" });
        system.tell(ref).who();
        await system.offer(ref).who();
        expect(await system.ask(ref).slow(1)).toMatch(/^\/desk\/[012] \d$/);
        expect(await settle(system.ask(ref).refuse())).toMatchObject({
          error: { _tag: "Unlucky", outcome: "answered" },
        });
        expect(await settle(system.ask(ref).crash())).toMatchObject({ error: { _tag: "ActorCrashed" } });
        expect(await system.ask(ref).who()).toMatch(/^\/desk/);
        await idle();
        conserve();
      }),
  );

  test("[P2 sim] goes on with the other workers when one is hung", () =>
    simulate({}, async ({ system }) => {
      const ref = system.spawn(pool(clerk, { size: 2, strategy: "shared-queue" }), { name: "desk" });
      expect((await settle(system.ask(ref, { within: "1s" }).hang())).ok).toBe(false);
      // The asker has given up; the handler has not: that worker is not free.
      for (let n = 1; n <= 3; n++) expect(await system.ask(ref).who()).toBe(`/desk/1 ${n}`);
    }));
});

describe("a pool of fixed size", () => {
  const burst = async (strategy: PoolStrategy, messages: number, options: Partial<PoolOptions> = {}) => {
    const { value } = await simulate({ seed: 3 }, async ({ system }) => {
      const ref = system.spawn(pool(clerk, { size: 4, strategy, ...options }), { name: "desk" });
      const asks = Array.from({ length: messages }, (_, n) => system.ask(ref, { key: `k${n % 5}` }).slow(10));
      return (await Promise.all(asks)).map((answer) => Number(answer.split(/[/ ]/)[2]));
    });
    return value;
  };

  test("sends in turn by round-robin", async () => {
    expect(await burst("round-robin", 8)).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  });

  test("keeps all workers equally busy by least-loaded and shared-queue", async () => {
    for (const strategy of ["least-loaded", "shared-queue"] as const) {
      const counts = [0, 0, 0, 0];
      for (const who of await burst(strategy, 40)) counts[who]!++;
      expect(counts).toEqual([10, 10, 10, 10]);
    }
  });

  test("[P3 sim] sends a key to one worker by consistent-hash, and by what `by` says", async () => {
    const who = await burst("consistent-hash", 40);
    for (let key = 0; key < 5; key++) expect(new Set(who.filter((_, n) => n % 5 === key)).size).toBe(1);
    expect(new Set(who).size).toBeGreaterThan(1);
    expect(new Set(await burst("consistent-hash", 40, { by: () => "one" })).size).toBe(1);
  });

  test("[P3 sim] moves a key only when its worker has gone or a new one takes it", async () => {
    const { HashRing } = await import("../../src/actors/ring.ts");
    const targets = Array.from({ length: 10 }, (_, n) => ({ name: `${n}` }));
    const keys = Array.from({ length: 10_000 }, (_, n) => `key ${n}`);
    const [nine, ten] = [new HashRing(targets.slice(0, 9), 100), new HashRing(targets, 100)];
    const moved = keys.filter((key) => nine.of(key) !== ten.of(key));
    expect(moved.every((key) => ten.of(key)?.name === "9")).toBe(true);
    expect(moved.length).toBeGreaterThan(700);
    expect(moved.length).toBeLessThan(1_300);
    const shares = targets.map((target) => keys.filter((key) => ten.of(key) === target).length);
    expect(Math.max(...shares)).toBeLessThan(1_500);
    expect(Math.min(...shares)).toBeGreaterThan(600);
  });

  test("lets at most `capacity` messages wait, turns more away as not started", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const ref = system.spawn(pool(clerk, { size: 1, capacity: 2 }));
      const asks = [1, 2, 3, 4].map(() => settle(system.ask(ref).slow(10)));
      const found = (await Promise.all(asks)).map((one) => (one.ok ? "ok" : `${one.error._tag} ${one.error.outcome}`));
      expect(found).toEqual(["ok", "ok", "ok", "MailboxFull not-started"]);
      await runUntilIdle();
    }));

  test("makes room for the living when those who wait have given up", () =>
    simulate({}, async ({ system, run }) => {
      const ref = system.spawn(pool(clerk, { size: 1, capacity: 1 }));
      const first = system.ask(ref).slow(1_000);
      const second = settle(system.ask(ref, { within: 100 }).who());
      await run(200);
      const third = settle(system.ask(ref).who());
      expect([(await second).ok, (await first) !== "", (await third).ok]).toEqual([false, true, true]);
    }));

  test("says not-started of what a full worker turned away, and keeps to the messages that it is closed to", () =>
    simulate({}, async ({ system }) => {
      const worker = { mailbox: { capacity: 0 }, messages: ["slow"] };
      const ref = system.spawn(pool(clerk, { size: 1, strategy: "least-loaded", worker }));
      const ends = [1, 2].map(() => settle(system.ask(ref, { within: 50 }).slow(10)));
      expect((await ends[0])?.ok).toBe(true);
      expect(await ends[1]).toMatchObject({ error: { _tag: "MailboxFull", outcome: "not-started", retrySafe: true } });
      expect(await settle(system.ask(ref).who())).toMatchObject({
        error: { _tag: "UnknownMessage", outcome: "not-started" },
      });
      expect((await settle(system.ask(ref, { within: 5 }).slow(10))).ok).toBe(false);
      expect((await settle(system.ask(ref).slow(10))).ok).toBe(false);
    }));

  test("takes an asynchronous factory, and disposes of its workers", () =>
    simulate({}, async ({ system }) => {
      const log: string[] = [];
      const make = async (self: Self) => {
        await self.sleep(5);
        return {
          who: () => self.path,
          async [Symbol.asyncDispose]() {
            log.push(self.path);
          },
        };
      };
      const ref = system.spawn(pool(make, { size: 2 }), { name: "desk" });
      expect(await Promise.all([system.ask(ref).who(), system.ask(ref).who()])).toEqual(["/desk/0", "/desk/1"]);
      await system.stop();
      expect(log).toEqual(["/desk/1", "/desk/0"]);
    }));

  test("settles an offer when a worker takes it", () =>
    simulate({}, async ({ system, now }) => {
      const ref = system.spawn(pool(clerk, { size: 1 }));
      const times: number[] = [];
      for (let n = 0; n < 3; n++) {
        await system.offer(ref).slow(100);
        times.push(now());
      }
      expect(times).toEqual([0, 100, 200]);
    }));

  test("keeps what waits for a free worker when one crashes", () =>
    simulate({}, async ({ system }) => {
      const ref = system.spawn(pool(clerk, { size: 1 }), { name: "desk" });
      const crashed = settle(system.ask(ref).crash());
      const rest = await Promise.all([system.ask(ref).who(), system.ask(ref).who()]);
      expect(await crashed).toMatchObject({ error: { _tag: "ActorCrashed", outcome: "unknown" } });
      expect(rest).toEqual(["/desk/0 1", "/desk/0 2"]);
    }));

  test.each(["shared-queue", "round-robin", "consistent-hash"] as const)(
    "replaces a worker that stopped, at most once a second, by %s",
    async (strategy) => {
      await simulate({}, async ({ system, run, now }) => {
        const ref = system.spawn(pool(clerk, { size: 1, strategy }), { name: "desk" });
        await run("5s");
        system.tell(ref).quit();
        await run(10);
        expect(await system.ask(ref).who()).toBe("/desk/0 1");
        system.tell(ref).quit();
        await run(10);
        expect(await system.ask(ref).who()).toBe("/desk/0 1");
        expect(now()).toBe(6_000);
      });
    },
  );

  test("[P1 sim] gives what a stopped worker had not begun to another", () =>
    simulate({}, async ({ system }) => {
      const ref = system.spawn(pool(clerk, { size: 2, strategy: "least-loaded" }), { name: "desk" });
      const slow = system.ask(ref).slow(50);
      const quit = settle(system.ask(ref).quit());
      const asks = [1, 2, 3, 4].map(() => system.ask(ref).who());
      expect((await Promise.all(asks)).length).toBe(4);
      await slow;
      await quit;
    }));

  test("loses what it holds when it restarts, and says so; its mailbox is kept", () =>
    simulate({ faults: [restart("/desk", { at: 50 })] }, async ({ system }) => {
      const ref = system.spawn(pool(clerk, { size: 1 }), { name: "desk" });
      const flying = settle(system.ask(ref).slow(100));
      const waiting = settle(system.ask(ref).who());
      expect(await flying).toMatchObject({ error: { _tag: "ActorRestarted", outcome: "unknown" } });
      expect(await waiting).toMatchObject({ error: { _tag: "ActorRestarted", outcome: "unknown" } });
      expect(await system.ask(ref).who()).toBe("/desk/0 1");
    }));
});

test.each([
  ["size", { size: 0 }],
  ["size", { size: 1.5 }],
  ["size", { size: Number.POSITIVE_INFINITY }],
  ["size.min", { size: { min: 0, max: 2 } }],
  ["size.max", { size: { min: 3, max: 2 } }],
  ["size.every", { size: { min: 1, max: 2, every: 0 } }],
  ["size.lag", { size: { min: 1, max: 2, lag: "soon" } }],
  ["size.perWorker", { size: { min: 1, max: 2, perWorker: 0 } }],
  ["size.most", { size: { min: 1, max: 2, most: 3 } }],
  ["strategy", { size: 1, strategy: "fair" }],
  ["by", { size: 1, strategy: "random", by: () => "" }],
  ["by", { size: 1, strategy: "consistent-hash", by: "key" }],
  ["vnodes", { size: 1, strategy: "consistent-hash", vnodes: 0 }],
  ["vnodes", { size: 1, vnodes: 2 }],
  ["capacity", { size: 1, capacity: -1 }],
  ["worker.name", { size: 1, worker: { name: "bob" } }],
  ["concurrency", { size: 1, worker: { concurrency: 0 } }],
  ["siez", { size: 1, siez: 2 }],
])("a pool refuses a wrong %s: %o", (option, options) => {
  const make = () => pool(clerk, options as PoolOptions);
  expect(make).toThrow(InvalidOption);
  expect(make).toThrow(new RegExp(`^${option}: found`));
});
