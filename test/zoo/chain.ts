// Chain replication: updates go from head to tail, acknowledgements back. When a server in between fails, a master links
// its neighbours: the latter repeats its last acknowledgement and says what it has, the former sends it the rest.
// Bug: an acknowledgement drops the oldest update that is kept: come twice, it drops one that the next server has not.
// Fix: it drops the update that it is for, and older ones.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

type Op = { readonly update: string } | { readonly fail: number };

const size = 5;

interface Update {
  readonly seq: number;
  readonly value: string;
}

/** Servers are known by their place in the chain. */
interface Server {
  update(value: string): void;
  forward(update: Update & { readonly from: number }): void;
  acknowledge(seq: number): void;
  follow(predecessor: number): void;
  lead(to: { readonly successor: number; readonly last: number }): void;
}

interface Chain {
  readonly servers: Ref<Server>[];
  master: Ref<ReturnType<typeof master>>;
}

const server = (self: Self, place: number, chain: Chain, variant: Variant, history: string[]): Server => {
  let [predecessor, successor] = [place - 1, place + 1];
  let sent: Update[] = [];
  let [last, acknowledged] = [0, 0];

  const forward = (update: Update) => self.tell(chain.servers[successor]!).forward({ ...update, from: place });
  const acknowledge = (seq: number) => {
    acknowledged = seq;
    sent = variant === "buggy" ? sent.slice(1) : sent.filter((update) => update.seq > seq);
    if (place > 0) self.tell(chain.servers[predecessor]!).acknowledge(seq);
  };
  const store = ({ seq, value }: Update) => {
    last = seq;
    history.push(value);
    sent.push({ seq, value });
    if (successor < size) forward({ seq, value });
    else acknowledge(seq);
  };

  return {
    update(value) {
      store({ seq: last + 1, value });
    },
    forward({ from, ...update }) {
      if (from === predecessor) store(update);
    },
    acknowledge,
    follow(other) {
      predecessor = other;
      if (acknowledged > 0) self.tell(chain.servers[predecessor]!).acknowledge(acknowledged);
      self.tell(chain.master).follows({ predecessor, successor: place, last });
    },
    lead({ successor: other, last: seq }) {
      successor = other;
      for (const update of sent) if (update.seq > seq) forward(update);
    },
  };
};

const master = (self: Self, chain: Chain) => ({
  failed(place: number): void {
    self.tell(chain.servers[place + 1]!).follow(place - 1);
  },
  follows(link: { readonly predecessor: number; readonly successor: number; readonly last: number }): void {
    self.tell(chain.servers[link.predecessor]!).lead(link);
  },
});

export const chain: Protocol<Op> = {
  name: "chain",
  source: "ChainReplication of the samples of P# and Coyote: its update propagation invariant, with a bug of our own",
  depth: 4,
  published: "0.01 % of runs, its like (Nekara, ASE 2021)",
  time: "windows",
  operations: [{ update: "a" }, { update: "b" }, { fail: 1 }, { update: "c" }],
  async play({ system, runUntilIdle }, variant, operations) {
    const histories: string[][] = Array.from({ length: size }, () => []);
    const parts = { servers: [] as Ref<Server>[] } as Chain;
    for (const [place, history] of histories.entries())
      parts.servers.push(system.spawn((self) => server(self, place, parts, variant, history), { name: `s${place}` }));
    parts.master = system.spawn((self) => master(self, parts), { name: "master" });
    for (const op of operations)
      if ("update" in op) system.tell(parts.servers[0]!).update(op.update);
      else system.tell(parts.master).failed(op.fail);
    await runUntilIdle();
    const [atHead, atTail] = [histories[0]!.join(), histories[size - 1]!.join()];
    if (atTail !== atHead) throw new Error(`every update reaches the tail, once and in order: ${atTail} of ${atHead}`);
  },
};
