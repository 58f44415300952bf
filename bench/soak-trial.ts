// What the soak plays: a random program, or a protocol of the zoo, with what may go wrong, and what has to hold after each
// run. All of it comes from a number or a name, so that a token can say it.

import { InvalidOption, type System, type SystemEvent } from "antiphon";
import fc from "fast-check";
import { Waiting } from "../src/runtime/sim/channels.ts";
import { type Choice, oldestOf, type Strategy } from "../src/runtime/sim/choice.ts";
import { type Body, Explorer, type How, type Plan, type Played } from "../src/runtime/sim/explorer.ts";
import type { TimeMode } from "../src/runtime/sim/exploring.ts";
import { crash } from "../src/runtime/sim/fault.ts";
import type { Latencies } from "../src/runtime/sim/link.ts";
import { pairsOf, totalPairsOf } from "../src/runtime/sim/schedule.ts";
import type { SimulatedWorld } from "../src/runtime/sim/simulate.ts";
import type { Swarm } from "../src/runtime/sim/swarm.ts";
import { conserved } from "../src/testing/conserved.ts";
import { compared } from "../src/testing/isolated.ts";
import { quiescent } from "../src/testing/quiet.ts";
import { anything, type Entry, outside, type Program, type Put, programs, Run } from "../test/properties/tree.ts";
import { zoo } from "../test/zoo/all.ts";

/** What a token keeps: enough to make the trial anew, and which of its operations are left. */
export type Inputs =
  | { readonly program: number; readonly puts?: readonly string[] }
  | { readonly zoo: string; readonly operations?: readonly number[] };

export type Operations = readonly (string | number)[];

/** Something to play again and again. */
export interface Trial {
  readonly name: string;
  readonly explorer: Watched;
  /** Whatever may be left out of it. */
  readonly operations: Operations;
  bodyOf(operations: Operations): Body;
  /** Crashes one actor, and gives a run in which others were disturbed by more than messages and the tree, if any were. */
  isolates?(): Promise<{ readonly plan: Plan; readonly played: Played } | undefined>;
  inputsOf(operations: Operations): Inputs;
  /** What is played, for a reader. */
  textOf(operations: Operations): string;
}

/** What does not hold. The property stands before the colon: by it failures are told apart. */
class Broken extends Error {
  override readonly name = "Broken";
}

function demand(holds: boolean, property: string, found: () => string): void {
  if (!holds) throw new Broken(`${property}: ${found()}`);
}

/** Plays runs, and looks at each course. */
class Watched extends Explorer {
  /** Runs are noted in full, so that they can be played {@link again}. */
  takesNote = false;
  /** Of the runs that were played again, those for which the pairs of each actor were not enough. */
  inFull = 0;
  /** The last run that failed in nothing. */
  last: { readonly plan: Plan; readonly played: Played } | undefined = undefined;

  override async play(plan: Plan, strategy: Strategy, body: Body, how?: How): Promise<Played> {
    const played = await super.play(plan, strategy, body, { takesNote: this.takesNote, ...how });
    if (played.error !== undefined) return played;
    this.last = { plan, played };
    try {
      expectOrdered(played.happened);
      const { leaks = [] } = played.simulation ?? {};
      demand(leaks.length === 0, "nothing comes from outside", () =>
        leaks.map(({ path, what }) => `${path} ${what}`).join(),
      );
      return played;
    } catch (error) {
      return { ...played, error };
    }
  }

  /** In the base order, noted, also what was no choice. */
  async watch(plan: Plan, body: Body): Promise<Played> {
    return await this.play(plan, { asksAlways: true, pick: oldestOf }, body, { takesNote: true });
  }

  /** Plays the last run again by its pairs. Gives what differs, actor by actor, if something does. */
  async again(body: Body): Promise<{ readonly plan: Plan; readonly played: Played } | undefined> {
    if (this.last === undefined) return undefined;
    const { plan, played } = this.last;
    const byPairs = { ...plan, pairs: pairsOf(played) };
    const second = await super.replay(byPairs, body);
    if (second.error === undefined && firstDifference(played.happened, second.happened) === undefined) return undefined;
    this.inFull++;
    const inFull = { ...plan, pairs: totalPairsOf(played) };
    const third = await super.replay(inFull, body);
    const differs = firstDifference(played.happened, third.happened);
    if (third.error === undefined && differs === undefined) return undefined;
    const error = third.error ?? new Broken(`[W1] a run comes out the same by its pairs: ${differs}`);
    return { plan: inFull, played: { ...third, error } };
  }
}

