// Orders: one event, five subscribers, and everything that goes wrong between them. An order that was placed is published
// once; what each subscriber makes of it, how often, in which order and when, is measured.

import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";
import { InvalidOption } from "antiphon";
import { command, estimate, type Flags, figure, type Interval, summary, table, verdict, wholeFlag } from "antiphon/lab";
import { claims, type Runs } from "./orders-claims.ts";
import { type OnDisk, onDisk } from "./orders-disk.ts";
import { type Conditions, type Played, play, type Subscriber, subscribers, type Tally } from "./orders-play.ts";

const flags = {
  seed: { takes: "N", says: "of all draws; 7 by default" },
  orders: { takes: "N", says: "how many orders, 100 a second; 1,000 by default, and at least" },
  disk: { takes: "FOLDER", says: "where the journal of the last part is; a temporary folder by default" },
  "no-disk": { says: "without the last part" },
  json: { says: "one JSON object instead of the tables" },
} as const;

const help = `One order, five subscribers: what becomes of a message when things go wrong?

  npx tsx src/scenarios/orders.ts                   1,000 orders, in seconds
  npx tsx src/scenarios/orders.ts --orders 20000    more of them: narrower intervals
  npx tsx src/scenarios/orders.ts --seed 8          other luck
  npx tsx src/scenarios/orders.ts --json            for a program to read

E-mail fails for 30 % of its attempts and is away for a third of the time,
inventory crashes before it has acknowledged, analytics can not read some
orders until it is mended, 5 % of the orders are sent twice, and in the middle
the power fails. docs/messaging.md explains what you see.`;

/** The same orders each time; what differs is data. */
const runs: Readonly<Record<keyof Runs, Conditions>> = {
  base: { order: "key", hasJournal: true, isTroubled: true },
  unordered: { order: "none", hasJournal: true, isTroubled: true },
  calm: { order: "key", hasJournal: true, isTroubled: false },
  memory: { order: "key", hasJournal: false, isTroubled: true },
};

await command({
  flags,
  help,
  async run(given: Flags<typeof flags>): Promise<string> {
    const seed = wholeFlag("seed", given.seed ?? "7", "7", 0);
    const orders = wholeFlag("orders", given.orders ?? "1000", "1000", 1_000);
    if (given.disk !== undefined && given["no-disk"] === true)
      throw new InvalidOption("--disk", given.disk, "either --disk FOLDER or --no-disk");
    if (!process.stderr.isTTY)
      process.stderr.write(`${figure(orders)} orders, ${Object.keys(runs).length} times: some seconds\n`);
    // First, as a folder may be no good.
    const disk =
      given["no-disk"] === true ? undefined : await withFolder(given.disk, (folder) => onDisk(folder, 2_000));
    const played = {} as Record<keyof Runs, Played>;
    for (const [name, conditions] of Object.entries(runs))
      played[name as keyof Runs] = await play({ seed, orders, ...conditions });
    const judged = claims(played, disk).map((claim) => ({ ...claim, verdict: verdict(claim.checks) }));
    const result = { seed, orders, played, disk, judged };
    return given.json === true ? jsonText(result) : text(result);
  },
});

async function withFolder<T>(given: string | undefined, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = given ?? join(tmpdir(), `antiphon-orders-${randomUUID()}`);
  try {
    return await work(folder);
  } finally {
    if (given === undefined) await rm(folder, { recursive: true, force: true });
  }
}

interface Result {
  readonly seed: number;
  readonly orders: number;
  readonly played: Runs;
  readonly disk: OnDisk | undefined;
  readonly judged: readonly (ReturnType<typeof claims>[number] & { readonly verdict: string })[];
}

/** One row for each measure, one column for each subscriber. */
function measures(orders: number): readonly (readonly [name: string, cell: (of: Tally) => string])[] {
  return [
    ["deliveries of an order", ({ deliveries }) => figure(deliveries / orders)],
    ["handled to the end", ({ ran }) => figure(ran)],
    ["effect in a commit", ({ effects }) => figure(effects)],
    ["out of order", ({ inversions }) => figure(inversions)],
    ["dead letters, then", ({ dead }) => figure(dead)],
    ["came back, went well", ({ redriven }) => figure(redriven)],
    ["lost", ({ lost }) => figure(lost)],
    ["until handled, mean, ms", ({ waitsMs }) => figure(summary(handled(waitsMs)).mean)],
    ["  p50, ms", ({ waitsMs }) => figure(summary(handled(waitsMs)).quantile(0.5))],
    ["  p99, ms", ({ waitsMs }) => figure(summary(handled(waitsMs)).quantile(0.99))],
    ["all done after, s", ({ doneMs }) => figure(doneMs / 1_000)],
  ];
}

