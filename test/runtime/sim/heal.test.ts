import { InvalidOption, type Ref, type Self, settle } from "antiphon";
import {
  clockOffset,
  crash,
  delay,
  down,
  drop,
  errors,
  type Fault,
  partition,
  pause,
  powerFailure,
  restart,
  type SimulatedWorld,
  simulate,
  slow,
  unavailable,
} from "antiphon/sim";
import { explore } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";

// Many runs each: slow where much else runs.
vi.setConfig({ testTimeout: 30_000 });

const hour = "1h";

/** Notes what it hears, and when; says something to another, takes a nap, tells the time. */
const node = (heard: string[]) => (self: Self) => ({
  hear: (what: string) => void heard.push(`${self.path} ${what} at ${self.now()}`),
  say: ({ to, what }: { to: Ref<{ hear(what: string): void }>; what: string }) => self.tell(to).hear(what),
  async nap() {
    await self.sleep(10);
    heard.push(`${self.path} awake`);
  },
  now: () => self.now(),
});

/** Three nodes under faults. */
async function nodes<T>(
  faults: readonly Fault[],
  body: (world: SimulatedWorld & { a: Node; b: Node; c: Node; heard: string[] }) => Promise<T>,
) {
  return await simulate({ faults }, async (world) => {
    const heard: string[] = [];
    const [a, b, c] = ["a", "b", "c"].map((name) => world.system.spawn(node(heard), { name })) as [Node, Node, Node];
    return await body(Object.assign(world, { a, b, c, heard }));
  });
}
type Node = Ref<ReturnType<ReturnType<typeof node>>>;

/** Has each of them say its name to each other one, and gives who heard whom. */
async function heardOf({ system, runUntilIdle, a, b, c, heard }: Parameters<Parameters<typeof nodes>[1]>[0]) {
  heard.length = 0;
  for (const from of [a, b, c])
    for (const to of [a, b, c]) if (to !== from) system.tell(from).say({ to, what: from.path.slice(1) });
  await runUntilIdle();
  return heard.map((line) => line.split(" ").slice(0, 2).reverse().join(">/").replace(">//", ">")).sort();
}

const all = ["a>b", "a>c", "b>a", "b>c", "c>a", "c>b"];

