// Intervals as text, with no digit that they do not support.

import type { Interval } from "./interval.ts";
import { figure, thousands } from "./table.ts";

/**
 * An interval for a reader: `40.1 ± 0.8 ms`.
 *
 * Promises: the half-width has one digit, two if the first is 1 or 2, and the value ends where it ends; it is the
 * longer of both sides. What is not about even around its value is printed from end to end, `1,128–5,431 ms`: an
 * interval that is split between two modes, that has one side more than three times the other, or whose ± would reach
 * below 0 where it does not. With one end unknown it is `>1,128 ms`, with none `-`. A `~` in front stands for a doubt.
 * Source: JCGM 100:2008, 7.2.6, for the digits of an uncertainty.
 */
export function estimate(interval: Interval, unit = ""): string {
  const { doubt } = interval;
  const text = textOf(interval);
  return text === "-" ? text : `${doubt ? "~" : ""}${text}${unit && ` ${unit}`}`;
}

function textOf({ value, low, high, split }: Interval): string {
  if (!Number.isFinite(value) || !(Number.isFinite(low) || Number.isFinite(high))) return "-";
  if (!Number.isFinite(high)) return `>${figure(low)}`;
  if (!Number.isFinite(low)) return `<${figure(high)}`;
  const [longer, shorter] = [value - low, high - value].sort((a, b) => b - a) as [number, number];
  // What sums of equal doubles come to.
  if (longer <= 1e-9 * Math.abs(value)) return `${figure(value)} ± 0`;
  if (split || longer > 3 * shorter || (low >= 0 && longer > value)) return range(low, high);
  const { exponent, mantissa } = parts(longer);
  const places = (mantissa < 3 ? 1 : 0) - exponent;
  return `${rounded(value, places)} ± ${rounded(longer, places)}`;
}

/** Two digits of the width, and the whole ones that there are. */
function range(low: number, high: number): string {
  const places = Math.max(0, 1 - parts(high - low).exponent);
  return [low, high].map((end) => rounded(end, places)).join(low < 0 ? " to " : "–");
}

/** The mantissa to two digits, from 1.0 to 9.9, and the power of ten. */
function parts(value: number): { mantissa: number; exponent: number } {
  const [mantissa, exponent] = value.toExponential(1).split("e").map(Number) as [number, number];
  return { mantissa, exponent };
}

/** To so many places after the point; to tens at -1. */
function rounded(value: number, places: number): string {
  if (places >= 0) return thousands(value.toFixed(Math.min(places, 100)));
  const ten = Number(`1e${-places}`);
  return thousands((Math.round(value / ten) * ten).toFixed(0));
}
