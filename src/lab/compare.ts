// The laboratory in one call: the same actors under several designs, with the same arrivals and the same luck in each.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import type { Ref } from "../runtime/kernel/protocol.ts";
import type { System, Verbs } from "../runtime/kernel/verbs.ts";
import type { Fault } from "../runtime/sim/fault.ts";
import type { Latencies } from "../runtime/sim/link.ts";
import { type Check, type Verdict, verdict } from "./claim.ts";
import { Comparison } from "./comparison.ts";
import type { Interval } from "./interval.ts";
import type { ClosedLoad, Load } from "./load.ts";
import { type Measured, measured, paired } from "./measured.ts";
import { Bench, type Setup, type Trial } from "./trial.ts";

/**
 * A design is data: for each edge the verb with which it is used, and whatever else your actors read of it. Every
 * property whose value is a verb is taken for an edge.
 */
export type Design = object;

export interface Experiment<D extends Design, P> {
  /** 1 by default. */
  readonly seed?: number;
  readonly load: Load | ClosedLoad;
  /** By name; the first is what others are compared with. */
  readonly designs: Readonly<Record<string, D>>;
  readonly faults?: readonly Fault[];
  readonly latency?: Latencies;
  /**
   * Spawns the actors of a design and gives the one that requests are put to. Give them names, the same in each design:
   * an actor's draws depend on the seed and its path.
   */
  start(world: { readonly system: System }, design: D): Ref<P>;
  /** Puts the request of this number, from 0. With a `key` that all its messages carry, what is done behind it counts. */
  request(caller: Verbs, entry: Ref<P>, index: number): PromiseLike<unknown>;
  /** Of the intervals; 0.999 by default. */
  readonly level?: number;
  /** More numbers than there are already, each from a trial. */
  readonly measures?: Readonly<Record<string, (trial: Trial) => number>>;
  /** The same under other conditions, for claims that need them: what differs. */
  readonly variants?: Readonly<Record<string, Partial<Omit<Experiment<D, P>, "variants" | "claims">>>>;
  readonly claims?: readonly Claim[];
  /** Called now and then while it runs, with the share that is done, from 0 to 1. */
  readonly progress?: (share: number, soFar: () => Comparison) => void;
}

/** The results of the experiment itself, and of its variants by name. */
export type Results = Readonly<Record<"base" | (string & {}), Readonly<Record<string, Measured>>>>;

/** What somebody says about such designs. */
export interface Claim {
  readonly id: string;
  /** In a sentence. */
  readonly claim: string;
  /** Who says so, or the formula it follows from. */
  readonly source: string;
  /** The first check is the claim as it is made, the others its limits. */
  checks(results: Results): readonly Check[];
  /** In a sentence, what to remember. */
  readonly says?: string;
}

export interface Judged extends Omit<Claim, "checks"> {
  readonly checks: readonly Check[];
  readonly verdict: Verdict;
}

/**
 * Runs each design of an experiment in virtual time, with the same arrivals and, where actors draw by key, the same luck
 * for each request; then its variants; then judges its claims.
 *
 * Promises: equal experiments give equal numbers. What a claim is worth is decided by {@link verdict} alone.
 * Fails: InvalidOption; what `start` and `request` throw.
 * Cost: what {@link simulate} costs: about 3 µs an event.
 */
export async function compare<D extends Design, P>(experiment: Experiment<D, P>): Promise<Comparison> {
  const runs = runsOf(experiment);
  const stages = runs.flatMap(([run, of]) =>
    Object.entries(of.designs).map(([name, design]) => ({ run, name, design, of, bench: new Bench(setupOf(of)) })),
  );
  // One of the two is finite.
  const size = ({ load }: Experiment<D, P>) => Math.min(load.requests, load.lastsMs);
  const total = stages.reduce((sum, { of }) => sum + size(of), 0);
  const finished: Finished[] = [];
  let done = 0;
  for (const { run, name, design, of, bench } of stages) {
    const { progress } = experiment;
    const partly = () => [...finished, { run, name, trial: bench.soFar() }];
    const report = () => progress?.((done + bench.share * size(of)) / total, () => gather(experiment, partly(), []));
    report();
    const timer = progress && setInterval(report, progressMs);
    try {
      finished.push({ run, name, trial: await bench.run(design) });
    } finally {
      clearInterval(timer);
    }
    done += size(of);
  }
  return gather(experiment, finished, experiment.claims ?? []);
}

/** One design in both worlds. */
export interface BothWorlds {
  readonly live: Measured;
  readonly virtual: Measured;
  /** How much longer a request took live, request by request, over those answered ok in both, in ms. */
  readonly longer: Interval;
}

/**
 * Runs a design, the first if `of` does not say which, on Node's clock and then in virtual time, with the same actors and
 * the same draws, without latency and faults: what differs is what timers and the host add.
 *
 * Units: real time; it takes as long as the load lasts. Fails: InvalidOption.
 */
export async function inBothWorlds<D extends Design, P>(
  experiment: Experiment<D, P>,
  { of = Object.keys(experiment.designs)[0] ?? "" }: { of?: string } = {},
): Promise<BothWorlds> {
  const design = experiment.designs[of];
  if (design === undefined) throw new InvalidOption("of", of, Object.keys(experiment.designs).join(", "));
  const { level = 0.999, measures = {}, progress } = experiment;
  const setup = { ...setupOf(experiment), faults: [], latency: {} };
  const bench = new Bench(setup);
  const soFar = () => gather(experiment, [{ run: "base", name: of, trial: bench.soFar() }], []);
  const report = () => progress?.(bench.share, soFar);
  const timer = progress && setInterval(report, progressMs);
  const live = measured(await bench.runLive(design).finally(() => clearInterval(timer)), level, measures);
  const virtual = measured(await new Bench(setup).run(design), level, measures);
  return { live, virtual, longer: paired(virtual.outcomes, live.outcomes, level) };
}

const progressMs = 200;

interface Finished {
  readonly run: string;
  readonly name: string;
  readonly trial: Trial;
}

function runsOf<D extends Design, P>(experiment: Experiment<D, P>): (readonly [string, Experiment<D, P>])[] {
  const { variants = {} } = experiment;
  if ("base" in variants) throw new InvalidOption("variants", "base", "another name: that is the experiment itself");
  const runs = [
    ["base", experiment] as const,
    ...Object.entries(variants).map(([name, differs]) => [name, { ...experiment, ...differs }] as const),
  ];
  for (const [, { designs }] of runs)
    if (Object.keys(designs).length === 0)
      throw new InvalidOption("designs", "none", 'at least one, for example { wait: { email: "ask" } }');
  return runs;
}

function setupOf<D extends Design, P>(of: Experiment<D, P>): Setup<D, P> {
  const { seed = 1, load, faults = [], latency = {} } = of;
  return {
    seed,
    load,
    faults,
    latency,
    start: (world, design) => of.start(world, design),
    request: (caller, entry, index) => of.request(caller, entry, index),
  };
}

function gather<D extends Design, P>(
  { seed = 1, load, level = 0.999, measures = {} }: Experiment<D, P>,
  finished: readonly Finished[],
  claims: readonly Claim[],
): Comparison {
  const results: Record<string, Record<string, Measured>> = {};
  for (const { run, name, trial } of finished) {
    const ofRun = (results[run] ??= {});
    ofRun[name] = measured(trial, level, measures);
  }
  const judged = claims.map(({ checks, ...claim }) => {
    const made = checks(results as Results);
    return { ...claim, checks: made, verdict: verdict(made) };
  });
  return new Comparison({ seed, load, level, results: results as Results, judged });
}
