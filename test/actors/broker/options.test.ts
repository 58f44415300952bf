// Each option of a queue: admission, times, duplicates, consumers, leases. And what is refused.

import { InvalidOption, type Ref, type Self, type System, settle } from "antiphon";
import { crash, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { deadLetters, extend, inspect, pause, redrive, resume } from "../../../src/actors/broker/control.ts";
import type { QueueOptions } from "../../../src/actors/broker/options.ts";
import { queue, store, topic } from "../../../src/actors/broker/queue.ts";
import { subscribe } from "../../../src/actors/broker/subscribe.ts";
import { json, SlowJournal } from "./scene.ts";

interface Task {
  n: number;
  ms?: number;
}

/** A queue in front of a worker that notes when it starts what. */
async function scene(
  options: QueueOptions,
  body: (kit: {
    system: System;
    q: Ref<{ work(task: Task): unknown }>;
    seen: string[];
    run: (ms: number | "1m") => Promise<void>;
    idle: () => Promise<void>;
    state: () => Promise<Record<string, unknown>>;
  }) => Promise<void>,
): Promise<void> {
  await simulate({}, async ({ system, run, runUntilIdle }) => {
    const seen: string[] = [];
    const worker = (self: Self) => ({
      async work({ n, ms = 0 }: Task) {
        seen.push(`${self.now()}:${n}`);
        if (ms > 0) await self.sleep(ms);
        return n;
      },
    });
    const q = system.spawn(queue(system.spawn(worker, { name: "worker" }), options), { name: "q" });
    const state = async () => {
      const report = await inspect(system, q);
      return { ...report.topics[0], ...report.topics[0]?.subscriptions[0] };
    };
    await body({ system, q, seen, run, idle: runUntilIdle, state });
  });
}

const failing = async (work: Promise<unknown>) => {
  const result = await settle(work);
  return result.ok
    ? "ok"
    : `${(result.error as { _tag: string })._tag} ${(result.error as { reason?: string }).reason ?? ""}`.trim();
};

describe("admission", () => {
  test("[G10 sim] a full queue turns away what comes, and who waits is told", () =>
    scene({ capacity: { messages: 2 } }, async ({ system, q, seen, idle }) => {
      system.tell(q).work({ n: 1, ms: 10 });
      await system.offer(q).work({ n: 2 });
      expect(await failing(system.offer(q).work({ n: 3 }))).toBe("NotAccepted full");
      expect(await failing(system.ask(q).work({ n: 4 }))).toBe("NotAccepted full");
      await idle();
      expect(seen).toEqual(["0:1", "10:2"]);
      expect(await failing(system.offer(q).work({ n: 5 }))).toBe("ok");
    }));

  test("[G10 sim] with wait, messages wait for room in their order, also those whose offer has given up", () =>
    scene({ capacity: { messages: 1 }, overflow: "wait" }, async ({ system, q, seen, idle, state }) => {
      system.tell(q).work({ n: 1, ms: 10 });
      const offers = [2, 3].map((n) => system.offer(q).work({ n, ms: 5 }));
      const left = failing(system.offer(q, { within: 3 }).work({ n: 4 }));
      expect(await failing(system.ask(q).work({ n: 5 }))).toBe("NotAccepted full");
      expect(await state()).toMatchObject({ backlog: 1, waiting: 3 });
      expect(await left).toBe("OfferTimeout");
      await Promise.all(offers);
      await idle();
      expect(seen).toEqual(["0:1", "10:2", "15:3", "20:4"]);
    }));

  test("[G10 sim] with drop-oldest and drop-newest what is dropped is counted", async () => {
    await scene({ capacity: { messages: 2 }, overflow: "drop-oldest" }, async ({ system, q, seen, idle, state }) => {
      for (let n = 1; n <= 5; n++) await system.offer(q).work({ n, ms: 10 });
      await idle();
      expect(seen).toEqual(["0:1", "10:5"]);
      expect(await state()).toMatchObject({ matched: 5, acked: 2, dropped: 3 });
    });
    await scene({ capacity: { messages: 2 }, overflow: "drop-newest" }, async ({ system, q, seen, idle }) => {
      for (let n = 1; n <= 5; n++) await system.offer(q).work({ n, ms: 10 });
      expect(await failing(system.ask(q).work({ n: 6 }))).toBe("NotAccepted dropped");
      await idle();
      expect(seen).toEqual(["0:1", "10:2"]);
    });
  });

  test("[G10 sim] counts bytes as it is told", () =>
    scene({ capacity: { bytes: 10 }, size: ({ payload }) => (payload as Task).n }, async ({ system, q }) => {
      system.tell(q).work({ n: 6, ms: 10 });
      expect(await failing(system.offer(q).work({ n: 5 }))).toBe("NotAccepted full");
      expect(await failing(system.offer(q).work({ n: 4 }))).toBe("ok");
    }));
});

describe("time", () => {
  test("[G9 sim] nothing starts before its delay is over, nor when its life is", () =>
    scene(
      {
        delay: ({ payload }) => ((payload as Task).n === 1 ? 20 : 0),
        ttl: ({ payload }) => ((payload as Task).n === 3 ? 5 : "1h"),
        onExpired: "deadLetter",
      },
      async ({ system, q, seen, idle, state }) => {
        for (let n = 1; n <= 3; n++) system.tell(q).work({ n, ms: 10 });
        await idle();
        expect(seen).toEqual(["0:2", "20:1"]);
        expect(await state()).toMatchObject({ acked: 2, dead: 1, deadLetters: 1 });
        expect(await deadLetters(system, q)).toMatchObject([{ payload: { n: 3 }, reason: "expired" }]);
      },
    ));

  test("a life that ends while a handler runs ends its attempt", () =>
    scene({ ttl: 10 }, async ({ system, q, idle, state }) => {
      expect(await failing(system.ask(q).work({ n: 1, ms: 50 }))).toBe("NotHandled expired");
      await idle();
      expect(await state()).toMatchObject({ expired: 1, acked: 0 });
    }));

  test("a lease that ends gives the message to the next attempt, and one that is extended does not", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const worker = (self: Self) => ({
        async work(more: number) {
          seen.push(`${self.now()} #${self.message?.attempt}`);
          for (let i = 0; i < 3; i++) {
            await self.sleep(60);
            if (more > 0 && !(await extend(self, q, more))) seen.push("no");
          }
        },
      });
      const to = system.spawn(worker, { name: "worker", concurrency: 9 });
      const options = { lease: { duration: 100, max: 1_000 }, maxAttempts: 2, backoff: 0 } as const;
      const q: Ref<{ work(more: number): unknown }> = system.spawn(queue(to, options), {
        name: "q",
      });
      system.tell(q).work(100);
      await runUntilIdle();
      expect(seen).toEqual(["0 #1"]);
      system.tell(q).work(0);
      await runUntilIdle();
      expect(seen.slice(1)).toEqual(["180 #1", "280 #2"]);
      expect(await deadLetters(system, q)).toHaveLength(1);
    }).then(() => {}));
});

