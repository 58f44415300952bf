// Consumers that can not be reached: what is ready stays so, and it is they who are tried again.

import { createSystem, Failure, type Message, type Ref, receive, type Self, type System } from "antiphon";
import { down, pause as freeze, powerFailure, type SimulatedWorld, type SimulateOptions, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { inspect } from "../../../src/actors/broker/control.ts";
import type { QueueOptions } from "../../../src/actors/broker/options.ts";
import { queue } from "../../../src/actors/broker/queue.ts";
import { eventsOf } from "../../../src/actors/broker/record-bytes.ts";
import { json, SlowJournal } from "./scene.ts";

interface Work {
  work(n: number): unknown;
}

const many = 1_000;
const inOrder = Array.from({ length: many }, (_, n) => n);

/** A queue of `many` messages before consumers of these names, which note what they get. */
const scene = (
  options: QueueOptions,
  names: readonly string[],
  rest: SimulateOptions<Ref<Work>>,
  body: (world: SimulatedWorld<Ref<Work>>, seen: { readonly of: string; readonly n: number }[]) => Promise<void>,
) => {
  const seen: { readonly of: string; readonly n: number }[] = [];
  const worker = ({ path }: Self): Work => ({ work: (n) => void seen.push({ of: path, n }) });
  const boot = (system: System): Ref<Work> => {
    const refs = names.map((name) => system.spawn(worker, { name }));
    return system.spawn(queue(refs, options), { name: "q" });
  };
  return simulate({ boot, ...rest }, async (world) => {
    for (const n of inOrder) await world.system.offer(world.booted).work(n);
    await body(world, seen);
  }).then(() => {});
};

const reportOf = async ({ system, booted }: SimulatedWorld<Ref<Work>>) =>
  (await inspect(system, booted)).topics[0]!.subscriptions[0]!;

const hour = 3_600_000;
const orders: readonly QueueOptions[] = [
  {},
  { prefetch: 100 },
  { selection: "fair" },
  { selection: "priority", prefetch: 10, priority: () => 1 },
  { consumers: "sticky", prefetch: 10 },
  { order: "all" },
];

describe("a consumer that can not be reached", () => {
  test.each(orders)("[G2 sim] leaves what is ready as it is, in its order, and uncounted: %j", (options) =>
    scene(options, ["a"], { faults: [down("/a", { to: hour })] }, async (world, seen) => {
      await world.run(1_000);
      expect(await reportOf(world)).toMatchObject({ ready: many, scheduled: 0, leased: 0 });
      await world.run(hour);
      expect(seen.map(({ n }) => n)).toEqual(inOrder);
      expect(await reportOf(world)).toMatchObject({ acked: many, inversions: 0 });
    }),
  );

  test("[G10 sim] costs one timer and two events of the journal for each time that it is tried, whatever waits", async () => {
    const journal = new SlowJournal();
    const options = { prefetch: many, journal: journal.open, codec: json, snapshotEvery: 1_000_000 };
    await scene(options, ["a"], { faults: [down("/a", { to: hour })], trace: "off" }, async (world) => {
      const written = () => journal.records.flatMap((record) => [...eventsOf(record)]).length;
      await world.run(2_000);
      const before = { steps: world.steps, written: written() };
      await world.run(60_000);
      expect(written() - before.written).toBeLessThanOrEqual(2 * 61);
      expect(world.steps - before.steps).toBeLessThanOrEqual(10 * 61);
    });
  });

  test("[G2 sim] is no trouble to the others, which take what it was to have", () =>
    scene({ prefetch: 5 }, ["a", "b", "c"], { faults: [down("/b", { to: hour })] }, async (world, seen) => {
      await world.run(1_000);
      expect(await reportOf(world)).toMatchObject({ acked: many });
      expect(new Set(seen.map(({ of }) => of))).toEqual(new Set(["/a", "/c"]));
    }));

  test("[G2 sim] that takes messages and begins none has one at a time, until it does", () =>
    scene({ lease: 1_000, prefetch: 5 }, ["a"], { faults: [freeze("/a", { to: 10_500 })] }, async (world, seen) => {
      await world.run(10_400);
      expect(await reportOf(world)).toMatchObject({ ready: many - 1, leased: 1, scheduled: 0 });
      await world.runUntilIdle();
      expect(seen.map(({ n }) => n)).toEqual(inOrder);
    }));

  test("[G2 sim] [G13 sim] is tried at once by a store that starts again", async () => {
    const journal = new SlowJournal();
    const faults = [down("/a", { to: 5_100 }), powerFailure({ at: 5_200 })];
    const options = { prefetch: 3, order: "all", journal: journal.open, codec: json } as const;
    await scene(options, ["a"], { faults, journals: [journal] }, async (world, seen) => {
      await world.run("1m");
      expect(new Set(seen.map(({ n }) => n))).toEqual(new Set(inOrder));
      expect(await reportOf(world)).toMatchObject({ ready: 0, scheduled: 0, leased: 0 });
    });
  });

  test("[G2 live] whose mailbox turns messages away has one turned away, and the rest wait", async () => {
    await using system = createSystem({ report: false });
    const begun: (() => void)[] = [];
    const slow = (): Work => ({ work: () => new Promise<void>((done) => void begun.push(done)) });
    const to = system.spawn(slow, { name: "slow", mailbox: { capacity: 2 } });
    // Its mailbox is full of what others sent.
    for (let n = 0; n < 3; n++) system.tell(to).work(n);
    const q = system.spawn(queue(to, { prefetch: many }), { name: "q" });
    await Promise.all(inOrder.map((n) => system.offer(q).work(n)));
    const { ready, leased, scheduled } = (await inspect(system, q)).topics[0]!.subscriptions[0]!;
    expect({ all: ready + leased, scheduled }).toEqual({ all: many, scheduled: 0 });
    expect(leased).toBeLessThanOrEqual(1);
  });

  test("ends with its system while messages wait for it", () =>
    simulate({ faults: [down("/a", { to: hour })] }, async ({ system, run, now }) => {
      const to = system.spawn((): Work => ({ work() {} }), { name: "a" });
      const q = system.spawn(queue(to), { name: "q" });
      for (const n of inOrder) system.tell(q).work(n);
      await run(10_000);
      await system.stop({ drain: 5_000 });
      expect(now()).toBeLessThanOrEqual(15_000);
    }).then(() => {}));
});

class Unwanted extends Failure {
  readonly _tag = "Unwanted";
  override readonly code = "UNWANTED";
}

describe("a message that its consumer turns away for what it is", () => {
  test("[G2 sim] waits by itself, and the others pass it", () =>
    simulate({}, async ({ system, run }) => {
      let handled = 0;
      const picky = () => ({
        [receive](m: Message) {
          if (m.payload === 0) m.refuse(new Unwanted("not this one", "not-started"));
          else handled++;
        },
      });
      const to = system.spawn(picky) as Ref<unknown> as Ref<Work>;
      const q = system.spawn(queue(to), { name: "q" });
      for (const n of inOrder) system.tell(q).work(n);
      await run(1_000);
      expect(handled).toBe(many - 1);
      expect((await inspect(system, q)).topics[0]!.subscriptions[0]).toMatchObject({ scheduled: 1, acked: many - 1 });
    }).then(() => {}));
});
