// What the runtime promises holds for every kind of behaviour: the same bodies over plain, asynchronous, effectful actors
// and machines.

import { type Make, type Ref, Refusal, type Self, settle, type Timer } from "antiphon";
import * as Effect from "effect/Effect";
import { describe, expect, test } from "vitest";
import { assign, fromPromise, setup } from "xstate";
import { ask, effectful } from "../../src/actors/effect/index.ts";
import { machine } from "../../src/actors/xstate/index.ts";
import { type Kit, live, sim } from "../conformance/world.ts";

class No extends Refusal {
  readonly _tag = "No";
}

/** What each kind does, each in its own way. Payloads are objects, as events of machines are. */
interface Subject {
  add(by: { n: number }): number;
  refuse(): No;
  crash(): never;
  /** Asks another subject to add, and gives what that answered. */
  relay(to: { to: Ref<Subject>; n: number }): number;
  /** Takes so long. */
  slow(by: { ms: number }): number;
  /** Has a timer add, so much later; the name replaces. */
  later(by: { ms: number; n: number }): number;
  cancel(): number;
}

type Log = string[];

interface Kind {
  readonly name: string;
  readonly make: (log: Log) => Make<Subject>;
  /** Its handlers wait for what they ask; those of a machine have ended, and answer with the state before. */
  readonly waits: boolean;
}

const plain = (log: Log) => (self: Self<Subject>) => {
  let total = 0;
  let timer: Timer | undefined;
  const note = (text: string) => void log.push(`${self.path} ${text}`);
  return {
    add: ({ n }: { n: number }) => (total += n),
    refuse: () => new No("no"),
    crash: () => {
      throw new Error("planted");
    },
    later: ({ ms, n }: { ms: number; n: number }) => {
      timer = self.after(ms, () => void (total += n), "later");
      return total;
    },
    cancel: () => {
      timer?.cancel();
      return total;
    },
    note,
    total: () => total,
  };
};

const asynchronous =
  (log: Log): Make<Subject> =>
  (self) => {
    const { note, total, ...sync } = plain(log)(self);
    const turned = Object.fromEntries(
      Object.entries(sync).map(([name, run]) => [
        name,
        async (payload: never) => {
          await Promise.resolve();
          return (run as (payload: never) => unknown)(payload);
        },
      ]),
    );
    return {
      ...turned,
      relay: async ({ to, n }: { to: Ref<Subject>; n: number }) => await self.ask(to).add({ n }),
      slow: async ({ ms }: { ms: number }) => {
        note("begins");
        self.signal.addEventListener("abort", () => note("aborted"));
        try {
          await self.sleep(ms);
          note("ends");
        } finally {
          note("finally");
        }
        return total();
      },
    } as never;
  };

/** Synchronous where it can be: its handlers return the promises of the runtime. */
const synchronous =
  (log: Log): Make<Subject> =>
  (self) => {
    const { note, total, ...sync } = plain(log)(self);
    return {
      ...sync,
      relay: ({ to, n }: { to: Ref<Subject>; n: number }) => self.ask(to).add({ n }),
      slow: ({ ms }: { ms: number }) => {
        note("begins");
        self.signal.addEventListener("abort", () => note("aborted"));
        return self
          .sleep(ms)
          .then(() => {
            note("ends");
            return total();
          })
          .finally(() => note("finally"));
      },
    } as never;
  };

const ofEffects = (log: Log): Make<Subject> =>
  effectful((self) => {
    const { note, total, ...sync } = plain(log)(self);
    return {
      add: (by: { n: number }) => Effect.sync(() => sync.add(by)),
      refuse: () => Effect.fail(new No("no")),
      crash: () => Effect.die(new Error("planted")),
      later: sync.later,
      cancel: sync.cancel,
      relay: ({ to, n }: { to: Ref<Subject>; n: number }) => ask(to).add({ n }),
      slow: ({ ms }: { ms: number }) =>
        Effect.sync(() => note("begins")).pipe(
          Effect.andThen(Effect.sleep(ms)),
          Effect.andThen(Effect.sync(() => note("ends"))),
          Effect.onInterrupt(() => Effect.sync(() => note("aborted"))),
          Effect.ensuring(Effect.sync(() => note("finally"))),
          Effect.map(total),
        ),
    };
  }) as never;

