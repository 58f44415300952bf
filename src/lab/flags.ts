// The command line of a scenario: what it takes is a table, from which come the parser, the help and the advice.

import { parseArgs } from "node:util";
import { InvalidOption } from "../runtime/kernel/failure.ts";
import { numberOf } from "./check.ts";

export interface Flag {
  /** The name of its value in the help, for example `FILE`. Without it the flag is a switch. */
  readonly takes?: string;
  /** Another name, of one letter. */
  readonly short?: string;
  /** One line for the help. */
  readonly says: string;
}

export type Flags<Known extends Record<string, Flag>> = {
  readonly [Name in keyof Known]?: Known[Name] extends { readonly takes: string } ? string : true;
};

/**
 * Reads `--name value`, `--name=value`, `--switch` and their short names. Of a flag given twice the last counts.
 *
 * Fails: InvalidOption, which says what to type instead.
 */
export function readFlags<const Known extends Record<string, Flag>>(
  known: Known,
  given: readonly string[],
): Flags<Known> {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { takes, short }]) => [
      name,
      { type: takes ? "string" : "boolean", ...(short && { short }) } as const,
    ]),
  );
  const found: Record<string, string | true> = {};
  for (const token of parseArgs({ args: [...given], options, strict: false, tokens: true }).tokens) {
    if (token.kind === "option-terminator") continue;
    const flag = token.kind === "option" && Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (token.kind !== "option" || !flag) throw unknown(known, token.kind === "option" ? token.rawName : token.value);
    const { name, value, inlineValue } = token;
    if (!flag.takes && value !== undefined) throw new InvalidOption(`--${name}`, value, `no value, just --${name}`);
    if (flag.takes && (!value || (!inlineValue && value.startsWith("--")))) {
      throw new InvalidOption(`--${name}`, "no value", `--${name} ${flag.takes}: ${flag.says}`);
    }
    found[name] = value ?? true;
  }
  return found as Flags<Known>;
}

/** A number above 0, and at most `most`, from the text of a flag. Fails: InvalidOption. */
export function positiveFlag(
  name: string,
  text: string,
  example: string,
  most: number = Number.POSITIVE_INFINITY,
): number {
  const value = numberOf(text);
  if (value > 0 && value <= most) return value;
  const limit = most < Number.POSITIVE_INFINITY ? ` and at most ${most}` : "";
  throw new InvalidOption(`--${name}`, text, `a number above 0${limit}, for example --${name} ${example}`);
}

/** A whole number of at least `least` from the text of a flag. Fails: InvalidOption. */
export function wholeFlag(name: string, text: string, example: string, least = 1): number {
  const value = numberOf(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new InvalidOption(`--${name}`, text, `a whole number of at least ${least}, for example --${name} ${example}`);
  }
  return value;
}

/** The flags, one on a line. */
export function flagsHelp(known: Record<string, Flag>): string {
  const names = Object.entries(known).map(([name, { takes }]) => (takes ? `--${name} ${takes}` : `--${name}`));
  const longest = Math.max(...names.map((name) => name.length));
  return Object.values(known)
    .map(({ says }, index) => `  ${names[index]!.padEnd(longest)}  ${says}`)
    .join("\n");
}

function unknown(known: Record<string, Flag>, given: string): InvalidOption {
  const typed = given.replace(/^-+/, "");
  const nearest = Object.keys(known)
    .map((name) => ({ name, distance: editDistance(typed, name) }))
    .filter(({ name, distance }) => distance <= Math.max(1, name.length / 2))
    .sort((a, b) => a.distance - b.distance)[0]?.name;
  const all = Object.keys(known).map((name) => `--${name}`);
  const { takes } = known[nearest ?? ""] ?? {};
  return new InvalidOption(
    "arguments",
    given,
    nearest ? `--${nearest}${takes ? ` ${takes}` : ""} if that was meant; --help lists all` : all.join(", "),
  );
}

/** How many letters to insert, remove or replace to turn one word into the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      next.push(
        Math.min(next[column - 1]! + 1, row[column]! + 1, row[column - 1]! + (letter === to[column - 1] ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[to.length]!;
}
