// What happened before what in a run, and which two of its events could have come the other way round.

import type { Choice, Deed } from "../choice.ts";
import { anybody } from "../deeds.ts";

/** An event with what it did; `node` is the choice at which it was taken, -1 where there was none. */
export interface Happened {
  readonly choice: Choice;
  readonly deed: Deed;
  readonly node: number;
  /** Replies that came at once with it. */
  readonly forced: Choice[];
}

export function areDependent(a: Deed, b: Deed): boolean {
  return a.isFault || b.isFault || meet(a.touched, b.touched) || mayMiss(a, b) || mayMiss(b, a);
}

/** Whether what one sends finds its receiver may depend on whether the other comes before. */
function mayMiss({ ended }: Deed, { put }: Deed): boolean {
  return ended.size > 0 && (put.has(anybody) || meet(ended, put));
}

function meet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const one of a) if (b.has(one)) return true;
  return false;
}

/** An event that could have come before another one, at the choice where that was taken. */
export interface Race {
  readonly node: number;
  /** Any of these there leads to the other order. */
  readonly initials: readonly string[];
}

/**
 * The races of a run: for each event those before it that depend on it and that it could have come before, none of which
 * another one follows. `left` are those that were still to come, `voided` those that an event made impossible; `enabled`
 * tells what could have been taken at a choice.
 *
 * Cost: a square of the number of events, at most.
 */
export function racesOf(
  happened: readonly Happened[],
  left: readonly Happened[],
  voided: readonly Happened[],
  enabled: (node: number) => ReadonlySet<string>,
): Race[] {
  const before: Set<number>[] = [];
  for (const [j, one] of happened.entries()) {
    const set = new Set<number>();
    for (let i = 0; i < j; i++) if (follows(happened[i] as Happened, one)) add(set, before, i);
    before.push(set);
  }
  const races: Race[] = [];
  const look = (one: Happened, j: number) => {
    // What it needs to have happened: what posted it, and what stands before it in its channel.
    const needs = new Set<number>();
    for (let i = 0; i < j; i++) if (isNeeded(happened[i] as Happened, one)) add(needs, before, i);
    const { path } = one.choice.cell;
    for (let i = j - 1; i >= 0; i--) {
      const other = happened[i] as Happened;
      if (other.node < 0 || needs.has(i) || !areDependent(other.deed, one.deed)) continue;
      // It could not start while its actor was at something else.
      if (one.choice.isStart && other.deed.touched.has(path) && other.choice.held.has(path)) continue;
      const initials = initialsOf(i, j, one);
      if (!initials.some((name) => enabled(other.node).has(name))) continue;
      races.push({ node: other.node, initials });
      add(needs, before, i);
    }
  };
  /** Of what came after the i-th and not by it, and then `one`: what could be first. */
  const initialsOf = (i: number, j: number, one: Happened): string[] => {
    const free: number[] = [];
    for (let k = i + 1; k < j; k++) if (before[k]?.has(i) === false) free.push(k);
    const names = free
      .filter((k) => free.every((other) => other >= k || before[k]?.has(other) === false))
      .map((k) => (happened[k] as Happened).choice.name);
    if (free.every((k) => !follows(happened[k] as Happened, one))) names.push(one.choice.name);
    return names;
  };
  for (const [j, one] of happened.entries()) look(one, j);
  for (const one of left) look(one, happened.length);
  for (const one of voided) {
    const by = one.choice.voidedBy;
    const at = happened.findIndex(({ choice, forced }) => choice === by || (by !== undefined && forced.includes(by)));
    if (at >= 0) look(one, at + 1);
  }
  return races;
}

/** With all that came before it. */
function add(set: Set<number>, before: readonly ReadonlySet<number>[], i: number): void {
  set.add(i);
  for (const one of before[i] ?? []) set.add(one);
}

function isNeeded({ choice, forced }: Happened, { choice: by }: Happened): boolean {
  if (by.cause === choice || by.channel === choice.channel) return true;
  return by.cause !== undefined && forced.includes(by.cause);
}

function follows(one: Happened, other: Happened): boolean {
  return isNeeded(one, other) || areDependent(one.deed, other.deed);
}
