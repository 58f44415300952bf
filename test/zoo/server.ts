// Clients withdraw from an account at a server, which grants what leaves the minimum balance.
// Bug: `>` for `>=`: the withdrawal that leaves exactly the minimum is refused. A control: the withdrawals add up to that,
// so that the last one fails in every order. Fix: `>=`.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

const openingBalance = 100;
const balanceMin = 10;

interface Withdrawal {
  readonly client: string;
  readonly amount: number;
}

const bank = (variant: Variant) => {
  let balance = openingBalance;
  return {
    withdraw(amount: number) {
      const left = balance - amount;
      const isGranted = variant === "buggy" ? left > balanceMin : left >= balanceMin;
      if (isGranted) balance = left;
      return { isGranted, balance };
    },
  };
};

const client = (self: Self, account: Ref<ReturnType<typeof bank>>, refused: string[]) => ({
  async withdraw(amount: number) {
    const { isGranted, balance } = await self.ask(account, { within: Infinity }).withdraw(amount);
    if (!isGranted && balance - amount >= balanceMin) refused.push(`${amount} of ${balance}`);
  },
});

export const server: Protocol<Withdrawal> = {
  name: "server",
  source: "Client-server of the tutorial of P, tcAbstractServer",
  depth: 0,
  published: "within 1,000 runs (tutorial of P)",
  time: "windows",
  operations: [
    { client: "ann", amount: 20 },
    { client: "bo", amount: 30 },
    { client: "ann", amount: 40 },
  ],
  async play({ system, runUntilIdle }, variant, operations) {
    const account = system.spawn(() => bank(variant), { name: "server" });
    const refused = new Map<string, string[]>();
    for (const { client: name } of operations) refused.set(name, []);
    const clients = new Map(
      [...refused].map(([name, list]) => [name, system.spawn((self) => client(self, account, list), { name })]),
    );
    for (const { client: name, amount } of operations) system.tell(clients.get(name)!).withdraw(amount);
    await runUntilIdle();
    for (const [name, list] of refused)
      if (list.length > 0)
        throw new Error(`a withdrawal that leaves the minimum balance is granted: ${name} was refused ${list.join()}`);
  },
};
