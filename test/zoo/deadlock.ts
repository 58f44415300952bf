// Two serial services that ask each other: sales has the stock reserve what is ordered, and the stock lets sales know
// what was delivered.
// Bug: each asks, so that an order and a delivery at the same time wait for each other; the kernel withdraws one (A7).
// Fix: the stock tells what was delivered, and needs no answer.

import { type Ref, type Self, settle } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

interface Errand {
  readonly client: string;
  readonly does: "order" | "deliver";
  /** Turns that the client lets pass before: in the base order one client follows the other. */
  readonly turns: number;
}

interface Client {
  run(errand: Errand): Promise<void>;
}

interface Sales {
  order(): Promise<void>;
  delivered(): void;
}

interface Stock {
  deliver(): Promise<void>;
  reserve(): void;
}

const sales = (self: Self, stock: () => Ref<Stock>): Sales => ({
  order: () => self.ask(stock()).reserve(),
  delivered() {},
});

const stock = (self: Self, sales: Ref<Sales>, variant: Variant): Stock => ({
  async deliver() {
    if (variant === "buggy") await self.ask(sales).delivered();
    else self.tell(sales).delivered();
  },
  reserve() {},
});

export const deadlock: Protocol<Errand> = {
  name: "deadlock",
  source: "own: two services that ask each other",
  depth: 2,
  time: "windows",
  operations: [
    { client: "ann", does: "order", turns: 0 },
    { client: "bob", does: "deliver", turns: 2 },
    { client: "cay", does: "order", turns: 4 },
  ],
  async play({ system, runUntilIdle }, variant, operations) {
    const cycles: string[] = [];
    let stocks: Ref<Stock>;
    const sells = system.spawn((self) => sales(self, () => stocks), { name: "sales" });
    stocks = system.spawn((self) => stock(self, sells, variant), { name: "stock" });
    const client = (self: Self<Client>): Client => ({
      async run(errand) {
        const { does, turns } = errand;
        if (turns > 0) {
          self.tell(self.ref).run({ ...errand, turns: turns - 1 });
          return;
        }
        const done = await settle(does === "order" ? self.ask(sells).order() : self.ask(stocks).deliver());
        if (!done.ok && done.error._tag === "WaitCycle") cycles.push(`${errand.client}'s ${does}`);
      },
    });
    for (const errand of operations) {
      const ref = system.spawn(client, { name: errand.client });
      system.tell(ref).run(errand);
    }
    await runUntilIdle();
    if (cycles.length > 0) throw new Error(`no ask waits for itself: ${cycles.join(" and ")}`);
  },
};
