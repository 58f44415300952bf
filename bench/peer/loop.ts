// The rows on an async function per actor: it awaits until its inbox has something, takes all of it, and handles one
// message after the other.

import type { Subject } from "../rows.ts";
import { type Behaviour, nodeTimer, subjectOf } from "./shapes.ts";

interface Question {
  readonly n: number;
  readonly resolve: (answer: number) => void;
}

interface Ref {
  inbox: (number | Question)[];
  wake: (() => void) | undefined;
  stopped: boolean;
}

function spawn(behaviour: Behaviour): Ref {
  const actor: Ref = { inbox: [], wake: undefined, stopped: false };
  void loop(actor, behaviour);
  return actor;
}

async function loop(actor: Ref, { take, answer }: Behaviour): Promise<void> {
  while (!actor.stopped) {
    if (actor.inbox.length === 0)
      await new Promise<void>((resolve) => {
        actor.wake = resolve;
      });
    const { inbox } = actor;
    actor.inbox = [];
    for (const message of inbox) {
      if (typeof message === "number") take?.(message);
      else {
        const answered = answer?.(message.n) as number | Promise<number>;
        message.resolve(typeof answered === "number" ? answered : await answered);
      }
    }
  }
}

function put(to: Ref, message: number | Question): void {
  to.inbox.push(message);
  const { wake } = to;
  if (wake === undefined) return;
  to.wake = undefined;
  wake();
}

const tell = (to: Ref, n: number): void => put(to, n);

const ask = (to: Ref, n: number): Promise<number> => new Promise((resolve) => put(to, { n, resolve }));

function stop(one: Ref): void {
  one.stopped = true;
}

export const subject: Subject = subjectOf(() => ({ spawn, tell, ask, stop, after: nodeTimer(tell) }));
