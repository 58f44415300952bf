// Where two runs of one seed go apart, and by whose doing.

import type { Simulation } from "./simulate.ts";
import type { Trace, TraceEntry } from "./trace.ts";

export interface Difference {
  readonly path: string;
  /** Of the event. */
  readonly name: string;
  /** Says it with both entries, behind "Two runs differ". */
  readonly where: string;
}

/** Of two entries that stand at one place and differ, or of one that has no counterpart. */
function difference(one: TraceEntry | undefined, other: TraceEntry | undefined): Difference {
  const entry = one !== undefined && (other === undefined || one.at < other.at) ? one : other;
  if (entry === undefined)
    return { path: "/", name: "", where: "behind the entries that were kept: raise traceLimit." };
  // A payload is its sender's. Else what came earlier is what came only in one of the two.
  const isSent = `${one}` === `${other}` && one?.digest !== other?.digest;
  const { name } = entry;
  const path = isSent ? (name.split(/~?>/)[0] as string) : entry.path;
  const where = `first in ${isSent ? "a payload of " : ""}${path}:\n  ${one ?? "nothing"}\n  ${other ?? "nothing"}`;
  return { path, name, where };
}

/** Holds a run against a former one, while it runs and at its end. */
export class Comparison {
  readonly #former: Simulation<unknown>;
  readonly #differs: (where: Difference) => void;
  #isOver = false;

  /** `differs` is told of the first difference. */
  constructor(former: Simulation<unknown>, differs: (where: Difference) => void) {
    this.#former = former;
    this.#differs = differs;
  }

  readonly see = (entry: TraceEntry, index: number): void => {
    const former = this.#former.trace[index];
    if (former !== undefined && !former.equals(entry)) this.#found(former, entry);
  };

  /** A former run with leaks has no hash, and has told why. */
  end(trace: Trace | undefined): void {
    const { hash, trace: former } = this.#former;
    if (hash === undefined || trace === undefined || hash === trace.hash) return;
    const at = Math.min(former.length, trace.entries.length);
    this.#found(former[at], trace.entries[at]);
  }

  #found(former: TraceEntry | undefined, entry: TraceEntry | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#differs(difference(former, entry));
  }
}
