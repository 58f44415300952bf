import { createSystem, type Duration, InvalidOption, type Self } from "antiphon";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { milliseconds, span } from "../../../src/runtime/kernel/duration.ts";

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

describe("a duration", () => {
  test.each<[Duration, number]>([
    [0, 0],
    [2.5, 2.5],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ["0ms", 0],
    ["250ms", 250],
    ["1.5s", 1_500],
    ["90s", 90_000],
    ["1.5m", 90_000],
    ["2h", 7_200_000],
  ])("%s is %s ms", (value, ms) => {
    expect(milliseconds("within", value)).toBe(ms);
    // Once more: texts are remembered.
    expect(milliseconds("within", value)).toBe(ms);
  });

  test("is its number times its unit", async () => {
    const unit = fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[]));
    await fc.assert(
      fc.property(fc.nat(1_000_000), unit, (count, unit) => {
        expect(milliseconds("within", `${count}${unit}`)).toBe(count * units[unit]);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  const bad = [-1, Number.NaN, Number.NEGATIVE_INFINITY, "", "5", "ms", "5 ms", " 5ms", "+5ms", "-5ms", "1e3s", ".5s"];
  test.each([...bad, "5.s", "5d", "5MS", "5ms\n", "Infinity", "٣s", null, undefined, true, {}, [5], 5n])(
    "is not %s",
    (value) => {
      const run = () => milliseconds("mailbox.x", value as Duration);
      expect(run).toThrow(InvalidOption);
      expect(run).toThrow(/^mailbox\.x: found .*, allowed is a number of milliseconds of at least 0/);
    },
  );

  test("that was refused once is refused again", () => {
    for (let i = 0; i < 2; i++) expect(() => milliseconds("x", "5 s" as Duration)).toThrow(InvalidOption);
  });
});

describe("a span for people", () => {
  test.each([
    [0, "0 ms"],
    [0.123, "0.12 ms"],
    [999, "999 ms"],
    [1_000, "1 s"],
    [1_234, "1.23 s"],
    [60_000, "1 m"],
    [5_430_000, "90.5 m"],
  ])("of %s ms is %s", (ms, text) => {
    expect(span(ms)).toBe(text);
  });
});

describe("a time that has passed", () => {
  test("is slept for at once, and a timer set for it is due at once; an option still refuses it", async () => {
    const system = createSystem({ report: false });
    const actor = (self: Self) => ({
      nap: () => self.sleep(-1),
      ring: () => new Promise<void>((resolve) => self.after(-0.5, resolve)),
    });
    const ref = system.spawn(actor, { concurrency: 2 });
    await system.ask(ref).nap();
    await system.ask(ref).ring();
    expect(() => system.ask(ref, { within: -1 })).not.toThrow();
    expect(() => system.ask(ref, { within: -1 }).nap()).toThrow(InvalidOption);
  });
});
