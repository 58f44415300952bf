// How messages and replies travel between two actors: their latency, and the faults that strike them. A link is first in,
// first out: what is sent later arrives later, unless a fault reorders it.

import type { Cell } from "../kernel/cell.ts";
import { InvalidOption } from "../kernel/failure.ts";
import type { Origin } from "../kernel/mailbox.ts";
import type { Selector } from "../kernel/names.ts";
import { keyed, stream } from "../kernel/random.ts";
import { Unavailable } from "./failure.ts";
import { type Delay, delayMs, ends, type Fault, pattern, windowOf } from "./fault.ts";
import { Outages } from "./outage.ts";

/** A delay, or a draw in ms as the service times of `antiphon/lab` are. */
export type Latency = Delay | ((random: () => number) => number);

/** What a {@link Latency} says of something sent that `key` names, in ms. Its durations are read once. */
type TravelMs = (seed: number, link: string, key: string) => number;

interface Travel {
  readonly ms: TravelMs;
  /** How much longer it may take, where that is not drawn but chosen as it arrives. */
  readonly spanMs: number;
}

/** By link, `from>to`, the first that fits. */
export type Latencies = Readonly<Record<string, Latency>>;

type LinkFault = Extract<Fault, { kind: "drop" | "duplicate" | "delay" | "reorder" | "partition" }>;

/** A link fault with what it needs to be asked quickly. */
class Strike {
  readonly fault: LinkFault;
  readonly fits: (from: string, to: string) => boolean;
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly name: string;
  readonly #by: { readonly minMs: number; readonly maxMs: number } | undefined;
  /** By link, how many it might have struck. */
  readonly #met = new WeakMap<Link, number>();
  /** How often it struck. */
  struck = 0;

  constructor(fault: LinkFault, name: string) {
    const { fromMs, toMs } = windowOf(fault);
    this.fault = fault;
    this.fits = fitOf(fault);
    this.#fromMs = fromMs;
    this.#toMs = toMs;
    this.name = name;
    this.#by = "by" in fault ? delayMs(fault.by, `${fault.kind}.by`) : undefined;
  }

