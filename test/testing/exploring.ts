// Small programs to explore, and what fast-check says of them.

import type { Ref, Self } from "antiphon";
import {
  type Exploration,
  ExplorationFailed,
  type ExploreOptions,
  explore,
  type Played,
  type Trial,
} from "antiphon/testing";
import fc from "fast-check";
import { expect } from "vitest";

export type Parameters<I> = fc.Parameters<[Trial<I> | Played<I> | string]>;

/** What fast-check fails with. */
export async function thrown<I>(property: Exploration<I>, parameters: Parameters<I> = {}): Promise<Error> {
  const assert = async () => fc.assert(property, { seed: 1, ...parameters });
  const error = await assert().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(Error);
  return error as Error;
}

export async function failure<I>(property: Exploration<I>, parameters?: Parameters<I>): Promise<ExplorationFailed<I>> {
  const { cause } = await thrown(property, parameters);
  expect(cause).toBeInstanceOf(ExplorationFailed);
  return cause as ExplorationFailed<I>;
}

export interface Store {
  read(): number;
  write(to: number): void;
}

export const store = (): Store => {
  let value = 0;
  return { read: () => value, write: (to) => void (value = to) };
};

/** Adds by reading and writing. */
export const adder = (self: Self, to: Ref<Store>): { add(by: number): Promise<void> } => ({
  async add(by) {
    await self.ask(to).write((await self.ask(to).read()) + by);
  },
});

interface Desk {
  note(clerk: string): void;
}

/** Clerks note themselves at one desk, in the base order a, b, c, d. `judge` sees in which order it took them. */
export function clerks(judge: (noted: string) => void, options: ExploreOptions = {}): Exploration<{ paper: number }> {
  return explore(
    { paper: fc.nat(9) },
    async ({ system, runUntilIdle }) => {
      let noted = "";
      const desk = system.spawn((): Desk => ({ note: (clerk) => void (noted += clerk) }), { name: "desk" });
      const clerk = (self: Self) => ({ go: (name: string) => self.tell(desk).note(name) });
      for (const name of "abcd") system.tell(system.spawn(clerk, { name })).go(name);
      await runUntilIdle();
      judge(noted);
    },
    options,
  );
}
