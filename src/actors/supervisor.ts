// Children by specification, as in OTP, on top of the runtime's own supervision.
// Source of the rules: Erlang/OTP, supervisor. Departures stand at `supervisor`.

import { milliseconds } from "../runtime/kernel/duration.ts";
import { ChildFailed, type Failure, InvalidOption, Refusal, UnknownMessage } from "../runtime/kernel/failure.ts";
import { checkName, configure, oneOf, whole } from "../runtime/kernel/options.ts";
import { type Duration, type Message, type Ref, type Reply, receive } from "../runtime/kernel/protocol.ts";
import type { Make, Self, SpawnOptions } from "../runtime/kernel/verbs.ts";
import { type Front, functionOf, known } from "./front.ts";

export interface ChildSpec {
  /** Unlike its siblings'; its name in the tree. */
  id: string;
  start: Make<object>;
  /**
   * `permanent` (default): runs again, however it ended. `transient`: unless it stopped by itself. `temporary`: never, and
   * its specification goes with it.
   */
  restart?: "permanent" | "transient" | "temporary" | undefined;
  /** How long its handlers in flight, and then dispose, may take when it is stopped; `"5s"` by default. */
  shutdown?: Duration | "brutal-kill" | undefined;
  /** How it is spawned; its budget of restarts is the supervisor's. */
  options?: Omit<SpawnOptions, "name" | "supervision"> & {
    supervision?: Pick<NonNullable<SpawnOptions["supervision"]>, "backoff" | "onAskError"> | undefined;
  };
}

export interface SupervisorOptions {
  /** Who restarts when a child crashes; `"one-for-one"` by default. */
  strategy?: "one-for-one" | "one-for-all" | "rest-for-one" | undefined;
  /** Started in this order, stopped in the reverse one. */
  children?: readonly ChildSpec[] | undefined;
  /** Restarts within `period`, of all children together, before the supervisor gives up; 1 by default. */
  intensity?: number | undefined;
  /** `"5s"` by default. */
  period?: Duration | undefined;
}

/** A child as {@link Supervisor.which} lists it. */
export interface Child {
  readonly id: string;
  /** Undefined while it is terminated. */
  readonly ref: Ref<unknown> | undefined;
  readonly restart: "permanent" | "transient" | "temporary";
}

/** What a supervisor can not do, and why. */
export class ChildRefused extends Refusal {
  readonly _tag = "ChildRefused";
  readonly id: string;
  readonly reason: "no such child" | "already there" | "running" | "terminating";

  constructor(id: string, reason: ChildRefused["reason"]) {
    super(`The child ${id}: ${reason}.`);
    this.id = id;
    this.reason = reason;
  }
}

/** The messages of a {@link supervisor}. */
export interface Supervisor {
  /** In the order in which they were added. */
  which(): readonly Child[];
  countChildren(): { readonly specs: number; readonly active: number };
  /** Adds a child and starts it. */
  startChild(spec: ChildSpec): Reply<Ref<unknown>, ChildRefused>;
  /** Stops a child and keeps its specification; of a temporary one nothing. Answers when it has ended. */
  terminateChild(id: string): Reply<void, ChildRefused>;
  /** Starts a child that is terminated. */
  restartChild(id: string): Reply<Ref<unknown>, ChildRefused>;
  /** Forgets a child that is terminated. */
  deleteChild(id: string): Reply<void, ChildRefused>;
}

/**
 * Starts children in their order, keeps them running, and stops them in the reverse order. They are below its own child
 * `group`, which has the strategy.
 *
 * Promises: as OTP's supervisor, except that a child which crashes restarts in place: its ref stays valid, its mailbox is
 * kept. More than `intensity` restarts within `period`, and the supervisor itself crashes, with all its children; what
 * then happens its own `supervision` says.
 * Differs from OTP: a child that stopped by itself and is permanent is started alone, with a new ref, whatever the
 * strategy, and is then the last in the order of `rest-for-one`, as one of `restartChild` is. `one-for-all` and
 * `rest-for-one` restart temporary siblings as well. A child whose factory fails at the
 * first start is tried again, within the intensity.
 * Fails: InvalidOption. The asker with ChildRefused.
 * Example: `system.spawn(supervisor({ strategy: "rest-for-one", children: [{ id: "db", start: db }] }), { name: "top" })`.
 */
