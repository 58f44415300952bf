// Several actors of one kind behind one ref.

import { milliseconds } from "../runtime/kernel/duration.ts";
import { ActorStopped, InvalidOption, MailboxFull } from "../runtime/kernel/failure.ts";
import { configure, whole } from "../runtime/kernel/options.ts";
import { type Duration, type Message, type Ref, receive, type Spawned } from "../runtime/kernel/protocol.ts";
import type { Make, Self, SpawnOptions } from "../runtime/kernel/verbs.ts";
import {
  type Balance,
  Balancer,
  type BalancerOptions,
  balanceOf,
  counts,
  type Strategy,
  strategies,
} from "./balancer.ts";
import { Fifo } from "./fifo.ts";
import { type Front, functionOf, known, refuse } from "./front.ts";
import { Worker } from "./worker.ts";

/** `shared-queue`: messages wait in the pool until a worker is free. */
export type PoolStrategy = "shared-queue" | Strategy;

export interface Elastic {
  /** At least 1. */
  min: number;
  max: number;
  /** How often the pool looks at its backlog; `"1s"` by default. */
  every?: Duration | undefined;
  /** From the decision to a worker that works, and how long fewer must have been enough before one is stopped; none by default. */
  lag?: Duration | undefined;
  /** Messages, waiting and being handled, that there is a worker for; its `concurrency` by default. */
  perWorker?: number | undefined;
}

export interface PoolOptions extends BalancerOptions<PoolStrategy> {
  size: number | Elastic;
  /** Messages that may wait in the pool, not in its mailbox or those of the workers; 100,000 by default. */
  capacity?: number | undefined;
  /** Of each worker. */
  worker?: Omit<SpawnOptions, "name"> | undefined;
}

/**
 * A pool of actors, its children `0`, `1`, …, that share what it is sent. By default messages wait in the pool until a
 * worker is free (`shared-queue`), so that none waits behind a busy worker while another has nothing to do.
 *
 * Promises: each message goes to one worker, once; only what a worker had surely not begun when it ended goes to another.
 * A worker that crashes restarts, as its options say, and the askers of what it had in flight are told. One that ended
 * is replaced, each at most once a second. An elastic pool stops no worker that has something to do. With
 * `consistent-hash`, messages with one key that one actor sends to a pool of fixed size start in their order.
 * When the pool itself restarts, its workers are made anew: what waited in it or was in flight ends, with
 * `ActorRestarted` or `ActorStopped` for askers; its mailbox is kept.
 * Fails: InvalidOption. The asker with MailboxFull, not-started, beyond `capacity`.
 * Example: `system.spawn(pool(() => new Resizer(), { size: 8 }), { name: "resizers" })`.
 */
export function pool<A extends object>(make: Make<A>, options: PoolOptions): Make<Front<Spawned<A>>> {
  functionOf("make", make, "a function that makes a worker's object");
  const settings = settingsOf(options);
  return (self) => new Pool<Spawned<A>>(self, make, settings);
}

interface Settings {
  readonly balance: Balance<PoolStrategy>;
  readonly min: number;
  readonly max: number;
  /** Infinity for a pool of fixed size. */
  readonly everyMs: number;
  readonly lagMs: number;
  readonly perWorker: number;
  readonly capacity: number;
  readonly worker: SpawnOptions;
  /** Messages that a worker handles at a time. */
  readonly slots: number;
}

