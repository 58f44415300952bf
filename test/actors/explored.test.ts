// Properties in many orders, of what no other file explores: discovery, idempotent, worker, and actors written with Effect,
// XState and RxJS.

import { type Ref, type Self, settle } from "antiphon";
import { crash } from "antiphon/sim";
import { conserved, explore } from "antiphon/testing";
import { Effect } from "effect";
import fc from "fast-check";
import { concatMap, from, map, of, Subject, switchMap } from "rxjs";
import { describe, expect, test } from "vitest";
import { assign, fromPromise, setup } from "xstate";
import { bus } from "../../src/actors/bus.ts";
import { discovery, via } from "../../src/actors/discovery.ts";
import { ask, effectful } from "../../src/actors/effect/index.ts";
import { idempotent } from "../../src/actors/idempotent.ts";
import { pool } from "../../src/actors/pool.ts";
import { registry } from "../../src/actors/registry.ts";
import { asking, streaming, topicOf } from "../../src/actors/rxjs/index.ts";
import { worker } from "../../src/actors/thread.ts";
import { MachineCoverage, machine } from "../../src/actors/xstate/index.ts";

const seeded = { seed: 7, numRuns: 8 } as const;
const timeoutMs = 60_000;

function holds(condition: boolean, otherwise: () => string): void {
  if (!condition) throw new Error(otherwise());
}

function balances(system: Parameters<typeof conserved>[0]): void {
  const books = conserved(system);
  holds(books.ok, () => (books.ok ? "" : books.text));
}

const many = fc.array(fc.nat(2), { minLength: 1, maxLength: 5 });

