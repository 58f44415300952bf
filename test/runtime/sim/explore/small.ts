// Small programs with the number of their orders in `async` time, in which timers and deadlines may come at any moment.

import { type Message, type Ref, receive, type Self, settle } from "antiphon";
import type { SimulatedWorld } from "antiphon/sim";

type Play = (world: Pick<SimulatedWorld, "system" | "runUntilIdle">) => Promise<void>;

const forEver = { within: Infinity } as const;

const notebook = () => ({ note() {} });
type Notebook = ReturnType<typeof notebook>;

/** Notes something, so many times. */
const writer = (self: Self, to: Ref<Notebook>) => ({
  write(times: number) {
    for (let i = 0; i < times; i++) self.tell(to).note();
  },
});

const register = () => {
  let value = 0;
  return {
    read: () => value,
    write(next: number) {
      value = next;
    },
  };
};

const adder = (self: Self, to: Ref<ReturnType<typeof register>>) => ({
  async add() {
    const value = await self.ask(to, forEver).read();
    await self.ask(to, forEver).write(value + 1);
  },
});

/** So many clients read a register, and write what they read and one more. */
function askedUpdate(clients: number): Play {
  return async ({ system, runUntilIdle }) => {
    const to = system.spawn(register, { name: "register" });
    for (let i = 1; i <= clients; i++) system.tell(system.spawn((self) => adder(self, to), { name: `c${i}` })).add();
    await runUntilIdle();
  };
}

interface Client {
  begin(): void;
  found(value: number): void;
}

interface Store {
  read(from: Ref<Client>): void;
  write(value: number): void;
}

const store = (self: Self): Store => {
  let value = 0;
  return {
    read(from) {
      self.tell(from).found(value);
    },
    write(next) {
      value = next;
    },
  };
};

const client = (self: Self<Client>, to: Ref<Store>, writes: (value: number) => number | undefined): Client => ({
  begin() {
    self.tell(to).read(self.ref);
  },
  found(value) {
    const written = writes(value);
    if (written !== undefined) self.tell(to).write(written);
  },
});

/** The same, told; each writes what `writes` says, if that says something. */
function toldUpdate(clients: number, writes = (value: number): number | undefined => value + 1): Play {
  return async ({ system, runUntilIdle }) => {
    const to = system.spawn(store, { name: "store" });
    for (let i = 1; i <= clients; i++)
      system.tell(system.spawn((self: Self<Client>) => client(self, to, writes), { name: `c${i}` })).begin();
    await runUntilIdle();
  };
}

/** One actor asks so many others at once. */
function askedAtOnce(others: number): Play {
  return async ({ system, runUntilIdle }) => {
    const notebooks = Array.from({ length: others }, (_, i) => system.spawn(notebook, { name: `n${i + 1}` }));
    const asker = (self: Self) => ({
      async askAll() {
        await Promise.all(notebooks.map((to) => self.ask(to, forEver).note()));
      },
    });
    system.tell(system.spawn(asker, { name: "asker" })).askAll();
    await runUntilIdle();
  };
}

/** So many writers note twice. */
function twice(writers: number): Play {
  return async ({ system, runUntilIdle }) => {
    const to = system.spawn(notebook, { name: "notebook" });
    for (let i = 1; i <= writers; i++)
      system.tell(system.spawn((self) => writer(self, to), { name: `w${i}` })).write(2);
    await runUntilIdle();
  };
}

/** Tokens go round three actors, from one of them each, so many steps. */
function ring(tokens: number, steps: number): Play {
  return async ({ system, runUntilIdle }) => {
    interface Node {
      pass(left: number): void;
    }
    const nodes: Ref<Node>[] = [];
    const node = (self: Self, next: number): Node => ({
      pass(left) {
        if (left > 1) self.tell(nodes[next]!).pass(left - 1);
      },
    });
    for (let i = 0; i < 3; i++) nodes.push(system.spawn((self) => node(self, (i + 1) % 3), { name: `n${i + 1}` }));
    for (let i = 0; i < tokens; i++) system.tell(nodes[i]!).pass(steps);
    await runUntilIdle();
  };
}

const sleepers: Play = async ({ system, runUntilIdle }) => {
  const late = (self: Self) => ({
    async note() {
      await self.sleep("1ms");
    },
  });
  const to = system.spawn(late, { name: "late" });
  const lateWriter = (self: Self) => ({
    async write() {
      await self.sleep("1ms");
      self.tell(to).note();
    },
  });
  system.tell(to).note();
  system.tell(system.spawn(lateWriter, { name: "writer" })).write();
  await runUntilIdle();
};

