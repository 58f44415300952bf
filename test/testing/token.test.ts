import { InvalidOption } from "antiphon";
import { crash, down, drop, partition } from "antiphon/sim";
import { fromToken, type Plan, type Played, tokenOf } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { windowOf } from "../../src/runtime/sim/fault.ts";

// Slow machines draw slowly.
vi.setConfig({ testTimeout: 30_000 });

const plan: Plan = { seed: 1, time: "windows", faults: [], pairs: [] };
const full: Plan = {
  seed: 7,
  time: "async",
  faults: [
    crash("/till", { at: "30s" }),
    drop("/ann>/till", { nth: 2, type: "pay" }),
    partition(["/a"], ["/b", "/c"], { from: 5, to: "1m" }),
  ],
  pairs: [
    { event: "/ann>/till:pay#1", after: "/bob>/till:pay#2" },
    { event: "/ann>/till:pay#2", after: "/ann>/till:pay#1", beside: true },
  ],
  times: 12,
};

class Money {
  readonly amount = 5;
}

function tokenFor(played: unknown): string {
  return `antiphon1:${Buffer.from(JSON.stringify(played)).toString("base64url")}`;
}

function refusal(token: string): InvalidOption {
  try {
    fromToken(token);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOption);
    return error as InvalidOption;
  }
  throw new Error("it was taken");
}

describe("a token", () => {
  test("is text of one word, which gives the inputs and the plan again", () => {
    const played = { inputs: { items: ["mug", "pan"], at: { most: 3, note: null } }, plan: full };
    const token = tokenOf(played)!;
    expect(token).toMatch(/^antiphon1:[\w-]+$/);
    expect(fromToken(token)).toEqual(played);
  });

  test("gives any plain data again, whatever texts and numbers are in it", () => {
    const plain = fc.jsonValue({ noUnicodeString: false });
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), plain, { noNullPrototype: true }), (inputs) => {
        const token = tokenOf({ inputs, plan });
        // Half of a character and -0 have no text that gives them again.
        fc.pre(token !== undefined);
        expect(fromToken(token)).toEqual({ inputs, plan });
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("takes what is undefined in a plan for what is not there", () => {
    const bare = { ...plan, times: undefined };
    const read = fromToken(tokenOf({ inputs: {}, plan: bare })!);
    expect(read).toEqual({ inputs: {}, plan });
    expect(read.plan).not.toHaveProperty("times");
  });

  test.each<[string, unknown]>([
    ["a function", { act: () => {} }],
    ["an object of a class", { price: new Money() }],
    ["NaN", { price: Number.NaN }],
    ["Infinity", { price: Number.POSITIVE_INFINITY }],
    ["undefined", { price: undefined }],
    ["undefined in a list", { prices: [1, undefined] }],
    ["-0", { price: -0 }],
    ["a Map", { prices: new Map([["mug", 5]]) }],
    ["a Set", { items: new Set(["mug"]) }],
    ["a Date", { at: new Date(0) }],
    ["a bigint", { price: 5n }],
    ["a symbol", { mark: Symbol("mark") }],
    ["undefined inputs", undefined],
  ])("can not be made of %s", (_, inputs) => {
    expect(tokenOf({ inputs, plan })).toBeUndefined();
  });

  test("can not be made of a circle", () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(tokenOf({ inputs: circle, plan })).toBeUndefined();
  });

  test("has a fault that lasts for ever as one without an end", () => {
    const to = Number.POSITIVE_INFINITY;
    const faults = [down("/till", { from: 5, to }), drop("/ann>/till", { to })];
    const read = fromToken(tokenOf({ inputs: {}, plan: { ...plan, faults } })!);
    expect(read.plan.faults).toEqual([
      { kind: "down", target: "/till", from: 5 },
      { kind: "drop", link: "/ann>/till" },
    ]);
    expect(read.plan.faults.map((fault) => windowOf(fault as never).toMs)).toEqual([to, to]);
  });
});

