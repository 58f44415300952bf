// B1 and D4: what is bounded, what happens at the bound, and that whoever is turned away is told. The overflow matrix
// is a table: how a full mailbox overflows × the verb × the order of the mailbox.

import { type Ref, type Self, type SpawnOptions, type SystemEvent, settle, type Verb } from "antiphon";
import { describe, expect, test } from "vitest";
import { begun, latch, type Notebook, notebook } from "./latch.ts";
import type { Kit, WorldUnderTest } from "./world.ts";

/** A notebook that is busy until `open`. */
async function busy(kit: Kit, options: SpawnOptions = {}) {
  const { system } = kit;
  const log: number[] = [];
  const gate = system.spawn(latch);
  const to = system.spawn(notebook(log, gate), { supervision: { settleWithin: 5 }, ...options });
  await begun(system, to);
  return { to, log, open: () => system.tell(gate).open() };
}

/** What a sender sees of one message, in a word. */
async function outcome(kit: Kit, verb: Verb, to: Ref<Notebook>, n: number): Promise<string> {
  const before = kit.system.deadLetters.length;
  const waits: Promise<unknown> | undefined = kit.system.via(verb, to).note(n) ?? undefined;
  if (waits === undefined) return kit.system.deadLetters.length > before ? "dead letter" : "nothing";
  const seen = await settle(waits);
  if (!seen.ok) {
    expect(seen.error).toMatchObject({ code: "MAILBOX_FULL", outcome: "not-started", retrySafe: true });
    return "MailboxFull";
  }
  return verb === "offer" ? "accepted" : `answer ${seen.value}`;
}

function bounds(events: readonly SystemEvent[]): [bound: string, limit: number][] {
  return events.flatMap((event) => (event.kind === "bound" ? [[event.bound, event.limit]] : []));
}

const rank: Record<number, number> = { 1: 5, 2: 1, 3: 3 };
const orders = {
  fifo: "fifo",
  lifo: "lifo",
  priority: { priority: (m: { payload: unknown }) => rank[m.payload as number] ?? 0 },
} as const;

/** Notes 1 and 2 wait and the mailbox is full; note 3 comes by `verb`. */
interface Row {
  readonly overflow: "turn-away" | "drop-oldest" | "drop-newest";
  readonly verb: Verb;
  readonly third: string;
  /** What the asker of note 1 sees. */
  readonly first: string;
  readonly counts: { turnedAway: number; dropped: number };
  readonly handled: Readonly<Record<keyof typeof orders, readonly number[]>>;
}
const none = { turnedAway: 0, dropped: 0 };
const turned = { turnedAway: 1, dropped: 0 };
const dropped = { turnedAway: 0, dropped: 1 };
const all = { fifo: [1, 2, 3], lifo: [3, 2, 1], priority: [1, 3, 2] };
const old = { fifo: [1, 2], lifo: [2, 1], priority: [1, 2] };
const young = { fifo: [2, 3], lifo: [3, 2], priority: [3, 2] };
const matrix: readonly Row[] = [
  { overflow: "turn-away", verb: "tell", third: "dead letter", first: "answer 1", counts: turned, handled: old },
  { overflow: "turn-away", verb: "ask", third: "MailboxFull", first: "answer 1", counts: turned, handled: old },
  { overflow: "turn-away", verb: "offer", third: "accepted", first: "answer 1", counts: none, handled: all },
  { overflow: "drop-oldest", verb: "tell", third: "nothing", first: "MailboxFull", counts: dropped, handled: young },
  { overflow: "drop-oldest", verb: "ask", third: "answer 3", first: "MailboxFull", counts: dropped, handled: young },
  { overflow: "drop-oldest", verb: "offer", third: "accepted", first: "MailboxFull", counts: dropped, handled: young },
  { overflow: "drop-newest", verb: "tell", third: "nothing", first: "answer 1", counts: dropped, handled: old },
  { overflow: "drop-newest", verb: "ask", third: "MailboxFull", first: "answer 1", counts: dropped, handled: old },
  { overflow: "drop-newest", verb: "offer", third: "accepted", first: "answer 1", counts: dropped, handled: old },
];
const cases = matrix.flatMap((row) =>
  (["fifo", "lifo", "priority"] as const).map((order) => ({ ...row, order, expected: row.handled[order] })),
);

