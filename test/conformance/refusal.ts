// Answers of no: who gets them, what they carry from actor to actor, and what happens to those that nobody hears.

import { Refusal, type Self, type SpawnOptions, type SystemEvent, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { gate as shut } from "../fixtures/gate.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { Kit, WorldUnderTest } from "./world.ts";

const forever = { within: "1h" } as const;

class OutOfStock extends Refusal {
  readonly _tag = "OutOfStock";
  readonly left = 0;
}
class Closed extends Refusal {
  readonly _tag = "Closed";
}
const reused = new OutOfStock("always the same object");

const shop = () => {
  let count = 0;
  return {
    returned(): OutOfStock | number {
      count++;
      return new OutOfStock("none");
    },
    thrown(): number {
      count++;
      throw new OutOfStock("none");
    },
    async later(): Promise<number | OutOfStock> {
      await Promise.resolve();
      count++;
      return new OutOfStock("none");
    },
    async thrownLater(): Promise<number> {
      await Promise.resolve();
      count++;
      throw new OutOfStock("none");
    },
    same: (): OutOfStock | number => reused,
    either: (closed: boolean): OutOfStock | Closed | number => (closed ? new Closed() : new OutOfStock()),
    crash(): number {
      throw new TypeError("not an answer");
    },
    count: () => count,
  };
};

/** `/a` asks `/b` asks `/c` asks the shop; each lets failures through. */
function hops({ system }: Kit, supervision: SpawnOptions["supervision"] = {}) {
  const stock = system.spawn(shop, { name: "stock", mailbox: { capacity: 1 } });
  type Go = "returned" | "thrown" | "same" | "crash";
  const hop = (self: Self, next: (go: Go) => Promise<unknown>) => {
    let state = 0;
    return {
      async go(what: Go): Promise<number> {
        state++;
        await next(what);
        return state;
      },
      state: () => state,
      path: () => self.path,
    };
  };
  const c = system.spawn((self) => hop(self, (go) => self.ask(stock)[go]()), { name: "c", supervision });
  const b = system.spawn((self) => hop(self, (go) => self.ask(c).go(go)), { name: "b", supervision });
  const a = system.spawn((self) => hop(self, (go) => self.ask(b).go(go)), { name: "a", supervision });
  return { a, b, c, stock };
}

const unheard = (events: readonly SystemEvent[]) => events.flatMap((one) => (one.kind === "unheard" ? [one.type] : []));

export function refusalConformance(world: WorldUnderTest): void {
  describe("Refusal", () => {
    for (const how of ["returned", "thrown", "later", "thrownLater"] as const)
      test(`[A5 ${world.name}] ${how} is an answer: the asker gets that object, the state is kept`, () =>
        world.run(async ({ system, events, conserve }) => {
          const stock = system.spawn(shop);
          const end = await settle(system.ask(stock)[how]());
          expect(end.ok).toBe(false);
          if (!end.ok) expect(end.error).toBeInstanceOf(OutOfStock);
          expect(end).toMatchObject({
            error: { outcome: "answered", retrySafe: false, code: "REFUSED", left: 0, passed: [] },
          });
          expect(await system.ask(stock).count()).toBe(1);
          expect(system.census(stock)).toMatchObject({ refused: 1, handled: 1, crashed: 0 });
          expect(events.filter(({ kind }) => kind === "crashed" || kind === "unheard")).toEqual([]);
          conserve();
        }));

    test(`[A5 ${world.name}] is typed through settle, what is returned by its own class`, () =>
      world.run(async ({ system }) => {
        const stock = system.spawn(shop);
        const end = await settle(system.ask(stock).either(true));
        if (end.ok) {
          const value: number = end.value;
          throw new Error(`answered ${value}`);
        }
        // The union is closed by its tags: this compiles because both refusals are in it.
        const left: number | undefined =
          end.error._tag === "OutOfStock" && "left" in end.error ? end.error.left : undefined;
        expect([end.error._tag, left]).toEqual(["Closed", undefined]);
      }));

    test(`[A5 ${world.name}] that passes actors names them, innermost first, and stays answered`, () =>
      world.run(async (kit) => {
        const { a } = hops(kit);
        for (const how of ["returned", "thrown"] as const) {
          const end = await settle(kit.system.ask(a).go(how));
          expect(end).toMatchObject({
            ok: false,
            error: { _tag: "OutOfStock", outcome: "answered", retrySafe: false },
          });
          expect(end).toMatchObject({ error: { passed: ["/c", "/b", "/a"] } });
        }
        expect(await kit.system.ask(a).state()).toBe(2);
        kit.conserve();
      }));

    test(`[A5 ${world.name}] that is one object for all answers does not gather the paths of former ones`, () =>
      world.run(async (kit) => {
        const { a, b, stock } = hops(kit);
        const { system } = kit;
        const passed = async (asked: Promise<unknown>) => {
          const end = await settle(asked);
          return end.ok ? undefined : (end.error as Refusal).passed;
        };
        expect(await passed(system.ask(a).go("same"))).toEqual(["/c", "/b", "/a"]);
        expect(await passed(system.ask(a).go("same"))).toEqual(["/c", "/b", "/a"]);
        expect(await passed(system.ask(b).go("same"))).toEqual(["/c", "/b"]);
        expect(await passed(system.ask(stock).same())).toEqual([]);
      }));
  });

  describe("a failed ask that a handler lets through", () => {
    test(`[A5 ${world.name}] turns not-started into unknown at the first hop`, () =>
      world.run(async (kit) => {
        const { system, conserve } = kit;
        const gate = system.spawn(shut);
        const full = system.spawn((self: Self) => ({ go: () => self.ask(gate, forever).enter() }), {
          mailbox: { capacity: 0 },
        });
        const b = system.spawn((self: Self) => ({ go: () => self.ask(full).go() }), { name: "b" });
        const a = system.spawn((self: Self) => ({ go: () => self.ask(b).go() }), { name: "a" });
        system.tell(full).go();
        await system.ask(gate).entered(1);
        expect(await verdict(system.ask(full).go())).toBe("MailboxFull, not-started");
        const end = await settle(system.ask(a).go());
        expect(end).toMatchObject({ ok: false, error: { _tag: "MailboxFull", outcome: "unknown", retrySafe: false } });
        expect(end).toMatchObject({ error: { passed: ["/b", "/a"] } });
        system.tell(gate).open();
        conserve();
      }));

    test(`[A5 ${world.name}] is an answer and no crash: no state is lost on the way`, () =>
      world.run(async (kit) => {
        const { a, b, c } = hops(kit);
        const { system, events } = kit;
        expect(await verdict(system.ask(a).go("crash"))).toBe("ActorCrashed, unknown");
        for (const ref of [a, b, c]) {
          expect(await system.ask(ref).state()).toBe(1);
          expect(system.census(ref)).toMatchObject({ refused: 1, crashed: 0 });
        }
        expect(events.filter(({ kind }) => kind === "crashed").map(({ path }) => path)).toEqual(["/stock"]);
      }));

    test(`[A5 ${world.name}] is a crash where onAskError says so; a refusal of the actor's own is not`, () =>
      world.run(async (kit) => {
        const { a, b, c } = hops(kit, { onAskError: "crash" });
        const { system, events } = kit;
        const end = await settle(system.ask(a).go("returned"));
        expect(end).toMatchObject({ ok: false, error: { _tag: "ActorCrashed", outcome: "unknown", passed: [] } });
        expect(events.filter(({ kind }) => kind === "crashed").map(({ path }) => path)).toEqual(["/c", "/b", "/a"]);
        for (const ref of [a, b, c]) expect(await system.ask(ref).state()).toBe(0);
        const strict = system.spawn(shop, { supervision: { onAskError: "crash" } });
        expect(await verdict(system.ask(strict).thrown())).toBe("OutOfStock, answered");
        expect(await system.ask(strict).count()).toBe(1);
      }));
  });

  describe("unheard", () => {
    test(`[A5 ${world.name}] is reported of a refusal or failed ask that nobody waits for, and of no other`, () =>
      world.run(async (kit) => {
        const { system, events, idle } = kit;
        const { a, stock } = hops(kit);
        const asker = system.spawn((self: Self) => ({
          async go() {
            void self.ask(stock).thrown();
            await settle(self.ask(stock).returned());
            await self
              .ask(stock)
              .later()
              .catch(() => {});
            await Promise.allSettled([self.ask(stock).thrownLater()]);
          },
        }));
        await system.ask(asker).go();
        await until(system, () => unheard(events).length > 0);
        expect(unheard(events)).toEqual(["thrown"]);
        system.tell(stock).returned();
        system.tell(stock, { id: "named" }).later();
        await system.offer(stock).same();
        system.tell(a).go("returned");
        await until(system, () => unheard(events).length >= 5);
        await idle();
        expect(unheard(events).sort()).toEqual(["go", "later", "returned", "same", "thrown"]);
        expect(system.census().crashed).toBe(0);
      }));

    test(`[A5 ${world.name}] is reported of a failed ask in a timer, which is no crash`, () =>
      world.run(async ({ system, events, idle }) => {
        const stock = system.spawn(shop);
        const tick = (self: Self) => (): void => self.ask(stock).returned() as Promise<unknown> as unknown as undefined;
        const at = system.spawn((self: Self) => ({
          go: () => void self.after(1, tick(self), "tick"),
          alive: () => self.message?.type,
        }));
        await system.ask(at).go();
        await until(system, () => unheard(events).length > 0);
        expect(unheard(events)).toEqual(["tick"]);
        await idle();
        expect(system.census(at)).toMatchObject({ refused: 1, crashed: 0 });
        expect(await system.ask(at).alive()).toBe("alive");
      }));
  });

  describe("settle", () => {
    test(`[A5 ${world.name}] gives failures as values and rethrows what is none`, () =>
      world.run(async ({ system }) => {
        const stock = system.spawn(shop);
        expect(await settle(system.ask(stock).count())).toEqual({ ok: true, value: 0 });
        expect(await settle(system.ask(stock).crash())).toMatchObject({ ok: false, error: { _tag: "ActorCrashed" } });
        await expect(settle(Promise.reject(new TypeError("foreign")))).rejects.toThrow("foreign");
      }));
  });
}
