// The public names of `antiphon/lab`: what turns actors into an experiment.

export { type Bucket, Histogram } from "../runtime/observe/histogram.ts";
export { type Advice, type Advised, advice } from "./advice.ts";
export { BatchMeans, batchMeans } from "./batchmeans.ts";
export { type Blast, blast, type Radius } from "./blast.ts";
export { type Bursts, bursts, type Phase } from "./bursts.ts";
export { type Check, type Verdict, verdict } from "./claim.ts";
export { type Command, command } from "./command.ts";
export {
  type BothWorlds,
  type Claim,
  compare,
  type Design,
  type Experiment,
  inBothWorlds,
  type Judged,
  type Results,
} from "./compare.ts";
export { Comparison } from "./comparison.ts";
export { draws } from "./draws.ts";
export { estimate } from "./estimate.ts";
export { readSeriesFile, seriesNotes } from "./file.ts";
export { type Flag, type Flags, positiveFlag, wholeFlag } from "./flags.ts";
export { generator, type LoadGenerator, type Send } from "./generator.ts";
export {
  type Confidence,
  deviations,
  type Interval,
  meanInterval,
  pairedInterval,
  proportionInterval,
  scaled,
} from "./interval.ts";
export { batches, type ClosedLoad, closed, type Ends, type Load, poisson, steady } from "./load.ts";
export type { Measured, Service } from "./measured.ts";
export { available, down, slow } from "./outage.ts";
export { progress } from "./progress.ts";
export { quantileInterval, type Ranked, replicatedQuantile } from "./quantile.ts";
export { diurnal, type Piece, piecewise } from "./rates.ts";
export { type ReplayOptions, replay } from "./replay.ts";
export { type Problem, type Row, readSeries, type Series, type SeriesOptions } from "./series.ts";
export {
  constant,
  empirical,
  erlang,
  exponential,
  hyperexponential,
  lognormal,
  pareto,
  quantiles,
  type ServiceTime,
} from "./service.ts";
export { type Summary, summary } from "./summary.ts";
export { figure, table, width } from "./table.ts";
export type { Outcome, Trial } from "./trial.ts";
export { type Warmup, warmup } from "./warmup.ts";
