// What an actor knows while it runs: its message, its signal, the time, its draws; and what comes back from a pipe.

import { type MessageInfo, type Ref, type Self, settle } from "antiphon";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gate as shut } from "../fixtures/gate.ts";
import { notes } from "../fixtures/notes.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { WorldUnderTest } from "./world.ts";

const forever = { within: "1h" } as const;

export function contextConformance(world: WorldUnderTest): void {
  describe("self.message", () => {
    for (const concurrency of [1, 2])
      test(`[T1 ${world.name}] is the message in flight, the same before and after awaits, ${concurrency} at a time`, () =>
        world.run(async ({ system }) => {
          const echo = system.spawn(() => ({ back: () => {} }));
          const at = system.spawn(
            (self: Self) => ({
              async look(): Promise<(MessageInfo | undefined)[]> {
                const seen = [self.message];
                await self.sleep(1);
                seen.push(self.message);
                await self.ask(echo).back();
                await Promise.resolve();
                seen.push(self.message);
                return seen;
              },
            }),
            { concurrency },
          );
          const asker = system.spawn(
            (self: Self) => ({ go: () => self.ask(at, { key: "k", attempt: 2, within: "1m" }).look() }),
            { name: "asker" },
          );
          const [first, ...later] = await system.ask(asker, forever).go();
          expect(first).toMatchObject({ type: "look", key: "k", attempt: 2 });
          expect(first?.sender?.path).toBe("/asker");
          expect(first?.deadline).toBeGreaterThan(0);
          expect(first?.id).toMatch(/./);
          expect(later).toEqual([first, first]);
          const [outside] = await system.ask(at, { id: "given" }).look();
          expect(outside).toMatchObject({ id: "given", attempt: 1, sender: undefined });
          expect(outside !== undefined && "key" in outside).toBe(false);
          const [next] = await system.ask(at).look();
          expect(next?.id).not.toBe(first?.id);
        }));

    test(`[T1 ${world.name}] in interleaved handlers is each one's own, and so are signal and inherited deadline`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(fc.constantFrom("sleep", "ask", "tick"), { maxLength: 4 }), { minLength: 2, maxLength: 8 }),
          fc.constantFrom(2, 5, Number.POSITIVE_INFINITY),
          (scripts, concurrency) =>
            world.run(async ({ system, conserve }) => {
              const inner = system.spawn((self: Self) => ({ deadline: () => self.message?.deadline }));
              const at = system.spawn(
                (self: Self) => ({
                  async go(steps: readonly string[]) {
                    const { signal } = self;
                    const own = self.message;
                    const wrong: string[] = [];
                    for (const step of steps) {
                      if (step === "sleep") await self.sleep(1);
                      if (step === "tick") await Promise.resolve();
                      if (step === "ask" && (await self.ask(inner, forever).deadline()) !== own?.deadline)
                        wrong.push("deadline");
                      if (self.message?.id !== own?.id) wrong.push("message");
                      if (self.signal !== signal) wrong.push("signal");
                    }
                    return { id: own?.id, wrong };
                  },
                }),
                { concurrency },
              );
              const ends = await Promise.all(
                scripts.map((steps, i) => system.ask(at, { id: `${i}`, within: 60_000 + i }).go(steps)),
              );
              expect(ends).toEqual(scripts.map((_, i) => ({ id: `${i}`, wrong: [] })));
              conserve();
            }),
        ),
        { seed: 21, numRuns: 40 },
      ));

    test(`[T2 ${world.name}] in a turn names the turn; outside of any there is none`, () =>
      world.run(async ({ system }) => {
        const seen = system.spawn(notes);
        const inFactory: unknown[] = [];
        const at: Ref<{ go(): void }> = system.spawn((self: Self) => {
          inFactory.push(self.message);
          const note = () => {
            const { type, sender, deadline } = self.message as MessageInfo;
            self.tell(seen).note([type, sender, deadline]);
          };
          return {
            go() {
              self.after(1, note, "named");
              self.after(2, note);
              const child = self.spawn((of: Self) => ({ quit: () => of.stop() }), { name: "child" });
              self.watch(child, note);
              self.tell(child).quit();
              self.pipeToSelf(self.sleep(4), note);
              // A reply to a handler that has returned is no message.
              void self.sleep(6).then(() => self.tell(seen).note(self.message));
            },
          };
        });
        await system.ask(at).go();
        const all = (await system.ask(seen).list(5)) as ([string] | undefined)[];
        expect(inFactory).toEqual([undefined]);
        const turns = all.filter((one) => one !== undefined);
        expect(turns).toHaveLength(4);
        expect(new Set(turns.map(([type]) => type)).size).toBe(4);
        expect(turns.map(([type]) => type)).toContain("named");
        expect(turns.map((one) => one.slice(1))).toEqual(Array(4).fill([undefined, undefined]));
      }));
  });

  describe("self.signal", () => {
    test(`[A4 ${world.name}] aborts when the asker of the message gives up, and stays quiet for the next one`, () =>
      world.run(async ({ system }) => {
        const gate = system.spawn(shut);
        const seen = system.spawn(notes);
        const at = system.spawn((self: Self) => ({
          async wait() {
            const { signal } = self;
            await settle(self.ask(gate, forever).enter());
            self.tell(seen).note([signal.aborted, self.signal === signal]);
          },
          look: () => self.signal.aborted,
        }));
        const control = new AbortController();
        const end = verdict(system.ask(at, { signal: control.signal }).wait());
        await system.ask(gate).entered(1);
        control.abort();
        expect(await end).toBe("Cancelled, unknown");
        expect(await system.ask(seen).list(1)).toEqual([[true, true]]);
        expect(await system.ask(at).look()).toBe(false);
      }));
  });

  describe("self.random and self.now", () => {
    const dice = (self: Self) => ({
      draw: (key?: string | number) => self.random(key),
      crash() {
        throw new Error("crash");
      },
      now: () => self.now(),
    });

    test(`[W2 ${world.name}] a stream depends on seed, path and incarnation; a keyed draw not on the incarnation`, async () => {
      const draws = async (seed: number, name: string) => {
        const found: number[][] = [];
        await world.run(
          async ({ system }) => {
            const at = system.spawn(dice, { name });
            for (let incarnation = 0; incarnation < 2; incarnation++) {
              const stream = [await system.ask(at).draw(), await system.ask(at).draw()];
              found.push(stream, [
                await system.ask(at).draw("k"),
                await system.ask(at).draw(1),
                await system.ask(at).draw("1"),
              ]);
              await settle(system.ask(at).crash());
            }
          },
          { seed },
        );
        return found;
      };
      const [stream, keyed, later, keyedLater] = (await draws(1, "a")) as [number[], number[], number[], number[]];
      expect(await draws(1, "a")).toEqual([stream, keyed, later, keyedLater]);
      expect(keyedLater).toEqual(keyed);
      expect(new Set([...stream, ...later, ...keyed]).size).toBe(7);
      for (const one of [...stream, ...later, ...keyed]) expect(one >= 0 && one < 1).toBe(true);
      for (const [seed, name] of [
        [2, "a"],
        [1, "b"],
      ] as const) {
        const other = (await draws(seed, name)).flat();
        expect(other.filter((one) => [...stream, ...later, ...keyed].includes(one))).toEqual([]);
      }
    });

    test(`[T2 ${world.name}] the time of the world goes on over a sleep and never back`, () =>
      world.run(async ({ system }) => {
        const at = system.spawn((self: Self) => ({
          async look() {
            const before = self.now();
            await self.sleep(3);
            return self.now() - before;
          },
        }));
        expect(await system.ask(at).look()).toBeGreaterThanOrEqual(3);
        const before = system.now();
        expect(await system.ask(system.spawn(dice)).now()).toBeGreaterThanOrEqual(before);
      }));
  });

  describe("pipeToSelf", () => {
    for (const failed of [true, false])
      for (const work of ["value", "error", "failed ask"])
        test(`[T2 ${world.name}] of ${work}, ${failed ? "with" : "without"} a turn for failure`, () =>
          world.run(async ({ system, events, idle, conserve }) => {
            const log: string[] = [];
            let boots = 0;
            const other = system.spawn(() => ({
              crash() {
                throw new Error("other");
              },
            }));
            const at = system.spawn((self: Self) => {
              boots++;
              const done = () => void log.push("done");
              return {
                go() {
                  const piped =
                    work === "failed ask"
                      ? self.ask(other).crash()
                      : self.sleep(1).then(() => {
                          if (work === "error") throw new Error("piped");
                        });
                  if (failed) self.pipeToSelf(piped, done, (error) => void log.push((error as Error).name));
                  else self.pipeToSelf(piped, done);
                },
              };
            });
            await system.ask(at).go();
            const settled = () =>
              log.length > 0 || events.some(({ kind, path }) => path === at.path && /crashed|unheard/.test(kind));
            await until(system, settled);
            await idle();
            const name = { error: "Error", "failed ask": "ActorCrashed" }[work];
            expect(log).toEqual(work === "value" ? ["done"] : failed ? [name] : []);
            const reported = events.filter(({ path }) => path === at.path).map(({ kind }) => kind);
            // A failed ask that is let through is no crash, whoever waits for it.
            expect(reported.includes("crashed")).toBe(!failed && work === "error");
            expect(reported.includes("unheard")).toBe(!failed && work === "failed ask");
            expect(boots).toBe(!failed && work === "error" ? 2 : 1);
            conserve();
          }));

    test(`[T2 ${world.name}] lets the actor take other messages while the work is done`, () =>
      world.run(async ({ system, idle }) => {
        const gate = system.spawn(shut);
        const log: string[] = [];
        const at = system.spawn((self: Self) => ({
          go: () => self.pipeToSelf(self.ask(gate, forever).enter(), () => void log.push("piped")),
          next: () => void log.push("next"),
        }));
        await system.ask(at).go();
        await system.ask(gate).entered(1);
        await system.ask(at).next();
        expect(log).toEqual(["next"]);
        system.tell(gate).open();
        await until(system, () => log.length === 2);
        await idle();
        expect(log).toEqual(["next", "piped"]);
      }));
  });
}