describe("duplicates", () => {
  test("[G7 sim] within the window a duplicate is taken once, and outside again", () =>
    scene({ dedup: { window: 100 } }, async ({ system, q, seen, run, idle }) => {
      for (let i = 0; i < 3; i++) expect(await failing(system.offer(q, { id: "a" }).work({ n: 1 }))).toBe("ok");
      await run(60);
      await system.offer(q, { id: "a" }).work({ n: 1 });
      await run(60);
      await system.offer(q, { id: "a" }).work({ n: 2 });
      await idle();
      expect(seen).toEqual(["0:1", "120:2"]);
    }));

  test("[G7 sim] who asks again shares the answer that is to come, and is told when it has gone", () =>
    scene({ dedup: { window: 100, scope: "key" } }, async ({ system, q, seen }) => {
      const twice = [1, 2].map(() => system.ask(q, { id: "a", key: "k" }).work({ n: 7, ms: 5 }));
      expect(await Promise.all(twice)).toEqual([7, 7]);
      expect(await failing(system.ask(q, { id: "a", key: "k" }).work({ n: 7 }))).toBe("NotAccepted duplicate");
      expect(await system.ask(q, { id: "a", key: "l" }).work({ n: 8 })).toBe(8);
      expect(seen).toHaveLength(2);
    }));

  test("[G7 sim] who asks again shares the answer to that message, and not to another one of its id", () =>
    scene({ dedup: { window: 100, scope: "key" } }, async ({ system, q }) => {
      const asks = ["k", "l", "l"].map((key, n) => system.ask(q, { id: "a", key }).work({ n, ms: 5 }));
      expect(await Promise.all(asks)).toEqual([0, 1, 1]);
    }));

  // To look through what waits for each of them would be ten billion steps.
  test("[G7 sim] to ask again costs the same, whatever waits", () =>
    simulate({ trace: "off" }, async ({ system }) => {
      const many = 100_000;
      const to = system.spawn(() => ({ work: (n: number) => n }), { name: "to" });
      const options = { dedup: { window: "1h" }, prefetch: many } as const;
      const q = system.spawn(queue(to, options), { name: "q", mailbox: { capacity: many } });
      await pause(system, q);
      for (let n = 0; n < many; n++) system.tell(q, { id: `${n}` }).work(n);
      await system.offer(q, { id: `${many}` }).work(many);
      const asks = Array.from({ length: many }, () => system.ask(q, { id: `${many}`, within: "1h" }).work(many));
      await inspect(system, q);
      await resume(system, q);
      expect(new Set(await Promise.all(asks))).toEqual(new Set([many]));
    }).then(() => {}));

  test("[G10 sim] as many ids are remembered as is said", () =>
    scene({ dedup: { window: "1h", count: 2 } }, async ({ system, q, state, idle }) => {
      for (const id of ["a", "b", "c"]) await system.offer(q, { id }).work({ n: 1 });
      expect(await state()).toMatchObject({ remembered: 2 });
      await system.offer(q, { id: "a" }).work({ n: 2 });
      await idle();
      expect(await state()).toMatchObject({ matched: 4 });
    }));
});

