import { type Ref, Refusal, type Self, type System, settle } from "antiphon";
import { deadLetters, inspect, queue, store } from "antiphon/broker";
import { givingWay, waits } from "antiphon/patterns";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { everywhere, insist, type Play, supervision } from "./everywhere.ts";

class No extends Refusal {
  readonly _tag = "No";
}

interface Mail {
  send(text: string): unknown;
}

/** Fails for a text as often as `failing` says. */
const mailer =
  (seen: string[], failing: Map<string, number>) =>
  (self: Self): Mail => ({
    async send(text) {
      await self.sleep(1);
      if (text === "no") return new No("no");
      const left = failing.get(text) ?? 0;
      if (left > 0) {
        failing.set(text, left - 1);
        throw new Error("planted");
      }
      seen.push(`${text} at ${self.now()}`);
      return "sent";
    },
  });

const spawned = (
  system: System,
  seen: string[],
  failing: Map<string, number>,
  options: Parameters<typeof store>[0] = {},
) => {
  const shared = system.spawn(store(options), { name: "store", supervision });
  const mail = system.spawn(mailer(seen, failing), { name: "mail", supervision });
  const later = system.spawn(queue(mail, { store: shared, ...waits(10, 100, 1_000) }), { name: "later", supervision });
  const first = queue(givingWay(mail, later), { store: shared, order: "key", backoff: 5, maxAttempts: 20 });
  return { later, mails: system.spawn(first, { name: "mails", supervision }) };
};

describe("givingWay", () => {
  test("lets those behind pass what failed, and tries it again after each wait, then gives it up", async () => {
    const seen: string[] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const { mails, later } = spawned(
        system,
        seen,
        new Map([
          ["a", 3],
          ["b", 1],
          ["poison", 99],
        ] as const),
      );
      await inspect(system, later);
      for (const text of ["a", "b", "poison", "c", "no"]) await system.offer(mails, { key: "k", id: text }).send(text);
      await runUntilIdle();
      expect(seen).toEqual(["c at 4", "b at 13", "a at 1114"]);
      expect(await deadLetters(system, later)).toMatchObject([{ id: "poison", attempts: [{}, {}, {}] }]);
      expect(await deadLetters(system, mails)).toMatchObject([{ id: "no", reason: "rejected" }]);
    });
  });

  test("keeps messages where they are while the actor turns them away", async () => {
    const seen: string[] = [];
    await simulate({}, async ({ system, run, runUntilIdle }) => {
      const shared = system.spawn(store(), { name: "store" });
      const mail = system.spawn(mailer(seen, new Map()), { name: "mail", mailbox: { capacity: 0 } });
      const later = system.spawn(queue(mail, { store: shared, ...waits(10) }), { name: "later" });
      const mails: Ref<Mail> = system.spawn(queue(givingWay(mail, later), { store: shared }), { name: "mails" });
      await inspect(system, later);
      const busy = system.ask(mail).send("busy");
      await system.offer(mails).send("a");
      await busy;
      await run(1);
      expect((await inspect(system, later)).topics[0]?.subscriptions[0]).toMatchObject({ matched: 0 });
      await runUntilIdle();
      expect(seen).toHaveLength(2);
    });
  });

  test("tells who asks of the first failure", () =>
    simulate({}, async ({ system }) => {
      const { mails, later } = spawned(system, [], new Map([["a", 1]]));
      await inspect(system, later);
      expect(await system.ask(mails).send("b")).toBe("sent");
      expect(await settle(system.ask(mails).send("a"))).toMatchObject({ error: { code: "ACTOR_CRASHED" } });
    }).then(() => {}));

  test("[C6 sim] has each message in one place, whatever breaks after whichever event", async () => {
    const make = (): Play<ReturnType<typeof spawned>> => {
      const seen: string[] = [];
      const failing = new Map([["b", 2]]);
      return {
        boot: (system, options) => spawned(system, seen, failing, options),
        act: (world) =>
          Promise.all(
            ["a", "b", "c"].map((text) =>
              insist(world, () => world.system.offer(world.booted.mails, { key: "k", id: text }).send(text)),
            ),
          ),
        async look({ system, booted }) {
          const sent = new Set(seen.map(([text]) => text));
          expect([...sent].sort()).toEqual(["a", "b", "c"]);
          for (const ref of [booted.mails, booted.later]) {
            const { backlog, deadLetters } = (await inspect(system, ref)).topics[0]!;
            expect([backlog, deadLetters]).toEqual([0, 0]);
          }
        },
      };
    };
    const runs = await everywhere(["/store", "/mail", "/mails", "/mails/consumer", "/later"], make);
    expect(runs).toBeGreaterThan(100);
  }, 120_000);

  test("waits wants to know how long", () => {
    expect(() => waits()).toThrow(/at least one duration/);
    expect(() => waits("soon" as never)).toThrow(/waits/);
  });
});