/** D1, as it is seen from below: what starts of a channel is what stands first in it. */
function expectOrdered(happened: readonly Choice[]): void {
  const last = new Map<object, Choice>();
  for (const one of happened) {
    if (!(one instanceof Waiting)) continue;
    const before = last.get(one.channel);
    demand(
      before === undefined || before.order < one.order,
      "[D1] a channel is in order",
      () => `${one.name} after ${before?.name}`,
    );
    last.set(one.channel, one);
  }
}

/** Of what actors saw; undefined where there is none. */
function firstDifference(wanted: readonly Choice[], found: readonly Choice[]): string | undefined {
  const [ours, theirs] = [seenBy(wanted), seenBy(found)];
  for (const path of new Set([...ours.keys(), ...theirs.keys()])) {
    const [one = [], other = []] = [ours.get(path), theirs.get(path)];
    const length = Math.max(one.length, other.length);
    const at = Array.from({ length }).findIndex((_, i) => one[i] !== other[i]);
    if (at >= 0) return `event ${at + 1} of ${path} was ${one[at] ?? "none"} and is ${other[at] ?? "none"}`;
  }
  return undefined;
}

function seenBy(happened: readonly Choice[]): Map<string, string[]> {
  const seen = new Map<string, string[]>();
  for (const { cell, name } of happened) {
    const list = seen.get(cell.path);
    if (list === undefined) seen.set(cell.path, [name]);
    else list.push(name);
  }
  return seen;
}

// --- random programs -------------------------------------------------------------------------------------------------

interface Frame {
  readonly program: Program;
  readonly time: TimeMode;
  readonly latency: Latencies;
  /** When faults begin and end, in ms. */
  readonly withinMs: number;
  /** What a run may be struck by. */
  readonly strikes: readonly Strike[];
  /** Whether the system is stopped, and before which look at it. */
  readonly ending: { readonly how: "idle" | "stop" | "drain"; readonly at: number };
}

type Strike = Exclude<keyof Swarm, "most" | "within">;

const strikes: readonly Strike[] = [
  "crash",
  "restart",
  "pause",
  "slow",
  "clockOffset",
  "errors",
  "down",
  "drop",
  "duplicate",
  "delay",
  "reorder",
  "partition",
  "powerFailure",
];
const ofLinks: readonly Strike[] = ["drop", "duplicate", "delay", "reorder"];

const frames: fc.Arbitrary<Frame> = fc.record({
  program: programs(anything),
  time: fc.constantFrom("windows", "des", "async"),
  latency: fc.constantFrom<Latencies>(
    {},
    {},
    { "*>*": "1ms" },
    { "*>*": { min: "1ms", max: "5ms" } },
    { "/>*": { min: "0ms", max: "9ms" }, "*>/a*": "2ms" },
  ),
  withinMs: fc.constantFrom(4, 40, 400),
  strikes: fc.oneof(fc.constant([]), fc.subarray([...strikes])),
  ending: fc.record({ how: fc.constantFrom("idle", "stop", "drain"), at: fc.nat({ max: 16 }) }),
});

function swarmOf({ program, strikes, withinMs }: Frame): Swarm {
  const targets = program.nodes.map((_, i) => `*a${i}`);
  const links = [...targets.map((target) => `*>${target}`), ...targets.map((target) => `${target}>*`), "/>*", "*>*"];
  const found: Partial<Record<Strike, readonly string[] | true>> = {};
  for (const strike of strikes)
    found[strike] =
      strike === "powerFailure"
        ? true
        : ofLinks.includes(strike)
          ? links
          : strike === "partition"
            ? ["/", ...targets]
            : targets;
  return { ...(found as Swarm), within: withinMs };
}