describe("consumers", () => {
  const pair = (
    options: QueueOptions,
    body: (kit: {
      system: System;
      q: Ref<{ work(n: number): unknown }>;
      seen: string[];
      idle: () => Promise<void>;
      inject: (f: never) => void;
    }) => Promise<void>,
  ) =>
    simulate({}, async ({ system, runUntilIdle, inject }) => {
      const seen: string[] = [];
      const worker = (self: Self) => ({
        async work(n: number) {
          seen.push(`${self.path} ${n}`);
          if (n < 0) self.stop();
          await self.sleep(10);
        },
      });
      const refs = ["a", "b"].map((name) => system.spawn(worker, { name }));
      const q = system.spawn(queue(refs, options), { name: "q" });
      await body({ system, q, seen, idle: runUntilIdle, inject: inject as never });
    });

  test("share the work, or stand by until the first has ended", async () => {
    await pair({}, async ({ system, q, seen, idle }) => {
      for (let n = 1; n <= 4; n++) system.tell(q).work(n);
      await idle();
      expect(seen).toEqual(["/a 1", "/b 2", "/a 3", "/b 4"]);
    });
    await pair({ consumers: "failover" }, async ({ system, q, seen, idle, inject }) => {
      system.tell(q).work(1);
      await idle();
      inject(crash("/a", { at: 20 }) as never);
      await idle();
      for (const n of [2, -3, 4]) system.tell(q).work(n);
      await idle();
      expect(seen).toEqual(["/a 1", "/a 2", "/a -3", "/b 4"]);
    });
  });

  test("[G3 sim] what runs beside a crash, or did not begin, counts for nothing", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      const worker = (self: Self) => ({
        async work(n: number) {
          seen.push(`${n} #${self.message?.attempt}`);
          await self.sleep(n);
          if (n === 1) throw new Error("planted");
        },
      });
      const q = system.spawn(
        queue(system.spawn(worker, { name: "w", concurrency: 2, supervision: { maxRestarts: 9 } }), {
          prefetch: 3,
          maxAttempts: 2,
          backoff: 100,
        }),
        { name: "q" },
      );
      for (const n of [1, 20, 30]) system.tell(q).work(n);
      await runUntilIdle();
      expect(seen).toEqual(["1 #1", "20 #1", "30 #1", "20 #1", "1 #2"]);
    }).then(() => {}));

  test("a message that its consumer does not have is a dead letter at once, also where others are dropped", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const to = system.spawn(() => ({ work() {} }), { name: "to" });
      system.spawn(() => ({ play() {} }));
      const options = { onExhausted: "drop", onRefusal: "drop" } as const;
      const q = system.spawn(queue(to as unknown as Ref<{ play(): void; work(): void }>, options), {
        name: "q",
      });
      system.tell(q).play();
      system.tell(q).work();
      await runUntilIdle();
      expect(await deadLetters(system, q)).toMatchObject([{ type: "play", reason: "noHandler" }]);
    }).then(() => {}));

  test("a queue that is paused keeps what comes", () =>
    scene({}, async ({ system, q, seen, idle, state }) => {
      await pause(system, q);
      system.tell(q).work({ n: 1 });
      await idle();
      expect(await state()).toMatchObject({ ready: 1, isPaused: true });
      await resume(system, q);
      await idle();
      expect(seen).toEqual(["0:1"]);
    }));

  test("what is parked holds its lane until it is brought back", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const seen: string[] = [];
      let broken = true;
      const q = system.spawn(
        queue(
          () => ({
            work(n: number) {
              seen.push(`${n}`);
              if (broken && n === 1) throw new Error("planted");
            },
          }),
          { maxAttempts: 1, onExhausted: "park", order: "all" },
        ),
        { name: "q" },
      );
      for (const n of [1, 2]) system.tell(q).work(n);
      await runUntilIdle();
      expect(seen).toEqual(["1"]);
      broken = false;
      expect(await redrive(system, q)).toBe(1);
      await runUntilIdle();
      expect(seen).toEqual(["1", "1", "2"]);
    }).then(() => {}));

  test("[G2 sim] a crash of the queue itself loses nothing", () =>
    scene({ order: "all" }, async ({ system, q, seen, idle, run }) => {
      for (let n = 1; n <= 3; n++) system.tell(q).work({ n, ms: 10 });
      await run(5);
      system.tell(q as never as Ref<{ "broker.pause"(x: unknown): void }>)["broker.pause"](null);
      await idle();
      expect(seen.map((one) => one.split(":")[1])).toEqual(["1", "1", "2", "3"]);
    }));
});

