// npm run zoo: how many schedules each strategy of exploration needs to find the known bugs of test/zoo, how small what it
// finds becomes, and that it finds nothing in their twins without the bug.

import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { InvalidOption } from "antiphon";
import {
  command,
  estimate,
  type Flags,
  figure,
  type Interval,
  progress,
  proportionInterval,
  type Summary,
  scaled,
  summary,
  table,
  wholeFlag,
} from "antiphon/lab";
import { Explorer, type Finding } from "../src/runtime/sim/explorer.ts";
import { shrink } from "../src/runtime/sim/shrink.ts";
import { type StrategyName, strategies } from "../src/runtime/sim/strategy/portfolio.ts";
import { zoo } from "../test/zoo/all.ts";
import type { Protocol, Variant } from "../test/zoo/protocol.ts";

const portfolio = "portfolio";
type Column = StrategyName | typeof portfolio;
const columns: readonly Column[] = [portfolio, ...strategies];

/** Schedules that a single strategy may use for one protocol: where it finds nothing, it need not do so 200 times. */
const alonePerProtocol = 20_000;
/** The least number of seeds nevertheless. */
const aloneSeedsMin = 10;
/** Per seed: schedules of the twin, and those in which the share of buggy runs of the portfolio is counted. */
const [twinPerSeed, sharePerSeed] = [25, 25];
const replaysMax = 1_000;
const goals = {
  schedules: [
    { depth: 2, within: 1_000 },
    { depth: 3, within: 20_000 },
  ],
  share: 0.95,
  pairs: 3,
  faults: 2,
  operations: 4,
  replays: 200,
  ms: 2_000,
} as const;
const names = zoo.map(({ name }) => name);
const flags = {
  only: { takes: "raft,paxos", says: "these protocols; all by default" },
  seeds: { takes: "N", says: "independent searches for each bug; 200 by default" },
  most: {
    takes: "N",
    says: "schedules of one search of the portfolio, a tenth for a single strategy; 20000 by default",
  },
  json: { takes: "FILE", says: "writes every number there" },
} as const;
const help = `How many schedules does it take to find a bug?

  npm run zoo                          every protocol, 200 searches each, some minutes
  npm run zoo -- --seeds 20            a quick look
  npm run zoo -- --only raft,paxos     two protocols
  npm run zoo -- --json zoo.json       every number, for a program to read

Each search begins anew with another seed and ends at the first run that fails. The first schedule is the base order; the
portfolio takes the strategies in turn. A single strategy stops after ${figure(alonePerProtocol)} schedules for one protocol, but not before
${aloneSeedsMin} searches. Exit code 1 if a goal is missed.

${table(zoo.map(({ name, depth, source }) => [`  ${name}`, `depth ${depth}`, source]))}`;
interface Settings {
  readonly chosen: readonly Protocol[];
  readonly seeds: number;
  readonly most: number;
}

function readSettings({ only, seeds = "200", most = "20000" }: Flags<typeof flags>): Settings {
  return {
    chosen: only === undefined ? zoo : choose(only),
    seeds: wholeFlag("seeds", seeds, "200"),
    most: wholeFlag("most", most, "20000", 10),
  };
}

function choose(list: string): readonly Protocol[] {
  const wanted = list.split(/[ ,]+/).filter((name) => name !== "");
  const strange = wanted.find((name) => !names.includes(name));
  if (strange === undefined && wanted.length > 0) return zoo.filter(({ name }) => wanted.includes(name));
  throw new InvalidOption("--only", strange ?? list, `any of ${names.join(", ")}, for example --only raft,paxos`);
}

// --- what is measured ------------------------------------------------------------------------------------------------

/** The searches of one strategy for one bug. */
interface Searched {
  readonly column: Column;
  readonly most: number;
  /** Of each search, until the first run that failed; Infinity where none did. */
  readonly schedules: number[];
  /** Of those that found it, in host time. */
  readonly ms: number[];
  /** Drawn schedules altogether, and how many of them failed. */
  tried: number;
  hits: number;
  /** Of drawn runs, those that fail. */
  share: Interval;
}

