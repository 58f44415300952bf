// The counts of a system or an actor. Fates come from counters; what is under way is counted again from the mailboxes
// and handlers themselves, so that the conservation equations (D3) can fail.

import type { Cell } from "./cell.ts";
import { type Core, Tally, tallied } from "./core.ts";
import type { Census } from "./verbs.ts";

/** Costs a walk over every actor and every waiting message. */
export function census(core: Core): Census {
  const sum = new Tally();
  const under = {
    accepted: core.retiredAccepted,
    handled: core.retiredHandled,
    queued: 0,
    running: 0,
    held: 0,
    actors: 0,
  };
  for (const key of tallied) sum[key] = core.retired[key];
  const visit = (cell: Cell) => {
    for (let child = cell.rare?.firstChild; child !== undefined; child = child.next) {
      const of = standing(child);
      under.accepted += child.accepted;
      under.handled += child.handled;
      under.queued += of.queued;
      under.running += of.running;
      under.held += of.held;
      under.actors++;
      for (const key of tallied) sum[key] += child.tally?.[key] ?? 0;
      visit(child);
    }
  };
  visit(core.root);
  const { sent, turnedAway, lost, transit, waitingForRoom, turns, late, repeated, inert } = core;
  return { sent, turnedAway, lost, transit, waitingForRoom, ...under, ...sum, turns, late, repeated, inert };
}

/** Of one actor: what is counted per system only (sent, turnedAway, turns, late …) is 0. */
export function censusOf(cell: Cell): Census {
  const tally = cell.tally ?? new Tally();
  return {
    sent: 0,
    turnedAway: 0,
    lost: 0,
    transit: 0,
    waitingForRoom: cell.rare?.offers.length ?? 0,
    accepted: cell.accepted,
    handled: cell.handled,
    ...tally,
    ...standing(cell),
    turns: 0,
    late: 0,
    repeated: 0,
    inert: 0,
    actors: cell.life === "ended" ? 0 : 1,
  };
}

/** Recomputed from the structures. */
function standing(cell: Cell): { queued: number; running: number; held: number } {
  let queued = 0;
  cell.box?.forEach(() => {
    queued++;
  });
  cell.lane?.forEach((_type, _payload, origin) => {
    if (origin.turn?.kind !== "reply") queued++;
  });
  let running = 0;
  for (let flight = cell.self.flight; flight !== undefined; flight = flight.nextFlight) {
    if (!flight.over) running++;
  }
  // A handler that runs at this moment, before its first await, is in no list yet.
  const { current } = cell.core;
  if (current?.cell === cell && !current.over) running++;
  return { queued, running, held: cell.rare?.held.size ?? 0 };
}

/** Where the conservation equations (D3) do not hold; empty when they do. Costs what {@link census} costs. */
export function audit(core: Core): string[] {
  const found: string[] = [];
  const check = (path: string, of: Census) => {
    const { accepted, forwardedIn, forwardedOut, queued, running, held } = of;
    const fates = of.handled + of.refused + of.crashed + of.expired + of.cancelled + of.dropped + of.dead;
    if (accepted + forwardedIn !== fates + forwardedOut + queued + running + held)
      found.push(
        `${path}: accepted ${accepted} + forwarded in ${forwardedIn} is not fates ${fates} + forwarded out ${forwardedOut} + queued ${queued} + running ${running} + held ${held}`,
      );
    for (const [term, value] of Object.entries(of)) if (value < 0) found.push(`${path}: ${term} is ${value}`);
  };
  const visit = (cell: Cell) => {
    for (let child = cell.rare?.firstChild; child !== undefined; child = child.next) {
      check(child.path, censusOf(child));
      visit(child);
    }
  };
  visit(core.root);
  const all = census(core);
  check("system", all);
  const { sent, turnedAway, lost, transit, waitingForRoom, accepted, queued, running, held } = all;
  if (sent !== turnedAway + lost + transit + waitingForRoom + accepted)
    found.push(
      `system: sent ${sent} is not turned away ${turnedAway} + lost ${lost} + transit ${transit} + waiting for room ${waitingForRoom} + accepted ${accepted}`,
    );
  if (core.open !== queued + running + held)
    found.push(`system: ${core.open} open is not queued ${queued} + running ${running} + held ${held}`);
  return found;
}
