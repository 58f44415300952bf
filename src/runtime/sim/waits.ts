// Who waits for what, in words: for the end of a run in which nothing is left to happen.

import type { Core } from "../kernel/core.ts";
import { type Operation, Request, type Scope } from "../kernel/operation.ts";
import { actors } from "./injection.ts";

const linesMax = 10;

/** `the body waits for /x.get`, `/x handles get and waits for /y.put`; at most ten. */
export function waits(core: Core): string[] {
  const lines = goals(core.root.self).map((goal) => `The body waits for ${goal}`);
  for (const cell of actors(core)) {
    for (let flight = cell.self.flight; flight !== undefined; flight = flight.nextFlight)
      lines.push(
        `${cell.path} handles ${flight.type} and waits for ${goals(flight).join(", ") || "something of its own"}`,
      );
    for (const flight of cell.rare?.held ?? []) lines.push(`${cell.path} holds ${flight.type}`);
  }
  return lines.slice(0, linesMax);
}

function goals(scope: Scope): string[] {
  const found: string[] = [];
  for (let one: Operation | undefined = scope.first; one !== undefined; one = one.next)
    if (one instanceof Request) found.push(`${one.to.path}.${one.type}`);
  return found;
}
