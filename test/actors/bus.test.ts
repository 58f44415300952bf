import { InvalidOption, type Ref, type Self, settle } from "antiphon";
import { crash, restart, simulate } from "antiphon/sim";
import { conserved, explore } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bus, type Heard, type Listener, type Subscription } from "../../src/actors/bus.ts";
import { live, sim } from "../conformance/world.ts";

interface Ear extends Listener<number> {
  quit(): void;
}

const ear =
  (log: string[], ms = 0) =>
  (self: Self): Ear => ({
    async heard({ topic, event, missed }: Heard<number>) {
      log.push(`${self.path} ${topic} ${event}${missed > 0 ? ` missed ${missed}` : ""}`);
      if (ms > 0) await self.sleep(ms);
      if (event === 13) throw new Error("unlucky");
    },
    quit: () => self.stop(),
  });

describe.each([live, sim])("bus, $name", (world) => {
  test(`[P11 ${world.name}] brings events to who subscribed to their topic, in order, until they unsubscribe or end`, () =>
    world.run(async ({ system, idle, conserve }) => {
      const log: string[] = [];
      const events = system.spawn(bus<number>(), { name: "bus" });
      const ask = system.ask(events);
      const [all, orders, even] = ["all", "orders", "even"].map((name) => system.spawn(ear(log), { name })) as [
        Ref<Ear>,
        Ref<Ear>,
        Ref<Ear>,
      ];
      await ask.subscribe({ ref: all });
      await ask.subscribe({ ref: orders, topic: "order.*" });
      await ask.subscribe({ ref: even, topic: "order.new", where: ({ event }) => event % 2 === 0 });
      const publish = async (topic: string, event: number) => {
        const count = await ask.publish({ topic, event });
        // Timers are no messages: let the listeners hear it.
        for (let n = 0; n < 5; n++) await settle(ask.unsubscribe({ ref: all, topic: "nothing" }));
        await system.ask(napper).nap();
        await idle();
        return count;
      };
      const napper = system.spawn((self: Self) => ({ nap: () => self.sleep(2) }));
      expect(await publish("order.new", 1)).toBe(2);
      expect(await publish("order.new", 2)).toBe(3);
      expect(await publish("order.old", 3)).toBe(2);
      expect(await publish("bill", 4)).toBe(1);
      await ask.unsubscribe({ ref: orders, topic: "order.*" });
      await system.ask(even).quit();
      await idle();
      expect(await publish("order.new", 6)).toBe(1);
      const of = (path: string) => log.filter((one) => one.startsWith(path)).map((one) => one.slice(path.length + 1));
      expect(of("/all")).toEqual(["order.new 1", "order.new 2", "order.old 3", "bill 4", "order.new 6"]);
      expect(of("/orders")).toEqual(["order.new 1", "order.new 2", "order.old 3"]);
      expect(of("/even")).toEqual(["order.new 2"]);
      expect(system.deadLetters).toEqual([]);
      conserve();
    }));
});

