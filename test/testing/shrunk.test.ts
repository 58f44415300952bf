import { InvalidOption, type Self } from "antiphon";
import { explore, NotExhaustible, operations, perform } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { stalefill } from "../zoo/stalefill.ts";
import { adder, clerks, failure, store, thrown } from "./exploring.ts";

// Many runs each: slow where much else runs.
vi.setConfig({ testTimeout: 30_000 });

/** What can be written to, and what a client may do to it. */
interface Ledger {
  put(amount: number): void;
  sum(): number;
}

describe("what explore finds becomes small", () => {
  test("inputs: to the fewest and simplest that fail in that order", async () => {
    const property = explore(
      { items: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 8 }), note: fc.string() },
      async ({ system, runUntilIdle }, { items }) => {
        const sums = system.spawn(store, { name: "sums" });
        for (const by of items) system.tell(system.spawn((self) => adder(self, sums))).add(by);
        await runUntilIdle();
        expect(await system.ask(sums).read()).toBe(items.reduce((sum, by) => sum + by, 0));
      },
    );
    expect((await failure(property)).played.inputs).toEqual({ items: [1, 1], note: "" });
  });

  test("operations: to those that are needed, whoever else did what", async () => {
    const calls = operations<Ledger>({ put: fc.integer({ min: 1, max: 99 }), sum: undefined }, { most: 12 });
    const property = explore({ calls }, async ({ system, runUntilIdle }, { calls }) => {
      let stored = 0;
      // Bug: between the two lines others put.
      const ledger = system.spawn(
        (self: Self) => ({
          async put(amount: number) {
            const before = stored;
            await self.sleep(1);
            stored = before + amount;
          },
          sum: () => stored,
        }),
        { name: "ledger", concurrency: 4 },
      );
      const done = await perform<Ledger, unknown, unknown>(system, ledger, calls);
      await runUntilIdle();
      const sum = done.reduce((sum, { call }) => sum + ((call.payload as number | undefined) ?? 0), 0);
      if (stored !== sum) throw new Error(`nothing put is lost: ${stored} of ${sum}`);
    });
    const { inputs } = (await failure(property)).played;
    expect(inputs.calls).toMatchObject([{ type: "put" }, { type: "put" }]);
    expect(inputs.calls[0]!.client).not.toBe(inputs.calls[1]!.client);
  });

  test("faults: of a swarm to the one loss that matters", async () => {
    const links = ["/teller>/debits", "/teller>/credits", "/teller>/audit"];
    const property = explore(
      {},
      async ({ system, runUntilIdle }) => {
        const books = { debits: 0, credits: 0, audit: 0 };
        const book = (name: keyof typeof books) =>
          system.spawn(() => ({ post: (amount: number) => void (books[name] += amount) }), { name });
        const to = [book("debits"), book("credits"), book("audit")] as const;
        const teller = (self: Self) => ({
          transfer(amount: number) {
            for (const one of to) self.tell(one).post(amount);
          },
        });
        system.tell(system.spawn(teller, { name: "teller" })).transfer(5);
        await runUntilIdle();
        if (books.credits < books.debits) throw new Error(`what is debited is credited: ${books.credits}`);
      },
      { faults: { drop: links, delay: links, pause: ["/audit"], most: 4 }, schedules: 300, seed: 2 },
    );
    const error = await failure(property);
    expect(error.played.plan).toMatchObject({ pairs: [], faults: [{ kind: "drop", link: "/teller>/credits" }] });
    expect(error.message).toMatch(/replays: \d faults to 1/);
    expect(error.message).toContain("order   message no. 1 on /teller>/credits is lost");
  });

  test("[X3 sim] pairs of the order: no one of those that remain can be left out", async () => {
    const property = explore({}, (world) => stalefill.play(world, "buggy", stalefill.operations), { schedules: 2_000 });
    const { played, message } = await failure(property);
    const { pairs } = played.plan;
    expect(pairs.length).toBeGreaterThan(1);
    // A pair more than the depth, at most: which of two pairs is left may matter.
    expect(pairs.length).toBeLessThanOrEqual(stalefill.depth + 1);
    for (const pair of pairs) {
      const plan = { ...played.plan, pairs: pairs.filter((one) => one !== pair) };
      expect(await property.replay({ ...played, plan })).toMatchObject({ outcome: "passing" });
    }
    expect(message).not.toContain("it may be smaller still");
  });

  test("[X3 sim] to a run that fails in the same way, not to one with another failure that is simpler", async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const found: string[] = [];
      const judge = (noted: string) => {
        const [first = ""] = noted;
        const wrong = first === "d" ? "d is first" : noted.indexOf("b") < noted.indexOf("a") ? "b before a" : undefined;
        if (wrong !== undefined) found.push(wrong);
        if (wrong !== undefined) throw new Error(wrong);
      };
      const error = await failure(clerks(judge, { seed, strategies: ["random"] }));
      expect((error.cause as Error).message).toBe(found[0]);
    }
  });

  test("to a run that fails again, also where it ends before everything has happened", async () => {
    const property = explore({}, async ({ system }) => {
      const seen: string[] = [];
      const late = system.spawn(() => ({ note: () => void seen.push("late") }), { name: "late" });
      const ann = (self: Self) => ({
        go() {
          seen.push("ann");
          self.tell(late).note();
        },
      });
      const bob = () => ({ go: () => void seen.push("bob") });
      const [b, a] = [system.spawn(bob, { name: "bob" }), system.spawn(ann, { name: "ann" })];
      await Promise.all([system.ask(b).go(), system.ask(a).go()]);
      if (seen.join() === "ann,bob") throw new Error("bob is first, or ann is noted late");
    });
    const { token } = await failure(property);
    expect(await property.replay(token!)).toMatchObject({ outcome: "failing" });
  });

  test("only as far as replays allow, and says so", async () => {
    const judge = (noted: string) => expect(noted.startsWith("dc")).toBe(false);
    const error = await failure(clerks(judge, { replays: 2 }), { endOnFailure: true });
    expect(error.message).toContain("made smaller in 2 replays");
    expect(error.message).toContain("it may be smaller still");
    const unshrunk = await failure(clerks(judge, { replays: 0 }), { endOnFailure: true });
    expect(unshrunk.message).toMatch(/found in schedule \d+ \(\w.*\); \d+ events\n/);
  });
});