type Events =
  | { type: "add"; n: number }
  | { type: "crash" }
  | { type: "relay"; to: Ref<Subject>; n: number }
  | { type: "slow"; ms: number }
  | { type: "later"; ms: number; n: number }
  | { type: "cancel" };

const ofStates = (log: Log): Make<Subject> =>
  machine(
    (self) =>
      setup({
        types: { context: {} as { total: number; n: number; ms: number; to?: Ref<Subject> }, events: {} as Events },
        actors: {
          asking: fromPromise(({ input }: { input: { to: Ref<Subject>; n: number } }) => self.ask(input.to).add(input)),
        },
        delays: { later: ({ context }) => context.ms },
        actions: {
          fall: () => {
            throw new Error("planted");
          },
          note: (_, text: string) => void log.push(`${self.path} ${text}`),
        },
      }).createMachine({
        id: "subject",
        context: { total: 0, n: 0, ms: 0 },
        type: "parallel",
        on: {
          add: { actions: assign({ total: ({ context, event }) => context.total + event.n }) },
          crash: { actions: "fall" },
        },
        states: {
          timer: {
            initial: "idle",
            on: {
              later: { target: ".armed", actions: assign({ ms: ({ event }) => event.ms, n: ({ event }) => event.n }) },
              cancel: { target: ".idle" },
            },
            states: {
              idle: {},
              armed: {
                after: {
                  later: { target: "idle", actions: assign({ total: ({ context }) => context.total + context.n }) },
                },
              },
            },
          },
          call: {
            initial: "idle",
            states: {
              idle: {
                on: {
                  relay: {
                    target: "asking",
                    actions: assign({ to: ({ event }) => event.to, n: ({ event }) => event.n }),
                  },
                },
              },
              asking: {
                invoke: {
                  src: "asking",
                  input: ({ context }) => ({ to: context.to as Ref<Subject>, n: context.n }),
                  onDone: { target: "idle", actions: assign({ total: ({ event }) => event.output }) },
                },
              },
            },
          },
        },
      }),
    { answer: ({ context }) => context.total },
  ) as never;

const kinds: readonly Kind[] = [
  { name: "plain", make: synchronous, waits: true },
  { name: "async", make: asynchronous, waits: true },
  { name: "Effect", make: ofEffects, waits: true },
  { name: "machine", make: ofStates, waits: false },
];

const worlds = [live, sim];
const cases = worlds.flatMap((world) =>
  kinds.map((kind) => ({ world: world.name, kind: kind.name, run: world.run, ...kind })),
);
const waiting = cases.filter(({ waits }) => waits);

const patience = (self: Self) => ({ wait: (ms: number) => self.sleep(ms) });
const pass = async ({ system, idle }: Kit, ms: number) => {
  await system.ask(system.spawn(patience), { within: "1h" }).wait(ms);
  await idle();
};

