// Notes what each event does to which actors, for those who ask which events may change places: whom it wakes, whom it
// ends or restarts, to whom it sends, what it makes impossible, and who was busy when it came.

import { type Cell, gate } from "../kernel/cell.ts";
import type { Core } from "../kernel/core.ts";
import { WaitCycle } from "../kernel/failure.ts";
import { Request, type Sleep, type Turn } from "../kernel/operation.ts";
import type { SystemEvent } from "../kernel/verbs.ts";
import type { Choice } from "./choice.ts";
import { Due, Head } from "./due.ts";
import { Reply } from "./event.ts";
import { actors } from "./injection.ts";

/** Stands for the path of any actor. */
export const anybody = "*";

export class Deeds {
  readonly #core: Core;
  readonly #discard: (choice: Choice) => void;
  readonly #closed = new Set<Cell>();
  readonly #fired: Choice[] = [];
  /** How many messages were put, by actor. */
  readonly #puts = new Map<Cell, number>();
  /** Of turns, and of messages of mailboxes with an order of their own, those that wait. */
  readonly #waiting = new Map<Pick<Turn, "queued">, Choice>();
  /** What it has sent so far. */
  readonly #put = new Set<Request>();
  /** The event whose step this is. */
  #by: Choice | undefined = undefined;
  /** A circle of waits was broken: which ask is withdrawn depends on more than the order at each actor. */
  hasCycle = false;

  /** `discard` is told of what never starts. */
  constructor(core: Core, discard: (choice: Choice) => void) {
    this.#core = core;
    this.#discard = discard;
    core.listeners.add((event) => this.#lives(event));
  }

  /** To be called before an event is fired. */
  fires(choice: Choice): void {
    this.settle();
    const held = actors(this.#core).filter((cell) => cell.down || !cell.free);
    choice.held = new Set(held.map(({ path }) => path));
    this.#by = choice;
    this.#fired.push(choice);
    this.#put.clear();
    // It may forward, to whom it likes.
    if (choice.cell.protocol?.receives === true) choice.deed.put.add(anybody);
  }

  /** Looks at what the last event has left. */
  settle(): void {
    for (const [one, choice] of this.#waiting) {
      if (one.queued) continue;
      this.#waiting.delete(one);
      if (choice.index < 0) this.#discard(choice);
    }
    for (const cell of actors(this.#core)) {
      if ((cell.gate & gate.closed) === 0 || this.#closed.has(cell)) continue;
      this.#closed.add(cell);
      this.#ends(cell.path);
      if (cell.parent?.outside === false) this.touch(cell.parent);
    }
  }

  touch(cell: Cell): void {
    this.#by?.deed.touched.add(cell.path);
  }

  put(to: Cell, request?: Request): void {
    this.#by?.deed.put.add(to.path);
    const puts = (this.#puts.get(to) ?? 0) + 1;
    this.#puts.set(to, puts);
    if ((to.gate & gate.closed) !== 0) this.#by?.deed.closed.add(to.path);
    if (puts > to.config.places) this.touch(to);
    if (puts === to.config.places) this.#mayFill(to.path);
    if (request !== undefined) this.#put.add(request);
  }

  waits(one: Pick<Turn, "queued">, choice: Choice): void {
    this.#waiting.set(one, choice);
  }

  wakes(operation: Request | Sleep, value: unknown): void {
    this.touch(operation.self.cell);
    if (value instanceof WaitCycle) this.hasCycle = true;
    // Anything but its answer ends an ask for its receiver too; what is turned away as it is put was never there.
    if (operation instanceof Request && !this.#put.has(operation) && !this.#isReplyTo(operation))
      this.touch(operation.to);
  }

  #isReplyTo(request: Request): boolean {
    const by = this.#by;
    if (by instanceof Due) return by.timed instanceof Reply && by.timed.request === request;
    return by instanceof Head && by.isTurn && by.name.includes("/reply:");
  }

  /** In another order there might be no room. */
  #mayFill(path: string): void {
    for (const { deed } of this.#fired) if (deed.put.has(path) || deed.put.has(anybody)) deed.touched.add(path);
  }

  #lives(event: SystemEvent): void {
    // Whoever supervises decides, also where nothing comes of it.
    if (event.kind === "crashed" && event.supervisor !== "/") this.#by?.deed.touched.add(event.supervisor);
    if (event.kind !== "ended" && (event.kind !== "started" || event.incarnation === 1)) return;
    this.#ends(event.path);
    const parent = event.path.slice(0, event.path.lastIndexOf("/"));
    if (parent !== "") this.#by?.deed.touched.add(parent);
  }

  #ends(path: string): void {
    this.#by?.deed.touched.add(path);
    this.#by?.deed.ended.add(path);
  }
}
