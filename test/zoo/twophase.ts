// Two-phase commit of one value by two participants, which vote no while another transaction holds their lock. A client
// whose write has been committed, and acknowledged by both, reads it back from one of them.
// Bug: the read gives the newest value, which another client's commit may have written meanwhile.
// Fix: it reads in the snapshot of its transaction: the newest version that is no newer than that. The client's promise,
// to read back what it wrote, stays the same.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

interface Write {
  readonly client: string;
  readonly value: number;
  /** The participant that is asked afterwards. */
  readonly readFrom: number;
}

interface Client {
  write(write: Write): void;
  committed(tx: number): void;
  read(value: number | undefined): void;
}

interface Coordinator {
  begin(write: { readonly client: string; readonly value: number }): void;
  vote(vote: { readonly tx: number; readonly yes: boolean }): void;
  done(tx: number): void;
}

interface Participant {
  prepare(write: { readonly tx: number; readonly value: number }): void;
  commit(tx: number): void;
  abort(tx: number): void;
  readBack(read: { readonly tx: number; readonly client: string }): void;
}

type Clients = ReadonlyMap<string, Ref<Client>>;

const client = (
  self: Self,
  name: string,
  coordinator: Ref<Coordinator>,
  participants: readonly Ref<Participant>[],
  seen: (wrote: number, read: number | undefined) => void,
): Client => {
  let written: Write | undefined;
  return {
    write(write) {
      written = write;
      self.tell(coordinator).begin({ client: name, value: write.value });
    },
    committed(tx) {
      self.tell(participants[written?.readFrom ?? 0]!).readBack({ tx, client: name });
    },
    read(value) {
      if (written !== undefined) seen(written.value, value);
    },
  };
};

const coordinator = (self: Self, clients: Clients, participants: readonly Ref<Participant>[]): Coordinator => {
  const transactions: { client: string; votes: boolean[]; done: number }[] = [];
  return {
    begin({ client, value }) {
      const tx = transactions.push({ client, votes: [], done: 0 }) - 1;
      for (const participant of participants) self.tell(participant).prepare({ tx, value });
    },
    vote({ tx, yes }) {
      const votes = transactions[tx]?.votes ?? [];
      if (votes.push(yes) < participants.length) return;
      const end = votes.every((vote) => vote) ? "commit" : "abort";
      for (const participant of participants) self.tell(participant)[end](tx);
    },
    done(tx) {
      const transaction = transactions[tx];
      if (transaction === undefined || ++transaction.done < participants.length) return;
      self.tell(clients.get(transaction.client)!).committed(tx);
    },
  };
};

const participant = (self: Self, clients: Clients, coordinator: Ref<Coordinator>, variant: Variant): Participant => {
  const versions: { tx: number; value: number }[] = [];
  let prepared: { tx: number; value: number } | undefined;
  return {
    prepare(write) {
      const yes = prepared === undefined;
      prepared ??= write;
      self.tell(coordinator).vote({ tx: write.tx, yes });
    },
    commit(tx) {
      if (prepared?.tx === tx) versions.push(prepared);
      prepared = undefined;
      self.tell(coordinator).done(tx);
    },
    abort(tx) {
      if (prepared?.tx === tx) prepared = undefined;
    },
    readBack({ tx, client }) {
      const version = variant === "buggy" ? versions.at(-1) : versions.findLast((one) => one.tx <= tx);
      self.tell(clients.get(client)!).read(version?.value);
    },
  };
};

export const twophase: Protocol<Write> = {
  name: "twophase",
  source: "Two-phase commit of P's tutorial, tcMultipleClientsNoFailure",
  depth: 2,
  published: "within 10,000 schedules (P's tutorial)",
  time: "windows",
  operations: [
    { client: "ann", value: 1, readFrom: 0 },
    { client: "bob", value: 2, readFrom: 1 },
  ],
  async play({ system, runUntilIdle }, variant, operations) {
    const wrong: string[] = [];
    const clients = new Map<string, Ref<Client>>();
    const participants: Ref<Participant>[] = [];
    const coordinates = system.spawn((self) => coordinator(self, clients, participants), { name: "coordinator" });
    for (const name of ["p0", "p1"])
      participants.push(system.spawn((self) => participant(self, clients, coordinates, variant), { name }));
    for (const { client: name } of operations) {
      const seen = (wrote: number, read: number | undefined) => {
        if (wrote !== read) wrong.push(`${name} wrote ${wrote} and read ${read}`);
      };
      clients.set(
        name,
        system.spawn((self) => client(self, name, coordinates, participants, seen), { name }),
      );
    }
    for (const write of operations) system.tell(clients.get(write.client)!).write(write);
    await runUntilIdle();
    if (wrong.length > 0) throw new Error(`a client reads back what it committed: ${wrong.join(", ")}`);
  },
};
