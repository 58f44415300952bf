// What comes due, against two lists: what is armed for later, by time and arming, and what is enabled, by posting.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Timed } from "../../../src/runtime/kernel/operation.ts";
import { Agenda } from "../../../src/runtime/sim/agenda.ts";
import { FaultEvent } from "../../../src/runtime/sim/event.ts";
import { Alarm } from "./alarm.ts";

type Step = { readonly do: "arm" | "disarm" | "fire" | "clear"; readonly n: number; readonly wait: number };

/** The same agenda, done slowly. */
class Model {
  now = 0;
  posts = 0;
  armed: { timed: Timed; time: number; order: number }[] = [];
  enabled: { timed: Timed; order: number }[] = [];
  #armings = 0;

  arm(timed: Timed, time: number): void {
    this.disarm(timed);
    if (time > this.now) this.armed.push({ timed, time, order: ++this.#armings });
    else this.enabled.push({ timed, order: ++this.posts });
    this.armed.sort((a, b) => a.time - b.time || a.order - b.order);
  }

  disarm(timed: Timed): void {
    this.armed = this.armed.filter((one) => one.timed !== timed);
    this.enabled = this.enabled.filter((one) => one.timed !== timed);
  }

  /** What comes first; what comes alone is never enabled. */
  fire(): Timed | undefined {
    if (this.enabled.length > 0) return this.enabled.shift()?.timed;
    const first = this.armed[0];
    if (first === undefined) return undefined;
    this.now = first.time;
    const due = this.armed.filter(({ time }) => time === this.now);
    this.armed = this.armed.slice(due.length);
    if (due.length > 1) this.enabled = due.map(({ timed }) => ({ timed, order: ++this.posts }));
    return due.length > 1 ? this.enabled.shift()?.timed : first.timed;
  }

  clear(keeps: (timed: Timed) => boolean): void {
    this.armed = this.armed.filter(({ timed }) => keeps(timed));
    this.enabled = this.enabled.filter(({ timed }) => keeps(timed));
  }
}

function fire(agenda: Agenda): Timed | undefined {
  if (agenda.order < Number.POSITIVE_INFINITY) return agenda.take();
  if (agenda.soonest === Number.POSITIVE_INFINITY) return undefined;
  return agenda.advance() ?? (agenda.order < Number.POSITIVE_INFINITY ? agenda.take() : undefined);
}

const weighted = (weight: number, what: Step["do"]) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(what), n: fc.nat(19), wait: fc.nat(3) }),
});

describe("Agenda", () => {
  test("enables all that is due at the next instant, and gives it in the order in which it was enabled", async () => {
    const steps = fc.array(
      fc.oneof(weighted(8, "arm"), weighted(3, "disarm"), weighted(8, "fire"), weighted(1, "clear")),
      { maxLength: 200 },
    );
    await fc.assert(
      fc.property(steps, (list: Step[]) => {
        const model = new Model();
        let posts = 0;
        const agenda = new Agenda(() => ++posts);
        const alarms = Array.from({ length: 20 }, (_, n) =>
          n % 4 === 0 ? new FaultEvent(`crash/${n}`, () => {}) : new Alarm(n),
        );
        const keeps = (timed: Timed) => timed instanceof FaultEvent;
        for (const { do: what, n, wait } of list) {
          const alarm = alarms[n] as Timed;
          if (what === "arm") {
            model.arm(alarm, model.now + wait);
            // The agenda is told what now is.
            agenda.arm(alarm, model.now + wait, model.now);
          } else if (what === "disarm") {
            model.disarm(alarm);
            if (alarm.armed) agenda.disarm(alarm);
          } else if (what === "clear") {
            model.clear(keeps);
            agenda.clear(keeps);
          } else expect(fire(agenda)).toBe(model.fire());
          expect(agenda.order).toBe(model.enabled[0]?.order ?? Number.POSITIVE_INFINITY);
          expect(agenda.soonest).toBe(model.armed[0]?.time ?? Number.POSITIVE_INFINITY);
          expect(agenda.foreground).toBe(model.armed.filter(({ timed }) => !timed.background).length);
          expect(agenda.hasFault).toBe(model.enabled.some(({ timed }) => timed instanceof FaultEvent));
          expect(posts).toBe(model.posts);
          const armed = [...model.armed, ...model.enabled].map(({ timed }) => timed);
          expect(new Set(alarms.filter((one) => one.armed))).toEqual(new Set(armed));
        }
      }),
      { seed: 13, numRuns: 150 },
    );
  });

  test("puts what was disarmed and armed anew at the same instant behind the others", () => {
    let posts = 0;
    const agenda = new Agenda(() => ++posts);
    const [one, two] = [new Alarm(1), new Alarm(2)];
    agenda.arm(one, 0, 0);
    agenda.arm(two, 0, 0);
    agenda.disarm(one);
    agenda.arm(one, 0, 0);
    expect([fire(agenda), fire(agenda), fire(agenda)]).toEqual([two, one, undefined]);
  });
});
