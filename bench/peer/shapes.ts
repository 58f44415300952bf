// The rows, written once for the peers that only have to say how an actor is made, told, asked and stopped. A process
// plays one peer, so V8 sees one kit and calls it as it would call the library directly.

import { askAll, expectEqual, type Prepared, type Subject, signal, sizes, xorshift } from "../rows.ts";

/** What an actor does. Payloads are numbers: what an object as a message costs, a peer that needs one pays in its kit. */
export interface Behaviour {
  /** A message that was told. */
  take?(n: number): void;
  /** A message that was asked. */
  answer?(n: number): number | Promise<number>;
}

/** A peer, as far as the rows need it. */
export interface Kit<Ref> {
  spawn(behaviour: Behaviour): Ref;
  /** Resolves when all that was spawned can be sent to, where that takes time. */
  spawned?(): Promise<unknown>;
  tell(to: Ref, n: number): void;
  /** Where the peer has no ask of its own, the message carries what resolves the answer. */
  ask(to: Ref, n: number): Promise<number>;
  stop(one: Ref): void;
  /** Tells `one` after `ms`, unless what it returns is called first. */
  after(one: Ref, ms: number, n: number): () => void;
}

/** As most peers have no timers of their own. */
export const nodeTimer =
  <Ref>(tell: (to: Ref, n: number) => void): Kit<Ref>["after"] =>
  (one, ms, n) => {
    const timer = setTimeout(() => tell(one, n), ms);
    return () => clearTimeout(timer);
  };

/** Messages that go from actor to actor; each receiver is drawn. */
async function wander<Ref>(kit: Kit<Ref>, actors: number) {
  const draw = xorshift(7);
  const refs: Ref[] = [];
  let [handled, atOnce] = [0, 0];
  let end = signal();
  const take = (left: number) => {
    handled++;
    if (left > 0) kit.tell(refs[draw(actors)] as Ref, left - 1);
    else if (--atOnce === 0) end.reach();
  };
  for (let i = 0; i < actors; i++) refs.push(kit.spawn({ take: (left) => take(left) }));
  await kit.spawned?.();
  const begin = (count: number) => {
    [handled, atOnce] = [0, count];
    end = signal();
  };
  return {
    async send(messages: number, count: number) {
      begin(count);
      for (let i = 0; i < count; i++) kit.tell(refs[i % actors] as Ref, messages / count - 1);
      await end.reached;
      return handled;
    },
    /** One message to each: what the first one brings is not what a message costs. */
    async touch() {
      for (let from = 0; from < actors; from += sizes.touched) {
        const some = refs.slice(from, from + sizes.touched);
        begin(some.length);
        for (const ref of some) kit.tell(ref, 0);
        await end.reached;
      }
    },
  };
}

async function pingPong<Ref>(kit: Kit<Ref>): Promise<(rounds: number) => Promise<number>> {
  let pongs = 0;
  let end = signal();
  const ponger: Ref = kit.spawn({ take: (left) => kit.tell(pinger, left) });
  const pinger: Ref = kit.spawn({
    take(left) {
      pongs++;
      if (left === 0) end.reach();
      else kit.tell(ponger, left - 1);
    },
  });
  await kit.spawned?.();
  return async (rounds) => {
    pongs = 0;
    end = signal();
    kit.tell(ponger, rounds);
    await end.reached;
    return pongs;
  };
}

const [arm, cancel, fired] = [1, 2, 3];

/** Actors that arm a timer when they are told to. */
async function timers<Ref>(kit: Kit<Ref>, size: number, ms: number) {
  const refs: Ref[] = [];
  const counts = { fired: 0, cancelled: 0 };
  let end = signal();
  const spawn = () => {
    let disarm: (() => void) | undefined;
    const self: Ref = kit.spawn({
      take(n) {
        if (n === arm) disarm = kit.after(self, ms, fired as number);
        else if (n === fired) counts.fired++;
        else {
          disarm?.();
          counts.cancelled++;
        }
        if (n !== arm && counts.fired + counts.cancelled === size) end.reach();
      },
    });
    return self;
  };
  for (let i = 0; i < size; i++) refs.push(spawn());
  await kit.spawned?.();
  const tellAll = (n: number) => {
    for (const ref of refs) kit.tell(ref, n);
  };
  return {
    counts,
    async run(thenCancel: boolean) {
      [counts.fired, counts.cancelled] = [0, 0];
      end = signal();
      tellAll(arm as number);
      if (thenCancel) tellAll(cancel as number);
      await end.reached;
    },
  };
}

/** A result that `check` compares. */
function counted(what: string, expected: number, run: () => Promise<number>) {
  let found = Number.NaN;
  return {
    async run() {
      found = await run();
    },
    check: () => expectEqual(what, found, expected),
  };
}

