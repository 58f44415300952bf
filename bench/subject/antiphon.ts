// The rows on Antiphon, through its public names and as a user writes actors: classes that are given `self`. Those with
// many actors, and their actors, are in antiphon-crowd.ts.

import { createSystem, type Ref, type Self } from "antiphon";
import { askAll, expectEqual, type Subject, signal, sizes, xorshift } from "../rows.ts";
import { crowd } from "./antiphon-crowd.ts";

class Node {
  readonly self: Self;
  readonly ended: () => void;
  next: Ref<Node> | undefined;

  constructor(self: Self, ended: () => void) {
    this.self = self;
    this.ended = ended;
  }

  link(next: Ref<Node>): void {
    this.next = next;
  }

  hop(left: number): void {
    if (left === 0 || this.next === undefined) this.ended();
    else this.self.tell(this.next).hop(left - 1);
  }
}

class Counter {
  sum = 0;

  add(n: number): void {
    this.sum += n;
  }

  total(): number {
    return this.sum;
  }
}

class Echo {
  next(n: number): number {
    return n + 1;
  }
}

class Asker {
  readonly self: Self;
  readonly echo: Ref<Echo>;

  constructor(self: Self, echo: Ref<Echo>) {
    this.self = self;
    this.echo = echo;
  }

  run({ asks, inFlight }: { asks: number; inFlight: number }): Promise<number> {
    return askAll(asks, inFlight, (n) => this.self.ask(this.echo).next(n));
  }
}

class Collector {
  readonly expected: number;
  readonly ended: () => void;
  sum = 0;
  count = 0;

  constructor(expected: number, ended: () => void) {
    this.expected = expected;
    this.ended = ended;
  }

  collect(n: number): void {
    this.sum += n;
    if (++this.count === this.expected) this.ended();
  }

  total(): number {
    return this.sum;
  }
}

class Worker {
  readonly self: Self;
  readonly collector: Ref<Collector>;

  constructor(self: Self, collector: Ref<Collector>) {
    this.self = self;
    this.collector = collector;
  }

  work(n: number): void {
    this.self.tell(this.collector).collect(n);
    this.self.stop();
  }
}

class Account {
  balance = sizes.balance;

  withdraw(amount: number): number {
    this.balance -= amount;
    return this.balance;
  }

  deposit(amount: number): number {
    this.balance += amount;
    return this.balance;
  }
}

class Teller {
  readonly self: Self;
  readonly accounts: readonly Ref<Account>[];
  readonly draw: (below: number) => number;

  constructor(self: Self, accounts: readonly Ref<Account>[], draw: (below: number) => number) {
    this.self = self;
    this.accounts = accounts;
    this.draw = draw;
  }

  async move(count: number): Promise<number> {
    for (let done = 0; done < count; done++) {
      await this.self.ask(this.accounts[this.draw(sizes.accounts)] as Ref<Account>).withdraw(1);
      await this.self.ask(this.accounts[this.draw(sizes.accounts)] as Ref<Account>).deposit(1);
    }
    return count;
  }
}

export const subject: Subject = {
  ...crowd,

  ring(hops) {
    const system = createSystem();
    const end = signal();
    const refs: Ref<Node>[] = [];
    for (let i = 0; i < sizes.ringActors; i++) refs.push(system.spawn((self) => new Node(self, end.reach)));
    for (const [i, ref] of refs.entries()) system.tell(ref).link(refs[(i + 1) % sizes.ringActors] as Ref<Node>);
    return {
      run() {
        system.tell(refs[0] as Ref<Node>).hop(hops);
        return end.reached;
      },
      // The links are messages too.
      check: () => expectEqual("hops", system.census().handled, hops + 1 + sizes.ringActors),
    };
  },

  counting(messages) {
    const system = createSystem();
    const counter = system.spawn(() => new Counter(), { mailbox: { capacity: messages + 1 } });
    let answer = 0;
    return {
      async run() {
        for (let i = 0; i < messages; i++) system.tell(counter).add(1);
        answer = await system.ask(counter).total();
      },
      check: () => expectEqual("total", answer, messages),
    };
  },

  ask(asks, inFlight) {
    const system = createSystem();
    const echo = system.spawn(() => new Echo());
    let sum = 0;
    return {
      async run() {
        sum = await askAll(asks, inFlight, (n) => system.ask(echo).next(n));
      },
      check: () => expectEqual("sum of answers", sum, (asks * (asks + 1)) / 2),
    };
  },

  // The outer ask is older than those it causes and has the same default: its deadline is the nearer one.
  "ask-inside"(asks, inFlight) {
    const system = createSystem();
    const echo = system.spawn(() => new Echo());
    const asker = system.spawn((self) => new Asker(self, echo));
    let sum = 0;
    return {
      async run() {
        sum = await system.ask(asker).run({ asks, inFlight });
      },
      check: () => expectEqual("sum of answers", sum, (asks * (asks + 1)) / 2),
    };
  },

  create(actors) {
    const system = createSystem();
    const end = signal();
    const mailbox = { capacity: actors };
    const collector = system.spawn(() => new Collector(actors, end.reach), { mailbox });
    return {
      run() {
        for (let i = 0; i < actors; i++) system.tell(system.spawn((self) => new Worker(self, collector))).work(i);
        return end.reached;
      },
      async check() {
        await new Promise((resolve) => setTimeout(resolve, 5));
        expectEqual("sum", await system.ask(collector).total(), (actors * (actors - 1)) / 2);
        expectEqual("actors left", system.census().actors, 1);
      },
    };
  },

  bank(transfers) {
    const system = createSystem();
    const draw = xorshift(7);
    const accounts: Ref<Account>[] = [];
    const tellers: Ref<Teller>[] = [];
    // The balance is the account's own: it is asked for at the end by a withdrawal of nothing.
    for (let i = 0; i < sizes.accounts; i++) accounts.push(system.spawn(() => new Account()));
    for (let i = 0; i < sizes.tellers; i++) tellers.push(system.spawn((self) => new Teller(self, accounts, draw)));
    return {
      run: () => Promise.all(tellers.map((teller) => system.ask(teller).move(transfers / sizes.tellers))),
      async check() {
        expectEqual("messages", system.census().handled, 2 * transfers + sizes.tellers);
        const balances = await Promise.all(accounts.map((account) => system.ask(account).withdraw(0)));
        expectEqual(
          "money",
          balances.reduce((sum, balance) => sum + balance, 0),
          sizes.accounts * sizes.balance,
        );
      },
    };
  },

  idle(actors) {
    const system = createSystem();
    const refs: Ref<Echo>[] = [];
    for (let i = 0; i < actors; i++) refs.push(system.spawn(() => new Echo()));
    return { system, refs };
  },
};
