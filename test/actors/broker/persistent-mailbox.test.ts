import { type Ref, Refusal, type Reply, type Self, type SystemEvent, settle } from "antiphon";
import { powerFailure, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { type DurableOptions, durable } from "../../../src/actors/broker/durable.ts";
import { type MemoryJournal, memoryJournal } from "../../../src/actors/broker/memory.ts";

class No extends Refusal {
  readonly _tag = "No";
}

interface Worker {
  work(id: string): Reply<string>;
  no(): Reply<never, No>;
  poison(): Reply<void>;
  nothing(): Reply<string>;
}

/** What the handlers did, outside of all power failures. */
interface Ledger {
  readonly begun: string[];
  readonly done: string[];
}

const worker =
  (ledger: Ledger, takesMs = 0) =>
  (self: Self): Worker => ({
    async work(id) {
      ledger.begun.push(`${id}/${self.message?.attempt}`);
      if (takesMs > 0) await self.sleep(takesMs);
      ledger.done.push(id);
      return id;
    },
    no: () => new No(),
    poison() {
      ledger.begun.push(`poison/${self.message?.attempt}`);
      throw new Error("planted");
    },
    nothing: () => `${self.message?.id} ${self.message?.key}`,
  });
const fresh = (): Ledger => ({ begun: [], done: [] });
const mailbox = (journal: MemoryJournal, ledger: Ledger, more: Partial<DurableOptions> = {}, takesMs = 0) =>
  durable(worker(ledger, takesMs), { journal: journal.open, ...more });

async function crashed(at: number, concurrency: number): Promise<boolean> {
  const journal = memoryJournal({ latency: "5ms" });
  const ledger = fresh();
  const answered: string[] = [];
  const accepted: string[] = [];
  let reached = true;
  const boot = (system: { spawn: Self["spawn"] }) =>
    system.spawn(mailbox(journal, ledger, { concurrency, compactEvery: 3 }, 2), { name: "box" });
  const schedule = at % 2 === 1 ? ({ strategy: "random", seed: at } as const) : undefined;
  const { leaks } = await simulate({ seed: at + 1, journals: [journal], boot, schedule }, async (world) => {
    const { system } = world;
    const box = world.booted as Ref<Worker>;
    const sent = ["a", "b", "c", "d"].map(async (id) => {
      if (id < "c") {
        if ((await settle(system.ask(box).work(id))).ok) answered.push(id);
      } else if (
        await system
          .offer(box)
          .work(id)
          .then(
            () => true,
            () => false,
          )
      )
        accepted.push(id);
    });
    for (let fired = 0; fired < at && reached; fired++) reached = await world.step();
    world.inject(powerFailure({ at: world.now() }));
    await Promise.all(sent);
    const known = [...ledger.begun];
    await world.run("5m");
    for (const id of [...answered, ...accepted]) expect(ledger.done).toContain(id);
    for (const id of answered) {
      const again = ledger.begun.slice(known.length).filter((one) => one.startsWith(id));
      expect(again, `${id} was answered`).toEqual([]);
    }
    const after = ledger.begun.slice(known.length).map((one) => one.slice(0, 1));
    if (concurrency === 1) expect(after).toEqual([...after].sort());
    for (const id of ["a", "b", "c", "d"]) {
      const attempts = ledger.begun.filter((one) => one.startsWith(id)).map((one) => Number(one.slice(2)));
      expect(attempts.length).toBeLessThanOrEqual(2);
      if (attempts.length === 2) expect(attempts).toEqual([1, 2]);
    }
  });
  expect(leaks).toEqual([]);
  return reached;
}

describe("durable", () => {
  test.each([1, 3])(
    "handles what it accepted, in order, and never again what it answered, when the power fails after any event, at concurrency %i",
    async (concurrency) => {
      let at = 0;
      while (await crashed(at, concurrency)) at++;
      expect(at).toBeGreaterThan(15);
    },
  );

  test("confirms and begins when a message is safe, and answers when its end is", async () => {
    const journal = memoryJournal({ latency: "5ms" });
    const ledger = fresh();
    await simulate({}, async ({ system, now, run }) => {
      const box = system.spawn(mailbox(journal, ledger), { name: "box" });
      await system.ask(box).nothing();
      const began = now();
      await system.offer(box).work("a");
      expect(now() - began).toBe(5);
      await run(100);
      const asked = now();
      expect(await system.ask(box, { id: "m1", key: "k" }).nothing()).toBe("m1 k");
      expect(now() - asked).toBe(10);
      expect(await settle(system.ask(box).no())).toMatchObject({ ok: false, error: { _tag: "No" } });
    });
  });

  test("begins a message that crashes its actor again, up to maxAttempts, with the others behind it", async () => {
    const journal = memoryJournal();
    const ledger = fresh();
    const events: SystemEvent[] = [];
    await simulate({ report: (event) => void events.push(event) }, async ({ system, run }) => {
      const box = system.spawn(mailbox(journal, ledger, { maxAttempts: 3 }), { name: "box" });
      const poison = settle(system.ask(box, { within: "1h" }).poison());
      const told = system.offer(box).poison();
      const work = system.ask(box, { within: "1h" }).work("a");
      expect(await poison).toMatchObject({ ok: false, error: { _tag: "ActorCrashed" } });
      await told;
      expect(await work).toBe("a");
      await run("1m");
      expect(ledger.begun).toEqual([1, 2, 3, 1, 2, 3].map((n) => `poison/${n}`).concat("a/1"));
      expect(journal.content.length).toBeGreaterThan(0);
    });
    expect(events.filter(({ kind }) => kind === "unheard").length).toBe(1);
  });

  test("counts the attempts that a power failure ended, and gives up what ends the process each time", async () => {
    const journal = memoryJournal();
    const ledger = fresh();
    const boot = (system: { spawn: Self["spawn"] }) =>
      system.spawn(mailbox(journal, ledger, { maxAttempts: 2 }, 1_000), { name: "box" });
    const faults = [powerFailure({ at: 500 }), powerFailure({ at: 1_000 })];
    const events: SystemEvent[] = [];
    await simulate({ journals: [journal], boot, faults, report: (event) => void events.push(event) }, async (world) => {
      await world.system.offer(world.booted).work("a");
      await world.system.offer(world.booted).work("b");
      await world.run("1m");
      expect(ledger.begun).toEqual(["a/1", "a/2", "b/1"]);
      expect(ledger.done).toEqual(["b"]);
    });
    expect(
      events.some((event) => event.kind === "unheard" && /gives work up: begun 2 times/.test(`${event.reason}`)),
    ).toBe(true);
  });

  test("refuses what the codec can not hold, and what the journal refuses, and goes on", async () => {
    const journal = memoryJournal({ fails: (append) => append === 1 });
    const ledger = fresh();
    await simulate({}, async ({ system }) => {
      const box = system.spawn(mailbox(journal, ledger), { name: "box" });
      const code = async (answer: Promise<unknown>) => {
        const settled = await settle<unknown, Refusal>(answer);
        return settled.ok ? settled.value : settled.error.code;
      };
      expect(await code(system.ask(box).work(1n as never))).toBe("UNENCODABLE");
      expect(await code(system.ask(box).work("a"))).toBe("JOURNAL_FAILED");
      expect(await code(system.ask(box).work("b"))).toBe("b");
      expect(ledger.begun).toEqual(["b/1"]);
    });
  });
});
