// D3: the books balance at every instant a program can look: in handlers, before and after their awaits, whenever an
// event is told, between turns and after the stop. Each fate and each place of a message is reached at least once.

import { type Census, type Message, type Ref, Refusal, receive, type Self, type SpawnOptions, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { begun, latch, notebook } from "./latch.ts";
import { Ledger } from "./ledger.ts";
import type { Kit, WorldUnderTest } from "./world.ts";

class No extends Refusal {
  readonly _tag = "No";
}

/** Leads one message to the fate or place that the row names; gives what it did to the counts of its actor. */
interface Row {
  readonly name: string;
  readonly actor: Partial<Census>;
  readonly system?: Partial<Census>;
  run(kit: Kit, ledger: Ledger): Promise<Ref<unknown>>;
}

async function blocked(kit: Kit, options: SpawnOptions = {}) {
  const gate = kit.system.spawn(latch);
  const to = kit.system.spawn(notebook([], gate), { supervision: { settleWithin: 5 }, ...options });
  await begun(kit.system, to);
  return { gate, to };
}

const fates: readonly Row[] = [
  {
    name: "handled",
    actor: { accepted: 1, handled: 1 },
    async run({ system }, ledger) {
      const to = system.spawn(() => ({ go: () => ledger.look() }));
      await system.ask(to).go();
      return to;
    },
  },
  {
    name: "refused, returned and thrown, asked and told",
    actor: { accepted: 3, refused: 3 },
    async run({ system, idle }, ledger) {
      const to = system.spawn((self: Self) => ({
        async go(how: "return" | "throw") {
          ledger.look();
          await self.sleep(1);
          ledger.look();
          if (how === "throw") throw new No();
          return new No();
        },
      }));
      expect((await settle(system.ask(to).go("return"))).ok).toBe(false);
      expect((await settle(system.ask(to).go("throw"))).ok).toBe(false);
      system.tell(to).go("throw");
      await idle();
      return to;
    },
  },
  {
    name: "crashed",
    actor: { accepted: 2, crashed: 2 },
    async run({ system, idle }, ledger) {
      const to = system.spawn((self: Self) => ({
        async go(later: boolean) {
          ledger.look();
          if (later) await self.sleep(1);
          throw new Error("crash");
        },
      }));
      system.tell(to).go(false);
      await idle();
      expect((await settle(system.ask(to).go(true))).ok).toBe(false);
      return to;
    },
  },
  {
    name: "expired, in the mailbox",
    actor: { accepted: 2, expired: 1, running: 1 },
    async run(kit) {
      const { to } = await blocked(kit);
      expect(await settle(kit.system.ask(to, { within: 2 }).note(1))).toMatchObject({
        error: { code: "ASK_TIMEOUT" },
      });
      return to;
    },
  },
  {
    name: "expired, while held",
    actor: { accepted: 1, expired: 1, held: 0 },
    async run({ system }) {
      const holder = system.spawn(() => ({ [receive]: (m: Message<{ go(): void }>) => m.hold() }));
      expect(await settle(system.ask(holder, { within: 2 }).go())).toMatchObject({ error: { code: "ASK_TIMEOUT" } });
      return holder;
    },
  },
  {
    name: "cancelled, when its asker leaves the queue",
    actor: { accepted: 2, cancelled: 1, running: 1 },
    async run(kit) {
      const { to } = await blocked(kit);
      const leaving = new AbortController();
      const asked = settle(kit.system.ask(to, { signal: leaving.signal }).note(1));
      kit.conserve();
      leaving.abort();
      expect(await asked).toMatchObject({ error: { code: "CANCELLED" } });
      return to;
    },
  },
  {
    name: "cancelled, in flight beside a crash",
    actor: { accepted: 2, crashed: 1, cancelled: 1, running: 0 },
    async run({ system, idle }, ledger) {
      const to = system.spawn(
        (self: Self) => ({
          async wait() {
            self.signal.addEventListener("abort", () => ledger.look());
            await self.sleep("1h");
          },
          crash() {
            throw new Error("crash");
          },
        }),
        { concurrency: 2 },
      );
      const asked = settle(system.ask(to, { within: Number.POSITIVE_INFINITY }).wait());
      system.tell(to).crash();
      expect(await asked).toMatchObject({ error: { code: "ACTOR_RESTARTED" } });
      await idle();
      return to;
    },
  },
  {
    name: "dropped, the oldest and the newest",
    actor: { accepted: 3, dropped: 1, queued: 1, running: 1 },
    async run(kit) {
      const { to: newest } = await blocked(kit, { mailbox: { capacity: 1, overflow: "drop-newest" } });
      const { to: oldest } = await blocked(kit, { mailbox: { capacity: 1, overflow: "drop-oldest" } });
      for (const to of [newest, oldest]) for (const n of [1, 2]) kit.system.tell(to).note(n);
      expect(kit.system.census(newest)).toMatchObject({ accepted: 3, dropped: 1, queued: 1, running: 1 });
      return oldest;
    },
  },
  {
    name: "dead, in the mailbox of an actor that stops",
    actor: { accepted: 3, dead: 2, handled: 1 },
    async run({ system, idle }, ledger) {
      const to = system.spawn((self: Self) => ({
        stop: () => self.stop(),
        go: () => ledger.look(),
      }));
      system.tell(to).stop();
      system.tell(to).go();
      const asked = settle(system.ask(to).go());
      expect(await asked).toMatchObject({ error: { code: "ACTOR_STOPPED", outcome: "not-started" } });
      await idle();
      return to;
    },
  },
  {
    name: "dead, when a forward is not taken",
    actor: { accepted: 2, dead: 2, forwardedOut: 0 },
    async run(kit, ledger) {
      const { to } = await blocked(kit, { mailbox: { capacity: 0 } });
      const router = kit.system.spawn(() => ({
        [receive](m: Message<{ note(n: number): number }>) {
          ledger.look();
          m.forward(to);
          ledger.look();
        },
      }));
      kit.system.tell(router).note(1);
      expect(await settle(kit.system.ask(router).note(2))).toMatchObject({ error: { code: "MAILBOX_FULL" } });
      expect(kit.system.deadLetters).toHaveLength(1);
      return router;
    },
  },
  {
    name: "dead, when an actor that has come up lacks it",
    actor: { accepted: 3, dead: 2, handled: 1 },
    async run({ system, idle }, ledger) {
      const to = system.spawn(async (self: Self) => {
        await self.sleep(1);
        ledger.look();
        return { known: () => "known" };
      });
      const loose = to as unknown as Ref<{ known(): string; missing(): string }>;
      system.tell(loose).missing();
      const known = system.ask(loose).known();
      expect(await settle(system.ask(loose).missing())).toMatchObject({ error: { code: "UNKNOWN_MESSAGE" } });
      expect(await known).toBe("known");
      await idle();
      expect(system.deadLetters).toMatchObject([{ type: "missing", reason: "UNKNOWN_MESSAGE" }]);
      return to;
    },
  },
];

const places: readonly Row[] = [
  {
    name: "turned away: an unknown name on an actor that is up",
    actor: { accepted: 0, dead: 0 },
    system: { sent: 2, turnedAway: 2 },
    async run({ system }) {
      system.spawn(() => ({ elsewhere: () => {} }));
      const to = system.spawn(() => ({ here: () => {} })) as Ref<unknown> as Ref<{ elsewhere(): void }>;
      system.tell(to).elsewhere();
      expect(await settle(system.ask(to).elsewhere())).toMatchObject({ error: { code: "UNKNOWN_MESSAGE" } });
      expect(system.deadLetters).toMatchObject([{ type: "elsewhere", reason: "UNKNOWN_MESSAGE" }]);
      return to;
    },
  },
  {
    name: "waiting for room",
    actor: { accepted: 1, running: 1, waitingForRoom: 1 },
    system: { waitingForRoom: 1, turnedAway: 0 },
    async run(kit) {
      const { to } = await blocked(kit, { mailbox: { capacity: 0 } });
      kit.system
        .offer(to)
        .note(1)
        .then(undefined, () => {});
      return to;
    },
  },
  {
    name: "held, then answered by a later turn",
    actor: { accepted: 3, handled: 3, held: 0 },
    async run({ system, conserve, idle }, ledger) {
      const holder = system.spawn((self: Self) => ({
        [receive](m: Message<{ go(): string }>) {
          m.hold();
          ledger.look();
          if (m.type === "go") self.after(1, () => m.answer("late enough"));
          else m.answer("at once");
          ledger.look();
        },
      }));
      const asked = system.ask(holder).go();
      system.tell(holder as Ref<unknown> as Ref<{ other(): void }>).other();
      conserve();
      expect(await asked).toBe("late enough");
      await idle();
      return holder;
    },
  },
  {
    name: "held, until the system stops",
    actor: { accepted: 1, held: 1 },
    system: { held: 1 },
    async run({ system, idle }) {
      const holder = system.spawn(() => ({ [receive]: (m: Message<{ go(): void }>) => m.hold() }));
      system.tell(holder).go();
      await idle();
      return holder;
    },
  },
  {
    name: "forwarded, in and out",
    actor: { accepted: 1, forwardedOut: 1, handled: 0 },
    system: { accepted: 1, forwardedIn: 1, forwardedOut: 1, handled: 1 },
    async run({ system }, ledger) {
      const to = system.spawn(() => ({ go: () => ledger.look() }));
      const router = system.spawn((self: Self) => ({
        async [receive](m: Message<{ go(): void }>) {
          m.forward(to);
          ledger.look();
          await self.sleep(1);
          ledger.look();
        },
      }));
      await system.ask(router).go();
      expect(system.census(to)).toMatchObject({ accepted: 0, forwardedIn: 1, handled: 1 });
      return router;
    },
  },
  {
    name: "a turn of a timer, of every, of a pipe and of a watch, each a message of its actor",
    actor: { accepted: 5, handled: 5 },
    system: { turns: 4, sent: 6, turnedAway: 0 },
    async run({ system, idle }, ledger) {
      const other = system.spawn((self: Self) => ({ end: () => self.stop() }));
      let ran = 0;
      const turn = () => {
        ledger.look();
        ran++;
      };
      // A full mailbox is no matter to turns.
      const to = system.spawn(
        (self: Self) => ({
          async go() {
            self.after(1, turn);
            const again = self.every(1, () => {
              turn();
              again.cancel();
            });
            self.pipeToSelf(self.sleep(1), turn);
            self.watch(other, turn);
            system.tell(other).end();
            await self.sleep(3);
          },
        }),
        { mailbox: { capacity: 0 } },
      );
      await system.ask(to).go();
      while (ran < 4) await idle();
      return to;
    },
  },
  {
    name: "a turn that is cancelled while it waits",
    actor: { accepted: 2, handled: 1, cancelled: 1 },
    system: { turns: 1 },
    async run({ system, idle }, ledger) {
      const to = system.spawn((self: Self) => ({
        async go() {
          const timer = self.after(1, () => expect.unreachable("the timer was cancelled"));
          await self.sleep(5);
          ledger.look();
          timer.cancel();
          ledger.look();
        },
      }));
      await system.ask(to).go();
      await idle();
      return to;
    },
  },
];

export function conservationConformance(world: WorldUnderTest): void {
  describe("the census", () => {
    test.each([...fates, ...places])(`[D3 ${world.name}] balances and counts: $name`, ({ run, actor, system }) =>
      world.run(async (kit) => {
        const ledger = new Ledger(kit);
        const ref = await run(kit, ledger);
        ledger.look();
        expect(kit.system.census(ref)).toMatchObject(actor);
        if (system !== undefined) expect(kit.system.census()).toMatchObject(system);
        await kit.system.stop();
        ledger.look();
        expect(ledger.found).toEqual([]);
        expect(kit.system.census()).toMatchObject({ queued: 0, running: 0, held: 0, waitingForRoom: 0, actors: 0 });
      }),
    );
  });
}
