// What is done for the sake of a message has that message's deadline.

import { type Message, type Ref, Refusal, receive, type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { cellOf } from "../../src/runtime/kernel/cell.ts";
import { Request, type Scope } from "../../src/runtime/kernel/operation.ts";
import { gate as shut } from "../fixtures/gate.ts";
import { type Notes, notes } from "../fixtures/notes.ts";
import { verdict } from "./verdict.ts";
import type { WorldUnderTest } from "./world.ts";

const forever = { within: "1h" } as const;
const inner = (self: Self) => ({ deadline: () => self.message?.deadline });
type Inner = ReturnType<typeof inner>;
/** A way to ask `to` from a handler; notes the deadline that the ask had. */
type Way = (self: Self, to: Ref<Inner>, note: (deadline: unknown) => void) => unknown;

const inherits: Record<string, Way> = {
  "ask before an await": async (self, to, note) => note(await self.ask(to, forever).deadline()),
  "ask after awaits": async (self, to, note) => {
    await self.sleep(1);
    await self.ask(to).deadline();
    note(await self.ask(to, forever).deadline());
  },
  "via ask": async (self, to, note) => note(await self.via("ask", to, forever).deadline()),
  "ask without a limit": async (self, to, note) =>
    note(await self.ask(to, { within: Number.POSITIVE_INFINITY }).deadline()),
};

/** In each, the ask is made by something that is no part of the message. */
const apart: Record<string, Way> = {
  after: (self, to, note) => self.after(1, async () => note(await self.ask(to, forever).deadline())),
  every: (self, to, note) => {
    const timer = self.every(1, async () => {
      timer.cancel();
      note(await self.ask(to, forever).deadline());
    });
  },
  watch: (self, to, note) => {
    const child = self.spawn((of: Self) => ({ quit: () => of.stop() }));
    self.watch(child, async () => note(await self.ask(to, forever).deadline()));
    self.tell(child).quit();
  },
  "the end of a pipe": (self, to, note) =>
    self.pipeToSelf(self.sleep(1), async () => note(await self.ask(to, forever).deadline())),
  "the factory of a child": (self, to, note) => {
    self.spawn(async (of) => {
      note(await of.ask(to, forever).deadline());
      return {};
    });
  },
};

interface Early {
  go(): string;
}

/** Ends of a message before the end of what was asked for it. */
const ends: Record<string, (m: Message<Early>, elsewhere: Ref<unknown>) => void> = {
  answered: (m) => m.answer("early"),
  refused: (m) => m.refuse(new No()),
  forwarded: (m, elsewhere) => m.forward(elsewhere),
  "held and answered": (m) => {
    m.hold();
    m.answer("early");
  },
};

class No extends Refusal {
  readonly _tag = "No";
}

export function inheritConformance(world: WorldUnderTest): void {
  describe("deadlines", () => {
    for (const concurrency of [1, 3])
      for (const [way, go] of Object.entries({ ...inherits, ...apart })) {
        const has = way in inherits ? "has" : "has not";
        test(`[A3 ${world.name}] ${way}, ${concurrency} at a time, ${has} the deadline of the message in flight`, () =>
          world.run(async ({ system, conserve }) => {
            const seen = system.spawn(notes);
            const to = system.spawn(inner);
            const handle = (self: Self) => ({
              async handle() {
                await go(self, to, (deadline) => self.tell(seen).note(deadline));
                return self.message?.deadline as number;
              },
            });
            const own = await system.ask(system.spawn(handle, { concurrency }), { within: "1m" }).handle();
            const [its] = (await system.ask(seen).list(1)) as number[];
            expect(own).toBeGreaterThan(0);
            if (way in inherits) expect(its).toBe(own);
            else expect(its).toBeGreaterThan(own);
            conserve();
          }));
      }

    test(`[A3 ${world.name}] a nearer limit of its own wins over the inherited one, a farther one never does`, () =>
      world.run(async ({ system }) => {
        const to = system.spawn(inner);
        const front = system.spawn((self: Self) => ({
          async handle(within: "1s" | "1h") {
            const its = (await self.ask(to, { within }).deadline()) as number;
            return its - (self.message?.deadline as number);
          },
        }));
        expect(await system.ask(front, { within: "1m" }).handle("1s")).toBeLessThan(0);
        expect(await system.ask(front, { within: "1m" }).handle("1h")).toBe(0);
      }));

    test(`[A3 ${world.name}] tell and offer give no deadline, also with a limit for the entry of an offer`, () =>
      world.run(async ({ system }) => {
        const seen = system.spawn(notes);
        const to = system.spawn((self: Self) => ({ look: () => self.tell(seen).note(self.message?.deadline) }));
        const front = system.spawn((self: Self) => ({
          async handle() {
            self.tell(to).look();
            self.tell(to, { id: "named" }).look();
            await self.offer(to).look();
            await self.offer(to, { within: "1s" }).look();
          },
        }));
        await system.ask(front).handle();
        expect(await system.ask(seen).list(4)).toEqual([undefined, undefined, undefined, undefined]);
      }));

    for (const when of ["at once", "from a timer", "with a nearer limit"])
      test(`[A3 ${world.name}] relay ${when} has the deadline of the message it is made for`, () =>
        world.run(async ({ system }) => {
          const to = system.spawn(inner);
          const own: number[] = [];
          const holder = system.spawn((self: Self) => ({
            [receive](m: Message<Inner>) {
              m.hold([to]);
              own.push(m.deadline as number);
              const options = when === "with a nearer limit" ? { within: "1s" as const } : undefined;
              const pass = async () => m.answer(await m.relay(to, options));
              if (when === "from a timer") self.after(2, () => void pass());
              else void pass();
            },
          }));
          const its = (await system.ask(holder, { within: "1m" }).deadline()) as number;
          if (when === "with a nearer limit") expect(its).toBeLessThan(own[0] as number);
          else expect(its).toBe(own[0]);
        }));

    test(`[A3 ${world.name}] an inherited deadline needs no timer of its own, a nearer one does`, () =>
      world.run(async ({ system }) => {
        const gate = system.spawn(shut);
        const last = system.spawn((self: Self) => ({ wait: async () => self.ask(gate, forever).enter() }));
        const middle = system.spawn((self: Self) => ({ wait: async () => self.ask(last, { within: "1m" }).wait() }));
        const first = system.spawn((self: Self) => ({ wait: async () => self.ask(middle, forever).wait() }));
        const done = system.ask(first, { within: "2m" }).wait();
        await system.ask(gate).entered(1);
        const outside = requests(cellOf(first).core.root.self)[0];
        const [toMiddle, toLast, toGate] = [first, middle, last].map((ref) => requests(cellOf(ref).self.flight)[0]);
        expect([outside, toMiddle, toLast, toGate].map((one) => one?.armed)).toEqual([true, false, true, false]);
        expect(toMiddle?.deadline).toBe(outside?.deadline);
        expect(toGate?.deadline).toBe(toLast?.deadline);
        system.tell(gate).open();
        await done;
      }));

    for (const concurrency of [1, 2])
      for (const [end, does] of Object.entries(ends))
        for (const order of ["before", "after", "an await after"])
          test(`[A3 ${world.name}] an ask begun ${order} its message was ${end}, ${concurrency} at a time, ends by the inherited deadline`, () =>
            world.run(async ({ system, conserve }) => {
              const gate = system.spawn(shut);
              const seen = system.spawn(notes);
              const elsewhere = system.spawn(() => ({ go: () => "elsewhere" }));
              const handler = (self: Self) => ({
                async [receive](m: Message<Early>) {
                  if (order !== "before") does(m, elsewhere);
                  if (order === "an await after") await self.sleep(1);
                  const asked = verdict(self.ask(gate, forever).enter());
                  if (order === "before") does(m, elsewhere);
                  self.tell(seen).note(await asked);
                },
              });
              await settle(system.ask(system.spawn(handler, { concurrency }), { within: 30 }).go());
              expect(await system.ask(seen).list(1)).toEqual(["AskTimeout, unknown"]);
              conserve();
            }));

    for (const how of ["kept", "piped"])
      test(`[A3 ${world.name}] an ask that is ${how} and outlives its handler ends by the inherited deadline`, () =>
        world.run(async ({ system, conserve }) => {
          const gate = system.spawn(shut);
          const seen = system.spawn(notes);
          const at = system.spawn((self: Self) => ({
            go() {
              const asked = self.ask(gate, forever).enter();
              const note = (error: unknown) => self.tell(seen as Ref<Notes>).note((error as Error).name);
              if (how === "piped") self.pipeToSelf(asked, () => {}, note);
              else asked.catch(note);
              return "early";
            },
          }));
          expect(await system.ask(at, { within: 30 }).go()).toBe("early");
          expect(await system.ask(seen).list(1)).toEqual(["AskTimeout"]);
          conserve();
        }));
  });
}

function requests(scope: Scope | undefined): Request[] {
  const found: Request[] = [];
  for (let one = scope?.first; one !== undefined; one = one.next) if (one instanceof Request) found.push(one);
  return found;
}
