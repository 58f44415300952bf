import { InvalidOption, type Message, type Ref, Refusal, receive, type Self, settle } from "antiphon";
import { crash, simulate } from "antiphon/sim";
import { conformance, conserved, explore, type Subject } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BroadcastOptions, broadcast, type RouterOptions, router } from "../../src/actors/router.ts";
import { live, sim } from "../conformance/world.ts";

class No extends Refusal {
  readonly _tag = "No";
}

interface Shop {
  who(): string;
  slow(ms: number): Promise<string>;
  refuse(): unknown;
  crash(): unknown;
  quit(): void;
}

const shop =
  (name: string, log: string[] = []) =>
  (self: Self): Shop => ({
    who() {
      log.push(name);
      return name;
    },
    async slow(ms) {
      await self.sleep(name === "c" ? 10 * ms : ms);
      log.push(name);
      return name;
    },
    refuse: () => (name === "a" ? name : new No()),
    crash() {
      throw new Error("planted");
    },
    quit: () => self.stop(),
  });

const timeoutMs = 60_000;
const names = ["a", "b", "c"];
const strategies = [
  "round-robin",
  "random",
  "least-loaded",
  "power-of-two-choices",
  "consistent-hash",
] as const satisfies RouterOptions["strategy"][];

describe.each(strategies)("a router, %s", (strategy) => {
  const wrap = (inner: Ref<Subject>) => router([inner], { strategy });
  test.each(conformance(wrap))("of one stands for it: $name", ({ run }) => run());

  const wrapTwo = (inner: Ref<Subject>) => (self: Self) => {
    const forwarder = () => ({ [receive]: (m: Message<Subject>) => m.forward(inner) });
    const routees = ["one", "two"].map((name) => self.spawn(forwarder, { name }));
    return router<Subject>(routees, { strategy })(self);
  };
  test.each(conformance(wrapTwo, { order: false }))("of two stands for either: $name", ({ run }) => run());

  test.each([live, sim].map((each) => [each.name, each] as const))(
    "[P5 %s] leaves out who has ended, and says so when nobody is left",
    (_, world) =>
      world.run(async ({ system, idle, conserve }) => {
        const routees = names.map((name) => system.spawn(shop(name), { name }));
        const ref = system.spawn(router(routees, { strategy }), { name: "router" });
        await system.ask(routees[0]!).quit();
        await idle();
        for (let n = 0; n < 6; n++) expect(await system.ask(ref, { key: `${n}` }).who()).toMatch(/^[bc]$/);
        for (const one of routees.slice(1)) await system.ask(one).quit();
        await idle();
        expect(await settle(system.ask(ref).who())).toMatchObject({
          error: { _tag: "ActorStopped", outcome: "not-started" },
        });
        conserve();
      }),
  );
});

describe("a router", () => {
  test("goes round, and keeps a key with one routee until that ends", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const routees = names.map((name) => system.spawn(shop(name), { name }));
      const turns = system.spawn(router(routees));
      expect(await Promise.all([1, 2, 3, 4].map(() => system.ask(turns).who()))).toEqual(["a", "b", "c", "a"]);
      const hashed = system.spawn(router(routees, { strategy: "consistent-hash", vnodes: 50 }));
      const keys = Array.from({ length: 60 }, (_, n) => `key ${n}`);
      const owners = () => Promise.all(keys.map((key) => system.ask(hashed, { key }).who()));
      const before = await owners();
      expect(await owners()).toEqual(before);
      await system.ask(routees[1]!).quit();
      await runUntilIdle();
      const after = await owners();
      keys.forEach((_, n) => {
        if (before[n] === "b") expect(after[n]).not.toBe("b");
        else expect(after[n]).toBe(before[n]);
      });
    }));

  test("sends to another what a routee that ended had not begun", () =>
    simulate({}, async ({ system, run }) => {
      const routees = names.slice(0, 2).map((name) => system.spawn(shop(name), { name }));
      const ref = system.spawn(router(routees, { strategy: "least-loaded" }));
      const busy = [system.ask(ref).slow(10), system.ask(ref).slow(10)];
      await run(1);
      const quit = system.ask(routees[0]!).quit();
      const later = [system.ask(ref).who(), system.ask(ref).who(), system.ask(ref).who()];
      await quit;
      expect(await Promise.all(later)).toEqual(["b", "b", "b"]);
      expect(await Promise.all(busy)).toEqual(["a", "b"]);
    }));

  test("is found in a circle of waits", () =>
    simulate({}, async ({ system }) => {
      const loop = (self: Self) => ({ go: (): Promise<unknown> => self.ask(refs[0]!, { within: "1h" }).go() });
      const refs: Ref<{ go(): Promise<unknown> }>[] = [];
      const inner = system.spawn(loop, { name: "inner" });
      refs.push(system.spawn(router([inner], { strategy: "least-loaded" }), { name: "router" }));
      expect(await settle(system.ask(inner, { within: "1h" }).go())).toMatchObject({ error: { _tag: "WaitCycle" } });
    }));
});

