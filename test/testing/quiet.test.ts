import { createSystem, type Message, type Ref, receive, type Self, type System, settle } from "antiphon";
import { simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { quiescent, type Stuck, stuck } from "../../src/testing/quiet.ts";

interface Any {
  go(): unknown;
}
const keeper = () => ({ [receive]: (m: Message<Any>) => m.hold() });
const sleeper = (self: Self) => ({ go: () => self.sleep("1h") });
const never = Number.POSITIVE_INFINITY;

describe("quiescent", () => {
  test("accepts a system in which nothing is under way, whatever timers are set", async () => {
    await simulate({}, async ({ system, run, runUntilIdle }) => {
      const ref = system.spawn((self: Self) => {
        self.every("1s", () => {});
        return { go: () => self.sleep(5) };
      });
      system.tell(ref).go();
      await runUntilIdle();
      expect(quiescent(system)).toEqual({ ok: true, text: "Quiet at 5 ms." });
      await run("1500ms");
      expect(quiescent(system)).toMatchObject({ ok: true });
    });
  });

  test("names the actors that have something queued, in flight, held or waiting for room, and what is on its way", async () => {
    await simulate({ latency: { "/>/far": 5 } }, async ({ system, run }) => {
      const [held, slow, full, far] = [
        system.spawn(keeper, { name: "keeper" }),
        system.spawn(sleeper, { name: "slow" }),
        system.spawn(sleeper, { name: "full", mailbox: { capacity: 1 } }),
        system.spawn(sleeper, { name: "far" }),
      ];
      system.spawn(sleeper, { name: "idle" });
      for (const ref of [held, slow, slow, slow, full, full, far]) system.tell(ref).go();
      void settle(system.offer(full).go() as Promise<void>);
      await run(1);
      const found = quiescent(system);
      expect(found).toEqual({
        ok: false,
        left: [
          { path: "/keeper", queued: 0, running: 0, held: 1, waitingForRoom: 0 },
          { path: "/slow", queued: 2, running: 1, held: 0, waitingForRoom: 0 },
          { path: "/full", queued: 1, running: 1, held: 0, waitingForRoom: 1 },
        ],
        transit: 1,
        text: [
          "Not quiet at 1 ms:",
          "  /keeper: 1 held",
          "  /slow: 2 queued, 1 running",
          "  /full: 1 queued, 1 running, 1 waitingForRoom",
          "  on their way: 1",
        ].join("\n"),
      });
    });
  });

  test("finds what is on its way, also where no actor has anything", async () => {
    await simulate({ latency: { "/>/far": 5 } }, async ({ system, run }) => {
      system.tell(system.spawn(keeper, { name: "far" })).go();
      await run(1);
      expect(quiescent(system)).toMatchObject({ ok: false, left: [], transit: 1 });
    });
  });

  test("lets those be left out that may have something", async () => {
    await using system = createSystem({ report: false });
    const ref = system.spawn(keeper);
    const other = system.spawn(keeper, { name: "other" });
    system.tell(ref).go();
    system.tell(other).go();
    await new Promise(setImmediate);
    expect(quiescent(system, { except: [ref, other] })).toMatchObject({ ok: true });
    expect(quiescent(system, { except: new Set([ref]) })).toMatchObject({ ok: false, left: [{ path: "/other" }] });
  });
});

describe("stuck", () => {
  test("says who waits for whom: the outside, handlers in flight, and holders by what they relayed or said", async () => {
    await simulate({}, async ({ system, run }) => {
      const held = system.spawn(keeper, { name: "keeper" });
      const slow = system.spawn(sleeper, { name: "slow" });
      const relay = () => ({
        [receive](m: Message<Any>) {
          m.hold();
          void settle(m.relay(slow));
        },
      });
      const silent = system.spawn(relay, { name: "relay" });
      const says = system.spawn(() => ({ [receive]: (m: Message<Any>) => m.hold([slow, silent]) }), { name: "says" });
      const asker = system.spawn(
        (self: Self) => ({ both: () => Promise.all([self.ask(held).go(), self.ask(silent).go()]) }),
        { name: "asker" },
      );
      const nobody = stuck(system);
      expect(nobody).toEqual({ waits: [], cycle: undefined, text: "Nobody waits." });
      void settle(system.ask(asker).both());
      system.tell(says).go();
      await run(1);
      const { waits, cycle, text } = stuck(system);
      expect(waits).toEqual([
        { path: "/", type: undefined, held: false, for: [{ path: "/asker", type: "both" }] },
        { path: "/keeper", type: "go", held: true, for: [] },
        { path: "/slow", type: "go", held: false, for: [] },
        { path: "/relay", type: "go", held: true, for: [{ path: "/slow", type: "go" }] },
        {
          path: "/says",
          type: "go",
          held: true,
          for: [
            { path: "/slow", type: undefined },
            { path: "/relay", type: undefined },
          ],
        },
        {
          path: "/asker",
          type: "both",
          held: false,
          for: [
            { path: "/keeper", type: "go" },
            { path: "/relay", type: "go" },
          ],
        },
      ]);
      expect(cycle).toBeUndefined();
      expect(text.split("\n")).toEqual([
        "Waiting:",
        "  The body waits for /asker.both",
        "  /keeper holds go",
        "  /slow handles go and waits for something of its own",
        "  /relay holds go and waits for /slow.go",
        "  /says holds go and waits for /slow, /relay",
        "  /asker handles both and waits for /keeper.go, /relay.go",
      ]);
    });
  });

  /** What is seen when `/b` has asked back, before the runtime does anything about it. */
  async function seen(
    concurrency: number,
    beside: (self: Self) => unknown,
    way: (system: System, a: Ref<Any>, look: () => void) => Ref<Any> = (_, a) => a,
  ): Promise<Stuck[]> {
    const found: Stuck[] = [];
    await simulate({}, async ({ system, runUntilIdle }) => {
      const look = () => void found.push(stuck(system));
      const a: Ref<Any> = system.spawn(
        (self: Self) => ({ go: () => settle(self.ask(b, { within: "1m" }).back()).then(() => "gone") }),
        { name: "a", concurrency },
      );
      const to = way(system, a, look);
      const b = system.spawn(
        (self: Self) => ({
          async back() {
            const asked = settle(self.ask(to, { within: "1m" }).go());
            beside(self);
            if (to === a) queueMicrotask(() => queueMicrotask(look));
            return await asked;
          },
        }),
        { name: "b" },
      );
      system.tell(a).go();
      await runUntilIdle();
      look();
    });
    return found;
  }

  test("finds a circle of asks before the runtime breaks it, and none afterwards", async () => {
    const [before, after] = await seen(1, () => {});
    expect(before?.cycle).toEqual(["/a", "/b", "/a"]);
    expect(before?.text.split("\n")).toEqual([
      "Waiting:",
      "  /a handles go and waits for /b.back",
      "  /b handles back and waits for /a.go",
      "A circle: /a → /b → /a",
    ]);
    expect(after).toEqual({ waits: [], cycle: undefined, text: "Nobody waits." });
  });

  test("finds no circle where somebody has a free slot", async () => {
    const [before] = await seen(2, () => {});
    expect(before?.waits).toHaveLength(2);
    expect(before?.cycle).toBeUndefined();
  });

  test("finds no circle where somebody sleeps as well", async () => {
    const [before] = await seen(1, (self) => self.sleep(5));
    expect(before?.waits).toHaveLength(2);
    expect(before?.cycle).toBeUndefined();
  });

  test("names the forwarders of a circle", async () => {
    const router = (system: System, a: Ref<Any>, look: () => void): Ref<Any> =>
      system.spawn(
        () => ({
          [receive](m: Message<Any>) {
            m.forward(a);
            queueMicrotask(look);
          },
        }),
        { name: "router" },
      );
    const [before] = await seen(1, () => {}, router);
    expect(before?.cycle).toEqual(["/a", "/b", "/router", "/a"]);
  });

  test("finds circles that the runtime leaves as they are: held messages alone can not be withdrawn", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const holder: Ref<Any> = system.spawn(() => ({ [receive]: (m: Message<Any>) => m.hold([b]) }), {
        name: "holder",
      });
      const b = system.spawn((self: Self) => ({ go: () => self.ask(holder, { within: never }).go() }), { name: "b" });
      system.tell(b).go();
      system.tell(b).go();
      await runUntilIdle();
      expect(stuck(system).cycle).toEqual(["/holder", "/b", "/holder"]);
      expect(quiescent(system)).toMatchObject({ ok: false, left: [{ path: "/holder" }, { path: "/b", queued: 1 }] });
    });
  });

  test("finds a circle only when all else that its members wait for has come", async () => {
    await simulate({}, async ({ system, run, runUntilIdle }) => {
      const slow = system.spawn(sleeper, { name: "slow" });
      const holder: Ref<Any> = system.spawn(() => ({ [receive]: (m: Message<Any>) => m.hold([b]) }), {
        name: "holder",
      });
      const both = (self: Self) => ({
        go: () => Promise.all([holder, slow].map((ref) => self.ask(ref, { within: never }).go())),
      });
      const b: Ref<Any> = system.spawn(both, { name: "b" });
      system.tell(b).go();
      await run(1);
      expect(stuck(system)).toMatchObject({ waits: [{ path: "/slow" }, { path: "/holder" }, { path: "/b" }] });
      expect(stuck(system).cycle).toBeUndefined();
      await runUntilIdle();
      expect(stuck(system).cycle).toEqual(["/holder", "/b", "/holder"]);
    });
  });

  test("finds no circle through one that runs at this moment", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const found: Stuck[] = [];
      const looker = system.spawn(() => ({ go: () => void found.push(stuck(system)) }), { name: "looker" });
      const holder: Ref<Any> = system.spawn(() => ({ [receive]: (m: Message<Any>) => m.hold([b]) }), {
        name: "holder",
      });
      const both = (self: Self) => ({
        go: () => Promise.all([holder, looker].map((ref) => self.ask(ref, { within: never }).go())),
      });
      const b: Ref<Any> = system.spawn(both, { name: "b" });
      system.tell(b).go();
      await runUntilIdle();
      expect(found).toMatchObject([{ waits: [{ path: "/holder" }, { path: "/b" }], cycle: undefined }]);
      expect(stuck(system).cycle).toBeDefined();
    });
  });

  test("finds no circle through an actor that has another handler at work", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const found: Stuck[] = [];
      const holder: Ref<Any> = system.spawn(() => ({ [receive]: (m: Message<Any>) => m.hold([b]) }), {
        name: "holder",
      });
      const b: Ref<Any> = system.spawn(
        (self: Self) => ({
          go: () => self.ask(holder, { within: never }).go(),
          look: () => void found.push(stuck(system)),
        }),
        { name: "b", concurrency: 2 },
      );
      system.tell(b).go();
      await runUntilIdle();
      await system.ask(b as Ref<unknown> as Ref<{ look(): void }>).look();
      const { waits, cycle } = found[0]!;
      expect(waits.slice(1)).toMatchObject([{ path: "/holder" }, { path: "/b", type: "go" }]);
      expect(cycle).toBeUndefined();
      system.tell(b).go();
      await runUntilIdle();
      expect(stuck(system).cycle).toEqual(["/b", "/holder", "/b"]);
    });
  });

  test("finds no circle through an answer that is on its way", async () => {
    await simulate({ latency: { "/b>/a": 10 } }, async ({ system, run }) => {
      const holder: Ref<Any> = system.spawn(() => ({ [receive]: (m: Message<Any>) => m.hold([a]) }), {
        name: "holder",
      });
      const b = system.spawn(
        (self: Self) => ({
          async [receive](m: Message<Any>) {
            m.answer("early");
            await self.ask(holder, { within: never }).go();
          },
        }),
        { name: "b" },
      );
      const a: Ref<Any> = system.spawn((self: Self) => ({ go: () => self.ask(b, { within: never }).go() }), {
        name: "a",
      });
      const asked = system.ask(a).go();
      await run(1);
      expect(stuck(system).waits).toMatchObject([{}, { path: "/holder" }, { path: "/b" }, { path: "/a" }]);
      expect(stuck(system).cycle).toBeUndefined();
      expect(await asked).toBe("early");
    });
  });

  test("finds no circle through a holder that is not done", async () => {
    await using system = createSystem({ report: false });
    let go = () => {};
    const more = new Promise<void>((resolve) => {
      go = resolve;
    });
    const holder: Ref<Any> = system.spawn(
      () => ({
        async [receive](m: Message<Any>) {
          m.hold([b]);
          await more;
        },
      }),
      { name: "holder" },
    );
    const b: Ref<Any> = system.spawn((self: Self) => ({ go: () => self.ask(holder).go() }), {
      name: "b",
      supervision: { settleWithin: 1 },
    });
    system.tell(b).go();
    await new Promise(setImmediate);
    expect(stuck(system)).toMatchObject({
      waits: [{ path: "/holder", held: false }, { path: "/b" }],
      cycle: undefined,
    });
    go();
    await new Promise(setImmediate);
    expect(stuck(system).cycle).toEqual(["/holder", "/b", "/holder"]);
  });

  test("finds no circle through a holder that does not say for whom it waits", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const holder = system.spawn(keeper, { name: "holder" });
      const b = system.spawn((self: Self) => ({ go: () => self.ask(holder, { within: never }).go() }), { name: "b" });
      system.tell(b).go();
      await runUntilIdle();
      expect(stuck(system).cycle).toBeUndefined();
      expect(stuck(system).waits).toHaveLength(2);
    });
  });

  test("finds a circle of more actors than the runtime looks at", async () => {
    const size = 1_100;
    const bounds: string[] = [];
    await simulate({ trace: "off" }, async ({ system, runUntilIdle }) => {
      system.events((event) => event.kind === "bound" && bounds.push(event.bound));
      const ring: Ref<Any>[] = [];
      const member = (at: number) => (self: Self) => ({
        go: () => self.ask(ring[(at + 1) % size]!, { within: never }).go(),
      });
      for (let at = 0; at < size; at++) ring.push(system.spawn(member(at), { name: `m${at}` }));
      system.tell(ring[0]!).go();
      await runUntilIdle();
      const { cycle, text } = stuck(system);
      expect(cycle).toHaveLength(size + 1);
      expect(cycle?.slice(0, 3)).toEqual(["/m0", "/m1", "/m2"]);
      expect(cycle?.at(-1)).toBe("/m0");
      expect(text).toContain("and 1090 more");
    });
    expect(bounds).toContain("handlers in a search for a cycle of waits");
  });

  test("leaves out those who wait for a circle without being in it", async () => {
    await simulate({}, async ({ system, runUntilIdle }) => {
      const first = system.spawn((self: Self) => ({ go: () => self.ask(b, { within: never }).go() }), {
        name: "first",
      });
      const holder: Ref<Any> = system.spawn(() => ({ [receive]: (m: Message<Any>) => m.hold([b]) }), {
        name: "holder",
      });
      const b: Ref<Any> = system.spawn((self: Self) => ({ go: () => self.ask(holder, { within: never }).go() }), {
        name: "b",
      });
      system.tell(first).go();
      await runUntilIdle();
      expect(stuck(system).cycle).toEqual(["/b", "/holder", "/b"]);
    });
  });

  test("knows nothing of what happens in another system", async () => {
    await using here = createSystem({ report: false });
    await using there = createSystem({ report: false });
    const a = here.spawn((self: Self) => ({ go: () => settle(self.ask(b).go()) }), { name: "a" });
    const b: Ref<Any> = there.spawn(keeper, { name: "b" });
    here.tell(a).go();
    await new Promise(setImmediate);
    expect(stuck(here)).toMatchObject({ waits: [{ path: "/a", for: [{ path: "/b" }] }], cycle: undefined });
  });
});
