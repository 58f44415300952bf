// The client's side of a registry: what it found there, kept for a while.

import { milliseconds } from "../runtime/kernel/duration.ts";
import { Failure, MailboxFull } from "../runtime/kernel/failure.ts";
import { whole } from "../runtime/kernel/options.ts";
import { type Duration, type Message, type Ref, receive } from "../runtime/kernel/protocol.ts";
import type { Make, Self } from "../runtime/kernel/verbs.ts";
import { Fifo } from "./fifo.ts";
import { type Front, givenOn, known } from "./front.ts";
import { NotRegistered, type Registry } from "./registry.ts";

export interface DiscoveryOptions {
  /** How long what was found is taken for true; `"10s"` by default. */
  ttl?: Duration | undefined;
  /** How much longer it is used while the registry is asked again, and if that fails; not at all by default. */
  stale?: Duration | undefined;
  /** Whether an instance that has ended is forgotten at once; true by default. Over a network, nobody could know. */
  watch?: boolean | undefined;
}

/** Instances of one service, as far as this client knows. */
export interface Discovery<P> {
  /** All of them. Rejects when the registry does not answer and nothing is known. */
  all(): Promise<readonly Ref<P>[]>;
  /** Each in turn, but none of `but` unless there is no other. Rejects with NotRegistered. */
  one(but?: readonly Ref<P>[]): Promise<Ref<P>>;
  /** Asks the registry next time. */
  forget(): void;
}

/**
 * A cache of what the registry knows of `name`, for the actor whose `self` it is given.
 *
 * Promises: asks the registry when nothing is known or that is older than `ttl`; under the deadline of the message that
 * is handled, and for none, once at a time, while what is known may still be used (`stale`). An instance that ended is
 * not given any more, unless `watch` is off: then it is until what is known of it is out of date.
 * Fails: InvalidOption.
 * Example: `const mails = discovery<Mail>(self, names, "mail")`, and then `self.ask(await mails.one()).send(text)`.
 */
export function discovery<P>(
  self: Self,
  names: Ref<Registry>,
  name: string,
  options: DiscoveryOptions = {},
): Discovery<P> {
  known(options, ["ttl", "stale", "watch"]);
  return new Cache<P>(self, names, name, settingsOf(options));
}

interface Settings {
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly isWatching: boolean;
}

function settingsOf({ ttl = "10s", stale = 0, watch = true }: DiscoveryOptions): Settings {
  return { ttlMs: milliseconds("ttl", ttl), staleMs: milliseconds("stale", stale), isWatching: watch };
}

class Cache<P> implements Discovery<P> {
  readonly #self: Self;
  readonly #names: Ref<Registry>;
  readonly #name: string;
  readonly #settings: Settings;
  readonly #watched = new Set<Ref<P>>();
  #refs: readonly Ref<P>[] = [];
  #foundAtMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #turn = 0;

  constructor(self: Self, names: Ref<Registry>, name: string, settings: Settings) {
    this.#self = self;
    this.#names = names;
    this.#name = name;
    this.#settings = settings;
  }