describe("a broadcast", () => {
  const wrap = (inner: Ref<Subject>) => broadcast([inner]);
  test.each(conformance(wrap))("to one stands for it: $name", ({ run }) => run());

  test.each([live, sim].map((each) => [each.name, each] as const))(
    "[P6 %s] tells all, and asks for the first, all or so many",
    (_, world) =>
      world.run(async ({ system, idle, conserve }) => {
        const log: string[] = [];
        const routees = names.map((name) => system.spawn(shop(name, log), { name }));
        const first = system.spawn(broadcast(routees));
        system.tell(first).who();
        await system.offer(first).who();
        await idle();
        expect(log.sort().join("")).toBe("aabbcc");
        expect(await system.ask(first).slow(2)).toMatch(/^[ab]$/);
        expect(await system.ask(system.spawn(broadcast(routees, { answers: "all" }))).slow(2)).toEqual(names);
        expect(await system.ask(system.spawn(broadcast(routees, { answers: 2 }))).slow(2)).toEqual(["a", "b"]);
        await idle();
        conserve();
      }),
  );

  test("fails as soon as so many can not come any more", () =>
    simulate({}, async ({ system, now }) => {
      const routees = names.map((name) => system.spawn(shop(name), { name }));
      const of = (answers: BroadcastOptions["answers"]) =>
        system.spawn(broadcast(routees, { answers: answers as "all" })) as Ref<unknown> as Ref<Shop>;
      expect(await system.ask(of("first")).refuse()).toBe("a");
      expect(await settle(system.ask(of(2)).refuse())).toMatchObject({ error: { _tag: "No" } });
      expect(await settle(system.ask(of("all")).crash())).toMatchObject({ error: { _tag: "ActorCrashed" } });
      expect(now()).toBe(0);
    }));

  test("passes the deadline on, and gives up what nobody waits for", () =>
    simulate({}, async ({ system, run, now }) => {
      const log: string[] = [];
      const aborted: string[] = [];
      const make = (name: string) => (self: Self) => ({
        async go(ms: number) {
          self.signal.addEventListener("abort", () => aborted.push(name));
          await self.sleep(name === "c" ? ms * 10 : ms);
          log.push(name);
          return self.message?.deadline;
        },
      });
      const routees = names.map((name) => system.spawn(make(name), { name }));
      const all = system.spawn(broadcast(routees, { answers: "all" }));
      expect(await settle(system.ask(all, { within: 50 }).go(10))).toMatchObject({ error: { _tag: "AskTimeout" } });
      expect(now()).toBe(50);
      expect(aborted).toEqual(["c"]);
      await run("1s");
      expect(await system.ask(system.spawn(broadcast(routees)), { within: 500 }).go(20)).toBe(1_550);
      expect(aborted).toEqual(["c", "c"]);
      expect(
        (await settle(system.ask(system.spawn(broadcast(routees, { within: 5 })), { within: "1h" }).go(20))).ok,
      ).toBe(false);
    }));

  test("goes on with those who are left", () =>
    simulate({}, async ({ system, runUntilIdle }) => {
      const routees = names.map((name) => system.spawn(shop(name), { name }));
      const two = system.spawn(broadcast(routees, { answers: 2 }));
      await system.ask(routees[0]!).quit();
      await runUntilIdle();
      expect(await system.ask(two).who()).toEqual(["b", "c"]);
      await system.ask(routees[1]!).quit();
      const all = system.spawn(broadcast(routees, { answers: "all" }));
      await runUntilIdle();
      expect(await settle(system.ask(two).who())).toMatchObject({ error: { outcome: "not-started" } });
      expect(await system.ask(all).who()).toEqual(["c"]);
    }));
});

