// Antiphon's slow roads: a ring that is told round, and an actor that asks another, with something switched on.

import { createSystem, type Message, type Ref, receive, type Self, type SpawnOptions, type System } from "antiphon";
import type { Observer } from "../src/runtime/kernel/core.ts";
import type { ActorSystem } from "../src/runtime/kernel/system.ts";
import { askAll, expectEqual, type Prepared, signal, sizes } from "./rows.ts";

interface Hopping {
  hop(payload: never): void;
}

/** How a payload carries the number of hops that are left. */
interface Payload<P> {
  of(left: number): P;
  left(payload: P): number;
}

const number: Payload<number> = { of: (left) => left, left: (payload) => payload };

interface Order {
  readonly left: number;
  readonly sku: string;
  readonly count: number;
  readonly express: boolean;
}
const order: Payload<Order> = {
  of: (left) => ({ left, sku: "mug", count: 2, express: true }),
  left: (payload) => payload.left,
};

const names = Array.from({ length: 31 }, (_, i) => `field${i}`);
// A literal, as a program would have it, and not an object that grows.
const wideOf = new Function("left", `return { left, ${names.map((name, i) => `${name}: ${i}`).join(", ")} }`);
const wide: Payload<{ readonly left: number }> = {
  of: (left) => wideOf(left) as { readonly left: number },
  left: (payload) => payload.left,
};

const long: Payload<number[]> = {
  of(left) {
    const numbers = new Array<number>(1_000).fill(1);
    numbers[0] = left;
    return numbers;
  },
  left: (payload) => payload[0] as number,
};

interface Round {
  /** Of the ring's actors. */
  readonly spawn?: SpawnOptions;
  readonly isolation?: "freeze" | "clone";
  readonly verb?: "tell" | "offer";
  readonly key?: string;
  /** Between each actor and the next stands one that forwards: its options. */
  readonly forwarded?: SpawnOptions;
  readonly prepare?: (system: System) => void;
}

/** One message goes round; `hop` takes it from the actor before. */
class Station<P> {
  readonly self: Self;
  readonly payload: Payload<P>;
  readonly ended: () => void;
  readonly verb: "tell" | "offer";
  readonly options: { key: string } | undefined;
  next: Ref<Hopping> | undefined;

  constructor(self: Self, payload: Payload<P>, ended: () => void, { verb = "tell", key }: Round) {
    this.self = self;
    this.payload = payload;
    this.ended = ended;
    this.verb = verb;
    this.options = key === undefined ? undefined : { key };
  }

  link(next: Ref<Hopping>): void {
    this.next = next;
  }

  hop(payload: P): void {
    const { self, next } = this;
    const left = this.payload.left(payload);
    if (left === 0 || next === undefined) {
      this.ended();
      return;
    }
    const onward = this.payload.of(left - 1) as never;
    if (this.verb === "offer") void self.offer(next).hop(onward);
    else if (this.options === undefined) self.tell(next).hop(onward);
    else self.tell(next, this.options).hop(onward);
  }
}

const forwarder = (to: Ref<Hopping>) => ({
  [receive](message: Message<Hopping>) {
    message.forward(to);
  },
});

function round<P>(payload: Payload<P>, how: Round, hops: number): Prepared {
  const { isolation, spawn, forwarded, prepare } = how;
  const system = createSystem({ isolation });
  const end = signal();
  const refs: Ref<Station<P>>[] = [];
  for (let i = 0; i < sizes.ringActors; i++)
    refs.push(system.spawn((self) => new Station(self, payload, end.reach, how), spawn));
  for (const [i, ref] of refs.entries()) {
    const next = refs[(i + 1) % sizes.ringActors] as Ref<Hopping>;
    system.tell(ref).link(forwarded ? (system.spawn(() => forwarder(next), forwarded) as Ref<Hopping>) : next);
  }
  prepare?.(system);
  return {
    run() {
      system.tell(refs[0] as Ref<Hopping>).hop(payload.of(hops) as never);
      return end.reached;
    },
    // The links are messages too.
    check: () => expectEqual("hops", system.census().handled, hops + 1 + sizes.ringActors),
  };
}

interface Echoing {
  next(n: number): number;
}

