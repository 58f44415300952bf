// The public names of `antiphon/broker`: messages that wait, in one process, without a server; and actors that last.

export { type Codec, jsonCodec, msgpackCodec, type SchemaLike, validated } from "./codec.ts";
export type { Committed, Settlement } from "./commit.ts";
export {
  type Asker,
  ackUpTo,
  type CommitOptions,
  commit,
  deadLetters,
  extend,
  grant,
  inspect,
  inspectStore,
  join,
  leave,
  type Publication,
  parked,
  pause,
  read,
  redrive,
  resume,
  skip,
} from "./control.ts";
export { type Durable, type DurableOptions, durable } from "./durable.ts";
export { Exhausted } from "./durable-box.ts";
export { type Entities, type EntityOptions, entity, KeyMissing } from "./entity.ts";
export {
  NoReply,
  NotAccepted,
  NotCommitted,
  NotConfigured,
  NotHandled,
  NotInStore,
  NotSafe,
  Requeue,
} from "./failure.ts";
export {
  JournalCorrupt,
  JournalFailed,
  JournalLocked,
  NotPersisted,
  PackageMissing,
  type Place,
  RecoveryFailed,
  Undecodable,
  Unencodable,
} from "./failure-journal.ts";
export type { DeadMessage, ParkedMessage, StoreReport, SubscriptionReport, TopicReport } from "./inspect.ts";
export type { Journal, OpenJournal, Recovered } from "./journal.ts";
export { type LmdbJournalOptions, lmdbJournal } from "./lmdb.ts";
export { type Repair, type RepairedPart, repairJournal } from "./lmdb-repair.ts";
export { type MemoryJournal, type MemoryJournalOptions, memoryJournal } from "./memory.ts";
export type {
  Published,
  QueueOptions,
  StoreOptions,
  StoreProtocol,
  SubscribeOptions,
  SubscriptionOptions,
  TopicOptions,
} from "./options.ts";
export { type PersistentOptions, persistent } from "./persistent.ts";
export type { Persisted, Upcaster } from "./persistent-log.ts";
export { queue, store, topic } from "./queue.ts";
export type { RedriveFilter } from "./redrive.ts";
export { matching } from "./route.ts";
export type { Receives } from "./station.ts";
export { type SubscriptionControl, subscribe } from "./subscribe.ts";
