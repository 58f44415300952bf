// How fast virtual time is, beside SimPy 3 where that is installed. Rows and peers take turns, so that a machine that
// slows down for some seconds slows them all. `npm run bench:sim` with all traces, `npm run bench` with none.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { figure, summary, table } from "antiphon/lab";
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
export const simRows: Readonly<Record<string, Row>> = {
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
export type Trace = "off" | "hash" | "full";
export const traces: readonly Trace[] = ["off", "hash", "full"];
/** SimPy's customers are ours; what an event is differs, so they are compared by customers. */
const timesSimPy = 8;

export interface SimSample {
  readonly done: number;
  readonly steps: number;
  readonly seconds: number;
}

/** By row and trace, as in "mm1 off", and "simpy"; fills in `samples`. `scale` is of the usual sizes. */
export async function measureSim(
  plan: { rounds: number; reps: number; scale: number; traces: readonly Trace[] },
  samples: Map<string, SimSample[]>,
  say: (progress: string) => void,
): Promise<void> {
  const { rounds, reps, scale, traces } = plan;
  const keep = (name: string, found: readonly SimSample[]) =>
    samples.set(name, [...(samples.get(name) ?? []), ...found]);
  const { script, remove } = await compile("sim-cell");
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const [name, { size }] of Object.entries(simRows)) {
        for (const trace of traces) {
          say(`round ${round} of ${rounds}: ${name}, trace ${trace}`);
          const { stdout } = await run(process.execPath, [script, name, String(size * scale), String(reps), trace]);
          keep(`${name} ${trace}`, lines(stdout));
        }
      }
      for (let i = 1; i <= reps; i++) {
        const found = await run(python, ["bench/simpy.py", String(100_000 * scale), String(i)]).catch(() => undefined);
        if (found === undefined) break;
        keep("simpy", lines(found.stdout.replace('"customers"', '"done"').replace('"events"', '"steps"')));
      }
    }
  } finally {
    await remove();
  }
}

function lines(stdout: string): SimSample[] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as SimSample);
}

export function reportSim(samples: ReadonlyMap<string, readonly SimSample[]>, traces: readonly Trace[]): string {
  const rates = (name: string, counts: "steps" | "done") =>
    summary((samples.get(name) ?? []).map((sample) => sample[counts] / sample.seconds));
  const spread = ({ quantile, min, max }: ReturnType<typeof rates>) =>
    `${short(quantile(0.5))} (${short(min)}–${short(max)})`;
  const body = Object.entries(simRows).map(([name, { unit, counts, atLeast }]) => {
    const cells = traces.map((trace) => rates(`${name} ${trace}`, counts));
    const median = cells[0]?.quantile(0.5) ?? Number.NaN;
    return [name, unit, ...cells.map(spread), `≥ ${short(atLeast)}`, median >= atLeast ? "yes" : "no"];
  });
  const text = [
    table([["row", "unit", ...traces.map((trace) => `trace ${trace}`), "budget", "met"], ...body]),
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
