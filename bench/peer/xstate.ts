// The rows on XState 5, in two ways: a machine of one state with an action for every event, and logic made by
// `fromTransition`. One logic serves all actors; what an actor does is its input.

import { createActor, fromTransition, setup } from "xstate";
import type { Subject } from "../rows.ts";
import { type Behaviour, nodeTimer, subjectOf } from "./shapes.ts";

type Event =
  | { readonly type: "take"; readonly n: number }
  | {
      readonly type: "answer";
      readonly n: number;
      readonly resolve: (answer: number | Promise<number>) => void;
    };

function handle({ take, answer }: Behaviour, event: Event): void {
  if (event.type === "take") take?.(event.n);
  // An actor that is stopped gets an event of XState's own.
  else if (event.type === "answer") event.resolve(answer?.(event.n) as number | Promise<number>);
}

const machine = setup({
  types: {} as { context: { behaviour: Behaviour }; events: Event; input: Behaviour },
}).createMachine({
  context: ({ input }) => ({ behaviour: input }),
  on: { "*": { actions: ({ context, event }) => handle(context.behaviour, event) } },
});

const transition = fromTransition(
  (behaviour: Behaviour, event: Event) => {
    handle(behaviour, event);
    return behaviour;
  },
  ({ input }: { input: Behaviour }) => input,
);

interface Ref {
  send(event: Event): void;
  stop(): unknown;
}

function subjectFrom(spawn: (behaviour: Behaviour) => Ref): Subject {
  const tell = (to: Ref, n: number): void => to.send({ type: "take", n });
  const ask = (to: Ref, n: number): Promise<number> =>
    new Promise((resolve) => to.send({ type: "answer", n, resolve }));
  const stop = (one: Ref): void => void one.stop();
  return subjectOf(() => ({ spawn, tell, ask, stop, after: nodeTimer(tell) }));
}

export const ofMachine: Subject = subjectFrom((input) => createActor(machine, { input }).start());
export const ofTransition: Subject = subjectFrom((input) => createActor(transition, { input }).start());
