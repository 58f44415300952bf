// Text is generated row by row, so that what the reader must find in it is known.

import { existsSync, readFileSync } from "node:fs";
import { InvalidOption } from "antiphon";
import { readSeries, readSeriesFile, seriesNotes } from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const time = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2100, 0, 1) });
const value = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number));
const row = fc.record({ timeMs: time, value });
const rows = fc.array(row, { minLength: 1, maxLength: 40 });
const style = fc.record({
  end: fc.constantFrom("\n", "\r\n", "\r"),
  mark: fc.constantFrom("", "\uFEFF"),
  header: fc.constantFrom("timestamp,value", '"timestamp", "value"', " Timestamp , VALUE "),
  quote: fc.constantFrom("", '"'),
  zone: fc.constantFrom("", "Z", "+00:00", "+05:45", "-0330"),
  between: fc.constantFrom(" ", "T"),
});
type Style = typeof style extends fc.Arbitrary<infer S> ? S : never;

function stamp(timeMs: number, { zone, between }: Style): string {
  const offset = /^([-+])(\d\d):?(\d\d)$/.exec(zone);
  const offsetMs = offset ? Number(`${offset[1]}1`) * (Number(offset[2]) * 60 + Number(offset[3])) * 60_000 : 0;
  return new Date(timeMs + offsetMs).toISOString().replace("T", between).replace("Z", zone);
}

function text(lines: readonly string[], { end, mark, header }: Style): string {
  return mark + [header, ...lines].join(end) + end;
}

function line({ timeMs, value }: { timeMs: number; value: number }, style: Style): string {
  return [stamp(timeMs, style), String(value)].map((field) => style.quote + field + style.quote).join(",");
}

const bad = fc.constantFrom(
  "2014-04-10 00:04:00",
  "2014-04-10 00:04:00,",
  "2014-04-10 00:04:00,12,3",
  "2014-04-10 00:04:00,NaN",
  "2014-04-10 00:04:00,Infinity",
  "2014-04-10 00:04:00,1e999",
  "2014-04-10 00:04:00,0x10",
  '2014-04-10 00:04:00,"12',
  "2014-02-30 00:04:00,12",
  "2014-04-10 24:04:00,12",
  "2014-04-10 00:60:00,12",
  "10/04/2014 00:04,12",
  "1397088240,12",
  ",12",
  ",",
  "nothing like a row",
);

