// The world of an actor as Effect's services: its clock, its draws, its order of turns, and what is written of it. So a
// fiber takes nothing from the host, and two runs of one seed are equal.

import * as Cause from "effect/Cause";
import type * as Clock from "effect/Clock";
import { Clock as ClockService } from "effect/Clock";
import { Console } from "effect/Console";
import * as Context from "effect/Context";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type { Fiber } from "effect/Fiber";
import * as Logger from "effect/Logger";
import * as Option from "effect/Option";
import { Random } from "effect/Random";
import { CurrentLogAnnotations } from "effect/References";
import type { Scheduler, SchedulerDispatcher } from "effect/Scheduler";
import { Scheduler as SchedulerService } from "effect/Scheduler";
import * as Tracer from "effect/Tracer";
import { Incarnation } from "../../runtime/kernel/self.ts";
import type { Self } from "../../runtime/kernel/verbs.ts";
import { sleeping } from "../begun.ts";
import { note } from "../noted.ts";

/**
 * Clock, Random, Scheduler, Tracer and loggers of one incarnation. `epochMs` is the Unix time at the world's 0;
 * `spanName` gives each span another text to draw its ids from.
 */
export function worldOf(self: Self, epochMs: number, spanName: () => string): Context.Context<never> {
  return Context.empty().pipe(
    Context.add(ClockService, new WorldClock(self, epochMs)),
    Context.add(Random, {
      nextDoubleUnsafe: () => self.random(),
      nextIntUnsafe: () => Math.floor((self.random() - 0.5) * 2 * Number.MAX_SAFE_INTEGER),
    }),
    Context.add(SchedulerService, new WorldScheduler(self)),
    Context.add(Tracer.Tracer, Tracer.make({ span: (options) => new WorldSpan(options, self, spanName()) })),
    Context.add(Logger.CurrentLoggers, new Set([loggerOf(self), Logger.tracerLogger])),
  );
}

class WorldClock implements Clock.Clock {
  readonly #self: Self;
  readonly #epochMs: number;
  readonly currentTimeMillis: Effect.Effect<number> = Effect.sync(() => this.currentTimeMillisUnsafe());
  readonly currentTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.currentTimeNanosUnsafe());
  readonly monotonicTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.monotonicTimeNanosUnsafe());

  constructor(self: Self, epochMs: number) {
    this.#self = self;
    this.#epochMs = epochMs;
  }

  currentTimeMillisUnsafe(): number {
    return this.#epochMs + this.#self.now();
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.currentTimeMillisUnsafe() * 1e3)) * 1_000n;
  }

  monotonicTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.#self.now() * 1e6));
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const ms = Duration.toMillis(duration);
    if (!Number.isFinite(ms)) return Effect.never;
    return Effect.callback<void>((resume) => {
      const { over, cancel } = sleeping(this.#self, ms);
      over.then(
        () => resume(Effect.void),
        () => resume(Effect.interrupt),
      );
      return Effect.sync(cancel);
    });
  }
}

/** Tasks that follow each other without an end become events of the world, so that its bounds see them. */
const tasksPerSleep = 64;

class WorldScheduler implements Scheduler {
  readonly executionMode = "async";
  readonly #self: Self;
  #tasks = 0;

  constructor(self: Self) {
    this.#self = self;
  }

  shouldYield(fiber: Fiber<unknown, unknown>): boolean {
    return fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield;
  }

  makeDispatcher(): SchedulerDispatcher {
    const waiting: { readonly task: () => void; readonly priority: number }[] = [];
    const flush = () => {
      for (const { task } of waiting.splice(0).sort((a, b) => a.priority - b.priority)) task();
    };
    const scheduleTask = (task: () => void, priority: number) => {
      waiting.push({ task, priority });
      if (waiting.length === 1) this.#soon(flush);
    };
    return { scheduleTask, flush };
  }

  #soon(run: () => void): void {
    const self = this.#self;
    if (!(self instanceof Incarnation)) queueMicrotask(run);
    else if (++this.#tasks % tasksPerSleep === 0 && self.live) self.sleep(0).then(run, run);
    else self.cell.core.world.afterAllJobs(run);
  }
}

/** Its ids are drawn with keys, which move no stream, and only when they are read. Both its ends are in the trace. */
class WorldSpan extends Tracer.NativeSpan {
  readonly #self: Self;
  readonly #draw: (length: number, key: string) => string;

  constructor(options: ConstructorParameters<typeof Tracer.NativeSpan>[0], self: Self, name: string) {
    super(options);
    this.#self = self;
    note(self, () => `span ${options.name} begins`);
    this.#draw = (length, key) => {
      const digit = (_: unknown, at: number) => Math.floor(self.random(`${name}/${key}${at}`) * 16).toString(16);
      return Array.from({ length }, digit).join("");
    };
  }

  override end(...how: Parameters<Tracer.NativeSpan["end"]>): void {
    super.end(...how);
    note(this.#self, () => `span ${this.name} ends in ${how[1]._tag}`);
  }

  override get traceId(): string {
    return (this._traceId ??= Option.getOrUndefined(this.parent)?.traceId ?? this.#draw(32, "trace"));
  }

  override get spanId(): string {
    return (this._spanId ??= this.#draw(16, "span"));
  }
}

/** As Effect's own, with the actor's path in place of the number of the fiber, which counts all of the process. */
function loggerOf(self: Self): Logger.Logger<unknown, void> {
  return Logger.make(({ message, logLevel, cause, fiber, date }) => {
    const parts: unknown[] = Array.isArray(message) ? [...message] : [message];
    if (cause.reasons.length > 0) parts.push(Cause.pretty(cause));
    const annotations = fiber.getRef(CurrentLogAnnotations);
    if (Object.keys(annotations).length > 0) parts.push(annotations);
    fiber.getRef(Console).log(`[${date.toISOString()}] ${logLevel.toUpperCase()} ${self.path}:`, ...parts);
  });
}
