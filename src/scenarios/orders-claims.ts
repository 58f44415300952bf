// What messaging promises, and what people believe it does, as predictions that can fail. Imported by orders.ts.

import { type Check, type Interval, meanInterval, pairedInterval, proportionInterval, scaled } from "antiphon/lab";
import type { OnDisk } from "./orders-disk.ts";
import {
  emailFails,
  flushMs,
  maxAttempts,
  type Played,
  type Subscriber,
  subscribers,
  type Tally,
} from "./orders-play.ts";

export type Runs = Readonly<Record<"base" | "unordered" | "calm" | "memory", Played>>;

interface Claimed {
  readonly id: string;
  readonly claim: string;
  readonly source: string;
  readonly checks: readonly Check[];
  readonly says?: string;
}

export function claims(runs: Runs, disk: OnDisk | undefined): Claimed[] {
  return [...ofSafety(runs, disk), ...ofAttempts(runs), ...ofOthers(runs)];
}

const names = Object.keys(subscribers) as Subscriber[];

function total({ tallies }: Played, of: (tally: Tally) => number): number {
  return names.reduce((sum, name) => sum + of(tallies[name]), 0);
}

/** A number that was counted, not estimated. */
function counted(value: number): Interval {
  return { value, low: value, high: value, level: 1, count: 1, method: "independent samples" };
}

function count(where: string, predicted: number, value: number, unit?: string): Check {
  return { where, predicted, measured: counted(value), ...(unit !== undefined && { unit }) };
}

function ofSafety({ base, unordered, memory }: Runs, disk: OnDisk | undefined): Claimed[] {
  const orders = base.placedMs.length;
  return [
    {
      id: "lost",
      claim: "What was confirmed is not lost.",
      source: "G1, G13",
      checks: [
        count(
          "with a journal, through a power failure",
          0,
          total(base, ({ lost }) => lost),
        ),
        ...(disk?.missing === undefined && disk !== undefined
          ? [count("on disk, stopped and opened again", 0, disk.lost)]
          : []),
        count(
          "in memory, through a power failure",
          0,
          total(memory, ({ lost }) => lost),
        ),
      ],
      says: "A broker in memory keeps its promise as long as its process lives.",
    },
    {
      id: "once",
      claim: "Twice is as good as once.",
      source: "G8",
      checks: [
        count(
          "effects in the commit that acknowledges, not once",
          0,
          total(base, ({ notOnce }) => notOnce),
        ),
        count("effects beside it, of an order, inventory", 1, base.tallies.inventory.ran / orders),
      ],
      says: "What is done beside the commit is done as often as it is delivered.",
    },
    {
      id: "order",
      claim: "The orders of one customer are handled in their order.",
      source: "G5",
      checks: [
        count(
          'order: "key"',
          0,
          total(base, ({ inversions }) => inversions),
        ),
        count(
          'order: "none"',
          0,
          total(unordered, ({ inversions }) => inversions),
        ),
      ],
      says: "Also through backoff and crashes; where nobody asked for it, it does not hold.",
    },
  ];
}

function ofAttempts({ base }: Runs): Claimed[] {
  const { attempts, dead } = base.tallies.email;
  const orders = attempts.length;
  const all = Math.exp(maxAttempts * Math.log(emailFails));
  return [
    {
      id: "deliveries",
      claim: "What fails is delivered (1 − p⁵) / (1 − p) times.",
      source: "geometric sum",
      checks: [
        {
          where: "e-mail, p = 0.3",
          predicted: (1 - all) / (1 - emailFails),
          measured: meanInterval(attempts, { level: 0.999 }),
          tolerance: 0.01,
        },
      ],
    },
    {
      id: "dead",
      claim: "Of five attempts all fail for p⁵ of the messages.",
      source: "p⁵",
      checks: [
        {
          where: "dead letters of e-mail",
          predicted: 100 * all,
          measured: scaled(proportionInterval({ hits: dead, of: orders }, { level: 0.999 }), 100),
          unit: "%",
        },
      ],
    },
    {
      id: "redrive",
      claim: "Dead letters come back when the reason is gone.",
      source: "redrive",
      checks: [
        count(
          "of analytics, after it was mended",
          base.tallies.analytics.dead,
          base.tallies.analytics.redriven,
          "messages",
        ),
      ],
    },
  ];
}

/** Who was turned away is tried again each second: half of one, on average. */
const triedAgainSeconds = 0.5;

function ofOthers({ base, unordered, calm }: Runs): Claimed[] {
  const waits = (played: Played, name: Subscriber) => played.tallies[name].waitsMs;
  const longer = (name: Subscriber): Interval => {
    const pairs = waits(base, name).flatMap((wait, i): [number, number][] => {
      const other = waits(calm, name)[i] as number;
      return Number.isNaN(wait) || Number.isNaN(other) ? [] : [[wait, other]];
    });
    return pairedInterval(
      pairs.map(([, other]) => other),
      pairs.map(([wait]) => wait),
    );
  };
  const { slots, workMs } = subscribers.email;
  const deliveries = (1 - Math.exp(maxAttempts * Math.log(emailFails))) / (1 - emailFails);
  // A slot is free when the commit is safe: its group waits for the one under way, half of a flush on average.
  const perSecond = (1_000 * slots) / (workMs * deliveries + 1.5 * flushMs);
  const arrive = base.placedMs.length / ((base.placedMs.at(-1) ?? 0) / 1_000);
  const awaySeconds = (base.placedMs.at(-1) ?? 0) / 1_000 / 3;
  const drainSeconds = (arrive * awaySeconds) / (perSecond - arrive) + triedAgainSeconds;
  const recovered = (where: string, played: Played): Check => ({
    ...count(where, drainSeconds, drainedAfter(played), "s"),
    tolerance: 0.15,
  });
  return [
    {
      id: "isolated",
      claim: "Who fails holds up nobody else.",
      source: "G12",
      checks: [
        {
          where: "shipping, e-mail failing against not",
          relation: "below",
          predicted: 5,
          measured: longer("shipping"),
          unit: "ms",
        },
        {
          where: "e-mail itself",
          relation: "below",
          predicted: 5,
          measured: longer("email"),
          unit: "ms",
        },
      ],
      says: "Others share the journal, and nothing else. The e-mails behind it wait.",
    },
    {
      id: "drain",
      claim: "An outage's backlog drains with what is to spare.",
      source: "backlog / (μ − λ)",
      checks: [recovered('e-mail, order: "none"', unordered), recovered('e-mail, order: "key"', base)],
      says: "With an order it is the busiest customer's: one at a time, and failures wait.",
    },
  ];
}

/** Seconds after e-mail was back in which an order placed then still waited more than 100 ms for its first attempt. */
function drainedAfter({ tallies, placedMs, backMs }: Played): number {
  let lastMs = backMs;
  for (const [i, first] of tallies.email.firstMs.entries())
    if (first > 100) lastMs = Math.max(lastMs, (placedMs[i] as number) + first);
  return (lastMs - backMs) / 1_000;
}
