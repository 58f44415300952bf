// Pools that grow and shrink, and pools in every order of delivery.

import type { Make, Self, SystemEvent } from "antiphon";
import { generator, piecewise } from "antiphon/lab";
import { crash, type Fault, simulate } from "antiphon/sim";
import { conserved, explore, ordered } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type PoolOptions, type PoolStrategy, pool } from "../../src/actors/pool.ts";

const timeoutMs = 60_000;

/** Says who did what. */
class Clerk {
  readonly #self: Self;

  constructor(self: Self) {
    this.#self = self;
  }

  who(): string {
    return this.#self.path;
  }

  async slow(ms: number): Promise<string> {
    await this.#self.sleep(ms);
    return this.#self.path;
  }
}

const clerk: Make<Clerk> = (self) => new Clerk(self);

const all: readonly PoolStrategy[] = [
  "shared-queue",
  "round-robin",
  "random",
  "least-loaded",
  "power-of-two-choices",
  "consistent-hash",
];

describe("an elastic pool", () => {
  const workers = (events: readonly SystemEvent[]) =>
    events.flatMap((event) => (event.kind === "started" || event.kind === "ended" ? [event.kind] : []));

  test(
    "[P4 sim] grows after its lag, as R82 says: 12,000 messages at most, and 40 s to be rid of them",
    () =>
      simulate({ trace: "off" }, async ({ system, run, now }) => {
        const make: Make<{ work(): Promise<void> }> = (self) => ({ work: () => self.sleep(20) });
        const size = { min: 4, max: 8, lag: "30s" } as const;
        const ref = system.spawn(pool(make, { size, worker: { supervision: { settleWithin: 1 } } }), { name: "desk" });
        const load = piecewise([
          { perSecond: 100, seconds: 60 },
          { perSecond: 500, seconds: 60 },
          { perSecond: 100, seconds: 120 },
        ]);
        system.tell(system.spawn(generator(load, (self) => self.tell(ref).work()))).start();
        let most = 0;
        let idleAt = 0;
        for (let seconds = 0; seconds < 240; seconds++) {
          await run("1s");
          const waiting = system.census(ref).held;
          most = Math.max(most, waiting);
          if (waiting > 100) idleAt = now();
        }
        expect(Math.abs(most / 12_000 - 1)).toBeLessThan(0.05);
        expect(Math.abs((idleAt - 120_000) / 40_000 - 1)).toBeLessThan(0.05);
      }),
    timeoutMs,
  );

  test("[P4 sim] shrinks only when fewer have been enough for its lag, and stops nobody who works", () =>
    simulate({}, async ({ system, run, now }) => {
      const events: SystemEvent[] = [];
      system.events((event) => events.push(event));
      const ref = system.spawn(pool(clerk, { size: { min: 1, max: 4, every: 100, lag: 300 } }), { name: "desk" });
      const asks = [400, 400, 400, 400, 3_000].map((ms) => system.ask(ref).slow(ms));
      await run(450);
      expect(workers(events).filter((kind) => kind === "started")).toHaveLength(5);
      expect(await Promise.all(asks)).toHaveLength(5);
      expect(now()).toBeLessThan(4_000);
      await run(1_000);
      expect(workers(events).filter((kind) => kind === "ended")).toHaveLength(3);
      expect(events.some(({ kind }) => kind === "straggler")).toBe(false);
      expect(await system.ask(ref).who()).toMatch(/^\/desk\/0/);
    }));

  test("takes a worker back that was to stop", () =>
    simulate({}, async ({ system, run }) => {
      const events: SystemEvent[] = [];
      system.events((event) => events.push(event));
      const ref = system.spawn(pool(clerk, { size: { min: 1, max: 2, every: 100 }, strategy: "round-robin" }));
      const first = [system.ask(ref).slow(150), system.ask(ref).slow(150)];
      await run(120);
      const long = system.ask(ref).slow(100);
      const longer = system.ask(ref).slow(1_000);
      await run(200);
      const more = [system.ask(ref).slow(300), system.ask(ref).slow(300)];
      await Promise.all([...first, long, longer, ...more]);
      expect(workers(events).filter((kind) => kind === "started").length).toBe(3);
      await run(500);
      expect(workers(events).filter((kind) => kind === "ended")).toHaveLength(1);
    }));
});

describe("a pool in every order", () => {
  interface Desk {
    note(item: { by: string; n: number }): Promise<string>;
    crash(): void;
  }
  const property = (strategy: PoolStrategy, size: PoolOptions["size"], faults: readonly Fault[] = []) =>
    explore(
      { counts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 3 }), crashes: fc.nat(2) },
      async ({ system, runUntilIdle }, { counts, crashes }) => {
        const seen: { by: string; n: number; at: string }[] = [];
        const make: Make<Desk> = (self) => ({
          async note(item) {
            seen.push({ ...item, at: self.path });
            if (faults.length > 0) await self.sleep(4);
            return `${item.by} ${item.n}`;
          },
          crash() {
            throw new Error("planted");
          },
        });
        const worker = { supervision: { maxRestarts: Number.POSITIVE_INFINITY } };
        const ref = system.spawn(pool(make, { size, strategy, worker }), { name: "desk" });
        const answers: string[] = [];
        const failures: string[] = [];
        counts.forEach((count, sender) => {
          const by = `client-${sender}`;
          const client = (self: Self) => ({
            go() {
              for (let n = 0; n < count; n++) {
                const answer = self.ask(ref, { key: by, within: "1h" }).note({ by, n });
                self.pipeToSelf(
                  answer,
                  (text) => answers.push(text),
                  (error) => failures.push(`${error}`),
                );
                if (n < crashes) self.tell(ref, { key: by }).crash();
              }
            },
          });
          system.tell(system.spawn(client, { name: by })).go();
        });
        await runUntilIdle();
        const sent = counts.flatMap((count, sender) =>
          Array.from({ length: count }, (_, n) => `client-${sender} ${n}`),
        );
        const names = seen.map(({ by, n }) => `${by} ${n}`);
        if (new Set(names).size !== names.length) throw new Error(`once each: ${names}`);
        if (faults.length === 0 && `${[...answers].sort()}` !== `${sent.sort()}`)
          throw new Error(`all are answered: ${answers} of ${sent}, failed ${failures}`);
        if (answers.length + failures.length !== sent.length) throw new Error("every ask has an end");
        if (strategy === "consistent-hash") {
          const deliveries = seen.map(({ by, n, at }) => ({ from: by, to: at, seq: n }));
          const found = ordered(deliveries);
          if (!found.ok) throw new Error(found.text);
        }
        const books = conserved(system);
        if (!books.ok) throw new Error(books.text);
      },
      { schedules: 60, faults },
    );

  test.each(all)(
    "[P1 sim] brings each message to one worker once, whoever crashes, by %s",
    (strategy) => fc.assert(property(strategy, 2), { seed: 7, numRuns: 8 }),
    timeoutMs,
  );

  test(
    "does so while it grows and shrinks",
    () => fc.assert(property("shared-queue", { min: 1, max: 3, every: 5 }), { seed: 7, numRuns: 8 }),
    timeoutMs,
  );

  test(
    "gives every ask an end when the pool itself crashes",
    () => fc.assert(property("shared-queue", 2, [crash("/desk", { at: 5 })]), { seed: 7, numRuns: 8 }),
    timeoutMs,
  );
});
