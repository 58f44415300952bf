// The examples of docs/messaging.md, one after the other, each in a simulation of its own.

import { type Ref, Refusal, type Self, type System } from "antiphon";
import { deadLetters, jsonCodec, memoryJournal, queue, read, redrive, store, subscribe, topic } from "antiphon/broker";
import { effectOnce, saga } from "antiphon/patterns";
import { powerFailure, simulate } from "antiphon/sim";

async function topics(): Promise<void> {
  // #region topic
  interface Orders {
    placed(order: string): void;
    paid(order: string): void;
  }

  const printer = (self: Self): Orders => ({
    placed: (order) => console.log(`${self.path}: ${order} was placed`),
    paid: (order) => console.log(`${self.path}: ${order} was paid`),
  });

  await simulate({ seed: 7 }, async ({ system, runUntilIdle }) => {
    const orders = system.spawn(topic<Orders>(), { name: "orders" });
    const email = system.spawn(printer, { name: "email" });
    const stats = system.spawn(printer, { name: "stats" });
    const mails = system.spawn(subscribe(orders, email, { filter: ["placed"] }), { name: "mails" });
    const all = system.spawn(subscribe(orders, stats), { name: "all" });
    for (const subscription of [mails, all]) await system.ask(subscription).inspect(); // it has begun
    await system.offer(orders).placed("o1");
    await system.offer(orders).paid("o1");
    await runUntilIdle();
    const { matched, acked } = await system.ask(mails).inspect();
    console.log({ matched, acked });
  });
  // #endregion
}

async function attempts(): Promise<void> {
  // #region attempts
  let isUp = false;
  const email = (self: Self) => ({
    async send(text: string) {
      const { attempt } = self.message!;
      await self.sleep("100ms");
      console.log(`${self.now()} ms: attempt ${attempt} of ${text}`);
      if (!isUp) throw new Error("the mail server hung up");
    },
  });

  await simulate({ seed: 7 }, async ({ system, runUntilIdle }) => {
    const mails = system.spawn(queue(email, { maxAttempts: 3, backoff: { first: "1s" }, lease: "5s" }), {
      name: "mails",
    });
    await system.offer(mails, { id: "m1" }).send("hello");
    await runUntilIdle();
    const [dead] = await deadLetters(system, mails);
    console.log(
      `${dead?.id} is dead: ${dead?.reason} after ${dead?.attempts.length} attempts, ${dead?.attempts[0]?.error}`,
    );
    isUp = true;
    console.log(`${await redrive(system, mails)} comes back`);
    await runUntilIdle();
  });
  // #endregion
}

async function alarms(): Promise<void> {
  // #region dead
  const email = () => ({
    send(to: string) {
      if (to !== "ann") throw new Error(`no such address: ${to}`);
    },
  });
  const alarm = (self: Self) => ({
    send: (to: string) => console.log(`${self.now()} ms: nothing reaches ${to}`),
  });

  await simulate({ seed: 7 }, async ({ system, runUntilIdle }) => {
    const mails = system.spawn(queue(email, { maxAttempts: 2, backoff: "1s" }), { name: "mails" });
    const alarms = subscribe(mails, system.spawn(alarm), {
      of: "deadLetters",
      filter: ({ history }) => history?.reason === "exhausted",
    });
    await system.ask(system.spawn(alarms)).inspect();
    for (const to of ["ann", "bob"]) await system.offer(mails).send(to);
    await runUntilIdle();
    console.log(`${(await deadLetters(system, mails)).length} is there`);
  });
  // #endregion
}

async function lanes(): Promise<void> {
  // #region lanes
  const account = (self: Self) => ({
    book(entry: string) {
      console.log(`${self.now()} ms: ${entry}`);
      if (entry === "ann 1" && self.message?.attempt === 1) throw new Error("try again");
    },
  });

  for (const order of ["key", "none"] as const)
    await simulate({ seed: 7 }, async ({ system, runUntilIdle }) => {
      console.log(order);
      const entries = system.spawn(queue(account, { order, backoff: "1s" }), { name: "entries" });
      for (const entry of ["ann 1", "ann 2", "bob 1"])
        await system.offer(entries, { key: entry.slice(0, 3) }).book(entry);
      await runUntilIdle();
    });
  // #endregion
}

