// The public names of `antiphon/actors`, nothing else.

export type { BalancerOptions, Strategy } from "./balancer.ts";
export { type BatcherOptions, batcher, type Single, WrongBatch } from "./batcher.ts";
export {
  type Bus,
  type BusOptions,
  bus,
  type Heard,
  type Listener,
  NotSubscribed,
  type Published,
  type Subscription,
} from "./bus.ts";
export { type Discovery, type DiscoveryOptions, discovery, type ViaOptions, via } from "./discovery.ts";
export type { Front } from "./front.ts";
export { type IdempotentOptions, idempotent } from "./idempotent.ts";
export { type Elastic, type PoolOptions, type PoolStrategy, pool } from "./pool.ts";
export {
  announce,
  type Change,
  NotRegistered,
  type Registration,
  RegistrationRefused,
  type Registry,
  type RegistryOptions,
  registry,
  type Subscriber,
} from "./registry.ts";
export { type Broadcast, type BroadcastOptions, broadcast, type RouterOptions, router } from "./router.ts";
export { type Stash, type StashOptions, stash } from "./stash.ts";
export {
  type Child,
  ChildRefused,
  type ChildSpec,
  type Supervisor,
  type SupervisorOptions,
  supervisor,
} from "./supervisor.ts";
export { type Cost, type Threaded, WorkerFailed } from "./thread/handle.ts";
export { transfer, WorkerRefusal } from "./thread/wire.ts";
export { type WorkerOptions, worker } from "./thread.ts";
export { type Watchable, type Watcher, watchable, watchEvents } from "./watchable.ts";
