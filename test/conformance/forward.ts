// Messages that go on from one actor to another: what travels with them, in which order, and when they do not arrive.

import { type Message, type MessageInfo, type Ref, receive, type Self, settle } from "antiphon";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gate as shut } from "../fixtures/gate.ts";
import { notes } from "../fixtures/notes.ts";
import { type Hand, pool } from "../fixtures/pool.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { WorldUnderTest } from "./world.ts";

const forever = { within: "1h" } as const;

interface Desk {
  go(payload: unknown): unknown;
}
type Look = (m: Message<Desk>) => unknown;

/** What a forwarder may read of a message before it goes on. */
const looks: Record<string, Look> = {
  nothing: () => undefined,
  "its id": (m) => m.id,
  "its sender": (m) => m.sender?.path,
};

export function forwardConformance(world: WorldUnderTest): void {
  describe("forward", () => {
    for (const verb of ["tell", "offer", "ask"] as const)
      for (const [read, look] of Object.entries(looks))
        for (const named of [true, false])
          test(`[D3 ${world.name}] keeps sender and id of ${verb}, ${named ? "named" : "unnamed"}, having read ${read}`, () =>
            world.run(async ({ system, idle, conserve }) => {
              const seen = system.spawn(notes);
              const last = system.spawn((self: Self) => ({ go: () => self.tell(seen).note(self.message) }));
              const hop = (to: Ref<unknown>) => (self: Self) => ({
                [receive](m: Message<Desk>) {
                  if (look(m) !== undefined) self.tell(seen).note([m.id, m.sender?.path, m.key, m.attempt]);
                  m.forward(to);
                },
              });
              const middle = system.spawn(hop(last), { name: "middle" });
              const front = system.spawn(hop(middle), { name: "front" });
              const sender = system.spawn(
                (self: Self) => ({
                  put: () => void self.via(verb, front, named ? { id: "i", key: "k", attempt: 3 } : {}).go(1),
                  plain: () => void self.via(verb, front).go(1),
                }),
                { name: "sender" },
              );
              if (named) system.tell(sender).put();
              else system.tell(sender).plain();
              await idle();
              const all = (await system.ask(seen).list(1)) as unknown[];
              const { id, sender: from, key, attempt, deadline } = all.at(-1) as MessageInfo;
              expect([from?.path, key, attempt]).toEqual(["/sender", named ? "k" : undefined, named ? 3 : 1]);
              if (named) expect(id).toBe("i");
              expect(deadline === undefined).toBe(verb !== "ask");
              // Whoever read the id on the way saw the same one.
              for (const one of all.slice(0, -1)) expect(one).toEqual([id, "/sender", key, attempt]);
              conserve();
            }));

    test(`[D1 ${world.name}] what one actor forwards and puts itself into one mailbox starts in that order`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom("forward", "hold", "release", "tell", "ask", "offer"), {
            minLength: 2,
            maxLength: 20,
          }),
          (script) =>
            world.run(async ({ system, idle, conserve }) => {
              const put: number[] = [];
              const started: number[] = [];
              const last = system.spawn((self: Self) => ({
                async go(n: unknown) {
                  started.push(n as number);
                  if ((n as number) % 3 === 0) await self.sleep(1);
                },
              }));
              const front = system.spawn((self: Self) => {
                const held: Message<Desk>[] = [];
                return {
                  [receive](m: Message<Desk>) {
                    const [n, does] = m.payload as [number, string];
                    // A forward carries the whole payload on: the receiver reads the number off it.
                    if (does === "hold") {
                      m.hold();
                      held.push(m);
                    } else if (does === "release") {
                      for (const one of held.splice(0)) {
                        put.push((one.payload as [number])[0]);
                        one.forward(reader);
                      }
                    } else if (does === "forward") {
                      put.push(n);
                      m.forward(reader);
                    } else {
                      put.push(n);
                      const sent = self.via(does as "tell" | "ask" | "offer", reader).go([n]);
                      if (sent !== undefined) void settle(sent as Promise<unknown>);
                    }
                  },
                };
              });
              const reader: Ref<Desk> = system.spawn((self: Self) => ({
                go: (payload: unknown) => self.tell(last).go((payload as [number])[0]),
              }));
              script.forEach((does, n) => {
                system.tell(front).go([n, does]);
              });
              await idle();
              expect(started).toEqual(put);
              conserve();
            }),
        ),
        { seed: 5, numRuns: 40 },
      ));

    test(`[D3 ${world.name}] never waits for room: not taken, the message is dead here and its asker is told`, () =>
      world.run(async ({ system, conserve }) => {
        const gate = system.spawn(shut);
        const to = system.spawn((self: Self) => ({ go: () => self.ask(gate, forever).enter() }), {
          mailbox: { capacity: 1 },
        });
        const front = system.spawn(() => ({ [receive]: (m: Message<Desk>) => m.forward(to) }));
        const asked = [1, 2, 3].map((n) => verdict(system.ask(front, forever).go(n)));
        expect(await asked[2]).toBe("MailboxFull, not-started");
        expect(system.census(front)).toMatchObject({ dead: 1, forwardedOut: 2 });
        expect(system.census(to)).toMatchObject({ forwardedIn: 2, accepted: 0 });
        conserve();
        system.tell(front).go(4);
        await until(system, () => system.deadLetters.length === 1);
        expect(system.deadLetters).toMatchObject([{ type: "go", payload: 4, reason: "MAILBOX_FULL", to: to.path }]);
        system.tell(gate).open();
        await Promise.all(asked);
      }));

    test(`[S1 ${world.name}] goes on while the system drains, for work that came from outside before`, () =>
      world.run(async ({ system, conserve }) => {
        const seen: unknown[] = [];
        const to = system.spawn(() => ({ go: (n: unknown) => void seen.push(n) }));
        const front = system.spawn((self: Self) => ({
          async [receive](m: Message<Desk>) {
            await self.sleep(5);
            m.forward(to);
          },
        }));
        system.tell(front).go("told");
        const asked = verdict(system.ask(front, forever).go("asked"));
        const report = await system.stop({ drain: "1h" });
        expect(await asked).toBe("ok");
        expect([seen, report.left]).toEqual([["told", "asked"], []]);
        conserve();
      }));
  });

  describe("relay", () => {
    test(`[A3 ${world.name}] asks the same message, by the holder, under the id and key of the one held`, () =>
      world.run(async ({ system, conserve }) => {
        const to = system.spawn((self: Self) => ({
          go: (payload: unknown) => ({ payload, message: self.message, from: self.message?.sender?.path }),
        }));
        const holder = system.spawn(
          () => ({
            [receive](m: Message<Desk>) {
              m.hold([to]);
              m.relay(to).then(
                (value) => m.answer(value),
                (error) => m.refuse(error),
              );
            },
          }),
          { name: "holder" },
        );
        const answer = await system.ask(holder, { id: "i", key: "k", attempt: 2 }).go({ a: 1 });
        expect(answer).toMatchObject({ payload: { a: 1 }, from: "/holder" });
        expect(answer).toMatchObject({ message: { type: "go", id: "i", key: "k", attempt: 2 } });
        conserve();
      }));

    for (const end of ["the asker leaves", "the holder restarts"])
      test(`[A4 ${world.name}] is given up in the same turn when ${end}`, () =>
        world.run(async ({ system, idle, conserve }) => {
          const gate = system.spawn(shut);
          const seen = system.spawn(notes);
          const to = system.spawn((self: Self) => ({
            async go() {
              const { signal } = self;
              await settle(self.ask(gate, forever).enter());
              self.tell(seen).note(signal.aborted);
            },
          }));
          const relayed: string[] = [];
          const holder = system.spawn(() => ({
            [receive](m: Message<Desk & { crash(): void }>) {
              if (m.type === "crash") throw new Error("crash");
              m.hold([to]);
              void verdict(m.relay(to)).then((one) => relayed.push(one));
            },
          }));
          const control = new AbortController();
          const asked = verdict(system.ask(holder, { ...forever, signal: control.signal }).go(1));
          await system.ask(gate).entered(1);
          if (end === "the asker leaves") {
            control.abort();
            expect(system.census(gate)).toMatchObject({ held: 0, cancelled: 1 });
          } else system.tell(holder).crash();
          expect(await asked).toMatch(/^(Cancelled|ActorRestarted), unknown$/);
          expect(await system.ask(seen).list(1)).toEqual([true]);
          await idle();
          expect(relayed).toEqual([end === "the asker leaves" ? "Cancelled, unknown" : "Stopped, unknown"]);
          conserve();
        }));
  });

  describe("a pool on the public interface", () => {
    for (const hand of ["forward", "relay", "relay, silent about it"] satisfies Hand[])
      test(`[D3 ${world.name}] by ${hand}: work runs side by side, answers and refusals come back, the books balance`, () =>
        world.run(async ({ system, idle, conserve }) => {
          const gate = system.spawn(shut);
          const worker = (self: Self) => ({
            async square(n: number) {
              await self.ask(gate, forever).enter();
              if (n === 2) throw new Error("two");
              return n * n;
            },
          });
          const squares = system.spawn(pool(worker, { size: 3, hand }), { name: "pool" });
          const asked = [1, 2, 3, 4].map((n) => settle(system.ask(squares, forever).square(n)));
          await system.ask(gate).entered(3);
          conserve();
          system.tell(gate).open();
          const found = (await Promise.all(asked)).map((end) => (end.ok ? end.value : (end.error as Error).name));
          expect(found).toEqual([1, "ActorCrashed", 9, 16]);
          await idle();
          conserve();
        }));
  });
}
