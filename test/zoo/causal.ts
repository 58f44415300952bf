// A writer puts a value into a store and then notifies a reader, who looks for it there.
// Bug: the writer tells the store, and the reader may be there before the value: delivery is not causal.
// Fix: the writer asks, and notifies when the store has answered.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

const store = () => {
  const keys = new Set<string>();
  return {
    put(key: string) {
      keys.add(key);
    },
    has(key: string) {
      return keys.has(key);
    },
  };
};
type Store = ReturnType<typeof store>;

const reader = (self: Self, from: Ref<Store>, missed: string[]) => ({
  async written(key: string) {
    if (!(await self.ask(from, { within: Infinity }).has(key))) missed.push(key);
  },
});

const writer = (self: Self, to: Ref<Store>, notified: Ref<ReturnType<typeof reader>>, variant: Variant) => ({
  async write(key: string) {
    if (variant === "buggy") self.tell(to).put(key);
    else await self.ask(to, { within: Infinity }).put(key);
    self.tell(notified).written(key);
  },
});

/** The operations are the keys to write. */
export const causal: Protocol<string> = {
  name: "causal",
  source: "own: a notification overtakes the data",
  depth: 1,
  time: "windows",
  operations: ["x", "y"],
  async play({ system, runUntilIdle }, variant, operations) {
    const missed: string[] = [];
    const data = system.spawn(store, { name: "store" });
    const notified = system.spawn((self) => reader(self, data, missed), { name: "reader" });
    const writing = system.spawn((self) => writer(self, data, notified, variant), { name: "writer" });
    for (const key of operations) system.tell(writing).write(key);
    await runUntilIdle();
    if (missed.length > 0) throw new Error(`who is notified of a value finds it: not ${missed.join()}`);
  },
};
