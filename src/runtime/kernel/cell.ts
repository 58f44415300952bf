// An actor as the kernel sees it. Small: what an idle actor does not need stands in `rare`, made on first use.

import { type Core, Tally } from "./core.ts";
import { InvalidOption } from "./failure.ts";
import type { Flight } from "./flight.ts";
import { Lane, type Mailbox, type Origin } from "./mailbox.ts";
import { labelFrom, type Protocol } from "./names.ts";
import type { Request, Turn } from "./operation.ts";
import type { Config } from "./options.ts";
import type { Ref } from "./protocol.ts";
import type { Stream } from "./random.ts";
import type { Incarnation } from "./self.ts";
import type { Ended, Make } from "./verbs.ts";

/** `fenced`: its incarnation is over, and others of its group are brought down before it. */
const lives = ["up", "starting", "fenced", "halting", "halted", "ended"] as const;
export type Life = (typeof lives)[number];

/** Why a put may not take the short road; 0 when it may. The bits above are the actor's life, in which 0 is up. */
export const gate = { starting: 1, closed: 2, offers: 4, special: 8, down: 3 } as const;
const gateBits = 4;
const atFirst = gate.starting | (lives.indexOf("starting") << gateBits);

interface Watcher {
  readonly self: Incarnation;
  readonly ended: (how: Ended) => void;
}

/** What only some actors have. */
export class Rare {
  firstChild: Cell | undefined = undefined;
  lastChild: Cell | undefined = undefined;
  /** Children that were given a name. */
  names: Map<string, Cell> | undefined = undefined;
  /** Of given names that are free again: the last incarnation of who had it and drew. The next has fresh draws. */
  drawn: Map<string, number> | undefined = undefined;
  /** How many children got a name from each label so far; never goes back. */
  labels: Map<string, number> | undefined = undefined;
  /** Offers that wait for room, oldest first. */
  offers: Request[] = [];
  held: Set<Flight> = new Set();
  watchers: Watcher[] = [];
  timers: Map<string, Turn> | undefined = undefined;
  /** World times of the crashes in the current window. */
  crashes: number[] = [];
  /** The last group this actor was restarted with: an older one does not start it again. */
  group: readonly Cell[] | undefined = undefined;
  /** Once it is up or has ended, the next of its group starts. */
  onStarted: (() => void) | undefined = undefined;
  halting: Halting | undefined = undefined;
  incarnation = 1;
  tally: Tally | undefined = undefined;
  /** Of the draws of the present incarnation. */
  stream: Stream | undefined = undefined;
  how: Ended | undefined = undefined;
  /** Handlers of a former incarnation that have not settled. */
  stragglers: Set<Flight> = new Set();

  /** Former incarnations hear of nothing: they are let go now and then, however often a watcher restarts. */
  addWatcher(watcher: Watcher): void {
    if (this.watchers.length % 64 === 63) this.watchers = this.watchers.filter(({ self }) => self.live);
    this.watchers.push(watcher);
  }
}

/** An actor on its way down, to its next incarnation or to its end. */
export interface Halting {
  /** It ends; a restart can still be turned into an end. */
  final: boolean;
  how: Ended;
  done: (() => void)[];
  /** Goes on with the next phase when the last handler has settled. */
  settled: (() => void) | undefined;
}

export class Cell implements Origin {
  readonly core: Core;
  readonly parent: Cell | undefined;
  readonly make: Make<object>;
  readonly config: Config;
  readonly ref: Ref<unknown>;
  name: string;
  /** Of an actor without a given name: its place among its siblings of the same label, -1 until asked for; else 0. */
  ordinal: number;
  previous: Cell | undefined = undefined;
  next: Cell | undefined = undefined;
  gate: number = atFirst;
  /** Handed to the world, not yet served. */
  scheduled = false;
  self!: Incarnation;
  instance: object | undefined = undefined;
  protocol: Protocol = nothingYet;
  box: Mailbox | undefined = undefined;
  /** Turns that wait; in front of messages, but never twice in a row while a message waits. */
  lane: Lane | undefined = undefined;
  /** Slots taken, by messages and turns. */
  running = 0;
  accepted = 0;
  handled = 0;
  rare: Rare | undefined = undefined;

  constructor(core: Core, parent: Cell | undefined, make: Make<object>, config: Config, name: string | undefined) {
    this.core = core;
    this.parent = parent;
    this.make = make;
    this.config = config;
    this.name = name ?? "";
    this.ordinal = name === undefined ? -1 : 0;
    this.ref = new ActorRef(this) as unknown as Ref<unknown>;
  }

  get life(): Life {
    return lives[this.gate >> gateBits] as Life;
  }

  set life(life: Life) {
    this.gate = (this.gate & ((1 << gateBits) - 1)) | (lives.indexOf(life) << gateBits);
  }

  get sender(): Cell {
    return this;
  }

  get request(): undefined {
    return undefined;
  }

  get turn(): undefined {
    return undefined;
  }

  get queued(): true {
    return true;
  }

  /** The root: what it sends comes from outside. */
  get outside(): boolean {
    return this.parent === undefined;
  }

  get path(): string {
    if (this.parent === undefined) return "/";
    this.christen();
    const name = this.ordinal === 0 ? this.name : `${this.name}-${this.ordinal}`;
    return this.parent.parent === undefined ? `/${name}` : `${this.parent.path}/${name}`;
  }

