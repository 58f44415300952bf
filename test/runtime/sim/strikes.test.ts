// Faults of links: what is lost, doubled, delayed, reordered, and parted.

import { type Ref, type Self, type System, settle } from "antiphon";
import { idempotent } from "antiphon/actors";
import { delay, drop, duplicate, type Fault, partition, reorder, type Struck, simulate } from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { at, balanced } from "./balanced.ts";

interface Sink {
  take(n: number): number;
  keep(n: number): number;
}

/** Notes what it takes, and when. */
const sink = (log: string[]) => (self: Self) => {
  const take = (n: number) => {
    log.push(`${n} at ${self.now()}`);
    return n;
  };
  return { take, keep: take };
};

/** Does what it is given, with its own self. */
const doer = (self: Self) => ({ act: (job: (self: Self) => unknown) => job(self) });

/** Has an actor /a do something to a sink /b; gives what that took. */
async function sent(faults: Fault[], job: (self: Self, b: Ref<Sink>) => unknown, seed = 1) {
  const run = await balanced({ seed, faults }, ({ system }) => {
    const log: string[] = [];
    const b = system.spawn(sink(log), { name: "b" });
    system.tell(system.spawn(doer, { name: "a" })).act((self) => job(self, b));
    return { log, census: () => system.census() };
  });
  return { ...run.value, census: run.value.census(), struck: run.faults.map(({ struck }) => struck) };
}

/** Tells 0, 1, 2, …, one a millisecond. */
const told = (n: number) => async (self: Self, b: Ref<Sink>) => {
  for (let i = 0; i < n; i++) {
    self.tell(b)[i % 2 === 0 ? "take" : "keep"](i);
    await self.sleep(1);
  }
};
const numbers = (log: readonly string[]) => log.map((line) => Number(line.split(" ")[0]));

describe("what a fault of a link strikes", () => {
  test.each<[string, Struck, number[]]>([
    ["all messages", {}, []],
    ["those of a window, whose end is not in it", { from: 2, to: "5ms" }, [0, 1, 5, 6, 7]],
    ["the first", { first: 3 }, [3, 4, 5, 6, 7]],
    ["those of a name", { type: "keep" }, [0, 2, 4, 6]],
    ["the first of a name in a window", { type: "keep", first: 2, from: 2 }, [0, 1, 2, 4, 6, 7]],
  ])("can be %s", async (_, o, left) => {
    const { log, census, struck } = await sent([drop("/a>/b", o)], told(8));
    expect(numbers(log)).toEqual(left);
    expect(struck).toEqual([8 - left.length]);
    expect(census).toMatchObject({ lost: 8 - left.length, turnedAway: 0 });
  });

  test("can be a share, drawn for each message by itself", async () => {
    const n = 500;
    const burst = (self: Self, b: Ref<Sink>) => {
      for (let i = 0; i < n; i++) self.tell(b).take(i);
    };
    const lost = async (share: number, seed: number) => {
      const { log } = await sent([drop("*>/b", { share })], burst, seed);
      const left = new Set(numbers(log));
      return Array.from({ length: n }, (_, i) => i).filter((i) => !left.has(i));
    };
    const some = await lost(0.2, 1);
    // Within five standard deviations of the binomial.
    expect(Math.abs(some.length - 0.2 * n)).toBeLessThan(5 * Math.sqrt(n * 0.2 * 0.8));
    expect(await lost(0.2, 1)).toEqual(some);
    expect(await lost(0.2, 2)).not.toEqual(some);
    // A greater share takes these and more.
    expect((await lost(0.5, 1)).filter((i) => some.includes(i))).toEqual(some);
  });

  test("[W2 sim] is the same whatever other faults are listed before it and after it", async () => {
    const burst = (self: Self, b: Ref<Sink>) => {
      for (let i = 0; i < 100; i++) self.tell(b).take(i);
    };
    const share = 0.2;
    const alone = await sent([drop("/a>/b", { share })], burst);
    expect(alone.struck[0]).toBeGreaterThan(0);
    for (const other of [drop("/b>/c", { share }), drop("/*>/b", { type: "keep" }), delay("/a>/b", { by: 5, share })]) {
      for (const faults of [
        [other, drop("/a>/b", { share })],
        [drop("/a>/b", { share }), other],
      ]) {
        expect(numbers((await sent(faults, burst)).log).sort((a, b) => a - b)).toEqual(numbers(alone.log));
      }
    }
    // Two that are alike draw each for itself.
    const twice = await sent([drop("/a>/b", { share }), drop("/a>/b", { share })], burst);
    expect(twice.log.length).toBeLessThan(alone.log.length);
  });

  test("are the replies to messages of that name too", async () => {
    const ask = (how: string[]) => async (self: Self, b: Ref<Sink>) => {
      for (const type of ["take", "keep"] as const) {
        const ended = await settle(self.ask(b, { within: 9 })[type](1));
        how.push(
          ended.ok ? `${type} answered` : `${type} ${(ended.error as { outcome?: string }).outcome} at ${self.now()}`,
        );
      }
    };
    const how: string[] = [];
    const { log, struck } = await sent([drop("/b>/a", { type: "take" }), drop("/a>/b", { type: "keep" })], ask(how));
    expect(how).toEqual(["take unknown at 9", "keep not-started at 18"]);
    expect([log, struck]).toEqual([["1 at 0"], [1, 1]]);
  });
});

