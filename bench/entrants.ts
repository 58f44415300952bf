// Who takes part in a row: a process per peer, with the flags that its row needs.

import type { Contest, Entrant } from "./measure.ts";
import type { Erlang } from "./peer/erlang.ts";
import type { PeerName } from "./peers.ts";
import { NodeSampler } from "./process.ts";
import { type RowName, rows } from "./rows.ts";
import { sizeOf } from "./sizes.ts";

/** Room for a million actors, whatever the default on this machine. */
const roomMb = 6_144;

interface Means {
  /** cell.ts, compiled. */
  readonly script: string;
  readonly erlang?: Erlang | undefined;
  /** Of the usual sizes; 1 by default. */
  readonly scale?: number;
}

/** A row with those of the peers that can play it. */
export function contestOf(row: RowName, peers: readonly PeerName[], reps: number, means: Means): Contest {
  const { way } = rows[row];
  const entrants = peers.map((peer) => entrantOf(row, peer, means)).filter((one) => one !== undefined);
  return { name: row, entrants, way, reps: way === "once" ? perRound(row) : reps };
}

/** Of rows with a process per sample: as much as makes five or more in three rounds, where samples differ. */
function perRound(row: RowName): number {
  return row === "create-1m" ? 2 : 1;
}

function entrantOf(row: RowName, peer: PeerName, { script, erlang, scale = 1 }: Means): Entrant | undefined {
  const usual = sizeOf(row, peer);
  if (typeof usual === "string") return undefined;
  const size = scaled(row, usual, scale);
  if (peer === "erlang") return erlang && { name: peer, start: () => erlang.start(row, size) };
  const flags = rows[row].shape === "idle" ? ["--expose-gc"] : [];
  if (rows[row].way !== "turns") flags.push(`--max-old-space-size=${roomMb}`);
  return { name: peer, start: () => new NodeSampler(script, [peer, row, String(size)], flags) };
}

/** Whole batches of asks and whole shares of tellers. What is about a number of actors keeps it. */
function scaled(row: RowName, size: number, scale: number): number {
  const { of = 1, shape, kind, keeps } = rows[row];
  if (scale === 1 || kind === "amount" || row === "create-1m" || (keeps && shape !== "live" && shape !== "spray"))
    return size;
  const least = Math.max(1_000, shape === "ask" || shape === "ask-inside" ? of : 0);
  return Math.max(least, Math.round((size * scale) / least) * least);
}
