// The draws of actors: what they depend on, their range, that they look uniform, and their pinned values: a change of
// the generator changes every simulation, and must be noticed.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyed, stream } from "../../../src/runtime/kernel/random.ts";

function first(count: number, seed: number, name: string): number[] {
  const next = stream(seed, name);
  return Array.from({ length: count }, () => next());
}

/** Of `draws` in `cells` equal cells of [0, 1), against the uniform distribution. */
function chiSquare(draws: readonly number[], cells: number): number {
  const counts = new Array<number>(cells).fill(0);
  for (const draw of draws) counts[Math.floor(draw * cells)]!++;
  const expected = draws.length / cells;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** The 99.9 % point of chi square with 99 degrees of freedom. */
const limit = 148.23;

describe("a stream", () => {
  test("has pinned values", () => {
    expect(first(3, 1, "/a#1")).toEqual([0.30168635960779044, 0.5603348971063187, 0.09674168425864937]);
    expect(first(2, -5, "x")).toEqual([0.4828002479179452, 0.06818692912947522]);
  });

  test("is the same for the same seed and name, and another for any other", async () => {
    const origin = fc.tuple(fc.maxSafeInteger(), fc.string({ maxLength: 12 }));
    await fc.assert(
      fc.property(origin, origin, ([seedA, nameA], [seedB, nameB]) => {
        const same = seedA === seedB && nameA === nameB;
        expect(first(4, seedA, nameA)).toEqual(first(4, seedA, nameA));
        if (!same) expect(first(4, seedA, nameA)).not.toEqual(first(4, seedB, nameB));
      }),
      {
        seed: 8,
        numRuns: 500,
        examples: [
          [
            [1, "a"],
            [1, "b"],
          ],
          [
            [1, "a"],
            [2, "a"],
          ],
          [
            [1, "a#1"],
            [1, "a#2"],
          ],
        ],
      },
    );
  });

  test("tells seeds apart that differ in a high bit only", () => {
    expect(first(2, 1, "a")).not.toEqual(first(2, 1 + 2 ** 32, "a"));
    expect(first(2, 0, "a")).not.toEqual(first(2, -1, "a"));
  });

  test("stays in [0, 1) and looks uniform, under any seed", () => {
    for (const seed of [0, 1, 42, Number.MAX_SAFE_INTEGER]) {
      const draws = first(20_000, seed, "/shop/payments#1");
      for (const draw of draws) expect(draw >= 0 && draw < 1).toBe(true);
      expect(chiSquare(draws, 100)).toBeLessThan(limit);
    }
  });

  test("has no two streams of neighbouring names that agree", () => {
    const starts = Array.from({ length: 20_000 }, (_, i) => first(1, 1, `/worker-${i}#1`)[0] as number);
    expect(new Set(starts).size).toBe(starts.length);
    expect(chiSquare(starts, 100)).toBeLessThan(limit);
    const pairs = starts.slice(1).map((draw, i) => (draw + (starts[i] as number)) % 1);
    expect(chiSquare(pairs, 100)).toBeLessThan(limit);
  });

  test("fails this test of uniformity when it is not uniform", () => {
    expect(
      chiSquare(
        first(20_000, 1, "a").map((draw) => draw * draw),
        100,
      ),
    ).toBeGreaterThan(limit);
  });
});

describe("a keyed draw", () => {
  test("has pinned values", () => {
    expect(keyed(1, "/a", "k")).toBe(0.7923653614021587);
    expect(keyed(1, "/a", 7)).toBe(0.09434581280729493);
    expect(keyed(Number.MAX_SAFE_INTEGER, "/a", "")).toBe(0.051507012194989654);
  });

  test("depends on seed, path and key, and tells a number from its text", () => {
    const one = keyed(1, "/a", "1");
    expect(keyed(1, "/a", "1")).toBe(one);
    for (const other of [keyed(2, "/a", "1"), keyed(1, "/b", "1"), keyed(1, "/a", "2"), keyed(1, "/a", 1)])
      expect(other).not.toBe(one);
  });

  test("stays in [0, 1) and looks uniform over neighbouring keys", () => {
    for (const key of [(i: number) => i, (i: number) => `order-${i}`]) {
      const draws = Array.from({ length: 20_000 }, (_, i) => keyed(1, "/shop", key(i)));
      for (const draw of draws) expect(draw >= 0 && draw < 1).toBe(true);
      expect(chiSquare(draws, 100)).toBeLessThan(limit);
    }
  });
});
