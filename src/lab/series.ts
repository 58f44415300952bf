// A time series from CSV text. Nothing is dropped in silence: what can not be used has a line number and a reason.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { numberOf } from "./check.ts";
import { fieldsOf, timestampOf } from "./csv.ts";

export interface Row {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly timeMs: number;
  readonly value: number;
  /** The line of the file it stands on; the first is 1. */
  readonly line: number;
}

/**
 * Something that a row's reader should know.
 * `bad`: not used. `repeated`: replaced by a later line with the same time. `backward`: used, in its place by time.
 * `irregular`: used, but not one usual interval after the row before it.
 */
export interface Problem {
  readonly line: number;
  readonly kind: "bad" | "repeated" | "backward" | "irregular";
  readonly why: string;
}

export interface Series {
  /** What it is called in messages: the name of its file. */
  readonly name: string;
  /** By time, each time once. */
  readonly rows: readonly Row[];
  /** The median distance of neighbouring rows in ms; undefined when there is only one row. */
  readonly intervalMs: number | undefined;
  /** In the order of the lines. */
  readonly problems: readonly Problem[];
  /** How many problems there are of each kind. */
  readonly counts: Readonly<Record<Problem["kind"], number>>;
}

export interface SeriesOptions {
  /** `"series"` by default. */
  readonly name?: string;
  /** A row with a lower value is bad; no limit by default. */
  readonly least?: number;
}

/**
 * Reads CSV text with the columns `timestamp` and `value`, in any order, beside others; a file that begins with a
 * timestamp has no header and is read by position. Blank lines are skipped.
 *
 * Promises: every good time of the text is in `rows`, with the value of its last good line; every other line with
 * something on it, except the header, is in `problems`. Rows that go backward in time are sorted in: logs that were
 * merged from several writers look so. A repeated time keeps its later line, as a correction would.
 * Units: `2014-04-10 00:04:00` or ISO 8601 with `T`, `Z` or an offset; without a zone it is UTC, never local time.
 * Fails: InvalidOption when there is no usable row, naming what was found and what is expected.
 */
export function readSeries(
  text: string,
  { name = "series", least = Number.NEGATIVE_INFINITY }: SeriesOptions = {},
): Series {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  const first = lines.findIndex((line) => line.trim() !== "");
  if (first < 0) throw refused(name, "an empty file");

  const columns = readHeader(lines[first]!, name);
  const problems: Problem[] = [];
  const byTime = new Map<number, Row>();
  let latestMs = Number.NEGATIVE_INFINITY;
  for (let index = columns.header ? first + 1 : first; index < lines.length; index++) {
    if (lines[index]!.trim() === "") continue;
    const line = index + 1;
    const read = readRow(lines[index]!, columns, least);
    if (typeof read === "string") {
      problems.push({ line, kind: "bad", why: read });
      continue;
    }
    const { timeMs, value } = read;
    const former = byTime.get(timeMs);
    if (former)
      problems.push({ line: former.line, kind: "repeated", why: `line ${line} has the same time; that line is used` });
    else if (timeMs < latestMs)
      problems.push({ line, kind: "backward", why: "earlier than a line before it; sorted in by time" });
    byTime.set(timeMs, { timeMs, value, line });
    latestMs = Math.max(latestMs, timeMs);
  }

  const rows = [...byTime.values()].sort((a, b) => a.timeMs - b.timeMs);
  if (rows.length === 0)
    throw refused(
      name,
      problems.length > 0 ? `no usable row, ${problems.length} bad` : "a header without rows",
      problems,
    );
  const intervalMs = usualInterval(rows);
  const located = [...problems, ...irregularities(rows, intervalMs)].sort((a, b) => a.line - b.line);
  const counts = { bad: 0, repeated: 0, backward: 0, irregular: 0 };
  for (const { kind } of located) counts[kind]++;
  return { name, rows, intervalMs, problems: located, counts };
}

interface Columns {
  readonly header: boolean;
  readonly timestamp: number;
  readonly value: number;
  readonly count: number;
}

function readHeader(line: string, name: string): Columns {
  const names = (fieldsOf(line) ?? []).map((field) => field.trim().toLowerCase());
  const byName = {
    header: true,
    timestamp: names.indexOf("timestamp"),
    value: names.indexOf("value"),
    count: names.length,
  };
  if (byName.timestamp >= 0 && byName.value >= 0) return byName;
  const byPosition = { header: false, timestamp: 0, value: 1, count: 2 };
  if (timestampOf(names[0] ?? "") !== undefined) return byPosition;
  throw refused(name, `the columns ${names.join(", ")}`);
}

function readRow(line: string, columns: Columns, least: number): { timeMs: number; value: number } | string {
  const fields = fieldsOf(line);
  if (!fields) return "a quote is not closed";
  if (fields.length !== columns.count) return `${fields.length} fields instead of ${columns.count}`;
  const [time, number] = [fields[columns.timestamp]!.trim(), fields[columns.value]!.trim()];
  const [timeMs, value] = [timestampOf(time), numberOf(number)];
  if (timeMs === undefined) return `${quoted(time)} is no timestamp`;
  if (Number.isNaN(value)) return `${quoted(number)} is no number`;
  if (value < least) return `${number} is less than ${least}`;
  return { timeMs, value };
}

function usualInterval(rows: readonly Row[]): number | undefined {
  const distances = rows.slice(1).map((row, index) => row.timeMs - rows[index]!.timeMs);
  return distances.sort((a, b) => a - b)[(distances.length - 1) >> 1];
}

function irregularities(rows: readonly Row[], intervalMs: number | undefined): Problem[] {
  return rows.slice(1).flatMap((row, index): Problem[] => {
    const distanceMs = row.timeMs - rows[index]!.timeMs;
    const why = `${distanceMs / 1000} s after the row before it; ${intervalMs! / 1000} s is usual`;
    return distanceMs === intervalMs ? [] : [{ line: row.line, kind: "irregular", why }];
  });
}

function refused(name: string, found: string, problems: readonly Problem[] = []): InvalidOption {
  const reasons = problems.slice(0, 3).map(({ line, why }) => `line ${line}: ${why}`);
  const because = reasons.length > 0 ? ` (${reasons.join("; ")}${problems.length > 3 ? "; …" : ""})` : "";
  return new InvalidOption(
    name,
    found,
    `a header timestamp,value and rows like 2014-04-10 00:04:00,94${because}: export or rename the columns so`,
  );
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
