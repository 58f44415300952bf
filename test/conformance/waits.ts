// Circles of waits: which are found, when, and who has to give way; and what looks like one and is none.

import { type Failure, type Message, type Ref, receive, type Self, settle } from "antiphon";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gate as shut } from "../fixtures/gate.ts";
import { type Hand, pool } from "../fixtures/pool.ts";
import { type Node, type Step, Town } from "../fixtures/town.ts";
import { until } from "./until.ts";
import type { WorldUnderTest } from "./world.ts";

interface Case {
  /** How many handlers at a time each actor has, and what from outside is asked of whom, in this order. */
  readonly actors: Record<string, number>;
  readonly asks: readonly [to: string, steps: readonly Step[]][];
  /** Asks that are withdrawn: from and to. */
  readonly withdrawn: readonly string[];
  readonly path?: string;
}

const ask = (to: string, ...steps: Step[]): Step => ({ ask: to, steps });
const keep = (to: string, ...steps: Step[]): Step => ({ keep: ask(to, ...steps) });

const cases: Record<string, Case> = {
  "an actor that asks itself": {
    actors: { a: 1 },
    asks: [["a", [ask("a")]]],
    withdrawn: ["/a > /a"],
    path: "/a → /a",
  },
  "an actor that asks itself after an await": {
    actors: { a: 1 },
    asks: [["a", [{ sleep: 1 }, ask("a")]]],
    withdrawn: ["/a > /a"],
    path: "/a → /a",
  },
  "two actors": {
    actors: { a: 1, b: 1 },
    asks: [["a", [ask("b", ask("a"))]]],
    withdrawn: ["/b > /a"],
    path: "/b → /a → /b",
  },
  "three actors": {
    actors: { a: 1, b: 1, c: 1 },
    asks: [["a", [ask("b", { sleep: 1 }, ask("c", ask("a")))]]],
    withdrawn: ["/c > /a"],
    path: "/c → /a → /b → /c",
  },
  "a free slot": {
    actors: { a: 2, b: 1 },
    asks: [["a", [ask("b", ask("a"))]]],
    withdrawn: [],
  },
  "an unbounded actor that asks itself": {
    actors: { a: Number.POSITIVE_INFINITY },
    asks: [["a", [ask("a", ask("a", ask("a")))]]],
    withdrawn: [],
  },
  "two slots that both wait": {
    actors: { a: 2 },
    asks: [["a", [ask("a", ask("a"))]]],
    withdrawn: ["/a > /a"],
    path: "/a → /a",
  },
  "two slots of which one goes on": {
    actors: { a: 2, b: 1 },
    asks: [
      ["a", [{ sleep: 8 }]],
      ["a", [ask("b", ask("a"))]],
    ],
    withdrawn: [],
  },
  "an ask raced against a sleep": {
    actors: { a: 1, b: 1 },
    asks: [["a", [{ race: [ask("b", ask("a")), { sleep: 5 }] }]]],
    withdrawn: [],
  },
  "an ask raced against a sleep, both after an await": {
    actors: { a: 1, b: 1 },
    asks: [
      ["a", [{ sleep: 4 }, { race: [ask("b"), { sleep: 8 }] }]],
      ["b", [ask("a")]],
    ],
    withdrawn: [],
  },
  "a kept ask beside a sleep": {
    actors: { a: 1, b: 1 },
    asks: [["a", [keep("b", ask("a")), { sleep: 5 }]]],
    withdrawn: [],
  },
  "a kept ask beside another that is answered": {
    actors: { a: 1, b: 1, c: 1 },
    asks: [["a", [keep("b", ask("a")), ask("c", { sleep: 3 })]]],
    withdrawn: [],
  },
  "a kept ask that is awaited after all": {
    actors: { a: 1, b: 1 },
    asks: [["a", [keep("b", ask("a")), { sleep: 5 }, "join"]]],
    withdrawn: ["/b > /a"],
    path: "/b → /a → /b",
  },
  "a blocked ask beside a slow one": {
    actors: { a: 1, b: 1, c: 1 },
    asks: [["a", [{ all: [ask("b", ask("a")), ask("c", { sleep: 4 })] }]]],
    withdrawn: ["/b > /a"],
    path: "/b → /a → /b",
  },
  "two offers to full mailboxes": {
    actors: { a: 1, b: 1 },
    asks: [
      ["a", [{ sleep: 3 }, { offer: "b" }]],
      ["b", [{ sleep: 4 }, { offer: "a" }]],
    ],
    withdrawn: ["/b > /a"],
    path: "/b → /a → /b",
  },
  "an ask against an offer": {
    actors: { a: 1, b: 1 },
    asks: [["a", [ask("b", { offer: "a" })]]],
    withdrawn: ["/b > /a"],
    path: "/b → /a → /b",
  },
  "an offer against an ask": {
    actors: { a: 1, b: 1 },
    asks: [
      // Far apart: a busy host may begin the second handler late.
      ["a", [{ sleep: 100 }, { offer: "b" }]],
      ["b", [{ sleep: 1 }, { offer: "a" }]],
    ],
    withdrawn: ["/a > /b"],
    path: "/a → /b → /a",
  },
  "a piped ask of itself": {
    actors: { a: 1, b: 1 },
    asks: [["a", [{ pipe: ask("a") }, ask("b")]]],
    withdrawn: [],
  },
  "a piped ask beside a foreign wait": {
    actors: { a: 1, b: 1 },
    asks: [["a", [{ pipe: ask("b", ask("a")) }, { sleep: 3 }, { foreign: Promise.resolve() }]]],
    withdrawn: [],
  },
};

