// Runs of drawn schedules, and what they were.

import type { Choice } from "../../../../src/runtime/sim/choice.ts";
import type { Body, Explorer, Plan, Played } from "../../../../src/runtime/sim/explorer.ts";
import { signatureOf } from "../../../../src/runtime/sim/signature.ts";
import { drawStrategy, type StrategyName } from "../../../../src/runtime/sim/strategy/portfolio.ts";

/** What happened at each actor, in its order. */
export function seenBy(happened: readonly Choice[]): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const { cell, name } of happened) seen[cell.path] = `${seen[cell.path] ?? ""} ${name}`;
  return seen;
}

export const namesOf = (happened: readonly Choice[]): string[] => happened.map(({ name }) => name);

/** How it ended. */
export const endOf = ({ error }: Played): string => (error === undefined ? "passed" : signatureOf(error));

/** Plays a schedule that is drawn, of about `steps` choices. */
export async function drawn<B>(
  explorer: Explorer<B>,
  name: StrategyName,
  seed: number,
  body: Body<B>,
  steps = 30,
): Promise<{ readonly plan: Plan; readonly played: Played }> {
  const plan = { ...explorer.firstPlan, seed, times: seed };
  return {
    plan,
    played: await explorer.play(plan, drawStrategy(name, seed, steps).strategy, body, { takesNote: true, joins: seed }),
  };
}
