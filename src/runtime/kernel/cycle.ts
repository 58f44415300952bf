// Cycles of waits (A7). A handler in flight waits when it returned a pending promise and each operation it began and
// has not finished is blocked. That is a conjunction throughout, so a set of waits is closed exactly when nothing
// reachable from it can go on: one walk decides.
// Source: resource waits in the AND model; E. G. Coffman, M. J. Elphick, A. Shoshani, "System deadlocks" (1971).

import type { Cell } from "./cell.ts";
import { WaitCycle } from "./failure.ts";
import type { Flight } from "./flight.ts";
import { withdraw } from "./giveup.ts";
import { at, Request } from "./operation.ts";

/** Handlers looked at before a search ends without a result. */
const walkMax = 1_000;

/**
 * Looks for a closed set of waits from `start`. One that is found is looked at again when no promise job is left: a
 * handler whose operation has just finished may end, and one that runs at this moment may begin a sleep.
 */
export function suspect(start: Flight | Request): void {
  const found = walk(start, new Map());
  const cell = start instanceof Request ? start.to : start.cell;
  if (found === "closed") cell.core.world.afterAllJobs(() => breakUp(start));
  if (found !== "far") return;
  cell.core.emit({
    kind: "bound",
    path: cell.path,
    bound: "handlers in a search for a cycle of waits",
    limit: walkMax,
  });
}

/** Withdraws the youngest request on the cycle that can be, if it is still one. */
function breakUp(start: Flight | Request): void {
  const waits = new Map<Flight, Request[]>();
  if (walk(start, waits) !== "closed") return;
  const candidates = [...waits.values()]
    .flat()
    .filter((one) => one.state === at.waiting || (one.state === at.queued && one.verb === "ask"));
  candidates.sort((a, b) => b.order - a.order);
  for (const victim of candidates) {
    const path = cycleOf(victim, waits);
    if (path === undefined) continue;
    withdraw(
      victim,
      "cancelled",
      (outcome) =>
        new WaitCycle(
          `${victim.from.path} can not wait for ${victim.type} from ${victim.to.path}: ${path.map((cell) => cell.path).join(" → ")} would wait for each other. Tell instead, raise concurrency, or give the ask to pipeToSelf.`,
          outcome,
        ),
    );
    return;
  }
}

type Found = "closed" | "open" | "far";

function walk(start: Flight | Request, waits: Map<Flight, Request[]>): Found {
  return start instanceof Request ? walkRequest(start, waits) : walkFlight(start, waits);
}

/** Closed when everything that `flight` waits for is blocked; fills `waits` with what it waits for. */
function walkFlight(flight: Flight, waits: Map<Flight, Request[]>): Found {
  if (waits.has(flight)) return "closed";
  if ((!flight.pending && !flight.holding) || flight.first === undefined) return "open";
  if (waits.size >= walkMax) return "far";
  const requests: Request[] = [];
  waits.set(flight, requests);
  // The first that is not blocked ends it: a handler may have any number of asks in flight, and each answer looks here.
  for (let one = flight.first as typeof flight.first | undefined; one !== undefined; one = one.next) {
    if (!(one instanceof Request)) return "open";
    requests.push(one);
    const found = walkRequest(one, waits);
    if (found !== "closed") return found;
  }
  return "closed";
}

function walkRequest(request: Request, waits: Map<Flight, Request[]>): Found {
  if (request.state === at.queued || request.state === at.waiting) return walkCell(request.to, waits);
  const { flight } = request;
  if (flight === undefined) return "open";
  if (request.state === at.running) return walkFlight(flight, waits);
  if (request.state !== at.held) return "open";
  if (flight.first !== undefined) return walkFlight(flight, waits);
  if (flight.on === undefined || flight.on.length === 0) return "open";
  for (const cell of flight.on) {
    const found = walkCell(cell, waits);
    if (found !== "closed") return found;
  }
  return "closed";
}

/** An actor blocks its queue when it has no free slot and all its handlers in flight wait. */
function walkCell(cell: Cell, waits: Map<Flight, Request[]>): Found {
  if (cell.life !== "up" || cell.free) return "open";
  let pending = 0;
  for (let flight = cell.self.flight; flight !== undefined; flight = flight.nextFlight) {
    pending++;
    const found = walkFlight(flight, waits);
    if (found !== "closed") return found;
  }
  return pending === cell.running ? "closed" : "open";
}

/** The actors from the asker of `victim` round to itself, forwarders included; undefined if it is on no cycle. */
function cycleOf(victim: Request, waits: ReadonlyMap<Flight, readonly Request[]>): Cell[] | undefined {
  const goal = victim.scope;
  const seen = new Set<Request>();
  const search = (request: Request): Cell[] | undefined => {
    if (seen.has(request)) return undefined;
    seen.add(request);
    for (const flight of blockers(request)) {
      const steps = [...(request.details?.via ?? []), request.to];
      // Held, it waits for another actor than the one that has it.
      if (flight.cell !== request.to) steps.push(flight.cell);
      if (flight === goal) return steps;
      for (const next of waits.get(flight) ?? []) {
        const rest = search(next);
        if (rest !== undefined) return [...steps, ...rest];
      }
    }
    return undefined;
  };
  const found = search(victim);
  return found === undefined ? undefined : [victim.from, ...found];
}

function blockers(request: Request): Flight[] {
  if (request.state === at.running) return request.flight === undefined ? [] : [request.flight];
  const cells =
    request.state === at.held && request.flight?.first === undefined ? (request.flight?.on ?? []) : [request.to];
  if (request.state === at.held && request.flight?.first !== undefined) return [request.flight];
  const flights: Flight[] = [];
  for (const cell of cells)
    for (let flight = cell.self.flight; flight !== undefined; flight = flight.nextFlight) flights.push(flight);
  return flights;
}
