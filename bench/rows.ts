// What is measured: one entry per row, the same work for every peer. How many items a repetition has stands in
// sizes.ts, per peer; who the peers are and what is unfair about each, in peers.ts.

import type { Contest } from "./measure.ts";

/** One repetition: `run` is timed, `check` throws when the work was not done, and neither includes the preparation. */
export interface Prepared {
  run(): Promise<unknown>;
  check(): void | Promise<void>;
}

/** `of` is the number that a row's `of` gives; only some shapes read it. */
type Work = (size: number, of: number) => Prepared | Promise<Prepared>;

/** What a peer can be made to do. */
export interface Subject {
  readonly ring: Work;
  readonly "ping-pong": Work;
  readonly counting: Work;
  /** With `of` asks in flight. */
  readonly ask: Work;
  readonly "ask-inside": Work;
  readonly create: Work;
  readonly big: Work;
  readonly bank: Work;
  /** A ping-pong while `of` other actors are alive. `run` may be called again. */
  readonly live: Work;
  /** 100 messages wander among `of` actors. `run` may be called again. */
  readonly spray: Work;
  /** `run` may be called again. */
  readonly fire: Work;
  readonly cancel: Work;
  /** Spawns `size` actors that receive nothing and returns what keeps them alive. */
  readonly idle: (size: number) => unknown;
}

export type RowName =
  | Exclude<keyof Subject, "live" | "spray" | "fire" | "cancel">
  | "import"
  | "ask-1k"
  | "ask-100k"
  | "ask-inside-1k"
  | "ask-inside-100k"
  | "create-1m"
  | "idle-rss"
  | "timer-fire"
  | "timer-cancel"
  | `${"live" | "spray"}-${"1" | "1k" | "100k" | "1m"}`;

/** Of design §7. */
type Budget =
  | { readonly kind: "times-bare"; readonly atMost: number }
  | { readonly kind: "at-least"; readonly rate: number }
  | { readonly kind: "at-most"; readonly value: number };

export interface Row {
  readonly what: string;
  readonly unit: string;
  /** `rate`: more is better, counted per second. `amount`: less is better. */
  readonly kind: "rate" | "amount";
  readonly shape: keyof Subject | "import";
  readonly of?: number;
  /** See `Contest`. */
  readonly way: Contest["way"];
  /** What is prepared serves all repetitions of a process, and is not prepared again. */
  readonly keeps?: boolean;
  readonly budget?: Budget;
}

export const sizes = {
  ringActors: 100,
  bigActors: 1_000,
  accounts: 100,
  tellers: 10,
  balance: 1_000,
  sprayed: 100,
  touched: 1_000,
};

const timesBare: Budget = { kind: "times-bare", atMost: 1.5 };

/** A row whose processes take turns. */
function rate(shape: keyof Subject, unit: string, what: string, more: Partial<Row> = {}): Row {
  return { what, unit, kind: "rate", shape, way: "turns", ...more };
}

function live(others: number, way: Row["way"] = "apart"): Row {
  const what = `two actors play ping-pong, and beside them live ${others.toLocaleString("en")}`;
  return rate("live", "rounds/s", what, { of: others, way, keeps: true });
}

function spray(actors: number, way: Row["way"] = "apart"): Row {
  const among = actors === 1 ? "go to one actor" : `wander at random among ${actors.toLocaleString("en")} actors`;
  const what = `${sizes.sprayed} messages ${among}`;
  return rate("spray", "messages/s", what, { of: actors, way, keeps: true });
}

const inside = "a serial actor, itself asked with a deadline, asks another";

