// npm run bench: Antiphon beside its peers, on one machine in one go. The numbers of one machine at one minute mean
// little; the ratios are what is to be read.

import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, cpus, loadavg } from "node:os";
import { dirname } from "node:path";
import { InvalidOption } from "antiphon";
import { command, type Flags, wholeFlag } from "antiphon/lab";
import { budgetsOf, budgetText } from "./budgets.ts";
import { compile, compileDoors } from "./compile.ts";
import { contestsOfDoors, reportDoors } from "./doors.ts";
import { contestOf } from "./entrants.ts";
import { type Contest, measure, type Samples } from "./measure.ts";
import { type Erlang, findErlang } from "./peer/erlang.ts";
import { type Peer, type PeerName, peerNames, peers } from "./peers.ts";
import { type Chosen, chosenFrom, others, questions } from "./questions.ts";
import { contestsOfRoads, reportRoads } from "./roads.ts";
import { rows } from "./rows.ts";
import { sizeOf } from "./sizes.ts";
import { blocks, type Found, notes, overview } from "./tables.ts";
import { measureSim, reportSim, type SimSample } from "./virtual.ts";

const flags = {
  only: { takes: "LIST", says: "these rows or questions; all by default" },
  peers: { takes: "LIST", says: `Antiphon, the bare kernel and these; all by default: ${peerNames.join(", ")}` },
  rounds: { takes: "N", says: "rounds, each with fresh processes; 3 by default" },
  reps: { takes: "N", says: "repetitions in each process, after two to warm up; 5 by default" },
  quick: { says: "one round of two repetitions of a fifth of the work, without the rows of 100,000 and a million" },
  json: { takes: "FILE", says: "also every sample, with the machine and the versions, as JSON" },
} as const;

const help = `What does a message cost, beside other ways to write actors in Node, and beside Erlang?

  npm run bench                                       all of it, about half an hour
  npm run bench -- --quick                            a first look, two to five minutes
  npm run bench -- --only ring,bank                   two rows
  npm run bench -- --only asks --peers nact,erlang    a question, with two peers
  npm run bench -- --only roads                       what observers, concurrency, isolation cost
  npm run bench -- --rounds 5 --json bench.json       for a document

Each row is played by each peer in a process of its own; the processes of a row take turns, and each repetition checks
that its work was done. Shown are medians with the least and the greatest, and ratios between medians of the same round.

${Object.entries(questions)
  .map(([name, { asks, rows: of }]) =>
    [`${name}: ${asks}`, ...of.map((row) => `  ${row.padEnd(16)} ${rows[row].what}`)].join("\n"),
  )
  .join("\n")}
${Object.entries(others)
  .map(([name, asks]) => `${name}: ${asks}`)
  .join("\n")}`;

interface Settings extends Chosen {
  readonly peers: readonly PeerName[];
  readonly rounds: number;
  readonly reps: number;
  readonly scale: number;
  readonly json: string | undefined;
}

function readSettings({ only, peers: list, rounds, reps, quick, json }: Flags<typeof flags>): Settings {
  return {
    ...chosenFrom(only, quick === true && only === undefined),
    peers: peersFrom(list),
    rounds: wholeFlag("rounds", rounds ?? (quick ? "1" : "3"), "3"),
    reps: wholeFlag("reps", reps ?? (quick ? "2" : "5"), "5"),
    scale: quick ? 0.2 : 1,
    json,
  };
}

function peersFrom(list: string | undefined): readonly PeerName[] {
  if (list === undefined) return peerNames;
  const wanted = list.split(",").map((name) => name.trim());
  const strange = wanted.find((name) => !(peerNames as readonly string[]).includes(name));
  if (strange !== undefined)
    throw new InvalidOption("--peers", strange, `${peerNames.join(", ")}; for example --peers nact,erlang`);
  return peerNames.filter((name) => name === "antiphon" || name === "bare" || wanted.includes(name));
}

/** What is known so far. */
interface Run {
  readonly settings: Settings;
  readonly erlang: Erlang | undefined;
  readonly versions: Found["versions"];
  readonly samples: Samples;
  readonly sim: Map<string, SimSample[]>;
  readonly loadBefore: number;
}

