// The wheel against a sorted array, and the one alarm that wakes the world for it.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Timed } from "../../src/runtime/kernel/operation.ts";
import { createSystemOn } from "../../src/runtime/live/create.ts";
import { Wheel } from "../../src/runtime/live/wheel.ts";
import { CountingHost } from "./counting.ts";

type Act =
  | { readonly kind: "arm"; readonly timer: number; readonly in: number }
  | { readonly kind: "disarm"; readonly timer: number };
type Step = Act | { readonly kind: "advance"; readonly by: number };

const timers = 8;
const delay = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 12 }).map((half) => half / 2) },
  // Round the turn of the wheel, and many turns on.
  { weight: 2, arbitrary: fc.integer({ min: 4_090, max: 4_100 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 100_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(86_400_000, 1e12, Number.POSITIVE_INFINITY, -3, -5_000) },
);
const timer = fc.nat({ max: timers - 1 });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("arm" as const), timer, in: delay }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("disarm" as const), timer }) },
);
const by = fc.oneof(delay, fc.integer({ min: 4_000, max: 20_000 })).map((ms) => (ms >= 0 && ms < 1e9 ? ms : 1));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: act },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("advance" as const), by }) },
);

interface Plan {
  readonly steps: readonly Step[];
  /** What each timer does when it fires, the n-th time. */
  readonly whenFired: readonly (readonly Act[])[][];
  readonly background: readonly boolean[];
}
const plan: fc.Arbitrary<Plan> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 60, size: "max" }),
  whenFired: fc.array(fc.array(fc.array(act, { maxLength: 3 }), { maxLength: 2 }), {
    minLength: timers,
    maxLength: timers,
  }),
  background: fc.array(fc.boolean(), { minLength: timers, maxLength: timers }),
});

class Probe extends Timed {
  readonly #background: boolean;
  readonly #fired: () => void;

  constructor(background: boolean, fired: () => void) {
    super();
    this.#background = background;
    this.#fired = fired;
  }

  override get background(): boolean {
    return this.#background;
  }

  due(): void {
    this.#fired();
  }
}

interface Entry {
  readonly timer: number;
  readonly at: number;
  /** Armed for a time that had passed. */
  readonly passed: boolean;
}

/** What the wheel should do, said with an array. */
class Model {
  /** In the order of arming. */
  armed: Entry[] = [];

  arm(timer: number, at: number, now: number): void {
    this.disarm(timer);
    if (at < Number.POSITIVE_INFINITY) this.armed.push({ timer, at, passed: at < now });
  }

  disarm(timer: number): void {
    this.armed = this.armed.filter((one) => one.timer !== timer);
  }
}

/** Runs a plan on both; `check` is called after each step. */
function run({ steps, whenFired, background }: Plan, check: (wheel: Wheel, model: Model, now: number) => void): number {
  const wheel = new Wheel();
  const model = new Model();
  let now = 0;
  let fired: number[] = [];
  const times = new Array<number>(timers).fill(0);
  const apply = (one: Act) => {
    const probe = probes[one.timer] as Probe;
    if (one.kind === "disarm") {
      model.disarm(one.timer);
      if (probe.armed) wheel.disarm(probe);
      return;
    }
    model.arm(one.timer, Math.max(now + one.in, 0), now);
    wheel.arm(probe, Math.max(now + one.in, 0));
  };
  const probes = background.map(
    (isBackground, timer) =>
      new Probe(isBackground, () => {
        const mine = model.armed.find((one) => one.timer === timer);
        expect(mine, `timer ${timer} fires while it is armed`).toBeDefined();
        expect(mine?.at, `timer ${timer} is never early`).toBeLessThanOrEqual(now);
        fired.push(timer);
        model.disarm(timer);
        for (const one of whenFired[timer]?.[(times[timer] ?? 0) % 7] ?? []) apply(one);
        times[timer] = (times[timer] ?? 0) + 1;
      }),
  );
  let count = 0;
  for (const one of steps) {
    if (one.kind !== "advance") apply(one);
    else {
      now += one.by;
      const due = model.armed.filter(({ at }) => at <= now);
      fired = [];
      wheel.advance(now);
      count += fired.length;
      expect(due.map(({ timer }) => timer)).toEqual(expect.arrayContaining(fired));
      expect(new Set(fired).size).toBe(fired.length);
      if (whenFired.every((acts) => acts.length === 0)) {
        expect([...fired].sort()).toEqual(due.map(({ timer }) => timer).sort());
        // By time, then by order of arming: the sort is stable.
        const inTime = due.filter(({ passed }) => !passed).sort((a, b) => a.at - b.at);
        expect(fired.filter((timer) => inTime.some((one) => one.timer === timer))).toEqual(
          inTime.map(({ timer }) => timer),
        );
      }
    }
    check(wheel, model, now);
  }
  return count;
}