describe("readSeries", () => {
  test("gives back every row that was written, by time", () => {
    fc.assert(
      fc.property(fc.uniqueArray(row, { selector: ({ timeMs }) => timeMs, minLength: 1 }), style, (written, style) => {
        const lines = written.map((each) => line(each, style));
        const read = readSeries(text(lines, style)).rows.map(({ timeMs, value }) => ({ timeMs, value }));
        expect(read).toEqual([...written].sort((a, b) => a.timeMs - b.timeMs));
      }),
      { seed: 1 },
    );
  });

  test("reports every bad line by its number and loses no good one", () => {
    const mixed = fc.array(fc.oneof(row, bad), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(mixed, row, style, (entries, last, style) => {
        const all = [...entries, last];
        const lines = all.map((entry) => (typeof entry === "string" ? entry : line(entry, style)));
        const series = readSeries(text(lines, style));
        const badLines = all.flatMap((entry, index) => (typeof entry === "string" ? [index + 2] : []));
        expect(series.problems.filter(({ kind }) => kind === "bad").map((problem) => problem.line)).toEqual(badLines);
        const good = new Map(all.flatMap((entry) => (typeof entry === "string" ? [] : [[entry.timeMs, entry.value]])));
        expect(new Map(series.rows.map(({ timeMs, value }) => [timeMs, value]))).toEqual(good);
      }),
      { seed: 2 },
    );
  });

  test.each([
    ["2014-04-10 00:04:00", "1 fields instead of 2"],
    ["2014-04-10 00:04:00,12,3", "3 fields instead of 2"],
    ['2014-04-10 00:04:00,"12', "a quote is not closed"],
    ["2014-02-30 00:04:00,12", '"2014-02-30 00:04:00" is no timestamp'],
    ["timestamp,value", '"timestamp" is no timestamp'],
    ["2014-04-10 00:04:00,", '"" is no number'],
    ["2014-04-10 00:04:00,1e999", '"1e999" is no number'],
    ['2014-04-10 00:04:00,"1,234"', '"1,234" is no number'],
  ])("says of %j why it is bad, and reads the lines around it", (line, why) => {
    const { rows, problems, counts } = readSeries(`timestamp,value\n2014-04-09,1\n${line}\n2014-04-11,2\n`);
    expect(problems).toEqual([{ line: 3, kind: "bad", why }]);
    expect(counts).toEqual({ bad: 1, repeated: 0, backward: 0, irregular: 0 });
    expect(rows.map(({ value, line }) => [value, line])).toEqual([
      [1, 2],
      [2, 4],
    ]);
  });

  test("counts each row once: used, repeated or bad", () => {
    const few = fc.array(fc.oneof(fc.record({ timeMs: fc.integer({ min: 0, max: 9 }), value }), bad), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(few, row, style, (entries, last, style) => {
        const lines = [...entries, last].map((entry) => (typeof entry === "string" ? entry : line(entry, style)));
        const { rows, counts } = readSeries(text(lines, style));
        expect(rows.length + counts.repeated + counts.bad).toBe(lines.length);
      }),
      { seed: 3 },
    );
  });

  test("counts as backward the rows that are earlier than one before them, and sorts them in", () => {
    fc.assert(
      fc.property(rows, style, (written, style) => {
        const { counts, rows } = readSeries(
          text(
            written.map((each) => line(each, style)),
            style,
          ),
        );
        const times = written.map(({ timeMs }) => timeMs);
        const backward = times.filter(
          (timeMs, index) => !times.slice(0, index).includes(timeMs) && times.slice(0, index).some((t) => t > timeMs),
        );
        expect(counts.backward).toBe(backward.length);
        expect(rows.every(({ timeMs }, index) => index === 0 || timeMs > rows[index - 1]!.timeMs)).toBe(true);
      }),
      { seed: 4 },
    );
  });

  test("keeps the later line of a repeated time and names both", () => {
    const series = readSeries("timestamp,value\n2014-04-10,1\n2014-04-11,2\n2014-04-10,3\n");
    expect(series.rows.map(({ value, line }) => [value, line])).toEqual([
      [3, 4],
      [2, 3],
    ]);
    expect(series.problems).toEqual([
      { line: 2, kind: "repeated", why: "line 4 has the same time; that line is used" },
    ]);
  });

  test("names the rows at irregular intervals", () => {
    const minutes = [0, 5, 10, 25, 30, 31];
    const lines = minutes.map((minute) => `2014-04-10 00:${String(minute).padStart(2, "0")},1`);
    const series = readSeries(["timestamp,value", ...lines].join("\n"));
    expect(series.intervalMs).toBe(300_000);
    expect(series.problems.map(({ line, kind, why }) => [line, kind, why])).toEqual([
      [5, "irregular", "900 s after the row before it; 300 s is usual"],
      [7, "irregular", "60 s after the row before it; 300 s is usual"],
    ]);
  });

  test("takes a large series whose every interval is irregular", () => {
    const times = Array.from({ length: 200_000 }, (_, index) => index * index * 1000);
    const { rows, counts } = readSeries(times.map((timeMs) => `${new Date(timeMs).toISOString()},1`).join("\n"));
    expect([rows.length, counts.irregular]).toEqual([200_000, 199_998]);
  });

  test("finds the columns by name, wherever they stand", () => {
    const { rows } = readSeries("host,value,timestamp\na,7,2014-04-10\n");
    expect(rows).toEqual([{ timeMs: Date.UTC(2014, 3, 10), value: 7, line: 2 }]);
  });

  test("reads a file without a header by position", () => {
    expect(readSeries("2014-04-10,7\n2014-04-11,8\n").rows.map(({ value }) => value)).toEqual([7, 8]);
  });

  test("knows a file without a header by its first time, also when that row is bad", () => {
    const { rows, problems } = readSeries("2014-04-10,NaN\n2014-04-11,8\n");
    expect(rows.map(({ value }) => value)).toEqual([8]);
    expect(problems).toEqual([{ line: 1, kind: "bad", why: '"NaN" is no number' }]);
  });

  test("uses or reports each line of any text, or refuses it", () => {
    const piece = fc.constantFrom(
      "timestamp,value",
      "2014-04-10",
      "2014-04-11 00:05",
      ",",
      "7",
      "-1",
      '"',
      " ",
      "\n",
      "x",
    );
    const texts = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(texts, fc.boolean(), (written, header) => {
        const text = (header ? "timestamp,value\n2014-01-01,1\n" : "") + written;
        const lines = text.split("\n").filter((line) => line.trim() !== "");
        try {
          const { rows, counts } = readSeries(text);
          expect(rows.length + counts.repeated + counts.bad).toBe(lines.length - (/timestamp/.test(lines[0]!) ? 1 : 0));
        } catch (error) {
          if (!(error instanceof InvalidOption)) throw error;
        }
      }),
      { seed: 5, numRuns: 500 },
    );
  });

  test("takes values below `least` for bad", () => {
    const { rows, problems } = readSeries("timestamp,value\n2014-04-10,-1\n2014-04-11,0\n", { least: 0 });
    expect(rows.map(({ value }) => value)).toEqual([0]);
    expect(problems).toEqual([{ line: 2, kind: "bad", why: "-1 is less than 0" }]);
  });

  test.each([
    ["", "an empty file"],
    ["\uFEFF\r\n \r\n", "an empty file"],
    ["timestamp,value\n", "a header without rows"],
    ["time,count\n2014-04-10,1\n", "the columns time, count"],
    ["timestamp;value\n2014-04-10;1\n", "the columns timestamp;value"],
    ["timestamp,value\nx,1\n2014-04-10,y\n", '(line 2: "x" is no timestamp; line 3: "y" is no number)'],
    ["\u0000\u0001\u0002", "the columns"],
  ])("refuses %j and says what was found and what is expected", (text, found) => {
    const read = () => readSeries(text, { name: "requests.csv" });
    expect(read).toThrow(InvalidOption);
    expect(read).toThrow(found);
    expect(read).toThrow(/^requests\.csv: .* header timestamp,value and rows like 2014-04-10 00:04:00,94/);
  });
});

