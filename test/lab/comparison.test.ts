// Tables are compared letter by letter: of constant times, they are the same on every machine.

import { available, type Claim, type Comparison, closed, compare, down, type Interval, width } from "antiphon/lab";
import { describe, expect, test } from "vitest";
import { designs, orders, shopping } from "./shop.ts";

/** Nobody can reach the shop. */
const closedShop = { faults: [down("shop", { to: "1h" })] };

function numbersOf(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}

const mean =
  (name: string, run = "base"): ((results: Comparison["results"]) => Interval) =>
  (results) =>
    results[run]?.[name]?.edge.mean as Interval;
const claims: Claim[] = [
  {
    id: "sum",
    claim: "Who asks in series waits for the sum",
    source: "arithmetic",
    checks: (results) => [{ where: "wait", predicted: 260, measured: mean("wait")(results), unit: "ms" }],
  },
  {
    id: "fast",
    claim: "Accepting at once takes no time",
    source: "folklore",
    checks: (results) => [{ where: "accept", predicted: 0, measured: mean("accept")(results), unit: "ms" }],
    says: "The shop itself takes 20 ms.",
  },
  {
    id: "free",
    claim: "An e-mail that is told costs nothing",
    source: "folklore",
    checks: (results) => [
      { where: "go, no fault", predicted: 61, relation: "below", measured: mean("go")(results), unit: "ms" },
      {
        where: "go, a slow stock",
        predicted: 61,
        relation: "below",
        measured: mean("go", "slow")(results),
        unit: "ms",
      },
    ],
  },
  {
    id: "unknown",
    claim: "Fridays are slower",
    source: "hearsay",
    checks: () => [],
  },
];
const slow = { slow: { faults: [{ kind: "slow", target: "/stock", times: 2 } as const] } };
const claimed = () => compare(shopping({ claims, variants: slow }));

describe("the table of a comparison", () => {
  test("has measures as rows and designs as columns", async () => {
    const found = await compare(shopping({ load: orders(200) }, { soldOut: ["o3", "o5"] }));
    expect(found.table()).toBe(
      [
        "                                wait          go      accept",
        "answered ok                      198         198         200",
        "refused                            2           2           0",
        "success, %                96.2–100.0  96.2–100.0  96.3–100.0",
        "until answered, mean, ms     260 ± 0      60 ± 0      20 ± 0",
        "  p50, ms                    260 ± 0      60 ± 0      20 ± 0",
        "  p95, ms                    260 ± 0      60 ± 0      20 ± 0",
        "  p99, ms                       >260         >60         >20",
        "until all done, mean, ms     260 ± 0     260 ± 0     220 ± 0",
        "ok, then refused, %          0.0–3.8     0.0–3.8     0.0–5.9",
        "messages per request            2.99        2.99           3",
        "slots held, mean                4.92        2.96        2.58",
      ].join("\n"),
    );
  });

  test("of four designs is at most 80 columns wide", async () => {
    const found = await compare(
      shopping(
        {
          load: orders(400),
          designs: { ...designs, reverse: { stock: "tell", mail: "ask" } },
          faults: [available(0.97, { target: "mail" })],
          measures: { "told behind it, at most": () => 123_456 },
        },
        { slots: { mail: 3 } },
      ),
    );
    const lines = found.table().split("\n");
    expect(lines[0]).toMatch(/^ +wait +go +accept +reverse$/);
    expect(lines.at(-1)).toMatch(/^told behind it, at most( +123,456){4}$/);
    expect(Math.max(...lines.map(width))).toBeLessThanOrEqual(80);
  });

  test("leaves out what is the same nothing everywhere", async () => {
    const found = await compare(shopping({ ...closedShop, load: orders(30) }));
    expect(found.table()).toBe(
      [
        "                      wait    go  accept",
        "failed                  30    30      30",
        "success, %            0–22  0–22    0–22",
        "messages per request     1     1       1",
      ].join("\n"),
    );
  });
});

describe("the claims of a comparison", () => {
  test("are judged by what was measured: one that predicts wrong is refuted", async () => {
    const { judged } = await claimed();
    expect(judged.map(({ id, verdict }) => [id, verdict])).toEqual([
      ["sum", "confirmed"],
      ["fast", "refuted"],
      ["free", "limited"],
      ["unknown", "open"],
    ]);
  });

  test("are printed with what was predicted and measured", async () => {
    const found = await claimed();
    const lines = found.claims().split("\n");
    const next = (start: RegExp) => lines[lines.findIndex((line) => start.test(line)) + 1];
    expect(next(/^confirmed +Who asks in series waits for the sum \(arithmetic\)$/)).toMatch(
      /wait.*260 ms.*260 ± 0 ms/,
    );
    expect(next(/^refuted +Accepting at once takes no time \(folklore\)$/)).toMatch(/accept.* 0 ms.* 20 ± 0 ms/);
    expect(next(/^limited +An e-mail that is told/)).toMatch(/go, no fault.*below 61 ms.* 60 ± 0 ms/);
    expect(next(/^ +go, no fault/)).toMatch(/go, a slow stock.*below 61 ms.* 100 ± 0 ms/);
    expect(lines.map((line) => line.trim())).toContain("The shop itself takes 20 ms.");
    expect(lines.at(-1)).toMatch(/^open +Fridays are slower \(hearsay\)$/);
  });

  test("are none where none were made", async () => {
    expect((await compare(shopping())).claims()).toBe("");
  });
});

describe("the JSON of a comparison", () => {
  test("has what its readers are promised", async () => {
    const found = await claimed();
    const ms = { unit: "ms" };
    expect(found.json()).toMatchObject({
      seed: 1,
      level: 0.999,
      load: { kind: "open", requests: 40, lastsMs: 4000 },
      designs: [
        {
          name: "wait",
          requests: { sent: 40, ok: 40, refused: 0, failed: 0, open: 0, tags: {} },
          edge: { mean: 260, p50: 260, p95: 260, p99: 260, interval: [260, 260], ...ms },
          over1s: { measured: 0 },
          success: { measured: 1 },
          done: { mean: 260, interval: [260, 260], ...ms },
          regret: { measured: 0 },
          messages: 3,
          services: [{ path: "/shop", handled: 40, holdMs: 260 }, { path: "/stock" }, { path: "/mail" }],
        },
        { name: "go" },
        { name: "accept" },
      ],
      claims: [
        { id: "sum", source: "arithmetic", predicted: 260, measured: 260, interval: [260, 260], verdict: "confirmed" },
        {
          id: "fast",
          predicted: 0,
          measured: 20,
          verdict: "refuted",
          checks: [{ where: "accept", relation: "equal" }],
        },
        { id: "free", predicted: 61, measured: 60, verdict: "limited", checks: [{}, { measured: 100, ...ms }] },
        { id: "unknown", verdict: "open", checks: [] },
      ],
    });
  });

  test.each([
    ["of few requests, whose intervals have no ends", { load: orders(1) }],
    ["in which nothing was answered", closedShop],
    ["under a load that ends by requests", { load: closed({ users: 1, think: 10, requests: 3 }) }],
    ["under a load that ends by time", { load: closed({ users: 1, think: 10, seconds: 1 }) }],
    ["with a measure that gives no number", { measures: { odd: () => 0 / 0, endless: () => 1 / 0 } }],
  ])("survives a round trip, %s", async (_, more) => {
    const json = (await compare(shopping({ ...more, claims, variants: slow }))).json();
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(numbersOf(json).filter((number) => !Number.isFinite(number))).toEqual([]);
  });
});
