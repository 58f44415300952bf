// What holds always, never, sometimes, or after something else, looked at after each step of a run that ends.

import { type LeadsTo, Obligation } from "./obligation.ts";

/** A run as properties see it: a simulated world, or whatever has steps and a clock. */
export interface Steps {
  /** In ms. */
  now(): number;
  /** Has `look` called after each event and all that it set off. What it throws ends the run. */
  onStep(look: () => void): void;
}

type Operator = "always" | "never" | "leadsTo" | "sometimes";

/** A property does not hold in this run. What the property itself threw is the `cause`. */
export class PropertyViolated extends Error {
  readonly _tag = "PropertyViolated";
  readonly code = "PROPERTY_VIOLATED";
  readonly operator: Operator;
  /** Its name. */
  readonly property: string;
  /** World time, in ms. */
  readonly atMs: number;

  constructor(operator: Operator, property: string, atMs: number, found: string, options?: ErrorOptions) {
    super(`${operator} ${JSON.stringify(property)} ${found}`, options);
    this.operator = operator;
    this.property = property;
    this.atMs = atMs;
  }

  override get name(): string {
    return this._tag;
  }
}

/** What a property says of a moment: yes or no, or a text with more; nothing where there is nothing to say. */
type Word = boolean | string | void;

export interface Temporal {
  /**
   * `holds` gives true or nothing where it does, else false or what is wrong. A throw, as of an `expect`, is such a text.
   * Example: `always("no overdraft", () => sum >= 0 || "the sum is " + sum)`.
   */
  always(name: string, holds: () => Word): void;
  /**
   * `happens` gives false or nothing where it does not, else true or what happened.
   * Example: `never("two leaders", () => leaders.length > 1 && leaders.join())`.
   */
  never(name: string, happens: () => Word): void;
  /** It happens now; with a function, after the first step after which that gives true. */
  sometimes(name: string, holds?: () => boolean): void;
  /** After each `when` there is a `then`. While one is due, `when` asks for no other. Fails: InvalidOption. */
  leadsTo(name: string, expected: LeadsTo): void;
  /** To be called when the run is over. Fails: PropertyViolated, when something is still due. */
  end(): void;
}

/**
 * Properties of one run, looked at after each step, in the order in which they were declared.
 *
 * Promises: a property that does not hold throws PropertyViolated after the first step after which it does not. What comes
 * and goes within a step nobody sees. In `hits` each name that was given to `sometimes` is counted up by one in a run in
 * which it happens, however often, and stands with 0 if it never does: kept over many runs, it says what was never tried.
 * Cost: a call of each function per step; for `sometimes` until it has given true.
 * Example: `const { always, end } = temporal(world, hits)` at the start of a run, and `end()` at its end.
 */
export function temporal(steps: Steps, hits: Map<string, number>): Temporal {
  return new Properties(steps, hits);
}

/** Its methods are bound, and by `bind`: a literal that is assigned would keep each run alive (see runtime/sim/handle.ts). */
class Properties implements Temporal {
  readonly #steps: Steps;
  readonly #hits: Map<string, number>;
  readonly #looks: (() => void)[] = [];
  readonly #due: { readonly name: string; readonly obligation: Obligation }[] = [];
  readonly #happened = new Set<string>();
  readonly always: Temporal["always"];
  readonly never: Temporal["never"];
  readonly sometimes: Temporal["sometimes"];
  readonly leadsTo: Temporal["leadsTo"];
  readonly end: Temporal["end"];

  constructor(steps: Steps, hits: Map<string, number>) {
    this.#steps = steps;
    this.#hits = hits;
    this.always = this.#judge.bind(this, "always");
    this.never = this.#judge.bind(this, "never");
    this.sometimes = this.#sometimes.bind(this);
    this.leadsTo = this.#leadsTo.bind(this);
    this.end = this.#end.bind(this);
  }

  #watch(look: () => void): void {
    if (this.#looks.push(look) > 1) return;
    this.#steps.onStep(() => {
      for (const one of this.#looks) one();
    });
  }

  #judge(operator: "always" | "never", name: string, look: () => Word): void {
    const isAlways = operator === "always";
    this.#watch(() => {
      const { word, ...options } = said(look);
      if (typeof word !== "string" && word !== !isAlways) return;
      const atMs = this.#steps.now();
      const found = `${isAlways ? "does not hold" : "happens"} at ${atMs} ms`;
      const text = typeof word === "string" ? `${found}: ${word}` : `${found}.`;
      throw new PropertyViolated(operator, name, atMs, text, options);
    });
  }

  #sometimes(name: string, holds?: () => boolean): void {
    this.#count(name, 0);
    const look = () => {
      if (this.#happened.has(name) || (holds !== undefined && !holds())) return;
      this.#happened.add(name);
      this.#count(name, 1);
    };
    if (holds === undefined) look();
    else this.#watch(look);
  }

  #count(name: string, by: number): void {
    this.#hits.set(name, (this.#hits.get(name) ?? 0) + by);
  }

  #leadsTo(name: string, expected: LeadsTo): void {
    const obligation = new Obligation(expected);
    this.#due.push({ name, obligation });
    this.#watch(() => this.#fail(name, obligation.look(this.#steps.now())));
  }

  #end(): void {
    for (const { name, obligation } of this.#due) this.#fail(name, obligation.end(this.#steps.now()));
  }

  #fail(name: string, found: string | undefined): void {
    if (found !== undefined) throw new PropertyViolated("leadsTo", name, this.#steps.now(), `${found}.`);
  }
}

/** A throw says that it is wrong, whichever way round the property is put. */
function said(look: () => Word): { readonly word: Word; readonly cause?: unknown } {
  try {
    return { word: look() };
  } catch (cause) {
    return { word: cause instanceof Error ? cause.message : String(cause), cause };
  }
}
