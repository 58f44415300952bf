// The public names of `antiphon/patterns`: what is often built of queues, topics and commits.

export { type AggregateOptions, aggregate, type Gathered, type Part, type Parts } from "./aggregate.ts";
export { type Blobs, type Checked, ClaimLost, claimCheck, redeem } from "./claimcheck.ts";
export { type Effect, type EffectOnce, effectOnce } from "./effectonce.ts";
export { type OutboxOptions, outbox } from "./outbox.ts";
export { givingWay, waits } from "./retry.ts";
export { type Saga, type SagaCall, type SagaOptions, type SagaReport, type SagaStep, saga } from "./saga.ts";