export function boundsConformance(world: WorldUnderTest): void {
  const { name } = world;

  describe("a full mailbox", () => {
    test.each(cases)(`[B1 ${name}] [D4 ${name}] $overflow, $verb, $order: the sender sees $third`, (row) =>
      world.run(async (kit) => {
        const mailbox = { capacity: 2, overflow: row.overflow, order: orders[row.order] };
        const { to, log, open } = await busy(kit, { mailbox });
        const first = outcome(kit, "ask", to, 1);
        kit.system.tell(to).note(2);
        expect(bounds(kit.events)).toEqual([]);
        const third = outcome(kit, row.verb, to, 3);
        kit.conserve();
        if (row.verb === "offer" && row.overflow === "turn-away") expect(kit.system.census().waitingForRoom).toBe(1);
        else expect(bounds(kit.events)).toEqual([["mailbox.capacity", 2]]);
        open();
        expect(await third).toBe(row.third);
        expect(await first).toBe(row.first);
        await kit.idle();
        expect(log).toEqual(row.expected);
        expect(kit.system.census()).toMatchObject(row.counts);
      }),
    );

    test.each([
      { capacity: 0, concurrency: 1, taken: 1 },
      { capacity: 0, concurrency: 3, taken: 3 },
      { capacity: 2, concurrency: 1, taken: 3 },
      { capacity: 2, concurrency: 3, taken: 5 },
    ])(
      `[B1 ${name}] takes $taken with capacity $capacity and concurrency $concurrency`,
      ({ capacity, concurrency, taken }) =>
        world.run(async (kit) => {
          const { system } = kit;
          const gate = system.spawn(latch);
          const to = system.spawn(notebook([], gate), { concurrency, mailbox: { capacity } });
          for (let i = 0; i < taken; i++) system.tell(to).block();
          expect(system.census()).toMatchObject({ turnedAway: 0 });
          system.tell(to).block();
          expect(system.census()).toMatchObject({ turnedAway: 1, accepted: taken });
          system.tell(gate).open();
          await kit.idle();
          expect(system.census(to)).toMatchObject({ handled: taken });
          for (let i = 0; i < taken + 1; i++) system.tell(to).block();
          expect(system.census()).toMatchObject({ turnedAway: 2 });
          await kit.idle();
        }),
    );

    test.each([
      { concurrency: 1, handled: 1, turnedAway: 1 },
      { concurrency: 2, handled: 2, turnedAway: 0 },
    ])(
      `[B1 ${name}] of capacity 0 takes what its own handler tells it only into a free slot: concurrency $concurrency`,
      ({ concurrency, handled, turnedAway }) =>
        world.run(async (kit) => {
          const { system, idle } = kit;
          const to = system.spawn(
            (self: Self<{ go(again: boolean): void }>) => ({
              go(again: boolean) {
                if (again) self.tell(self.ref).go(false);
              },
            }),
            { concurrency, mailbox: { capacity: 0 } },
          );
          system.tell(to).go(true);
          await idle();
          expect(system.census(to)).toMatchObject({ handled });
          expect(system.census()).toMatchObject({ turnedAway });
          expect(system.deadLetters).toHaveLength(turnedAway);
        }),
    );

    test(`[B1 ${name}] keeps at most mailbox.offers offers waiting; the next is turned away`, () =>
      world.run(async (kit) => {
        const { to, log, open } = await busy(kit, { mailbox: { capacity: 0, offers: 2 } });
        const waiting = [1, 2].map((n) => outcome(kit, "offer", to, n));
        expect(bounds(kit.events)).toEqual([]);
        expect(await outcome(kit, "offer", to, 3)).toBe("MailboxFull");
        expect(bounds(kit.events)).toEqual([["mailbox.offers", 2]]);
        open();
        expect(await Promise.all(waiting)).toEqual(["accepted", "accepted"]);
        await kit.idle();
        expect(log).toEqual([1, 2]);
      }));

    test(`[B1 ${name}] has room for 1,000 offers by default, and for 100,000 messages`, () =>
      world.run(async (kit) => {
        const { to, log, open } = await busy(kit);
        for (let n = 0; n < 100_000; n++) kit.system.tell(to).note(n);
        expect(kit.system.census().turnedAway).toBe(0);
        const offers = Array.from({ length: 1_000 }, (_, n) => outcome(kit, "offer", to, n));
        expect(kit.system.census()).toMatchObject({ turnedAway: 0, waitingForRoom: 1_000 });
        expect(await outcome(kit, "offer", to, -1)).toBe("MailboxFull");
        expect(await outcome(kit, "tell", to, -1)).toBe("dead letter");
        open();
        expect(new Set(await Promise.all(offers))).toEqual(new Set(["accepted"]));
        await kit.idle();
        expect(log).toHaveLength(101_000);
      }));

    test(`[B1 ${name}] [D1 ${name}] is the same before an asynchronous factory is done: what waits is in order`, () =>
      world.run(async (kit) => {
        const { system, idle } = kit;
        const log: number[] = [];
        const to = system.spawn(
          async (self: Self) => {
            await self.sleep(2);
            return { note: (n: number) => log.push(n) };
          },
          { mailbox: { capacity: 2 } },
        ) as Ref<unknown> as Ref<Notebook>;
        for (const n of [1, 2, 3]) system.tell(to).note(n);
        expect(await outcome(kit, "tell", to, 4)).toBe("dead letter");
        const offered = outcome(kit, "offer", to, 5);
        expect(system.census()).toMatchObject({ accepted: 3, queued: 3, waitingForRoom: 1, turnedAway: 1 });
        expect(await offered).toBe("accepted");
        await idle();
        expect(log).toEqual([1, 2, 3, 5]);
      }));
  });

  describe("a bound", () => {
    test(`[B1 ${name}] on the dead letters keeps the last 1,000`, () =>
      world.run(async ({ system, events }) => {
        const to = system.spawn((self: Self) => ({
          note(_: number) {},
          end: () => self.stop(),
        }));
        await system.ask(to).end();
        for (let n = 0; n < 1_000; n++) system.tell(to).note(n);
        expect(bounds(events)).toEqual([]);
        for (let n = 1_000; n < 1_005; n++) system.tell(to).note(n);
        expect(system.deadLetters.map(({ payload }) => payload)).toEqual(
          Array.from({ length: 1_000 }, (_, i) => i + 5),
        );
        expect(bounds(events)).toEqual([["dead letters kept", 1_000]]);
        expect(events.filter(({ kind }) => kind === "dead-letter")).toHaveLength(1_005);
      }));

    test.each([
      { length: 990, found: 0 },
      { length: 1_010, found: 1 },
    ])(`[B1 ${name}] on the search for cycles of waits: a chain of $length handlers`, ({ length, found }) =>
      world.run(async (kit) => {
        const { system, events, idle } = kit;
        const gate = system.spawn(latch);
        interface Link {
          go(): Promise<unknown>;
        }
        const within = Number.POSITIVE_INFINITY;
        const link = (next: Ref<Link> | undefined) => (self: Self) => ({
          go: (): Promise<unknown> =>
            next === undefined ? self.ask(gate, { within }).wait() : self.ask(next, { within }).go(),
        });
        let first: Ref<Link> | undefined;
        for (let i = 0; i < length; i++) first = system.spawn(link(first), { name: `link${i}` });
        const done = system.ask(first as Ref<Link>, { within }).go();
        const last = system.spawn((self: Self) => ({
          async ready() {
            while (system.census().held === 0) await self.sleep(1);
          },
        }));
        await system.ask(last).ready();
        expect(bounds(events)).toEqual([]);
        // Its ask is queued behind the whole chain.
        system.tell(system.spawn(link(first))).go();
        const settled = system.spawn((self: Self) => ({ nap: () => self.sleep(2) }));
        await system.ask(settled).nap();
        expect(bounds(events).map(([, limit]) => limit)).toEqual(found === 0 ? [] : [1_000]);
        system.tell(gate).open();
        await done;
        await idle();
      }),
    );
  });

  turnedAway(world);
  thrownPriority(world);
}

