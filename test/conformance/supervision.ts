// Who restarts whom, how often and after how long: budgets, backoff and the three strategies.

import type { Backoff, Ref, Self, SpawnOptions, System } from "antiphon";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gate, type Passage } from "../fixtures/gate.ts";
import { type Counter, counter, crashes, type Diary, kinds, pass, verdicts } from "./trouble.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { WorldUnderTest } from "./world.ts";

type Supervision = NonNullable<SpawnOptions["supervision"]>;

/** Crashes `ref` once and waits until its asker knows. */
const fail = (system: System, ref: Ref<Counter>) => verdict(system.ask(ref).fail("boom"));

function budgetSuite(world: WorldUnderTest): void {
  describe("the restart budget", () => {
    for (const maxRestarts of [0, 1, 3])
      test(`[F4 ${world.name}] of ${maxRestarts} lets a child restart ${maxRestarts} times, then its parent crashes`, () =>
        world.run(async (kit) => {
          const { system } = kit;
          const parent = system.spawn(family({ child: { maxRestarts, within: "1h" }, brother: {} }), { name: "p" });
          const { child, brother } = await system.ask(parent).members();
          // The budget is the child's own: its brother's crashes are not counted against it.
          await fail(system, brother);
          await fail(system, brother);
          for (let n = 0; n < maxRestarts; n++) await fail(system, child);
          expect(await system.ask(child).add()).toBe(1);
          expect(await fail(system, child)).toBe("ActorCrashed, unknown");
          expect(await verdict(system.ask(child).add())).toBe("ActorStopped, not-started");
          expect(verdicts(kit).slice(2)).toEqual([
            ...Array(maxRestarts).fill("fail of /p/child: restart"),
            "fail of /p/child: escalate",
            "child of /p: restart",
          ]);
          const { reason, supervisor, offender } = crashes(kit).at(-1) ?? {};
          expect({ supervisor, offender }).toEqual({ supervisor: "/", offender: undefined });
          expect(reason).toMatchObject({ _tag: "ChildFailed", path: "/p/child", cause: { message: "boom" } });
          expect(String(reason)).toContain(`more than ${maxRestarts} crashes within 60 m`);
          // The parent made new children, with a whole budget.
          const fresh = await system.ask(parent).members();
          expect(await system.ask(fresh.brother).add()).toBe(1);
          expect(kinds(kit, "system-failed")).toEqual([]);
        }));

    test(`[F4 ${world.name}] is a window: crashes further apart than that are never too many`, () =>
      world.run(async ({ system, events }) => {
        const patient = system.spawn(counter("patient", []), { supervision: { maxRestarts: 1, within: 2 } });
        const strict = system.spawn(counter("strict", []), { supervision: { maxRestarts: 1, within: "1h" } });
        for (let n = 0; n < 4; n++) {
          await fail(system, patient);
          if (n < 2) await fail(system, strict);
          await pass(system, 5);
        }
        expect(await system.ask(patient).add()).toBe(1);
        expect(await verdict(system.ask(strict).add())).toBe("ActorStopped, not-started");
        expect(events.filter(({ kind }) => kind === "system-failed")).toHaveLength(1);
      }));

    test(`[F4 ${world.name}] counts one crash, however many messages were in flight`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const ref = system.spawn(
          (self: Self) => ({
            linger: () => self.sleep("1h"),
            fail: () => Promise.reject(new Error("boom")),
            ok: () => true,
          }),
          { concurrency: 8, supervision: { maxRestarts: 2, within: "1h" } },
        );
        for (let n = 0; n < 2; n++) {
          const others = Array.from({ length: 5 }, () => verdict(system.ask(ref).linger()));
          expect(await verdict(system.ask(ref).fail())).toBe("ActorCrashed, unknown");
          expect(await Promise.all(others)).toEqual(Array(5).fill("ActorRestarted, unknown"));
        }
        expect(await system.ask(ref).ok()).toBe(true);
        expect(crashes(kit)).toHaveLength(2);
        expect(system.census(ref)).toMatchObject({ crashed: 2, cancelled: 10 });
      }));

    test(`[F4 ${world.name}] escalates level by level; at the root SystemFailed is reported and the siblings go on`, () =>
      world.run(async (kit) => {
        const { system, events } = kit;
        const leaf = { maxRestarts: 0 };
        const middle = (self: Self) => {
          const child = self.spawn(counter("leaf", []), { name: "leaf", supervision: leaf });
          return { leaf: () => child };
        };
        const top = system.spawn(
          (self: Self) => {
            const child = self.spawn(middle, { name: "middle", supervision: { onCrash: "escalate" } });
            return { middle: () => child };
          },
          { name: "top", supervision: { maxRestarts: 1, within: "1h" } },
        );
        const sibling = system.spawn(counter("sibling", []));
        await system.ask(sibling).add();
        for (let round = 0; round < 2; round++)
          await fail(system, await system.ask(await system.ask(top).middle()).leaf());
        expect(await verdict(system.ask(top).middle())).toBe("ActorStopped, not-started");
        const round = ["fail of /top/middle/leaf: escalate", "child of /top/middle: escalate"];
        expect(verdicts(kit)).toEqual([...round, "child of /top: restart", ...round, "child of /top: escalate"]);
        const failed = events.filter((event) => event.kind === "system-failed");
        expect(failed).toMatchObject([{ path: "/top", reason: { _tag: "SystemFailed", path: "/top" } }]);
        const causes: string[] = [];
        for (let at: unknown = failed[0]?.reason; at instanceof Error; at = at.cause) causes.push(at.name);
        expect(causes).toEqual(["SystemFailed", "ChildFailed", "ChildFailed", "Error"]);
        expect(await system.ask(sibling).add()).toBe(2);
        expect(system.census().actors).toBe(1);
      }));

    test(`[F4 ${world.name}] a parent that resumes goes on without the child that failed for good`, () =>
      world.run(async ({ system }) => {
        const parent = system.spawn(family({ child: { onCrash: "escalate" }, brother: {} }), {
          supervision: { onCrash: "resume" },
        });
        const { child, brother } = await system.ask(parent).members();
        await system.ask(brother).add();
        await fail(system, child);
        expect(await verdict(system.ask(child).add())).toBe("ActorStopped, not-started");
        expect(await system.ask(brother).add()).toBe(2);
        expect((await system.ask(parent).members()).brother).toBe(brother);
      }));
  });

  describe("the backoff", () => {
    const waits: Record<string, { backoff: Backoff; atLeast: number[] }> = {
      fixed: { backoff: 3, atLeast: [3, 3, 3] },
      growing: { backoff: { first: 1, factor: 3, max: 5 }, atLeast: [1, 3, 5] },
      "a function": { backoff: (restart) => restart * 2, atLeast: [2, 4, 6] },
      jittered: { backoff: { first: 4, factor: 1, jitter: 0.5 }, atLeast: [2, 2, 2] },
    };
    for (const [name, { backoff, atLeast }] of Object.entries(waits))
      test(`[F4 ${world.name}] that is ${name} lies between a crash and the factory; the mailbox waits`, () =>
        world.run(async ({ system }) => {
          const waited: number[] = [];
          let crashed: number | undefined;
          const ref = system.spawn(
            (self: Self) => {
              if (crashed !== undefined) waited.push(self.now() - crashed);
              return {
                fail() {
                  crashed = self.now();
                  throw new Error("boom");
                },
                ok: () => true,
              };
            },
            { supervision: { backoff } },
          );
          for (const _ of atLeast) {
            system.tell(ref).fail();
            expect(await system.ask(ref).ok()).toBe(true);
          }
          expect(waited).toHaveLength(atLeast.length);
          waited.forEach((ms, n) => {
            expect(ms).toBeGreaterThanOrEqual(atLeast[n] as number);
          });
        }));

    test(`[F4 ${world.name}] as a function is given the number of restarts in the window`, () =>
      world.run(async ({ system }) => {
        const given: number[] = [];
        const backoff = (restart: number) => given.push(restart) * 0;
        const ref = system.spawn(counter("a", []), { supervision: { backoff, maxRestarts: 9, within: "1h" } });
        for (let n = 0; n < 4; n++) await fail(system, ref);
        expect(given).toEqual([1, 2, 3, 4]);
      }));

    for (const [what, backoff] of Object.entries({
      throws: () => {
        throw new Error("no idea");
      },
      "gives no duration": () => Number.NaN,
    }))
      test(`[F4 ${world.name}] as a function that ${what} fails its actor for good, and nothing else`, () =>
        world.run(async (kit) => {
          const { system, events } = kit;
          const ref = system.spawn(counter("a", []), { name: "a", supervision: { backoff } });
          const other = system.spawn(counter("b", []));
          expect(await fail(system, ref)).toBe("ActorCrashed, unknown");
          expect(await verdict(system.ask(ref).add())).toBe("ActorStopped, not-started");
          expect(await system.ask(other).add()).toBe(1);
          expect(verdicts(kit)).toEqual(["fail of /a: escalate"]);
          const reasons = events.flatMap((event) => (event.kind === "system-failed" ? [String(event.reason)] : []));
          expect(reasons).toEqual([expect.stringContaining("its backoff gives no duration")]);
        }));
  });
}

