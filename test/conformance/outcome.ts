// What a failure says: what may have been done, and whom it passed. Who hears of it, and who is told when nobody does.

import { type Failure, failures, type Message, type Ref, Refusal, receive, type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { type Passage, gate as shut } from "../fixtures/gate.ts";
import { notes } from "../fixtures/notes.ts";
import { said, verdict } from "./verdict.ts";
import type { Kit, WorldUnderTest } from "./world.ts";

const forever = { within: "1h" } as const;

class OutOfStock extends Refusal {
  readonly _tag = "OutOfStock";
}

interface Target {
  wait(): unknown;
  next(): unknown;
  hold(): unknown;
  crash(): unknown;
  refuse(): unknown;
  uncloneable(): unknown;
  cycle(): unknown;
  quit(): unknown;
}

const target = (self: Self, gate: Ref<Passage>) => ({
  async [receive](m: Message<Target>): Promise<unknown> {
    if (m.type === "wait") await settle(self.ask(gate, forever).enter());
    if (m.type === "hold") m.hold();
    if (m.type === "crash") throw new Error("crash");
    if (m.type === "refuse") throw new OutOfStock();
    if (m.type === "uncloneable") return { call() {} };
    if (m.type === "cycle") return self.ask(self.ref as Ref<Target>, forever).next();
    if (m.type === "quit") self.stop();
    return m.type;
  },
});

interface Scene extends Kit {
  readonly at: Ref<Target>;
  readonly gate: Ref<Passage>;
  /** Takes the only slot of the target. */
  busy(): Promise<void>;
}

type Make = (scene: Scene) => Promise<unknown>;
const soon = { within: 25 } as const;

/** Every kind of failure that the runtime makes, in every state in which the message can be. */
const kinds: [expected: string, when: string, make: Make][] = [
  [
    "AskTimeout, not-started",
    "queued",
    async ({ at, system, busy }) => {
      await busy();
      await system.ask(at, soon).next();
    },
  ],
  ["AskTimeout, unknown", "running", ({ at, system }) => system.ask(at, soon).wait() as Promise<unknown>],
  ["AskTimeout, unknown", "held", ({ at, system }) => system.ask(at, soon).hold() as Promise<unknown>],
  [
    "OfferTimeout, not-started",
    "waiting for room",
    async ({ at, system, busy }) => {
      await busy();
      system.tell(at).next();
      await system.offer(at, soon).next();
    },
  ],
  ["OfferTimeout, unknown", "running, not accepted", ({ at, system }) => system.offer(at, soon).wait()],
  ["OfferTimeout, unknown", "held, not accepted", ({ at, system }) => system.offer(at, soon).hold()],
  [
    "Cancelled, not-started",
    "not sent",
    ({ at, system }) => system.ask(at, { signal: AbortSignal.abort() }).next() as Promise<unknown>,
  ],
  [
    "Cancelled, not-started",
    "queued",
    async ({ at, system, busy }) => {
      await busy();
      const control = new AbortController();
      const asked = system.ask(at, { signal: control.signal }).next();
      control.abort();
      await asked;
    },
  ],
  [
    "Cancelled, unknown",
    "running",
    async ({ at, system, gate }) => {
      const control = new AbortController();
      const asked = settle(system.ask(at, { signal: control.signal }).wait() as Promise<unknown>);
      await system.ask(gate).entered(1);
      control.abort();
      const end = await asked;
      if (!end.ok) throw end.error;
    },
  ],
  [
    "MailboxFull, not-started",
    "at the door",
    async ({ at, system, busy }) => {
      await busy();
      system.tell(at).next();
      await system.ask(at, forever).next();
    },
  ],
  [
    "UnknownMessage, not-started",
    "at the door",
    async ({ at, system }) => system.ask(at as Ref<unknown> as Ref<Passage>).enter(),
  ],
  [
    "NotIsolated, not-started",
    "at the door",
    async ({ at, system }) => (system.ask(at).next as (payload: unknown) => Promise<unknown>)({ call() {} }),
  ],
  ["NotIsolated, unknown", "answered", ({ at, system }) => system.ask(at).uncloneable() as Promise<unknown>],
  [
    "ActorStopped, not-started",
    "at the door",
    async ({ at, system }) => {
      await system.ask(at).quit();
      await system.ask(at).next();
    },
  ],
  [
    "ActorStopped, unknown",
    "held",
    async ({ at, system }) => {
      const asked = settle(system.ask(at, forever).hold() as Promise<unknown>);
      system.tell(at).quit();
      const end = await asked;
      if (!end.ok) throw end.error;
    },
  ],
  ["ActorCrashed, unknown", "running", ({ at, system }) => system.ask(at).crash() as Promise<unknown>],
  [
    "ActorRestarted, unknown",
    "held",
    async ({ at, system }) => {
      const asked = settle(system.ask(at, forever).hold() as Promise<unknown>);
      system.tell(at).crash();
      const end = await asked;
      if (!end.ok) throw end.error;
    },
  ],
  [
    "WaitCycle, unknown",
    "queued, passed on by its asker",
    ({ at, system }) => system.ask(at, forever).cycle() as Promise<unknown>,
  ],
  [
    "SystemStopped, not-started",
    "at the door",
    async ({ at, system, busy }) => {
      await busy();
      void system.stop({ drain: 5 });
      await system.ask(at, forever).next();
    },
  ],
  ["OutOfStock, answered", "running", ({ at, system }) => system.ask(at).refuse() as Promise<unknown>],
];

export function outcomeConformance(world: WorldUnderTest): void {
  describe("outcome", () => {
    for (const [expected, when, make] of kinds)
      test(`[A5 ${world.name}] of a message ${when}: ${expected}`, () =>
        world.run(
          async (kit) => {
            const { system, conserve } = kit;
            const gate = system.spawn(shut);
            const at: Ref<Target> = system.spawn((self) => target(self, gate), {
              messages: ["wait", "next", "hold", "crash", "refuse", "uncloneable", "cycle", "quit"],
              mailbox: { capacity: 1 },
              supervision: { settleWithin: 5 },
            });
            const busy = async () => {
              system.tell(at).wait();
              await system.ask(gate).entered(1);
            };
            const end = await settle(make({ ...kit, at, gate, busy }));
            if (end.ok) throw new Error("it succeeded");
            const failure = end.error as Failure;
            expect(said(failure)).toBe(expected);
            expect(failure.retrySafe).toBe(failure.outcome === "not-started");
            expect(failure.code).toMatch(/^[A-Z_]+$/);
            expect(failure.name).toBe(failure._tag);
            conserve();
          },
          { isolation: "clone" },
        ));

    test(`[A5 ${world.name}] of an asker's own end is unknown`, () =>
      world.run(async ({ system }) => {
        const gate = system.spawn(shut);
        const seen = system.spawn(notes);
        const at = system.spawn(
          (self: Self) => ({
            // The former incarnation can tell nobody: the test's own ref does.
            wait: () => verdict(self.ask(gate, forever).enter()).then((end) => system.tell(seen).note(end)),
            crash() {
              throw new Error("crash");
            },
          }),
          { concurrency: 2 },
        );
        system.tell(at).wait();
        await system.ask(gate).entered(1);
        system.tell(at).crash();
        expect(await system.ask(seen).list(1)).toEqual(["Stopped, unknown"]);
      }));

    test(`[A5 ${world.name}] is tried for every failure of the runtime`, () => {
      const tried = new Set(["Stopped", ...kinds.map(([expected]) => expected.split(",")[0])]);
      const all = failures.map((kind) => new kind("")._tag);
      expect(all.filter((tag) => !tried.has(tag))).toEqual([]);
      expect(all).toHaveLength(12);
    });
  });
}
