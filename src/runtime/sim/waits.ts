// Who waits for what: as data, and in words for the end of a run in which nothing is left to happen.

import type { Core } from "../kernel/core.ts";
import type { Flight } from "../kernel/flight.ts";
import { type Operation, Request, type Scope } from "../kernel/operation.ts";
import { actors } from "./injection.ts";

const linesMax = 10;

/** What is waited for. */
interface Goal {
  /** Who has the message, or is about to get it. */
  readonly path: string;
  /** Of the message; undefined for whatever that actor does, as a holder said of it. */
  readonly type: string | undefined;
}

/** A message in flight, one that is held, or an ask from outside. */
export interface Wait {
  /** `/` is the outside: the body of a simulation. */
  readonly path: string;
  /** Of the message; undefined outside. */
  readonly type: string | undefined;
  /** Its handler has returned, and keeps it. */
  readonly held: boolean;
  /** The asks and offers that have not ended; none where it sleeps, or waits for something of its own. */
  readonly for: readonly Goal[];
}

/** In the order of the start of the actors, the outside first. */
export function waiting(core: Core): Wait[] {
  const found: Wait[] = goals(core.root.self).map((goal) => ({
    path: "/",
    type: undefined,
    held: false,
    for: [goal],
  }));
  for (const flight of flights(core)) {
    const held = !flight.pending;
    const on = held && flight.first === undefined ? (flight.on ?? []) : [];
    found.push({
      path: flight.cell.path,
      type: flight.type,
      held,
      for: [...goals(flight), ...on.map(({ path }) => ({ path, type: undefined }))],
    });
  }
  return found;
}

/** Messages in flight, whose handlers have come to an await, and those that are held. */
export function flights(core: Core): Flight[] {
  const found: Flight[] = [];
  for (const cell of actors(core)) {
    for (let flight = cell.self.flight; flight !== undefined; flight = flight.nextFlight) found.push(flight);
    found.push(...(cell.rare?.held ?? []));
  }
  return found;
}

/** `The body waits for /x.get`, `/x handles get and waits for /y.put`; at most ten. */
export function waits(core: Core): string[] {
  return waiting(core).slice(0, linesMax).map(waitText);
}

export function waitText(wait: Wait): string {
  const goals = wait.for.map(({ path, type }) => (type === undefined ? path : `${path}.${type}`)).join(", ");
  if (wait.type === undefined) return `The body waits for ${goals}`;
  if (wait.held) return `${wait.path} holds ${wait.type}${goals && ` and waits for ${goals}`}`;
  return `${wait.path} handles ${wait.type} and waits for ${goals || "something of its own"}`;
}

function goals(scope: Scope): Goal[] {
  const found: Goal[] = [];
  for (let one: Operation | undefined = scope.first; one !== undefined; one = one.next)
    if (one instanceof Request) found.push({ path: one.to.path, type: one.type });
  return found;
}
