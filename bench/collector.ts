// What flags of V8's garbage collector bring: the same rows on Antiphon, each flag in processes of its own.

import { table } from "antiphon/lab";
import type { Contest, Measured } from "./measure.ts";
import { NodeSampler } from "./process.ts";
import { type RowName, rows } from "./rows.ts";
import { sizeOf } from "./sizes.ts";
import { costRatio, ratio, short, spreadOf } from "./spread.ts";

const flags: Readonly<Record<string, readonly string[]>> = {
  none: [],
  "--max-semi-space-size=32": ["--max-semi-space-size=32"],
  "--max-semi-space-size=64": ["--max-semi-space-size=64"],
  "--max-semi-space-size=128": ["--max-semi-space-size=128"],
  "--single-threaded-gc": ["--single-threaded-gc"],
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
