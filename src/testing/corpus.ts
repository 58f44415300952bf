// Failing cases that are kept: one file each, in a folder that belongs to the tests.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvalidOption } from "../runtime/kernel/failure.ts";
import { checkedPlan, fromToken, type Played, tokenOf } from "./token.ts";

/** A case that was kept. */
export interface Stored<I> extends Played<I> {
  /** That of its file. */
  readonly name: string;
}

const format = 1;
const ending = ".plan.json";

/**
 * The cases that are kept in a folder, by name; none if there is no such folder.
 *
 * Fails: InvalidOption, for a file that is not whole or of another format, which it names.
 * Example: `test.each(storedPlans<I>("test/plans/cart"))("$name", async (one) => expect(await cart.replay(one)).toMatchObject({ outcome: "passing", gone: [] }))`.
 */
export function storedPlans<I>(folder: string): readonly Stored<I>[] {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return [];
    throw error;
  }
  return files
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => ({ name: file.slice(0, -ending.length), ...read<I>(join(folder, file)) }));
}

/** Keeps a case, or its token, in a file of this name. Fails: InvalidOption, for inputs that can not be written. */
export function storePlan<I>(folder: string, name: string, played: Played<I> | string): void {
  if (!/^[\w. -]+$/.test(name)) throw new InvalidOption("name", name, "letters, digits, points, dashes and spaces");
  const { inputs, plan } = typeof played === "string" ? fromToken<I>(played) : played;
  if (tokenOf({ inputs, plan }) === undefined)
    throw new InvalidOption("inputs", "more than text can hold", "plain data: no functions, no objects of a class");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name + ending);
  try {
    writeFileSync(file, `${JSON.stringify({ antiphon: format, inputs, plan }, undefined, 2)}\n`);
  } catch (error) {
    // Of a full disk Node does not say with which file it met it.
    throw Object.assign(error as Error, { path: file });
  }
}

function read<I>(file: string): Played<I> {
  let found: { antiphon?: unknown; inputs?: unknown; plan?: Partial<Played<I>["plan"]> } | null;
  try {
    found = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new InvalidOption(file, (error as Error).message, "a stored plan, whole");
  }
  if (found?.antiphon !== format)
    throw new InvalidOption(`${file}: antiphon`, found?.antiphon, `${format}, its format`);
  if (found.inputs === undefined) throw new InvalidOption(`${file}: inputs`, undefined, "those of the property");
  try {
    return { inputs: found.inputs as I, plan: checkedPlan(found.plan) };
  } catch (error) {
    throw new InvalidOption(file, (error as Error).message, "a stored plan, whole");
  }
}
