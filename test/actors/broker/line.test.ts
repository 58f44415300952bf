// Which of the ready messages is next, without actors: lines against what they promise.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lineOf, type Selection } from "../../../src/actors/broker/line.ts";
import { Delivery, Entry, Subscription, Topic } from "../../../src/actors/broker/state.ts";

const topic = new Topic("t", { retention: "untilSettled", dedupMs: 0, dedupCount: 1, dropsOldest: false });
const of = new Subscription(topic, "s", { order: "none", lanes: 0, passes: false });

function ready(seq: number, tag: string | undefined, priority: number, at: number): Delivery {
  const plain = { id: `${seq}`, key: undefined, type: "go", payload: undefined, notBefore: 0, expiresAt: 0 };
  const entry = new Entry(topic, seq, at, { ...plain, tag, priority, sizeBytes: 0, history: undefined });
  const one = new Delivery(of, entry, undefined, 0);
  one.phase = "ready";
  return one;
}

type Step =
  | { do: "put"; tag: string; priority: number; isFirst: boolean }
  | { do: "take" }
  | { do: "end"; which: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("put" as const),
        tag: fc.constantFrom("a", "b", "c", "d"),
        priority: fc.integer({ min: 0, max: 5 }),
        isFirst: fc.boolean(),
      }),
    },
    { weight: 4, arbitrary: fc.constant({ do: "take" as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("end" as const), which: fc.nat(9) }) },
  ),
  { maxLength: 80 },
);

/** Plays the steps, one per millisecond; `taken` sees what was there at each take. */
function play(
  selection: Selection,
  given: readonly Step[],
  taken: (one: Delivery, there: readonly Delivery[]) => void,
) {
  const line = lineOf(selection);
  let there: Delivery[] = [];
  for (const [at, step] of given.entries()) {
    if (step.do === "put") {
      const one = ready(at + 1, step.tag, step.priority, at);
      line.put(one, step.isFirst);
      there.push(one);
    } else if (step.do === "end") {
      const one = there[step.which % there.length];
      if (one !== undefined) one.phase = "over";
    } else {
      const one = line.peek();
      expect(one === undefined).toBe(there.length === 0);
      if (one === undefined) continue;
      expect(there).toContain(one);
      taken(one, there);
      line.take();
      one.phase = "leased";
    }
    there = there.filter(({ phase }) => phase === "ready");
    expect(line.length).toBeGreaterThanOrEqual(there.length);
  }
}

const runs = { seed: 21, numRuns: 500 };

describe("a line of messages", () => {
  test("[G11 sim] that is fair gives each ready tag its turn between two turns of another one", () => {
    fc.assert(
      fc.property(steps, (given) => {
        // Of each tag that has been ready since its last turn: how often each other tag has had one.
        const since = new Map<string, Map<string, number>>();
        play("fair", given, (one, there) => {
          const tag = one.entry.tag as string;
          for (const [other, turns] of since) {
            if (other === tag) continue;
            turns.set(tag, (turns.get(tag) ?? 0) + 1);
            expect(turns.get(tag), `turns of ${tag} while ${other} was ready`).toBeLessThanOrEqual(1);
          }
          since.delete(tag);
          const left = new Set(there.flatMap((other) => (other === one ? [] : [other.entry.tag as string])));
          if (left.has(tag)) since.set(tag, new Map());
          for (const other of since.keys()) if (!left.has(other)) since.delete(other);
        });
      }),
      runs,
    );
  });

  test("[G11 sim] that goes by priority gives the most urgent, each wait of the aging time worth one step", () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(3, 10, Number.POSITIVE_INFINITY), (given, agingMs) => {
        const worth = ({ entry }: Delivery) =>
          agingMs === Number.POSITIVE_INFINITY ? entry.priority : entry.priority * agingMs - entry.at;
        play({ agingMs }, given, (one, there) => {
          expect(worth(one)).toBe(Math.max(...there.map(worth)));
        });
      }),
      runs,
    );
  });

  test("of either kind gives what comes back first before the rest, and by number", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ seq: fc.integer({ min: 1, max: 99 }), isFirst: fc.boolean() }), {
          selector: ({ seq }) => seq,
        }),
        fc.constantFrom("fifo" as const, "fair" as const, { agingMs: Number.POSITIVE_INFINITY }),
        (given, selection) => {
          const line = lineOf(selection);
          for (const { seq, isFirst } of given) line.put(ready(seq, "a", 1, 0), isFirst);
          const taken: (number | undefined)[] = [];
          for (let one = line.peek(); one !== undefined; one = line.peek()) {
            taken.push(one.entry.seq);
            line.take();
          }
          const numbers = (isFirst: boolean) => given.filter((one) => one.isFirst === isFirst).map(({ seq }) => seq);
          expect(taken).toEqual([...numbers(true).sort((a, b) => a - b), ...numbers(false)]);
        },
      ),
      runs,
    );
  });

  test("of either kind gives the oldest first where nothing else decides", () => {
    for (const selection of ["fifo", "fair", { agingMs: Number.POSITIVE_INFINITY }] as const) {
      const seen: number[] = [];
      const given: Step[] = [1, 2, 3].map(() => ({ do: "put", tag: "a", priority: 1, isFirst: false }));
      play(selection, [...given, ...given.map((): Step => ({ do: "take" }))], (one) => seen.push(one.entry.seq));
      expect(seen).toEqual([1, 2, 3]);
    }
  });
});
