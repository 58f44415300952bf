import { createSystem, type Self } from "antiphon";
import { draws, exponential, lognormal, summary } from "antiphon/lab";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyed } from "../../src/runtime/kernel/random.ts";

const self = { random: (key: string | number = "") => keyed(7, "/payment", key) };

describe("draws", () => {
  test("depend on the key and the count, and on nothing before", () => {
    const once = draws(self, "o1");
    const [first, second] = [once(), once()];
    draws(self, "o2")();
    const again = draws(self, "o1");
    expect([again(), again()]).toEqual([first, second]);
    const other = draws(self, "o2");
    expect([other(), other()]).not.toEqual([first, second]);
  });

  test("of many orders make a lognormal with its mean", () => {
    const time = lognormal({ mean: 120, cv: 0.5 });
    const drawn = Array.from({ length: 200_000 }, (_, order) => time(draws(self, `o${order}`)));
    // Four standard errors: cv/√200,000 each.
    expect(Math.abs(summary(drawn).mean / 120 - 1)).toBeLessThan(4 * (0.5 / Math.sqrt(200_000)));
  });

  test("give an order the same work in two designs that see the orders differently", async () => {
    const orders = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 });
    const twoDesigns = orders.chain((list) =>
      fc.tuple(
        fc.shuffledSubarray(list, { minLength: list.length }),
        fc.shuffledSubarray(list, { minLength: list.length }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(twoDesigns, fc.nat(), async ([one, other], seed) => {
        // The second design draws more often, and for others in between.
        const [first, second] = [await work(seed, one, 0), await work(seed, other, 3)];
        expect(new Map(first)).toEqual(new Map(second));
        expect(new Map(first).size).toBe(one.length);
      }),
      { seed: 1, numRuns: 50 },
    );
  });
});

/** What a payment service draws for each order; and it draws `idle` times from its own stream before each. */
async function work(seed: number, orders: readonly string[], idle: number): Promise<[string, number[]][]> {
  await using system = createSystem({ seed, report: false });
  const payment = system.spawn(
    (self: Self) => ({
      pay(order: string): [string, number[]] {
        for (let draw = 0; draw < idle; draw++) self.random();
        const random = draws(self, order);
        const workMs = lognormal({ mean: 120, cv: 0.5 })(random);
        if (idle > 0) draws(self, `${order} again`)();
        return [order, [workMs, exponential({ mean: 10 })(random), random()]];
      },
    }),
    { name: "payment" },
  );
  return await Promise.all(orders.map((order) => system.ask(payment).pay(order)));
}