/** What a finding became. */
interface Small {
  readonly pairs: number;
  readonly faults: number;
  readonly operations: number;
  readonly replays: number;
  readonly ms: number;
}

interface Row {
  readonly protocol: Protocol;
  readonly searched: readonly Searched[];
  readonly small: readonly Small[];
  /** Findings that did not fail again. */
  readonly lost: number;
  readonly twin: { readonly schedules: number; readonly failures: number };
}

function explorerOf({ time }: Protocol, column: Column, seed: number): Explorer {
  return new Explorer({ time, seed, strategies: column === portfolio ? strategies : [column] });
}

/** Plays one schedule. Fails when it finds anything but the bug of the protocol. */
async function look(explorer: Explorer, protocol: Protocol, variant: Variant, index: number) {
  const finding = await explorer.explore(index, (world) => protocol.play(world, variant, protocol.operations));
  // Properties are errors of their own kind nowhere in the zoo.
  if (finding !== undefined && (finding.error as Error).name !== "Error")
    throw new Error(`${protocol.name}, ${variant}, schedule ${index}: no bug of the zoo`, { cause: finding.error });
  return finding;
}

async function search(protocol: Protocol, column: Column, { seeds, most }: Settings, found: (one: Finding) => unknown) {
  const isAlone = column !== portfolio;
  const searched: Searched = {
    column,
    most: isAlone ? Math.floor(most / 10) : most,
    schedules: [],
    ms: [],
    tried: 0,
    hits: 0,
    share: proportionInterval({ hits: 0, of: 0 }),
  };
  for (let seed = 1; seed <= seeds; seed++) {
    if (isAlone && seed > aloneSeedsMin && searched.tried >= alonePerProtocol) break;
    const explorer = explorerOf(protocol, column, seed);
    const startMs = performance.now();
    let finding: Finding | undefined;
    let schedules = 0;
    while (finding === undefined && schedules < searched.most)
      finding = await look(explorer, protocol, "buggy", schedules++);
    searched.tried += finding?.strategy === "base" ? 0 : schedules - 1;
    searched.schedules.push(finding === undefined ? Number.POSITIVE_INFINITY : schedules);
    if (finding === undefined) continue;
    searched.ms.push(performance.now() - startMs);
    if (finding.strategy !== "base") searched.hits++;
    await found(finding);
  }
  if (!isAlone) searched.share = await shareOfMany(protocol, column, seeds * sharePerSeed);
  else searched.share = searched.tried > 0 ? shareOf(searched) : await shareOfMany(protocol, column, seeds);
  return searched;
}

/** Where each run fails with the same chance, it does not matter that searches end when one does. */
function shareOf({ hits, tried }: Pick<Searched, "hits" | "tried">): Interval {
  return proportionInterval({ hits, of: tried });
}

/** Strategies in turn fail with different chances: to end with the first that does would prefer the early ones. */
async function shareOfMany(protocol: Protocol, column: Column, tried: number): Promise<Interval> {
  const explorer = explorerOf(protocol, column, 0);
  let hits = 0;
  for (let i = 1; i <= tried; i++) if ((await look(explorer, protocol, "buggy", i)) !== undefined) hits++;
  return shareOf({ hits, tried });
}

async function makeSmall(protocol: Protocol, finding: Finding): Promise<Small | undefined> {
  const explorer = explorerOf(protocol, portfolio, 1);
  const startMs = performance.now();
  const shrunk = await shrink(
    finding,
    protocol.operations,
    async ({ plan, operations }) =>
      explorer.findingOf(plan, await explorer.replay(plan, (world) => protocol.play(world, "buggy", operations))),
    replaysMax,
  );
  if (shrunk === undefined) return undefined;
  const { pairs, faults } = shrunk.finding.plan;
  return {
    pairs: pairs.length,
    faults: faults.length,
    operations: shrunk.operations.length,
    replays: shrunk.replays,
    ms: performance.now() - startMs,
  };
}

