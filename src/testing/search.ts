// The search for an order of operations that respects time and is legal. It places one operation after the other, goes
// back where none fits, and never goes on twice from the same operations left and the same state.
// Source: J. Wing and C. Gong, "Testing and verifying concurrent objects" (1993); G. Lowe, "Testing for linearizability"
// (2017), for the memo. Departure: what is placed is named by those that may be next, which says the same in less.

import { isDeepStrictEqual } from "node:util";
import { canonical } from "./canonical.ts";
import type { Operation } from "./history.ts";
import type { Model } from "./models.ts";

export interface Found<State, Input, Output> {
  readonly how: "ordered" | "stuck" | "gave up";
  /** Legal and in time: of all operations that were answered; when stuck, of as many of them as can be. */
  readonly order: readonly Operation<Input, Output>[];
  /** What `order` leaves. */
  readonly state: State;
  /** Those that may be next in time; when stuck, those that were answered are all illegal in `state`. */
  readonly next: readonly Operation<Input, Output>[];
  readonly states: number;
}

/** When it had happened at the latest. */
export function endOf(operation: Operation<unknown, unknown>): number {
  return operation.outcome === "answered" ? operation.ended : Number.POSITIVE_INFINITY;
}

/** Operations that are not placed, in the order of their invocations: a list from which one is cut and put back. */
class Left<Input, Output> {
  readonly operations: readonly Operation<Input, Output>[];
  /** By index, one up: 0 is both ends. */
  readonly #after: Uint32Array;
  readonly #before: Uint32Array;
  readonly #toAnswer: number;
  /** How many are placed, and how many of them were answered. */
  placed = 0;
  answered = 0;

  constructor(operations: readonly Operation<Input, Output>[]) {
    const { length } = operations;
    this.operations = [...operations].sort((a, b) => a.invoked - b.invoked);
    this.#after = Uint32Array.from({ length: length + 1 }, (_, at) => (at === length ? 0 : at + 1));
    this.#before = Uint32Array.from({ length: length + 1 }, (_, at) => (at === 0 ? length : at - 1));
    this.#toAnswer = operations.filter(({ outcome }) => outcome === "answered").length;
  }

  /** Those that do not have to happen may be left. */
  get done(): boolean {
    return this.answered === this.#toAnswer;
  }

  /**
   * Indices of those that no other one left comes before, the one that ended first first. They say which ones are left:
   * besides them all that were invoked after the first end among them.
   */
  next(): number[] {
    const found: number[] = [];
    let firstEnd = Number.POSITIVE_INFINITY;
    for (let at = this.#after[0]!; at !== 0; at = this.#after[at]!) {
      const operation = this.operations[at - 1]!;
      if (operation.invoked > firstEnd) break;
      found.push(at - 1);
      firstEnd = Math.min(firstEnd, endOf(operation));
    }
    // Two that have no end differ by NaN, and then by index.
    const end = (index: number) => endOf(this.operations[index]!);
    return found.sort((a, b) => end(a) - end(b) || a - b);
  }

  cut(index: number): void {
    const at = index + 1;
    this.#after[this.#before[at]!] = this.#after[at]!;
    this.#before[this.#after[at]!] = this.#before[at]!;
    this.placed++;
    if (this.operations[index]!.outcome === "answered") this.answered++;
  }

  /** Of all that were cut and not put back, the last. */
  putBack(index: number): void {
    const at = index + 1;
    this.#after[this.#before[at]!] = this.#before[this.#after[at]!] = at;
    this.placed--;
    if (this.operations[index]!.outcome === "answered") this.answered--;
  }
}

/** Where the search is or was: a state, and what was placed to get there. */
interface Place<State> {
  /** Undefined at the start. */
  readonly from: Place<State> | undefined;
  /** What was placed last; none at the start. */
  readonly index: number;
  readonly placed: number;
  readonly answered: number;
  readonly state: State;
  readonly moves: Iterator<Move<State>>;
}

interface Move<State> {
  /** What is placed. */
  readonly index: number;
  readonly state: State;
}