describe.each(cases)("$kind actors in the $world world", ({ world, run, make, waits }) => {
  test(`answer each ask once, in the order of asking [A1 ${world}] [D1 ${world}]`, () =>
    run(async ({ system }) => {
      const ref = system.spawn(make([]));
      const answers = [1, 2, 3].map((n) => system.ask(ref).add({ n }));
      expect(await Promise.all(answers)).toEqual([1, 3, 6]);
      expect(system.census(ref)).toMatchObject({ handled: 3, accepted: 3 });
    }));

  test(`refuse with a typed answer, and say its outcome [A5 ${world}]`, () =>
    run(async ({ system }) => {
      const ref = system.spawn(make([]));
      const refused = await settle(waits ? system.ask(ref).refuse() : system.ask(ref).slow({ ms: 1 }));
      if (refused.ok) throw new Error("not refused");
      // A machine has no such event at all: it was never begun.
      expect(refused.error).toMatchObject(
        waits
          ? { _tag: "No", outcome: "answered", retrySafe: false }
          : { _tag: "UnknownMessage", outcome: "not-started" },
      );
    }));

  test(`fail at once when they crash, and start anew with their mailbox [A2 ${world}] [F2 ${world}]`, () =>
    run(async ({ system, events }) => {
      const ref = system.spawn(make([]));
      await system.ask(ref).add({ n: 5 });
      const [crashed, after] = [settle(system.ask(ref).crash()), system.ask(ref).add({ n: 1 })];
      expect(await crashed).toMatchObject({ ok: false, error: { _tag: "ActorCrashed", outcome: "unknown" } });
      expect(await after).toBe(1);
      expect(events.filter(({ kind }) => kind === "crashed")).toHaveLength(1);
    }));

  test(`leave others alone when they crash [F1 ${world}]`, () =>
    run(async ({ system }) => {
      const [one, other] = [system.spawn(make([])), system.spawn(make([]))];
      await system.ask(other).add({ n: 5 });
      await settle(system.ask(one).crash());
      expect(await system.ask(other).add({ n: 1 })).toBe(6);
    }));

  test(`end when their budget of restarts is used up [F4 ${world}]`, () =>
    run(async (kit) => {
      const { system, events } = kit;
      const ref = system.spawn(make([]), { supervision: { maxRestarts: 1 } });
      for (let i = 0; i < 2; i++) await settle(system.ask(ref).crash());
      await pass(kit, 1);
      expect(await settle(system.ask(ref).add({ n: 1 }))).toMatchObject({ ok: false, error: { _tag: "ActorStopped" } });
      expect(events.filter(({ kind }) => kind === "system-failed")).toHaveLength(1);
    }));

  test(`have timers that are turns, that a name replaces, and that are gone when cancelled [T2 ${world}] [T3 ${world}]`, () =>
    run(async (kit) => {
      const { system } = kit;
      const ref = system.spawn(make([]));
      await system.ask(ref).later({ ms: 1, n: 100 });
      await system.ask(ref).later({ ms: 4, n: 1 });
      await pass(kit, 10);
      expect(await system.ask(ref).add({ n: 0 })).toBe(1);
      await system.ask(ref).later({ ms: 2, n: 1 });
      await system.ask(ref).cancel();
      await pass(kit, 5);
      expect(await system.ask(ref).add({ n: 0 })).toBe(1);
    }));

  test(`lose their timers when they restart [F2 ${world}]`, () =>
    run(async (kit) => {
      const { system } = kit;
      const ref = system.spawn(make([]));
      await system.ask(ref).later({ ms: 3, n: 1 });
      await settle(system.ask(ref).crash());
      await pass(kit, 6);
      expect(await system.ask(ref).add({ n: 0 })).toBe(0);
    }));

  test(`ask others, and hear their answers [A1 ${world}]`, () =>
    run(async (kit) => {
      const { system } = kit;
      const [one, other] = [system.spawn(make([])), system.spawn(make([]))];
      const answer = await system.ask(one).relay({ to: other, n: 7 });
      expect(answer).toBe(waits ? 7 : 0);
      await pass(kit, 2);
      expect(await system.ask(other).add({ n: 0 })).toBe(7);
      if (!waits) expect(await system.ask(one).add({ n: 0 })).toBe(7);
    }));

  test(`lose no message to the counts, whatever they do [D3 ${world}]`, () =>
    run(async (kit) => {
      const { system, conserve } = kit;
      const [one, other] = [system.spawn(make([])), system.spawn(make([]))];
      const all = [
        system.ask(one).add({ n: 1 }),
        system.ask(one).relay({ to: other, n: 1 }),
        system.ask(one).crash(),
        system.ask(one).later({ ms: 1, n: 1 }),
        system.ask(other).add({ n: 1 }),
      ].map((answer) => settle(answer as never));
      conserve();
      await Promise.all(all);
      await pass(kit, 3);
      conserve();
      const { sent, turnedAway, accepted, turns, ...rest } = system.census();
      expect(sent).toBe(turnedAway + accepted);
      expect(rest.handled + rest.crashed + rest.refused + rest.cancelled + rest.dead).toBe(accepted);
      expect(turns).toBeGreaterThan(0);
    }));
});

