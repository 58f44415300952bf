import { InvalidOption } from "antiphon";
import { describe, expect, test } from "vitest";
import { canonical } from "../../src/testing/canonical.ts";

describe("canonical", () => {
  test("gives each value a text of its own", () => {
    // biome-ignore format: a list to be looked at as a whole
    const values = [
      0, -0, 1, 1n, Number.NaN, "", "1", "1n", '"1"', true, "true", null, undefined, "undefined",
      [], [1], ["1"], [1, 2], [[1], 2], [[1, 2]], ["1,2"], [undefined], [null],
      {}, { a: 1 }, { a: [1] }, { a: undefined }, { b: 1 }, { a: 1, b: 1 }, { "a:1,b": 1 },
      new Set(), new Set([1]), new Set(["1"]), new Set([[1]]), new Map(), new Map([[1, 2]]), new Map([["1", 2]]),
    ];
    expect(new Set(values.map(canonical)).size).toBe(values.length);
  });

  test("does not mind the order of members, keys and elements, but that of arrays", () => {
    expect(canonical({ a: 1, b: { c: 2, d: 3 } })).toBe(canonical({ b: { d: 3, c: 2 }, a: 1 }));
    expect(canonical(new Set([1, 2]))).toBe(canonical(new Set([2, 1])));
    expect(
      canonical(
        new Map([
          ["a", 1],
          ["b", 2],
        ]),
      ),
    ).toBe(
      canonical(
        new Map([
          ["b", 2],
          ["a", 1],
        ]),
      ),
    );
    expect(canonical(Object.create(null))).toBe(canonical({}));
    expect(canonical([1, 2])).not.toBe(canonical([2, 1]));
  });

  test.each([
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a Date", new Date(0)],
    ["a Date", { deep: [new Date(0)] }],
  ])("refuses %s", (found, value) => {
    expect(() => canonical(value)).toThrow(InvalidOption);
    expect(() => canonical(value)).toThrow(found);
  });
});
