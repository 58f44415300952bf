// What a failed exploration says: the property, the order as sentences, a picture, how to play it again, what was tried.

import { sequenceMermaid, sequenceText } from "../runtime/observe/sequence.ts";
import type { Coverage } from "../runtime/sim/coverage.ts";
import type { Finding, Plan } from "../runtime/sim/explorer.ts";
import type { Course } from "../runtime/sim/schedule.ts";
import type { Call } from "./operations.ts";
import { exchangesOf, sliceOf } from "./picture.ts";
import { type Played, tokenOf } from "./token.ts";
import type { Story } from "./trial.ts";
import { show } from "./verdict.ts";
import { sentencesOf } from "./words.ts";

/** A property does not hold in some order; which one, and what led to it, is in its message and its fields. */
export class ExplorationFailed<I = unknown> extends Error {
  readonly _tag = "ExplorationFailed";
  readonly code = "EXPLORATION_FAILED";
  // Not for those who print all fields of an error: it is in the message.
  readonly #played: Played<I>;
  readonly #finding: Finding;

  constructor(finding: Finding, failed: Played<I> & { readonly story: Story }, coverage: Coverage) {
    super(textOf(finding, failed, coverage), { cause: finding.error });
    this.#played = { inputs: failed.inputs, plan: failed.plan };
    this.#finding = finding;
  }

  override get name(): string {
    return this._tag;
  }

  /** The smallest case that was found: give it to `examples`, or keep its token. */
  get played(): Played<I> {
    return this.#played;
  }

  /** The same as text; undefined when inputs or faults can not be written. */
  get token(): string | undefined {
    return tokenOf(this.#played);
  }

  /** A Mermaid sequence diagram of what led to it. */
  mermaid(): string {
    return sequenceMermaid(exchangesOf(sliceOf(this.#finding), this.#finding));
  }

  /** Names in its order that no event has, as of a program that was changed since. */
  gone(): readonly string[] {
    return goneOf(this.#finding.plan, this.#finding.course);
  }
}

function textOf<I>(
  finding: Finding,
  { inputs, plan, story }: Played<I> & { readonly story: Story },
  coverage: Coverage,
): string {
  const slice = sliceOf(finding);
  const drawn = sequenceText(exchangesOf(slice, finding));
  const hidden = finding.course.happened.length - slice.length;
  const gone = goneOf(plan, finding.course);
  const token = tokenOf({ inputs, plan });
  return [
    messageOf(finding.error),
    "",
    `  ${howFound(finding, story)}`,
    ...inputLines(inputs).map((line, i) => `  ${i === 0 ? "inputs" : "      "}  ${line}`),
    ...sentencesOf(plan).map((sentence, i) => `  ${i === 0 ? "order " : "      "}  ${sentence}`),
    ...(gone.length === 0 ? [] : [`  gone    ${gone.join(", ")}: no event has this name any more`]),
    "",
    ...(drawn === "" ? [] : drawn.split("\n").map((line) => `  ${line}`)),
    ...(hidden > 0 ? [`  and ${hidden} more ${hidden === 1 ? "event" : "events"}, which did not lead to this`] : []),
    ...(drawn === "" && hidden === 0 ? [] : [""]),
    ...coverageLines(coverage).map((line) => `  ${line}`),
    token === undefined
      ? "  again   examples: [[error.played]], as the case can not be written as text"
      : `  again   examples: [["${token}"]]`,
  ].join("\n");
}

/** A list of operations is a line each. */
function inputLines(inputs: unknown): string[] {
  if (typeof inputs !== "object" || inputs === null) return [show(inputs)];
  const entries = Object.entries(inputs);
  if (entries.length === 0) return ["none"];
  return entries.flatMap(([name, value]) => {
    if (!isCalls(value)) return [`${name}: ${show(value)}`];
    return value.map(
      ({ client, type, payload }) => `${client} ${type}${payload === undefined ? "" : ` ${show(payload)}`}`,
    );
  });
}

function isCalls(value: unknown): value is readonly Call[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => typeof one?.client === "string" && typeof one.type === "string")
  );
}

function howFound({ plan, course }: Finding, { schedule, foundBy, from, replays, isMinimal }: Story): string {
  const found = schedule === undefined ? "given" : `found in schedule ${schedule} (${foundBy})`;
  const parts = (
    [
      ["fault", from.faults, plan.faults.length],
      ["pair", from.pairs, plan.pairs.length],
    ] as const
  )
    .filter(([, before, after]) => before > after)
    .map(([what, before, after]) => `${before} ${what}${before === 1 ? "" : "s"} to ${after}`);
  const count = course.happened.length;
  const events = `${count} ${count === 1 ? "event" : "events"}`;
  if (replays === 0) return `${found}; ${events}`;
  const limit = isMinimal ? "" : "; it may be smaller still";
  return `${found}; made smaller in ${replays} ${replays === 1 ? "replay" : "replays"}: ${[...parts, events].join(", ")}${limit}`;
}

/** What was tried, and what may have been missed: lines for people. */
export function coverageText(coverage: Coverage): string {
  return coverageLines(coverage).join("\n");
}

function coverageLines(coverage: Coverage): string[] {
  if (coverage.schedules === 0) return [];
  const by = coverage.runs.map(({ strategy, runs }) => `${strategy} ${runs}`).join(", ");
  // What is not drawn is not drawn again.
  const isEvery = coverage.runs.every(({ strategy }) => strategy === "exhaustive");
  const bounds = coverage.bounds
    .filter(({ depth, missed }) => depth <= 3 && missed < 0.995)
    .map(({ depth, missed }) => `${depth}: ${percent(missed)}`);
  return [
    `tried   ${coverage.schedules} ${coverage.schedules === 1 ? "schedule" : "schedules"} (${by})`,
    `orders  ${coverage.orders} different${isEvery ? "" : `; the next schedule would show a new one with ${percent(coverage.unseen)}`}`,
    ...(bounds.length === 0 ? [] : [`missed  a bug that needs so many orderings, at most with ${bounds.join(", ")}`]),
  ];
}

function percent(share: number): string {
  if (share === 0) return "0 %";
  if (share < 0.0001) return "under 0.01 %";
  return `${share < 0.1 ? (share * 100).toFixed(2) : (share * 100).toFixed(0)} %`;
}

/** Names that no event of the run has. */
export function goneOf(plan: Plan, course: Course): string[] {
  const known = new Set([...course.happened, ...course.left, ...course.voided].map(({ name }) => name));
  const names = plan.pairs.flatMap(({ event, after }) => [event, after]);
  return [...new Set(names)].filter((name) => !known.has(name));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : show(error);
}
