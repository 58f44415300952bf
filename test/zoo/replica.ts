// A register on two servers: the primary takes the writes and passes them to the backup, and both answer reads.
// Bug: the primary tells the backup, and answers before the write is there: a read from the backup is older than a write
// that has ended. Fix: it asks the backup; reads that come to it meanwhile wait, as the actor does one thing at a time.

import type { Ref, Self } from "antiphon";
import { recorder } from "../../src/testing/history.ts";
import { linearizable } from "../../src/testing/linearizable.ts";
import { type RegisterInput, type RegisterOutput, register } from "../../src/testing/models.ts";
import type { Protocol, Variant } from "./protocol.ts";

type Access =
  | { readonly client: string; readonly write: number }
  | { readonly client: string; readonly readFrom: "primary" | "backup" };

const backup = () => {
  let value = 0;
  return {
    apply(written: number) {
      value = written;
    },
    read: () => value,
  };
};

const primary = (self: Self, backup: Ref<{ apply(written: number): void }>, variant: Variant) => {
  let value = 0;
  return {
    async write(written: number) {
      if (variant === "buggy") self.tell(backup).apply(written);
      else await self.ask(backup).apply(written);
      value = written;
    },
    read: () => value,
  };
};

export const replica: Protocol<Access> = {
  name: "replica",
  source: "Single-copy register of Stateright's examples, on two servers",
  depth: 1,
  time: "windows",
  operations: [
    { client: "ann", write: 1 },
    { client: "ann", readFrom: "backup" },
    { client: "bob", readFrom: "primary" },
    { client: "bob", readFrom: "backup" },
  ],
  async play({ system, now, runUntilIdle }, variant, operations) {
    const { record, history } = recorder<RegisterInput<number>, RegisterOutput<number>>(now);
    const copy = system.spawn(backup, { name: "backup" });
    const original = system.spawn((self) => primary(self, copy, variant), { name: "primary" });
    const client = (self: Self) => ({
      async access(access: Access) {
        if ("write" in access)
          await record(access.client, ["write", access.write], () => self.ask(original).write(access.write));
        else
          await record(access.client, ["read"], () =>
            self.ask<{ read(): number }>(access.readFrom === "primary" ? original : copy).read(),
          );
      },
    });
    const names = new Set(operations.map((access) => access.client));
    const clients = new Map([...names].map((name) => [name, system.spawn(client, { name })]));
    for (const access of operations) system.tell(clients.get(access.client)!).access(access);
    await runUntilIdle();
    const verdict = linearizable(history, register(0));
    if (verdict.ok !== true) throw new Error(`the register is linearizable: ${verdict.text}`);
  },
};
