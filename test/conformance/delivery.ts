// D1, D2, D4 and D5: order, at most once, who is told, deadlines. Order is tried with every mix of verbs: `mixer` does
// with each message what its key says.

import {
  AskTimeout,
  type Message,
  OfferTimeout,
  type Ref,
  Refusal,
  receive,
  type Self,
  type SpawnOptions,
  settle,
  type Verb,
} from "antiphon";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { begun, latch, type Notebook, notebook } from "./latch.ts";
import type { Kit, WorldUnderTest } from "./world.ts";

type Way = Verb | "forward";
interface Notes {
  note(n: number): number;
}
interface Put {
  /** Which mixer puts it. */
  readonly by: number;
  /** How the mixer passes it on, and how the mixer itself is told of it. */
  readonly way: Way;
  readonly from: Verb;
}

/** Puts each note to `to` as its key says: forwarded, or under a verb of its own. */
function mixer(to: Ref<Notes>): (self: Self) => { [receive](m: Message<Notes & { done(): void }>): void } {
  return (self) => ({
    [receive](m) {
      if (m.type === "done") return;
      const way = m.key as Way;
      if (way === "forward") m.forward(to);
      else
        self
          .via(way, to)
          .note(m.payload as number)
          ?.then(undefined, () => {});
    },
  });
}

const verb = fc.constantFrom<Verb>("tell", "offer", "ask");
const puts = fc.array(
  fc.record({ by: fc.nat(2), way: fc.constantFrom<Way>("tell", "offer", "ask", "forward"), from: verb }),
  { minLength: 1, maxLength: 40 },
);

/** Three mixers put all of `puts`, numbered, to one notebook; gives the notes in the order they were handled. */
async function mixed(kit: Kit, list: readonly Put[], options: SpawnOptions, blocked: boolean): Promise<number[]> {
  const { system } = kit;
  const log: number[] = [];
  const gate = system.spawn(latch);
  const to = system.spawn(notebook(log, gate), options);
  if (blocked) await begun(system, to);
  const mixers = [0, 1, 2].map((k) => system.spawn(mixer(to), { name: `mixer${k}` }));
  list.forEach(({ by, way, from }, n) => {
    const mine = mixers[by] as Ref<Notes>;
    system
      .via(from, mine, { key: way })
      .note(n)
      ?.then(undefined, () => {});
  });
  for (const one of mixers) await system.ask(one).done();
  kit.conserve();
  system.tell(gate).open();
  await kit.idle();
  kit.conserve();
  return log;
}

/** The numbers of `list` that one mixer put. */
function of(by: number, list: readonly Put[], log: readonly number[]): number[] {
  return log.filter((n) => list[n]?.by === by);
}

function isRising(log: readonly number[]): boolean {
  return log.every((n, i) => i === 0 || n > (log[i - 1] as number));
}