export function supervisor(options: SupervisorOptions = {}): Make<Front<Supervisor>> {
  known(options, ["strategy", "children", "intensity", "period"]);
  const strategy = oneOf("strategy", options.strategy, ["one-for-one", "one-for-all", "rest-for-one"]);
  const { children = [] } = options;
  const ids = new Set<string>();
  for (const spec of children) {
    checkSpec(spec);
    if (ids.has(spec.id)) throw new InvalidOption("id", spec.id, "an id that no other child has");
    ids.add(spec.id);
  }
  const budget: Budget = {
    isGrouped: strategy !== "one-for-one",
    intensity: whole("intensity", options.intensity, 1, 0),
    periodMs: milliseconds("period", options.period ?? "5s"),
  };
  return (self) => {
    const group = self.spawn((own) => new Group(own, children, budget), {
      name: "group",
      children: { strategy },
      supervision: { onCrash: "escalate" },
    });
    return { [receive]: (m) => m.forward(group) };
  };
}

interface Budget {
  /** One crash restarts several children, the last one among them. */
  readonly isGrouped: boolean;
  readonly intensity: number;
  readonly periodMs: number;
}

interface Entry {
  readonly spec: ChildSpec;
  ref: Ref<unknown> | undefined;
  /** Its present incarnation. */
  self: Self | undefined;
  starts: number;
  /** Its place in the order in which the children were started. */
  place: number;
  /** Waiting until it has ended; undefined while it is to run. */
  terminating: Message[] | undefined;
}

/** Fails: InvalidOption. */
function checkSpec(spec: ChildSpec): void {
  known(spec, ["id", "start", "restart", "shutdown", "options"], "child");
  checkName(spec.id);
  functionOf("start", spec.start, "a function that makes the child's object");
  oneOf("restart", spec.restart, ["permanent", "transient", "temporary"]);
  const { options = {} } = spec;
  known(options, ["messages", "concurrency", "mailbox", "supervision", "children"], "options");
  if (options.supervision !== undefined) known(options.supervision, ["backoff", "onAskError"], "options.supervision");
  configure(spawnOptionsOf(spec));
}

function spawnOptionsOf({ id, restart, shutdown = "5s", options }: ChildSpec): SpawnOptions {
  return {
    ...options,
    name: id,
    supervision: {
      ...options?.supervision,
      onCrash: restart === "temporary" ? "stop" : "restart",
      maxRestarts: Number.POSITIVE_INFINITY,
      settleWithin: shutdown === "brutal-kill" ? 0 : shutdown,
    },
  };
}

class Group implements Front<Supervisor> {
  readonly #self: Self;
  readonly #budget: Budget;
  readonly #children = new Map<string, Entry>();
  /** World times of restarts in the current period. */
  #restarts: number[] = [];
  #places = 0;

  constructor(self: Self, specs: readonly ChildSpec[], budget: Budget) {
    this.#self = self;
    this.#budget = budget;
    for (const spec of specs) this.#start(this.#add(spec));
  }

