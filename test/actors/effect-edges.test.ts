import { createSystem, type Ref, type Self, settle } from "antiphon";
import { simulate } from "antiphon/sim";
import { explore, operations, perform } from "antiphon/testing";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Schedule from "effect/Schedule";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { queue } from "../../src/actors/broker/queue.ts";
import {
  ActorSystem,
  ask,
  backoff,
  contracted,
  effectful,
  events,
  feed,
  InvalidPayload,
  inbox,
  run,
  systemLayer,
  tell,
  workload,
} from "../../src/actors/effect/index.ts";
import { live, sim } from "../conformance/world.ts";

describe.each([live, sim])("streams in the $name world", ({ run: within }) => {
  test("feed an actor no faster than it takes them", () =>
    within(async ({ system, idle }) => {
      const log: string[] = [];
      const sink = system.spawn(
        effectful(() => ({
          take: (n: number) =>
            Effect.delay(
              Effect.sync(() => void log.push(`took ${n}`)),
              1,
            ),
        })),
        { mailbox: { capacity: 0 } },
      );
      const source = Stream.fromIterable([1, 2, 3]).pipe(Stream.tap((n) => Effect.sync(() => log.push(`gave ${n}`))));
      const program = Stream.run(source.pipe(Stream.rechunk(1)), feed(sink, "take"));
      expectTypeOf(feed(sink, "take")).toExtend<{ readonly [key: string]: unknown } | object>();
      await run(system, program);
      await idle();
      expect(log.indexOf("took 1")).toBeLessThan(log.indexOf("gave 3"));
      expect(log.filter((line) => line.startsWith("took"))).toEqual(["took 1", "took 2", "took 3"]);
    }));

  test("feed fails when the actor is gone", () =>
    within(async ({ system, idle }) => {
      const sink = system.spawn((self: Self) => ({ take: (_: number) => self.stop() }));
      system.tell(sink).take(0);
      await idle();
      await expect(run(system, Stream.run(Stream.make(1), feed(sink, "take")))).rejects.toMatchObject({
        _tag: "ActorStopped",
      });
    }));

  test("come out of an actor, in order, and hold up who puts more than there is room for", () =>
    within(async ({ system }) => {
      interface Orders {
        order(sku: string): void;
        cancel(): void;
      }
      const program = Effect.gen(function* () {
        const { ref, messages } = yield* inbox<Orders>({ name: "inbox", capacity: 2 });
        yield* tell(ref).order("mug");
        yield* tell(ref).cancel();
        yield* tell(ref).order("pan");
        const third = yield* ask(ref).order("pot").pipe(Effect.forkScoped);
        yield* Effect.sleep(5);
        const full = third.pollUnsafe();
        const got = yield* Stream.runCollect(Stream.take(messages, 4));
        yield* Fiber.join(third);
        return { full, got };
      });
      const { full, got } = await run(system, Effect.scoped(program));
      expect(full).toBeUndefined();
      expect(got).toEqual([
        { type: "order", payload: "mug" },
        { type: "cancel", payload: undefined },
        { type: "order", payload: "pan" },
        { type: "order", payload: "pot" },
      ]);
    }));

  test("of the system's events start when they are run", () =>
    within(async ({ system, breathe }) => {
      const seen = run(system, Stream.runCollect(Stream.take(events(system), 2)));
      for (let i = 0; i < 3; i++) await breathe();
      const ref = system.spawn((self: Self) => ({ end: () => self.stop() }), { name: "one" });
      await system.ask(ref).end();
      expect((await seen).map(({ kind, path }) => `${kind} ${path}`)).toEqual(["started /one", "ended /one"]);
    }));
});

describe("backoff", () => {
  test("is the delays of a schedule, and the last one where it is over", () => {
    const delays = (schedule: Schedule.Schedule<unknown, number>) => [1, 2, 3, 4].map(backoff(schedule));
    expect(delays(Schedule.exponential("100 millis"))).toEqual([100, 200, 400, 800]);
    expect(delays(Schedule.spaced("1 second").pipe(Schedule.upTo({ times: 2 })))).toEqual([1000, 1000, 1000, 1000]);
    expect(delays(Schedule.fibonacci("10 millis"))).toEqual([10, 10, 20, 30]);
    expect(delays(Schedule.spaced("1 second").pipe(Schedule.jittered))).toEqual([1000, 1000, 1000, 1000]);
  });

  test("draws its jitter where it is told to", () => {
    expect(backoff(Schedule.spaced("1 second").pipe(Schedule.jittered), () => 0)(1)).toBe(800);
    expect(() => backoff(Schedule.forever)(0)).toThrow("attempt: found 0");
  });

  test("spaces restarts", async () => {
    const starts: number[] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const make = effectful((self: Self) => {
        starts.push(self.now());
        return { crash: () => Effect.die("planted") };
      });
      const ref = system.spawn(make, {
        supervision: { backoff: backoff(Schedule.exponential("1 second")), within: "1m" },
      });
      for (let i = 0; i < 3; i++) await settle(system.ask(ref, { within: "1m" }).crash());
      await runUntilIdle();
    });
    expect(starts).toEqual([0, 1_000, 3_000, 7_000]);
  });

  test("spaces the deliveries of a queue", async () => {
    const seen: number[] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const clumsy = effectful((self: Self) => ({
        work: () => {
          seen.push(self.now());
          return Effect.die("planted");
        },
      }));
      const options = { maxAttempts: 4, backoff: backoff(Schedule.exponential("1 second")) };
      system.tell(system.spawn(queue(clumsy, options))).work();
      await runUntilIdle();
    });
    expect(seen).toEqual([0, 1_000, 3_000, 7_000]);
  });
});