export const rows: { readonly [name in RowName]: Row } = {
  ring: rate("ring", "hops/s", `one message goes round ${sizes.ringActors} actors`, { budget: timesBare }),
  "ping-pong": rate("ping-pong", "rounds/s", "two actors send one message to and fro", { budget: timesBare }),
  counting: rate(
    "counting",
    "messages/s",
    "all messages are sent in one turn to one actor, which is then asked for the total",
    { budget: { kind: "at-least", rate: 4_000_000 } },
  ),
  ask: rate("ask", "asks/s", "asks from outside, one after the other, with the default deadline", { of: 1 }),
  "ask-1k": rate("ask", "asks/s", "the same, 1,000 at once, then all awaited", { of: 1_000 }),
  "ask-100k": rate("ask", "asks/s", "the same, 100,000 at once", { of: 100_000, way: "apart" }),
  "ask-inside": rate("ask-inside", "asks/s", `${inside}, one after the other`, {
    of: 1,
    budget: { kind: "at-least", rate: 1_000_000 },
  }),
  "ask-inside-1k": rate("ask-inside", "asks/s", `${inside}, 1,000 at once`, { of: 1_000 }),
  "ask-inside-100k": rate("ask-inside", "asks/s", `${inside}, 100,000 at once`, { of: 100_000, way: "apart" }),
  create: rate(
    "create",
    "actors/s",
    "in one turn 100,000 actors are created and sent one message; each tells a collector and stops itself",
    { budget: timesBare },
  ),
  "create-1m": rate("create", "actors/s", "the same with 1,000,000 actors, in fresh processes", { way: "once" }),
  big: rate("big", "messages/s", `${sizes.bigActors} actors, each with a message in flight, send to random others`, {
    budget: timesBare,
  }),
  bank: rate(
    "bank",
    "transfers/s",
    `${sizes.tellers} tellers move money between ${sizes.accounts} accounts with two asks each`,
    { budget: timesBare },
  ),
  idle: {
    what: "heap of an actor that has received nothing, of 100,000, after a forced collection",
    unit: "B/actor",
    kind: "amount",
    shape: "idle",
    way: "once",
    budget: { kind: "at-most", value: 400 },
  },
  "idle-rss": {
    what: "resident memory of such an actor, of 1,000,000",
    unit: "B/actor",
    kind: "amount",
    shape: "idle",
    way: "once",
    // A million of them stay below 1 GB.
    budget: { kind: "at-most", value: 1_000 },
  },
  "live-1": live(1, "turns"),
  "live-1k": live(1_000, "turns"),
  "live-100k": live(100_000),
  "live-1m": live(1_000_000),
  "spray-1": spray(1, "turns"),
  "spray-1k": spray(1_000, "turns"),
  "spray-100k": spray(100_000),
  "spray-1m": spray(1_000_000),
  "timer-fire": rate("fire", "timers/s", "100,000 actors are told to arm a timer of 1 ms; all fire as a turn", {
    way: "apart",
    keeps: true,
  }),
  "timer-cancel": rate("cancel", "timers/s", "100,000 actors are told to arm a timer of 1 min, and then to cancel it", {
    way: "apart",
    keeps: true,
  }),
  import: {
    what: "import of the compiled package in a fresh process",
    unit: "ms",
    kind: "amount",
    shape: "import",
    way: "once",
    budget: { kind: "at-most", value: 30 },
  },
};

export function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: found ${found}, expected ${expected}.`);
}

/** A cheap generator, so that the draw is not what is measured. Source: Marsaglia, "Xorshift RNGs", 2003. */
export function xorshift(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A promise and its resolver: a row's end, resolved by the last actor. */
export function signal(): { readonly reached: Promise<void>; readonly reach: () => void } {
  let reach: () => void = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return { reached, reach };
}

/** The sum of the answers to 0, 1, 2, …, with so many asks in flight: a batch is awaited as a whole. */
export async function askAll(asks: number, inFlight: number, ask: (n: number) => PromiseLike<number>): Promise<number> {
  let sum = 0;
  if (inFlight === 1) {
    for (let i = 0; i < asks; i++) sum += await ask(i);
    return sum;
  }
  for (let from = 0; from < asks; from += inFlight) {
    const batch: PromiseLike<number>[] = [];
    for (let i = from; i < Math.min(from + inFlight, asks); i++) batch.push(ask(i));
    for (const answer of await Promise.all(batch)) sum += answer;
  }
  return sum;
}
