// Keeps messages until the actor they are for is ready for them.

import { InvalidOption, MailboxFull } from "../runtime/kernel/failure.ts";
import { configure, whole } from "../runtime/kernel/options.ts";
import { type Message, receive, type Spawned } from "../runtime/kernel/protocol.ts";
import type { Make, Self, SpawnOptions } from "../runtime/kernel/verbs.ts";
import { Fifo } from "./fifo.ts";
import { type Front, functionOf, known, refuse } from "./front.ts";
import { Worker } from "./worker.ts";

/** What the maker of a stashed actor is given beside its `self`. */
export interface Stash {
  /** Messages that wait. */
  readonly size: number;
  /** Looks at what waits once more: for a change that no message brought, but a timer or the end of a pipe. */
  release(): void;
}

export interface StashOptions<A extends object> {
  /** Whether a message has to wait, as the actor's object is at the moment. Asked anew after each message that ended. */
  while: (object: A, message: Message) => boolean;
  /** Messages that may wait; 1,000 by default. */
  capacity?: number | undefined;
  /** Of the actor itself, the child `inner`. */
  actor?: Omit<SpawnOptions, "name"> | undefined;
}

/**
 * An actor that is given only those messages that it is ready for. The others wait, in their order, and come when it is:
 * before any that came later.
 *
 * Promises: it is given one message at a time, or as many as its `concurrency` says, each when `while` does not hold of
 * it. What waits outlives a crash and restart of the actor, and ends with the deadline of its asker.
 * Fails: InvalidOption; the asker with MailboxFull, not-started, beyond `capacity`; with ActorStopped, when the actor has
 * stopped, and the stash with it.
 * Cost: after each message it looks at those that wait until it finds one that need not.
 * Example: `spawn(stash((self) => new Store(self), { while: (store, { type }) => !store.isOpen && type !== "opened" }))`.
 */
export function stash<A extends object>(
  make: (self: Self, stash: Stash) => A | PromiseLike<A>,
  options: StashOptions<A>,
): Make<Front<Spawned<A>>> {
  functionOf("make", make, "a function that makes the actor's object");
  known(options, ["while", "capacity", "actor"]);
  const { while: waits, actor = {} } = options;
  functionOf("while", waits, "a function of the object and a message");
  if ("name" in actor) throw new InvalidOption("actor.name", actor.name, "nothing: the actor is named inner");
  const { concurrency } = configure(actor);
  const settings: Settings<A> = {
    waits,
    actor,
    slots: concurrency,
    capacity: whole("capacity", options.capacity, 1_000, 0),
  };
  return (self) => new Stashing<A>(self, make, settings);
}

interface Settings<A> {
  readonly waits: (object: A, message: Message) => boolean;
  readonly actor: SpawnOptions;
  readonly slots: number;
  readonly capacity: number;
}

class Stashing<A extends object> implements Front<Spawned<A>>, Stash {
  readonly #self: Self;
  readonly #settings: Settings<A>;
  readonly #worker: Worker;
  readonly #waiting = new Fifo<Message>();

  constructor(self: Self, make: (self: Self, stash: Stash) => A | PromiseLike<A>, settings: Settings<A>) {
    this.#self = self;
    this.#settings = settings;
    const options = { ...settings.actor, name: "inner" };
    this.#worker = new Worker(
      self,
      (own) => make(own, this),
      options,
      () => self.stop(),
      this.#free,
    );
  }

  get size(): number {
    return this.#waiting.length;
  }

  release(): void {
    this.#self.after(0, this.#free, "release");
  }

  [receive](m: Message<Spawned<A>>): void {
    m.hold([this.#worker.ref]);
    this.#waiting.push(m);
    this.#pump();
    // This one waits, or one that it let go before it.
    const { capacity } = this.#settings;
    if (this.#waiting.length <= capacity) return;
    const nowMs = this.#self.now();
    if (this.#waiting.take(({ deadline }) => deadline !== undefined && deadline <= nowMs) !== undefined) return;
    this.#waiting.take((one) => one === m);
    m.refuse(new MailboxFull(`${this.#self.path} can not take ${m.type}: ${capacity} messages wait.`, "not-started"));
  }

  readonly #free = (): void => this.#pump();

  #pump(): void {
    const { waits, slots } = this.#settings;
    const worker = this.#worker;
    const nowMs = this.#self.now();
    const isReady = (m: Message): boolean => !waits(worker.object as A, m);
    while (worker.inHand < slots && worker.object !== undefined) {
      const m = this.#waiting.take(isReady);
      if (m === undefined) return;
      if (m.deadline === undefined || m.deadline > nowMs) worker.give(m, this.#free, failed);
    }
  }
}

function failed(_: Worker, m: Message, error: unknown): void {
  refuse(m, error);
}
