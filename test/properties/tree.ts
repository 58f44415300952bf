// Generated programs: a tree of actors, and messages that travel through it, crash, stop and restart what they meet.
// Each put and each start is written down, by index and not by path: an actor that was started again under its former
// name counts as the same one.

import { type Message, type Ref, Refusal, receive, type Self, type SpawnOptions } from "antiphon";
import fc from "fast-check";
import type { Kit } from "../conformance/world.ts";

interface Node {
  /** Index of the parent, -1 for a child of the root; always below its own. */
  readonly parent: number;
  /** `receive`: takes its messages through [receive], and can forward. */
  readonly kind: "plain" | "receive";
  readonly concurrency: number;
  readonly capacity: number;
  readonly overflow: "turn-away" | "drop-oldest" | "drop-newest";
  /** `equal`: by priority, and all messages have the same. */
  readonly order: "fifo" | "equal";
  readonly onCrash: "restart" | "resume" | "stop" | "escalate";
  readonly strategy: "one-for-one" | "one-for-all" | "rest-for-one";
}

/** What a handler does with one message. */
export interface Job {
  /** First each of these is put, in order; then the end comes. */
  readonly puts: readonly Put[];
  /** Whether the end comes after a moment in which others may run. */
  readonly wait: "no" | "job" | "sleep";
  readonly end: "answer" | "refuse" | "crash" | "stop";
}

export interface Put {
  readonly verb: "tell" | "offer" | "ask" | "forward";
  readonly to: number;
  /** Asks and offers: whether the next put waits for it. */
  readonly awaited: boolean;
  readonly job: Job;
}

interface Step {
  readonly puts: readonly Put[];
  /** How far the system gets before the next step. */
  readonly then: "at once" | "a breath" | "idle";
}

export interface Program {
  readonly nodes: readonly Node[];
  readonly steps: readonly Step[];
  /** How long asks and offers wait. */
  readonly within: number;
}

/** The outside's index. */
export const outside = -1;

export interface Limits {
  readonly capacities: readonly number[];
  readonly overflows: readonly Node["overflow"][];
  readonly ends: fc.Arbitrary<Job["end"]>;
  readonly verbs: readonly Put["verb"][];
  readonly within: number;
}

const anyEnd = fc.oneof(
  { weight: 24, arbitrary: fc.constant("answer" as const) },
  { weight: 1, arbitrary: fc.constant("refuse" as const) },
  { weight: 2, arbitrary: fc.constant("crash" as const) },
  { weight: 1, arbitrary: fc.constant("stop" as const) },
);

export const anything: Limits = {
  capacities: [0, 1, 3, 1_000],
  overflows: ["turn-away", "turn-away", "drop-oldest", "drop-newest"],
  ends: anyEnd,
  verbs: ["tell", "tell", "offer", "ask", "forward"],
  within: 300,
};

export function programs(limits: Limits): fc.Arbitrary<Program> {
  return fc.integer({ min: 2, max: 8 }).chain((size) =>
    fc.record({
      nodes: fc
        .array(node(limits), { minLength: size, maxLength: size })
        .map((drawn) => flattened(drawn.map((one, i) => ({ ...one, parent: (one.parent % (i + 1)) - 1 })))),
      steps: fc.array(step(size, limits), { minLength: 1, maxLength: 8, size: "max" }),
      within: fc.constant(limits.within),
    }),
  );
}

function node({ capacities, overflows }: Limits): fc.Arbitrary<Node> {
  return fc.record({
    parent: fc.nat({ max: 7 }),
    kind: fc.constantFrom("plain", "plain", "receive"),
    concurrency: fc.constantFrom(1, 1, 2, Number.POSITIVE_INFINITY),
    capacity: fc.constantFrom(...capacities),
    overflow: fc.constantFrom(...overflows),
    order: fc.constantFrom("fifo", "fifo", "equal"),
    onCrash: fc.constantFrom("restart", "restart", "resume", "stop", "escalate"),
    strategy: fc.constantFrom("one-for-one", "one-for-all", "rest-for-one"),
  });
}

/** Trees are at most three deep. */
function flattened(nodes: readonly Node[]): Node[] {
  const depth = (i: number): number => (i < 0 ? 0 : 1 + depth(nodes[i]?.parent ?? -1));
  return nodes.map((one, i) => (depth(i) > 3 ? { ...one, parent: -1 } : one));
}

function step(size: number, limits: Limits): fc.Arbitrary<Step> {
  return fc.record({
    puts: fc.array(put(size, limits, 3), { minLength: 1, maxLength: 12, size: "max" }),
    then: fc.constantFrom("at once", "a breath", "idle"),
  });
}

function put(size: number, limits: Limits, depth: number): fc.Arbitrary<Put> {
  return fc.record({
    verb: fc.constantFrom(...limits.verbs),
    to: fc.nat({ max: size - 1 }),
    awaited: fc.boolean(),
    job: fc.record({
      puts: depth === 0 ? fc.constant([]) : fc.array(put(size, limits, depth - 1), { maxLength: 3 }),
      wait: fc.constantFrom("no", "no", "no", "job", "sleep"),
      end: limits.ends,
    }),
  });
}

class No extends Refusal {
  readonly _tag = "No";
}

/** One put of one message, and what became of it. A forwarded message is put again. */
export interface Entry {
  /** Where it stands in the program: the same in each run of it. */
  readonly label: string;
  readonly verb: Put["verb"];
  readonly by: number;
  readonly to: number;
  /** What the putter of an ask or offer got: `"ok"` or the tag of the failure. */
  outcome: string | undefined;
}

