// The public interfaces: what an actor can do (Self), what the outside can do (System), and every option.

import type { Ask, Duration, MessageInfo, Offer, Ref, Spawned, Stub, Tell } from "./protocol.ts";

export type Verb = "tell" | "offer" | "ask";

export interface TellOptions {
  /** Names the message: a duplicate carries the same id. */
  id?: string | undefined;
  /** The entity it is about: for keyed draws, priorities and routers. */
  key?: string | undefined;
  /** Which delivery of the same message this is; 1 by default. */
  attempt?: number | undefined;
}

export interface WaitOptions extends TellOptions {
  /** Ask: until the answer, `"5s"` by default. Offer: until there is room, without limit by default. */
  within?: Duration | undefined;
  /** Gives up when it aborts. */
  signal?: AbortSignal | undefined;
}

/** Makes the object that handles the messages; runs again at every restart. May be asynchronous: the mailbox waits. */
export type Make<A extends object> = (self: Self<any>) => A | PromiseLike<A>;

export interface Verbs {
  /** Sends without waiting. Never throws for a message that some actor of this process has. */
  tell<P>(to: Ref<P>, options?: TellOptions): Stub<P, Tell<P>>;
  /** Waits until the message is accepted; rejects when it is turned away. */
  offer<P>(to: Ref<P>, options?: WaitOptions): Stub<P, Offer<P>>;
  /** Waits until the message is answered; rejects with a {@link Failure}. */
  ask<P>(to: Ref<P>, options?: WaitOptions): Stub<P, Ask<P>>;
  /** The verb as data. */
  via<V extends Verb, P>(
    verb: V,
    to: Ref<P>,
    options?: WaitOptions,
  ): Stub<P, V extends "tell" ? Tell<P> : V extends "offer" ? Offer<P> : Ask<P>>;
  /** Starts an actor as a child. Fails: InvalidOption, InvalidFactory. A factory that throws is a crash of the child. */
  spawn<A extends object>(make: Make<A>, options?: SpawnOptions): Ref<Spawned<A>>;
}

export interface Timer {
  /** After this its turn does not run, even if it was due already. */
  cancel(): void;
}

/** How an actor ended. */
export interface Ended {
  readonly reason: "stopped" | "failed";
  readonly cause?: unknown;
}

/** What an actor is given to act with. One object per incarnation: after a restart the former one is inert. */
export interface Self<out P = any> extends Verbs {
  readonly ref: Ref<P>;
  readonly path: string;
  /** The message in flight; undefined outside of one. */
  readonly message: MessageInfo | undefined;
  /** Aborts when the asker of the message in flight gives up. Made only when read. */
  readonly signal: AbortSignal;
  /** Milliseconds of the world. */
  now(): number;
  /**
   * The next draw, in [0, 1), of this incarnation's stream. With a key: one draw that depends only on the system's
   * seed, this path and the key.
   */
  random(key?: string | number): number;
  /** A number below 0 is 0, as a time that has passed may give; so in `after`. */
  sleep(duration: Duration): Promise<void>;
  /** Runs `turn` once as a message of this actor. A name replaces the timer that had it. */
  after(duration: Duration, turn: () => void, name?: string): Timer;
  /** Runs `turn` again and again; a turn that is late or still running is not doubled. */
  every(duration: Duration, turn: () => void, name?: string): Timer;
  /**
   * Lets the actor go on while `work` is done; its end is a turn. Without `failed`, that turn throws what `work` rejects
   * with: a failed ask is then reported, anything else is a crash.
   */
  pipeToSelf<T>(work: PromiseLike<T>, done: (value: T) => void, failed?: (error: unknown) => void): void;
  /** Runs `ended` exactly once, also when `ref` has ended already. */
  watch(ref: Ref<unknown>, ended: (how: Ended) => void): void;
  /** Takes no further message; ends when those in flight have finished. */
  stop(): void;
}

export interface Priority {
  /** Higher goes first; equals keep their order. A throw is a crash of the receiver. */
  readonly priority: (message: { readonly type: string; readonly payload: unknown; readonly key?: string }) => number;
}

/** The wait before a restart: fixed, growing, or computed from the number of restarts in the current window (1, 2, …). */
export type Backoff =
  | Duration
  | { readonly first: Duration; readonly max?: Duration; readonly factor?: number; readonly jitter?: number }
  | ((restart: number) => Duration);

export interface SpawnOptions {
  /** One path segment, unlike its siblings'. Default: the class of the object and a number. */
  name?: string | undefined;
  /** Closes the protocol to these names. Required wherever names come from outside the process. */
  messages?: readonly string[] | undefined;
  /** Handlers in flight at a time, interleaved at their awaits; 1 by default, `Infinity` is legal. */
  concurrency?: number | undefined;
  mailbox?:
    | {
        /** Messages that may wait beyond the free slots; 100,000 by default, 0 is legal. */
        capacity?: number | undefined;
        /** What happens to tell and ask when it is full; `"turn-away"` by default. */
        overflow?: "turn-away" | "drop-oldest" | "drop-newest" | undefined;
        /** Offers that may wait for room; 1,000 by default. */
        offers?: number | undefined;
        order?: "fifo" | "lifo" | Priority | undefined;
      }
    | undefined;
  supervision?:
    | {
        /** `"restart"` by default. */
        onCrash?: "restart" | "resume" | "stop" | "escalate" | undefined;
        /** What a failed ask does that a handler lets through; `"answer"` by default. */
        onAskError?: "answer" | "crash" | undefined;
        /** Restarts within the window before the crash is escalated; 3 by default. */
        maxRestarts?: number | undefined;
        /** The window; `"5s"` by default. */
        within?: Duration | undefined;
        /** The wait before a restart; none by default. */
        backoff?: Backoff | undefined;
        /** How long handlers in flight, and then dispose, may take at a restart or stop; `"1s"` by default. */
        settleWithin?: Duration | undefined;
      }
    | undefined;
  /** Which of this actor's children restart when one crashes; `"one-for-one"` by default. */
  children?: { strategy: "one-for-one" | "one-for-all" | "rest-for-one" } | undefined;
}

