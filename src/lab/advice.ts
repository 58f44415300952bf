// Which edges need an answer now? Each edge of a design is flipped in turn, and the numbers say what that would bring.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import type { Verb } from "../runtime/kernel/verbs.ts";
import { compare, type Design, type Experiment } from "./compare.ts";
import type { Comparison } from "./comparison.ts";
import { estimate } from "./estimate.ts";
import { type Interval, scaled } from "./interval.ts";
import { type Measured, paired, type Service } from "./measured.ts";
import { figure, table } from "./table.ts";

export interface Advice {
  readonly edge: string;
  readonly verb: Verb;
  readonly advice: `keep ${Verb}` | "make tell" | "make ask" | "add a queue";
  /** The numbers behind it, in a sentence. */
  readonly because: string;
  /** How much earlier requests are answered with tell than with ask, in ms. */
  readonly saves: Interval;
  /** How much greater a share of them succeeds. */
  readonly succeeds: Interval;
  /** How much greater a share of those answered ok is refused later. */
  readonly regrets: Interval;
  /** The actor at the end of the edge, if its path ends in the name of the edge. */
  readonly service: Service | undefined;
}

export interface Advised {
  readonly design: string;
  readonly edges: readonly Advice[];
  table(): string;
}

/** A service before which so many wait on average, and at most, is behind its load for a while. */
const waitingMean = 1;
const waitingMost = 20;

/**
 * Says for each edge of a design, the first if `of` does not say which, whether to keep its ask, to make it a tell or
 * to put a queue before its service.
 *
 * An ask is worth keeping if its answers of no would come too late otherwise; else, if requests are answered earlier or
 * fail less often without it, a tell is better. A tell whose service has a backlog wants a queue: what waits in a mailbox
 * is gone with its process.
 * Fails: InvalidOption for a design without edges; else as {@link compare}. Cost: one run for each edge, and one more.
 */
export async function advice<D extends Design, P>(
  experiment: Experiment<D, P>,
  { of = Object.keys(experiment.designs)[0] ?? "" }: { of?: string } = {},
): Promise<Advised> {
  const design = experiment.designs[of];
  if (design === undefined) throw new InvalidOption("of", of, Object.keys(experiment.designs).join(", "));
  const edges = edgesOf(design);
  if (edges.length === 0) throw new InvalidOption("designs", of, 'a design with edges, for example { email: "ask" }');
  const { claims: _, variants: __, ...plain } = experiment;
  const flips = edges.map(
    ([edge, verb]) => [flippedName(edge), { ...design, [edge]: verb === "tell" ? "ask" : "tell" }] as const,
  );
  const comparison = await compare({ ...plain, designs: { [of]: design, ...Object.fromEntries(flips) } });
  const found = edges.map(([edge, verb]) => advise(comparison, of, edge, verb));
  return { design: of, edges: found, table: () => tableOf(found) };
}

/** Not the name of the edge: a design may be called so. */
function flippedName(edge: string): string {
  return `${edge} flipped`;
}

/** Properties whose value is a verb. */
function edgesOf(design: Design): (readonly [edge: string, verb: Verb])[] {
  return Object.entries(design).flatMap(([edge, verb]) =>
    verb === "ask" || verb === "offer" || verb === "tell" ? [[edge, verb as Verb] as const] : [],
  );
}

function advise(comparison: Comparison, of: string, edge: string, verb: Verb): Advice {
  const [kept, flipped] = [comparison.designs[of], comparison.designs[flippedName(edge)]] as [Measured, Measured];
  const [ask, tell] = verb === "tell" ? [flipped, kept] : [kept, flipped];
  const { level } = comparison;
  const saves = paired(tell.outcomes, ask.outcomes, level);
  const succeeds = paired(ask.outcomes, tell.outcomes, level, ({ kind }) => (kind === "failed" ? 0 : 1));
  const regrets = paired(ask.outcomes, tell.outcomes, level, ({ kind, regretted }) =>
    kind === "failed" ? undefined : regretted ? 1 : 0,
  );
  const service = kept.services.find(({ path }) => path.endsWith(`/${edge}`));
  return { edge, verb, service, saves, succeeds, regrets, ...decide(verb, saves, succeeds, regrets, service) };
}

function decide(
  verb: Verb,
  saves: Interval,
  succeeds: Interval,
  regrets: Interval,
  service: Service | undefined,
): Pick<Advice, "advice" | "because"> {
  const share = `${figure(100 * regrets.value)} %`;
  // The luck of a request is the same with both verbs: one that is refused too late is enough.
  if (regrets.value > 0)
    return verb === "tell"
      ? { advice: "make ask", because: `${share} are told yes and then refused` }
      : { advice: `keep ${verb}`, because: `${share} would be told yes and then refused` };
  const isBehind = service !== undefined && service.waiting >= waitingMean && service.mostWaiting >= waitingMost;
  const backlog =
    service &&
    `${figure(service.waiting)} wait for ${service.path} on average and ${figure(service.mostWaiting)} at most, each holds a slot for ${figure(service.holdMs)} ms`;
  if (isBehind) return { advice: "add a queue", because: `${backlog}; ${savesText(saves)}` };
  if (verb === "tell") return { advice: "keep tell", because: `an ask would cost ${estimate(saves, "ms")}` };
  if (saves.low > 0 || succeeds.low > 0) {
    const less = succeeds.low > 0 ? `, and ${estimate(scaled(succeeds, 100), "%")} fewer fail` : "";
    return { advice: "make tell", because: `${savesText(saves)}${less}` };
  }
  return { advice: `keep ${verb}`, because: "a tell would bring nothing" };
}

function savesText(saves: Interval): string {
  return `a tell is answered ${estimate(saves, "ms")} earlier`;
}

function tableOf(found: readonly Advice[]): string {
  return table([
    ["edge", "verb", "advice", "because"],
    ...found.map(({ edge, verb, advice, because }) => [edge, verb, advice, because]),
  ]);
}
