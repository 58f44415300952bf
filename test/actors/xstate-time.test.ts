import { type Self, settle } from "antiphon";
import { simulate } from "antiphon/sim";
import { explore } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assign, createMachine, emit, fromCallback, type InspectionEvent, setup } from "xstate";
import { MachineCoverage, machine, type PersistedMachine } from "../../src/actors/xstate/index.ts";

const door = setup({
  types: {
    context: {} as { opened: number; by: string },
    events: {} as { type: "open"; by: string } | { type: "close" } | { type: "lock" } | { type: "break" },
    emitted: {} as { type: "creak"; times: number },
    input: {} as { opened?: number },
  },
  actions: {
    fall: () => {
      throw new Error("planted");
    },
  },
}).createMachine({
  id: "door",
  initial: "closed",
  context: ({ input }) => ({ opened: input?.opened ?? 0, by: "" }),
  on: { break: { actions: "fall" } },
  states: {
    closed: {
      on: {
        open: {
          target: "open",
          actions: [
            assign({ opened: ({ context }) => context.opened + 1, by: ({ event }) => event.by }),
            emit(({ context }) => ({ type: "creak" as const, times: context.opened })),
          ],
        },
        lock: "locked",
      },
    },
    open: { on: { close: "closed" }, after: { 60000: "closed" } },
    locked: { type: "final" },
  },
});

