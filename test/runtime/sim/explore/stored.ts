// What exploration found in the runtime and was mended: the systems in which it was seen. Its plans are in
// test/plans/runtime.

import { type Self, settle } from "antiphon";
import type { Latencies } from "antiphon/sim";
import { type Exploration, explore, type TrialWorld } from "antiphon/testing";
import * as fc from "fast-check";
import { conserved } from "../../../../src/testing/conserved.ts";

/** All faults, after so many events and then so long. */
interface Healed {
  readonly ms: number;
  readonly steps: number;
}

/** Tells a reader 0 and 1, three ms apart. */
async function twoNotes({ system, runUntilIdle, step, heal, run }: TrialWorld, healed?: Healed): Promise<void> {
  const came: number[] = [];
  const to = system.spawn(() => ({ note: (n: number) => void came.push(n) }), { name: "to" });
  const writer = (self: Self) => ({
    async write() {
      self.tell(to).note(0);
      await self.sleep(3);
      self.tell(to).note(1);
    },
  });
  system.tell(system.spawn(writer, { name: "writer" })).write();
  system.tell(system.spawn((self: Self) => ({ sleep: () => self.sleep(50) }), { name: "other" })).sleep();
  for (let i = 0; i < (healed?.steps ?? 0); i++) await step();
  if (healed !== undefined && healed.ms > 0) await run(healed.ms);
  if (healed !== undefined) heal();
  await runUntilIdle();
  if (came.join() !== "0,1") throw new Error(`what one tells another comes in its order: ${came.join()}`);
}

/** A system is stopped, with a limit, while its actor is at work. */
async function stopped({ system, run }: TrialWorld): Promise<void> {
  const to = system.spawn((self: Self) => ({ work: () => self.sleep("1s") }), { name: "to" });
  const working = settle(system.ask(to).work());
  await run(1);
  await system.stop({ drain: "10ms" });
  await working;
  const books = conserved(system);
  if (!books.ok) throw new Error(`the books balance: ${books.text}`);
}

interface Known {
  readonly play: (world: TrialWorld) => Promise<void>;
  readonly latency?: Latencies;
}

const systems: Readonly<Record<string, Known>> = {
  stopped: { play: stopped },
  "two notes": { play: (world) => twoNotes(world) },
  "two notes, healed after 4 ms": {
    play: (world) => twoNotes(world, { ms: 4, steps: 0 }),
    latency: { "/writer>/to": { min: 0, max: 5 } },
  },
  "two notes, healed after 3 events": { play: (world) => twoNotes(world, { ms: 0, steps: 3 }) },
};

export interface Kept {
  readonly system: string;
}

/** The property of a system that was kept. */
export function kept({ system }: Kept): Exploration<Kept> {
  const { play, latency } = systems[system] as Known;
  return explore({ system: fc.constant(system) }, play, { latency });
}
