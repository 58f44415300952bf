// npm run bench:sim: how fast virtual time is, with each kind of trace.

import { availableParallelism, cpus, loadavg } from "node:os";
import { command, wholeFlag } from "antiphon/lab";
import { measureSim, reportSim, type SimSample, simRows, traces } from "./virtual.ts";

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

${Object.entries(simRows)
  .map(([name, { what }]) => `  ${name.padEnd(14)} ${what}`)
  .join("\n")}`,
  async run({ rounds = "3", reps = "5", json = false }) {
    const samples = new Map<string, SimSample[]>();
    const plan = { rounds: wholeFlag("rounds", rounds, "3"), reps: wholeFlag("reps", reps, "5"), scale: 1, traces };
    await measureSim(plan, samples, (progress) => process.stderr.write(`${progress}\n`));
    const load = loadavg()[0]?.toFixed(1);
    const machine = `Node ${process.version}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? "unknown"}, load ${load}`;
    return json
      ? JSON.stringify({ machine, samples: [...samples] }, null, 2)
      : `${machine}\n\n${reportSim(samples, traces)}`;
  },
});
