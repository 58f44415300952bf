import { type Answer, type Ref, Refusal, type Self, settle } from "antiphon";
import { describe, expect, expectTypeOf, test } from "vitest";
import { assign, createMachine, emit, fromCallback, fromPromise, raise, sendTo, setup } from "xstate";
import { machine, NotAcceptedInState, type PersistedMachine } from "../../src/actors/xstate/index.ts";
import { live, sim } from "../conformance/world.ts";

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

describe.each([live, sim])("machine in the $name world", ({ name, run }) => {
  test(`answers an event with the state reached [A1 ${name}]`, () =>
    run(async ({ system }) => {
      const ref = system.spawn(machine(door));
      expect(ref.path).toBe("/door-1");
      const answer = system.ask(ref).open({ by: "me" });
      expectTypeOf(answer).toExtend<Answer<{ readonly context: { opened: number } }, NotAcceptedInState>>();
      expect(await answer).toEqual({
        value: "open",
        context: { opened: 1, by: "me" },
        status: "active",
        output: undefined,
      });
      // @ts-expect-error: it says by whom
      const untyped = () => system.ask(ref).open();
      expectTypeOf(untyped).toBeFunction();
      expect(await system.ask(ref).getSnapshot()).toMatchObject({ value: "open" });
    }));

  test("refuses an event that its state has no transition for, and nothing changes", () =>
    run(async ({ system }) => {
      const ref = system.spawn(machine(door), { name: "door" });
      const refused = await settle(system.ask(ref).close());
      if (refused.ok) throw new Error("closed twice");
      expect(refused.error).toBeInstanceOf(NotAcceptedInState);
      expect(refused.error).toMatchObject({
        event: "close",
        state: "closed",
        message: '/door takes no close in state "closed".',
      });
      await system.ask(ref).lock();
      const done = await settle(system.ask(ref).open({ by: "me" }));
      expect(!done.ok && done.error.message).toBe("/door takes no open now: it is done.");
      expect(system.census(ref)).toMatchObject({ refused: 2, handled: 1 });
    }));

  test("answers what it is told to", () =>
    run(async ({ system }) => {
      const ref = system.spawn(
        machine(door, {
          input: { opened: 41 },
          unaccepted: "ignore",
          answer: ({ context }, event) => `${event.type} ${context.opened}`,
        }),
      );
      expectTypeOf(system.ask(ref).close()).toExtend<Promise<string>>();
      expect(await system.ask(ref).close()).toBe("close 41");
      expect(await system.ask(ref).open({ by: "me" })).toBe("open 42");
    }));

  test(`crashes when an action throws, and begins anew [F2 ${name}]`, () =>
    run(async ({ system, events }) => {
      const ref = system.spawn(machine(door));
      await system.ask(ref).open({ by: "me" });
      const crashed = await settle(system.ask(ref).break());
      expect(!crashed.ok && crashed.error).toMatchObject({ _tag: "ActorCrashed", cause: { message: "planted" } });
      expect(await system.ask(ref).getSnapshot()).toMatchObject({ value: "closed", context: { opened: 0 } });
      expect(events.filter(({ kind }) => kind === "crashed")).toHaveLength(1);
    }));

  test("tells observers each state, and listeners what it emits, through restarts", () =>
    run(async ({ system, idle }) => {
      const log: unknown[] = [];
      const observer = system.spawn(() => ({
        next: ({ value }: { value: unknown }) => void log.push(value),
        complete: () => void log.push("complete"),
        emitted: ({ type, times }: { type: string; times: number }) => void log.push(`${type} ${times}`),
      }));
      const ref = system.spawn(machine(door));
      system.tell(ref).subscribe(observer as never);
      system.tell(ref).listen(observer as never);
      await system.ask(ref).open({ by: "me" });
      await settle(system.ask(ref).break());
      await system.ask(ref).lock();
      await idle();
      expect(log).toEqual(["closed", "creak 1", "open", "closed", "locked", "complete"]);
    }));

  test("runs invoked promises, callbacks and children, each result a turn", () =>
    run(async ({ system, idle }) => {
      const log: string[] = [];
      const stock = system.spawn((self: Self) => ({
        async reserve(sku: string) {
          await self.sleep(200);
          return `one ${sku}`;
        },
      }));
      const child = createMachine({
        id: "child",
        initial: "a",
        states: { a: { after: { 2: "b" } }, b: { type: "final" } },
        output: "grown",
      });
      const order = (self: Self) =>
        setup({
          types: {
            context: {} as { got: string[] },
            events: {} as { type: "start"; sku: string } | { type: "tick"; n: number },
          },
          actors: {
            reserve: fromPromise(({ input }: { input: { sku: string } }) => self.ask(stock).reserve(input.sku)),
            ticking: fromCallback(({ sendBack }) => {
              sendBack({ type: "tick", n: 1 });
              self.after(1, () => sendBack({ type: "tick", n: 2 }));
              return () => void log.push("callback ended");
            }),
            child,
          },
        }).createMachine({
          id: "order",
          context: { got: [] },
          initial: "idle",
          on: { tick: { actions: assign({ got: ({ context, event }) => [...context.got, `tick ${event.n}`] }) } },
          states: {
            idle: { on: { start: "reserving" } },
            reserving: {
              invoke: [
                { src: "ticking" },
                {
                  src: "reserve",
                  input: ({ event }) => ({ sku: event.type === "start" ? event.sku : "" }),
                  onDone: {
                    target: "growing",
                    actions: assign({ got: ({ context, event }) => [...context.got, event.output] }),
                  },
                },
              ],
            },
            growing: {
              invoke: {
                src: "child",
                id: "kid",
                onDone: {
                  target: "done",
                  actions: assign({ got: ({ context, event }) => [...context.got, String(event.output)] }),
                },
              },
            },
            done: {},
          },
        });
      const ref = system.spawn(machine(order), { name: "order" });
      expect(await system.ask(ref, { within: 100 }).start({ sku: "mug" })).toMatchObject({ value: "reserving" });
      const wait = system.spawn((self: Self) => ({ wait: () => self.sleep(5) }));
      for (let i = 0; i < 100 && (await system.ask(ref).getSnapshot()).value !== "done"; i++)
        await system.ask(wait).wait();
      await idle();
      expect(await system.ask(ref).getSnapshot()).toMatchObject({
        value: "done",
        context: { got: ["tick 1", "tick 2", "one mug", "grown"] },
      });
      expect(log).toEqual(["callback ended"]);
    }));

  test("takes a transition when what it invoked fails, and crashes where there is none", () =>
    run(async ({ system, events, idle }) => {
      const failing = fromPromise(() => Promise.reject(new Error("planted")));
      const make = (handled: boolean) =>
        createMachine({
          id: "failing",
          initial: "trying",
          states: {
            trying: { invoke: { src: failing, ...(handled && { onError: "failed" }) } },
            failed: {},
          },
        });
      const wait = system.spawn((self: Self) => ({ wait: () => self.sleep(10) }));
      const caught = system.spawn(machine(make(true)));
      await system.ask(wait).wait();
      expect(await system.ask(caught).getSnapshot()).toMatchObject({ value: "failed" });
      system.spawn(machine(make(false)), { name: "loose", supervision: { onCrash: "stop" } });
      await system.ask(wait).wait();
      await idle();
      expect(events.find(({ kind, path }) => kind === "crashed" && path === "/loose")).toMatchObject({
        context: "pipe",
        reason: { message: "planted" },
      });
    }));

  test("stops its children when it stops", () =>
    run(async ({ system }) => {
      const log: string[] = [];
      const watching = createMachine({
        id: "watching",
        invoke: { src: fromCallback(() => () => void log.push("ended")) },
      });
      const ref = system.spawn(machine(watching));
      await system.ask(ref).getSnapshot();
      await system.stop();
      expect(log).toEqual(["ended"]);
    }));

  test("stops when it is done, if it is told so", () =>
    run(async ({ system, events }) => {
      const ref = system.spawn(machine(door, { stopWhenDone: true }), { name: "door" });
      expect(await system.ask(ref).lock()).toMatchObject({ value: "locked", status: "done" });
      expect(await settle(system.ask(ref).getSnapshot())).toMatchObject({ ok: false, error: { _tag: "ActorStopped" } });
      expect(events).toContainEqual(expect.objectContaining({ kind: "ended", path: "/door" }));
    }));

  test("takes any event where it has a wildcard, and sends to its children and itself", () =>
    run(async ({ system }) => {
      const echo = createMachine({
        id: "echo",
        context: { seen: [] as string[] },
        on: {
          "*": {
            actions: assign({ seen: ({ context, event }) => [...(context as { seen: string[] }).seen, event.type] }),
          },
          go: { actions: [raise({ type: "raised" }), sendTo(({ self }) => self, { type: "sent" })] },
        },
      });
      const ref = system.spawn(machine(echo)) as unknown as Ref<{
        go(): { context: { seen: string[] } };
        other(): { context: { seen: string[] } };
      }>;
      expect((await system.ask(ref).go()).context.seen).toEqual(["raised", "sent"]);
      expect((await system.ask(ref).other()).context.seen).toEqual(["raised", "sent", "other"]);
    }));

  test("may refuse by what it answers, and waits for what saves it", () =>
    run(async ({ system }) => {
      class TooOften extends Refusal {
        readonly _tag = "TooOften";
      }
      const saved: PersistedMachine[] = [];
      const ref = system.spawn(
        machine(door, {
          answer: ({ context }) => (context.opened > 1 ? new TooOften() : context.opened),
          save: async (persisted) => void saved.push(await Promise.resolve(persisted)),
        }),
      );
      expect(await system.ask(ref).open({ by: "me" })).toBe(1);
      expect(saved).toHaveLength(1);
      await system.ask(ref).close();
      const again = await settle(system.ask(ref).open({ by: "me" }));
      expect(!again.ok && again.error).toBeInstanceOf(TooOften);
      expectTypeOf(again).toExtend<{ ok: true; value: number } | { ok: false; error: object }>();
    }));

  test("refuses what it can not use", () =>
    run(async ({ system }) => {
      expect(() => machine({} as never)).toThrow("logic: found");
      expect(() => machine(door, { unaccepted: "maybe" as never })).toThrow("unaccepted: found");
      expect(() => machine(door, { epochMs: Number.NaN })).toThrow("epochMs: found");
      const clash = createMachine({ on: { subscribe: { actions: () => {} } } });
      expect(() => machine(clash)).toThrow("an event subscribe");
      expect(() => system.spawn(machine(() => clash))).toThrow("a machine with an event subscribe");
    }));
});
