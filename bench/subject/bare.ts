// The rows on the bare kernel, those with a budget by hand. Messages are what a kernel without message names would carry: a number where one
// number says all, an object with a type where the receiver takes two kinds.

import { Asked, Kernel, type Ref } from "../bare.ts";
import { type Behaviour, type Kit, nodeTimer, subjectOf } from "../peer/shapes.ts";
import { askAll, expectEqual, type Subject, signal, sizes, xorshift } from "../rows.ts";

const total = "total";
type Transfer = { readonly type: "withdraw" | "deposit"; readonly amount: number };

function open(): Kit<Ref> {
  const kernel = new Kernel();
  const tell = (to: Ref, n: number): void => kernel.tell(to, n, null);
  return {
    spawn: ({ take, answer }: Behaviour) =>
      kernel.spawn((n: number, sender) => (sender instanceof Asked ? answer?.(n) : take?.(n))),
    tell,
    ask: (to, n) => kernel.ask(to, n),
    stop: (one) => kernel.stop(one),
    after: nodeTimer(tell),
  };
}

export const subject: Subject = {
  ...subjectOf(open),

  ring(hops) {
    const kernel = new Kernel();
    const end = signal();
    const refs: Ref[] = [];
    for (let i = 0; i < sizes.ringActors; i++) {
      const self: Ref = kernel.spawn((left: number) => {
        if (left === 0) end.reach();
        else kernel.tell(refs[i + 1 === sizes.ringActors ? 0 : i + 1] as Ref, left - 1, self);
      });
      refs.push(self);
    }
    return {
      run() {
        kernel.tell(refs[0] as Ref, hops, null);
        return end.reached;
      },
      check: () => expectEqual("hops", kernel.delivered, hops + 1),
    };
  },

  "ping-pong"(rounds) {
    const kernel = new Kernel();
    const end = signal();
    let pongs = 0;
    const ponger: Ref = kernel.spawn((left: number, sender) => kernel.tell(sender as Ref, left, ponger));
    const pinger: Ref = kernel.spawn((left: number) => {
      pongs++;
      if (left === 0) end.reach();
      else kernel.tell(ponger, left - 1, pinger);
    });
    return {
      run() {
        kernel.tell(ponger, rounds, pinger);
        return end.reached;
      },
      check: () => expectEqual("pongs", pongs, rounds + 1),
    };
  },

  counting(messages) {
    const kernel = new Kernel();
    let sum = 0;
    const counter = kernel.spawn((message: number | typeof total) => {
      if (message === total) return sum;
      sum += message;
      return undefined;
    }, messages + 1);
    let answer = 0;
    return {
      async run() {
        for (let i = 0; i < messages; i++) kernel.tell(counter, 1, null);
        answer = await kernel.ask<number>(counter, total);
      },
      check: () => expectEqual("total", answer, messages),
    };
  },

  ask(asks, inFlight) {
    const kernel = new Kernel();
    const echo = kernel.spawn((n: number) => n + 1);
    let sum = 0;
    return {
      async run() {
        sum = await askAll(asks, inFlight, (n) => kernel.ask<number>(echo, n));
      },
      check: () => expectEqual("sum of answers", sum, (asks * (asks + 1)) / 2),
    };
  },

  "ask-inside"(asks, inFlight) {
    const kernel = new Kernel();
    const echo = kernel.spawn((n: number) => n + 1);
    const asker = kernel.spawn((count: number) => askAll(count, inFlight, (n) => kernel.ask<number>(echo, n)));
    let sum = 0;
    return {
      async run() {
        sum = await kernel.ask<number>(asker, asks, 60_000);
      },
      check: () => expectEqual("sum of answers", sum, (asks * (asks + 1)) / 2),
    };
  },

  create(actors) {
    const kernel = new Kernel();
    const end = signal();
    let sum = 0;
    let count = 0;
    const collector = kernel.spawn((n: number) => {
      sum += n;
      if (++count === actors) end.reach();
    }, actors);
    return {
      run() {
        for (let i = 0; i < actors; i++) {
          const self: Ref = kernel.spawn((n: number) => {
            kernel.tell(collector, n, self);
            kernel.stop(self);
          });
          kernel.tell(self, i, null);
        }
        return end.reached;
      },
      async check() {
        await new Promise((resolve) => setTimeout(resolve, 1));
        expectEqual("sum", sum, (actors * (actors - 1)) / 2);
        expectEqual("actors left", kernel.actors, 1);
      },
    };
  },

  big(messages) {
    const kernel = new Kernel();
    const end = signal();
    const draw = xorshift(7);
    const refs: Ref[] = [];
    let finished = 0;
    for (let i = 0; i < sizes.bigActors; i++) {
      const self: Ref = kernel.spawn((left: number) => {
        if (left > 0) kernel.tell(refs[draw(sizes.bigActors)] as Ref, left - 1, self);
        else if (++finished === sizes.bigActors) end.reach();
      });
      refs.push(self);
    }
    const each = messages / sizes.bigActors;
    return {
      run() {
        for (const ref of refs) kernel.tell(ref, each - 1, null);
        return end.reached;
      },
      check: () => expectEqual("messages", kernel.delivered, messages),
    };
  },

  bank(transfers) {
    const kernel = new Kernel();
    const accounts: Ref[] = [];
    const balances: number[] = [];
    for (let i = 0; i < sizes.accounts; i++) {
      balances.push(sizes.balance);
      accounts.push(
        kernel.spawn((transfer: Transfer) => {
          const change = transfer.type === "deposit" ? transfer.amount : -transfer.amount;
          balances[i] = (balances[i] as number) + change;
          return balances[i];
        }),
      );
    }
    const draw = xorshift(7);
    const tellers: Ref[] = [];
    for (let i = 0; i < sizes.tellers; i++) {
      tellers.push(
        kernel.spawn(async (count: number) => {
          for (let done = 0; done < count; done++) {
            await kernel.ask<number>(accounts[draw(sizes.accounts)] as Ref, { type: "withdraw", amount: 1 });
            await kernel.ask<number>(accounts[draw(sizes.accounts)] as Ref, { type: "deposit", amount: 1 });
          }
          return count;
        }),
      );
    }
    return {
      run: () => Promise.all(tellers.map((teller) => kernel.ask<number>(teller, transfers / sizes.tellers, 60_000))),
      check() {
        expectEqual("messages", kernel.delivered, 2 * transfers + sizes.tellers);
        expectEqual(
          "money",
          balances.reduce((sum, balance) => sum + balance, 0),
          sizes.accounts * sizes.balance,
        );
      },
    };
  },

  idle(actors) {
    const kernel = new Kernel();
    const refs: Ref[] = [];
    for (let i = 0; i < actors; i++) {
      const self: Ref = kernel.spawn((n: number) => kernel.tell(self, n, null));
      refs.push(self);
    }
    return { kernel, refs };
  },
};
