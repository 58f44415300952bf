// What happens to payloads and answers on their way, so that no two actors share what one of them may change.

import { ActorRef } from "./cell.ts";
import { Failure, NotIsolated, type Outcome } from "./failure.ts";
import { messageOf } from "./thenable.ts";

/**
 * `freeze`: own data properties of plain objects, arrays and class instances, recursively, by an explicit stack;
 * accessors are not run; refs, functions, signals, promises, errors, Map, Set, Date and buffers are left alone.
 * `clone`: a structured clone, in which refs and failures stand as they are.
 * Fails: NotIsolated, when the value can not be frozen or cloned.
 */
export function isolate(
  how: "freeze" | "clone",
  value: unknown,
  path: string,
  type: string,
  outcome: Outcome = "not-started",
): unknown {
  try {
    if (how === "clone") return isKept(value) ? value : restore(value, structuredClone(value));
    if (value !== null && typeof value === "object" && !left(value)) freeze(value);
    return value;
  } catch (cause) {
    throw new NotIsolated(
      `${type} to or from ${path} carries a value that does not ${how}: ${messageOf(cause)}. Send plain data, or give the system another isolation.`,
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

function freeze(value: object): void {
  const seen = new Set<object>([value]);
  const stack = [value];
  for (let object = stack.pop(); object !== undefined; object = stack.pop()) {
    for (const [, property] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
      const inner: unknown = property.value;
      if (inner === null || typeof inner !== "object" || seen.has(inner) || left(inner)) continue;
      seen.add(inner);
      stack.push(inner);
    }
    Object.freeze(object);
  }
}

function left(value: object): boolean {
  return (
    value instanceof ActorRef ||
    value instanceof Failure ||
    value instanceof Error ||
    value instanceof Promise ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Date ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value) ||
    value instanceof AbortSignal
  );
}
