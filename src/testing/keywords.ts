// The keywords of JSON Schema draft 2020-12 that decide which values fit, and what is left of them where two schemas have
// to fit at once.

import { canonical } from "./canonical.ts";
import { unfit } from "./tried.ts";

export type Json = Readonly<Record<string, unknown>>;
export type Schema = Json | boolean;

export type TypeName = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";
export const typeNames: readonly TypeName[] = ["null", "boolean", "integer", "number", "string", "array", "object"];

/** Which keywords say something about which type. */
export const keywords: Readonly<Record<TypeName, readonly string[]>> = {
  null: [],
  boolean: [],
  integer: [],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  string: ["minLength", "maxLength", "pattern", "format"],
  array: ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"],
  object: ["properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"],
};
const applied = ["$ref", "allOf", "anyOf", "oneOf"];
const known = new Set(["type", "enum", "const", ...applied, ...Object.values(keywords).flat()]);
/** Those of draft 2020-12, and of older ones, that decide and are not known here. What is in no list is an annotation. */
export const strangers: readonly string[] = [
  ...["not", "if", "then", "else", "contains", "minContains", "maxContains", "patternProperties", "dependentRequired"],
  ...["dependentSchemas", "dependencies", "unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef"],
  ...["additionalItems", "divisibleBy", "disallow", "extends"],
];

/** Where the maker is: in which schema that is referred to, and how often that may still contain itself. */
export interface Place {
  readonly target: Schema;
  readonly left: number;
}
/** One of several schemas, without `$ref` and its like, and the place of its parts. */
export interface Option {
  readonly schema: Json;
  readonly place: Place;
}

export function isOf(value: unknown, type: TypeName): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return type === "integer" ? Number.isInteger(value) : typeof value === type;
}

/** What decides in a schema beside others that it applies: types, values and patterns as lists. */
export function own(schema: Json, at: string): Json {
  const { type, pattern, const: value } = schema;
  const types = type === undefined || Array.isArray(type) ? type : [type];
  const stranger = (types as TypeName[] | undefined)?.find((one) => !typeNames.includes(one));
  if (stranger !== undefined) throw unfit(at, `the type ${stranger}`, `one of ${typeNames.join(", ")}`);
  const rest = Object.entries(schema).filter(([keyword]) => known.has(keyword) && !applied.includes(keyword));
  return {
    ...Object.fromEntries(rest.filter(([keyword]) => keyword !== "const")),
    ...(types !== undefined && { type: types }),
    ...(pattern !== undefined && { pattern: [pattern] }),
    ...("const" in schema && { enum: "enum" in schema ? shared(schema["enum"] as unknown[], [value]) : [value] }),
  };
}

type Meeting = (one: never, other: never) => unknown;
const both = (one: Schema = true, other: Schema = true): Schema =>
  one === true || one === other ? other : other === true ? one : { allOf: [one, other] };
const shared = (one: readonly unknown[], other: readonly unknown[]) => {
  const texts = new Set(other.map(canonical));
  return one.filter((value) => texts.has(canonical(value)));
};
const more: Meeting = (one: number, other: number) => Math.max(one, other);
const less: Meeting = (one: number, other: number) => Math.min(one, other);

/** What is left of a keyword that stands in two schemas of which both have to fit; the first one where it is not here. */
const meetings: Readonly<Record<string, Meeting>> = {
  type: (one: readonly TypeName[], other: readonly TypeName[]) => {
    const wide = (types: readonly TypeName[]) => (types.includes("number") ? [...types, "integer"] : types);
    const types = shared(wide(one), wide(other));
    return types.includes("number") ? types.filter((type) => type !== "integer") : types;
  },
  enum: shared,
  ...Object.fromEntries(
    ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"].map((k) => [k, more]),
  ),
  ...Object.fromEntries(
    ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"].map((k) => [k, less]),
  ),
  multipleOf: (one: number, other: number) => (other % one === 0 ? other : one),
  pattern: (one: readonly string[], other: readonly string[]) => [...one, ...other],
  required: (one: readonly string[], other: readonly string[]) => [...new Set([...one, ...other])],
  uniqueItems: (one: boolean, other: boolean) => one || other,
  propertyNames: both,
};

/** What fits both, if anything may. Its parts are at the place that is nearer to its end, so that they do end. */
export function met(one: Option, other: Option): Option[] {
  const [a, b] = [one.schema, other.schema] as [Parts, Parts];
  if (Object.keys(a).length === 0) return [other];
  if (Object.keys(b).length === 0) return [one];
  const schema: Record<string, unknown> = { ...b, ...a };
  for (const keyword of Object.keys(a))
    if (keyword in b && keyword in meetings)
      schema[keyword] = meetings[keyword]!(a[keyword] as never, b[keyword] as never);
  const none = (list: unknown) => Array.isArray(list) && list.length === 0;
  if (none(schema["type"]) || none(schema["enum"])) return [];
  const { prefixItems: as = [], properties: ap = {} } = a;
  const { prefixItems: bs = [], properties: bp = {} } = b;
  const [more = []] = [as, bs].sort((x, y) => y.length - x.length);
  if (more.length > 0) schema["prefixItems"] = more.map((_, i) => both(as[i] ?? a.items, bs[i] ?? b.items));
  if ("items" in schema) schema["items"] = both(a.items, b.items);
  const names = Object.keys({ ...ap, ...bp });
  const property = (name: string) => both(ap[name] ?? a.additionalProperties, bp[name] ?? b.additionalProperties);
  if (names.length > 0) schema["properties"] = Object.fromEntries(names.map((name) => [name, property(name)]));
  if ("additionalProperties" in schema)
    schema["additionalProperties"] = both(a.additionalProperties, b.additionalProperties);
  return [{ schema, place: one.place.left < other.place.left ? one.place : other.place }];
}

type Parts = Json & {
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
};
