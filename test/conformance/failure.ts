// What a crash does to the actor that crashes, and to no other: restart and fence.

import { type Message, type Ref, receive, type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { counter, crashes, type Diary, kinds, pass, verdicts } from "./trouble.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { WorldUnderTest } from "./world.ts";

/** Never answers; with `capacity: 0` an offer beside it never gets room. */
const silent = () => ({ [receive]: (m: Message<{ wait(): void }>) => m.hold() });

export function failureConformance(world: WorldUnderTest): void {
  describe("a crash", () => {
    test(`[F1 ${world.name}] leaves the state, the mailbox, the handlers and the timers of every other actor alone`, () =>
      world.run(async ({ system, conserve }) => {
        const story = async (crash: boolean) => {
          const seen: unknown[] = [];
          const parent = system.spawn((self: Self) => {
            const bad = self.spawn(counter("bad", []));
            const good = self.spawn((inner: Self) => {
              let sum = 0;
              inner.after(2, () => void seen.push(`timer at ${sum}`));
              const child = inner.spawn(() => ({ keep: (n: number) => (sum += n) }));
              return {
                async slow(n: number) {
                  await inner.sleep(1);
                  return inner.ask(child).keep(n);
                },
              };
            });
            return { family: () => ({ bad, good, runs: self.random("fixed") }) };
          });
          const { bad, good } = await system.ask(parent).family();
          const answers = [1, 2, 3].map((n) => system.ask(good).slow(n));
          const failed = verdict(system.ask(bad).fail("boom"));
          if (crash) await failed;
          seen.push(...(await Promise.all(answers)));
          await until(system, () => seen.length === 4);
          // A timer is a turn: where it falls among the answers is not part of the promise.
          return { seen: seen.map((one) => (typeof one === "string" ? "timer" : one)).sort(), verdict: await failed };
        };
        const calm = await story(false);
        const troubled = await story(true);
        expect(troubled.seen).toEqual(calm.seen);
        expect(troubled.seen).toEqual([1, 3, 6, "timer"]);
        expect(troubled.verdict).toBe("ActorCrashed, unknown");
        conserve();
      }));

    test(`[F1 ${world.name}] of a child leaves the state of its parent alone`, () =>
      world.run(async ({ system, events }) => {
        const parent = system.spawn((self: Self) => {
          let seen = 0;
          const child = self.spawn(counter("child", []), { name: "child" });
          return { look: () => ++seen, child: () => child };
        });
        await system.ask(parent).look();
        const child = await system.ask(parent).child();
        expect(await verdict(system.ask(child).fail("boom"))).toBe("ActorCrashed, unknown");
        expect(await system.ask(child).add()).toBe(1);
        expect(await system.ask(parent).look()).toBe(2);
        expect(events.filter(({ kind }) => kind === "ended")).toEqual([]);
      }));
  });

  describe("a restart", () => {
    test(`[F2 ${world.name}] makes fresh state, keeps the mailbox in order and does not repeat what failed`, () =>
      world.run(async ({ system, conserve }) => {
        const diary: Diary = [];
        const ref = system.spawn(() => {
          let count = 0;
          diary.push("starts");
          return {
            add: (n: number) => void diary.push(`${n} is ${++count}`),
            fail(n: number) {
              diary.push(`${n} fails`);
              throw new Error("boom");
            },
            last: () => count,
          };
        });
        const { add, fail } = {
          add: (n: number) => system.tell(ref).add(n),
          fail: (n: number) => system.tell(ref).fail(n),
        };
        for (const n of [1, 2]) add(n);
        fail(3);
        add(4);
        fail(5);
        for (const n of [6, 7]) add(n);
        conserve();
        expect(await system.ask(ref).last()).toBe(2);
        expect(diary).toEqual([
          ...["starts", "1 is 1", "2 is 2", "3 fails"],
          ...["starts", "4 is 1", "5 fails"],
          ...["starts", "6 is 1", "7 is 2"],
        ]);
        expect(system.census(ref)).toMatchObject({ crashed: 2, handled: 6, dead: 0, cancelled: 0 });
      }));

    test(`[F2 ${world.name}] stops the children last to first, each after its own, before the actor is disposed of`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        const ends = (name: string) => ({ [Symbol.asyncDispose]: async () => void diary.push(`${name} ends`) });
        const ref = system.spawn((self: Self) => {
          diary.push("starts");
          for (const name of ["one", "two", "three"])
            self.spawn((inner: Self) => {
              inner.spawn(() => ends(`${name}'s child`));
              return ends(name);
            });
          return { ...ends("parent"), ok: () => true, fail: () => Promise.reject(new Error("boom")) };
        });
        system.tell(ref).fail();
        await system.ask(ref).ok();
        const family = ["three", "two", "one"].flatMap((name) => [`${name}'s child ends`, `${name} ends`]);
        expect(diary).toEqual(["starts", ...family, "parent ends", "starts"]);
        expect(system.census().actors).toBe(7);
      }));

    test(`[F2 ${world.name}] leaves no timer, repetition or pipe of the former incarnation`, () =>
      world.run(async ({ system, conserve }) => {
        const diary: Diary = [];
        const fired = { once: 0, again: 0, piped: 0, due: 0 };
        const ref = system.spawn((self: Self) => ({
          arm() {
            self.after(3, () => void fired.once++, "once");
            self.every(3, () => void fired.again++);
            self.pipeToSelf(self.sleep(3), () => void fired.piped++);
          },
          // Its turn is queued already when the crash comes.
          fail() {
            self.after(0, () => void fired.due++);
            self.pipeToSelf(Promise.resolve(), () => void fired.piped++);
            throw new Error("boom");
          },
          ok: () => void diary.push("ok"),
        }));
        system.tell(ref).arm();
        system.tell(ref).fail();
        await system.ask(ref).ok();
        await pass(system, 10);
        expect(fired).toEqual({ once: 0, again: 0, piped: 0, due: 0 });
        // The other side: without the crash they do fire.
        system.tell(ref).arm();
        await until(system, () => Object.values(fired).filter((n) => n > 0).length === 3);
        conserve();
      }));

    test(`[F2 ${world.name}] disposes of each object once, also when the factory fails or is still at work`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const diary: Diary = [];
        let runs = 0;
        const ref = system.spawn((self: Self) => {
          const run = ++runs;
          diary.push(`run ${run}`);
          const made = {
            ok: () => run,
            fail: () => Promise.reject(new Error("boom")),
            [Symbol.dispose]: () => void diary.push(`end ${run}`),
          };
          if (run === 2) throw new Error("second");
          return run === 3 ? self.sleep(1).then(() => Promise.reject(new Error("third"))) : made;
        });
        system.tell(ref).fail();
        expect(await system.ask(ref).ok()).toBe(4);
        expect(diary).toEqual(["run 1", "end 1", "run 2", "run 3", "run 4"]);
        expect(crashes(kit).map(({ context }) => context)).toEqual(["fail", "factory", "factory"]);
      }));

    test(`[F2 ${world.name}] prefers the asynchronous dispose and then leaves the other alone`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        const ref = system.spawn(() => ({
          ok: () => true,
          fail: () => Promise.reject(new Error("boom")),
          [Symbol.asyncDispose]: () => void diary.push("asynchronous"),
          [Symbol.dispose]: () => void diary.push("synchronous"),
        }));
        system.tell(ref).fail();
        await system.ask(ref).ok();
        expect(diary).toEqual(["asynchronous"]);
      }));
  });

  describe("the fence", () => {
    type Way = "ask" | "sleep" | "offer";
    const waiter = (self: Self, diary: Diary, hushed: Ref<{ wait(): void }>) => ({
      async wait(way: Way) {
        const ways = {
          ask: () => self.ask(hushed, { within: Number.POSITIVE_INFINITY }).wait(),
          sleep: () => self.sleep("1h"),
          offer: () => self.offer(hushed).wait(),
        };
        self.signal.addEventListener("abort", () => diary.push(`${way}: signal`));
        try {
          await ways[way]();
        } catch (error) {
          diary.push(`${way}: ${(error as Error).name}`);
        } finally {
          diary.push(`${way}: finally`);
        }
      },
      fail: () => Promise.reject(new Error("boom")),
      ok: () => true,
    });

    for (const how of ["crash", "stop"] as const)
      test(`[F3 ${world.name}] at a ${how} aborts the signals, then rejects what is pending once with Stopped`, () =>
        world.run(async ({ system, conserve }) => {
          const diary: Diary = [];
          const hushed = system.spawn(silent);
          const options = {
            concurrency: 4,
            supervision: { settleWithin: 1, onCrash: how === "crash" ? "restart" : "stop" },
          } as const;
          const ref = system.spawn((self: Self) => waiter(self, diary, hushed), options);
          const askers = (["ask", "sleep", "offer"] as const).map((way) => verdict(system.ask(ref).wait(way)));
          await verdict(system.ask(ref).fail());
          conserve();
          const failure = how === "crash" ? "ActorRestarted, unknown" : "ActorStopped, unknown";
          expect(await Promise.all(askers)).toEqual([failure, failure, failure]);
          expect(await verdict(system.ask(ref).ok())).toBe(how === "crash" ? "ok" : "ActorStopped, not-started");
          expect(diary.slice(0, 3)).toEqual(["ask: signal", "sleep: signal", "offer: signal"]);
          expect(diary.slice(3).sort()).toEqual(
            ["ask", "offer", "sleep"].flatMap((way) => [`${way}: Stopped`, `${way}: finally`]),
          );
        }));

    test(`[F3 ${world.name}] makes later verbs inert and counts each once`, () =>
      world.run(async ({ system, conserve }) => {
        const diary: Diary = [];
        const counts: Record<string, number> = {};
        const sink = system.spawn(counter("sink", []));
        const note = (text: string) => () => void diary.push(text);
        const ref = system.spawn(
          (self: Self) => ({
            async linger() {
              const settles = (promise: Promise<unknown>) => promise.then(note("settled"), note("rejected"));
              const verbs = {
                tell: () => self.tell(sink).add(),
                "tell with options": () => self.tell(sink, { key: "k" }).add(),
                ask: () => settles(self.ask(sink).add()),
                offer: () => settles(self.offer(sink).add()),
                sleep: () => settles(self.sleep(0)),
                after: () => self.after(0, note("after")),
                every: () => self.every(1, note("every")),
                watch: () => self.watch(sink, note("watch")),
                pipeToSelf: () => self.pipeToSelf(Promise.resolve(), note("pipe")),
              };
              await self.sleep("1h").catch(() => {});
              for (const [name, verb] of Object.entries(verbs)) {
                const before = system.census().inert;
                void verb();
                counts[name] = system.census().inert - before;
              }
              expect(() => self.spawn(() => ({}))).toThrow(expect.objectContaining({ _tag: "Stopped" }));
              self.stop();
              diary.push("lingered");
            },
            fail: () => Promise.reject(new Error("boom")),
            ok: () => true,
          }),
          { concurrency: 2 },
        );
        system.tell(ref).linger();
        system.tell(ref).fail();
        expect(await system.ask(ref).ok()).toBe(true);
        await pass(system, 5);
        expect(diary).toEqual(["lingered"]);
        expect(Object.keys(counts)).toHaveLength(9);
        expect(new Set(Object.values(counts))).toEqual(new Set([1]));
        expect(await system.ask(sink).add()).toBe(1);
        expect(await system.ask(ref).ok()).toBe(true);
        conserve();
      }));

    test(`[F3 ${world.name}] lets handlers in flight settle, then disposes, then runs the factory`, () =>
      world.run(async ({ system, events }) => {
        const diary: Diary = [];
        const ref = system.spawn(
          (self: Self) => {
            diary.push("factory");
            return {
              async linger() {
                await self.sleep("1h").finally(() => diary.push("finally"));
              },
              fail: () => Promise.reject(new Error("boom")),
              ok: () => true,
              [Symbol.asyncDispose]: async () => void diary.push("dispose"),
            };
          },
          { concurrency: 2, supervision: { settleWithin: "1h" } },
        );
        system.tell(ref).linger();
        system.tell(ref).fail();
        await system.ask(ref).ok();
        expect(diary).toEqual(["factory", "finally", "dispose", "factory"]);
        expect(events.filter(({ kind }) => kind === "straggler")).toEqual([]);
      }));

    for (const end of ["never settles", "rejects later", "answers later"] as const)
      test(`[F3 ${world.name}] reports a handler that ${end}, goes on without it and takes nothing more from it`, () =>
        world.run(async (kit) => {
          const { system, events, conserve } = kit;
          const gate = { open: false };
          const ref = system.spawn(
            (self: Self) => ({
              // Its wait is none of the runtime's: the fence can not end it.
              async linger() {
                const patience = system.spawn((other: Self) => ({ nap: () => other.sleep(1) }));
                while (!gate.open || end === "never settles") await system.ask(patience).nap();
                if (end === "rejects later") throw new Error("late");
                return self.path;
              },
              fail: () => Promise.reject(new Error("boom")),
              ok: () => true,
            }),
            { name: "a", concurrency: 2, supervision: { settleWithin: 2 } },
          );
          const lingering = verdict(system.ask(ref).linger());
          system.tell(ref).fail();
          expect(await system.ask(ref).ok()).toBe(true);
          expect(await lingering).toBe("ActorRestarted, unknown");
          const stragglers = events.filter((event) => event.kind === "straggler");
          expect(stragglers).toMatchObject([{ path: "/a", type: "linger" }]);
          expect(stragglers[0]?.ageMs).toBeGreaterThanOrEqual(2);
          gate.open = true;
          await pass(system, 5);
          expect(await Promise.all([1, 2, 3].map(() => system.ask(ref).ok()))).toEqual([true, true, true]);
          expect(system.census(ref)).toMatchObject({ running: 0, cancelled: 1, crashed: 1 });
          expect(verdicts(kit)).toEqual(["fail of /a: restart"]);
          conserve();
        }));

    test(`[F3 ${world.name}] ends a loop that catches whatever its asks throw`, () =>
      world.run(async (kit) => {
        const { system, events } = kit;
        const hushed = system.spawn(silent);
        let rounds = 0;
        const ref = system.spawn(
          (self: Self) => ({
            async spin() {
              while (true) {
                rounds++;
                try {
                  await self.ask(hushed).wait();
                } catch {}
              }
            },
            fail: () => Promise.reject(new Error("boom")),
            ok: () => true,
          }),
          { concurrency: 2, supervision: { settleWithin: 2 } },
        );
        system.tell(ref).spin();
        system.tell(ref).fail();
        await system.ask(ref).ok();
        await pass(system, 5);
        expect(rounds).toBe(2);
        expect(system.census().inert).toBe(1);
        expect(kinds(kit, "straggler")).toHaveLength(1);
        expect(events.some(({ kind }) => kind === "system-failed")).toBe(false);
      }));

    test(`[F3 ${world.name}] withdraws what the former incarnation had queued elsewhere and signals what it had running`, () =>
      world.run(async ({ system, conserve }) => {
        const diary: Diary = [];
        const server = system.spawn((self: Self) => ({
          async serve(n: number) {
            self.signal.addEventListener("abort", () => diary.push(`${n} aborted`));
            await self.sleep(n + 20).catch(() => {});
            diary.push(`${n} served`);
          },
        }));
        const client = system.spawn(
          (self: Self) => ({
            both: () => Promise.all([self.ask(server).serve(1), self.ask(server).serve(2)]),
            fail: () => Promise.reject(new Error("boom")),
            ok: () => true,
          }),
          { concurrency: 2 },
        );
        const both = settle(system.ask(client).both());
        await until(system, () => system.census(server).running === 1);
        system.tell(client).fail();
        await system.ask(client).ok();
        await both;
        await until(system, () => diary.length === 2);
        expect(diary).toEqual(["1 aborted", "1 served"]);
        expect(system.census(server)).toMatchObject({ handled: 1, cancelled: 1, queued: 0, running: 0 });
        conserve();
      }));
  });
}
