// The suite as questions, each with its rows; what `--only` knows.

import { InvalidOption } from "antiphon";
import type { RowName } from "./rows.ts";

export interface Question {
  readonly asks: string;
  readonly rows: readonly RowName[];
}

export const questions: Readonly<Record<string, Question>> = {
  messages: {
    asks: "What does a message cost, and an actor?",
    rows: ["counting", "ping-pong", "ring", "big", "bank", "create", "create-1m"],
  },
  asks: {
    asks: "What does an answer cost, with a deadline on each ask?",
    rows: ["ask", "ask-1k", "ask-100k", "ask-inside", "ask-inside-1k", "ask-inside-100k"],
  },
  memory: { asks: "What does an actor take that does nothing?", rows: ["idle", "idle-rss"] },
  crowd: {
    asks: "Does a message cost the same among one actor and among a million?",
    rows: ["live-1", "live-1k", "live-100k", "live-1m", "spray-1", "spray-1k", "spray-100k", "spray-1m"],
  },
  timers: { asks: "What does a timer cost, with 100,000 of them?", rows: ["timer-fire", "timer-cancel"] },
};

/** Questions that have no rows on all peers. */
export const others = {
  doors: "What does it cost to import each door of the package, beside other packages?",
  adapters: "What does an ask cost when an actor is written with Effect, XState or RxJS?",
  roads: "What do the slow roads of Antiphon cost: observers, concurrency, orders, isolation?",
  collector: "What do flags of the garbage collector bring?",
  sim: "How fast is virtual time? The rows of npm run bench:sim",
} as const;
type Other = keyof typeof others;

export interface Chosen {
  readonly rows: readonly RowName[];
  readonly others: readonly Other[];
}

const suite = Object.values(questions).flatMap(({ rows }) => rows);
const heavy = (row: RowName) => row.endsWith("-1m") || row.endsWith("-100k") || row === "idle-rss";
const otherNames = Object.keys(others) as readonly Other[];

/** Without a list all of it; `quick` leaves out what has a million actors or 100,000 of anything. */
export function chosenFrom(list: string | undefined, quick: boolean): Chosen {
  if (list === undefined) return { rows: suite.filter((row) => !quick || !heavy(row)), others: otherNames };
  const names = list.split(",").map((name) => name.trim());
  const known: readonly string[] = [...Object.keys(questions), ...suite, ...otherNames];
  const strange = names.find((name) => !known.includes(name));
  if (strange !== undefined)
    throw new InvalidOption("--only", strange, `${known.join(", ")}; for example --only ring,bank`);
  return {
    rows: suite.filter((row) => names.includes(row) || names.some((name) => questions[name]?.rows.includes(row))),
    others: otherNames.filter((name) => names.includes(name)),
  };
}
