import { InvalidOption, Refusal } from "antiphon";
import { describe, expect, test } from "vitest";
import type { Operation } from "../../src/testing/history.ts";
import { linearizable } from "../../src/testing/linearizable.ts";
import {
  counter,
  type Model,
  map,
  type QueueInput,
  type QueueOutput,
  queue,
  register,
  set,
} from "../../src/testing/models.ts";
import { answered, explains, unanswered } from "./operations.ts";

const [ok, none] = [true, undefined];

describe("linearizable, by histories of the literature", () => {
  // After M. Herlihy and J. Wing, "Linearizability" (1990), figure 1.
  test.each([
    [
      "two enqueues that overlap may be in any order",
      ok,
      [
        answered("a", [0, 3], ["enqueue", "x"], none),
        answered("b", [1, 2], ["enqueue", "y"], none),
        answered("b", [4, 6], ["dequeue"], "y"),
        answered("a", [5, 7], ["dequeue"], "x"),
      ],
    ],
    [
      "one enqueue after the other is not in any order",
      false,
      [
        answered("a", [0, 1], ["enqueue", "x"], none),
        answered("b", [2, 3], ["enqueue", "y"], none),
        answered("b", [4, 5], ["dequeue"], "y"),
      ],
    ],
    [
      "what is still being enqueued may be dequeued",
      ok,
      [answered("a", [0, 3], ["enqueue", "x"], none), answered("b", [1, 2], ["dequeue"], "x")],
    ],
    [
      "nothing is dequeued twice",
      false,
      [
        answered("a", [0, 2], ["enqueue", "x"], none),
        answered("b", [1, 3], ["enqueue", "y"], none),
        answered("a", [4, 6], ["dequeue"], "y"),
        answered("b", [5, 7], ["dequeue"], "y"),
      ],
    ],
  ] as const)("%s", (_, expected, history) => {
    expect(linearizable<readonly string[], QueueInput<string>, QueueOutput<string>>(history, queue())).toMatchObject({
      ok: expected,
    });
  });

  // After L. Lamport, "On interprocess communication" (1986): regular registers are not atomic.
  test("of two reads during a write the later one sees nothing older", () => {
    const write = answered("w", [0, 9], ["write", 1], none);
    const reads = (first: number, second: number) => [
      answered("r", [1, 2], ["read"], first),
      answered("r", [3, 4], ["read"], second),
    ];
    expect(linearizable([write, ...reads(0, 1)], register(0))).toMatchObject({ ok: true });
    expect(linearizable([write, ...reads(1, 0)], register(0))).toMatchObject({ ok: false });
  });

  test("two clients that write one key and then read the other do not both miss the write", () => {
    const history = [
      answered("a", [0, 1], ["set", "x", 1], none),
      answered("b", [0, 1], ["set", "y", 1], none),
      answered("a", [2, 3], ["get", "y"], none),
      answered("b", [2, 3], ["get", "x"], none),
    ];
    expect(linearizable(history, map<string, number>())).toMatchObject({ ok: false });
  });

  test("of two that compare and swap from one value one succeeds", () => {
    const cas = (client: string, to: number, output: boolean) => answered(client, [0, 1], ["cas", 0, to], output);
    const read = answered("c", [2, 3], ["read"], 2);
    expect(linearizable([cas("a", 1, false), cas("b", 2, true), read], register<number>(0))).toMatchObject({
      ok: true,
    });
    expect(linearizable([cas("a", 1, true), cas("b", 2, true)], register<number>(0))).toMatchObject({ ok: false });
    expect(linearizable([cas("a", 1, true), cas("b", 2, false), read], register<number>(0))).toMatchObject({
      ok: false,
    });
  });

  test("an update that is lost is found in a counter, and a second first add in a set", () => {
    const add = (client: string, sum: number) => answered(client, [0, 1], ["add", 1], sum);
    expect(linearizable([add("a", 1), add("b", 2)], counter())).toMatchObject({ ok: true });
    expect(linearizable([add("a", 1), add("b", 1)], counter())).toMatchObject({ ok: false });
    const first = (client: string) => answered(client, [0, 1], ["add", "x"], true);
    expect(linearizable([first("a")], set<string>())).toMatchObject({ ok: true });
    expect(linearizable([first("a"), first("b")], set<string>())).toMatchObject({ ok: false });
  });
});

