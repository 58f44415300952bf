// The rows on nact 7.6.2, as its documentation writes actors: functions of a state and a message, `dispatch` to tell,
// `query` to ask. The names given to actors are ours: its own anonymous ones are random 31-bit numbers, which collide.

import { createRequire } from "node:module";
import { type Behaviour, type Kit, nodeTimer, subjectOf } from "../peer/shapes.ts";
import { askAll, expectEqual, type Subject, signal, sizes, xorshift } from "../rows.ts";

// It is a CommonJS package whose names Node's lexer does not find.
const { dispatch, query, spawn, start, stop } = createRequire(import.meta.url)("nact") as typeof import("nact");

type Ref = Parameters<typeof dispatch>[0];
type Question = { readonly from: Ref; readonly n: number };
type Context = { readonly self: Ref };
const askWithinMs = 5_000;

function echoIn(system: Ref): Ref {
  return spawn(system, (_: unknown, { from, n }: Question) => dispatch(from, n + 1), "echo") as Ref;
}

const ask = (to: Ref, n: number, within: number = askWithinMs): Promise<number> =>
  query(to, (from: Ref) => ({ from, n }), within) as Promise<number>;

function open(): Kit<Ref> {
  const system = start() as Ref;
  let names = 0;
  return {
    spawn({ take, answer }: Behaviour) {
      const handle = async ({ from, n }: Question) => dispatch(from, (await answer?.(n)) as number);
      const receive = (_: unknown, message: number | Question) =>
        typeof message === "number" ? take?.(message) : handle(message);
      return spawn(system, receive, `actor-${names++}`) as Ref;
    },
    tell: dispatch,
    ask,
    stop,
    after: nodeTimer(dispatch),
  };
}

