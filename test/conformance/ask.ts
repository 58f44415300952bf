// How an ask ends: once, at once when no answer can come, and never by an answer that came too late.

import { type Message, type Ref, Refusal, receive, type Self, settle } from "antiphon";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Passage, gate as shut } from "../fixtures/gate.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { Kit, WorldUnderTest } from "./world.ts";

interface Target {
  /** Waits at the first gate, then does `how`. */
  fuse(how: string): string;
  /** Waits at the second gate. */
  run(): string;
  next(): string;
  hold(): string;
  release(): void;
}

/** Two slots, so that one message can be running and one queued when a third sets off its end. */
const target = (self: Self, fuseGate: Ref<Passage>, runGate: Ref<Passage>) => {
  const held: Message<Target>[] = [];
  return {
    async [receive](m: Message<Target>): Promise<unknown> {
      switch (m.type) {
        case "hold":
          m.hold();
          held.push(m);
          return;
        case "release":
          for (const one of held.splice(0)) one.answer("released");
          return;
        case "run":
          await self.ask(runGate).enter();
          return "ran";
        case "fuse":
          await self.ask(fuseGate).enter();
          if (m.payload === "crash") throw new Error("fuse");
          if (m.payload === "stop") self.stop();
          return "fused";
        default:
          return "next";
      }
    },
  };
};

interface Ending {
  readonly fuse: "crash" | "stop";
  readonly onCrash?: "restart" | "stop" | "resume" | "escalate";
  /** The second gate opens at once, not after everything has settled. */
  readonly opens?: boolean;
  readonly expected: { fuse: string; queued: string; running: string; held: string };
}

const restarted = "ActorRestarted, unknown";
const stopped = "ActorStopped, unknown";
const neverBegun = "ActorStopped, not-started";
const crashed = "ActorCrashed, unknown";
const endings: Record<string, Ending> = {
  "crashes and restarts": {
    fuse: "crash",
    onCrash: "restart",
    expected: { fuse: crashed, queued: "ok", running: restarted, held: restarted },
  },
  "crashes and stops": {
    fuse: "crash",
    onCrash: "stop",
    expected: { fuse: crashed, queued: neverBegun, running: stopped, held: stopped },
  },
  "crashes and escalates": {
    fuse: "crash",
    onCrash: "escalate",
    expected: { fuse: crashed, queued: neverBegun, running: stopped, held: stopped },
  },
  "crashes and resumes": {
    fuse: "crash",
    onCrash: "resume",
    opens: true,
    expected: { fuse: crashed, queued: "ok", running: "ok", held: "ok" },
  },
  "is stopped": {
    fuse: "stop",
    expected: { fuse: "ok", queued: neverBegun, running: stopped, held: stopped },
  },
};

