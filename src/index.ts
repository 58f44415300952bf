// The public names of `antiphon`, nothing else.

export * from "./runtime/kernel/failure.ts";
export { messagesOf } from "./runtime/kernel/names.ts";
export {
  type Answer,
  type Answers,
  type Ask,
  type Duration,
  type Message,
  type MessageInfo,
  type Offer,
  type Ref,
  type Reply,
  receive,
  type Spawned,
  type Tell,
} from "./runtime/kernel/protocol.ts";
export { settle } from "./runtime/kernel/system.ts";
export type * from "./runtime/kernel/verbs.ts";
export { createSystem } from "./runtime/live/create.ts";