describe("bus in virtual time", () => {
  const slow = (options: Partial<Subscription<number>>, count = 5) =>
    simulate({}, async ({ system, run }) => {
      const log: string[] = [];
      const events = system.spawn(bus<number>(), { name: "bus" });
      const [slow, quick] = [
        system.spawn(ear(log, 1_000), { name: "slow" }),
        system.spawn(ear(log), { name: "quick" }),
      ];
      await system.ask(events).subscribe({ ref: slow, ...options });
      await system.ask(events).subscribe({ ref: quick });
      for (let n = 1; n <= count; n++) {
        system.tell(events).publish({ topic: "t", event: n });
        await run(1);
      }
      expect(log.filter((one) => one.startsWith("/quick"))).toHaveLength(count);
      await run("1m");
      system.tell(events).publish({ topic: "t", event: 99 });
      await run("1m");
      return log.filter((one) => one.startsWith("/slow")).map((one) => one.slice(8));
    }).then(({ value }) => value);

  test("lets a slow listener hold up nobody, and tells it what it missed", async () => {
    expect(await slow({ capacity: 2 })).toEqual(["1", "4 missed 2", "5", "99"]);
    expect(await slow({ capacity: 2, overflow: "drop-newest" })).toEqual(["1", "2 missed 2", "3", "99"]);
    expect(await slow({ capacity: 0 })).toEqual(["1", "99 missed 4"]);
    expect(await slow({ capacity: 2, overflow: "unsubscribe" })).toEqual(["1"]);
    expect(await slow({})).toEqual(["1", "2", "3", "4", "5", "99"]);
  });

  test("goes on after a listener that crashed, and has not the deadline of the publisher", () =>
    simulate({}, async ({ system, run }) => {
      const log: string[] = [];
      const events = system.spawn(bus<number>(), { name: "bus" });
      await system.ask(events).subscribe({ ref: system.spawn(ear(log, 500), { name: "ear" }) });
      for (const event of [13, 1, 2]) await system.ask(events, { within: 10 }).publish({ topic: "t", event });
      await run("10s");
      expect(log).toEqual(["/ear t 13", "/ear t 1", "/ear t 2"]);
    }));

  test("replaces a subscription to the same topic, survives a predicate that throws, and is bounded", () =>
    simulate({}, async ({ system, run }) => {
      const log: string[] = [];
      const events = system.spawn(bus<number>({ limit: 2 }), { name: "bus" });
      const ask = system.ask(events);
      const ref = system.spawn(ear(log), { name: "ear" });
      await ask.subscribe({ ref, topic: "t" });
      await ask.subscribe({ ref, topic: "t" });
      await ask.subscribe({
        ref,
        topic: "u",
        where: () => {
          throw new Error("planted");
        },
      });
      expect(await ask.publish({ topic: "t", event: 1 })).toBe(1);
      expect(await ask.publish({ topic: "u", event: 1 })).toBe(0);
      await run(1);
      expect(log).toEqual(["/ear t 1"]);
      for (const wrong of [
        { topic: "v" },
        { topic: 1 },
        { capacity: -1 },
        { overflow: "block" },
        { where: 1 },
        { x: 1 },
      ])
        expect(await settle(ask.subscribe({ ref, ...wrong } as never))).toMatchObject({
          error: { _tag: "NotSubscribed" },
        });
    }));

  test("forgets its subscribers when it restarts", () =>
    simulate({ faults: [restart("/bus", { at: 5 })] }, async ({ system, run }) => {
      const events = system.spawn(bus<number>(), { name: "bus" });
      await system.ask(events).subscribe({ ref: system.spawn(ear([])) });
      expect(await system.ask(events).publish({ topic: "t", event: 1 })).toBe(1);
      await run(10);
      expect(await system.ask(events).publish({ topic: "t", event: 1 })).toBe(0);
    }));
});

test(
  "in every order, each event comes once to each listener, in order, or is counted as missed",
  () =>
    fc.assert(
      explore(
        {
          counts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 2 }),
          capacity: fc.integer({ min: 0, max: 3 }),
          overflow: fc.constantFrom("drop-oldest" as const, "drop-newest" as const),
        },
        async ({ system, runUntilIdle }, { counts, capacity, overflow }) => {
          const heard = new Map<string, number[]>();
          const missed = new Map<string, number>();
          const events = system.spawn(bus<number>(), { name: "bus" });
          const make = (self: Self): Listener<number> => ({
            async heard(one) {
              await self.sleep(1);
              heard.set(self.path, [...(heard.get(self.path) ?? []), one.event]);
              missed.set(self.path, (missed.get(self.path) ?? 0) + one.missed);
            },
          });
          const ears = ["a", "b"].map((name) => system.spawn(make, { name }));
          for (const ref of ears) await system.ask(events).subscribe({ ref, capacity, overflow });
          counts.forEach((count, by) => {
            const publisher = (self: Self) => ({
              go() {
                for (let n = 0; n < count; n++) self.tell(events).publish({ topic: "t", event: by * 100 + n });
              },
            });
            system.tell(system.spawn(publisher, { name: `p-${by}` })).go();
          });
          await runUntilIdle();
          // The last one says what was missed before.
          system.tell(events).publish({ topic: "t", event: 999 });
          await runUntilIdle();
          const sent = counts.reduce((sum, count) => sum + count, 1);
          for (const { path } of ears) {
            const got = heard.get(path) ?? [];
            if (path === "/b") {
              if (got.length + (missed.get(path) ?? 0) !== sent)
                throw new Error(`${path} got ${got}, missed ${missed.get(path)} of ${sent}`);
            }
            for (const by of [0, 1]) {
              const own = got.filter((event) => Math.floor(event / 100) === by);
              if (own.some((event, n) => n > 0 && event <= own[n - 1]!)) throw new Error(`out of order: ${got}`);
            }
          }
          if (!conserved(system).ok) throw new Error("the books do not balance");
        },
        { schedules: 40, faults: [crash("/a", { at: 1 })] },
      ),
      { seed: 7, numRuns: 12 },
    ),
  60_000,
);

test("refuses wrong options", () => {
  expect(() => bus({ limit: 0 })).toThrow(InvalidOption);
  expect(() => bus({ topics: 1 } as never)).toThrow(/^topics: found/);
});