export function deliveryConformance(world: WorldUnderTest): void {
  describe("the order of what one actor puts", () => {
    test(`[D1 ${world.name}] [D2 ${world.name}] is the order of the starts, whatever the verbs, and each starts once`, async () => {
      await fc.assert(
        fc.asyncProperty(puts, fc.integer({ min: 1, max: 4 }), fc.boolean(), (list, concurrency, blocked) =>
          world.run(async (kit) => {
            const log = await mixed(kit, list, { concurrency }, blocked && concurrency === 1);
            for (const by of [0, 1, 2]) {
              const mine = list.flatMap((put, n) => (put.by === by ? [n] : []));
              expect(of(by, list, log)).toEqual(mine);
            }
          }),
        ),
        { seed: 1, numRuns: 60 },
      );
    });

    test(`[D1 ${world.name}] holds through a full mailbox: what waits for room is not overtaken`, async () => {
      await fc.assert(
        fc.asyncProperty(puts, fc.nat(3), (list, capacity) =>
          world.run(async (kit) => {
            const log = await mixed(kit, list, { mailbox: { capacity } }, true);
            for (const by of [0, 1, 2]) expect(isRising(of(by, list, log))).toBe(true);
            expect(new Set(log).size).toBe(log.length);
            const offered = list.flatMap(({ way }, n) => (way === "offer" ? [n] : []));
            expect(log).toEqual(expect.arrayContaining(offered));
          }),
        ),
        { seed: 2, numRuns: 60 },
      );
    });

    test(`[D1 ${world.name}] is kept among equals of a priority`, async () => {
      const ranks = fc.array(fc.nat(3), { minLength: 40, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(puts, ranks, (list, ranks) =>
          world.run(async (kit) => {
            const priority = ({ payload }: { payload: unknown }) => ranks[payload as number] ?? 0;
            const log = await mixed(kit, list, { mailbox: { order: { priority } } }, true);
            expect(log).toHaveLength(list.length);
            const rank = (n: number) => ranks[n] as number;
            expect(log.map(rank)).toEqual(log.map(rank).sort((a, b) => b - a));
            for (const by of [0, 1, 2])
              for (const level of [0, 1, 2, 3])
                expect(isRising(of(by, list, log).filter((n) => rank(n) === level))).toBe(true);
          }),
        ),
        { seed: 3, numRuns: 40 },
      );
    });

    test(`[D1 ${world.name}] is not promised for lifo: the last comes first`, () =>
      world.run(async (kit) => {
        const list: Put[] = [0, 1, 2, 3].map(() => ({ by: 0, way: "tell", from: "tell" }));
        expect(await mixed(kit, list, { mailbox: { order: "lifo" } }, true)).toEqual([3, 2, 1, 0]);
      }));
  });

  describe("an offer that waits for room", () => {
    test(`[D1 ${world.name}] keeps its place: nothing of anybody enters before it`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const log: number[] = [];
        const gate = system.spawn(latch);
        const to = system.spawn(notebook(log, gate), { mailbox: { capacity: 1 } });
        await begun(system, to);
        system.tell(to).note(1);
        const first = settle(system.offer(to).note(2));
        const second = settle(system.offer(to).note(3));
        expect(system.census().waitingForRoom).toBe(2);
        system.tell(to).note(4);
        expect(await settle(system.ask(to).note(5))).toMatchObject({ ok: false, error: { code: "MAILBOX_FULL" } });
        system.tell(gate).open();
        expect(await first).toMatchObject({ ok: true });
        expect(await second).toMatchObject({ ok: true });
        await kit.idle();
        expect(log).toEqual([1, 2, 3]);
        expect(system.census()).toMatchObject({ turnedAway: 2, waitingForRoom: 0 });
        expect(await system.ask(to).note(6)).toBe(6);
      }));

    test(`[D1 ${world.name}] keeps its place through a restart, though the slots are free meanwhile`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const log: number[] = [];
        const gate = system.spawn(latch);
        let boots = 0;
        const never = Number.POSITIVE_INFINITY;
        const busy = async (self: Self) => {
          if (boots++ > 0) await self.ask(gate, { within: never }).wait();
          return { block: () => self.sleep("1h"), note: (n: number) => log.push(n) };
        };
        const crasher = () => ({
          crash() {
            throw new Error("crash");
          },
        });
        const family = system.spawn(
          (self: Self) => {
            const to = self.spawn(busy, { mailbox: { capacity: 0 }, supervision: { settleWithin: 1 } });
            const beside = self.spawn(crasher);
            return { refs: () => ({ to, beside }) };
          },
          { children: { strategy: "one-for-all" } },
        );
        const { to, beside } = await system.ask(family).refs();
        await begun(system, to);
        const offered = settle(system.offer(to).note(1));
        expect(await settle(system.ask(beside).crash())).toMatchObject({ error: { code: "ACTOR_CRASHED" } });
        expect(system.census(to)).toMatchObject({ queued: 0, running: 0, waitingForRoom: 1 });
        system.tell(to).note(2);
        kit.conserve();
        system.tell(gate).open();
        expect(await offered).toMatchObject({ ok: true });
        await kit.idle();
        expect(log).toEqual([1]);
        expect(system.deadLetters).toMatchObject([{ payload: 2, reason: "MAILBOX_FULL" }]);
      }));

    test(`[D1 ${world.name}] keeps the mailbox full for everybody, also when a withdrawn ask makes room`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const log: number[] = [];
        const gate = system.spawn(latch);
        const to = system.spawn(notebook(log, gate), { mailbox: { capacity: 1 } });
        await begun(system, to);
        const leaving = new AbortController();
        const left = settle(system.ask(to, { signal: leaving.signal }).note(1));
        const waiting = settle(system.offer(to).note(2));
        leaving.abort();
        system.tell(to).note(3);
        kit.conserve();
        expect(await left).toMatchObject({ ok: false, error: { code: "CANCELLED", outcome: "not-started" } });
        expect(await waiting).toMatchObject({ ok: true });
        system.tell(gate).open();
        await kit.idle();
        expect(log).toEqual([2]);
      }));

    test(`[D4 ${world.name}] that is given up leaves the mailbox open to others again`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const log: number[] = [];
        const gate = system.spawn(latch);
        const to = system.spawn(notebook(log, gate), { mailbox: { capacity: 1 } });
        await begun(system, to);
        system.tell(to).note(1);
        const late = await settle(system.offer(to, { within: 2 }).note(2));
        expect(late).toMatchObject({ ok: false, error: { code: "OFFER_TIMEOUT", outcome: "not-started" } });
        expect(late.ok === false && late.error).toBeInstanceOf(OfferTimeout);
        kit.conserve();
        system.tell(gate).open();
        await kit.idle();
        system.tell(to).note(3);
        await kit.idle();
        expect(log).toEqual([1, 3]);
      }));

    test(`[D4 ${world.name}] to an actor that starts settles when it is up; with [receive], when it is dealt with`, () =>
      world.run(async ({ system }) => {
        const order: string[] = [];
        const starting = (name: string, make: () => object) =>
          system.spawn(
            async (self: Self) => {
              await self.sleep(2);
              order.push(`${name} is up`);
              return make();
            },
            { messages: ["note"] },
          ) as Ref<unknown> as Ref<Notes>;
        const plain = starting("plain", () => ({ note: () => order.push("plain notes") }));
        const holder = starting("holder", () => ({
          async [receive](m: Message<Notes>) {
            await system.ask(plain).note(1);
            order.push("holder accepts");
            m.accept();
          },
        }));
        const noted = (name: string) => () => order.push(`${name} offered`);
        await Promise.all([
          system.offer(plain).note(1).then(noted("plain")),
          system.offer(holder).note(1).then(noted("holder")),
        ]);
        for (const name of ["plain", "holder"])
          expect(order.indexOf(`${name} offered`)).toBeGreaterThan(order.indexOf(`${name} is up`));
        expect(order.indexOf("holder offered")).toBeGreaterThan(order.indexOf("holder accepts"));
      }));

    test(`[D5 ${world.name}] is bounded by within until it enters, and by nothing afterwards`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const deadlines: unknown[] = [];
        const slow = system.spawn((self: Self) => ({
          async work() {
            deadlines.push(self.message?.deadline);
            await self.sleep(15);
          },
        }));
        system.tell(slow).work();
        await system.offer(slow, { within: 3 }).work();
        await kit.idle();
        expect(deadlines).toEqual([undefined, undefined]);
        expect(system.census(slow)).toMatchObject({ handled: 2, expired: 0 });
      }));
  });

  deadlines(world);
  atMostOnce(world);
}

