// Whether a system has come to rest, and if not, who waits for whom.

import type { Cell } from "../runtime/kernel/cell.ts";
import type { Flight } from "../runtime/kernel/flight.ts";
import { at, type Operation, Request } from "../runtime/kernel/operation.ts";
import type { Ref } from "../runtime/kernel/protocol.ts";
import type { ActorSystem } from "../runtime/kernel/system.ts";
import type { System } from "../runtime/kernel/verbs.ts";
import { actors } from "../runtime/sim/injection.ts";
import { flights, type Wait, waiting, waitText } from "../runtime/sim/waits.ts";
import { listed, type Verdict } from "./verdict.ts";

export interface QuiescentOptions {
  /** Actors that may have something left, such as probes that are waited for. */
  readonly except?: Iterable<Ref<unknown>> | undefined;
}

/** What an actor has not finished. */
interface Unfinished {
  readonly path: string;
  readonly queued: number;
  readonly running: number;
  readonly held: number;
  readonly waitingForRoom: number;
}

export type Quiescence = Verdict<{ left: readonly Unfinished[]; transit: number }>;

/**
 * Checks that nothing is under way: no message is queued, in flight, held, waiting for room or on its way.
 *
 * Promises: timers and sleeps outside of messages are no messages, and neither is a reply on its way. Inside a handler
 * nothing is ever quiet.
 * Cost: a walk over every actor and every waiting message.
 * Example: `await runUntilIdle(); expect(quiescent(system)).toMatchObject({ ok: true })`.
 */
export function quiescent(system: System, options: QuiescentOptions = {}): Quiescence {
  const except = new Set(options.except);
  const left = actors((system as ActorSystem).core).flatMap(({ ref, path }) => {
    const { queued, running, held, waitingForRoom } = system.census(ref);
    const isQuiet = queued + running + held + waitingForRoom === 0;
    return isQuiet || except.has(ref) ? [] : [{ path, queued, running, held, waitingForRoom }];
  });
  const { transit } = system.census();
  const now = `at ${system.now()} ms`;
  if (left.length === 0 && transit === 0) return { ok: true, text: `Quiet ${now}.` };
  const lines = left.map(({ path, ...counts }) => `${path}: ${countsText(Object.entries(counts))}`);
  if (transit > 0) lines.push(`on their way: ${transit}`);
  return { ok: false, left, transit, text: listed(`Not quiet ${now}`, lines) };
}

function countsText(counts: readonly (readonly [string, number])[]): string {
  return counts.flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : [])).join(", ");
}

export interface Stuck {
  /** Of each message in flight or held, and each ask from outside, what it waits for. */
  readonly waits: readonly Wait[];
  /** Paths from one actor round to itself, forwarders included, of those that can not go on any more. */
  readonly cycle: readonly string[] | undefined;
  readonly text: string;
}

/**
 * Says who waits for whom at this moment.
 *
 * Promises: a cycle is one by the rule of A7, of which nobody in it can go on unless a deadline or a crash ends a wait. A
 * handler that also sleeps, or one of whose asks may still be begun or answered, is in none. Unlike the runtime's own
 * search it has no bound, and finds those that have no ask to withdraw; whom a holder waits for is what it relayed, or
 * else what it said to `hold(on)`.
 * Cost: a walk over every actor, and for each ask over the handlers of its receiver.
 */
export function stuck(system: System): Stuck {
  const { core } = system as ActorSystem;
  const waits = waiting(core);
  const cycle = cycleOf(blocked(flights(core)));
  if (waits.length === 0) return { waits, cycle, text: "Nobody waits." };
  const lines = listed("Waiting", waits.map(waitText));
  return { waits, cycle, text: cycle === undefined ? lines : `${lines}\nA circle: ${cycle.join(" → ")}` };
}

/** On the way to `flight`, which has to end first: forwarders and the receiver, itself the last. */
interface Step {
  readonly flight: Flight;
  readonly through: readonly Cell[];
}

/** Those that wait for nothing but each other: each step leads to one of them. Whoever can go on frees all behind it. */
function blocked(all: readonly Flight[]): Map<Flight, Step[]> {
  const steps = new Map<Flight, Step[]>();
  const behind = new Map<Flight, Flight[]>(all.map((flight) => [flight, []]));
  const open: Flight[] = [];
  for (const flight of all) {
    const found = stepsOf(flight);
    // One that runs at this moment, or in another system, is not among them.
    if (found?.every((step) => behind.has(step.flight)) !== true) open.push(flight);
    else {
      steps.set(flight, found);
      for (const step of found) behind.get(step.flight)?.push(flight);
    }
  }
  for (let one = open.pop(); one !== undefined; one = open.pop())
    for (const flight of behind.get(one) ?? []) if (steps.delete(flight)) open.push(flight);
  return steps;
}

/** Undefined when it may go on by itself. */
function stepsOf(flight: Flight): Step[] | undefined {
  if (flight.first === undefined) return flight.pending ? undefined : flatten((flight.on ?? []).map(stepsTo));
  const found: (Step[] | undefined)[] = [];
  for (let one: Operation | undefined = flight.first; one !== undefined; one = one.next)
    found.push(one instanceof Request ? stepsFor(one) : undefined);
  return flatten(found);
}

function stepsFor({ state, to, details, flight }: Request): Step[] | undefined {
  const via = details?.via ?? [];
  if (state === at.queued || state === at.waiting)
    return stepsTo(to)?.map((step) => ({ ...step, through: [...via, ...step.through] }));
  if (flight === undefined || (state !== at.running && state !== at.held)) return undefined;
  return [{ flight, through: [...via, to] }];
}

/** An actor blocks its queue when it has no free slot and all its handlers in flight wait. */
function stepsTo(cell: Cell): Step[] | undefined {
  if (cell.life !== "up" || cell.free) return undefined;
  const steps: Step[] = [];
  for (let flight = cell.self.flight; flight !== undefined; flight = flight.nextFlight)
    steps.push({ flight, through: [cell] });
  return steps.length === cell.running ? steps : undefined;
}

/** Of a holder that said nothing nothing is known. */
function flatten(found: readonly (Step[] | undefined)[]): Step[] | undefined {
  return found.length === 0 || found.includes(undefined) ? undefined : found.flatMap((steps) => steps ?? []);
}

/** Along the first step of each: as each leads to another, one has to come again. */
function cycleOf(steps: ReadonlyMap<Flight, readonly Step[]>): string[] | undefined {
  const walked = new Map<Flight, readonly Cell[]>();
  let [flight] = steps.keys();
  while (flight !== undefined && !walked.has(flight)) {
    const step: Step | undefined = steps.get(flight)?.[0];
    walked.set(flight, step?.through ?? []);
    flight = step?.flight;
  }
  if (flight === undefined) return undefined;
  const round = [...walked.values()].slice([...walked.keys()].indexOf(flight));
  return [flight.cell, ...round.flat()].map(({ path }) => path);
}