interface Reason {
  readonly code: string;
  readonly isolation?: "clone";
  run(kit: Kit): Promise<{ to: Ref<unknown>; payload?: unknown; after?: () => Promise<unknown> }>;
}

const reasons: readonly Reason[] = [
  { code: "MAILBOX_FULL", run: (kit) => busy(kit, { mailbox: { capacity: 0, offers: 0 } }) },
  {
    code: "ACTOR_STOPPED",
    async run({ system }) {
      const to = system.spawn((self: Self) => ({ end: () => self.stop(), note: (n: unknown) => n }));
      await system.ask(to).end();
      return { to };
    },
  },
  {
    code: "UNKNOWN_MESSAGE",
    async run({ system }) {
      return { to: system.spawn(() => ({ other: () => {} })) };
    },
  },
  {
    code: "UNKNOWN_MESSAGE",
    async run({ system }) {
      const make = () => ({ other: () => {}, note: (n: unknown) => n });
      return { to: system.spawn(make, { messages: ["other"] }) };
    },
  },
  {
    code: "NOT_ISOLATED",
    isolation: "clone",
    async run({ system }) {
      return { to: system.spawn(() => ({ note: (n: unknown) => n })), payload: { call: () => {} } };
    },
  },
  {
    code: "SYSTEM_STOPPED",
    async run({ system }) {
      const to = system.spawn((self: Self) => ({ nap: () => self.sleep(5), note: (n: unknown) => n }));
      system.tell(to).nap();
      const stopped = system.stop({ drain: "1h" });
      return { to, after: () => stopped };
    },
  },
];

