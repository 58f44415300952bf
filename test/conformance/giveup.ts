// Giving up an ask: what is queued is withdrawn, what runs is signalled, and so on down, in the same turn.

import { getEventListeners } from "node:events";
import { type Message, type Ref, receive, type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { gate as shut } from "../fixtures/gate.ts";
import { notes } from "../fixtures/notes.ts";
import { verdict } from "./verdict.ts";
import type { Kit, WorldUnderTest } from "./world.ts";

const forever = { within: "1h" } as const;

interface Link {
  go(): Promise<void>;
}

/** Four actors, each asking the next; the last waits at a gate. `log` gets who was signalled, in order. */
function chain({ system }: Kit, log: string[], concurrency: number) {
  const gate = system.spawn(shut);
  const link = (next: () => Promise<unknown>, self: Self) => ({
    async go() {
      self.signal.addEventListener("abort", () => log.push(self.path));
      await next();
    },
  });
  const options = (name: string) => ({ name, concurrency });
  const d = system.spawn((self) => link(() => self.ask(gate, forever).enter(), self), options("d"));
  const c = system.spawn((self) => link(() => self.ask(d, forever).go(), self), options("c"));
  const b = system.spawn((self) => link(() => self.ask(c, forever).go(), self), options("b"));
  const a: Ref<Link> = system.spawn((self) => link(() => self.ask(b, forever).go(), self), options("a"));
  return { a, b, c, d, gate };
}

export function giveupConformance(world: WorldUnderTest): void {
  describe("giving up", () => {
    for (const concurrency of [1, 2]) {
      test(`[A4 ${world.name}] signals a chain of 4 running actors, ${concurrency} at a time, in the same turn`, () =>
        world.run(async (kit) => {
          const log: string[] = [];
          const { a, gate } = chain(kit, log, concurrency);
          const control = new AbortController();
          const end = verdict(kit.system.ask(a, { ...forever, signal: control.signal }).go());
          await kit.system.ask(gate).entered(1);
          expect(log).toEqual([]);
          control.abort();
          expect(log).toEqual(["/a", "/b", "/c", "/d"]);
          expect(kit.system.census(gate)).toMatchObject({ held: 0, cancelled: 1 });
          kit.conserve();
          expect(await end).toBe("Cancelled, unknown");
          await kit.idle();
          expect(kit.events.filter(({ kind }) => kind === "crashed" || kind === "unheard")).toEqual([]);
        }));

      test(`[A4 ${world.name}] withdraws what a chain has queued at its end, ${concurrency} at a time`, () =>
        world.run(async (kit) => {
          const { system } = kit;
          const { a, d, gate } = chain(kit, [], concurrency);
          for (let i = 0; i < concurrency; i++) system.tell(d).go();
          await system.ask(gate).entered(concurrency);
          const control = new AbortController();
          const end = verdict(system.ask(a, { ...forever, signal: control.signal }).go());
          const seen = system.spawn(notes);
          const watch = system.spawn((self: Self) => ({
            look() {
              if (system.census(d).queued === 1) self.tell(seen).note("queued");
              else self.after(1, () => self.tell(watch).look());
            },
          }));
          system.tell(watch).look();
          await system.ask(seen).list(1);
          control.abort();
          expect(system.census(d)).toMatchObject({ queued: 0, cancelled: 1, running: concurrency });
          kit.conserve();
          expect(await end).toBe("Cancelled, unknown");
          system.tell(gate).open();
          await kit.idle();
          expect(system.census(d)).toMatchObject({ handled: concurrency, cancelled: 1 });
        }));
    }

    test(`[A4 ${world.name}] by the deadline: expires what is queued or held, signals what runs`, () =>
      world.run(async (kit) => {
        const { system, idle, conserve } = kit;
        const gate = system.spawn(shut);
        const log: string[] = [];
        const at = system.spawn((self: Self) => ({
          async [receive](m: Message<{ run(): void; hold(): void; next(): void }>) {
            m.signal.addEventListener("abort", () => log.push(`${m.type} aborted`));
            if (m.type === "hold") m.hold();
            else if (m.type === "run") await settle(self.ask(gate, forever).enter());
            log.push(`${m.type} ended`);
          },
        }));
        const blocker = system.spawn((self: Self) => ({
          block: () => self.ask(gate, forever).enter(),
          next: () => log.push("next ran"),
        }));
        system.tell(blocker).block();
        const soon = { within: 30 };
        const ends = [
          verdict(system.ask(at, soon).hold()),
          verdict(system.ask(at, soon).run()),
          verdict(system.ask(blocker, soon).next()),
        ];
        expect(await Promise.all(ends)).toEqual([
          "AskTimeout, unknown",
          "AskTimeout, unknown",
          "AskTimeout, not-started",
        ]);
        system.tell(gate).open();
        await idle();
        expect(log.slice(0, 3).sort()).toEqual(["hold aborted", "hold ended", "run aborted"]);
        expect(log.slice(3)).toEqual(["run ended"]);
        expect(system.census(at)).toMatchObject({ expired: 1, handled: 1, held: 0 });
        expect(system.census(blocker)).toMatchObject({ expired: 1, handled: 1 });
        conserve();
      }));

    test(`[A4 ${world.name}] with a signal that has aborted, an ask or offer is not even sent`, () =>
      world.run(async ({ system, idle, conserve }) => {
        let ran = 0;
        const at = system.spawn(() => ({ go: () => ++ran }));
        const signal = AbortSignal.abort();
        expect(await verdict(system.ask(at, { signal }).go())).toBe("Cancelled, not-started");
        expect(await verdict(system.offer(at, { signal }).go())).toBe("Cancelled, not-started");
        await idle();
        expect(ran).toBe(0);
        expect(system.census()).toMatchObject({ sent: 2, turnedAway: 2, accepted: 0 });
        conserve();
        expect(await system.ask(at, { signal: new AbortController().signal }).go()).toBe(1);
      }));

    test(`[A4 ${world.name}] what is begun for a message already given up is given up at once`, () =>
      world.run(async ({ system, conserve }) => {
        const gate = system.spawn(shut);
        const seen = system.spawn(notes);
        const to = system.spawn(() => ({ go: () => "done" }));
        const at = system.spawn((self: Self) => ({
          async go() {
            await settle(self.ask(gate, forever).enter());
            self.tell(seen).note(await verdict(self.ask(to).go()));
            self.tell(seen).note(await verdict(self.offer(to).go()));
          },
        }));
        const control = new AbortController();
        const end = verdict(system.ask(at, { signal: control.signal }).go());
        await system.ask(gate).entered(1);
        control.abort();
        expect(await end).toBe("Cancelled, unknown");
        expect(await system.ask(seen).list(2)).toEqual(["Cancelled, not-started", "ok"]);
        conserve();
      }));

    test(`[A4 ${world.name}] leaves alone what was told, offered, timed or piped for the message`, () =>
      world.run(async ({ system, idle, conserve }) => {
        const gate = system.spawn(shut);
        const seen = system.spawn(notes);
        const to = system.spawn(
          (self: Self) => ({
            async note(what: string) {
              await self.ask(gate, forever).enter();
              self.tell(seen).note([what, self.signal.aborted]);
            },
          }),
          { mailbox: { capacity: 2 } },
        );
        const at = system.spawn((self: Self) => ({
          async go() {
            self.tell(to).note("told");
            void self.offer(to).note("offered");
            self.after(1, () => self.tell(seen).note(["timed", self.signal.aborted]));
            self.pipeToSelf(self.ask(to, forever).note("piped"), () => {});
            void self.offer(to).note("waiting for room");
            await self.ask(gate, forever).enter();
          },
        }));
        const control = new AbortController();
        const end = verdict(system.ask(at, { ...forever, signal: control.signal }).go());
        await system.ask(gate).entered(2);
        expect(system.census().waitingForRoom).toBe(1);
        control.abort();
        expect(await end).toBe("Cancelled, unknown");
        conserve();
        expect(system.census().waitingForRoom).toBe(1);
        system.tell(gate).open();
        const all = (await system.ask(seen).list(5)) as [string, boolean][];
        expect(all.map(([what]) => what).sort()).toEqual(["offered", "piped", "timed", "told", "waiting for room"]);
        expect(all.map(([, aborted]) => aborted)).toEqual([false, false, false, false, false]);
        await idle();
      }));

    for (const end of ["answered", "refused by a full mailbox", "given up", "timed out"])
      test(`[A4 ${world.name}] takes its listener off the user's signal when the ask is ${end}`, () =>
        world.run(async ({ system, idle }) => {
          const gate = system.spawn(shut);
          const at = system.spawn((self: Self) => ({ go: () => self.ask(gate, forever).enter() }), {
            mailbox: { capacity: 0 },
          });
          const control = new AbortController();
          const { signal } = control;
          if (end === "refused by a full mailbox") {
            system.tell(at).go();
            await system.ask(gate).entered(1);
          }
          const asked = verdict(system.ask(at, { within: end === "timed out" ? 5 : "1h", signal }).go());
          if (end === "answered" || end === "given up") {
            await system.ask(gate).entered(1);
            expect(getEventListeners(signal, "abort")).toHaveLength(1);
          }
          if (end === "given up") control.abort();
          else if (end === "answered") system.tell(gate).open();
          await asked;
          expect(getEventListeners(signal, "abort")).toEqual([]);
          const offered = system.offer(at, { signal }).go();
          system.tell(gate).open();
          await settle(offered);
          expect(getEventListeners(signal, "abort")).toEqual([]);
          await idle();
        }));
  });
}
