// XState's actor system inside one actor of ours: the machine is driven through its pure transition with our scope, so
// that whatever happens in it happens in a turn. Events of children, timers and promises enter by `_relay`, the one way
// there is, and wait for a turn of their own when none runs; delays are timers of the actor and stand as data beside it.

import {
  type Actor,
  type AnyActorRef,
  type AnyActorScope,
  type AnyEventObject,
  type AnyStateMachine,
  createActor,
  type InspectionEvent,
  type Snapshot,
} from "xstate";
import type { Self } from "../../runtime/kernel/verbs.ts";
import { note } from "../noted.ts";
import { copyOf } from "./data.ts";
import { Delays } from "./delays.ts";
import type { PersistedMachine } from "./protocol.ts";

/** What XState keeps to itself: checked against 5.33. */
interface InnerSystem {
  _bookId(): string;
  _relay(source: AnyActorRef | undefined, target: AnyActorRef, event: AnyEventObject): void;
  _sendInspectionEvent(event: InspectionEvent | Omit<InspectionEvent, "rootId">): void;
  scheduler: {
    schedule(source: AnyActorRef, target: AnyActorRef, event: AnyEventObject, delay: number, id?: string): void;
    cancel(source: AnyActorRef, id: string): void;
    cancelAll(source: AnyActorRef): void;
  };
}

interface InnerActor {
  _parent?: InnerActor;
  _send(event: AnyEventObject): void;
  _stop(): void;
  /** 0 not started, 1 running, 2 stopped. */
  readonly _processingStatus: 0 | 1 | 2;
  getSnapshot(): unknown;
}

type Machine = Snapshot<unknown> & { readonly value: unknown; readonly children: Record<string, AnyActorRef> };
type Transitions = readonly {
  readonly source: { readonly id: string };
  readonly eventType: string;
  readonly target?: unknown;
  readonly actions: readonly unknown[];
}[];

interface Microstep {
  readonly actorRef: AnyActorRef;
  readonly event: AnyEventObject;
  readonly snapshot: { readonly value: unknown };
  readonly _transitions: Transitions;
}

interface HostOptions {
  readonly epochMs: number;
  readonly logger: (...args: unknown[]) => void;
  readonly inspect: ((event: InspectionEvent) => void) | undefined;
  readonly emitted: (event: AnyEventObject) => void;
  /** Transitions that were taken, of the machine and of its children. */
  readonly taken: ((transitions: Transitions) => void) | undefined;
  /** A turn that no message brought has ended. */
  readonly changed: () => unknown;
}

const stopEvent = { type: "xstate.stop" };
const initEvent = { type: "xstate.init" };

export class Host {
  readonly #self: Self;
  readonly #logic: AnyStateMachine;
  readonly #options: HostOptions;
  readonly #root: Actor<AnyStateMachine>;
  readonly #system: InnerSystem;
  readonly #scope: AnyActorScope;
  readonly #delays: Delays;
  readonly #deferred: (() => void)[] = [];
  /** Events to the machine from within, in the order of their coming. */
  readonly #queue: AnyEventObject[] = [];
  #snapshot!: Machine;
  #isRunning = false;
  #isUp = false;
  /** Whether the first microstep of the last event took a transition. */
  #isAccepted = false;
  #awaitsFirst = false;

