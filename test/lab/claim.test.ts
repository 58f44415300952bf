import { type Check, type Interval, type Verdict, verdict } from "antiphon/lab";
import { describe, expect, test } from "vitest";

const measured = (low: number, high: number, value = (low + high) / 2): Interval => ({
  value,
  low,
  high,
  level: 0.999,
  count: 1000,
  method: "pairs",
});
/** Says 100 of what was measured between these. */
const hundred = (low: number, high: number, more: Partial<Check> = {}): Check => ({
  where: "somewhere",
  predicted: 100,
  measured: measured(low, high),
  ...more,
});
const above = { relation: "above" } as const;
const below = { relation: "below" } as const;

const right = hundred(99, 101);
const wrong = hundred(110, 120);
const vague = hundred(90, 110, above);

describe("verdict", () => {
  test.each<[string, Check[], Verdict]>([
    ["one that holds", [right], "confirmed"],
    ["one that holds under all conditions", [right, right, hundred(120, 130, above)], "confirmed"],
    ["one that holds, but not under other conditions", [right, right, wrong], "limited"],
    ["one that does not hold", [wrong], "refuted"],
    ["one that does not hold as it is made, whatever its limits say", [wrong, right, right], "refuted"],
    ["one that nothing sharp enough was measured for", [vague], "open"],
    ["one that nothing sharp was measured for as it is made, whatever its limits say", [vague, wrong], "open"],
    ["one that holds, with limits that are not sharp enough", [right, vague], "open"],
    ["one that fails under one condition, with others that are not sharp enough", [right, vague, wrong], "limited"],
    ["one without a check", [], "open"],
  ])("on %s", (_, checks, expected) => {
    expect(verdict(checks)).toBe(expected);
  });

  test.each<[string, Check, Verdict]>([
    ["equal, inside the interval", hundred(90, 130), "confirmed"],
    ["equal, at its low end", hundred(100, 130), "confirmed"],
    ["equal, at its high end", hundred(90, 100), "confirmed"],
    ["equal, exactly", hundred(100, 100), "confirmed"],
    ["equal, just outside", hundred(100.001, 130), "refuted"],
    ["equal, within its tolerance", hundred(103, 130, { tolerance: 0.03 }), "confirmed"],
    ["equal, within its tolerance from below", hundred(50, 97, { tolerance: 0.03 }), "confirmed"],
    ["equal, beyond its tolerance", hundred(103.1, 130, { tolerance: 0.03 }), "refuted"],
    [
      "equal to less than 0, within its tolerance",
      { ...hundred(-98, -97, { tolerance: 0.03 }), predicted: -100 },
      "confirmed",
    ],
    ["above, with all of the interval", hundred(100.001, 130, above), "confirmed"],
    ["above, with none of it", hundred(50, 99.999, above), "refuted"],
    ["above, with a part of it", hundred(99, 130, above), "open"],
    ["above, with its end there", hundred(100, 130, above), "open"],
    ["above, exactly there", hundred(100, 100, above), "refuted"],
    ["below, with all of the interval", hundred(50, 99.999, below), "confirmed"],
    ["below, with none of it", hundred(100.001, 130, below), "refuted"],
    ["below, with a part of it", hundred(50, 101, below), "open"],
    ["below, exactly there", hundred(100, 100, below), "refuted"],
  ])("on what is %s", (_, check, expected) => {
    expect(verdict([check])).toBe(expected);
  });

  test.each<[string, Partial<Check>]>([
    ["an interval without ends", { measured: measured(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 100) }],
    ["an interval with one end", { measured: measured(120, Number.POSITIVE_INFINITY, 130) }],
    ["no samples", { measured: measured(Number.NaN, Number.NaN) }],
    ["no value", { measured: measured(0, 1, Number.NaN) }],
    ["a prediction that is no number", { predicted: Number.NaN }],
    ["a prediction without bound", { predicted: Number.POSITIVE_INFINITY }],
  ])("is open for %s, whatever is claimed", (_, blank) => {
    for (const relation of ["equal", "above", "below"] as const) {
      expect(verdict([{ ...right, relation, ...blank }])).toBe("open");
      expect(verdict([right, { ...right, relation, ...blank }])).toBe("open");
    }
  });

  test("depends on the numbers alone", () => {
    const checks = [right, wrong].map((check) => Object.freeze({ ...check, measured: Object.freeze(check.measured) }));
    const renamed = checks.map((check) => ({ ...check, where: "elsewhere", unit: "ms" }));
    expect([verdict(checks), verdict(checks), verdict(renamed)]).toEqual(["limited", "limited", "limited"]);
  });
});
