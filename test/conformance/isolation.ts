// What an actor is given and what it gives back, under each isolation: shared, frozen or cloned.

import { type Message, type Ref, receive, type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import type { Kit, WorldUnderTest } from "./world.ts";

class Money {
  readonly #secret = 1;
  amount = 3;
  tags = ["a"];
  get doubled(): number {
    return this.amount * 2 * this.#secret;
  }
}

/** Fails the test when it is run. */
function trap(): never {
  throw new Error("an accessor was run");
}

/** Keeps what it was given and gives back what it is told to. */
function keeper(kit: Kit) {
  const got: unknown[] = [];
  const ref = kit.system.spawn(() => ({
    take(payload: unknown) {
      got.push(payload);
    },
    give(make: () => unknown) {
      return make();
    },
    echo(payload: unknown) {
      return payload;
    },
  }));
  return { ref, got };
}

interface Deep {
  list: { deep: { n: number }[] };
  self?: unknown;
}
const deep = (): Deep => ({ list: { deep: [{ n: 1 }] } });

const verbs = ["tell", "offer", "ask"] as const;

export function isolationConformance(world: WorldUnderTest): void {
  const { name } = world;
  describe('isolation "share"', () => {
    test(`[${name}] gives the very object`, () =>
      world.run(async (kit) => {
        const { ref, got } = keeper(kit);
        const payload = deep();
        kit.system.tell(ref).take(payload);
        expect(await kit.system.ask(ref).echo(payload)).toBe(payload);
        expect(got).toEqual([payload]);
        expect(Object.isFrozen(payload)).toBe(false);
      }));
  });

  describe('isolation "freeze"', () => {
    const run = (body: (kit: Kit) => Promise<void>) => world.run(body, { isolation: "freeze" });

    test.each(verbs)(`[${name}] freezes a payload all the way down, at the sender too: %s`, (verb) =>
      run(async (kit) => {
        const { ref, got } = keeper(kit);
        const payload = deep();
        payload.self = payload;
        await kit.system.via(verb, ref).take(payload);
        await kit.idle();
        expect(got[0]).toBe(payload);
        for (const part of [payload, payload.list, payload.list.deep, payload.list.deep[0]])
          expect(Object.isFrozen(part)).toBe(true);
      }),
    );

    test(`[${name}] makes an actor that changes what it was given crash, and no other`, () =>
      run(async (kit) => {
        const changer = kit.system.spawn(() => ({
          change(given: Deep) {
            given.list.deep.push({ n: 2 });
          },
        }));
        const payload = deep();
        expect(await settle(kit.system.ask(changer).change(payload))).toMatchObject({
          error: { code: "ACTOR_CRASHED" },
        });
        expect(payload).toEqual(deep());
      }));

    test(`[${name}] freezes answers, of handlers and of letters`, () =>
      run(async (kit) => {
        const { ref } = keeper(kit);
        const slow = kit.system.spawn((self: Self) => ({
          async get() {
            await self.sleep(1);
            return deep();
          },
        }));
        const letters = kit.system.spawn(() => ({
          [receive]: (m: Message<{ get(): Deep }>) => m.answer(deep()),
        }));
        for (const answer of [
          await kit.system.ask(ref).give(deep),
          await kit.system.ask(slow).get(),
          await kit.system.ask(letters).get(),
        ])
          expect(Object.isFrozen((answer as Deep).list.deep[0])).toBe(true);
      }));

    test(`[${name}] freezes instances of classes, and runs no accessor`, () =>
      run(async (kit) => {
        const { ref, got } = keeper(kit);
        const payload = Object.defineProperty({ money: new Money() }, "trapped", { get: trap, enumerable: true });
        kit.system.tell(ref).take(payload);
        await kit.idle();
        expect(got).toHaveLength(1);
        expect(Object.isFrozen(payload.money.tags)).toBe(true);
        expect(payload.money.doubled).toBe(6);
      }));

    test(`[${name}] leaves alone what freezing would break`, () =>
      run(async (kit) => {
        const { ref } = keeper(kit);
        const aborter = new AbortController();
        const whole = {
          map: new Map([["a", { n: 1 }]]),
          set: new Set([1]),
          date: new Date(0),
          bytes: new Uint8Array(2),
          buffer: new ArrayBuffer(2),
          error: new Error("kept"),
          promise: Promise.resolve(),
          signal: aborter.signal,
          call: () => {},
          to: ref,
        };
        for (const [key, value] of Object.entries(whole)) {
          await kit.system.ask(ref).take(value);
          await kit.system.ask(ref).take({ [key]: value });
          expect(Object.isFrozen(value), key).toBe(false);
        }
        aborter.abort();
        whole.map.set("b", { n: 2 });
        whole.bytes[0] = 1;
      }));

    test(`[${name}] goes down any depth`, () =>
      run(async (kit) => {
        const { ref } = keeper(kit);
        let chain: { next: unknown } = { next: undefined };
        const innermost = chain;
        for (let i = 0; i < 100_000; i++) chain = { next: chain };
        await kit.system.ask(ref).take(chain);
        expect(Object.isFrozen(innermost)).toBe(true);
      }));
  });

  describe('isolation "clone"', () => clones(world));
  describe("what can not be isolated", () => refusals(world));
}

function clones(world: WorldUnderTest): void {
  const { name } = world;
  const run = (body: (kit: Kit) => Promise<void>) => world.run(body, { isolation: "clone" });

  test.each(verbs)(`[${name}] gives the receiver an equal object of its own, as it was when it was put: %s`, (verb) =>
    run(async (kit) => {
      const { ref, got } = keeper(kit);
      const payload = deep();
      payload.self = payload;
      const put = kit.system.via(verb, ref).take(payload);
      payload.list.deep.push({ n: 2 });
      await put;
      await kit.idle();
      const [given] = got as [Deep];
      expect(given).not.toBe(payload);
      expect(given.list).toEqual(deep().list);
      expect(given.self).toBe(given);
      expect(Object.isFrozen(payload)).toBe(false);
    }),
  );

  test.each<[string, () => object]>([
    ["a Map", () => new Map([["a", 1]])],
    ["a Set", () => new Set([1])],
    ["a Date", () => new Date(5)],
    ["bytes", () => new Uint8Array([1, 2])],
    ["a buffer", () => new ArrayBuffer(2)],
  ])(`[${name}] clones %s, alone and inside of others`, (_, make) =>
    run(async (kit) => {
      const { ref, got } = keeper(kit);
      const value = make();
      await kit.system.ask(ref).take(value);
      await kit.system.ask(ref).take({ value });
      const [alone, inside] = got as [object, { value: object }];
      for (const copy of [alone, inside.value]) {
        expect(copy).toEqual(value);
        expect(copy).not.toBe(value);
      }
    }),
  );

  test(`[${name}] lets refs through, wherever they stand`, () =>
    run(async (kit) => {
      const { ref, got } = keeper(kit);
      const payload = {
        to: ref,
        list: [{ ref }],
        map: new Map<unknown, unknown>([[ref, { ref }]]),
        set: new Set([ref]),
      };
      await kit.system.ask(ref).take(ref);
      await kit.system.ask(ref).take(payload);
      const [alone, given] = got as [unknown, typeof payload];
      expect(alone).toBe(ref);
      expect(given).not.toBe(payload);
      expect(given.to).toBe(ref);
      expect(given.list[0]?.ref).toBe(ref);
      expect(given.map).not.toBe(payload.map);
      expect([...given.map.keys()]).toEqual([ref]);
      expect(given.map.get(ref)).toEqual({ ref });
      expect((given.map.get(ref) as { ref: unknown }).ref).toBe(ref);
      expect(given.set.has(ref)).toBe(true);
      expect(await kit.system.ask(given.to as Ref<{ echo(n: number): number }>).echo(4)).toBe(4);
    }));

  test(`[${name}] clones answers, of handlers and of letters: an actor does not give its state away`, () =>
    run(async (kit) => {
      const state = deep();
      const plain = kit.system.spawn(() => ({ get: () => state }));
      const slow = kit.system.spawn(() => ({ get: async () => state }));
      const letters = kit.system.spawn(() => ({ [receive]: (m: Message<{ get(): Deep }>) => m.answer(state) }));
      for (const ref of [plain, slow, letters]) {
        const answer = await kit.system.ask(ref as Ref<{ get(): Deep }>).get();
        expect(answer).toEqual(state);
        expect(answer).not.toBe(state);
      }
    }));
}

function refusals(world: WorldUnderTest): void {
  const { name } = world;
  const trapped = () =>
    new Proxy({} as object, { getPrototypeOf: trap, ownKeys: trap, preventExtensions: () => false, get: trap });
  const payloads: [string, "freeze" | "clone", () => unknown][] = [
    ["a function", "clone", () => () => {}],
    ["a function inside", "clone", () => ({ list: [() => {}] })],
    ["a promise", "clone", () => Promise.resolve()],
    ["a symbol", "clone", () => Symbol("s")],
    ["an accessor that throws", "clone", () => Object.defineProperty({}, "x", { get: trap, enumerable: true })],
    ["a proxy that throws", "clone", trapped],
    ["a proxy that throws", "freeze", trapped],
  ];

  test.each(payloads)(
    `[D4 ${name}] %s as payload, %s: an asker is told, a tell is a dead letter`,
    (_, isolation, make) =>
      world.run(
        async (kit) => {
          const { system } = kit;
          const { ref, got } = keeper(kit);
          for (const verb of ["ask", "offer"] as const)
            expect(await settle(system.via(verb, ref).take(make()) as Promise<unknown>)).toMatchObject({
              ok: false,
              error: { code: "NOT_ISOLATED", outcome: "not-started" },
            });
          system.tell(ref).take(make());
          expect(system.deadLetters).toMatchObject([{ type: "take", reason: "NOT_ISOLATED" }]);
          expect(system.census()).toMatchObject({ turnedAway: 3, accepted: 0 });
          expect(got).toEqual([]);
        },
        { isolation },
      ),
  );

  test.each(payloads)(
    `[A5 ${name}] %s as answer, %s: the asker is told, and that the work was done`,
    (_, isolation, make) =>
      world.run(
        async (kit) => {
          const given: unknown[] = [];
          const make1 = () => {
            const value = make();
            given.push(value);
            return value;
          };
          const plain = kit.system.spawn(() => ({ get: () => ({ wrapped: make1() }) }));
          const letters = kit.system.spawn(() => ({
            [receive]: (m: Message<{ get(): unknown }>) => m.answer({ wrapped: make1() }),
          }));
          for (const ref of [plain, letters])
            expect(await settle(kit.system.ask(ref as Ref<{ get(): unknown }>).get())).toMatchObject({
              ok: false,
              error: { code: "NOT_ISOLATED", outcome: "unknown", retrySafe: false },
            });
          expect(given).toHaveLength(2);
          expect(kit.system.census()).toMatchObject({ handled: 2, crashed: 0 });
        },
        { isolation },
      ),
  );
}