  [receive](m: Message<Supervisor>): void {
    switch (m.type) {
      case "which":
        m.answer([...this.#children.values()].map(childOf));
        return;
      case "countChildren":
        m.answer({
          specs: this.#children.size,
          active: [...this.#children.values()].filter(({ ref }) => ref !== undefined).length,
        });
        return;
      case "startChild":
        this.#startChild(m, m.payload as ChildSpec);
        return;
      case "terminateChild":
        this.#terminateChild(m, m.payload as string);
        return;
      case "restartChild":
      case "deleteChild":
        this.#terminated(m, m.payload as string);
        return;
      default:
        m.refuse(unknown(this.#self, m.type));
    }
  }

  #startChild(m: Message, spec: ChildSpec): void {
    try {
      checkSpec(spec);
    } catch (error) {
      // The mistake is the asker's: it is no crash of everyone here.
      m.refuse(new ChildRejected(error));
      return;
    }
    if (this.#children.has(spec.id)) m.refuse(new ChildRefused(spec.id, "already there"));
    else m.answer(this.#start(this.#add(spec)));
  }

  #terminateChild(m: Message, id: string): void {
    const entry = this.#children.get(id);
    if (entry === undefined) m.refuse(new ChildRefused(id, "no such child"));
    else if (entry.ref === undefined) m.answer(undefined);
    else {
      m.hold([entry.ref]);
      if (entry.terminating !== undefined) entry.terminating.push(m);
      else {
        entry.terminating = [m];
        entry.self?.stop();
      }
    }
  }

  #terminated(m: Message, id: string): void {
    const entry = this.#children.get(id);
    if (entry === undefined) m.refuse(new ChildRefused(id, "no such child"));
    else if (entry.ref !== undefined)
      m.refuse(new ChildRefused(id, entry.terminating === undefined ? "running" : "terminating"));
    else if (m.type === "restartChild") m.answer(this.#start(entry));
    else {
      this.#children.delete(id);
      m.answer(undefined);
    }
  }

  #add(spec: ChildSpec): Entry {
    const entry: Entry = { spec, ref: undefined, self: undefined, starts: 0, place: 0, terminating: undefined };
    this.#children.set(spec.id, entry);
    return entry;
  }

  #start(entry: Entry): Ref<unknown> {
    const { start } = entry.spec;
    entry.starts = 0;
    entry.place = ++this.#places;
    const ref = this.#self.spawn((self) => {
      entry.self = self;
      if (++entry.starts > 1) this.#restarted(entry);
      // It was between two incarnations when it was terminated.
      if (entry.terminating !== undefined) self.stop();
      return start(self);
    }, spawnOptionsOf(entry.spec));
    entry.ref = ref;
    this.#self.watch(ref, ({ reason }) => this.#ended(entry, reason));
    return ref;
  }

  #ended(entry: Entry, reason: "stopped" | "failed"): void {
    const { spec, terminating } = entry;
    const { restart = "permanent" } = spec;
    entry.ref = undefined;
    entry.self = undefined;
    entry.terminating = undefined;
    if (restart === "temporary") this.#children.delete(spec.id);
    for (const m of terminating ?? []) m.answer(undefined);
    if (terminating !== undefined || restart === "temporary") return;
    if (restart === "transient" && reason === "stopped") return;
    this.#spend(spec.id);
    this.#start(entry);
  }

  /** Called by the factory of a child. Of a group that restarts together, the last child counts. */
  #restarted(entry: Entry): void {
    if (this.#budget.isGrouped && entry !== this.#last()) return;
    try {
      this.#spend(entry.spec.id);
    } catch (error) {
      // It is the supervisor's crash, and not the child's.
      this.#self.after(0, () => {
        throw error;
      });
    }
  }

  #last(): Entry | undefined {
    let last: Entry | undefined;
    for (const one of this.#children.values()) if (one.ref !== undefined && one.place > (last?.place ?? 0)) last = one;
    return last;
  }

  /** Fails: ChildFailed, when there were too many. */
  #spend(id: string): void {
    const { intensity, periodMs } = this.#budget;
    const nowMs = this.#self.now();
    this.#restarts = this.#restarts.filter((atMs) => atMs >= nowMs - periodMs);
    this.#restarts.push(nowMs);
    if (this.#restarts.length > intensity)
      throw new ChildFailed(`${this.#self.path}/${id}`, `more than ${intensity} restarts within ${periodMs} ms`);
  }
}

/** A child specification that can not be used. `cause` says why. */
class ChildRejected extends Refusal {
  readonly _tag = "ChildRejected";

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function childOf({ spec, ref }: Entry): Child {
  return { id: spec.id, ref, restart: spec.restart ?? "permanent" };
}

function unknown(self: Self, type: string): Failure {
  return new UnknownMessage(
    `${self.path} has no message ${type}. It takes: which, countChildren, startChild, terminateChild, restartChild, deleteChild.`,
    "not-started",
  );
}
