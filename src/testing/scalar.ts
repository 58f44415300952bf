// Numbers and texts for the keywords of a JSON Schema.

import fc from "fast-check";
import type { Json } from "./keywords.ts";
import { messageOf, Tried, unfit } from "./tried.ts";

export type Made = fc.Arbitrary<unknown> | undefined;
export type Bounds = Record<string, number | undefined>;

export function number(schema: Json, isInteger: boolean, at: string): Made {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema as Readonly<Bounds>;
  const low = Math.max(minimum ?? Number.NEGATIVE_INFINITY, exclusiveMinimum ?? Number.NEGATIVE_INFINITY);
  const high = Math.min(maximum ?? Number.POSITIVE_INFINITY, exclusiveMaximum ?? Number.POSITIVE_INFINITY);
  const [minExcluded, maxExcluded] = [low === exclusiveMinimum, high === exclusiveMaximum];
  if (low > high || (low === high && (minExcluded || maxExcluded))) return undefined;
  const step = multipleOf ?? (isInteger ? 1 : undefined);
  if (step !== undefined && !(step > 0)) throw unfit(`${at}/multipleOf`, String(step), "a number above 0");
  if (step === undefined) {
    const bounds = {
      ...(low > Number.NEGATIVE_INFINITY && { min: low, minExcluded }),
      ...(high < Number.POSITIVE_INFINITY && { max: high, maxExcluded }),
    };
    return fc.double({ ...bounds, noNaN: true, noDefaultInfinity: true });
  }
  const [digits = "", exponent = "0"] = String(step).split("e");
  const places = Math.max(0, (digits.split(".")[1]?.length ?? 0) - Number(exponent));
  // 3 * 0.1 is none of the multiples of 0.1 that people write.
  const times = (count: number) => Number((count * step).toFixed(Math.min(100, places)));
  // Where nothing bounds it: as far as a product of two doubles has all of its digits.
  const reach = Number.MAX_SAFE_INTEGER / Number(`1e${places}`);
  const least = low === Number.NEGATIVE_INFINITY ? -reach : low;
  const most = high === Number.POSITIVE_INFINITY ? reach : high;
  const safe = (count: number) => Math.min(Math.max(count, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  // Division rounds: the next count may still be in the bounds.
  let min = safe(Math.ceil(least / step) - 1);
  let max = safe(Math.floor(most / step) + 1);
  while (min <= max && (minExcluded ? times(min) <= least : times(min) < least)) min++;
  while (min <= max && (maxExcluded ? times(max) >= most : times(max) > most)) max--;
  if (min > max) return undefined;
  if (step === 1) return fc.integer({ min, max });
  const all = fc.integer({ min, max }).map(times);
  if (!isInteger || Number.isInteger(step)) return all;
  return new Tried(all, Number.isInteger, () => unfit(at, "seldom a whole multiple", "a multipleOf that has some"));
}

/** Of draft 2020-12, those that are found in the JSON Schemas of libraries. */
const formats: Readonly<Record<string, () => fc.Arbitrary<string>>> = {
  "date-time": () => instant(),
  date: () => instant().map((text) => text.slice(0, 10)),
  time: () => instant().map((text) => text.slice(11)),
  duration: () => fc.nat(100_000).map((seconds) => `PT${seconds}S`),
  email: () => fc.emailAddress(),
  hostname: () => fc.domain(),
  ipv4: () => fc.ipV4(),
  ipv6: () => fc.ipV6(),
  uri: () => fc.webUrl(),
  uuid: () => fc.uuid(),
};

function instant(): fc.Arbitrary<string> {
  const [min, max] = [new Date("0001-01-01T00:00:00Z"), new Date("9999-12-31T23:59:59Z")];
  return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
}

export function text(schema: Json, at: string): Made {
  const { pattern = [], format } = schema as { pattern?: readonly string[]; format?: string };
  const { minLength = 0, maxLength } = schema as Readonly<Bounds>;
  if (maxLength !== undefined && maxLength < minLength) return undefined;
  const ofFormat = Object.hasOwn(formats, format ?? "") ? formats[format as string]!() : undefined;
  const patterns = pattern.map((source) => regular(source, at));
  const [first] = patterns;
  const all = (first && matching(first, minLength)) ?? ofFormat;
  if (all !== undefined) {
    const fits = (found: unknown) =>
      patterns.every((one) => one.test(found as string)) &&
      [...(found as string)].length >= minLength &&
      [...(found as string)].length <= (maxLength ?? Number.POSITIVE_INFINITY);
    return new Tried(all, fits, () => unfit(at, "texts that seldom fit both pattern and length", "fewer conditions"));
  }
  if (first !== undefined) throw unfit(at, first.source, "a pattern without assertions and back references");
  if (maxLength !== undefined) return fc.string({ minLength, maxLength });
  const wide = fc.string({ minLength, unit: "grapheme" });
  return fc.oneof({ arbitrary: fc.string({ minLength }), weight: 3 }, { arbitrary: wide, weight: 1 });
}

function regular(source: string, at: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    // Libraries write the source of what has no flag.
  }
  try {
    return new RegExp(source);
  } catch (error) {
    throw unfit(at, source, `a regular expression (${messageOf(error)})`);
  }
}

/** Undefined for what fast-check can not read: assertions that look ahead or behind, back references. */
function matching(pattern: RegExp, minLength: number): Made {
  try {
    return fc.stringMatching(pattern, { size: minLength > 50 ? "large" : minLength > 5 ? "medium" : "small" });
  } catch {
    return undefined;
  }
}