interface Dialogue {
  readonly asker?: SpawnOptions;
  readonly echo?: SpawnOptions;
  readonly within?: "10s";
  readonly forwarded?: boolean;
  readonly prepare?: (system: System) => void;
}

function dialogue({ asker: ofAsker, echo: ofEcho, within, forwarded, prepare }: Dialogue, asks: number): Prepared {
  const system = createSystem();
  const echo: Ref<Echoing> = system.spawn(() => ({ next: (n: number) => n + 1 }), ofEcho);
  const hop = (message: Message<Echoing>) => message.forward(echo);
  const to = forwarded ? (system.spawn(() => ({ [receive]: hop }), { messages: ["next"] }) as Ref<Echoing>) : echo;
  const options = within && { within };
  const asker = system.spawn(
    (self: Self) => ({
      run: (count: number) =>
        askAll(count, 1, options ? (n) => self.ask(to, options).next(n) : (n) => self.ask(to).next(n)),
    }),
    ofAsker,
  );
  prepare?.(system);
  let sum = 0;
  return {
    async run() {
      sum = await system.ask(asker, { within: "1m" }).run(asks);
    },
    check: () => expectEqual("sum of answers", sum, (asks * (asks + 1)) / 2),
  };
}

function observe(observer: Observer): (system: System) => void {
  return (system) => (system as ActorSystem).core.observe(observer);
}

const counts = new Map<string, number>();
const counted = observe((step) => void counts.set(step, (counts.get(step) ?? 0) + 1));

/** As a trace would: by the exact clock of the world. */
const kept = 100_000;
const traced = (system: System): void => {
  const entries: unknown[] = new Array(kept);
  let length = 0;
  observe((step, cell, type) => {
    entries[length++ % kept] = { step, path: cell.path, type, at: system.now() };
  })(system);
};

const listened = (system: System): void => void system.events(() => {});

const walks: Readonly<Record<string, (size: number) => Prepared>> = {
  tell: (size) => round(number, {}, size),
  "tell, events": (size) => round(number, { prepare: listened }, size),
  "tell, counted": (size) => round(number, { prepare: counted }, size),
  "tell, traced": (size) => round(number, { prepare: traced }, size),
  "tell, concurrency": (size) => round(number, { spawn: { concurrency: 2 } }, size),
  "tell, lifo": (size) => round(number, { spawn: { mailbox: { order: "lifo" } } }, size),
  "tell, priority": (size) => round(number, { spawn: { mailbox: { order: { priority: () => 1 } } } }, size),
  "tell, key": (size) => round(number, { key: "mug" }, size),
  "tell, forwarded": (size) => round(number, { forwarded: { messages: ["hop"] } }, size),
  "tell, by a Proxy": (size) => round(number, { forwarded: {} }, size),
  offer: (size) => round(number, { verb: "offer" }, size),
  "tell, 4 fields": (size) => round(order, {}, size),
  "freeze, 4 fields": (size) => round(order, { isolation: "freeze" }, size),
  "clone, 4 fields": (size) => round(order, { isolation: "clone" }, size),
  "tell, 32 fields": (size) => round(wide, {}, size),
  "freeze, 32 fields": (size) => round(wide, { isolation: "freeze" }, size),
  "clone, 32 fields": (size) => round(wide, { isolation: "clone" }, size),
  "tell, 1000 numbers": (size) => round(long, {}, size),
  "freeze, 1000 numbers": (size) => round(long, { isolation: "freeze" }, size),
  "clone, 1000 numbers": (size) => round(long, { isolation: "clone" }, size),
  ask: (size) => dialogue({}, size),
  "ask, counted": (size) => dialogue({ prepare: counted }, size),
  "ask, traced": (size) => dialogue({ prepare: traced }, size),
  "ask, concurrency": (size) => dialogue({ echo: { concurrency: 2 } }, size),
  "ask, concurrent": (size) => dialogue({ asker: { concurrency: 2 } }, size),
  "ask, within": (size) => dialogue({ within: "10s" }, size),
  "ask, forwarded": (size) => dialogue({ forwarded: true }, size),
};

export function work(name: string, size: number): Prepared {
  const walk = walks[name];
  if (walk === undefined) throw new Error(`No such road: ${name}.`);
  return walk(size);
}
