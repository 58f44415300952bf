// npm run bench:sim: how fast virtual time is, beside SimPy 3 where that is installed. Rows and peers take turns, so
// that a machine that slows down for some seconds slows them all.

import { execFile } from "node:child_process";
import { availableParallelism, cpus, loadavg } from "node:os";
import { promisify } from "node:util";
import { command, figure, summary, table, wholeFlag } from "antiphon/lab";
import { compile } from "./compile.ts";

const run = promisify(execFile);
const python = "/usr/bin/python3";

interface Row {
  readonly what: string;
  readonly unit: string;
  readonly size: number;
  /** What is counted per second. */
  readonly counts: "steps" | "done";
  readonly atLeast: number;
}

/** Budgets of the design, with no trace kept. */
const rows: Readonly<Record<string, Row>> = {
  mm1: { what: "M/M/1 by timers, no promise", unit: "events/s", size: 200_000, counts: "steps", atLeast: 3_000_000 },
  sync: {
    what: "a frozen payload of 4 fields to a synchronous handler",
    unit: "deliveries/s",
    size: 400_000,
    counts: "done",
    atLeast: 500_000,
  },
  async: {
    what: "the same to an asynchronous handler",
    unit: "deliveries/s",
    size: 200_000,
    counts: "done",
    atLeast: 250_000,
  },
  ask: {
    what: "an asynchronous actor asks a synchronous one: a delivery and a reply",
    unit: "events/s",
    size: 200_000,
    counts: "steps",
    atLeast: 250_000,
  },
  schedules: {
    what: "a system of 3 actors and 20 deliveries, made and run",
    unit: "schedules/s",
    size: 5_000,
    counts: "done",
    atLeast: 10_000,
  },
  "explored-sync": {
    what: "as sync, in runs of 2,000, each in an order that is drawn",
    unit: "deliveries/s",
    size: 200_000,
    counts: "done",
    atLeast: 500_000,
  },
  "explored-async": {
    what: "as async, in runs of 2,000, each in an order that is drawn",
    unit: "deliveries/s",
    size: 100_000,
    counts: "done",
    atLeast: 250_000,
  },
  explored: {
    what: "as schedules, each in an order that is drawn",
    unit: "schedules/s",
    size: 5_000,
    counts: "done",
    atLeast: 10_000,
  },
};
const traces = ["off", "hash", "full"] as const;
/** SimPy's customers are ours; what an event is differs, so they are compared by customers. */
const timesSimPy = 8;

interface Sample {
  readonly done: number;
  readonly steps: number;
  readonly seconds: number;
}

const flags = {
  rounds: { takes: "N", says: "rounds of fresh processes; 3 by default" },
  reps: { takes: "N", says: "repetitions in each process, after two to warm up; 5 by default" },
  json: { says: "every sample, as JSON" },
} as const;

await command({
  flags,
  help: `How fast is virtual time?

  npm run bench:sim                 3 rounds, about three minutes
  npm run bench:sim -- --rounds 1   a quick look

${Object.entries(rows)
  .map(([name, { what }]) => `  ${name.padEnd(14)} ${what}`)
  .join("\n")}`,
  async run({ rounds = "3", reps = "5", json = false }) {
    const samples = await measure(wholeFlag("rounds", rounds, "3"), wholeFlag("reps", reps, "5"));
    const load = loadavg()[0]?.toFixed(1);
    const machine = `Node ${process.version}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? "unknown"}, load ${load}`;
    return json ? JSON.stringify({ machine, samples: [...samples] }, null, 2) : `${machine}\n\n${report(samples)}`;
  },
});

async function measure(rounds: number, reps: number): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>();
  const keep = (name: string, found: readonly Sample[]) => samples.set(name, [...(samples.get(name) ?? []), ...found]);
  const { script, remove } = await compile("sim-cell");
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const [name, { size }] of Object.entries(rows)) {
        for (const trace of traces) {
          process.stderr.write(`round ${round} of ${rounds}: ${name}, trace ${trace}\n`);
          const { stdout } = await run(process.execPath, [script, name, String(size), String(reps), trace]);
          keep(`${name} ${trace}`, lines(stdout));
        }
      }
      for (let i = 1; i <= reps; i++) {
        const found = await run(python, ["bench/simpy.py", "100000", String(i)]).catch(() => undefined);
        if (found === undefined) break;
        keep("simpy", lines(found.stdout.replace('"customers"', '"done"').replace('"events"', '"steps"')));
      }
    }
  } finally {
    await remove();
  }
  return samples;
}

function lines(stdout: string): Sample[] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Sample);
}

function report(samples: ReadonlyMap<string, readonly Sample[]>): string {
  const rates = (name: string, counts: "steps" | "done") =>
    summary((samples.get(name) ?? []).map((sample) => sample[counts] / sample.seconds));
  const spread = ({ quantile, min, max }: ReturnType<typeof rates>) =>
    `${short(quantile(0.5))} (${short(min)}–${short(max)})`;
  const body = Object.entries(rows).map(([name, { unit, counts, atLeast }]) => {
    const cells = traces.map((trace) => rates(`${name} ${trace}`, counts));
    const median = cells[0]?.quantile(0.5) ?? Number.NaN;
    return [name, unit, ...cells.map(spread), `≥ ${short(atLeast)}`, median >= atLeast ? "yes" : "no"];
  });
  const text = [
    table([["row", "unit", "trace off", "hash", "full", "budget", "met"], ...body]),
    "",
    "median (min–max) over all repetitions; the budget is for no trace.",
  ];
  const simpy = rates("simpy", "done");
  const ours = rates("mm1 off", "done");
  if (simpy.count === 0) return [...text, "", "SimPy 3 is not installed (python3-simpy3): not compared."].join("\n");
  const ratio = ours.quantile(0.5) / simpy.quantile(0.5);
  return [
    ...text,
    "",
    `M/M/1, customers/s: ${spread(ours)} here, ${spread(simpy)} in SimPy 3: ${figure(ratio)} times (budget ${timesSimPy}, ${ratio >= timesSimPy ? "met" : "missed"}).`,
    `SimPy counts ${short(rates("simpy", "steps").quantile(0.5))} events/s, 6 to a customer; here there are 5.`,
  ].join("\n");
}

function short(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value >= 999_500 ? `${figure(value / 1_000_000)}M` : `${figure(value / 1_000)}k`;
}
