// Messages and replies that travel: how long, in which order, and what becomes of them on their way.

import { type Ref, Refusal, type Self, settle } from "antiphon";
import { drop, type Latencies, type SimulatedWorld, simulate } from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { balanced } from "./balanced.ts";

class No extends Refusal {
  readonly _tag = "No";
}

/** Notes what it is told and when. */
const echo = (log: string[]) => (self: Self) => ({
  say(n: number) {
    log.push(`${n} at ${self.now()}`);
    return n;
  },
  refuse: () => new No(),
  crash(): number {
    throw new Error("planted");
  },
  nap: (ms: number) => self.sleep(ms),
});

/** Does what it is given, with its own self. */
const doer = (self: Self) => ({ act: (job: (self: Self) => unknown) => job(self) });

/** A doer /a and an echo /b, a function that has /a do something, and when a promise of its settles, with what. */
function pair({ system, now }: SimulatedWorld) {
  const log: string[] = [];
  const b = system.spawn(echo(log), { name: "b" });
  const a = system.spawn(doer, { name: "a", concurrency: 1_000 });
  const act = (job: (self: Self) => unknown) => system.tell(a).act(job);
  const note = (name: string, promise: PromiseLike<unknown>) =>
    promise.then(
      (value) => log.push(`${name}: ${value} at ${now()}`),
      (error) => log.push(`${name}: ${error.code} ${error.outcome} at ${now()}`),
    );
  return { log, b, act, note };
}
const never = Number.POSITIVE_INFINITY;

