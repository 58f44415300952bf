// Histories come from a sequential object: operation i takes place at 4·i and is made longer on both sides; some lose
// their answer, and some outputs are exchanged for others. Places are even, so that some of them are equal.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Operation } from "../../src/testing/history.ts";
import { type Linearizability, linearizable } from "../../src/testing/linearizable.ts";
import {
  counter,
  type MapInput,
  type MapOutput,
  type Model,
  map,
  queue,
  register,
  set,
} from "../../src/testing/models.ts";
import { answered, explains, longest, unanswered } from "./operations.ts";

type Any = Model<unknown, readonly unknown[], unknown>;
type Shape = "answered" | "effect unknown" | "no effect unknown" | "not-started";

const value = fc.nat(2);
const key = fc.constantFrom("x", "y");
const input = (...parts: fc.Arbitrary<unknown>[]) => fc.tuple(...parts);
const name = (type: string) => fc.constant(type);

const objects: {
  name: string;
  model: Any;
  inputs: fc.Arbitrary<readonly unknown[]>;
  outputs: fc.Arbitrary<unknown>;
}[] = [
  {
    name: "register",
    model: register(0) as Any,
    inputs: fc.oneof(input(name("read")), input(name("write"), value), input(name("cas"), value, value)),
    outputs: fc.oneof(value, fc.boolean()),
  },
  {
    name: "map",
    model: map() as Any,
    inputs: fc.oneof(input(fc.constantFrom("get", "has", "delete"), key), input(name("set"), key, value)),
    outputs: fc.oneof(value, fc.boolean(), fc.constant(undefined)),
  },
  {
    name: "queue",
    model: queue() as Any,
    inputs: fc.oneof(input(name("enqueue"), value), input(name("dequeue"))),
    outputs: fc.option(value, { nil: undefined }),
  },
  {
    name: "set",
    model: set() as Any,
    inputs: input(fc.constantFrom("add", "delete", "has"), value),
    outputs: fc.boolean(),
  },
  {
    name: "counter",
    model: counter() as Any,
    inputs: fc.oneof(input(name("add"), fc.constantFrom(1, 2)), input(name("get"))),
    outputs: fc.nat(5),
  },
];

const shape: fc.Arbitrary<Shape> = fc.oneof(
  { weight: 6, arbitrary: fc.constant("answered" as const) },
  fc.constantFrom("effect unknown" as const, "no effect unknown" as const, "not-started" as const),
);

interface Drawn {
  readonly input: readonly unknown[];
  readonly shape: Shape;
  readonly before: number;
  readonly after: number;
  readonly exchanged: { output: unknown } | undefined;
}

function drawn({ inputs, outputs }: Pick<(typeof objects)[number], "inputs" | "outputs">): fc.Arbitrary<Drawn[]> {
  const exchanged = fc.option(fc.record({ output: outputs }), { nil: undefined, freq: 3 });
  const part = fc.nat(5).map((n) => 2 * n);
  return fc.array(fc.record({ input: inputs, shape, before: part, after: part, exchanged }), { maxLength: 7 });
}

function historyOf(model: Any, operations: readonly Drawn[]): Operation<readonly unknown[], unknown>[] {
  let state = model.initial;
  return operations.map(({ input, shape, before, after, exchanged }, at) => {
    const end = model.step(state, input)[0]!;
    if (shape === "answered" || shape === "effect unknown") state = end.state;
    const invoked = { client: `${at}`, input, invoked: 4 * at - before };
    if (shape !== "answered") return { ...invoked, outcome: shape === "not-started" ? shape : "unknown" };
    const { output } = exchanged ?? end;
    return { ...invoked, outcome: "answered", output, ended: 4 * at + after };
  });
}

function answeredOf<O extends Operation<unknown, unknown>>(history: readonly O[]): O[] {
  return history.filter(({ outcome }) => outcome === "answered");
}

type Judged = Linearizability<readonly unknown[], unknown>;

/** What a verdict shows is looked at without the search. */
function expectShown(history: readonly Operation<readonly unknown[], unknown>[], model: Any, found: Judged): void {
  expect(explains(found.order, model)).toBe(true);
  const left = answeredOf(history).filter((each) => !found.order.includes(each));
  if (found.ok) expect(left).toEqual([]);
  if (found.ok !== false) return;
  expect(found.blocked.length).toBeGreaterThan(0);
  for (const { operation } of found.blocked) {
    expect(left).toContain(operation);
    expect(explains([...found.order, operation], model)).toBe(false);
  }
}

