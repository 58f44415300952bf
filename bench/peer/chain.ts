// The rows on promises alone: an actor is an object with the promise of its last message, and each message waits for it.

import type { Subject } from "../rows.ts";
import { type Behaviour, nodeTimer, subjectOf } from "./shapes.ts";

interface Ref {
  readonly behaviour: Behaviour;
  tail: Promise<unknown>;
}

const resolved = Promise.resolve();

const spawn = (behaviour: Behaviour): Ref => ({ behaviour, tail: resolved });

function tell(to: Ref, n: number): void {
  to.tail = to.tail.then(() => to.behaviour.take?.(n));
}

function ask(to: Ref, n: number): Promise<number> {
  const answer = to.tail.then(() => to.behaviour.answer?.(n) as number);
  to.tail = answer;
  return answer;
}

// Nothing holds an actor but its messages.
const stop = (): void => {};

export const subject: Subject = subjectOf(() => ({ spawn, tell, ask, stop, after: nodeTimer(tell) }));
