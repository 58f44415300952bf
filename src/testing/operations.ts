// What clients do to an actor, drawn: lists that shrink to the operations that are needed.

import fc from "fast-check";
import { InvalidOption } from "../runtime/kernel/failure.ts";
import { whole } from "../runtime/kernel/options.ts";
import type { Answer, Ask, Ref } from "../runtime/kernel/protocol.ts";
import { type ActorSystem, settle } from "../runtime/kernel/system.ts";
import type { Self, System } from "../runtime/kernel/verbs.ts";
import type { Recorder } from "./history.ts";
import { fromSchema, type GenerativeSchema } from "./schema.ts";

type Name<P> = keyof Ask<P> & string;
type Payload<F> = F extends (...payload: infer A) => unknown ? (A extends readonly [] ? undefined : A[0]) : never;

/** What is drawn for each message: its payload, by an arbitrary or a schema; nothing for one that takes none. */
export type Draws<P> = {
  readonly [M in Name<P>]?: Payload<Ask<P>[M]> extends undefined
    ? undefined
    : fc.Arbitrary<Payload<Ask<P>[M]>> | GenerativeSchema<Payload<Ask<P>[M]>>;
};

/** One client asks one thing. */
export interface Call {
  readonly client: string;
  readonly type: string;
  readonly payload?: unknown;
}

const drawn = new WeakSet<object>();

/** Whether any part of such a list is one, too. */
export function isWorkload(arbitrary: unknown): boolean {
  return drawn.has(arbitrary as object);
}

export interface OperationsOptions {
  /** How many clients there are; 3 by default. */
  readonly clients?: number | undefined;
  /** Operations of all of them, at most; 12 by default. */
  readonly most?: number | undefined;
}

/**
 * Lists of operations on an actor of protocol P, of several clients, for {@link perform}.
 *
 * Fails: InvalidOption.
 * Example: `operations<Ledger>({ transfer: fc.record({ from, to, amount }), total: undefined }, { clients: 2 })`.
 */
export function operations<P>(messages: Draws<P>, options: OperationsOptions = {}): fc.Arbitrary<Call[]> {
  const clients = whole("clients", options.clients, 3, 1);
  const most = whole("most", options.most, 12, 1);
  const calls = Object.entries(messages as Record<string, unknown>).map(([type, draw]) => {
    const client = fc.integer({ min: 1, max: clients }).map((n) => `client-${n}`, unmapped);
    if (draw === undefined) return fc.record({ client, type: fc.constant(type) });
    const payload = draw instanceof fc.Arbitrary ? draw : fromSchema(draw as GenerativeSchema);
    return fc.record({ client, type: fc.constant(type), payload });
  });
  if (calls.length === 0) throw new InvalidOption("messages", "none", "at least one message");
  const list: fc.Arbitrary<Call[]> = fc.array(fc.oneof(...calls) as fc.Arbitrary<Call>, {
    maxLength: most,
    size: "max",
  });
  drawn.add(list);
  return list;
}

function unmapped(client: unknown): number {
  const n = Number(/^client-([1-9]\d*)$/.exec(String(client))?.[1]);
  if (Number.isNaN(n)) throw new Error("no client");
  return n;
}

function freeName(system: System, name: string): string {
  const taken = (system as ActorSystem).core.root.rare?.names;
  let free = name;
  for (let n = 2; taken?.has(free) === true; n++) free = `${name}-${n}`;
  return free;
}

type AnyAsk = (payload: unknown) => Answer<never, never>;

/** How an operation ended. */
export interface Performed {
  readonly call: Call;
  readonly ended: Awaited<ReturnType<typeof settle>>;
}

/**
 * Has each client, an actor of its own under its name, ask its operations one after the other, all clients at once.
 * `recorder` is told of each, with `[type, payload]` as the input.
 *
 * Promises: resolves when all have ended, whatever came of them, with those that did; in the order in which they did.
 * Where an actor has the name of a client already, as when it is called once more, that client is called `client-1-2`.
 */
export async function perform<P, Input, Output>(
  system: System,
  to: Ref<P>,
  calls: readonly Call[],
  recorder?: Recorder<Input, Output>,
): Promise<readonly Performed[]> {
  const done: Performed[] = [];
  const client = (name: string) => (self: Self) => ({
    async perform() {
      for (const call of calls) {
        if (call.client !== name) continue;
        const { type, payload } = call;
        const ask = () => (self.ask(to) as unknown as Record<string, AnyAsk>)[type]?.(payload) as Answer<never, never>;
        const input = (payload === undefined ? [type] : [type, payload]) as Input;
        const ended = await (recorder === undefined ? settle(ask()) : recorder.record(name, input, ask));
        done.push({ call, ended });
      }
    },
  });
  const names = [...new Set(calls.map((call) => call.client))];
  const refs = names.map((name) => system.spawn(client(name), { name: freeName(system, name) }));
  await Promise.all(refs.map((ref) => settle(system.ask(ref, { within: Number.POSITIVE_INFINITY }).perform())));
  return done;
}
