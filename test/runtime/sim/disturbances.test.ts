// Faults of actors that hold for a while: pauses, slowness, wrong clocks, errors.

import { type Self, settle } from "antiphon";
import { clockOffset, errors, InjectedError, pause, simulate, slow } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { at, balanced, counter, struck } from "./balanced.ts";

describe("pause", () => {
  test("puts off all that would start, resume or come due in the actor, and changes no other", async () => {
    const log: string[] = [];
    const run = await balanced({ faults: [pause("/a", { from: 5, to: "50ms" })] }, ({ system, now }) => {
      const note = (text: string) => log.push(`${text} at ${now()}`);
      const a = system.spawn(
        (self: Self) => {
          self.after(10, () => note("timer"));
          const over = self.after(10, () => note("cancelled timer"));
          at(system, 20, () => over.cancel());
          return {
            async sleep() {
              await self.sleep(7);
              note("slept");
            },
            async ask() {
              await self.ask(b).nap(8);
              note("asked");
            },
            start: () => note("started"),
          };
        },
        { name: "a", concurrency: 9 },
      );
      const b = system.spawn(counter, { name: "b", concurrency: 9 });
      system.tell(a).start();
      system.tell(a).sleep();
      system.tell(a).ask();
      at(system, 6, (self) => self.tell(a).start());
      void system
        .ask(b)
        .nap(9)
        .then(() => note("other"));
      void system
        .ask(a)
        .start()
        .then(() => note("answered"));
    });
    expect(log).toEqual([
      "started at 0",
      "started at 0",
      "answered at 0",
      "other at 9",
      ...["started at 50", "slept at 50", "asked at 50", "timer at 50"],
    ]);
    // The start, the sleep, the reply, and the timer: the other was cancelled meanwhile, but had come due.
    expect(struck(run)).toEqual([5]);
  });

  test("keeps deadlines: an answer that comes in time, and is seen too late, is late", async () => {
    const { value } = await balanced({ faults: [pause("/a", { from: 1, to: 50 })] }, ({ system }) => {
      const b = system.spawn(counter, { name: "b", concurrency: 9 });
      const asker = (within: number) => (self: Self) => ({ go: () => settle(self.ask(b, { within }).nap(10)) });
      const a = system.spawn((self: Self) => ({ short: asker(30)(self).go, long: asker(60)(self).go }), {
        name: "a",
        concurrency: 2,
      });
      return Promise.all([system.ask(a).short(), system.ask(a).long()]);
    });
    expect(await value).toMatchObject([
      { ok: false, error: { _tag: "AskTimeout", outcome: "unknown" } },
      { ok: true, value: 10 },
    ]);
  });

  test("lets what was withdrawn meanwhile be: nothing is left to start", async () => {
    const run = await balanced({ faults: [pause("/a", { to: 50 })] }, ({ system }) => {
      const a = system.spawn(counter, { name: "a" });
      return { answer: settle(system.ask(a, { within: 10 }).add()), census: () => system.census(a) };
    });
    expect(await run.value.answer).toMatchObject({ error: { _tag: "AskTimeout", outcome: "not-started" } });
    expect(run.value.census()).toMatchObject({ accepted: 1, expired: 1, handled: 0 });
  });

  test("may overlap another, and begins and ends where it says", async () => {
    const faults = [pause("/a", { from: 10, to: 20 }), pause("/a", { from: 15, to: 30 }), pause("/*", { to: 5 })];
    const log: number[] = [];
    await balanced({ faults }, ({ system, now }) => {
      system.spawn(
        (self: Self) => {
          for (const ms of [3, 5, 9, 10, 19, 20, 29, 30]) self.after(ms, () => log.push(now()));
          return {};
        },
        { name: "a" },
      );
    });
    expect(log).toEqual([5, 5, 9, 30, 30, 30, 30, 30]);
  });

  test("does not hold the body of the simulation, which is no actor", async () => {
    const { value } = await simulate({ faults: [pause("*", { to: 50 })] }, async ({ system, run, now }) => {
      const a = system.spawn(counter);
      const answer = system.ask(a).nap(1);
      await run(10);
      return [now(), await answer];
    });
    expect(value).toEqual([10, 51]);
  });
});

