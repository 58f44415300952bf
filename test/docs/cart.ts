// The story of docs/testing.md: a cart, and what is true of it in every order.

import type { Ref, Self } from "antiphon";
import { type Call, type Exploration, explore, operations, perform } from "antiphon/testing";
import fc from "fast-check";

// #region cart
export interface Orders {
  place(order: { items: readonly string[]; cart: Ref<Cart> }): void;
}

export interface Cart {
  add(item: string): void;
  checkout(): void;
  placed(): void;
  items(): readonly string[];
}

export const cart = (self: Self<Cart>, orders: Ref<Orders>): Cart => {
  let items: string[] = [];
  return {
    add: (item) => void items.push(item),
    checkout() {
      if (items.length > 0) self.tell(orders).place({ items: [...items], cart: self.ref });
    },
    placed() {
      items = [];
    },
    items: () => [...items],
  };
};
// #endregion

// #region fixed
export const careful = (self: Self<Cart>, orders: Ref<Orders>): Cart => {
  let items: string[] = [];
  return {
    add: (item) => void items.push(item),
    checkout() {
      if (items.length > 0) self.tell(orders).place({ items, cart: self.ref });
      items = [];
    },
    placed() {},
    items: () => [...items],
  };
};
// #endregion

type Shop = (self: Self<Cart>, orders: Ref<Orders>) => Cart;

/** The property of either cart. */
export function shopping(cart: Shop): Exploration<{ calls: Call[] }> {
  // #region property
  const calls = operations<Cart>({ add: fc.constantFrom("mug", "pan", "pot"), checkout: undefined });

  return explore({ calls }, async ({ system, runUntilIdle, sometimes }, { calls }) => {
    const ordered: string[] = [];
    const orders = system.spawn(
      (self: Self): Orders => ({
        place({ items, cart }) {
          ordered.push(...items);
          self.tell(cart).placed();
        },
      }),
      { name: "orders" },
    );
    const shop = system.spawn((self) => cart(self, orders), { name: "cart" });

    await perform(system, shop, calls);
    await runUntilIdle();

    if (ordered.length > 0) sometimes("something is ordered");
    const added = calls.filter(({ type }) => type === "add").map(({ payload }) => payload);
    const found = [...ordered, ...(await system.ask(shop).items())];
    if (`${found.sort()}` !== `${added.sort()}`)
      throw new Error(`what was added is in the cart or ordered, once: ${added} were added, ${found} found`);
  });
  // #endregion
}
