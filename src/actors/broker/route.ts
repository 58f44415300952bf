// Filters by a pattern of words, as topic exchanges and subjects have them.

import { InvalidOption } from "../../runtime/kernel/failure.ts";
import type { Published } from "./options.ts";

/**
 * A filter: true for messages whose words, between dots, fit the pattern. `*` stands for one word, `#` for any number.
 * The words are those of the name of the message, or of what `of` gives; undefined fits nothing.
 *
 * Fails: InvalidOption.
 * Example: `subscribe(orders, audit, { filter: matching("eu.*.paid", ({ key }) => key) })`.
 */
export function matching(
  pattern: string,
  of: (message: Published) => string | undefined = ({ type }) => type,
): (message: Published) => boolean {
  const words = typeof pattern === "string" ? pattern.split(".") : [""];
  if (words.some((word) => word === "" || (word.length > 1 && /[*#]/.test(word))))
    throw new InvalidOption("pattern", pattern, "words between dots, each a name, * or #");
  const parts = words.map((word) => {
    if (word === "#") return "(?:[^.]*\\.)*";
    return word === "*" ? "[^.]*\\." : `${word.replaceAll(/[$()+?[\\\]^{|}-]/g, "\\$&")}\\.`;
  });
  const fits = new RegExp(`^${parts.join("")}$`);
  return (message) => {
    const text = of(message);
    return text !== undefined && fits.test(`${text}.`);
  };
}
