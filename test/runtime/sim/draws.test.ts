// W2: whose draws depend on what. The same actor is looked at in one world after the other, of which each differs in
// one thing that may not matter, or in one that must.

import { type Ref, type Self, type System, settle } from "antiphon";
import { type Fault, type Latencies, powerFailure, simulate } from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

class Drawer {
  readonly #self: Self;

  constructor(self: Self) {
    this.#self = self;
  }

  draw(count: number): number[] {
    return Array.from({ length: count }, () => this.#self.random());
  }

  keyed(key: string | number): number {
    return this.#self.random(key);
  }

  async later(): Promise<number> {
    await this.#self.sleep(1);
    return this.#self.random();
  }

  crash(): void {
    throw new Error("crash");
  }
}

const drawer = (self: Self) => new Drawer(self);
const lasting = { supervision: { maxRestarts: 1_000 } };

interface Circumstances {
  readonly seed?: number;
  readonly name?: string;
  /** What is done with other actors, before and meanwhile. */
  readonly others?: (system: System, others: readonly Ref<Drawer>[]) => void;
  /** Draws of an incarnation before it crashes, for each one before the last. */
  readonly former?: readonly number[];
  readonly latency?: Latencies;
  readonly faults?: readonly Fault[];
}

interface Draws {
  readonly stream: number[];
  readonly keyed: number[];
}

/** Four draws of the stream and three with a key, of an actor in such circumstances. */
async function drawn({ seed = 1, name = "one", others, former = [], ...rest }: Circumstances = {}): Promise<Draws> {
  const boot = (system: System) => {
    const first = system.spawn(drawer, { ...lasting, name: "first" });
    return { one: system.spawn(drawer, { ...lasting, name }), others: [first, system.spawn(drawer, lasting)] };
  };
  const { value } = await simulate({ seed, boot, ...rest }, async (world) => {
    const { system } = world;
    others?.(system, world.booted.others);
    await world.run(50);
    const { one } = world.booted;
    for (const count of former) {
      await system.ask(one).draw(count);
      system.tell(one).crash();
    }
    await world.runUntilIdle();
    const stream = [...(await system.ask(one).draw(3)), await system.ask(one).later()];
    const keyed = [];
    for (const key of ["k", 5, "5"]) keyed.push(await system.ask(one).keyed(key));
    return { stream, keyed };
  });
  return value;
}

describe("the stream of an actor", () => {
  test("[W2 sim] is that of the seed and the path", async () => {
    const one = await drawn();
    expect(await drawn()).toEqual(one);
    expect(new Set(one.stream).size).toBe(4);
    for (const other of [{ seed: 2 }, { seed: 4_294_967_297 }, { name: "two" }])
      expect((await drawn(other)).stream).not.toEqual(one.stream);
  });

  test("[W2 sim] does not change with other actors, their draws, restarts, ends and delays", async () => {
    const one = await drawn();
    const acts = fc.array(
      fc.record({
        who: fc.nat(2),
        what: fc.constantFrom("draw", "keyed", "crash", "later", "ask", "spawn"),
        count: fc.nat(5),
      }),
    );
    await fc.assert(
      fc.asyncProperty(acts, fc.nat(9), async (plan, delayMs) => {
        const others: Circumstances["others"] = (system, refs) => {
          for (const { who, what, count } of plan) {
            const ref = refs[who] ?? system.spawn(drawer);
            if (what === "draw") system.tell(ref).draw(count);
            else if (what === "keyed") system.tell(ref).keyed(count);
            else if (what === "crash") system.tell(ref).crash();
            else if (what === "later") system.tell(ref).later();
            else if (what === "ask") void settle(system.ask(ref).draw(count));
          }
        };
        expect(await drawn({ others, latency: { "*>/first": delayMs } })).toEqual(one);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  test("[W2 sim] is another in each incarnation, however much the former ones drew", async () => {
    const streams = [];
    for (const restarts of [0, 1, 2, 3]) {
      const { stream } = await drawn({ former: Array(restarts).fill(0) });
      expect((await drawn({ former: Array(restarts).fill(7) })).stream).toEqual(stream);
      streams.push(...stream);
    }
    expect(new Set(streams).size).toBe(16);
  });

  test("[W2 sim] is another after a power failure, by the number of the boot and not by what was before", async () => {
    const once = [powerFailure({ at: 30 })];
    const one = await drawn();
    const second = await drawn({ faults: once });
    expect(second.stream).not.toEqual(one.stream);
    const others: Circumstances["others"] = (system, [first]) => {
      system.tell(first!).draw(9);
      system.tell(first!).crash();
    };
    expect(await drawn({ faults: [powerFailure({ at: 7.5 })], others })).toEqual(second);
    const third = await drawn({ faults: [...once, powerFailure({ at: 40 })] });
    const restarted = await drawn({ former: [0, 0] });
    const all = [one, second, third, restarted].flatMap(({ stream }) => stream);
    expect(new Set(all).size).toBe(16);
  });
});

describe("a draw with a key", () => {
  test("[W2 sim] depends on seed, path and key: not on draws, restarts and power failures before", async () => {
    const { keyed } = await drawn();
    expect(new Set(keyed).size).toBe(3);
    const faults = [powerFailure({ at: 30 })];
    for (const same of [{ former: [1] }, { former: [3, 3, 3] }, { faults }, { faults, former: [2] }])
      expect((await drawn(same)).keyed).toEqual(keyed);
    for (const other of [{ seed: 2 }, { name: "two" }])
      for (const [i, draw] of (await drawn(other)).keyed.entries()) expect(draw).not.toBe(keyed[i]);
  });

  test("[W2 sim] is one draw: the next one with the same key is the same", async () => {
    await simulate({}, async ({ system }) => {
      const one = system.spawn(drawer, { name: "one" });
      const draw = await system.ask(one).keyed("k");
      await system.ask(one).draw(2);
      expect(await system.ask(one).keyed("k")).toBe(draw);
    });
  });
});

describe("world.random", () => {
  test("[W2 sim] gives streams that depend on seed, name and key, and on no actor", async () => {
    const draws = async (seed: number, busy: boolean) => {
      const { value } = await simulate({ seed }, async (world) => {
        const one = world.system.spawn(drawer, { name: "load" });
        if (busy) await world.system.ask(one).draw(5);
        const streams = [world.random("load"), world.random("load", "k"), world.random("load", 5)];
        return streams.map((next) => [next(), next(), next()]);
      });
      return value;
    };
    const quiet = await draws(1, false);
    expect(await draws(1, true)).toEqual(quiet);
    expect(await draws(2, false)).not.toEqual(quiet);
    expect(new Set(quiet.flat()).size).toBe(9);
  });
});
