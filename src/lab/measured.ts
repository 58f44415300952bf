// The numbers of one design, each with its interval.

import { batchMeans } from "./batchmeans.ts";
import type { Occupancy } from "./instrument.ts";
import { type Interval, meanInterval, proportionInterval } from "./interval.ts";
import { quantileInterval } from "./quantile.ts";
import { summary } from "./summary.ts";
import type { Outcome, Trial } from "./trial.ts";

/** How one actor spent the run. */
export interface Service {
  readonly path: string;
  readonly handled: number;
  /** How long a message held a slot, on average, in ms. */
  readonly holdMs: number;
  /** Slots held at a time, on average. */
  readonly busy: number;
  /** Messages that waited, on average and at most. */
  readonly waiting: number;
  readonly mostWaiting: number;
  /** The most that waited in each of sixty equal parts of the load, and what came after it; empty if nothing did. */
  readonly backlog: readonly number[];
}

export interface Measured {
  readonly requests: {
    readonly sent: number;
    readonly ok: number;
    readonly refused: number;
    readonly failed: number;
    /** Not answered yet. */
    readonly open: number;
    /** Refusals and failures by their tag. */
    readonly tags: Readonly<Record<string, number>>;
  };
  /** From when a request was due until its answer, of those answered ok, in ms. */
  readonly edge: { readonly mean: Interval; readonly p50: Interval; readonly p95: Interval; readonly p99: Interval };
  /** The share of those answered ok that took longer than so many ms. */
  slower(ms: number): Interval;
  /** ok / (ok + failed): a refusal is an answer. */
  readonly success: Interval;
  /** From when a request was due until all that was done for it had ended, of those answered ok, in ms. */
  readonly done: Interval;
  /** Of those answered ok, the share for which something was refused that nobody waited for. */
  readonly regret: Interval;
  /** Messages sent, for each request. */
  readonly messages: number;
  readonly services: readonly Service[];
  /** The path of the actor that requests are put to. */
  readonly entry: string;
  readonly more: Readonly<Record<string, number>>;
  readonly outcomes: readonly Outcome[];
}

/** Requests of one run follow each other, and may wait for each other: their mean is one of batches. */
export function measured(
  trial: Trial,
  level: number,
  measures: Readonly<Record<string, (trial: Trial) => number>>,
): Measured {
  const { outcomes, actors, messages, lastedMs } = trial;
  const ok = outcomes.filter(({ kind }) => kind === "ok");
  const count = (kind: Outcome["kind"]) => outcomes.reduce((sum, one) => sum + (one.kind === kind ? 1 : 0), 0);
  const failed = count("failed");
  const edge = ok.map(({ edgeMs }) => edgeMs);
  const ranked = summary(edge);
  const quantile = (p: number) => quantileInterval(ranked, { p, level });
  const share = (of: readonly Outcome[], is: (one: Outcome) => boolean) =>
    proportionInterval({ hits: of.filter(is).length, of: of.length }, { level });
  return {
    requests: {
      sent: outcomes.length,
      ok: ok.length,
      refused: count("refused"),
      failed,
      open: count("open"),
      tags: tagsOf(outcomes),
    },
    edge: { mean: batchMeans(edge, { level }), p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) },
    slower: (ms) => share(ok, ({ edgeMs }) => edgeMs > ms),
    success: proportionInterval({ hits: ok.length, of: ok.length + failed }, { level }),
    done: batchMeans(
      ok.map(({ doneMs }) => doneMs).filter((ms) => !Number.isNaN(ms)),
      { level },
    ),
    regret: share(ok, ({ regretted }) => regretted),
    messages: messages / outcomes.length,
    entry: trial.entry,
    services: actors.map((actor) => serviceOf(actor, lastedMs)),
    more: Object.fromEntries(Object.entries(measures).map(([name, measure]) => [name, measure(trial)])),
    outcomes,
  };
}

/** When it was answered ok, in ms from when it was due. */
function okMs({ kind, edgeMs }: Outcome): number | undefined {
  return kind === "ok" ? edgeMs : undefined;
}

/** The mean of what requests have more in `second`, one by one, over those for which `of` has a number in both. */
export function paired(
  first: readonly Outcome[],
  second: readonly Outcome[],
  level: number,
  of: (outcome: Outcome) => number | undefined = okMs,
): Interval {
  const differences = first.flatMap((outcome, i) => {
    const [one, other] = [of(outcome), second[i] && of(second[i])];
    return one === undefined || other === undefined ? [] : [other - one];
  });
  return { ...meanInterval(differences, { level }), method: "pairs" };
}

function tagsOf(outcomes: readonly Outcome[]): Record<string, number> {
  const tags: Record<string, number> = {};
  for (const { tag } of outcomes) if (tag !== undefined) tags[tag] = (tags[tag] ?? 0) + 1;
  return tags;
}

function serviceOf(
  { path, started, handled, heldMs, waitingMs, mostWaiting, backlog }: Occupancy,
  lastedMs: number,
): Service {
  return {
    path,
    handled,
    holdMs: heldMs / started,
    busy: heldMs / lastedMs,
    waiting: waitingMs / lastedMs,
    mostWaiting,
    backlog: mostWaiting === 0 ? [] : backlog,
  };
}
