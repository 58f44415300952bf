// The story of orders.ts: who subscribes, what goes wrong, and what is counted. One run in virtual time.

import { type Ref, Refusal, type Self, type System } from "antiphon";
import {
  deadLetters,
  inspect,
  jsonCodec,
  memoryJournal,
  read,
  redrive,
  type SubscribeOptions,
  subscribe,
  topic,
} from "antiphon/broker";
import { draws } from "antiphon/lab";
import { effectOnce } from "antiphon/patterns";
import { down, powerFailure, type SimulatedWorld, simulate } from "antiphon/sim";

export interface Order {
  /** From 1, in the order placed. */
  readonly n: number;
  readonly id: string;
  readonly customer: string;
  readonly placedMs: number;
}

export interface Orders {
  placed(order: Order): unknown;
}

interface Kind {
  /** What it takes for one order. */
  readonly workMs: number;
  /** Orders that it works on at a time. */
  readonly slots: number;
  readonly says: string;
}

export type Subscriber = "email" | "analytics" | "fraud" | "inventory" | "shipping";

// #region subscribers
export const subscribers: Readonly<Record<Subscriber, Kind>> = {
  email: { workMs: 20, slots: 6, says: "fails for 30 % of its attempts, is away for a third of the time" },
  analytics: { workMs: 5, slots: 10, says: "can not read 0.2 % of the orders until it is mended" },
  fraud: { workMs: 30, slots: 10, says: "hangs for 1 % of its attempts, longer than its lease" },
  inventory: { workMs: 10, slots: 10, says: "crashes for 5 % of its attempts, before it has acknowledged" },
  shipping: { workMs: 15, slots: 10, says: "works" },
};
// #endregion
const names = Object.keys(subscribers) as Subscriber[];

const perSecond = 100;
const customers = 1_000;
/** Of the orders that are sent twice, as by a client that was not told that the first one had come. */
const twiceShare = 0.05;
export const emailFails = 0.3;
export const maxAttempts = 5;
const leaseMs = 2_000;
/** Until a group of the journal is safe. */
export const flushMs = 2;

/** What differs between runs. */
export interface Conditions {
  readonly order: "key" | "none";
  readonly hasJournal: boolean;
  /** E-mail fails, and is away. */
  readonly isTroubled: boolean;
}

/** What one subscriber did. */
export interface Tally {
  deliveries: number;
  /** Times that a handler came to its end, whether or not that was acknowledged. */
  ran: number;
  /** Effects in the store, when all was done. */
  effects: number;
  /** Orders whose effect is there another number of times than once. */
  notOnce: number;
  /** Starts of an order that was not handled yet, when a later one of the same customer was. */
  inversions: number;
  dead: number;
  redriven: number;
  /** Orders that are neither handled nor dead. */
  lost: number;
  doneMs: number;
  /** By order, until it was first handled; NaN for one that was not before the dead letters came back. */
  readonly waitsMs: number[];
  /** By order, until its first attempt began. */
  readonly firstMs: number[];
  /** By order, attempts before the dead letters came back. */
  readonly attempts: number[];
}

export interface Played {
  readonly tallies: Readonly<Record<Subscriber, Tally>>;
  readonly twice: number;
  readonly placedMs: readonly number[];
  /** When e-mail is back. */
  readonly backMs: number;
}

/** What outlives everything: how the runs are watched. */
class Watch {
  readonly tallies: Record<Subscriber, Tally>;
  readonly #last: Record<string, number> = {};
  isMended = false;

  constructor(orders: number) {
    const blank = () => Array.from({ length: orders }, () => Number.NaN);
    this.tallies = Object.fromEntries(
      names.map((name): [string, Tally] => [
        name,
        {
          ...{ deliveries: 0, ran: 0, effects: 0, notOnce: 0, inversions: 0, dead: 0, redriven: 0, lost: 0, doneMs: 0 },
          ...{ waitsMs: blank(), firstMs: blank(), attempts: Array.from({ length: orders }, () => 0) },
        },
      ]),
    ) as Record<Subscriber, Tally>;
  }

