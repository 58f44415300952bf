// Actors that take any message: every way in which one may end there, at once or held, and what its asker gets.

import { type Message, type Ref, Refusal, receive, type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { gate as shut } from "../fixtures/gate.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { WorldUnderTest } from "./world.ts";

const forever = { within: "1h" } as const;

class No extends Refusal {
  readonly _tag = "No";
}

interface Desk {
  go(payload: number): unknown;
}
interface Refs {
  readonly other: Ref<unknown>;
  readonly full: Ref<unknown>;
}

interface End {
  /** What ends the message. `stop` and `crash` are done by another message where it is held. */
  readonly act: (m: Message<Desk>, refs: Refs) => unknown;
  readonly asker: string;
  readonly fate: Record<string, number>;
  readonly deadLetters?: number;
}

const ends: Record<string, End> = {
  "an answer": { act: (m) => m.answer(m.payload), asker: "ok", fate: { handled: 1 } },
  "a refusal": { act: (m) => m.refuse(new No()), asker: "No, answered", fate: { refused: 1 } },
  "a refusal as answer": { act: (m) => m.answer(new No()), asker: "No, answered", fate: { refused: 1 } },
  "a forward": { act: (m, { other }) => m.forward(other), asker: "ok", fate: { forwardedOut: 1 } },
  "a forward that is not taken": {
    act: (m, { full }) => m.forward(full),
    asker: "MailboxFull, not-started",
    fate: { dead: 1, forwardedOut: 0 },
    deadLetters: 1,
  },
};
const fates = ["handled", "refused", "crashed", "expired", "cancelled", "dropped", "dead", "forwardedOut"] as const;

export function receiveConformance(world: WorldUnderTest): void {
  /** An actor that does `act` with what it takes: in its handler, after an await, or when told so while it holds. */
  const desk = (act: End["act"], when: string, refs: Refs) => (self: Self) => {
    const held: Message<Desk>[] = [];
    return {
      async [receive](m: Message<Desk & { now(): void }>): Promise<void> {
        if (m.type === "now") for (const one of held.splice(0)) act(one, refs);
        else if (when === "held") {
          m.hold();
          held.push(m as Message<Desk>);
        } else {
          if (when === "after an await") await self.sleep(1);
          act(m as Message<Desk>, refs);
        }
      },
    };
  };

  describe("[receive]", () => {
    for (const [name, { act, asker, fate, deadLetters = 0 }] of Object.entries(ends))
      for (const when of ["at once", "after an await", "held"])
        test(`[D3 ${world.name}] ${name} ${when} ends the message so, asked or told`, () =>
          world.run(async ({ system, idle, conserve, events }) => {
            const gate = system.spawn(shut);
            const other = system.spawn(() => ({ go: (payload: number) => payload }));
            const full = system.spawn((self: Self) => ({ go: (_: number) => self.ask(gate, forever).enter() }), {
              mailbox: { capacity: 0 },
            });
            system.tell(full).go(0);
            await system.ask(gate).entered(1);
            const at = system.spawn(desk(act, when, { other, full }));
            const asked = verdict(system.ask(at, forever).go(1));
            system.tell(at).go(2);
            if (when === "held") {
              await until(system, () => system.census(at).held === 2);
              expect(system.census(at)).toMatchObject({ queued: 0, running: 0 });
              conserve();
            }
            await system.ask(at).now();
            expect(await asked).toBe(asker);
            system.tell(gate).open();
            await idle();
            const doubled = Object.fromEntries(Object.entries(fate).map(([key, count]) => [key, 2 * count]));
            const found = system.census(at);
            const all = fates.reduce((sum, key) => sum + found[key], 0);
            expect(found).toMatchObject({ ...doubled, handled: (doubled["handled"] ?? 0) + 1, held: 0 });
            expect(all).toBe(3);
            expect(system.deadLetters).toHaveLength(deadLetters);
            expect(events.filter(({ kind }) => kind === "unheard")).toHaveLength(asker.startsWith("No") ? 1 : 0);
            conserve();
          }));

    for (const [first, { act, asker }] of Object.entries(ends))
      for (const [second, { act: again }] of Object.entries(ends))
        for (const when of ["at once", "after an await", "held"])
          test(`[A1 ${world.name}] ${second} after ${first} ${when} is counted and changes nothing`, () =>
            world.run(async ({ system, idle, conserve }) => {
              const other = system.spawn(() => ({ go: (payload: number) => payload }));
              const full = system.spawn(() => ({ go: (_: number) => {} }), { mailbox: { capacity: 0 } });
              const both: End["act"] = (m, refs) => {
                system.tell(full).go(0);
                act(m, refs);
                again(m, refs);
                m.hold();
                m.accept();
              };
              const at = system.spawn(desk(both, when, { other, full }));
              const asked = verdict(system.ask(at, forever).go(1));
              await system.ask(at).now();
              expect(await asked).toBe(asker);
              await idle();
              expect(system.census().repeated).toBe(1);
              expect(system.census(at).held).toBe(0);
              conserve();
            }));

    const leaving: Record<string, { asker: string; fate: object }> = {
      "its asker's signal": { asker: "Cancelled, unknown", fate: { cancelled: 1 } },
      "its deadline": { asker: "AskTimeout, unknown", fate: { expired: 1 } },
      "a crash of the holder": { asker: "ActorRestarted, unknown", fate: { cancelled: 1, crashed: 1 } },
      "a stop of the holder": { asker: "ActorStopped, unknown", fate: { dead: 1 } },
      "an answer after a crash that resumes": { asker: "ok", fate: { crashed: 1, handled: 2 } },
    };
    for (const [end, { asker, fate }] of Object.entries(leaving))
      test(`[D3 ${world.name}] a held message ends by ${end}, once, and what is done with it later is counted`, () =>
        world.run(async ({ system, idle, conserve }) => {
          const kept: Message<Desk>[] = [];
          const aborted: boolean[] = [];
          const resumes = end.includes("resumes");
          const at = system.spawn(
            (self: Self) => ({
              [receive](m: Message<Desk & { crash(): void; quit(): void; now(): void }>) {
                if (m.type === "crash") throw new Error("crash");
                if (m.type === "quit") self.stop();
                if (m.type === "now") for (const one of kept) one.answer(1);
                if (m.type !== "go") return;
                m.signal.addEventListener("abort", () => aborted.push(true));
                m.hold();
                kept.push(m as Message<Desk>);
              },
            }),
            { supervision: { onCrash: resumes ? "resume" : "restart" } },
          );
          const control = new AbortController();
          const within = end === "its deadline" ? 30 : "1h";
          const asked = verdict(system.ask(at, { within, signal: control.signal }).go(1));
          await idle();
          expect(system.census(at).held).toBe(1);
          if (end === "its asker's signal") control.abort();
          if (end.includes("crash")) system.tell(at).crash();
          if (end.includes("stop")) system.tell(at).quit();
          if (resumes) await system.ask(at).now();
          expect(await asked).toBe(asker);
          await idle();
          expect(system.census(at)).toMatchObject({ held: 0, ...fate });
          expect(aborted).toEqual(resumes ? [] : [true]);
          const before = system.census();
          kept[0]?.answer("too late");
          const after = system.census();
          expect(after.late + after.repeated).toBe(before.late + before.repeated + 1);
          expect({ ...after, late: 0, repeated: 0 }).toEqual({ ...before, late: 0, repeated: 0 });
          conserve();
        }));

    for (const failing of ["a refusal", "a failed ask", "an error"])
      for (const state of ["held", "answered", "forwarded"])
        test(`[A5 ${world.name}] ${failing} thrown after the message was ${state}`, () =>
          world.run(async ({ system, events, idle, conserve }) => {
            const crashing = system.spawn(() => ({ go: (_: number) => Promise.reject(new Error("inner")) }));
            const other = system.spawn(() => ({ go: (payload: number) => payload }));
            let boots = 0;
            const at = system.spawn((self: Self) => {
              boots++;
              return {
                async [receive](m: Message<Desk>) {
                  if (state === "held") m.hold();
                  if (state === "answered") m.answer("early");
                  if (state === "forwarded") m.forward(other);
                  if (failing === "a refusal") throw new No();
                  if (failing === "an error") throw new Error("own");
                  await self.ask(crashing).go(1);
                },
              };
            });
            const held = { "a refusal": "No, answered" }[failing] ?? "ActorCrashed, unknown";
            expect(await verdict(system.ask(at, forever).go(1))).toBe(state === "held" ? held : "ok");
            await idle();
            expect(boots).toBe(failing === "an error" ? 2 : 1);
            const lost = failing !== "an error" && state !== "held" ? 1 : 0;
            expect(events.filter(({ kind }) => kind === "unheard")).toHaveLength(lost);
            expect(system.census()).toMatchObject({ held: 0, late: 0 });
            conserve();
          }));

    test(`[D3 ${world.name}] a message whose asker left while its handler ran is not held any more`, () =>
      world.run(async ({ system, idle, conserve }) => {
        const gate = system.spawn(shut);
        const at = system.spawn((self: Self) => ({
          async [receive](m: Message<Desk>) {
            m.hold();
            await settle(self.ask(gate, forever).enter());
            m.relay(gate).catch(() => {});
          },
        }));
        const control = new AbortController();
        const asked = verdict(system.ask(at, { signal: control.signal }).go(1));
        await system.ask(gate).entered(1);
        control.abort();
        expect(await asked).toBe("Cancelled, unknown");
        await idle();
        expect(system.census(at)).toMatchObject({ held: 0, cancelled: 1, handled: 0 });
        conserve();
      }));
  });
}