function deadlines(world: WorldUnderTest): void {
  describe("a deadline", () => {
    test(`[D5 ${world.name}] that passes while the ask is queued: its handler never runs`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const log: number[] = [];
        const gate = system.spawn(latch);
        const to: Ref<Notebook> = system.spawn(notebook(log, gate));
        await begun(system, to);
        const asked = await settle(system.ask(to, { within: 3 }).note(1));
        const error = asked.ok ? undefined : asked.error;
        expect(error).toBeInstanceOf(AskTimeout);
        expect(error).toMatchObject({ outcome: "not-started", retrySafe: true });
        kit.conserve();
        const inTime = system.ask(to).note(2);
        system.tell(gate).open();
        expect(await inTime).toBe(2);
        expect(log).toEqual([2]);
        expect(system.census(to)).toMatchObject({ expired: 1, handled: 2 });
      }));

    test(`[D5 ${world.name}] that passes while the handler runs: the answer is late, the message handled`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const slow = system.spawn((self: Self) => ({
          async work() {
            await self.sleep(15);
            return "too late";
          },
        }));
        const asked = await settle(system.ask(slow, { within: 3 }).work());
        expect(asked).toMatchObject({ ok: false, error: { code: "ASK_TIMEOUT", outcome: "unknown" } });
        await kit.idle();
        expect(system.census()).toMatchObject({ late: 1, handled: 1, expired: 0 });
      }));
  });
}

class Busy extends Refusal {
  readonly _tag = "Busy";
}

function atMostOnce(world: WorldUnderTest): void {
  describe("a message", () => {
    const what = fc.constantFrom("fine", "refuse", "crash", "slow", "crash slowly");
    const one = fc.record({ what, verb, within: fc.constantFrom(1, 4, 1_000), hop: fc.boolean() });
    test(`[D2 ${world.name}] is handled at most once, whatever crashes, restarts, times out or is forwarded`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(one, { minLength: 5, maxLength: 30 }), fc.constantFrom(1, 3), (list, concurrency) =>
          world.run(async (kit) => {
            const { system } = kit;
            const starts = new Map<number, number>();
            const to = system.spawn(
              (self: Self) => ({
                async work({ n, what }: { n: number; what: string }) {
                  starts.set(n, (starts.get(n) ?? 0) + 1);
                  if (what === "refuse") return new Busy();
                  if (what === "crash") throw new Error("crash");
                  if (what !== "fine") await self.sleep(2);
                  if (what === "crash slowly") throw new Error("crash slowly");
                  return n;
                },
              }),
              { concurrency, supervision: { maxRestarts: 1_000 } },
            );
            const hop = system.spawn(() => ({
              [receive](m: Message<{ work(job: { n: number; what: string }): unknown }>) {
                m.forward(to);
              },
            }));
            list.forEach(({ what, verb, within, hop: hops }, n) => {
              const options = verb === "ask" ? { within } : {};
              system
                .via(verb, hops ? hop : to, options)
                .work({ n, what })
                ?.then(undefined, () => {});
            });
            await kit.idle();
            kit.conserve();
            expect([...starts.values()].every((times) => times === 1)).toBe(true);
            // Only an ask can end before it starts: each tell and offer has started.
            const sent = list.flatMap(({ verb }, n) => (verb === "ask" ? [] : [n]));
            expect([...starts.keys()]).toEqual(expect.arrayContaining(sent));
          }),
        ),
        { seed: 4, numRuns: 40 },
      );
    });
  });
}
