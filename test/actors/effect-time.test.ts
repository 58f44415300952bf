import type { Self } from "antiphon";
import { clockOffset, simulate } from "antiphon/sim";
import * as DateTime from "effect/DateTime";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Option from "effect/Option";
import * as Random from "effect/Random";
import * as Schedule from "effect/Schedule";
import { describe, expect, test } from "vitest";
import { ask, effectful } from "../../src/actors/effect/index.ts";

describe("effectful in virtual time", () => {
  const flaky = (failures: number) => {
    let tries = 0;
    return effectful(() => ({
      get: () => Effect.suspend(() => (++tries <= failures ? Effect.fail("not yet") : Effect.succeed(tries))),
    }));
  };

  test("retries for 26 hours in no time, equal for equal seeds, and strictly [W1 sim]", async () => {
    const day = (seed: number) =>
      simulate({ seed, strict: true }, async ({ system }) => {
        const server = system.spawn(flaky(26), { name: "server" });
        const client = system.spawn(
          effectful(() => ({
            fetch: () =>
              ask(server)
                .get()
                .pipe(
                  Effect.withSpan("fetch"),
                  Effect.retry(Schedule.spaced("1 hour").pipe(Schedule.jittered)),
                  Effect.zipWith(Random.next, (tries, draw) => `${tries} ${draw}`, { concurrent: true }),
                  Effect.timeout("2 days"),
                ),
          })),
          { name: "client" },
        );
        return [await system.ask(client, { within: "72h" }).fetch(), system.now()] as const;
      });
    const [one, again, other] = [await day(7), await day(7), await day(8)];
    expect(one.value[0]).toMatch(/^27 /);
    expect(one.value[1] / 3_600_000).toBeCloseTo(26, -1);
    expect(again.trace.join("\n")).toBe(one.trace.join("\n"));
    expect(again.hash).toBe(one.hash);
    expect(other.hash).not.toBe(one.hash);
    expect(one.leaks).toEqual([]);
  });

  test("draws from the actor's stream, and tells its time", async () => {
    const { value } = await simulate({ seed: 7 }, async ({ system }) => {
      const plain = system.spawn((self: Self) => ({ draw: () => self.random() }), { name: "one" });
      const drawn = await system.ask(plain).draw();
      const same = system.spawn(
        effectful(() => ({ draw: () => Effect.zip(Random.next, Effect.delay(DateTime.now, "1 hour")) }), {
          epochMs: Date.UTC(2026, 0, 1),
        }),
        { name: "two" },
      );
      const [next, date] = await system.ask(same, { within: "2h" }).draw();
      return { drawn, next, date: DateTime.formatIso(date) };
    });
    expect(value.date).toBe("2026-01-01T01:00:00.000Z");
    expect(value.next).toBeGreaterThanOrEqual(0);
    expect(value.next).not.toBe(value.drawn);
  });

  test("gives spans ids of the world, and moves no stream by them", async () => {
    const play = (withSpan: boolean) =>
      simulate({ seed: 7 }, async ({ system }) => {
        const ids = Effect.map(Effect.currentSpan, ({ spanId, traceId }) => `${traceId}/${spanId}`);
        const traced = Effect.all([Effect.withSpan(ids, "one"), Effect.withSpan(ids, "two"), Random.next]);
        const ref = system.spawn(
          effectful(() => ({
            go: () => (withSpan ? traced : Effect.all([Effect.succeed(""), Effect.succeed(""), Random.next])),
          })),
          { name: "traced" },
        );
        return await system.ask(ref).go();
      });
    const [first, second, without] = [await play(true), await play(true), await play(false)];
    expect(first.value).toEqual(second.value);
    expect(first.value[0]).toMatch(/^[0-9a-f]{32}\/[0-9a-f]{16}$/);
    expect(first.value[0]).not.toBe(first.value[1]);
    expect(first.value[2]).toBe(without.value[2]);
    expect(first.trace.filter(({ kind }) => kind === "noted").map(({ name }) => name)).toEqual([
      "/traced:span one begins",
      "/traced:span one ends in Success",
      "/traced:span two begins",
      "/traced:span two ends in Success",
    ]);
  });

  test("logs with the world's time and the actor's path", async () => {
    const lines: unknown[][] = [];
    const log = console.log;
    console.log = (...line) => lines.push(line);
    try {
      await simulate({}, async ({ system }) => {
        const ref = system.spawn(
          effectful(() => ({ go: () => Effect.delay(Effect.logInfo("done"), "90 seconds") })),
          { name: "noisy" },
        );
        await system.ask(ref, { within: "2m" }).go();
      });
    } finally {
      console.log = log;
    }
    expect(lines).toEqual([["[1970-01-01T00:01:30.000Z] INFO /noisy:", "done"]]);
  });

  test("is equal when it is run twice, forks and yields and answers of Effect's own types included [W1 sim]", async () => {
    const { value } = await simulate({ twice: true, seed: 3 }, async ({ system }) => {
      const ref = system.spawn(
        effectful(() => ({
          go: () =>
            Effect.gen(function* () {
              const fibers = yield* Effect.forEach([3, 1, 2], (ms) =>
                Effect.forkChild(Effect.yieldNow.pipe(Effect.andThen(Effect.sleep(ms)), Effect.as(ms))),
              );
              const all = yield* Effect.forEach(fibers, Fiber.join);
              return { all, date: yield* DateTime.now, draw: Option.some(yield* Random.nextIntBetween(1, 6)) };
            }),
        })),
        { name: "forks", concurrency: 2 },
      );
      const [one, two] = await Promise.all([system.ask(ref).go(), system.ask(ref).go()]);
      return [one.all, two.all, DateTime.toEpochMillis(one.date), Option.isSome(two.draw)];
    });
    expect(value).toEqual([[3, 1, 2], [3, 1, 2], 3, true]);
  });

  test("leaves no timer behind when a sleep is interrupted", async () => {
    const { endedMs } = await simulate({}, async ({ system, runUntilIdle }) => {
      const ref = system.spawn(
        effectful(() => ({ go: () => Effect.race(Effect.sleep("1 hour"), Effect.sleep("1 second")) })),
      );
      await system.ask(ref).go();
      await runUntilIdle();
    });
    expect(endedMs).toBe(1_000);
  });

  test("comes to the bound of steps when a fiber goes round for ever", async () => {
    const spin = simulate({ steps: 1_000 }, async ({ system }) => {
      const ref = system.spawn(
        effectful(() => ({ spin: () => Effect.forever(Effect.yieldNow) })),
        { name: "spin" },
      );
      await system.ask(ref).spin();
    });
    await expect(spin).rejects.toMatchObject({ _tag: "StepsExhausted" });
  });

  test("has the clock of its actor: an offset of it is the Effect's too", async () => {
    const { value } = await simulate({ faults: [clockOffset("/skewed", { by: "1h" })] }, async ({ system }) => {
      const ref = system.spawn(
        effectful(() => ({ now: () => Effect.map(DateTime.now, DateTime.toEpochMillis) })),
        { name: "skewed" },
      );
      return await system.ask(ref).now();
    });
    expect(value).toBe(3_600_000);
  });
});
