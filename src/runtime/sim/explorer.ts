// One program under many schedules: plays it in one order after the other, and gives what failed as a plan that can be
// played again.

import { InvalidOption } from "../kernel/failure.ts";
import { oneOf, whole } from "../kernel/options.ts";
import { keyed } from "../kernel/random.ts";
import type { SystemEvent } from "../kernel/verbs.ts";
import type { Choice, Strategy } from "./choice.ts";
import { Coverage, type StrategyRuns } from "./coverage.ts";
import type { ExploredWorld } from "./explored.ts";
import type { TimeMode } from "./exploring.ts";
import type { Fault } from "./fault.ts";
import { Run } from "./run.ts";
import { type Course, type Pair, pairsOf } from "./schedule.ts";
import { signatureOf } from "./signature.ts";
import type { SimulatedWorld, SimulateOptions, Simulation } from "./simulate.ts";
import { type Drawn, drawStrategy, type StrategyName, strategies } from "./strategy/portfolio.ts";
import { Replay } from "./strategy/replay.ts";
import { checkSwarm, drawFaults, type Swarm } from "./swarm.ts";

/** One run in full. The same plan gives the same run, and much the same one in a program that was edited. */
export interface Plan {
  /** Of what actors draw. */
  readonly seed: number;
  readonly time: TimeMode;
  readonly faults: readonly Fault[];
  readonly pairs: readonly Pair[];
  /** Of when something on a link with a window arrives; without it, as early as it can. */
  readonly times?: number | undefined;
}

export interface ExplorerOptions<B = undefined>
  extends Pick<SimulateOptions<B>, "seed" | "name" | "isolation" | "latency" | "boot" | "steps" | "strict"> {
  /** `"windows"` by default. */
  readonly time?: TimeMode | undefined;
  /** Those of every run, or what they are drawn from. */
  readonly faults?: readonly Fault[] | Swarm | undefined;
  /** Taken in turn; all by default. */
  readonly strategies?: readonly StrategyName[] | undefined;
  /** The share of runs that are played twice and compared, from 0 to 1; 0.05 by default. */
  readonly twice?: number | undefined;
}

export type Body<B = undefined> = (world: SimulatedWorld<B>) => unknown;

/** How one run went. */
export interface Played extends Course {
  /** How often there was a choice. */
  readonly picks: number;
  /** What was still to come, whether it could be next or not; as {@link left} where nobody took note. */
  readonly pending: readonly Choice[];
  /** A circle of waits was broken; known where somebody took note. */
  readonly hasCycle: boolean;
  readonly error: unknown;
  readonly events: readonly SystemEvent[];
  /** Undefined for a run that failed. */
  readonly simulation: Simulation<unknown> | undefined;
}

/** What is kept of a run besides. */
export interface How {
  readonly trace?: "off" | "hash" | "full";
  /** Events note what they do: for pairs of which none is missing, and to tell which may change places. */
  readonly takesNote?: boolean;
  /** Seed of which handlers begin beside another one of their actor; else those do of which the strategy knows. */
  readonly joins?: number | undefined;
  /** What it is compared with, as it happens. */
  readonly former?: Simulation<unknown> | undefined;
}

/** A run that failed. */
export interface Finding {
  readonly plan: Plan;
  readonly course: Course;
  readonly error: unknown;
  readonly signature: string;
  readonly strategy: StrategyRuns["strategy"];
}

/** Events that a run may fire unless it says otherwise. */
const stepsMax = 20_000;

export class Explorer<B = undefined> {
  readonly coverage: Coverage;
  readonly #options: ExplorerOptions<B>;
  readonly #seed: number;
  readonly #strategies: readonly StrategyName[];
  readonly #twice: number;

  /** Counts into `coverage`. Fails: InvalidOption. */
  constructor(options: ExplorerOptions<B> = {}, coverage: Coverage = new Coverage()) {
    const { seed = 1, twice = 0.05, faults = [], strategies: names = strategies } = options;
    if (!Number.isSafeInteger(seed)) throw new InvalidOption("seed", seed, "a whole number");
    if (!(twice >= 0 && twice <= 1)) throw new InvalidOption("twice", twice, "a share from 0 to 1");
    oneOf("time", options.time, ["windows", "des", "async"]);
    whole("steps", options.steps, stepsMax, 1);
    if (!Array.isArray(names) || names.length === 0)
      throw new InvalidOption("strategies", names, `a list of ${strategies.join(", ")}`);
    for (const name of names) oneOf("strategies", name, strategies);
    if (!Array.isArray(faults)) checkSwarm(faults as Swarm);
    this.coverage = coverage;
    this.#options = options;
    this.#seed = seed;
    this.#strategies = names;
    this.#twice = twice;
  }

