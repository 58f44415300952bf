// One row of the simulator's bench, in a process of its own: does the work as often as it is told, and prints a line of
// JSON for each repetition. Sizes are such that one takes 0.2 to 0.5 s.

import type { Ref, Self } from "antiphon";
import { exponential } from "antiphon/lab";
import { type Schedule, simulate } from "antiphon/sim";
import { expectEqual } from "./rows.ts";

interface Sample {
  /** What the row counts: customers, deliveries, schedules. */
  readonly done: number;
  readonly steps: number;
  readonly barriers: number;
}
type Row = (size: number, seed: number, trace: "off" | "hash" | "full") => Promise<Sample>;

/** λ = 80/s, μ = 100/s. No promise: arrivals and ends of service are timers, as one writes a simulation. */
const mm1: Row = async (customers, seed, trace) => {
  let totalMs = 0;
  let served = 0;
  const service = exponential({ mean: 10 });
  const gap = exponential({ mean: 12.5 });
  const server = (self: Self) => {
    const arrivals: number[] = [];
    let head = 0;
    const draw = () => self.random();
    const begin = () => void self.after(service(draw), end);
    const end = () => {
      totalMs += self.now() - (arrivals[head++] as number);
      served++;
      if (head < arrivals.length) begin();
    };
    return {
      arrive() {
        arrivals.push(self.now());
        if (arrivals.length - head === 1) begin();
      },
    };
  };
  const source = (self: Self, to: Ref<{ arrive(): void }>) => {
    let left = customers;
    const draw = () => self.random();
    const next = () => {
      self.tell(to).arrive();
      if (--left > 0) self.after(gap(draw), next);
    };
    return { start: () => void self.after(gap(draw), next) };
  };
  const run = await simulate({ seed, trace }, async ({ system, runUntilIdle }) => {
    const to = system.spawn(server, { name: "server" });
    system.tell(system.spawn((self) => source(self, to), { name: "source" })).start();
    await runUntilIdle();
  });
  expectEqual("customers", served, customers);
  // Five standard errors.
  const meanMs = totalMs / served;
  if (Math.abs(meanMs / 50 - 1) > 5 * meanError(customers))
    throw new Error(`M/M/1: a mean of ${meanMs} ms in the system, expected 50 ms`);
  return { done: customers, steps: run.steps, barriers: run.barriers };
};

/**
 * Relative standard error of the mean time in the system, ρ = 0.8.
 * Source: D. J. Daley, "The serial correlation coefficients of waiting times in a stationary single server queue" (1968):
 * n·var of the mean wait is ρ(2+5ρ−4ρ²+ρ³)/(μ²(1−ρ)⁴); the service times add little.
 */
function meanError(customers: number): number {
  const rho = 0.8;
  const waits = (rho * (2 + 5 * rho - 4 * rho * rho + rho * rho * rho)) / (0.2 * 0.2 * 0.2 * 0.2);
  return (Math.sqrt(waits / customers) * 10) / 50;
}

interface Order {
  readonly id: number;
  readonly sku: string;
  readonly count: number;
  readonly express: boolean;
}
const orderOf = (id: number): Order => ({ id, sku: "mug", count: 2, express: true });

type Hop = (self: Self, next: () => Ref<{ hop(order: Order): unknown }>) => { hop(order: Order): unknown };

/** Of an exploration: the order is drawn. */
const drawn = (seed: number): { schedule: Schedule } => ({ schedule: { strategy: "random", seed } });

/** A ring of 100 actors; each handler tells the next a fresh payload of four fields. */
const ring =
  (handler: Hop, order?: (seed: number) => { schedule: Schedule }): Row =>
  async (deliveries, seed, trace) => {
    const refs: Ref<{ hop(order: Order): unknown }>[] = [];
    const run = await simulate({ seed, trace, ...order?.(seed) }, async ({ system, runUntilIdle }) => {
      for (let i = 0; i < 100; i++)
        refs.push(
          system.spawn((self) => handler(self, () => refs[(i + 1) % 100] as Ref<{ hop(order: Order): unknown }>)),
        );
      system.tell(refs[0] as Ref<{ hop(order: Order): unknown }>).hop(orderOf(deliveries));
      await runUntilIdle();
    });
    expectEqual("events", run.steps, deliveries);
    return { done: deliveries, steps: run.steps, barriers: run.barriers };
  };

const sync: Hop = (self, next) => ({
  hop({ id }) {
    if (id > 1) self.tell(next()).hop(orderOf(id - 1));
  },
});

const asynchronous: Hop = (self, next) => ({
  async hop({ id }) {
    if (id > 1) self.tell(next()).hop(orderOf(id - 1));
  },
});

/** As an exploration does: run after run, each of 2,000. */
function inRuns(row: Row): Row {
  const each = 2_000;
  return async (size, seed, trace) => {
    let steps = 0;
    for (let i = 0; i < size / each; i++) steps += (await row(each, seed * size + i, trace)).steps;
    return { done: size, steps, barriers: 0 };
  };
}

/** A serial actor asks another, one after the other: a delivery and a reply each. */
const ask: Row = async (asks, seed, trace) => {
  const run = await simulate({ seed, trace }, async ({ system }) => {
    const echo = system.spawn(() => ({ back: ({ id }: Order) => id }));
    const asker = system.spawn((self: Self) => ({
      async go() {
        let sum = 0;
        for (let i = 1; i <= asks; i++) sum += await self.ask(echo).back(orderOf(i));
        return sum;
      },
    }));
    expectEqual("sum", await system.ask(asker, { within: "100h" }).go(), (asks * (asks + 1)) / 2);
  });
  return { done: asks, steps: run.steps, barriers: run.barriers };
};

/** A system of three actors and 20 deliveries, made and run anew each time, as an exploration does. */
const schedules =
  (order?: (seed: number) => { schedule: Schedule }): Row =>
  async (count, seed, trace) => {
    let steps = 0;
    for (let i = 0; i < count; i++) {
      let seen = 0;
      const run = await simulate({ seed: seed + i, trace, ...order?.(seed + i) }, async ({ system, runUntilIdle }) => {
        const counter = system.spawn(() => ({ add: () => void seen++ }), { name: "counter" });
        const teller = (self: Self) => ({
          go() {
            for (let n = 0; n < 9; n++) self.tell(counter).add();
          },
        });
        for (const name of ["left", "right"]) system.tell(system.spawn(teller, { name })).go();
        await runUntilIdle();
      });
      expectEqual("deliveries", seen, 18);
      steps += run.steps;
    }
    return { done: count, steps, barriers: 0 };
  };

const rows: Readonly<Record<string, Row>> = {
  mm1,
  sync: ring(sync),
  async: ring(asynchronous),
  ask,
  schedules: schedules(),
  "explored-sync": inRuns(ring(sync, drawn)),
  "explored-async": inRuns(ring(asynchronous, drawn)),
  explored: schedules(drawn),
};
const [name = "", size = "", reps = "", trace = "off"] = process.argv.slice(2);
const row = rows[name];
if (row === undefined) throw new Error(`no such row: ${name}`);
for (let i = 0; i < Number(reps) + 2; i++) {
  const used = process.cpuUsage();
  const startedMs = performance.now();
  const sample = await row(Number(size), i + 1, trace as "off");
  const { user, system } = process.cpuUsage(used);
  // As in cell.ts: pushed off its core by another process, it did not compute.
  const seconds = Math.min(performance.now() - startedMs, (user + system) / 1_000) / 1_000;
  if (i >= 2) console.log(JSON.stringify({ ...sample, seconds }));
}
