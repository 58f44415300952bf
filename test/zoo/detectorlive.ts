// A failure detector; its clients register and are notified by way of a network, which loses what is for clients that it
// has not heard of. Bug: a failure is notified once, and a client whose registration comes later never hears of it.
// Fix: a registration is answered with the failures so far.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

type Op = { readonly register: string } | { readonly fail: string };

interface Client {
  failed(node: string): void;
}

interface Parts {
  network: Ref<ReturnType<typeof network>>;
  detector: Ref<ReturnType<typeof detector>>;
}

const network = (self: Self, parts: Parts) => {
  const clients: Ref<Client>[] = [];
  return {
    register(client: Ref<Client>): void {
      clients.push(client);
      self.tell(parts.detector).register(client);
    },
    notify(node: string): void {
      for (const client of clients) self.tell(client).failed(node);
    },
  };
};

const detector = (self: Self, parts: Parts, variant: Variant) => {
  const down: string[] = [];
  return {
    register(client: Ref<Client>): void {
      if (variant === "fixed") for (const node of down) self.tell(client).failed(node);
    },
    failed(node: string): void {
      down.push(node);
      self.tell(parts.network).notify(node);
    },
  };
};

const client = (self: Self, parts: Parts, known: Set<string>) => ({
  register() {
    self.tell(parts.network).register(self.ref);
  },
  failed(node: string) {
    known.add(node);
  },
});

const node = (self: Self, parts: Parts, name: string) => ({
  fail() {
    self.tell(parts.detector).failed(name);
  },
});

export const detectorlive: Protocol<Op> = {
  name: "detectorlive",
  source: "Failure detector of the tutorial of P: a node down is never announced when notifications are lost",
  depth: 1,
  time: "windows",
  operations: [{ register: "ann" }, { register: "bo" }, { fail: "n1" }],
  async play({ system, runUntilIdle }, variant, operations) {
    const parts = {} as Parts;
    parts.network = system.spawn((self) => network(self, parts), { name: "network" });
    parts.detector = system.spawn((self) => detector(self, parts, variant), { name: "detector" });
    const knownTo = new Map<string, Set<string>>();
    const down: string[] = [];
    for (const op of operations)
      if ("register" in op) {
        const known = new Set<string>();
        knownTo.set(op.register, known);
        system.tell(system.spawn((self) => client(self, parts, known), { name: op.register })).register();
      } else {
        down.push(op.fail);
        system.tell(system.spawn((self) => node(self, parts, op.fail), { name: op.fail })).fail();
      }
    await runUntilIdle();
    for (const [name, known] of knownTo)
      for (const one of down)
        if (!known.has(one)) throw new Error(`every client hears of every failure: ${name} not of that of ${one}`);
  },
};
