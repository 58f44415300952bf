import { InvalidOption, type Message, type Ref, Refusal, receive, type Self, settle } from "antiphon";
import { crash, restart, simulate } from "antiphon/sim";
import { conformance, conserved, explore, type Subject } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BatcherOptions, batcher } from "../../src/actors/batcher.ts";
import { live, sim } from "../conformance/world.ts";

class Bad extends Refusal {
  readonly _tag = "Bad";
}

interface Store {
  save(rows: readonly string[]): Promise<(number | Bad)[]>;
  note(rows: readonly string[]): void;
  short(rows: readonly string[]): number[];
}

const store =
  (log: string[], ms = 0) =>
  (self: Self): Store => {
    let count = 0;
    return {
      async save(rows) {
        log.push(`${self.now()}: ${rows.join(" ")}`);
        if (ms > 0) await self.sleep(ms);
        if (rows.includes("crash")) throw new Error("planted");
        return rows.map((row) => (row === "bad" ? new Bad() : ++count));
      },
      note: (rows) => void log.push(`note ${rows.join(" ")}`),
      short: () => [1],
    };
  };

describe("batcher", () => {
  /** Does one after the other what comes in a list. */
  const unpacking =
    (inner: Ref<Subject>) =>
    (self: Self): { [receive](m: Message): unknown } => ({
      async [receive](m) {
        const answers: unknown[] = [];
        for (const payload of m.payload as unknown[]) {
          const ask = self.ask(inner, { within: m.type === "slow" ? "1h" : "30s" }) as unknown as Record<
            string,
            (payload: unknown) => Promise<unknown>
          >;
          const end = await settle(ask[m.type]!(payload) as never);
          if (!end.ok && (end.error as Error).name === "ActorCrashed") throw end.error;
          answers.push(end.ok ? end.value : end.error);
        }
        return answers;
      },
    });
  const wrap = (inner: Ref<Subject>) => (self: Self) =>
    batcher(self.spawn(unpacking(inner), { name: "unpack", concurrency: 100 }) as Ref<unknown>, {
      within: 5,
      inFlight: 100,
    })(self);
  // The inner actor gets lists: they have no single id, key or asker.
  const otherwise = [
    "keeps id, key and attempt",
    "lets go of an ask that is given up, and goes on",
    // Here all answers come with the last of them: at the instant of the stop they are on their way.
    "stops with its system, when its work is done",
  ];
  test.each(conformance(wrap as never, { order: false }).filter(({ name }) => !otherwise.includes(name)))(
    "before an actor that takes lists: $name",
    ({ run }) => run(),
  );

  test.each([live, sim].map((each) => [each.name, each] as const))(
    "[P12 %s] sends items as lists, and gives each asker its answer",
    (_, world) =>
      world.run(async ({ system, idle, conserve }) => {
        const log: string[] = [];
        const rows = (options: BatcherOptions) => system.spawn(batcher(system.spawn(store(log)), options));
        // No list of these three depends on how long anything takes.
        const [full, soon] = [rows({ size: 3, within: "1h" }), rows({ within: 1 })];
        const asks = ["a", "bad", "c", "d", "e", "f"].map((row) => settle(system.ask(full).save(row)));
        for (const note of ["n", "o", "p"]) system.tell(full).note(note);
        const ends = (await Promise.all(asks)).map((end) => (end.ok ? end.value : end.error._tag));
        expect(ends).toEqual([1, "Bad", 2, 3, 4, 5]);
        await settle(system.ask(soon).note("q"));
        await idle();
        expect(log.map((one) => one.replace(/^[\d.]+: /, "")).sort()).toEqual([
          "a bad c",
          "d e f",
          "note n o p",
          "note q",
        ]);
        conserve();
      }),
  );
});