  /** Whether it strikes this one; `key` names it, and decides a draw. */
  strikes(timeMs: number, type: string, key: string, seed: number, isReply: boolean, link: Link): boolean {
    if (timeMs < this.#fromMs || timeMs >= this.#toMs) return false;
    const { fault } = this;
    if (isReply && fault.kind === "duplicate") return false;
    if (fault.kind !== "partition") {
      if (fault.type !== undefined && fault.type !== type) return false;
      if (fault.first !== undefined && this.struck >= fault.first) return false;
      if (fault.nth !== undefined && !this.#isNth(link, fault.nth)) return false;
      if (fault.share !== undefined && keyed(seed, this.name, key) >= fault.share) return false;
    }
    this.struck++;
    return true;
  }

  #isNth(link: Link, nth: number): boolean {
    const met = (this.#met.get(link) ?? 0) + 1;
    this.#met.set(link, met);
    return met === nth;
  }

  /** How much longer it takes, in ms. */
  longerMs(key: string, seed: number): number {
    if (this.#by === undefined) return 0;
    const { minMs, maxMs } = this.#by;
    return minMs + (maxMs - minMs) * keyed(seed, `${this.name}/by`, key);
  }
}

function fitOf(fault: LinkFault): (from: string, to: string) => boolean {
  if (fault.kind === "partition") {
    const [one, other] = [fault.one, fault.other].map((paths) => {
      const patterns = paths.map((path) => pattern("partition", path));
      return (path: string) => patterns.some((fits) => fits(path));
    }) as [(path: string) => boolean, (path: string) => boolean];
    return (from, to) => (one(from) && other(to)) || (other(from) && one(to));
  }
  const [from, to] = ends(fault.link, `${fault.kind}.link`);
  return (fromPath, toPath) => from(fromPath) && to(toPath);
}

/** When copies of something sent arrive, in ms of virtual time; none when it is lost. Undefined: it is there at once. */
export type Arrivals = readonly number[] | undefined;

export class Link {
  readonly #name: string;
  readonly #seed: number;
  readonly #travel: Travel | undefined;
  readonly #strikes: Strike[];
  #sent = 0;
  /** When the last of what travelled arrives, unless that is out of order. */
  #lastMs = -1;
  /** What was sent last may be passed, and may pass. */
  isReordered = false;

  constructor(name: string, seed: number, travel: Travel | undefined, strikes: Strike[]) {
    this.#name = name;
    this.#seed = seed;
    this.#travel = travel;
    this.#strikes = strikes;
  }

  add(strike: Strike): void {
    this.#strikes.push(strike);
  }

  get spanMs(): number {
    return this.#travel?.spanMs ?? 0;
  }

  /** No fault strikes it any more. */
  heal(): void {
    this.#strikes.length = 0;
  }

  /** What was on its way is no more: nothing waits behind it. */
  clear(): void {
    this.#lastMs = -1;
  }

  send(nowMs: number, type: string, isReply: boolean): Arrivals {
    const key = `${this.#name}:${type}#${++this.#sent}`;
    const struck = this.#strikes.filter((strike) => strike.strikes(nowMs, type, key, this.#seed, isReply, this));
    const has = (kind: LinkFault["kind"]) => struck.some(({ fault }) => fault.kind === kind);
    if (has("drop") || has("partition")) return [];
    this.isReordered = has("reorder");
    const longerMs = struck.reduce((sum, strike) => sum + strike.longerMs(key, this.#seed), 0);
    const soonestMs = nowMs + (this.#travel?.ms(this.#seed, this.#name, key) ?? 0) + longerMs;
    const atMs = this.isReordered ? soonestMs : Math.max(soonestMs, this.#lastMs);
    // What arrives at this instant may not have done so yet: nothing passes it.
    if (struck.length === 0 && this.spanMs === 0 && atMs === nowMs && this.#lastMs < nowMs) return undefined;
    if (!this.isReordered) this.#lastMs = atMs;
    return has("duplicate") ? [atMs, atMs] : [atMs];
  }
}

/** Fails: InvalidOption; so does what it gives, for a draw that is no time. */
function travelOf(latency: Latency, option: string, isDrawn: boolean): Travel {
  if (typeof latency !== "function") {
    const { minMs, maxMs } = delayMs(latency, option);
    const spanMs = maxMs - minMs;
    if (spanMs === 0 || !isDrawn) return { ms: () => minMs, spanMs };
    return { ms: (seed, _, key) => minMs + spanMs * keyed(seed, "latency", key), spanMs: 0 };
  }
  const draw: TravelMs = (seed, link, key) => {
    const ms = latency(stream(seed, `latency ${key}`));
    if (!(ms >= 0)) throw new InvalidOption(`latency of ${link}`, ms, "a number of ms of at least 0");
    return ms;
  };
  return { ms: draw, spanMs: 0 };
}

export class Links {
  readonly #seed: number;
  readonly #latencies: readonly { fits: (from: string, to: string) => boolean; travel: Travel }[];
  readonly #strikes: Strike[] = [];
  readonly outages: Outages;
  #healed: (path: string) => boolean = () => false;
  #healedMs = -1;
  /** When copies of the last message that was routed would arrive without outages; undefined where none holds it. */
  withoutOutageMs: readonly number[] | undefined = undefined;
  #known = new Map<Cell, Map<Cell, Link | undefined>>();
  /** By name: an actor that is spawned again at a path has the links of the one before. */
  readonly #links = new Map<string, { from: string; to: string; link: Link }>();

  /** A latency between two bounds is drawn, or else a span in which something arrives. Fails: InvalidOption. */
  constructor(seed: number, latencies: Latencies, isDrawn = true) {
    this.#seed = seed;
    this.outages = new Outages(seed);
    this.#latencies = Object.entries(latencies).map(([link, latency]) => {
      const [from, to] = ends(link, "latency");
      const travel = travelOf(latency, `latency of ${link}`, isDrawn);
      return { fits: (fromPath: string, toPath: string) => from(fromPath) && to(toPath), travel };
    });
  }

  /** False while nothing travels anywhere. */
  get any(): boolean {
    return this.#latencies.length + this.#strikes.length > 0;
  }

  /** Gives how often it struck so far. */
  add(fault: LinkFault): () => number {
    // By what it is and not by its place in a list: taking another out changes nothing for this one.
    const what = `fault ${fault.kind} ${"link" in fault ? fault.link : ""}`;
    const alike = this.#strikes.filter(({ name }) => name.startsWith(`${what} #`)).length;
    const strike = new Strike(fault, `${what} #${alike + 1}`);
    this.#strikes.push(strike);
    for (const { from, to, link } of this.#links.values())
      if (strike.fits(from, to) && !this.#isHealed(from, to)) link.add(strike);
    this.#known = new Map();
    return () => strike.struck;
  }

  /** Ends the faults between these and at them, also those to come. */
  heal(fits: (path: string) => boolean, nowMs: number): void {
    const before = this.#healed;
    this.#healedMs = nowMs;
    this.#healed = (path) => before(path) || fits(path);
    for (const { from, to, link } of this.#links.values()) if (this.#isHealed(from, to)) link.heal();
    this.outages.heal(fits);
  }

  #isHealed(from: string, to: string): boolean {
    return this.#healed(from) && this.#healed(to);
  }

  /** After a power failure. */
  clear(): void {
    for (const { link } of this.#links.values()) link.clear();
  }

  /** When copies of a message that is put now arrive, or why none can; undefined when it is there at once. */
  route(from: Cell, to: Cell, what: Selector, origin: Origin, nowMs: number): Arrivals | Unavailable | undefined {
    const outage = this.outages.strike(to, what, origin, nowMs);
    if (outage instanceof Unavailable) return outage;
    const arrivals = this.between(from, to)?.send(nowMs, what.name, false);
    this.withoutOutageMs = outage === undefined ? undefined : (arrivals ?? [nowMs]);
    // What an outage held until it was healed may not be there yet: nothing passes it.
    const thereMs = outage ?? (nowMs === this.#healedMs && this.#healed(to.path) ? nowMs : undefined);
    return thereMs === undefined ? arrivals : (arrivals ?? [thereMs]).map((at) => Math.max(at, thereMs));
  }

  /** Undefined when what is sent is there at once. */
  between(from: Cell, to: Cell): Link | undefined {
    if (!this.any) return undefined;
    let ofFrom = this.#known.get(from);
    if (ofFrom === undefined) this.#known.set(from, (ofFrom = new Map()));
    if (ofFrom.has(to)) return ofFrom.get(to);
    const link = this.#make(from.path, to.path);
    ofFrom.set(to, link);
    return link;
  }

  #make(from: string, to: string): Link | undefined {
    const name = `${from}>${to}`;
    const known = this.#links.get(name)?.link;
    if (known !== undefined) return known;
    const travel = this.#latencies.find(({ fits }) => fits(from, to))?.travel;
    const strikes = this.#isHealed(from, to) ? [] : this.#strikes.filter(({ fits }) => fits(from, to));
    if (travel === undefined && strikes.length === 0) return undefined;
    const link = new Link(name, this.#seed, travel, strikes);
    this.#links.set(name, { from, to, link });
    return link;
  }
}
