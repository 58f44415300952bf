// Where two runs of one seed go apart, and by whose doing.

import type { TraceEntry } from "./trace.ts";

export interface Difference {
  readonly path: string;
  /** Of the event. */
  readonly name: string;
  /** Says it with both entries, behind "Two runs differ". */
  readonly where: string;
}

/** Of two entries that stand at one place and differ, or of one that has no counterpart. */
export function difference(one: TraceEntry | undefined, other: TraceEntry | undefined): Difference {
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