const Line = Schema.Struct({ sku: Schema.NonEmptyString, count: Schema.Int.check(Schema.isGreaterThan(0)) });
const contract = { reserve: Line, at: Schema.DateTimeUtcFromString, left: undefined };

const stock = contracted(
  contract,
  effectful(() => {
    let left = 10;
    return {
      reserve: ({ count }: typeof Line.Type) =>
        count > left ? Effect.fail("too many" as const) : Effect.sync(() => (left -= count)),
      at: (time: typeof Schema.DateTimeUtcFromString.Type) => Effect.succeed(time.epochMilliseconds),
      left: () => left,
      secret: () => "not in the contract",
    };
  }),
);

describe.each([live, sim])("contracted in the $name world", ({ run: within }) => {
  test("decodes what fits, and refuses what does not, without a word of the payload", () =>
    within(async ({ system }) => {
      const ref = system.spawn(stock, { name: "stock" });
      expect(await system.ask(ref).reserve({ sku: "mug", count: 3 })).toBe(7);
      expect(await system.ask(ref).at("1970-01-01T00:00:01.000Z")).toBe(1_000);
      const refused = await settle(system.ask(ref).reserve({ sku: "secret-42", count: 0 }));
      if (refused.ok) throw new Error("taken");
      expect(refused.error).toBeInstanceOf(InvalidPayload);
      expect(refused.error).toMatchObject({ message: "/stock does not take this reserve: count: Filter." });
      const wrong = await settle(system.ask(ref as Ref<{ reserve(line: unknown): void }>).reserve("secret-42"));
      expect(!wrong.ok && wrong.error).toMatchObject({ issues: [{ path: "", kind: "InvalidType" }] });
      expect(await system.ask(ref).left()).toBe(7);
    }));

  test("takes no message beside those of the contract", () =>
    within(async ({ system }) => {
      const ref = system.spawn(stock);
      system.spawn(() => ({ secret: () => "known" }));
      // @ts-expect-error: the contract does not list it
      expect(await settle(system.ask(ref).secret())).toMatchObject({ ok: false, error: { _tag: "UnknownMessage" } });
    }));

  test("fails at spawn when the actor lacks a message of the contract", () =>
    within(async ({ system }) => {
      const make = () => ({ other: () => 1 });
      expect(() => system.spawn(contracted({ missing: undefined }, make as never))).toThrow("without missing");
    }));

  test("is what workloads are drawn from, as properties under exploration", async () => {
    const calls = operations<{ reserve(line: typeof Line.Type): unknown; left(): unknown }>(
      workload({ reserve: Line, left: undefined }),
    );
    const property = explore(
      { calls },
      async ({ system, runUntilIdle, sometimes }, { calls }) => {
        const ref = system.spawn(stock, { name: "stock" });
        const performed = await perform(system, ref as never, calls);
        await runUntilIdle();
        const invalid = performed.filter(({ ended }) => !ended.ok && ended.error instanceof InvalidPayload);
        expect(invalid).toEqual([]);
        if (performed.length > 0) sometimes("something is asked");
      },
      { schedules: 10 },
    );
    await fc.assert(property, { numRuns: 5 });
  });
});

describe("systemLayer", () => {
  test("gives a system for as long as its scope is open, and drains it", async () => {
    const written: string[] = [];
    const program = Effect.gen(function* () {
      const system = yield* ActorSystem;
      const mail = system.spawn(
        effectful(() => ({
          send: (text: string) =>
            Effect.delay(
              Effect.sync(() => void written.push(text)),
              20,
            ),
        })),
      );
      yield* tell(mail).send("on its way");
      return system;
    });
    const layer = systemLayer(() => createSystem({ name: "shop" }), { drain: "5s" });
    const system = await Effect.runPromise(program.pipe(Effect.provide(layer)));
    expect(system.name).toBe("shop");
    expect(written).toEqual(["on its way"]);
    expect(system.census().actors).toBe(0);
  });

  test("works in a simulation", async () => {
    const { value } = await simulate({}, async ({ system }) => {
      const program = Effect.gen(function* () {
        const own = yield* ActorSystem;
        yield* Effect.sleep("1 hour");
        return own.now();
      });
      return await run(system, program);
    });
    expect(value).toBe(3_600_000);
  });
});