function settingsOf(options: PoolOptions): Settings {
  known(options, ["size", "strategy", "by", "vnodes", "capacity", "worker"]);
  const { size, worker = {} } = options;
  if ("name" in worker) throw new InvalidOption("worker.name", worker.name, "nothing: workers are named 0, 1, …");
  const { concurrency } = configure(worker);
  const shared = {
    balance: balanceOf<PoolStrategy>(options, ["shared-queue", ...strategies]),
    capacity: whole("capacity", options.capacity, 100_000, 0),
    worker,
    slots: concurrency,
  };
  if (typeof size !== "object" || size === null) {
    const fixed = finite("size", size);
    return { ...shared, min: fixed, max: fixed, everyMs: Number.POSITIVE_INFINITY, lagMs: 0, perWorker: 1 };
  }
  known(size, ["min", "max", "every", "lag", "perWorker"], "size");
  const min = finite("size.min", size.min);
  const max = finite("size.max", size.max);
  if (max < min) throw new InvalidOption("size.max", max, `at least size.min, which is ${min}`);
  const everyMs = milliseconds("size.every", size.every ?? "1s");
  if (!(everyMs > 0)) throw new InvalidOption("size.every", size.every, "a duration above 0");
  const lagMs = milliseconds("size.lag", size.lag ?? 0);
  return { ...shared, min, max, everyMs, lagMs, perWorker: whole("size.perWorker", size.perWorker, concurrency, 1) };
}

function finite(option: string, found: number): number {
  if (Number.isInteger(found) && found >= 1) return found;
  throw new InvalidOption(option, found, "a whole number of at least 1");
}

/** The least time between two starts of one worker's name, so that one that ends at once does not keep the pool busy. */
const renewMs = 1_000;

class Pool<P> implements Front<P> {
  readonly #self: Self;
  readonly #make: Make<object>;
  readonly #settings: Settings;
  readonly #balancer: Balancer<Worker>;
  /** In the order of their names; `undefined` where one is yet to be replaced. */
  readonly #workers: (Worker | undefined)[] = [];
  /** They get nothing more, and stop when they have nothing left. */
  readonly #draining = new Set<Worker>();
  readonly #waiting = new Fifo<Message<P>>();
  #refs: readonly Ref<unknown>[] = [];
  /** Workers that are on their way, after the lag. */
  #coming = 0;
  /** What was wanted at each look of the last `lagMs`, oldest first. */
  #wanted: { readonly atMs: number; readonly size: number }[] = [];
  readonly #isPulled: boolean;
  /** Its workers are counted for: it holds what they have in hand. */
  readonly #isCounting: boolean;

