// Each mailbox against an array that does the same slowly. Random sequences of put, take, withdraw … must agree in
// everything that can be seen; long ones make the ring grow, shrink and squeeze out its gaps.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Mailbox,
  type Named,
  type Origin,
  Ranking,
  Stack,
  type Taken,
} from "../../../src/runtime/kernel/mailbox.ts";
import { Ring } from "../../../src/runtime/kernel/ring.ts";

/** An origin is of no concern to a mailbox but for whether it is queued. */
const plain = { sender: undefined, request: undefined, turn: undefined };

const t: Named = { name: "t" };

interface Entry extends Origin {
  readonly what: Named;
  readonly payload: number;
  queued: boolean;
}
interface Model {
  /** In the order put. */
  waiting: Entry[];
  put: number;
}
interface Real {
  readonly box: Mailbox;
}
type Order = (waiting: readonly Entry[]) => Entry[];

const rankOf = (payload: number) => (payload * 7_919) % 5;
const kinds: { name: string; make: () => Mailbox; order: Order }[] = [
  { name: "Ring", make: () => new Ring(), order: (waiting) => [...waiting] },
  { name: "Stack", make: () => new Stack(), order: (waiting) => [...waiting].reverse() },
  {
    name: "Ranking",
    make: () => new Ranking((_, payload) => rankOf(payload as number)),
    // Array.prototype.sort is stable.
    order: (waiting) => [...waiting].sort((a, b) => rankOf(b.payload) - rankOf(a.payload)),
  },
];

class Into implements Taken {
  what: Named = { name: "" };
  payload: unknown = undefined;
  origin: Taken["origin"] = { ...plain, queued: true };
}

function seen(box: Mailbox): unknown[] {
  const found: unknown[] = [];
  box.forEach((what, payload, origin) => {
    expect(origin).toMatchObject({ what, payload, queued: true });
    found.push(payload);
  });
  return found;
}

/** One operation on both; `check` compares what can be seen afterwards. */
class Step implements fc.Command<Model, Real> {
  readonly name: string;
  readonly run: (model: Model, real: Real) => void;

  constructor(name: string, run: (model: Model, real: Real) => void) {
    this.name = name;
    this.run = run;
  }

  check(): boolean {
    return true;
  }

  toString(): string {
    return this.name;
  }
}

function steps(order: Order): fc.Arbitrary<fc.Command<Model, Real>>[] {
  const same = (model: Model, { box }: Real) => {
    expect(box.live).toBe(model.waiting.length);
    expect(seen(box)).toEqual(model.waiting.map(({ payload }) => payload));
  };
  const put = (count: number) =>
    new Step(`put ${count}`, (model, real) => {
      for (let i = 0; i < count; i++) {
        const payload = model.put++;
        const entry = { what: { name: `t${payload % 3}` }, payload, ...plain, queued: true };
        model.waiting.push(entry);
        real.box.put(entry.what, payload, entry);
      }
      same(model, real);
    });
  const take = (count: number, from: "take" | "takeOldest") =>
    new Step(`${from} ${count}`, (model, real) => {
      for (let i = 0; i < count; i++) {
        const into = new Into();
        const next = from === "take" ? order(model.waiting)[0] : model.waiting[0];
        expect(real.box[from](into)).toBe(next !== undefined);
        if (next === undefined) break;
        expect(into.payload).toBe(next.payload);
        expect(into.what).toBe(next.what);
        expect(into.origin).toBe(next);
        model.waiting.splice(model.waiting.indexOf(next), 1);
      }
      same(model, real);
    });
  const withdraw = (share: number, at: number) =>
    new Step(`withdraw ${share} from ${at}`, (model, real) => {
      const count = Math.ceil((model.waiting.length * share) / 100);
      for (let i = 0; i < count && model.waiting.length > 0; i++) {
        const [entry] = model.waiting.splice((at + i * 3) % model.waiting.length, 1);
        (entry as Entry).queued = false;
        real.box.withdrawn();
      }
      same(model, real);
    });
  const remove = (type: string) =>
    new Step(`remove ${type}`, (model, real) => {
      const removed = real.box.remove((one) => one !== type);
      expect(removed.map(({ payload }) => payload)).toEqual(
        model.waiting.filter((one) => one.what.name === type).map(({ payload }) => payload),
      );
      model.waiting = model.waiting.filter((one) => one.what.name !== type);
      same(model, real);
    });
  const few = fc.integer({ min: 1, max: 20 });
  return [
    few.map(put),
    few.map((count) => take(count, "take")),
    few.map((count) => take(count, "takeOldest")),
    fc.tuple(fc.constantFrom(1, 30, 100), fc.nat(50)).map(([share, at]) => withdraw(share, at)),
    fc.constantFrom("t0", "t1", "nothing").map(remove),
    fc.constantFrom(100, 3_000).map(put),
    fc.constantFrom(100, 3_000).map((count) => take(count, "take")),
  ];
}