describe("readSeriesFile", () => {
  test("says which file can not be read", async () => {
    await expect(readSeriesFile("no/such.csv")).rejects.toThrow('file: found "no/such.csv"');
  });

  // Real series are large: they are read where they lie beside the repository, or where this says.
  const folder = process.env["SERIES"] ?? "../shared/data";
  const real = [
    ["elb_request_count_8c0756.csv", 4032, { bad: 0, repeated: 0, backward: 0, irregular: 8 }],
    ["machine_temperature_system_failure.csv", 22_683, { bad: 0, repeated: 12, backward: 0, irregular: 0 }],
    ["ec2_request_latency_system_failure.csv", 4021, { bad: 0, repeated: 11, backward: 0, irregular: 3 }],
    ["nyc_taxi.csv", 10_320, { bad: 0, repeated: 0, backward: 0, irregular: 0 }],
  ] as const;
  test.skipIf(!existsSync(folder)).each(real)("reads all of %s", async (file, used, counts) => {
    const series = await readSeriesFile(`${folder}/${file}`);
    expect([series.rows.length, series.counts]).toEqual([used, counts]);
    expect(readFileSync(`${folder}/${file}`, "utf8").trimEnd().split("\n").length - 1).toBe(used + counts.repeated);
  });
});

describe("seriesNotes", () => {
  test("says how many rows were used and why not the others", () => {
    const series = readSeries(`timestamp,value\n2014-04-10,1\n${"x,1\n".repeat(5)}2014-04-11,1\n2014-04-13,1\n`);
    expect(seriesNotes(series)).toEqual([
      "3 rows used; 5 bad, 0 repeated, 0 backward, 1 at irregular intervals.",
      '  line 3 is bad: "x" is no timestamp',
      '  line 4 is bad: "x" is no timestamp',
      '  line 5 is bad: "x" is no timestamp',
      "  and 2 more",
    ]);
  });
});
