// A case: a system under random customers, what theory says about it, and what was measured, with an interval.

import { BatchMeans, type Interval, proportionInterval, warmup } from "antiphon/lab";

/** One number of a case. */
export interface Finding {
  /** With its unit. */
  readonly what: string;
  readonly predicted: number;
  measured(level: number): Interval;
}

export interface Case {
  /** Numbers of what is checked, for example V6. */
  readonly ids: readonly string[];
  readonly says: string;
  /** Customers, jobs or requests of a run of less than a second; a case without it is left out of the suite. */
  readonly few?: number | undefined;
  /** Those of a run with tight intervals. */
  readonly many: number;
  run(customers: number, seed: number): Promise<readonly Finding[]>;
}

/** The mean of a sequence of one run, without its first twentieth, in which the queue fills. */
export function mean(what: string, predicted: number, samples: readonly number[]): Finding {
  const means = new BatchMeans();
  for (let place = warmup(samples, { share: 0.05 }).cut; place < samples.length; place++) means.record(samples[place]!);
  return { what, predicted, measured: (level) => means.interval({ level }) };
}

/** The same of the share above a bound. */
export function shareAbove(bound: number, what: string, predicted: number, samples: readonly number[]): Finding {
  return mean(
    what,
    predicted,
    samples.map((sample) => (sample > bound ? 1 : 0)),
  );
}

/** The chance of a hit in independent trials. */
export function chance(what: string, predicted: number, trials: { hits: number; of: number }): Finding {
  return { what, predicted, measured: (level) => proportionInterval(trials, { level }) };
}
