import { InvalidOption, type Message, type Ref, receive, type Self, type SystemEvent, settle } from "antiphon";
import { simulate } from "antiphon/sim";
import { conformance, conserved, explore, type Subject } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type StashOptions, stash } from "../../src/actors/stash.ts";
import { live, sim } from "../conformance/world.ts";

/** Takes orders only while it is open. */
class Desk {
  readonly #log: string[];
  readonly #self: Self;
  isOpen = false;

  constructor(self: Self, log: string[]) {
    this.#self = self;
    this.#log = log;
  }

  open(): void {
    this.isOpen = true;
  }

  close(): void {
    this.isOpen = false;
  }

  async take(order: string): Promise<string> {
    if (!this.isOpen) throw new Error("closed");
    await this.#self.sleep(1);
    this.#log.push(order);
    return `${this.#self.message?.type} ${order}`;
  }

  crash(): never {
    throw new Error("planted");
  }

  quit(): void {
    this.#self.stop();
  }
}

const whileClosed: StashOptions<Desk>["while"] = (desk, { type }) => !desk.isOpen && type === "take";
const deskOf = (log: string[], more: Partial<StashOptions<Desk>> = {}) =>
  stash((self) => new Desk(self, log), { while: whileClosed, ...more });

describe("stash", () => {
  const wrap = (inner: Ref<Subject>) =>
    stash(() => ({ [receive]: (m: Message<Subject>) => m.forward(inner) }), { while: () => false });
  test.each(conformance(wrap))("stands for the actor that it holds: $name", ({ run }) => run());

  test.each([live, sim].map((each) => [each.name, each] as const))(
    "[P10 %s] keeps what has to wait, and gives it in order before what came later",
    (_, world) =>
      world.run(async ({ system, idle, conserve }) => {
        const log: string[] = [];
        const ref = system.spawn(deskOf(log), { name: "desk" });
        const asks = ["a", "b", "c"].map((order) => system.ask(ref).take(order));
        await idle();
        expect(system.census(ref).held).toBe(3);
        const open = system.ask(ref).open();
        asks.push(system.ask(ref).take("d"));
        await open;
        expect(await Promise.all(asks)).toEqual(["take a", "take b", "take c", "take d"]);
        expect(log).toEqual(["a", "b", "c", "d"]);
        await idle();
        conserve();
      }),
  );

  test("asks its condition again after each message", () =>
    simulate({}, async ({ system, run }) => {
      const log: string[] = [];
      const make = stash(
        (self) => {
          const desk = new Desk(self, log);
          // Open for one at a time.
          const take = async (order: string) => {
            const taken = await Desk.prototype.take.call(desk, order);
            desk.close();
            return taken;
          };
          return Object.assign(desk, { take });
        },
        { while: whileClosed },
      );
      const ref = system.spawn(make);
      system.tell(ref).take("a");
      system.tell(ref).take("b");
      for (const expected of [["a"], ["a", "b"]]) {
        system.tell(ref).open();
        await run("1s");
        expect(log).toEqual(expected);
      }
    }));

  test("looks again when it is told to: a timer brings no message", () =>
    simulate({}, async ({ system, now }) => {
      const make = stash(
        (self, stash) => {
          const desk = new Desk(self, []);
          self.after("10s", () => {
            desk.open();
            expect(stash.size).toBe(1);
            stash.release();
          });
          return desk;
        },
        { while: whileClosed },
      );
      expect(await system.ask(system.spawn(make), { within: "1m" }).take("a")).toBe("take a");
      expect(now()).toBe(10_001);
    }));

  test("keeps what waits through a crash, and asks the new object", () =>
    simulate({}, async ({ system, run }) => {
      const log: string[] = [];
      const ref = system.spawn(deskOf(log, { actor: { supervision: { backoff: "1s" } } }));
      await system.ask(ref).open();
      const crashed = settle(system.ask(ref).crash());
      system.tell(ref).take("a");
      expect(await crashed).toMatchObject({ error: { _tag: "ActorCrashed" } });
      await run("10s");
      // The one who came back is closed.
      expect(log).toEqual([]);
      system.tell(ref).open();
      await run("1s");
      expect(log).toEqual(["a"]);
    }));

  test("bounds what waits, lets it expire, and stops with its actor", () =>
    simulate({}, async ({ system, run }) => {
      const ref = system.spawn(deskOf([], { capacity: 2 }), { name: "desk" });
      const ends = [1, 2, 3].map((n) => settle(system.ask(ref, { within: n === 1 ? "1s" : "1h" }).take(`${n}`)));
      expect(await ends[2]).toMatchObject({ error: { _tag: "MailboxFull", outcome: "not-started" } });
      expect(await ends[0]).toMatchObject({ error: { _tag: "AskTimeout" } });
      const fourth = settle(system.ask(ref, { within: "1h" }).take("4"));
      await run("1s");
      system.tell(ref).quit();
      expect(await ends[1]).toMatchObject({ error: { _tag: "ActorStopped" } });
      expect(await fourth).toMatchObject({ error: { _tag: "ActorStopped" } });
      expect((await settle(system.ask(ref).take("5"))).ok).toBe(false);
    }));

  test("takes a factory that takes its time", () =>
    simulate({}, async ({ system }) => {
      const make = stash(
        async (self) => {
          await self.sleep("1s");
          const desk = new Desk(self, []);
          desk.open();
          return desk;
        },
        { while: whileClosed },
      );
      expect(await system.ask(system.spawn(make)).take("a")).toBe("take a");
    }));

  test("crashes when its condition throws", () =>
    simulate({}, async ({ system, run }) => {
      const events: SystemEvent[] = [];
      system.events((event) => events.push(event));
      const broken = (desk: Desk, m: Message) => {
        if (m.type === "take" && desk.isOpen) throw new Error("broken");
        return !desk.isOpen && m.type === "take";
      };
      const ref = system.spawn(deskOf([], { while: broken }), { name: "desk" });
      const end = settle(system.ask(ref).take("a"));
      system.tell(ref).open();
      expect(await end).toMatchObject({ error: { _tag: "ActorRestarted" } });
      await run(1);
      expect(events.some(({ kind, path }) => kind === "crashed" && path === "/desk")).toBe(true);
    }));

  test(
    "in every order, none is taken while closed, none is lost, none overtakes",
    () =>
      fc.assert(
        explore(
          { counts: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }), closes: fc.nat(2) },
          async ({ system, runUntilIdle }, { counts, closes }) => {
            const log: string[] = [];
            const failures: unknown[] = [];
            const ref = system.spawn(deskOf(log), { name: "desk" });
            counts.forEach((count, by) => {
              const client = (self: Self) => ({
                go() {
                  for (let n = 0; n < count; n++) {
                    const answer = self.ask(ref, { within: "1h" }).take(`${by} ${n}`);
                    self.pipeToSelf(
                      answer,
                      () => {},
                      (error) => failures.push(error),
                    );
                  }
                },
              });
              system.tell(system.spawn(client, { name: `client-${by}` })).go();
            });
            const keeper = (self: Self) => ({
              go() {
                for (let n = 0; n < closes; n++) {
                  self.tell(ref).open();
                  self.tell(ref).close();
                }
                self.tell(ref).open();
              },
            });
            system.tell(system.spawn(keeper, { name: "keeper" })).go();
            await runUntilIdle();
            if (failures.length > 0) throw new Error(`taken while closed: ${failures}`);
            const expected = counts.flatMap((count, by) => Array.from({ length: count }, (_, n) => `${by} ${n}`));
            if (`${[...log].sort()}` !== `${expected.sort()}`) throw new Error(`taken: ${log}`);
            counts.forEach((_, by) => {
              const own = log.filter((one) => one.startsWith(`${by} `));
              if (`${own}` !== `${[...own].sort()}`) throw new Error(`overtaken: ${own}`);
            });
            if (!conserved(system).ok) throw new Error("the books do not balance");
          },
          { schedules: 40 },
        ),
        { seed: 7, numRuns: 12 },
      ),
    60_000,
  );

  test.each<[string, unknown, object]>([
    ["make", 1, { while: () => true }],
    ["while", () => ({}), {}],
    ["capacity", () => ({}), { while: () => true, capacity: -1 }],
    ["actor.name", () => ({}), { while: () => true, actor: { name: "x" } }],
    ["concurrency", () => ({}), { while: () => true, actor: { concurrency: 0 } }],
    ["until", () => ({}), { while: () => true, until: 1 }],
  ])("refuses a wrong %s", (option, make, options) => {
    expect(() => stash(make as never, options as never)).toThrow(InvalidOption);
    expect(() => stash(make as never, options as never)).toThrow(new RegExp(`^${option}: found`));
  });
});
