// What docs/simulation.md quotes and runs.

// #region faults
import { type Ref, type Self, settle } from "antiphon";
import { idempotent } from "antiphon/actors";
import { crash, drop, simulate } from "antiphon/sim";

class Till {
  #sum = 0;
  pay(amount: number) {
    this.#sum += amount;
    return this.#sum;
  }
}

/** Asks again until it is answered: the same id, so that the till may know. */
const client = (self: Self, till: Ref<Till>) => ({
  async buy(order: string) {
    for (let attempt = 1; ; attempt++) {
      const paid = await settle(self.ask(till, { id: order, attempt, within: "1s" }).pay(5));
      if (paid.ok) return { paid: paid.value, attempts: attempt };
    }
  },
});

const { value, faults } = await simulate(
  {
    seed: 7,
    latency: { "/client>/till": "20ms", "/till>/client": { min: "10ms", max: "40ms" } },
    faults: [drop("/till>/client", { first: 1 }), crash("/till", { at: "30s" })],
  },
  async ({ system, run }) => {
    const till = system.spawn(
      idempotent(() => new Till(), { window: "1h" }),
      { name: "till" },
    );
    const buyer = system.spawn((self) => client(self, till), { name: "client" });
    const first = await system.ask(buyer).buy("o1");
    await run("1m");
    return [first, await system.ask(buyer).buy("o2")];
  },
);

console.log(value);
console.log(faults.map(({ fault, struck }) => `${fault.kind} struck ${struck}`).join(", "));
// #endregion
