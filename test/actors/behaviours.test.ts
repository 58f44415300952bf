// What the runtime promises holds for every kind of behaviour: the same bodies over plain, asynchronous, effectful actors,
// machines, and actors whose methods return observables.

import { type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { type Kit, live, sim } from "../conformance/world.ts";
import { kinds, type Log } from "./kinds.ts";

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

describe.each(cases)("$kind actors in the $world world", ({ world, run, make, waits, refusal }) => {
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
      const refused = await settle(system.ask(ref).refuse());
      if (refused.ok) throw new Error("not refused");
      expect(refused.error).toMatchObject({ _tag: refusal, outcome: "answered", retrySafe: false });
      expect(await system.ask(ref).add({ n: 1 })).toBe(1);
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
      await system.ask(ref).later({ ms: 60, n: 100 });
      await system.ask(ref).later({ ms: 4, n: 1 });
      await pass(kit, 80);
      expect(await system.ask(ref).add({ n: 0 })).toBe(1);
      await system.ask(ref).later({ ms: 60, n: 1 });
      await system.ask(ref).cancel();
      await pass(kit, 80);
      expect(await system.ask(ref).add({ n: 0 })).toBe(1);
    }));

  test(`lose their timers when they restart [F2 ${world}]`, () =>
    run(async (kit) => {
      const { system } = kit;
      const ref = system.spawn(make([]));
      await system.ask(ref).later({ ms: 60, n: 1 });
      await settle(system.ask(ref).crash());
      await pass(kit, 80);
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