export function waitsConformance(world: WorldUnderTest): void {
  describe("cycles of waits", () => {
    for (const [name, { actors, asks, withdrawn, path }] of Object.entries(cases))
      test(`[A7 ${world.name}] ${name}: ${withdrawn.length === 0 ? "no cycle" : `withdraws ${withdrawn}`}`, () =>
        world.run(async ({ system, idle, conserve }) => {
          const town = new Town(system);
          // An offer waits at once where a handler runs; asks and tells of the same actors do not need the room.
          const offers = JSON.stringify(asks).includes("offer");
          for (const [actor, concurrency] of Object.entries(actors))
            town.add(actor, { concurrency, ...(offers ? { mailbox: { capacity: 0 } } : {}) });
          const ends = await Promise.all(asks.map(([to, steps]) => town.ask(to, steps)));
          await idle();
          expect(ends).toEqual(asks.map(() => "ok"));
          expect(town.cycles.map(({ from, to }) => `${from} > ${to}`)).toEqual(withdrawn);
          expect(town.cycles.map(({ end }) => end)).toEqual(withdrawn.map(() => "WaitCycle, not-started"));
          if (path !== undefined) expect(town.cycles[0]?.message).toContain(`: ${path} would wait`);
          const others = town.log.filter(({ end }) => !end.startsWith("WaitCycle"));
          expect(others.map(({ end }) => end)).toEqual(others.map(() => "ok"));
          expect(system.census()).toMatchObject({ expired: 0, crashed: 0, held: 0 });
          conserve();
        }));

    test(`[A7 ${world.name}] withdraws the youngest queued ask alone; bystanders are served`, () =>
      world.run(async ({ system, idle, conserve }) => {
        const town = new Town(system);
        for (const name of ["a", "b", "c"]) town.add(name);
        const ends = [
          town.ask("a", [{ sleep: 3 }, ask("b")]),
          town.ask("b", [{ sleep: 6 }, ask("a")]),
          town.ask("c", [ask("a")]),
          town.ask("a", []),
        ];
        expect(await Promise.all(ends)).toEqual(["ok", "ok", "ok", "ok"]);
        await idle();
        expect(town.log.map(({ from, to, end }) => `${from} > ${to}: ${end}`).sort()).toEqual([
          "/a > /b: ok",
          "/b > /a: WaitCycle, not-started",
          "/c > /a: ok",
        ]);
        expect(system.census()).toMatchObject({ cancelled: 1, turnedAway: 0 });
        conserve();
      }));

    test(`[A7 ${world.name}] a withdrawn offer is turned away, a withdrawn ask ends cancelled`, () =>
      world.run(async ({ system, conserve }) => {
        const town = new Town(system);
        town.add("a", { mailbox: { capacity: 0 } });
        town.add("b");
        expect(await town.ask("b", [ask("a", { offer: "a" })])).toBe("ok");
        expect(system.census()).toMatchObject({ turnedAway: 1, cancelled: 0, waitingForRoom: 0 });
        expect(await town.ask("b", [ask("b")])).toBe("ok");
        expect(system.census()).toMatchObject({ turnedAway: 1, cancelled: 1 });
        conserve();
      }));

    for (const hand of ["forward", "relay", "relay, silent about it"] satisfies Hand[])
      for (const size of [1, 2])
        test(`[A7 ${world.name}] a worker that asks its own pool of ${size} by ${hand}`, () =>
          world.run(async ({ system, idle, conserve }) => {
            const failures: Failure[] = [];
            const worker = (self: Self) => ({
              async work(left: number): Promise<number> {
                if (left === 0) return 0;
                const end = await settle(self.ask(team, { within: "1h" }).work(left - 1));
                if (!end.ok) failures.push(end.error as Failure);
                return left;
              },
            });
            const team: Ref<ReturnType<typeof worker>> = system.spawn(pool(worker, { size, hand }), { name: "team" });
            // Each worker asks for the next one; the last finds all of them waiting.
            expect(await system.ask(team, { within: "1h" }).work(size)).toBe(size);
            expect(failures.map(({ _tag, outcome, passed }) => [_tag, outcome, passed])).toEqual([
              hand === "forward" ? ["WaitCycle", "not-started", []] : ["WaitCycle", "unknown", ["/team"]],
            ]);
            expect(failures[0]?.message).toContain("/team → /team/worker-0");
            await idle();
            conserve();
          }));

    for (const says of [true, false])
      test(`[A7 ${world.name}] through a holder that ${says ? "says" : "does not say"} whom it waits for`, () =>
        world.run(async ({ system, idle, conserve }) => {
          const town = new Town(system);
          const b = town.add("b");
          const held: Message[] = [];
          town.refs.set(
            "holder",
            system.spawn(
              () => ({
                [receive](m: Message<Node>) {
                  m.hold(says ? [b] : undefined);
                  held.push(m);
                },
              }),
              { name: "holder" },
            ),
          );
          town.add("a");
          const within = says ? 3_600_000 : 25;
          const ends = [
            town.ask("a", [{ sleep: 6 }, { ask: "holder", within }]),
            town.ask("b", [{ sleep: 3 }, ask("a")]),
          ];
          if (says) await until(system, () => town.log.length > 0);
          for (const one of says ? held : []) one.answer(undefined);
          expect(await Promise.all(ends)).toEqual(["ok", "ok"]);
          const found = town.log.map(({ from, to, end }) => `${from} > ${to}: ${end}`).sort();
          if (says) {
            expect(found).toEqual(["/a > /holder: ok", "/b > /a: WaitCycle, not-started"]);
            expect(town.cycles[0]?.message).toContain("/b → /a → /holder → /b would wait");
          } else expect(found).toEqual(["/a > /holder: AskTimeout, unknown", "/b > /a: ok"]);
          await idle();
          conserve();
        }));

    test(`[A7 ${world.name}] a chain of 50 full actors that is no cycle is left alone`, () =>
      world.run(async ({ system, events, conserve }) => {
        const town = new Town(system);
        let steps: Step[] = [{ sleep: 15 }];
        for (let i = 49; i >= 0; i--) {
          town.add(`n${i}`);
          if (i > 0) steps = [ask(`n${i}`, ...steps)];
        }
        town.add("late");
        // All of them are full, each with one more in its queue, and one asks into the head of the chain.
        const others = Array.from({ length: 49 }, (_, i) => town.ask(`n${i + 1}`, [{ sleep: 0 }]));
        const ends = [town.ask("n0", steps), ...others, town.ask("late", [{ sleep: 3 }, ask("n0")])];
        expect(new Set(await Promise.all(ends))).toEqual(new Set(["ok"]));
        expect(town.cycles).toEqual([]);
        expect(events.filter(({ kind }) => kind === "bound")).toEqual([]);
        conserve();
      }));

    test(`[B1 ${world.name}] a search that has looked at 1,000 handlers ends, and says so`, () =>
      world.run(async ({ system, events, conserve }) => {
        const gate = system.spawn(shut);
        const chain: Ref<{ go(at: number): Promise<void> }>[] = [];
        const link = (self: Self) => ({
          async go(at: number): Promise<void> {
            const next = chain[at + 1];
            if (next === undefined) await self.ask(gate, { within: "1h" }).enter();
            else await self.ask(next, { within: "1h" }).go(at + 1);
          },
        });
        for (let i = 0; i <= 1_000; i++) chain.push(system.spawn(link));
        const [head] = chain as [Ref<{ go(at: number): Promise<void> }>];
        const walked = system.ask(head, { within: "1h" }).go(0);
        await system.ask(gate).entered(1);
        expect(events.filter(({ kind }) => kind === "bound")).toEqual([]);
        const last = system.spawn(link);
        const late = system.ask(last, { within: "1h" }).go(-1);
        await until(system, () => events.some(({ kind }) => kind === "bound"));
        expect(events.filter(({ kind }) => kind === "bound")).toMatchObject([{ path: last.path, limit: 1_000 }]);
        system.tell(gate).open();
        await Promise.all([walked, late]);
        conserve();
      }));

    for (const piped of [false, true])
      test(`[A7 ${world.name}] an ask ${piped ? "given to a pipe" : "kept"} beside a foreign wait ${piped ? "is left alone" : "looks like a cycle: the documented mistake"}`, () =>
        world.run(async ({ system, conserve }) => {
          const town = new Town(system);
          town.add("a");
          town.add("b");
          let arrive = () => {};
          const foreign = new Promise<void>((resolve) => {
            arrive = resolve;
          });
          const first: Step = piped ? { pipe: ask("b", ask("a")) } : keep("b", ask("a"));
          const end = town.ask("a", [first, { foreign }]);
          await until(system, () => (piped ? system.census().queued === 1 : town.cycles.length === 1));
          arrive();
          expect(await end).toBe("ok");
          await until(system, () => town.log.length === 2);
          expect(town.cycles.map(({ from, to }) => `${from} > ${to}`)).toEqual(piped ? [] : ["/b > /a"]);
          conserve();
        }));

    for (const acyclic of [true, false])
      test(`[A7 ${world.name}] in random systems nobody hangs${acyclic ? ", and without a cycle of names nobody is withdrawn" : ""}`, async () => {
        let withdrawn = 0;
        await fc.assert(
          fc.asyncProperty(systems(acyclic), ({ concurrency, asks }) =>
            world.run(async ({ system, idle, conserve }) => {
              const town = new Town(system);
              concurrency.forEach((at, i) => {
                town.add(`n${i}`, { concurrency: at });
              });
              const ends = await Promise.all(asks.map(({ to, steps }) => town.ask(`n${to}`, steps)));
              await idle();
              expect(ends).toEqual(asks.map(() => "ok"));
              const kinds = new Set(town.log.map(({ end }) => end));
              kinds.delete("ok");
              withdrawn += town.cycles.length;
              expect([...kinds]).toEqual(acyclic || kinds.size === 0 ? [] : ["WaitCycle, not-started"]);
              expect(system.census()).toMatchObject({ queued: 0, running: 0, held: 0, expired: 0, late: 0 });
              conserve();
            }),
          ),
          { seed: 7, numRuns: 120 },
        );
        // Cycles did come about where they could.
        if (!acyclic) expect(withdrawn).toBeGreaterThan(20);
      });
  });
}

