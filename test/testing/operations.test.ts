import { InvalidOption, type Ref, Refusal, type Reply, type Self, type System } from "antiphon";
import { drop, simulate } from "antiphon/sim";
import {
  type Call,
  explore,
  type GenerativeSchema,
  linearizable,
  operations,
  type Performed,
  perform,
  type RegisterInput,
  type RegisterOutput,
  recorder,
  register,
} from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { failure } from "./exploring.ts";

// Many runs each: slow where much else runs.
vi.setConfig({ testTimeout: 30_000 });

interface Register {
  read(): Reply<number>;
  write(value: number): Reply<void>;
}

class Full extends Refusal {
  readonly _tag = "Full";
}

interface Item {
  readonly sku: string;
  readonly count: number;
}

interface Shop {
  add(item: Item): Reply<number, Full>;
  label(text?: string): void;
  clear(): void;
}

/** As schema libraries make them, by hand. */
const item: GenerativeSchema<Item> = {
  "~standard": {
    version: 1,
    vendor: "by hand",
    validate: (value) => ((value as Item).count !== 4 ? {} : { issues: [{ message: "four is not sold" }] }),
    jsonSchema: {
      input: () => ({
        type: "object",
        properties: { sku: { type: "string", maxLength: 3 }, count: { type: "integer", minimum: 1, maximum: 5 } },
        required: ["sku", "count"],
      }),
    },
  },
};

function isOfShop({ client, type, payload, ...more }: Call): boolean {
  if (!/^client-[1-9]\d*$/.test(client) || Object.keys(more).length > 0) return false;
  if (type === "clear") return payload === undefined;
  if (type === "label") return payload === "big" || payload === "small";
  const { sku, count, ...others } = payload as Item;
  const isItem = [...sku].length <= 3 && [1, 2, 3, 5].includes(count) && Object.keys(others).length === 0;
  return type === "add" && isItem;
}

const ofShop = (options?: Parameters<typeof operations>[1]) =>
  operations<Shop>({ add: item, label: fc.constantFrom("big", "small"), clear: undefined }, options);

describe("operations", () => {
  test("draws the messages that are declared, with payloads of their arbitraries and schemas, by several clients", () => {
    const lists = fc.sample(ofShop(), { seed: 1, numRuns: 300 });
    const calls = lists.flat();
    expect(calls.filter((call) => !isOfShop(call))).toEqual([]);
    expect(new Set(calls.map(({ type }) => type))).toEqual(new Set(["add", "label", "clear"]));
    expect(new Set(calls.map(({ client }) => client))).toEqual(new Set(["client-1", "client-2", "client-3"]));
    expect(Math.max(...lists.map(({ length }) => length))).toBeLessThanOrEqual(12);
    expect(calls.filter(({ type }) => type === "clear").every((call) => !("payload" in call))).toBe(true);
  });

  test("draws nothing of what is not declared, no more operations than most, and no more clients than there are", () => {
    const lists = fc.sample(operations<Shop>({ clear: undefined }, { clients: 1, most: 2 }), { seed: 1, numRuns: 200 });
    expect(new Set(lists.flat().map((call) => JSON.stringify(call)))).toEqual(
      new Set(['{"client":"client-1","type":"clear"}']),
    );
    expect(new Set(lists.map(({ length }) => length))).toEqual(new Set([0, 1, 2]));
  });

  test("shrinks to lists of the same kind, with the values of which they were made and without", () => {
    const seen: Call[][] = [];
    const arbitrary = ofShop({ clients: 5 });
    const property = fc.property(arbitrary, (calls) => {
      seen.push(calls);
      return calls.filter(({ type }) => type === "add").length < 2;
    });
    const { counterexample } = fc.check(property, { seed: 2, numRuns: 1_000 });
    expect(counterexample![0]).toEqual([
      { client: "client-1", type: "add", payload: { sku: "", count: 1 } },
      { client: "client-1", type: "add", payload: { sku: "", count: 1 } },
    ]);
    expect(seen.flat().filter((call) => !isOfShop(call))).toEqual([]);
    const given: Call[] = [
      { client: "client-4", type: "label", payload: "small" },
      { client: "client-5", type: "add", payload: { sku: "pan", count: 5 } },
    ];
    expect(arbitrary.canShrinkWithoutContext(given)).toBe(true);
    expect(arbitrary.canShrinkWithoutContext([{ client: "ann", type: "clear" }])).toBe(false);
    const smaller = [...arbitrary.shrink(given, undefined)].map(({ value }) => value);
    expect(smaller.length).toBeGreaterThan(5);
    expect(smaller.flat().filter((call) => !isOfShop(call))).toEqual([]);
  });

  test("refuses wrong options, no messages at all, and a schema without values", () => {
    expect(() => operations<Shop>({})).toThrow(InvalidOption);
    expect(() => ofShop({ clients: 0 })).toThrow(InvalidOption);
    expect(() => ofShop({ most: 0.5 })).toThrow(InvalidOption);
    const mute = { "~standard": { ...item["~standard"], jsonSchema: undefined } } as GenerativeSchema<Item>;
    expect(() => operations<Shop>({ add: mute })).toThrow(InvalidOption);
  });

  test("knows the payloads of the protocol", () => {
    expectTypeOf(ofShop()).toEqualTypeOf<fc.Arbitrary<Call[]>>();
    expectTypeOf(operations<Register>({ read: undefined, write: fc.nat() })).toEqualTypeOf<fc.Arbitrary<Call[]>>();
    // Only compiled.
    void (() => {
      // @ts-expect-error: the payload of another type
      operations<Register>({ write: fc.string() });
      // @ts-expect-error: a schema of another type
      operations<Register>({ write: item });
      // @ts-expect-error: a payload for a message that takes none
      operations<Register>({ read: fc.nat() });
      // @ts-expect-error: none for a message that takes one
      operations<Register>({ write: undefined });
      // @ts-expect-error: no such message
      operations<Register>({ erase: undefined });
    });
  });
});

