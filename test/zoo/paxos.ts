// Paxos for a single decree: a proposer collects promises for its ballot, then has its value accepted.
// Bug: of the values that acceptors say they have accepted it minds that of the last promise alone, and ignores those of
// the promises before; so a value that was decided changes.
// Fix: it proposes the value of the highest ballot among its promises, and its own only if there is none.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

interface Proposal {
  /** Also its ballot. */
  readonly proposer: number;
  readonly value: string;
}

interface Accepted {
  readonly ballot: number;
  readonly value: string;
}

interface Proposer {
  propose(value: string): void;
  promise(promise: { readonly accepted: Accepted | undefined }): void;
}

interface Acceptor {
  prepare(ballot: number): void;
  accept(proposal: Accepted): void;
}

interface Learner {
  accepted(vote: Accepted): void;
}

const acceptorCount = 3;
const quorum = 2;

const proposer = (self: Self, ballot: number, acceptors: readonly Ref<Acceptor>[], variant: Variant): Proposer => {
  let own = "";
  const promises: (Accepted | undefined)[] = [];
  return {
    propose(value) {
      own = value;
      for (const acceptor of acceptors) self.tell(acceptor).prepare(ballot);
    },
    promise({ accepted }) {
      promises.push(accepted);
      if (promises.length !== quorum) return;
      const highest = promises.reduce((a, b) => ((a?.ballot ?? 0) < (b?.ballot ?? 0) ? b : a), undefined);
      const value = (variant === "buggy" ? accepted : highest)?.value ?? own;
      for (const acceptor of acceptors) self.tell(acceptor).accept({ ballot, value });
    },
  };
};

const acceptor = (self: Self, proposers: ReadonlyMap<number, Ref<Proposer>>, learner: Ref<Learner>): Acceptor => {
  let promised = 0;
  let accepted: Accepted | undefined;
  return {
    prepare(ballot) {
      if (ballot <= promised) return;
      promised = ballot;
      self.tell(proposers.get(ballot)!).promise({ accepted });
    },
    accept(proposal) {
      if (proposal.ballot < promised) return;
      promised = proposal.ballot;
      accepted = proposal;
      self.tell(learner).accepted(proposal);
    },
  };
};

const learner = (learned: (value: string) => void): Learner => {
  const votes = new Map<number, number>();
  return {
    accepted({ ballot, value }) {
      const count = (votes.get(ballot) ?? 0) + 1;
      votes.set(ballot, count);
      if (count === quorum) learned(value);
    },
  };
};

export const paxos: Protocol<Proposal> = {
  name: "paxos",
  source: "Paxos of the benchmarks of Coyote: conflicting values learned",
  depth: 3,
  published: "0.06 % of runs (Nekara, ASE 2021)",
  time: "windows",
  operations: [
    { proposer: 1, value: "red" },
    { proposer: 2, value: "blue" },
  ],
  async play({ system, runUntilIdle }, variant, operations) {
    const learned = new Set<string>();
    const acceptors: Ref<Acceptor>[] = [];
    const proposers = new Map<number, Ref<Proposer>>();
    const learns = system.spawn(() => learner((value) => learned.add(value)), { name: "learner" });
    for (let id = 1; id <= acceptorCount; id++)
      acceptors.push(system.spawn((self) => acceptor(self, proposers, learns), { name: `a${id}` }));
    for (const { proposer: id } of operations)
      proposers.set(
        id,
        system.spawn((self) => proposer(self, id, acceptors, variant), { name: `p${id}` }),
      );
    for (const { proposer: id, value } of operations) system.tell(proposers.get(id)!).propose(value);
    await runUntilIdle();
    if (learned.size > 1) throw new Error(`one value is learned: ${[...learned].join(" and ")}`);
  },
};