export const subject: Subject = {
  ...subjectOf(open),

  ring(hops) {
    const system = start() as Ref;
    const end = signal();
    const refs: Ref[] = [];
    let handled = 0;
    for (let i = 0; i < sizes.ringActors; i++) {
      const node = (_: unknown, left: number) => {
        handled++;
        if (left === 0) end.reach();
        else dispatch(refs[i + 1 === sizes.ringActors ? 0 : i + 1] as Ref, left - 1);
      };
      refs.push(spawn(system, node, `node-${i}`) as Ref);
    }
    return {
      run() {
        dispatch(refs[0] as Ref, hops);
        return end.reached;
      },
      check: () => expectEqual("hops", handled, hops + 1),
    };
  },

  "ping-pong"(rounds) {
    const system = start() as Ref;
    const end = signal();
    let pongs = 0;
    const pong = (_: unknown, { from, n }: Question) => dispatch(from, n);
    const ponger = spawn(system, pong, "ponger") as Ref;
    const ping = (_: unknown, left: number, ctx: Context) => {
      pongs++;
      if (left === 0) end.reach();
      else dispatch(ponger, { from: ctx.self, n: left - 1 });
    };
    const pinger = spawn(system, ping, "pinger") as Ref;
    return {
      run() {
        dispatch(ponger, { from: pinger, n: rounds });
        return end.reached;
      },
      check: () => expectEqual("pongs", pongs, rounds + 1),
    };
  },

  counting(messages) {
    const system = start() as Ref;
    const count = (sum: number, message: number | { readonly from: Ref }) => {
      if (typeof message === "number") return sum + message;
      dispatch(message.from, sum);
      return sum;
    };
    const counter = spawn(system, count, "counter", { initialState: 0 }) as Ref;
    let answer = 0;
    return {
      async run() {
        for (let i = 0; i < messages; i++) dispatch(counter, 1);
        answer = (await query(counter, (from: Ref) => ({ from }), 60_000)) as number;
      },
      check: () => expectEqual("total", answer, messages),
    };
  },

  ask(asks, inFlight) {
    const echo = echoIn(start() as Ref);
    let sum = 0;
    return {
      async run() {
        sum = await askAll(asks, inFlight, (n) => ask(echo, n));
      },
      check: () => expectEqual("sum of answers", sum, (asks * (asks + 1)) / 2),
    };
  },

  "ask-inside"(asks, inFlight) {
    const system = start() as Ref;
    const echo = echoIn(system);
    const answer = async (_: unknown, { from, n }: Question) =>
      dispatch(from, await askAll(n, inFlight, (i) => ask(echo, i)));
    const asker = spawn(system, answer, "asker") as Ref;
    let sum = 0;
    return {
      async run() {
        sum = await ask(asker, asks, 60_000);
      },
      check: () => expectEqual("sum of answers", sum, (asks * (asks + 1)) / 2),
    };
  },

  create(actors) {
    const system = start() as Ref;
    const end = signal();
    let sum = 0;
    let count = 0;
    let stopped = 0;
    const collect = (_: unknown, n: number) => {
      sum += n;
      if (++count === actors) end.reach();
    };
    const collector = spawn(system, collect, "collector") as Ref;
    const work = (_: unknown, n: number, ctx: Context) => {
      dispatch(collector, n);
      stop(ctx.self);
    };
    const afterStop = () => void stopped++;
    return {
      run() {
        for (let i = 0; i < actors; i++) dispatch(spawn(system, work, `worker-${i}`, { afterStop }) as Ref, i);
        return end.reached;
      },
      async check() {
        await new Promise((resolve) => setTimeout(resolve, 50));
        expectEqual("sum", sum, (actors * (actors - 1)) / 2);
        expectEqual("stopped", stopped, actors);
      },
    };
  },

  big(messages) {
    const system = start() as Ref;
    const end = signal();
    const draw = xorshift(7);
    const refs: Ref[] = [];
    let finished = 0;
    let handled = 0;
    const hop = (_: unknown, left: number) => {
      handled++;
      if (left > 0) dispatch(refs[draw(sizes.bigActors)] as Ref, left - 1);
      else if (++finished === sizes.bigActors) end.reach();
    };
    for (let i = 0; i < sizes.bigActors; i++) refs.push(spawn(system, hop, `actor-${i}`) as Ref);
    const each = messages / sizes.bigActors;
    return {
      run() {
        for (const ref of refs) dispatch(ref, each - 1);
        return end.reached;
      },
      check: () => expectEqual("messages", handled, messages),
    };
  },

  bank(transfers) {
    const system = start() as Ref;
    const balances: number[] = [];
    const accounts: Ref[] = [];
    let handled = 0;
    for (let i = 0; i < sizes.accounts; i++) {
      balances.push(sizes.balance);
      const account = (
        _: unknown,
        { from, type, amount }: { from: Ref; type: "withdraw" | "deposit"; amount: number },
      ) => {
        handled++;
        balances[i] = (balances[i] as number) + (type === "deposit" ? amount : -amount);
        dispatch(from, balances[i]);
      };
      accounts.push(spawn(system, account, `account-${i}`) as Ref);
    }
    const draw = xorshift(7);
    const move = (type: "withdraw" | "deposit") =>
      query(accounts[draw(sizes.accounts)] as Ref, (from: Ref) => ({ from, type, amount: 1 }), askWithinMs);
    const tellers: Ref[] = [];
    for (let i = 0; i < sizes.tellers; i++) {
      const teller = async (_: unknown, { from, n: count }: Question) => {
        for (let done = 0; done < count; done++) {
          await move("withdraw");
          await move("deposit");
        }
        dispatch(from, count);
      };
      tellers.push(spawn(system, teller, `teller-${i}`) as Ref);
    }
    return {
      run: () => Promise.all(tellers.map((to) => ask(to, transfers / sizes.tellers, 60_000))),
      check() {
        expectEqual("messages", handled, 2 * transfers);
        expectEqual(
          "money",
          balances.reduce((sum, balance) => sum + balance, 0),
          sizes.accounts * sizes.balance,
        );
      },
    };
  },

  idle(actors) {
    const system = start() as Ref;
    const refs: Ref[] = [];
    for (let i = 0; i < actors; i++) refs.push(spawn(system, (state: unknown) => state, `idle-${i}`) as Ref);
    return { system, refs };
  },
};
