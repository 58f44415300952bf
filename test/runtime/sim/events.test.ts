// What the events of a simulation are, in which order they are fired, and when time goes on.

import { type Message, type Ref, Refusal, receive, type Self, settle } from "antiphon";
import { crash, type SimulatedWorld, type Simulation, simulate, type TraceKind } from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

/** Names of the entries of some kinds. */
function names({ trace }: Simulation<unknown>, ...kinds: TraceKind[]): string[] {
  return trace.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name);
}

/** Runs until nothing is left to happen. */
const until = <T>(prepare: (world: SimulatedWorld) => T): Promise<Simulation<T>> =>
  simulate({}, async (world) => {
    const value = prepare(world);
    await world.runUntilIdle();
    return value;
  });

const pad = () => ({ note(_: number) {} });

describe("the order of events", () => {
  test("is that of posting, across actors", async () => {
    const run = await until(({ system }) => {
      const b = system.spawn(pad, { name: "b" });
      const c = system.spawn(pad, { name: "c" });
      const a = system.spawn(
        (self: Self) => ({
          go() {
            self.tell(b).note(1);
            self.tell(c).note(2);
            self.tell(b).note(3);
          },
        }),
        { name: "a" },
      );
      system.tell(a).go();
    });
    expect(names(run, "start")).toEqual(["/>/a:go#1", "/a>/b:note#1", "/a>/c:note#1", "/a>/b:note#2"]);
  });

  test("[D1 sim] is that of posting, whoever tells whom how often", async () => {
    const plan = fc.array(fc.array(fc.record({ to: fc.nat(4), then: fc.nat(9) }), { maxLength: 4 }), {
      minLength: 10,
      maxLength: 10,
    });
    let most = 0;
    await fc.assert(
      fc.asyncProperty(plan, async (steps) => {
        const put: number[] = [];
        const started: number[] = [];
        await until(({ system }) => {
          const team: Ref<{ act(job: { n: number; then: number }): void }>[] = [];
          const post = (by: Self | undefined, to: number, then: number) => {
            if (put.length === 200) return;
            put.push(put.length);
            (by ?? system).tell(team[to] as (typeof team)[number]).act({ n: put.length - 1, then });
          };
          for (let i = 0; i < 5; i++)
            team.push(
              system.spawn((self: Self) => ({
                act({ n, then }: { n: number; then: number }) {
                  started.push(n);
                  for (const next of steps[then] ?? []) post(self, next.to, next.then);
                },
              })),
            );
          for (let i = 0; i < 5; i++) post(undefined, i, i);
        });
        expect(started).toEqual(put);
        most = Math.max(most, put.length);
      }),
      { seed: 21, numRuns: 25 },
    );
    expect(most).toBe(200);
  });

  test("has a message and a timer of one actor start in the order in which they came", async () => {
    const log: string[] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const a = system.spawn((self: Self) => {
        self.after(2, () => log.push("timer"));
        return {
          async work() {
            await self.sleep(3);
            log.push("worked");
          },
          note: (n: number) => void log.push(`note ${n}`),
        };
      });
      const tell = (n: number) => () => system.tell(a).note(n);
      system.spawn((self: Self) => {
        self.after(1, tell(1));
        self.after(3, tell(2));
        return {};
      });
      system.tell(a).work();
      await runUntilIdle();
    });
    // The work ends first: what came meanwhile waits for it.
    expect(log).toEqual(["worked", "note 1", "timer", "note 2"]);
  });
});

describe("virtual time", () => {
  test("goes on only when nothing is enabled", async () => {
    const run = await until(({ system }) => {
      const times: number[] = [];
      const chain = (self: Self) => ({
        go(left: number) {
          times.push(self.now());
          if (left > 0) self.tell(self.ref as Ref<{ go(left: number): void }>).go(left - 1);
        },
      });
      const ref = system.spawn(chain, { name: "chain" });
      system.spawn(
        (self: Self) => {
          self.after(0.001, () => times.push(-1));
          return {};
        },
        { name: "timer" },
      );
      system.tell(ref).go(100);
      return times;
    });
    expect(run.value).toEqual([...Array.from({ length: 101 }, () => 0), -1]);
    expect(names(run, "due")).toEqual(["/timer/timer:timer#1"]);
  });

  test("never goes back, and is that of the soonest timer", async () => {
    const delays = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(delays, async (list) => {
        const run = await until(({ system }) => {
          system.spawn((self: Self) => {
            for (const delay of list) self.after(delay, () => {});
            return {};
          });
        });
        const due = run.trace.filter(({ kind }) => kind === "due").map(({ at }) => at);
        expect(due).toEqual([...list].sort((a, b) => a - b));
        expect(run.endedMs).toBe(Math.max(...list));
      }),
      { seed: 22, numRuns: 50 },
    );
  });

  test("has every timer that is due at an instant enabled as an event of its own, before any of them goes on", async () => {
    // The lost update: both wait 5 ms, then read and write what they read plus one.
    const run = await until(({ system }) => {
      let value = 0;
      const store = system.spawn(
        () => ({
          get: () => value,
          set(to: number) {
            value = to;
          },
        }),
        { name: "store" },
      );
      for (const name of ["a", "b"]) {
        const adder = (self: Self) => ({
          async add() {
            await self.sleep(5);
            const found = await self.ask(store).get();
            await self.ask(store).set(found + 1);
          },
        });
        system.tell(system.spawn(adder, { name })).add();
      }
      return () => value;
    });
    const events = run.trace.filter(({ kind, at }) => at === 5 && ["due", "start", "reply"].includes(kind));
    expect(events.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "due /a/sleep#1",
      "due /b/sleep#1",
      "start /a>/store:get#1",
      "reply /store~>/a:get#1",
      "start /b>/store:get#1",
      "reply /store~>/b:get#1",
      "start /a>/store:set#1",
      "reply /store~>/a:set#1",
      "start /b>/store:set#1",
      "reply /store~>/b:set#1",
    ]);
    expect(new Set(events.map(({ step }) => step)).size).toBe(10);
    expect(run.value()).toBe(1);
  });
});