describe("explore({ exhaustive })", () => {
  test("[X2 sim] proves that no order fails: each is played once, and counted", async () => {
    const property = clerks((noted) => expect([...noted].sort().join("")).toBe("abcd"), { exhaustive: true });
    await fc.assert(property, { seed: 1, numRuns: 1 });
    expect(property.coverage.runs).toEqual([{ strategy: "exhaustive", runs: 24 }]);
    expect(property.coverage.orders).toBe(24);
  });

  test("finds the one order that fails, and makes it small", async () => {
    const error = await failure(
      clerks((noted) => expect(noted).not.toBe("dcba"), { exhaustive: true }),
      { numRuns: 1 },
    );
    expect(error.message).toMatch(/found in schedule \d+ \(exhaustive\)/);
    expect(error.played.plan).toMatchObject({ time: "async", pairs: { length: 3 } });
  });

  test("is wrong when there are more orders than it says", async () => {
    const { cause } = await thrown(
      clerks(() => {}, { exhaustive: 23 }),
      { numRuns: 1 },
    );
    expect(cause).toBeInstanceOf(InvalidOption);
    expect(cause).toMatchObject({ option: "exhaustive" });
    await fc.assert(
      clerks(() => {}, { exhaustive: 24 }),
      { numRuns: 1 },
    );
  });

  test("refuses what it can not do, with the reason: concurrency, and time that has a clock", async () => {
    const busy = explore(
      {},
      async ({ system, runUntilIdle }) => {
        system.tell(system.spawn(store, { name: "store", concurrency: 2 })).write(1);
        await runUntilIdle();
      },
      { exhaustive: true },
    );
    const { cause } = await thrown(busy);
    expect(cause).toBeInstanceOf(NotExhaustible);
    expect((cause as Error).message).toContain("/store has concurrency 2");
    const clocked = await thrown(clerks(() => {}, { exhaustive: true, time: "windows" }));
    expect(clocked.cause).toBeInstanceOf(NotExhaustible);
  });
});