describe("the latency of a link", () => {
  test("is fixed: an ask takes the way there and the way back", async () => {
    const { value: log } = await balanced({ latency: { "/a>/b": "5ms", "/b>/a": 3 } }, (world) => {
      const { log, b, act, note } = pair(world);
      act((self) => note("ask", self.ask(b).say(1)));
      act((self) => self.tell(b).say(2));
      world.system.tell(b).say(3);
      return log;
    });
    expect(log).toEqual(["3 at 0", "1 at 5", "2 at 5", "ask: 1 at 8"]);
  });

  test("is uniform between two bounds", async () => {
    const waits: number[] = [];
    const n = 1_000;
    await simulate({ latency: { "/*>/sink": { min: 10, max: "30ms" } } }, async ({ system, runUntilIdle }) => {
      const sink = system.spawn((self: Self) => ({ take: () => void waits.push(self.now()) }), { name: "sink" });
      // A link is first in, first out: each has one of its own.
      for (let i = 0; i < n; i++)
        system.tell(system.spawn((self: Self) => ({ go: () => self.tell(sink).take() }))).go();
      await runUntilIdle();
    });
    expect(waits).toHaveLength(n);
    for (const wait of waits) expect(wait >= 10 && wait < 30).toBe(true);
    // Within five standard errors, and in every tenth of the range.
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / n;
    expect(Math.abs(mean - 20)).toBeLessThan(5 * (20 / Math.sqrt(12 * n)));
    expect(new Set(waits.map((wait) => Math.floor((wait - 10) / 2))).size).toBe(10);
  });

  test("is what a function draws", async () => {
    const { value: log } = await balanced(
      { latency: { "/a>/b": (random) => 100 + Math.floor(random()) + Math.floor(random()) } },
      (world) => {
        const { log, b, act } = pair(world);
        act((self) => self.tell(b).say(1));
        return log;
      },
    );
    expect(log).toEqual(["1 at 100"]);
  });

  test("is that of the first pattern that fits; without one a message is there at once", async () => {
    const latency: Latencies = { "/a>/b": 1, "/a>*": 2, "*>/c": 3, "/>/team/*": 4, "*>/team/x*": 5 };
    const { value: at } = await balanced({ latency }, ({ system }) => {
      const at: Record<string, number> = {};
      const sink = (self: Self) => ({
        take(from: string) {
          at[`${from}>${self.path}`] = self.now();
        },
      });
      const team = system.spawn(
        (self: Self) => ({ refs: ["xy", "z"].map((name) => self.spawn(sink, { name })), ...doer(self) }),
        {
          name: "team",
        },
      );
      const sinks = ["b", "c", "d"].map((name) => system.spawn(sink, { name }));
      const doers = ["a", "e"].map((name) => system.spawn(doer, { name }));
      for (const one of doers)
        system.tell(one).act((self) => {
          for (const to of sinks) self.tell(to).take(self.path);
        });
      for (const to of sinks) system.tell(to).take("/");
      system.tell(team).act((self) => {
        const other = self.spawn(sink, { name: "x" });
        system.tell(other).take("/");
        self.tell(other).take("/team");
      });
      return at;
    });
    expect(at).toEqual({
      "/a>/b": 1,
      "/a>/c": 2,
      "/a>/d": 2,
      "/e>/b": 0,
      "/e>/c": 3,
      "/e>/d": 0,
      "/>/b": 0,
      "/>/c": 3,
      "/>/d": 0,
      "/>/team/x": 4,
      "/team>/team/x": 5,
    });
  });

  test("[W2 sim] of its n-th message depends on nothing else that happens", async () => {
    const latency: Latencies = { "/a>/b": { min: 0, max: 100 }, "*>*": (random) => random() * 50 };
    const arrivals = (noise: number, seed: number) =>
      balanced({ seed, latency }, ({ system }) => {
        const log: number[] = [];
        for (let i = 0; i < noise; i++) system.spawn(echo([]), { name: `other-${i}` });
        // In units of 1 ns: the difference of two times is not exact.
        const take = (self: Self) => (putMs: number) => void log.push(Math.round((self.now() - putMs) * 1e6));
        const b = system.spawn((self: Self) => ({ take: take(self), nap: (ms: number) => self.sleep(ms) }), {
          name: "b",
        });
        const c = system.spawn(echo([]), { name: "c" });
        const chatter = (self: Self) => {
          for (let n = 0; n < 10 * noise; n++) self.after(self.random() * 20_000, () => self.tell(b).nap(0));
          return {};
        };
        for (let i = 0; i < noise; i++) system.spawn(chatter);
        system.spawn(
          (self: Self) => {
            const turn = () => {
              for (let i = 0; i < noise; i++) self.tell(c).say(Math.floor(self.random() * 10));
              self.tell(b).take(self.now());
            };
            for (let n = 1; n <= 20; n++) self.after(n * (1_000 + noise), turn);
            return {};
          },
          { name: "a" },
        );
        return log;
      });
    const { value: quiet } = await arrivals(0, 1);
    expect(quiet).toHaveLength(20);
    expect((await arrivals(0, 2)).value).not.toEqual(quiet);
    expect((await arrivals(3, 1)).value).toEqual(quiet);
  });
});

