// A process with a durable queue, until it is killed: it publishes, handles and commits, and prints each step when it has
// happened. It begins when it is told to: it is started before its turn, as loading takes longer than a round. With
// `drain` it publishes nothing, and ends when nothing is left. Its last argument is how often it delivers. Bundled by the
// test.

import { writeSync } from "node:fs";
import { createSystem, type Ref, type Self } from "antiphon";
import { commit, deadLetters, inspect, lmdbJournal, queue } from "antiphon/broker";

const [path = "", round = "0", mode = "publish", delivery = "atLeastOnce"] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const keys = 4;
const window = 16;

interface Work {
  work(n: number): unknown;
}

process.stdin.once("data", async () => {
  const system = createSystem({
    report: (event) => {
      if (event.kind === "crashed" && event.path === "/q") say(`crashed ${String(event.reason)}`);
    },
  });
  const worker = (self: Self): Work => ({
    async work(n) {
      say(`started ${n}`);
      await self.sleep(n % 3);
      if (n % 7 === 0 && self.message?.attempt === 1) throw new Error("planted");
      await commit(self, q, { state: { [`last-${n % keys}`]: n } });
      say(`acked ${n}`);
    },
  });
  const supervision = { maxRestarts: Number.POSITIVE_INFINITY };
  const to = system.spawn(worker, { name: "worker", concurrency: keys, supervision });
  const q: Ref<Work> = system.spawn(
    queue(to, {
      ...{ order: "key", prefetch: keys, snapshotEvery: 100 },
      ...(delivery === "atMostOnce" ? { delivery } : { backoff: 1, maxAttempts: 1_000 }),
      ...{ capacity: { messages: 64 }, overflow: "wait", journal: lmdbJournal(path) },
    }),
    { name: "q" },
  );
  const { backlog } = (await inspect(system, q)).topics[0] ?? { backlog: -1 };
  say(`recovered ${backlog}`);
  let n = Number(round) * 1_000_000;
  const publish = async () => {
    for (;;) {
      const mine = n++;
      await system.offer(q, { key: `${mine % keys}`, id: `${mine}` }).work(mine);
      say(`confirmed ${mine}`);
    }
  };
  if (mode === "publish") for (let i = 0; i < window; i++) publish().catch((error) => say(`failed ${String(error)}`));
  else {
    for (let left = backlog; left > 0; left = (await inspect(system, q)).topics[0]?.backlog ?? -1)
      await new Promise((resolve) => setTimeout(resolve, 2));
    say(`dead ${(await deadLetters(system, q)).length}`);
    await system.stop();
    process.exit(0);
  }
});
