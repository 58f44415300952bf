// A router passes the jobs of a client by way of a buffer to the worker of their key, in their order.
// Bug: when it restarts, a new buffer passes later jobs while earlier ones of the same key are still in the old one.
// Fix: the old one is drained before, down to the workers, and jobs are held meanwhile.

import type { Ref, Self } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

interface Job {
  readonly key: string;
  readonly n: number;
}
type Op = Job | "restart";
type Workers = ReadonlyMap<string, Ref<ReturnType<typeof worker>>>;

interface Drained {
  drained(): void;
}

const worker = (self: Self, done: number[]) => ({
  work(n: number) {
    done.push(n);
  },
  drain(to: Ref<Drained>) {
    self.tell(to).drained();
  },
});

const buffer = (self: Self, workers: Workers) => ({
  put({ key, n }: Job) {
    self.tell(workers.get(key)!).work(n);
  },
  drain(to: Ref<Drained>) {
    for (const one of workers.values()) self.tell(one).drain(to);
  },
});

const dispatcher = (self: Self, workers: Workers, variant: Variant) => {
  let epoch = 0;
  const renewed = () => self.spawn((child) => buffer(child, workers), { name: `buffer${++epoch}` });
  let current = renewed();
  let undrained = 0;
  const held: Job[] = [];
  return {
    route(job: Job) {
      if (undrained > 0) held.push(job);
      else self.tell(current).put(job);
    },
    restart() {
      if (variant === "buggy") current = renewed();
      else if (undrained === 0) {
        undrained = workers.size;
        self.tell(current).drain(self.ref);
      }
    },
    drained() {
      if (--undrained > 0) return;
      current = renewed();
      for (const job of held.splice(0)) self.tell(current).put(job);
    },
  };
};

const client = (self: Self, to: Ref<ReturnType<typeof dispatcher>>) => ({
  send(job: Job) {
    self.tell(to).route(job);
  },
});

export const router: Protocol<Op> = {
  name: "router",
  source: "own: FIFO broken by a restarted router",
  depth: 2,
  time: "windows",
  operations: [{ key: "a", n: 1 }, { key: "b", n: 2 }, "restart", { key: "a", n: 3 }, { key: "b", n: 4 }],
  async play({ system, runUntilIdle }, variant, operations) {
    const done: ReadonlyMap<string, number[]> = new Map([
      ["a", []],
      ["b", []],
    ]);
    const workers: Workers = new Map(
      [...done].map(([key, list]) => [key, system.spawn((self) => worker(self, list), { name: `worker-${key}` })]),
    );
    const routing = system.spawn((self) => dispatcher(self, workers, variant), { name: "router" });
    const sending = system.spawn((self) => client(self, routing), { name: "client" });
    for (const op of operations)
      if (op === "restart") system.tell(routing).restart();
      else system.tell(sending).send(op);
    await runUntilIdle();
    for (const [key, list] of done) {
      const sent = operations.flatMap((op) => (op !== "restart" && op.key === key ? [op.n] : []));
      if (list.join() !== sent.join())
        throw new Error(`the jobs of a key are done in their order: of ${key} ${list.join()}, sent ${sent.join()}`);
    }
  },
};