describe("batcher in virtual time", () => {
  const play = async (options: BatcherOptions, ms: number, gaps: readonly number[]) => {
    const log: string[] = [];
    await simulate({}, async ({ system, run }) => {
      const rows = system.spawn(batcher(system.spawn(store(log, ms), { concurrency: 2 }), options));
      for (const [n, gap] of gaps.entries()) {
        await run(gap);
        system.tell(rows).save(String.fromCharCode(97 + n));
      }
      await run("1m");
    });
    return log;
  };

  test("sends a list when it is full, or its first item has waited long enough", async () => {
    expect(await play({ size: 3, within: 10 }, 0, [0, 0, 0, 4, 4, 4, 20])).toEqual(["0: a b c", "12: d e f", "42: g"]);
    expect(await play({ size: 100, within: 10 }, 0, [0, 4, 4, 4])).toEqual(["10: a b c", "22: d"]);
    expect(await play({ size: 2, within: 0 }, 0, [0, 5])).toEqual(["0: a", "5: b"]);
  });

  test("bounds a list by bytes; what is larger goes alone", async () => {
    const bytes = { max: 4, of: (row: string) => (row === "c" ? 9 : 2) };
    expect(await play({ size: 100, within: 10, bytes }, 0, [0, 0, 1, 0, 0])).toEqual(["0: a b", "1: c", "1: d e"]);
  });

  test("has so many lists in flight, and collects meanwhile", async () => {
    expect(await play({ size: 2, within: 1 }, 100, [0, 0, 0, 0, 0])).toEqual(["0: a b", "100: c d", "200: e"]);
    expect(await play({ size: 2, within: 1, inFlight: 2 }, 100, [0, 0, 0, 0, 0])).toEqual([
      "0: a b",
      "0: c d",
      "100: e",
    ]);
  });

  test("turns away what is beyond its capacity, and settles an offer when it is sent", () =>
    simulate({}, async ({ system, now }) => {
      const rows = system.spawn(batcher(system.spawn(store([], 100)), { size: 1, within: 0, capacity: 2 }));
      const at: number[] = [];
      const first = system.offer(rows).save("a");
      await first;
      const offers = ["b", "c"].map((row) =>
        system
          .offer(rows)
          .save(row)
          .then(() => at.push(now())),
      );
      expect(await settle(system.ask(rows).save("d"))).toMatchObject({
        error: { _tag: "MailboxFull", outcome: "not-started" },
      });
      await Promise.all(offers);
      expect(at).toEqual([100, 200]);
    }));

  test("leaves out who has given up, and asks with the latest deadline", () =>
    simulate({}, async ({ system, run, now }) => {
      const log: string[] = [];
      const hang = (self: Self): Store => ({ ...store(log)(self), save: () => self.sleep("1h") as never });
      const rows = system.spawn(batcher(system.spawn(store(log)), { within: 100 }));
      const control = new AbortController();
      const left = settle(system.ask(rows, { signal: control.signal }).save("left"));
      const late = settle(system.ask(rows, { within: 50 }).save("late"));
      const stays = system.ask(rows).save("stays");
      await run(10);
      control.abort();
      expect([(await left).ok, (await late).ok, await stays]).toEqual([false, false, 1]);
      expect(log).toEqual(["100: stays"]);
      const hanging = system.spawn(batcher(system.spawn(hang), { within: 0 }));
      const from = now();
      const ends = [200, 300].map((within) => settle(system.ask(hanging, { within }).save("x")));
      expect((await Promise.all(ends)).map((end) => (end.ok ? "" : end.error._tag))).toEqual([
        "AskTimeout",
        "AskTimeout",
      ]);
      expect(now() - from).toBe(300);
    }));

  test("brings to its end what it has when its system stops", () =>
    simulate({}, async ({ system, run }) => {
      const log: string[] = [];
      const rows = system.spawn(batcher(system.spawn(store(log, 100)), { within: 50 }));
      const asks = ["a", "b"].map((row) => system.ask(rows).save(row));
      system.tell(rows).note("c");
      await run(10);
      const { left } = await system.stop({ drain: "10s" });
      expect(left).toEqual([]);
      expect(await Promise.all(asks)).toEqual([1, 2]);
      expect(log).toEqual(["50: a b", "note c"]);
    }));

  test("gives a failure to all of its list, and goes on", () =>
    simulate({ faults: [restart("/rows", { at: "10s" })] }, async ({ system, run, now }) => {
      const log: string[] = [];
      const inner = system.spawn(store(log, 1));
      const rows = system.spawn(batcher(inner), { name: "rows" });
      const ends = await Promise.all(["a", "crash"].map((row) => settle(system.ask(rows).save(row))));
      expect(ends).toMatchObject([{ error: { _tag: "ActorCrashed" } }, { error: { _tag: "ActorCrashed" } }]);
      const wrong = await Promise.all(["a", "b"].map((row) => settle(system.ask(rows).short(row))));
      expect(wrong).toMatchObject([{ error: { _tag: "WrongBatch" } }, { error: { _tag: "WrongBatch" } }]);
      expect(await system.ask(rows).short("a")).toBe(1);
      await run(9_995 - now());
      const cut = settle(system.ask(rows, { within: "1h" }).save("b"));
      expect(await cut).toMatchObject({ error: { _tag: "ActorRestarted" } });
      expect((await settle(system.ask(rows).save("c"))).ok).toBe(true);
    }));

  test(
    "in every order, each item is saved once, in its order, and each asker has an end",
    () =>
      fc.assert(
        explore(
          {
            counts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
            size: fc.integer({ min: 1, max: 4 }),
            inFlight: fc.integer({ min: 1, max: 2 }),
          },
          async ({ system, runUntilIdle }, { counts, size, inFlight }) => {
            const saved: string[] = [];
            const inner = system.spawn(
              () => ({
                save(rows: readonly string[]) {
                  if (rows.length > size) throw new Error("too long");
                  saved.push(...rows);
                  return rows.map((row) => `ok ${row}`);
                },
              }),
              { name: "store" },
            );
            const rows = system.spawn(batcher(inner, { size, inFlight, within: 5 }), { name: "rows" });
            let wrong = "";
            let ends = 0;
            counts.forEach((count, by) => {
              const client = (self: Self) => ({
                go() {
                  for (let n = 0; n < count; n++) {
                    const row = `${by} ${n}`;
                    const end = (value: unknown) => {
                      ends++;
                      if (value !== `ok ${row}` && !(value instanceof Error)) wrong = `${row} got ${value}`;
                    };
                    self.pipeToSelf(self.ask(rows, { within: "1h" }).save(row), end, end);
                  }
                },
              });
              system.tell(system.spawn(client, { name: `client-${by}` })).go();
            });
            await runUntilIdle();
            const sent = counts.reduce((sum, count) => sum + count, 0);
            if (wrong !== "") throw new Error(wrong);
            if (ends !== sent) throw new Error(`${ends} ends of ${sent}`);
            if (new Set(saved).size !== saved.length) throw new Error(`twice: ${saved}`);
            counts.forEach((_, by) => {
              const own = saved.filter((row) => row.startsWith(`${by} `));
              if (`${own}` !== `${[...own].sort()}`) throw new Error(`overtaken: ${own}`);
            });
            if (!conserved(system).ok) throw new Error("the books do not balance");
          },
          { schedules: 40, faults: [crash("/store", { at: 5 })] },
        ),
        { seed: 7, numRuns: 12 },
      ),
    60_000,
  );

  test.each<[string, object]>([
    ["size", { size: 0 }],
    ["within", { within: -1 }],
    ["bytes.max", { bytes: { max: 0, of: () => 1 } }],
    ["bytes.of", { bytes: { max: 1 } }],
    ["bytes.most", { bytes: { max: 1, of: () => 1, most: 1 } }],
    ["inFlight", { inFlight: 0 }],
    ["capacity", { capacity: 0 }],
    ["max", { max: 1 }],
  ])("refuses a wrong %s", (option, options) => {
    const inner = { path: "/inner" } as Ref<Store>;
    expect(() => batcher(inner, options)).toThrow(InvalidOption);
    expect(() => batcher(inner, options)).toThrow(new RegExp(`^${option}: found`));
    expect(() => batcher("/x" as never)).toThrow(/^inner: found/);
  });
});
