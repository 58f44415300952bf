// How an actor and a whole system come to their end, and what is said of everything that was left.

import { type Message, type Ref, receive, type Self, type StopReport, type System, SystemStopped } from "antiphon";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { counter, type Diary, endOf, pass } from "./trouble.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { WorldUnderTest } from "./world.ts";

const worker = (diary: Diary) => (self: Self) => ({
  async work(ms: number) {
    await self.sleep(ms);
    diary.push(`worked ${ms}`);
    return ms;
  },
  async pass(to: Ref<{ work(ms: number): unknown }>) {
    await self.sleep(1);
    self.tell(to).work(1);
    return self.ask(to).work(2);
  },
  stop: () => self.stop(),
});

const holder = () => ({ [receive]: (m: Message<{ keep(): void }>) => m.hold() });

/** What a report says, in an order of its own. */
const left = (report: StopReport) => report.left.map(({ path, type }) => `${type} at ${path}`).sort();

function systemSuite(world: WorldUnderTest): void {
  describe("system.stop", () => {
    test(`[S1 ${world.name}] lets accepted work finish, also what it sets off inside, and turns new work from outside away`, () =>
      world.run(async ({ system, conserve }) => {
        const diary: Diary = [];
        const second = system.spawn(worker(diary), { name: "second" });
        const first = system.spawn(worker(diary), { name: "first" });
        const answer = system.ask(first).pass(second);
        const queued = system.ask(first).work(3);
        const stopping = system.stop({ drain: "1h" });
        for (const verb of ["ask", "offer"] as const)
          expect(await verdict(Promise.resolve(system.via(verb, first).work(9)))).toBe("SystemStopped, not-started");
        system.tell(first).work(9);
        expect(system.deadLetters).toMatchObject([{ to: "/first", type: "work", reason: "SYSTEM_STOPPED" }]);
        expect(() => system.spawn(worker([]))).toThrow(SystemStopped);
        conserve();
        expect(await stopping).toEqual({ left: [] });
        expect(await answer).toBe(2);
        expect(await queued).toBe(3);
        expect(diary).toEqual(["worked 1", "worked 2", "worked 3"]);
        expect(system.census()).toMatchObject({ actors: 0, dead: 0, cancelled: 0, turnedAway: 3 });
      }));

    test(`[S1 ${world.name}] lets actors start others while it drains, and lets waiting offers in`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        const parent = system.spawn(
          (self: Self) => ({
            async spread(n: number) {
              await self.sleep(1);
              return self.ask(self.spawn(worker(diary))).work(n);
            },
          }),
          { mailbox: { capacity: 0 } },
        );
        const first = system.ask(parent).spread(1);
        const offered = verdict(system.offer(parent).spread(2));
        expect(await system.stop({ drain: "1h" })).toEqual({ left: [] });
        expect(await first).toBe(1);
        expect(await offered).toBe("ok");
        expect(diary).toEqual(["worked 1", "worked 2"]);
      }));

    test(`[S1 ${world.name}] goes on when the limit of the drain is reached, and says what was left`, () =>
      world.run(async ({ system, conserve }) => {
        const slow = system.spawn(worker([]), { name: "slow", supervision: { settleWithin: 1 } });
        const running = verdict(system.ask(slow).work(3_600_000));
        const queued = verdict(system.ask(slow).work(1));
        const report = await system.stop({ drain: 3 });
        expect(left(report)).toEqual(["work at /slow", "work at /slow"]);
        expect([await running, await queued]).toEqual(["ActorStopped, unknown", "ActorStopped, not-started"]);
        expect(system.census()).toMatchObject({ cancelled: 1, dead: 1 });
        conserve();
      }));

    test(`[S1 ${world.name}] gives every message left once: queued, running and held, told, offered and asked`, () =>
      world.run(async ({ system, conserve }) => {
        const options = { supervision: { settleWithin: 1 } };
        const keeper = system.spawn(holder, { name: "keeper", ...options });
        const slow = system.spawn(worker([]), { name: "slow", ...options });
        const inside = system.spawn(
          (self: Self) => ({ relay: () => Promise.all([self.ask(slow).work(1), self.ask(keeper).keep()]) }),
          { name: "inside", ...options },
        );
        const verdicts = [
          verdict(system.ask(slow, { id: "running" }).work(3_600_000)),
          verdict(system.ask(keeper, { id: "held ask" }).keep()),
          verdict(system.ask(inside, { id: "waits for others" }).relay()),
        ];
        await until(system, () => system.census(keeper).held === 2);
        system.tell(slow, { id: "queued tell" }).work(1);
        system.tell(slow).work(1);
        system.tell(keeper, { id: "held tell" }).keep();
        verdicts.push(verdict(system.ask(slow, { id: "queued ask" }).work(1)));
        void system.offer(slow, { id: "queued offer" }).work(1);
        await until(system, () => system.census(keeper).held === 3);
        const report = await system.stop();
        expect(left(report)).toEqual([
          ...Array(3).fill("keep at /keeper"),
          "relay at /inside",
          ...Array(6).fill("work at /slow"),
        ]);
        const ids = report.left.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual(
          expect.arrayContaining([
            ...["running", "held ask", "waits for others", "queued tell", "held tell", "queued ask", "queued offer"],
          ]),
        );
        const senders = report.left.flatMap(({ sender }) => (sender === undefined ? [] : [sender.path]));
        expect(senders).toEqual(["/inside", "/inside"]);
        for (const one of await Promise.all(verdicts)) expect(one).toMatch(/^ActorStopped, /);
        conserve();
      }));

    test(`[S1 ${world.name}] is one stop, however often it is called: the same report`, () =>
      world.run(async ({ system }) => {
        const slow = system.spawn(worker([]), { name: "slow", supervision: { settleWithin: 1 } });
        system.tell(slow).work(3_600_000);
        const [first, second] = await Promise.all([system.stop(), system.stop({ drain: "1h" })]);
        expect(second).toBe(first);
        expect(await system.stop()).toBe(first);
        expect(left(first)).toEqual(["work at /slow"]);
      }));

    test(`[S1 ${world.name}] ends children before parents, each generation last to first, and disposes of each`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        const node = (name: string, children: Record<string, string[]>) => (self: Self) => {
          for (const child of children[name] ?? []) self.spawn(node(child, children), { name: child });
          return {
            async [Symbol.asyncDispose]() {
              diary.push(`${name} begins to end`);
              await Promise.resolve();
              diary.push(`${name} ends`);
            },
          };
        };
        const tree = { a: ["a1", "a2"], a2: ["a21"], b: ["b1"] };
        for (const top of ["a", "b"]) system.spawn(node(top, tree), { name: top });
        await system.stop();
        const order = ["b1", "b", "a21", "a2", "a1", "a"];
        expect(diary).toEqual(order.flatMap((name) => [`${name} begins to end`, `${name} ends`]));
      }));

    test(`[S1 ${world.name}] takes any number of actors, in width and depth`, () =>
      world.run(async ({ system }) => {
        const deep = (level: number) => (self: Self) => {
          if (level > 0) self.spawn(deep(level - 1));
          return {};
        };
        for (let n = 0; n < 20_000; n++) system.spawn(() => ({}));
        system.spawn(deep(200));
        expect(system.census().actors).toBe(20_201);
        await system.stop();
        expect(system.census().actors).toBe(0);
      }));

    test(`[S1 ${world.name}] waits for no end of time: an infinite drain and settling are legal`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        const ref = system.spawn(worker(diary), { supervision: { settleWithin: Number.POSITIVE_INFINITY } });
        system.tell(ref).work(2);
        expect(await system.stop({ drain: Number.POSITIVE_INFINITY })).toEqual({ left: [] });
        expect(diary).toEqual(["worked 2"]);
      }));

    test(`[S1 ${world.name}] is what the end of an \`await using\` block does`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        {
          await using same: System = system;
          const ref = same.spawn(counter("a", diary));
          await same.ask(ref).add();
        }
        expect(diary).toEqual(["a starts", "a ends"]);
        expect(system.census().actors).toBe(0);
        expect(() => system.spawn(() => ({}))).toThrow(SystemStopped);
      }));

    test(`[S1 ${world.name}] accounts for every message of any load: finished or left, never both`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({ to: fc.nat(2), verb: fc.constantFrom("tell", "offer", "ask" as const), ms: fc.nat(3) }),
            {
              maxLength: 20,
            },
          ),
          fc.constantFrom(undefined, 1, 3_600_000),
          (messages, drain) =>
            world.run(async ({ system, conserve }) => {
              const diary: Diary = [];
              const options = { supervision: { settleWithin: 0 } };
              const refs = [0, 1, 2].map((n) => system.spawn(worker(diary), { name: `w${n}`, ...options }));
              for (const { to, verb, ms } of messages)
                void verdict(Promise.resolve(system.via(verb, refs[to] as (typeof refs)[0]).work(ms)));
              const report = await system.stop(drain === undefined ? {} : { drain });
              conserve();
              const { accepted, handled, dead, cancelled } = system.census();
              expect(accepted).toBe(messages.length);
              expect(report.left).toHaveLength(dead + cancelled);
              expect(handled + report.left.length).toBe(messages.length);
              expect(new Set(report.left.map(({ id }) => id)).size).toBe(report.left.length);
              if (drain === 3_600_000) expect(diary).toHaveLength(messages.length);
            }),
        ),
        { seed: 1, numRuns: 50 },
      ));
  });
}

