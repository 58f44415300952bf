// The public names of `antiphon/lab`: what turns actors into an experiment.

export { type Command, command } from "./command.ts";
export { draws } from "./draws.ts";
export { readSeriesFile, seriesNotes } from "./file.ts";
export { type Flag, type Flags, positiveFlag, wholeFlag } from "./flags.ts";
export { type Load, poisson, type ReplayOptions, replay } from "./load.ts";
export { progress } from "./progress.ts";
export { type Problem, type Row, readSeries, type Series, type SeriesOptions } from "./series.ts";
export { constant, exponential, lognormal, type ServiceTime } from "./service.ts";
export { type Summary, summary } from "./summary.ts";
export { figure, table, width } from "./table.ts";
