// Durations as users write them, to milliseconds.

import { InvalidOption } from "./failure.ts";
import type { Duration } from "./protocol.ts";

const unitMs = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);
const allowed = 'a number of milliseconds of at least 0, or a text such as "250ms", "1.5s", "2m" or "1h"';
const known = new Map<string, number>();
const knownMax = 1_000;

/** Milliseconds of `value`. Infinity is legal and means without end. Fails: InvalidOption, which names `option`. */
export function milliseconds(option: string, value: Duration): number {
  if (typeof value === "number" && value >= 0) return value;
  if (typeof value !== "string") throw new InvalidOption(option, value, allowed);
  const before = known.get(value);
  if (before !== undefined) return before;
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value);
  const ms = parts === null ? Number.NaN : Number(parts[1]) * (unitMs.get(parts[2] ?? "") ?? Number.NaN);
  if (Number.isNaN(ms)) throw new InvalidOption(option, value, allowed);
  if (known.size < knownMax) known.set(value, ms);
  return ms;
}

/** A span for people: `850 ms`, `1.5 s`, `2 m`. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms * 100) / 100} ms`;
  if (ms < 60_000) return `${Math.round(ms / 10) / 100} s`;
  return `${Math.round(ms / 600) / 100} m`;
}
