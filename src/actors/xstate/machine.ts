// A state machine of XState as an actor: on our mailbox, our clock and our supervision.

import type {
  AnyEventObject,
  AnyStateMachine,
  EmittedFrom,
  EventFrom,
  InputFrom,
  InspectionEvent,
  StateFrom,
} from "xstate";
import { InvalidFactory, InvalidOption } from "../../runtime/kernel/failure.ts";
import { isMessageName } from "../../runtime/kernel/names.ts";
import { type Message, type Ref, receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import type { MachineCoverage } from "./coverage.ts";
import { dataOf } from "./data.ts";
import { Host } from "./host.ts";
import {
  type EmittedListener,
  type MachineProtocol,
  type MachineState,
  NotAcceptedInState,
  ownMessages,
  type PersistedMachine,
  type StateObserver,
} from "./protocol.ts";

export interface MachineOptions<L extends AnyStateMachine, A = MachineState<L>> {
  readonly input?: InputFrom<L> | undefined;
  /** Where to begin instead of the initial state; as a function it is asked at each start, so that a restart goes on. */
  readonly snapshot?:
    | PersistedMachine
    | ((self: Self) => PersistedMachine | undefined | PromiseLike<PersistedMachine | undefined>)
    | undefined;
  /** Gets what {@link MachineOptions.snapshot} takes, after each event and before its answer, which waits for a promise of it. */
  readonly save?: ((persisted: PersistedMachine) => unknown) | undefined;
  /** The answer to an event; the state reached by default. */
  readonly answer?: ((snapshot: StateFrom<L>, event: EventFrom<L>) => A) | undefined;
  /** What becomes of an event without a transition: `"refuse"` by default; `"ignore"` answers with the state. */
  readonly unaccepted?: "refuse" | "ignore" | undefined;
  /** Stops the actor when its machine is done; false by default: it refuses events and still tells its state. */
  readonly stopWhenDone?: boolean | undefined;
  /** Gets XState's inspection events, with ids that are the machine's own. What it throws is dropped. */
  readonly inspect?: ((event: InspectionEvent) => void) | undefined;
  /** Gets what `log` actions say; `console.log` by default. */
  readonly logger?: ((...args: unknown[]) => void) | undefined;
  /** Notes which transitions were taken, through all actors and runs that are given it. */
  readonly coverage?: MachineCoverage | undefined;
  /** Unix time in ms at the world's 0, for persisted timers; 0 by default. Live: `Date.now() - system.now()`. */
  readonly epochMs?: number | undefined;
}

/**
 * A factory of an actor that is this machine. Its events are messages, their fields the payload: `{ type: "pay", amount }`
 * is `ask(ref).pay({ amount })`. The answer is the state reached, or what `answer` says; an event that the state has no
 * transition for is refused with `NotAcceptedInState`. As a function, `logic` is made for each incarnation and may
 * `provide` actions and actors that use `self`.
 *
 * Promises: one event at a time, each to the end of what it sets off in the machine and its children. Delayed
 * transitions, results of invoked promises and events of callbacks are turns, on the world's clock. An action that throws,
 * and an error of a child that no transition takes, is a crash. After a restart the machine begins anew, or from
 * `snapshot`: then timers fire when they were due, promises are invoked again.
 * Fails: InvalidOption, also for an event called like one of the messages that every machine has; for a `logic` that is
 * a function that is an InvalidFactory, at spawn.
 * Example: `system.spawn(machine(orderMachine, { input: { id } }), { name: "order" })`.
 */
export function machine<L extends AnyStateMachine, A = MachineState<L>>(
  logic: L | ((self: Self) => L),
  options: MachineOptions<L, A> = {},
): Make<MachineProtocol<L, A>> {
  const { epochMs = 0, unaccepted = "refuse" } = options;
  if (typeof logic !== "function" && typeof (logic as Partial<L>)?.transition !== "function")
    throw new InvalidOption("logic", logic, "a state machine of XState, or a function that makes one");
  if (!Number.isFinite(epochMs)) throw new InvalidOption("epochMs", epochMs, "a number of milliseconds");
  if (unaccepted !== "refuse" && unaccepted !== "ignore")
    throw new InvalidOption("unaccepted", unaccepted, '"refuse" or "ignore"');
  const clash = typeof logic === "function" ? undefined : clashOf(logic);
  if (clash !== undefined)
    throw new InvalidOption("logic", `an event ${clash}`, "one without it: every machine has that message");
  const everybody = new WeakMap<object, Subscribers>();
  const make: Make<MachineProtocol<L, A>> = (self) => {
    let subscribers = everybody.get(self.ref);
    if (subscribers === undefined) everybody.set(self.ref, (subscribers = new Subscribers()));
    subscribers.join(self);
    const made = typeof logic === "function" ? logic(self) : logic;
    const clash = clashOf(made);
    if (clash !== undefined)
      throw new InvalidFactory(
        self.path,
        `a machine with an event ${clash}`,
        "Every machine has that message: call it otherwise.",
      );
    const actor = new MachineActor(self, made, options as MachineOptions<AnyStateMachine, unknown>, subscribers);
    const { snapshot } = options;
    const from = typeof snapshot === "function" ? snapshot(self) : snapshot;
    if (typeof (from as PromiseLike<unknown> | undefined)?.then === "function")
      return Promise.resolve(from).then((found) => actor.begin(found)) as Promise<MachineProtocol<L, A>>;
    return actor.begin(from as PersistedMachine | undefined) as MachineProtocol<L, A>;
  };
  // Unnamed actors are called after their factory.
  if (typeof logic !== "function") Object.defineProperty(make, "name", { value: logic.id });
  return make;
}

function clashOf(logic: AnyStateMachine): string | undefined {
  const events: readonly string[] = logic.events;
  return ownMessages.find((name) => events.includes(name));
}

type Handlers = Record<string | symbol, (payload: never) => unknown>;

class MachineActor {
  readonly #self: Self;
  readonly #logic: AnyStateMachine;
  readonly #options: MachineOptions<AnyStateMachine, unknown>;
  readonly #subscribers: Subscribers;
  readonly #host: Host;

  constructor(
    self: Self,
    logic: AnyStateMachine,
    options: MachineOptions<AnyStateMachine, unknown>,
    subscribers: Subscribers,
  ) {
    const { epochMs = 0, logger = console.log, inspect, coverage } = options;
    this.#self = self;
    this.#logic = logic;
    this.#options = options;
    this.#subscribers = subscribers;
    coverage?.add(logic);
    this.#host = new Host(self, logic, {
      epochMs,
      logger,
      inspect,
      emitted: (event) => subscribers.emitted(self, event),
      taken: coverage === undefined ? undefined : (transitions) => coverage.took(transitions),
      changed: () => this.#changed(),
    });
  }

  begin(from: PersistedMachine | undefined): object {
    this.#host.begin(this.#options.input, from);
    this.#subscribers.next(this.#self, () => this.#state);
    const events: string[] = this.#logic.events;
    const own: Handlers = {
      getSnapshot: () => this.#state,
      getPersistedSnapshot: () => this.#host.persist(),
      subscribe: (observer: Ref<StateObserver<unknown>>) => {
        this.#subscribers.add(this.#self, observer);
        this.#self.tell(observer).next(this.#state);
      },
      listen: (listener: Ref<EmittedListener<unknown>>) => this.#subscribers.listen(this.#self, listener),
      [Symbol.dispose]: () => this.#host.stop(),
    };
    if (events.some((name) => name.endsWith("*")))
      own[receive] = (message: Message) =>
        message.type in own ? own[message.type]?.(message.payload as never) : this.#take(message.type, message.payload);
    else
      for (const name of events)
        if (isMessageName(name) && !name.startsWith("xstate."))
          own[name] = (fields: unknown) => this.#take(name, fields);
    return own;
  }

  get #state(): MachineState<AnyStateMachine> {
    const { value, context, status, output } = this.#host.snapshot as never as MachineState<AnyStateMachine>;
    return { value, context: dataOf(context) as never, status, output };
  }

  #take(type: string, fields: unknown): unknown {
    const event = { ...(fields as object | undefined), type } as AnyEventObject;
    const { answer, unaccepted } = this.#options;
    if (!this.#host.send(event) && unaccepted !== "ignore") {
      const { value, status } = this.#host.snapshot;
      const where = status === "active" ? `in state ${JSON.stringify(value)}` : `now: it is ${status}`;
      return new NotAcceptedInState(`${this.#self.path} takes no ${type} ${where}.`, type, value);
    }
    const answered = () => (answer === undefined ? this.#state : answer(this.#host.snapshot as never, event as never));
    const saved = this.#changed();
    return saved instanceof Promise ? saved.then(answered) : answered();
  }

  /** Tells and keeps what has become of the machine. */
  #changed(): unknown {
    const { save, stopWhenDone } = this.#options;
    this.#subscribers.next(this.#self, () => this.#state);
    if (this.#host.snapshot.status === "done") {
      this.#subscribers.complete(this.#self);
      if (stopWhenDone === true) this.#self.stop();
    }
    return save === undefined ? undefined : save(this.#host.persist());
  }
}

