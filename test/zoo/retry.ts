// A deposit that is told, and told again when its acknowledgement has not come in time.
// Bug: the account takes the second for another deposit when both arrive.
// Fix: it remembers the ids of the requests that it has seen, and acknowledges those again without doing them again.

import type { Ref, Self, Timer } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

interface Deposit {
  readonly client: string;
  readonly amount: number;
}

interface Client {
  deposit(amount: number): void;
  acknowledged(): void;
}

interface Account {
  deposit(deposit: Deposit & { readonly id: string }): void;
}

const attemptsMax = 2;

/** Makes one deposit. */
const client = (self: Self, client: string, account: Ref<Account>): Client => {
  let retry: Timer | undefined;
  const send = (amount: number, attempt: number) => {
    self.tell(account).deposit({ id: `${client}-1`, client, amount });
    if (attempt < attemptsMax) retry = self.after("1s", () => send(amount, attempt + 1), "retry");
  };
  return {
    deposit(amount) {
      send(amount, 1);
    },
    acknowledged() {
      retry?.cancel();
    },
  };
};

const account = (
  self: Self,
  clients: ReadonlyMap<string, Ref<Client>>,
  variant: Variant,
  deposited: (amount: number) => void,
): Account => {
  const seen = new Set<string>();
  return {
    deposit({ id, client, amount }) {
      if (variant === "buggy" || !seen.has(id)) deposited(amount);
      seen.add(id);
      self.tell(clients.get(client)!).acknowledged();
    },
  };
};

export const retry: Protocol<Deposit> = {
  name: "retry",
  source: "own: a retry without idempotence",
  depth: 1,
  time: "async",
  operations: [
    { client: "ann", amount: 1 },
    { client: "bob", amount: 10 },
  ],
  async play({ system, runUntilIdle }, variant, operations) {
    let balance = 0;
    const clients = new Map<string, Ref<Client>>();
    const deposited = (amount: number) => {
      balance += amount;
    };
    const accounts = system.spawn((self) => account(self, clients, variant, deposited), { name: "account" });
    for (const { client: name } of operations)
      clients.set(
        name,
        system.spawn((self) => client(self, name, accounts), { name }),
      );
    for (const { client, amount } of operations) system.tell(clients.get(client)!).deposit(amount);
    await runUntilIdle();
    const sum = operations.reduce((total, { amount }) => total + amount, 0);
    if (balance !== sum) throw new Error(`a deposit takes effect once: ${sum} were deposited and ${balance} are there`);
  },
};
