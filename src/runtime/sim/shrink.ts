// A failing run made small: the fewest operations, faults and pairs that still fail in the same way, and the faults as
// weak as they may be.

import type { Finding, Plan } from "./explorer.ts";
import type { Fault } from "./fault.ts";
import { ddmin } from "./minimise.ts";
import { totalPairsOf } from "./schedule.ts";
import { weakerThan } from "./weaken.ts";

/** A run with its workload. */
export interface Case<Op> {
  readonly plan: Plan;
  readonly operations: readonly Op[];
}

export interface Shrunk<Op> {
  readonly finding: Finding;
  readonly operations: readonly Op[];
  readonly replays: number;
  /** How much there was before. */
  readonly from: { readonly operations: number; readonly faults: number; readonly pairs: number };
  /** Nothing more can be left out alone, and no fault be weaker; false when `replays` were used up before. */
  readonly isMinimal: boolean;
}

/**
 * Leaves out what is not needed, operations first, then faults, then pairs; faults that are needed become weaker.
 * Undefined when the run does not fail again, as one may that depends on something from outside.
 */
export async function shrink<Op>(
  found: Finding,
  operations: readonly Op[],
  play: (one: Case<Op>) => Promise<Finding | undefined>,
  replaysMax: number,
): Promise<Shrunk<Op> | undefined> {
  let replays = 0;
  let best: Case<Op> = { plan: found.plan, operations };
  let finding = found;
  /** Takes it if it fails alike. */
  const fails = async (one: Case<Op>): Promise<boolean> => {
    if (replays >= replaysMax) return false;
    replays++;
    const again = await play(one);
    if (again?.signature !== found.signature) return false;
    best = one;
    finding = { ...again, plan: one.plan };
    return true;
  };
  const withPlan = (part: Partial<Plan>): Case<Op> => ({ ...best, plan: { ...best.plan, ...part } });
  // What fails may be seen by several actors together: then their common order is needed.
  if (!(await fails(best)) && !(await fails(withPlan({ pairs: totalPairsOf(found.course) })))) return undefined;
  const { plan } = best;
  const from = { operations: operations.length, faults: plan.faults.length, pairs: plan.pairs.length };
  for (let before: Case<Op> | undefined; before !== best; ) {
    before = best;
    await ddmin(best.operations, (operations) => fails({ ...best, operations }));
    await ddmin(best.plan.faults, (faults) => fails(withPlan({ faults })));
    await weaken(best.plan.faults, (faults) => fails(withPlan({ faults })));
    if (best.plan.times !== undefined) await fails(withPlan({ times: undefined }));
    await ddmin(best.plan.pairs, (pairs) => fails(withPlan({ pairs })));
  }
  return { finding, operations: best.operations, replays, from, isMinimal: replays < replaysMax };
}

/** Each fault as weak as it may be. */
async function weaken(faults: readonly Fault[], fails: (faults: readonly Fault[]) => Promise<boolean>): Promise<void> {
  let kept = faults;
  for (const place of faults.keys())
    for (let weaker = weakerThan(faults[place] as Fault); weaker.length > 0; ) {
      const [fault, ...others] = weaker as readonly [Fault, ...Fault[]];
      const tried = kept.with(place, fault);
      if (await fails(tried)) [kept, weaker] = [tried, weakerThan(fault)];
      else weaker = others;
    }
}