describe.each(waiting)("handlers of $kind actors that wait, in the $world world", ({ world, run, make }) => {
  test(`keep the next message waiting [T1 ${world}]`, () =>
    run(async ({ system }) => {
      const log: Log = [];
      const ref = system.spawn(make(log), { name: "one" });
      await Promise.all([system.ask(ref).slow({ ms: 3 }), system.ask(ref).slow({ ms: 1 })]);
      const phases = log.map((line) => line.replace("/one ", "")).filter((phase) => phase !== "finally");
      expect(phases).toEqual(["begins", "ends", "begins", "ends"]);
    }));

  test(`are interleaved at their awaits with concurrency [T1 ${world}]`, () =>
    run(async ({ system }) => {
      const log: Log = [];
      const ref = system.spawn(make(log), { concurrency: 2 });
      await Promise.all([system.ask(ref).slow({ ms: 60 }), system.ask(ref).slow({ ms: 50 })]);
      expect(log.slice(0, 2).map((line) => line.split(" ")[1])).toEqual(["begins", "begins"]);
    }));

  test(`inherit the deadline of who asks them [A3 ${world}]`, () =>
    run(async ({ system }) => {
      const log: Log = [];
      const slow = system.spawn(make(log), { name: "slow" });
      const front = system.spawn((self: Self) => ({ go: () => self.ask(slow).slow({ ms: 10_000 }) }));
      const late = await settle(system.ask(front, { within: 20 }).go());
      expect(late).toMatchObject({ ok: false, error: { _tag: "AskTimeout" } });
    }));

  test(`are signalled when their asker gives up, and answer nobody [A4 ${world}] [A6 ${world}]`, () =>
    run(async (kit) => {
      const { system } = kit;
      const log: Log = [];
      const ref = system.spawn(make(log), { name: "one" });
      const giveUp = new AbortController();
      const given = settle(system.ask(ref, { signal: giveUp.signal }).slow({ ms: 30 }));
      const queued = settle(system.ask(ref, { signal: giveUp.signal }).add({ n: 1 }));
      await system.ask(system.spawn(patience)).wait(1);
      giveUp.abort();
      expect(await given).toMatchObject({ ok: false, error: { _tag: "Cancelled", outcome: "unknown" } });
      expect(await queued).toMatchObject({ ok: false, error: { _tag: "Cancelled", outcome: "not-started" } });
      await pass(kit, 40);
      expect(log).toContain("/one aborted");
      expect(system.census()).toMatchObject({ late: 1 });
      expect(await system.ask(ref).add({ n: 1 })).toBe(1);
    }));

  test(`find a circle of waits [A7 ${world}]`, () =>
    run(async ({ system }) => {
      const ref = system.spawn(make([]), { name: "one" });
      const circle = await settle(system.ask(ref).relay({ to: ref, n: 1 }));
      expect(circle).toMatchObject({ ok: false, error: { _tag: "WaitCycle", passed: ["/one"] } });
    }));

  test(`end with finally when their actor stops [F3 ${world}]`, () =>
    run(async ({ system, breathe }) => {
      const log: Log = [];
      const ref = system.spawn(make(log), { name: "one" });
      const stopped = settle(system.ask(ref, { within: "1h" }).slow({ ms: 1_000_000 }));
      while (log.length === 0) await breathe();
      await system.stop();
      expect(await stopped).toMatchObject({ ok: false, error: { _tag: "ActorStopped" } });
      expect(log).toContain("/one finally");
      expect(log).not.toContain("/one ends");
    }));
});