describe("in every order", () => {
  test(
    "a quorum of two of three reads what the last quorum wrote, whoever crashes",
    () =>
      fc.assert(
        explore(
          { writes: fc.integer({ min: 1, max: 4 }), dies: fc.integer({ min: 0, max: 2 }) },
          async ({ system, runUntilIdle }, { writes, dies }) => {
            // Replicas keep their value through a crash.
            const replica = () => {
              let value = 0;
              return () => ({
                write: (to: number) => {
                  value = Math.max(value, to);
                  return value;
                },
                read: () => value,
              });
            };
            const routees = names.map((name) => system.spawn(replica(), { name }));
            const all = system.spawn(broadcast(routees, { answers: 2 }), { name: "replicas" });
            const seen: string[] = [];
            const client = (self: Self) => ({
              async go() {
                for (let n = 1; n <= writes; n++) {
                  if (!(await settle(self.ask(all, { within: "1h" }).write(n))).ok) return;
                  const read = await settle(self.ask(all, { within: "1h" }).read());
                  if (read.ok && Math.max(...read.value) < n) seen.push(`${read.value} after ${n}`);
                }
              },
            });
            system.tell(system.spawn(client, { name: "client" })).go();
            if (dies < 2) await system.ask(system.spawn(shop("x"), { name: "idle" })).who();
            await runUntilIdle();
            if (seen.length > 0) throw new Error(`a stale read: ${seen}`);
            if (!conserved(system).ok) throw new Error("the books do not balance");
          },
          { schedules: 40, faults: [crash("/b", { at: 0 })] },
        ),
        { seed: 7, numRuns: 6 },
      ),
    timeoutMs,
  );

  test(
    "a router brings each message to one routee, once",
    () =>
      fc.assert(
        explore(
          { strategy: fc.constantFrom(...strategies), count: fc.integer({ min: 1, max: 5 }), quits: fc.boolean() },
          async ({ system, runUntilIdle }, { strategy, count, quits }) => {
            const log: string[] = [];
            const routees = names.map((name) => system.spawn(shop(name, log), { name }));
            const ref = system.spawn(router(routees, { strategy }), { name: "router" });
            let ends = 0;
            const client = (self: Self) => ({
              go() {
                const end = () => void ends++;
                for (let n = 0; n < count; n++) self.pipeToSelf(self.ask(ref, { key: `${n}` }).who(), end, end);
                if (quits) self.tell(routees[0]!).quit();
              },
            });
            for (const name of ["one", "two"]) system.tell(system.spawn(client, { name })).go();
            await runUntilIdle();
            if (ends !== 2 * count) throw new Error(`${ends} ends of ${2 * count}`);
            if (log.length > 2 * count || (!quits && log.length !== 2 * count))
              throw new Error(`${log.length} were handled`);
            if (!conserved(system).ok) throw new Error("the books do not balance");
          },
          { schedules: 40 },
        ),
        { seed: 7, numRuns: 12 },
      ),
    timeoutMs,
  );
});

test.each<[string, () => unknown]>([
  ["routees", () => router([])],
  ["routees", () => router(["/a" as never])],
  ["routees", () => router({} as never)],
  ["strategy", () => router([{ path: "/a" } as never], { strategy: "shared-queue" as never })],
  ["weights", () => router([{ path: "/a" } as never], { weights: 1 } as never)],
  ["routees", () => broadcast([])],
  ["answers", () => broadcast([{ path: "/a" } as never], { answers: 2 })],
  ["answers", () => broadcast([{ path: "/a" } as never], { answers: "some" as never })],
  ["within", () => broadcast([{ path: "/a" } as never], { within: -1 })],
])("a wrong %s is refused", (option, make) => {
  expect(make).toThrow(InvalidOption);
  expect(make).toThrow(new RegExp(`^${option}: found`));
});