describe("a reply", () => {
  test("is fired at once when it is all that its serial asker waits for, before what was posted earlier", async () => {
    const run = await until(({ system }) => {
      const quick = system.spawn(() => ({ get: () => 1 }), { name: "quick" });
      const asker = system.spawn((self: Self) => ({ go: () => self.ask(quick).get() }), { name: "asker" });
      const late = system.spawn(
        (self: Self) => ({
          go() {
            for (let n = 0; n < 3; n++) self.tell(other).note(n);
          },
        }),
        { name: "late" },
      );
      const other = system.spawn(pad, { name: "other" });
      system.tell(asker).go();
      system.tell(late).go();
    });
    expect(names(run, "start", "reply")).toEqual([
      "/>/asker:go#1",
      "/>/late:go#1",
      "/asker>/quick:get#1",
      "/quick~>/asker:get#1",
      "/late>/other:note#1",
      "/late>/other:note#2",
      "/late>/other:note#3",
    ]);
  });

  test("waits its turn when its asker waits for more, or has several in flight", async () => {
    const race = (concurrency: number, more: boolean) =>
      until(({ system }) => {
        const quick = system.spawn(() => ({ get: () => 1 }), { name: "quick" });
        const other = system.spawn(pad, { name: "other" });
        const asker = (self: Self) => ({
          async go() {
            const answer = self.ask(quick).get();
            self.tell(other).note(1);
            await Promise.all([answer, ...(more ? [self.sleep(1)] : [])]);
          },
        });
        system.tell(system.spawn(asker, { name: "asker", concurrency })).go();
      });
    const at = async (concurrency: number, more: boolean) =>
      names(await race(concurrency, more), "start", "reply").slice(2);
    const [note, reply] = ["/asker>/other:note#1", "/quick~>/asker:get#1"];
    expect(await at(1, false)).toEqual([reply, note]);
    expect(await at(2, false)).toEqual([note, reply]);
    expect(await at(1, true)).toEqual([note, reply]);
  });

  test("to the body is an event like others: nobody knows what that waits for", async () => {
    const { value } = await simulate({}, async ({ system, step }) => {
      const quick = system.spawn(() => ({ get: () => 1 }), { name: "quick" });
      const other = system.spawn(pad, { name: "other" });
      const answer = settle(system.ask(quick).get());
      system.tell(other).note(1);
      const fired: string[] = [];
      void answer.then(() => fired.push("answer"));
      while (await step()) fired.push(`${system.census(other).handled} noted`);
      return fired;
    });
    expect(value).toEqual(["0 noted", "1 noted", "answer", "1 noted"]);
  });

  test("is beside a deadline or a fault of the same instant, not before it", async () => {
    /** Refuses at 5 ms what it was asked before; what the asker then does, if it does not crash at that instant. */
    const end = async (within: number, isCrashed: boolean) => {
      const log: string[] = [];
      await simulate({}, async ({ system, step, inject, runUntilIdle }) => {
        const held: Message<{ get(): void }>[] = [];
        const keeper = system.spawn(
          (self: Self) => ({
            async [receive](m: Message<{ get(): void; start(): void }>) {
              if (m.type === "get") {
                held.push(m as Message<{ get(): void }>);
                m.hold();
                return;
              }
              await self.sleep(5);
              for (const one of held) one.refuse(new No());
            },
          }),
          { name: "keeper", concurrency: 2 },
        );
        // Its sleep is armed first, so that it is fired first.
        system.tell(keeper).start();
        await step();
        if (isCrashed) inject(crash("/asker", { at: 5 }));
        const asker = (self: Self) => ({
          async go() {
            const how = await settle(self.ask(keeper, { within }).get());
            log.push(how.ok ? "answered" : (how.error as Error).name);
          },
        });
        system.tell(system.spawn(asker, { name: "asker" })).go();
        await runUntilIdle();
      });
      return log.join();
    };
    expect(await end(9, false)).toBe("No");
    expect(await end(5, false)).toBe("AskTimeout");
    expect(await end(9, true)).toBe("Stopped");
  });
  class No extends Refusal {
    readonly _tag = "No";
  }

  test("[T2 sim] to a handler that has returned is a turn of its own, once the actor is free", async () => {
    const log: string[] = [];
    const run = await until(({ system }) => {
      const slow = system.spawn((self: Self) => ({ get: () => self.sleep(2) }), { name: "slow" });
      const a = (self: Self) => ({
        async long(n: number) {
          log.push(`long ${n}`);
          if (n === 1)
            void self
              .ask(slow)
              .get()
              .then(() => log.push("then"));
          if (n === 2) await self.sleep(5);
          log.push(`end ${n}`);
        },
      });
      const ref = system.spawn(a, { name: "a" });
      system.tell(ref).long(1);
      system.tell(ref).long(2);
      system.tell(ref).long(3);
    });
    // The reply came before the third message could start, and after it was put.
    expect(log).toEqual(["long 1", "end 1", "long 2", "end 2", "long 3", "end 3", "then"]);
    expect(names(run, "reply", "start").slice(-3)).toEqual(["/slow~>/a:get#1", "/>/a:long#3", "/a/reply:get#1"]);
    expect(run.endedMs).toBe(5);
  });
});