/** Two timers of one actor, and another one that cancels the second. */
const cancelled: Play = async ({ system, runUntilIdle }) => {
  const clock = (self: Self) => {
    let stop = () => {};
    return {
      start() {
        self.after("1ms", () => {}, "one");
        const timer = self.after("2ms", () => {}, "two");
        stop = () => timer.cancel();
      },
      note() {
        stop();
      },
    };
  };
  const to = system.spawn(clock, { name: "clock" });
  system.tell(to).start();
  system.tell(system.spawn((self) => writer(self, to), { name: "writer" })).write(1);
  await runUntilIdle();
};

/** Who asks with a deadline asks somebody who asks somebody; another one notes there too. */
function deadline(asks: number): Play {
  return async ({ system, runUntilIdle }) => {
    let to: Ref<Notebook> = system.spawn(notebook, { name: "n1" });
    system.tell(system.spawn((self) => writer(self, to), { name: "writer" })).write(1);
    for (let i = 2; i <= asks; i++) {
      const next = to;
      const between = (self: Self) => ({
        async note() {
          await self.ask(next, forEver).note();
        },
      });
      to = system.spawn(between, { name: `n${i}` });
    }
    const asker = (self: Self) => ({
      async begin() {
        await settle(self.ask(to, { within: "5ms" }).note());
      },
    });
    system.tell(system.spawn(asker, { name: "asker" })).begin();
    await runUntilIdle();
  };
}

/** Somebody ends the way `end` says when it is told to, while others ask and tell it. */
function ending(end: (self: Self) => void): Play {
  return async ({ system, runUntilIdle }) => {
    const mortal = (self: Self) => ({
      note() {},
      end() {
        end(self);
      },
    });
    const to = system.spawn(mortal, { name: "mortal" });
    const asker = (self: Self) => ({
      async begin() {
        await settle(self.ask(to, forEver).note());
      },
    });
    system.tell(system.spawn(asker, { name: "asker" })).begin();
    system.tell(to).end();
    system.tell(system.spawn((self) => writer(self, to), { name: "writer" })).write(1);
    await runUntilIdle();
  };
}

const crash = () => {
  throw new Error("crash");
};

/** What somebody asked for is given to a pipe, while it ends. */
function piped(end: (self: Self) => void): Play {
  return async ({ system, runUntilIdle }) => {
    const to = system.spawn(notebook, { name: "notebook" });
    const piper = (self: Self) => ({
      begin() {
        self.pipeToSelf(self.ask(to, forEver).note(), () => {});
      },
      end() {
        end(self);
      },
    });
    const ref = system.spawn(piper, { name: "piper" });
    system.tell(ref).begin();
    system.tell(ref).end();
    await runUntilIdle();
  };
}

const watched: Play = async ({ system, runUntilIdle }) => {
  const mortal = (self: Self) => ({
    end() {
      self.stop();
    },
  });
  const to = system.spawn(mortal, { name: "mortal" });
  const watcher = (self: Self) => ({
    begin() {
      self.watch(to, () => {});
    },
    note() {},
  });
  const ref = system.spawn(watcher, { name: "watcher" });
  system.tell(ref).begin();
  system.tell(to).end();
  system.tell(system.spawn((self) => writer(self, ref), { name: "writer" })).write(1);
  await runUntilIdle();
};

/** Two clients ask by way of somebody who forwards, and one asks past it. */
const forwarded: Play = async ({ system, runUntilIdle }) => {
  const to = system.spawn(register, { name: "register" });
  const router = () => ({
    [receive](m: Message<ReturnType<typeof register>>) {
      m.forward(to);
    },
  });
  const by = system.spawn(router, { name: "router" });
  for (const [name, ref] of [
    ["c1", by],
    ["c2", by],
    ["c3", to],
  ] as const) {
    const reader = (self: Self) => ({
      async begin() {
        await self.ask<ReturnType<typeof register>>(ref, forEver).read();
      },
    });
    system.tell(system.spawn(reader, { name })).begin();
  }
  await runUntilIdle();
};

/** An actor is to stop while it still asks: it may finish, for a while. */
const stopsLate: Play = async ({ system, runUntilIdle }) => {
  const to = system.spawn(notebook, { name: "notebook" });
  const asker = (self: Self) => ({
    async begin() {
      self.stop();
      await self.ask(to, forEver).note();
    },
  });
  system.tell(system.spawn(asker, { name: "asker" })).begin();
  await runUntilIdle();
};

