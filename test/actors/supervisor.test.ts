import {
  type Ask,
  InvalidOption,
  type Make,
  type Ref,
  type Self,
  type System,
  type SystemEvent,
  settle,
} from "antiphon";
import { crash, simulate } from "antiphon/sim";
import { conserved, explore } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChildSpec, type Supervisor, type SupervisorOptions, supervisor } from "../../src/actors/supervisor.ts";
import { until } from "../conformance/until.ts";
import { live, sim } from "../conformance/world.ts";

interface Child {
  ping(): string;
  crash(): never;
  quit(): void;
  slow(ms: number): Promise<void>;
}

/** Notes its starts and ends. */
const child =
  (id: string, log: string[] = []): Make<Child> =>
  (self: Self) => {
    log.push(`+${id}`);
    return {
      ping: () => id,
      crash() {
        throw new Error("planted");
      },
      quit: () => self.stop(),
      slow: (ms) => self.sleep(ms),
      [Symbol.dispose]: () => void log.push(`-${id}`),
    };
  };

const specs = (ids: string, log: string[] = [], more: Partial<ChildSpec> = {}): ChildSpec[] =>
  [...ids].map((id) => ({ id, start: child(id, log), ...more }));

async function refOf(ask: Ask<Supervisor>, id: string): Promise<Ref<Child>> {
  const found = (await ask.which()).find((one) => one.id === id)?.ref;
  if (found === undefined) throw new Error(`no ${id}`);
  return found as Ref<Child>;
}