export function askConformance(world: WorldUnderTest): void {
  const forever = { within: "1h" } as const;

  describe("ask", () => {
    for (const [name, { fuse, onCrash, opens, expected }] of Object.entries(endings)) {
      test(`[A2 ${world.name}] fails at once, queued, running or held, when the receiver ${name}`, () =>
        world.run(async ({ system, conserve, idle }) => {
          const fuseGate = system.spawn(shut);
          const runGate = system.spawn(shut);
          const at = system.spawn((self) => target(self, fuseGate, runGate), {
            concurrency: 2,
            messages: ["fuse", "run", "next", "hold", "release"],
            supervision: { onCrash, settleWithin: 1 },
          });
          const held = verdict(system.ask(at, forever).hold());
          const fused = verdict(system.ask(at, forever).fuse(fuse));
          const running = verdict(system.ask(at, forever).run());
          const queued = verdict(system.ask(at, forever).next());
          await system.ask(fuseGate).entered(1);
          await system.ask(runGate).entered(1);
          expect(system.census(at)).toMatchObject({ held: 1, running: 2, queued: 1 });
          conserve();
          if (opens) {
            system.tell(runGate).open();
            await running;
          }
          system.tell(fuseGate).open();
          if (opens) {
            await fused;
            system.tell(at).release();
          }
          const found = { fuse: await fused, queued: await queued, running: await running, held: await held };
          expect(found).toEqual(expected);
          system.tell(runGate).open();
          await idle();
          conserve();
        }));
    }

    test(`[A2 ${world.name}] fails at once when nobody can take the message`, () =>
      world.run(async ({ system, conserve }) => {
        const gate = system.spawn(shut);
        const busy = (self: Self) => ({
          async wait() {
            await self.ask(gate, forever).enter();
          },
          quit() {
            self.stop();
          },
        });
        const one = system.spawn(busy, { mailbox: { capacity: 0 } });
        const plain = system.spawn(() => ({ other() {}, rare() {} }));
        const gone = system.spawn(busy);
        const starting = system.spawn(async (self: Self) => {
          await self.ask(gate, forever).enter();
          return { known: () => "known" };
        });
        await system.ask(gone).quit();
        const taken = verdict(system.ask(one, forever).wait());
        await system.ask(gate).entered(2);
        expect(await verdict(system.ask(one, forever).wait())).toBe("MailboxFull, not-started");
        const wrong = plain as Ref<unknown> as typeof one;
        expect(await verdict(system.ask(wrong, forever).wait())).toBe("UnknownMessage, not-started");
        const early = verdict(system.ask(starting as Ref<unknown> as typeof one, forever).wait());
        const known = verdict(system.ask(starting, forever).known());
        expect(await verdict(system.ask(gone, forever).wait())).toBe("ActorStopped, not-started");
        system.tell(gate).open();
        expect(await early).toBe("UnknownMessage, not-started");
        expect(await known).toBe("ok");
        expect(await taken).toBe("ok");
        conserve();
        await system.stop();
        expect(await verdict(system.ask(one, forever).wait())).toMatch(/^(System|Actor)Stopped, not-started$/);
      }));

    test(`[A2 ${world.name}] fails at once when the system stops, whatever it waits for`, () =>
      world.run(async ({ system, conserve }) => {
        const gate = system.spawn(shut);
        const at = system.spawn((self) => target(self, gate, gate), {
          concurrency: 1,
          supervision: { settleWithin: 1 },
        });
        const waiting = [
          verdict(system.ask(at, forever).hold()),
          verdict(system.ask(at, forever).run()),
          verdict(system.ask(at, forever).next()),
        ];
        await system.ask(gate).entered(1);
        const report = await system.stop();
        expect(await Promise.all(waiting)).toEqual([stopped, stopped, neverBegun]);
        expect(report.left.filter(({ path }) => path === at.path)).toHaveLength(3);
        conserve();
      }));

    test(`[A1 ${world.name}] a handler of a former incarnation can not settle it`, () =>
      world.run(async ({ system, conserve, idle }) => {
        const gate = system.spawn(shut);
        const outlived: string[] = [];
        const at = system.spawn(
          (self: Self) => ({
            async slow() {
              try {
                await self.ask(gate, forever).enter();
              } catch (error) {
                outlived.push((error as Error).name);
              }
              return "from the former one";
            },
            crash() {
              throw new Error("now");
            },
            quick: () => "from the new one",
          }),
          { concurrency: 2, supervision: { settleWithin: "1h" } },
        );
        const slow = settle(system.ask(at, forever).slow());
        await system.ask(gate).entered(1);
        expect(await verdict(system.ask(at, forever).crash())).toBe(crashed);
        expect(await slow).toMatchObject({ ok: false, error: { _tag: "ActorRestarted" } });
        expect(await system.ask(at, forever).quick()).toBe("from the new one");
        expect(outlived).toEqual(["Stopped"]);
        await idle();
        conserve();
        expect(system.census()).toMatchObject({ crashed: 1, repeated: 0 });
      }));

    for (const end of ["its own actor", "another actor"])
      test(`[A1 ${world.name}] kept by a handler that has returned, it ${end === "its own actor" ? "ends" : "does not end"} with ${end}`, () =>
        world.run(async ({ system, conserve, idle }) => {
          const gate = system.spawn(shut);
          const ends: string[] = [];
          const keeper = () =>
            system.spawn((self: Self) => ({
              keep() {
                void verdict(self.ask(gate, forever).enter()).then((one) => ends.push(one));
              },
              nothing() {},
              crash() {
                throw new Error("crash");
              },
            }));
          const [other, one] = [keeper(), keeper()];
          // The other one has handled something before: the record of its handler is used again.
          await settle(system.ask(other).nothing());
          await system.ask(one).keep();
          await system.ask(gate).entered(1);
          system.tell(end === "its own actor" ? one : other).crash();
          await idle();
          await system.ask(other).nothing();
          expect(ends).toEqual(end === "its own actor" ? ["Stopped, unknown"] : []);
          system.tell(gate).open();
          await until(system, () => ends.length === 1);
          expect(ends).toEqual([end === "its own actor" ? "Stopped, unknown" : "ok"]);
          conserve();
        }));

    test(`[A6 ${world.name}] an answer after the deadline or the end of the wait is counted and not delivered`, () =>
      world.run(async ({ system, conserve, idle }) => {
        const gate = system.spawn(shut);
        const slow = system.spawn((self: Self) => ({
          async work(how: string) {
            const entered = self.ask(gate).enter();
            await settle(entered);
            return how;
          },
        }));
        const control = new AbortController();
        const cancelled = settle(system.ask(slow, { within: "1h", signal: control.signal }).work("late"));
        await system.ask(gate).entered(1);
        control.abort();
        expect(await cancelled).toMatchObject({ ok: false, error: { _tag: "Cancelled", outcome: "unknown" } });
        await idle();
        expect(system.census(slow)).toMatchObject({ handled: 1, cancelled: 0 });
        expect(system.census().late).toBe(1);
        expect(await verdict(system.ask(slow, { within: 30 }).work("late"))).toBe("AskTimeout, unknown");
        await idle();
        expect(system.census(slow)).toMatchObject({ handled: 2, expired: 0 });
        expect(system.census().late).toBe(2);
        conserve();
        const inTime = system.ask(slow).work("in time");
        await system.ask(gate).entered(3);
        system.tell(gate).open();
        expect(await inTime).toBe("in time");
        // Two entered for the sake of asks that were given up: the gate's answers to them are late too.
        expect(system.census().late).toBe(4);
      }));

    test(`[A6 ${world.name}] late refusals and late answers through a message are counted as well`, () =>
      world.run(async ({ system, idle }) => {
        const gate = system.spawn(shut);
        const at = system.spawn((self: Self) => ({
          async [receive](m: Message<{ answer(): void; refuse(): void; hold(): void }>) {
            if (m.type === "hold") m.hold();
            m.signal.addEventListener("abort", () => m.type === "hold" && m.answer("late"));
            await settle(self.ask(gate).enter());
            if (m.type === "answer") m.answer("late");
            else if (m.type === "refuse") m.refuse(new No());
          },
        }));
        let expected = 0;
        for (const how of ["answer", "refuse", "hold"] as const) {
          const control = new AbortController();
          const given = verdict(system.ask(at, { within: "1h", signal: control.signal })[how]());
          await system.ask(gate).entered(++expected);
          control.abort();
          expect(await given).toBe("Cancelled, unknown");
          await idle();
          expect(system.census()).toMatchObject({ late: expected, repeated: 0, held: 0 });
        }
      }));

    test(`[A1 ${world.name}] settles, whatever deadline, signal, answer, crash and stop race for it`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({
              does: fc.constantFrom("answer", "sleep", "refuse", "crash", "hold", "release", "nest"),
              within: fc.constantFrom(1, 2, 5, 3_600_000),
              abortAt: fc.constantFrom(undefined, undefined, 0, 1, 3),
            }),
            { minLength: 1, maxLength: 12 },
          ),
          fc.constantFrom(1, 2, Number.POSITIVE_INFINITY),
          (asks, concurrency) => world.run((kit) => race(kit, asks, concurrency)),
        ),
        { seed: 11, numRuns: 30 },
      ));
  });
}

