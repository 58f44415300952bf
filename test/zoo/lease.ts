// A lock that is lent: its holder writes to a storage and gives it back, or loses it when the lease runs out.
// Bug: the storage takes every write, also one that was sent under a lease which another holder has followed by now.
// Fix: each lease has a fencing token, and the storage refuses a write whose token is older than one that it has seen.

import type { Ref, Self, Timer } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

interface Work {
  readonly client: string;
}

/** What the holder of a lease does is known by its token. */
interface Held {
  readonly client: string;
  readonly token: number;
}

interface Client {
  work(): void;
  granted(token: number): void;
  written(token: number): void;
}

interface Lock {
  acquire(client: string): void;
  release(token: number): void;
}

interface Storage {
  write(write: Held): void;
}

type Clients = ReadonlyMap<string, Ref<Client>>;

const client = (self: Self, client: string, lock: Ref<Lock>, storage: Ref<Storage>): Client => ({
  work() {
    self.tell(lock).acquire(client);
  },
  granted(token) {
    self.tell(storage).write({ client, token });
  },
  written(token) {
    self.tell(lock).release(token);
  },
});

const lock = (self: Self, clients: Clients): Lock => {
  const waiting: string[] = [];
  let holds: { token: number; lease: Timer } | undefined;
  let tokens = 0;
  const grant = () => {
    const next = waiting.shift();
    if (next === undefined) return;
    const token = ++tokens;
    self.tell(clients.get(next)!).granted(token);
    holds = { token, lease: self.after("1s", () => release(token), "lease") };
  };
  const release = (token: number) => {
    if (holds?.token !== token) return;
    holds.lease.cancel();
    holds = undefined;
    grant();
  };
  return {
    acquire(client) {
      waiting.push(client);
      if (holds === undefined) grant();
    },
    release,
  };
};

const storage = (self: Self, clients: Clients, variant: Variant, wrote: (by: Held) => void): Storage => {
  let newest = 0;
  return {
    write(by) {
      if (variant === "fixed" && by.token < newest) return;
      newest = by.token;
      wrote(by);
      self.tell(clients.get(by.client)!).written(by.token);
    },
  };
};

export const lease: Protocol<Work> = {
  name: "lease",
  source: "own, after M. Kleppmann, How to do distributed locking (2016)",
  depth: 1,
  time: "async",
  operations: [{ client: "ann" }, { client: "bob" }],
  async play({ system, runUntilIdle }, variant, operations) {
    const writes: Held[] = [];
    const clients = new Map<string, Ref<Client>>();
    const leases = system.spawn((self) => lock(self, clients), { name: "lock" });
    const stores = system.spawn((self) => storage(self, clients, variant, (by) => writes.push(by)), {
      name: "storage",
    });
    for (const { client: name } of operations)
      clients.set(
        name,
        system.spawn((self) => client(self, name, leases, stores), { name }),
      );
    for (const { client } of operations) system.tell(clients.get(client)!).work();
    await runUntilIdle();
    const late = writes.find(({ token }, i) => token < (writes[i - 1]?.token ?? 0));
    if (late !== undefined)
      throw new Error(
        `a lost lease writes nothing over its successor's: ${late.client} wrote with token ${late.token}`,
      );
  },
};
