// What a run can not repeat is found and laid at the right door. Each case plants one leak in one actor among several
// that are active at the same time; a strict run ends with it, another one lists it and has no hash.

import { Console } from "node:console";
import crypto, { randomBytes, randomInt, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Writable } from "node:stream";
import timers from "node:timers";
import { setTimeout as timeout } from "node:timers/promises";
import type { Ref, Self } from "antiphon";
import { type Leak, NotReproducible, type SimulatedWorld, type Simulation, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";

interface Culprit {
  go(): unknown;
}

/** Others that are always about something: awaiting, answering, on timers, with several handlers in flight. */
function bystanders({ system }: SimulatedWorld): void {
  const clerk = system.spawn((self: Self) => ({ answer: () => self.random() }), { name: "clerk" });
  const busy = (self: Self) => {
    self.every(1, () => self.tell(self.ref as Ref<{ ask(): void }>).ask());
    return {
      async ask() {
        await Promise.all([self.ask(clerk).answer(), self.sleep(self.random() * 2)]);
      },
    };
  };
  system.spawn(busy, { name: "serial" });
  system.spawn(busy, { name: "side-by-side", concurrency: 4 });
}

type Make = (self: Self) => object;

interface Plant {
  readonly make?: Make;
  readonly concurrency?: number;
  readonly strict?: boolean;
  /** Of the host's clock: ends the run when it gives true. */
  readonly until?: () => boolean;
  /** Done by the body once the culprit was told to go. */
  readonly body?: (world: SimulatedWorld, culprit: Ref<Culprit>) => unknown;
}

/** Runs until the plant has come up, for at least 20 ms of virtual time. */
function planted({ make, concurrency, strict = true, until = () => true, body }: Plant): Promise<Simulation<void>> {
  return simulate({ strict }, async (world) => {
    bystanders(world);
    await world.run(5.5);
    const factory = make ?? (() => ({ go: () => {} }));
    const culprit = world.system.spawn(factory, { name: "culprit", concurrency }) as unknown as Ref<Culprit>;
    world.system.tell(culprit).go();
    await body?.(world, culprit);
    do await world.run(20);
    while (!until());
  });
}

async function leakOf(plant: Plant): Promise<Leak> {
  const error: unknown = await planted(plant).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(NotReproducible);
  const { leak, message } = error as NotReproducible;
  expect(message).toContain(`${leak.path} `);
  expect(message).toContain(leak.what);
  return leak;
}

const used: Record<string, () => unknown> = {
  "Date.now": () => Date.now(),
  "new Date()": () => new Date(),
  "Date()": () => Date(),
  "performance.now": () => performance.now(),
  "process.hrtime": () => process.hrtime(),
  "process.hrtime.bigint": () => process.hrtime.bigint(),
  "process.uptime": () => process.uptime(),
  "Math.random": () => Math.random(),
  "crypto.randomUUID": () => globalThis.crypto.randomUUID(),
  "crypto.getRandomValues": () => globalThis.crypto.getRandomValues(new Uint8Array(1)),
  setTimeout: () => setTimeout(() => {}, 1),
  setInterval: () => setInterval(() => {}, 1),
  setImmediate: () => setImmediate(() => {}),
  "process.nextTick": () => process.nextTick(() => {}),
  "timers/promises.setTimeout": () => timeout(1),
  "AbortSignal.timeout": () => AbortSignal.timeout(1),
  fetch: () => fetch("http://localhost:1"),
};
const imported: Record<string, [what: string, use: () => unknown]> = {
  randomUUID: ["crypto.randomUUID", () => randomUUID()],
  "crypto.randomUUID": ["crypto.randomUUID", () => crypto.randomUUID()],
  randomBytes: ["crypto.randomBytes", () => randomBytes(1)],
  randomInt: ["crypto.randomInt", () => randomInt(5)],
  "timers.setTimeout": ["setTimeout", () => timers.setTimeout(() => {}, 1)],
};

describe("a strict run", () => {
  test.each(Object.entries(used))("ends with whoever uses %s, at once or after a wait", async (what, use) => {
    expect(await leakOf({ make: () => ({ go: () => void use() }) })).toEqual({ path: "/culprit", type: "go", what });
    const later: Make = (self) => ({
      async go() {
        await self.sleep(1.25);
        use();
      },
    });
    for (const concurrency of [1, 3])
      expect(await leakOf({ make: later, concurrency })).toEqual({ path: "/culprit", type: "go", what });
  });

  test.each(Object.entries(imported))("knows %s by its import too", async (_, [what, use]) => {
    expect(await leakOf({ make: () => ({ go: () => void use() }) })).toEqual({ path: "/culprit", type: "go", what });
  });

  test("names the factory, the timer, the pipe, the child or the body, if it was that", async () => {
    const { now } = { now: () => Date.now() };
    const what = "Date.now";
    const spawns: Make = (self) => ({ go: () => void self.spawn(() => ({ at: now() }), { name: "child" }) });
    const cases: [Plant, Omit<Leak, "what">][] = [
      [{ make: () => ({ at: now() }) }, { path: "/culprit", type: "factory" }],
      [{ make: async (self) => ({ at: now(), self }) }, { path: "/culprit", type: "factory" }],
      [{ make: (self) => self.sleep(1).then(() => ({ at: now() })) }, { path: "/culprit", type: "factory" }],
      [{ make: spawns }, { path: "/culprit/child", type: "factory" }],
      [
        { make: (self) => ({ go: () => void self.after(2, () => void now(), "check") }) },
        { path: "/culprit", type: "check" },
      ],
      [
        { make: (self) => ({ go: () => self.pipeToSelf(self.sleep(1), () => void now()) }) },
        { path: "/culprit", type: "pipe" },
      ],
      [{ body: () => now() }, { path: "/", type: "body" }],
      [{ body: ({ run }) => run(1).then(now) }, { path: "/", type: "body" }],
    ];
    for (const [plant, leak] of cases) expect(await leakOf(plant)).toEqual({ ...leak, what });
  });

  test("ends also when the actor catches what it is thrown", async () => {
    const make: Make = () => ({
      go() {
        try {
          Date.now();
        } catch {}
      },
    });
    expect(await leakOf({ make })).toEqual({ path: "/culprit", type: "go", what: "Date.now" });
  });

  test("lets an actor write to the console, and make a date of a given time", async () => {
    const console = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }));
    const make: Make = (self) => ({
      go() {
        console.log(new Date(self.now()).toISOString());
      },
    });
    expect((await planted({ make })).leaks).toEqual([]);
  });
});