/** Who is told; it outlives restarts, and forgets who has ended. */
class Subscribers {
  readonly #observers = new Set<Ref<StateObserver<unknown>>>();
  readonly #listeners = new Set<Ref<EmittedListener<unknown>>>();

  /** An incarnation begins: its watches are its own. */
  join(self: Self): void {
    for (const one of this.#observers) self.watch(one, () => this.#observers.delete(one));
    for (const one of this.#listeners) self.watch(one, () => this.#listeners.delete(one));
  }

  add(self: Self, observer: Ref<StateObserver<unknown>>): void {
    if (this.#observers.has(observer)) return;
    this.#observers.add(observer);
    self.watch(observer, () => this.#observers.delete(observer));
  }

  listen(self: Self, listener: Ref<EmittedListener<unknown>>): void {
    if (this.#listeners.has(listener)) return;
    this.#listeners.add(listener);
    self.watch(listener, () => this.#listeners.delete(listener));
  }

  next(self: Self, state: () => unknown): void {
    for (const one of this.#observers) self.tell(one).next(state());
  }

  complete(self: Self): void {
    for (const one of this.#observers) self.tell(one).complete();
    this.#observers.clear();
  }

  emitted(self: Self, event: EmittedFrom<AnyStateMachine>): void {
    for (const one of this.#listeners) self.tell(one).emitted(event);
  }
}