/** Plays a body in the base order, as it is and with one actor crashed. */
async function isolates(explorer: Watched, body: Body, target: string, at: number): ReturnType<Watched["again"]> {
  const calm = { ...explorer.firstPlan, faults: [] };
  const struck = { ...calm, faults: [crash(target, { at })] };
  const [one, other] = [await explorer.watch(calm, body), await explorer.watch(struck, body)];
  if (one.error !== undefined) return { plan: calm, played: one };
  if (other.error !== undefined) return { plan: struck, played: other };
  // Payloads have numbers that are counted in the whole program.
  const { ok, text } = compared(one, other, struck, ({ name, firedMs }) => `${name} at ${firedMs} ms`);
  const error = new Broken(`[F1] a crash changes no other actor, but through messages and the tree: ${text}`);
  return ok ? undefined : { plan: struck, played: { ...other, error } };
}

/** Every put of a program, by the label that {@link Run} gives it. */
function labelsOf({ steps }: Program): string[] {
  const of = (put: Put, label: string): string[] => [
    label,
    ...put.job.puts.flatMap((one, k) => of(one, `${label}.${k}`)),
  ];
  return steps.flatMap(({ puts }, i) => puts.flatMap((put, k) => of(put, `${i}.${k}`)));
}

/** With these puts alone. */
function only(program: Program, kept: ReadonlySet<string>): Program {
  const keep = (puts: readonly Put[], label: string): Put[] =>
    puts.flatMap((put, k) => {
      const own = `${label}.${k}`;
      return kept.has(own) ? [{ ...put, job: { ...put.job, puts: keep(put.job.puts, own) } }] : [];
    });
  return { ...program, steps: program.steps.map((step, i) => ({ ...step, puts: keep(step.puts, `${i}`) })) };
}

/** The program of this number. */
function programTrial(seed: number, twice?: number): Trial {
  const [frame] = fc.sample(frames, { seed, numRuns: 1 }) as [Frame];
  const { time, latency } = frame;
  /** Starts the actors of a run anew, after a power failure. */
  const reboots = new WeakMap<System, () => unknown>();
  const boot = (system: System) => void reboots.get(system)?.();
  const isolation = "share";
  const with_ = (labels: Operations) => ({ ...frame, program: only(frame.program, new Set(labels as string[])) });
  const explorer = new Watched({ seed, time, latency, faults: swarmOf(frame), boot, isolation, steps: 50_000, twice });
  const operations = labelsOf(frame.program);
  const bodyOf =
    (labels: Operations): Body =>
    (world) =>
      playProgram(world, with_(labels), (again) => reboots.set(world.system, again));
  return {
    name: `program ${seed}`,
    explorer,
    operations,
    bodyOf,
    // Any actor, at any time of the first few ms.
    isolates: () => isolates(explorer, bodyOf(operations), `*a${seed % frame.program.nodes.length}`, (seed >> 3) % 4),
    inputsOf: (labels) => ({ program: seed, puts: labels as string[] }),
    textOf: (labels) => JSON.stringify(with_(labels)),
  };
}

async function playProgram(world: SimulatedWorld, frame: Frame, onReboot: (again: () => void) => void): Promise<void> {
  const { system } = world;
  const { how, at } = frame.ending;
  const ended = new Set<string>();
  system.events((event) => note(ended, event));
  const balance = () => {
    const books = conserved(system);
    demand(books.ok, "[D3] the books balance", () => books.text);
  };
  world.onStep(balance);
  const runs: Run[] = [];
  const kit = {
    system,
    events: [],
    idle: () => world.runUntilIdle(),
    breathe: async () => void (await world.step()),
    conserve: balance,
  };
  const start = () => void runs.push(new Run(frame.program, kit));
  onReboot(start);
  start();
  let [looks, stopping] = [0, undefined as Promise<unknown> | undefined];
  const look = () => {
    balance();
    if (looks++ === at && how !== "idle") stopping = system.stop(how === "drain" ? { drain: "100ms" } : {});
  };
  // After a power failure there is one more.
  for (const run of runs) await run.steps(look);
  await stopping;
  await world.runUntilIdle();
  const rest = quiescent(system);
  demand(rest.ok, "[A1] in the end nothing is under way", () => rest.text);
  expectSettled(runs, ended, frame.strikes.includes("powerFailure"));
  if (!frame.strikes.includes("duplicate")) for (const run of runs) expectOnce(run);
  if (!frame.strikes.some((strike) => strike === "duplicate" || strike === "reorder"))
    for (const run of runs) expectInOrder(run, frame);
  await system.stop();
  const { actors, queued, running, held, waitingForRoom, transit } = system.census();
  const left = { actors, queued, running, held, waitingForRoom, transit };
  demand(
    Object.values(left).every((count) => count === 0),
    "[S1] a system that stopped has nothing left",
    () => JSON.stringify(left),
  );
}

