// An actor per key: started when its first message comes, stopped when nothing came for a while, and no message is lost
// between.

import { milliseconds } from "../../runtime/kernel/duration.ts";
import { Failure, InvalidOption, MailboxFull } from "../../runtime/kernel/failure.ts";
import { whole } from "../../runtime/kernel/options.ts";
import { type Duration, type Message, type Ref, receive, type Spawned } from "../../runtime/kernel/protocol.ts";
import type { Make, Self, SpawnOptions } from "../../runtime/kernel/verbs.ts";

export interface EntityOptions {
  /** The key of a message; its own `key`, as the caller gave it, by default. Pure; undefined: it is refused. */
  key?:
    | ((message: { readonly type: string; readonly payload: unknown; readonly key?: string }) => string | undefined)
    | undefined;
  /** How long an entity that handles nothing is kept; `"5m"` by default, `Infinity` is legal. */
  idle?: Duration | undefined;
  /** Entities at a time; 10,000 by default. Above it those idle longest are stopped, and where none is idle keys wait. */
  max?: number | undefined;
  /** Messages that may wait for an entity that stops or for room among `max`; 10,000 by default. */
  waiting?: number | undefined;
  /** Of each entity. By default it is restarted without end, after a growing wait from 10 ms to 10 s. */
  spawn?: Omit<SpawnOptions, "name"> | undefined;
}

/** What is spawned: a router with the protocol of its entities. */
export interface Entities<P> {
  [receive](message: Message<P>): void;
}

/** A message without a key came to an entity. */
export class KeyMissing extends Failure {
  readonly _tag = "KeyMissing";
  override readonly code = "KEY_MISSING";
}

const known = ["key", "idle", "max", "waiting", "spawn"];

/**
 * Routes each message to the entity of its key, a child that is named by it.
 *
 * Promises: at most one entity of a key is there at a time; messages of one sender and key start in the order put (D1),
 * also across its stop and next start; an entity is stopped only when it handles nothing and has nothing to handle. The
 * router answers for its entities: an ask keeps its deadline, its signal and its place in circles of waits; an offer is
 * taken when the router takes it. Draws and traces depend on the key alone.
 * Fails: InvalidOption. A message: KeyMissing, without a key; MailboxFull, with `waiting` used up, both `not-started`.
 * Cost: one ask more per message; per entity an actor and one timer.
 * Example: `system.spawn(entity((key) => persistent(journals.part(key).open, account), { idle: "10m" }))`, and then
 * `self.ask(accounts, { key: "alice" }).deposit(5)`.
 */
export function entity<A extends object>(
  make: (key: string) => Make<A>,
  options: EntityOptions = {},
): Make<Entities<Spawned<A>>> {
  if (typeof make !== "function") throw new InvalidOption("make", make, "a function of the key that gives a factory");
  for (const option of Object.keys(options))
    if (!known.includes(option)) throw new InvalidOption(option, "an unknown option", known.join(", "));
  const { key = (message) => message.key, idle = "5m", spawn = {} } = options;
  if (typeof key !== "function") throw new InvalidOption("key", key, "a function of the message");
  const idleMs = milliseconds("idle", idle);
  const max = whole("max", options.max, 10_000, 1);
  const waitingMax = whole("waiting", options.waiting, 10_000, 0);
  const supervision = { maxRestarts: Number.POSITIVE_INFINITY, backoff, ...spawn.supervision };
  return (self) => new Router<A>(self, make, key, { idleMs, max, waitingMax, spawn: { ...spawn, supervision } });
}

const backoff = { first: "10ms", max: "10s" } as const;

interface Limits {
  readonly idleMs: number;
  readonly max: number;
  readonly waitingMax: number;
  readonly spawn: SpawnOptions;
}

interface Entity<A extends object> {
  readonly key: string;
  readonly ref: Ref<Spawned<A>>;
  /** Messages given to it that have not ended. */
  open: number;
  /** When the last one ended or came, in ms. */
  lastMs: number;
  isStopping: boolean;
  /** Of the incarnation that is up or starting. */
  self: Self;
}

class Router<A extends object> implements Entities<Spawned<A>> {
  readonly #self: Self;
  readonly #make: (key: string) => Make<A>;
  readonly #key: NonNullable<EntityOptions["key"]>;
  readonly #limits: Limits;
  /** The one that became active longest ago first. */
  readonly #entities = new Map<string, Entity<A>>();
  /** Messages, by key, that wait for the next start of their entity; the key that has waited longest first. */
  readonly #waiting = new Map<string, Message[]>();
  #waitingMessages = 0;

  constructor(self: Self, make: (key: string) => Make<A>, key: NonNullable<EntityOptions["key"]>, limits: Limits) {
    this.#self = self;
    this.#make = make;
    this.#key = key;
    this.#limits = limits;
  }

