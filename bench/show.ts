// A run as text: its tables one after the other, or one of them.

import { InvalidOption } from "antiphon";
import { budgetsOf, budgetText } from "./budgets.ts";
import { hasCollector, reportCollector } from "./collector.ts";
import { reportDoors } from "./doors.ts";
import { others } from "./questions.ts";
import { reportRoads } from "./roads.ts";
import { rows } from "./rows.ts";
import type { Run } from "./saved.ts";
import { blocks, type Found, notes, overview } from "./tables.ts";
import { reportSim } from "./virtual.ts";

type Part =
  | "machine"
  | "rows"
  | "doors"
  | "roads"
  | "adapters"
  | "collector"
  | "sim"
  | "overview"
  | "peers"
  | "budgets";

/** The tables, by the name that `--part` takes. */
const parts: Readonly<Record<Part, (found: Found, run: Run) => unknown>> = {
  machine: machineLine,
  rows: blocks,
  doors: ({ measured }: Found) => measured["door ms"] && `# ${others.doors}\n\n${reportDoors(measured)}`,
  roads: ({ measured }: Found) => measured["roads"] && `# ${others.roads}\n\n${reportRoads("roads", measured)}`,
  adapters: ({ measured }: Found) =>
    measured["adapters"] && `# ${others.adapters}\n\n${reportRoads("adapters", measured)}`,
  collector: ({ measured }: Found) => hasCollector(measured) && `# ${others.collector}\n\n${reportCollector(measured)}`,
  sim: (_: Found, { sim }: Run) => sim.size > 0 && `# ${others.sim}\n\n${reportSim(sim, ["off"])}`,
  overview: (found: Found) => hasRows(found) && overview(found),
  peers: (found: Found) => hasRows(found) && notes(found),
  budgets: ({ measured }: Found) => {
    const judged = budgetsOf(measured);
    return judged.length > 0 && `# Is it within the budgets of the design?\n\n${budgetText(judged)}`;
  },
};

export const partNames = Object.keys(parts) as readonly Part[];

export function partFrom(part: string | undefined): readonly Part[] {
  if (part === undefined) return partNames;
  if (part in parts) return [part as Part];
  throw new InvalidOption("--part", part, `${partNames.join(", ")}`);
}

const hasRows = ({ measured }: Found): boolean => Object.keys(measured).some((name) => name in rows);

function machineLine(_: Found, { machine, settings }: Run): string {
  const { node, cores, cpu, loadBefore, loadAfter } = machine;
  const { rounds, reps, scale } = settings;
  const loads = `load ${loadBefore.toFixed(1)} before and ${loadAfter.toFixed(1)} after`;
  const part = scale === 1 ? "" : `, ${scale} of the sizes below`;
  return `Node ${node}, ${cores} cores, ${cpu}, ${loads}; ${rounds} round${rounds === 1 ? "" : "s"} of ${reps} repetitions${part}`;
}

export function text(run: Run, shown: readonly Part[]): string {
  const { settings, versions, sizes, samples } = run;
  const hasErlang = versions.erlang !== undefined;
  const present = settings.peers.filter((peer) => peer !== "erlang" || hasErlang);
  const found: Found = { rows: settings.rows, peers: present, versions, sizes, ...samples };
  const remarks = [
    settings.peers.includes("erlang") && !hasErlang && "Erlang/OTP is not installed (erlang-base): not compared.",
    ...samples.failed.map(({ contest, entrant, why }) => `FAILED: ${entrant}, ${contest}: ${why}`),
  ];
  return [...shown.map((name) => parts[name](found, run)), ...(shown.length === 1 ? [] : remarks)]
    .filter((part) => typeof part === "string" && part !== "")
    .join("\n\n");
}
