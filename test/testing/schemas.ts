// JSON Schemas with what their values are: one for each keyword, and for what becomes of two of them together.

import { canonical } from "../../src/testing/canonical.ts";

export type Json = Record<string, unknown>;

const matches = (pattern: RegExp) => (value: unknown) => typeof value === "string" && pattern.test(value);
const isInteger = (value: unknown) => Number.isSafeInteger(value);
const isObject = (value: unknown): value is Json =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.getPrototypeOf(value) === Object.prototype;
const isText = (value: unknown) => typeof value === "string";
const keysOf = (value: unknown) => (isObject(value) ? Object.keys(value) : []);
const size = (value: unknown) => (value as { length: number }).length;

interface Case {
  readonly json: Json;
  /** What every value is, checked without the help of a filter. */
  readonly all: (value: never) => boolean;
  /** Each is true of some value. */
  readonly some?: readonly ((value: never) => boolean)[];
}

const tree = {
  $ref: "#/$defs/node",
  $defs: {
    node: {
      type: "object",
      properties: { kids: { type: "array", items: { $ref: "#/$defs/node" } }, owner: { $ref: "#/$defs/owner" } },
      required: ["kids"],
    },
    owner: { type: "object", properties: { first: { $ref: "#/$defs/node" }, name: { $ref: "#/$defs/text" } } },
    text: { type: "string" },
  },
};
interface Node {
  kids: Node[];
  owner?: { first?: Node; name?: string };
}
const depthOf = ({ kids, owner }: Node): number =>
  1 + Math.max(0, ...kids.map(depthOf), ...(owner?.first ? [depthOf(owner.first)] : []));