describe("in every order", () => {
  test(
    "[P9 sim] discovery and via give an instance that is there, or say that there is none",
    () => {
      const property = explore(
        { leaving: fc.uniqueArray(fc.nat(2)), calls: fc.integer({ min: 1, max: 4 }) },
        async ({ system, run }, { leaving, calls }) => {
          const names = system.spawn(registry(), { name: "registry" });
          const mail = (self: Self) => {
            self.tell(names).register({ name: "mail", ref: self.ref });
            return { send: () => self.path, quit: () => self.stop() };
          };
          const mails = [0, 1, 2].map((n) => system.spawn(mail, { name: `mail-${n}` }));
          type Mail = ReturnType<typeof mail>;
          const front = system.spawn(via<Mail>(names, "mail"), { name: "front" });
          const client = (self: Self) => {
            const found = discovery<Mail>(self, names, "mail", { ttl: "1s", stale: "1s" });
            return {
              direct: async () => self.ask(await found.one()).send(),
              behind: () => self.ask(front).send(),
            };
          };
          const one = system.spawn(client, { name: "client" });
          const ends = Array.from({ length: calls }, (_, n) =>
            settle(n % 2 === 0 ? system.ask(one).direct() : system.ask(one).behind()),
          );
          for (const n of leaving) system.tell(mails[n] as Ref<Mail>).quit();
          for (const end of await Promise.all(ends))
            holds(end.ok || ["NotRegistered", "ActorStopped"].includes(end.error._tag), () => JSON.stringify(end));
          // Who has ended is forgotten at once, and what was found before that after its time.
          await run("5s");
          for (const verb of ["direct", "behind"] as const) {
            const end = await settle(system.ask(one)[verb]());
            if (leaving.length === 3) holds(!end.ok && end.error._tag === "NotRegistered", () => "nobody is there");
            else
              holds(
                end.ok && !leaving.some((n) => end.value === `/mail-${n}`),
                () => `the dead: ${JSON.stringify(end)}`,
              );
          }
          balances(system);
        },
        { schedules: 40 },
      );
      return fc.assert(property, seeded);
    },
    timeoutMs,
  );

  test(
    "[P16 sim] idempotent does once what is asked twice, whoever crashes",
    () => {
      const property = explore(
        { ids: many },
        async ({ system, runUntilIdle }, { ids }) => {
          const done: number[] = [];
          const shop = (self: Self) => ({
            async buy(id: number) {
              await self.sleep(1);
              done.push(id);
              return done.length;
            },
          });
          const ref = system.spawn(idempotent(shop, { window: "1h" }), { name: "shop", concurrency: 2 });
          const answers = new Map<number, Set<number>>();
          const client = (self: Self) => ({
            async buy(id: number) {
              const end = await settle(self.ask(ref, { id: `order-${id}` }).buy(id));
              if (end.ok) answers.set(id, (answers.get(id) ?? new Set()).add(end.value));
            },
          });
          const clients = [0, 1].map((n) => system.spawn(client, { name: `client-${n}`, concurrency: 10 }));
          for (const id of ids) for (const one of clients) system.tell(one).buy(id);
          await runUntilIdle();
          holds(new Set(done).size === done.length, () => `once each: ${done}`);
          for (const [id, given] of answers) holds(given.size === 1, () => `one answer of ${id}: ${[...given]}`);
          balances(system);
        },
        { schedules: 40, faults: [crash("/shop", { at: 0 })] },
      );
      return fc.assert(property, seeded);
    },
    timeoutMs,
  );

  test(
    "[P13 sim] [P14 sim] workers handle one message at a time, and every ask has an end, whoever gives up",
    () => {
      const property = explore(
        { waits: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }) },
        async ({ system, runUntilIdle }, { waits }) => {
          /** Whose incarnation is free. */
          const free = new Map<string, Self>();
          const workOf = (self: Self) => ({
            async work(ms: number) {
              holds(free.get(self.path) === self, () => `two at once in ${self.path}`);
              free.delete(self.path);
              await self.sleep(ms);
              free.set(self.path, self);
              return ms;
            },
          });
          const model = (self: Self) => {
            free.set(self.path, self);
            return workOf(self);
          };
          const make = worker(new URL("file:///nowhere.js"), { model, costs: { work: 5 }, grace: 10 });
          const supervision = { maxRestarts: Number.POSITIVE_INFINITY };
          const ref = system.spawn(pool(make, { size: 2, worker: { supervision } }), { name: "workers" });
          const client = (self: Self) => ({ go: (ms: number) => settle(self.ask(ref, { within: 12 }).work(ms)) });
          const one = system.spawn(client, { name: "client", concurrency: 10 });
          const ends = await Promise.all(waits.map((ms) => system.ask(one).go(ms)));
          for (const end of ends)
            holds(end.ok || ["AskTimeout", "ActorRestarted", "ActorCrashed"].includes(end.error._tag), () =>
              JSON.stringify(end),
            );
          await runUntilIdle();
          expect(await system.ask(ref).work(1)).toBe(1);
          balances(system);
        },
        { schedules: 30 },
      );
      return fc.assert(property, seeded);
    },
    timeoutMs,
  );

  test(
    "Effects that await do not mix in a serial actor: no money is lost",
    () => {
      const property = explore(
        { amounts: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }) },
        async ({ system, runUntilIdle }, { amounts }) => {
          const ledger = () => {
            let balance = 100;
            return {
              move: (amount: number) =>
                Effect.gen(function* () {
                  const before = balance;
                  yield* Effect.sleep(1);
                  if (before < amount) return yield* Effect.fail({ _tag: "Overdrawn" as const });
                  balance = before - amount;
                  return balance;
                }),
              read: () => Effect.sync(() => balance),
            };
          };
          const ref = system.spawn(effectful(ledger), { name: "ledger" });
          let moved = 0;
          const client = effectful(() => ({
            move: (amount: number) =>
              ask(ref, { within: "1h" })
                .move(amount)
                .pipe(
                  Effect.tap(() => Effect.sync(() => void (moved += amount))),
                  Effect.catchTag("Overdrawn", () => Effect.succeed(0)),
                ),
          }));
          amounts.forEach((amount, n) => {
            system.tell(system.spawn(client, { name: `client-${n}` })).move(amount);
          });
          await runUntilIdle();
          const balance = await system.ask(ref).read();
          holds(balance === 100 - moved && balance >= 0, () => `money: ${balance} left, ${moved} moved`);
          balances(system);
        },
        { schedules: 40 },
      );
      return fc.assert(property, seeded);
    },
    timeoutMs,
  );

  test(
    "a machine charges once for each order, and each of its transitions is taken in some order",
    async () => {
      const coverage = new MachineCoverage();
      const property = explore(
        { pays: fc.integer({ min: 1, max: 3 }), broke: fc.boolean() },
        async ({ system, runUntilIdle }, { pays, broke }) => {
          let charged = 0;
          const bank = () => ({
            charge() {
              if (broke) throw new Error("planted");
              return ++charged;
            },
          });
          const payments = system.spawn(bank, { name: "bank", supervision: { onCrash: "resume" } });
          const order = (self: Self) =>
            setup({
              types: { context: {} as { paid: number }, events: {} as { type: "pay" } | { type: "cancel" } },
              actors: { charge: fromPromise(() => self.ask(payments).charge()) },
            }).createMachine({
              initial: "open",
              context: { paid: 0 },
              states: {
                open: { on: { pay: "paying", cancel: "cancelled" } },
                paying: {
                  invoke: {
                    src: "charge",
                    onDone: { target: "paid", actions: assign({ paid: ({ context }) => context.paid + 1 }) },
                    onError: "open",
                  },
                },
                paid: {},
                cancelled: {},
              },
            });
          const ref = system.spawn(machine(order, { coverage }), { name: "order" });
          const client = (self: Self) => ({
            async go(how: "pay" | "cancel") {
              await settle(self.ask(ref)[how]());
            },
          });
          const hows = [...Array<"pay">(pays).fill("pay"), "cancel" as const];
          hows.forEach((how, n) => void system.tell(system.spawn(client, { name: `client-${n}` })).go(how));
          await runUntilIdle();
          const { value, context } = await system.ask(ref).getSnapshot();
          holds(charged <= 1 && context.paid === charged, () => `charged ${charged}, noted ${context.paid}`);
          holds((value === "paid") === (charged === 1), () => `${String(value)} after ${charged} charges`);
          balances(system);
        },
        { schedules: 30 },
      );
      await fc.assert(property, seeded);
      expect(coverage.missing).toEqual([]);
    },
    timeoutMs,
  );

  test(
    "the last word wins through switchMap, in the actor that is asked too",
    () => {
      const property = explore(
        { words: many },
        async ({ system, runUntilIdle }, { words }) => {
          const index = streaming((self: Self) => ({
            search: (word: number) => from(self.sleep(1)).pipe(concatMap(() => of(word))),
          }));
          const engine = system.spawn(index, { name: "index", concurrency: 10 });
          const found: number[] = [];
          const box = (self: Self) => {
            const typed = new Subject<number>();
            typed.pipe(switchMap((n) => asking(self, engine).search(n))).subscribe((word) => found.push(word));
            return { type: (word: number) => typed.next(word) };
          };
          const ref = system.spawn(box, { name: "box" });
          const all = words.map((word, n) => 10 * n + word);
          for (const word of all) system.tell(ref).type(word);
          await runUntilIdle();
          holds(found.at(-1) === all.at(-1), () => `the last of ${all}: ${found}`);
          const places = found.map((word) => all.indexOf(word));
          holds(`${places}` === `${[...places].sort((a, b) => a - b)}`, () => `in their order: ${found}`);
          balances(system);
        },
        { schedules: 40 },
      );
      return fc.assert(property, seeded);
    },
    timeoutMs,
  );

  test(
    "a topic of a bus, as an observable, brings each event once and in order, to its end",
    () => {
      const property = explore(
        { counts: many },
        async ({ system, runUntilIdle }, { counts }) => {
          let stop = () => {};
          const make = (self: Self) => {
            stop = () => self.stop();
            return bus<number>()(self);
          };
          const events = system.spawn(make, { name: "events" });
          const heard: number[] = [];
          let ended = 0;
          topicOf<number>(system, events, { topic: "a.*" })
            .pipe(map(({ event }) => event))
            .subscribe({ next: (event) => heard.push(event), complete: () => ended++ });
          await runUntilIdle();
          const publisher = (self: Self) => ({
            go(all: readonly number[]) {
              for (const event of all) {
                self.tell(events).publish({ topic: "a.b", event });
                self.tell(events).publish({ topic: "b.a", event: -1 });
              }
            },
          });
          const all = counts.map((_, n) => n);
          system.tell(system.spawn(publisher, { name: "publisher" })).go(all);
          await runUntilIdle();
          holds(`${heard}` === `${all}`, () => `heard ${heard} of ${all}`);
          stop();
          await runUntilIdle();
          holds(ended === 1, () => `ended ${ended} times`);
          balances(system);
        },
        { schedules: 20 },
      );
      return fc.assert(property, seeded);
    },
    timeoutMs,
  );
});