test("a journal that fails is told to who offers, and the queue starts again from what is safe", async () => {
  const journal = new SlowJournal();
  await simulate({}, async ({ system, runUntilIdle }) => {
    const seen: number[] = [];
    const to = system.spawn(() => ({ work: (n: number) => void seen.push(n) }), { name: "to" });
    const q = system.spawn(queue(to, { journal: journal.open, codec: json }), {
      name: "q",
      supervision: { maxRestarts: 99 },
    });
    await system.offer(q).work(1);
    await runUntilIdle();
    journal.fails = true;
    const result = await settle(system.offer(q).work(2));
    expect(result.ok || result.error).toMatchObject({ _tag: "NotSafe", retrySafe: true });
    journal.fails = false;
    await system.offer(q).work(3);
    await runUntilIdle();
    expect(seen).toEqual([1, 3]);
  });
});

test("options that can not be used are refused where they are given", () => {
  const to = { path: "/x" } as never;
  const wrong: [() => unknown, string][] = [
    [() => queue(to, { maxAttempts: 0 }), "maxAttempts"],
    [() => queue(to, { order: "some" as "key" }), "order"],
    [() => queue(to, { lease: 0 }), "lease"],
    [() => queue(to, { lease: { duration: 10, max: 5 } }), "lease.max"],
    [() => queue(to, { capacity: { bytes: 5 } }), "size"],
    [() => queue([to, to], { consumers: "exclusive" }), "consumers"],
    [() => queue(7 as never), "to"],
    [() => queue(to, { speed: 1 } as never), "speed"],
    [() => queue(to, { store: to, inbox: {} }), "inbox"],
    [() => queue(to, { inbox: { window: "1m" }, lease: "30s", maxAttempts: 3 }), "inbox.window"],
    [() => queue(to, { inbox: { window: "1h" }, maxAttempts: Number.POSITIVE_INFINITY }), "inbox.window"],
    [() => topic({ retention: "all" as never }), "retention"],
    [() => topic({ dedup: { window: 0 } }), "dedup.window"],
    [() => topic({ dedup: { window: 1 }, journal: (() => {}) as never, codec: json }), "dedup.by"],
    [() => store({ codec: {} as never }), "codec"],
    [() => queue(to, { lanes: 3 }), "lanes"],
    [() => queue(to, { order: "key", lanes: 0 }), "lanes"],
    [() => queue(to, { order: "all", selection: "priority" }), "selection"],
    [() => queue(to, { selection: "fair", aging: 5 }), "aging"],
    [() => queue(to, { credit: 3 as never }), "credit"],
    [() => queue(to, { delivery: "once" as never }), "delivery"],
    [() => queue(to, { delivery: "atMostOnce", maxAttempts: 3 }), "maxAttempts"],
    [() => queue(to, { delivery: "atMostOnce", counts: ["crash"] }), "counts"],
    [() => queue(to, { counts: ["power"] as never }), "counts"],
    [() => queue(to, { counts: ["crash"], inbox: { window: "24h" } }), "inbox.window"],
    [() => queue(to, { laneOnDead: "park" }), "laneOnDead"],
    [() => queue(to, { laneOnDead: "park", order: "key", laneOnBackoff: "pass" }), "laneOnDead"],
    [() => subscribe(to, to, { of: "lost" as never }), "of"],
  ];
  for (const [make, option] of wrong) {
    expect(make).toThrow(InvalidOption);
    expect(make).toThrow(option);
  }
});