  constructor(self: Self, make: Make<object>, settings: Settings) {
    const { balance, min, everyMs } = settings;
    this.#self = self;
    this.#make = make;
    this.#settings = settings;
    this.#isPulled = balance.strategy === "shared-queue";
    this.#isCounting = this.#isPulled || counts(balance.strategy) || everyMs < Number.POSITIVE_INFINITY;
    const strategy = balance.strategy === "shared-queue" ? "least-loaded" : balance.strategy;
    this.#balancer = new Balancer(self, { ...balance, strategy });
    for (let n = 0; n < min; n++) this.#start(n);
    if (everyMs < Number.POSITIVE_INFINITY) self.every(everyMs, () => this.#look(), "look");
  }

  [receive](m: Message<P>): void {
    if (this.#isPulled && this.#waiting.length > 0) this.#wait(m);
    else if (!this.#send(m)) this.#wait(m);
  }

  /** False when no worker may have it now. */
  #send(m: Message<P>): boolean {
    const worker = this.#balancer.pick(m);
    if (worker === undefined || (this.#isPulled && worker.inHand >= this.#settings.slots)) return false;
    if (this.#isCounting) worker.give(m, this.#free, this.#failed);
    else m.forward(worker.ref);
    return true;
  }

  #wait(m: Message<P>): void {
    const { capacity } = this.#settings;
    const nowMs = this.#self.now();
    if (this.#waiting.length >= capacity) this.#waiting.take((one) => isExpired(one, nowMs));
    if (this.#waiting.length >= capacity) {
      const full = `${this.#self.path} can not take ${m.type}: ${capacity} messages wait for a worker.`;
      m.refuse(new MailboxFull(full, "not-started"));
      return;
    }
    m.hold(this.#refs);
    this.#waiting.push(m);
  }

  /** Sends what waits, as far as there are workers for it. */
  #pump(): void {
    const nowMs = this.#self.now();
    while (this.#waiting.length > 0) {
      if (this.#isPulled && !this.#balancer.targets.some((one) => one.inHand < this.#settings.slots)) return;
      if (this.#balancer.targets.length === 0) return;
      const m = this.#waiting.shift() as Message<P>;
      if (!isExpired(m, nowMs)) this.#send(m);
    }
  }

  readonly #free = (worker: Worker): void => {
    if (this.#draining.has(worker)) this.#stopIdle(worker);
    else this.#pump();
  };

  readonly #failed = (worker: Worker, m: Message, error: unknown): void => {
    if (!(error instanceof ActorStopped) || error.outcome !== "not-started") refuse(m, error);
    else {
      // It was not begun. That the worker has ended may not be known here yet.
      this.#leave(worker);
      this[receive](m as Message<P>);
    }
  };

  #start(n: number): void {
    const options = { ...this.#settings.worker, name: String(n) };
    this.#workers[n] = new Worker(this.#self, this.#make, options, this.#ended);
    this.#changed();
  }

  readonly #ended = (worker: Worker): void => {
    if (this.#draining.delete(worker)) return;
    const n = Number(worker.name);
    this.#leave(worker);
    this.#workers[n] = undefined;
    const waitMs = worker.startedAtMs + renewMs - this.#self.now();
    if (waitMs > 0) this.#self.after(waitMs, () => this.#renew(n), `renew ${n}`);
    else this.#renew(n);
  };

  /** A pool that has become smaller in the meantime does without. */
  #renew(n: number): void {
    if (n >= this.#workers.length || this.#workers[n] !== undefined) return;
    this.#start(n);
    this.#pump();
  }

  #leave(worker: Worker): void {
    worker.isEnded = true;
    this.#changed();
  }

  #changed(): void {
    const workers = this.#workers.filter((one) => one !== undefined && !one.isEnded) as Worker[];
    this.#balancer.targets = workers;
    this.#refs = workers.map(({ ref }) => ref);
  }

  /** Elastic: compares what there is to do with who is there to do it. */
  #look(): void {
    const { min, max, lagMs, perWorker } = this.#settings;
    const nowMs = this.#self.now();
    let load = this.#waiting.length;
    for (const worker of this.#workers) load += worker?.inHand ?? 0;
    const wanted = Math.min(max, Math.max(min, Math.ceil(load / perWorker)));
    this.#wanted = this.#wanted.filter(({ atMs }) => atMs > nowMs - lagMs);
    this.#wanted.push({ atMs: nowMs, size: wanted });
    while (this.#workers.length + this.#coming < wanted) this.#grow(lagMs);
    const enough = Math.max(...this.#wanted.map(({ size }) => size));
    while (this.#workers.length > enough && this.#coming === 0) this.#shrink();
  }

  #grow(lagMs: number): void {
    this.#coming++;
    const arrive = () => {
      this.#coming--;
      const n = this.#workers.length;
      const former = [...this.#draining].find(({ name }) => name === String(n));
      if (former === undefined) this.#start(n);
      else {
        this.#draining.delete(former);
        this.#workers[n] = former;
        this.#changed();
      }
      this.#pump();
    };
    if (lagMs === 0) arrive();
    else this.#self.after(lagMs, arrive);
  }

  /** The last one goes. */
  #shrink(): void {
    const worker = this.#workers.pop();
    this.#changed();
    if (worker === undefined || worker.isEnded) return;
    this.#draining.add(worker);
    this.#stopIdle(worker);
  }

  #stopIdle(worker: Worker): void {
    if (worker.inHand === 0) worker.stop();
  }
}

/** Its asker has left, or is about to be told. */
function isExpired(m: Message, nowMs: number): boolean {
  return m.deadline !== undefined && m.deadline <= nowMs;
}