function turnedAway(world: WorldUnderTest): void {
  const table = reasons.flatMap((reason) => (["tell", "offer", "ask"] as const).map((verb) => ({ ...reason, verb })));
  describe("a message that is turned away", () => {
    test.each(table)(`[D4 ${world.name}] $verb, $code: its sender is told`, ({ run, verb, code, isolation }) =>
      world.run(
        async (kit) => {
          const { system } = kit;
          // Some actor has the name, so that the stub has it.
          system.spawn(() => ({ note: (n: unknown) => n }));
          const { to, payload = 7, after } = await run(kit);
          const before = system.census().turnedAway;
          const waits = system.via(verb, to as Ref<{ note(n: unknown): unknown }>).note(payload);
          expect(system.census().turnedAway).toBe(before + 1);
          kit.conserve();
          if (waits === undefined)
            expect(system.deadLetters).toEqual([{ to: to.path, from: undefined, type: "note", payload, reason: code }]);
          else {
            expect(await settle(waits)).toMatchObject({
              ok: false,
              error: { code, outcome: "not-started", retrySafe: true, passed: [] },
            });
            expect(system.deadLetters).toEqual([]);
          }
          await after?.();
        },
        { isolation: isolation ?? "share" },
      ),
    );

    test(`[D4 ${world.name}] an offer that waits, when the actor stops`, () =>
      world.run(async (kit) => {
        const { to } = await busy(kit, { mailbox: { capacity: 0 } });
        const offered = settle(kit.system.offer(to).note(1));
        expect(kit.system.census().waitingForRoom).toBe(1);
        await kit.system.stop();
        expect(await offered).toMatchObject({ ok: false, error: { code: "ACTOR_STOPPED", outcome: "not-started" } });
        expect(kit.system.census()).toMatchObject({ waitingForRoom: 0, turnedAway: 1 });
      }));

    test(`[D4 ${world.name}] an ask or offer whose signal has aborted before`, () =>
      world.run(async (kit) => {
        const { system } = kit;
        const to = system.spawn(() => ({ note: () => expect.unreachable("it was given up before") }));
        const signal = AbortSignal.abort();
        for (const verb of ["ask", "offer"] as const)
          expect(await settle(system.via(verb, to, { signal }).note())).toMatchObject({
            error: { code: "CANCELLED", outcome: "not-started", retrySafe: true },
          });
        expect(system.census()).toMatchObject({ sent: 2, turnedAway: 2, accepted: 0 });
      }));
  });
}

function thrownPriority(world: WorldUnderTest): void {
  const bad: Record<string, () => number> = {
    throws: () => {
      throw new Error("no rank");
    },
    "gives NaN": () => Number.NaN,
    "gives no number": () => "high" as unknown as number,
  };
  describe("a priority function", () => {
    test.each(Object.keys(bad))(`[F1 ${world.name}] that %s is a crash of the receiver, not of the sender`, (how) =>
      world.run(async (kit) => {
        const { system, idle } = kit;
        const priority = ({ payload }: { payload: unknown }) => (payload === 13 ? (bad[how] as () => number)() : 0);
        const { to, log, open } = await busy(kit, { mailbox: { order: { priority } } });
        system.tell(to).note(1);
        let survived = 0;
        const sender = system.spawn((self: Self) => ({
          async go() {
            self.tell(to).note(13);
            survived++;
            const asked = await settle(self.ask(to).note(13));
            survived++;
            return { seen: asked };
          },
        }));
        const { seen } = await system.ask(sender).go();
        expect(seen).toMatchObject({ ok: false, error: { code: "ACTOR_CRASHED", outcome: "not-started" } });
        expect(survived).toBe(2);
        kit.conserve();
        open();
        await idle();
        expect(log).toEqual([1]);
        const crashes = kit.events.flatMap((event) => (event.kind === "crashed" ? [event] : []));
        expect(crashes.length).toBeGreaterThan(0);
        for (const one of crashes) expect(one).toMatchObject({ path: to.path, context: "priority" });
        expect(system.census(to).crashed).toBeGreaterThanOrEqual(2);
      }),
    );
  });
}
