// Whether the books of a system balance at this moment (D3), recomputed from its public counts.

import type { ActorSystem } from "../runtime/kernel/system.ts";
import type { Census, System } from "../runtime/kernel/verbs.ts";
import { actors } from "../runtime/sim/injection.ts";
import { listed, type Verdict } from "./verdict.ts";

/** An equation that does not hold, or a count below 0. */
export interface Imbalance {
  /** Whose counts they are; `/` is the system as a whole. */
  readonly path: string;
  /** For example `sent = turnedAway + lost + transit + waitingForRoom + accepted`. */
  readonly rule: string;
  /** The same in numbers: `7 is not 0 + 0 + 0 + 0 + 6`. */
  readonly found: string;
}

export type Conservation = Verdict<{ found: readonly Imbalance[] }>;

type Term = keyof Census;

const fates: readonly Term[] = ["handled", "refused", "crashed", "expired", "cancelled", "dropped", "dead"];
const standing: readonly Term[] = ["queued", "running", "held"];

/**
 * Checks that no message is lost to the counts: at any instant, for each actor and for the system.
 *
 * Promises: looks at actors that have not ended; those that have are in the counts of the system. May be called inside a
 * handler or a listener of events.
 * Cost: a walk over every actor and every waiting message.
 * Example: `const verdict = conserved(system); expect(verdict.ok, verdict.text).toBe(true)`.
 */
export function conserved(system: System): Conservation {
  const refs = actors((system as ActorSystem).core).map(({ ref }) => ref);
  const all = system.census();
  const found = refs.flatMap((ref) => {
    const of = system.census(ref);
    return [
      ...negative(ref.path, of),
      ...unequal(ref.path, of, ["accepted", "forwardedIn"], [...fates, "forwardedOut", ...standing]),
    ];
  });
  found.push(
    ...negative("/", all),
    ...unequal("/", all, ["sent"], ["turnedAway", "lost", "transit", "waitingForRoom", "accepted"]),
    ...unequal("/", all, ["accepted"], [...fates, ...standing]),
  );
  if (found.length === 0) return { ok: true, text: `Balanced: ${all.sent} messages, ${refs.length} actors.` };
  const lines = found.map(({ path, rule, found }) => `${path === "/" ? "the system" : path}: ${rule}, but ${found}`);
  return { ok: false, found, text: listed("The books do not balance", lines) };
}

function negative(path: string, of: Census): Imbalance[] {
  return Object.entries(of)
    .filter(([, count]) => !(count >= 0))
    .map(([term, count]) => ({ path, rule: `${term} ≥ 0`, found: `${term} is ${count}` }));
}

function unequal(path: string, of: Census, left: readonly Term[], right: readonly Term[]): Imbalance[] {
  const sum = (terms: readonly Term[]) => terms.reduce((sum, term) => sum + of[term], 0);
  if (sum(left) === sum(right)) return [];
  const numbers = (terms: readonly Term[]) => terms.map((term) => of[term]).join(" + ");
  return [
    {
      path,
      rule: `${left.join(" + ")} = ${right.join(" + ")}`,
      found: `${numbers(left)} is not ${numbers(right)}`,
    },
  ];
}
