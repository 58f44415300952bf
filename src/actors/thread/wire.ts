// What crosses the edge of a thread: the messages of both sides, and the values, errors and buffers in them.

import { ActorRef } from "../../runtime/kernel/cell.ts";
import { Failure, failures, NotIsolated, Refusal } from "../../runtime/kernel/failure.ts";
import { messageOf } from "../../runtime/kernel/thenable.ts";

/** What a thread is started with. */
export interface Start {
  readonly module: string;
  /** Of the actor that it works for. */
  readonly path: string;
  readonly seed: number;
}

export type ToThread =
  | {
      readonly kind: "call";
      readonly call: number;
      readonly type: string;
      readonly payload: unknown;
      readonly id: string;
      readonly key: string | undefined;
      readonly attempt: number;
      /** Until its deadline; undefined without one. */
      readonly withinMs: number | undefined;
    }
  | { readonly kind: "give-up"; readonly call: number }
  | { readonly kind: "stop" };

export type FromThread =
  | { readonly kind: "ready"; readonly messages: readonly string[] }
  /** The module can not be loaded, or makes no actor. */
  | { readonly kind: "not-ready"; readonly error: ErrorData }
  | { readonly kind: "answer"; readonly call: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly call: number; readonly error: ErrorData }
  /** Of no call where a timer or a promise of the actor threw. */
  | { readonly kind: "crash"; readonly call: number | undefined; readonly error: ErrorData };

/** What an object with `[receive]` is told: its answers can not be seen. */
export const noFront = ["an object with [receive] to a worker", "Let the module make what stands behind it."] as const;

const lists = new WeakMap<object, readonly ArrayBuffer[]>();

/**
 * Has `buffers` of `value` moved to the other thread instead of copied, when `value` is sent to a worker or is its answer.
 * Whoever sends it has them no longer. Elsewhere, and under isolation `clone`, it changes nothing.
 * Example: `self.ask(resizer).shrink(transfer({ pixels }, [pixels.buffer]))`.
 */
export function transfer<T extends object>(value: T, buffers: readonly ArrayBuffer[]): T {
  lists.set(value, buffers);
  return value;
}

export function buffersOf(value: unknown): ArrayBuffer[] {
  return typeof value === "object" && value !== null ? [...(lists.get(value) ?? [])] : [];
}

/**
 * Calls `send`, which clones `value`.
 * Fails: NotIsolated, when it has a ref, of which an empty object would come out, or something else that has no clone.
 */
export function cross<T>(path: string, type: string, value: unknown, isAnswer: boolean, send: () => T): T {
  const refused = (why: string, options?: ErrorOptions) => {
    const what = isAnswer ? `The answer to ${type} can not leave` : `This ${type} can not enter`;
    return new NotIsolated(
      `${what} the thread of ${path}: ${why}. Send plain data.`,
      isAnswer ? "unknown" : "not-started",
      options,
    );
  };
  if (hasRef(value)) throw refused("it has a ref in it, which means nothing in another thread");
  try {
    return send();
  } catch (cause) {
    throw refused(messageOf(cause).replace(/\.$/, ""), { cause });
  }
}

function hasRef(value: unknown): boolean {
  const seen = new Set<unknown>();
  const open = [value];
  for (const one of open) {
    if (one instanceof ActorRef) return true;
    if (typeof one !== "object" || one === null || ArrayBuffer.isView(one) || seen.has(one)) continue;
    seen.add(one);
    const parts: Iterable<unknown> =
      one instanceof Map ? [...one].flat() : one instanceof Set ? one : Object.values(one);
    for (const part of parts) if (typeof part === "object") open.push(part);
  }
  return false;
}

/** An error as data: by which name its class is looked for, and what of it has a clone, its cause included. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly isRefusal: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly errors: Readonly<Record<string, ErrorData>>;
}

/** Errors can be in a circle. */
const depthMax = 8;

export function dataOf(thrown: unknown, depth = 0): ErrorData {
  const error = thrown instanceof Error ? thrown : new Error(`a ${typeof thrown} was thrown`, { cause: thrown });
  const fields: Record<string, unknown> = {};
  const errors: Record<string, ErrorData> = {};
  for (const [field, value] of [...Object.entries(error), ["cause", error.cause]] as [string, unknown][]) {
    if (value instanceof Error) {
      if (depth < depthMax) errors[field] = dataOf(value, depth + 1);
    } else if (value !== undefined) {
      try {
        fields[field] = structuredClone(value);
      } catch {
        // It stays behind.
      }
    }
  }
  const { message, stack } = error;
  const name = error instanceof Failure ? error._tag : error.constructor.name;
  return { name, message, stack, isRefusal: error instanceof Refusal, fields, errors };
}

/** A refusal of a class that this side was not told of. Its `_tag`, `code` and fields are those that it had. */
export class WorkerRefusal extends Refusal {
  readonly _tag: string = "WorkerRefusal";
}

// biome-ignore lint/suspicious/noExplicitAny: its constructor is not called
export type ErrorClasses = Readonly<Record<string, abstract new (...args: any) => Error>>;

const language = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];
const known = new Map<string, object>(language.map(({ name, prototype }) => [name, prototype]));
for (const Kind of failures) known.set(new Kind("")._tag, Kind.prototype);

/** The error again, of the class of its name in `classes`, or among the runtime's and the language's own. */
export function errorOf(data: ErrorData, classes: ErrorClasses): Error {
  const { name, message, stack, isRefusal, fields, errors } = data;
  const { cause, ...own }: Record<string, unknown> = {
    ...fields,
    ...Object.fromEntries(Object.entries(errors).map(([field, inner]) => [field, errorOf(inner, classes)])),
  };
  const error = new Error(message, cause === undefined ? undefined : { cause });
  const given: object | undefined = Object.hasOwn(classes, name) ? classes[name]?.prototype : undefined;
  const prototype = given ?? known.get(name) ?? (isRefusal ? WorkerRefusal.prototype : undefined);
  if (prototype !== undefined) Object.setPrototypeOf(error, prototype);
  const hidden = { stack, ...(prototype === undefined && { name }) };
  for (const [field, value] of Object.entries(hidden))
    Object.defineProperty(error, field, { value, configurable: true, writable: true });
  return Object.assign(error, own, prototype === WorkerRefusal.prototype && { _tag: name });
}
