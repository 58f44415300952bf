// What happens to an actor while it starts, restarts or goes down: the moments between its incarnations.

import { InvalidFactory, type Ref, type Self, type System } from "antiphon";
import { describe, expect, test } from "vitest";
import { crashes, type Diary, endOf, kinds, pass, verdicts } from "./trouble.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { WorldUnderTest } from "./world.ts";

interface Patient {
  ok(): number;
  fail(): void;
  stop(): void;
}

/** The n-th run of its factory does `plan[n - 1]` first; runs beyond the plan just start. */
const patient =
  (diary: Diary, plan: ((self: Self) => unknown)[], dispose?: (self: Self) => unknown) =>
  (self: Self): Patient | Promise<Patient> => {
    const run = diary.filter((line) => line.startsWith("run")).length + 1;
    diary.push(`run ${run}`);
    const made = {
      ok: () => run,
      fail: () => {
        throw new Error("boom");
      },
      stop: () => self.stop(),
      [Symbol.asyncDispose]: async () => {
        diary.push(`end ${run}`);
        await dispose?.(self);
      },
    };
    const planned = plan[run - 1]?.(self);
    return planned instanceof Promise ? planned.then(() => made) : made;
  };

const fails = () => {
  throw new Error("no start");
};
const failsLater = (self: Self) => self.sleep(1).then(fails);
const fail = (system: System, ref: Ref<Patient>) => verdict(system.ask(ref).fail());

