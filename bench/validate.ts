// npm run validate: the simulated world against theory, with so many customers that intervals are tight. The same cases
// as in the suite, which has few customers.

import { InvalidOption } from "antiphon";
import { command, deviations, estimate, type Flags, positiveFlag, progress, table, wholeFlag } from "antiphon/lab";
import { cases } from "../test/validation/cases.ts";
import type { Case, Finding } from "../test/validation/finding.ts";

/** The chance that a run with another seed has a prediction outside of its interval, though all are right. */
const falseAlarm = 0.001;

const flags = {
  only: { takes: "V6,V20", says: "these cases; all by default" },
  scale: { takes: "N", says: "times as many customers; 1 by default" },
  seed: { takes: "N", says: "of all draws; 1 by default" },
  json: { says: "one JSON object instead of the table" },
} as const;

const known = [...new Set(cases.flatMap(({ ids }) => ids))];

const help = `Does the simulated world do what theory says? Queues and services made of actors, under random customers.

  npm run validate                       all cases, about 4 minutes
  npm run validate -- --scale 0.1        a quick look
  npm run validate -- --only V6,V20      two numbers
  npm run --silent validate -- --json    for a program to read

Exit code 1 if a prediction is outside of its interval. Intervals are so wide that this happens to one run of
${1 / falseAlarm}, if the world is right. z is the distance in standard deviations.

${table(cases.map(({ ids, says }) => [`  ${ids.join(" ")}`, says]))}`;

interface Played {
  readonly of: Case;
  readonly customers: number;
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

function readSettings({ only, scale = "1", seed = "1", json }: Flags<typeof flags>) {
  return {
    scale: positiveFlag("scale", scale, "0.1"),
    seed: wholeFlag("seed", seed, "1", 0),
    chosen: only === undefined ? cases : choose(only),
    json,
  };
}

function choose(list: string): readonly Case[] {
  const wanted = list.toUpperCase().split(/[ ,]+/);
  const strange = wanted.find((id) => !known.includes(id));
  if (strange === undefined) return cases.filter(({ ids }) => ids.some((id) => wanted.includes(id)));
  throw new InvalidOption("--only", strange, `any of ${known.join(", ")}, for example --only V6,V20`);
}

await command({
  flags,
  help,
  async run(given, interrupted) {
    const { chosen, scale, seed, json } = readSettings(given);
    const played: Played[] = [];
    const result = () => {
      const rows = rowsOf(played);
      if (rows.some(({ agrees }) => !agrees)) process.exitCode = 1;
      return json ? JSON.stringify({ seed, scale, rows }, null, 2) : asText(rows, seed);
    };
    let now = "";
    const clear = progress(process.stderr, () => now);
    interrupted(() => {
      clear();
      return result();
    });
    for (const [place, each] of chosen.entries()) {
      now = `${place + 1} of ${chosen.length}: ${each.ids.join(" ")} ${each.says}`;
      if (!process.stderr.isTTY) process.stderr.write(`${now}\n`);
      const customers = Math.ceil(each.many * scale);
      const startMs = performance.now();
      const findings = await each.run(customers, seed);
      played.push({ of: each, customers, findings, seconds: (performance.now() - startMs) / 1000 });
    }
    clear();
    return result();
  },
});

type Row = ReturnType<typeof rowsOf>[number];

function rowsOf(played: readonly Played[]) {
  const count = played.reduce((sum, { findings }) => sum + findings.length, 0);
  // Source: C. Bonferroni (1936): of so many intervals all hold with 1 - falseAlarm, however they depend on each other.
  const level = 1 - falseAlarm / count;
  return played.flatMap(({ of, customers, findings, seconds }) =>
    findings.map(({ what, predicted, measured }) => {
      const { low, high } = measured(level);
      const usual = measured(0.95);
      const z = deviations(usual, predicted);
      const agrees = low <= predicted && predicted <= high;
      return {
        ids: of.ids,
        says: of.says,
        customers,
        what,
        predicted,
        measured: usual,
        low,
        high,
        level,
        z,
        agrees,
        seconds,
      };
    }),
  );
}

function asText(rows: readonly Row[], seed: number): string {
  const head = ["case", "", "", "predicted", "measured", "interval", "z", "seconds"];
  const body = rows.map(({ ids, says, what, predicted, measured, low, high, z, seconds }, place) => {
    const isFirst = rows[place - 1]?.says !== says;
    return [
      ...(isFirst ? [ids.join(" "), says] : ["", ""]),
      what,
      digits(predicted),
      estimate(measured),
      `${digits(low)} to ${digits(high)}`,
      z.toFixed(2),
      isFirst ? seconds.toFixed(1) : "",
    ];
  });
  const off = rows.filter(({ agrees }) => !agrees);
  return [
    table([head, ...body]),
    "",
    `Seed ${seed}. Measured: 95 %; interval: all hold at once with 99.9 %. A ~ stands for batches that depend on each other.`,
    off.length === 0
      ? `All ${rows.length} predictions are in their intervals.`
      : `Outside of their intervals: ${off.map(({ ids, says, what }) => `${ids.join(" ")} ${says}, ${what}`).join("; ")}.`,
  ].join("\n");
}

function digits(value: number): string {
  return String(Number(value.toPrecision(4)));
}
