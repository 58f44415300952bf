// Faults of actors that hold for a while: pauses, slowness, wrong clocks, errors. Asked at every event, so an empty list
// costs a branch.

import { type Cell, gate } from "../kernel/cell.ts";
import { answerNo, count } from "../kernel/fate.ts";
import { Flight } from "../kernel/flight.ts";
import type { Named, Origin } from "../kernel/mailbox.ts";
import { at } from "../kernel/operation.ts";
import { admitOffers } from "../kernel/post.ts";
import { InjectedError } from "./failure.ts";
import { type Fault, pattern, windowOf } from "./fault.ts";

type Lasting = Extract<Fault, { kind: "pause" | "slow" | "clock-offset" | "error" }>;

interface Spell<F extends Lasting> {
  readonly fault: F;
  readonly fits: (path: string) => boolean;
  readonly fromMs: number;
  readonly toMs: number;
  struck: number;
}

type Spells = { [K in Lasting["kind"]]: Spell<Extract<Lasting, { kind: K }>>[] };

export class Disturbances {
  readonly #spells: Spells = { pause: [], slow: [], "clock-offset": [], error: [] };
  #healed: (path: string) => boolean = () => false;
  // False while there is no such fault.
  anyPause = false;
  anySlow = false;

  /** Gives how often it struck so far. */
  add(fault: Lasting): () => number {
    const target = pattern(fault.kind, fault.target);
    const fits = (path: string) => target(path) && !this.#healed(path);
    const spell = { fault, fits, ...windowOf(fault), struck: 0 };
    (this.#spells[fault.kind] as Spell<Lasting>[]).push(spell);
    if (fault.kind === "pause") this.anyPause = true;
    if (fault.kind === "slow") this.anySlow = true;
    return () => spell.struck;
  }

  /** Ends all of these actors, also those to come. */
  heal(fits: (path: string) => boolean): void {
    const before = this.#healed;
    this.#healed = (path) => before(path) || fits(path);
  }

  /** The body of a simulation is no actor. */
  pauses(cell: Cell, nowMs: number): boolean {
    const { pause } = this.#spells;
    return this.anyPause && !cell.outside && find(pause, cell, nowMs) !== undefined;
  }

  /** How many times as long the sleeps of its handlers take. */
  slowness(cell: Cell, nowMs: number): number {
    const { slow } = this.#spells;
    return find(slow, cell, nowMs)?.fault.times ?? 1;
  }

  offsetMs(cell: Cell, nowMs: number): number {
    const offsets = this.#spells["clock-offset"];
    return offsets.length === 0 ? 0 : (find(offsets, cell, nowMs)?.fault.byMs ?? 0);
  }

  /** Answers the message that would start, as its mailbox gives it next, with an error. */
  refuses(cell: Cell, { what, origin }: { what: Named; origin: Origin }, nowMs: number): boolean {
    const { error } = this.#spells;
    if (error.length === 0 || (origin.request !== undefined && origin.request.deadline <= nowMs)) return false;
    const spell = error.find(
      (one) =>
        isIn(one, cell, nowMs) &&
        one.struck < one.fault.first &&
        (one.fault.type === undefined || one.fault.type === what.name),
    );
    if (spell === undefined) return false;
    spell.struck++;
    const flight = new Flight(cell);
    cell.box?.take(flight);
    const failure = new InjectedError(
      `${cell.path} gave an error in place of its answer to ${flight.type}: ${spell.struck} of ${spell.fault.first}.`,
    );
    count(cell, "refused", flight.type, flight.origin);
    answerNo(flight, failure);
    if (flight.request !== undefined) flight.request.state = at.done;
    if ((cell.gate & gate.offers) !== 0) admitOffers(cell);
    cell.scheduled = false;
    cell.schedule();
    return true;
  }
}

function isIn(spell: Spell<Lasting>, cell: Cell, nowMs: number): boolean {
  return nowMs >= spell.fromMs && nowMs < spell.toMs && spell.fits(cell.path);
}

function find<F extends Lasting>(spells: Spell<F>[], cell: Cell, nowMs: number): Spell<F> | undefined {
  const spell = spells.find((one) => isIn(one, cell, nowMs));
  if (spell !== undefined) spell.struck++;
  return spell;
}
