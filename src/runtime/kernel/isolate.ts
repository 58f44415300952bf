// What happens to payloads and answers on their way, so that no two actors share what one of them may change.

import { ActorRef, type Cell } from "./cell.ts";
import { Failure, FrozenPayload, NotIsolated, type Outcome } from "./failure.ts";
import type { Flight } from "./flight.ts";
import { isOf, messageOf } from "./thenable.ts";

/** Something that was frozen on its way: the payload of a message to `to`, or what `to` answered. */
export interface Given {
  readonly to: Cell;
  /** Who put it, or asked. */
  readonly from: Cell | undefined;
  readonly type: string;
  readonly answers: boolean;
  readonly value: unknown;
}

const givenKept = 1_024;

/**
 * The payload of a message to `to`, or what `to` answers to it, as the system's isolation demands.
 * `freeze`: own enumerable data properties of plain objects, arrays and class instances, recursively; accessors are not
 * run; refs, functions, signals, promises and errors are left alone, and so are Map, Set, Date and buffers, which is an
 * event, once per actor, message and kind.
 * `clone`: a structured clone, in which refs and failures stand as they are.
 * Fails: NotIsolated, when the value can not be frozen or cloned.
 */
export function isolate(to: Cell, type: string, value: unknown, from: Cell | undefined, answers = false): unknown {
  const { core } = to;
  try {
    if (core.isolation === "clone") return isKept(value) ? value : restore(value, structuredClone(value));
    if (value === null || typeof value !== "object") return value;
    freeze(value, to, type);
    if (core.given !== undefined) {
      core.given.push({ to, from, type, answers, value });
      if (core.given.length > 2 * givenKept) core.given.splice(0, givenKept);
    }
    return value;
  } catch (cause) {
    const outcome: Outcome = answers ? "unknown" : "not-started";
    throw new NotIsolated(
      `${type} to or from ${to.path} carries a value that does not ${core.isolation}: ${messageOf(cause).replace(/\.$/, "")}. Send plain data, or give the system another isolation.`,
      outcome,
      { cause },
    );
  }
}

/** A structured clone makes an empty object of a ref and a plain error of a failure: puts back what was meant. */
function restore(value: unknown, copy: unknown): unknown {
  const seen = new Set<unknown>([value]);
  const pairs: [unknown, unknown][] = [[value, copy]];
  const kept = (from: unknown, to: unknown): unknown => {
    if (isKept(from)) return from;
    if (!seen.has(from)) {
      seen.add(from);
      pairs.push([from, to]);
    }
    return to;
  };
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [from, to] = pair;
    if (from === null || typeof from !== "object" || ArrayBuffer.isView(from)) continue;
    if (from instanceof Map && to instanceof Map) {
      const copies = [...to];
      to.clear();
      for (const [i, [key, inner]] of [...from].entries())
        to.set(kept(key, copies[i]?.[0]), kept(inner, copies[i]?.[1]));
    } else if (from instanceof Set && to instanceof Set) {
      const copies = [...to];
      to.clear();
      for (const [i, inner] of [...from].entries()) to.add(kept(inner, copies[i]));
    } else {
      const parts = to as Record<string, unknown>;
      for (const [name, { value: inner }] of Object.entries(Object.getOwnPropertyDescriptors(from)))
        if (typeof inner === "object" && Object.hasOwn(parts, name)) parts[name] = kept(inner, parts[name]);
    }
  }
  return copy;
}

function isKept(value: unknown): boolean {
  return value instanceof ActorRef || value instanceof Failure;
}

/**
 * Fresh payloads are walked once and need no set of what was seen: an object that is not frozen yet has not been seen.
 * What was frozen before, by us or by the user and then perhaps not all the way down, is walked again, once.
 */
function freeze(root: object, to: Cell, type: string): void {
  let again: Set<object> | undefined;
  let stack: object[] | undefined;
  for (let object: object | undefined = root; object !== undefined; object = stack?.pop()) {
    const kind = leftAlone(object);
    if (kind !== undefined) {
      if (kind !== "") to.core.unchecked(to, type, kind);
      continue;
    }
    if (Object.isFrozen(object)) {
      if (again?.has(object) === true) continue;
      (again ??= new Set()).add(object);
    } else Object.freeze(object);
    for (const key of Object.keys(object)) {
      const inner: unknown = Object.getOwnPropertyDescriptor(object, key)?.value;
      if (inner !== null && typeof inner === "object") (stack ??= []).push(inner);
    }
  }
}

/** The kind of what can not be frozen, empty for what need not be; undefined for what is frozen. */
function leftAlone(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) return undefined;
  for (const kind of [ActorRef, Error, Promise, AbortSignal]) if (value instanceof kind) return "";
  for (const kind of [Map, Set, Date, ArrayBuffer]) if (value instanceof kind) return kind.name;
  return ArrayBuffer.isView(value) ? "ArrayBufferView" : undefined;
}

/** The engine's error about a frozen object says neither whose it was nor how it came to be frozen. */
export function explainFrozen(flight: Flight, error: unknown): unknown {
  const { cell, type, payload } = flight;
  if (cell.core.isolation !== "freeze" || !isOf(error, TypeError)) return error;
  const found = /^Cannot (assign to read only|add|delete|define|redefine) property:? '?([^',]+)/.exec(messageOf(error));
  const [, did, property] = found ?? [];
  if (property === undefined) return error;
  const own = ["as the payload of this message", payload] as const;
  const given = (cell.core.given ?? []).filter(({ to, from }) => to === cell || from === cell).reverse();
  let said = "";
  for (const [how, value] of [own, ...given.map((one) => [howOf(one, cell), one.value] as const)]) {
    const path = pathTo(value, property);
    if (path === undefined) continue;
    said = `; it was frozen ${how}${path === "" ? "" : `, at ${path}`}`;
    break;
  }
  // Of properties that can not be defined anew there are others too.
  if (did === "redefine" && said === "") return error;
  return new FrozenPayload(
    `${cell.path} changed ${property} of something frozen while it handled ${type}${said}. Copy what you were sent, or have given away, before you change it.`,
    { cause: error },
  );
}

/** How `cell` comes to share it. */
function howOf({ to, type, answers }: Given, cell: Cell): string {
  if (answers) return `in the answer ${to === cell ? "to" : `of ${to.path} to`} ${type}`;
  return `as the payload of ${type}${to === cell ? "" : ` to ${to.path}`}`;
}

const pathsMax = 10_000;

/** Where in `root` stands a frozen object that has `property`, or an array at whose end it would be. */
function pathTo(root: unknown, property: string): string | undefined {
  const seen = new Set<unknown>();
  const queue: [unknown, string][] = [[root, ""]];
  for (const [value, path] of queue) {
    if (value === null || typeof value !== "object" || seen.has(value) || !Object.isFrozen(value)) continue;
    seen.add(value);
    if (Object.hasOwn(value, property) || (Array.isArray(value) && property === String(value.length))) return path;
    if (queue.length < pathsMax)
      for (const key of Object.keys(value)) {
        const inner: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
        queue.push([inner, path === "" ? key : `${path}.${key}`]);
      }
  }
  return undefined;
}