describe.each(kinds)("$name", ({ make, order }) => {
  test("does what an array does, in every sequence of operations", async () => {
    // The last two of the list are rare: they cross the size up to which a ring keeps its buffer.
    const [long, ...rest] = steps(order).reverse();
    const all = [...rest, ...rest.slice(1), ...rest.slice(1), long as fc.Arbitrary<fc.Command<Model, Real>>];
    await fc.assert(
      fc.property(fc.commands(all, { maxCommands: 40 }), (commands) => {
        fc.modelRun(() => ({ model: { waiting: [], put: 0 }, real: { box: make() } }), commands);
      }),
      { seed: 6, numRuns: 60 },
    );
  });

  test("counts right after a burst whose last messages were withdrawn", () => {
    const box = make();
    const entries = Array.from(
      { length: 3_000 },
      (_, payload): Entry => ({
        what: t,
        payload,
        ...plain,
        queued: true,
      }),
    );
    for (const entry of entries) box.put(entry.what, entry.payload, entry);
    const first = order(entries).slice(0, 2_000);
    const rest = new Set(entries);
    for (const entry of first) {
      expect(box.take(new Into())).toBe(true);
      rest.delete(entry);
    }
    for (const entry of [...rest].slice(0, 400)) {
      entry.queued = false;
      box.withdrawn();
    }
    for (let n = 600; n > 0; n--) {
      expect(box.live).toBe(n);
      box.take(new Into());
    }
    expect(box.live).toBe(0);
    expect(box.take(new Into())).toBe(false);
    expect(box.live).toBe(0);
    box.put(t, 1, { ...plain, queued: true });
    expect(box.live).toBe(1);
  });

  test("keeps no payload that was taken", () => {
    const box = make();
    const into = new Into();
    const origin = { ...plain, queued: true };
    for (let i = 0; i < 10; i++) box.put(t, { i }, origin);
    while (box.take(into)) {}
    expect(seenPayloads(box)).toEqual([]);
  });
});

describe("Ranking", () => {
  test("puts nothing when the rank throws", () => {
    const box = new Ranking((_, payload) => {
      if (payload === 2) throw new Error("no rank");
      return 0;
    });
    const origin = { ...plain, queued: true };
    box.put(t, 1, origin);
    expect(() => box.put(t, 2, origin)).toThrow("no rank");
    expect(box.live).toBe(1);
    expect(seenPayloads(box)).toEqual([1]);
  });

  test("asks for each rank once, at put", () => {
    const asked: unknown[] = [];
    const box = new Ranking((_, payload) => asked.push(payload));
    const origin = { ...plain, queued: true };
    for (const payload of [1, 2, 3]) box.put({ name: `t${payload}` }, payload, origin);
    box.remove((type) => type !== "t2");
    const into = new Into();
    while (box.take(into)) {}
    expect(asked).toEqual([1, 2, 3]);
  });
});

function seenPayloads(box: Mailbox): unknown[] {
  const found: unknown[] = [];
  box.forEach((_, payload) => void found.push(payload));
  return found;
}