describe("world.heal", () => {
  test("ends what strikes the links between the given actors, and leaves those to the others as they are", async () => {
    const cut = [partition(["/a"], ["/b", "/c"]), drop("/b>/a"), drop("/c>/b")];
    const { value } = await nodes(cut, async (world) => {
      const before = await heardOf(world);
      world.heal(["/a", "/b"]);
      return [before, await heardOf(world)];
    });
    expect(value).toEqual([["b>c"], ["a>b", "b>a", "b>c"]]);
  });

  test("ends everything everywhere without an argument, also at the outside", async () => {
    const cut = [partition(["/a"], ["/b", "/c"]), drop("/b>/c"), drop("/>*"), pause("*", { to: hour })];
    const { value, endedMs, faults } = await nodes(cut, async (world) => {
      const before = await heardOf(world);
      world.heal();
      return [before, await heardOf(world)];
    });
    expect(value).toEqual([[], all]);
    expect(endedMs).toBe(3_600_000);
    expect(faults[2]!.struck).toBe(6);
  });

  test("brings back nothing that was lost, and hastens nothing that is on its way", async () => {
    const { value } = await nodes(
      [drop("/a>/b", { nth: 1 }), delay("/a>/b", { by: "1s", nth: 2 })],
      async ({ system, run, heal, a, b, heard }) => {
        for (const what of ["lost", "late"]) system.tell(a).say({ to: b, what });
        await run(1);
        heal();
        system.tell(a).say({ to: b, what: "next" });
        await run("1m");
        return heard;
      },
    );
    // What was sent first arrives first.
    expect(value).toEqual(["/b late at 1000", "/b next at 1000"]);
  });

  test("ends a pause at once: what waited happens then, and others stay paused", async () => {
    const faults = [pause("/a", { to: hour }), pause("/b", { to: hour })];
    const { value } = await nodes(faults, async ({ system, run, heal, a, b, heard }) => {
      for (const one of [a, b]) {
        system.tell(one).hear("hello");
        system.tell(one).nap();
      }
      await run(100);
      heal(["/a"]);
      await run(hour);
      return heard;
    });
    expect(value).toEqual(["/a hello at 100", "/a awake", "/b hello at 3600000", "/b awake"]);
  });

  test("ends slowness, wrong clocks and errors of the given actors, and not those of others", async () => {
    const faults = [slow("*", { times: 100 }), clockOffset("*", { by: 5 }), errors("*", { first: 6, type: "now" })];
    const { value } = await nodes(faults, async ({ system, run, now, heal, a, c, heard }) => {
      heal(["/a", "/b"]);
      const times = [];
      for (const one of [a, c]) times.push(await settle(system.ask(one).now()));
      for (const one of [a, c]) system.tell(one).nap();
      await run(500);
      system.tell(c).hear("hello");
      await run(600);
      return [times.map(({ ok }) => ok), times[0], heard, now()];
    });
    expect(value).toEqual([[true, false], { ok: true, value: 0 }, ["/a awake", "/c awake", "/c hello at 1005"], 1_100]);
  });

  test("has crashes and restarts that are to come strike the others only", async () => {
    const faults = [crash("*", { at: 10 }), restart("/a", { at: 20 }), crash("/c", { at: 30 })];
    const run = await nodes(faults, async ({ run, heal }) => {
      heal(["/a", "/b"]);
      await run(100);
    });
    expect(run.faults.map(({ struck }) => struck)).toEqual([1, 0, 1]);
    expect(run.events.map((event) => ("path" in event ? event.path : ""))).toEqual(["/c", "/c"]);
  });

  test("has no power failure come once somebody was healed, as nobody is spared by one", async () => {
    const { faults } = await nodes([powerFailure({ at: 10 })], async ({ run, heal }) => {
      heal(["/b"]);
      await run(100);
    });
    expect(faults[0]!.struck).toBe(0);
  });

  test("ends outages of the given actors, and not those of others", async () => {
    const faults = [down("*", { to: hour }), unavailable("*", { share: 1, back: hour })];
    const { value } = await nodes(faults, async ({ system, heal, a, c }) => {
      const ask = async () =>
        [await settle(system.ask(a).now()), await settle(system.ask(c).now())].map(({ ok }) => ok);
      const before = await ask();
      heal(["/a", "/b"]);
      return [before, await ask()];
    });
    expect(value).toEqual([
      [false, false],
      [true, false],
    ]);
  });

  test("brings what was told during an outage, in the order in which it was told", async () => {
    const { value } = await nodes([down("/a", { to: hour })], async ({ system, run, heal, a, heard }) => {
      system.tell(a).hear("first");
      await run(100);
      heal(["/a"]);
      system.tell(a).hear("second");
      await run(hour);
      return heard;
    });
    expect(value).toEqual(["/a first at 100", "/a second at 100"]);
  });

  test("is for good: what is injected later strikes only the others, and what is between them and the others", async () => {
    const { value, faults } = await nodes([], async (world) => {
      const { system, run, heal, inject, a, c } = world;
      heal(["/a", "/b"]);
      const later = [
        partition(["/a"], ["/b", "/c"]),
        pause("*", { to: 50 }),
        down("*", { to: 60 }),
        errors("*", { first: 9, type: "now" }),
        crash("*", { at: 70 }),
      ];
      for (const fault of later) inject(fault);
      const open = await settle(system.ask(a).now());
      const shut = await settle(system.ask(c).now());
      await run(65);
      const wrong = await settle(system.ask(c).now());
      await run(100);
      return [open.ok, shut.ok, wrong.ok, await heardOf(world)];
    });
    expect(value).toEqual([true, false, false, ["a>b", "b>a", "b>c", "c>b"]]);
    expect(faults.at(-1)!.struck).toBe(1);
  });

  test("takes paths with a star, several times, and what is spawned later", async () => {
    const { value } = await nodes([drop("*>*", { from: 1 })], async ({ system, run, heal, a, heard }) => {
      await run(1);
      heal(["/", "/a*"]);
      const later = system.spawn(node(heard), { name: "abel" });
      system.tell(a).say({ to: later, what: "hello" });
      await run(1);
      return heard;
    });
    expect(value).toEqual(["/abel hello at 1"]);
  });

  test("refuses what is no path, and then heals nobody", async () => {
    const { value } = await nodes([drop("/a>/b")], async (world) => {
      for (const paths of [["/a", "b"], ["/a>/b"], [""], [3 as unknown as string]])
        expect(() => world.heal(["/a", "/b", ...paths])).toThrow(InvalidOption);
      return await heardOf(world);
    });
    expect(value).toEqual(all.filter((one) => one !== "a>b"));
  });
});

/** How a counter passes on what it was added: until it is acknowledged, once, or only when all the others were reached. */
type Way = "again and again" | "once" | "all or none";

interface Counter {
  add(): void;
  take(change: { readonly id: string; readonly from: string }): void;
  taken(change: { readonly id: string; readonly by: string }): void;
}