describe.each([live, sim])("supervisor, $name", (world) => {
  const run = (
    options: SupervisorOptions,
    body: (kit: {
      system: System;
      ask: Ask<Supervisor>;
      idle: () => Promise<void>;
      events: readonly SystemEvent[];
    }) => Promise<void>,
  ) =>
    world.run(async ({ system, idle, events, conserve }) => {
      const ref = system.spawn(supervisor(options), { name: "top" });
      await body({ system, ask: system.ask(ref), idle, events });
      conserve();
    });

  test(`[P7 ${world.name}] starts children in their order and stops them in the reverse one`, async () => {
    const log: string[] = [];
    await run({ children: specs("abc", log) }, async ({ ask, system }) => {
      expect((await ask.which()).map(({ id, ref, restart }) => `${id} ${ref?.path} ${restart}`)).toEqual([
        "a /top/group/a permanent",
        "b /top/group/b permanent",
        "c /top/group/c permanent",
      ]);
      expect(await ask.countChildren()).toEqual({ specs: 3, active: 3 });
      expect(await system.ask(await refOf(ask, "b")).ping()).toBe("b");
    });
    expect(log).toEqual(["+a", "+b", "+c", "-c", "-b", "-a"]);
  });

  test.each([
    ["one-for-one", ["-b", "+b"]],
    ["one-for-all", ["-c", "-b", "-a", "+a", "+b", "+c"]],
    ["rest-for-one", ["-c", "-b", "+b", "+c"]],
  ] as const)(`[P7 ${world.name}] restarts by %s, and refs stay valid`, async (strategy, expected) => {
    const log: string[] = [];
    await run({ strategy, children: specs("abc", log), intensity: 5 }, async ({ ask, system, idle }) => {
      const b = await refOf(ask, "b");
      log.length = 0;
      await settle(system.ask(b).crash());
      await idle();
      expect(log).toEqual(expected);
      expect(await system.ask(b).ping()).toBe("b");
      log.length = 0;
    });
  });

  test.each([
    ["permanent", "crash", true],
    ["permanent", "quit", true],
    ["transient", "crash", true],
    ["transient", "quit", false],
    ["temporary", "crash", false],
    ["temporary", "quit", false],
  ] as const)(`[P7 ${world.name}] %s, after a %s: runs again is %s`, async (restart, how, again) => {
    await run({ children: specs("a", [], { restart }) }, async ({ ask, system, idle }) => {
      await settle(system.ask(await refOf(ask, "a"))[how]());
      await idle();
      const [found] = await ask.which();
      expect(found?.ref !== undefined).toBe(again);
      expect(await ask.countChildren()).toEqual({ specs: restart === "temporary" ? 0 : 1, active: again ? 1 : 0 });
      if (again) expect(await system.ask(await refOf(ask, "a")).ping()).toBe("a");
    });
  });

  test("adds, terminates, restarts and deletes children", () =>
    run({ children: specs("a") }, async ({ ask, system }) => {
      const b = (await ask.startChild({ id: "b", start: child("b") })) as Ref<Child>;
      expect(await system.ask(b).ping()).toBe("b");
      const refusal = async (answer: Promise<unknown>) => {
        const end = await settle(answer as never);
        return end.ok ? "ok" : (end.error as { reason?: string; _tag: string }).reason;
      };
      expect(await refusal(ask.startChild({ id: "b", start: child("b") }))).toBe("already there");
      expect(await refusal(ask.deleteChild("b"))).toBe("running");
      expect(await refusal(ask.restartChild("b"))).toBe("running");
      await ask.terminateChild("b");
      expect(await settle(system.ask(b).ping())).toMatchObject({ error: { _tag: "ActorStopped" } });
      await ask.terminateChild("b");
      expect(await ask.countChildren()).toEqual({ specs: 2, active: 1 });
      const again = (await ask.restartChild("b")) as Ref<Child>;
      expect(await system.ask(again).ping()).toBe("b");
      await ask.terminateChild("b");
      await ask.deleteChild("b");
      for (const message of ["terminateChild", "restartChild", "deleteChild"] as const)
        expect(await refusal(ask[message]("b"))).toBe("no such child");
      expect((await ask.which()).map(({ id }) => id)).toEqual(["a"]);
    }));

  test("crashes itself beyond its intensity, with all its children", async () => {
    const log: string[] = [];
    await run({ children: specs("ab", log), intensity: 2 }, async ({ ask, system, idle, events }) => {
      for (let n = 0; n < 3; n++) {
        await settle(system.ask(await refOf(ask, "a")).crash());
        await idle();
      }
      await until(system, () => events.some(({ kind, path }) => kind === "crashed" && path === "/top"));
      const crashes = events.flatMap((event) => (event.kind === "crashed" ? [`${event.path} ${event.directive}`] : []));
      expect(crashes).toEqual([
        "/top/group/a restart",
        "/top/group/a restart",
        "/top/group/a restart",
        "/top/group escalate",
        "/top restart",
      ]);
      expect(await system.ask(await refOf(ask, "b")).ping()).toBe("b");
    });
    expect(log.filter((one) => one === "+b")).toHaveLength(2);
  });

  test.each(["one-for-all", "rest-for-one"] as const)("counts a crash once, however many restart by %s", (strategy) =>
    run({ strategy, children: specs("abcd"), intensity: 2 }, async ({ ask, system, idle, events }) => {
      for (let n = 0; n < 2; n++) {
        await settle(system.ask(await refOf(ask, "a")).crash());
        await idle();
      }
      expect(events.some(({ kind, path }) => kind === "crashed" && path === "/top/group")).toBe(false);
      await settle(system.ask(await refOf(ask, "b")).crash());
      await until(system, () => events.some(({ kind, path }) => kind === "crashed" && path === "/top/group"));
    }),
  );

  test("counts the crash of a child that was started again last", () =>
    run({ strategy: "rest-for-one", children: specs("ab"), intensity: 1 }, async ({ ask, system, events }) => {
      await ask.terminateChild("a");
      await ask.restartChild("a");
      for (let n = 0; n < 2; n++) await settle(system.ask(await refOf(ask, "a")).crash());
      await until(system, () => events.some(({ kind, path }) => kind === "crashed" && path === "/top/group"));
    }));

  test("refuses a message that it does not have, and a wrong specification", () =>
    run({}, async ({ ask, system }) => {
      const top = (await ask.which()) as readonly unknown[];
      expect(top).toEqual([]);
      system.spawn(child("x"));
      expect(await settle((ask as unknown as Ask<Child>).ping())).toMatchObject({ error: { _tag: "UnknownMessage" } });
      const wrong = await settle(ask.startChild({ id: "a b", start: child("a") }));
      expect(wrong).toMatchObject({ error: { _tag: "ChildRejected", message: expect.stringMatching(/^name: found/) } });
    }));
});

