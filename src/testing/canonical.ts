// A text for each value of plain data, the same for two values exactly when they hold the same.

import { InvalidOption } from "../runtime/kernel/failure.ts";

/**
 * Members of objects, maps and sets count in any order, those of arrays in theirs.
 *
 * Fails: InvalidOption for functions, symbols and objects of a class, whose private fields nobody sees.
 */
export function canonical(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object" && value !== null) return ofObject(value);
  if (typeof value === "function" || typeof value === "symbol") throw unfit(`a ${typeof value}`);
  return Object.is(value, -0) ? "-0" : String(value);
}

function ofObject(value: object): string {
  // Holes of an array count as undefined.
  if (Array.isArray(value)) return `[${Array.from(value, canonical).join()}]`;
  if (value instanceof Set) return `set{${Array.from(value, canonical).sort().join()}}`;
  if (value instanceof Map) return `map{${ofEntries([...value])}}`;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw unfit(`a ${prototype.constructor?.name}`);
  return `{${ofEntries(Object.entries(value))}}`;
}

function ofEntries(entries: readonly (readonly [unknown, unknown])[]): string {
  return entries
    .map(([key, each]) => `${canonical(key)}:${canonical(each)}`)
    .sort()
    .join();
}

function unfit(found: string): InvalidOption {
  return new InvalidOption("state", found, "plain data, with arrays, maps and sets; or a model with a key of its own");
}
