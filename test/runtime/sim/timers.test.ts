// The two heaps of the simulated world against lists that are sorted anew each time.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cell } from "../../../src/runtime/kernel/cell.ts";
import { Ready } from "../../../src/runtime/sim/ready.ts";
import { Timers } from "../../../src/runtime/sim/timers.ts";
import { Alarm } from "./alarm.ts";

interface Armed {
  readonly alarm: Alarm;
  readonly time: number;
  /** Of arming. */
  readonly order: number;
}

/** Arms alarms anew too; few times, so that many are equal. */
const operations = fc.array(
  fc.oneof(
    { weight: 15, arbitrary: fc.record({ do: fc.constant("arm" as const), n: fc.nat(150), time: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const), n: fc.nat(150), time: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("disarm" as const), n: fc.nat(150), time: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("take" as const), n: fc.nat(150), time: fc.nat(20) }) },
  ),
  { minLength: 250, maxLength: 400 },
);

describe("Timers", () => {
  test("gives what is armed by its time, equals in the order in which they were armed, whatever is armed anew or disarmed", async () => {
    let most = 0;
    await fc.assert(
      fc.property(operations, (list) => {
        const timers = new Timers();
        const alarms = Array.from({ length: 151 }, (_, n) => new Alarm(n));
        let armed: Armed[] = [];
        for (const [order, step] of list.entries()) {
          const alarm = alarms[step.n] as Alarm;
          if (step.do === "arm" || step.do === "forget") {
            const time = step.do === "arm" ? step.time : Number.POSITIVE_INFINITY;
            timers.arm(alarm, time);
            armed = armed.filter((one) => one.alarm !== alarm);
            if (step.do === "arm") armed.push({ alarm, time, order });
          } else if (step.do === "disarm" && alarm.armed) {
            timers.disarm(alarm);
            armed = armed.filter((one) => one.alarm !== alarm);
          } else if (step.do === "take" && armed.length > 0) expect(timers.take()).toBe(armed.shift()?.alarm);
          armed.sort((a, b) => a.time - b.time || a.order - b.order);
          most = Math.max(most, armed.length);
          const { length, soonest, foreground } = timers;
          const waitedFor = armed.filter((one) => !one.alarm.background).length;
          expect(
            `${length} from ${soonest}, ${foreground} waited for, ${alarms.filter((one) => one.armed).length}`,
          ).toBe(`${armed.length} from ${armed[0]?.time ?? "Infinity"}, ${waitedFor} waited for, ${armed.length}`);
        }
        for (const { alarm, time } of armed) expect(alarm).toMatchObject({ armed: true, at: time });
        expect(new Set(timers.all())).toEqual(new Set(armed.map(({ alarm }) => alarm)));
        expect(armed.map(() => timers.take())).toEqual(armed.map(({ alarm }) => alarm));
        expect(timers).toMatchObject({ length: 0, foreground: 0, soonest: Number.POSITIVE_INFINITY });
      }),
      { seed: 11, numRuns: 15 },
    );
    // It has grown.
    expect(most).toBeGreaterThan(64);
  });
});

describe("Ready", () => {
  test("gives the actor first whose oldest message was posted first", async () => {
    const posts = fc.uniqueArray(fc.nat(1_000), { maxLength: 200 });
    await fc.assert(
      fc.property(posts, fc.array(fc.boolean(), { maxLength: 300 }), (orders, takes) => {
        const ready = new Ready();
        const left = [...orders];
        const model: { cell: Cell; order: number }[] = [];
        for (const take of [...takes, ...orders.map(() => true)]) {
          if (!take) {
            const order = left.pop();
            if (order === undefined) continue;
            const cell = { name: `${order}` } as Cell;
            model.push({ cell, order });
            ready.add(cell, order);
          } else expect(ready.take()).toBe(model.shift()?.cell);
          model.sort((a, b) => a.order - b.order);
          expect(ready.length).toBe(model.length);
          expect(ready.order).toBe(model[0]?.order ?? Number.POSITIVE_INFINITY);
        }
      }),
      { seed: 12, numRuns: 200 },
    );
  });

  test("is empty after it was cleared", () => {
    const ready = new Ready();
    for (const order of [3, 1, 2]) ready.add({} as Cell, order);
    ready.clear();
    expect([ready.length, ready.order, ready.take()]).toEqual([0, Number.POSITIVE_INFINITY, undefined]);
  });
});