async function bank<Ref>(kit: Kit<Ref>, transfers: number): Promise<Prepared> {
  const balances: number[] = [];
  const accounts: Ref[] = [];
  const tellers: Ref[] = [];
  const draw = xorshift(7);
  let handled = 0;
  for (let i = 0; i < sizes.accounts; i++) {
    balances.push(sizes.balance);
    const answer = (change: number) => {
      handled++;
      return (balances[i] = (balances[i] as number) + change);
    };
    accounts.push(kit.spawn({ answer }));
  }
  for (let i = 0; i < sizes.tellers; i++) {
    const answer = async (count: number) => {
      for (let done = 0; done < count; done++) {
        await kit.ask(accounts[draw(sizes.accounts)] as Ref, -1);
        await kit.ask(accounts[draw(sizes.accounts)] as Ref, 1);
      }
      return count;
    };
    tellers.push(kit.spawn({ answer }));
  }
  await kit.spawned?.();
  return {
    run: () => Promise.all(tellers.map((teller) => kit.ask(teller, transfers / sizes.tellers))),
    check() {
      expectEqual("messages", handled, 2 * transfers);
      const money = balances.reduce((sum, balance) => sum + balance, 0);
      expectEqual("money", money, sizes.accounts * sizes.balance);
    },
  };
}

async function ring<Ref>(kit: Kit<Ref>, hops: number): Promise<Prepared> {
  const end = signal();
  const refs: Ref[] = [];
  let handled = 0;
  for (let i = 0; i < sizes.ringActors; i++) {
    const take = (left: number) => {
      handled++;
      if (left === 0) end.reach();
      else kit.tell(refs[i + 1 === sizes.ringActors ? 0 : i + 1] as Ref, left - 1);
    };
    refs.push(kit.spawn({ take }));
  }
  await kit.spawned?.();
  return counted("hops", hops + 1, async () => {
    kit.tell(refs[0] as Ref, hops);
    await end.reached;
    return handled;
  });
}

async function create<Ref>(kit: Kit<Ref>, actors: number): Promise<Prepared> {
  const end = signal();
  let [sum, count] = [0, 0];
  const collector = kit.spawn({
    take(n) {
      sum += n;
      if (++count === actors) end.reach();
    },
  });
  await kit.spawned?.();
  return counted("sum", (actors * (actors - 1)) / 2, async () => {
    for (let i = 0; i < actors; i++) {
      const self: Ref = kit.spawn({
        take(n) {
          kit.tell(collector, n);
          kit.stop(self);
        },
      });
      kit.tell(self, i);
    }
    await end.reached;
    return sum;
  });
}

async function counting<Ref>(kit: Kit<Ref>, messages: number): Promise<Prepared> {
  let sum = 0;
  const counter = kit.spawn({
    take(n) {
      sum += n;
    },
    answer: () => sum,
  });
  await kit.spawned?.();
  return counted("total", messages, () => {
    for (let i = 0; i < messages; i++) kit.tell(counter, 1);
    return kit.ask(counter, 0);
  });
}

const answersTo = (asks: number) => (asks * (asks + 1)) / 2;

/** `open` makes a fresh system, or whatever the peer has for one. */
export function subjectOf<Ref>(open: () => Kit<Ref> | Promise<Kit<Ref>>): Subject {
  return {
    ring: async (hops) => ring(await open(), hops),
    counting: async (messages) => counting(await open(), messages),
    create: async (actors) => create(await open(), actors),
    bank: async (transfers) => bank(await open(), transfers),

    async "ping-pong"(rounds) {
      const play = await pingPong(await open());
      return counted("pongs", rounds + 1, () => play(rounds));
    },

    async ask(asks, inFlight) {
      const kit = await open();
      const echo = kit.spawn({ answer: (n) => n + 1 });
      await kit.spawned?.();
      return counted("sum of answers", answersTo(asks), () => askAll(asks, inFlight, (n) => kit.ask(echo, n)));
    },

    async "ask-inside"(asks, inFlight) {
      const kit = await open();
      const echo = kit.spawn({ answer: (n) => n + 1 });
      const asker = kit.spawn({ answer: (count) => askAll(count, inFlight, (n) => kit.ask(echo, n)) });
      await kit.spawned?.();
      return counted("sum of answers", answersTo(asks), () => kit.ask(asker, asks));
    },

    async big(messages) {
      const { send } = await wander(await open(), sizes.bigActors);
      return counted("messages", messages, () => send(messages, sizes.bigActors));
    },

    async live(rounds, others) {
      const kit = await open();
      const refs: Ref[] = [];
      for (let i = 0; i < others; i++) refs.push(kit.spawn({ take() {} }));
      const play = await pingPong(kit);
      const { run, check } = counted("pongs", rounds + 1, () => play(rounds));
      return {
        run,
        check() {
          check();
          expectEqual("others", refs.length, others);
        },
      };
    },

    async spray(messages, actors) {
      const { send, touch } = await wander(await open(), actors);
      await touch();
      return counted("messages", messages, () => send(messages, sizes.sprayed));
    },

    async fire(size) {
      const { run, counts } = await timers(await open(), size, 1);
      return { run: () => run(false), check: () => expectEqual("fired", counts.fired, size) };
    },

    async cancel(size) {
      const { run, counts } = await timers(await open(), size, 60_000);
      return { run: () => run(true), check: () => expectEqual("fired", counts.fired, 0) };
    },

    async idle(actors) {
      const kit = await open();
      const refs: Ref[] = [];
      for (let i = 0; i < actors; i++) refs.push(kit.spawn({ take() {} }));
      await kit.spawned?.();
      return { kit, refs };
    },
  };
}
