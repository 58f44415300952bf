import type { Self } from "antiphon";
import {
  clockOffset,
  crash,
  delay,
  down,
  drop,
  duplicate,
  errors,
  type Fault,
  partition,
  pause,
  powerFailure,
  reorder,
  restart,
  slow,
  unavailable,
} from "antiphon/sim";
import { type Call, coverageText, ExplorationFailed, type ExploreOptions, explore, type Plan } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { sentencesOf } from "../../src/testing/words.ts";
import { failure } from "./exploring.ts";

// Many runs each: slow where much else runs.
vi.setConfig({ testTimeout: 30_000 });

interface Told {
  readonly options?: ExploreOptions;
  readonly inputs?: object;
  /** Actors that have nothing to do with it. */
  readonly birds?: number;
}

/** Ann and Bob note themselves at a desk. `judge` sees in which order it took them. */
function desk(judge: (noted: string) => void, { options = {}, inputs = { mugs: 2 }, birds = 0 }: Told = {}) {
  return explore(
    { ...inputsOf(inputs) },
    async ({ system, runUntilIdle }) => {
      let noted = "";
      const desk = system.spawn(() => ({ note: (what: string) => void (noted += what) }), { name: "desk" });
      const clerk = (self: Self) => ({ go: (what: string) => self.tell(desk).note(what) });
      const bird = (self: Self<{ fly(left: number): void }>) => ({
        fly: (left: number) => left > 0 && self.tell(self.ref).fly(left - 1),
      });
      for (let i = 1; i <= birds; i++) system.tell(system.spawn(bird, { name: `bird-${i}` })).fly(5);
      for (const name of ["ann", "bob"]) system.tell(system.spawn(clerk, { name })).go(name[0]!);
      await runUntilIdle();
      judge(noted);
    },
    options,
  );
}

function inputsOf(inputs: object): { [name: string]: fc.Arbitrary<unknown> } {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, fc.constant(value)]));
}

const annFirst = (noted: string) => {
  if (noted.startsWith("b")) throw new Error(`ann is first: ${noted}`);
};
const never = () => {
  throw new Error("never");
};

/** The message, without what is tried, of which the numbers are those of the strategies. */
function told({ message }: Error): string[] {
  const lines = message.split("\n");
  return lines.slice(
    0,
    lines.findIndex((line) => line.startsWith("  tried")),
  );
}

const line = (start: string, { message }: Error) => message.split("\n").filter((line) => line.startsWith(start));

