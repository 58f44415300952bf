// Faults of a run: those that strike at an instant are events of their own, the others are told to where they hold.

import type { Cell } from "../kernel/cell.ts";
import type { Core } from "../kernel/core.ts";
import { milliseconds } from "../kernel/duration.ts";
import type { Timed } from "../kernel/operation.ts";
import { stream } from "../kernel/random.ts";
import { crash, restart } from "../kernel/supervise.ts";
import { blackOut } from "./blackout.ts";
import { FaultEvent } from "./event.ts";
import { checked, type Fault, pattern, windowOf } from "./fault.ts";
import type { SimWorld } from "./world.ts";

/** What outlives a power failure, in part: it keeps a prefix of what was not yet safe. */
export interface Journal {
  keepPrefix(random: () => number): void;
}

/**
 * A fault, and how often it struck: what it did to messages and replies for one of links, actors for one that strikes at
 * an instant; events put off, sleeps, readings of the clock or answers for one of actors that holds for a while.
 */
export interface FaultReport {
  readonly fault: Fault;
  readonly struck: number;
}

export class Injections {
  readonly #core: Core;
  readonly #world: SimWorld;
  readonly #journals: readonly Journal[];
  readonly #boot: () => void;
  #healed: (path: string) => boolean = () => false;
  readonly #given: { readonly fault: Fault; readonly struck: () => number }[] = [];

  constructor(core: Core, world: SimWorld, journals: readonly Journal[], boot: () => void) {
    this.#core = core;
    this.#world = world;
    this.#journals = journals;
    this.#boot = boot;
  }

  /** Ends the faults at, and between, actors of these paths; `*` in them stands for any characters. Fails: InvalidOption. */
  heal(paths: readonly string[]): void {
    const patterns = paths.map((path) => pattern("heal", path));
    const fits = (path: string) => patterns.some((one) => one(path));
    const before = this.#healed;
    this.#healed = (path) => before(path) || fits(path);
    this.#world.links.heal(fits, this.#world.time);
    this.#world.hasten(fits);
    this.#world.disturbances.heal(fits);
    this.#world.unpause();
  }

  get reports(): readonly FaultReport[] {
    return this.#given.map(({ fault, struck }) => ({ fault, struck: struck() }));
  }

  /** Fails: InvalidOption. */
  add(fault: Fault): void {
    checked(fault);
    this.#given.push({ fault, struck: this.#arrange(fault) });
  }

  #arrange(fault: Fault): () => number {
    const { links, disturbances } = this.#world;
    switch (fault.kind) {
      case "crash":
      case "restart":
        return this.#at(fault.at, `${fault.kind}${fault.target}`, () => this.#strike(fault.kind, fault.target));
      case "power-failure":
        return this.#at(fault.at, "power-failure/", () => this.#powerFails());
      case "pause":
        this.#at(windowOf(fault).toMs, `resume${fault.target}`, () => {
          this.#world.unpause();
          return 1;
        });
        return disturbances.add(fault);
      case "slow":
      case "clock-offset":
      case "error":
        return disturbances.add(fault);
      case "down":
      case "unavailable":
        return links.outages.add(fault);
      default:
        return links.add(fault);
    }
  }

  /** Gives how many it struck. */
  #at(time: Parameters<typeof milliseconds>[1], label: string, strike: () => number): () => number {
    let struck = 0;
    const event: Timed = new FaultEvent(label, () => {
      struck += strike();
    });
    this.#world.arm(event, milliseconds("at", time));
    return () => struck;
  }

  #strike(kind: "crash" | "restart", target: string): number {
    const fits = pattern(kind, target);
    const struck = actors(this.#core).filter(
      (cell) => cell.life === "up" && fits(cell.path) && !this.#healed(cell.path),
    );
    for (const cell of struck) {
      // One may have gone with another.
      if (cell.life !== "up") continue;
      const error = new Error(`A ${kind} was injected into ${cell.path}.`);
      if (kind === "crash") crash(cell, "fault", error, undefined);
      else restart(cell, "fault", error, 0);
    }
    return struck.length;
  }

  #powerFails(): number {
    const core = this.#core;
    // Nobody is spared by one.
    if (actors(core).some((cell) => this.#healed(cell.path))) return 0;
    const struck = core.actors;
    this.#world.forget((timed) => timed instanceof FaultEvent || timed.cell?.outside === true);
    blackOut(core);
    this.#world.links.clear();
    for (const [i, journal] of this.#journals.entries())
      journal.keepPrefix(stream(core.seed, `journal ${i} of boot ${core.boots}`));
    // A system that was stopped stays so.
    if (core.phase === "up") this.#boot();
    return struck;
  }
}

/** All of them, parents before children, in the order of their start. */
export function actors(core: Core): Cell[] {
  const found: Cell[] = [];
  const visit = (cell: Cell) => {
    for (let child = cell.rare?.firstChild; child !== undefined; child = child.next) {
      found.push(child);
      visit(child);
    }
  };
  visit(core.root);
  return found;
}