  [receive](message: Message<Spawned<A>>): void {
    const { type, payload, key: own } = message;
    const key = this.#key({ type, payload, ...(own === undefined ? {} : { key: own }) });
    if (typeof key !== "string" || key === "") {
      const remedy = "Give it one: ask(ref, { key }), or the option key.";
      message.refuse(new KeyMissing(`${this.#self.path} got ${type} without a key. ${remedy}`, "not-started"));
      return;
    }
    const entity = this.#entities.get(key);
    if (entity !== undefined && !entity.isStopping) this.#give(entity, message);
    else if (entity === undefined && !this.#waiting.has(key) && this.#hasRoom()) this.#give(this.#start(key), message);
    else this.#wait(key, message);
  }

  #hasRoom(): boolean {
    if (this.#entities.size < this.#limits.max) return true;
    for (const entity of this.#entities.values()) {
      if (entity.isStopping) break;
      if (entity.open > 0) continue;
      this.#passivate(entity);
      break;
    }
    // One with nothing to bring to an end is gone by now.
    return this.#entities.size < this.#limits.max;
  }

  #wait(key: string, message: Message): void {
    const { waitingMax } = this.#limits;
    if (this.#waitingMessages >= waitingMax) {
      const what = `${this.#self.path} turned ${message.type} away: ${waitingMax} messages wait for entities that stop or for room`;
      message.refuse(new MailboxFull(`${what}. Raise waiting or max.`, "not-started"));
      return;
    }
    this.#waitingMessages++;
    const list = this.#waiting.get(key);
    if (list === undefined) this.#waiting.set(key, [message]);
    else list.push(message);
    message.accept();
    message.hold();
  }

  #start(key: string): Entity<A> {
    const make = this.#make(key);
    let current: Self | undefined;
    const ref = this.#self.spawn(
      (self: Self) => {
        current = self;
        if (entity !== undefined) entity.self = self;
        return make(self);
      },
      { ...this.#limits.spawn, name: nameOf(key) },
    );
    const now = this.#self.now();
    const entity: Entity<A> = { key, ref, open: 0, lastMs: now, isStopping: false, self: current as unknown as Self };
    this.#entities.set(key, entity);
    this.#self.watch(ref, () => this.#ended(entity));
    if (this.#limits.idleMs < Number.POSITIVE_INFINITY) this.#look(entity, this.#limits.idleMs);
    return entity;
  }

  #give(entity: Entity<A>, message: Message): void {
    entity.open++;
    entity.lastMs = this.#self.now();
    this.#entities.delete(entity.key);
    this.#entities.set(entity.key, entity);
    message.hold([entity.ref]);
    message.accept();
    const over = () => {
      entity.open--;
      entity.lastMs = this.#self.now();
      if (entity.open === 0 && this.#waiting.size > 0) this.#admit();
    };
    this.#self.pipeToSelf(
      message.relay(entity.ref),
      (value) => {
        over();
        message.answer(value);
      },
      (error) => {
        over();
        if (error instanceof Failure) message.refuse(error);
        else throw error;
      },
    );
  }

  /** Looks in a while whether nothing came since. */
  #look(entity: Entity<A>, ms: number): void {
    this.#self.after(
      ms,
      () => {
        if (entity.isStopping || this.#entities.get(entity.key) !== entity) return;
        const { idleMs } = this.#limits;
        const left = entity.open > 0 ? idleMs : entity.lastMs + idleMs - this.#self.now();
        if (left > 0) this.#look(entity, left);
        else this.#passivate(entity);
      },
      `idle-${entity.key}`,
    );
  }

  #passivate(entity: Entity<A>): void {
    entity.isStopping = true;
    entity.self.stop();
  }

  #ended(entity: Entity<A>): void {
    if (this.#entities.get(entity.key) === entity) this.#entities.delete(entity.key);
    this.#admit();
  }

  /** Those that waited, as far as there is room now, in the order in which their keys began to wait. */
  #admit(): void {
    for (const [key, messages] of this.#waiting) {
      const entity = this.#entities.get(key);
      if (entity?.isStopping === true) continue;
      if (entity === undefined && !this.#hasRoom()) return;
      this.#waiting.delete(key);
      this.#waitingMessages -= messages.length;
      const to = entity ?? this.#start(key);
      for (const message of messages) if (!message.signal.aborted) this.#give(to, message);
    }
  }
}

/** What can not stand in a path is escaped, so that different keys have different names. */
function nameOf(key: string): string {
  const name = encodeURIComponent(key).replace(/[~]/g, "%7E");
  if (name.length <= 200) return name;
  throw new InvalidOption("key", key, "a text of at most 200 characters as it stands in a path");
}
