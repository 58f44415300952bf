// The examples of docs/actors.md, one after the other, each in a simulation of its own, the last also in threads.

import { createSystem, type Make, type Ref, type Reply, type Self, settle } from "antiphon";
import {
  announce,
  batcher,
  broadcast,
  bus,
  type Heard,
  idempotent,
  pool,
  registry,
  router,
  type Stash,
  stash,
  supervisor,
  via,
  worker,
} from "antiphon/actors";
import { simulate } from "antiphon/sim";
import { primes } from "./primes.ts";

async function pools(): Promise<void> {
  // #region pool
  const resizer = (self: Self) => ({
    async resize(photo: string) {
      await self.sleep("100ms");
      return `${photo} by ${self.path}`;
    },
  });

  await simulate({ seed: 7 }, async ({ system, now }) => {
    const photos = system.spawn(pool(resizer, { size: 2 }), { name: "photos" });
    const done = await Promise.all(["a", "b", "c"].map((photo) => system.ask(photos).resize(photo)));
    console.log(done.join(", "), `after ${now()} ms`);
  });
  // #endregion
}

async function elastic(): Promise<void> {
  const work: Make<{ work(): Promise<void> }> = (self) => ({ work: () => self.sleep("1s") });
  // #region elastic
  await simulate({ seed: 7 }, async ({ system, run }) => {
    const size = { min: 1, max: 8, every: "1s", lag: "10s" } as const;
    const jobs = system.spawn(pool(work, { size }), { name: "jobs" });
    for (let job = 0; job < 60; job++) system.tell(jobs).work();
    for (const time of ["5s", "10s", "10s", "20s"] as const) {
      await run(time);
      // The pool itself is one.
      console.log(`${system.census().actors - 1} workers, ${system.census(jobs).held} jobs left`);
    }
  });
  // #endregion
}

async function routers(): Promise<void> {
  // #region router
  const store = (name: string) => () => {
    const rows = new Map<string, string>();
    return {
      put: ({ key, value }: { key: string; value: string }) => `${rows.set(key, value).size} in ${name}`,
      get: (key: string) => rows.get(key) ?? "nothing",
    };
  };

  await simulate({ seed: 7 }, async ({ system }) => {
    const stores = ["a", "b", "c"].map((name) => system.spawn(store(name), { name }));
    const shards = system.spawn(router(stores, { strategy: "consistent-hash" }), { name: "shards" });
    await system.ask(shards, { key: "mug" }).put({ key: "mug", value: "blue" });
    console.log(await system.ask(shards, { key: "mug" }).get("mug"));

    const replicas = system.spawn(broadcast(stores, { answers: 2 }), { name: "replicas" });
    console.log(await system.ask(replicas).put({ key: "pan", value: "red" }));
  });
  // #endregion
}

async function supervisors(): Promise<void> {
  // #region supervisor
  const database = () => ({ query: (sql: string) => `rows of ${sql}` });
  const cache = () => {
    let hits = 0;
    return {
      hit: () => ++hits,
      corrupt() {
        throw new Error("corrupt");
      },
    };
  };

  await simulate({ seed: 7 }, async ({ system }) => {
    const top = system.spawn(
      supervisor({
        strategy: "rest-for-one",
        intensity: 3,
        period: "10s",
        children: [
          { id: "database", start: database, shutdown: "10s" },
          { id: "cache", start: cache, restart: "transient" },
        ],
      }),
      { name: "top" },
    );
    const [, second] = await system.ask(top).which();
    const hits = second?.ref as Ref<ReturnType<typeof cache>>;
    await system.ask(hits).hit();
    await settle(system.ask(hits).corrupt());
    console.log(hits.path, await system.ask(hits).hit());
    await system.ask(top).terminateChild("cache");
    console.log(await system.ask(top).countChildren());
  });
  // #endregion
}

async function registries(): Promise<void> {
  // #region registry
  interface Mail {
    send(text: string): string;
    quit(): void;
  }

  await simulate({ seed: 7 }, async ({ system, run }) => {
    const names = system.spawn(registry(), { name: "registry" });
    const mail = (self: Self): Mail => {
      announce(self, names, "mail", { ttl: "30s" });
      return { send: (text) => `${self.path} sent ${text}`, quit: () => self.stop() };
    };
    const first = system.spawn(mail, { name: "mail-a" });
    system.spawn(mail, { name: "mail-b" });

    const mails = system.spawn(via<Mail>(names, "mail", { ttl: "10s" }), { name: "mails" });
    console.log(await system.ask(mails).send("one"));
    console.log(await system.ask(mails).send("two"));
    await system.ask(first).quit();
    await run(1);
    console.log(await system.ask(mails).send("three"));
  });
  // #endregion
}

