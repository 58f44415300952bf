// What is not of a run's world, and who it came to. Whatever acts while the world stands still, in a turn of the host, is
// from outside; so is what somebody uses of the host's, and a promise that nothing in the world settles.

import type { Cell } from "../kernel/cell.ts";
import type { Observer } from "../kernel/core.ts";
import { Flight } from "../kernel/flight.ts";
import type { SystemEvent } from "../kernel/verbs.ts";
import { isAway } from "./away.ts";
import type { NotReproducible } from "./failure.ts";
import { actors } from "./injection.ts";
import { Leaks } from "./leaks.ts";
import type { SimWorld } from "./world.ts";

export class Outside {
  readonly leaks: Leaks = new Leaks();
  /** Handlers and factories that wait for nothing of the runtime's, and until when on the host's clock time waits for them. */
  readonly away: Map<Flight | Cell, number> = new Map();
  readonly #world: SimWorld;
  readonly #note: (error: NotReproducible) => void;
  /** Something acts in no step, or in a step of another; to whom it came, if that is not known, is found out later. */
  readonly stray: (cell?: Cell) => void;
  /** Something of the host's was used in a step. */
  readonly used: (what: string, instead: string) => never;
  /** Sees what becomes of messages: a pipe, or a handler, that came in from outside. */
  readonly observe: Observer;
  /** Hears what happens while the world stands still. */
  readonly overhear: (event: SystemEvent) => void;
  /** Something came in, and it is not known yet to whom. */
  #isUnclaimed = false;

  /** `note` gets every leak. */
  constructor(world: SimWorld, note: (error: NotReproducible) => void) {
    this.#world = world;
    this.#note = note;
    this.stray = this.#stray.bind(this);
    this.used = this.#used.bind(this);
    this.observe = this.#observe.bind(this);
    this.overhear = this.#overhear.bind(this);
  }

  get hasAway(): boolean {
    return [...this.away.keys()].some(isAway);
  }

  /** Time waits until `untilMs` for those of them that are still away, unless what they wait for may be of the world. */
  suspect(suspects: readonly (Flight | Cell)[], untilMs: number): void {
    for (const one of suspects) {
      if (!isAway(one) || this.away.has(one)) continue;
      // Another handler of the same actor, or the end of its asker's patience, may bring what it waits for.
      const isInner = one instanceof Flight && (one.cell.config.concurrency > 1 || one.controller !== undefined);
      this.away.set(one, isInner ? 0 : untilMs);
      if (!isInner) this.#came(one);
    }
    for (const one of this.away.keys()) if (!isAway(one)) this.away.delete(one);
  }

  #stray(cell?: Cell): void {
    this.#isUnclaimed = cell === undefined;
    if (cell === undefined) return;
    const away = [...this.away.keys()].find((one) => one === cell || (one instanceof Flight && one.cell === cell));
    if (!this.#world.isActing && (cell.outside || away !== undefined)) this.#came(away ?? cell);
    else this.#noted(this.leaks.stray(cell.path));
  }

  #used(what: string, instead: string): never {
    const { awake, core, slow } = this.#world;
    // A factory runs in the step of whoever starts the actor, until it awaits.
    const starting = actors(core).findLast(({ life, self }) => life === "starting" && !slow.has(self));
    const cell = starting ?? awake?.cell ?? core.root;
    const flight = awake instanceof Flight ? awake : (core.current ?? awake?.flight);
    const type = cell.life === "starting" ? "factory" : cell.outside ? "body" : (flight?.type ?? "");
    throw this.#noted(this.leaks.used(cell.path, type, what, instead));
  }

  #observe(...[step, cell, type, { sender }]: Parameters<Observer>): void {
    if (this.#isUnclaimed && !this.#world.isActing) this.#claim((step === "sent" ? (sender ?? cell) : cell).path, type);
  }

  #overhear(event: SystemEvent): void {
    const { kind, path } = event;
    if (kind === "ended") this.#claim(path, "dispose");
    if (kind !== "started") return;
    const cell = actors(this.#world.core).find((one) => one.path === path);
    if (cell !== undefined && this.away.has(cell)) this.#came(cell);
    else if (event.incarnation > 1) this.#claim(path, "dispose");
    else this.#stray(cell?.parent);
  }

  /** The host's turn is over: what is unclaimed came to the body. */
  claimRest(): void {
    if (this.#isUnclaimed) this.#stray(this.#world.core.root);
  }

  #claim(path: string, type: string): void {
    this.#isUnclaimed = false;
    this.#noted(this.leaks.foreign(path, type));
  }

  #came(to: Flight | Cell): void {
    if (to instanceof Flight) this.#claim(to.cell.path, to.type);
    else this.#claim(to.path, to.outside ? "body" : "factory");
  }

  #noted(error: NotReproducible): NotReproducible {
    this.#note(error);
    return error;
  }
}