describe.each(objects)("a history of a $name", ({ model, ...object }) => {
  const whole: Any = { ...model, partition: undefined };
  const plain: Any = { ...whole, reads: undefined };

  test("is linearizable as it comes from the object", async () => {
    await fc.assert(
      fc.property(drawn(object), (operations) => {
        const history = historyOf(
          model,
          operations.map((each) => ({ ...each, exchanged: undefined })),
        );
        const found = linearizable(history, model);
        expect(found.ok).toBe(true);
        expectShown(history, model, found);
      }),
      { seed: 5, numRuns: 500 },
    );
  });

  test("is judged as by brute force when outputs are exchanged, in parts and as a whole", async () => {
    const verdicts = { yes: 0, no: 0 };
    await fc.assert(
      fc.property(drawn(object), (operations) => {
        const history = historyOf(model, operations);
        const most = longest(history, whole);
        const expected = most === answeredOf(history).length;
        verdicts[expected ? "yes" : "no"]++;
        for (const each of [model, whole, plain]) expect(linearizable(history, each).ok).toBe(expected);
        const found = linearizable(history, whole);
        expectShown(history, model, found);
        expect(answeredOf(found.order).length).toBe(most);
      }),
      { seed: 6, numRuns: 2_000 },
    );
    expect(Math.min(verdicts.yes, verdicts.no)).toBeGreaterThan(200);
  });

  test("has the order in which it is written to no effect on the verdict", async () => {
    const shuffled = drawn(object).chain((operations) => {
      const history = historyOf(model, operations);
      return fc.tuple(fc.constant(history), fc.shuffledSubarray(history, { minLength: history.length }));
    });
    await fc.assert(
      fc.property(shuffled, ([history, other]) => {
        expect(linearizable(other, model).ok).toBe(linearizable(history, model).ok);
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});

describe("the states that are tried", () => {
  /** Each client asks again as soon as it has an answer. */
  const long = (count: number, clients: number, seed: number) => {
    const next = draws(seed);
    const free = Array.from({ length: clients }, () => 0);
    const operations = Array.from({ length: count }, (_, at) => {
      const invoked = free[at % clients]! + next();
      const point = invoked + 2 * next();
      const ended = (free[at % clients] = point + 2 * next());
      const input = next() < 0.5 ? (["read"] as const) : (["write", Math.floor(5 * next())] as const);
      return { client: `${at % clients}`, input, invoked, point, ended };
    });
    let state = 0;
    return operations
      .sort((a, b) => a.point - b.point)
      .map(({ client, input, invoked, ended }): Operation<typeof input, number | undefined> => {
        if (input[0] === "write") state = input[1];
        return { client, input, invoked, outcome: "answered", output: input[0] === "read" ? state : undefined, ended };
      });
  };
  const isRead = ({ input: [type] }: Operation<readonly [string, number?], unknown>) => type === "read";

  test.each([
    [1_000, 4, 1.5, 6],
    [1_000, 8, 4, 60],
    [10_000, 4, 1.5, 6],
  ])(
    "for %i operations of %i clients are at most %d for each, and %i when one read is wrong",
    (count, clients, perGood, perBad) => {
      const history = long(count, clients, 1);
      const good = linearizable(history, register<number>(0));
      expect(good.ok).toBe(true);
      expect(good.states).toBeLessThanOrEqual(perGood * count);
      const wrong = history.findLast(isRead);
      const bad = linearizable(
        history.map((each) => (each === wrong ? { ...each, output: 9 } : each)) as typeof history,
        register<number>(0),
      );
      expect(bad).toMatchObject({ ok: false });
      expect(bad.states).toBeLessThanOrEqual(perBad * count);
    },
  );

  test("are fewer in parts", () => {
    const history: Operation<MapInput<string, number>, MapOutput<number>>[] = ["x", "y", "z"].flatMap((key) =>
      [1, 2, 3].map((n) => answered(`${key}${n}`, [0, 1], ["set", key, n], undefined)),
    );
    history.push(answered("r", [2, 3], ["get", "z"], 9));
    const whole = { ...map<string, number>(), partition: undefined };
    expect(linearizable(history, map<string, number>())).toMatchObject({ ok: false, states: 4 + 4 + 13 });
    // Of each key: none of three writes, one, two or three, and which one was the last.
    expect(linearizable(history, whole)).toMatchObject({ ok: false, states: 13 * 13 * 13 });
  });

  test("are fewer where reads are known, and none for what nobody knows of a read", () => {
    const history = long(100, 8, 3);
    const { states } = linearizable(history, register<number>(0));
    expect(linearizable(history, { ...register<number>(0), reads: undefined }).states).toBeGreaterThan(states);
    const lost = Array.from({ length: 20 }, () => unanswered("lost", 0, ["read"] as const));
    expect(linearizable([...lost, answered("r", [0, 1], ["read"], 9)], register<number>(0)).states).toBe(1);
  });
});

/** Numbers in [0, 1) that are the same on every host. */
function draws(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
