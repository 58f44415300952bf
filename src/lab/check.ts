// Numbers as text, and numbers that options may have: these fail with InvalidOption.

import { InvalidOption } from "../runtime/kernel/failure.ts";

export function positive(option: string, found: number, unit = ""): void {
  if (!(found > 0 && Number.isFinite(found))) throw new InvalidOption(option, found, `a number${unit} above 0`);
}

export function notNegative(option: string, found: number, unit = ""): void {
  if (!(found >= 0 && Number.isFinite(found))) throw new InvalidOption(option, found, `a number${unit} of at least 0`);
}

export function whole(option: string, found: number): void {
  if (!(Number.isSafeInteger(found) && found > 0)) throw new InvalidOption(option, found, "a whole number above 0");
}

/** The finite decimal number that the whole text is; NaN for anything else, also for `""`, `0x1f` and `Infinity`. */
export function numberOf(text: string): number {
  const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : Number.NaN;
}
