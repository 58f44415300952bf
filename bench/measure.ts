// Takes the samples. Per round and row one fresh process per entrant; the entrants then take turns repetition by
// repetition, so that a machine that slows down for some seconds slows them all.

import type { Sampler } from "./process.ts";

export interface Entrant {
  readonly name: string;
  start(): Sampler;
}

export interface Contest {
  readonly name: string;
  readonly entrants: readonly Entrant[];
  /**
   * `turns`: as above. `apart`: one process ends before the next begins, for those that fill memory. `once`: likewise,
   * and a process gives one sample, its first; `reps` of them in a round where it is cheap to start one.
   */
  readonly way: "turns" | "apart" | "once";
  readonly reps: number;
}

/** By contest and entrant: per round, the repetitions. */
export type Measured = Record<string, Record<string, number[][]>>;

export interface Failed {
  readonly contest: string;
  readonly entrant: string;
  readonly why: string;
}

/** What is known so far; `measure` fills it in. */
export interface Samples {
  readonly measured: Measured;
  readonly failed: Failed[];
}

const warmUps = 2;

export async function measure(
  contests: readonly Contest[],
  rounds: number,
  { measured, failed }: Samples,
  say: (progress: string) => void,
): Promise<void> {
  let done = 0;
  const startMs = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (const { name, entrants, way, reps } of contests) {
      const leftMs = ((performance.now() - startMs) / done) * (rounds * contests.length - done);
      say(`round ${round + 1} of ${rounds}: ${name}${round > 0 ? `, ${Math.ceil(leftMs / 60_000)} min left` : ""}`);
      // Another entrant begins in each round: being first after a process start is an advantage or a burden.
      const first = round % Math.max(1, entrants.length);
      const fit = ({ name: entrant }: Entrant) =>
        !failed.some((one) => one.contest === name && one.entrant === entrant);
      const order = [...entrants.slice(first), ...entrants.slice(0, first)].filter(fit);
      const kept = new Map<string, number[]>();
      const fail = (entrant: string, error: unknown) => {
        kept.delete(entrant);
        const why = error instanceof Error ? error.message : String(error);
        say(`${entrant}, ${name}: ${why}`);
        // Kept without the stack, which names places of this machine.
        failed.push({ contest: name, entrant, why: why.split("\n")[0] as string });
      };
      if (way === "turns") await takeTurns(order, reps, kept, fail);
      else for (const one of order) await takeAlone(one, way, reps, kept, fail);
      for (const [entrant, values] of kept) ((measured[name] ??= {})[entrant] ??= []).push(values);
      done++;
    }
  }
}

type Fail = (entrant: string, error: unknown) => void;

async function takeTurns(order: readonly Entrant[], reps: number, kept: Map<string, number[]>, fail: Fail) {
  const running = order.map(({ name, start }) => ({ name, sampler: start() }));
  for (const { name } of running) kept.set(name, []);
  try {
    for (let i = 0; i < warmUps + reps; i++) {
      for (const { name, sampler } of running) {
        if (!kept.has(name)) continue;
        try {
          const value = await sampler.sample();
          if (i >= warmUps) kept.get(name)?.push(value);
        } catch (error) {
          fail(name, error);
        }
      }
    }
  } finally {
    for (const { sampler } of running) sampler.end();
  }
}

async function takeAlone(one: Entrant, way: "apart" | "once", reps: number, kept: Map<string, number[]>, fail: Fail) {
  if (way === "apart") return takeTurns([one], reps, kept, fail);
  const values: number[] = [];
  kept.set(one.name, values);
  for (let i = 0; i < reps; i++) {
    const sampler = one.start();
    try {
      values.push(await sampler.sample());
    } catch (error) {
      return fail(one.name, error);
    } finally {
      sampler.end();
    }
  }
}
