import { InvalidOption } from "antiphon";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromSchema, type GenerativeSchema } from "../../src/testing/schema.ts";
import { cases, type Json } from "./schemas.ts";

const parameters = { seed: 3, numRuns: 300 } as const;

/** A schema as a library would give it, with what it was asked. */
function schemaOf<Input>(json: Json, validates: (value: Input) => unknown) {
  const asked: unknown[] = [];
  let refused = 0;
  const schema: GenerativeSchema<Input> = {
    "~standard": {
      version: 1,
      vendor: "hand",
      validate: (value) => {
        if (validates(value as Input)) return { value };
        refused++;
        return { issues: [{ message: "not so" }] };
      },
      jsonSchema: {
        input: (options) => {
          asked.push(options);
          return { $schema: "https://json-schema.org/draft/2020-12/schema", ...json };
        },
      },
    },
  };
  return { schema, asked, refused: () => refused };
}

const plain = (json: Json) => schemaOf<unknown>(json, () => true).schema;

describe("fromSchema", () => {
  test.each(Object.entries(cases))(
    "makes values for %s, and the schema refuses none of them",
    (_, { json, all, some = [] }) => {
      const { schema, refused } = schemaOf<never>(json, all);
      const values = fc.sample(fromSchema(schema), parameters);
      for (const value of values) expect(value).toSatisfy(all as (value: unknown) => boolean);
      for (const one of some) expect(values.filter((value) => one(value as never))).not.toHaveLength(0);
      expect(refused()).toBe(0);
    },
  );

  test("asks for the input of draft 2020-12, once", () => {
    const { schema, asked } = schemaOf({ type: "null" }, () => true);
    fc.sample(fromSchema(schema), parameters);
    expect(asked).toEqual([{ target: "draft-2020-12" }]);
  });

  test("makes only what the schema accepts, also while it shrinks", () => {
    const isRound = (value: number) => value % 10 !== 1;
    const { schema, refused } = schemaOf<number>({ type: "integer" }, isRound);
    const run = fc.check(
      fc.property(fromSchema(schema), (value) => {
        expect(value).toSatisfy(isRound);
        return value < 1_001;
      }),
      parameters,
    );
    expect(run.counterexample).toEqual([1_002]);
    expect(refused()).toBeGreaterThan(0);
  });

  test("shrinks a value that is given as an example, and knows which it could have made", () => {
    const arbitrary = fromSchema(schemaOf<number>({ type: "integer" }, (value) => value % 10 !== 5).schema);
    const below = fc.property(arbitrary, (value) => value < 100);
    expect([arbitrary.canShrinkWithoutContext(4), arbitrary.canShrinkWithoutContext(5)]).toEqual([true, false]);
    const { counterexample = [5_000] } = fc.check(below, { ...parameters, examples: [[5_000]] });
    expect(counterexample![0]).toBeLessThan(1_000);
  });

  test("gives each value objects of its own", () => {
    const [one, other] = fc.sample(fromSchema(plain({ const: { a: [] } })), 2);
    expect(one).toEqual(other);
    expect(one).not.toBe(other);
  });

  test("keeps the input's type", () => {
    const { schema } = schemaOf<{ sku: string }>(
      { type: "object", properties: { sku: { type: "string" } }, required: ["sku"] },
      () => true,
    );
    const arbitrary: fc.Arbitrary<{ sku: string }> = fromSchema(schema);
    expect(fc.sample(arbitrary, 1)).toEqual([{ sku: expect.any(String) }]);
  });

  const parts = { json: plain({ type: "null" })["~standard"] };
  test.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /no ~standard\.validate/],
    ["an object that is none", {}, /no ~standard\.validate/],
    [
      "one that validates alone",
      { "~standard": { ...parts.json, jsonSchema: undefined } },
      /no ~standard\.jsonSchema of hand/,
    ],
    [
      "one that can not be turned into a JSON Schema",
      {
        "~standard": {
          ...parts.json,
          jsonSchema: {
            input: () => {
              throw new Error("Date has none");
            },
          },
        },
      },
      /which hand can turn into JSON Schema \(it says: Date has none\)/,
    ],
    [
      "one that waits",
      { "~standard": { ...parts.json, validate: () => Promise.reject(new Error()) } },
      /an asynchronous validate/,
    ],
    [
      "one that refuses all",
      schemaOf({ type: "null" }, () => false).schema,
      /1000 values that it refuses.*it says: not so/,
    ],
    ["one that nothing fits", plain({ not: {} }), /no value fits/],
    [
      "one that contains itself without end",
      plain({ properties: { a: { $ref: "#" } }, required: ["a"] }),
      /no value fits/,
    ],
    ["one that is itself", plain({ $ref: "#" }), /a \$ref that leads to itself/],
    ["bounds that cross", plain({ type: "integer", minimum: 0.1, maximum: 0.9 }), /no value fits/],
    ["lengths that cross", plain({ type: "string", minLength: 2, maxLength: 1 }), /no value fits/],
    ["sizes that cross", plain({ type: "array", minItems: 2, maxItems: 1 }), /no value fits/],
    ["an open interval of nothing", plain({ type: "number", exclusiveMinimum: 1, maximum: 1 }), /no value fits/],
    ["types that exclude each other", plain({ allOf: [{ type: "string" }, { type: "null" }] }), /no value fits/],
    ["a required property that nothing fits", plain({ properties: { a: false }, required: ["a"] }), /no value fits/],
    ["a $ref to elsewhere", plain({ $ref: "https://example.com/a" }), /the \$ref https.*refers to itself alone/],
    ["a $ref to nothing", plain({ $ref: "#/$defs/a" }), /the \$ref #\/\$defs\/a to nothing/],
    ["a type that is none", plain({ type: "date" }), /the type date/],
    ["a multiple of nothing", plain({ type: "number", multipleOf: 0 }), /schema#\/multipleOf: found "0"/],
    [
      "a pattern that looks ahead",
      plain({ type: "string", pattern: "^(?=a)" }),
      /without assertions and back references/,
    ],
    ["a pattern that is none", plain({ type: "string", pattern: "(" }), /a regular expression/],
    [
      "a pattern that is seldom so long",
      plain({ pattern: "^ab$", minLength: 3 }),
      /seldom fit both pattern and length/,
    ],
    [
      "too many alternatives",
      plain({ allOf: Array(4).fill({ anyOf: Array(10).fill({ minimum: 1 }) }) }),
      /too many alternatives/,
    ],
  ])("refuses %s", (_, schema, text) => {
    const make = () => fromSchema(schema as GenerativeSchema);
    expect(make).toThrow(InvalidOption);
    expect(make).toThrow(text);
    expect(make).toThrow(/^schema.*, or a fast-check arbitrary instead\.$/);
  });

  test.each([
    ...["if", "contains", "patternProperties", "dependentRequired", "dependentSchemas", "unevaluatedProperties"],
    ...["unevaluatedItems", "$dynamicRef", "additionalItems"],
  ])("refuses the keyword %s, which decides, and says where it is", (keyword) => {
    const json = { properties: { a: { items: { [keyword]: {} } } } };
    expect(() => fromSchema(plain(json))).toThrow(`schema#/properties/a/items: found "the keyword ${keyword}"`);
  });

  test("refuses a `not` that decides, and takes one that excludes everything", () => {
    const optional = (not: unknown) => plain({ type: "object", properties: { a: { not } } });
    expect(() => fromSchema(optional({ type: "string" }))).toThrow(/the keyword not/);
    for (const not of [{}, true]) expect(fc.sample(fromSchema(optional(not)), 1)).toEqual([{}]);
  });

  test("says while values are made that the schema waits, or refuses more than it seemed to", () => {
    let waits = false;
    let refuses = false;
    const later: GenerativeSchema = {
      "~standard": {
        ...parts.json,
        validate: () => {
          if (waits) return Promise.resolve({});
          return refuses ? { issues: [{ message: "later" }] } : {};
        },
      },
    };
    const arbitrary = fromSchema(later);
    refuses = true;
    expect(() => fc.sample(arbitrary, 1)).toThrow(/1000 values that it refuses.*later/);
    waits = true;
    expect(() => fc.sample(arbitrary, 1)).toThrow(/an asynchronous validate/);
  });
});