async function measure(protocol: Protocol, settings: Settings, say: (what: string) => void): Promise<Row> {
  const searched: Searched[] = [];
  const small: Small[] = [];
  let lost = 0;
  for (const column of columns) {
    say(column);
    const keep = async (finding: Finding) => {
      if (column !== portfolio) return;
      const one = await makeSmall(protocol, finding);
      if (one === undefined) lost++;
      else small.push(one);
    };
    searched.push(await search(protocol, column, settings, keep));
  }
  say("its twin");
  const twin = { schedules: settings.seeds * twinPerSeed, failures: 0 };
  const explorer = explorerOf(protocol, portfolio, 1);
  for (let i = 0; i < twin.schedules; i++)
    if ((await look(explorer, protocol, "fixed", i)) !== undefined) twin.failures++;
  return { protocol, searched, small, lost, twin };
}

// --- what is said of it ----------------------------------------------------------------------------------------------

/** Schedules to the first bug: the base order, if that does not fail, and then as often as it takes. */
function meanOf({ tried, hits, schedules }: Searched): string {
  if (tried === 0) return figure(1);
  if (schedules.every((one) => one === Number.POSITIVE_INFINITY))
    return `>${figure(1 + 1 / shareOf({ hits, tried }).high)}`;
  // The mean of a geometric distribution is one over the chance, and so are the ends of its interval.
  const { value, low, high, ...rest } = shareOf({ hits, tried });
  return estimate({ ...rest, value: 1 + 1 / value, low: 1 + 1 / high, high: 1 + 1 / low });
}

function searchedCells(one: Searched): string[] {
  const { quantile, count } = summary(one.schedules);
  const capped = one.schedules.filter((schedules) => schedules === Number.POSITIVE_INFINITY).length;
  const cell = (schedules: number) => (Number.isFinite(schedules) ? figure(schedules) : `>${figure(one.most)}`);
  return [
    one.column,
    figure(count),
    meanOf(one),
    cell(quantile(0.5)),
    cell(quantile(goals.share)),
    capped === 0 ? "" : `>${figure(one.most)} (${capped} of ${count})`,
    figure(summary(one.ms).mean),
    estimate(scaled(one.share, 100)),
  ];
}

function medianOf(row: Row, what: keyof Small): number {
  return summary(row.small.map((one) => one[what])).quantile(0.5);
}

function text(rows: readonly Row[], seconds: number): string {
  const searches = rows.flatMap(({ protocol, searched }) =>
    searched.map((one, i) => [i === 0 ? protocol.name : "", i === 0 ? `${protocol.depth}` : "", ...searchedCells(one)]),
  );
  const details = rows.map((row) => [
    row.protocol.name,
    `${row.protocol.depth}`,
    ...(["pairs", "faults", "operations", "replays", "ms"] as const).map((what) => figure(medianOf(row, what))),
    `${row.lost}`,
    `${row.twin.failures} of ${figure(row.twin.schedules)}`,
    estimate(scaled((row.searched[0] as Searched).share, 100)),
    row.protocol.published ?? "",
  ]);
  const { model = "unknown" } = cpus()[0] ?? {};
  return [
    `Node ${process.version}, ${availableParallelism()} cores, ${model}, ${figure(seconds)} s`,
    "",
    table([
      ["protocol", "d", "strategy", "seeds", "schedules", "p50", "p95", "not found within", "ms", "buggy runs, %"],
      ...searches,
    ]),
    "",
    "Schedules to the first bug: mean with its 95 % interval, median and 95th percentile; ms of the host until then, mean.",
    "",
    table([
      ["protocol", "d", "pairs", "faults", "operations", "replays", "ms", "lost", "twin", "buggy runs, %", "published"],
      ...details,
    ]),
    "",
    "What the portfolio found, made small: medians. Lost: findings that did not fail again. Twin: runs without the bug that",
    "failed. Published rates are those of other programs with such a bug, in other tools.",
    "",
    ...verdicts(rows).map(({ goal, found, holds }) => {
      const mark = holds === undefined ? "open  " : holds ? "met   " : "MISSED";
      return `${mark}  ${goal}: ${found}`;
    }),
  ].join("\n");
}

