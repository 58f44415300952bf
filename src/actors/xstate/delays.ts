// Delayed events of a machine and its children: timers of the actor, and a list of data that says what is still to come.

import type { AnyActorRef, AnyEventObject } from "xstate";
import type { Self, Timer } from "../../runtime/kernel/verbs.ts";
import type { PersistedTimer } from "./protocol.ts";

interface Delay {
  readonly source: AnyActorRef;
  readonly target: AnyActorRef;
  readonly event: AnyEventObject;
  readonly id: string;
  /** In ms of the world. */
  readonly at: number;
  readonly timer: Timer;
}

type Relay = (source: AnyActorRef, target: AnyActorRef, event: AnyEventObject) => unknown;

/** In place of XState's own scheduler. */
export class Delays {
  readonly #self: Self;
  readonly #epochMs: number;
  readonly #root: AnyActorRef;
  readonly #relay: Relay;
  readonly #armed = new Map<string, Delay>();
  #anonymous = 0;

  constructor(self: Self, epochMs: number, root: AnyActorRef, relay: Relay) {
    this.#self = self;
    this.#epochMs = epochMs;
    this.#root = root;
    this.#relay = relay;
  }

  /** What is to come, in the order of its arming; without what is for somebody outside of the machine. */
  get list(): readonly PersistedTimer[] {
    return [...this.#armed.values()].flatMap(({ source, target, event, id, at }) => {
      const [from, to] = [this.#pathOf(source), this.#pathOf(target)];
      if (from === undefined || to === undefined) return [];
      return [{ id, at: at + this.#epochMs, event, source: from, target: to }];
    });
  }

  readonly schedule = (
    source: AnyActorRef,
    target: AnyActorRef,
    event: AnyEventObject,
    delay: number,
    id: string = `delayed-${++this.#anonymous}`,
  ): void => {
    const key = this.#keyOf(source, id);
    const at = this.#self.now() + delay;
    const due = () => {
      this.#armed.delete(key);
      return this.#relay(source, target, event);
    };
    // A name replaces the timer that had it.
    this.#armed.delete(key);
    this.#armed.set(key, { source, target, event, id, at, timer: this.#self.after(delay, due, key) });
  };

  readonly cancel = (source: AnyActorRef, id: string): void => {
    const key = this.#keyOf(source, id);
    this.#armed.get(key)?.timer.cancel();
    this.#armed.delete(key);
  };

  readonly cancelAll = (source: AnyActorRef): void => {
    for (const [key, delay] of this.#armed) {
      if (delay.source !== source) continue;
      delay.timer.cancel();
      this.#armed.delete(key);
    }
  };

  clear(): void {
    for (const { timer } of this.#armed.values()) timer.cancel();
    this.#armed.clear();
  }

  /** At the time they were due; at once, where that has passed. */
  restore(timers: readonly PersistedTimer[], find: (path: readonly string[]) => AnyActorRef | undefined): void {
    for (const { id, at, event, source, target } of timers) {
      const [from, to] = [find(source), find(target)];
      if (from === undefined || to === undefined) continue;
      this.schedule(from, to, event, Math.max(0, at - this.#epochMs - this.#self.now()), id);
    }
  }

  #keyOf(source: AnyActorRef, id: string): string {
    return [...(this.#pathOf(source) ?? [source.id]), id].join("/");
  }

  /** Undefined for an actor that is not of this machine. */
  #pathOf(ref: AnyActorRef): readonly string[] | undefined {
    const path: string[] = [];
    let at: AnyActorRef | undefined = ref;
    while (at !== undefined && at !== this.#root) {
      path.unshift(at.id);
      at = at._parent;
    }
    return at === undefined ? undefined : path;
  }
}
