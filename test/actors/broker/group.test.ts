// Consumers that come to a running group and leave it.

import { type Ref, type Self, type System, settle } from "antiphon";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { commit, inspect, join, leave } from "../../../src/actors/broker/control.ts";
import type { QueueOptions } from "../../../src/actors/broker/options.ts";
import { queue, topic } from "../../../src/actors/broker/queue.ts";
import { subscribe } from "../../../src/actors/broker/subscribe.ts";

interface Work {
  work(n: number): unknown;
}

interface Kit {
  readonly system: System;
  readonly q: Ref<Work>;
  /** Who began what, and when, and as which attempt. */
  readonly seen: string[];
  readonly refused: string[];
  readonly a: Ref<Work>;
  readonly b: Ref<Work>;
  readonly run: (ms: number) => Promise<void>;
  readonly idle: () => Promise<void>;
}

/** A queue in front of `a`, whose work takes 10 ms and ends with a commit; `b` works likewise. */
const scene = (options: QueueOptions, body: (kit: Kit) => Promise<void>) =>
  simulate({}, async ({ system, run, runUntilIdle }) => {
    const seen: string[] = [];
    const refused: string[] = [];
    const worker = (self: Self) => ({
      async work(n: number) {
        const { attempt = 0 } = self.message ?? {};
        seen.push(`${self.now()} ${self.path} ${n} #${attempt}`);
        const late = async () => {
          refused.push(`${self.path} ${n} ${await reasonOf(commit(self, q, { settle: [{ id: `m${n}`, attempt }] }))}`);
        };
        // A turn of its own: it is not given up with the message.
        if (n === 0 && attempt === 1) self.after(12, () => void late());
        await self.sleep(10);
        await commit(self, q);
      },
    });
    const [a, b] = ["a", "b"].map((name) => system.spawn(worker, { name })) as [Ref<Work>, Ref<Work>];
    const supervision = { maxRestarts: Number.POSITIVE_INFINITY };
    const q: Ref<Work> = system.spawn(queue(a, options), { name: "q", supervision });
    await body({ system, q, seen, refused, a, b, run, idle: runUntilIdle });
  }).then(() => {});

const put = async ({ system, q }: Kit, ...keys: readonly string[]) => {
  for (const [n, key] of keys.entries()) await system.offer(q, { key, id: `m${n}` }).work(n);
};
const reasonOf = async (work: Promise<unknown>) => {
  const result = await settle(work);
  return result.ok ? "ok" : (result.error as { _tag?: string })._tag;
};

describe("join", () => {
  test("shares what waits from then on, once however often it is said", () =>
    scene({}, async (kit) => {
      const { system, q, seen, b, run, idle } = kit;
      await put(kit, "", "", "", "", "");
      await run(5);
      for (let i = 0; i < 2; i++) await join(system, q, b);
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ consumers: 2 });
      await idle();
      expect(seen).toEqual(["0 /a 0 #1", "5 /b 1 #1", "10 /a 2 #1", "15 /b 3 #1", "20 /a 4 #1"]);
    }));

  test("[G5 sim] takes over lanes that stick with their next message, each in its order and one at a time", () =>
    scene({ order: "key", consumers: "sticky", prefetch: 8 }, async (kit) => {
      const { system, q, seen, b, run, idle } = kit;
      const keys = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"];
      await put(kit, ...keys, ...keys, ...keys);
      await run(5);
      await join(system, q, b);
      await idle();
      const by = (path: string) => seen.filter((one) => one.includes(path)).length;
      expect([by("/a") > 0, by("/b") > 0, by("/a") + by("/b")]).toEqual([true, true, 24]);
      for (const [of] of keys.entries()) {
        const mine = seen.map((one) => one.split(" ")).filter(([, , n]) => Number(n) % 8 === of);
        expect(mine.map(([, , n]) => Number(n))).toEqual([of, of + 8, of + 16]);
        // Whoever has a lane now keeps it.
        expect(mine[1]?.[1]).toBe(mine[2]?.[1]);
        for (const [i, [at]] of mine.entries())
          if (i > 0) expect(Number(at) - Number(mine[i - 1]![0])).toBeGreaterThanOrEqual(10);
      }
    }));

  test("lasts through a crash of the queue, and not beyond the end of who joined", () =>
    scene({}, async (kit) => {
      const { system, q, seen, a, b, run, idle } = kit;
      await join(system, q, b);
      expect(await leave(system, q, a)).toBe(0);
      system.tell(q as never as Ref<{ "broker.pause"(x: unknown): void }>)["broker.pause"](null);
      await put(kit, "", "");
      await idle();
      expect(seen).toEqual(["0 /b 0 #1", "10 /b 1 #1"]);
      const gone = system.spawn((self: Self) => ({ work: (_: number) => self.stop() }), { name: "gone" });
      await join(system, q, gone);
      system.tell(gone).work(0);
      await run(1);
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ consumers: 1 });
    }));

  test("is refused where the consumer is exclusive", () =>
    scene({ consumers: "exclusive" }, async ({ system, q, a, b }) => {
      expect(await reasonOf(join(system, q, b))).toBe("NotConfigured");
      await leave(system, q, a);
      expect(await reasonOf(join(system, q, b))).toBe("ok");
      await expect(join(system, q, 7 as never)).rejects.toThrow("consumer");
    }));
});

