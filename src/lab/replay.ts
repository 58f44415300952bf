// A recorded load: requests as a series of counts has them, in its own time or compressed.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { positive } from "./check.ts";
import type { Load } from "./load.ts";
import type { Series } from "./series.ts";

export interface ReplayOptions {
  /** The story time that the whole series takes. */
  readonly seconds?: number;
  /** The mean rate. Alone, time is compressed until the rate is met; with `seconds`, a sample of the requests is sent. */
  readonly perSecond?: number;
  /** How many times faster than recorded; 1 by default. */
  readonly speedup?: number;
}

/**
 * A recorded load: a row's value is the number of requests from its time until the next row's, and they fall
 * uniformly at random into that span. After the last row comes one usual interval.
 *
 * Promises: each request of the series is sent once, with the fractions of values carried over to later rows. With
 * `seconds` and `perSecond` together the shape of the series is kept and `seconds × perSecond` requests are drawn from
 * it with equal chances, which shows days in seconds.
 * Fails: InvalidOption for a negative value, a series without requests or with one row only, and for options that say
 * the same thing twice.
 */
export function replay(series: Series, options: ReplayOptions = {}): Load {
  const { seconds, perSecond, speedup } = options;
  for (const name of ["seconds", "perSecond", "speedup"] as const) {
    if (options[name] !== undefined) positive(name, options[name]);
  }
  if (speedup !== undefined && (seconds !== undefined || perSecond !== undefined)) {
    throw new InvalidOption(
      "replay",
      "speedup beside seconds or perSecond",
      "speedup alone, or seconds, perSecond or both",
    );
  }
  const spans = spansOf(series);
  const last = spans.at(-1)!;
  const recordedMs = last.startMs + last.lengthMs;
  const total = Math.round(last.before + last.value);
  if (total < 1) throw new InvalidOption(series.name, total, "a series with at least one request in its values");

  const sample =
    seconds !== undefined && perSecond !== undefined ? Math.max(1, Math.round(seconds * perSecond)) : undefined;
  const lastsMs =
    seconds !== undefined
      ? seconds * 1000
      : perSecond !== undefined
        ? (total / perSecond) * 1000
        : recordedMs / (speedup ?? 1);
  const scale = lastsMs / recordedMs;
  return {
    kind: "open",
    requests: sample ?? total,
    lastsMs,
    *times(random) {
      for (const recorded of sample === undefined ? every(spans, random) : some(spans, sample, random))
        yield recorded * scale;
    },
  };
}

/** A row as a stretch of the load: ms from the first row, requests, and the sum of the values before it. */
interface Span {
  readonly startMs: number;
  readonly lengthMs: number;
  readonly value: number;
  readonly before: number;
}

function spansOf(series: Series): Span[] {
  const { rows, intervalMs, name } = series;
  if (intervalMs === undefined)
    throw new InvalidOption(
      name,
      "one usable row",
      "at least two rows: the time between rows says how long a value lasts",
    );
  let before = 0;
  return rows.map(({ timeMs, value, line }, index) => {
    if (value < 0) throw new InvalidOption(`${name}, line ${line}`, value, "a number of requests, at least 0");
    const span = {
      startMs: timeMs - rows[0]!.timeMs,
      lengthMs: (rows[index + 1]?.timeMs ?? timeMs + intervalMs) - timeMs,
      value,
      before,
    };
    before += value;
    return span;
  });
}

function* every(spans: readonly Span[], random: () => number): Generator<number> {
  for (const { startMs, lengthMs, value, before } of spans) {
    const count = Math.round(before + value) - Math.round(before);
    for (const share of sortedUniforms(count, random)) yield startMs + share * lengthMs;
  }
}

function* some(spans: readonly Span[], count: number, random: () => number): Generator<number> {
  const last = spans.at(-1)!;
  let index = 0;
  for (const share of sortedUniforms(count, random)) {
    const target = share * (last.before + last.value);
    while (index < spans.length - 1 && spans[index + 1]!.before <= target) index++;
    const { startMs, lengthMs, value, before } = spans[index]!;
    // Rounding may put the target at the very end, behind a last row of value 0.
    yield startMs + Math.min(1, (target - before) / value || 0) * lengthMs;
  }
}

/** `count` independent uniform draws in ascending order, one at a time: the largest power of what is left, from the front. */
function* sortedUniforms(count: number, random: () => number): Generator<number> {
  let left = 1;
  for (let remaining = count; remaining > 0; remaining--) {
    left *= Math.exp(Math.log(1 - random()) / remaining);
    yield 1 - left;
  }
}
