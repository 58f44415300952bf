// Replicating storage: a center hears from extent nodes who has a replica, takes out the nodes that a watchdog misses, and
// then, when less than three are left, has a spare make a copy. Bug: a late report of the dead node puts it back before
// the repair, which finds nothing to do. Fix: reports of nodes that were taken out are refused.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

type Op = { readonly report: string } | { readonly fail: string };

const replicasMin = 3;
const spare = "en4";

interface State {
  isLive: boolean;
  hasReplica: boolean;
}

interface Center {
  report(node: string): void;
  expire(node: string): void;
  repair(): void;
}

const extentNode = (self: Self, name: string, state: State, reports: () => Ref<Center>) => {
  const report = () => {
    if (state.isLive && state.hasReplica) self.tell(reports()).report(name);
  };
  return {
    report,
    copy() {
      state.hasReplica = true;
      report();
    },
    fail() {
      state.isLive = false;
    },
  };
};

const center = (self: Self, holders: readonly string[], reserve: Ref<{ copy(): void }>, variant: Variant): Center => {
  const replicas = new Set(holders);
  const expired = new Set<string>();
  return {
    report(node) {
      if (variant === "buggy" || !expired.has(node)) replicas.add(node);
    },
    expire(node) {
      expired.add(node);
      replicas.delete(node);
      self.tell(self.ref).repair();
    },
    repair() {
      if (replicas.size < replicasMin) self.tell(reserve).copy();
    },
  };
};

const watchdog = (self: Self, expires: Ref<Center>) => ({
  misses(node: string) {
    self.tell(expires).expire(node);
  },
});

export const storage: Protocol<Op> = {
  name: "storage",
  source: "ReplicatingStorage of the samples of P#, after Azure Storage vNext: a repair that never happens",
  depth: 2,
  time: "windows",
  operations: [{ report: "en1" }, { report: "en2" }, { fail: "en1" }],
  async play({ system, runUntilIdle }, variant, operations) {
    const holders = ["en1", "en2", "en3"];
    const nodes = new Map(
      [...holders, spare].map((name) => {
        const state: State = { isLive: true, hasReplica: name !== spare };
        const ref = system.spawn((self) => extentNode(self, name, state, () => registry), { name });
        return [name, { state, ref }] as const;
      }),
    );
    const registry: Ref<Center> = system.spawn((self) => center(self, holders, nodes.get(spare)!.ref, variant), {
      name: "center",
    });
    const guard = system.spawn((self) => watchdog(self, registry), { name: "watchdog" });
    for (const op of operations)
      if ("report" in op) system.tell(nodes.get(op.report)!.ref).report();
      else {
        system.tell(nodes.get(op.fail)!.ref).fail();
        system.tell(guard).misses(op.fail);
      }
    await runUntilIdle();
    const live = [...nodes].flatMap(([name, { state }]) => (state.isLive && state.hasReplica ? [name] : []));
    if (live.length < replicasMin) throw new Error(`in the end ${replicasMin} replicas are live: only ${live.join()}`);
  },
};