describe("leave", () => {
  test("gives nothing more to who has left, and lets it end what it has in hand", () =>
    scene({ prefetch: 2 }, async (kit) => {
      const { system, q, seen, a, b, run, idle } = kit;
      await put(kit, "", "", "");
      await run(5);
      expect(await leave(system, q, a)).toBe(2);
      await join(system, q, b);
      await idle();
      expect(seen).toEqual(["0 /a 0 #1", "5 /b 2 #1", "10 /a 1 #1"]);
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 3, consumers: 1 });
    }));

  test("[G3 sim] after its grace gives what it has to others, without counting it, and its settlements are refused", () =>
    scene({ prefetch: 2, lease: { duration: "30s", max: "1m" }, maxAttempts: 1, order: "key" }, async (kit) => {
      const { system, q, seen, refused, a, b, run, idle } = kit;
      await put(kit, "x", "y", "x");
      await run(2);
      await join(system, q, b);
      expect(await leave(system, q, a, { grace: 3 })).toBe(2);
      await idle();
      // The second had not begun and keeps its number; the first had, and gets another.
      expect(seen).toEqual(["0 /a 0 #1", "5 /b 0 #2", "15 /b 1 #1", "25 /b 2 #1"]);
      expect(refused).toEqual(["/a 0 NotCommitted"]);
      expect((await inspect(system, q)).topics[0]?.subscriptions[0]).toMatchObject({ acked: 3, dead: 0 });
    }));

  test("is refused to who is no consumer, and with a grace where no delivery can be cut short", () =>
    scene({}, async ({ system, q, a, b }) => {
      expect(await reasonOf(leave(system, q, b))).toBe("NotInStore");
      expect(await reasonOf(leave(system, q, a, { grace: 0 }))).toBe("NotConfigured");
      expect(await leave(system, q, a)).toBe(0);
    }));
});

test("a subscription has consumers that come and go as well", () =>
  simulate({}, async ({ system, runUntilIdle }) => {
    const seen: string[] = [];
    const news = system.spawn(topic<Work>(), { name: "news" });
    const [a, b] = ["a", "b"].map((name) =>
      system.spawn(() => ({ work: (n: number) => void seen.push(`${name} ${n}`) }), { name }),
    ) as [Ref<Work>, Ref<Work>];
    const sub = system.spawn(subscribe(news, a), { name: "sub" });
    await system.ask(sub).join(b);
    expect(await system.ask(sub).leave({ consumer: a })).toBe(0);
    await system.offer(news).work(1);
    await runUntilIdle();
    expect(seen).toEqual(["b 1"]);
  }).then(() => {}));