interface Judged {
  readonly goal: string;
  readonly found: string;
  /** Undefined where that can not be told. */
  readonly holds: boolean | undefined;
}

function verdicts(rows: readonly Row[]): Judged[] {
  const ofBugs = goals.schedules.map(({ depth, within }): Judged => {
    const found = rows
      .filter(({ protocol }) => protocol.depth <= depth)
      .map(({ protocol, searched: [one] }) => ({
        name: protocol.name,
        most: (one as Searched).most,
        p95: summary((one as Searched).schedules).quantile(goals.share),
      }))
      .toSorted((a, b) => b.p95 - a.p95);
    const [worst] = found;
    const goal = `every bug of d ≤ ${depth} within ${figure(within)} schedules at the 95th percentile`;
    if (worst === undefined) return { goal, found: "none was looked at", holds: undefined };
    if (worst.p95 > worst.most && worst.most < within)
      return { goal, found: `${worst.name} takes more than ${figure(worst.most)}`, holds: undefined };
    const last = Number.isFinite(worst.p95) ? figure(worst.p95) : `more than ${figure(worst.most)}`;
    return { goal, found: `${worst.name} takes ${last}`, holds: worst.p95 <= within };
  });
  const small = rows.flatMap((row) => row.small);
  const lost = rows.reduce((sum, row) => sum + row.lost, 0);
  const failures = rows.reduce((sum, { twin }) => sum + twin.failures, 0);
  const schedules = rows.reduce((sum, { twin }) => sum + twin.schedules, 0);
  return [
    ...ofBugs,
    ...(["pairs", "faults", "operations", "replays", "ms"] as const).map((what) =>
      ofSize(rows, what, summary(small.map((one) => one[what]))),
    ),
    { goal: "every finding fails again in the same way", found: `${lost} did not`, holds: lost === 0 },
    {
      goal: "no run of a twin fails",
      found: `${figure(failures)} of ${figure(schedules)}`,
      holds: failures === 0,
    },
  ];
}

/** Over all findings of the zoo; names the protocols whose own median is greater. */
function ofSize(rows: readonly Row[], what: keyof Small, of: Summary): Judged {
  const median = of.quantile(0.5);
  const above = rows.filter((row) => medianOf(row, what) > goals[what]);
  const names = above.map((row) => `${row.protocol.name} ${figure(medianOf(row, what))}`).join(", ");
  return {
    goal: `made small to at most ${figure(goals[what])} ${what}, at the median`,
    found: `${figure(median)}, at most ${figure(of.max)}${names === "" ? "" : `; above it ${names}`}`,
    holds: of.count === 0 ? undefined : median <= goals[what],
  };
}

// --- the command -----------------------------------------------------------------------------------------------------

const lineMs = 5_000;

await command({
  flags,
  help,
  async run(given, interrupted) {
    const settings = readSettings(given);
    const rows: Row[] = [];
    const startMs = performance.now();
    const result = () => {
      if (verdicts(rows).some(({ holds }) => holds === false)) process.exitCode = 1;
      return text(rows, (performance.now() - startMs) / 1_000);
    };
    let now = "";
    const clear = progress(process.stderr, () => now);
    const lines = process.stderr.isTTY ? undefined : setInterval(() => process.stderr.write(`${now}\n`), lineMs);
    interrupted(() => {
      clear();
      return result();
    });
    for (const [place, protocol] of settings.chosen.entries())
      rows.push(
        await measure(protocol, settings, (what) => {
          now = `${place + 1} of ${settings.chosen.length}: ${protocol.name}, ${what}`;
        }),
      );
    clearInterval(lines);
    clear();
    const shown = result();
    if (given.json !== undefined) await writeFile(given.json, asJson(rows, settings));
    return shown;
  },
});

function asJson(rows: readonly Row[], { seeds, most }: Settings): string {
  const plain = rows.map(({ protocol: { name, source, depth, published }, ...rest }) => ({
    name,
    source,
    depth,
    published,
    ...rest,
  }));
  return `${JSON.stringify({ node: process.version, seeds, most, rows: plain, verdicts: verdicts(rows) }, null, 2)}\n`;
}
