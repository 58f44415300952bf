// What happens to payloads and answers on their way, so that no two actors share what one of them may change.

import { ActorRef } from "./cell.ts";
import { Failure, NotIsolated, type Outcome } from "./failure.ts";

/**
 * `freeze`: own enumerable data properties of plain objects, arrays and class instances, recursively, by an explicit
 * stack; accessors are not run; refs, functions, signals, promises, errors, Map, Set, Date and buffers are left alone.
 * `clone`: a structured clone; refs and failures pass as they are when they are the whole value.
 * Fails: NotIsolated, when the value can not be cloned.
 */
export function isolate(
  how: "freeze" | "clone",
  value: unknown,
  path: string,
  type: string,
  outcome: Outcome = "not-started",
): unknown {
  if (value === null || typeof value !== "object" || left(value)) return value;
  if (how === "freeze") {
    freeze(value);
    return value;
  }
  try {
    return structuredClone(value);
  } catch (cause) {
    throw new NotIsolated(
      `${type} to or from ${path} carries a value that structuredClone refuses: ${cause instanceof Error ? cause.message : cause}. Send plain data, or give the system another isolation.`,
      outcome,
      { cause },
    );
  }
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
