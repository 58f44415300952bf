// A property of fast-check about actors: for each input many orders are played, and what fails becomes small.

import fc from "fast-check";
import { InvalidOption } from "../runtime/kernel/failure.ts";
import { oneOf, whole } from "../runtime/kernel/options.ts";
import { Coverage } from "../runtime/sim/coverage.ts";
import { exhaust } from "../runtime/sim/exhaust.ts";
import { type Body, Explorer, type ExplorerOptions, type Finding, type Plan } from "../runtime/sim/explorer.ts";
import { checked, type Fault } from "../runtime/sim/fault.ts";
import { Links } from "../runtime/sim/link.ts";
import { shrink } from "../runtime/sim/shrink.ts";
import type { SimulatedWorld } from "../runtime/sim/simulate.ts";
import type { Call } from "./operations.ts";
import { ExplorationFailed, goneOf } from "./report.ts";
import { PropertyViolated, type Temporal, temporal } from "./temporal.ts";
import { fromToken, type Played } from "./token.ts";
import { type Inputs, type Story, Trial, TrialArbitrary, workloadsOf } from "./trial.ts";

export interface ExploreOptions<B = undefined> extends ExplorerOptions<B> {
  /** Orders that are played for each generated input, the base order first; 100 by default. */
  readonly schedules?: number | undefined;
  /** Every order, at most so many for each input, in `async` time; `true` is 10,000. More is an error: it is not every one. */
  readonly exhaustive?: boolean | number | undefined;
  /** Runs that making a failure smaller may take; 500 by default. */
  readonly replays?: number | undefined;
}

/** The simulated world, with properties that are looked at after each event. Its methods are bound. */
export interface TrialWorld<B = undefined> extends SimulatedWorld<B>, Omit<Temporal, "end"> {
  /**
   * Ends the faults of a core of so many of these actors, drawn, and gives their paths. The others stay as broken as they
   * are: what makes progress must do so beside them.
   */
  healCore(paths: readonly string[], size: number): readonly string[];
}

/** What became of a case that was kept. */
export interface Replayed {
  /** Whether it fails still, in whatever way. */
  readonly outcome: "failing" | "passing";
  readonly error: unknown;
  /** Names in its order that no event has any more. Where it passed, it was played once more without those pairs. */
  readonly gone: readonly string[];
}

export interface Exploration<I> extends fc.IAsyncPropertyWithHooks<[Trial<I> | Played<I> | string]> {
  /** What was tried so far. */
  readonly coverage: Coverage;
  /** Plays a case, or the one of a token, and nothing else. Fails: InvalidOption. */
  replay(played: Played<I> | string): Promise<Replayed>;
}

/**
 * A property for `fc.assert`. For each input the body is played in many orders of delivery: first in the base order, then
 * in such that several strategies draw. The body sets up actors, lets things happen, and throws, or gives false, if
 * something is wrong.
 *
 * Promises: a run depends on its inputs, seed and order alone. A failing one is made smaller, operations first, then
 * faults, which also become weaker, then pairs of the order, then the inputs; what remains fails in the same way. Its token replays it after the
 * program was edited: `examples: [[token]]`.
 * Fails: InvalidOption. Running it: ExplorationFailed; NotExhaustible, with `exhaustive`.
 * Cost: 10,000 and more schedules a second of 20 messages to synchronous handlers.
 * Example: `await fc.assert(explore({ items: fc.array(fc.string()) }, async ({ system, runUntilIdle }, { items }) => { … }))`.
 */
