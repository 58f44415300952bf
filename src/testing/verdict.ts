// What a checker says of a run that is over, and how it says it to people.

import { inspect } from "node:util";

/** Of a checker: that what was promised holds, or what it found instead. In both cases `text` is for people. */
export type Verdict<Found> =
  | { readonly ok: true; readonly text: string }
  | ({ readonly ok: false; readonly text: string } & Readonly<Found>);

const linesMax = 10;

/** `head`, and below it what was found, a line each: the first ten. */
export function listed(head: string, found: readonly string[]): string {
  const more = found.length - linesMax;
  const lines = [...found.slice(0, linesMax), ...(more > 0 ? [`and ${more} more`] : [])];
  return [`${head}:`, ...lines.map((line) => `  ${line}`)].join("\n");
}

/** A value in one line; of an error its name. */
export function show(value: unknown): string {
  return value instanceof Error ? value.name : inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}