/** Two to four actors and one to four asks from outside; without cycles, each asks only those after it. */
function systems(acyclic: boolean) {
  return fc.integer({ min: 2, max: 4 }).chain((size) => {
    const stepsOf = (at: number, depth: number): fc.Arbitrary<Step[]> => {
      const others = Array.from({ length: size }, (_, i) => i).filter((i) => !acyclic || i > at);
      const sleep = fc.integer({ min: 0, max: 2 }).map((ms): Step => ({ sleep: ms }));
      if (depth === 0 || others.length === 0) return fc.array(sleep, { maxLength: 1 });
      const asked = fc
        .constantFrom(...others)
        .chain((to) => stepsOf(to, depth - 1).map((steps): Step => ask(`n${to}`, ...steps)));
      const kept = asked.map((step): Step => ({ keep: step }));
      const both = fc.tuple(asked, fc.oneof(asked, sleep)).map((all): Step => ({ all }));
      const raced = fc.tuple(asked, sleep).map((race): Step => ({ race }));
      const step = fc.oneof(
        { weight: 4, arbitrary: asked },
        { weight: 2, arbitrary: kept },
        both,
        raced,
        sleep,
        fc.constant<Step>("join"),
      );
      return fc.array(step, { maxLength: 3 });
    };
    const asks = fc.integer({ min: 0, max: size - 1 }).chain((to) => stepsOf(to, 3).map((steps) => ({ to, steps })));
    return fc.record({
      concurrency: fc.array(fc.constantFrom(1, 1, 2), { minLength: size, maxLength: size }),
      asks: fc.array(asks, { minLength: 1, maxLength: 4 }),
    });
  });
}