/** Of several that hold the same: what is added to one of them comes to all. */
const counter = (way: Way, peers: ReadonlyMap<string, Ref<Counter>>, changes: Set<string>) => (self: Self) => {
  const missing = new Map<string, Set<string>>();
  let adds = 0;
  const pass = () => {
    for (const [id, names] of missing)
      for (const name of names) self.tell(peers.get(name)!).take({ id, from: self.path });
  };
  if (way !== "once") self.every("1s", pass, "again");
  return {
    add() {
      const id = `${self.path}-${++adds}`;
      missing.set(id, new Set([...peers.keys()].filter((path) => path !== self.path)));
      if (way !== "all or none") changes.add(id);
      pass();
    },
    take({ id, from }: { readonly id: string; readonly from: string }) {
      changes.add(id);
      self.tell(peers.get(from)!).taken({ id, by: self.path });
    },
    taken({ id, by }: { readonly id: string; readonly by: string }) {
      missing.get(id)?.delete(by);
      if (missing.get(id)?.size === 0) changes.add(id);
    },
  };
};

describe("liveness in two phases", () => {
  const core = ["/a", "/b"];
  const paths = [...core, "/c"];

  /** First faults, with which nothing but safety is asked for; then a core that is well, beside one that never is. */
  const property = (way: Way, isOnlyCore = true) =>
    explore(
      { adds: fc.array(fc.constantFrom("/a", "/b"), { minLength: 1, maxLength: 3 }) },
      async ({ system, run, inject, heal, leadsTo, always, sometimes }, { adds }) => {
        const peers = new Map<string, Ref<Counter>>();
        const held = new Map(paths.map((path) => [path, new Set<string>()]));
        for (const path of paths)
          peers.set(path, system.spawn(counter(way, peers, held.get(path)!), { name: path.slice(1) }));
        const sizes = (of: readonly string[]) => of.map((path) => held.get(path)!.size);
        let isHealed = false;
        always("nothing is counted twice", () => Math.max(...sizes(paths)) <= adds.length);
        leadsTo("the core agrees", {
          when: () => true,
          then: () => sizes(core).every((size) => size === adds.length),
          within: "3s",
          after: () => isHealed,
        });
        inject(partition(["/c"], core));
        await run("8s");
        for (const path of adds) system.tell(peers.get(path)!).add();
        await run("2s");
        if (new Set(sizes(core)).size > 1) sometimes("the core is apart");
        heal(isOnlyCore ? core : paths);
        isHealed = true;
        await run("10s");
        if (isOnlyCore) expect(sizes(["/c"])).toEqual([0]);
      },
      { faults: { partition: core, drop: ["/a>/b", "/b>/a"], pause: paths, within: "10s" }, schedules: 40 },
    );

  test("holds for counters that pass on again: a core agrees after it was healed, beside one that stays cut off", async () => {
    const passing = property("again and again");
    await fc.assert(passing, { seed: 1, numRuns: 10 });
    expect(passing.coverage.reached.get("the core is apart")).toBeGreaterThan(0);
  });

  test("may be asked of any core: healCore draws one of a size, of the seed, and heals it alone", async () => {
    const cores = new Set<string>();
    const drawn = explore(
      {},
      async ({ system, run, healCore }) => {
        const heard: string[] = [];
        const all = paths.map((path) => system.spawn(node(heard), { name: path.slice(1) }));
        const healed = healCore(paths, 2);
        cores.add(healed.toSorted().join());
        for (const from of all) for (const to of all) if (to !== from) system.tell(from).say({ to, what: from.path });
        await run(1);
        expect(heard.map((line) => line.split(" ").slice(0, 2)).sort()).toEqual([healed, healed.toReversed()].sort());
        expect(() => healCore(paths, 4)).toThrow(InvalidOption);
      },
      { faults: [drop("/a>*"), drop("/b>*"), drop("/c>*")], schedules: 20 },
    );
    await fc.assert(drawn, { seed: 1, numRuns: 1 });
    expect(cores).toEqual(new Set(["/a,/b", "/a,/c", "/b,/c"]));
  });

  test("fails for counters that pass on once, after the time that they are given", async () => {
    const { errorInstance } = await fc.check(property("once"), { seed: 1 });
    const { cause } = errorInstance as Error;
    expect(cause).toMatchObject({ operator: "leadsTo", property: "the core agrees" });
    expect((cause as { atMs: number }).atMs).toBeGreaterThanOrEqual(13_000);
  });

  test("fails for counters that wait for everybody, which nobody sees who heals everybody", async () => {
    const { errorInstance } = await fc.check(property("all or none"), { seed: 1 });
    expect((errorInstance as Error).cause).toMatchObject({ operator: "leadsTo", property: "the core agrees" });
    await fc.assert(property("all or none", false), { seed: 1, numRuns: 5 });
  });
});
