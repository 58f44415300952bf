// From samples to verdicts and a table. A cell is the median and min–max of all its repetitions; a ratio is taken
// between the medians of one round, and its own median and min–max are over rounds.

import type { Measured } from "./measure.ts";
import { type Budget, type RowName, rows } from "./rows.ts";
import { amount, costRatio, ratio, type Spread, short, spreadOf } from "./spread.ts";

export type SubjectName = "bare" | "nact" | "antiphon";
export const subjectNames: readonly SubjectName[] = ["bare", "nact", "antiphon"];
export const smokeRows: readonly RowName[] = [
  "ring",
  "ping-pong",
  "counting",
  "ask",
  "ask-inside",
  "create",
  "big",
  "bank",
  "idle",
  "import",
];

export interface Plan {
  readonly rows: readonly RowName[];
  readonly subjects: readonly SubjectName[];
  readonly rounds: number;
  readonly reps: number;
}

type Samples = { readonly [subject in SubjectName]?: readonly (readonly number[])[] };

export interface Verdict {
  readonly row: RowName;
  readonly unit: string;
  readonly subjects: { readonly [subject in SubjectName]?: Spread };
  /** How many times as much time or room Antiphon takes as the bare kernel. */
  readonly timesBare: Spread | undefined;
  /** How many times as much time or room nact takes as Antiphon. */
  readonly aheadOfNact: Spread | undefined;
  readonly budget: string;
  /** A `?` says that the spread reaches over the budget. */
  readonly met: "yes" | "yes?" | "no" | "no?" | "-";
}

export function judge(measured: Measured, plan: Plan): Verdict[] {
  return plan.rows.map((row) => judgeRow(row, measured[row] ?? {}));
}

function judgeRow(row: RowName, samples: Samples): Verdict {
  const subjects: { [subject in SubjectName]?: Spread } = {};
  for (const subject of subjectNames) {
    const rounds = samples[subject];
    if (rounds !== undefined) subjects[subject] = spreadOf(rounds.flat());
  }
  const timesBare = costRatio(rows[row].kind, samples.antiphon, samples.bare);
  const aheadOfNact = costRatio(rows[row].kind, samples.nact, samples.antiphon);
  const { budget, unit } = rows[row];
  const limits: (boolean | undefined)[][] = [];
  if (aheadOfNact !== undefined && rows[row].kind === "rate") limits.push(within(aheadOfNact, (ratio) => ratio > 1));
  if (budget !== undefined) limits.push(budgetHolds(budget, subjects.antiphon, timesBare));
  return { row, unit, subjects, timesBare, aheadOfNact, budget: describe(budget), met: sum(limits) };
}

/** For median, min and max: does it hold? */
function within(spread: Spread | undefined, holds: (value: number) => boolean): (boolean | undefined)[] {
  if (spread === undefined) return [undefined, undefined, undefined];
  return [holds(spread.median), holds(spread.min), holds(spread.max)];
}

function budgetHolds(budget: Budget, own: Spread | undefined, timesBare: Spread | undefined): (boolean | undefined)[] {
  switch (budget.kind) {
    case "times-bare":
      return within(timesBare, (ratio) => ratio <= budget.atMost);
    case "at-least":
      return within(own, (rate) => rate >= budget.rate);
    case "at-most":
      return within(own, (amount) => amount <= budget.value);
  }
}

function sum(limits: (boolean | undefined)[][]): Verdict["met"] {
  if (limits.length === 0 || limits.flat().includes(undefined)) return "-";
  const met = limits.every(([median]) => median);
  const sure = limits.every(([median, min, max]) => median === min && median === max);
  if (met) return sure ? "yes" : "yes?";
  return limits.some((limit) => !limit.includes(true)) ? "no" : "no?";
}

function describe(budget: Budget | undefined): string {
  switch (budget?.kind) {
    case undefined:
      return "ahead of nact";
    case "times-bare":
      return `≤ ${budget.atMost}x bare`;
    case "at-least":
      return `≥ ${short(budget.rate)}/s`;
    case "at-most":
      return `≤ ${budget.value}`;
  }
}

export function table(verdicts: readonly Verdict[]): string {
  const cells = verdicts.map((verdict) => {
    const of = (subject: SubjectName) => amount(verdict.subjects[subject]);
    return [verdict.row, verdict.unit, of("bare"), of("nact"), of("antiphon")];
  });
  const ratios = verdicts.map((verdict) => [
    verdict.row,
    ratio(verdict.timesBare),
    ratio(verdict.aheadOfNact),
    verdict.budget,
    verdict.met,
  ]);
  return [
    aligned([["row", "unit", "bare kernel", "nact", "antiphon"], ...cells]),
    "",
    aligned([["row", "cost, antiphon/bare", "cost, nact/antiphon", "budget", "met"], ...ratios]),
    "",
    "median (min–max); above over all repetitions, below over the rounds' medians.",
    "met: ahead of nact and within the budget of the design; ? where the spread reaches over it.",
  ].join("\n");
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