/** A child that ends the way `end` says, and a parent that stops: as it is told at first, or later, or in a while. */
function family(end: (self: Self) => void, isToldFirst: boolean, parentMs = 0): Play {
  return async ({ system, runUntilIdle }) => {
    const child = (self: Self) => ({ end: () => end(self) });
    const parent = (self: Self<{ begin(): void; end(): unknown }>) => ({
      begin() {
        self.tell(self.spawn(child, { name: "child" })).end();
        if (!isToldFirst) self.tell(self.ref).end();
      },
      end() {
        self.stop();
        return parentMs > 0 ? self.sleep(parentMs) : undefined;
      },
    });
    const ref = system.spawn(parent, { name: "parent" });
    system.tell(ref).begin();
    if (isToldFirst) system.tell(ref).end();
    await runUntilIdle();
  };
}

/** A client asks by way of somebody who forwards to one who stops. */
const forwardedToEnd: Play = async ({ system, runUntilIdle }) => {
  const mortal = (self: Self) => ({ note() {}, end: () => self.stop() });
  const to = system.spawn(mortal, { name: "mortal" });
  const router = () => ({
    [receive](m: Message<Notebook>) {
      m.forward(to);
    },
  });
  const by = system.spawn(router, { name: "router" });
  const asker = (self: Self) => ({
    async begin() {
      await settle(self.ask(by, forEver).note());
    },
  });
  system.tell(system.spawn(asker, { name: "asker" })).begin();
  system.tell(to).end();
  await runUntilIdle();
};

/** Six cells, each written by one writer and read by a reader of its own. Source: `readers` of Concuerror's tests. */
export const cells: Play = async ({ system, runUntilIdle }) => {
  const written = Array.from({ length: 6 }, (_, i) => system.spawn(notebook, { name: `cell${i + 1}` }));
  const all = (self: Self) => ({
    write() {
      for (const cell of written) self.tell(cell).note();
    },
  });
  system.tell(system.spawn(all, { name: "writer" })).write();
  for (const [i, cell] of written.entries())
    system.tell(system.spawn((self) => writer(self, cell), { name: `reader${i + 1}` })).write(1);
  await runUntilIdle();
};

interface Small {
  readonly name: string;
  readonly play: Play;
}

/** With the number of their orders. Sources: 6, 90 and 66 as prototypes had. */
export const counted: readonly (Small & { readonly orders: number })[] = [
  { name: "a lost update of two that ask", orders: 6, play: askedUpdate(2) },
  { name: "a lost update of three that ask", orders: 90, play: askedUpdate(3) },
  { name: "a lost update of two that tell", orders: 6, play: toldUpdate(2) },
  { name: "a lost update of three that tell", orders: 90, play: toldUpdate(3) },
  { name: "three that register what is not yet", orders: 66, play: toldUpdate(3, (v) => (v === 0 ? 1 : undefined)) },
  { name: "two writers of two notes", orders: 6, play: twice(2) },
  { name: "three writers of two notes", orders: 90, play: twice(3) },
  { name: "two asks at once", orders: 2, play: askedAtOnce(2) },
  { name: "three asks at once", orders: 6, play: askedAtOnce(3) },
  { name: "two tokens in a ring", orders: 3, play: ring(2, 4) },
  { name: "three tokens in a ring", orders: 16, play: ring(3, 3) },
  { name: "a message to an actor that sleeps", orders: 2, play: sleepers },
  { name: "two timers and a cancellation", orders: 7, play: cancelled },
  { name: "a deadline", orders: 7, play: deadline(1) },
  { name: "a watch", orders: 3, play: watched },
  { name: "asks that are forwarded", orders: 6, play: forwarded },
];

/** In which somebody ends or gives up: how many orders there are depends on what counts as seen by whom. */
export const endings: readonly Small[] = [
  { name: "a deadline that is inherited", play: deadline(2) },
  { name: "a deadline that is inherited twice", play: deadline(3) },
  { name: "a crash", play: ending(crash) },
  { name: "a stop", play: ending((self) => self.stop()) },
  { name: "a pipe and a crash", play: piped(crash) },
  { name: "a pipe and a stop", play: piped((self) => self.stop()) },
  { name: "a stop of an actor that asks", play: stopsLate },
  { name: "a stop of a child and of its parent", play: family((self) => self.stop(), false) },
  { name: "a crash of a child whose parent stops in a while", play: family(crash, true, 1) },
  { name: "an ask that is forwarded to an actor that stops", play: forwardedToEnd },
];
