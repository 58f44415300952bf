// Series from files, and what their reader should be told about them.

import { readFile } from "node:fs/promises";
import { InvalidOption } from "../runtime/kernel/failure.ts";
import { readSeries, type Series, type SeriesOptions } from "./series.ts";
import { figure } from "./table.ts";

/** {@link readSeries} of a file. Fails: InvalidOption, also for a file that can not be read. */
export async function readSeriesFile(file: string, options: SeriesOptions = {}): Promise<Series> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new InvalidOption("file", file, `a CSV file that can be read (${error.code})`);
  });
  return readSeries(text, { name: file, ...options });
}

/** Lines that say how much of a series was used and why not all, with the first three bad rows. */
export function seriesNotes({ rows, counts, problems }: Series): string[] {
  const { bad, repeated, backward, irregular } = counts;
  const first = problems.filter(({ kind }) => kind === "bad").slice(0, 3);
  return [
    `${figure(rows.length)} rows used; ${bad} bad, ${repeated} repeated, ${backward} backward, ${irregular} at irregular intervals.`,
    ...first.map(({ line, why }) => `  line ${line} is bad: ${why}`),
    ...(bad > 3 ? [`  and ${bad - 3} more`] : []),
  ];
}
