// Breaks something after each event of a program, one run for each event and each thing that can break.

import type { System } from "antiphon";
import { jsonCodec, type MemoryJournal, memoryJournal } from "antiphon/broker";
import { crash, powerFailure, type SimulatedWorld, simulate } from "antiphon/sim";

/** A program that has to come to a good end, whatever breaks. */
export interface Play<B> {
  /** Spawns it; again after a power failure. */
  boot(system: System, journal: { journal: MemoryJournal["open"]; codec: typeof jsonCodec }): B;
  /** What clients do: they try until they are told that it is safe. */
  act(world: SimulatedWorld<B>): Promise<unknown>;
  /** When nothing is left to happen. What it throws is a violation. */
  look(world: SimulatedWorld<B>): Promise<void>;
}

/** Restarted without end, as what stands behind a queue has to be. */
export const supervision: { maxRestarts: number } = { maxRestarts: Number.POSITIVE_INFINITY };

/**
 * `make` gives the play, with a memory of its own, for each run. `paths` are crashed, one in each run; `"power"` is the
 * power. Odd runs are in a drawn order. Gives the number of runs; what a run throws is thrown with where it broke.
 */
export async function everywhere<B>(paths: readonly string[], make: () => Play<B>): Promise<number> {
  let runs = 0;
  for (const path of ["power", ...paths]) for (let at = 0; await survives(path, at, make()); at++) runs++;
  return runs;
}

/** False when the program had ended before. */
async function survives<B>(path: string, at: number, { boot, act, look }: Play<B>): Promise<boolean> {
  const journal = memoryJournal({ latency: "3ms" });
  const schedule = at % 2 === 1 ? ({ strategy: "random", seed: at } as const) : undefined;
  const start = (system: System) => boot(system, { journal: journal.open, codec: jsonCodec });
  let reached = true;
  try {
    await simulate({ seed: at + 1, journals: [journal], boot: start, schedule, trace: "off" }, async (world) => {
      const done = act(world);
      for (let fired = 0; fired < at && reached; fired++) reached = await world.step();
      if (!reached) return;
      const now = { at: world.now() };
      world.inject(path === "power" ? powerFailure(now) : crash(path, now));
      await done;
      await world.runUntilIdle();
      await look(world);
    });
  } catch (error) {
    throw new Error(`${path} broke after event ${at}: ${(error as Error).message}`, { cause: error });
  }
  return reached;
}

/** Tries until it is not told that it failed. */
export async function insist<B>(world: SimulatedWorld<B>, work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    const isDone = await work().then(
      () => true,
      () => false,
    );
    if (isDone) return;
    await world.run("10ms");
  }
}
