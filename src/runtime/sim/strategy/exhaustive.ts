// Every order that makes a difference, once each: two orders differ only if some actor sees its events differently. A
// depth-first search over runs; where a run shows two events that could have come the other way round, that is tried.
// Source: P. A. Abdulla, S. Aronis, B. Jonsson, K. Sagonas, "Source sets: a foundation for optimal dynamic partial order
// reduction" (JACM 2017), source-DPOR with sleep sets. An actor is like a lock: what waits for it is blocked.

import { type Choice, type Deed, oldestOf, type Precedes, type Strategy } from "../choice.ts";
import { areDependent, type Happened, racesOf } from "./races.ts";

/** A choice on the way to the present run. */
interface Node {
  readonly enabled: ReadonlySet<string>;
  /** What was tried here, or need not be as it was tried elsewhere; with what it did there. */
  readonly done: Map<string, Deed>;
  /** What is to be tried here. */
  readonly open: Set<string>;
  chosen: string;
}

/** Thrown into a run from which nothing new can come. */
export class Redundant extends Error {}

/** Thrown into a run whose beginning is not as it was. */
export class Astray extends Error {}

export class Exhaustive implements Strategy {
  readonly asksAlways = true;
  readonly #stack: Node[] = [];
  #happened: Happened[] = [];
  #depth = 0;
  #at = -1;

  pick(enabled: readonly Choice[], precedes: Precedes): Choice {
    const node = this.#stack[this.#depth] ?? this.#extend(enabled, precedes);
    const chosen = enabled.find(({ name }) => name === node.chosen);
    if (chosen === undefined) throw new Astray(node.chosen);
    this.#at = this.#depth++;
    return chosen;
  }

  fired(choice: Choice): void {
    this.#happened.push({ choice, deed: choice.deed, node: this.#at, forced: [] });
    this.#at = -1;
  }

  /** The run is over, with these left to happen and those withdrawn. False when there is no other one to try. */
  next(left: readonly Choice[], voided: readonly Choice[]): boolean {
    const happened = merged(this.#happened);
    const others = [left, voided].map((list) =>
      list.map((choice) => ({ choice, deed: choice.deed, node: -1, forced: [] })),
    );
    const [open = [], withdrawn = []] = others;
    for (const { node, initials } of racesOf(happened, open, withdrawn, (at) => (this.#stack[at] as Node).enabled)) {
      const { enabled, open: tried } = this.#stack[node] as Node;
      if (initials.some((name) => tried.has(name))) continue;
      const name = initials.find((one) => enabled.has(one));
      if (name !== undefined) tried.add(name);
    }
    for (let node = this.#stack.at(-1); node !== undefined; node = this.#stack.at(-1)) {
      const depth = this.#stack.length - 1;
      const last = happened.find((one) => one.node === depth);
      if (last !== undefined) node.done.set(node.chosen, last.deed);
      const rest = [...node.open].find((name) => node.done.has(name) === false);
      if (rest !== undefined) {
        node.chosen = rest;
        break;
      }
      this.#stack.pop();
    }
    this.#happened = [];
    this.#depth = 0;
    return this.#stack.length > 0;
  }

  #extend(enabled: readonly Choice[], precedes: Precedes): Node {
    const done = new Map<string, Deed>();
    const former = this.#stack[this.#depth - 1];
    if (former !== undefined) {
      const since = this.#happened.slice(this.#happened.findIndex(({ node }) => node === this.#depth - 1));
      for (const [name, deed] of former.done)
        if (name !== former.chosen && since.every((one) => !areDependent(one.deed, deed))) done.set(name, deed);
    }
    const fresh = enabled.filter(({ name }) => !done.has(name));
    if (fresh.length === 0) throw new Redundant();
    const { name } = oldestOf(fresh, precedes);
    const node = { enabled: new Set(enabled.map((one) => one.name)), done, open: new Set([name]), chosen: name };
    this.#stack.push(node);
    return node;
  }
}

/** What came at once with an event is a part of it. */
function merged(happened: readonly Happened[]): Happened[] {
  const events: Happened[] = [];
  for (const one of happened) {
    const carrier = events.at(-1);
    if (!one.choice.isForced || carrier === undefined) {
      events.push({ ...one, forced: [] });
      continue;
    }
    carrier.forced.push(one.choice);
    for (const what of ["touched", "ended", "put"] as const)
      for (const path of one.deed[what]) carrier.deed[what].add(path);
  }
  return events;
}