async function stashes(): Promise<void> {
  // #region stash
  class Account {
    isLoaded = false;
    readonly #self: Self;

    constructor(self: Self, stash: Stash) {
      this.#self = self;
      self.pipeToSelf(self.sleep("2s"), () => {
        this.isLoaded = true;
        stash.release();
      });
    }

    balance() {
      return `12 at ${this.#self.now()} ms`;
    }
  }

  await simulate({ seed: 7 }, async ({ system }) => {
    const make = stash((self, stash) => new Account(self, stash), { while: ({ isLoaded }) => !isLoaded });
    const account = system.spawn(make, { name: "account" });
    console.log(await system.ask(account).balance());
  });
  // #endregion
}

async function buses(): Promise<void> {
  // #region bus
  const printer = () => ({
    heard: ({ topic, event, missed }: Heard<number>) => console.log(`${topic} ${event}, missed ${missed}`),
  });

  await simulate({ seed: 7 }, async ({ system, run }) => {
    const events = system.spawn(bus<number>(), { name: "events" });
    const ref = system.spawn(printer, { name: "printer" });
    await system.ask(events).subscribe({ ref, topic: "order.*", capacity: 100, overflow: "drop-oldest" });
    system.tell(events).publish({ topic: "order.placed", event: 1 });
    system.tell(events).publish({ topic: "bill.sent", event: 2 });
    system.tell(events).publish({ topic: "order.paid", event: 3 });
    await run(1);
  });
  // #endregion
}

async function batchers(): Promise<void> {
  // #region batcher
  const table = () => {
    let ids = 0;
    return {
      insert(rows: readonly string[]): Reply<number[]> {
        console.log(`insert ${rows.join(" ")}`);
        return rows.map(() => ++ids);
      },
    };
  };

  await simulate({ seed: 7 }, async ({ system, now }) => {
    const rows = system.spawn(batcher(system.spawn(table), { size: 3, within: "5ms" }), { name: "rows" });
    const ids = await Promise.all(["a", "b", "c", "d"].map((row) => system.ask(rows).insert(row)));
    console.log(ids.join(" "), `after ${now()} ms`);
  });
  // #endregion
}

async function duplicates(): Promise<void> {
  // #region idempotent
  class Till {
    #cents = 0;

    pay(cents: number) {
      this.#cents += cents;
      return `${this.#cents} cents`;
    }
  }

  await simulate({ seed: 7 }, async ({ system }) => {
    const till = system.spawn(
      idempotent(() => new Till(), { window: "10m" }),
      { name: "till" },
    );
    console.log(await system.ask(till, { id: "order-1" }).pay(120));
    console.log(await system.ask(till, { id: "order-1" }).pay(120));
    console.log(await system.ask(till, { id: "order-2" }).pay(80));
  });
  // #endregion
}

async function workers(): Promise<void> {
  const execArgv = ["--import", new URL("../fixtures/thread/typescript.mjs", import.meta.url).href];
  // #region worker
  const counter = worker(new URL("./primes.ts", import.meta.url), {
    model: primes,
    costs: { below: "80ms" },
    execArgv,
  });

  await using system = createSystem();
  const counters = system.spawn(pool(counter, { size: 2 }), { name: "counters" });
  const counts = [10, 100, 1_000].map((limit) => system.ask(counters, { within: "1m" }).below(limit));
  console.log((await Promise.all(counts)).join(" "));

  await simulate({ seed: 7 }, async ({ system, now }) => {
    const counters = system.spawn(pool(counter, { size: 2 }), { name: "counters" });
    const counts = [10, 100, 1_000].map((limit) => system.ask(counters).below(limit));
    console.log((await Promise.all(counts)).join(" "), `after ${now()} ms`);
  });
  // #endregion
}

const examples = { pools, elastic, routers, supervisors, registries, stashes, buses, batchers, duplicates, workers };

for (const [name, example] of Object.entries(examples)) if ((process.argv[2] ?? name) === name) await example();