export interface SystemOptions {
  name?: string | undefined;
  /** Of all draws; drawn at random by default. */
  seed?: number | undefined;
  /** World milliseconds per host millisecond; 1 by default. */
  speed?: number | undefined;
  /** What happens to payloads and answers on their way; `"share"` by default. */
  isolation?: "share" | "freeze" | "clone" | undefined;
  /** Gets every event but starts and ends of actors; prints one line by default, `false` is silent. */
  report?: ((event: SystemEvent) => void) | false | undefined;
}

/** A message that nobody handled. */
export interface DeadLetter {
  readonly to: string;
  readonly from: string | undefined;
  readonly type: string;
  readonly payload: unknown;
  /** The code of the failure that an asker would have got. */
  readonly reason: string;
}

/** What happens in a system beside messages. Every member has the path it is about. */
export type SystemEvent =
  | { readonly kind: "started"; readonly path: string; readonly incarnation: number }
  | {
      readonly kind: "crashed";
      readonly path: string;
      readonly supervisor: string;
      /** What was running: a message's name, or `factory`, `dispose`, `timer x`, `watch`, `pipe`, `priority`. */
      readonly context: string;
      readonly reason: unknown;
      /** The message that was handled, if it was one. */
      readonly offender: MessageInfo | undefined;
      readonly directive: "restart" | "resume" | "stop" | "escalate";
    }
  | { readonly kind: "ended"; readonly path: string; readonly how: Ended }
  | { readonly kind: "system-failed"; readonly path: string; readonly reason: unknown }
  | ({ readonly kind: "dead-letter"; readonly path: string } & DeadLetter)
  | {
      /** A refusal, or a failed ask, that nobody waits for. */
      readonly kind: "unheard";
      readonly path: string;
      readonly type: string;
      readonly from: string | undefined;
      readonly reason: unknown;
    }
  | { readonly kind: "straggler"; readonly path: string; readonly type: string; readonly ageMs: number }
  | {
      readonly kind: "holding";
      readonly path: string;
      readonly type: string;
      readonly edge: string;
      readonly heldMs: number;
      readonly waiting: number;
    }
  | {
      /** A payload or an answer under `"freeze"` holds something that can not be frozen: a Map, a Set, a Date, a buffer. */
      readonly kind: "not-checked";
      readonly path: string;
      readonly type: string;
      readonly what: string;
    }
  | { readonly kind: "bound"; readonly path: string; readonly bound: string; readonly limit: number };

/** Counts of messages. Turns (timers, pipes, watches) are counted among them and once more by themselves. */
export interface Census {
  readonly sent: number;
  readonly turnedAway: number;
  readonly lost: number;
  readonly transit: number;
  readonly waitingForRoom: number;
  readonly accepted: number;
  readonly forwardedIn: number;
  readonly forwardedOut: number;
  readonly handled: number;
  readonly refused: number;
  readonly crashed: number;
  readonly expired: number;
  readonly cancelled: number;
  readonly dropped: number;
  readonly dead: number;
  /** From here on recomputed from the mailboxes and handlers themselves. */
  readonly queued: number;
  readonly running: number;
  readonly held: number;
  /** Of the sent: turns. */
  readonly turns: number;
  /** Answers that came after their asker had left. */
  readonly late: number;
  /** Second answers to one message. */
  readonly repeated: number;
  /** Verbs used by incarnations that had ended. */
  readonly inert: number;
  /** Actors that have not ended. */
  readonly actors: number;
}

/** What was accepted and not finished when a system stopped. */
export interface StopReport {
  readonly left: readonly (MessageInfo & { readonly path: string })[];
}

/** Owns a tree of actors, starts and stops them, and counts every message's fate. */
export interface System extends Verbs, AsyncDisposable {
  readonly name: string;
  readonly seed: number;
  /** Milliseconds of the world. */
  now(): number;
  /**
   * Takes no more work from outside, lets accepted work finish for at most `drain` (nothing by default), then stops
   * children before parents, in reverse order of their start.
   */
  stop(options?: { drain?: Duration | undefined }): Promise<StopReport>;
  /** Of the whole system, or of one actor. */
  census(of?: Ref<unknown>): Census;
  /** The last 1,000 messages that nobody handled. */
  readonly deadLetters: readonly DeadLetter[];
  /** Calls `listener` for every event until the returned function is called. */
  events(listener: (event: SystemEvent) => void): () => void;
}