describe("the wheel", () => {
  const asModel = (wheel: Wheel, model: Model, background: readonly boolean[]) => {
    const soonest = Math.min(...model.armed.map(({ at }) => at), Number.POSITIVE_INFINITY);
    expect(wheel.foreground).toBe(model.armed.filter(({ timer }) => background[timer] === false).length);
    if (soonest === Number.POSITIVE_INFINITY) expect(wheel.soonest).toBe(soonest);
  };

  test("fires what is due by time, equal times in the order of arming, never early, and nothing else", () => {
    let fired = 0;
    fc.assert(
      fc.property(plan, (given) => {
        const quiet = { ...given, whenFired: given.whenFired.map(() => []) };
        fired += run(quiet, (wheel, model, now) => {
          asModel(wheel, model, quiet.background);
          // A lower bound of what is to come, so that no wake-up is missed.
          expect(wheel.soonest).toBeLessThanOrEqual(Math.max(Math.min(...model.armed.map(({ at }) => at)), now));
        });
      }),
      { seed: 11, numRuns: 400 },
    );
    expect(fired).toBeGreaterThan(1_000);
  });

  test("allows arming and disarming while it fires; what turns arm for now fires at the next advance", () => {
    let fired = 0;
    fc.assert(
      fc.property(plan, (given) => {
        fired += run(given, (wheel, model) => asModel(wheel, model, given.background));
        // Nothing is lost: what is armed comes to an end when time goes on and nothing new is armed.
        const quiet = { ...given, whenFired: given.whenFired.map(() => []) };
        const end = { kind: "advance" as const, by: 2e12 };
        run({ ...quiet, steps: [...given.steps, end] }, (wheel, model, now) => {
          if (now >= 2e12) expect([wheel.foreground, model.armed, wheel.soonest]).toEqual([0, [], Infinity]);
        });
      }),
      { seed: 12, numRuns: 300 },
    );
    expect(fired).toBeGreaterThan(1_000);
  });

  test("fires what was armed for a time that has passed at the next advance", () => {
    const wheel = new Wheel();
    const fired: string[] = [];
    wheel.arm(new Probe(false, () => fired.push("now")), 100);
    wheel.advance(100);
    wheel.arm(new Probe(false, () => fired.push("late")), 40);
    expect(wheel.soonest).toBeLessThanOrEqual(100);
    wheel.advance(101);
    expect(fired).toEqual(["now", "late"]);
  });
});

describe("the alarm", () => {
  const counting = () => {
    const host = new CountingHost();
    const system = createSystemOn(host, { seed: 1, report: false });
    const sleeper = system.spawn(
      (self) => ({
        sleep: (ms: number) => self.sleep(ms),
        after: (ms: number) => void self.after(ms, () => {}, "one"),
        every: (ms: number) => void self.every(ms, () => {}, "many"),
        cancel() {
          self.after(1, () => {}, "one").cancel();
          self.after(1, () => {}, "many").cancel();
        },
      }),
      { concurrency: 1_000 },
    );
    return { host, system, sleeper };
  };

  test("is never set by a system in which nothing waits", async () => {
    const { host, system, sleeper } = counting();
    for (let i = 0; i < 100; i++) await Promise.all([system.ask(sleeper).cancel(), host.macrotask()]);
    await host.settled();
    expect(host.alarms.filter((told) => told.startsWith("set"))).toEqual([]);
  });

  test.each([
    ["a sleep", "sleep", true],
    ["an after", "after", true],
    ["an every", "every", false],
  ] as const)("is set once for %s, and says whether the process waits for it", async (_what, message, holds) => {
    const { host, system, sleeper } = counting();
    await host.macrotask();
    host.alarms.length = 0;
    system.tell(sleeper)[message](50);
    for (let i = 0; i < 10; i++) await host.macrotask();
    expect(host.alarms).toEqual(holds ? ["hold", "set 50"] : ["set 50"]);
  });

  test("is set again only for something sooner, and cleared when nothing is armed any more", async () => {
    const { host, system, sleeper } = counting();
    await host.macrotask();
    host.alarms.length = 0;
    for (const ms of [50, 80, 60, 20, 30]) {
      system.tell(sleeper).sleep(ms);
      await host.macrotask();
    }
    expect(host.alarms).toEqual(["hold", "set 50", "set 20"]);
    host.alarms.length = 0;
    await host.settled();
    expect(host.time).toBe(1_080);
    expect(host.alarms).toEqual(["set 10", "set 20", "set 10", "set 20", "unhold"]);
    host.alarms.length = 0;
    system.tell(sleeper).after(5_000);
    await host.macrotask();
    system.tell(sleeper).cancel();
    await host.macrotask();
    expect(host.alarms).toEqual(["hold", "set 5000", "unhold", "clear"]);
  });

  test("counts host time: at twice the speed it rings after half of the world's", async () => {
    const host = new CountingHost();
    const system = createSystemOn(host, { seed: 1, report: false, speed: 2 });
    const sleeper = system.spawn((self) => ({ sleep: (ms: number) => self.sleep(ms) }));
    let woken: number[] = [];
    void system
      .ask(sleeper)
      .sleep(100)
      .then(() => (woken = [system.now(), host.time]));
    await host.settled();
    expect(host.alarms).toContain("set 50");
    expect(woken).toEqual([100, 1_050]);
  });
});
