// Offers: when one settles, and that its limit is that of its entry alone.

import { type Message, type Ref, Refusal, receive, type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { type Passage, gate as shut } from "../fixtures/gate.ts";
import { type Notes, notes } from "../fixtures/notes.ts";
import { verdict } from "./verdict.ts";
import type { Kit, WorldUnderTest } from "./world.ts";

const forever = { within: "1h" } as const;

class No extends Refusal {
  readonly _tag = "No";
}

interface Desk {
  go(): unknown;
}

const slow = (self: Self, gate: Ref<Passage>, seen: Ref<Notes>) => ({
  async work(what: string) {
    self.tell(seen).note(what);
    await self.ask(gate, forever).enter();
  },
});

function scene({ system }: Kit, capacity: number) {
  const gate = system.spawn(shut);
  const seen = system.spawn(notes);
  const to = system.spawn((self) => slow(self, gate, seen), { mailbox: { capacity, offers: 2 } });
  return { gate, seen, to };
}

/** What a [receive] actor may do first with an offered message, and how the offer ends then. */
const firsts: [does: string, first: (m: Message<Desk>, other: Ref<unknown>) => unknown, ends: string][] = [
  ["accepts", (m) => m.accept(), "ok"],
  ["accepts and refuses", (m) => [m.accept(), m.refuse(new No())], "ok"],
  ["answers", (m) => m.answer(1), "ok"],
  ["returns", () => 1, "ok"],
  ["returns nothing", () => undefined, "ok"],
  ["refuses", (m) => m.refuse(new No()), "No, answered"],
  ["answers with a refusal", (m) => m.answer(new No()), "No, answered"],
  ["returns a refusal", () => new No(), "No, answered"],
  [
    "crashes",
    () => {
      throw new Error("crash");
    },
    "ActorCrashed, unknown",
  ],
  ["forwards to who takes it", (m, other) => m.forward(other), "ok"],
];

export function offerConformance(world: WorldUnderTest): void {
  describe("offer", () => {
    test(`[D4 ${world.name}] settles when the message has its place, waits for room in order, and rejects beyond`, () =>
      world.run(async (kit) => {
        const { system, conserve, idle } = kit;
        const { gate, seen, to } = scene(kit, 1);
        await system.offer(to).work("running");
        await system.offer(to).work("queued");
        const order: string[] = [];
        const third = system
          .offer(to)
          .work("third")
          .then(() => order.push("third"));
        const fourth = system
          .offer(to)
          .work("fourth")
          .then(() => order.push("fourth"));
        expect(system.census().waitingForRoom).toBe(2);
        conserve();
        expect(await verdict(system.offer(to).work("fifth"))).toBe("MailboxFull, not-started");
        expect(await verdict(system.ask(to).work("asked"))).toBe("MailboxFull, not-started");
        system.tell(gate).open();
        await Promise.all([third, fourth]);
        expect(order).toEqual(["third", "fourth"]);
        expect(await system.ask(seen).list(4)).toEqual(["running", "queued", "third", "fourth"]);
        await idle();
        expect(await verdict(system.ask(to).work("room again"))).toBe("ok");
        conserve();
      }));

    test(`[D4 ${world.name}] while one waits, nothing overtakes it, whatever room a withdrawal makes`, () =>
      world.run(async (kit) => {
        const { system, idle, conserve } = kit;
        const { gate, seen, to } = scene(kit, 1);
        system.tell(to).work("running");
        await system.ask(seen).list(1);
        const control = new AbortController();
        const queued = verdict(system.ask(to, { ...forever, signal: control.signal }).work("withdrawn"));
        const offered = verdict(system.offer(to).work("offered"));
        system.tell(to).work("told, turned away");
        expect(system.deadLetters.map(({ reason }) => reason)).toEqual(["MAILBOX_FULL"]);
        control.abort();
        expect(await queued).toBe("Cancelled, not-started");
        expect(await offered).toBe("ok");
        conserve();
        system.tell(gate).open();
        await idle();
        expect(await system.ask(seen).list(2)).toEqual(["running", "offered"]);
      }));

    for (const how of ["its limit", "its signal", "the end of the receiver"])
      test(`[D4 ${world.name}] that waits for room ends by ${how}, not started and never accepted`, () =>
        world.run(async (kit) => {
          const { system, conserve, idle } = kit;
          const { gate, seen, to } = scene(kit, 0);
          const quitter = system.spawn(
            (self: Self) => ({
              async work() {
                await self.ask(gate, forever).enter();
                self.stop();
              },
            }),
            { mailbox: { capacity: 0 } },
          );
          const at = how === "the end of the receiver" ? quitter : to;
          system.tell(at as typeof to).work("running");
          await system.ask(gate).entered(1);
          const control = new AbortController();
          const within = how === "its limit" ? 5 : "1h";
          const offered = verdict(system.offer(at as typeof to, { within, signal: control.signal }).work("late"));
          expect(system.census().waitingForRoom).toBe(1);
          if (how === "its signal") control.abort();
          if (how === "the end of the receiver") system.tell(gate).open();
          const tag = { "its limit": "OfferTimeout", "its signal": "Cancelled" }[how] ?? "ActorStopped";
          expect(await offered).toBe(`${tag}, not-started`);
          expect(system.census()).toMatchObject({ waitingForRoom: 0, turnedAway: 1 });
          conserve();
          system.tell(gate).open();
          await idle();
          if (at === to) expect(await system.ask(seen).list(1)).toEqual(["running"]);
        }));

    test(`[A3 ${world.name}] has a limit for its entry alone: the message is handled however late it starts`, () =>
      world.run(async (kit) => {
        const { system, idle } = kit;
        const { gate, seen, to } = scene(kit, 5);
        system.tell(to).work("running");
        await system.offer(to, { within: 2 }).work("offered");
        const clock = system.spawn((self: Self) => ({ nap: () => self.sleep(8) }));
        await system.ask(clock).nap();
        system.tell(gate).open();
        await idle();
        expect(await system.ask(seen).list(2)).toEqual(["running", "offered"]);
        expect(system.census(to)).toMatchObject({ handled: 2, expired: 0 });
      }));

    for (const [does, first, ends] of firsts)
      for (const when of ["at once", "after an await"])
        test(`[D4 ${world.name}] to a [receive] actor that ${does} ${when} ends: ${ends}`, () =>
          world.run(async (kit) => {
            const { system, idle, conserve } = kit;
            const other = system.spawn(() => ({ go: () => "elsewhere" }));
            const at = system.spawn((self: Self) => ({
              [receive]: (m: Message<Desk>) =>
                when === "at once" ? first(m, other) : self.sleep(1).then(() => first(m, other)),
            }));
            expect(await verdict(system.offer(at, forever).go())).toBe(ends);
            await idle();
            conserve();
          }));

    for (const full of [true, false])
      test(`[D4 ${world.name}] forwarded to ${full ? "a full mailbox" : "an actor that has ended"} rejects`, () =>
        world.run(async (kit) => {
          const { system, conserve } = kit;
          const { gate, to } = scene(kit, 0);
          const gone = system.spawn((self: Self) => ({ work: () => self.stop() }));
          await system.ask(gone).work();
          system.tell(to).work("running");
          await system.ask(gate).entered(1);
          const at = system.spawn(() => ({
            [receive]: (m: Message<typeof to extends Ref<infer P> ? P : never>) => m.forward(full ? to : gone),
          }));
          const end = await verdict(system.offer(at, forever).work("forwarded"));
          expect(end).toBe(full ? "MailboxFull, not-started" : "ActorStopped, not-started");
          expect(system.census(at)).toMatchObject({ dead: 1, forwardedOut: 0 });
          system.tell(gate).open();
          conserve();
        }));

    for (const settles of ["accept", "answer", "refuse", "forward"] as const)
      test(`[D4 ${world.name}] that is held waits for ${settles}`, () =>
        world.run(async (kit) => {
          const { system, conserve } = kit;
          const held: Message<Desk>[] = [];
          const other = system.spawn(() => ({ go: () => "elsewhere" }));
          const at = system.spawn(() => ({
            [receive](m: Message<Desk & { now(): void }>) {
              if (m.type !== "now") {
                m.hold();
                held.push(m as Message<Desk>);
                return;
              }
              for (const one of held) {
                if (settles === "accept") one.accept();
                if (settles === "answer") one.answer(1);
                if (settles === "refuse") one.refuse(new No());
                if (settles === "forward") one.forward(other);
              }
            },
          }));
          let ended = false;
          const offered = settle(system.offer(at, forever).go()).finally(() => {
            ended = true;
          });
          await system.ask(system.spawn((self: Self) => ({ nap: () => self.sleep(2) }))).nap();
          expect([ended, system.census(at).held]).toEqual([false, 1]);
          await system.ask(at).now();
          expect((await offered).ok).toBe(settles !== "refuse");
          // accept settles the offer and nothing else: the message is still held.
          expect(system.census(at).held).toBe(settles === "accept" ? 1 : 0);
          conserve();
        }));
  });
}
