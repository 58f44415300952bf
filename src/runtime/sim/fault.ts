// Faults as data: each says what goes wrong, where, and when. A run is given a list of them, or injects one by hand.

import { milliseconds } from "../kernel/duration.ts";
import { InvalidOption } from "../kernel/failure.ts";
import type { Duration } from "../kernel/protocol.ts";

/** When a fault holds, in virtual time; from the start and for ever by default. `to` is no longer in it. */
export interface Window {
  readonly from?: Duration;
  readonly to?: Duration;
}

/** Which messages or replies of a link a fault strikes: those of the window; of these the first few, one, or a share. */
export interface Struck extends Window {
  /** Each with this chance, in (0, 1]; 1 by default. */
  readonly share?: number;
  /** Only so many. */
  readonly first?: number;
  /** Only this one, counted from 1 along each link. */
  readonly nth?: number;
  /** Only messages of this name, and replies to them. */
  readonly type?: string;
}

/** Fixed, or uniform between two bounds. */
export type Delay = Duration | { readonly min: Duration; readonly max: Duration };

export type Fault =
  | { readonly kind: "crash" | "restart"; readonly target: string; readonly at: Duration }
  | { readonly kind: "power-failure"; readonly at: Duration }
  | ({ readonly kind: "pause"; readonly target: string } & Window)
  | ({ readonly kind: "slow"; readonly target: string; readonly times: number } & Window)
  | ({ readonly kind: "clock-offset"; readonly target: string; readonly byMs: number } & Window)
  | ({ readonly kind: "error"; readonly target: string; readonly first: number; readonly type?: string } & Window)
  | ({ readonly kind: "drop" | "duplicate"; readonly link: string } & Struck)
  | ({ readonly kind: "delay" | "reorder"; readonly link: string; readonly by: Delay } & Struck)
  | ({ readonly kind: "down"; readonly target: string } & Window)
  | ({
      readonly kind: "unavailable";
      readonly target: string;
      readonly share: number;
      readonly back: Duration;
    } & Window)
  | ({ readonly kind: "partition"; readonly one: readonly string[]; readonly other: readonly string[] } & Window);

// A target is a path; `*` in it stands for any characters. A link is two of these with `>` between them.

/** The actor crashes, as if a turn of its own had thrown beside what it has in flight: its supervisor decides. */
export function crash(target: string, o: { at: Duration }): Fault {
  return checked({ kind: "crash", target, ...o });
}

/** The actor is restarted, whatever its supervision says, and its budget is not charged. */
export function restart(target: string, o: { at: Duration }): Fault {
  return checked({ kind: "restart", target, ...o });
}

/** Every actor is gone at once; no dispose and no `finally` runs. Journals keep a prefix, and the boot runs again. */
export function powerFailure(o: { at: Duration }): Fault {
  return checked({ kind: "power-failure", ...o });
}

/** Nothing of the actor starts, resumes or comes due in the window; it does when that is over. */
export function pause(target: string, o: Window & { to: Duration }): Fault {
  return checked({ kind: "pause", target, ...o });
}

/** What its handlers sleep takes so many times as long. Deadlines do not. */
export function slow(target: string, o: Window & { times: number }): Fault {
  return checked({ kind: "slow", target, ...o });
}

/** Its `self.now()` is wrong by so many ms. Timers do not drift. */
export function clockOffset(target: string, o: Window & { by: Duration | number }): Fault {
  const { by, ...rest } = o;
  return checked({
    kind: "clock-offset",
    target,
    byMs: typeof by === "number" ? by : milliseconds("clock-offset.by", by),
    ...rest,
  });
}

/** The first messages that would start are answered with {@link InjectedError} instead. */
export function errors(target: string, o: Window & { first: number; type?: string }): Fault {
  return checked({ kind: "error", target, ...o });
}

/** Messages and replies on the link are lost. */
export function drop(link: string, o: Struck = {}): Fault {
  return checked({ kind: "drop", link, ...o });
}

/** Messages on the link, not replies, come twice: the second is one of its own with the same id; nobody waits for it. */
export function duplicate(link: string, o: Struck = {}): Fault {
  return checked({ kind: "duplicate", link, ...o });
}

/** Messages and replies on the link take longer, and what follows on the link waits behind them. */
export function delay(link: string, o: Struck & { by: Delay }): Fault {
  return checked({ kind: "delay", link, ...o });
}

/** Messages and replies on the link take longer, and what follows may overtake them: D1 does not hold for these. */
export function reorder(link: string, o: Struck & { by: Delay }): Fault {
  return checked({ kind: "reorder", link, ...o });
}

/**
 * The actor can not be reached in the window: an ask or offer is turned away with {@link Unavailable}, a tell stays queued
 * until the window is over.
 */
export function down(target: string, o: Window & { to: Duration }): Fault {
  // As data, one that lasts for ever has no end.
  milliseconds("down.to", o.to);
  return checked({ kind: "down", target, ...o });
}

/**
 * For a share of the keys that messages carry, each drawn by actor and key, the actor can not be reached, from the first
 * message of that key on and for an exponential time with the mean `back`: an ask or offer is turned away with
 * {@link Unavailable}, a tell stays queued.
 */
export function unavailable(target: string, o: Window & { share: number; back: Duration }): Fault {
  return checked({ kind: "unavailable", target, ...o });
}