describe("linearizable", () => {
  const write = (value: number) => ["write", value] as const;
  const read = ["read"] as const;

  test("takes operations that touch in time for overlapping", () => {
    const reads = (from: number) => [answered("a", [0, 1], write(1), none), answered("b", [from, 2], read, 0)];
    expect(linearizable(reads(1), register(0))).toMatchObject({ ok: true });
    expect(linearizable(reads(1.5), register(0))).toMatchObject({ ok: false });
  });

  test("lets what is unknown take effect, at any later point, or never", () => {
    const lost = unanswered("a", 0, write(1));
    const reads = (...values: number[]) =>
      values.map((value, at) => answered("b", [10 * at + 1, 10 * at + 2], read, value));
    expect(linearizable([lost, ...reads(0, 0)], register(0))).toMatchObject({ ok: true });
    expect(linearizable([lost, ...reads(1, 1)], register(0))).toMatchObject({ ok: true });
    const late = linearizable([lost, ...reads(0, 0, 1)], register(0));
    expect(late.order.map(({ client }) => client)).toEqual(["b", "b", "a", "b"]);
    expect(linearizable([lost, ...reads(0, 1, 0)], register(0))).toMatchObject({ ok: false });
    expect(linearizable([unanswered("a", 3, write(1)), ...reads(1)], register(0))).toMatchObject({ ok: false });
  });

  test("leaves out of the order what need not have happened", () => {
    const history = [unanswered("a", 0, write(1)), unanswered("b", 0, read), answered("c", [1, 2], read, 0)];
    expect(linearizable(history, register(0)).order).toEqual([history[2]]);
  });

  test("never lets what did not start take effect", () => {
    const history = [unanswered("a", 0, write(1), "not-started"), answered("b", [1, 2], read, 1)];
    expect(linearizable(history, register(0))).toMatchObject({ ok: false });
  });

  test("says who saw what, and what would have been legal", () => {
    const history: Operation<readonly ["read"] | readonly ["write", number], number | undefined>[] = [
      { ...answered("ann", [0, 1], write(1), none), invokedAtMs: 0, endedAtMs: 5 } as never,
      unanswered("cy", 1, write(2)),
      { ...answered("ann", [2, 5], read, 0), invokedAtMs: 5, endedAtMs: 9 } as never,
      { ...answered("ben", [3, 4], read, 1), invokedAtMs: 6, endedAtMs: 7 } as never,
    ];
    const found = linearizable(history, register<number>(0));
    expect(found).toMatchObject({
      ok: false,
      order: [history[0], history[3]],
      blocked: [{ operation: history[2], legal: [1] }],
    });
    expect(found.text).toBe(
      [
        "Not linearizable: no order explains what was seen; 7 states were tried.",
        "The furthest goes:",
        "  ann: write(1) → undefined (0 to 5 ms)",
        "  ben: read() → 1 (6 to 7 ms)",
        "Then the state is 1, and none of these can be next:",
        "  ann: read() → 0 (5 to 9 ms); legal was 1",
      ].join("\n"),
    );
  });

  test("shows the end of a long order only", () => {
    const history = Array.from({ length: 50 }, (_, at) => answered("a", [2 * at, 2 * at + 1], write(at), none));
    const { text } = linearizable([...history, answered("b", [200, 201], read, 7)], register(-1));
    expect(text.split("\n")).toHaveLength(2 + 20 + 2);
    expect(text).toContain("The furthest goes, after 30 others:\n  a: write(30) → undefined\n");
  });

  test("begins the text at the start where nothing can be first", () => {
    const { text } = linearizable([answered("a", [0, 1], ["dequeue"], 1)], queue<number>());
    expect(text).toContain("\nAt first the state is [], and none of these can be next:\n  a: dequeue() → 1; legal was");
  });

  test("gives up after so many states, and then knows nothing", () => {
    const history = Array.from({ length: 10 }, (_, at) => answered(`${at}`, [0, 1], write(at), none));
    const wrong = [...history, answered("r", [2, 3], read, 99)];
    expect(linearizable(wrong, register(0), { states: 1_000 })).toMatchObject({ ok: undefined, states: 1_001 });
    expect(linearizable(wrong, register(0), { states: 1_000 }).text).toMatch(/^Gave up after 1001 states/);
    expect(linearizable(wrong, register(0))).toMatchObject({ ok: false });
  });

  test("says no for a part that can not be explained, though it gives up another", () => {
    const many = Array.from({ length: 10 }, (_, at) => answered(`${at}`, [0, 1], ["set", "x", at], none));
    const history = [...many, answered("r", [2, 3], ["get", "x"], 99), answered("r", [4, 5], ["get", "y"], 1)];
    expect(linearizable(history, map<string, number>(), { states: 1_000 })).toMatchObject({
      ok: false,
      blocked: [{ operation: { input: ["get", "y"] } }],
    });
  });

  test("explains an empty history", () => {
    expect(linearizable([], register(0))).toMatchObject({ ok: true, order: [] });
  });

  test.each([
    [
      "an end before the invocation",
      answered("a", [2, 1], read, 0),
      "history[0].ended: found 1, allowed is a number of at least 2.",
    ],
    ["an end that is no number", answered("a", [2, Number.NaN], read, 0), "history[0].ended: found NaN"],
    ["no invocation", { ...unanswered("a", Number.NaN, read) }, "history[0].invoked: found NaN, allowed is a number."],
    ["another outcome", unanswered("a", 1, read, "lost" as "unknown"), 'history[0].outcome: found "lost"'],
  ] as const)("refuses %s", (_, operation, text) => {
    expect(() => linearizable([operation], register(0))).toThrow(InvalidOption);
    expect(() => linearizable([operation], register(0))).toThrow(text);
  });
});

