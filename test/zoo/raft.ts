// Leader election of Raft: a candidate asks for votes, asks again when they take long, and in the end begins a new term.
// Bug: who is asked again votes again, and the candidate counts that vote twice, so that a term may get two leaders.
// Fix: the candidate keeps a set of those who voted for it.

import type { Ref, Self, Timer } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

/** Whose election timer runs out at the start. */
interface Candidacy {
  readonly node: number;
}

interface Node {
  campaign(): void;
  requestVote(request: { readonly term: number; readonly candidate: number }): void;
  vote(vote: { readonly term: number; readonly voter: number; readonly granted: boolean }): void;
  heartbeat(term: number): void;
}

const size = 5;
const majority = 3;
/** Nobody begins a later one, so that every run ends. */
const termMax = 2;

const node = (
  self: Self,
  id: number,
  nodes: readonly Ref<Node>[],
  variant: Variant,
  elected: (term: number) => void,
): Node => {
  let term = 0;
  let role: "follower" | "candidate" | "leader" = "follower";
  let votedFor: number | undefined;
  let voters: number[] = [];
  let timers: Timer[] = [];

  const others = () => nodes.filter((_, other) => other !== id);
  const become = (next: typeof role) => {
    role = next;
    for (const timer of timers.splice(0)) timer.cancel();
  };
  const see = (seen: number) => {
    if (seen <= term) return;
    term = seen;
    votedFor = undefined;
    become("follower");
  };
  const request = () => {
    for (const other of others()) self.tell(other).requestVote({ term, candidate: id });
  };
  const campaign = () => {
    if (term === termMax || role === "leader") return;
    see(term + 1);
    become("candidate");
    votedFor = id;
    voters = [id];
    request();
    timers = [self.after("50ms", request, "resend"), self.after("150ms", campaign, "election")];
  };

  return {
    campaign,
    requestVote({ term: asked, candidate }) {
      see(asked);
      const granted = asked === term && (votedFor ?? candidate) === candidate;
      if (granted) votedFor = candidate;
      self.tell(nodes[candidate]!).vote({ term, voter: id, granted });
    },
    vote({ term: answered, voter, granted }) {
      see(answered);
      if (!granted || role !== "candidate" || answered !== term) return;
      if (variant === "buggy" || !voters.includes(voter)) voters.push(voter);
      if (voters.length < majority) return;
      become("leader");
      elected(term);
      for (const other of others()) self.tell(other).heartbeat(term);
    },
    heartbeat(led) {
      see(led);
      if (led === term && role === "candidate") become("follower");
    },
  };
};

export const raft: Protocol<Candidacy> = {
  name: "raft",
  source: "Raft of the samples of P# and Coyote: duplicate votes from one follower",
  depth: 2,
  published: "0.38 % of runs (Nekara, ASE 2021)",
  time: "async",
  operations: [{ node: 0 }, { node: 1 }],
  async play({ system, runUntilIdle }, variant, operations) {
    const nodes: Ref<Node>[] = [];
    const leaders = new Map<number, string[]>();
    for (let id = 0; id < size; id++) {
      const elected = (term: number) => void leaders.set(term, [...(leaders.get(term) ?? []), `n${id}`]);
      nodes.push(system.spawn((self) => node(self, id, nodes, variant, elected), { name: `n${id}` }));
    }
    for (const { node } of operations) system.tell(nodes[node]!).campaign();
    await runUntilIdle();
    for (const [term, led] of leaders)
      if (led.length > 1) throw new Error(`a term has one leader: term ${term} has ${led.join(" and ")}`);
  },
};