const what = "a promise from outside";

/** One that the host settles, and whether it has. */
function foreign(): { promise: Promise<void>; hasCome: () => boolean } {
  let came = false;
  const promise = readFile("package.json").then(() => {
    came = true;
  });
  return { promise, hasCome: () => came };
}

/** A plant in which the culprit comes by a promise of the host's. */
const comes: Record<string, [(come: () => Promise<void>) => Plant, Leak]> = {
  "a handler": [(come) => ({ make: () => ({ go: come }) }), { path: "/culprit", type: "go", what }],
  "a handler that waited for something of the world before": [
    (come) => ({ make: (self) => ({ go: () => self.sleep(1).then(come) }) }),
    { path: "/culprit", type: "go", what },
  ],
  "one of several handlers": [
    (come) => ({ make: () => ({ go: come }), concurrency: 3 }),
    { path: "/culprit", type: "go", what },
  ],
  "one of several handlers, which then sleeps": [
    (come) => ({ make: (self) => ({ go: () => come().then(() => self.sleep(1)) }), concurrency: 3 }),
    { path: "/culprit", type: "go", what },
  ],
  "a handler that knows its signal": [
    (come) => ({ make: (self) => ({ go: () => self.signal && come() }) }),
    { path: "/culprit", type: "go", what },
  ],
  "an asynchronous factory": [
    (come) => ({ make: () => come().then(() => ({ go() {} })) }),
    { path: "/culprit", type: "factory", what },
  ],
  "a pipe": [
    (come) => ({ make: (self) => ({ go: () => self.pipeToSelf(come(), () => {}) }) }),
    { path: "/culprit", type: "pipe", what },
  ],
  "the body": [(come) => ({ body: come }), { path: "/", type: "body", what }],
};

const stray = { path: "/culprit", type: "", what: "its self outside of a turn of its own" };

/** What somebody does with the culprit's self when a promise of the host's has come, and no turn waits for it. */
const strays: Record<string, [(self: Self) => unknown, Leak]> = {
  "tells itself": [(self) => self.tell(self.ref as Ref<Culprit>).go(), stray],
  "asks itself": [(self) => self.ask(self.ref as Ref<Culprit>).go(), stray],
  sleeps: [(self) => self.sleep(1), stray],
  "starts a timer": [(self) => self.after(1, () => {}), stray],
  draws: [(self) => self.random(), stray],
  stops: [(self) => self.stop(), { path: "/culprit", type: "dispose", what }],
};

