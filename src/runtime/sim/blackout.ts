// A power failure: every actor is gone between two steps. No code of theirs runs, neither dispose nor `finally`; what
// they had accepted ends dead, and what they waited for never comes.

import type { Cell } from "../kernel/cell.ts";
import type { Core } from "../kernel/core.ts";
import { count, reject } from "../kernel/fate.ts";
import { Flight } from "../kernel/flight.ts";
import { depart } from "../kernel/lifecycle.ts";
import { at, type Operation, Request, type Scope, type Turn } from "../kernel/operation.ts";
import { stoppedFailure } from "../kernel/post.ts";

export function blackOut(core: Core): void {
  const cells: Cell[] = [];
  const visit = (cell: Cell) => {
    for (let child = cell.rare?.firstChild; child !== undefined; child = child.next) {
      visit(child);
      cells.push(child);
    }
  };
  visit(core.root);
  const asked = requestsOf(core.root.self).map((request) => ({ request, begun: request.state > at.queued }));
  // A system that stops waits for these.
  const halts = cells.flatMap(({ parent, rare }) =>
    core.phase === "stopping" && parent === core.root && rare?.halting?.final === true ? rare.halting.done : [],
  );
  // First nobody can act any more, then the books are closed: who asked from outside is told last.
  for (const cell of cells) cell.self.live = false;
  for (const cell of cells) close(cell);
  core.lost += core.transit;
  core.transit = 0;
  core.boots++;
  const root = core.root.rareOf();
  root.labels = undefined;
  root.watchers = [];
  for (const done of halts) done();
  for (const { request, begun } of asked)
    reject(request, stoppedFailure(request.to, request.type, begun ? "unknown" : "not-started"));
}

function close(cell: Cell): void {
  const { core, self, rare, box, lane } = cell;
  const flights: Flight[] = [];
  for (let one = self.flight; one !== undefined; one = one.nextFlight) flights.push(one);
  const held = [...(rare?.held ?? [])];
  for (const flight of [...flights, ...held]) {
    if (flight.over) continue;
    flight.over = true;
    flight.pending = false;
    rare?.held.delete(flight);
    count(cell, "dead", flight.type, flight.origin);
    if (flight.request !== undefined) flight.request.state = at.done;
  }
  for (const scope of [...flights, ...held, self]) empty(scope);
  self.flight = undefined;
  const taken = new Flight(cell);
  while (box?.take(taken) === true) {
    count(cell, "dead", taken.type, taken.origin);
    if (taken.request !== undefined) taken.request.state = at.done;
  }
  while (lane?.take(taken) === true) {
    const turn = taken.origin as Turn;
    turn.queued = false;
    if (turn.kind !== "reply") count(cell, "dead", turn.name, turn);
  }
  for (const _ of rare?.offers.splice(0) ?? []) {
    core.waitingForRoom--;
    core.turnedAway++;
  }
  if (rare !== undefined) {
    rare.how = { reason: "failed" };
    rare.halting = undefined;
    rare.watchers = [];
    rare.stragglers.clear();
    rare.timers = undefined;
  }
  cell.running = 0;
  cell.scheduled = false;
  depart(cell);
}

/** Nobody waits for these any more. */
function empty(scope: Scope): void {
  for (let one: Operation | undefined = scope.first; one !== undefined; one = scope.first) {
    scope.remove(one);
    if (!(one instanceof Request)) continue;
    one.settled = true;
    one.unlisten();
  }
}

function requestsOf(scope: Scope): Request[] {
  const requests: Request[] = [];
  for (let one: Operation | undefined = scope.first; one !== undefined; one = one.next)
    if (one instanceof Request) requests.push(one);
  return requests;
}
