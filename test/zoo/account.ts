// A stored account that clients change by reading it, adding their deposit and writing the sum back.
// Bug: the store takes every write, also one that was computed from a balance which is no longer there.
// Fix: it compares the ETag that the balance was read with; who comes too late is told so, and reads again.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

interface Deposit {
  readonly client: string;
  readonly amount: number;
  /** Turns that the client lets pass before: in the base order one client follows the other. */
  readonly turns: number;
}

interface Entry {
  readonly balance: number;
  readonly etag: number;
}

interface Client {
  deposit(deposit: Deposit): void;
  found(entry: Entry): void;
  conflict(): void;
}

interface Store {
  read(client: string): void;
  write(entry: Entry & { readonly client: string }): void;
}

const client = (self: Self<Client>, client: string, store: Ref<Store>): Client => {
  let amount = 0;
  return {
    deposit(deposit) {
      ({ amount } = deposit);
      if (deposit.turns > 0) self.tell(self.ref).deposit({ ...deposit, turns: deposit.turns - 1 });
      else self.tell(store).read(client);
    },
    found({ balance, etag }) {
      self.tell(store).write({ client, balance: balance + amount, etag });
    },
    // As often as others succeed, at most.
    conflict() {
      self.tell(store).read(client);
    },
  };
};

const store = (
  self: Self,
  clients: ReadonlyMap<string, Ref<Client>>,
  variant: Variant,
  stored: (balance: number) => void,
): Store => {
  let entry: Entry = { balance: 0, etag: 0 };
  return {
    read(client) {
      self.tell(clients.get(client)!).found(entry);
    },
    write({ client, balance, etag }) {
      if (variant === "fixed" && etag !== entry.etag) {
        self.tell(clients.get(client)!).conflict();
        return;
      }
      entry = { balance, etag: entry.etag + 1 };
      stored(balance);
    },
  };
};

export const account: Protocol<Deposit> = {
  name: "account",
  source: "Account manager of Coyote's samples, without the check of the ETag",
  depth: 2,
  published: "11 % of runs, its like in CSCS (Nekara, ASE 2021)",
  time: "windows",
  operations: [
    { client: "ann", amount: 1, turns: 0 },
    { client: "bob", amount: 10, turns: 2 },
    { client: "cay", amount: 100, turns: 4 },
  ],
  async play({ system, runUntilIdle }, variant, operations) {
    let balance = 0;
    const clients = new Map<string, Ref<Client>>();
    const stored = (now: number) => {
      balance = now;
    };
    const entries = system.spawn((self) => store(self, clients, variant, stored), { name: "store" });
    for (const { client: name } of operations)
      clients.set(
        name,
        system.spawn((self) => client(self, name, entries), { name }),
      );
    for (const deposit of operations) system.tell(clients.get(deposit.client)!).deposit(deposit);
    await runUntilIdle();
    const sum = operations.reduce((total, { amount }) => total + amount, 0);
    if (balance !== sum) throw new Error(`no deposit is lost: ${sum} were deposited and ${balance} are there`);
  },
};
