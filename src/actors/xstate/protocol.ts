// A state machine seen through a ref: its events are messages, and the answer to an event is the state reached.

import type { AnyStateMachine, ContextFrom, EmittedFrom, EventFrom, OutputFrom, Snapshot, StateFrom } from "xstate";
import { Refusal } from "../../runtime/kernel/failure.ts";
import type { Ref } from "../../runtime/kernel/protocol.ts";

/** The event has no transition in the state that the machine is in. Nothing has changed. */
export class NotAcceptedInState extends Refusal {
  readonly _tag = "NotAcceptedInState";
  override readonly code = "NOT_ACCEPTED_IN_STATE";
  /** The type of the event. */
  readonly event: string;
  /** The state value, as XState has it: a name, or an object of names. */
  readonly state: unknown;

  constructor(message: string, event = "", state: unknown = undefined) {
    super(message);
    this.event = event;
    this.state = state;
  }
}

/** What can be told of a machine's state to others: data alone. Actors in the context stand there as their ids. */
export interface MachineState<L extends AnyStateMachine> {
  readonly value: StateFrom<L>["value"];
  readonly context: ContextFrom<L>;
  readonly status: "active" | "done" | "error" | "stopped";
  /** Of a machine that is done. */
  readonly output: OutputFrom<L> | undefined;
}

/** A delayed event that has not come yet. */
export interface PersistedTimer {
  readonly id: string;
  /** Unix time in ms at which it is due: world time and the option `epochMs`. */
  readonly at: number;
  readonly event: { readonly type: string };
  /** Ids of children, from the machine down; empty for the machine itself. */
  readonly source: readonly string[];
  readonly target: readonly string[];
}

/** Everything a machine needs to go on where it was, as JSON. */
export interface PersistedMachine {
  readonly snapshot: Snapshot<unknown>;
  readonly timers: readonly PersistedTimer[];
}

/** Is told each state that the machine reaches, and its end. */
export interface StateObserver<S> {
  next(state: S): void;
  complete(): void;
}

/** Is told what the machine emits. */
export interface EmittedListener<E> {
  emitted(event: E): void;
}

/** None where the events have no types: then a ref has to be given its protocol. */
type Names<L extends AnyStateMachine> = string extends EventFrom<L>["type"]
  ? never
  : Exclude<EventFrom<L>["type"], Internal>;
type Internal = `xstate.${string}` | "*" | `${string}.*`;
type Fields<E> = { readonly [K in Exclude<keyof E, "type">]: E[K] };
type Payload<E> = [Exclude<keyof E, "type">] extends [never]
  ? []
  : Record<never, never> extends Fields<E>
    ? [fields?: Fields<E>]
    : [fields: Fields<E>];

/** The protocol of an actor made with `machine`. An event's fields but its type are the payload. */
export type MachineProtocol<L extends AnyStateMachine, A = MachineState<L>> = {
  readonly [T in Names<L>]: (...payload: Payload<Extract<EventFrom<L>, { type: T }>>) => A | NotAcceptedInState;
} & {
  /** The state it is in. */
  getSnapshot(): MachineState<L>;
  getPersistedSnapshot(): PersistedMachine;
  /** Tells the observer the present state and each that is reached from now on, for as long as it lives. */
  subscribe(observer: Ref<StateObserver<MachineState<L>>>): void;
  /** Tells the listener what is emitted from now on, for as long as it lives. */
  listen(listener: Ref<EmittedListener<EmittedFrom<L>>>): void;
};

/** Messages that no event may be called. */
export const ownMessages = ["getSnapshot", "getPersistedSnapshot", "subscribe", "listen"] as const;