describe("a model of one's own", () => {
  class SoldOut extends Refusal {
    readonly _tag = "SoldOut";
  }
  const stock: Model<number, readonly ["reserve"], number | SoldOut> = {
    initial: 1,
    step: (left) => [left > 0 ? { output: left - 1, state: left - 1 } : { output: new SoldOut("none"), state: left }],
  };

  test("may refuse: refusals are equal by their names", () => {
    const reserve = (client: string, output: number | SoldOut) => answered(client, [0, 1], ["reserve"], output);
    expect(linearizable([reserve("a", new SoldOut("no mug left")), reserve("b", 0)], stock)).toMatchObject({
      ok: true,
    });
    const { ok, text } = linearizable([reserve("a", new SoldOut()), reserve("b", new SoldOut())], stock);
    expect(ok).toBe(false);
    expect(text).toContain("a: reserve() → SoldOut; legal was 0");
  });

  test("may answer with objects: outputs are equal when they hold the same", () => {
    const log: Model<readonly string[], string, { readonly lines: readonly string[] }> = {
      initial: [],
      step: (lines, line) => [{ output: { lines: [...lines, line] }, state: [...lines, line] }],
    };
    const write = (line: string, ...lines: string[]) => answered(line, [0, 1], line, { lines });
    expect(linearizable([write("x", "y", "x"), write("y", "y")], log)).toMatchObject({ ok: true });
    expect(linearizable([write("x", "x"), write("y", "y")], log)).toMatchObject({ ok: false });
  });

  test("may allow several ends, of which the right one is found", () => {
    const coin: Model<string, readonly ["toss"] | readonly ["look"], string> = {
      initial: "none",
      step: (state, [type]) =>
        type === "look"
          ? [{ output: state, state }]
          : ["head", "tail"].map((side) => ({ output: "tossed", state: side })),
    };
    const looks = (...sides: string[]) => [
      answered("a", [0, 1], ["toss"], "tossed"),
      ...sides.map((side, at) => answered("a", [2 * at + 2, 2 * at + 3], ["look"], side)),
    ];
    expect(linearizable(looks("tail", "tail"), coin)).toMatchObject({ ok: true });
    expect(linearizable(looks("tail", "head"), coin)).toMatchObject({ ok: false });
  });

  test("that can not list its outputs looks at what was seen", () => {
    const numbers: Model<ReadonlySet<number>, readonly ["draw"], number> = {
      initial: new Set(),
      step: (drawn, _, seen) =>
        seen === undefined || drawn.has(seen.output)
          ? []
          : [{ output: seen.output, state: new Set([...drawn, seen.output]) }],
    };
    const draw = (at: number, output: number) => answered("a", [at, at + 1], ["draw"], output);
    const lost = unanswered("b", 0, ["draw"]);
    expect(linearizable([lost, draw(0, 17), draw(2, 4)], numbers)).toMatchObject({ ok: true });
    const twice = linearizable([lost, draw(0, 17), draw(2, 17)], numbers);
    expect(twice).toMatchObject({ ok: false, blocked: [{ legal: [] }] });
    expect(twice.text).toContain("draw() → 17; that was not legal");
  });

  test("needs a key where its state is not plain data", () => {
    class Till {
      readonly #sum: number;
      constructor(sum: number) {
        this.#sum = sum;
      }
      get sum(): number {
        return this.#sum;
      }
    }
    const till: Model<Till, number, number> = {
      initial: new Till(0),
      step: (state, amount) => [{ output: state.sum + amount, state: new Till(state.sum + amount) }],
    };
    const history = [answered("a", [0, 2], 1, 3), answered("b", [1, 3], 2, 2)];
    expect(() => linearizable(history, till)).toThrow('state: found "a Till", allowed is plain data');
    const keyed = { ...till, key: ({ sum }: Till) => sum };
    const found = linearizable(history, keyed);
    expect(found).toMatchObject({ ok: true, order: [{ client: "b" }, { client: "a" }] });
    expect(explains(found.order, keyed)).toBe(true);
  });
});