export function explore<I extends object, B = undefined>(
  inputs: Inputs<I>,
  body: (world: TrialWorld<B>, inputs: I) => unknown,
  options: ExploreOptions<B> = {},
): Exploration<I> {
  check(options, body);
  const { schedules = 100, exhaustive = false, replays = 500, ...rest } = options;
  const tracesMax = typeof exhaustive === "boolean" ? 10_000 : whole("exhaustive", exhaustive, 1, 1);
  const given: ExplorerOptions<B> = exhaustive === false ? rest : { ...rest, time: rest.time ?? "async" };
  const coverage = new Coverage();
  const workloads = workloadsOf(inputs);

  const bodyOf = (inputs: I) => async (world: SimulatedWorld<B>) => {
    const { end, always, never, sometimes, leadsTo } = temporal(world, coverage.reached);
    const properties = { always, never, sometimes, leadsTo, healCore: healCore.bind(undefined, world) };
    if ((await body(Object.assign(world, properties), inputs)) === false) throw new Error("the body gave false");
    end();
  };

  const replay = async (played: Played<I> | string): Promise<Replayed> => {
    const { inputs, plan } = trialOf<I>(played) as Played<I>;
    return await replayed(new Explorer(given, coverage), plan, bodyOf(inputs));
  };

  const predicate = async (value: Trial<I> | Played<I> | string): Promise<void> => {
    const trial = trialOf<I>(value);
    const explorer = new Explorer({ ...given, seed: given.seed ?? trial.seed }, coverage);
    const found = await search(explorer, trial, bodyOf(trial.inputs));
    if (found === undefined) return;
    // What `fc.pre` throws says nothing of the property.
    if (fc.PreconditionFailure.isFailure(found.finding.error)) throw found.finding.error;
    const operations = workloads.flatMap((name) => (trial.inputs[name] as Call[]).map((call) => ({ name, call })));
    const inputsWith = (kept: typeof operations): I => {
      if (kept.length === operations.length) return trial.inputs;
      const of = (name: string) => kept.filter((one) => one.name === name).map(({ call }) => call);
      return { ...trial.inputs, ...Object.fromEntries(workloads.map((name) => [name, of(name)])) };
    };
    const small = await shrink(
      found.finding,
      operations,
      async ({ plan, operations: kept }) =>
        explorer.findingOf(plan, await explorer.replay(plan, bodyOf(inputsWith([...kept])))),
      replays,
    );
    const finding = small?.finding ?? found.finding;
    const story: Story = {
      schedule: found.schedule,
      foundBy: found.finding.strategy,
      from: small?.from ?? {
        operations: operations.length,
        faults: finding.plan.faults.length,
        pairs: finding.plan.pairs.length,
      },
      ...trial.story,
      replays: (trial.story?.replays ?? 0) + (small?.replays ?? 0),
      isMinimal: small?.isMinimal === true,
    };
    const smallest = small === undefined ? trial.inputs : inputsWith([...small.operations]);
    trial.failed = { inputs: smallest, plan: finding.plan, story };
    throw new ExplorationFailed(finding, trial.failed, coverage);
  };

  const search = async (
    explorer: Explorer<B>,
    { plan, story }: Trial<I>,
    played: (world: SimulatedWorld<B>) => unknown,
  ): Promise<{ readonly finding: Finding; readonly schedule: number | undefined } | undefined> => {
    if (plan !== undefined) {
      const finding = await again(explorer, plan, played, story !== undefined);
      return finding && { finding, schedule: undefined };
    }
    if (exhaustive !== false) {
      const { finding, isComplete } = await exhaust(explorer, played, { tracesMax });
      if (finding !== undefined)
        return { finding: { ...finding, strategy: "exhaustive" }, schedule: coverage.schedules };
      if (!isComplete)
        throw new InvalidOption("exhaustive", tracesMax, "at least the number of orders, which is larger");
      return undefined;
    }
    for (let i = 0; i < schedules; i++) {
      const finding = await explorer.explore(i, played);
      if (finding !== undefined) return { finding, schedule: coverage.schedules };
    }
    return undefined;
  };

  const arbitrary = new TrialArbitrary(inputs) as fc.Arbitrary<Trial<I> | Played<I> | string>;
  return Object.assign(fc.asyncProperty(arbitrary, predicate), { coverage, replay });
}

async function replayed<B>(explorer: Explorer<B>, plan: Plan, body: Body<B>): Promise<Replayed> {
  const first = await explorer.replay(plan, body);
  const gone = goneOf(plan, first);
  const pairs = plan.pairs.filter(({ event, after }) => !gone.includes(event) && !gone.includes(after));
  // What passes may depend on something from outside: then two runs differ.
  const error = first.error ?? (await explorer.repeat({ ...plan, pairs }, body));
  return { outcome: error === undefined ? "passing" : "failing", error, gone };
}

