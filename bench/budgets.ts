// The budgets of design §7, each with what was found.

import type { Measured } from "./measure.ts";
import { type Peer, type PeerName, peers } from "./peers.ts";
import { type RowName, rows } from "./rows.ts";
import { costRatio, ratio, type Spread, short, spreadOf } from "./spread.ts";

export interface Judged {
  readonly budget: string;
  readonly found: string;
  /** Undefined where that can not be told from what was measured. */
  readonly met: boolean | undefined;
}

/** The second budget of rows that are compared with the bare kernel. */
const laterTimesBare = 1.25;
/** A million actors: cost of a message, beside one actor. */
const flatWithin = 1.25;

/** Erlang is not among them: it stands beside Antiphon. */
const rivalries: readonly (readonly [kind: string, isMeant: (peer: PeerName) => boolean])[] = [
  ["library", (peer) => peer !== "antiphon" && (peers[peer] as Peer).package !== undefined],
  ["way by hand", (peer) => ["emitter", "chain", "loop"].includes(peer)],
];

export function budgetsOf(measured: Measured): Judged[] {
  const all = [
    ...(["ring", "ping-pong", "big", "bank", "create"] as const).flatMap((row) => besideBare(row, measured)),
    ...ownRates(measured),
    ...amounts(measured),
    ...flat(measured),
  ];
  return all.filter(({ met, found }) => met !== undefined || found !== "");
}

export function budgetText(judged: readonly Judged[]): string {
  const mark = (met: boolean | undefined) => (met === undefined ? "open  " : met ? "met   " : "MISSED");
  return judged.map(({ budget, found, met }) => `${mark(met)}  ${budget}: ${found}`).join("\n");
}

function of(measured: Measured, row: string, peer: PeerName): Spread | undefined {
  const rounds = measured[row]?.[peer];
  return rounds === undefined ? undefined : spreadOf(rounds.flat());
}

function besideBare(row: RowName, measured: Measured): Judged[] {
  const found = measured[row] ?? {};
  const own = found["antiphon"];
  if (own === undefined) return [];
  const { budget } = rows[row];
  const cost = costRatio(rows[row].kind, own, found["bare"]);
  const judged: Judged[] = [];
  if (cost !== undefined && budget?.kind === "times-bare") {
    const later = cost.median <= laterTimesBare ? `within ${laterTimesBare}` : `not within ${laterTimesBare}`;
    judged.push({
      budget: `${row} within ${budget.atMost} times the bare kernel`,
      found: `${ratio(cost).trim()}, ${later}`,
      met: cost.median <= budget.atMost,
    });
  }
  for (const [kind, isMeant] of rivalries) {
    const rivals = Object.entries(found)
      .filter(([peer]) => isMeant(peer as PeerName))
      .map(([peer, rounds]) => ({ peer, cost: costRatio(rows[row].kind, rounds, own)?.median ?? Number.NaN }))
      .sort((a, b) => a.cost - b.cost);
    const [first] = rivals;
    if (first === undefined) continue;
    const told = rivals.filter(({ cost }) => cost < 1 || cost === first.cost);
    judged.push({
      budget: `${row} ahead of every ${kind}`,
      found: told.map(({ peer, cost }) => `${peer} takes ${cost.toFixed(2)} times as long`).join(", "),
      met: first.cost > 1,
    });
  }
  return judged;
}

function ownRates(measured: Measured): Judged[] {
  return (["counting", "ask-inside"] as const).flatMap((row) => {
    const own = of(measured, row, "antiphon");
    const { budget, unit } = rows[row];
    if (own === undefined || budget?.kind !== "at-least") return [];
    const erlang = row === "counting" ? of(measured, row, "erlang") : undefined;
    const beside = erlang === undefined ? "" : `; Erlang ${short(erlang.median)}`;
    return {
      budget: `${row} of at least ${short(budget.rate)} ${unit}`,
      found: `${short(own.median)} (${short(own.min)}–${short(own.max)})${beside}`,
      met: own.median >= budget.rate,
    };
  });
}

function amounts(measured: Measured): Judged[] {
  const judged: Judged[] = [];
  const heap = of(measured, "idle", "antiphon");
  if (heap !== undefined)
    judged.push({
      budget: "an idle actor in at most 400 bytes of heap",
      found: heap.median.toFixed(0),
      met: Math.round(heap.median) <= 400,
    });
  const resident = of(measured, "idle-rss", "antiphon");
  if (resident !== undefined)
    judged.push({
      budget: "a million live actors in less than 1 GB of resident memory",
      found: `${(resident.median / 1_000).toFixed(2)} GB`,
      met: resident.median < 1_000,
    });
  const ms = of(measured, "door ms", "antiphon");
  if (ms !== undefined)
    judged.push({
      budget: 'import "antiphon" in at most 30 ms',
      found: `${ms.median.toFixed(1)} ms (${ms.min.toFixed(1)}–${ms.max.toFixed(1)})`,
      met: ms.median <= 30,
    });
  return judged;
}

/** What is far apart in memory costs more to reach, whoever sends it: spray is beside the bare kernel. */
function flat(measured: Measured): Judged[] {
  return (["live", "spray"] as const).flatMap((shape) => {
    const growth = (peer: PeerName) =>
      costRatio("rate", measured[`${shape}-1m`]?.[peer], measured[shape === "live" ? "live-1" : "spray-1k"]?.[peer]);
    const [own, bare] = [growth("antiphon"), growth("bare")];
    if (own === undefined) return [];
    const beside = bare === undefined ? "" : `; the bare kernel ${ratio(bare).trim()}`;
    const found = `${ratio(own).trim()} times${beside}`;
    if (shape === "live")
      return {
        budget: "a message between two costs the same among 1 and 1,000,000 live actors",
        found,
        met: own.median <= flatWithin,
      };
    return {
      budget: "messages to 1,000,000 actors in turn grow no more than those of the bare kernel, from 1,000",
      found,
      met: bare === undefined ? undefined : own.median <= bare.median * flatWithin,
    };
  });
}
