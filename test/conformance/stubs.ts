// What tell, offer, ask and via give: objects whose methods send. Names here are used in one test only, as a name
// stays known in the process once an actor has it.

import { type Message, type Ref, receive, type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import type { WorldUnderTest } from "./world.ts";

const verbs = ["tell", "offer", "ask"] as const;
/** A ref seen as one that takes anything. */
// biome-ignore lint/suspicious/noExplicitAny: names that the types exclude are the subject
const loose = (ref: Ref<any>): Ref<any> => ref;

export function stubsConformance(world: WorldUnderTest): void {
  const { name } = world;
  describe("a stub", () => {
    test.each(verbs)(`[${name}] of an actor that is up: a name that no actor has is a TypeError of %s`, (verb) =>
      world.run(async ({ system }) => {
        const ref = loose(system.spawn(() => ({ known() {} })));
        expect(() => system.via(verb, ref)["nobodyHasThis"]()).toThrow(TypeError);
        expect(system.census().sent).toBe(0);
      }),
    );

    test(`[D4 ${name}] a name that another actor has is turned away by the receiver, and tell does not throw`, () =>
      world.run(async ({ system, conserve }) => {
        system.spawn(() => ({ elsewhereOnly() {} }));
        const ref = loose(system.spawn(() => ({ here() {} })));
        system.tell(ref)["elsewhereOnly"](1);
        expect(system.deadLetters).toMatchObject([{ type: "elsewhereOnly", payload: 1, reason: "UNKNOWN_MESSAGE" }]);
        const asked = await settle(system.ask(ref)["elsewhereOnly"]());
        expect(asked).toMatchObject({ ok: false, error: { code: "UNKNOWN_MESSAGE", outcome: "not-started" } });
        expect(String((asked as { error: Error }).error.message)).toContain("here");
        conserve();
      }));

    test(`[${name}] of an actor that starts takes any name; what it turns out to have is handled`, () =>
      world.run(async ({ system, idle }) => {
        const log: unknown[] = [];
        const ref = loose(
          system.spawn(async (self: Self) => {
            await self.sleep(1);
            return { lateComer: (n: number) => log.push(n) };
          }),
        );
        system.tell(ref)["lateComer"](1);
        system.tell(ref)["neverHeardOf"](2);
        const offered = system.offer(ref)["lateComer"](3);
        const refused = settle(system.offer(ref)["neverHeardOf2"](4));
        await offered;
        expect(await refused).toMatchObject({ ok: false, error: { code: "UNKNOWN_MESSAGE" } });
        await idle();
        expect(log).toEqual([1, 3]);
        expect(system.deadLetters.map(({ type }) => type)).toEqual(["neverHeardOf"]);
      }));

    test(`[${name}] that was taken while the actor started serves it later`, () =>
      world.run(async ({ system }) => {
        const ref = system.spawn(async (self: Self) => {
          await self.sleep(1);
          return { serve: () => "served" };
        });
        const stub = system.ask(ref);
        expect(await stub.serve()).toBe("served");
        expect(await stub.serve()).toBe("served");
      }));

    test.each(verbs)(`[${name}] of an actor with [receive] takes any name: %s`, (verb) =>
      world.run(async ({ system, idle }) => {
        const log: unknown[] = [];
        const ref = loose(
          system.spawn(() => ({
            [receive](m: Message) {
              log.push([m.type, m.payload]);
              return m.type;
            },
          })),
        );
        const waits = system.via(verb, ref)[`coined${verb}`](7);
        if (verb === "ask") expect(await waits).toBe("coinedask");
        else await waits;
        await idle();
        expect(log).toEqual([[`coined${verb}`, 7]]);
      }),
    );

    test(`[D4 ${name}] of an actor with [receive] and declared messages takes these only`, () =>
      world.run(async ({ system }) => {
        system.spawn(() => ({ undeclared() {} }));
        const make = () => ({ [receive]: (m: Message<{ declared(): string }>) => m.type });
        const ref = system.spawn(make, { messages: ["declared"] });
        expect(await system.ask(ref).declared()).toBe("declared");
        system.tell(loose(ref))["undeclared"]();
        expect(system.deadLetters).toMatchObject([{ reason: "UNKNOWN_MESSAGE" }]);
        expect(() => system.tell(loose(ref))["nobodyDeclares"]()).toThrow(TypeError);
      }));

    test(`[D4 ${name}] messages closes the protocol: a method beyond it is turned away`, () =>
      world.run(async ({ system }) => {
        // No other actor has the name: it is known all the same, as the types list it.
        const make = () => ({ open: () => "open", shutToAll: () => expect.unreachable("it is not listed") });
        const ref = system.spawn(make, { messages: ["open"] });
        expect(await system.ask(ref).open()).toBe("open");
        expect(await settle(system.ask(ref).shutToAll())).toMatchObject({ error: { code: "UNKNOWN_MESSAGE" } });
      }));

    test(`[D4 ${name}] an accessor that gives a function is turned away and not run`, () =>
      world.run(async ({ system }) => {
        const ref = system.spawn(() => ({
          get computedAlone(): () => void {
            return expect.unreachable("the accessor was run");
          },
        }));
        system.tell(ref).computedAlone();
        expect(system.deadLetters).toMatchObject([{ type: "computedAlone", reason: "UNKNOWN_MESSAGE" }]);
      }));

    test.each(verbs)(`[${name}] can be awaited by mistake, as then is no message: %s`, (verb) =>
      world.run(async ({ system }) => {
        const plain = system.spawn(() => ({ known() {} }));
        const any = system.spawn(() => ({ [receive]() {} }));
        const starting = system.spawn(async (self: Self) => {
          await self.sleep(1);
          return { known() {} };
        });
        for (const ref of [plain, any, starting]) {
          const stub = system.via(verb, loose(ref));
          expect(stub["then"]).toBeUndefined();
          expect(await stub).toBe(stub);
          for (const hidden of ["_private", "toString", "constructor", Symbol.iterator, Symbol.asyncDispose])
            if (ref !== plain) expect(stub[hidden]).toBeUndefined();
        }
        expect(system.census().sent).toBe(0);
      }),
    );

    const notRefs: unknown[] = [undefined, null, 5, "/shop", {}, { path: "/shop" }, () => {}, [], Symbol("s")];
    test.each(verbs)(`[${name}] is made for refs only: %s of anything else is InvalidOption`, (verb) =>
      world.run(async ({ system }) => {
        for (const one of notRefs) {
          const run = () => system.via(verb, one as Ref<unknown>);
          expect(run).toThrow(expect.objectContaining({ _tag: "InvalidOption", option: "to" }));
        }
        const ref = system.spawn(() => ({}));
        expect(() => system[verb](Object.create(ref) as Ref<unknown>)).toThrow(TypeError);
      }),
    );

    test(`[${name}] of via is that of its verb, and of no other`, () =>
      world.run(async ({ system, idle }) => {
        const log: number[] = [];
        const ref = system.spawn((self: Self) => ({
          async double(n: number) {
            log.push(n);
            await self.sleep(1);
            return n * 2;
          },
        }));
        expect(system.via("tell", ref).double(1)).toBeUndefined();
        expect(await system.via("offer", ref).double(2)).toBeUndefined();
        expect(await system.via("ask", ref).double(3)).toBe(6);
        await idle();
        expect(log).toEqual([1, 2, 3]);
        for (const verb of ["", "send", "constructor", undefined])
          expect(() => system.via(verb as "tell", ref)).toThrow(expect.objectContaining({ option: "verb" }));
      }));

    test(`[${name}] carries options to the message`, () =>
      world.run(async ({ system, idle }) => {
        const seen: unknown[] = [];
        const ref = system.spawn((self: Self) => ({
          look() {
            const { id, key, attempt, type } = self.message ?? {};
            seen.push({ id, key, attempt, type });
          },
        }));
        for (const verb of verbs) await system.via(verb, ref, { id: `id-${verb}`, key: "k", attempt: 3 }).look();
        await idle();
        expect(seen).toEqual(verbs.map((verb) => ({ id: `id-${verb}`, key: "k", attempt: 3, type: "look" })));
      }));
  });
}