describe("a link", () => {
  test("[D1 sim] is first in, first out, whatever the latencies, verbs and times", async () => {
    const puts = fc.array(
      fc.record({ from: fc.nat(2), to: fc.nat(1), verb: fc.constantFrom("tell", "ask", "offer"), ms: fc.nat(6) }),
      { minLength: 20, maxLength: 60 },
    );
    let overtakable = 0;
    await fc.assert(
      fc.asyncProperty(puts, fc.nat(), async (list, seed) => {
        const put = new Map<string, number[]>();
        const started = new Map<string, number[]>();
        const into = (book: Map<string, number[]>, link: string, n: number) =>
          void book.set(link, [...(book.get(link) ?? []), n]);
        // Whole numbers, often 0: many arrive at the instant at which others are put.
        const draw = (random: () => number) => Math.max(0, Math.floor(random() * 10) - 4);
        await balanced({ seed, latency: { "/from*>/to*": draw, "/to*>/from*": draw } }, ({ system }) => {
          const sinks = [0, 1].map((to) =>
            system.spawn(
              () => ({
                take: ({ from, n }: { from: number; n: number }) => into(started, `${from}>${to}`, n),
              }),
              { name: `to${to}` },
            ),
          );
          for (let from = 0; from < 3; from++) {
            const mine = [...list.entries()].filter(([, one]) => one.from === from);
            const source = (self: Self) => ({
              async go() {
                for (const [n, { to, verb, ms }] of mine) {
                  // Armed before what is put now, so that both come due at one instant in this order.
                  const nap = self.sleep(ms);
                  const sink = sinks[to] as (typeof sinks)[number];
                  into(put, `${from}>${to}`, n);
                  const sent = self.via(verb as "ask", sink, { within: never }).take({ from, n });
                  if (n % 7 === 0) await sent;
                  await nap;
                }
              },
            });
            system.tell(system.spawn(source, { name: `from${from}` })).go();
          }
        });
        expect(started).toEqual(put);
        overtakable += list.length;
      }),
      { seed: 41, numRuns: 25 },
    );
    expect(overtakable).toBeGreaterThan(500);
  });

  test("[D1 sim] lets nothing pass what arrives at this instant", async () => {
    // The first is 5 ms on its way, the second 0, and is put 5 ms later.
    const delays = [5, 0];
    const { value: log } = await balanced({ latency: { "/a>/b": () => delays.shift() as number } }, (world) => {
      const { log, b, act } = pair(world);
      act(async (self) => {
        const nap = self.sleep(5);
        self.tell(b).say(1);
        await nap;
        self.tell(b).say(2);
      });
      return log;
    });
    expect(log).toEqual(["1 at 5", "2 at 5"]);
  });

  test("brings refusals, crashes and what is turned away as late as answers", async () => {
    const {
      value: { log, letters },
    } = await balanced({ latency: { "/>*": 0, "/a>*": 5, "*>/a": 3 } }, (world) => {
      const { system } = world;
      const { log, b, act, note } = pair(world);
      const full = system.spawn(echo([]), { name: "full", mailbox: { capacity: 0, offers: 0 } });
      const gone = system.spawn(
        (self: Self) => {
          self.after(4, () => self.stop());
          return { say: (n: number) => n };
        },
        { name: "gone" },
      );
      system.spawn(() => ({ hum() {} }));
      system.tell(full).nap(50);
      act((self) => {
        note("refused", self.ask(b).refuse());
        note("crashed", self.ask(b).crash());
        note("full", self.ask(full).say(1));
        note("offered", self.offer(full).say(1));
        note("unknown", self.ask(b as Ref<object> as Ref<{ hum(): void }>).hum());
        note("gone", self.ask(gone).say(1));
        self.tell(full).say(2);
        log.push(`${system.census().transit} on their way`);
      });
      return { log, letters: () => system.deadLetters };
    });
    expect(log.sort()).toEqual([
      "7 on their way",
      "crashed: ACTOR_CRASHED unknown at 8",
      "full: MAILBOX_FULL not-started at 8",
      "gone: ACTOR_STOPPED not-started at 8",
      "offered: MAILBOX_FULL not-started at 8",
      "refused: REFUSED answered at 8",
      "unknown: UNKNOWN_MESSAGE not-started at 8",
    ]);
    expect(letters()).toMatchObject([{ to: "/full", from: "/a", type: "say", payload: 2, reason: "MAILBOX_FULL" }]);
  });
});

