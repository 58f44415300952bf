import { InvalidOption } from "antiphon";
import { positiveFlag, wholeFlag } from "antiphon/lab";
import { describe, expect, test } from "vitest";
import { flagsHelp, readFlags } from "../../src/lab/flags.ts";

const known = {
  speed: { takes: "N", says: "how fast" },
  design: { takes: "D1,D3", says: "which" },
  json: { says: "for programs" },
  help: { short: "h", says: "this text" },
} as const;

describe("readFlags", () => {
  test("reads values, switches and short names; the last one counts", () => {
    expect(readFlags(known, ["--speed", "1", "--json", "-h", "--speed=2", "--design", "D1"])).toEqual({
      speed: "2",
      json: true,
      help: true,
      design: "D1",
    });
  });

  test.each([
    [["--sped", "3"], 'found "--sped", allowed is --speed N if that was meant'],
    [["speed", "3"], 'found "speed", allowed is --speed N if that was meant'],
    [["--constructor"], "allowed is --speed, --design, --json, --help"],
    [["--verbose"], "allowed is --speed, --design, --json, --help"],
    [["D1"], 'found "D1"'],
    [["--speed"], '--speed: found "no value", allowed is --speed N: how fast'],
    [["--speed="], '--speed: found "no value"'],
    [["--speed", "--json"], '--speed: found "no value"'],
    [["--json=yes"], '--json: found "yes", allowed is no value, just --json'],
  ])("says what to type instead of %j", (given, message) => {
    expect(() => readFlags(known, given)).toThrow(InvalidOption);
    expect(() => readFlags(known, given)).toThrow(message);
  });

  test("explains every flag on a line of its own", () => {
    expect(flagsHelp(known)).toBe(
      [
        "  --speed N       how fast",
        "  --design D1,D3  which",
        "  --json          for programs",
        "  --help          this text",
      ].join("\n"),
    );
  });
});

describe("numbers of flags", () => {
  test("are read as they are written", () => {
    expect([
      positiveFlag("speed", "2.5", "2"),
      positiveFlag("speed", "1e3", "2"),
      wholeFlag("seed", "0", "7", 0),
    ]).toEqual([2.5, 1000, 0]);
  });

  test.each(["0", "-1", "fast", "", "0x10", "Infinity", "NaN", "1e999"])("above 0 are not %j", (text) => {
    expect(() => positiveFlag("speed", text, "2")).toThrow("allowed is a number above 0, for example --speed 2");
  });

  test("are not above their limit", () => {
    expect(positiveFlag("speed", "1000", "2", 1000)).toBe(1000);
    expect(() => positiveFlag("speed", "1001", "2", 1000)).toThrow("a number above 0 and at most 1000, for example");
  });

  test.each(["0", "1.5", "many", "9007199254740993"])("that are whole and at least 1 are not %j", (text) => {
    expect(() => wholeFlag("orders", text, "400")).toThrow(
      "allowed is a whole number of at least 1, for example --orders 400",
    );
  });
});