  /** What is known, if that may be used; has the registry asked when it is out of date. */
  present(): readonly Ref<P>[] | undefined {
    // That there was nobody is not kept: who comes next is wanted at once.
    if (this.#refs.length === 0) return undefined;
    const ageMs = this.#self.now() - this.#foundAtMs;
    const { ttlMs, staleMs } = this.#settings;
    if (ageMs < ttlMs) return this.#refs;
    if (ageMs >= ttlMs + staleMs) return undefined;
    this.refresh(nothing, nothing);
    return this.#refs;
  }

  async all(): Promise<readonly Ref<P>[]> {
    const known = this.present();
    if (known !== undefined) return known;
    // For the message in flight, under its deadline: a turn of this actor would wait until its handler has ended.
    const refs = (await this.#self.ask(this.#names).lookupAll(this.#name)) as readonly Ref<P>[];
    this.#found(refs);
    return refs;
  }

  async one(but: readonly Ref<P>[] = []): Promise<Ref<P>> {
    const refs = await this.all();
    const others = refs.filter((ref) => !but.includes(ref));
    const ref = this.next(others.length > 0 ? others : refs);
    if (ref === undefined) throw new NotRegistered(this.#name);
    return ref;
  }

  next(refs: readonly Ref<P>[]): Ref<P> | undefined {
    return refs[this.#turn++ % refs.length];
  }

  forget(): void {
    this.#foundAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Asks the registry for no message in particular, once at a time. */
  refresh(then: (refs: readonly Ref<P>[]) => void, failed: (failure: Failure) => void): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    // In a turn of its own it inherits no deadline.
    this.#self.after(0, () =>
      this.#self.pipeToSelf(
        this.#self.ask(this.#names).lookupAll(this.#name),
        (refs) => {
          this.#isAsking = false;
          this.#found(refs as readonly Ref<P>[]);
          then(this.#refs);
        },
        (error) => {
          this.#isAsking = false;
          if (!(error instanceof Failure)) throw error;
          failed(error);
        },
      ),
    );
  }

  #found(refs: readonly Ref<P>[]): void {
    this.#foundAtMs = this.#self.now();
    this.#refs = refs;
    if (!this.#settings.isWatching) return;
    for (const ref of refs) {
      if (this.#watched.has(ref)) continue;
      this.#watched.add(ref);
      this.#self.watch(ref, () => {
        this.#watched.delete(ref);
        this.#refs = this.#refs.filter((one) => one !== ref);
      });
    }
  }
}

function nothing(): void {}

export interface ViaOptions extends DiscoveryOptions {
  /** Messages that may wait for the first answer of the registry; 10,000 by default. */
  capacity?: number | undefined;
}

/**
 * Stands for a service by its name: each message goes to one of those who are registered under it at the moment, each in
 * turn.
 *
 * Promises: as {@link discovery}. While nothing is known, messages wait for the registry, in their order. Their askers get
 * NotRegistered when there is nobody, and the failure of the registry when it does not answer.
 * Fails: InvalidOption; the asker with MailboxFull, not-started, beyond `capacity`.
 * Example: `const mail = system.spawn(via<Mail>(names, "mail"), { name: "mail" })`, `self.ask(mail).send(text)`.
 */
export function via<P>(names: Ref<Registry>, name: string, options: ViaOptions = {}): Make<Front<P>> {
  known(options, ["ttl", "stale", "watch", "capacity"]);
  const settings = settingsOf(options);
  const capacity = whole("capacity", options.capacity, 10_000, 0);
  return (self) => new Via<P>(self, new Cache<P>(self, names, name, settings), names, name, capacity);
}

class Via<P> implements Front<P> {
  readonly #self: Self;
  readonly #cache: Cache<P>;
  readonly #names: Ref<Registry>;
  readonly #name: string;
  readonly #capacity: number;
  readonly #waiting = new Fifo<Message<P>>();

  constructor(self: Self, cache: Cache<P>, names: Ref<Registry>, name: string, capacity: number) {
    this.#self = self;
    this.#cache = cache;
    this.#names = names;
    this.#name = name;
    this.#capacity = capacity;
  }

  [receive](m: Message<P>): void {
    // What waits goes first.
    const refs = this.#waiting.length > 0 ? undefined : this.#cache.present();
    if (refs !== undefined) this.#send(m, refs);
    else if (this.#waiting.length >= this.#capacity)
      m.refuse(
        new MailboxFull(`${this.#self.path} has ${this.#capacity} messages that wait for the registry.`, "not-started"),
      );
    else {
      m.hold([this.#names]);
      this.#waiting.push(m);
      this.#cache.refresh(this.#found, this.#failed);
    }
  }

  #send(m: Message<P>, refs: readonly Ref<P>[]): void {
    const ref = this.#cache.next(refs);
    if (ref === undefined) m.refuse(new NotRegistered(this.#name));
    else m.forward(ref);
  }

  readonly #found = (refs: readonly Ref<P>[]): void => {
    for (const m of this.#waiting.drain()) this.#send(m, refs);
  };

  readonly #failed = (failure: Failure): void => {
    for (const m of this.#waiting.drain()) m.refuse(givenOn(failure));
  };
}
