// W1: which functions give the same bits on every supported Node. The standard leaves the last bits of most of them to
// the engine, so that only a comparison tells which ones seeded computations may use. The digests are of Node 20.20,
// 22.23, 24.21 and 26.10 on Linux, x64; the first table also of 20.20 and 24.21 on arm64. Where a digest differs, the
// program in fixtures/mathematics.ts prints the results one by one, on this side and on the other.

import { describe, expect, test } from "vitest";
import {
  byProcessor,
  byVersion,
  digest,
  everywhere,
  firstDifference,
  type Mathematics,
} from "../../fixtures/mathematics.ts";

const known: Record<string, string> = {
  "x % y": "097b82c5 caf2b4a9 912c32cc d1bc46ff 051afc89",
  "x ** 2": "9d7718b4 94d5649e dd3c3f1a 17b6efc0 bb200469",
  "x ** 0.5": "cc7eff5d e64629f3 9d0f08d8 1660308f b9c709e7",
  "Math.sqrt(x)": "cc7eff5d e64629f3 9d0f08d8 1660308f b9c709e7",
  "Math.hypot(x, y)": "849c3b7f d227db45 a0df3662 5efd1832 95e1e67b",
  "Math.hypot(x, y, 1)": "9df03970 372919bc f4e290a0 f598dc3a 46d87c96",
  "Math.round(x)": "d946c599 1266e8eb b4a54cd5 e50a38ff 379df0d2",
  "Math.fround(x)": "32522b36 78044ca4 54c0a1aa c4cab4a0 b15bcb15",
  "Math.imul(x, y)": "6b8ae6e3 05b5ec47 e5a25c27 66b66721 85dbc4f2",
  "String(x)": "54dcbd27 ee39919b 7104eeff c31478f4 6ad27591",
  "x.toFixed(3)": "4fc17cbf 3750255b ffaebcc5 db31e96c 02dfe1c4",
  "Number(x.toPrecision(12))": "a8093e7d 9a17dcd7 b3df5f86 9ec9f873 e097a824",
};

const knownOnX64: Record<string, string> = {
  "Math.cbrt(x)": "284a8b50 2d561062 c9252344 53315d00 84bf38e7",
  "Math.exp(x)": "a79b5c74 1ef69bea fcea113f 525d029d ceaf3e5e",
  "Math.expm1(x)": "50375740 afc3e039 dbea7a02 4dbf3485 4576566a",
  "Math.log(x)": "8b8eea19 e6e43a94 912edce0 9b48f101 ac74dff1",
  "Math.log1p(x)": "201c3202 033acd77 5b6f341b 0e4ee0b3 aea6340e",
  "Math.log2(x)": "e8b17079 e2b8e4ba 376ebff8 78d3b6e6 0d027bcf",
  "Math.log10(x)": "3357c3a6 51e57956 129ecef7 1b354b72 7a794ef0",
  "Math.sin(x)": "8714b2ba eb213829 54d37057 938af559 19718122",
  "Math.cos(x)": "14f4ca90 b8754440 fc3038aa a40708d5 28236f5d",
  "Math.tan(x)": "5b8211f7 2a4596c6 9e86b214 17ad27f3 49bd64b1",
  "Math.asin(x)": "90204b23 32fb4359 845d03c8 125eb680 6849e348",
  "Math.acos(x)": "6d380713 eba1e4eb 5b561c1f 19452f7f 1a373d5d",
  "Math.atan(x)": "4cdd730a 97b4e554 76103217 1266cea4 5c94e67f",
  "Math.atan2(x, y)": "cb5569b0 e38d761b 8d4dcfcf 819442f6 e13acd66",
  "Math.sinh(x)": "169c4fec 6dfbbdfc 3b43835e 49fd3136 36d113f7",
  "Math.cosh(x)": "a840c114 63b0594f 42ea583f f3dcc7e8 20d4ddfd",
  "Math.tanh(x)": "cf269fea b4a50249 429bb0ef f2035854 61f62a6e",
  "Math.asinh(x)": "ddc235b5 df0ad541 56218b4f ddeae0b2 9c7d9277",
  "Math.acosh(x)": "17e7ce95 6c7fc281 55c1e6be 8684e10e 5fed7406",
  "Math.atanh(x)": "d939a798 b016724e 3cc48c99 9d67ec85 df10ea85",
};

/** Of Node 20 and 22, and of Node 24 and 26. */
const knownByVersion: Record<string, readonly [string, string]> = {
  "x ** 3": ["b1731854 a0416f26 3e944913 c662a14e 8899f450", "9415a4b1 795f1486 df72c248 c2b4e202 c95c88a5"],
  "x ** -1": ["b4d71c08 89fd7ea3 b7413ebf 585f624f e8eff876", "b4d71c08 89fd7ea3 f9c2364f 6227c560 c4e0354b"],
  "10 ** k": ["ffb20ed1 c5fe6ffb 063ca122 a75c8e9b f632b3f4", "53fa09c8 3cc90131 518594d3 7d39dbf4 b435d533"],
  "2 ** x": ["1190f8d0 bf831a75 22e21422 b3254741 1a0ff537", "eb6ec57a 32fa97e0 d1cd3b47 5db063fe 8542e589"],
  "Math.pow(x, y)": ["c6234b78 65db9ccc 0660edfe 67a680d6 890fe997", "eb146ca0 9e4b511e 5f3af2cc b02aa590 52fe563f"],
};

/** Where the results differ from what is known, and, when the function has been compiled, from what it gave before. */
function differences(mathematics: Mathematics, known: string): [known: string, before: string] {
  const interpreted = digest(mathematics);
  const compiled = digest(mathematics, 4_096);
  return [firstDifference(interpreted, known), firstDifference(compiled, interpreted)];
}

const onX64 = process.arch === "x64";

describe("a seeded computation", () => {
  test.each(Object.entries(everywhere))("[W1 sim] gets the same bits of %s on every Node", (name, mathematics) => {
    expect(differences(mathematics, known[name]!)).toEqual(["nowhere", "nowhere"]);
  });

  test.runIf(onX64).each(Object.entries(byProcessor))(
    "[W1 sim] gets the same bits of %s on every Node of one kind of processor",
    (name, mathematics) => {
      expect(differences(mathematics, knownOnX64[name]!)).toEqual(["nowhere", "nowhere"]);
    },
  );

  test.runIf(onX64).each(Object.entries(byVersion))(
    "[W1 sim] may not use %s, which has other bits since Node 24",
    (name, mathematics) => {
      const [before, since] = knownByVersion[name]!;
      expect(firstDifference(before, since)).not.toBe("nowhere");
      expect([before, since]).toContain(digest(mathematics));
    },
  );
});

describe("this comparison", () => {
  test("says where a single result differs", () => {
    let calls = 0;
    const planted = { of: (x: number) => (++calls === 1_001 ? 0.5 : Math.round(x)) };
    expect(firstDifference(digest(planted), known["Math.round(x)"]!)).toBe("among the results 512 to 4095");
  });
});