await command({
  flags,
  help,
  async run(given, interrupted) {
    const settings = readSettings(given);
    const { script, remove } = await compile();
    try {
      const erlang = settings.peers.includes("erlang") ? await findErlang(dirname(script)) : undefined;
      const versions = { ...(await versionsOf(settings.peers)), ...(erlang && { erlang: erlang.version }) };
      const samples: Samples = { measured: {}, failed: [] };
      const run: Run = { settings, erlang, versions, samples, sim: new Map(), loadBefore: load() };
      interrupted(() => text(run));
      await take(run, script);
      if (settings.json !== undefined) await writeFile(settings.json, asJson(run));
      if (samples.failed.length > 0) process.exitCode = 1;
      return text(run);
    } finally {
      await remove();
    }
  },
});

function load(): number {
  return loadavg()[0] ?? Number.NaN;
}

async function take({ settings, erlang, samples, sim }: Run, script: string): Promise<void> {
  const { rounds, reps, scale } = settings;
  const say = (progress: string) => void process.stderr.write(`${progress}\n`);
  const contests: Contest[] = settings.rows.map((row) =>
    contestOf(row, settings.peers, reps, { script, erlang, scale }),
  );
  if (settings.others.includes("roads")) contests.push(...contestsOfRoads(script, reps, scale));
  const built = settings.others.includes("doors") ? await compileDoors() : undefined;
  try {
    if (built !== undefined) contests.push(...contestsOfDoors(script, built.doors, reps));
    await measure(contests, rounds, samples, say);
  } finally {
    await built?.remove();
  }
  if (settings.others.includes("sim")) await measureSim({ rounds, reps, scale, traces: ["off"] }, sim, say);
}

function text({ settings, erlang, versions, samples, sim, loadBefore }: Run): string {
  const { measured, failed } = samples;
  const present = settings.peers.filter((peer) => peer !== "erlang" || erlang !== undefined);
  const found: Found = { rows: settings.rows, peers: present, versions, measured, failed };
  const budgets = budgetsOf(measured);
  const hasRows = Object.keys(measured).some((name) => name in rows);
  const { rounds, reps, scale } = settings;
  const { model = "unknown" } = cpus()[0] ?? {};
  return [
    `Node ${process.version}, ${availableParallelism()} cores, ${model}, load ${loadBefore.toFixed(1)} before and ${load().toFixed(1)} after; ${rounds} round${rounds === 1 ? "" : "s"} of ${reps} repetitions${scale === 1 ? "" : `, ${scale} of the sizes below`}`,
    blocks(found),
    measured["door ms"] && `# ${others.doors}\n\n${reportDoors(measured)}`,
    measured["roads"] && `# ${others.roads}\n\n${reportRoads(measured)}`,
    sim.size > 0 && `# ${others.sim}\n\n${reportSim(sim, ["off"])}`,
    hasRows && overview(found),
    hasRows && notes(found),
    settings.peers.includes("erlang") &&
      erlang === undefined &&
      "Erlang/OTP is not installed (erlang-base): not compared.",
    budgets.length > 0 && `# Is it within the budgets of the design?\n\n${budgetText(budgets)}`,
    ...failed.map(({ contest, entrant, why }) => `FAILED: ${entrant}, ${contest}: ${why}`),
  ]
    .filter((part) => typeof part === "string" && part !== "")
    .join("\n\n");
}

async function versionsOf(names: readonly PeerName[]): Promise<Found["versions"]> {
  const versions: { [peer in PeerName]?: string } = {};
  for (const name of names) {
    const { package: from } = peers[name] as Peer;
    if (from === undefined) continue;
    const path = createRequire(import.meta.url).resolve(`${from}/package.json`);
    versions[name] = (JSON.parse(await readFile(path, "utf8")) as { version: string }).version;
  }
  return versions;
}

function asJson({ settings, versions, samples, sim, loadBefore }: Run): string {
  const machine = {
    node: process.version,
    v8: process.versions.v8,
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    loadBefore,
    loadAfter: load(),
    flags: process.argv.slice(2),
  };
  const { measured, failed } = samples;
  const sizes = Object.fromEntries(
    settings.rows.map((row) => [row, Object.fromEntries(settings.peers.map((peer) => [peer, sizeOf(row, peer)]))]),
  );
  const result = {
    machine,
    versions,
    settings,
    sizes,
    budgets: budgetsOf(measured),
    measured,
    sim: Object.fromEntries(sim),
    failed,
  };
  return `${JSON.stringify(result, null, 1)}\n`;
}