describe("perform", () => {
  const call = (client: string, type: string, payload?: unknown): Call => ({ client, type, payload });

  test("has each client ask one after the other, and all clients at once", async () => {
    const started: string[] = [];
    const slow = (self: Self) => ({
      async work(job: string) {
        started.push(job);
        await self.sleep(job.endsWith("1") ? "10ms" : "1ms");
        return job;
      },
    });
    const calls = ["a1", "b1", "a2", "c1", "b2"].map((job) => call(`client-${job[0]}`, "work", job));
    const { value, endedMs } = await simulate({}, async ({ system }) => {
      const ref = system.spawn(slow, { name: "slow", concurrency: 9 });
      return (await perform(system, ref, calls)).map(({ call, ended }) => [call.payload, ended]);
    });
    expect(started).toEqual(["a1", "b1", "c1", "a2", "b2"]);
    expect(endedMs).toBe(11);
    expect(value).toEqual(["a1", "b1", "c1", "a2", "b2"].map((job) => [job, { ok: true, value: job }]));
  });

  test("may be called once more: clients whose names are taken have a number", async () => {
    const { value } = await simulate({}, async ({ system }) => {
      const by = (self: Self) => ({ who: () => self.message?.sender?.path });
      const ref = system.spawn(by, { name: "server" });
      const once = async () =>
        (await perform(system, ref, [call("ann", "who"), call("bob", "who")])).map(({ ended }) => ended);
      return [...(await once()), ...(await once()), ...(await once())].map((end) => end.ok && end.value);
    });
    expect(value).toEqual(["/ann", "/bob", "/ann-2", "/bob-2", "/ann-3", "/bob-3"]);
  });

  test("goes on after what is refused, crashes or is not answered, and says how each ended", async () => {
    const picky = () => ({
      add: (n: number) => (n < 5 ? n : new Full("no more")),
      crash: () => {
        throw new Error("planted");
      },
    });
    const calls = [call("ann", "add", 1), call("ann", "add", 9), call("ann", "crash"), call("ann", "add", 2)];
    const faults = [drop("/picky>/ann", { nth: 1 })];
    const { value } = await simulate({ faults }, async ({ system }) => {
      const ends = await perform(system, system.spawn(picky, { name: "picky" }), calls);
      return ends.map(({ ended }) => (ended.ok ? ended.value : (ended.error as { _tag: string })._tag));
    });
    expect(value).toEqual(["AskTimeout", "Full", "ActorCrashed", 2]);
  });

  test("is done at once with nothing to do", async () => {
    const done = await simulate({}, ({ system }) =>
      perform(
        system,
        system.spawn(() => ({ read: () => 0 })),
        [],
      ),
    );
    expect(done.value).toEqual([]);
    expectTypeOf(done.value).toEqualTypeOf<readonly Performed[]>();
  });
});

describe("operations that are performed and recorded", () => {
  const one = (system: System): Ref<Register> => {
    let value = 0;
    return system.spawn(() => ({ read: () => value, write: (to: number) => void (value = to) }), { name: "register" });
  };

  /** Reads come from a copy, which is told by somebody what was written. */
  const copied = (system: System): Ref<Register> => {
    let value = 0;
    const copy = system.spawn(() => ({ read: () => value, set: (to: number) => void (value = to) }), { name: "copy" });
    const post = system.spawn((self) => ({ pass: (to: number) => self.tell(copy).set(to) }), { name: "post" });
    const front = (self: Self): Register => ({
      read: () => self.ask(copy).read(),
      write: (to) => self.tell(post).pass(to),
    });
    return system.spawn(front, { name: "register" });
  };

  const judged = (make: (system: System) => Ref<Register>) =>
    explore(
      { calls: operations<Register>({ read: undefined, write: fc.integer({ min: 1, max: 9 }) }, { most: 8 }) },
      async ({ system, now }, { calls }) => {
        const seen = recorder<RegisterInput<number>, RegisterOutput<number>>(now);
        await perform(system, make(system), calls, seen);
        expect(seen.history).toHaveLength(calls.length);
        const verdict = linearizable(seen.history, register(0));
        if (verdict.ok !== true) throw new Error(`the register is linearizable: ${verdict.text}`);
      },
      { schedules: 50 },
    );

  test("are linearizable for a register that is one actor", async () => {
    await fc.assert(judged(one), { seed: 1, numRuns: 8 });
  });

  test("are not for one that reads from a copy, which a write and a read after it show", async () => {
    const property = judged(copied);
    const error = await failure(property);
    expect(error.message).toMatch(/^the register is linearizable: /);
    const { calls } = error.played.inputs;
    expect(calls.map(({ type }) => type).sort()).toEqual(["read", "write"]);
    expect(calls.find(({ type }) => type === "write")!.payload).toBe(1);
    expect(await property.replay(error.token!)).toMatchObject({ outcome: "failing" });
  });
});