describe("what is on its way", () => {
  test("[A4 sim] is given up by its asker at its deadline or signal, and was not started", async () => {
    const leaving = new AbortController();
    const {
      value: { log, census },
    } = await balanced({ latency: { "/a>/b": 10 } }, (world) => {
      const { system } = world;
      const { log, b, act, note } = pair(world);
      act((self) => {
        note("deadline", self.ask(b, { within: 4 }).say(1));
        note("signal", self.ask(b, { signal: leaving.signal }).say(2));
        note("offer", self.offer(b, { within: 4 }).say(3));
        note("ask", self.ask(b).say(4));
        self.after(6, () => {
          leaving.abort();
          log.push(`${system.census().transit} on their way`);
        });
      });
      return { log, census: () => system.census() };
    });
    expect(log).toEqual([
      "deadline: ASK_TIMEOUT not-started at 4",
      "offer: OFFER_TIMEOUT not-started at 4",
      "4 on their way",
      "signal: CANCELLED not-started at 6",
      "4 at 10",
      "ask: 4 at 10",
    ]);
    expect(census()).toMatchObject({ turnedAway: 3, lost: 0, late: 0, expired: 0 });
  });

  test("[D5 sim] takes of its deadline: what comes in time may start too late, and does not", async () => {
    const {
      value: { log, census },
    } = await balanced({ latency: { "/a>/b": 10, "/b>/a": 2 } }, (world) => {
      const { b, log, act, note } = pair(world);
      world.system.tell(b).nap(15);
      act((self) => {
        note("expired", self.ask(b, { within: 15 }).say(1));
        note("in time", self.ask(b, { within: 18 }).say(2));
        note("late", self.ask(b, { within: 16 }).say(3));
      });
      return { log, census: () => world.system.census() };
    });
    // The third was handled, and its answer came after its deadline.
    expect(log).toEqual([
      "expired: ASK_TIMEOUT not-started at 15",
      "2 at 15",
      "3 at 15",
      "late: ASK_TIMEOUT unknown at 16",
      "in time: 2 at 17",
    ]);
    expect(census()).toMatchObject({ expired: 1, turnedAway: 0, late: 1 });
  });

  test("is an offer: it settles when it is accepted there and the word of that is back", async () => {
    const { value: log } = await balanced({ latency: { "/a>/room": 10, "/room>/a": 2 } }, (world) => {
      const { log, act, note } = pair(world);
      const room = world.system.spawn(echo(log), { name: "room", mailbox: { capacity: 1 } });
      act((self) => {
        self.tell(room).nap(20);
        note("fits", self.offer(room).say(1));
        note("waits", self.offer(room).say(2));
        note("waits too long", self.offer(room, { within: 15 }).say(3));
      });
      return log;
    });
    expect(log).toEqual([
      "fits: undefined at 12",
      "waits too long: OFFER_TIMEOUT not-started at 15",
      "1 at 30",
      "2 at 30",
      "waits: undefined at 32",
    ]);
  });

  test("is nothing that can not be isolated: its sender is told at once, whatever the links do", async () => {
    const options = { isolation: "clone" as const, latency: { "/a>/b": 5 }, faults: [drop("/b>/a")] };
    const { value } = await balanced(options, ({ system }) => {
      const log: string[] = [];
      const b = system.spawn(() => ({ take(_: unknown) {} }), { name: "b" });
      const asker = (self: Self) => ({
        async go() {
          const { ok, error } = await settle(self.ask(b).take(() => 1)).then((how) => ({ error: undefined, ...how }));
          log.push(`${ok} ${error?.code} ${error?.outcome} at ${self.now()}`);
        },
      });
      system.tell(system.spawn(asker, { name: "a" })).go();
      return { log, census: () => system.census() };
    });
    expect(value.log).toEqual(["false NOT_ISOLATED not-started at 0"]);
    expect(value.census()).toMatchObject({ turnedAway: 1, lost: 0, transit: 0 });
  });

  test("[S1 sim] is waited for by a system that drains", async () => {
    const { value: log } = await balanced({ latency: { "/a>/b": 10 } }, (world) => {
      const { log, b, act } = pair(world);
      act((self) => {
        self.tell(b).say(1);
        void world.system
          .stop({ drain: "1s" })
          .then(({ left }) => log.push(`stopped at ${world.now()}, ${left.length} left`));
      });
      return log;
    });
    expect(log).toEqual(["1 at 10", "stopped at 10, 0 left"]);
  });
});