describe("slow", () => {
  test("has what its handlers sleep take so many times as long, and neither timers nor deadlines", async () => {
    const run = await balanced(
      { faults: [slow("/a", { times: 3, from: 10, to: 100 }), slow("/a", { times: 0, from: 200 })] },
      (world) => {
        const { system, now } = world;
        const log: string[] = [];
        const a = system.spawn(
          (self: Self) => {
            self.after(20, () => log.push(`timer at ${now()}`));
            return { nap: () => self.sleep(15) };
          },
          { name: "a", concurrency: 9 },
        );
        for (const ms of [1, 11, 99, 100, 201])
          at(system, ms, (self) =>
            self
              .ask(a, { within: "1s" })
              .nap()
              .then(() => log.push(`${ms} to ${now()}`)),
          );
        at(system, 12, (self) =>
          self
            .ask(a, { within: 20 })
            .nap()
            .catch((error) => log.push(`${error._tag} at ${now()}`)),
        );
        return log;
      },
    );
    expect(run.value).toEqual([
      "1 to 16",
      "timer at 20",
      "AskTimeout at 32",
      "11 to 56",
      "100 to 115",
      "99 to 144",
      "201 to 201",
    ]);
    expect(struck(run)).toEqual([3, 1]);
  });

  test("leaves the sleep of a factory as it is", async () => {
    const run = await balanced({ faults: [slow("/a", { times: 3 })] }, ({ system }) => {
      const make = async (self: Self) => {
        await self.sleep(5);
        const up = self.now();
        return { up: () => up };
      };
      return system.ask(system.spawn(make, { name: "a" })).up();
    });
    expect([await run.value, struck(run)]).toEqual([5, [0]]);
  });
});

describe("clockOffset", () => {
  test("has the actor see another time, and nothing else changes", async () => {
    const faults = [clockOffset("/a", { by: "1h", from: 10, to: 20 }), clockOffset("/a", { by: -3, from: 20 })];
    const run = await balanced({ faults }, ({ system, now }) => {
      const log: [number, number, number][] = [];
      system.spawn(
        (self: Self) => {
          self.every(5, () => void log.push([now(), self.now(), system.now()]));
          return {};
        },
        { name: "a" },
      );
      const b = system.spawn(counter, { name: "b" });
      void system
        .ask(b)
        .nap(12)
        .then((seen) => void log.push([12, seen, 12]));
      at(system, 27, () => void system.stop());
      return log;
    });
    expect(run.value).toEqual([
      [5, 5, 5],
      [10, 3_600_010, 10],
      [12, 12, 12],
      [15, 3_600_015, 15],
      [20, 17, 20],
      [25, 22, 25],
    ]);
    expect(struck(run)).toEqual([2, 2]);
  });
});

describe("errors", () => {
  test("answers the first messages that would start, with their names, and leaves the actor as it was", async () => {
    const run = await balanced({ faults: [errors("/a", { first: 2, type: "add" })] }, ({ system }) => {
      const a = system.spawn(counter, { name: "a" });
      const answers = [system.ask(a).add(), system.ask(a).nap(1), system.ask(a).add(), system.ask(a).add()];
      return { answers: Promise.all(answers.map((one) => settle(one))), census: () => system.census(a) };
    });
    const refused = { ok: false, error: { _tag: "InjectedError", code: "INJECTED_ERROR", outcome: "answered" } };
    expect(await run.value.answers).toMatchObject([refused, { ok: true }, refused, { ok: true, value: 1 }]);
    expect(run.value.census()).toMatchObject({ handled: 2, refused: 2 });
    expect(struck(run)).toEqual([2]);
    const [first] = await run.value.answers;
    expect(first?.ok === false && first.error).toBeInstanceOf(InjectedError);
  });

  test("holds in its window only; a told message is refused unheard, as if its actor had refused it", async () => {
    const run = await balanced({ faults: [errors("*", { first: 9, from: 1, to: 3 })] }, ({ system }) => {
      const a = system.spawn(counter, { name: "a" });
      for (const ms of [0.5, 1, 2.9, 3]) at(system, ms, (self) => self.tell(a).add());
      return () => system.census(a);
    });
    expect(run.value()).toMatchObject({ handled: 2, refused: 2 });
    expect(run.events).toMatchObject([1, 2].map(() => ({ kind: "unheard", path: "/a", type: "add" })));
  });

  test("lets an offer in that waits for the room that it makes", async () => {
    const run = await balanced({ faults: [errors("/a", { first: 1 })] }, ({ system }) => {
      const log: string[] = [];
      const a = system.spawn(() => ({ note: (n: number) => log.push(`${n}`) }), {
        name: "a",
        mailbox: { capacity: 0 },
      });
      system.tell(a).note(1);
      void system
        .offer(a)
        .note(2)
        .then(() => log.push("taken"));
      return log;
    });
    expect(run.value).toEqual(["2", "taken"]);
  });

  test("[D5 sim] does not answer what is past its deadline, although its asker does not know yet", async () => {
    const faults = [errors("/b", { first: 1, type: "add" }), pause("/a", { from: 5, to: 50 })];
    const run = await balanced({ faults }, ({ system }) => {
      const b = system.spawn(counter, { name: "b" });
      const a = system.spawn((self: Self) => ({ go: () => settle(self.ask(b, { within: 10 }).add()) }), { name: "a" });
      system.tell(b).nap(20);
      return { answer: system.ask(a, { within: "1m" }).go(), census: () => system.census(b) };
    });
    expect(await run.value.answer).toMatchObject({ ok: false, error: { _tag: "AskTimeout", outcome: "not-started" } });
    expect(run.value.census()).toMatchObject({ expired: 1, refused: 0, handled: 1 });
    expect(struck(run)[0]).toBe(0);
  });
});
