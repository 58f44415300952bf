// The public names of `antiphon/testing`: properties of actors, for tests.

export type { Bound, Coverage, StrategyRuns } from "../runtime/sim/coverage.ts";
export type { Plan } from "../runtime/sim/explorer.ts";
export type { TimeMode } from "../runtime/sim/exploring.ts";
export { NotExhaustible } from "../runtime/sim/failure.ts";
export type { Pair } from "../runtime/sim/schedule.ts";
export type { StrategyName } from "../runtime/sim/strategy/portfolio.ts";
export type { Swarm } from "../runtime/sim/swarm.ts";
export { canonical } from "./canonical.ts";
export { type ConformanceCase, type ConformanceOptions, conformance } from "./conformance.ts";
export { type Conservation, conserved, type Imbalance } from "./conserved.ts";
export { type Stored, storedPlans, storePlan } from "./corpus.ts";
export { type Effects, type ExactlyOnce, exactlyOnce } from "./effects.ts";
export {
  assertExplored,
  type Exploration,
  type ExploreOptions,
  explore,
  type Replayed,
  type TrialWorld,
} from "./explore.ts";
export { type Operation, type Recorder, recorder } from "./history.ts";
export { type Disturbed, type Isolation, isolated } from "./isolated.ts";
export {
  type Blocked,
  type GaveUp,
  type Linearizability,
  type LinearizableOptions,
  type Linearized,
  linearizable,
  type NotLinearizable,
} from "./linearizable.ts";
export * from "./models.ts";
export type { LeadsTo } from "./obligation.ts";
export { type Call, type Draws, type OperationsOptions, operations, type Performed, perform } from "./operations.ts";
export { type Delivery, type Order, type OrderedOptions, ordered } from "./order.ts";
export { type Probe, probe, type Received } from "./probe.ts";
export { type Quiescence, type QuiescentOptions, quiescent, type Stuck, stuck } from "./quiet.ts";
export { coverageText, ExplorationFailed } from "./report.ts";
export { faultPlans, type SchedulesOptions, schedules } from "./schedules.ts";
export { fromSchema, type GenerativeSchema } from "./schema.ts";
export { NotConforming } from "./stage.ts";
export { Declined, type Subject } from "./subject.ts";
export { PropertyViolated, type Steps, type Temporal, temporal } from "./temporal.ts";
export { fromToken, type Played, tokenOf } from "./token.ts";
export type { Inputs, Trial } from "./trial.ts";
export type { Verdict } from "./verdict.ts";
