// How many items a repetition has, of each row on each peer: 0.1 to 0.5 s of work, so that a cell with what it prepares
// and warms up takes seconds, 20 at most. Where a rate depends on it, peers.ts says so.

import type { PeerName } from "./peers.ts";
import type { RowName } from "./rows.ts";

const k = 1_000;
const m = 1_000_000;

type Sizes = { readonly [row in RowName]?: number | string };

const usual: { readonly [row in RowName]: number } = {
  ring: 4 * m,
  "ping-pong": 2 * m,
  counting: m,
  ask: 400 * k,
  "ask-1k": 400 * k,
  "ask-100k": 200 * k,
  "ask-inside": 400 * k,
  "ask-inside-1k": 400 * k,
  "ask-inside-100k": 200 * k,
  create: 100 * k,
  "create-1m": m,
  big: 2 * m,
  bank: 200 * k,
  idle: 100 * k,
  "idle-rss": m,
  "live-1": m,
  "live-1k": m,
  "live-100k": m,
  "live-1m": m,
  "spray-1": m,
  "spray-1k": m,
  "spray-100k": 300 * k,
  "spray-1m": 200 * k,
  "timer-fire": 100 * k,
  "timer-cancel": 100 * k,
  import: 1,
};

/** Rows with the same shape have the same size, but for what is about a number of actors or of asks in flight. */
function alike(given: { ring: number; pingPong: number; ask: number; wander: number }): Sizes {
  const { ring, pingPong, ask, wander } = given;
  return {
    ring,
    "ping-pong": pingPong,
    "live-1": pingPong,
    "live-1k": pingPong,
    "live-100k": pingPong,
    "live-1m": pingPong,
    ask,
    "ask-1k": ask,
    "ask-100k": 100 * k,
    "ask-inside": ask,
    "ask-inside-1k": ask,
    "ask-inside-100k": 100 * k,
    big: wander,
    "spray-1": wander,
    "spray-1k": wander,
    "spray-100k": Math.min(wander, 300 * k),
    "spray-1m": Math.min(wander, 200 * k),
  };
}

const slow = "a million of its actors take more than 20 s to create";
const noMillion: Sizes = { "create-1m": slow, "live-1m": slow, "spray-1m": slow, "idle-rss": 100 * k };
const late = "100,000 asks at once are not answered within 5 s";
const square = "it takes time that grows with the square of what is queued: minutes";

const others: { readonly [peer in PeerName]?: Sizes } = {
  nact: {
    ...alike({ ring: 100 * k, pingPong: 50 * k, ask: 50 * k, wander: 100 * k }),
    ...noMillion,
    counting: 100 * k,
    create: 10 * k,
    big: 200 * k,
    bank: 30 * k,
    "ask-100k": late,
    "ask-inside-100k": late,
  },
  comedy: {
    ...alike({ ring: 150 * k, pingPong: 80 * k, ask: 50 * k, wander: 100 * k }),
    ...noMillion,
    counting: 100 * k,
    create: 2 * k,
    bank: 30 * k,
    "timer-fire": 50 * k,
    "timer-cancel": 50 * k,
  },
  xstate: {
    ...alike({ ring: 50 * k, pingPong: 30 * k, ask: 50 * k, wander: 30 * k }),
    ...noMillion,
    counting: 100 * k,
    create: 5 * k,
    bank: 10 * k,
    "spray-100k": 10 * k,
    "timer-fire": 20 * k,
    "timer-cancel": 20 * k,
  },
  transition: {
    ...alike({ ring: 300 * k, pingPong: 200 * k, ask: 300 * k, wander: 200 * k }),
    ...noMillion,
    counting: 300 * k,
    create: 5 * k,
    bank: 50 * k,
    "spray-100k": 50 * k,
    "timer-fire": 50 * k,
    "timer-cancel": 50 * k,
  },
  effect: {
    ...alike({ ring: 100 * k, pingPong: 50 * k, ask: 10 * k, wander: 50 * k }),
    ...noMillion,
    counting: 300 * k,
    create: 10 * k,
    bank: 5 * k,
    "ask-100k": late,
    "ask-inside-100k": late,
    "live-100k": 20 * k,
    "spray-100k": 10 * k,
    "timer-fire": 20 * k,
    "timer-cancel": 20 * k,
  },
  rxjs: {
    ...alike({ ring: 100 * k, pingPong: 50 * k, ask: 50 * k, wander: 100 * k }),
    ...noMillion,
    counting: 10 * k,
    create: 5 * k,
    bank: 50 * k,
    "spray-100k": 30 * k,
    "timer-fire": 5 * k,
    "timer-cancel": 5 * k,
    "ask-100k": square,
    "ask-inside-100k": square,
  },
  emitter: {
    ...alike({ ring: 500 * k, pingPong: 300 * k, ask: 200 * k, wander: 500 * k }),
    counting: 200 * k,
    create: 50 * k,
    bank: 100 * k,
  },
  chain: { ...alike({ ring: 2 * m, pingPong: m, ask: 400 * k, wander: m }), counting: 300 * k, bank: 300 * k },
  loop: {
    ...alike({ ring: 600 * k, pingPong: 400 * k, ask: 300 * k, wander: 400 * k }),
    create: 50 * k,
    bank: 150 * k,
  },
  erlang: {
    ...alike({ ring: 500 * k, pingPong: 300 * k, ask: 100 * k, wander: 500 * k }),
    bank: 40 * k,
  },
};

/** Items per repetition, or why this peer has no such row. */
export function sizeOf(row: RowName, peer: PeerName): number | string {
  return others[peer]?.[row] ?? usual[row];
}