describe("fromToken", () => {
  const token = tokenOf({ inputs: { items: [1, 2, 3] }, plan: full })!;

  test("refuses what is no token, and shows the beginning of it", () => {
    for (const other of ["", "antiphon2:e30", "sim1:e30", `x${token}`, token.slice(9)]) {
      const { option, message } = refusal(other);
      expect(option).toBe("token");
      expect(message).toContain(`found ${JSON.stringify(other).slice(0, 40).replace(/"$/, "")}`);
      expect(message).toContain("antiphon1: and what a failure printed behind it");
      expect(message.length).toBeLessThan(200);
    }
    for (const other of [undefined, null, 5, {}]) expect(refusal(other as never).option).toBe("token");
  });

  test("refuses what is cut off, wherever that is", () => {
    for (let length = "antiphon1:".length; length < token.length - 1; length++)
      expect(refusal(token.slice(0, length))).toMatchObject({ option: "token" });
    expect(refusal(token.slice(0, -4)).message).toContain("behind it, whole");
  });

  test("refuses what is no base64, or not of JSON", () => {
    for (const other of ["!!!", "%7B%7D", "bm90IGpzb24", "-", "{}"])
      expect(refusal(`antiphon1:${other}`)).toMatchObject({ option: "token" });
  });

  test.each<[string, unknown]>([
    ["token", null],
    ["token", 5],
    ["token", "text"],
    ["token", []],
    ["token", {}],
    ["token", { plan }],
    ["plan", { inputs: null }],
    ["plan", { inputs: {} }],
    ["plan", { inputs: {}, plan: null }],
    ["plan", { inputs: {}, plan: "windows" }],
    ["plan.seed", { inputs: {}, plan: { ...plan, seed: "1" } }],
    ["plan.seed", { inputs: {}, plan: { ...plan, seed: 1.5 } }],
    ["plan.seed", { inputs: {}, plan: { time: "windows" } }],
    ["plan.times", { inputs: {}, plan: { ...plan, times: "1" } }],
    ["plan.times", { inputs: {}, plan: { ...plan, times: null } }],
    ["plan.time", { inputs: {}, plan: { ...plan, time: "real" } }],
    ["plan.faults", { inputs: {}, plan: { ...plan, faults: {} } }],
    ["plan.pairs", { inputs: {}, plan: { ...plan, pairs: "none" } }],
    ["plan.pairs", { inputs: {}, plan: { ...plan, pairs: [{ event: "a", after: "b", beside: false }] } }],
    ["plan.pairs", { inputs: {}, plan: { ...plan, pairs: [null] } }],
    ["plan.pairs", { inputs: {}, plan: { ...plan, pairs: [{ event: "/a>/b:c#1" }] } }],
    ["kind", { inputs: {}, plan: { ...plan, faults: [null] } }],
    ["kind", { inputs: {}, plan: { ...plan, faults: [{ kind: "rain" }] } }],
    ["crash.at", { inputs: {}, plan: { ...plan, faults: [{ kind: "crash", target: "/a" }] } }],
    ["drop.sometimes", { inputs: {}, plan: { ...plan, faults: [{ kind: "drop", link: "/a>/b", sometimes: 1 }] } }],
    ["pause.to", { inputs: {}, plan: { ...plan, faults: [{ kind: "pause", target: "/a", from: 5, to: 3 }] } }],
  ])("names what is wrong, %s, in %j", (option, played) => {
    expect(refusal(tokenFor(played))).toMatchObject({ option });
  });

  test("fails with nothing but InvalidOption, and else gives what can be played, for any text", () => {
    const check = (token: string) => {
      let read: Played<unknown>;
      try {
        read = fromToken(token);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidOption);
        return;
      }
      expect(fromToken(tokenOf(read)!)).toEqual(read);
    };
    const part = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(...Object.values(full), ...full.faults, ...full.pairs, "windows", "/a>/b", "crash"),
    );
    const keys = fc.constantFrom(...Object.keys(full), "kind", "target", "link", "at", "from", "to", "event", "after");
    const object = fc.dictionary(keys, part, { noNullPrototype: true });
    const near = fc.record({
      inputs: fc.jsonValue(),
      plan: fc.oneof(
        part,
        object,
        fc.record({ seed: fc.nat(), time: fc.constant("des"), faults: fc.array(object), pairs: fc.array(object) }),
      ),
    });
    const flipped = fc
      .tuple(fc.nat(token.length - 1), fc.string({ minLength: 0, maxLength: 2 }))
      .map(([at, text]) => token.slice(0, at) + text + token.slice(at + 1));
    const texts = fc.oneof(
      fc.string(),
      fc.string().map((text) => `antiphon1:${text}`),
      fc.jsonValue().map(tokenFor),
      near.map(tokenFor),
      flipped,
    );
    fc.assert(fc.property(texts, check), { seed: 1, numRuns: 3_000 });
  });
});