function family(of: { child: Supervision; brother: Supervision }) {
  return (self: Self) => {
    const child = self.spawn(counter("child", []), { name: "child", supervision: of.child });
    const brother = self.spawn(counter("brother", []), { name: "brother", supervision: of.brother });
    return { members: () => ({ child, brother }) };
  };
}

function overlapSuite(world: WorldUnderTest): void {
  describe("a crash that meets another", () => {
    test(`[F4 ${world.name}] of a child escalated while its parent still starts, starts the parent again`, () =>
      world.run(async (kit) => {
        const { system, conserve } = kit;
        const diary: Diary = [];
        let runs = 0;
        const parent = system.spawn(
          async (self: Self) => {
            const run = ++runs;
            const child = self.spawn(counter("child", []), { name: "child", supervision: { onCrash: "escalate" } });
            if (run === 1) self.tell(child).fail("early");
            // Not through self: the fence does not end it, and its object comes too late.
            await pass(system, 4);
            return { run: () => run, [Symbol.dispose]: () => void diary.push(`end ${run}`) };
          },
          { name: "p" },
        );
        expect(await system.ask(parent).run()).toBe(2);
        await until(system, () => diary.length > 0);
        expect(diary).toEqual(["end 1"]);
        expect(verdicts(kit)).toEqual(["fail of /p/child: escalate", "child of /p: restart"]);
        conserve();
      }));

    test(`[F6 ${world.name}] keeps its whole group down while it backs off, then starts it in order`, () =>
      world.run(async (kit) => {
        const { system, conserve } = kit;
        const diary: Diary = [];
        const parent = system.spawn(
          (self: Self) => {
            const patient = self.spawn(counter("patient", diary), { supervision: { backoff: 8 } });
            const hasty = self.spawn(counter("hasty", diary));
            return { children: () => [patient, hasty] as const };
          },
          { children: { strategy: "rest-for-one" } },
        );
        const [patient, hasty] = await system.ask(parent).children();
        await fail(system, patient);
        const waiting = [patient, hasty].map((one) => system.ask(one).add());
        // Both are down: nothing of theirs can crash until they start again.
        expect(diary).toEqual(["patient starts", "hasty starts", "hasty ends", "patient ends"]);
        conserve();
        expect(await Promise.all(waiting)).toEqual([1, 1]);
        await fail(system, hasty);
        expect(await system.ask(patient).add()).toBe(2);
        expect(await system.ask(hasty).add()).toBe(1);
        expect(diary.slice(4)).toEqual(["patient starts", "hasty starts", "hasty ends", "hasty starts"]);
        expect(crashes(kit)).toHaveLength(2);
      }));

    test(`[F6 ${world.name}] of an earlier sibling takes over the restart of one that backs off: it starts once`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        const parent = system.spawn(
          (self: Self) => {
            const first = self.spawn(counter("first", diary));
            const second = self.spawn(counter("second", diary), { supervision: { backoff: 6 } });
            return { children: () => [first, second] as const };
          },
          { children: { strategy: "rest-for-one" } },
        );
        const [first, second] = await system.ask(parent).children();
        await fail(system, second);
        await fail(system, first);
        expect(await system.ask(second).add()).toBe(1);
        await pass(system, 12);
        expect(await system.ask(second).add()).toBe(2);
        expect(diary.filter((line) => line === "second starts")).toHaveLength(2);
        expect(diary.slice(2)).toEqual(["second ends", "first ends", "first starts", "second starts"]);
      }));
  });
}

