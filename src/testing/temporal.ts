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
  const looks: (() => void)[] = [];
  const due: { readonly name: string; readonly obligation: Obligation }[] = [];
  const happened = new Set<string>();
  const watch = (look: () => void) => {
    if (looks.push(look) > 1) return;
    steps.onStep(() => {
      for (const one of looks) one();
    });
  };
  const judge = (operator: "always" | "never", name: string, look: () => Word) => {
    const isAlways = operator === "always";
    watch(() => {
      const { word, ...options } = said(look);
      if (typeof word !== "string" && word !== !isAlways) return;
      const atMs = steps.now();
      const found = `${isAlways ? "does not hold" : "happens"} at ${atMs} ms`;
      const text = typeof word === "string" ? `${found}: ${word}` : `${found}.`;
      throw new PropertyViolated(operator, name, atMs, text, options);
    });
  };
  return {
    always: (name, holds) => judge("always", name, holds),
    never: (name, happens) => judge("never", name, happens),
    sometimes(name, holds) {
      const count = (by: number) => hits.set(name, (hits.get(name) ?? 0) + by);
      const look = () => {
        if (happened.has(name) || (holds !== undefined && !holds())) return;
        happened.add(name);
        count(1);
      };
      count(0);
      if (holds === undefined) look();
      else watch(look);
    },
    leadsTo(name, expected) {
      const obligation = new Obligation(expected);
      due.push({ name, obligation });
      watch(() => fail(name, obligation.look(steps.now())));
    },
    end() {
      for (const { name, obligation } of due) fail(name, obligation.end(steps.now()));
    },
  };

  function fail(name: string, found: string | undefined): void {
    if (found !== undefined) throw new PropertyViolated("leadsTo", name, steps.now(), `${found}.`);
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
