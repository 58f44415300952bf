// Actors that handle several messages at once: one begins before another has come to its first await, as it may live.

import { type Self, settle } from "antiphon";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Body, Explorer } from "../../../../src/runtime/sim/explorer.ts";
import { pairsOf, totalPairsOf } from "../../../../src/runtime/sim/schedule.ts";
import { strategies } from "../../../../src/runtime/sim/strategy/portfolio.ts";
import { RandomWalk } from "../../../../src/runtime/sim/strategy/random.ts";
import { drawn, seenBy } from "./drawn.ts";
import { bodyOf, type Program, programs } from "./programs.ts";

/** Handlers that log before and after an await of nothing; gives what was logged. Who is `Aa` sends `A`, and then `a`. */
async function logs(senders: readonly string[], concurrency: number, joins: boolean, seeds = 60): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let seed = 1; seed <= seeds; seed++) {
    const body: Body = async ({ system, runUntilIdle }) => {
      const log: string[] = [];
      const worker = () => ({
        async work(name: string) {
          log.push(`${name}1`);
          await null;
          log.push(`${name}2`);
        },
      });
      const to = system.spawn(worker, { name: "worker", concurrency });
      const sender = (self: Self) => ({
        send(names: string) {
          for (const name of names) self.tell(to).work(name);
        },
      });
      for (const names of senders) system.tell(system.spawn(sender, { name: names })).send(names);
      await runUntilIdle();
      seen.add(log.join(" "));
    };
    const explorer = new Explorer();
    const how = { joins: joins ? seed : undefined };
    const { error } = await explorer.play(explorer.firstPlan, new RandomWalk(seed), body, how);
    expect(error).toBeUndefined();
  }
  return seen;
}