describe("supervisor in virtual time", () => {
  test("gives a child its shutdown, and no more", () =>
    simulate({}, async ({ system, run, now }) => {
      const ref = system.spawn(
        supervisor({
          children: [
            ...specs("a", [], { shutdown: "2s" }),
            ...specs("b", [], { shutdown: "brutal-kill" }),
            ...specs("c", [], { shutdown: "1h" }),
          ],
        }),
      );
      const ask = system.ask(ref, { within: "1h" });
      for (const [id, ms, expected] of [
        ["a", 10_000, 2_000],
        ["b", 10_000, 0],
        ["c", 10_000, 10_000],
      ] as const) {
        const slow = settle(system.ask(await refOf(ask, id), { within: "1h" }).slow(ms));
        await run(1);
        const from = now();
        // Others are served meanwhile.
        const terminated = ask.terminateChild(id);
        expect((await ask.countChildren()).specs).toBe(3);
        await terminated;
        expect(Math.round(now() - from)).toBe(expected === 10_000 ? 9_999 : expected);
        await slow;
      }
    }));

  test("forgets restarts after the period", () =>
    simulate({}, async ({ system, run }) => {
      const events: SystemEvent[] = [];
      system.events((event) => events.push(event));
      const ref = system.spawn(supervisor({ children: specs("a"), intensity: 1, period: "10s" }), { name: "top" });
      for (let n = 0; n < 5; n++) {
        await settle(system.ask(await refOf(system.ask(ref), "a")).crash());
        await run("11s");
      }
      expect(events.filter(({ kind, path }) => kind === "crashed" && path === "/top")).toEqual([]);
    }));

  test("terminates a child between two incarnations", () =>
    simulate({}, async ({ system, run }) => {
      const options = { supervision: { backoff: "1s" } } as const;
      const ref = system.spawn(supervisor({ children: specs("a", [], { options }) }), { name: "top" });
      const ask = system.ask(ref);
      await settle(system.ask(await refOf(ask, "a")).crash());
      await run(10);
      await ask.terminateChild("a");
      expect(await ask.countChildren()).toEqual({ specs: 1, active: 0 });
    }));

  test(
    "in every order, permanent children run in the end, and the list is true",
    () =>
      fc.assert(
        explore(
          {
            strategy: fc.constantFrom("one-for-one", "one-for-all", "rest-for-one"),
            acts: fc.array(
              fc.record({
                id: fc.constantFrom("a", "b", "c"),
                how: fc.constantFrom("crash", "quit", "terminate", "restart"),
              }),
              { maxLength: 5 },
            ),
          },
          async ({ system, runUntilIdle }, { strategy, acts }) => {
            const ref = system.spawn(
              supervisor({ strategy: strategy as "one-for-one", children: specs("abc"), intensity: 100 }),
              { name: "top" },
            );
            const client = (self: Self) => ({
              async go(act: (typeof acts)[number]) {
                const ask = self.ask(ref, { within: "1h" });
                if (act.how === "terminate") return void (await settle(ask.terminateChild(act.id)));
                if (act.how === "restart") return void (await settle(ask.restartChild(act.id)));
                const found = (await ask.which()).find(({ id }) => id === act.id)?.ref as Ref<Child> | undefined;
                if (found !== undefined) await settle(self.ask(found, { within: "1h" })[act.how as "crash"]());
              },
            });
            acts.forEach((act, n) => {
              system.tell(system.spawn(client, { name: `client-${n}` })).go(act);
            });
            await runUntilIdle();
            const children = await system.ask(ref).which();
            for (const { id, ref } of children) {
              if (ref === undefined && !acts.some((act) => act.how === "terminate" && act.id === id))
                throw new Error(`${id} does not run`);
              if (ref !== undefined && (await system.ask(ref as Ref<Child>).ping()) !== id)
                throw new Error(`${id} is not who it says`);
            }
            if (!conserved(system).ok) throw new Error("the books do not balance");
          },
          { schedules: 25, faults: [crash("/top/group/b", { at: 0 })] },
        ),
        { seed: 7, numRuns: 12 },
      ),
    60_000,
  );
});

test.each<[string, SupervisorOptions]>([
  ["strategy", { strategy: "simple-one-for-one" as "one-for-all" }],
  ["intensity", { intensity: -1 }],
  ["period", { period: "soon" as "1s" }],
  ["id", { children: specs("aa") }],
  ["name", { children: specs("/") }],
  ["start", { children: [{ id: "a", start: 1 as never }] }],
  ["restart", { children: specs("a", [], { restart: "often" as never }) }],
  ["supervision.settleWithin", { children: specs("a", [], { shutdown: -1 }) }],
  ["child.type", { children: specs("a", [], { type: "worker" } as never) }],
  ["options.name", { children: specs("a", [], { options: { name: "b" } as never }) }],
  [
    "options.supervision.maxRestarts",
    { children: specs("a", [], { options: { supervision: { maxRestarts: 1 } } as never }) },
  ],
  ["stratgy", { stratgy: 1 } as never],
])("a supervisor refuses a wrong %s", (option, options) => {
  expect(() => supervisor(options)).toThrow(InvalidOption);
  expect(() => supervisor(options)).toThrow(new RegExp(`^${option}: found`));
});
