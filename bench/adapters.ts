// What an ask costs when who is asked, or who asks, is written with another library; adapter.ts does it.

import type { Road } from "./roads.ts";

const k = 1_000;
const ask = (what: string, size: number = 100 * k): Road => ({ what, size, beside: "plain" });

export const adapters: Readonly<Record<string, Road>> = {
  plain: { what: "a serial actor asks another, one ask after the other: its method returns a number", size: 400 * k },
  async: ask("its method is async", 300 * k),
  "effect, succeed": ask("its method returns an Effect that succeeds at once"),
  "effect, gen": ask("its method is an Effect.gen of three steps"),
  "effect, yield": ask("its method is an Effect that yields to the scheduler once", 50 * k),
  "effect, asks": ask("it is plain; who asks is an Effect that loops"),
  "effect, contract": ask("its payload is decoded by a Schema"),
  "xstate, assign": ask("it is a machine with one transition that assigns", 30 * k),
  "rxjs, of": ask("its method returns an observable of one value"),
  "rxjs, asks": ask("it is plain; who asks subscribes to an observable for each ask"),
  "rxjs, stateful": ask("it is plain, and its state can be observed; nobody does"),
};
