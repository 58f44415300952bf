// Failure isolation: what a fault may change is what it can reach, by messages and by the tree. A run with it is held
// against one without.

import { milliseconds } from "../runtime/kernel/duration.ts";
import { type Choice, oldestOf, type Strategy } from "../runtime/sim/choice.ts";
import { anybody } from "../runtime/sim/deeds.ts";
import { digest } from "../runtime/sim/digest.ts";
import { Due } from "../runtime/sim/due.ts";
import { Reply } from "../runtime/sim/event.ts";
import { Explorer, type ExplorerOptions, type Plan, type Played } from "../runtime/sim/explorer.ts";
import { checked, ends, type Fault, pattern, windowOf } from "../runtime/sim/fault.ts";
import type { SimulatedWorld } from "../runtime/sim/simulate.ts";
import { listed, type Verdict } from "./verdict.ts";

/** An actor that did something else than without the faults, at its first event that differs. */
export interface Disturbed {
  readonly path: string;
  /** With its virtual time; undefined when nothing more came. */
  readonly with: string | undefined;
  readonly without: string | undefined;
}

export type Isolation = Verdict<{ readonly disturbed: readonly Disturbed[] }>;

/** In the base order; it learns what each event ends or restarts. */
const watchful: Strategy = { asksAlways: true, pick: oldestOf };

/**
 * Plays the body twice, with the faults and without, and compares what each actor saw, when, and with which payloads. Only
 * those actors may differ that the faults can reach: their targets from then on, what these restart or end, and whoever
 * a message from there leads to, in either run.
 *
 * Promises: an actor that is named was disturbed by something that is no message: by state that is shared, or a draw that
 * is.
 * Fails: InvalidOption; what the body throws in the run without faults. With them it may.
 */
export async function isolated<B = undefined>(
  options: Omit<ExplorerOptions<B>, "faults" | "strategies" | "twice">,
  body: (world: SimulatedWorld<B>) => unknown,
  faults: readonly Fault[],
): Promise<Isolation> {
  for (const fault of faults) checked(fault);
  const explorer = new Explorer<B>(options);
  const plan = explorer.firstPlan;
  const calm = await explorer.play(plan, watchful, body, { takesNote: true });
  if (calm.error !== undefined) throw calm.error;
  const withFaults = { ...plan, faults };
  const struck = await explorer.play(withFaults, watchful, body, { takesNote: true });
  return compared(calm, struck, withFaults, entryOf);
}

/** Holds a run without faults against one by `plan`, with them; `says` is what an actor saw of an event. */
export function compared(
  calm: Pick<Played, "happened">,
  struck: Pick<Played, "happened">,
  plan: Plan,
  says: (one: Choice) => string,
): Isolation {
  const reached = new Set([...reachOf(calm.happened, plan), ...reachOf(struck.happened, plan)]);
  const [without, withFaults] = [seenOf(calm.happened, says), seenOf(struck.happened, says)];
  const disturbed: Disturbed[] = [];
  let count = 0;
  for (const path of new Set([...without.keys(), ...withFaults.keys()])) {
    // The body learns of everything.
    if (path === "/" || reached.has(path)) continue;
    count++;
    const [calmly, struckly] = [without.get(path) ?? [], withFaults.get(path) ?? []];
    const length = Math.max(calmly.length, struckly.length);
    const at = Array.from({ length }).findIndex((_, i) => calmly[i] !== struckly[i]);
    if (at >= 0) disturbed.push({ path, with: struckly[at], without: calmly[at] });
  }
  if (disturbed.length === 0)
    return { ok: true, text: `${count} actors are as without the faults; ${reached.size} can be reached by them.` };
  const lines = disturbed.map(
    (one) => `${one.path}: ${one.with ?? "nothing more"}, and without the faults ${one.without ?? "nothing more"}`,
  );
  return { ok: false, disturbed, text: listed("Actors that the faults can not reach are not as without them", lines) };
}

/** Paths of the actors with an event that a fault may have had to do with. */
function reachOf(happened: readonly Choice[], plan: Plan): Set<string> {
  const isTarget = targetsOf(plan);
  const reached = new Set<string>();
  const tainted = new Set<Choice>();
  for (const one of happened) {
    const { path } = one.cell;
    const isByCause = one.cause !== undefined && tainted.has(one.cause);
    if (!isByCause && !reached.has(path) && !one.name.startsWith("f:") && !isTarget(path, one.firedMs)) continue;
    tainted.add(one);
    // A fault stands in the body's place, and is none of its doing.
    if (!one.name.startsWith("f:")) reached.add(path);
    for (const ended of one.deed.ended) reached.add(ended);
    // Also what it sent and never started took a place in a mailbox.
    for (const to of one.deed.put) if (to !== anybody) reached.add(to);
  }
  return reached;
}

/**
 * Tells which actors are struck at some time, in ms; so are those below them. In `async` time a fault comes at any moment of
 * an actor's own time.
 */
function targetsOf({ faults, time }: Plan): (path: string, atMs: number) => boolean {
  const struck = faults.map((fault) => {
    const fromMs = "at" in fault ? milliseconds("at", fault.at) : windowOf(fault).fromMs;
    return { fromMs: time === "async" ? Number.NEGATIVE_INFINITY : fromMs, fits: fitsOf(fault) };
  });
  return (path, atMs) => struck.some(({ fromMs, fits }) => atMs >= fromMs && above(path).some(fits));
}

function fitsOf(fault: Fault): (path: string) => boolean {
  if ("target" in fault) return pattern("target", fault.target);
  if ("link" in fault) {
    const [from, to] = ends(fault.link, "link");
    return (path) => from(path) || to(path);
  }
  if ("one" in fault) {
    const fits = [...fault.one, ...fault.other].map((path) => pattern("partition", path));
    return (path) => fits.some((one) => one(path));
  }
  return () => true;
}

/** A path and those of its parents. */
function above(path: string): string[] {
  const parts = path.split("/").slice(1);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join("/")}`);
}

/** The payload of a message, or the answer that a reply brings. */
function contentOf(one: Choice): unknown {
  if (one instanceof Due && one.timed instanceof Reply) return one.timed.word;
  return (one as { payload?: unknown }).payload;
}

/** Which event it is, when it came, and with what. */
function entryOf(one: Choice): string {
  const payload = contentOf(one);
  const content = payload === undefined ? "" : ` ${digest(payload).toString(16)}`;
  return `${one.name} at ${one.firedMs} ms${content}`;
}

/** What each actor saw, an entry for each event. */
function seenOf(happened: readonly Choice[], says: (one: Choice) => string): Map<string, string[]> {
  const seen = new Map<string, string[]>();
  for (const one of happened) {
    const { path } = one.cell;
    const entry = says(one);
    const entries = seen.get(path);
    if (entries === undefined) seen.set(path, [entry]);
    else entries.push(entry);
  }
  return seen;
}
