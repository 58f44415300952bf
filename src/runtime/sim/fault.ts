// Faults as data: each says what goes wrong, where, and when. A run is given a list of them, or injects one by hand.

import { milliseconds } from "../kernel/duration.ts";
import { InvalidOption } from "../kernel/failure.ts";
import type { Duration } from "../kernel/protocol.ts";

/** When a fault holds, in virtual time; from the start and for ever by default. `to` is no longer in it. */
export interface Window {
  readonly from?: Duration;
  readonly to?: Duration;
}

/** Which messages or replies of a link a fault strikes: those of the window; of these the first `first`, or a share. */
export interface Struck extends Window {
  /** Each with this chance, in (0, 1]; 1 by default. */
  readonly share?: number;
  /** Only so many. */
  readonly first?: number;
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
  | ({ readonly kind: "partition"; readonly one: readonly string[]; readonly other: readonly string[] } & Window);

// A target is a path; `*` in it stands for any characters. A link is two of these with `>` between them.

/** The actor throws, as if its handler had: its supervisor decides. */
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
  const byMs = typeof o.by === "number" ? o.by : milliseconds("by", o.by);
  const { from, to } = o;
  return checked({
    kind: "clock-offset",
    target,
    byMs,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
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

/** Messages on the link come twice. The second is a message of its own with the same id, and nobody waits for it. */
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

/** Nothing passes between an actor of the one list and one of the other, in either direction. */
export function partition(one: readonly string[], other: readonly string[], o: Window = {}): Fault {
  return checked({ kind: "partition", one, other, ...o });
}

/** Fails: InvalidOption. A fault that was read from a file is checked so too. */
export function checked(fault: Fault): Fault {
  const of = (field: string) => `${fault.kind}.${field}`;
  if ("at" in fault) milliseconds(of("at"), fault.at);
  if ("target" in fault) pattern(of("target"), fault.target);
  if ("link" in fault) ends(fault.link, of("link"));
  if ("one" in fault) for (const path of [...fault.one, ...fault.other]) pattern(of("paths"), path);
  if ("by" in fault) delayMs(fault.by, of("by"));
  if (!("at" in fault)) {
    const { fromMs, toMs } = windowOf(fault);
    if (!(toMs > fromMs)) throw new InvalidOption(of("to"), fault.to, `later than from, ${fromMs} ms`);
    if (fault.kind === "pause" && toMs === Number.POSITIVE_INFINITY)
      throw new InvalidOption(of("to"), fault.to, "the time at which the pause ends");
  }
  if ("times" in fault && !(fault.times >= 0))
    throw new InvalidOption(of("times"), fault.times, "a number of at least 0");
  if ("byMs" in fault && !Number.isFinite(fault.byMs)) throw new InvalidOption(of("by"), fault.byMs, "a number of ms");
  if ("share" in fault && fault.share !== undefined && !(fault.share > 0 && fault.share <= 1))
    throw new InvalidOption(of("share"), fault.share, "a number above 0 and at most 1");
  if ("first" in fault && fault.first !== undefined && !(Number.isInteger(fault.first) && fault.first > 0))
    throw new InvalidOption(of("first"), fault.first, "a whole number above 0");
  return fault;
}

export function windowOf({ from = 0, to = Number.POSITIVE_INFINITY }: Window): { fromMs: number; toMs: number } {
  return { fromMs: milliseconds("from", from), toMs: milliseconds("to", to) };
}

/** Bounds in ms of a delay. */
export function delayMs(delay: Delay, option: string): { minMs: number; maxMs: number } {
  if (typeof delay !== "object") {
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
