// npm run bench: Antiphon beside its peers, on one machine in one go. The numbers of one machine at one minute mean
// little; the ratios are what is to be read.

import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, cpus, loadavg } from "node:os";
import { dirname } from "node:path";
import { InvalidOption } from "antiphon";
import { command, type Flags, wholeFlag } from "antiphon/lab";
import { contestsOfCollector } from "./collector.ts";
import { compile, compileDoors } from "./compile.ts";
import { contestsOfDoors } from "./doors.ts";
import { contestOf } from "./entrants.ts";
import { type Contest, measure } from "./measure.ts";
import { type Erlang, findErlang } from "./peer/erlang.ts";
import { type Peer, type PeerName, peerNames, peers } from "./peers.ts";
import { chosenFrom, others, questions } from "./questions.ts";
import { contestsOfRoads } from "./roads.ts";
import { rows } from "./rows.ts";
import { asJson, type Machine, type Run, readRun, type Settings } from "./saved.ts";
import { partFrom, partNames, text } from "./show.ts";
import { sizeOf } from "./sizes.ts";
import type { Found } from "./tables.ts";
import { measureSim, type SimSample } from "./virtual.ts";

const flags = {
  only: { takes: "LIST", says: "these rows or questions; all by default" },
  peers: { takes: "LIST", says: `Antiphon, the bare kernel and these; all by default: ${peerNames.join(", ")}` },
  rounds: { takes: "N", says: "rounds, each with fresh processes; 3 by default" },
  reps: { takes: "N", says: "repetitions in each process, after two to warm up; 5 by default" },
  quick: { says: "one round of two repetitions of a fifth of the work, without the rows of 100,000 and a million" },
  json: { takes: "FILE", says: "also every sample, with the machine and the versions, as JSON" },
  from: { takes: "FILE", says: "measures nothing: the tables of a run that --json has kept" },
  part: { takes: "NAME", says: `of the tables only this one: ${partNames.join(", ")}` },
} as const;

const help = `What does a message cost, beside other ways to write actors in Node, and beside Erlang?

  npm run bench                                       all of it, about half an hour
  npm run bench -- --quick                            a first look, two to five minutes
  npm run bench -- --only ring,bank                   two rows
  npm run bench -- --only asks --peers nact,erlang    a question, with two peers
  npm run bench -- --only roads                       what observers, concurrency, isolation cost
  npm run bench -- --only adapters                    what a message costs through Effect, XState, RxJS
  npm run bench -- --rounds 5 --json bench.json       for a document
  npm run bench -- --from bench.json --part budgets   one of its tables again

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

function readSettings({ only, peers: list, rounds, reps, quick }: Flags<typeof flags>): Settings {
  return {
    ...chosenFrom(only, quick === true && only === undefined),
    peers: peersFrom(list),
    rounds: wholeFlag("rounds", rounds ?? (quick ? "1" : "3"), "3"),
    reps: wholeFlag("reps", reps ?? (quick ? "2" : "5"), "5"),
    scale: quick ? 0.2 : 1,
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

await command({
  flags,
  help,
  async run(given, interrupted) {
    const shown = partFrom(given.part);
    if (given.from !== undefined) return text(await readRun(given.from), shown);
    const settings = readSettings(given);
    const { script, remove } = await compile();
    try {
      const erlang = settings.peers.includes("erlang") ? await findErlang(dirname(script)) : undefined;
      const versions = { ...(await versionsOf(settings.peers)), ...(erlang && { erlang: erlang.version }) };
      const sim = new Map<string, SimSample[]>();
      const before = load();
      const samples: Run["samples"] = { measured: {}, failed: [] };
      const run = (): Run => ({
        machine: machineOf(before),
        settings,
        versions,
        sizes: sizesOf(settings),
        samples,
        sim,
      });
      const keep = () => given.json !== undefined && writeFileSync(given.json, asJson(run()));
      interrupted(() => {
        keep();
        return text(run(), shown);
      });
      await take(run(), { script, erlang, sim });
      keep();
      if (samples.failed.length > 0) process.exitCode = 1;
      return text(run(), shown);
    } finally {
      await remove();
    }
  },
});

function load(): number {
  return loadavg()[0] ?? Number.NaN;
}

function machineOf(loadBefore: number): Machine {
  const { node, v8 } = process.versions;
  const { model: cpu = "unknown" } = cpus()[0] ?? {};
  return { node: `v${node}`, v8, cpu, cores: availableParallelism(), loadBefore, loadAfter: load() };
}

function sizesOf({ rows: chosen, peers: taking }: Settings): Run["sizes"] {
  return Object.fromEntries(
    chosen.map((row) => [row, Object.fromEntries(taking.map((peer) => [peer, sizeOf(row, peer)]))]),
  );
}

interface Means {
  readonly script: string;
  readonly erlang: Erlang | undefined;
  readonly sim: Map<string, SimSample[]>;
}

async function take({ settings, samples }: Run, { script, erlang, sim }: Means): Promise<void> {
  const { rounds, reps, scale } = settings;
  const say = (progress: string) => void process.stderr.write(`${progress}\n`);
  const contests: Contest[] = settings.rows.map((row) =>
    contestOf(row, settings.peers, reps, { script, erlang, scale }),
  );
  for (const map of ["roads", "adapters"] as const)
    if (settings.others.includes(map)) contests.push(...contestsOfRoads(map, script, reps, scale));
  if (settings.others.includes("collector")) contests.push(...contestsOfCollector(script, reps, scale));
  const built = settings.others.includes("doors") ? await compileDoors() : undefined;
  try {
    if (built !== undefined) contests.push(...contestsOfDoors(script, built.doors, reps));
    await measure(contests, rounds, samples, say);
  } finally {
    await built?.remove();
  }
  if (settings.others.includes("sim")) await measureSim({ rounds, reps, scale, traces: ["off"] }, sim, say);
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