function actorSuite(world: WorldUnderTest): void {
  describe("self.stop", () => {
    test(`[S1 ${world.name}] finishes what is in flight; what waits and what comes later ends dead`, () =>
      world.run(async ({ system, conserve }) => {
        const diary: Diary = [];
        const ref = system.spawn(worker(diary), { name: "a", concurrency: 2 });
        const running = system.ask(ref).work(2);
        const order = [
          verdict(system.ask(ref).stop()),
          verdict(system.ask(ref).work(1)),
          verdict(system.offer(ref).work(1)),
        ];
        system.tell(ref).work(1);
        await until(system, () => system.deadLetters.length > 0);
        conserve();
        expect(await verdict(system.ask(ref).work(4))).toBe("ActorStopped, not-started");
        expect(await Promise.all(order)).toEqual(["ok", "ActorStopped, not-started", "ok"]);
        expect(await running).toBe(2);
        expect(diary).toEqual(["worked 2"]);
        expect(await endOf(system, ref)).toBe("stopped");
        const reasons = system.deadLetters.map(({ to, reason }) => `${reason} at ${to}`);
        expect(reasons).toEqual(Array(2).fill("ACTOR_STOPPED at /a"));
      }));

    test(`[S1 ${world.name}] takes the actor's timers with it`, () =>
      world.run(async ({ system, conserve }) => {
        const diary: Diary = [];
        const ref = system.spawn((self: Self) => {
          self.after(2, () => void diary.push("after"));
          self.every(2, () => void diary.push("every"));
          return { stop: () => self.stop(), ok: () => true };
        });
        const other = system.spawn((self: Self) => {
          self.after(2, () => void diary.push("other"));
          return {};
        });
        await system.ask(ref).stop();
        expect(await endOf(system, ref)).toBe("stopped");
        await until(system, () => diary.length > 0);
        await pass(system, 5);
        expect(diary).toEqual(["other"]);
        expect(system.census(other).actors).toBe(1);
        conserve();
      }));

    test(`[S1 ${world.name}] twice, or of an actor that has ended, changes nothing`, () =>
      world.run(async ({ system, events }) => {
        const ref = system.spawn((self: Self) => ({
          stop() {
            self.stop();
            self.stop();
            self.after(0, () => self.stop());
          },
        }));
        await system.ask(ref).stop();
        expect(await endOf(system, ref)).toBe("stopped");
        expect(events.filter(({ kind, path }) => kind === "ended" && path === ref.path)).toHaveLength(1);
      }));
  });

  describe("a name", () => {
    const named = (name: string) => ({ name });
    const stops = (self: Self) => ({ stop: () => self.stop() });

    test(`[S1 ${world.name}] that was given is free again after the end of its actor, not before`, () =>
      world.run(async ({ system }) => {
        const first = system.spawn(stops, named("a"));
        expect(() => system.spawn(stops, named("a"))).toThrow(expect.objectContaining({ option: "name" }));
        system.tell(first).stop();
        await endOf(system, first);
        const second = system.spawn(stops, named("a"));
        expect(second.path).toBe("/a");
        expect(second).not.toBe(first);
        // The old ref does not speak to the new actor.
        expect(await verdict(system.ask(first).stop())).toBe("ActorStopped, not-started");
        expect(system.census(second).accepted).toBe(0);
      }));

    test(`[S1 ${world.name}] that was not given is the class and a number per parent, which is never used again`, () =>
      world.run(async ({ system }) => {
        class Clerk {
          readonly #self: Self;
          constructor(self: Self) {
            this.#self = self;
          }
          stop(): void {
            this.#self.stop();
          }
          hire(): string {
            return this.#self.spawn(porter).path;
          }
        }
        const porter = (_: Self) => ({ carry: () => {} });
        const clerk = () => system.spawn((self: Self) => new Clerk(self));
        const first = clerk();
        const paths = [first.path, clerk().path, system.spawn(porter).path];
        expect(paths).toEqual(["/clerk-1", "/clerk-2", "/porter-1"]);
        system.tell(first).stop();
        await endOf(system, first);
        const third = clerk();
        expect(third.path).toBe("/clerk-3");
        expect(() => system.spawn(stops, named("clerk-1"))).toThrow(expect.objectContaining({ option: "name" }));
        expect(await system.ask(third).hire()).toBe("/clerk-3/porter-1");
        expect(await system.ask(third).hire()).toBe("/clerk-3/porter-2");
        // One that was given first is left out.
        system.spawn(stops, named("porter-2"));
        expect(system.spawn(porter).path).toBe("/porter-3");
      }));
  });
}

export function stopConformance(world: WorldUnderTest): void {
  systemSuite(world);
  actorSuite(world);
}