async function times(): Promise<void> {
  // #region times
  const reminder = (self: Self) => ({
    async remind(text: string) {
      console.log(`${self.now()} ms: ${text}`);
      await self.sleep("2s");
    },
  });

  await simulate({ seed: 7 }, async ({ system, runUntilIdle }) => {
    const timed = queue(reminder, { delay: "1s", ttl: "4s", onExpired: "deadLetter", prefetch: 1 });
    const reminders = system.spawn(timed, { name: "reminders" });
    for (const text of ["tea", "coffee", "too late"]) await system.offer(reminders).remind(text);
    await runUntilIdle();
    const [dead] = await deadLetters(system, reminders);
    console.log(`${dead?.payload}: ${dead?.reason}`);
  });
  // #endregion
}

async function commits(): Promise<void> {
  // #region commit
  await simulate({ seed: 7 }, async ({ system, runUntilIdle }) => {
    const shared = system.spawn(store(), { name: "store" });
    const shipping = system.spawn(
      queue(() => ({ ship: (id: string) => console.log(`ships ${id}`) }), { store: shared }),
      {
        name: "shipping",
      },
    );
    const billing = effectOnce(shared, (self: Self) => ({
      async paid(amount: number) {
        const sum = ((await read(self, shared, "sum")) as number | undefined) ?? 0;
        const { id } = self.message!;
        return { state: { sum: sum + amount }, publish: [{ to: shipping, type: "ship", payload: id, id }] };
      },
    }));
    const bills = system.spawn(queue(billing, { store: shared }), { name: "bills" });
    for (const id of ["o1", "o2", "o1"]) await system.offer(bills, { id }).paid(5); // o1 comes twice
    await runUntilIdle();
    console.log(`the sum is ${await read(system, shared, "sum")}`);
  });
  // #endregion
}

async function restarts(): Promise<void> {
  // #region restart
  const journal = memoryJournal({ latency: "2ms" });
  const worker = (self: Self) => ({
    async work(n: number) {
      await self.sleep("10ms");
      console.log(`${self.now()} ms: ${n}`);
    },
  });
  const boot = (system: System) =>
    system.spawn(queue(worker, { journal: journal.open, codec: jsonCodec }), { name: "jobs" });

  await simulate(
    { seed: 7, journals: [journal], boot, faults: [powerFailure({ at: "20ms" })] },
    async ({ system, booted, runUntilIdle }) => {
      await Promise.all([1, 2, 3].map((n) => system.offer(booted).work(n)));
      await runUntilIdle();
    },
  );
  // #endregion
}

async function sagas(): Promise<void> {
  // #region saga
  class NoVan extends Refusal {
    readonly _tag = "NoVan";
  }
  const service = (self: Self) => ({
    do: (what: string) => console.log(`${self.path}: ${what}`),
    book: (order: string) => new NoVan(`no van for ${order}`),
  });
  type Service = ReturnType<typeof service>;

  const checkout = (shared: Parameters<typeof saga>[0], stock: Ref<Service>, card: Ref<Service>, van: Ref<Service>) =>
    saga<string>(shared, [
      {
        name: "stock",
        act: (self, { id, input }) => self.ask(stock, { id }).do(`reserve ${input}`),
        undo: (self, { id, input }) => self.ask(stock, { id }).do(`release ${input}`),
      },
      {
        name: "card",
        act: (self, { id, input }) => self.ask(card, { id }).do(`charge ${input}`),
        undo: (self, { id, input }) => self.ask(card, { id }).do(`refund ${input}`),
      },
      { name: "van", act: (self, { id, input }) => self.ask(van, { id }).book(input) },
    ]);

  await simulate({ seed: 7 }, async ({ system, runUntilIdle }) => {
    const shared = system.spawn(store(), { name: "store" });
    const [stock, card, van] = ["stock", "card", "van"].map((name) => system.spawn(service, { name }));
    const orders = system.spawn(checkout(shared, stock!, card!, van!), { name: "orders" });
    await system.ask(orders).begin({ id: "o1", input: "a mug" });
    await runUntilIdle();
    console.log(await system.ask(orders).look("o1"));
  });
  // #endregion
}

const examples = { topics, attempts, alarms, lanes, times, commits, restarts, sagas };

for (const [name, example] of Object.entries(examples)) if ((process.argv[2] ?? name) === name) await example();
