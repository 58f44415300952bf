// A combination lock that should stay shut; each of its d + 1 digits has a sender of its own.
// Bug: it opens when they come in exactly the reverse of their order, for which d of them must be overtaken.
// Fix: it is jammed from the start.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

const lock = (variant: Variant, highest: number, opened: () => void) => {
  let next = highest;
  let isJammed = variant === "fixed";
  return {
    turn(digit: number) {
      isJammed ||= digit !== next--;
      if (!isJammed && digit === 0) opened();
    },
  };
};

const sender = (self: Self, to: Ref<ReturnType<typeof lock>>) => ({
  send(digit: number) {
    self.tell(to).turn(digit);
  },
});

/** Of `d` ordering constraints. */
function depth(d: number): Protocol<number> {
  return {
    name: `depth${d}`,
    source: "own, after combination_lock of Concuerror's tests",
    depth: d,
    time: "windows",
    operations: Array.from({ length: d + 1 }, (_, digit) => digit),
    async play({ system, runUntilIdle }, variant, operations) {
      let isOpen = false;
      const opened = () => {
        isOpen = true;
      };
      const ref = system.spawn(() => lock(variant, d, opened), { name: "lock" });
      for (const digit of operations)
        system.tell(system.spawn((self) => sender(self, ref), { name: `s${digit}` })).send(digit);
      await runUntilIdle();
      if (isOpen) throw new Error("the lock stays shut: it opened");
    },
  };
}

export const depth2: Protocol<number> = depth(2);
export const depth3: Protocol<number> = depth(3);
