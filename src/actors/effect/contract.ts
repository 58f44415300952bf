// Schemas as the contract of an actor: what does not fit is refused at its edge, and what fits can be drawn in tests.

import * as Schema from "effect/Schema";
import { InvalidFactory, InvalidOption, Refusal } from "../../runtime/kernel/failure.ts";
import { messagesOf } from "../../runtime/kernel/names.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";

/** The payload of a message does not fit its schema. It says where and what is wrong, never what was sent. */
export class InvalidPayload extends Refusal {
  readonly _tag = "InvalidPayload";
  override readonly code = "INVALID_PAYLOAD";
  /** Where, as a path into the payload, and the kind of issue. */
  readonly issues: readonly { readonly path: string; readonly kind: string }[];

  constructor(message: string, issues: readonly { readonly path: string; readonly kind: string }[] = []) {
    super(message);
    this.issues = issues;
  }
}

/** A schema for each message, undefined for one without payload. Schemas that need services are not taken. */
export type Contract = Readonly<Record<string, Schema.ConstraintDecoder<unknown> | undefined>>;

type Payload<S> = S extends { readonly Type: infer T } ? [payload: T] : [];
type Sent<S> = S extends { readonly Encoded: infer T } ? [payload: T] : [];

/** The messages that a contract lists, with the payloads that its schemas decode to. */
export type Handlers<C extends Contract> = { readonly [M in keyof C]: (...payload: Payload<C[M]>) => unknown };

/** What its senders see: payloads as they are before they are decoded. */
export type Contracted<A, C extends Contract> = {
  readonly [M in keyof C & keyof A & string]: A[M] extends (...payload: never[]) => infer R
    ? (...payload: Sent<C[M]>) => R | InvalidPayload
    : never;
};

/**
 * A factory of an actor that takes the messages of `contract` and no others. Each payload is decoded by its schema
 * before the handler sees it; one that does not fit is refused with `InvalidPayload`, and no handler runs.
 * Fails: InvalidOption; InvalidFactory, at spawn, for an object that lacks a message.
 * Example: `system.spawn(contracted({ reserve: Sku }, effectful(() => new Inventory())))`.
 */
export function contracted<C extends Contract, A extends Handlers<C>>(
  contract: C,
  make: Make<A & object>,
): Make<Contracted<A, C>> {
  const edges = Object.entries(contract).map(([type, schema]) => [type, schema && edgeOf(schema)] as const);
  if (edges.length === 0) throw new InvalidOption("contract", "no message", "a schema for each message");
  const made = new WeakMap<object, Contracted<A, C>>();
  const wrap = (self: Self, inner: A): Contracted<A, C> => {
    const again = made.get(inner);
    if (again !== undefined) return again;
    const outer = guard(self, inner as object, edges) as Contracted<A, C>;
    made.set(inner, outer);
    return outer;
  };
  return (self) => {
    const inner = make(self);
    return inner instanceof Promise ? inner.then((one) => wrap(self, one)) : wrap(self, inner as A);
  };
}

type Edge = (payload: unknown) => { readonly value: unknown } | { readonly issues: InvalidPayload["issues"] };

/** Issues by their kinds: the texts of the library quote the payload. */
function edgeOf(schema: Schema.ConstraintDecoder<unknown>): Edge {
  const { validate } = Schema.toStandardSchemaV1(schema, {
    leafHook: ({ _tag }) => _tag,
    checkHook: () => "Filter",
  })["~standard"];
  return (payload) => {
    const found = validate(payload);
    if (found instanceof Promise)
      throw new InvalidOption("contract", "an asynchronous schema", "one that decodes at once");
    if (found.issues === undefined) return { value: found.value };
    return {
      issues: found.issues.map(({ path = [], message }) => ({
        path: path.map((part) => String(typeof part === "object" ? part.key : part)).join("."),
        kind: message,
      })),
    };
  };
}

function guard(self: Self, inner: object, edges: readonly (readonly [string, Edge | undefined])[]): object {
  const outer: Record<string | symbol, unknown> = {};
  const handlers = inner as Record<string | symbol, (payload?: unknown) => unknown>;
  const has = messagesOf(inner);
  const missing = edges.filter(([type]) => !has.includes(type)).map(([type]) => type);
  if (missing.length > 0)
    throw new InvalidFactory(
      self.path,
      `an object without ${missing.join(", ")}`,
      "The contract names them: add the methods or take the names out.",
    );
  for (const [type, edge] of edges)
    outer[type] = (payload: unknown) => {
      if (edge === undefined) return handlers[type]?.();
      const found = edge(payload);
      if ("value" in found) return handlers[type]?.(found.value);
      const said = found.issues.map(({ path, kind }) => `${path === "" ? "the payload" : path}: ${kind}`);
      return new InvalidPayload(`${self.path} does not take this ${type}: ${said.join(", ")}.`, found.issues);
    };
  for (const dispose of [Symbol.asyncDispose, Symbol.dispose])
    if (dispose in inner) outer[dispose] = () => handlers[dispose]?.();
  return outer;
}

type Drawn<S> = S extends { readonly Type: unknown; readonly Encoded: infer T }
  ? { readonly "~standard": WorkloadSchema<T> }
  : undefined;

interface WorkloadSchema<T> {
  readonly version: 1;
  readonly vendor: string;
  readonly types?: { readonly input: T; readonly output: unknown } | undefined;
  readonly validate: (
    value: unknown,
  ) => { readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] };
  readonly jsonSchema: { readonly input: (options: { readonly target: "draft-2020-12" }) => Record<string, unknown> };
}

/**
 * What `operations` of `antiphon/testing` draws payloads from: each schema as a Standard Schema and Standard JSON Schema.
 * Example: `operations<Inventory>(workload({ reserve: Sku, left: undefined }))`.
 */
export function workload<C extends Contract>(contract: C): { readonly [M in keyof C]: Drawn<C[M]> } {
  const drawn = Object.entries(contract).map(([type, schema]) => {
    if (schema === undefined) return [type, undefined];
    const { validate, ...rest } = Schema.toStandardSchemaV1(schema)["~standard"];
    const { jsonSchema } = Schema.toStandardJSONSchemaV1(schema)["~standard"];
    return [type, { "~standard": { ...rest, validate, jsonSchema } }];
  });
  return Object.fromEntries(drawn);
}