/**
 * Cost: as many states as `statesMax`, with a text of each; the problem is NP-complete. What it takes grows with the
 * operations, and exponentially with how many of them overlap.
 */
export function search<State, Input, Output>(
  operations: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
  statesMax: number,
): Found<State, Input, Output> {
  return new Search(operations, model).run(statesMax);
}

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #key: (state: State) => string | number;
  readonly #left: Left<Input, Output>;
  readonly #seen = new Set<string>();

  constructor(operations: readonly Operation<Input, Output>[], model: Model<State, Input, Output>) {
    this.#model = model;
    this.#key = model.key ?? canonical;
    this.#left = new Left(operations);
  }

  run(statesMax: number): Found<State, Input, Output> {
    let place = this.#enter(undefined, -1, this.#model.initial) as Place<State>;
    let furthest = place;
    while (!this.#left.done) {
      const { done, value: move } = place.moves.next();
      if (!done) {
        this.#left.cut(move.index);
        const entered = this.#enter(place, move.index, move.state);
        if (entered === undefined) this.#left.putBack(move.index);
        else if (this.#seen.size > statesMax) return this.#found("gave up", entered);
        else place = entered;
      } else {
        if (isFurther(place, furthest)) furthest = place;
        if (place.from === undefined) return this.#found("stuck", furthest);
        this.#left.putBack(place.index);
        place = place.from;
      }
    }
    return this.#found("ordered", place);
  }

  /** Undefined when it was here before. */
  #enter(from: Place<State> | undefined, index: number, state: State): Place<State> | undefined {
    const next = this.#left.next();
    const name = `${next.join()} ${this.#key(state)}`;
    if (this.#seen.has(name)) return undefined;
    this.#seen.add(name);
    const { placed, answered } = this.#left;
    return { from, index, placed, answered, state, moves: this.#moves(next, state) };
  }

  *#moves(next: readonly number[], state: State): Generator<Move<State>, undefined> {
    // A read that is legal here can be here, whatever comes later.
    const read = next.find((index) => this.#isRead(index) && this.#ends(index, state).length > 0);
    if (read !== undefined) yield { index: read, state };
    else for (const index of next) for (const end of this.#ends(index, state)) yield { index, state: end };
  }

  #isRead(index: number): boolean {
    return this.#model.reads?.(this.#left.operations[index]!.input) === true;
  }

  /** The states in which an operation may end, by what was seen of it. */
  #ends(index: number, state: State): State[] {
    const operation = this.#left.operations[index]!;
    if (operation.outcome === "answered") {
      const { input, output } = operation;
      const legal = this.#model.step(state, input, { output });
      return legal.filter((end) => equal(end.output, output)).map((end) => end.state);
    }
    // Where nothing changes it need not have happened.
    const ends = this.#model.step(state, operation.input).map((end) => end.state);
    return ends.filter((end) => this.#key(end) !== this.#key(state));
  }

  #found(how: Found<State, Input, Output>["how"], place: Place<State>): Found<State, Input, Output> {
    const left = new Left(this.#left.operations);
    const order: Operation<Input, Output>[] = [];
    for (let at = place; at.from !== undefined; at = at.from) {
      order.push(left.operations[at.index]!);
      left.cut(at.index);
    }
    order.reverse();
    const next = left.next().map((index) => left.operations[index]!);
    return { how, order, state: place.state, next, states: this.#seen.size };
  }
}

/**
 * With more answered ones placed, or with fewer that need not have happened. From the furthest place no answered one can
 * be next: the place after it would be further.
 */
function isFurther(one: Place<unknown>, other: Place<unknown>): boolean {
  return one.answered > other.answered || (one.answered === other.answered && one.placed < other.placed);
}

/** Refusals are equal when their names are: their texts are for people. */
function equal(one: unknown, other: unknown): boolean {
  if (one instanceof Error && other instanceof Error) return one.name === other.name;
  return one === other || isDeepStrictEqual(one, other);
}