describe("machine in virtual time", () => {
  test("takes delayed transitions on the world's clock, equal for equal seeds [W1 sim]", async () => {
    const play = () =>
      simulate({ seed: 7, strict: true }, async ({ system, run }) => {
        const ref = system.spawn(machine(door), { name: "door" });
        await system.ask(ref).open({ by: "me" });
        await run("59s");
        const before = (await system.ask(ref).getSnapshot()).value;
        await run("2s");
        return [before, (await system.ask(ref).getSnapshot()).value];
      });
    const [one, two] = [await play(), await play()];
    expect(one.value).toEqual(["open", "closed"]);
    expect(one.trace.join("\n")).toBe(two.trace.join("\n"));
    expect(one.trace.join("\n")).toContain("/door/timer:xstate.after.60000.door.open#1");
    expect(one.trace.join("\n")).not.toMatch(/x:\d/);
    expect(one.trace.filter(({ kind }) => kind === "noted").map(({ at, name }) => `${at} ${name}`)).toEqual([
      '0 /door:open takes door to "open"',
      '60000 /door:xstate.after.60000.door.open takes door to "closed"',
    ]);
    expect(one.leaks).toEqual([]);
  });

  test("is equal when it is run twice, and does not do after a crash what the failed step had left [W1 sim]", async () => {
    const started: string[] = [];
    const fragile = (self: Self) =>
      createMachine({
        id: "fragile",
        types: {} as { events: { type: "go" } },
        initial: "a",
        states: {
          a: { on: { go: "b" } },
          b: {
            invoke: { src: fromCallback(() => void started.push(self.path)) },
            entry: () => {
              throw new Error("planted");
            },
          },
        },
      });
    const { events } = await simulate({ twice: true }, async ({ system }) => {
      const ref = system.spawn(machine(fragile), { name: "fragile" });
      expect(await settle(system.ask(ref).go())).toMatchObject({ ok: false, error: { _tag: "ActorCrashed" } });
      expect((await system.ask(ref).getSnapshot()).value).toBe("a");
    });
    expect(events.map(({ kind }) => kind)).toEqual(["crashed"]);
    expect(started).toEqual([]);
  });

  test("cancels the delay of a state that it leaves [T3 sim]", async () => {
    const { endedMs } = await simulate({}, async ({ system, runUntilIdle }) => {
      const ref = system.spawn(machine(door));
      await system.ask(ref).open({ by: "me" });
      await system.ask(ref).close();
      await runUntilIdle();
    });
    expect(endedMs).toBe(0);
  });

  test("goes on after a crash where it was saved, its timers at their time", async () => {
    const { value } = await simulate({}, async ({ system, run }) => {
      let saved: PersistedMachine | undefined;
      const make = machine(door, {
        save: (persisted) => {
          saved = JSON.parse(JSON.stringify(persisted));
        },
        snapshot: () => saved,
      });
      const ref = system.spawn(make, { name: "door" });
      await system.ask(ref).open({ by: "me" });
      await run("50s");
      await settle(system.ask(ref).break());
      const after = await system.ask(ref).getSnapshot();
      await run("9s");
      const nearly = (await system.ask(ref).getSnapshot()).value;
      await run("2s");
      return [after.value, after.context.opened, nearly, (await system.ask(ref).getSnapshot()).value];
    });
    expect(value).toEqual(["open", 1, "open", "closed"]);
  });

  test("begins from a snapshot that was taken elsewhere, children and their delays included", async () => {
    const child = createMachine({
      id: "child",
      initial: "young",
      states: { young: { after: { 10000: "old" } }, old: { type: "final" } },
    });
    const parent = setup({ actors: { child } }).createMachine({
      id: "parent",
      initial: "waiting",
      states: { waiting: { invoke: { src: "child", id: "kid", onDone: "done" } }, done: {} },
    });
    const first = await simulate({}, async ({ system, run }) => {
      const ref = system.spawn(machine(parent));
      await run("4s");
      return await system.ask(ref).getPersistedSnapshot();
    });
    expect(first.value.timers).toMatchObject([{ at: 10_000, source: ["kid"], target: ["kid"] }]);
    const second = await simulate({}, async ({ system, run }) => {
      const ref = system.spawn(machine(parent, { snapshot: first.value, epochMs: 4_000 }));
      await run("5s");
      const before = (await system.ask(ref).getSnapshot()).value;
      await run("2s");
      return [before, (await system.ask(ref).getSnapshot()).value];
    });
    expect(second.value).toEqual(["waiting", "done"]);
  });

  test("shows XState's inspection events, with ids of its own", async () => {
    const seen: InspectionEvent[] = [];
    await simulate({}, async ({ system }) => {
      const inspect = (event: InspectionEvent) => {
        seen.push(event);
        throw new Error("dropped");
      };
      const ref = system.spawn(machine(door, { inspect }));
      await system.ask(ref).open({ by: "me" });
    });
    expect(new Set(seen.map(({ type }) => type))).toEqual(
      new Set(["@xstate.actor", "@xstate.microstep", "@xstate.snapshot", "@xstate.event", "@xstate.action"]),
    );
    expect(new Set(seen.map(({ rootId }) => rootId))).toEqual(new Set(["door:1"]));
  });

  test("is explored, with the transitions that were taken", async () => {
    const coverage = new MachineCoverage();
    const property = explore(
      { by: fc.constantFrom("me", "you") },
      async ({ system, runUntilIdle }, { by }) => {
        const ref = system.spawn(machine(door, { coverage }), { name: "door" });
        const clients = ["one", "two"].map((name) =>
          system.spawn(
            (self: Self) => ({
              go: () => Promise.all([settle(self.ask(ref).open({ by })), settle(self.ask(ref).close())]),
            }),
            { name },
          ),
        );
        await Promise.all(clients.map((client) => system.ask(client).go()));
        await runUntilIdle();
      },
      { schedules: 20 },
    );
    await fc.assert(property, { numRuns: 2 });
    expect(coverage.missing).toEqual([
      { state: "door", event: "break" },
      { state: "door.closed", event: "lock" },
      { state: "door.open", event: "xstate.after.60000.door.open" },
    ]);
    expect(`${coverage}`).toMatch(
      /^2 of 5 transitions were taken\n {2}never: break in door\n {2}never: lock in door.closed\n/,
    );
    expect(coverage.pairs.find(({ event }) => event === "open")?.times).toBeGreaterThan(40);
  });
});