/** What died first has not waited to be handled. */
function handled(waitsMs: readonly number[]): number[] {
  return waitsMs.filter((wait) => !Number.isNaN(wait));
}

function text({ seed, orders, played, disk, judged }: Result): string {
  const names = Object.keys(subscribers) as Subscriber[];
  const [head = "", ...body] = table([
    ["", ...names],
    ...measures(orders).map(([name, cell]) => [name, ...names.map((of) => cell(played.base.tallies[of]))]),
  ]).split("\n");
  return [
    bold("Orders: one event, five subscribers, and everything that goes wrong."),
    "",
    ...names.map((name) => `  ${name.padEnd(9)}  ${subscribers[name].says}`),
    "",
    `${figure(orders)} orders of 1,000 customers in ${figure(orders / 100)} s of virtual time, seed ${seed};`,
    `${figure(played.base.twice)} were sent twice. In the middle the power failed.`,
    "",
    bold(head),
    ...body,
    "",
    bold("What is promised, and what was measured"),
    ...judged.flatMap(claimText),
    "",
    ...(disk === undefined ? [] : [diskText(disk), ""]),
    "Intervals hold with 95 %. docs/messaging.md explains each of the words; --help.",
  ].join("\n");
}

function claimText({ claim, source, checks, verdict, says }: Result["judged"][number]): string[] {
  return [
    `${verdict.padEnd(9)}  ${claim} (${source})`,
    ...checks.map(
      ({ where, relation, predicted, measured, unit = "" }) =>
        `  ${where}: ${relation ?? "predicted"} ${figure(predicted)}${unit && ` ${unit}`}, measured ${shown(measured, unit)}`,
    ),
    ...(says === undefined ? [] : [`  ${says}`]),
  ];
}

/** A count is what it is; what was drawn has an interval. */
function shown(measured: Interval, unit: string): string {
  return measured.low === measured.high ? `${figure(measured.value)}${unit && ` ${unit}`}` : estimate(measured, unit);
}

function diskText(disk: OnDisk): string {
  if (disk.missing !== undefined) return `On disk: not tried. ${disk.missing}`;
  const { orders, handledBefore, foundAgain, tookMs } = disk;
  return [
    `On disk, in real time: ${figure(orders)} orders were confirmed, ${figure(handledBefore)} handled; then the`,
    `system was stopped and another opened the same folder. It found ${figure(foundAgain)}. ${figure(tookMs)} ms in all.`,
  ].join("\n");
}

function jsonText({ seed, orders, played, disk, judged }: Result): string {
  const result = {
    ...{ scenario: "orders", world: "sim", seed, orders },
    runs: Object.fromEntries(
      Object.entries(played).map(([name, { tallies, twice }]) => [
        name,
        { twice, subscribers: Object.entries(tallies).map(([of, one]) => ({ name: of, ...plain(one) })) },
      ]),
    ),
    disk,
    claims: judged.map(({ id, claim, source, verdict, checks }: { id: string } & Result["judged"][number]) => ({
      ...{ id, claim, source, verdict },
      checks: checks.map(({ where, predicted, measured: { value, low, high }, unit }) => {
        return { where, predicted, measured: value, interval: [low, high], unit };
      }),
    })),
  };
  const rounded = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);
  return JSON.stringify(result, rounded, 2);
}

/** Without what each order waited. */
function plain({ waitsMs, firstMs, attempts, ...rest }: Tally): object {
  const waits = summary(handled(waitsMs));
  return {
    ...rest,
    waitMs: { mean: waits.mean, p50: waits.quantile(0.5), p99: waits.quantile(0.99) },
  };
}

function bold(text: string): string {
  return process.stdout.isTTY && !process.env["NO_COLOR"] ? styleText("bold", text) : text;
}
