// The rows on RxJS: an actor is a Subject observed on the asapScheduler, so that nobody runs on the stack of a sender.

import { asapScheduler, observeOn, Subject as Stream, timer } from "rxjs";
import type { Subject } from "../rows.ts";
import { type Behaviour, subjectOf } from "./shapes.ts";

interface Question {
  readonly n: number;
  readonly resolve: (answer: number | Promise<number>) => void;
}

type Ref = Stream<number | Question>;

function spawn({ take, answer }: Behaviour): Ref {
  const stream: Ref = new Stream();
  stream.pipe(observeOn(asapScheduler)).subscribe((message) => {
    if (typeof message === "number") take?.(message);
    else message.resolve(answer?.(message.n) as number | Promise<number>);
  });
  return stream;
}

const tell = (to: Ref, n: number): void => to.next(n);

const ask = (to: Ref, n: number): Promise<number> => new Promise((resolve) => to.next({ n, resolve }));

const stop = (one: Ref): void => one.complete();

function after(one: Ref, ms: number, n: number): () => void {
  const subscription = timer(ms).subscribe(() => one.next(n));
  return () => subscription.unsubscribe();
}

export const subject: Subject = subjectOf(() => ({ spawn, tell, ask, stop, after }));
