// How the tests of links and faults run a simulation: to its end, with a look at the books after every event.

import type { Self, System } from "antiphon";
import { type SimulatedWorld, type SimulateOptions, type Simulation, simulate } from "antiphon/sim";
import { expect } from "vitest";
import { audit } from "../../../src/runtime/kernel/census.ts";
import type { ActorSystem } from "../../../src/runtime/kernel/system.ts";

/** Fails when one of the two conservation equations (D3) does not hold. */
export function expectBalance(system: System): void {
  const found = audit((system as ActorSystem).core);
  if (found.length > 0) expect(found).toEqual([]);
}

/** Runs until nothing is left to happen; at the end nothing is on its way, and nothing was not reproducible. */
export async function balanced<T>(
  options: SimulateOptions,
  prepare: (world: SimulatedWorld) => T,
): Promise<Simulation<T>> {
  const run = await simulate(options, async (world) => {
    const value = prepare(world);
    do expectBalance(world.system);
    while (await world.step());
    expect(world.system.census()).toMatchObject({ transit: 0, queued: 0 });
    return value;
  });
  expect(run.leaks).toEqual([]);
  return run;
}

/** Calls `job` at a time with the self of an actor of its own. */
export function at(system: System, ms: number, job: (self: Self) => unknown): void {
  system.spawn((self: Self) => {
    self.after(ms, () => void job(self));
    return {};
  });
}

/** How often each of the faults of a run struck. */
export function struck({ faults }: Simulation<unknown>): number[] {
  return faults.map((one) => one.struck);
}

/** Counts in memory, and naps. */
export function counter(self: Self): { add(): number; nap(ms: number): Promise<number> } {
  let count = 0;
  return {
    add: () => ++count,
    async nap(ms) {
      await self.sleep(ms);
      return self.now();
    },
  };
}
