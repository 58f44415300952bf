// The public names of `antiphon/sim`: the same actors in virtual time.

export type { TimeMode } from "./exploring.ts";
export {
  InjectedError,
  type Leak,
  NotReproducible,
  Stalled,
  StepsExhausted,
  Unavailable,
} from "./failure.ts";
export {
  clockOffset,
  crash,
  type Delay,
  delay,
  down,
  drop,
  duplicate,
  errors,
  type Fault,
  partition,
  pause,
  powerFailure,
  reorder,
  restart,
  type Struck,
  slow,
  unavailable,
  type Window,
} from "./fault.ts";
export type { FaultReport, Journal } from "./injection.ts";
export type { Latencies, Latency } from "./link.ts";
export type { Pair, Schedule } from "./schedule.ts";
export { type SimulatedWorld, type SimulateOptions, type Simulation, simulate } from "./simulate.ts";
export type { StrategyName } from "./strategy/portfolio.ts";
export type { TraceEntry, TraceKind } from "./trace.ts";