describe("drop", () => {
  test("[D3 sim] loses without a word: an ask and an offer learn of it by their limits alone", async () => {
    const how: string[] = [];
    const note = (name: string, promise: PromiseLike<unknown>, self: Self) =>
      void promise.then(undefined, (error) => how.push(`${name}: ${error.code} ${error.outcome} at ${self.now()}`));
    const { log, census } = await sent([drop("/a>/b")], (self, b) => {
      self.tell(b).take(1);
      note("ask", self.ask(b, { within: 5 }).take(2), self);
      note("offer", self.offer(b, { within: 7 }).take(3), self);
    });
    expect(how).toEqual(["ask: ASK_TIMEOUT not-started at 5", "offer: OFFER_TIMEOUT not-started at 7"]);
    expect(log).toEqual([]);
    // Sent are also what the body told, and nothing is turned away.
    expect(census).toMatchObject({ sent: 4, lost: 3, turnedAway: 0, accepted: 1, transit: 0 });
  });
});

describe("duplicate", () => {
  test("[D2 sim] brings a message twice: each is one of its own with the same id", async () => {
    const run = await balanced({ faults: [duplicate("*>/b", { type: "go" })] }, ({ system }) => {
      const ids: string[] = [];
      const b = system.spawn((self: Self) => ({ go: () => ids.push(self.message?.id as string) }), { name: "b" });
      const named = { id: "mine", key: "k", attempt: 3 };
      system.tell(b).go();
      system.tell(b, named).go();
      const a = system.spawn(doer, { name: "a" });
      const answers: number[] = [];
      system.tell(a).act(async (self) => {
        await self.offer(b).go();
        answers.push(await self.ask(b).go());
      });
      return { ids, answers, census: () => system.census(b) };
    });
    const { ids, answers } = run.value;
    const [first, , , , third, , fourth] = ids;
    expect(ids).toEqual([first, first, "mine", "mine", third, third, fourth, fourth]);
    expect(new Set(ids).size).toBe(4);
    expect(answers).toEqual([7]);
    expect(run.value.census()).toMatchObject({ accepted: 8, handled: 8 });
    // The replies to what was asked and offered are not doubled, and are not counted.
    expect(run.faults).toMatchObject([{ struck: 4 }]);
    const starts = run.trace.filter(({ kind, name }) => kind === "start" && name.includes(">/b:go"));
    expect(new Set(starts.map(({ name }) => name)).size).toBe(8);
  });

  test("is answered once by an idempotent actor", async () => {
    const run = await balanced({ faults: [duplicate("*>*")] }, ({ system }) => {
      let paid = 0;
      const till = () => ({ pay: (amount: number) => (paid += amount) });
      const ref = system.spawn(idempotent(till, { window: "1m" }), { name: "till" });
      system.tell(ref).pay(5);
      system.tell(ref, { id: "x" }).pay(7);
      return { answer: system.ask(ref).pay(11), paid: () => paid };
    });
    expect([await run.value.answer, run.value.paid()]).toEqual([23, 23]);
    expect(run.faults).toMatchObject([{ struck: 3 }]);
  });

  test("is lost with its message where that is lost", async () => {
    const { log, census, struck } = await sent([duplicate("/a>/b"), drop("/a>/b", { first: 1 })], told(2));
    expect(log).toEqual(["1 at 1", "1 at 1"]);
    expect(census).toMatchObject({ lost: 1, accepted: 3 });
    expect(struck).toEqual([2, 1]);
  });
});

describe("delay", () => {
  test("[D1 sim] has what follows on the link wait behind", async () => {
    const faults = [
      delay("/a>/b", { by: "3ms", first: 1 }),
      delay("/a>/b", { by: { min: 10, max: 20 }, from: 4, to: 5 }),
    ];
    const { log, struck } = await sent(faults, told(7));
    expect(log.slice(0, 4)).toEqual(["0 at 3", "1 at 3", "2 at 3", "3 at 3"]);
    const times = log.slice(4).map((line) => Number(line.split(" ")[2]));
    expect(new Set(times).size).toBe(1);
    expect((times[0] as number) >= 14 && (times[0] as number) < 24).toBe(true);
    expect([numbers(log), struck]).toEqual([
      [0, 1, 2, 3, 4, 5, 6],
      [1, 1],
    ]);
  });
});