/** One line of an actor's own log. */
export interface Line {
  readonly text: string;
  /** Depends on all that this incarnation did before. */
  readonly state: number;
}

/** A message: who starts it finds in it what to do, and which put brought it. A forward changes both. */
interface Parcel {
  job: Job;
  entry: number;
  forwarded: boolean;
}

interface Handlers {
  run(parcel: Parcel): unknown;
}

/** The books of one run of a program. */
export class Run {
  readonly puts: Entry[] = [];
  /** Starts in order: the receiver and the number of the put. */
  readonly starts: { readonly at: number; readonly entry: number }[] = [];
  /** How often each actor's factory ran. */
  readonly factories: number[];
  /** What each actor saw itself, in order. */
  readonly logs: readonly Line[][];
  readonly #program: Program;
  readonly #kit: Kit;
  readonly #refs: Ref<Handlers>[] = [];

  constructor(program: Program, kit: Kit) {
    this.#program = program;
    this.#kit = kit;
    this.factories = program.nodes.map(() => 0);
    this.logs = program.nodes.map(() => []);
    this.#spawnBelow(outside, kit.system);
  }

  /** Runs all steps, then until nothing is left to do; `check` is called after each step. */
  async steps(check: () => void): Promise<void> {
    for (const [i, { puts, then }] of this.#program.steps.entries()) {
      puts.forEach((one, k) => void this.#put(outside, this.#kit.system, one, `${i}.${k}`));
      check();
      if (then === "a breath") await this.#kit.breathe();
      if (then === "idle") await this.#kit.idle();
      check();
    }
    await this.#kit.idle();
    // A reply to a handler that has returned is no message: idle does not wait for its turn.
    await this.#kit.breathe();
    check();
  }

  #spawnBelow(parent: number, verbs: Pick<Self, "spawn">): void {
    this.#program.nodes.forEach((node, i) => {
      if (node.parent === parent) this.#refs[i] = verbs.spawn((self) => this.#make(i, self), optionsOf(node, i));
    });
  }

  #make(i: number, self: Self): Handlers {
    this.factories[i] = (this.factories[i] ?? 0) + 1;
    this.#spawnBelow(i, self);
    const run = (parcel: Parcel, message?: Message<Handlers>) => this.#handle(i, self, parcel, message);
    if (this.#program.nodes[i]?.kind === "plain") return { run: (parcel: Parcel) => run(parcel) };
    const receiver = { [receive]: (m: Message<Handlers>) => run(m.payload as Parcel, m) };
    return receiver as unknown as Handlers;
  }

  #handle(i: number, self: Self, parcel: Parcel, message: Message<Handlers> | undefined): unknown {
    this.starts.push({ at: i, entry: parcel.entry });
    parcel.forwarded = false;
    const { puts, wait, end } = parcel.job;
    const label = this.puts[parcel.entry]?.label;
    this.logs[i]?.push({ text: `${label} in ${this.factories[i]} of ${self.path}`, state: self.random() });
    const rest = puts.findIndex(({ verb, awaited }) => awaited && verb !== "tell" && verb !== "forward");
    // Synchronous as far as it can be: both kinds of handler are met.
    if (wait === "no" && rest < 0) {
      puts.forEach((one, k) => void this.#put(i, self, one, `${label}.${k}`, message, parcel));
      return finish(self, end);
    }
    return (async () => {
      for (const [k, one] of puts.entries()) {
        const done = this.#put(i, self, one, `${label}.${k}`, message, parcel);
        if (one.awaited) await done;
        else void done;
      }
      if (wait === "job") await undefined;
      if (wait === "sleep") await self.sleep(1);
      return finish(self, end);
    })();
  }

  /** Writes the put down, then puts. The promise never rejects. */
  #put(
    by: number,
    self: Pick<Self, "tell" | "offer" | "ask">,
    { verb, to, job }: Put,
    label: string,
    message?: Message<Handlers>,
    carried?: Parcel,
  ): Promise<void> | undefined {
    const ref = this.#refs[to];
    if (ref === undefined) return undefined;
    const entry: Entry = { label, verb, by, to, outcome: undefined };
    const number = this.puts.push(entry) - 1;
    if (verb === "forward" && message !== undefined && carried?.forwarded === false) {
      carried.forwarded = true;
      carried.job = job;
      carried.entry = number;
      message.forward(ref);
      return undefined;
    }
    const parcel: Parcel = { job, entry: number, forwarded: false };
    const { within } = this.#program;
    if (verb === "tell" || verb === "forward") {
      self.tell(ref).run(parcel);
      return undefined;
    }
    const done: Promise<unknown> =
      verb === "ask" ? self.ask(ref, { within }).run(parcel) : self.offer(ref, { within }).run(parcel);
    const end = (outcome: string) => {
      entry.outcome = outcome;
      this.logs[by]?.push({ text: `${label} ${outcome}`, state: 0 });
    };
    return done.then(
      () => end("ok"),
      (error: unknown) => end((error as { _tag: string })._tag),
    );
  }
}

function finish(self: Self, end: Job["end"]): unknown {
  if (end === "crash") throw new Error("planted");
  if (end === "refuse") return new No("planted");
  if (end === "stop") self.stop();
  return undefined;
}

function optionsOf({ concurrency, capacity, overflow, order, onCrash, strategy }: Node, i: number): SpawnOptions {
  return {
    name: `a${i}`,
    concurrency,
    mailbox: { capacity, overflow, order: order === "fifo" ? order : { priority: () => 0 } },
    supervision: { onCrash, settleWithin: "20ms" },
    children: { strategy },
  };
}
