// What flags of V8's garbage collector bring: the same rows on Antiphon, each flag in processes of its own.

import { table } from "antiphon/lab";
import type { Contest, Measured } from "./measure.ts";
import { NodeSampler } from "./process.ts";
import { type RowName, rows } from "./rows.ts";
import { sizeOf } from "./sizes.ts";
import { costRatio, ratio, short, spreadOf } from "./spread.ts";

/** Sizes in MB. The young generation starts at `min` and grows to `max`. */
const semiSpace = (min: number | undefined, max: number) => [
  ...(min === undefined ? [] : [`--min-semi-space-size=${min}`]),
  `--max-semi-space-size=${max}`,
];
const flags: Readonly<Record<string, readonly string[]>> = {
  none: [],
  "max-semi-space 64": semiSpace(undefined, 64),
  "min- and max-semi-space 32": semiSpace(32, 32),
  "min- and max-semi-space 64": semiSpace(64, 64),
  "min- and max-semi-space 128": semiSpace(128, 128),
  "single-threaded-gc": ["--single-threaded-gc"],
};

const of: readonly RowName[] = ["ring", "ask-inside", "ask-100k", "bank", "create"];
const prefix = "collector ";

export function contestsOfCollector(script: string, reps: number, scale: number): Contest[] {
  return of.map((row) => ({
    name: `${prefix}${row}`,
    entrants: Object.entries(flags).map(([name, given]) => ({
      name,
      start: () => {
        const size = Math.max(rows[row].of ?? 1, Math.round(Number(sizeOf(row, "antiphon")) * scale));
        return new NodeSampler(script, ["antiphon", row, String(size)], given);
      },
    })),
    way: "turns",
    reps,
  }));
}

export function reportCollector(measured: Measured): string {
  const body = Object.keys(flags).map((name) => [
    name,
    ...of.map((row) => {
      const found = measured[`${prefix}${row}`] ?? {};
      if (name === "none") return `${short(spreadOf(found[name]?.flat() ?? []).median)}/s`;
      return ratio(costRatio("rate", found[name], found["none"]));
    }),
  ]);
  return table([["flag", ...of], ...body]);
}

export const hasCollector = (measured: Measured): boolean => `${prefix}${of[0]}` in measured;
