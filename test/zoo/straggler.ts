// A worker gets its settings from one sender, and its work by a chain of relays.
// Bug: it takes for granted that what has so much further to go comes later; a chain that overtakes the settings fails.
// Fix: work waits for the settings.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

type Op = "settings" | "work";

interface Worker {
  settings(): void;
  work(): void;
}

const worker = (variant: Variant, done: Op[]): Worker => {
  let [isSet, waits] = [false, false];
  return {
    settings() {
      isSet = true;
      done.push("settings");
      if (waits) done.push("work");
    },
    work() {
      if (isSet || variant === "buggy") done.push("work");
      else waits = true;
    },
  };
};

const sender = (self: Self, to: Ref<Worker>) => ({
  send() {
    self.tell(to).settings();
  },
});

const relay = (self: Self, to: Ref<Pick<Worker, "work">>) => ({
  work() {
    self.tell(to).work();
  },
});

/** With `m` relays. */
function straggler(m: number): Protocol<Op> {
  return {
    name: `straggler${m}`,
    source: "own: one message overtaken by a chain",
    depth: 1,
    time: "windows",
    operations: ["settings", "work"],
    async play({ system, runUntilIdle }, variant, operations) {
      const done: Op[] = [];
      const last = system.spawn(() => worker(variant, done), { name: "worker" });
      const late = system.spawn((self) => sender(self, last), { name: "straggler" });
      let first: Ref<Pick<Worker, "work">> = last;
      for (let i = m; i >= 1; i--) {
        const next = first;
        first = system.spawn((self) => relay(self, next), { name: `relay${i}` });
      }
      for (const op of operations)
        if (op === "settings") system.tell(late).send();
        else system.tell(first).work();
      await runUntilIdle();
      if (done.join() === "work,settings")
        throw new Error("work is done with its settings: it was done before they came");
    },
  };
}

export const straggler4: Protocol<Op> = straggler(4);
export const straggler16: Protocol<Op> = straggler(16);
