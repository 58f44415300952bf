import { InvalidOption, type Ref, type Self, type System } from "antiphon";
import { duplicate, reorder, type SimulateOptions, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { type Delivery, ordered } from "../../src/testing/order.ts";

const from = (from: string, to: string, ...seqs: number[]): Delivery[] => seqs.map((seq) => ({ from, to, seq }));

describe("ordered", () => {
  test("accepts what each sent to each in its order, whatever lies between, and gaps where messages were lost", () => {
    const [a, b, c] = [from("/a", "/x", 1, 2, 9), from("/b", "/x", 1, 5), from("/a", "/y", 1, 3)];
    expect(ordered([])).toEqual({ ok: true, text: "In order: 0 deliveries." });
    expect(ordered([a[0]!, b[0]!, c[0]!, a[1]!, c[1]!, b[1]!, a[2]!])).toEqual({
      ok: true,
      text: "In order: 7 deliveries.",
    });
  });

  test("says which message came after which", () => {
    const deliveries = from("/a", "/x", 1, 3, 4, 2, 5);
    expect(ordered([...deliveries, ...from("/b", "/x", 1)])).toEqual({
      ok: false,
      overtaken: [{ delivery: deliveries[3], after: deliveries[2] }],
      repeated: [],
      text: "Of 6 deliveries 1 were overtaken and 0 repeated:\n  /a>/x: 2 came after 4",
    });
  });

  test("says which message came again, wherever it comes, and apart from those that were overtaken", () => {
    const deliveries = from("/a", "/x", 1, 2, 2, 1, 4, 3, 3);
    expect(ordered(deliveries)).toEqual({
      ok: false,
      overtaken: [{ delivery: deliveries[5], after: deliveries[4] }],
      repeated: [deliveries[2], deliveries[3], deliveries[6]],
      text: [
        "Of 7 deliveries 1 were overtaken and 3 repeated:",
        "  /a>/x: 3 came after 4",
        "  /a>/x: 2 came again",
        "  /a>/x: 1 came again",
        "  /a>/x: 3 came again",
      ].join("\n"),
    });
  });

  test("lets messages come again where that is allowed, and still finds those that were overtaken", () => {
    expect(ordered(from("/a", "/x", 1, 2, 2, 1, 3), { allowRepeats: true })).toMatchObject({ ok: true });
    const found = ordered(from("/a", "/x", 2, 1, 1), { allowRepeats: true });
    expect(found).toMatchObject({ ok: false, overtaken: [{ delivery: { seq: 1 }, after: { seq: 2 } }] });
    expect(found.text).not.toContain("again");
  });

  test("shows the first ten of many", () => {
    const { text } = ordered(from("/a", "/x", ...Array.from({ length: 20 }, (_, at) => 20 - at)));
    expect(text.split("\n")).toHaveLength(12);
    expect(text).toMatch(/\n {2}and 9 more$/);
  });

  test("keeps what the log says beside", () => {
    const log = [
      { from: "/a", to: "/x", seq: 2, atMs: 5 },
      { from: "/a", to: "/x", seq: 1, atMs: 7 },
    ];
    const found = ordered(log);
    expect(found.ok || found.overtaken.map(({ delivery, after }) => [delivery.atMs, after.atMs])).toEqual([[7, 5]]);
  });

  test("takes any iterable, and refuses a number that is none", () => {
    expect(ordered(new Set(from("/a", "/x", 1, 2)))).toMatchObject({ ok: true });
    expect(() => ordered(from("/a", "/x", 1, Number.NaN))).toThrow(InvalidOption);
    expect(() => ordered(from("/a", "/x", 1, Number.NaN))).toThrow("deliveries[1].seq: found NaN");
  });
});

describe("ordered, of simulated actors", () => {
  interface Sink {
    put(seq: number): void;
  }
  const sink = (self: Self, log: Delivery[]) => ({
    put: (seq: number) => void log.push({ from: self.message!.sender!.path, to: self.path, seq }),
  });
  const source = (self: Self, sinks: readonly Ref<Sink>[]) => ({
    async go() {
      for (let seq = 1; seq <= 50; seq++) {
        for (const ref of sinks) self.tell(ref).put(seq);
        await self.sleep(self.random() * 4);
      }
    },
  });

  async function logged(options: SimulateOptions) {
    const { value } = await simulate(options, async ({ system, runUntilIdle }) => {
      const log: Delivery[] = [];
      const spawn = (system: System, name: string) => system.spawn((self: Self) => sink(self, log), { name });
      const sinks = ["x", "y"].map((name) => spawn(system, name));
      for (const name of ["a", "b"]) system.tell(system.spawn((self: Self) => source(self, sinks), { name })).go();
      await runUntilIdle();
      return log;
    });
    expect(value.length).toBeGreaterThan(199);
    return value;
  }

  test("accepts links with latency, of which each is first in, first out", async () => {
    const log = await logged({ latency: { "*>*": { min: 0, max: 20 } } });
    expect(ordered(log)).toEqual({ ok: true, text: "In order: 200 deliveries." });
  });

  test("finds what the fault reorder does, on its link alone", async () => {
    const found = ordered(await logged({ faults: [reorder("/a>/x", { share: 0.2, by: 20 })] }));
    expect(found.ok || found.overtaken.map(({ delivery: { from, to } }) => `${from}>${to}`)).toContain("/a>/x");
    expect(found.text).not.toMatch(/\/b>|>\/y|again/);
  });

  test("finds what the fault duplicate does, unless that is allowed", async () => {
    const log = await logged({ faults: [duplicate("/b>/y", { first: 2 })] });
    expect(ordered(log)).toMatchObject({ ok: false, overtaken: [], repeated: [{ seq: 1 }, { seq: 2 }] });
    expect(ordered(log, { allowRepeats: true })).toMatchObject({ ok: true });
  });
});
