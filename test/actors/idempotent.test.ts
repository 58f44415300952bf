import { InvalidOption, type Make, type Message, Refusal, type Reply, receive, type Self, settle } from "antiphon";
import { idempotent } from "antiphon/actors";
import { describe, expect, test } from "vitest";
import { loaded } from "../architecture/rules.ts";
import { readSources } from "../architecture/source.ts";
import { type Kit, live, sim } from "../conformance/world.ts";

class Declined extends Refusal {
  readonly _tag = "Declined";
}

/** What the outside saw of an actor, through all its incarnations. */
interface Ledger {
  readonly effects: string[];
  readonly ended: string[];
}

const ledger = (): Ledger => ({ effects: [], ended: [] });

/** Sums what it is paid; private fields show whether `this` is right. */
class Till {
  readonly #ledger: Ledger;
  readonly #self: Self;
  #sum = 0;
  static #made = 0;
  readonly serial: number = ++Till.#made;

  constructor(self: Self, to: Ledger) {
    this.#self = self;
    this.#ledger = to;
  }

  pay(amount: number): Reply<number, Declined> {
    this.#ledger.effects.push(`pay ${amount}`);
    if (amount < 0) return new Declined("not negative");
    this.#sum += amount;
    return this.#sum;
  }

  decline(): never {
    this.#ledger.effects.push("decline");
    throw new Declined("by throw");
  }

  async slow(ms: number): Promise<number> {
    await this.#self.sleep(ms);
    this.#ledger.effects.push(`slow ${ms}`);
    if (ms < 2) throw new Declined("too fast");
    return ++this.#sum;
  }

  crash(): void {
    this.#ledger.effects.push("crash");
    throw new Error("planted");
  }

  async crashLater(): Promise<void> {
    await this.#self.sleep(1);
    this.#ledger.effects.push("crashLater");
    throw new Error("planted");
  }

  [Symbol.dispose](): void {
    this.#ledger.ended.push("disposed");
  }
}

const till = (to: Ledger): Make<Till> => idempotent((self) => new Till(self, to), { window: "1h" });

