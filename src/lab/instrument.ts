// What an experiment sees of a system beside the answers: how long actors hold their slots, what waits for them, and what
// is still done for a request after it was answered. Messages belong to a request by their key.

import type { Cell } from "../runtime/kernel/cell.ts";
import { fates, type Observer, type Step } from "../runtime/kernel/core.ts";
import type { ActorSystem } from "../runtime/kernel/system.ts";
import type { System } from "../runtime/kernel/verbs.ts";

/** What was done for one request. */
export interface Effects {
  messages: number;
  /** World time of the last end of one of its messages. */
  lastMs: number;
  /** A message whose answer nobody waited for was answered no. */
  refusedBehind: boolean;
}

/** Time integrals of one actor, in ms. */
export interface Occupancy {
  readonly path: string;
  started: number;
  handled: number;
  /** Slots held: divided by `started`, how long a message holds one. */
  heldMs: number;
  /** Messages that wait: divided by the time that passed, their mean number. */
  waitingMs: number;
  mostWaiting: number;
  /** The greatest number that waited in each of equal parts of the run. */
  readonly backlog: number[];
}

interface Watched extends Occupancy {
  atMs: number;
  running: number;
  waiting: number;
}

const ends: ReadonlySet<Step> = new Set<Step>([...fates, "turned-away"]);
const backlogParts = 60;

export class Instrument {
  /** By key. */
  readonly effects: Map<string, Effects> = new Map();
  messages = 0;
  /** The actor whose answers are measured, and the key of what was put to it last. */
  entry: Cell | undefined = undefined;
  entryKey: string | undefined = undefined;
  readonly #watched = new Map<Cell, Watched>();
  readonly #system: ActorSystem;
  readonly #partMs: number;
  readonly #startMs: number;

  /** `lastsMs`: how long the load lasts, for the parts of the backlog. */
  constructor(system: System, lastsMs: number) {
    this.#system = system as ActorSystem;
    this.#partMs = lastsMs / backlogParts;
    this.#startMs = system.now();
    this.#system.core.observe(this.#observe);
  }

  /** Of the actors that something was put to, in the order of the first. */
  occupancies(): readonly Occupancy[] {
    const nowMs = this.#system.now();
    return [...this.#watched].map(([cell, watched]) => {
      this.#account(watched, cell, nowMs);
      return watched;
    });
  }

  readonly #observe: Observer = (step, cell, _type, { request, turn }) => {
    if (turn === undefined) {
      if (step === "sent") this.messages++;
      if (cell === this.entry && step === "sent") this.entryKey = request?.key;
      if (request?.key !== undefined && (step === "sent" || ends.has(step)))
        this.#note(request.key, step, request.verb);
    }
    // What is sent is in no mailbox yet.
    if (step === "sent") return;
    this.#watch(cell);
    if (turn !== undefined) return;
    const watched = this.#watched.get(cell) as Watched;
    if (step === "started") watched.started++;
    else if (step === "handled") watched.handled++;
  };

  #note(key: string, step: Step, verb: string): void {
    let effects = this.effects.get(key);
    if (effects === undefined)
      this.effects.set(key, (effects = { messages: 0, lastMs: Number.NaN, refusedBehind: false }));
    if (step === "sent") effects.messages++;
    else effects.lastMs = this.#system.now();
    if (step === "refused" && verb !== "ask") effects.refusedBehind = true;
  }

  /** What a step finds in an actor has been so since the one before: it changes in steps only. */
  #watch(cell: Cell): void {
    let watched = this.#watched.get(cell);
    if (watched === undefined) {
      const { path } = cell;
      const atMs = this.#system.now();
      watched = {
        path,
        started: 0,
        handled: 0,
        heldMs: 0,
        waitingMs: 0,
        mostWaiting: 0,
        backlog: [],
        atMs,
        running: 0,
        waiting: 0,
      };
      this.#watched.set(cell, watched);
    }
    this.#account(watched, cell, this.#system.now());
  }

  #account(watched: Watched, cell: Cell, nowMs: number): void {
    const passedMs = nowMs - watched.atMs;
    if (passedMs > 0) {
      watched.heldMs += passedMs * watched.running;
      watched.waitingMs += passedMs * watched.waiting;
      // What came and went in one instant did not wait.
      if (watched.waiting > watched.mostWaiting) watched.mostWaiting = watched.waiting;
      const last = this.#partOf(nowMs);
      while (watched.backlog.length <= last) watched.backlog.push(0);
      for (let part = this.#partOf(watched.atMs); part <= last; part++)
        if (watched.waiting > (watched.backlog[part] as number)) watched.backlog[part] = watched.waiting;
      watched.atMs = nowMs;
    }
    watched.running = cell.running;
    watched.waiting = cell.waiting;
  }

  #partOf(timeMs: number): number {
    return Math.min(backlogParts - 1, Math.floor((timeMs - this.#startMs) / this.#partMs));
  }
}