/** Who has ended, or was restarted: what it asked before may have come to nothing. */
function note(ended: Set<string>, event: SystemEvent): void {
  if (event.kind === "ended" || (event.kind === "started" && event.incarnation > 1))
    ended.add(event.path.slice(event.path.lastIndexOf("/") + 1));
}

function expectSettled(runs: readonly Run[], ended: ReadonlySet<string>, isAnyoneExcused: boolean): void {
  for (const { puts } of runs)
    for (const { verb, by, label, outcome } of puts) {
      const waits = (verb === "ask" || verb === "offer") && outcome === undefined;
      const isExcused = by !== outside && (isAnyoneExcused || ended.has(`a${by}`));
      demand(!waits || isExcused, "[A1] an ask or offer settles", () => `${verb} ${label} by ${by}`);
    }
}

function expectOnce({ starts, puts }: Run): void {
  const seen = new Set<number>();
  for (const { at, entry } of starts) {
    const put = puts[entry];
    demand(put?.to === at, "[D2] what starts was put there", () => `${put?.label} at a${at}`);
    demand(!seen.has(entry), "[D2] a message starts once", () => `${put?.label} at a${at}`);
    seen.add(entry);
  }
}

/** D1, as the program sees it: of actors that are never another one of the same name. What is forwarded never travels. */
function expectInOrder({ starts, puts }: Run, { program: { nodes }, latency, strikes }: Frame): void {
  const travels = Object.keys(latency).length + strikes.length > 0;
  const isOne = (i: number) => i === outside || nodes[i]?.parent === outside;
  const last = new Map<string, number>();
  for (const { at, entry } of starts) {
    const { by, verb } = puts[entry] as Entry;
    if (!isOne(at) || !isOne(by) || (travels && verb === "forward")) continue;
    const channel = `a${by} to a${at}`;
    const before = last.get(channel) ?? -1;
    demand(
      before < entry,
      "[D1] what one actor puts starts in its order",
      () => `${channel}: ${puts[entry]?.label} after ${puts[before]?.label}`,
    );
    last.set(channel, entry);
  }
}

// --- the zoo, and any --------------------------------------------------------------------------------------------------

/** The twin without the bug, with nothing that goes wrong. */
function zooTrial(name: string, seed: number, twice?: number): Trial {
  const protocol = zoo.find((one) => one.name === name);
  if (protocol === undefined) throw new InvalidOption("--token", name, zoo.map((one) => one.name).join(", "));
  const { operations: all, time } = protocol;
  const of = (places: Operations) => (places as number[]).map((place) => all[place]);
  return {
    name,
    explorer: new Watched({ seed, time, twice }),
    operations: all.map((_, place) => place),
    bodyOf: (places) => async (world) => {
      world.onStep(() => {
        const books = conserved(world.system);
        demand(books.ok, "[D3] the books balance", () => books.text);
      });
      await protocol.play(world, "fixed", of(places));
    },
    inputsOf: (places) => ({ zoo: name, operations: places as number[] }),
    textOf: (places) => JSON.stringify(of(places)),
  };
}

/** The trial of a number: most are programs. Of its runs a share is played twice. */
export function trialOf(seed: number, twice?: number): Trial {
  const isOfZoo = seed % 4 === 0;
  return isOfZoo
    ? zooTrial((zoo[(seed / 4) % zoo.length] as (typeof zoo)[number]).name, seed, twice)
    : programTrial(seed, twice);
}

/** That of a token, with the operations that are left. */
export function trialFrom(inputs: Inputs, seed: number): { readonly trial: Trial; readonly operations: Operations } {
  const trial = "zoo" in inputs ? zooTrial(inputs.zoo, seed) : programTrial(inputs.program);
  const operations = "zoo" in inputs ? inputs.operations : inputs.puts;
  return { trial, operations: operations ?? trial.operations };
}