describe.each([live, sim])("idempotent, $name", (world) => {
  test(`answers a duplicate with the remembered value and runs no handler [P16 ${world.name}]`, () =>
    world.run(async ({ system }) => {
      const seen = ledger();
      const ref = system.spawn(till(seen));
      expect(await system.ask(ref, { id: "a" }).pay(5)).toBe(5);
      expect(await system.ask(ref, { id: "a" }).pay(5)).toBe(5);
      expect(await system.ask(ref, { id: "b" }).pay(5)).toBe(10);
      expect(seen.effects).toEqual(["pay 5", "pay 5"]);
    }));

  test("takes messages without an id given, and those of another name, for different ones", () =>
    world.run(async ({ system }) => {
      const seen = ledger();
      const ref = system.spawn(till(seen));
      expect(await system.ask(ref).pay(1)).toBe(1);
      expect(await system.ask(ref).pay(1)).toBe(2);
      await system.ask(ref, { id: "a" }).pay(1);
      expect(await system.ask(ref, { id: "a" }).slow(2)).toBe(4);
    }));

  test.each([
    ["returned", (kit: Kit, ref: ReturnType<typeof spawnTill>) => kit.system.ask(ref, { id: "a" }).pay(-1)],
    ["thrown", (kit: Kit, ref: ReturnType<typeof spawnTill>) => kit.system.ask(ref, { id: "a" }).decline()],
    ["a rejection", (kit: Kit, ref: ReturnType<typeof spawnTill>) => kit.system.ask(ref, { id: "a" }).slow(1)],
  ])("remembers a refusal that was %s", (_how, ask) =>
    world.run(async (kit) => {
      const seen = ledger();
      const ref = spawnTill(kit, seen);
      const first = await settle(ask(kit, ref));
      const second = await settle(ask(kit, ref));
      expect(first).toMatchObject({ ok: false, error: { _tag: "Declined", outcome: "answered" } });
      expect(second).toEqual(first);
      expect(seen.effects).toHaveLength(1);
    }),
  );

  test("lets duplicates share the attempt that still runs", () =>
    world.run(async ({ system }) => {
      const seen = ledger();
      const ref = system.spawn(till(seen), { concurrency: 4 });
      const answers = [3, 3, 3].map((ms) => system.ask(ref, { id: "a" }).slow(ms));
      const other = system.ask(ref, { id: "b" }).slow(3);
      expect(await Promise.all(answers)).toEqual([1, 1, 1]);
      expect(await other).toBe(2);
      expect(seen.effects).toHaveLength(2);
    }));

  test.each([
    ["crash", "ActorCrashed"],
    ["crashLater", "ActorCrashed"],
  ] as const)("forgets a first attempt that ended in %s", (message, tag) =>
    world.run(async ({ system }) => {
      const seen = ledger();
      const ref = system.spawn(till(seen), { concurrency: 2 });
      for (let attempt = 1; attempt <= 2; attempt++) {
        const answer = await settle(system.ask(ref, { id: "a" })[message]());
        expect(answer).toMatchObject({ error: { _tag: tag } });
        expect(seen.effects).toHaveLength(attempt);
      }
    }),
  );

  test("forgets a first attempt that let a failed ask through, thrown or returned", () =>
    world.run(async ({ system }) => {
      const upstream = system.spawn(() => ({
        answer() {
          throw new Error("planted");
        },
      }));
      let attempts = 0;
      const make = idempotent(
        (self) => ({
          async thrown(): Promise<unknown> {
            attempts++;
            return self.ask(upstream).answer();
          },
          async returned(): Promise<unknown> {
            attempts++;
            const answer = await settle(self.ask(upstream).answer());
            return answer.ok ? undefined : answer.error;
          },
        }),
        { window: "1h" },
      );
      const ref = system.spawn(make);
      for (const message of ["thrown", "returned"] as const) {
        attempts = 0;
        expect((await settle(system.ask(ref, { id: "a" })[message]())).ok).toBe(false);
        expect((await settle(system.ask(ref, { id: "a" })[message]())).ok).toBe(false);
        expect(attempts).toBe(2);
      }
    }));

  test("remembers through a restart, and forgets what the crash cut short", () =>
    world.run(async ({ system }) => {
      const seen = ledger();
      const ref = system.spawn(till(seen), { concurrency: 3 });
      expect(await system.ask(ref, { id: "paid" }).pay(5)).toBe(5);
      const cut = settle(system.ask(ref, { id: "cut" }).slow(50));
      system.tell(ref).crash();
      expect(await cut).toMatchObject({ error: { _tag: "ActorRestarted" } });
      expect(await system.ask(ref, { id: "paid" }).pay(5)).toBe(5);
      expect(await system.ask(ref, { id: "cut" }).slow(2)).toBe(1);
      expect(seen.effects).toEqual(["pay 5", "crash", "slow 2"]);
      expect(seen.ended).toEqual(["disposed"]);
    }));

  test("does not wait for an attempt of a former incarnation that never ends", () =>
    world.run(async ({ system }) => {
      let attempts = 0;
      const make = idempotent(
        () => ({
          hang: () => (++attempts === 1 ? new Promise<number>(() => {}) : attempts),
          crash() {
            throw new Error("planted");
          },
        }),
        { window: "1h" },
      );
      const ref = system.spawn(make, { concurrency: 3, supervision: { settleWithin: "1ms" } });
      const first = settle(system.ask(ref, { id: "a" }).hang());
      const shared = settle(system.ask(ref, { id: "a" }).hang());
      system.tell(ref).crash();
      expect([(await first).ok, (await shared).ok]).toEqual([false, false]);
      expect(await system.ask(ref, { id: "a" }).hang()).toBe(2);
    }));

  test("gives each actor a memory of its own", () =>
    world.run(async ({ system }) => {
      const seen = ledger();
      const make = till(seen);
      const [one, other] = [system.spawn(make), system.spawn(make)];
      expect(await system.ask(one, { id: "a" }).pay(5)).toBe(5);
      expect(await system.ask(other, { id: "a" }).pay(7)).toBe(7);
    }));

  test("forgets after the window, counted from the first start", () =>
    world.run(async ({ system }) => {
      const seen = ledger();
      const ref = system.spawn(idempotent((self) => new Till(self, seen), { window: "5ms" }));
      const clock = system.spawn((self) => ({ sleep: (ms: number) => self.sleep(ms) }));
      for (let i = 0; i < 6; i++) {
        await system.ask(ref, { id: "a" }).pay(5);
        await system.ask(clock).sleep(2);
      }
      // Duplicates do not renew it: with gaps below the window, only their number says so.
      expect(seen.effects.length).toBeGreaterThan(1);
      await system.ask(clock).sleep(6);
      const before = seen.effects.length;
      await system.ask(ref, { id: "a" }).pay(5);
      expect(seen.effects).toHaveLength(before + 1);
    }));

  test("keeps at most `limit` answers and forgets the oldest first", () =>
    world.run(async ({ system }) => {
      const seen = ledger();
      const ref = system.spawn(idempotent((self) => new Till(self, seen), { window: "1h", limit: 2 }));
      const effectOf = async (id: string) => {
        const before = seen.effects.length;
        await system.ask(ref, { id }).pay(1);
        return seen.effects.length > before;
      };
      expect([await effectOf("a"), await effectOf("b"), await effectOf("a")]).toEqual([true, true, false]);
      expect(await effectOf("c")).toBe(true);
      expect([await effectOf("b"), await effectOf("c"), await effectOf("a")]).toEqual([false, false, true]);
      expect(await effectOf("b")).toBe(true);
    }));

  test("answers tells and offers once, too", () =>
    world.run(async ({ system, idle }) => {
      const seen = ledger();
      const ref = system.spawn(till(seen));
      system.tell(ref, { id: "a" }).pay(1);
      await system.offer(ref, { id: "a" }).pay(1);
      expect(await system.ask(ref, { id: "a" }).pay(1)).toBe(1);
      await idle();
      expect(seen.effects).toEqual(["pay 1"]);
    }));

  test("keeps the messages, the name and the class of the object", () =>
    world.run(async ({ system }) => {
      const ref = system.spawn(till(ledger()));
      expect(ref.path).toBe("/till-1");
      const made = idempotent(() => ({ hello: () => "hi", _hidden: () => "", field: 1 }), { window: 1 });
      const object = made({ ref: {}, message: undefined } as unknown as Self) as Record<string, unknown>;
      expect(Object.keys(object)).toEqual(["hello"]);
      expect((object["hello"] as () => string)()).toBe("hi");
      expect(system.census().actors).toBe(1);
    }));

  test.each(["dispose", "asyncDispose"] as const)("disposes of the object by its %s", (how) => {
    const ended: unknown[] = [];
    class Held {
      readonly #name = "held";
      hello() {}
      [Symbol[how]]() {
        ended.push(this.#name);
      }
    }
    return world
      .run(async ({ system }) => void system.spawn(idempotent(() => new Held(), { window: 1 })))
      .then(() => expect(ended).toEqual(["held"]));
  });

  test("takes an asynchronous factory", () =>
    world.run(async ({ system }) => {
      const seen = ledger();
      const ref = system.spawn(idempotent(async (self) => new Till(self, seen), { window: "1h" }));
      expect(await Promise.all([5, 5].map((sum) => system.ask(ref, { id: "a" }).pay(sum)))).toEqual([5, 5]);
    }));

  test.each([
    [
      "an object with [receive]",
      () => ({ [receive](_m: Message) {} }),
      /\[receive\].*put idempotent around the actors/,
    ],
    ["no object", () => null as unknown as object, /gave null/],
    ["an object with a method then", () => ({ hello() {}, then() {} }), /method then/],
  ])("refuses %s with InvalidFactory", (_what, make, text) =>
    world.run(async ({ system, events, idle }) => {
      let found: unknown;
      try {
        system.spawn(idempotent(make, { window: 1 }));
      } catch (error) {
        found = error;
      }
      await idle();
      const crash = events.find(({ kind }) => kind === "crashed");
      found ??= crash?.kind === "crashed" ? crash.reason : undefined;
      expect(found).toMatchObject({ _tag: "InvalidFactory", message: expect.stringMatching(text) });
    }),
  );

  test("refuses the same object twice, as spawn does without it", () =>
    world.run(async ({ system, events, idle }) => {
      const one = {
        crash() {
          throw new Error("planted");
        },
      };
      const ref = system.spawn(idempotent(() => one, { window: 1 }));
      await settle(system.ask(ref).crash());
      await idle();
      const tags = events.flatMap((event) => (event.kind === "crashed" ? [(event.reason as Error).name] : []));
      expect(tags).toEqual(["Error", "InvalidFactory"]);
    }));

  test.each([
    ["window", { window: 0 }],
    ["window", { window: -1 }],
    ["window", { window: "soon" as "1s" }],
    ["limit", { window: 1, limit: 0 }],
    ["limit", { window: 1, limit: 1.5 }],
    ["widow", { window: 1, widow: 1 }],
  ])("refuses a wrong %s: %o", (option, options) => {
    expect(() => idempotent(() => ({}), options)).toThrow(InvalidOption);
    expect(() => idempotent(() => ({}), options)).toThrow(new RegExp(`^${option}: found`));
  });

  test("loads nothing that `antiphon` does not load, but Node's own threads", () => {
    const sources = readSources(".", ["src"]);
    const own = loaded(sources, "src/actors/index.ts");
    const door = loaded(sources, "src/index.ts");
    expect(own.files).toContain("src/actors/idempotent.ts");
    expect(own.modules).toEqual(["node:worker_threads"]);
    expect(own.files.filter((file) => !file.startsWith("src/actors/") && !door.files.includes(file))).toEqual([]);
  });
});

function spawnTill({ system }: Kit, seen: Ledger) {
  return system.spawn(till(seen));
}
