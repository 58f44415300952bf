// A run of the suite as data: what was measured, on what, and with which settings.

import { readFile } from "node:fs/promises";
import { InvalidOption } from "antiphon";
import { budgetsOf } from "./budgets.ts";
import type { Samples } from "./measure.ts";
import type { PeerName } from "./peers.ts";
import type { Chosen } from "./questions.ts";
import type { Found } from "./tables.ts";
import type { SimSample } from "./virtual.ts";

export interface Machine {
  readonly node: string;
  readonly v8: string;
  readonly cpu: string;
  readonly cores: number;
  /** Of one minute. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

export interface Settings extends Chosen {
  readonly peers: readonly PeerName[];
  readonly rounds: number;
  readonly reps: number;
  readonly scale: number;
}

/** What is known so far. */
export interface Run {
  readonly machine: Machine;
  readonly settings: Settings;
  readonly versions: Found["versions"];
  readonly sizes: Found["sizes"];
  readonly samples: Samples;
  readonly sim: ReadonlyMap<string, SimSample[]>;
}

export function asJson({ samples, sim, ...known }: Run): string {
  const { measured, failed } = samples;
  const result = { ...known, budgets: budgetsOf(measured), measured, sim: Object.fromEntries(sim), failed };
  // A sample has three figures that mean something, and a sign more for who computes on.
  const digits = (_key: string, value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  // A list of numbers stays on its line.
  return `${JSON.stringify(result, digits, 1).replace(/\[\s+([\d.,\s-]+?)\s+\]/g, (_all, list: string) => `[${list.replace(/\s+/g, " ")}]`)}\n`;
}

/** Fails: InvalidOption, when `file` is not what {@link asJson} has written. */
export async function readRun(file: string): Promise<Run> {
  const refuse = (found: string) => new InvalidOption("--from", `${file}: ${found}`, "a file that --json has written");
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw refuse(error.message);
  });
  let found: Omit<Run, "samples" | "sim"> & Samples & { sim: Record<string, SimSample[]> };
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const { machine, settings, versions, sizes, measured, failed, sim } = found ?? {};
  const lacks = Object.entries({ machine, settings, versions, sizes, measured, failed, sim }).find(
    ([, value]) => typeof value !== "object" || value === null,
  );
  if (lacks !== undefined) throw refuse(`${lacks[0]} is missing`);
  return { machine, settings, versions, sizes, samples: { measured, failed }, sim: new Map(Object.entries(sim)) };
}