/**
 * What fails of a plan. Of this it is known that it fails; the pairs of its run may not give the same run. Where smaller
 * inputs left some of its names without an event, they are better if they do.
 */
async function again<B>(
  explorer: Explorer<B>,
  plan: Plan,
  body: Body<B>,
  isSmaller: boolean,
): Promise<Finding | undefined> {
  const played = await explorer.replay(plan, body);
  const error = played.error ?? (isSmaller ? undefined : await explorer.repeat(plan, body));
  const finding = explorer.findingOf(plan, { ...played, error });
  if (finding === undefined) return undefined;
  const known = { ...finding, plan };
  if (!isSmaller || goneOf(plan, finding.course).length === 0) return known;
  const renewed = explorer.findingOf(finding.plan, await explorer.replay(finding.plan, body));
  return renewed?.signature === finding.signature ? { ...renewed, plan: finding.plan } : known;
}

const known = [
  "seed",
  "name",
  "isolation",
  "latency",
  "boot",
  "steps",
  "strict",
  "time",
  "faults",
  "strategies",
  "twice",
  "schedules",
  "exhaustive",
  "replays",
];

/** A mistake in the options is one of the call, not of the first run. Fails: InvalidOption. */
function check<B>(options: ExploreOptions<B>, body: unknown): void {
  if (typeof body !== "function") throw new InvalidOption("body", body, "a function of the world and the inputs");
  for (const option of Object.keys(options))
    if (!known.includes(option)) throw new InvalidOption(option, "an unknown option", known.join(", "));
  whole("schedules", options.schedules, 100, 1);
  whole("replays", options.replays, 500, 0);
  new Explorer(options);
  const { name = "sim", latency = {}, faults = [], boot, strict } = options;
  if (typeof name !== "string" || name === "") throw new InvalidOption("name", name, "a text that is not empty");
  if (boot !== undefined && typeof boot !== "function")
    throw new InvalidOption("boot", boot, "a function that starts the actors");
  if (strict !== undefined && typeof strict !== "boolean") throw new InvalidOption("strict", strict, "true or false");
  oneOf("isolation", options.isolation, ["freeze", "share", "clone"]);
  new Links(1, latency);
  if (Array.isArray(faults)) for (const fault of faults as readonly Fault[]) checked(fault);
  else if ((options.exhaustive ?? false) !== false)
    throw new InvalidOption("faults", "a swarm", "a list with exhaustive: not all are drawn");
}

function healCore<B>(world: SimulatedWorld<B>, paths: readonly string[], size: number): readonly string[] {
  if (!(Number.isInteger(size) && size > 0 && size <= paths.length))
    throw new InvalidOption("size", size, `a whole number from 1 to ${paths.length}, the number of paths`);
  const draw = world.random("core");
  const core = paths.map((path) => ({ path, rank: draw() }));
  const chosen = core
    .sort((a, b) => a.rank - b.rank)
    .slice(0, size)
    .map(({ path }) => path);
  world.heal(chosen);
  return chosen;
}

/** Fails: InvalidOption. */
function trialOf<I>(value: Trial<I> | Played<I> | string): Trial<I> {
  if (value instanceof Trial) {
    value.isPlayed = true;
    return value;
  }
  const { inputs, plan } = typeof value === "string" ? fromToken<I>(value) : value;
  return new Trial(inputs, plan);
}

/**
 * `fc.assert`, and after it a look at what was tried: what `sometimes` names must have happened in some run, else the
 * property may be true of nothing.
 *
 * Fails: as `fc.assert` does; PropertyViolated, for what was never reached.
 */
export async function assertExplored<I>(
  property: Exploration<I>,
  parameters: fc.Parameters<[Trial<I> | Played<I> | string]> = {},
): Promise<Coverage> {
  await fc.assert(property, parameters);
  const { coverage } = property;
  for (const [name, times] of coverage.reached) {
    if (times > 0) continue;
    const tried = `never happened in ${coverage.schedules} schedules`;
    throw new PropertyViolated("sometimes", name, Number.NaN, `${tried}: the inputs or the faults do not lead there.`);
  }
  return coverage;
}