  get free(): boolean {
    return this.running < this.config.concurrency;
  }

  /** It starts nothing: it is not up. */
  get down(): boolean {
    return (this.gate & gate.down) !== 0;
  }

  /** Messages and turns that wait. */
  get waiting(): number {
    return (this.box === undefined ? 0 : this.box.live) + (this.lane === undefined ? 0 : this.lane.live);
  }

  /** Gives a name from the class of the object, else of the factory, else "actor", with a number per label. */
  christen(): void {
    if (this.ordinal >= 0) return;
    const family = this.parent?.rareOf() ?? new Rare();
    const name = this.protocol.label || labelFrom(this.make.name) || "actor";
    const labels = (family.labels ??= new Map());
    let ordinal = (labels.get(name) ?? 0) + 1;
    while (family.names?.has(`${name}-${ordinal}`) === true) ordinal++;
    labels.set(name, ordinal);
    this.name = name;
    this.ordinal = ordinal;
  }

  /** Becomes the last child of its parent. */
  join(family: Rare): void {
    this.previous = family.lastChild;
    if (family.lastChild === undefined) family.firstChild = this;
    else family.lastChild.next = this;
    family.lastChild = this;
  }

  /** Leaves the tree; a given name is free again. */
  leave(): void {
    const family = this.parent?.rare;
    if (family === undefined) return;
    if (this.previous === undefined) family.firstChild = this.next;
    else this.previous.next = this.next;
    if (this.next === undefined) family.lastChild = this.previous;
    else this.next.previous = this.previous;
    // An old, dead sibling would keep young ones from being collected.
    this.previous = undefined;
    this.next = undefined;
    if (this.ordinal !== 0) return;
    family.names?.delete(this.name);
    if (this.rare !== undefined && (this.rare.incarnation > 1 || this.rare.stream !== undefined))
      this.#remember((family.drawn ??= new Map()), this.rare.incarnation);
  }

  #remember(drawn: Map<string, number>, incarnation: number): void {
    const { core, parent } = this;
    if (drawn.size === drawnMax && !drawn.has(this.name)) {
      for (const oldest of [...drawn.keys()].slice(0, drawnMax / 2)) drawn.delete(oldest);
      core.emit({ kind: "bound", path: parent?.path ?? "/", bound: "names of children that drew", limit: drawnMax });
    }
    drawn.set(this.name, incarnation);
  }

  rareOf(): Rare {
    this.rare ??= new Rare();
    return this.rare;
  }

  /** Of all fates but `handled`; undefined while there were none. */
  get tally(): Tally | undefined {
    return this.rare?.tally;
  }

  count(): Tally {
    const rare = this.rareOf();
    rare.tally ??= new Tally();
    return rare.tally;
  }

  addFlight(flight: Flight): void {
    const { self } = this;
    flight.nextFlight = self.flight;
    if (self.flight !== undefined) self.flight.previousFlight = flight;
    self.flight = flight;
  }

  removeFlight(flight: Flight): void {
    const { previousFlight, nextFlight } = flight;
    if (previousFlight === undefined) this.self.flight = nextFlight;
    else previousFlight.nextFlight = nextFlight;
    if (nextFlight !== undefined) nextFlight.previousFlight = previousFlight;
    flight.previousFlight = undefined;
    flight.nextFlight = undefined;
  }

  /** Each message needs a record of its own: it has [receive], several are in flight, or it is observed. */
  get long(): boolean {
    return this.protocol.receives || this.config.concurrency > 1 || this.core.observer !== undefined;
  }

  /** Whether its messages may take the short roads of tell and turn; an actor with a lane is off that of turns. */
  choose(): void {
    const { core, config, protocol } = this;
    const observed = core.observer !== undefined;
    if (this.long) this.lane ??= new Lane();
    const travels = core.world.wire !== undefined;
    const special = observed || travels || protocol.any || core.isolation !== "share" || config.order !== "fifo";
    this.gate = special ? this.gate | gate.special : this.gate & ~gate.special;
  }

  /** To be called when a slot or a message may have come free: hands the actor to the world if it can start one. */
  schedule(): void {
    if (this.scheduled || this.down || this.running >= this.config.concurrency) return;
    if ((this.box === undefined || this.box.live === 0) && (this.lane === undefined || this.lane.live === 0)) return;
    this.scheduled = true;
    this.core.world.ready(this);
  }
}

const drawnMax = 100_000;

const nothingYet: Protocol = { names: [], takes: new Uint8Array(0), receives: false, any: false, label: "" };

/** What users hold. It shows a path and nothing else. */
export class ActorRef {
  readonly #cell: Cell;

  static cell(ref: ActorRef): Cell {
    return ref.#cell;
  }

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  get path(): string {
    return this.#cell.path;
  }

  toString(): string {
    return this.path;
  }

  toJSON(): string {
    return this.path;
  }
}

Object.defineProperty(ActorRef.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: ActorRef) {
    return `Ref(${this.path})`;
  },
});

/** Fails: InvalidOption, when `ref` is no ref. */
export function cellOf(ref: Ref<unknown>): Cell {
  try {
    return ActorRef.cell(ref as unknown as ActorRef);
  } catch {
    throw new InvalidOption("to", ref, "a ref, as spawn gives it");
  }
}