describe("reorder", () => {
  test("[D1 sim] lets others pass those that it strikes, and no others", async () => {
    const plan = fc.record({ seed: fc.nat(), share: fc.constantFrom(0.1, 0.3, 0.6), byMs: fc.nat(20) });
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(plan, async ({ seed, share, byMs }) => {
        const { log, struck } = await sent(
          [reorder("/a>/b", { share, by: { min: 1, max: 1 + byMs } })],
          told(40),
          seed,
        );
        // What is there at once was not struck; of these the order is kept.
        const late = (line: string) => Number(line.split(" ")[2]) > Number(line.split(" ")[0]);
        const punctual = numbers(log.filter((line) => !late(line)));
        expect(punctual).toEqual([...punctual].sort((x, y) => x - y));
        expect(log.filter(late)).toHaveLength(struck[0] as number);
        for (const line of log.filter(late)) {
          const [n = 0, , ms = 0] = line.split(" ").map(Number);
          expect(ms - n >= 1 && ms - n <= 1 + byMs).toBe(true);
        }
        expect([...numbers(log)].sort((x, y) => x - y)).toEqual(Array.from({ length: 40 }, (_, i) => i));
        passed += numbers(log).filter((n, i) => n !== i).length;
      }),
      { seed: 51, numRuns: 12 },
    );
    expect(passed).toBeGreaterThan(100);
  });
});

describe("partition", () => {
  /** Every one of four asks every other at a time; who was answered. */
  async function answered(faults: Fault[], ms: number) {
    const run = await balanced({ faults }, ({ system }: { system: System }) => {
      const pairs: string[] = [];
      const names = ["a", "b", "c", "d"];
      const refs = names.map((name) => system.spawn(() => ({ get: () => 1 }), { name }));
      const asker = (from: string, self: Self) => {
        for (const [i, name] of names.entries()) {
          const ref = refs[i] as (typeof refs)[number];
          if (name !== from)
            self
              .ask(ref, { within: 5 })
              .get()
              .then(
                () => pairs.push(`${from}${name}`),
                () => {},
              );
        }
      };
      const askers = names.map((name) => system.spawn(doer, { name: `${name}-asks` }));
      for (const [i, one] of askers.entries())
        at(system, ms, () => system.tell(one).act((self) => asker(names[i] as string, self)));
      return pairs;
    });
    return run.value.sort().join(" ");
  }
  const everyone = "ab ac ad ba bc bd ca cb cd da db dc";

  test("lets nothing pass between its sides, in either direction, replies neither; within a side all goes on", async () => {
    const parts = partition(["/a*", "/b*"], ["/c*"], { from: 10, to: 20 });
    expect(await answered([parts], 9)).toBe(everyone);
    expect(await answered([parts], 10)).toBe("ab ad ba bd cd da db dc");
    expect(await answered([parts], 20)).toBe(everyone);
    // The question passes, the answer does not.
    expect(await answered([partition(["/a"], ["/b-asks"])], 1)).toBe("ab ac ad bc bd ca cb cd da db dc");
  });

  test("cuts off tells in both directions too", async () => {
    const run = await balanced({ faults: [partition(["/a"], ["/b"])] }, ({ system }) => {
      const heard: string[] = [];
      const friends: Ref<{ hear(from: string): void; go(): void }>[] = [];
      for (const name of ["a", "b", "c"])
        friends.push(
          system.spawn(
            (self: Self) => ({
              hear: (from: string) => void heard.push(`${from} ${self.path}`),
              go: () => friends.forEach((one) => void self.tell(one).hear(self.path)),
            }),
            { name },
          ),
        );
      for (const one of friends) system.tell(one).go();
      return heard;
    });
    expect(run.value.sort()).toEqual(["/a /a", "/a /c", "/b /b", "/b /c", "/c /a", "/c /b", "/c /c"]);
    expect(run.faults).toMatchObject([{ struck: 2 }]);
  });

  test("can have the body of the simulation on a side", async () => {
    const { value, faults } = await simulate(
      { faults: [partition(["/"], ["/a"], { to: 8 })] },
      async ({ system, run }) => {
        const a = system.spawn(() => ({ get: () => 1 }), { name: "a" });
        const cut = await settle(system.ask(a, { within: 5 }).get());
        await run(3);
        return [cut.ok, await system.ask(a).get(), system.census().lost];
      },
    );
    expect(value).toEqual([false, 1, 1]);
    expect(faults).toMatchObject([{ struck: 1 }]);
  });
});
