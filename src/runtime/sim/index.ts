// The public names of `antiphon/sim`: the same actors in virtual time.

export {
  InjectedError,
  type Leak,
  NotReproducible,
  Stalled,
  StepsExhausted,
} from "./failure.ts";
export {
  clockOffset,
  crash,
  type Delay,
  delay,
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
  type Window,
} from "./fault.ts";
export type { FaultReport, Journal } from "./injection.ts";
export type { Latencies, Latency } from "./link.ts";
export { type SimulatedWorld, type SimulateOptions, type Simulation, simulate } from "./simulate.ts";
export type { TraceEntry, TraceKind } from "./trace.ts";
