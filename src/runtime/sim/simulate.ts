// The entrance to simulation: a body of the user's, as the handler of the root, in a world of its own.

import { InvalidOption } from "../kernel/failure.ts";
import { oneOf, whole } from "../kernel/options.ts";
import type { Duration } from "../kernel/protocol.ts";
import type { System, SystemEvent } from "../kernel/verbs.ts";
import type { ExploredWorld } from "./explored.ts";
import type { Leak } from "./failure.ts";
import type { Fault } from "./fault.ts";
import type { FaultReport, Journal } from "./injection.ts";
import type { Latencies } from "./link.ts";
import { Run } from "./run.ts";
import { exploringOf, RecordedSchedule, type Schedule } from "./schedule.ts";
import type { TraceEntry } from "./trace.ts";

export interface SimulateOptions<B = undefined> {
  /** Of all draws; 1 by default. */
  readonly seed?: number | undefined;
  /** Of the system; `"sim"` by default. */
  readonly name?: string | undefined;
  /** What happens to payloads and answers on their way; `"freeze"` by default. */
  readonly isolation?: "share" | "freeze" | "clone" | undefined;
  /** How long messages and replies travel, by link; without it they are there at once. */
  readonly latency?: Latencies | undefined;
  readonly faults?: readonly Fault[] | undefined;
  /** In which order things happen, instead of the order of posting. None with `twice`. */
  readonly schedule?: Schedule | undefined;
  /** Starts the actors: before the body, and again after each power failure. What it gives is `world.booted`. */
  readonly boot?: ((system: System) => B) | undefined;
  /** What a power failure leaves a part of. None with `twice`: the second run would find what the first one wrote. */
  readonly journals?: readonly Journal[] | undefined;
  /** Stops whoever uses a clock, a timer, a draw or a promise from outside; false by default. */
  readonly strict?: boolean | undefined;
  /** Runs the body twice and compares: finds state that is shared between runs; false by default. */
  readonly twice?: boolean | undefined;
  /** What is kept of what happened: `"full"` by default; `"hash"` keeps no entries, `"off"` not even a hash. */
  readonly trace?: "full" | "hash" | "off" | undefined;
  /** Entries that a full trace keeps, the first ones; 100,000 by default. */
  readonly traceLimit?: number | undefined;
  /** Events that may be fired; 10,000,000 by default. */
  readonly steps?: number | undefined;
  /** Gets every event but starts and ends of actors, as it happens; nobody by default. */
  readonly report?: ((event: SystemEvent) => void) | undefined;
}

/** What the body is given. Its methods are bound. */
export interface SimulatedWorld<B = undefined> {
  readonly system: System;
  /** What `boot` gave, the last time. */
  readonly booted: B;
  /** Lets so much virtual time pass. */
  run(duration: Duration): Promise<void>;
  /** Goes on until nothing is left to happen but what `every` timers set off. */
  runUntilIdle(): Promise<void>;
  /** Fires one event. False when there was none. */
  step(): Promise<boolean>;
  /** Has `look` called after each event and all that it set off. What it throws ends the run. */
  onStep(look: () => void): void;
  /** Virtual time in ms. */
  now(): number;
  /** A stream of draws in [0, 1) of this name; with a key, one that depends on nothing but seed, name and key. */
  random(name: string, key?: string | number): () => number;
  /** Adds a fault. Fails: InvalidOption. */
  inject(fault: Fault): void;
  /**
   * Ends all faults at these actors and between any two of them, for good; of all actors by default. Between them and
   * the others, and at the others, things stay as they are. In paths `*` stands for any characters. Fails: InvalidOption.
   */
  heal(paths?: readonly string[]): void;
  /** Events fired so far. */
  readonly steps: number;
  /** Events after which promise jobs had to be waited for; 0 in a run that uses none. */
  readonly barriers: number;
}

