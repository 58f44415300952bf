// Durable queues with each of the options that decide an order, on a journal in memory: the power fails at every step, each
// append fails once, the disk is full.

import { type Ref, type Self, type System, settle } from "antiphon";
import { powerFailure, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { commit, deadLetters, grant, inspect } from "../../../src/actors/broker/control.ts";
import { type MemoryJournal, memoryJournal } from "../../../src/actors/broker/memory.ts";
import type { QueueOptions } from "../../../src/actors/broker/options.ts";
import { queue } from "../../../src/actors/broker/queue.ts";

interface Work {
  work(n: number): unknown;
}

/** What is seen from outside, through all boots of one simulation. */
class Witness {
  readonly confirmed: number[] = [];
  readonly acked = new Set<number>();
  readonly started = new Set<number>();
  readonly violations: string[] = [];
  /** Whether a lost write may take back ends that were not safe: then what began once may begin again, in its order. */
  readonly takesBack: boolean;
  /** Of this boot: what was started last, by key. */
  #last = new Map<number, number>();

  constructor(takesBack: boolean) {
    this.takesBack = takesBack;
  }

  boot(): void {
    this.#last = new Map();
  }

  start(n: number, isOrdered: boolean): void {
    if (this.acked.has(n)) this.violations.push(`${n} comes again after its commit was answered`);
    const last = this.#last.get(n % 2) ?? -1;
    const isAgain = this.takesBack && this.started.has(n);
    if (isOrdered && n < last && !isAgain) this.violations.push(`${n} starts after ${last} of its key`);
    this.#last.set(n % 2, isAgain ? n : Math.max(last, n));
    this.started.add(n);
  }
}

const messages = 8;
const supervision = { maxRestarts: Number.POSITIVE_INFINITY };

/** Each third message crashes its consumer once; what is handled is committed. */
function boot(system: System, journal: MemoryJournal, options: QueueOptions, witness: Witness): Ref<Work> {
  witness.boot();
  const isOrdered = options.order === "key" && options.laneOnBackoff !== "pass";
  const failed = new Set<number>();
  const worker = (self: Self) => {
    if (options.credit === "granted") self.after(1, () => grant(self, q, 99).catch(() => {}));
    return {
      async work(n: number) {
        witness.start(n, isOrdered);
        await self.sleep(2);
        if (n % 3 === 0 && !failed.has(n)) {
          failed.add(n);
          throw new Error("planted");
        }
        await commit(self, q, { state: { [`last-${n % 2}`]: n } });
        witness.acked.add(n);
      },
    };
  };
  const refs = ["a", "b"].map((name) => system.spawn(worker, { name, concurrency: 3, supervision }));
  const q: Ref<Work> = system.spawn(
    queue(refs, { prefetch: 3, backoff: 3, maxAttempts: 50, journal: journal.open, snapshotEvery: 5, ...options }),
    { name: "q", supervision },
  );
  return q;
}

async function story(
  options: QueueOptions,
  journal: MemoryJournal,
  failsAt: number | undefined,
  takesBack = false,
): Promise<{ endsAt: number; violations: readonly string[]; refused: number }> {
  const witness = new Witness(takesBack);
  let endsAt = 0;
  /** By who says that nothing has begun. */
  const refused: number[] = [];
  const start = (system: System) => boot(system, journal, options, witness);
  const faults = failsAt === undefined ? [] : [powerFailure({ at: failsAt })];
  await simulate({ boot: start, journals: [journal], trace: "off", faults }, async (world) => {
    for (let n = 0; n < messages; n++) {
      const done = settle(world.system.offer(world.booted, { key: `${n % 2}`, id: `m${n}` }).work(n)).then((result) => {
        if (result.ok) witness.confirmed.push(n);
        else if ((result.error as { retrySafe?: boolean }).retrySafe === true) refused.push(n);
      });
      if (n % 2 === 0) await done;
    }
    endsAt = world.now();
    await world.run("1m");
    const { confirmed, started, violations } = witness;
    for (const n of refused) if (started.has(n)) violations.push(`${n} was refused as not started, and had started`);
    for (const n of confirmed) if (!started.has(n)) violations.push(`${n} was confirmed and is lost`);
    const { matched, acked, ready, leased, scheduled, parked } = (await inspect(world.system, world.booted)).topics[0]!
      .subscriptions[0]!;
    if (ready + leased + scheduled + parked > 0) violations.push("something is left");
    if (matched !== acked) violations.push(`${matched - acked} came to another end`);
    violations.push(...(await deadLetters(world.system, world.booted)).map(({ id }) => `${id} is dead`));
    await world.system.stop();
  });
  return { endsAt, violations: witness.violations, refused: refused.length };
}

const kinds: Record<string, QueueOptions> = {
  "an order per key": { order: "key" },
  "shared lanes that stick": { order: "key", lanes: 2, consumers: "sticky" },
  "lanes that pass": { order: "key", laneOnBackoff: "pass", delay: ({ payload }) => (payload === 2 ? 4 : 0) },
  priority: { selection: "priority", priority: ({ payload }) => Number(payload) % 4, aging: 5 },
  "a fair choice": { order: "key", selection: "fair", tag: ({ payload }) => `${Number(payload) % 3}` },
  "crashes that do not count": { order: "key", counts: ["expiry"] },
  "granted credit": { order: "key", credit: "granted", maxUnsettled: 2 },
  "room for two, and a wait": { capacity: { messages: 2 }, overflow: "wait" },
};

describe.each(Object.entries(kinds))("a durable queue with %s", (_, options) => {
  const slow = { latency: 3 };

  test("[G1 sim] [G5 sim] [G13 sim] loses and repeats nothing, whenever the power fails", async () => {
    const { endsAt, violations } = await story(options, memoryJournal(slow), undefined);
    expect(violations).toEqual([]);
    expect(endsAt).toBeGreaterThan(10);
    for (let at = 0; at <= endsAt + 20; at++) {
      const { violations } = await story(options, memoryJournal(slow), at);
      expect({ at, violations }).toEqual({ at, violations: [] });
    }
  }, 60_000);

  test("[G1 sim] [G13 sim] does so whichever write is lost", async () => {
    const whole = memoryJournal(slow);
    await story(options, whole, undefined);
    let refused = 0;
    for (let lost = 1; lost <= whole.appends; lost++) {
      const journal = memoryJournal({ ...slow, fails: (append) => append === lost });
      const result = await story(options, journal, undefined, true);
      expect({ lost, violations: result.violations }).toEqual({ lost, violations: [] });
      refused += result.refused;
    }
    expect(refused).toBeGreaterThan(0);
  }, 60_000);

  test("[G13 sim] keeps what it confirmed when the disk is full", async () => {
    const bytes = 1_500;
    const journal = memoryJournal({ ...slow, capacityBytes: bytes });
    const witness = new Witness(true);
    await simulate({ trace: "off" }, async ({ system, run }) => {
      const q = boot(system, journal, { ...options, snapshotEvery: 1_000 }, witness);
      for (let n = 0; n < messages; n++) {
        const done = settle(system.offer(q, { key: `${n % 2}`, id: `m${n}`, within: 50 }).work(n));
        if ((await done).ok) witness.confirmed.push(n);
      }
      await run(100);
      await system.stop();
    });
    expect(witness.confirmed.length).toBeLessThan(messages);
    const roomy = memoryJournal({ ...slow, content: journal.content });
    await simulate({ trace: "off" }, async ({ system, run }) => {
      const q = boot(system, roomy, options, witness);
      await run("1m");
      for (const n of witness.confirmed) expect(witness.started).toContain(n);
      expect(witness.violations).toEqual([]);
      expect((await inspect(system, q)).topics[0]).toMatchObject({ backlog: 0 });
      await system.stop();
    });
  }, 60_000);
});
