// Against values computed with 40 digits from the integrals (mpmath 1.3), which agree with the printed tables.

import { describe, expect, test } from "vitest";
import { chanceOfAtMost, hitsQuantile, normalQuantile, studentQuantile } from "../../src/lab/distribution.ts";

function isNear(found: number, expected: number): void {
  expect(Math.abs(found / expected - 1)).toBeLessThan(1e-9);
}

describe("normalQuantile", () => {
  test.each([
    [0.025, -1.9599639845401],
    [0.75, 0.67448975019608],
    [0.95, 1.6448536269515],
    [0.975, 1.9599639845401],
    [0.995, 2.5758293035489],
    [0.9995, 3.2905267314919],
    [0.9999995, 4.8916384756986],
  ])("of %d is %d", (p, expected) => {
    isNear(normalQuantile(p), expected);
  });

  test("of a half is 0", () => {
    expect(normalQuantile(0.5)).toBe(0);
  });
});

describe("studentQuantile", () => {
  const shares = [0.95, 0.975, 0.995, 0.9995];
  test.each([
    [1, [6.313751514675, 12.70620473617, 63.65674116287, 636.6192487687]],
    [2, [2.919985580354, 4.302652729749, 9.924843200918, 31.59905457644]],
    [4, [2.131846786327, 2.776445105198, 4.60409487135, 8.610301581379]],
    [9, [1.833112932656, 2.262157162798, 3.249835541592, 4.780912585931]],
    [10, [1.812461122812, 2.228138851986, 3.169272672617, 4.586893858703]],
    [19, [1.729132811521, 2.093024054408, 2.860934606465, 3.883405852592]],
    [63, [1.669402221707, 1.998340542521, 2.6561450251, 3.451768944961]],
    [126, [1.657036981991, 1.978970601991, 2.615412127079, 3.36941978389]],
    [1000, [1.646378817285, 1.962339080826, 2.580754698066, 3.300282648424]],
  ])("with %i degrees of freedom is that of the tables", (degrees, expected) => {
    for (const [index, p] of shares.entries()) isNear(studentQuantile(p, degrees), expected[index]!);
    expect(studentQuantile(0.025, degrees)).toBeCloseTo(-studentQuantile(0.975, degrees), 12);
  });

  test("comes to the normal one with many degrees of freedom", () => {
    expect(Math.abs(studentQuantile(0.975, 1e6) - normalQuantile(0.975))).toBeLessThan(3e-6);
  });
});

describe("chanceOfAtMost", () => {
  test.each([
    [2, 10, 0.3, 0.3827827863999998],
    [4, 9, 0.5, 0.5],
    [189, 20_000, 0.01, 0.22931923541754],
    [19_827, 20_000, 0.99, 0.97667848483628],
  ])("%i hits of %i with chance %d is %d", (hits, count, p, expected) => {
    isNear(chanceOfAtMost(hits, count, p), expected);
  });

  test("is the sum of the chances of each number of hits", () => {
    for (const p of [0.01, 0.3, 0.5, 0.99]) {
      let chance = (1 - p) ** 12;
      let sum = 0;
      for (let hits = 0; hits <= 12; hits++) {
        sum += chance;
        expect(Math.abs(chanceOfAtMost(hits, 12, p) - sum)).toBeLessThan(1e-12);
        chance *= ((12 - hits) / (hits + 1)) * (p / (1 - p));
      }
    }
  });
});

describe("hitsQuantile", () => {
  test("is the least number of hits with at least the chance", () => {
    for (const share of [0.0005, 0.025, 0.5, 0.975, 0.9995]) {
      const hits = hitsQuantile(share, 1000, 0.01);
      expect(chanceOfAtMost(hits, 1000, 0.01)).toBeGreaterThanOrEqual(share);
      expect(chanceOfAtMost(hits - 1, 1000, 0.01)).toBeLessThan(share);
    }
  });
});