export interface Simulation<T> {
  /** What the body gave. */
  readonly value: T;
  readonly seed: number;
  readonly trace: readonly TraceEntry[];
  /** Equal for equal runs (W1). Undefined for a run that is not reproducible, and with `trace: "off"`. */
  readonly hash: string | undefined;
  readonly steps: number;
  readonly barriers: number;
  /** Virtual time at the end, in ms. */
  readonly endedMs: number;
  /** The first thousand events that should not go unnoticed: crashes, dead letters, bounds. */
  readonly events: readonly SystemEvent[];
  readonly faults: readonly FaultReport[];
  /** Why the run can not be repeated, if it can not. */
  readonly leaks: readonly Leak[];
}

/**
 * Runs `body` in a world of virtual time, in which the same actors as live, unchanged, do hours in milliseconds.
 *
 * The body is the handler of the root actor: while it awaits something of its world, the world goes on, one event after
 * the other, and virtual time advances when nothing else is left to do. When the body ends, the run ends.
 *
 * Promises: equal seeds and options give equal traces and hashes (W1). The host is given its turn every 4,096 events or
 * 8 ms, whichever comes first as seen every 64 events, and nothing in the run depends on it.
 * Fails: what the body throws; InvalidOption; NotReproducible (`strict`, `twice`); Stalled, when the body waits for what
 * can not come; StepsExhausted.
 */
export async function simulate<T, B = undefined>(
  options: SimulateOptions<B>,
  body: (world: SimulatedWorld<B>) => T | PromiseLike<T>,
): Promise<Simulation<T>> {
  checkOptions(options);
  if (typeof body !== "function") throw new InvalidOption("body", body, "a function of the simulated world");
  if (options.schedule !== undefined) return await scheduled(options, options.schedule, body);
  if (options.twice !== true) return await new Run(options).play(body);
  const first = await new Run(options).play(body);
  return await new Run(options, first).play(body);
}

async function scheduled<T, B>(
  options: SimulateOptions<B>,
  schedule: Schedule,
  body: (world: SimulatedWorld<B>) => T | PromiseLike<T>,
): Promise<Simulation<T>> {
  const run = new Run(options, undefined, exploringOf(schedule));
  try {
    return await run.play(body);
  } finally {
    if (schedule instanceof RecordedSchedule) schedule.record(run.explored as ExploredWorld);
  }
}

const known = [
  "seed",
  "name",
  "isolation",
  "latency",
  "faults",
  "schedule",
  "boot",
  "journals",
  "strict",
  "twice",
  "trace",
  "traceLimit",
  "steps",
  "report",
];

function checkOptions<B>(options: SimulateOptions<B>): void {
  const expect = (option: keyof SimulateOptions, is: boolean, allowed: string) => {
    if (!is) throw new InvalidOption(option, options[option], allowed);
  };
  for (const option of Object.keys(options))
    if (!known.includes(option)) throw new InvalidOption(option, "an unknown option", known.join(", "));
  const { seed = 1, name = "sim", latency = {}, faults = [], boot, journals = [], strict, twice, report } = options;
  expect("seed", Number.isSafeInteger(seed), "a whole number");
  expect("name", typeof name === "string" && name !== "", "a text that is not empty");
  expect("latency", typeof latency === "object" && latency !== null, "an object of links and how long they take");
  expect("faults", Array.isArray(faults), "a list of faults");
  expect("boot", boot === undefined || typeof boot === "function", "a function that starts the actors");
  const isJournal = (one: Journal | undefined) => typeof one?.keepPrefix === "function";
  expect("journals", Array.isArray(journals) && journals.every(isJournal), "a list of objects with keepPrefix");
  for (const [option, found] of Object.entries({ strict, twice }))
    if (found !== undefined && typeof found !== "boolean") throw new InvalidOption(option, found, "true or false");
  expect("report", report === undefined || typeof report === "function", "a function");
  whole("steps", options.steps, 1, 1);
  whole("traceLimit", options.traceLimit, 0, 0);
  const trace = oneOf("trace", options.trace, ["full", "hash", "off"]);
  expect("trace", twice !== true || trace === "full", '"full" with twice: two traces are compared');
  expect("schedule", twice !== true || options.schedule === undefined, "none with twice");
  expect("journals", twice !== true || journals.length === 0, "none with twice: they outlive the first run");
}
