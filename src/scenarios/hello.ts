// The program of the README: one call that needs its answer, and one that does not.

// #region program
import { createSystem, type Ref, Refusal, type Self, settle } from "antiphon";

class OutOfStock extends Refusal {
  readonly _tag = "OutOfStock";
}

class Inventory {
  #left = 1;
  reserve(sku: string) {
    return this.#left > 0 ? { sku, left: --this.#left } : new OutOfStock(`no ${sku} left`);
  }
}

const email = (self: Self) => ({
  async send(text: string) {
    await self.sleep("200ms");
    console.log(`email: ${text}`);
  },
});

const checkout = (self: Self, stock: Ref<Inventory>, mail: Ref<ReturnType<typeof email>>) => ({
  async buy(sku: string) {
    const { left } = await self.ask(stock, { within: "100ms" }).reserve(sku); // needs the answer: wait
    self.tell(mail).send(`your ${sku} is on its way`); // does not: go on
    return `bought a ${sku}, ${left} left`;
  },
});

const system = createSystem();
const stock = system.spawn(() => new Inventory(), { name: "stock" });
const mail = system.spawn(email, { name: "mail" });
const shop = system.spawn((self) => checkout(self, stock, mail), { name: "shop", concurrency: 100 });

for (const sku of ["mug", "mug"]) {
  const sale = await settle(system.ask(shop).buy(sku));
  console.log(sale.ok ? sale.value : `refused: ${sale.error.message}`);
}
await system.stop({ drain: "1s" }); // lets the email go out
// #endregion