describe("joins", () => {
  test("have two handlers mix at awaits of nothing in some schedules, and not in others (seeds 1 to 60)", async () => {
    expect([...(await logs(["A", "B"], 2, true))].sort()).toEqual([
      "A1 A2 B1 B2",
      "A1 B1 A2 B2",
      "B1 A1 B2 A2",
      "B1 B2 A1 A2",
    ]);
  });

  test("have three handlers mix, or two of them, or none (seeds 1 to 60)", async () => {
    const seen = await logs(["A", "B", "C"], 3, true);
    const ways = new Set([...seen].map((log) => log.replace(/[^\d]/g, "")));
    expect([...ways].sort()).toEqual(["111222", "112212", "121122", "121212"]);
  });

  test("never have more handlers mix than the actor may have in flight (seeds 1 to 60)", async () => {
    for (const log of await logs(["A", "B", "C"], 2, true)) expect(log).not.toMatch(/^.1 .1 .1/);
  });

  test("are not where no seed is given for them, nor in an actor that does one thing at a time", async () => {
    expect([...(await logs(["A", "B"], 2, false))].sort()).toEqual(["A1 A2 B1 B2", "B1 B2 A1 A2"]);
    expect([...(await logs(["A", "B"], 1, true))].sort()).toEqual(["A1 A2 B1 B2", "B1 B2 A1 A2"]);
  });

  test("keep what one sender sends in its order (seeds 1 to 60)", async () => {
    for (const log of await logs(["Aa", "B"], 3, true)) expect(log.indexOf("A1")).toBeLessThan(log.indexOf("a1"));
  });

  test("leave each handler its own message, deadline and cancellation after an await of nothing", async () => {
    const mixed = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) {
      const ends: Record<string, string> = {};
      const body: Body = async ({ system, runUntilIdle }) => {
        const log: string[] = [];
        const slow = (self: Self) => ({ work: () => self.sleep(100) });
        const behind = system.spawn(slow, { name: "slow", concurrency: Infinity });
        const worker = (self: Self) => ({
          async work(name: string) {
            log.push(name);
            await null;
            await null;
            log.push(name);
            const { id, deadline } = self.message!;
            const given = self.signal;
            const asked = await settle(self.ask(behind, { within: Infinity }).work());
            ends[name] = `${id} ${deadline} ${asked.ok} ${given.aborted} at ${self.now()}`;
          },
        });
        const to = system.spawn(worker, { name: "worker", concurrency: 2 });
        const asker = (self: Self) => ({
          async ask({ name, within }: { name: string; within: number }) {
            await settle(self.ask(to, { within, id: `id of ${name}` }).work(name));
          },
        });
        for (const [name, within] of [
          ["A", 10],
          ["B", 1_000],
        ] as const)
          system.tell(system.spawn(asker, { name })).ask({ name, within });
        await runUntilIdle();
        mixed.add(log.join(" "));
      };
      const { played } = await drawn(new Explorer(), "random", seed, body);
      expect(played.error).toBeUndefined();
      expect(ends).toEqual({ A: "id of A 10 false true at 10", B: "id of B 1000 true false at 100" });
    }
    expect([...mixed].sort()).toEqual(["A A B B", "A B A B", "B A B A", "B B A A"]);
  });

  test("are played again as they were, with the pairs of a run (seed 31)", async () => {
    const kinds = ["tell", "ask", "sleep", "pipe"] as const;
    const property = fc.asyncProperty(
      programs(kinds),
      fc.nat(1_000_000),
      fc.constantFrom(...strategies),
      async (program, seed, name) => {
        const explorer = new Explorer();
        const body = bodyOf(program, { concurrency: 2 });
        const { plan, played } = await drawn(explorer, name, seed, body, 10);
        const again = await explorer.replay({ ...plan, pairs: pairsOf(played) }, body);
        expect(seenBy(again.happened)).toEqual(seenBy(played.happened));
      },
    );
    await fc.assert(property, { numRuns: 100, seed: 31 });
  });

  /** Workers that log and await nothing in between, asked and told by two who wait for each other's turn. */
  const logged =
    (log: string[]): Body =>
    async ({ system, runUntilIdle }) => {
      const worker = (self: Self) => ({
        async work(name: string) {
          log.push(`${self.path} ${name}1`);
          await null;
          log.push(`${self.path} ${name}2`);
          await null;
          log.push(`${self.path} ${name}3`);
        },
      });
      const workers = ["w0", "w1"].map((name) => system.spawn(worker, { name, concurrency: 3 }));
      const sender = (self: Self) => ({
        async send(name: string) {
          for (const to of workers) self.tell(to).work(name);
          await self.ask(workers[0]!).work(name.toUpperCase());
          self.tell(workers[1]!).work(`${name}'`);
        },
      });
      for (const name of ["a", "b", "c"]) system.tell(system.spawn(sender, { name })).send(name);
      await runUntilIdle();
    };

  test.each(["windows", "async"] as const)(
    "[X1 sim] are in the pairs: in %s time all that handlers do at their awaits comes again (seeds 1 to 60)",
    async (time) => {
      let joined = 0;
      for (let seed = 1; seed <= 60; seed++) {
        const explorer = new Explorer({ time });
        const log: string[] = [];
        const { plan, played } = await drawn(explorer, strategies[seed % strategies.length]!, seed, logged(log));
        joined += played.happened.filter(({ besides }) => besides !== undefined).length;
        for (const pairs of [pairsOf(played), totalPairsOf(played)]) {
          const again: string[] = [];
          await explorer.replay({ ...plan, pairs }, logged(again));
          const of = (lines: string[], path: string) => lines.filter((line) => line.startsWith(path));
          for (const path of ["/w0", "/w1"]) expect(of(again, path)).toEqual(of(log, path));
        }
      }
      expect(joined).toBeGreaterThan(60);
    },
  );

  test("are not of an event that is to come after another one, which has not happened", async () => {
    const program: Program = [
      { to: 0, steps: [{ do: "tell", to: 1, steps: [] }] },
      { to: 1, steps: [{ do: "pipe", to: 2, steps: [] }] },
    ];
    const explorer = new Explorer();
    const pairs = [
      { event: "/a>/b:run#1", after: "/>/b:run#1", beside: true as const },
      { event: "/a>/b:run#1", after: "/c~>/b:run#1" },
    ];
    const { happened } = await explorer.replay({ ...explorer.firstPlan, pairs }, bodyOf(program, { concurrency: 2 }));
    expect(seenBy(happened)["/b"]).toMatch(/c~>.*a>/);
  });
});
