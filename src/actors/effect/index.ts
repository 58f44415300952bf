// The public names of `antiphon/effect`, nothing else.

export { EffectRefusal, type Refused, type Unwrapped } from "./answers.ts";
export { type Contract, type Contracted, contracted, type Handlers, InvalidPayload, workload } from "./contract.ts";
export { type EffectfulOptions, effectful, type Needs, type Provided, spawn } from "./effectful.ts";
export { backoff } from "./schedule.ts";
export { events, feed, type Inbox, inbox, type Received } from "./stream.ts";
export { ActorSystem, run, systemLayer } from "./system.ts";
export {
  ask,
  Caller,
  type EffectAsk,
  type EffectOffer,
  type EffectTell,
  type NotAccepted,
  type OtherFailure,
  offer,
  tell,
  type Unanswered,
} from "./verbs.ts";