  /** Plays the `index`-th schedule: the base order for 0, else one that is drawn. Gives what failed, if it did. */
  async explore(index: number, body: Body<B>): Promise<Finding | undefined> {
    const { coverage } = this;
    const isBase = index === 0;
    const seed = isBase ? this.#seed : Math.floor(keyed(this.#seed, "schedule", index) * 2_147_483_648);
    const plan: Plan = isBase ? this.firstPlan : { ...this.firstPlan, seed, faults: this.#faultsOf(seed), times: seed };
    const joins = isBase ? undefined : seed;
    const name = this.#strategies[(index - 1) % this.#strategies.length] as StrategyName;
    const { picksMax } = coverage;
    const draw = (): Drawn =>
      isBase ? { strategy: new Replay([]), depth: undefined } : drawStrategy(name, seed, picksMax);
    const isTwice = keyed(this.#seed, "twice", index) < this.#twice;
    const { strategy, depth } = draw();
    const played = await this.play(plan, strategy, body, { trace: isTwice ? "hash" : "off", joins });
    const by = isBase ? "base" : name;
    coverage.add(by, depth, played.happened, played.picks);
    if (played.error !== undefined) {
      // Once more, with what its pairs need to be known; few runs fail.
      const noted = await this.play(plan, draw().strategy, body, { takesNote: true, joins });
      return this.#found(plan, signatureOf(noted.error) === signatureOf(played.error) ? noted : played, by);
    }
    if (!isTwice) return undefined;
    const error = await this.#differs(played, (how) => this.play(plan, draw().strategy, body, { ...how, joins }));
    return error === undefined ? undefined : this.#found(plan, { ...played, error }, by);
  }

  /** Plays it again. Gives what shows that the two runs differ, if they do. */
  async #differs(former: Played, play: (how: How) => Promise<Played>): Promise<unknown> {
    const hash = former.simulation?.hash;
    if (hash === undefined) this.coverage.leaking++;
    else {
      const { simulation } = await play({ trace: "hash" });
      this.coverage.compared++;
      if (simulation?.hash !== hash) {
        const first = await play({ trace: "full" });
        const second = await play({ trace: "full", former: first.simulation });
        return second.error ?? first.error;
      }
    }
    return undefined;
  }

  /** The base order. Faults that are drawn are not in it. */
  get firstPlan(): Plan {
    return { seed: this.#seed, time: this.#options.time ?? "windows", faults: this.#faultsOf(undefined), pairs: [] };
  }

  /** Plays a plan. */
  async replay(plan: Plan, body: Body<B>, how: How = {}): Promise<Played> {
    return await this.play(plan, new Replay(plan.pairs), body, how);
  }

  /** Plays a plan twice. Gives what shows that the two runs differ, or what one fails with. */
  async repeat(plan: Plan, body: Body<B>): Promise<unknown> {
    const play = (how: How) => this.play(plan, new Replay(plan.pairs), body, how);
    const former = await play({ trace: "hash" });
    return former.error ?? (await this.#differs(former, play));
  }

  /** What failed, if it did, in a run that was {@link replay}ed. */
  findingOf(plan: Plan, played: Played): Finding | undefined {
    return played.error === undefined ? undefined : this.#found(plan, played, "replay");
  }

  #found(plan: Plan, played: Played, strategy: Finding["strategy"]): Finding {
    const { error } = played;
    return {
      plan: { ...plan, pairs: pairsOf(played) },
      course: played,
      error,
      signature: signatureOf(error),
      strategy,
    };
  }

  #faultsOf(seed: number | undefined): readonly Fault[] {
    const { faults = [] } = this.#options;
    if (Array.isArray(faults)) return faults;
    return seed === undefined ? [] : drawFaults(faults as Swarm, seed);
  }

  async play(
    plan: Plan,
    strategy: Strategy,
    body: Body<B>,
    { trace = "off", takesNote = false, former, joins }: How = {},
  ): Promise<Played> {
    const { name, isolation, latency, boot, strict, steps = stepsMax } = this.#options;
    const { seed, faults, time, times } = plan;
    const run = new Run<B>({ seed, name, isolation, latency, boot, strict, steps, faults, trace }, former, {
      strategy,
      time,
      times,
      joins,
      takesNote,
    });
    let error: unknown;
    let simulation: Simulation<unknown> | undefined;
    try {
      simulation = await run.play(body);
    } catch (thrown) {
      error = thrown ?? new Error("The body threw nothing.");
    }
    const world = run.explored as ExploredWorld;
    const { happened, left, voided, lost, picks, hasCycle } = world;
    const pending = takesNote ? world.pending : left;
    return { happened, left, voided, lost, picks, pending, hasCycle, error, events: run.events, simulation };
  }
}
