// Orders and faults as values of fast-check, for properties that call `simulate` themselves. An order shrinks by what it
// came to when it was played: to fewer and fewer pairs.

import fc from "fast-check";
import { InvalidOption } from "../runtime/kernel/failure.ts";
import { oneOf } from "../runtime/kernel/options.ts";
import type { TimeMode } from "../runtime/sim/exploring.ts";
import type { Fault } from "../runtime/sim/fault.ts";
import { type Pair, RecordedSchedule, type Schedule } from "../runtime/sim/schedule.ts";
import { type StrategyName, strategies } from "../runtime/sim/strategy/portfolio.ts";
import { checkSwarm, drawFaults, type Swarm } from "../runtime/sim/swarm.ts";

export interface SchedulesOptions {
  /** All by default. */
  readonly strategies?: readonly StrategyName[] | undefined;
  /** `"windows"` by default. */
  readonly time?: TimeMode | undefined;
}

class Schedules extends fc.Arbitrary<Schedule> {
  readonly #strategies: readonly StrategyName[];
  readonly #time: TimeMode | undefined;

  constructor({ strategies: names = strategies, time }: SchedulesOptions) {
    super();
    if (!Array.isArray(names) || names.length === 0 || !names.every((name) => strategies.includes(name)))
      throw new InvalidOption("strategies", names, `a list of ${strategies.join(", ")}`);
    oneOf("time", time, ["windows", "des", "async"]);
    this.#strategies = names;
    this.#time = time;
  }

  generate(random: fc.Random): fc.Value<Schedule> {
    const strategy = this.#strategies[random.nextInt(0, this.#strategies.length - 1)] as StrategyName;
    return new fc.Value(new RecordedSchedule(strategy, random.nextInt(0, 0x7fff_ffff), this.#time), undefined);
  }

  canShrinkWithoutContext(value: unknown): value is Schedule {
    return typeof value === "object" && value !== null && ("pairs" in value || value instanceof RecordedSchedule);
  }

  /** Fails when it was not played: the path of fast-check leads through values that nobody has run. */
  shrink(schedule: Schedule): fc.Stream<fc.Value<Schedule>> {
    if ("pairs" in schedule) return smaller(schedule.pairs).map((pairs) => made({ ...schedule, pairs }));
    const pairs = schedule instanceof RecordedSchedule ? schedule.recorded() : undefined;
    if (pairs === undefined)
      throw new Error(
        "A path can not be replayed here: what an order shrinks to is known only when it was played by simulate. Give the schedule that the failure printed: examples: [[schedule]].",
      );
    const { seed, time } = schedule;
    return fc.Stream.of(made({ pairs, time }), made({ pairs, time, times: seed }));
  }
}

function made(schedule: Schedule): fc.Value<Schedule> {
  return new fc.Value(schedule, undefined);
}

/** None of them, then without a half, a quarter, and so on down to without one. */
function smaller(pairs: readonly Pair[]): fc.Stream<readonly Pair[]> {
  function* parts(): IterableIterator<readonly Pair[]> {
    if (pairs.length === 0) return;
    yield [];
    for (let size = pairs.length >> 1; size >= 1; size >>= 1)
      for (let at = 0; at < pairs.length; at += size) yield [...pairs.slice(0, at), ...pairs.slice(at + size)];
  }
  return new fc.Stream(parts());
}

/**
 * Orders for `simulate({ schedule })`. A failing one shrinks to the pairs that are needed for the failure, which are
 * plain data: `examples: [[{ pairs: […] }]]` replays them, and goes on from there.
 *
 * Fails: InvalidOption.
 * Example: `fc.asyncProperty(schedules(), (schedule) => simulate({ schedule }, body))`.
 */
export function schedules(options: SchedulesOptions = {}): fc.Arbitrary<Schedule> {
  return new Schedules(options);
}

/** Lists of faults for `simulate({ faults })`, drawn as an exploration does; they shrink to those that are needed. */
export function faultPlans(swarm: Swarm): fc.Arbitrary<readonly Fault[]> {
  checkSwarm(swarm);
  // Drawn first, then any part of it: parts are what is left out when it shrinks.
  return fc.noShrink(fc.integer({ min: 0, max: 0x7fff_ffff })).chain((seed) => fc.subarray(drawFaults(swarm, seed)));
}
