// A registry of processes: clients look a name up, and serve it themselves if nobody does.
// Bug: looking up and registering are two messages, and between them another client finds nobody either: both serve.
// Fix: one message gives who serves the name, and registers the client if nobody does.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

interface Join {
  readonly client: string;
  readonly name: string;
  /** Turns that the client lets pass before: in the base order one client follows the other. */
  readonly turns: number;
}

interface Client {
  join(join: Join): void;
  found(found: { readonly name: string; readonly server: string | undefined }): void;
}

interface Lookup {
  readonly name: string;
  readonly client: string;
}

interface Registry {
  whereis(lookup: Lookup): void;
  register(lookup: Lookup): void;
  registerOrGet(lookup: Lookup): void;
}

const client = (
  self: Self<Client>,
  client: string,
  registry: Ref<Registry>,
  variant: Variant,
  uses: (name: string, server: string) => void,
): Client => ({
  join(join) {
    const { name, turns } = join;
    if (turns > 0) self.tell(self.ref).join({ ...join, turns: turns - 1 });
    else if (variant === "buggy") self.tell(registry).whereis({ name, client });
    else self.tell(registry).registerOrGet({ name, client });
  },
  found({ name, server = client }) {
    if (variant === "buggy" && server === client) self.tell(registry).register({ name, client });
    uses(name, server);
  },
});

const registrar = (self: Self, clients: ReadonlyMap<string, Ref<Client>>): Registry => {
  const servers = new Map<string, string>();
  const whereis = ({ name, client }: Lookup) =>
    self.tell(clients.get(client)!).found({ name, server: servers.get(name) });
  const register = ({ name, client }: Lookup) => {
    if (!servers.has(name)) servers.set(name, client);
  };
  return {
    whereis,
    register,
    registerOrGet(lookup) {
      register(lookup);
      whereis(lookup);
    },
  };
};

export const registry: Protocol<Join> = {
  name: "registry",
  source: "proc_reg of PULSE (ICFP 2009) and gen_server register of Concuerror's tests",
  depth: 2,
  published: "1 error in 2 interleavings (Concuerror's tests)",
  time: "windows",
  operations: [
    { client: "ann", name: "printer", turns: 0 },
    { client: "bob", name: "printer", turns: 2 },
    { client: "cay", name: "printer", turns: 4 },
  ],
  async play({ system, runUntilIdle }, variant, operations) {
    const used = new Map<string, Set<string>>();
    const clients = new Map<string, Ref<Client>>();
    const names = system.spawn((self) => registrar(self, clients), { name: "registry" });
    const uses = (name: string, server: string) => used.set(name, (used.get(name) ?? new Set()).add(server));
    for (const { client: name } of operations)
      clients.set(
        name,
        system.spawn((self) => client(self, name, names, variant, uses), { name }),
      );
    for (const join of operations) system.tell(clients.get(join.client)!).join(join);
    await runUntilIdle();
    for (const [name, servers] of used)
      if (servers.size > 1) throw new Error(`a name has one server: ${name} has ${[...servers].join(" and ")}`);
  },
};
