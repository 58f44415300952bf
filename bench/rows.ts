// What is measured: one entry per row, the same work for every subject. Sizes are such that a repetition takes
// 0.1 to 0.3 s; nact's are smaller because its rate does not depend on them (reference: its counting and ring were
// measured from 2,000 to 300,000 messages at the same rate).

/** One repetition: `run` is timed, `check` throws when the work was not done, and neither includes the preparation. */
interface Prepared {
  run(): Promise<unknown>;
  check(): void | Promise<void>;
}

export type Work = (size: number) => Prepared;

export interface Subject {
  readonly ring: Work;
  readonly "ping-pong": Work;
  readonly counting: Work;
  readonly ask: Work;
  readonly "ask-inside": Work;
  readonly create: Work;
  readonly big: Work;
  readonly bank: Work;
  /** Spawns `size` actors that receive nothing and returns what keeps them alive. */
  readonly idle: (size: number) => unknown;
}

export type RowName = keyof Subject | "import";
export type SubjectName = "bare" | "nact" | "antiphon";
export const subjectNames: readonly SubjectName[] = ["bare", "nact", "antiphon"];

/** Of design §7. Beside it every row must be ahead of nact. */
export type Budget =
  | { readonly kind: "times-bare"; readonly atMost: number }
  | { readonly kind: "at-least"; readonly rate: number }
  | { readonly kind: "at-most"; readonly value: number };

export interface Row {
  readonly what: string;
  readonly unit: string;
  /** `rate`: more is better, counted per second. `amount`: less is better, one sample per process. */
  readonly kind: "rate" | "amount";
  readonly size: number;
  readonly sizeNact: number;
  readonly budget: Budget | undefined;
}

export const sizes = { ringActors: 100, bigActors: 1_000, accounts: 100, tellers: 10, balance: 1_000 };

const timesBare: Budget = { kind: "times-bare", atMost: 1.5 };

export const rows: { readonly [name in RowName]: Row } = {
  ring: {
    what: `one message goes round ${sizes.ringActors} actors`,
    unit: "hops/s",
    kind: "rate",
    size: 4_000_000,
    sizeNact: 100_000,
    budget: timesBare,
  },
  "ping-pong": {
    what: "two actors send one message to and fro",
    unit: "rounds/s",
    kind: "rate",
    size: 2_000_000,
    sizeNact: 50_000,
    budget: timesBare,
  },
  counting: {
    what: "all messages are sent in one turn to one actor, which is then asked for the total",
    unit: "messages/s",
    kind: "rate",
    size: 1_000_000,
    sizeNact: 100_000,
    budget: { kind: "at-least", rate: 4_000_000 },
  },
  ask: {
    what: "asks from outside, one after the other, with the default deadline",
    unit: "asks/s",
    kind: "rate",
    size: 400_000,
    sizeNact: 50_000,
    budget: undefined,
  },
  "ask-inside": {
    what: "a serial actor, itself asked with a deadline, asks another, one after the other",
    unit: "asks/s",
    kind: "rate",
    size: 400_000,
    sizeNact: 50_000,
    budget: { kind: "at-least", rate: 1_000_000 },
  },
  create: {
    what: "in one turn actors are created and sent one message; each tells a collector and stops itself",
    unit: "actors/s",
    kind: "rate",
    size: 100_000,
    sizeNact: 10_000,
    budget: timesBare,
  },
  big: {
    what: `${sizes.bigActors} actors, each with a message in flight, send to random others`,
    unit: "messages/s",
    kind: "rate",
    size: 2_000_000,
    sizeNact: 200_000,
    budget: timesBare,
  },
  bank: {
    what: `${sizes.tellers} tellers move money between ${sizes.accounts} accounts with two asks each`,
    unit: "transfers/s",
    kind: "rate",
    size: 200_000,
    sizeNact: 30_000,
    budget: timesBare,
  },
  idle: {
    what: "heap of an actor that has received nothing, of 100,000, after a forced collection",
    unit: "B/actor",
    kind: "amount",
    size: 100_000,
    sizeNact: 100_000,
    budget: { kind: "at-most", value: 400 },
  },
  import: {
    what: "import of the compiled package in a fresh process",
    unit: "ms",
    kind: "amount",
    size: 1,
    sizeNact: 1,
    budget: { kind: "at-most", value: 30 },
  },
};

export const rowNames = Object.keys(rows) as readonly RowName[];

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
