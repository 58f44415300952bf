// A warm cache before a database: what it misses it fetches, and a feed of changes tells it what no longer holds.
// Bug: the invalidation of a value may overtake the fill that brings it; then the old value is stored for ever.
// Fix: values have versions, and a fill that is older than what the cache has heard of is not stored.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

/** A put if it has a value, else a get. */
interface Access {
  readonly client: string;
  readonly put?: number;
}

interface Row {
  readonly value: number;
  readonly version: number;
}

interface Client {
  access(access: Access): void;
  got(value: number): void;
}

interface Cache {
  get(client: string): void;
  fill(fill: Row & { readonly client: string }): void;
  invalidate(version: number): void;
}

interface Database {
  read(client: string): void;
  write(value: number): void;
}

interface Feed {
  changed(version: number): void;
}

const initial: Row = { value: 0, version: 0 };

const client = (self: Self, client: string, cache: Ref<Cache>, database: Ref<Database>): Client => ({
  access({ put }) {
    if (put === undefined) self.tell(cache).get(client);
    else self.tell(database).write(put);
  },
  got() {},
});

const cache = (
  self: Self,
  clients: ReadonlyMap<string, Ref<Client>>,
  database: () => Ref<Database>,
  variant: Variant,
  stores: (row: Row | undefined) => void,
): Cache => {
  let row: Row | undefined = initial;
  let newest = initial.version;
  const store = (next: Row | undefined) => {
    row = next;
    stores(next);
  };
  const answer = (client: string, value: number) => self.tell(clients.get(client)!).got(value);
  return {
    get(client) {
      if (row === undefined) self.tell(database()).read(client);
      else answer(client, row.value);
    },
    fill({ client, value, version }) {
      if (variant === "buggy" || version >= newest) store({ value, version });
      newest = Math.max(newest, version);
      answer(client, value);
    },
    invalidate(version) {
      if (row !== undefined && row.version < version) store(undefined);
      newest = Math.max(newest, version);
    },
  };
};

const database = (self: Self, cache: Ref<Cache>, feed: Ref<Feed>, written: (row: Row) => void): Database => {
  let row = initial;
  return {
    read(client) {
      self.tell(cache).fill({ ...row, client });
    },
    write(value) {
      row = { value, version: row.version + 1 };
      written(row);
      self.tell(feed).changed(row.version);
    },
  };
};

const feed = (self: Self, cache: Ref<Cache>): Feed => ({
  changed(version) {
    self.tell(cache).invalidate(version);
  },
});

export const stalefill: Protocol<Access> = {
  name: "stalefill",
  source: "own: a stale fill of a cache",
  depth: 3,
  time: "windows",
  operations: [{ client: "ann" }, { client: "bob", put: 1 }, { client: "cay" }, { client: "dan", put: 2 }],
  async play({ system, runUntilIdle }, variant, operations) {
    let cached: Row | undefined = initial;
    let current = initial;
    let rows: Ref<Database>;
    const clients = new Map<string, Ref<Client>>();
    const stores = (row: Row | undefined) => void (cached = row);
    const written = (row: Row) => void (current = row);
    const entries = system.spawn((self) => cache(self, clients, () => rows, variant, stores), { name: "cache" });
    const changes = system.spawn((self) => feed(self, entries), { name: "feed" });
    rows = system.spawn((self) => database(self, entries, changes, written), { name: "database" });
    for (const { client: name } of operations)
      clients.set(
        name,
        system.spawn((self) => client(self, name, entries, rows), { name }),
      );
    for (const access of operations) system.tell(clients.get(access.client)!).access(access);
    await runUntilIdle();
    if (cached !== undefined && cached.value !== current.value)
      throw new Error(`the cache is not stale for ever: it holds ${cached.value} of ${current.value}`);
  },
};
