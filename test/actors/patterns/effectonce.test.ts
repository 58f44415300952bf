import { type Ref, Refusal, type Self, type System } from "antiphon";
import { deadLetters, inspect, queue, read, store } from "antiphon/broker";
import { effectOnce } from "antiphon/patterns";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { everywhere, insist, type Play, supervision } from "./everywhere.ts";

class Negative extends Refusal {
  readonly _tag = "Negative";
}

interface Account {
  add(n: number): unknown;
}

const spawned = (system: System, options: Parameters<typeof store>[0] = {}) => {
  const shared = system.spawn(store(options), { name: "store", supervision });
  const audit: Ref<Account> = system.spawn(
    queue(() => ({ add() {} }), { store: shared }),
    { name: "audit" },
  );
  const account = effectOnce(shared, (self: Self) => ({
    async add(n: number) {
      if (n < 0) return new Negative("no");
      const sum = ((await read(self, shared, "sum")) as number | undefined) ?? 0;
      await self.sleep(1);
      return { state: { sum: sum + n }, publish: [{ to: audit, type: "add", payload: n, id: self.message?.id ?? "" }] };
    },
  }));
  const settings = { store: shared, backoff: "5ms", maxAttempts: 20 } as const;
  return { shared, audit, account: system.spawn(queue(account, settings), { name: "account", supervision }) };
};

async function totals(system: System, { shared, audit }: ReturnType<typeof spawned>) {
  const { acked } = (await inspect(system, audit)).topics[0]!.subscriptions[0]!;
  return { sum: await read(system, shared, "sum"), audited: acked };
}

describe("effectOnce", () => {
  test("has the effect of the first of equal messages, and none of a refused one", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const made = spawned(system);
      await inspect(system, made.audit);
      for (const id of ["a", "b", "a"]) await system.offer(made.account, { id }).add(5);
      await system.offer(made.account, { id: "c" }).add(-1);
      await runUntilIdle();
      expect(await totals(system, made)).toEqual({ sum: 10, audited: 2 });
      expect(await deadLetters(system, made.account)).toMatchObject([{ id: "c", reason: "rejected" }]);
    }).then(() => {}));

  test("gives the messages of its object, with their state, and no others", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const shared = system.spawn(store(), { name: "store" });
      let disposed = 0;
      class Counter {
        #n = 0;
        next() {
          return { state: { n: ++this.#n } };
        }
        [Symbol.dispose]() {
          disposed++;
        }
      }
      const counter = system.spawn(
        queue(
          effectOnce(shared, () => new Counter()),
          { store: shared },
        ),
        { name: "q" },
      );
      system.tell(counter).next();
      system.tell(counter).next();
      await runUntilIdle();
      expect(await read(system, shared, "n")).toBe(2);
      await system.stop();
      expect(disposed).toBe(1);
    }).then(() => {}));

  test("[C3 sim] has it once, with duplicates, whatever breaks after whichever event", async () => {
    const make = (): Play<ReturnType<typeof spawned>> => ({
      boot: spawned,
      act: (world) =>
        Promise.all(
          ["a", "b", "a"].map((id, i) =>
            insist(world, () => world.system.offer(world.booted.account, { id }).add(i === 1 ? 7 : 5)),
          ),
        ),
      async look({ system, booted }) {
        expect(await totals(system, booted)).toEqual({ sum: 12, audited: 2 });
      },
    });
    const runs = await everywhere(["/store", "/account", "/account/consumer", "/audit"], make);
    expect(runs).toBeGreaterThan(100);
  }, 120_000);
});
