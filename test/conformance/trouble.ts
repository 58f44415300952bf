// Actors that get into trouble, and the diary in which they write what became of them.

import type { Ended, Ref, Self, System, SystemEvent } from "antiphon";
import { until } from "./until.ts";
import type { Kit } from "./world.ts";

/** What happened, in the order in which it happened. */
export type Diary = string[];

export type Crash = Extract<SystemEvent, { kind: "crashed" }>;

export function crashes(kit: Kit): Crash[] {
  return kit.events.filter((event) => event.kind === "crashed");
}

/** `context of path: directive`, for each crash. */
export function verdicts(kit: Kit): string[] {
  return crashes(kit).map(({ path, context, directive }) => `${context} of ${path}: ${directive}`);
}

export function kinds(kit: Kit, kind: SystemEvent["kind"]): string[] {
  return kit.events.flatMap((event) => (event.kind === kind ? [event.path] : []));
}

/** Counts in memory; what it lost is seen in its count. */
export interface Counter {
  add(): number;
  /** Crashes with an error of this message. */
  fail(message: string): void;
  /** Crashes with this value. */
  hurl(value: unknown): void;
}

export function counter(name: string, diary: Diary, how?: "quietly"): () => Counter & Disposable {
  return () => {
    let count = 0;
    if (how !== "quietly") diary.push(`${name} starts`);
    return {
      add: () => ++count,
      fail(message) {
        throw new Error(message);
      },
      hurl(value) {
        throw value;
      },
      [Symbol.dispose]: () => void diary.push(`${name} ends`),
    };
  };
}

/** Lets `ms` of the world's time pass. */
export async function pass(system: System, ms: number): Promise<void> {
  const sleeper = system.spawn((self: Self) => ({ nap: () => self.sleep(ms) }));
  await system.ask(sleeper, { within: Number.POSITIVE_INFINITY }).nap();
}

/** How `ref` ended, as text, once it has. */
export async function endOf(system: System, ref: Ref<unknown>): Promise<string> {
  const ends: string[] = [];
  system.spawn((self: Self) => {
    self.watch(ref, (how) => void ends.push(endText(how)));
    return {};
  });
  await until(system, () => ends.length > 0);
  return ends.join(" and ");
}

export function endText({ reason, cause }: Ended): string {
  return cause === undefined ? reason : `${reason}: ${cause instanceof Error ? cause.message : String(cause)}`;
}