/** Nothing passes between an actor of the one list and one of the other, in either direction. */
export function partition(one: readonly string[], other: readonly string[], o: Window = {}): Fault {
  return checked({ kind: "partition", one, other, ...o });
}

const window = ["from?", "to?"];
const struck = ["share?", "first?", "nth?", "type?", ...window];

/** What each kind has beside its name; with `?`, what it may have. */
const fields: Readonly<Record<Fault["kind"], readonly string[]>> = {
  crash: ["target", "at"],
  restart: ["target", "at"],
  "power-failure": ["at"],
  pause: ["target", "from?", "to"],
  slow: ["target", "times", ...window],
  "clock-offset": ["target", "byMs", ...window],
  error: ["target", "first", "type?", ...window],
  drop: ["link", ...struck],
  duplicate: ["link", ...struck],
  delay: ["link", "by", ...struck],
  reorder: ["link", "by", ...struck],
  down: ["target", ...window],
  unavailable: ["target", "share", "back", ...window],
  partition: ["one", "other", ...window],
};

/** What is to be said of each field, and what `found` must be. */
const checks: Readonly<Record<string, (found: never, option: string) => unknown>> = {
  at: (found: Duration, option) => milliseconds(option, found),
  from: (found: Duration, option) => milliseconds(option, found),
  to: (found: Duration, option) => milliseconds(option, found),
  back: (found: Duration, option) => milliseconds(option, found),
  by: (found: Delay, option) => delayMs(found, option),
  target: (found: string, option) => pattern(option, found),
  link: (found: string, option) => ends(found, option),
  one: paths,
  other: paths,
  times: (found: number, option) =>
    holds(Number.isFinite(found) && found >= 0, option, found, "a number of at least 0"),
  byMs: (found: number, option) => holds(Number.isFinite(found), option, found, "a number of ms"),
  share: (found: number, option) =>
    holds(typeof found === "number" && found > 0 && found <= 1, option, found, "a number above 0 and at most 1"),
  first: count,
  nth: count,
  type: (found: string, option) => holds(typeof found === "string", option, found, "the name of a message"),
};

/** Fails: InvalidOption. A fault that was read from a file is checked so too. */
export function checked(fault: Fault): Fault {
  const { kind, ...given }: { kind: Fault["kind"] } & Record<string, unknown> = { ...fault };
  if (!Object.hasOwn(fields, kind)) throw new InvalidOption("kind", kind, Object.keys(fields).join(", "));
  const known = fields[kind].map((field) => field.replace("?", ""));
  for (const name of Object.keys(given))
    if (!known.includes(name)) throw new InvalidOption(`${kind}.${name}`, "an unknown option", known.join(", "));
  for (const field of fields[kind]) {
    const name = field.replace("?", "");
    const found = given[name] as never;
    if (found !== undefined || name === field) checks[name]?.(found, `${kind}.${name}`);
  }
  const { fromMs, toMs } = windowOf(fault as Window);
  if (!(toMs > fromMs)) throw new InvalidOption(`${kind}.to`, toMs, `later than from, ${fromMs} ms`);
  if (kind === "pause" && toMs === Number.POSITIVE_INFINITY)
    throw new InvalidOption("pause.to", toMs, "the time at which the pause ends");
  return fault;
}

function holds(is: boolean, option: string, found: unknown, allowed: string): void {
  if (!is) throw new InvalidOption(option, found, allowed);
}

function count(found: number, option: string): void {
  holds(Number.isInteger(found) && found > 0, option, found, "a whole number above 0");
}

function paths(found: readonly string[], option: string): void {
  holds(Array.isArray(found), option, found, "a list of paths");
  for (const path of found) pattern(option, path);
}

export function windowOf({ from = 0, to = Number.POSITIVE_INFINITY }: Window): { fromMs: number; toMs: number } {
  return { fromMs: milliseconds("from", from), toMs: milliseconds("to", to) };
}

/** Bounds in ms of a delay. */
export function delayMs(delay: Delay, option: string): { minMs: number; maxMs: number } {
  if (typeof delay !== "object" || delay === null) {
    const ms = milliseconds(option, delay);
    return { minMs: ms, maxMs: ms };
  }
  const [minMs, maxMs] = [milliseconds(`${option}.min`, delay.min), milliseconds(`${option}.max`, delay.max)];
  if (!(maxMs >= minMs)) throw new InvalidOption(`${option}.max`, delay.max, `at least min, ${minMs} ms`);
  return { minMs, maxMs };
}

/** The two patterns of a link `from>to`. */
export function ends(link: string, option: string): readonly [(path: string) => boolean, (path: string) => boolean] {
  const [from, to, more] = typeof link === "string" ? link.split(">") : [];
  if (from === undefined || to === undefined || more !== undefined)
    throw new InvalidOption(option, link, 'two paths with > between them, for example "/shop>/payments" or "*>/email"');
  return [pattern(option, from), pattern(option, to)];
}

/** Tells whether a path fits, in which `*` stands for any characters. */
export function pattern(option: string, path: string): (path: string) => boolean {
  if (typeof path !== "string" || !/^(\/|\*)[^\s>]*$/.test(path))
    throw new InvalidOption(option, path, 'a path such as "/shop/payments", in which * stands for any characters');
  if (!path.includes("*")) return (other) => other === path;
  const parts = path.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`);
  return (other) => expression.test(other);
}
