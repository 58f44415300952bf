// What a comparison found, as data, as a table and as verdicts.

import type { Judged, Results } from "./compare.ts";
import { estimate } from "./estimate.ts";
import { type Interval, scaled } from "./interval.ts";
import type { ClosedLoad, Load } from "./load.ts";
import { type Measured, paired } from "./measured.ts";
import { figure, table, thousands } from "./table.ts";

interface Contents {
  readonly seed: number;
  readonly load: Load | ClosedLoad;
  readonly level: number;
  readonly results: Results;
  readonly judged: readonly Judged[];
}

export class Comparison {
  readonly seed: number;
  readonly load: Load | ClosedLoad;
  /** Of every interval. */
  readonly level: number;
  readonly results: Results;
  /** In the order in which the claims were made; none when the comparison was cut short. */
  readonly judged: readonly Judged[];

  constructor({ seed, load, level, results, judged }: Contents) {
    this.seed = seed;
    this.load = load;
    this.level = level;
    this.results = results;
    this.judged = judged;
  }

  /** By the name of the design. */
  get designs(): Readonly<Record<string, Measured>> {
    return this.results.base ?? {};
  }

  /**
   * How much longer than under `one` a request took under `other`, request by request, over those answered ok in both.
   * Only requests that do not wait for each other are independent, as the interval takes them to be.
   */
  paired(one: string, other: string, run = "base"): Interval {
    const [first, second] = [this.results[run]?.[one]?.outcomes ?? [], this.results[run]?.[other]?.outcomes ?? []];
    return paired(first, second, this.level);
  }

  /** Measures as rows, designs as columns. */
  table(): string {
    const designs = Object.entries(this.designs);
    const row = (name: string, cell: (of: Measured) => string) => [name, ...designs.map(([, of]) => cell(of))];
    const rows = [
      ["", ...designs.map(([name]) => name)],
      row("answered ok", ({ requests }) => figure(requests.ok)),
      row("refused", ({ requests }) => figure(requests.refused)),
      row("failed", ({ requests }) => figure(requests.failed)),
      row("success, %", ({ success }) => estimate(scaled(success, 100))),
      row("until answered, mean, ms", ({ edge }) => estimate(edge.mean)),
      row("  p50, ms", ({ edge }) => estimate(edge.p50)),
      row("  p95, ms", ({ edge }) => estimate(edge.p95)),
      row("  p99, ms", ({ edge }) => estimate(edge.p99)),
      row("until all done, mean, ms", ({ done }) => estimate(done)),
      row("ok, then refused, %", ({ regret }) => estimate(scaled(regret, 100))),
      row("messages per request", ({ messages }) => figure(messages)),
      row("slots held, mean", ({ services }) => figure(sum(services.map(({ busy }) => busy)))),
      row("waiting, at most", ({ services }) => figure(Math.max(0, ...services.map((one) => one.mostWaiting)))),
      ...Object.keys(designs[0]?.[1].more ?? {}).map((name) =>
        row(name, ({ more }) => figure(more[name] ?? Number.NaN)),
      ),
    ];
    // What is the same nothing everywhere says nothing.
    return table(rows.filter(([, ...cells], i) => i === 0 || cells.some((cell) => cell !== "0" && cell !== "-")));
  }

  /** One line for each claim, with its verdict, and one for each check. */
  claims(): string {
    return this.judged
      .flatMap(({ claim, source, verdict, checks, says }) => [
        `${verdict.padEnd(9)}  ${claim} (${source})`,
        ...checks.map((check) => `  ${checkText(check)}`),
        ...(says === undefined ? [] : [`  ${says}`]),
      ])
      .join("\n");
  }

  /** Plain data, as it comes out of JSON: a number that is not finite is null. */
  json(): object {
    const all = {
      seed: this.seed,
      level: this.level,
      load: { kind: this.load.kind, requests: this.load.requests, lastsMs: this.load.lastsMs },
      designs: Object.entries(this.designs).map(([name, of]) => ({ name, ...jsonOf(of) })),
      claims: this.judged.map(({ id, claim, source, verdict, checks }) => ({
        id,
        claim,
        source,
        predicted: checks[0]?.predicted,
        measured: checks[0]?.measured.value,
        interval: checks[0] && ends(checks[0].measured),
        verdict,
        checks: checks.map(({ where, relation = "equal", predicted, measured, unit }) => ({
          where,
          relation,
          predicted,
          measured: measured.value,
          interval: ends(measured),
          unit,
        })),
      })),
    };
    return JSON.parse(JSON.stringify(all));
  }
}

function checkText({ where, predicted, measured, relation = "equal", unit = "" }: Judged["checks"][number]): string {
  const said = `${relation === "equal" ? "" : `${relation} `}${alike(predicted, measured)}${unit && ` ${unit}`}`;
  return `${where}: predicted ${said}, measured ${estimate(measured, unit)}`;
}

/** A prediction to as many places as can be compared with what was measured. */
function alike(predicted: number, { low, high }: Interval): string {
  const width = high - low;
  const places = width > 0 && Number.isFinite(width) ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(width)))) : 2;
  return thousands(predicted.toFixed(places).replace(/\.0+$/, ""));
}

function jsonOf({ requests, edge, success, done, regret, messages, services, more, slower }: Measured): object {
  const shared = (interval: Interval) => ({ measured: interval.value, interval: ends(interval) });
  return {
    requests,
    edge: {
      mean: edge.mean.value,
      p50: edge.p50.value,
      p95: edge.p95.value,
      p99: edge.p99.value,
      unit: "ms",
      interval: ends(edge.mean),
      intervals: { p50: ends(edge.p50), p95: ends(edge.p95), p99: ends(edge.p99) },
    },
    over1s: shared(slower(1_000)),
    success: shared(success),
    done: { mean: done.value, unit: "ms", interval: ends(done) },
    regret: shared(regret),
    messages,
    services,
    ...(Object.keys(more).length > 0 && { more }),
  };
}

function ends({ low, high }: Interval): readonly number[] {
  return [low, high];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
