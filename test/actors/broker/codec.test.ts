import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Codec, jsonCodec, msgpackCodec, type SchemaLike, validated } from "../../../src/actors/broker/codec.ts";
import { Undecodable, Unencodable } from "../../../src/actors/broker/failure-journal.ts";

const through = (codec: Codec, value: unknown): unknown => codec.decode(codec.encode(value));

describe("jsonCodec", () => {
  test("gives JSON values back (seed 1)", () => {
    const noMinusZero = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(through(jsonCodec, value)).toEqual(noMinusZero(value));
      }),
      { seed: 1 },
    );
  });

  test("is JSON text, for people to read", () => {
    expect(new TextDecoder().decode(jsonCodec.encode({ sku: "mug ☕", left: undefined }))).toBe('{"sku":"mug ☕"}');
    expect(through(jsonCodec, { at: new Date(0) })).toEqual({ at: "1970-01-01T00:00:00.000Z" });
  });

  const circle: { self?: unknown } = {};
  circle.self = circle;
  test.each<[string, unknown, RegExp]>([
    ["undefined", undefined, /: undefined/],
    ["undefined in an array", { a: [1, undefined] }, / at \.a\[1\]: undefined/],
    ["a function", { order: { pay: () => 1 } }, / at \.order\.pay: a function in "pay"/],
    ["a symbol", [Symbol("x")], / at \[0\]: a symbol/],
    ["a BigInt", { n: 1n }, / at \.n: a BigInt/],
    ["NaN", { n: Number.NaN }, /NaN/],
    ["Infinity", [Number.POSITIVE_INFINITY], /Infinity/],
    ["a cycle", { circle }, / at \.circle\.self: .*circular/i],
    ["a Map", { m: new Map() }, /a Map: give \[\.\.\.map\]/],
    ["a Set", { s: new Set() }, /a Set/],
    ["a buffer", { b: new Uint8Array(2) }, /a buffer/],
  ])("refuses %s, and says where it is", (_, value, message) => {
    expect(() => jsonCodec.encode(value)).toThrow(Unencodable);
    expect(() => jsonCodec.encode(value)).toThrow(message);
  });

  test("refuses bytes that are no JSON", () => {
    for (const bytes of [[], [0xff, 0xfe], [0x7b], [0x22, 0xc3, 0x28, 0x22]])
      expect(() => jsonCodec.decode(Uint8Array.from(bytes))).toThrow(Undecodable);
  });
});

describe("msgpackCodec", () => {
  test("gives back what JSON can not hold", async () => {
    const codec = await msgpackCodec();
    const value: Record<string, unknown> = {
      map: new Map<unknown, unknown>([[1, new Set(["a"])]]),
      at: new Date(5),
      big: 2n,
      nan: Number.NaN,
      none: undefined,
      bytes: Uint8Array.of(1, 2),
    };
    value["self"] = value;
    const back = through(codec, value) as typeof value;
    expect(back["self"]).toBe(back);
    for (const key of ["map", "at", "big", "nan", "none"]) expect(back[key]).toEqual(value[key]);
    expect([...(back["bytes"] as Uint8Array)]).toEqual([1, 2]);
  });

  test("gives bytes of their own", async () => {
    const codec = await msgpackCodec();
    const [one, other] = [codec.encode("one"), codec.encode("two")];
    expect([codec.decode(one), codec.decode(other)]).toEqual(["one", "two"]);
  });

  test("refuses functions, and bytes that are cut", async () => {
    const codec = await msgpackCodec();
    expect(() => codec.encode({ f: () => 1 })).toThrow(Unencodable);
    expect(() => codec.decode(codec.encode({ text: "longer than this" }).subarray(0, 9))).toThrow(Undecodable);
  });
});

describe("validated", () => {
  const schema = (check: (value: unknown) => unknown): SchemaLike => ({
    "~standard": { version: 1, vendor: "test", validate: check as SchemaLike["~standard"]["validate"] },
  });
  const order = schema((value) => {
    const { sku, count = 1 } = value as { sku?: unknown; count?: number };
    if (typeof sku === "string") return { value: { sku, count } };
    return { issues: [{ message: "no text", path: [{ key: "sku" }] }] };
  });

  test("checks what is encoded and gives what the schema makes of what was decoded", () => {
    const codec = validated(jsonCodec, order);
    expect(through(codec, { sku: "mug" })).toEqual({ sku: "mug", count: 1 });
    expect(new TextDecoder().decode(codec.encode({ sku: "mug" }))).toBe('{"sku":"mug"}');
    expect(() => codec.encode({ sku: 1 })).toThrow(Unencodable);
    expect(() => codec.encode({ sku: 1 })).toThrow(/The schema of test refuses the value: sku: no text/);
    expect(() => codec.decode(jsonCodec.encode({}))).toThrow(Undecodable);
  });

  test("refuses a schema that checks later, and what is no schema", () => {
    const later = validated(
      jsonCodec,
      schema(async (value) => ({ value })),
    );
    expect(() => later.encode(1)).toThrow(/checks asynchronously/);
    expect(() => validated(jsonCodec, {} as never)).toThrow(/Standard Schema/);
  });
});
