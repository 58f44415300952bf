// What faults are: data that is checked, struck when their time has come, and reported. And those that strike at once:
// crashes and restarts.

import { InvalidOption, type Ref, type Self, type SpawnOptions, settle } from "antiphon";
import {
  clockOffset,
  crash,
  delay,
  drop,
  duplicate,
  errors,
  type Fault,
  partition,
  pause,
  powerFailure,
  reorder,
  restart,
  type SimulatedWorld,
  simulate,
  slow,
} from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { at, balanced, counter, struck } from "./balanced.ts";

describe("crash", () => {
  test("[F2 sim] has the actor start anew, with its mailbox; what it had in flight is cancelled", async () => {
    const run = await balanced({ faults: [crash("/a", { at: 5 })] }, ({ system, now }) => {
      const log: unknown[] = [];
      const a = system.spawn(counter, { name: "a" });
      const note = (answer: PromiseLike<unknown>) => void settle(answer as never).then((how) => log.push([how, now()]));
      note(system.ask(a).add());
      note(system.ask(a).nap(10));
      note(system.ask(a).add());
      return { log, census: () => system.census(a) };
    });
    expect(run.value.log).toMatchObject([
      [{ ok: true, value: 1 }, 0],
      [{ ok: false, error: { _tag: "ActorRestarted", outcome: "unknown" } }, 5],
      [{ ok: true, value: 1 }, 5],
    ]);
    expect(run.value.census()).toMatchObject({ handled: 2, cancelled: 1, crashed: 0 });
    expect(struck(run)).toEqual([1]);
    expect(run.events).toMatchObject([{ kind: "crashed", path: "/a", context: "fault", directive: "restart" }]);
  });

  test.each([
    ["resume", ["slept at 10"]],
    ["stop", ["ActorStopped at 5"]],
    ["escalate", ["ActorStopped at 5"]],
  ] as const)("leaves it to the supervision what follows: %s", async (onCrash, expected) => {
    const { value } = await balanced({ faults: [crash("/a", { at: 5 })] }, ({ system, now }) => {
      const log: string[] = [];
      const a = system.spawn(counter, { name: "a", supervision: { onCrash } });
      system
        .ask(a)
        .nap(10)
        .then(
          () => log.push(`slept at ${now()}`),
          (error) => log.push(`${error._tag} at ${now()}`),
        );
      return log;
    });
    expect(value).toEqual(expected);
  });

  test("[F4 sim] is charged to the budget of the actor; restart is not, and is whatever its supervision says", async () => {
    const times = [1, 2, 3, 4, 5, 6];
    const start = (options: SpawnOptions) => (world: SimulatedWorld) => {
      let starts = 0;
      world.system.spawn(
        () => {
          starts++;
          return {};
        },
        { name: "a", ...options },
      );
      return () => starts;
    };
    const crashed = await balanced({ faults: times.map((at) => crash("/a", { at })) }, start({}));
    expect(crashed.value()).toBe(4);
    expect(struck(crashed)).toEqual([1, 1, 1, 1, 0, 0]);
    expect(crashed.events.map(({ kind }) => kind)).toEqual([...Array(4).fill("crashed"), "system-failed"]);
    const restarted = await balanced(
      { faults: times.map((at) => restart("/a", { at })) },
      start({ supervision: { onCrash: "stop" } }),
    );
    expect(restarted.value()).toBe(7);
    expect(struck(restarted)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(restarted.events).toEqual([]);
  });

  test("strikes whatever its pattern fits, parents with their children", async () => {
    const starts: string[] = [];
    const run = await balanced({ faults: [crash("/team*", { at: 5 }), crash("/*/x", { at: 6 })] }, ({ system }) => {
      const noted = (self: Self) => {
        starts.push(self.path);
        return {};
      };
      const parent = (self: Self) => {
        self.spawn(noted, { name: "x" });
        self.spawn(noted, { name: "y" });
        return noted(self);
      };
      for (const name of ["team-a", "teamb", "other"]) system.spawn(parent, { name });
      starts.length = 0;
    });
    expect(starts).toEqual([
      ...["/team-a/x", "/team-a/y", "/team-a", "/teamb/x", "/teamb/y", "/teamb"],
      ...["/team-a/x", "/teamb/x", "/other/x"],
    ]);
    expect(struck(run)).toEqual([6, 3]);
    // A child that goes with its parent does not crash of itself.
    const crashed = run.events.map((event) => event.kind === "crashed" && event.path);
    expect(crashed).toEqual(["/team-a", "/teamb", "/team-a/x", "/teamb/x", "/other/x"]);
  });

  test("lets a factory that it runs act", async () => {
    const run = await balanced({ faults: [crash("/a", { at: 1 }), restart("/a", { at: 2 })] }, ({ system }) => {
      const b = system.spawn(counter, { name: "b" });
      const a = async (self: Self) => {
        self.tell(b).add();
        await self.sleep(0.5);
        return {};
      };
      system.spawn(a, { name: "a" });
      return () => system.census(b).handled;
    });
    expect(run.value()).toBe(3);
  });
});

describe("a fault", () => {
  test("that finds nothing to strike strikes nothing, and is reported so", async () => {
    const faults = [
      ...[crash("/b", { at: 1 }), restart("/b", { at: 1 }), pause("/b", { to: 9 }), slow("/b", { times: 2 })],
      ...[clockOffset("/b", { by: 5 }), errors("/b", { first: 1 }), drop("/b>*"), duplicate("*>/b")],
      ...[delay("/a>/b", { by: 1 }), reorder("/b>/a", { by: 1 }), partition(["/a"], ["/b"])],
    ];
    const run = await balanced({ faults }, ({ system }) => {
      const a: Ref<{ nap(ms: number): unknown }> = system.spawn(counter, { name: "a" });
      at(system, 1, (self) => self.ask(a).nap(3));
    });
    expect(run.faults).toEqual(faults.map((fault) => ({ fault, struck: 0 })));
    expect(run.endedMs).toBe(9);
  });

  test("may be injected while the world runs, also for a time that is past: then it strikes at once", async () => {
    const { value, faults } = await simulate({}, async ({ system, inject, run, now }) => {
      const starts: number[] = [];
      system.spawn(
        () => {
          starts.push(now());
          return {};
        },
        { name: "a" },
      );
      await run(10);
      inject(restart("/a", { at: 15 }));
      inject(restart("/a", { at: 5 }));
      expect(() => inject({ kind: "crash", target: "a", at: 1 })).toThrow(InvalidOption);
      await run(10);
      return starts;
    });
    expect(value).toEqual([0, 10, 15]);
    expect(faults).toMatchObject([{ struck: 1 }, { struck: 1 }]);
  });

  const wrong: readonly [option: string, make: () => unknown][] = [
    ["crash.target", () => crash("a", { at: 1 })],
    ["crash.target", () => crash("/a b", { at: 1 })],
    ["crash.target", () => crash(undefined as never, { at: 1 })],
    ["crash.at", () => crash("/a", {} as never)],
    ["restart.at", () => restart("/a", { at: -1 })],
    ["power-failure.at", () => powerFailure({ at: "soon" as never })],
    ["pause.to", () => pause("/a", {} as never)],
    ["pause.to", () => pause("/a", { to: Number.POSITIVE_INFINITY })],
    ["pause.to", () => pause("/a", { from: 5, to: 5 })],
    ["slow.from", () => slow("/a", { times: 2, from: Number.NaN })],
    ["slow.times", () => slow("/a", {} as never)],
    ["slow.times", () => slow("/a", { times: -1 })],
    ["slow.times", () => slow("/a", { times: Number.POSITIVE_INFINITY })],
    ["clock-offset.byMs", () => clockOffset("/a", { by: Number.NaN })],
    ["clock-offset.by", () => clockOffset("/a", { by: "soon" as never })],
    ["error.first", () => errors("/a", {} as never)],
    ["error.first", () => errors("/a", { first: 0 })],
    ["error.type", () => errors("/a", { first: 1, type: 1 as never })],
    ["drop.link", () => drop("/a")],
    ["drop.link", () => drop("/a>/b>/c")],
    ["drop.link", () => drop("/a>b")],
    ["drop.share", () => drop("*>*", { share: 0 })],
    ["drop.share", () => drop("*>*", { share: 1.1 })],
    ["duplicate.first", () => duplicate("*>*", { first: 1.5 })],
    ["delay.by", () => delay("*>*", {} as never)],
    ["delay.by", () => delay("*>*", { by: null as never })],
    ["delay.by.max", () => delay("*>*", { by: { min: 5, max: 1 } })],
    ["reorder.by.min", () => reorder("*>*", { by: { max: 1 } as never })],
    ["partition.one", () => partition("/a" as never, ["/b"])],
    ["partition.other", () => partition(["/a"], ["b"])],
    ["partition.to", () => partition(["/a"], ["/b"], { from: "2s", to: "1s" })],
    ["crash.to", () => crash("/a", { at: 1, to: 5 } as never)],
  ];
  test.each(wrong)("is checked where it is made: %s", (option, make) => {
    let found: unknown;
    try {
      make();
    } catch (error) {
      found = error;
    }
    expect(found).toMatchObject({ _tag: "InvalidOption", option });
  });

  test("is data: what JSON gives back is the same fault, and is checked as well", async () => {
    const faults = [
      ...[crash("/a", { at: 5 }), powerFailure({ at: "1m" }), clockOffset("*", { by: "-1".length, to: "1h" })],
      ...[errors("/a", { first: 2, type: "add" }), delay("/a>/b", { by: { min: 1, max: "2s" }, share: 0.5, first: 3 })],
    ];
    const parsed = JSON.parse(JSON.stringify(faults)) as Fault[];
    expect(parsed).toEqual(faults);
    expect((await simulate({ faults: parsed }, () => 1)).faults.map(({ fault }) => fault)).toEqual(faults);
    const bad = [{ kind: "slow", target: "/a" }, { kind: "hiccup" }, null, 5] as unknown as Fault[];
    for (const fault of bad) {
      const run = simulate({ faults: [fault] }, () => 1);
      await expect(run).rejects.toThrow(InvalidOption);
    }
  });
});
