// A failure detector: it pings its nodes in rounds, twice a round at most, and rests in between.
// Bug: TIMEOUT and PONG do not say of which round they are: a TIMEOUT that its CANCEL was too late for, and the PONG to a
// second ping, count in the next round, and rounds end with more and more pings out.
// Fix: both carry their stage, a round or a rest, and those of another stage are ignored.

import type { Ref, Self, Timer } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

const attemptsMax = 2;
const roundsMax = 5;
const pendingMax = 3;

interface Detector {
  pong(of: { readonly node: string; readonly stage: number }): void;
  timeout(stage: number): void;
}

const node = (self: Self, name: string, detector: Ref<Detector>) => ({
  ping(stage: number) {
    self.tell(detector).pong({ node: name, stage });
  },
});

const clock = (self: Self, detector: Ref<Detector>) => {
  let timer: Timer | undefined;
  return {
    start(stage: number) {
      timer = self.after("10ms", () => self.tell(detector).timeout(stage), "timeout");
    },
    cancel() {
      timer?.cancel();
    },
  };
};

const watcher = (self: Self, names: readonly string[], variant: Variant, flooded: Set<string>) => {
  const timer = self.spawn((child) => clock(child, self.ref), { name: "timer" });
  const nodes = names.map((name) => ({
    name,
    ref: self.spawn((child) => node(child, name, self.ref), { name }),
    pending: 0,
    isAlive: true,
    hasAnswered: false,
  }));
  let [stage, rounds, attempts] = [0, 0, 0];
  let isResting = true;

  const silent = () => nodes.filter((one) => one.isAlive && !one.hasAnswered);
  const isStale = (of: number) => variant === "fixed" && of !== stage;
  const ping = () => {
    attempts++;
    for (const one of silent()) {
      if (++one.pending > pendingMax) flooded.add(one.name);
      self.tell(one.ref).ping(stage);
    }
    self.tell(timer).start(stage);
  };
  const begin = () => {
    if (rounds === roundsMax) return;
    rounds++;
    stage++;
    attempts = 0;
    isResting = false;
    for (const one of nodes) one.hasAnswered = false;
    ping();
  };
  const rest = () => {
    stage++;
    isResting = true;
    self.tell(timer).start(stage);
  };

  return {
    start() {
      begin();
    },
    pong({ node: name, stage: of }: { readonly node: string; readonly stage: number }) {
      const one = nodes.find((other) => other.name === name)!;
      one.pending--;
      if (isResting || isStale(of)) return;
      one.hasAnswered = true;
      if (silent().length > 0) return;
      self.tell(timer).cancel();
      rest();
    },
    timeout(of: number) {
      if (isStale(of)) return;
      if (isResting) begin();
      else if (silent().length > 0 && attempts < attemptsMax) ping();
      else {
        for (const one of silent()) one.isAlive = false;
        rest();
      }
    },
  };
};

/** The operations are the nodes to watch. */
export const detector: Protocol<string> = {
  name: "detector",
  source: "FailureDetector of the samples of P# and Coyote: more than 3 pings to a node pending",
  depth: 5,
  published: "0.07 % of runs (Nekara, ASE 2021)",
  time: "async",
  operations: ["n1", "n2"],
  async play({ system, runUntilIdle }, variant, operations) {
    const flooded = new Set<string>();
    if (operations.length > 0) {
      const ref = system.spawn((self) => watcher(self, operations, variant, flooded), { name: "detector" });
      system.tell(ref).start();
    }
    await runUntilIdle();
    if (flooded.size > 0)
      throw new Error(`at most ${pendingMax} pings to a node are pending: more to ${[...flooded].join(" and ")}`);
  },
};