describe("the report of a failure", () => {
  test("is the property, how it was found, inputs, order, picture, what was tried, and how to play it again", async () => {
    const error = await failure(desk(annFirst, { options: { strategies: ["pos"] } }));
    expect(`${error.message}\n`).toBe(`ann is first: ba

  found in schedule 3 (pos); made smaller in 8 replays: 4 events
  inputs  mugs: 2
  order   /ann>/desk:note#1 only after /bob>/desk:note#1

          outside         ann bob             desk
    0 ms     ├─ go#1 'a' ─▶│   │               │
             ├─ go#1 'b' ──┼──▶│               │
             │             │   ├─ note#1 'b' ─▶│
  ▸          │             ├─ note#1 'a' ─────▶│    after /bob>/desk:note#1

  tried   3 schedules (base 1, pos 2)
  orders  2 different; the next schedule would show a new one with 33 %
  again   examples: [["${error.token}"]]
`);
    expect(error).toMatchObject({ name: "ExplorationFailed", _tag: "ExplorationFailed", code: "EXPLORATION_FAILED" });
  });

  test("is drawn for Mermaid too", async () => {
    expect((await failure(desk(annFirst))).mermaid()).toBe(`sequenceDiagram
  participant p1 as outside
  participant p2 as ann
  participant p3 as bob
  participant p4 as desk
  p1->>p2: go#35;1 'a'
  p1->>p3: go#35;1 'b'
  p3->>p4: note#35;1 'b'
  p2->>p4: ▸ note#35;1 'a'
  Note over p2,p4: after /bob>/desk:note#35;1`);
  });

  test("shows of a long run what led to the failure, and says how much else there was", async () => {
    const error = await failure(desk(annFirst, { birds: 8 }));
    const text = told(error).join("\n");
    expect(text).toContain("├─ note#1 'b' ─▶│");
    expect(text).toMatch(/▸ .*├─ note#1 'a' ─.*▶│ {4}after \/bob>\/desk:note#1/);
    expect(text).toContain("52 events");
    // The last event of all may be a bird's.
    expect(new Set(text.match(/bird-\d/g) ?? []).size).toBeLessThanOrEqual(1);
    const shown = text.split("\n").filter((line) => /#\d/.test(line) && line.includes("│")).length;
    expect(text).toContain(`and ${52 - shown} more events, which did not lead to this`);
    for (const line of error.message.split("\n"))
      if (!line.includes("antiphon1:")) expect(line.length).toBeLessThan(110);
    expect(error.mermaid().match(/->>/g)).toHaveLength(shown);
  });

  test("says faults as sentences, and draws those that strike at an instant where they do", async () => {
    const faults = [drop("/ann>/desk", { first: 1 }), crash("/bob", { at: "1s" })];
    const error = await failure(desk(() => never(), { options: { faults, replays: 0 }, inputs: {} }));
    expect(told(error).join("\n")).toBe(`never

  found in schedule 1 (base); 4 events
  inputs  none
  order   the first message on /ann>/desk is lost
          /bob is crashed at 1 s
          f:crash/bob#1 only after />/ann:go#1
          f:crash/bob#1 only after />/bob:go#1
          f:crash/bob#1 only after /bob>/desk:note#1

             outside         ann desk                   bob
       0 ms     ├─ go#1 'a' ─▶│   │                      │
                │             │   ✕ note from /ann lost  │
                ├─ go#1 'b' ──┼───┼─────────────────────▶│
                │             │   │◀──────── note#1 'b' ─┤
  × 1000 ms     │             │   │                      ✕ crash/bob#1    after />/ann:go#1 and
                │             │   │                      │                />/bob:go#1 and
                │             │   │                      │                /bob>/desk:note#1
`);
    const smaller = await failure(desk(() => never(), { options: { faults } }));
    expect(line("  found", smaller)).toEqual([
      expect.stringMatching(/replays: 2 faults to 0, \d pairs to 0, 4 events$/),
    ]);
  });

  test("names what is gone from an order that was given, as of a program that was changed", async () => {
    const { played } = await failure(desk(annFirst));
    const pairs = [...played.plan.pairs, { event: "/eve>/desk:note#1", after: "/tom>/desk:note#2" }];
    const property = desk(annFirst, { options: { replays: 0 } });
    const error = await failure(property, { examples: [[{ ...played, plan: { ...played.plan, pairs } }]], numRuns: 1 });
    expect(told(error).slice(2, 7)).toEqual([
      "  given; 4 events",
      "  inputs  mugs: 2",
      "  order   /ann>/desk:note#1 only after /bob>/desk:note#1",
      "          /eve>/desk:note#1 only after /tom>/desk:note#2",
      "  gone    /eve>/desk:note#1, /tom>/desk:note#2: no event has this name any more",
    ]);
    expect(error.gone()).toEqual(["/eve>/desk:note#1", "/tom>/desk:note#2"]);
    expect((await failure(desk(annFirst))).gone()).toEqual([]);
  });

  test("has a line for each operation, and for each other input", async () => {
    const calls: Call[] = [
      { client: "client-1", type: "add", payload: { sku: "mug" } },
      { client: "client-2", type: "clear" },
    ];
    const error = await failure(desk(() => never(), { inputs: { calls, most: 3, none: [] } }));
    expect(told(error).slice(3, 8)).toEqual([
      "  inputs  client-1 add { sku: 'mug' }",
      "          client-2 clear",
      "          most: 3",
      "          none: []",
      "  order   everything in the order in which it was posted",
    ]);
  });

  test("gives the value to play again where no token can be made of the inputs", async () => {
    const error = await failure(desk(annFirst, { inputs: { act: () => {} } }));
    expect(error.token).toBeUndefined();
    expect(line("  again", error)).toEqual([
      "  again   examples: [[error.played]], as the case can not be written as text",
    ]);
    const again = await failure(desk(annFirst), { examples: [[error.played]], numRuns: 1 });
    expect(again.played.plan).toEqual(error.played.plan);
  });

  test("shows what is thrown that is no error, and a run without events", async () => {
    const thrown = await failure(
      desk(() => {
        throw { sku: "mug" };
      }),
    );
    expect(thrown.message).toMatch(/^\{ sku: 'mug' \}\n/);
    expect(thrown.cause).toEqual({ sku: "mug" });
    const empty = await failure(explore({}, never, { replays: 0 }));
    expect(empty).toBeInstanceOf(ExplorationFailed);
    expect(told(empty)).toEqual([
      "never",
      "",
      "  found in schedule 1 (base); 0 events",
      "  inputs  none",
      "  order   everything in the order in which it was posted",
      "",
    ]);
  });
});

describe("coverageText", () => {
  test("says how many schedules there were, how many orders, and what may have been missed", async () => {
    const property = desk(() => {}, { options: { schedules: 100, strategies: ["random", "pct-channels"] } });
    await fc.assert(property, { seed: 1, numRuns: 1 });
    const [tried, orders, missed, ...more] = coverageText(property.coverage).split("\n");
    expect(tried).toBe("tried   100 schedules (base 1, random 50, pct-channels 49)");
    expect(orders).toBe("orders  2 different; the next schedule would show a new one with 0 %");
    expect(missed).toMatch(
      /^missed {2}a bug that needs so many orderings, at most with 1: [\d.]+ %, 2: [\d.]+ %, 3: [\d.]+ %$/,
    );
    expect(more).toEqual([]);
  });

  test("says nothing of chance where every order was tried, and nothing where none was", async () => {
    const property = desk(() => {}, { options: { exhaustive: true } });
    expect(coverageText(property.coverage)).toBe("");
    await fc.assert(property, { seed: 1, numRuns: 1 });
    expect(coverageText(property.coverage)).toBe("tried   2 schedules (exhaustive 2)\norders  2 different");
  });
});

describe("the sentence", () => {
  const plan: Plan = { seed: 1, time: "windows", faults: [], pairs: [] };

  test.each<[Fault, string]>([
    [crash("/till", { at: "30s" }), "/till is crashed at 30 s"],
    [restart("/till", { at: 1_500 }), "/till is restarted at 1.5 s"],
    [powerFailure({ at: "2m" }), "the power fails at 2 m"],
    [pause("/till", { from: "1s", to: "2s" }), "/till is paused from 1 s until 2 s"],
    [slow("/till", { times: 3 }), "/till sleeps 3 times as long"],
    [clockOffset("/till", { by: -5 }), "the clock of /till is wrong by -5 ms"],
    [errors("/till", { first: 1 }), "/till answers the first message with an error"],
    [errors("/till", { first: 2, type: "pay" }), "/till answers each of the first 2 pays with an error"],
    [down("/till", { to: "5s" }), "/till is down until 5 s"],
    [unavailable("/till", { share: 0.1, back: "1s" }), "/till is unavailable for a share of 0.1 of all keys"],
    [drop("/ann>/till", { nth: 3 }), "message no. 3 on /ann>/till is lost"],
    [drop("/ann>/till", { type: "pay", from: "1m" }), "every pay on /ann>/till is lost from 1 m"],
    [duplicate("/ann>*", { share: 0.5 }), "a share of 0.5 of messages on /ann>* comes twice"],
    [delay("*>/till", { by: 20 }), "every message on *>/till takes 20 ms longer"],
    [
      reorder("/ann>/till", { by: { min: "1s", max: "2s" }, first: 2 }),
      "each of the first 2 messages on /ann>/till takes 1 s to 2 s longer, and others pass it",
    ],
    [
      partition(["/a"], ["/b", "/c"], { from: 10, to: 20 }),
      "/a and /b, /c are cut off from each other from 10 ms until 20 ms",
    ],
  ])("of $kind is for people: %j", (fault, sentence) => {
    expect(sentencesOf({ ...plan, faults: [fault] })).toEqual([sentence]);
  });

  test("of a plan is one for each fault, pair and seed, in this order, or that of the base order", () => {
    const pair = { event: "/ann>/till:pay#2", after: "/bob>/till:pay#1" };
    const full = {
      ...plan,
      times: 12,
      pairs: [pair, { ...pair, beside: true as const }],
      faults: [powerFailure({ at: 0 })],
    };
    expect(sentencesOf(full)).toEqual([
      "the power fails at 0 ms",
      "/ann>/till:pay#2 only after /bob>/till:pay#1",
      "/ann>/till:pay#2 beside /bob>/till:pay#1, before that awaits anything",
      "messages on links with a window arrive as seed 12 says",
    ]);
    expect(sentencesOf(plan)).toEqual(["everything in the order in which it was posted"]);
  });
});
