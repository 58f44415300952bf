// What events are called: a name says who does what to whom and the how many-eth time, so that it means the same event in
// another order, in another run, and in a program that was edited elsewhere.

import type { Cell } from "../kernel/cell.ts";
import { textDigest } from "./digest.ts";

/** What the names of events begin with; the number behind it is never reused, whatever restarts. */
export interface Prefix {
  readonly text: string;
  readonly hash: number;
  readonly path: string;
  count: number;
}

type Known = Map<Cell, Map<Cell | string, Map<string, Prefix>>>;

/** An event with a name of its own: `from>to:type#n`, reply `to~>from:type#n`, timer `path/timer:name#n`. */
export class Event {
  readonly prefix: Prefix;
  readonly n: number;
  #name: string | undefined = undefined;

  constructor(prefix: Prefix) {
    this.prefix = prefix;
    this.n = ++prefix.count;
  }

  get name(): string {
    this.#name ??= `${this.prefix.text}#${this.n}`;
    return this.#name;
  }
}

export class Names {
  readonly #prefixes = new Map<string, Prefix>();
  readonly #named: Known = new Map();
  readonly #replies: Known = new Map();

  /** Of the next message from one actor to another. */
  message(from: Cell, to: Cell, type: string): Event {
    return new Event(this.#prefix(this.#named, to, from, type, () => `${pathOf(from)}>${pathOf(to)}:${type}`));
  }

  reply(from: Cell, to: Cell, type: string): Event {
    return new Event(this.#prefix(this.#replies, to, from, type, () => `${pathOf(from)}~>${pathOf(to)}:${type}`));
  }

  /** Of the next event of one actor alone, for example a timer. */
  own(cell: Cell, kind: string, name: string): Event {
    const text = () => `${slashed(pathOf(cell))}${kind}${name === "" ? "" : `:${name}`}`;
    return new Event(this.#prefix(this.#named, cell, kind, name, text));
  }

  fault(root: Cell, label: string): Event {
    return new Event(this.#prefix(this.#named, root, "f", label, () => `f:${label}`));
  }

  /** Of what becomes of a message: without a number. */
  fate(cell: Cell, type: string): Prefix {
    return this.#prefix(this.#named, cell, "", type, () => `${pathOf(cell)}:${type}`);
  }

  #prefix(known: Known, to: Cell, from: Cell | string, type: string, text: () => string): Prefix {
    let ofTo = known.get(to);
    if (ofTo === undefined) known.set(to, (ofTo = new Map()));
    let ofFrom = ofTo.get(from);
    if (ofFrom === undefined) ofTo.set(from, (ofFrom = new Map()));
    let prefix = ofFrom.get(type);
    if (prefix === undefined) {
      const name = text();
      prefix = this.#prefixes.get(name);
      if (prefix === undefined) {
        prefix = { text: name, hash: textDigest(name), path: pathOf(to), count: 0 };
        this.#prefixes.set(name, prefix);
      }
      ofFrom.set(type, prefix);
    }
    return prefix;
  }
}

/** Looking must not name an actor before its object says what it is: it would have another name in a run without a trace. */
function pathOf(cell: Cell): string {
  const { parent } = cell;
  return cell.ordinal < 0 && parent !== undefined ? `${slashed(pathOf(parent))}(starting)` : cell.path;
}

function slashed(path: string): string {
  return path === "/" ? path : `${path}/`;
}
