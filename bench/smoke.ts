// npm run bench:smoke: Antiphon beside a bare kernel and nact, in one run. The numbers of one machine at one minute
// mean little; the ratios are what the budgets of the design are about.

import { availableParallelism, cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { compile } from "./compile.ts";
import { contestOf } from "./entrants.ts";
import { measure, type Samples } from "./measure.ts";
import { judge, type Plan, type SubjectName, smokeRows, subjectNames, table } from "./report.ts";
import { type RowName, rows } from "./rows.ts";

const help = `npm run bench:smoke -- [options]

  --only a,b       these rows only (below)
  --subjects a,b   these subjects only: ${subjectNames.join(", ")}
  --rounds n       rounds, each with fresh processes; 3 by default
  --reps n         repetitions per process and row, after two to warm up; 5 by default
  --json           verdicts and every sample as JSON on stdout
  --help           this text

rows
${smokeRows.map((name) => `  ${name.padEnd(12)} ${rows[name].what}`).join("\n")}
`;

function planFrom(args: readonly string[]): Plan & { json: boolean; help: boolean } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      subjects: { type: "string" },
      rounds: { type: "string", default: "3" },
      reps: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    rows: chosen<RowName>("--only", values.only, smokeRows),
    subjects: chosen<SubjectName>("--subjects", values.subjects, subjectNames),
    rounds: count("--rounds", values.rounds),
    reps: count("--reps", values.reps),
    json: values.json,
    help: values.help,
  };
}

function chosen<Name extends string>(
  option: string,
  list: string | undefined,
  known: readonly Name[],
): readonly Name[] {
  if (list === undefined) return known;
  const names = list.split(",").map((name) => name.trim());
  const strange = names.find((name) => !(known as readonly string[]).includes(name));
  if (strange !== undefined) throw new Error(`${option}: found ${strange}, allowed are ${known.join(", ")}.`);
  return known.filter((name) => names.includes(name));
}

function count(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`${option}: found ${value}, allowed is an integer from 1.`);
  return number;
}

async function main(): Promise<void> {
  const plan = planFrom(process.argv.slice(2));
  if (plan.help) {
    console.log(help);
    return;
  }
  const { script, remove } = await compile();
  try {
    const load = loadavg()[0]?.toFixed(1);
    const machine = `Node ${process.version}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? "unknown"}, load ${load} at the start`;
    const samples: Samples = { measured: {}, failed: [] };
    const contests = plan.rows.map((row) => contestOf(row, plan.subjects, plan.reps, { script }));
    await measure(contests, plan.rounds, samples, (progress) => console.error(progress));
    const [broken] = samples.failed;
    if (broken !== undefined) throw new Error(`${broken.entrant}, ${broken.contest}: ${broken.why}`);
    const { measured } = samples;
    const verdicts = judge(measured, plan);
    if (plan.json)
      console.log(
        JSON.stringify({ machine, rounds: plan.rounds, reps: plan.reps, verdicts, samples: measured }, null, 2),
      );
    else console.log(`${machine}; ${plan.rounds} rounds of ${plan.reps} repetitions\n\n${table(verdicts)}`);
  } finally {
    await remove();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
