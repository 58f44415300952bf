// #region test
import { assertExplored, storedPlans } from "antiphon/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { careful, cart, shopping } from "./cart.ts";

test("what was added to a cart is in it or ordered, once", async () => {
  await assertExplored(shopping(careful), { numRuns: 20 });
});

test.each(storedPlans<{ calls: [] }>("test/plans/cart"))("the cart stands $name", async (plan) => {
  expect(await shopping(careful).replay(plan)).toMatchObject({ outcome: "passing", gone: [] });
});
// #endregion

test("the cart of before loses an item", async () => {
  await expect(fc.assert(shopping(cart), { seed: 7 })).rejects.toThrow(/1 pair|antiphon1:/);
  const [plan] = storedPlans<{ calls: [] }>("test/plans/cart");
  expect(plan).toBeDefined();
  expect(await shopping(cart).replay(plan as NonNullable<typeof plan>)).toMatchObject({ outcome: "failing", gone: [] });
});

test("the property is at most 25 lines", async () => {
  const { readFileSync } = await import("node:fs");
  const [, region = ""] =
    /#region property\n([\s\S]*?)\/\/ #endregion/.exec(readFileSync("test/docs/cart.ts", "utf8")) ?? [];
  const lines = region
    .trimEnd()
    .split("\n")
    .filter((line) => line.trim() !== "");
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.length).toBeLessThanOrEqual(25);
});
