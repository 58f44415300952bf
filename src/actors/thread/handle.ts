// What a worker does with one message, in a thread or in its model: who sent it may give up, and the work is ended then.

import { Failure, UnknownMessage } from "../../runtime/kernel/failure.ts";
import type { Duration, Message, receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import { sleeping } from "../begun.ts";
import type { ErrorClasses } from "./wire.ts";

/** What a message takes in virtual time. A function is given draws of the actor's stream, as the lab's service times are. */
export type Cost = Duration | ((random: () => number) => Duration);

export interface Settings {
  readonly module: string;
  readonly model: Make<object> | undefined;
  readonly costs: ReadonlyMap<string, Cost>;
  readonly graceMs: number;
  readonly errors: ErrorClasses;
  readonly execArgv: readonly string[] | undefined;
}

/** The thread of a worker could not be started, or came to an end by itself or by force. */
export class WorkerFailed extends Error {
  readonly _tag = "WorkerFailed";
  readonly code = "WORKER_FAILED";
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path}: ${reason}.`, options);
    this.path = path;
  }

  override get name(): string {
    return this._tag;
  }
}

/** The front of a worker, whose messages are those of the actor behind it. */
export interface Threaded<P> extends AsyncDisposable {
  [receive](m: Message<P>): Promise<unknown>;
}

/** How one message is worked at. */
export interface Work {
  readonly messages: readonly string[];
  begin(m: Message): Promise<unknown>;
  /** The asker left. */
  gaveUp(): void;
  /** And the grace is over, too. */
  expired(): void;
}

/** A message to its end. */
export async function handle(self: Self, m: Message, graceMs: number, work: Work): Promise<unknown> {
  const { messages } = work;
  try {
    if (!messages.includes(m.type))
      throw new UnknownMessage(
        `${self.path} has no message ${m.type}. It takes: ${messages.join(", ")}.`,
        "not-started",
      );
    m.accept();
    return await withinGrace(self, m, graceMs, work);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // As it is: one that is thrown would be of another outcome.
    m.refuse(error);
    return undefined;
  }
}

/** Work that runs on longer than `graceMs` after its asker gave up fails: WorkerFailed. */
function withinGrace(self: Self, m: Message, graceMs: number, work: Work): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let cancel = () => {};
    const abort = () => {
      work.gaveUp();
      if (graceMs === Number.POSITIVE_INFINITY) return;
      const { over, cancel: wake } = sleeping(self, graceMs);
      cancel = wake;
      const late = `${m.type} ran on for ${graceMs} ms after its asker gave up, and was ended with its thread`;
      over.then(() => {
        reject(new WorkerFailed(self.path, late));
        work.expired();
      }, reject);
    };
    const { signal } = m;
    signal.addEventListener("abort", abort, { once: true });
    const end = () => {
      signal.removeEventListener("abort", abort);
      cancel();
    };
    work.begin(m).finally(end).then(resolve, reject);
  });
}