describe("a promise from outside", () => {
  test.each(Object.entries(comes))("is noticed that brings back %s", async (_, [plant, leak]) => {
    for (const strict of [true, false]) {
      const { promise, hasCome } = foreign();
      const case_ = { until: hasCome, ...plant(() => promise), strict };
      if (strict) expect(await leakOf(case_)).toEqual(leak);
      else expect(await planted(case_)).toMatchObject({ leaks: [leak], hash: undefined });
    }
  });

  // Virtual time does not wait for a dispose: its limit may be over before the host brings what it waits for.
  test("is noticed that brings back a dispose, and laid at its actor or, after its limit, at the body", async () => {
    for (const strict of [true, false]) {
      const { promise, hasCome } = foreign();
      const make = (self: Self) => ({ go: () => self.stop(), [Symbol.asyncDispose]: () => promise });
      const case_ = { until: hasCome, make, body: ({ run }: SimulatedWorld) => run(2_000), strict };
      const leaks = strict ? [await leakOf(case_)] : (await planted(case_)).leaks;
      const possible = [
        { path: "/culprit", type: "dispose", what },
        { path: "/", type: "body", what },
      ];
      expect(possible).toContainEqual(leaks[0]);
    }
  });

  test.each(Object.entries(strays))(
    "is noticed behind which the actor %s, beside its turns",
    async (_, [act, leak]) => {
      for (const strict of [true, false]) {
        const { promise, hasCome } = foreign();
        let went = false;
        const go = (self: Self) => {
          if (!went) void promise.then(() => act(self));
          went = true;
        };
        const case_ = { make: (self: Self) => ({ go: () => go(self) }), until: hasCome, strict };
        if (strict) expect(await leakOf(case_)).toEqual(leak);
        else expect(await planted(case_)).toMatchObject({ leaks: [leak], hash: undefined });
      }
    },
  );

  test("is waited for while the world stands still, when a handler alone can go on with it", async () => {
    const { promise } = foreign();
    const answer = await simulate({}, async ({ system, now }) => {
      const culprit = system.spawn(() => ({ go: () => promise.then(() => 1) }));
      return [await system.ask(culprit, { within: 1 }).go(), now()];
    });
    expect(answer).toMatchObject({ value: [1, 0], hash: undefined });
  });

  test("is noticed at the end of a run that did not wait for it", async () => {
    for (const strict of [true, false]) {
      const soon = new Promise((resolve) => setImmediate(resolve));
      const run = simulate({ strict }, async ({ system }) => {
        const culprit = system.spawn(() => ({ go: () => soon }), { name: "culprit", concurrency: 2 });
        await system.ask(culprit).go().catch(String);
      });
      const leak = { path: "/culprit", type: "go", what };
      if (strict) await expect(run).rejects.toMatchObject({ leak });
      else expect((await run).leaks).toEqual([leak]);
    }
  });

  test("is awaited by a body in a world where nothing happens, whatever it does next", async () => {
    const next: ((world: SimulatedWorld) => unknown)[] = [
      () => 1,
      ({ run }) => run(1),
      ({ runUntilIdle }) => runUntilIdle(),
      ({ step }) => step(),
      ({ system }) => system.spawn(() => ({})),
    ];
    for (const go of next)
      expect((await simulate({}, (world) => foreign().promise.then(() => go(world)))).leaks).toEqual([
        { path: "/", type: "body", what },
      ]);
  });
});

describe("a self that is shared", () => {
  test("is noticed in a strict run when another actor uses it, and not when its own does", async () => {
    const uses = (self: Self) => self.tell(self.ref as Ref<Culprit>).go();
    let shared: Self | undefined;
    const make: Make = (self) => {
      shared = self;
      return { go: () => {} };
    };
    const body: Plant["body"] = ({ system }) => {
      const thief = system.spawn(() => ({ steal: () => uses(shared!) }), { name: "thief" });
      system.tell(thief).steal();
    };
    expect(await leakOf({ make, body })).toEqual(stray);
    let count = 0;
    const own: Make = (self) => ({ go: () => count++ < 9 && uses(self) });
    expect((await planted({ make: own })).leaks).toEqual([]);
  });
});

describe("state that outlives a run", () => {
  const twice = (go: (self: Self, to: Ref<{ hear(n: number): void }>) => unknown) =>
    simulate({ twice: true }, async (world) => {
      bystanders(world);
      const hearer = world.system.spawn(() => ({ hear(_: number) {} }), { name: "hearer" });
      const culprit = world.system.spawn((self: Self) => ({ go: () => go(self, hearer) }), { name: "culprit" });
      await world.run(5.5);
      await world.system.ask(culprit).go();
      await world.run(20);
    });
  const leak = { path: "/culprit", what: "something that another run had changed" };

  test.each<[string, (self: Self, to: Ref<{ hear(n: number): void }>, n: number) => unknown]>([
    ["an answer", (_self, _to, n) => n],
    ["a payload", (self, to, n) => self.tell(to).hear(n)],
    ["a time", (self, _to, n) => self.sleep(n)],
    ["draws", (self, _to, n) => [self, self].slice(0, n).map(() => self.random()).length && self.sleep(1)],
    ["a crash", (_self, _to, n) => (n > 1 ? Promise.reject(new Error("second")) : undefined)],
  ])("is found by running twice: in %s", async (_, go) => {
    let runs = 0;
    const error = await twice((self, to) => {
      runs = Math.min(runs + 1, 2);
      return go(self, to, runs);
    }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(NotReproducible);
    expect((error as NotReproducible).leak).toMatchObject(leak);
  });

  test("is found where one of two runs goes on after the end of the other", async () => {
    for (const first of [1, 2]) {
      let runs = 0;
      const error = await simulate({ twice: true }, async ({ system, runUntilIdle }) => {
        const one = system.spawn(() => ({ go() {} }), { name: "one" });
        const count = runs++ === 0 ? first : 3 - first;
        for (let i = 0; i < count; i++) system.tell(one).go();
        await runUntilIdle();
      }).catch((error: unknown) => error);
      expect((error as NotReproducible).leak.path).toBe("/one");
      expect((error as NotReproducible).message).toContain("nothing");
    }
  });
});