export const cases: Record<string, Case> = {
  boolean: { json: { type: "boolean" }, all: (v) => typeof v === "boolean", some: [(v) => v, (v) => !v] },
  null: { json: { type: "null" }, all: (v) => v === null },
  "a list of types": {
    json: { type: ["string", "null"], minLength: 2 },
    all: (v: unknown) => v === null || (isText(v) && size(v) >= 2),
    some: [(v) => v === null, isText],
  },
  integer: { json: { type: "integer" }, all: isInteger, some: [(v: number) => v < 0, (v: number) => v > 1e6] },
  "integer with bounds": {
    json: { type: "integer", minimum: 1, maximum: 3 },
    all: (v: number) => [1, 2, 3].includes(v),
    some: [(v) => v === 1, (v) => v === 3],
  },
  "integer with bounds that are none of it": {
    json: { type: "integer", minimum: 0.5, exclusiveMaximum: 2 },
    all: (v) => v === 1,
  },
  number: {
    json: { type: "number" },
    all: (v) => Number.isFinite(v),
    some: [(v) => !Number.isInteger(v), (v: number) => v < 0],
  },
  "number with bounds": { json: { type: "number", minimum: -1, maximum: 1 }, all: (v: number) => v >= -1 && v <= 1 },
  "number with exclusive bounds": {
    json: { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 5e-323 },
    all: (v: number) => v > 0 && v < 5e-323,
    some: [(v) => v === 5e-324],
  },
  "both kinds of bounds, of which the narrower counts": {
    json: { type: "integer", minimum: 2, exclusiveMinimum: 4, maximum: 9, exclusiveMaximum: 7 },
    all: (v: number) => v === 5 || v === 6,
    some: [(v) => v === 5, (v) => v === 6],
  },
  multipleOf: {
    json: { type: "number", multipleOf: 0.1, minimum: 0.3, maximum: 0.7 },
    all: (v: number) => [0.3, 0.4, 0.5, 0.6, 0.7].includes(v),
    some: [0.3, 0.4, 0.5, 0.6, 0.7].map((one) => (v: number) => v === one),
  },
  "multipleOf of an integer": {
    json: { type: "integer", multipleOf: 7, exclusiveMinimum: 7 },
    all: (v: number) => v > 7 && v % 7 === 0,
  },
  "multipleOf that is seldom whole": {
    json: { type: "integer", multipleOf: 2.5 },
    all: (v: number) => Number.isInteger(v) && v % 5 === 0,
  },
  "multipleOf with an exponent": {
    json: { type: "number", multipleOf: 1e-7, minimum: 0, maximum: 3e-7 },
    all: (v: number) => [0, 1e-7, 2e-7, 3e-7].includes(v),
  },
  string: { json: { type: "string" }, all: isText, some: [(v) => v === "", matches(/[^\0-\x7f]/)] },
  "string with bounds": {
    json: { type: "string", minLength: 2, maxLength: 4 },
    all: (v) => size(v) >= 2 && size(v) <= 4,
    some: [(v) => size(v) === 2, (v) => size(v) === 4],
  },
  pattern: { json: { type: "string", pattern: "^[a-f]{2}-\\d+$" }, all: matches(/^[a-f]{2}-\d+$/) },
  "pattern that is not anchored": { json: { pattern: "x[0-9]" }, all: matches(/x[0-9]/), some: [matches(/^.+x/)] },
  "pattern of older flags": { json: { type: "string", pattern: "^a\\-b$" }, all: (v) => v === "a-b" },
  "pattern and bounds": {
    json: { type: "string", pattern: "^[a-z]*$", minLength: 20, maxLength: 60 },
    all: matches(/^[a-z]{20,60}$/),
  },
  "pattern that is too clever, beside its format": {
    json: { type: "string", format: "duration", pattern: "^P(?!.*W).*$" },
    all: matches(/^PT\d+S$/),
  },
  "format date-time": {
    json: { type: "string", format: "date-time" },
    all: matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  },
  "format date": { json: { type: "string", format: "date" }, all: matches(/^\d{4}-\d\d-\d\d$/) },
  "format time": { json: { type: "string", format: "time" }, all: matches(/^\d\d:\d\d:\d\d\.\d{3}Z$/) },
  "format duration": { json: { type: "string", format: "duration" }, all: matches(/^PT\d+S$/) },
  "format email": { json: { type: "string", format: "email" }, all: matches(/^[^@\s]+@[^@\s]+\.[a-z]+$/i) },
  "format hostname": { json: { type: "string", format: "hostname" }, all: matches(/^[a-z0-9.-]+$/i) },
  "format ipv4": { json: { type: "string", format: "ipv4" }, all: matches(/^\d+\.\d+\.\d+\.\d+$/) },
  "format ipv6": { json: { type: "string", format: "ipv6" }, all: matches(/^[\da-f:.]+$/i) },
  "format uri": { json: { type: "string", format: "uri" }, all: (v) => URL.canParse(v) },
  "format uuid": { json: { type: "string", format: "uuid" }, all: matches(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/) },
  "a format that is not known": { json: { type: "string", format: "isbn", maxLength: 3 }, all: isText },
  enum: {
    json: { enum: [1, "a", null, { b: 1 }] },
    all: (v) => [1, "a", null, "[object Object]"].includes(isObject(v) ? `${v}` : v),
  },
  "enum with a type": { json: { type: "string", enum: [1, "a", null] }, all: (v) => v === "a" },
  const: { json: { const: "x" }, all: (v) => v === "x" },
  "const within enum": { json: { enum: ["x", "y"], const: "y" }, all: (v) => v === "y" },
  array: {
    json: { type: "array", items: { type: "integer" } },
    all: (v: unknown[]) => v.every(isInteger),
    some: [(v) => size(v) === 0, (v) => size(v) > 3],
  },
  "array of anything": { json: { type: "array", minItems: 1 }, all: (v: unknown) => Array.isArray(v) && v.length > 0 },
  "array with bounds": {
    json: { type: "array", items: { type: "null" }, minItems: 2, maxItems: 4 },
    all: (v) => size(v) >= 2 && size(v) <= 4,
    some: [(v) => size(v) === 2, (v) => size(v) === 4],
  },
  "array of nothing": { json: { type: "array", items: false }, all: (v) => size(v) === 0 },
  uniqueItems: {
    json: { type: "array", items: { type: "object", properties: { a: { enum: [1, 2] } } }, uniqueItems: true },
    all: (v: unknown[]) => new Set(v.map(canonical)).size === v.length,
    some: [(v) => size(v) === 3],
  },
  tuple: {
    json: {
      type: "array",
      prefixItems: [{ type: "string" }, { type: "null" }],
      items: false,
      minItems: 2,
      maxItems: 2,
    },
    all: ([a, b, ...rest]: unknown[]) => isText(a) && b === null && rest.length === 0,
  },
  "tuple without bounds, which is whole": {
    json: { prefixItems: [{ type: "string" }, { type: "null" }] },
    all: (v) => size(v) === 2,
  },
  "tuple that may be shorter": {
    json: { prefixItems: [{ type: "null" }, { type: "null" }, { type: "null" }], minItems: 1, items: false },
    all: (v) => size(v) >= 1 && size(v) <= 3,
    some: [1, 2, 3].map((length) => (v) => size(v) === length),
  },
  "tuple that has no room for all": {
    json: { prefixItems: [{ type: "null" }, { type: "string" }], maxItems: 1 },
    all: (v) => size(v) === 1,
  },
  "tuple with a rest": {
    json: { prefixItems: [{ const: [1] }], items: { type: "null" }, minItems: 2, maxItems: 4 },
    all: ([a, ...rest]: unknown[]) => canonical(a) === "[1]" && rest.every((one) => one === null) && rest.length <= 3,
    some: [(v) => size(v) === 2, (v) => size(v) === 4],
  },
  "tuple with more than its items": {
    json: { prefixItems: [{ const: 1 }], minItems: 3 },
    all: (v) => size(v) === 3 || size(v) > 3,
  },
  "tuple whose items are unlike": {
    json: { prefixItems: [{ enum: [1, 2] }, { enum: [1, 2] }], uniqueItems: true },
    all: ([a, b]: unknown[]) => a !== b,
  },
  object: {
    json: { type: "object", properties: { a: { type: "null" }, b: { type: "string" } }, required: ["a"] },
    all: (v) => isObject(v) && v["a"] === null && keysOf(v).every((key) => key === "a" || key === "b"),
    some: [(v) => "b" in v, (v) => !("b" in v)],
  },
  "object that is closed": {
    json: { type: "object", properties: { a: { type: "null" } }, additionalProperties: false },
    all: (v) => keysOf(v).every((key) => key === "a"),
  },
  "object whose optional property fits nothing": {
    json: { type: "object", properties: { a: false, b: { not: {} }, c: { type: "null" } }, required: ["c"] },
    all: (v) => canonical(v) === '{"c":null}',
  },
  "object with a property that every object inherits": {
    json: { type: "object", required: ["toString"], additionalProperties: { type: "null" } },
    all: (v: Json) => Object.hasOwn(v, "toString") && Object.values(v).every((one) => one === null),
  },
  additionalProperties: {
    json: { type: "object", properties: { a: { type: "null" } }, additionalProperties: { type: "integer" } },
    all: (v: Json) => Object.entries(v).every(([key, value]) => (key === "a" ? value === null : isInteger(value))),
    some: [(v) => "a" in v && keysOf(v).length > 1, (v) => !("a" in v)],
  },
  propertyNames: {
    json: { type: "object", propertyNames: { pattern: "^k\\d$" }, additionalProperties: { type: "boolean" } },
    all: (v) => keysOf(v).every((key) => /^k\d$/.test(key)),
    some: [(v) => keysOf(v).length > 1],
  },
  "required properties of a record": {
    json: { propertyNames: { enum: ["a", "b"] }, additionalProperties: { type: "null" }, required: ["a", "b"] },
    all: (v) => canonical(v) === '{"a":null,"b":null}',
  },
  "minProperties, maxProperties": {
    json: { type: "object", additionalProperties: { type: "null" }, minProperties: 1, maxProperties: 2 },
    all: (v) => keysOf(v).length === 1 || keysOf(v).length === 2,
    some: [(v) => keysOf(v).length === 1, (v) => keysOf(v).length === 2],
  },
  "minProperties of an object without any": { json: { minProperties: 1 }, all: (v) => keysOf(v).length > 0 },
  anyOf: {
    json: { anyOf: [{ type: "string" }, { type: "integer" }] },
    all: (v) => isText(v) || isInteger(v),
    some: [isText, isInteger],
  },
  "oneOf, with what all have": {
    json: {
      type: "object",
      properties: { id: { type: "integer" } },
      required: ["id"],
      oneOf: [
        { properties: { kind: { const: "a" } }, required: ["kind"] },
        { properties: { kind: { const: "b" }, size: { type: "null" } }, required: ["kind", "size"] },
      ],
    },
    all: (v: Json) => isInteger(v["id"]) && (v["kind"] === "a" || (v["kind"] === "b" && v["size"] === null)),
    some: [(v: Json) => v["kind"] === "a", (v: Json) => v["kind"] === "b"],
  },
  "allOf of objects": {
    json: {
      allOf: [
        { type: "object", properties: { a: { minimum: 1 }, b: { type: "string" } }, required: ["a"] },
        { $ref: "#/$defs/other" },
      ],
      $defs: { other: { properties: { a: { type: "integer", maximum: 2 }, c: { type: "null" } }, required: ["c"] } },
    },
    all: (v: Json) => (v["a"] === 1 || v["a"] === 2) && v["c"] === null && (!("b" in v) || isText(v["b"])),
    some: [(v: Json) => v["a"] === 1, (v: Json) => v["a"] === 2, (v) => "b" in v],
  },
  "allOf with a closed object": {
    json: {
      allOf: [
        { type: "object", properties: { a: { type: "null" } }, additionalProperties: false },
        { type: "object", properties: { a: true, b: { type: "null" } } },
      ],
    },
    all: (v) => keysOf(v).every((key) => key === "a"),
  },
  "allOf of what has no parts": {
    json: {
      allOf: [
        { type: ["number", "string", "null"], minimum: 0, maximum: 9, multipleOf: 2, minLength: 1, pattern: "^a" },
        { type: ["integer", "string"], maximum: 12, multipleOf: 4, maxLength: 9, pattern: "b$" },
      ],
    },
    all: (v: unknown) => (isText(v) ? matches(/^a.*b$/s)(v) : [0, 4, 8].includes(v as number)),
    some: [isText, (v) => v === 8],
  },
  "allOf of lists": {
    json: {
      allOf: [
        { type: "array", prefixItems: [{ type: "number" }], items: { type: ["string", "null"] }, minItems: 3 },
        { items: { type: ["integer", "null"] }, maxItems: 5, uniqueItems: false },
      ],
    },
    all: ([a, ...rest]: unknown[]) => isInteger(a) && rest.length >= 2 && rest.every((one) => one === null),
  },
  "allOf of values": { json: { allOf: [{ enum: [1, 2, { a: 1 }] }, { enum: [{ a: 1 }, 3] }] }, all: isObject },
  "allOf of alternatives": {
    json: {
      allOf: [
        { anyOf: [{ type: "string" }, { type: "integer", minimum: 5 }] },
        { anyOf: [{ type: "null" }, { type: "number", maximum: 6 }] },
      ],
    },
    all: (v) => v === 5 || v === 6,
  },
  $ref: { json: { $ref: "#/$defs/a~1b/items", $defs: { "a/b": { items: { const: 1 } } } }, all: (v) => v === 1 },
  "$ref to what contains itself": {
    json: tree,
    all: (v: Node) => Array.isArray(v.kids) && depthOf(v) <= 4,
    some: [1, 2, 3, 4].map((depth) => (v: Node) => depthOf(v) === depth),
  },
  "$ref to the whole": {
    json: { properties: { next: { anyOf: [{ $ref: "#" }, { type: "null" }] } }, required: ["next"], type: "object" },
    all: (v) => isObject(v) && "next" in v,
    some: [(v: Json) => v["next"] === null, (v: Json) => isObject(v["next"])],
  },
  "a chain of $ref that is longer than what contains itself may be": {
    json: {
      $ref: "#/$defs/0",
      $defs: Object.fromEntries(
        Array.from({ length: 9 }, (_, i) => [
          i,
          i === 8 ? { type: "null" } : { properties: { x: { $ref: `#/$defs/${i + 1}` } }, required: ["x"] },
        ]),
      ),
    },
    all: (v) => JSON.stringify(v).split("x").length === 9,
  },
  "nothing that decides": { json: {}, all: () => true, some: [isText, isObject, Array.isArray] },
  "annotations, known and not": {
    json: {
      type: "null",
      title: "t",
      description: "d",
      default: 1,
      examples: [],
      readOnly: true,
      $comment: "c",
      "x-y": 1,
    },
    all: (v) => v === null,
  },
};