class No extends Refusal {
  readonly _tag = "No";
}

interface Racing {
  readonly does: string;
  readonly within: number;
  readonly abortAt: number | undefined;
}

/** Every ask of a racing crowd settles, and what the asker sees agrees with the books. */
async function race({ system, conserve, idle }: Kit, asks: readonly Racing[], concurrency: number): Promise<void> {
  const inner = system.spawn((self: Self) => ({
    async nap() {
      await self.sleep(1);
    },
  }));
  const held: Message[] = [];
  const outer = (self: Self) => ({
    async [receive](m: Message<Record<string, () => unknown>>): Promise<unknown> {
      if (m.type === "sleep") await self.sleep(2);
      if (m.type === "refuse") return new No();
      if (m.type === "crash") throw new Error("race");
      if (m.type === "nest") await self.ask(inner).nap();
      if (m.type === "hold") {
        m.hold();
        held.push(m);
      }
      if (m.type === "release") for (const one of held.splice(0)) one.answer("released");
      return m.type;
    },
  });
  const at = system.spawn(outer, { concurrency, supervision: { maxRestarts: 1_000, settleWithin: 5 } });
  const clock = system.spawn((self: Self) => ({
    abort({ control, ms }: { control: AbortController; ms: number }) {
      self.after(ms, () => control.abort());
    },
  }));
  const waiting = asks.map(({ does, within, abortAt }) => {
    const control = new AbortController();
    if (abortAt !== undefined) system.tell(clock).abort({ control, ms: abortAt });
    const answer = system.ask(at, { within, signal: control.signal })[does]?.() as Promise<unknown>;
    return verdict(answer);
  });
  conserve();
  await idle();
  conserve();
  await system.ask(at)["release"]?.();
  const verdicts = await Promise.all(waiting);
  expect(verdicts).toHaveLength(asks.length);
  await idle();
  conserve();
  // Who got an answer had a message handled; a message handled for nobody is a late one.
  const answered = verdicts.filter((one) => one === "ok").length + 1;
  const { handled } = system.census(at);
  expect(answered).toBeLessThanOrEqual(handled);
  expect(handled - answered).toBeLessThanOrEqual(system.census().late);
}
