import { readFileSync } from "node:fs";
// #region property
import { explore, operations, perform } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Cart, careful, type Orders } from "../docs/cart.ts";

const calls = operations<Cart>({ add: fc.constantFrom("mug", "pan"), checkout: undefined });
const property = (cart: typeof careful) =>
  explore({ calls }, async ({ system, runUntilIdle }, { calls }) => {
    const ordered: string[] = [];
    const place: Orders["place"] = ({ items }) => void ordered.push(...items);
    const orders = system.spawn(() => ({ place }), { name: "orders" });
    const shop = system.spawn((self) => cart(self, orders), { name: "cart" });
    await perform(system, shop, calls);
    await runUntilIdle();
    const added = calls.filter(({ type }) => type === "add").map(({ payload }) => payload);
    expect([...ordered, ...(await system.ask(shop).items())].sort()).toEqual(added.sort());
  });

test("what was added to a cart is in it or ordered, once", () => fc.assert(property(careful), { numRuns: 5 }));
// #endregion

describe("the test of a cart", () => {
  test("has 25 lines at most, from its imports to its last bracket", () => {
    const text = readFileSync("test/testing/cart.test.ts", "utf8");
    const lines = (/\/\/ #region property\n(.*?)\n\/\/ #endregion/s.exec(text)?.[1] ?? "").split("\n");
    expect(lines[0]).toMatch(/^import /);
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.length).toBeLessThanOrEqual(25);
  });

  test("finds what is wrong with another cart", async () => {
    const forgetful: typeof careful = (self, orders) => {
      let items: string[] = [];
      return {
        ...careful(self, orders),
        add: (item) => void items.push(item),
        checkout() {
          self.tell(orders).place({ items, cart: self.ref });
          self.tell(self.ref).placed();
        },
        placed() {
          items = [];
        },
        items: () => items,
      };
    };
    await expect(fc.assert(property(forgetful), { seed: 1 })).rejects.toThrow(/^Property failed after/);
  });
});