export function supervisionConformance(world: WorldUnderTest): void {
  budgetSuite(world);
  overlapSuite(world);
  describe("a strategy", () => {
    const names = ["a", "b", "c", "d"] as const;
    const restarts = { "one-for-one": () => [1], "one-for-all": () => [0, 1, 2, 3], "rest-for-one": () => [1, 2, 3] };
    for (const strategy of ["one-for-one", "one-for-all", "rest-for-one"] as const)
      for (const [pace, concurrency] of [
        ["at once", 1],
        ["asynchronously", 1],
        ["at once", 2],
      ] as const) {
        test(`[F6 ${world.name}] ${strategy} stops last to first, starts first to last, ${pace}, and keeps the mailboxes (${concurrency} at a time)`, () =>
          world.run(async ({ system, conserve }) => {
            const diary: Diary = [];
            const barrier: Ref<Passage> = system.spawn(gate);
            const member = (name: string) => (self: Self) => {
              diary.push(`${name} starts`);
              const up = () => {
                diary.push(`${name} is up`);
                return { ...counter(name, diary, "quietly")(), slow: () => self.ask(barrier).enter() };
              };
              return pace === "at once" ? up() : self.sleep(2).then(up);
            };
            const parent = system.spawn(
              (self: Self) => {
                const members = names.map((name) => self.spawn(member(name), { name, concurrency }));
                return { members: () => members };
              },
              { children: { strategy } },
            );
            const members = await system.ask(parent).members();
            await Promise.all(members.map((one) => system.ask(one).add()));
            expect(diary.filter((line) => line.endsWith("starts"))).toEqual(names.map((name) => `${name} starts`));
            diary.length = 0;
            // All slots are taken, b's last one by what crashes, and two wait at each.
            const flying = members.map((one, n) =>
              Promise.all(
                Array.from({ length: n === 1 ? concurrency - 1 : concurrency }, () => verdict(system.ask(one).slow())),
              ),
            );
            await system.ask(barrier).entered(4 * concurrency - 1);
            const failed = verdict(system.ask(members[1] as Ref<Counter>).fail("boom"));
            const waiting = members.map((one) => Promise.all([system.ask(one).add(), system.ask(one).add()]));
            expect(await failed).toBe("ActorCrashed, unknown");
            system.tell(barrier).open();
            const counts = await Promise.all(waiting);
            conserve();
            const group = restarts[strategy]();
            const labels = group.map((n) => names[n] as string);
            expect(diary).toEqual([
              ...[...labels].reverse().map((name) => `${name} ends`),
              ...labels.flatMap((name) => [`${name} starts`, `${name} is up`]),
            ]);
            expect(counts).toEqual(names.map((_, n) => (group.includes(n) ? [1, 2] : [2, 3])));
            for (const [n, verdicts] of (await Promise.all(flying)).entries())
              expect(new Set([...verdicts, ""])).toEqual(
                new Set([verdicts.length === 0 ? "" : group.includes(n) ? "ActorRestarted, unknown" : "ok", ""]),
              );
          }));
      }

    test(`[F6 ${world.name}] takes any number of children down and up, in order`, () =>
      world.run(async ({ system }) => {
        const size = 2_000;
        const diary: Diary = [];
        const parent = system.spawn(
          (self: Self) => {
            const members = Array.from({ length: size }, (_, n) => self.spawn(counter(String(n), diary)));
            return { members: () => members };
          },
          { children: { strategy: "one-for-all" } },
        );
        const members = await system.ask(parent).members();
        diary.length = 0;
        await fail(system, members[size >> 1] as Ref<Counter>);
        await system.ask(members[size - 1] as Ref<Counter>).add();
        const order = Array.from({ length: size }, (_, n) => String(n));
        expect(diary).toEqual([...order.map((n) => `${n} ends`).reverse(), ...order.map((n) => `${n} starts`)]);
      }));

    test(`[F6 ${world.name}] restarts exactly its group, whoever crashes among however many`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom("one-for-one", "one-for-all", "rest-for-one" as const),
          fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }),
          (strategy, victims) =>
            world.run(async ({ system, conserve }) => {
              const parent = system.spawn(
                (self: Self) => {
                  const members = names.map((name) => self.spawn(counter(name, []), { name }));
                  return { members: () => members };
                },
                { children: { strategy: strategy as keyof typeof restarts } },
              );
              const members = await system.ask(parent).members();
              const expected = members.map(() => 0);
              for (const victim of victims.map((n) => n % members.length)) {
                await fail(system, members[victim] as Ref<Counter>);
                const hit = (n: number) =>
                  strategy === "one-for-all" || n === victim || (strategy === "rest-for-one" && n > victim);
                for (const [n, one] of members.entries()) {
                  expected[n] = hit(n) ? 1 : (expected[n] as number) + 1;
                  expect(await system.ask(one).add()).toBe(expected[n]);
                }
              }
              conserve();
            }),
        ),
        { seed: 6, numRuns: 40 },
      ));
  });
}
