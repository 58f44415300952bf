import { type Ref, Refusal, type Self, settle } from "antiphon";
import { idempotent } from "antiphon/actors";
import { drop, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { exactlyOnce } from "../../src/testing/effects.ts";

const effect = (id: string, effect: unknown = "done") => ({ id, effect });
const reply = (id: string, reply: unknown) => ({ id, reply });

class Closed extends Refusal {
  readonly _tag = "Closed";
}
class Empty extends Refusal {
  readonly _tag = "Empty";
}

describe("exactlyOnce", () => {
  test("accepts one effect for each id, and replies that are equal, however many", () => {
    const effects = [effect("o1"), effect("o2")];
    const replies = [reply("o1", { paid: 5, items: [1] }), reply("o2", null), reply("o1", { items: [1], paid: 5 })];
    expect(exactlyOnce({ effects, replies })).toEqual({ ok: true, text: "Exactly once: 2 requests." });
    expect(exactlyOnce({ effects: [] })).toMatchObject({ ok: true });
  });

  test("finds an id with two effects, though they are equal", () => {
    const found = exactlyOnce({ effects: [effect("o1", 5), effect("o2", 1), effect("o1", 5)] });
    expect(found).toMatchObject({
      ok: false,
      repeated: [{ id: "o1", effects: [5, 5] }],
      missing: [],
      unrequested: [],
      contradicted: [],
    });
    expect(found.text).toBe(
      "Not exactly once, with one effect and equal replies for each request:\n  o1 has 2 effects: 5 and 5",
    );
  });

  test("finds a reply without an effect, and a request without one", () => {
    expect(exactlyOnce({ effects: [], replies: [reply("o1", "ok")] })).toMatchObject({ ok: false, missing: ["o1"] });
    const found = exactlyOnce({ effects: [effect("o1")], requested: ["o1", "o2"] });
    expect(found).toMatchObject({ ok: false, missing: ["o2"] });
    expect(found.text).toContain("\n  o2 has no effect");
  });

  test("finds an effect that nobody requested", () => {
    const found = exactlyOnce({ effects: [effect("o1"), effect("o9")], requested: new Set(["o1"]) });
    expect(found).toMatchObject({ ok: false, unrequested: ["o9"], missing: [] });
    expect(found.text).toContain("\n  o9 was not requested");
  });

  test("lets an unknown id have one effect or none, and not two", () => {
    const requested = ["o1", "o2"];
    for (const effects of [[effect("o1")], [effect("o1"), effect("o2")]])
      expect(exactlyOnce({ effects, requested, unknown: ["o2"] })).toMatchObject({ ok: true });
    expect(exactlyOnce({ effects: [effect("o1"), effect("o2")], requested: ["o1"], unknown: ["o2"] }).ok).toBe(true);
    const effects = [effect("o1"), effect("o2"), effect("o2")];
    expect(exactlyOnce({ effects, requested, unknown: ["o2"] })).toMatchObject({ ok: false, repeated: [{ id: "o2" }] });
  });

  test("finds replies to one id that differ", () => {
    const replies = [reply("o1", { paid: 5 }), reply("o1", { paid: 5 }), reply("o1", { paid: 10 })];
    const found = exactlyOnce({ effects: [effect("o1")], replies });
    expect(found).toMatchObject({ ok: false, contradicted: [{ id: "o1" }], repeated: [], missing: [] });
    expect(found.text).toContain("\n  o1 was told { paid: 5 } and { paid: 5 } and { paid: 10 }");
  });

  test("compares what is no plain data by identity, and refusals by their names", () => {
    const equal = (...replies: unknown[]) =>
      exactlyOnce({ effects: [effect("o1")], replies: replies.map((one) => reply("o1", one)) }).ok;
    const [one, other] = [new Date(0), new Date(0)];
    expect(equal(one, one)).toBe(true);
    expect(equal(one, other)).toBe(false);
    expect(equal(one, "1970")).toBe(false);
    expect(equal("1970", one)).toBe(false);
    expect(equal(new Closed("at 9"), new Closed("at 10"))).toBe(true);
    expect(equal(new Closed(), new Empty())).toBe(false);
    expect(equal(new Closed(), "Closed")).toBe(false);
    expect(equal("error Closed", new Closed())).toBe(false);
  });

  test("takes numbers for ids, and does not take them for texts", () => {
    expect(exactlyOnce<number | string, number, never>({ effects: [1, "1"].map((id) => ({ id, effect: 0 })) })).toEqual(
      { ok: true, text: "Exactly once: 2 requests." },
    );
  });
});

describe("exactlyOnce, of a till whose answers are lost", () => {
  const till = (self: Self, effects: { id: string; effect: number }[]) => ({
    pay(amount: number) {
      effects.push({ id: self.message!.id, effect: amount });
      return { receipt: effects.length };
    },
  });
  type Till = ReturnType<typeof till>;
  const buyer = (self: Self, to: Ref<Till>, replies: { id: string; reply: unknown }[]) => ({
    async buy(id: string) {
      for (let attempt = 1; attempt < 9; attempt++) {
        const paid = await settle(self.ask(to, { id, attempt, within: "1s" }).pay(5));
        if (paid.ok) return void replies.push({ id, reply: paid.value });
      }
    },
  });

  async function judged(isIdempotent: boolean) {
    const faults = [drop("/till>/buyer", { share: 0.5 })];
    const { value } = await simulate({ seed: 7, faults }, async ({ system, runUntilIdle }) => {
      const effects: { id: string; effect: number }[] = [];
      const replies: { id: string; reply: unknown }[] = [];
      const make = (self: Self) => till(self, effects);
      const to = system.spawn(isIdempotent ? idempotent(make, { window: "1h" }) : make, { name: "till" });
      const from = system.spawn((self: Self) => buyer(self, to, replies), { name: "buyer" });
      const requested = ["o1", "o2", "o3", "o4", "o5"];
      for (const id of requested) system.tell(from).buy(id);
      await runUntilIdle();
      expect(replies).toHaveLength(5);
      return exactlyOnce({ effects, replies, requested });
    });
    return value;
  }

  test("accepts one that is idempotent", async () => {
    expect(await judged(true)).toEqual({ ok: true, text: "Exactly once: 5 requests." });
  });

  test("names the orders that were paid twice at one that is not", async () => {
    const found = await judged(false);
    expect(found).toMatchObject({ ok: false, missing: [], unrequested: [], contradicted: [] });
    expect(found.text).toMatch(/\n {2}o\d has \d effects: 5 and 5/);
  });
});
