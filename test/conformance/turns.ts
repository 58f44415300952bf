// One thing at a time: handlers, timers, pipes and late replies of an actor take turns.

import type { Ref, Self, Timer } from "antiphon";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Passage, gate as shut } from "../fixtures/gate.ts";
import { notes } from "../fixtures/notes.ts";
import { until } from "./until.ts";
import type { WorldUnderTest } from "./world.ts";

const forever = { within: "1h" } as const;

/** Counts what runs at a time between its two calls. */
class Crowd {
  now = 0;
  most = 0;
  enter(): void {
    this.now++;
    this.most = Math.max(this.most, this.now);
  }
  leave(): void {
    this.now--;
  }
}

/** A turn that gives its promise to the runtime, which is allowed and rarely meant. */
const returning = (turn: () => unknown): (() => void) => turn as () => void;

type Set = (self: Self, run: (what: string) => void) => Timer;
const timers: Record<string, Set> = {
  after: (self, run) => self.after(1, () => run("after")),
  "named after": (self, run) => self.after(1, () => run("after"), "name"),
  every: (self, run) => self.every(1, () => run("every")),
  "named every": (self, run) => self.every(1, () => run("every"), "name"),
};

export function turnsConformance(world: WorldUnderTest): void {
  describe("handlers", () => {
    for (const concurrency of [1, 3, Number.POSITIVE_INFINITY])
      test(`[T1 ${world.name}] at most ${concurrency} of an actor are in flight, interleaved at their awaits`, () =>
        fc.assert(
          fc.asyncProperty(
            fc.array(fc.constantFrom("sleep", "ask", "sync", "timer", "pipe"), { minLength: 8, maxLength: 20 }),
            (kinds) =>
              world.run(async ({ system, idle, conserve }) => {
                const crowd = new Crowd();
                const echo = system.spawn(() => ({ back: () => "back" }));
                const pass = async (self: Self) => {
                  crowd.enter();
                  await self.sleep(1);
                  crowd.leave();
                };
                const handler = (self: Self) => {
                  const turn = returning(() => pass(self));
                  return {
                    async go(kind: string) {
                      crowd.enter();
                      if (kind === "sleep") await self.sleep(1);
                      if (kind === "ask") await self.ask(echo).back();
                      if (kind === "timer") self.after(1, turn);
                      if (kind === "pipe") self.pipeToSelf(self.ask(echo).back(), turn);
                      crowd.leave();
                    },
                  };
                };
                const at = system.spawn(handler, { concurrency });
                await Promise.all(
                  ["sleep", "sleep", "sleep", ...kinds].map((kind) => system.ask(at, forever).go(kind)),
                );
                await until(system, () => crowd.now === 0);
                await idle();
                expect(crowd.most).toBeLessThanOrEqual(concurrency);
                // As many as may, do: the limit is no accident.
                expect(crowd.most).toBeGreaterThanOrEqual(Math.min(concurrency, 3));
                conserve();
              }),
          ),
          { seed: 3, numRuns: 12 },
        ));
  });

  describe("turns", () => {
    for (const kind of ["timer", "pipe", "reply"])
      test(`[T2 ${world.name}] a ${kind} waits until the handler in flight is done`, () =>
        world.run(async ({ system, idle, conserve }) => {
          const gate = system.spawn(shut);
          const log: string[] = [];
          const clock = system.spawn((self: Self) => ({ nap: (ms: number) => self.sleep(ms) }));
          const at = system.spawn((self: Self) => ({
            begin() {
              if (kind === "timer") self.after(1, () => void log.push(kind));
              if (kind === "pipe") self.pipeToSelf(self.sleep(1), () => void log.push(kind));
              if (kind === "reply")
                void self
                  .ask(clock, forever)
                  .nap(1)
                  .then(() => log.push(kind));
            },
            async busy() {
              log.push("begins");
              await self.ask(gate, forever).enter();
              log.push("ends");
            },
            next: () => void log.push("next"),
          }));
          await system.ask(at).begin();
          const busy = system.ask(at, forever).busy();
          await system.ask(gate).entered(1);
          await system.ask(clock).nap(4);
          expect(log).toEqual(["begins"]);
          system.tell(at).next();
          conserve();
          system.tell(gate).open();
          await busy;
          await idle();
          expect(log).toEqual(["begins", "ends", kind, "next"]);
        }));

    test(`[T2 ${world.name}] a reply to a handler that has returned never runs beside another, however they meet`, () =>
      fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom("tell", "answer", "nap"), { minLength: 1, maxLength: 6 }), (script) =>
          world.run(async ({ system, idle, conserve }) => {
            const log: string[] = [];
            // While it handles `ask`, it tells the asker to be busy, so that this and the reply come together.
            const other = system.spawn((self: Self) => ({
              ask: (does: string) => {
                if (does !== "answer") self.tell(at).busy();
                return does === "nap" ? self.sleep(1) : undefined;
              },
            }));
            const at: Ref<{ begin(does: string): void; busy(): Promise<void> }> = system.spawn((self: Self) => ({
              begin(does: string) {
                void self
                  .ask(other, forever)
                  .ask(does)
                  .then(() => log.push("reply"));
              },
              async busy() {
                log.push("begins");
                await self.sleep(1);
                log.push("ends");
              },
            }));
            for (const does of script) system.tell(at).begin(does);
            await until(system, () => log.filter((one) => one === "reply").length === script.length);
            await idle();
            const beside = log.filter((one, i) => one === "reply" && log[i - 1] === "begins");
            expect(beside).toEqual([]);
            conserve();
          }),
        ),
        { seed: 9, numRuns: 25 },
      ));

    test(`[T2 ${world.name}] a reply resumes the handler that asked, before any other message`, () =>
      world.run(async ({ system }) => {
        const log: string[] = [];
        const echo = system.spawn(() => ({ back: () => {} }));
        const at = system.spawn((self: Self) => ({
          async go(n: number) {
            log.push(`begins ${n}`);
            await self.ask(echo).back();
            log.push(`ends ${n}`);
          },
        }));
        await Promise.all([1, 2, 3].map((n) => system.ask(at).go(n)));
        expect(log).toEqual([1, 2, 3].flatMap((n) => [`begins ${n}`, `ends ${n}`]));
      }));

    for (const flood of ["messages", "turns"])
      test(`[T2 ${world.name}] a flood of ${flood} starves neither messages nor turns`, () =>
        world.run(async ({ system, idle, conserve }) => {
          let floods = 0;
          let on = true;
          const at = system.spawn((self: Self<{ flood(): void; start(): void; call(): number }>) => {
            const again = () => {
              floods++;
              if (!on) return;
              if (flood === "messages") self.tell(self.ref).flood();
              else self.pipeToSelf(Promise.resolve(), again);
            };
            return {
              flood: again,
              start() {
                for (let i = 0; i < 50; i++) again();
                // A flood takes no virtual time: there its end is due at once, and waits its turn.
                self.after(world.name === "live" ? 1 : 0, () => {
                  on = false;
                });
              },
              call: () => floods,
            };
          });
          await system.ask(at).start();
          // Answered while the flood lasts, which only a turn of the actor's own ends.
          expect(await system.ask(at, forever).call()).toBeGreaterThan(0);
          await until(system, () => !on);
          await idle();
          conserve();
        }));
  });

  describe("timers", () => {
    /** Sets a timer, keeps the actor busy until the timer is due and queued, then does `then`. */
    const whileQueued = (self: Self, gate: Ref<Passage>, log: string[]) => ({
      async go({ set, then }: { set: Set; then: (timer: Timer, self: Self) => void }) {
        const timer = set(self, (what) => log.push(what));
        await self.ask(gate, forever).enter();
        then(timer, self);
      },
    });
    const thens: Record<string, (timer: Timer, self: Self, log: string[]) => void> = {
      cancelled: (timer) => timer.cancel(),
      "cancelled twice": (timer) => {
        timer.cancel();
        timer.cancel();
      },
      "replaced by another of its name": (_timer, self, log) => {
        const second = self.after(2, () => log.push("second"), "name");
        void second;
      },
      "replaced by a repeating one of its name": (_timer, self, log) => {
        const second = self.every(
          2,
          () => {
            log.push("second");
            second.cancel();
          },
          "name",
        );
      },
    };
    for (const [timer, set] of Object.entries(timers))
      for (const [end, then] of Object.entries(thens)) {
        if (end.startsWith("replaced") && !timer.startsWith("named")) continue;
        test(`[T3 ${world.name}] ${timer} that is due and queued and then ${end} never fires`, () =>
          world.run(async ({ system, idle, conserve }) => {
            const gate = system.spawn(shut);
            const log: string[] = [];
            const at = system.spawn((self) => whileQueued(self, gate, log));
            const going = system.ask(at, forever).go({ set, then: (one, self) => then(one, self, log) });
            await system.ask(gate).entered(1);
            await until(system, () => system.census(at).queued === 1);
            system.tell(gate).open();
            await going;
            if (end.startsWith("replaced")) await until(system, () => log.length > 0);
            await system.ask(system.spawn((self: Self) => ({ nap: () => self.sleep(6) }))).nap();
            await idle();
            expect(log).toEqual(end.startsWith("replaced") ? ["second"] : []);
            expect(system.census(at)).toMatchObject({ cancelled: 1, queued: 0 });
            conserve();
          }));
      }

    test(`[T3 ${world.name}] cancelled or replaced before it is due never fires; others do, in the order of their times`, () =>
      world.run(async ({ system, conserve }) => {
        const log = system.spawn(notes);
        const at = system.spawn((self: Self) => ({
          go() {
            const note = (what: string) => () => self.tell(log).note(what);
            self.after(9, note("third"));
            self.after(3, note("cancelled")).cancel();
            // Taken off its timer, as for a listener.
            const timer = self.after(3, note("cancelled as well"));
            const { cancel } = timer;
            expect(timer.cancel).toBe(cancel);
            cancel();
            self.after(1, note("replaced"), "name");
            self.after(6, note("second"), "name");
            self.after(3, note("first"), "other");
            const again = self.every(2, () => {
              again.cancel();
              self.tell(log).note("once");
            });
          },
        }));
        await system.ask(at).go();
        expect(await system.ask(log).list(4)).toEqual(["once", "first", "second", "third"]);
        conserve();
      }));

    for (const busy of ["a handler", "its own turn"])
      test(`[T2 ${world.name}] every does not pile up while ${busy} keeps the actor busy`, () =>
        world.run(async ({ system, conserve }) => {
          const gate = system.spawn(shut);
          const queued: number[] = [];
          const crowd = new Crowd();
          const at = system.spawn((self: Self) => {
            const wait = async () => {
              crowd.enter();
              await self.ask(gate, forever).enter();
              for (let i = 0; i < 4; i++) await self.sleep(2);
              queued.push(system.census(self.ref).queued);
              crowd.leave();
            };
            const turn = returning(() => (busy === "its own turn" ? wait() : undefined));
            return {
              begin() {
                const timer = self.every(1, () => (queued.length > 0 ? timer.cancel() : turn()));
                return busy === "a handler" ? wait() : undefined;
              },
            };
          });
          const begun = system.ask(at, forever).begin();
          await system.ask(gate).entered(1);
          system.tell(gate).open();
          await begun;
          await until(system, () => queued.length > 0);
          expect(queued[0]).toBe(busy === "a handler" ? 1 : 0);
          expect(crowd.most).toBe(1);
          conserve();
        }));
  });
}
