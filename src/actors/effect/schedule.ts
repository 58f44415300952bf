// A Schedule as the wait before a restart or a redelivery.

import { Clock } from "effect/Clock";
import * as Context from "effect/Context";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import { Random } from "effect/Random";
import * as Schedule from "effect/Schedule";
import { whole } from "../../runtime/kernel/options.ts";

/** Steps of a schedule that are played; a later attempt waits as long as the last of them. */
const stepsMax = 1_000;

/**
 * The delays of a schedule, as `supervision.backoff` takes them and whatever counts attempts from 1: the wait before the
 * nth restart is the schedule's nth delay. Where the schedule is over its last delay stays, as how often is
 * `maxRestarts`'s to say. `draw` gives the jitter: without it a jittered schedule has none.
 * Example: `{ supervision: { backoff: backoff(Schedule.exponential("100 millis").pipe(Schedule.jittered), self.random) } }`.
 */
export function backoff(
  schedule: Schedule.Schedule<unknown, number>,
  draw: () => number = () => 0.5,
): (attempt: number) => number {
  return (attempt) => {
    const last = Math.min(whole("attempt", attempt, 1, 1), stepsMax);
    let elapsedMs = 0;
    let delayMs = 0;
    const context = Context.empty().pipe(
      Context.add(Random, {
        nextDoubleUnsafe: draw,
        nextIntUnsafe: () => Math.floor(draw() * Number.MAX_SAFE_INTEGER),
      }),
      Context.add(
        Clock,
        standing(() => elapsedMs),
      ),
    );
    const step = Effect.runSyncWith(context)(Schedule.toStep(schedule));
    for (let at = 1; at <= last; at++) {
      const exit = Effect.runSyncExitWith(context)(step(elapsedMs, at));
      if (exit._tag === "Failure") break;
      delayMs = Duration.toMillis(exit.value[1]);
      elapsedMs += delayMs;
    }
    return delayMs;
  };
}

/** A clock in which nothing takes time. */
function standing(nowMs: () => number): Clock {
  const nanos = () => BigInt(Math.round(nowMs() * 1e6));
  return {
    currentTimeMillisUnsafe: nowMs,
    currentTimeMillis: Effect.sync(nowMs),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: () => Effect.void,
  };
}
