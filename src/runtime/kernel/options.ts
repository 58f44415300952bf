// Every option of an actor: its default, its check, and the form the kernel reads.

import { milliseconds } from "./duration.ts";
import { InvalidOption } from "./failure.ts";
import { isMessageName } from "./names.ts";
import type { Duration } from "./protocol.ts";
import type { Backoff, Priority, SpawnOptions } from "./verbs.ts";

export interface Config {
  readonly messages: readonly string[] | undefined;
  readonly concurrency: number;
  readonly capacity: number;
  /** Messages that may be queued or in a slot at once: capacity + concurrency, small enough to stay an integer. */
  readonly places: number;
  readonly overflow: "turn-away" | "drop-oldest" | "drop-newest";
  readonly offers: number;
  readonly order: "fifo" | "lifo" | Priority;
  readonly onCrash: "restart" | "resume" | "stop" | "escalate";
  readonly onAskError: "answer" | "crash";
  readonly maxRestarts: number;
  readonly withinMs: number;
  readonly backoff: Backoff;
  readonly settleWithinMs: number;
  readonly strategy: "one-for-one" | "one-for-all" | "rest-for-one";
}

/** An ask that says nothing waits this long. */
export const askWithinMs = 5_000;
const placesMax = 1_000_000_000;

export const defaults: Config = {
  messages: undefined,
  concurrency: 1,
  capacity: 100_000,
  places: 100_001,
  overflow: "turn-away",
  offers: 1_000,
  order: "fifo",
  onCrash: "restart",
  onAskError: "answer",
  maxRestarts: 3,
  withinMs: 5_000,
  backoff: 0,
  settleWithinMs: 1_000,
  strategy: "one-for-one",
};

const known = {
  "": ["name", "messages", "concurrency", "mailbox", "supervision", "children"],
  mailbox: ["capacity", "overflow", "offers", "order"],
  supervision: ["onCrash", "onAskError", "maxRestarts", "within", "backoff", "settleWithin"],
  children: ["strategy"],
} as const;

/** Fails: InvalidOption, for an unknown name or a value out of its range. */
export function configure(options: SpawnOptions): Config {
  names("", options);
  const { messages, mailbox = {}, supervision = {}, children } = options;
  names("mailbox", mailbox);
  names("supervision", supervision);
  if (children !== undefined) names("children", children);
  if (messages !== undefined) checkMessages(messages);
  const concurrency = whole("concurrency", options.concurrency, defaults.concurrency, 1);
  const capacity = whole("mailbox.capacity", mailbox.capacity, defaults.capacity, 0);
  const {
    within = defaults.withinMs,
    settleWithin = defaults.settleWithinMs,
    backoff = defaults.backoff,
  } = supervision;
  checkBackoff(backoff);
  return {
    messages,
    concurrency,
    capacity,
    places: Math.min(placesMax, capacity + concurrency),
    overflow: oneOf("mailbox.overflow", mailbox.overflow, ["turn-away", "drop-oldest", "drop-newest"]),
    offers: whole("mailbox.offers", mailbox.offers, defaults.offers, 0),
    order: checkOrder(mailbox.order),
    onCrash: oneOf("supervision.onCrash", supervision.onCrash, ["restart", "resume", "stop", "escalate"]),
    onAskError: oneOf("supervision.onAskError", supervision.onAskError, ["answer", "crash"]),
    maxRestarts: whole("supervision.maxRestarts", supervision.maxRestarts, defaults.maxRestarts, 0),
    withinMs: milliseconds("supervision.within", within),
    backoff,
    settleWithinMs: milliseconds("supervision.settleWithin", settleWithin),
    strategy: oneOf("children.strategy", children?.strategy, ["one-for-one", "one-for-all", "rest-for-one"]),
  };
}

/** The wait before the n-th restart of a window, in ms; `draw` in [0, 1) spreads it by the jitter. */
export function backoffMs(backoff: Backoff, restart: number, draw: () => number): number {
  if (typeof backoff === "function") return milliseconds("supervision.backoff", backoff(restart));
  if (typeof backoff !== "object") return milliseconds("supervision.backoff", backoff);
  const { first, max = "30s", factor = 2, jitter = 0 } = backoff;
  const most = milliseconds("supervision.backoff.max", max);
  let wait = milliseconds("supervision.backoff.first", first);
  for (let n = 1; n < restart && wait < most; n++) wait *= factor;
  return Math.min(wait, most) * (1 - jitter * draw());
}

export function checkName(name: unknown): string {
  if (typeof name === "string" && /^[^\s/>:#~]{1,200}$/.test(name)) return name;
  throw new InvalidOption("name", name, "1 to 200 characters without white space and none of / > : # ~");
}

export function whole(option: string, found: number | undefined, otherwise: number, least: number): number {
  if (found === undefined) return otherwise;
  if (typeof found === "number" && found >= least && (Number.isInteger(found) || found === Number.POSITIVE_INFINITY))
    return found;
  throw new InvalidOption(option, found, `a whole number of at least ${least}, or Infinity`);
}

/** The first of `allowed` is the default. */
export function oneOf<T extends string>(option: string, found: T | undefined, allowed: readonly T[], or?: string): T {
  const value = found === undefined ? allowed[0] : found;
  if (value !== undefined && allowed.includes(value)) return value;
  const list = allowed.map((one) => JSON.stringify(one));
  throw new InvalidOption(option, found, `one of ${list.join(", ")}${or === undefined ? "" : ` or ${or}`}`);
}

function names(group: keyof typeof known, given: object): void {
  const allowed: readonly string[] = known[group];
  if (typeof given !== "object" || given === null)
    throw new InvalidOption(group === "" ? "options" : group, given, `an object of ${allowed.join(", ")}`);
  for (const name of Object.keys(given)) {
    if (allowed.includes(name)) continue;
    throw new InvalidOption(group === "" ? name : `${group}.${name}`, "an unknown option", allowed.join(", "));
  }
}

function checkOrder(order: "fifo" | "lifo" | Priority | undefined): "fifo" | "lifo" | Priority {
  if (typeof order === "object" && typeof order?.priority === "function") return order;
  return oneOf<"fifo" | "lifo">(
    "mailbox.order",
    order as "fifo",
    ["fifo", "lifo"],
    "an object with a priority function",
  );
}

function checkMessages(found: readonly string[]): void {
  if (!Array.isArray(found)) throw new InvalidOption("messages", found, "a list of names");
  for (const name of found)
    if (!isMessageName(name))
      throw new InvalidOption(
        "messages",
        name,
        'names that are not "then", not of Object.prototype and do not begin with "_"',
      );
}

function checkBackoff(backoff: Backoff): void {
  if (typeof backoff === "function") return;
  if (typeof backoff !== "object" || backoff === null) {
    milliseconds("supervision.backoff", backoff);
    return;
  }
  const { first, max, factor = 2, jitter = 0 } = backoff;
  milliseconds("supervision.backoff.first", first as Duration);
  if (max !== undefined) milliseconds("supervision.backoff.max", max);
  if (!(typeof factor === "number" && factor >= 1))
    throw new InvalidOption("supervision.backoff.factor", factor, "a number of at least 1");
  if (!(typeof jitter === "number" && jitter >= 0 && jitter <= 1))
    throw new InvalidOption("supervision.backoff.jitter", jitter, "a number from 0 to 1");
}