export function restartingConformance(world: WorldUnderTest): void {
  describe("a factory", () => {
    for (const [how, failing] of Object.entries({ "at once": fails, later: failsLater })) {
      test(`[F4 ${world.name}] that fails ${how} at a restart is a crash of its own and is tried again`, () =>
        world.run(async (kit) => {
          const { system } = kit;
          const diary: Diary = [];
          const ref = system.spawn(patient(diary, [() => {}, failing, failing]), { name: "a" });
          await fail(system, ref);
          expect(await system.ask(ref).ok()).toBe(4);
          expect(verdicts(kit)).toEqual(["fail", "factory", "factory"].map((context) => `${context} of /a: restart`));
          expect(crashes(kit)[1]).toMatchObject({
            supervisor: "/",
            offender: undefined,
            reason: { message: "no start" },
          });
          expect(diary).toEqual(["run 1", "end 1", "run 2", "run 3", "run 4"]);
        }));

      test(`[F4 ${world.name}] that always fails ${how} uses up the budget; what waits ends dead`, () =>
        world.run(async (kit) => {
          const { system } = kit;
          const diary: Diary = [];
          const plan = Array<(self: Self) => unknown>(9).fill(failing);
          const ref = system.spawn(patient(diary, plan), { name: "a", supervision: { maxRestarts: 2, within: "1h" } });
          expect(await verdict(system.ask(ref).ok())).toBe("ActorStopped, not-started");
          expect(diary).toEqual(["run 1", "run 2", "run 3"]);
          expect(verdicts(kit)).toEqual(["restart", "restart", "escalate"].map((what) => `factory of /a: ${what}`));
          expect(kinds(kit, "system-failed")).toEqual(["/a"]);
        }));
    }

    const same = { ok: () => 1, fail: fails, stop: () => {} };
    // biome-ignore lint/complexity/useArrowFunction: as a user would have it
    const thenable = { ok: () => 1, then: function () {} };
    const invalid: Record<string, unknown> = { null: null, "a number": 7, "an object with a then": thenable };
    for (const [what, made] of Object.entries(invalid)) {
      test(`[F4 ${world.name}] that gives ${what} fails where it is spawned`, () =>
        world.run(async (kit) => {
          const { system } = kit;
          expect(() => system.spawn(() => made as object, { name: "a" })).toThrow(InvalidFactory);
          expect(system.census().actors).toBe(0);
          // Its name is free again, and nothing crashed.
          const ref = system.spawn(() => ({ ok: () => 1 }), { name: "a" });
          expect(await system.ask(ref).ok()).toBe(1);
          expect(crashes(kit)).toEqual([]);
        }));

      test(`[F4 ${world.name}] that gives ${what} at a restart fails its actor for good`, () =>
        world.run(async (kit) => {
          const { system, events } = kit;
          let runs = 0;
          const ref = system.spawn(() => (runs++ === 0 ? same : (made as typeof same)), { name: "a" });
          await verdict(system.ask(ref).fail());
          expect(await verdict(system.ask(ref).ok())).toBe("ActorStopped, not-started");
          expect(verdicts(kit)).toEqual(["fail of /a: restart", "factory of /a: escalate"]);
          expect(crashes(kit)[1]?.reason).toBeInstanceOf(InvalidFactory);
          expect(events.at(-1)).toMatchObject({ kind: "system-failed", reason: { cause: { _tag: "InvalidFactory" } } });
        }));
    }

    test(`[F4 ${world.name}] that gives the same object twice fails its actor for good, also around a failed start`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        let runs = 0;
        const ref = system.spawn(() => (++runs === 2 ? fails() : same), { name: "a" });
        await verdict(system.ask(ref).fail());
        expect(await verdict(system.ask(ref).ok())).toBe("ActorStopped, not-started");
        expect(verdicts(kit)).toEqual(
          ["fail", "factory"].map((one) => `${one} of /a: restart`).concat("factory of /a: escalate"),
        );
        expect(crashes(kit)[2]?.reason).toMatchObject({ _tag: "InvalidFactory", path: "/a" });
      }));

    test(`[F4 ${world.name}] whose object lacks a declared message fails where it is spawned`, () =>
      world.run(async ({ system }) => {
        expect(() => system.spawn(() => ({ ok: () => 1 }), { messages: ["ok", "other"] })).toThrow(InvalidFactory);
        expect(system.census().actors).toBe(0);
      }));

    test(`[F4 ${world.name}] of a child that is invalid is an ordinary crash of the actor that spawns it`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const ref = system.spawn(
          (self: Self) => ({ adopt: () => void self.spawn(() => 7 as unknown as object), ok: () => true }),
          { name: "a" },
        );
        expect(await verdict(system.ask(ref).adopt())).toBe("ActorCrashed, unknown");
        expect(await system.ask(ref).ok()).toBe(true);
        expect(verdicts(kit)).toEqual(["adopt of /a: restart"]);
      }));

    test(`[F4 ${world.name}] that spawns a child which fails at once starts all the same; the child has its own crash`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const diary: Diary = [];
        const parent = system.spawn(
          (self: Self) => {
            const child = self.spawn(patient(diary, [fails]), { name: "child" });
            return { child: () => child };
          },
          { name: "p" },
        );
        expect(await system.ask(await system.ask(parent).child()).ok()).toBe(2);
        expect(verdicts(kit)).toEqual(["factory of /p/child: restart"]);
      }));

    test(`[F6 ${world.name}] that stops its own actor does not keep the rest of the group from starting`, () =>
      world.run(async ({ system }) => {
        for (const stopping of [(self: Self) => self.stop(), (self: Self) => self.sleep(1).then(() => self.stop())]) {
          const diaries: Diary[] = [[], []];
          const parent = system.spawn(
            (self: Self) => {
              const first = self.spawn(patient(diaries[0] as Diary, [() => {}, stopping]));
              const second = self.spawn(patient(diaries[1] as Diary, []));
              return { children: () => [first, second] as const };
            },
            { children: { strategy: "one-for-all" } },
          );
          const [first, second] = await system.ask(parent).children();
          await fail(system, second);
          expect(await system.ask(second).ok()).toBe(2);
          expect(await verdict(system.ask(first).ok())).toBe("ActorStopped, not-started");
          await until(system, () => diaries[0]?.includes("end 2") === true);
          expect(diaries[0]).toEqual(["run 1", "end 1", "run 2", "end 2"]);
        }
      }));

    for (const onCrash of ["stop", "resume", "escalate"] as const)
      test(`[F6 ${world.name}] that fails in the restart of its group under ${onCrash} leaves nobody behind`, () =>
        world.run(async ({ system }) => {
          const diaries: Diary[] = [[], []];
          const parent = system.spawn(
            (self: Self) => {
              const first = self.spawn(patient(diaries[0] as Diary, [() => {}, failsLater]), {
                supervision: { onCrash },
              });
              const second = self.spawn(patient(diaries[1] as Diary, []));
              return { children: () => [first, second] as const };
            },
            { children: { strategy: "one-for-all" }, supervision: { onCrash: "resume" } },
          );
          const [first, second] = await system.ask(parent).children();
          await fail(system, second);
          expect(await system.ask(second).ok()).toBe(2);
          expect(await verdict(system.ask(first).ok())).toBe("ActorStopped, not-started");
        }));
  });

  describe("an actor between two incarnations", () => {
    test(`[F2 ${world.name}] takes messages while it backs off, and handles them when it is up`, () =>
      world.run(async ({ system, conserve }) => {
        const ref = system.spawn(patient([], []), { supervision: { backoff: 4 } });
        system.tell(ref).fail();
        await until(system, () => system.census(ref).crashed === 1);
        const asked = [system.ask(ref).ok(), system.ask(ref).ok()];
        conserve();
        expect(system.census(ref).queued).toBe(2);
        expect(await Promise.all(asked)).toEqual([2, 2]);
      }));

    const moments: Record<
      string,
      { plan?: (self: Self) => unknown; dispose?: (self: Self) => unknown; backoff?: number }
    > = {
      "it backs off": { backoff: 3_600_000 },
      "its factory is at work": { plan: (self) => self.sleep(3_600_000) },
      "its factory never settles": { plan: () => new Promise(() => {}) },
      "it is disposed of": { dispose: () => new Promise(() => {}) },
    };
    for (const [moment, { plan = () => {}, dispose, backoff = 0 }] of Object.entries(moments))
      test(`[S1 ${world.name}] can be stopped while ${moment}; its end is told once, what waits ends dead`, () =>
        world.run(async (kit) => {
          const { system, conserve } = kit;
          const diary: Diary = [];
          const parent = system.spawn((self: Self) => {
            const child = self.spawn(patient(diary, [() => {}, plan], dispose), {
              supervision: { backoff, settleWithin: 2 },
            });
            return { child: () => child, stop: () => self.stop() };
          });
          const child = await system.ask(parent).child();
          const end = endOf(system, child);
          await fail(system, child);
          const waiting = verdict(system.ask(child).ok());
          if (moment !== "it is disposed of") await until(system, () => diary.includes("end 1"));
          system.tell(parent).stop();
          expect(await waiting).toBe("ActorStopped, not-started");
          expect(await end).toBe("stopped");
          expect(diary.filter((line) => line === "end 1")).toHaveLength(1);
          expect(diary).not.toContain("run 3");
          expect(crashes(kit)).toHaveLength(1);
          conserve();
        }));

    test(`[S1 ${world.name}] does not start any more once its parent goes down`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        const parent = system.spawn((self: Self) => {
          const patience = self.spawn(patient(diary, []), { supervision: { backoff: 2 } });
          // It stops first, and takes its time.
          self.spawn(() => ({ [Symbol.asyncDispose]: () => pass(system, 8) }));
          return { child: () => patience, stop: () => self.stop() };
        });
        const end = endOf(system, parent);
        await fail(system, await system.ask(parent).child());
        system.tell(parent).stop();
        expect(await end).toBe("stopped");
        expect(diary).toEqual(["run 1", "end 1"]);
      }));

    test(`[S1 ${world.name}] stopped while its factory is at work, disposes of what the factory still gives`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        const doors: (() => void)[] = [];
        const parent = system.spawn((self: Self) => {
          self.spawn(patient(diary, [() => new Promise<void>((open) => doors.push(open))]));
          return { stop: () => self.stop() };
        });
        const end = endOf(system, parent);
        system.tell(parent).stop();
        expect(await end).toBe("stopped");
        expect(diary).toEqual(["run 1"]);
        doors[0]?.();
        await until(system, () => diary.length > 1);
        expect(diary).toEqual(["run 1", "end 1"]);
      }));

    test(`[F3 ${world.name}] goes on when its dispose throws or hangs; both are reported`, () =>
      world.run(async (kit) => {
        const { system, events } = kit;
        const broken = system.spawn(patient([], [], fails), { name: "broken" });
        const hanging = system.spawn(
          patient([], [], () => new Promise(() => {})),
          {
            name: "hanging",
            supervision: { settleWithin: 2 },
          },
        );
        for (const ref of [broken, hanging]) {
          await fail(system, ref);
          expect(await system.ask(ref).ok()).toBe(2);
        }
        expect(verdicts(kit)).toEqual([
          "fail of /broken: restart",
          "dispose of /broken: resume",
          "fail of /hanging: restart",
        ]);
        expect(events.filter(({ kind }) => kind === "straggler")).toMatchObject([
          { path: "/hanging", type: "dispose" },
        ]);
      }));

    test(`[F4 ${world.name}] restarts once, when a child is escalated to it that fails while it goes down`, () =>
      world.run(async (kit) => {
        const { system, conserve } = kit;
        const nurse = system.spawn((self: Self) => ({ nap: () => self.sleep(4) }));
        const parent = system.spawn(
          (self: Self) => {
            const child = self.spawn(patient([], []), { name: "child", supervision: { onCrash: "escalate" } });
            return {
              child: () => child,
              // The fence does not end its wait: it was not begun through self.
              linger: () => system.ask(nurse).nap(),
              fail: fails,
              ok: () => true,
            };
          },
          { name: "p", concurrency: 3, supervision: { maxRestarts: 1, within: "1h", settleWithin: "1h" } },
        );
        const child = await system.ask(parent).child();
        const lingering = verdict(system.ask(parent).linger());
        expect(await verdict(system.ask(parent).fail())).toBe("ActorCrashed, unknown");
        expect(await fail(system, child)).toBe("ActorCrashed, unknown");
        expect(await lingering).toBe("ActorRestarted, unknown");
        expect(await system.ask(parent).ok()).toBe(true);
        expect(verdicts(kit)).toEqual(["fail of /p: restart", "fail of /p/child: escalate", "child of /p: restart"]);
        expect(await system.ask(await system.ask(parent).child()).ok()).toBe(1);
        conserve();
      }));

    test(`[F4 ${world.name}] takes its children along, with what they were told in the same turn`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const parent = system.spawn(
          (self: Self) => {
            const child = self.spawn(patient([], []), { name: "child" });
            return {
              both() {
                self.tell(child).fail();
                fails();
              },
              ok: () => true,
            };
          },
          { name: "p" },
        );
        await verdict(system.ask(parent).both());
        expect(await system.ask(parent).ok()).toBe(true);
        expect(verdicts(kit)).toEqual(["both of /p: restart"]);
        expect(system.deadLetters).toMatchObject([
          { to: "/p/child", from: "/p", type: "fail", reason: "ACTOR_STOPPED" },
        ]);
      }));

    test(`[F4 ${world.name}] a child whose start failed is reported, also when its parent fails in the same turn`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const parent = system.spawn(
          (self: Self) => ({
            both() {
              self.spawn(fails as () => object, { name: "child" });
              fails();
            },
            ok: () => true,
          }),
          { name: "p" },
        );
        await verdict(system.ask(parent).both());
        expect(await system.ask(parent).ok()).toBe(true);
        await until(system, () => crashes(kit).length > 1);
        expect(verdicts(kit)).toEqual(["both of /p: restart", "factory of /p/child: stop"]);
      }));

    test(`[F6 ${world.name}] crashes of two siblings in one turn restart the group twice and lose nothing`, () =>
      world.run(async ({ system, conserve }) => {
        const diaries: Diary[] = [[], [], []];
        const parent = system.spawn(
          (self: Self) => {
            const all = diaries.map((diary) => self.spawn(patient(diary, [])));
            return { all: () => all };
          },
          { children: { strategy: "one-for-all" } },
        );
        const all = await system.ask(parent).all();
        const failed = all.slice(0, 2).map((one) => fail(system, one));
        const answers = all.map((one) => system.ask(one).ok());
        expect(await Promise.all(failed)).toEqual(["ActorCrashed, unknown", "ActorCrashed, unknown"]);
        for (const run of await Promise.all(answers)) expect(run).toBeGreaterThan(1);
        await pass(system, 2);
        for (const diary of diaries) expect(diary).toEqual(["run 1", "end 1", "run 2", "end 2", "run 3"]);
        conserve();
      }));
  });
}
