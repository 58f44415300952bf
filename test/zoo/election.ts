// A ring elects the node whose priority comes back to it: each passes on what is higher than its own (Chang, Roberts).
// Bug: all have the same priority, and each takes its neighbour's for its own. A control: every order fails.
// Fix: ids for priorities.

import type { Ref, Self } from "antiphon";
import type { Protocol } from "./protocol.ts";

interface Node {
  stand(): void;
  candidate(priority: number): void;
}

const node = (self: Self, priority: number, neighbour: () => Ref<Node>, elected: () => void): Node => {
  let stands = false;
  const stand = () => {
    if (!stands) self.tell(neighbour()).candidate(priority);
    stands = true;
  };
  return {
    stand,
    candidate(other) {
      if (other === priority) elected();
      else if (other > priority) self.tell(neighbour()).candidate(other);
      else stand();
    },
  };
};

/** The operations are the nodes that stand for election. */
export const election: Protocol<number> = {
  name: "election",
  source: "ring_leader_election_symmetric_buffer of Concuerror's tests",
  depth: 0,
  published: "64 errors in 64 interleavings (Concuerror's tests)",
  time: "windows",
  operations: [0, 1, 2],
  async play({ system, runUntilIdle }, variant, operations) {
    const leaders = [false, false, false];
    const ring: Ref<Node>[] = leaders.map((_, index) => {
      const neighbour = () => ring[(index + 1) % ring.length]!;
      const elected = () => {
        leaders[index] = true;
      };
      return system.spawn((self) => node(self, variant === "buggy" ? 1 : index, neighbour, elected), {
        name: `n${index}`,
      });
    });
    for (const index of operations) system.tell(ring[index]!).stand();
    await runUntilIdle();
    const found = leaders.flatMap((isLeader, index) => (isLeader ? [`n${index}`] : []));
    if (operations.length > 0 && found.length !== 1)
      throw new Error(`the ring has one leader: ${found.join(" and ") || "none"}`);
  },
};
