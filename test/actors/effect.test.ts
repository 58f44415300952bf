import { type Answer, type Ref, Refusal, type Self, settle } from "antiphon";
import { Data } from "effect";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schedule from "effect/Schedule";
import { describe, expect, expectTypeOf, test } from "vitest";
import { ask, type Caller, EffectRefusal, effectful, offer, run, spawn, tell } from "../../src/actors/effect/index.ts";
import { live, sim } from "../conformance/world.ts";

class OutOfStock extends Data.TaggedError("OutOfStock")<{ readonly sku: string }> {}
class Closed extends Refusal {
  readonly _tag = "Closed";
}

class Inventory {
  #left = 1;
  reserve(sku: string) {
    return Effect.suspend(() =>
      this.#left > 0 ? Effect.succeed({ sku, left: --this.#left }) : new OutOfStock({ sku }),
    );
  }
  close() {
    return Effect.fail(new Closed("for today"));
  }
  crash() {
    return Effect.die(new Error("planted"));
  }
  left() {
    return this.#left;
  }
  async later() {
    return this.#left;
  }
}

const inventory = effectful(() => new Inventory());

describe.each([live, sim])("effectful in the $name world", ({ name, run: within }) => {
  test(`answers with what its Effects succeed with [A1 ${name}]`, () =>
    within(async ({ system }) => {
      const ref = system.spawn(inventory);
      expect(ref.path).toBe("/inventory-1");
      const answer = system.ask(ref).reserve("mug");
      expectTypeOf(answer).toEqualTypeOf<Answer<{ sku: string; left: number }, EffectRefusal<OutOfStock>>>();
      expect(await answer).toEqual({ sku: "mug", left: 0 });
    }));

  test("leaves methods that return no Effect as they are", () =>
    within(async ({ system }) => {
      const ref = system.spawn(inventory);
      expectTypeOf(system.ask(ref).left()).toEqualTypeOf<Answer<number, never>>();
      expect([await system.ask(ref).left(), await system.ask(ref).later()]).toEqual([1, 1]);
    }));

  test("refuses with a typed failure, and keeps its state", () =>
    within(async ({ system, events }) => {
      const ref = system.spawn(inventory);
      await system.ask(ref).reserve("mug");
      const second = await settle(system.ask(ref).reserve("mug"));
      if (second.ok) throw new Error("reserved twice");
      expect(second.error).toBeInstanceOf(EffectRefusal);
      expect(second.error).toMatchObject({ outcome: "answered", retrySafe: false, error: { _tag: "OutOfStock" } });
      const closed = await settle(system.ask(ref).close());
      expect(!closed.ok && closed.error).toBeInstanceOf(Closed);
      expect(await system.ask(ref).left()).toBe(0);
      expect(events.filter(({ kind }) => kind === "crashed")).toEqual([]);
      expect(system.census(ref)).toMatchObject({ handled: 2, refused: 2, crashed: 0 });
    }));

  test(`crashes on a defect, and starts anew [F2 ${name}]`, () =>
    within(async ({ system, events }) => {
      const ref = system.spawn(inventory);
      await system.ask(ref).reserve("mug");
      const crashed = await settle(system.ask(ref).crash());
      expect(!crashed.ok && crashed.error).toMatchObject({ _tag: "ActorCrashed", cause: { message: "planted" } });
      expect(await system.ask(ref).left()).toBe(1);
      expect(events).toContainEqual(expect.objectContaining({ kind: "crashed", reason: new Error("planted") }));
    }));

  test("crashes on a defect beside a typed failure", () =>
    within(async ({ system }) => {
      const both = Effect.all([Effect.fail("no"), Effect.die(new Error("planted"))], { concurrency: "unbounded" });
      const ref = system.spawn(
        effectful(() => ({
          both: () => Effect.sleep(1).pipe(Effect.onExit(() => Effect.die("planted"))),
          alone: () => both,
        })),
      );
      const crashed = await settle(system.ask(ref).both());
      expect(!crashed.ok && crashed.error).toMatchObject({ _tag: "ActorCrashed" });
    }));

  test(`is interrupted when its asker gives up, at its deadline and when it stops [A4 ${name}] [F3 ${name}]`, () =>
    within(async ({ system, idle }) => {
      const ended: string[] = [];
      const ref = system.spawn(
        effectful((self: Self) => ({
          wait: (who: string) =>
            Effect.sleep("1 hour").pipe(Effect.onInterrupt(() => Effect.sync(() => ended.push(who)))),
          ping: () => Effect.succeed(self.path),
        })),
        { concurrency: 4 },
      );
      const giveUp = new AbortController();
      const [first, second] = [
        settle(system.ask(ref, { signal: giveUp.signal }).wait("signal")),
        settle(system.ask(ref, { within: 300 }).wait("deadline")),
      ];
      expect(await second).toMatchObject({ ok: false, error: { _tag: "AskTimeout" } });
      giveUp.abort();
      expect(await first).toMatchObject({ ok: false, error: { _tag: "Cancelled" } });
      await idle();
      expect(ended).toEqual(["deadline", "signal"]);
      const third = settle(system.ask(ref, { within: "2h" }).wait("stop"));
      await system.ask(ref).ping();
      await system.stop();
      expect(await third).toMatchObject({ ok: false });
      expect(ended).toEqual(["deadline", "signal", "stop"]);
    }));

  test("has an ask, offer and tell that are Effects, typed in what they fail with", () =>
    within(async ({ system, idle }) => {
      const told: string[] = [];
      const log = system.spawn(effectful(() => ({ write: (text: string) => Effect.sync(() => void told.push(text)) })));
      const stock = system.spawn(inventory);
      const shop = system.spawn(
        effectful(() => ({
          buy: (sku: string) => {
            const reserve = ask(stock, { within: "100ms" }).reserve(sku);
            return Effect.gen(function* () {
              yield* offer(log).write("offered");
              const { left } = yield* reserve;
              yield* tell(log).write(`sold, ${left} left`);
              return "sold";
            }).pipe(
              Effect.catchTag("OutOfStock", ({ sku }) => Effect.succeed(`no ${sku}`)),
              Effect.catchTag("AskTimeout", () => Effect.succeed("late")),
            );
          },
          pass: (sku: string) => ask(stock).reserve(sku),
          crash: () => ask(stock).crash(),
        })),
        { name: "shop" },
      );
      expect([await system.ask(shop).buy("mug"), await system.ask(shop).buy("mug")]).toEqual(["sold", "no mug"]);
      await idle();
      expect(told).toEqual(["offered", "sold, 0 left", "offered"]);
      const passed = await settle(system.ask(shop).pass("mug"));
      expect(!passed.ok && passed.error).toMatchObject({
        passed: ["/shop"],
        outcome: "answered",
        error: { _tag: "OutOfStock", sku: "mug" },
      });
      const crashed = await settle(system.ask(shop).crash());
      expect(!crashed.ok && crashed.error).toMatchObject({ _tag: "ActorCrashed", passed: ["/shop"] });
    }));

  test("gives an ask up when the Effect that asks is interrupted", () =>
    within(async ({ system, idle }) => {
      const ended: string[] = [];
      const slow = system.spawn(
        effectful(() => ({
          work: () => Effect.sleep("1 hour").pipe(Effect.onInterrupt(() => Effect.sync(() => ended.push("slow")))),
        })),
      );
      const impatient = system.spawn(
        effectful(() => ({ go: () => ask(slow, { within: "2h" }).work().pipe(Effect.timeoutOption(10)) })),
      );
      expect(await system.ask(impatient).go()).toMatchObject({ _tag: "None" });
      await idle();
      expect(ended).toEqual(["slow"]);
    }));

  test("builds its layer for each incarnation, and releases it before the next", () =>
    within(async ({ system }) => {
      const log: string[] = [];
      class Db extends Context.Service<Db, { readonly serial: number }>()("Db") {}
      let serial = 0;
      const db = Layer.effect(
        Db,
        Effect.acquireRelease(
          Effect.sync(() => {
            log.push(`open ${++serial}`);
            return { serial };
          }),
          (db) => Effect.sync(() => log.push(`close ${db.serial}`)),
        ),
      );
      const make = () => ({
        serial: () => Db.use(({ serial }) => Effect.succeed(serial)),
        crash: () => Effect.die("planted"),
      });
      // @ts-expect-error: its Effects need a Db
      effectful(make);
      const ref = system.spawn(effectful(make, { layer: db }));
      expect(await system.ask(ref).serial()).toBe(1);
      await settle(system.ask(ref).crash());
      expect(await system.ask(ref).serial()).toBe(2);
      await system.stop();
      expect(log).toEqual(["open 1", "close 1", "open 2", "close 2"]);
    }));

  test("shares what a memo map holds, and what is given as services", () =>
    within(async ({ system }) => {
      let built = 0;
      class Db extends Context.Service<Db, { readonly serial: number }>()("Db") {}
      const layer = Layer.effect(
        Db,
        Effect.sync(() => ({ serial: ++built })),
      );
      const memoMap = Layer.makeMemoMapUnsafe();
      const make = () => ({ serial: () => Db.use(({ serial }) => Effect.succeed(serial)) });
      const refs = [1, 2].map(() => system.spawn(effectful(make, { layer, memoMap })));
      const other = system.spawn(effectful(make, { services: Context.make(Db, { serial: 7 }) }));
      expect(await Promise.all([...refs, other].map((ref) => system.ask(ref).serial()))).toEqual([1, 1, 7]);
    }));

  test("crashes when its layer fails, with what it failed with", () =>
    within(async ({ system, events, idle }) => {
      class Db extends Context.Service<Db, number>()("Db") {}
      const layer = Layer.effect(Db, Effect.fail(new OutOfStock({ sku: "db" })));
      const ref = system.spawn(effectful(() => ({ get: () => Effect.map(Db, (db) => db) }), { layer }));
      expect(await settle(system.ask(ref).get())).toMatchObject({ ok: false });
      await idle();
      expect(events.find(({ kind }) => kind === "crashed")).toMatchObject({
        context: "factory",
        reason: { sku: "db" },
      });
    }));

  test("ends what is forked into its scope with the incarnation", () =>
    within(async ({ system }) => {
      const log: string[] = [];
      let starts = 0;
      const ref = system.spawn(
        effectful(() =>
          Effect.gen(function* () {
            const nth = ++starts;
            yield* Effect.never.pipe(
              Effect.onInterrupt(() => Effect.sync(() => log.push(`end ${nth}`))),
              Effect.forkScoped({ startImmediately: true }),
            );
            return { nth: () => Effect.succeed(nth), crash: () => Effect.die("planted") };
          }),
        ),
      );
      expect(await system.ask(ref).nth()).toBe(1);
      await settle(system.ask(ref).crash());
      expect(await system.ask(ref).nth()).toBe(2);
      await system.stop();
      expect(log).toEqual(["end 1", "end 2"]);
    }));

  test("spawns children from Effects, with the services of the parent", () =>
    within(async ({ system }) => {
      class Greeting extends Context.Service<Greeting, string>()("Greeting") {}
      const child = (self: Self) => ({
        greet: (who: string) => Effect.map(Greeting, (greeting) => `${greeting} ${who}, says ${self.path}`),
      });
      const parent = system.spawn(
        effectful(
          () => Effect.map(spawn(child, { name: "child" }), (ref) => ({ greet: (who: string) => ask(ref).greet(who) })),
          { layer: Layer.succeed(Greeting, "hello") },
        ),
        { name: "parent" },
      );
      expect(await system.ask(parent).greet("moon")).toBe("hello moon, says /parent/child");
    }));

  test(`handles one message at a time, across awaits [T1 ${name}]`, () =>
    within(async ({ system }) => {
      const log: string[] = [];
      const make = () => ({
        go: (n: number) =>
          Effect.gen(function* () {
            log.push(`start ${n}`);
            yield* Effect.yieldNow;
            yield* Effect.sleep(60 - 10 * n);
            log.push(`end ${n}`);
          }),
      });
      for (const concurrency of [1, 2]) {
        const ref = system.spawn(effectful(make), { concurrency });
        await Promise.all([system.ask(ref).go(1), system.ask(ref).go(2)]);
      }
      expect(log.slice(0, 4)).toEqual(["start 1", "end 1", "start 2", "end 2"]);
      expect(log.slice(4, 6)).toEqual(["start 1", "start 2"]);
    }));

  test(`finds a circle of waits through Effects [A7 ${name}]`, () =>
    within(async ({ system }) => {
      interface Ends {
        start(): Effect.Effect<string, unknown, Caller>;
        end(): Effect.Effect<string>;
      }
      const b = system.spawn(
        effectful(() => ({ back: (to: Ref<Ends>) => ask(to).end() })),
        { name: "b" },
      );
      const a = system.spawn(
        effectful(
          (self: Self<Ends>): Ends => ({ start: () => ask(b).back(self.ref), end: () => Effect.succeed("never") }),
        ),
        { name: "a" },
      );
      const found = await settle(system.ask(a).start());
      expect(!found.ok && found.error).toMatchObject({ _tag: "WaitCycle" });
    }));

  test("runs a program from outside, and in a handler of a plain actor", () =>
    within(async ({ system }) => {
      const stock = system.spawn(inventory);
      const program = ask(stock)
        .reserve("mug")
        .pipe(Effect.delay(5), Effect.retry(Schedule.recurs(1)));
      expect(await run(system, program)).toMatchObject({ left: 0 });
      await expect(run(system, program)).rejects.toMatchObject({ _tag: "OutOfStock" });
      const plain = system.spawn((self: Self) => ({
        left: () =>
          run(
            self,
            Effect.flatMap(Effect.sleep(5), () => ask(stock).left()),
          ),
      }));
      expect(await system.ask(plain).left()).toBe(0);
    }));

  test("refuses what it can not use", () => {
    // @ts-expect-error: no factory
    expect(() => effectful("nothing")).toThrow("make: found");
    expect(() => effectful(() => ({}), { epochMs: Number.NaN })).toThrow("epochMs: found");
  });
});