  constructor(self: Self, logic: AnyStateMachine, options: HostOptions) {
    this.#self = self;
    this.#logic = logic;
    this.#options = options;
    const { logger } = options;
    const clock = {
      setTimeout: (turn: () => void, ms: number) => self.after(ms, () => this.turn(turn)),
      clearTimeout: (timer: { cancel(): void } | undefined) => timer?.cancel(),
    };
    // Its own logic never runs: it is there to be pointed at.
    const root = createActor(inert as unknown as AnyStateMachine, { id: logic.id, clock, logger });
    this.#root = root;
    const system = root.system as unknown as InnerSystem;
    this.#system = system;
    this.#delays = new Delays(self, options.epochMs, root, (source, target, event) => {
      this.turn(() => this.#relay(source, target, event));
      return options.changed();
    });
    this.#takeOver(system);
    this.#scope = {
      self: root,
      id: root.id,
      sessionId: root.sessionId,
      logger,
      system: root.system,
      defer: (then) => void this.#deferred.push(then),
      emit: (event) => options.emitted(event),
      stopChild: (child) => (child as unknown as InnerActor)._stop(),
      actionExecutor: (action) => this.#act(action),
    } as AnyActorScope;
  }

  /** The machine's snapshot, as XState has it. */
  get snapshot(): Machine {
    return this.#snapshot;
  }

  /** Into the initial state, or where a machine was. */
  begin(input: unknown, from: PersistedMachine | undefined): void {
    this.turn(() => {
      const [logic, scope] = [this.#logic, this.#scope];
      this.#system._sendInspectionEvent({ type: "@xstate.actor", actorRef: this.#root } as never);
      const snapshot =
        from === undefined
          ? logic.getInitialSnapshot(scope, input)
          : logic.restoreSnapshot(copyOf(from.snapshot) as Snapshot<unknown>, scope);
      this.#isUp = true;
      this.#commit(snapshot, initEvent);
      if (from === undefined) return;
      logic.start(snapshot);
      this.#delays.restore(from.timers, (path) => this.#find(path));
    });
  }

  /** One event to its end, with all that it sets off. False when the machine has no transition for it. */
  send(event: AnyEventObject): boolean {
    if (this.#snapshot.status !== "active") return false;
    let isAccepted = false;
    this.turn(() => {
      this.#system._sendInspectionEvent({
        type: "@xstate.event",
        sourceRef: undefined,
        actorRef: this.#root,
        event,
      } as never);
      isAccepted = this.#process(event);
    });
    return isAccepted;
  }

  /** Runs what is a turn of the machine's system, and then what came for the machine itself. Throws what ends it. */
  turn(run: () => void): void {
    const isOuter = !this.#isRunning;
    this.#isRunning = true;
    try {
      run();
      if (!isOuter) return;
      for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift())
        if (this.#snapshot.status === "active") this.#process(event);
    } catch (error) {
      // What the failed step had still to do is not done by the next one.
      this.#deferred.length = 0;
      this.#queue.length = 0;
      throw error;
    } finally {
      if (isOuter) this.#isRunning = false;
    }
    if (this.#snapshot?.status === "error") throw this.#snapshot.error;
  }

  /** Stops the children, callbacks and promises. */
  stop(): void {
    if (this.#snapshot?.status !== "active") return;
    this.turn(() => {
      this.#process(stopEvent);
    });
  }

  persist(): PersistedMachine {
    return { snapshot: this.#logic.getPersistedSnapshot(this.#snapshot as never), timers: this.#delays.list };
  }

  #process(event: AnyEventObject): boolean {
    this.#isAccepted = false;
    this.#awaitsFirst = true;
    const next = this.#logic.transition(this.#snapshot as never, event as never, this.#scope as never);
    this.#awaitsFirst = false;
    this.#commit(next, event);
    return this.#isAccepted;
  }

  #commit(snapshot: unknown, event: AnyEventObject): void {
    this.#snapshot = snapshot as Machine;
    for (let then = this.#deferred.shift(); then !== undefined; then = this.#deferred.shift()) then();
    this.#system._sendInspectionEvent({ type: "@xstate.snapshot", actorRef: this.#root, event, snapshot } as never);
    if (this.#snapshot.status !== "active") this.#delays.clear();
  }

  #act(action: Parameters<AnyActorScope["actionExecutor"]>[0]): void {
    const { type, params, info, exec } = action;
    const act = () => {
      this.#system._sendInspectionEvent({
        type: "@xstate.action",
        actorRef: this.#root,
        action: { type, params },
      } as never);
      if (type === "xstate.spawnChild") this.#start((params as { actorRef?: AnyActorRef }).actorRef);
      else exec?.(info, params);
    };
    // As XState does it: entry actions of the initial state run when that is there.
    if (this.#isUp) act();
    else this.#deferred.push(act);
  }

  /**
   * A child starts in no message: what it asks is not asked for whoever sent the event, and does not have its deadline.
   */
  #start(child: AnyActorRef | undefined): void {
    if (child === undefined) return;
    const start = () => {
      if ((child as unknown as InnerActor)._processingStatus === 0) child.start();
    };
    if (this.#self.message === undefined) this.#deferred.push(start);
    else this.#soon(start);
  }

  /** A turn of its own. */
  #soon(run: () => void): void {
    this.#self.pipeToSelf(Promise.resolve(), () => {
      this.turn(run);
      return this.#options.changed();
    });
  }

  #relay(source: AnyActorRef | undefined, target: AnyActorRef, event: AnyEventObject): void {
    if (!this.#isRunning) {
      this.#soon(() => this.#relay(source, target, event));
      return;
    }
    this.#system._sendInspectionEvent({ type: "@xstate.event", sourceRef: source, actorRef: target, event } as never);
    (target as unknown as InnerActor)._send(event);
  }

  #takeOver(system: InnerSystem): void {
    const root = this.#root as unknown as InnerActor & { getSnapshot: () => unknown };
    let ids = 0;
    // XState counts the sessions of the whole process.
    system._bookId = () => `${this.#logic.id}:${++ids}`;
    (this.#root as { sessionId: string }).sessionId = system._bookId();
    root._send = (event) => void this.#queue.push(event);
    root.getSnapshot = () => this.#snapshot;
    system._relay = (source, target, event) => this.#relay(source, target, event);
    system.scheduler = this.#delays;
    const { inspect, taken } = this.#options;
    system._sendInspectionEvent = (event) => {
      if (event.type === "@xstate.microstep") this.#step(event as never, taken);
      if (inspect === undefined) return;
      try {
        inspect({ ...event, rootId: this.#root.sessionId } as InspectionEvent);
      } catch {
        // Who looks on does not act.
      }
    };
  }

  #step(step: Microstep, taken: HostOptions["taken"]): void {
    const { actorRef, event, snapshot, _transitions: transitions } = step;
    taken?.(transitions);
    note(this.#self, () => `${event.type} takes ${actorRef.id} to ${JSON.stringify(snapshot.value)}`);
    if (actorRef !== this.#root || !this.#awaitsFirst) return;
    this.#awaitsFirst = false;
    this.#isAccepted = transitions.some(({ target, actions }) => target !== undefined || actions.length > 0);
  }

  #find(path: readonly string[]): AnyActorRef | undefined {
    let at: AnyActorRef | undefined = this.#root;
    for (const id of path) at = (at?.getSnapshot() as Machine | undefined)?.children?.[id];
    return at;
  }
}

const inert = {
  transition: (snapshot: unknown) => snapshot,
  getInitialSnapshot: () => ({ status: "active", output: undefined, error: undefined }),
  getPersistedSnapshot: (snapshot: unknown) => snapshot,
};