  begins(name: Subscriber, { n, customer, placedMs }: Order, now: number): void {
    if (this.isMended) return;
    const tally = this.tallies[name];
    tally.deliveries++;
    tally.attempts[n - 1]!++;
    if (Number.isNaN(tally.firstMs[n - 1])) tally.firstMs[n - 1] = now - placedMs;
    if (Number.isNaN(tally.waitsMs[n - 1]) && n < (this.#last[`${name} ${customer}`] ?? 0)) tally.inversions++;
  }

  ends(name: Subscriber, { n, customer, placedMs }: Order, now: number): void {
    const tally = this.tallies[name];
    tally.ran++;
    if (this.isMended) return;
    if (Number.isNaN(tally.waitsMs[n - 1])) tally.waitsMs[n - 1] = now - placedMs;
    const lane = `${name} ${customer}`;
    this.#last[lane] = Math.max(n, this.#last[lane] ?? 0);
    tally.doneMs = Math.max(tally.doneMs, now);
  }
}

/** Says no, and may be asked again. */
class Unreachable extends Refusal {
  readonly _tag = "Unreachable";
}

// #region subscriber
/** What a customer's orders came to, as one subscriber counts them. */
interface Account {
  readonly orders: number;
  readonly sum: number;
}

/** Adds each order to the account of its customer: the effect is committed with the acknowledgement. */
const subscriber = (name: Subscriber, orders: Ref<Orders>, watch: Watch, { isTroubled }: Conditions) =>
  effectOnce(orders, (self: Self) => ({
    async placed(order: Order) {
      watch.begins(name, order, self.now());
      await work(self, name, order, watch.isMended, isTroubled);
      const place = `${name} ${order.customer}`;
      const account = ((await read(self, orders, place)) as Account | undefined) ?? { orders: 0, sum: 0 };
      watch.ends(name, order, self.now());
      if (name === "inventory" && drawn(self, order, watch.isMended) < 0.05)
        throw new Error("crashed before its commit");
      return { state: { [place]: { orders: account.orders + 1, sum: account.sum + order.n } } };
    },
  }));
// #endregion

/** By order and attempt: the same luck in each run. */
function drawn(self: Self, { id }: Order, isMended: boolean): number {
  return draws(self, `${id} ${self.message?.attempt ?? 0} ${isMended}`)();
}

async function work(self: Self, name: Subscriber, order: Order, isMended: boolean, isTroubled: boolean): Promise<void> {
  const { workMs } = subscribers[name];
  const draw = drawn(self, order, isMended);
  if (name === "fraud" && draw < 0.01) await self.sleep(2 * leaseMs);
  await self.sleep(workMs);
  if (name === "email" && isTroubled && draw < emailFails) throw new Unreachable("the mail server hung up");
  if (name === "analytics" && !isMended && order.n % 500 === 250) throw new Error("no such field");
}

// #region boot
function boot(system: System, watch: Watch, conditions: Conditions, durable: object): Ref<Orders> {
  const orders = system.spawn(topic<Orders>({ ...durable, key: keyOf, dedup: { window: "10m", by: ({ id }) => id } }), {
    name: "orders",
    supervision: { maxRestarts: Number.POSITIVE_INFINITY },
  });
  for (const name of names) {
    const { slots } = subscribers[name];
    const consumer = system.spawn(subscriber(name, orders, watch, conditions), {
      name,
      concurrency: slots,
      supervision: { maxRestarts: Number.POSITIVE_INFINITY },
    });
    const options: SubscribeOptions<Orders> = {
      order: conditions.order,
      prefetch: slots,
      lease: leaseMs,
      maxAttempts,
      onRefusal: "retry",
      backoff: { first: "1s", factor: 2, max: "8s", jitter: 1 },
      durable: true,
    };
    system.spawn(subscribe(orders, consumer, options), { name: `${name}-orders` });
  }
  return orders;
}

const keyOf = ({ payload }: { readonly payload: unknown }): string => (payload as Order).customer;
// #endregion

export async function play(of: Conditions & { seed: number; orders: number }): Promise<Played> {
  const { seed, orders, hasJournal, isTroubled } = of;
  const watch = new Watch(orders);
  const lastsMs = (orders / perSecond) * 1_000;
  const away = { from: lastsMs / 4, to: (lastsMs * 7) / 12 };
  const journal = memoryJournal({ latency: flushMs });
  const durable = hasJournal ? { journal: journal.open, codec: jsonCodec, snapshotEvery: 50_000 } : {};
  const placedMs: number[] = [];
  let twice = 0;
  await simulate(
    {
      seed,
      trace: "off",
      journals: [journal],
      boot: (system) => boot(system, watch, of, durable),
      faults: [...(isTroubled ? [down("/email", away)] : []), powerFailure({ at: lastsMs / 2 + 0.5 })],
    },
    async (world) => {
      // Who publishes before a subscription is there has published to nobody.
      await subscribed(world);
      const arrivals = world.random("arrivals");
      const customer = zipf(customers, world.random("customers"));
      const confirmed: Promise<void>[] = [];
      for (let n = 1; n <= orders; n++) {
        await world.run((-Math.log(1 - arrivals()) * 1_000) / perSecond);
        const order: Order = { n, id: `o${n}`, customer: customer(), placedMs: world.now() };
        placedMs.push(order.placedMs);
        confirmed.push(place(world, order));
        if (world.random("twice", n)() < twiceShare) {
          twice++;
          confirmed.push(place(world, order));
        }
      }
      await Promise.all(confirmed);
      await world.runUntilIdle();
      await finish(world, watch, orders);
    },
  );
  return { tallies: watch.tallies, twice, placedMs, backMs: away.to };
}

// #region place
/** The client: it sends an order, with the same id, until it is told that the order is safe. */
async function place(world: SimulatedWorld<Ref<Orders>>, order: Order): Promise<void> {
  for (;;)
    try {
      // After a power failure it is another ref.
      await world.system.offer(world.booted, { id: order.id, within: "5s" }).placed(order);
      return;
    } catch {
      await world.run("50ms");
    }
}
// #endregion

async function subscribed({ system, booted, run }: SimulatedWorld<Ref<Orders>>): Promise<void> {
  for (;;) {
    const [found] = (await inspect(system, booted)).topics;
    if (found?.subscriptions.length === names.length) return;
    await run("1ms");
  }
}

/** Counts what is dead, mends, brings the dead letters back, and counts what there is. */
async function finish({ system, booted, runUntilIdle }: SimulatedWorld<Ref<Orders>>, watch: Watch, orders: number) {
  const of = (subscription: string) => names.find((name) => subscription === `/${name}-orders`) as Subscriber;
  const dead = await deadLetters(system, booted, { limit: 1e9 });
  for (const { subscription } of dead) watch.tallies[of(subscription)].dead++;
  watch.isMended = true;
  await redrive(system, booted);
  await runUntilIdle();
  const still = await deadLetters(system, booted, { limit: 1e9 });
  for (const name of names) {
    const tally = watch.tallies[name];
    const left = still.filter(({ subscription }) => of(subscription) === name).length;
    tally.redriven = tally.dead - left;
    const handled = tally.waitsMs.filter((wait) => !Number.isNaN(wait)).length;
    tally.lost = orders - handled - tally.dead;
    let sum = 0;
    for (let customer = 1; customer <= customers; customer++) {
      const account = (await read(system, booted, `${name} c${customer}`)) as Account | undefined;
      tally.effects += account?.orders ?? 0;
      sum += account?.sum ?? 0;
    }
    for (const { payload } of still.filter(({ subscription }) => of(subscription) === name))
      sum += (payload as Order).n;
    // Counts and sums are those of each order once, or something is there twice and something is missing.
    tally.notOnce = Math.abs(tally.effects + left - orders) + (sum === (orders * (orders + 1)) / 2 ? 0 : 1);
  }
}

/** The first of `count` gets most: the k-th in proportion to 1/k. */
function zipf(count: number, draw: () => number): () => string {
  const shares: number[] = [];
  let total = 0;
  for (let k = 1; k <= count; k++) shares.push((total += 1 / k));
  return () => {
    const at = draw() * total;
    return `c${shares.findIndex((share) => share > at) + 1}`;
  };
}
