import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fieldsOf, timestampOf } from "../../src/lab/csv.ts";

describe("fieldsOf", () => {
  test("gives back what was quoted", () => {
    const fields = fc.array(fc.string({ unit: fc.constantFrom("a", " ", ",", '"', "é") }), { minLength: 1 });
    fc.assert(
      fc.property(fields, (list) => {
        expect(fieldsOf(list.map((field) => `"${field.replaceAll('"', '""')}"`).join(","))).toEqual(list);
      }),
      { seed: 1 },
    );
  });

  test.each([
    ["a,b", ["a", "b"]],
    ["", [""]],
    ["a,,", ["a", "", ""]],
    ['a"b,c', ['a"b', "c"]],
    [' "a, b" ,c', ["a, b", "c"]],
    ['"a', undefined],
    ['"a"b,c', undefined],
  ])("of %j are %j", (line, fields) => {
    expect(fieldsOf(line)).toEqual(fields);
  });
});

describe("timestampOf", () => {
  const day = Date.UTC(2014, 3, 10);
  test.each([
    ["2014-04-10", day],
    ["2014-04-10 00:04", day + 240_000],
    ["2014-04-10 00:04:30", day + 270_000],
    ["2014-04-10T00:04:30.5Z", day + 270_500],
    ["2014-04-10t00:04:30,123456789z", day + 270_123],
    ["2014-04-10T02:00:00+02:00", day],
    ["2014-04-09 20:30:00-0330", day],
    ["2012-02-29", Date.UTC(2012, 1, 29)],
  ])("of %j is %d", (text, timeMs) => {
    expect(timestampOf(text)).toBe(timeMs);
  });

  test.each([
    "2013-02-29",
    "2014-04-31",
    "2014-13-01",
    "2014-04-00",
    "0014-04-10",
    "2014-04-10 24:00",
    "2014-04-10 00:60",
    "2014-04-10 00:00:60",
    "2014-04-10 00:00+24:00",
    "2014-4-10",
    "10.04.2014",
    "1397088240",
    "2014-04-10 00:04 PM",
    "",
  ])("of %j is nothing", (text) => {
    expect(timestampOf(text)).toBeUndefined();
  });

  test("is the same in every time zone of the machine", () => {
    const zone = process.env["TZ"];
    try {
      const read = ["UTC", "America/St_Johns", "Asia/Kathmandu"].map((name) => {
        process.env["TZ"] = name;
        return timestampOf("2014-04-10 00:04:00");
      });
      expect(read).toEqual([day + 240_000, day + 240_000, day + 240_000]);
    } finally {
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
  });
});
