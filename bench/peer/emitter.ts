// The rows on Node's EventEmitter: each message is emitted in a microtask of its own, so that nobody runs on the stack
// of a sender.

import { EventEmitter } from "node:events";
import type { Subject } from "../rows.ts";
import { type Behaviour, nodeTimer, subjectOf } from "./shapes.ts";

type Ref = EventEmitter;

function spawn({ take, answer }: Behaviour): Ref {
  const actor = new EventEmitter();
  if (take !== undefined) actor.on("take", take);
  if (answer !== undefined)
    actor.on("answer", (n: number, resolve: (value: number | Promise<number>) => void) => resolve(answer(n)));
  return actor;
}

const tell = (to: Ref, n: number): void => queueMicrotask(() => to.emit("take", n));

const ask = (to: Ref, n: number): Promise<number> =>
  new Promise((resolve) => queueMicrotask(() => to.emit("answer", n, resolve)));

const stop = (one: Ref): void => void one.removeAllListeners();

export const subject: Subject = subjectOf(() => ({ spawn, tell, ask, stop, after: nodeTimer(tell) }));
