import { figure, table, width } from "antiphon/lab";
import { describe, expect, test } from "vitest";

describe("width", () => {
  test.each([
    ["", 0],
    ["mean, ms", 8],
    ["注文", 4],
    ["e\u0301", 1],
    ["µ ±", 3],
    ["🚚", 2],
    ["\u001b[1mbold\u001b[22m", 4],
  ])("of %j is %i columns", (text, columns) => {
    expect(width(text)).toBe(columns);
  });
});

describe("table", () => {
  test("puts numbers to the right with their head, words to the left, wide characters counted", () => {
    const rows = [
      ["", "D1", "verb"],
      ["mean, ms", "560", "ask"],
      ["注文", "1,234.5", "tell"],
      ["none", "-", ""],
    ];
    expect(table(rows).split("\n")).toEqual([
      "               D1  verb",
      "mean, ms      560  ask",
      "注文      1,234.5  tell",
      "none            -",
    ]);
  });

  test("takes rows of different lengths, and none", () => {
    expect(table([["a"], ["b", "1"]])).toBe("a\nb  1");
    expect(table([])).toBe("");
  });
});

describe("figure", () => {
  test.each([
    [0, "0"],
    [400, "400"],
    [3, "3"],
    [0.123456, "0.12"],
    [9.994, "9.99"],
    [9.996, "10.0"],
    [18.25, "18.3"],
    [99.96, "100"],
    [560.4, "560"],
    [1234567.8, "1,234,568"],
    [249327, "249,327"],
    [-5.304, "-5.30"],
    [Number.NaN, "-"],
    [Number.POSITIVE_INFINITY, "-"],
  ])("of %d is %j", (value, text) => {
    expect(figure(value)).toBe(text);
  });
});
