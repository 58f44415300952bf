// Who offers which service: names, and the refs that stand behind them at the moment.

import { milliseconds } from "../runtime/kernel/duration.ts";
import { InvalidOption, Refusal } from "../runtime/kernel/failure.ts";
import { whole } from "../runtime/kernel/options.ts";
import type { Duration, Ref, Reply } from "../runtime/kernel/protocol.ts";
import type { Make, Self, Timer } from "../runtime/kernel/verbs.ts";
import { known } from "./front.ts";

/** Nobody is registered under this name. */
export class NotRegistered extends Refusal {
  readonly _tag = "NotRegistered";
  readonly service: string;

  constructor(service: string) {
    super(`Nobody is registered as ${service}.`);
    this.service = service;
  }
}

/** The registry has as many entries as it may, or what it was given is none. */
export class RegistrationRefused extends Refusal {
  readonly _tag = "RegistrationRefused";
}

export interface Registration {
  readonly name: string;
  readonly ref: Ref<unknown>;
  /** How long it holds without being renewed, which is to register again; for ever by default. */
  readonly ttl?: Duration | undefined;
}

/** What a subscriber is told: who is registered under a name, now and whenever that changes. */
export interface Subscriber {
  changed(change: Change): void;
}

export interface Change {
  readonly name: string;
  /** In the order in which they registered. */
  readonly refs: readonly Ref<unknown>[];
}

/** The messages of a {@link registry}. */
export interface Registry {
  /** Adds an instance, or renews it. */
  register(registration: Registration): Reply<void, RegistrationRefused>;
  unregister(registration: { readonly name: string; readonly ref: Ref<unknown> }): void;
  /** One instance: of several, each in turn. */
  lookup(name: string): Reply<Ref<unknown>, NotRegistered>;
  lookupAll(name: string): readonly Ref<unknown>[];
  subscribe(subscription: { readonly name: string; readonly ref: Ref<Subscriber> }): Reply<void, RegistrationRefused>;
  unsubscribe(subscription: { readonly name: string; readonly ref: Ref<Subscriber> }): void;
}

export interface RegistryOptions {
  /** Registrations and subscriptions together; 100,000 by default. */
  limit?: number | undefined;
}

/**
 * A registry of services. Several instances may have one name.
 *
 * Promises: an instance is found from the answer to `register` on until it is unregistered, has ended (the registry
 * watches it) or was not renewed within its `ttl`. A subscriber is told the present instances at once, and after each
 * change the whole new list; one that has ended is forgotten. A restart forgets everything: instances that renew, as
 * those of {@link announce} do, are back within a third of their ttl.
 * Fails: InvalidOption; the asker with NotRegistered or RegistrationRefused.
 * Example: `const names = system.spawn(registry(), { name: "registry" })`, `self.tell(names).register({ name: "mail", ref })`.
 */
export function registry(options: RegistryOptions = {}): Make<Registry> {
  known(options, ["limit"]);
  const limit = whole("limit", options.limit, 100_000, 1);
  return (self) => new Names(self, limit);
}

/**
 * Registers the calling actor and renews that in every third of `ttl`, `"30s"` by default, until it ends.
 *
 * Promises: gives the end of it: `cancel()` unregisters.
 */
export function announce(self: Self, names: Ref<Registry>, name: string, options: { ttl?: Duration } = {}): Timer {
  known(options, ["ttl"]);
  const { ref } = self;
  const ttl = milliseconds("ttl", options.ttl ?? "30s");
  if (!(ttl > 0)) throw new InvalidOption("ttl", options.ttl, "a duration above 0");
  const register = () => self.tell(names).register({ name, ref, ttl });
  register();
  const timer = ttl < Number.POSITIVE_INFINITY ? self.every(ttl / 3, register, `announce ${name}`) : undefined;
  return {
    cancel() {
      timer?.cancel();
      self.tell(names).unregister({ name, ref });
    },
  };
}

class Service {
  readonly instances = new Map<Ref<unknown>, Timer | undefined>();
  readonly subscribers = new Set<Ref<Subscriber>>();
  /** Whose turn it is. */
  turn = 0;

  get isEmpty(): boolean {
    return this.instances.size === 0 && this.subscribers.size === 0;
  }
}

class Names implements Registry {
  readonly #self: Self;
  readonly #limit: number;
  readonly #services = new Map<string, Service>();
  readonly #watched = new Set<Ref<unknown>>();
  #entries = 0;

  constructor(self: Self, limit: number) {
    this.#self = self;
    this.#limit = limit;
  }

  register(registration: Registration): Reply<void, RegistrationRefused> {
    const ttlMs = this.#check(registration);
    if (typeof ttlMs !== "number") return ttlMs;
    const { name, ref } = registration;
    const before = this.#services.get(name);
    const isNew = before?.instances.has(ref) !== true;
    if (isNew && this.#entries >= this.#limit) return this.#full(name);
    const service = this.#serviceOf(name);
    service.instances.get(ref)?.cancel();
    const expire = () => this.#remove(name, ref);
    service.instances.set(ref, ttlMs < Number.POSITIVE_INFINITY ? this.#self.after(ttlMs, expire) : undefined);
    if (!isNew) return;
    this.#entries++;
    this.#changed(name, service);
  }

  unregister({ name, ref }: { name: string; ref: Ref<unknown> }): void {
    this.#remove(name, ref);
  }

  lookup(name: string): Reply<Ref<unknown>, NotRegistered> {
    const service = this.#services.get(name);
    const refs = service === undefined ? [] : [...service.instances.keys()];
    if (service === undefined || refs.length === 0) return new NotRegistered(name);
    service.turn = (service.turn + 1) % refs.length;
    return refs[service.turn] as Ref<unknown>;
  }

  lookupAll(name: string): readonly Ref<unknown>[] {
    return this.#refsOf(name);
  }

  subscribe(subscription: { name: string; ref: Ref<Subscriber> }): Reply<void, RegistrationRefused> {
    const wrong = this.#check(subscription);
    if (typeof wrong !== "number") return wrong;
    const { name, ref } = subscription;
    const service = this.#services.get(name);
    if (service?.subscribers.has(ref) !== true) {
      if (this.#entries >= this.#limit) return this.#full(name);
      this.#serviceOf(name).subscribers.add(ref);
      this.#entries++;
    }
    this.#self.tell(ref).changed({ name, refs: this.#refsOf(name) });
  }

  unsubscribe({ name, ref }: { name: string; ref: Ref<Subscriber> }): void {
    const service = this.#services.get(name);
    if (service?.subscribers.delete(ref) === true) this.#gone(name, service);
  }

  /** What is wrong is the client's mistake: it is no crash of everyone's registry. */
  #check({ name, ref, ttl = Number.POSITIVE_INFINITY }: Registration): number | RegistrationRefused {
    try {
      if (typeof name !== "string") throw new InvalidOption("name", name, "a text");
      const ttlMs = milliseconds("ttl", ttl);
      this.#watch(ref);
      return ttlMs;
    } catch (error) {
      return new RegistrationRefused(error instanceof Error ? error.message : String(error));
    }
  }

  #full(name: string): RegistrationRefused {
    return new RegistrationRefused(`${this.#self.path} has ${this.#limit} entries, as many as it may: no ${name}.`);
  }

  #refsOf(name: string): readonly Ref<unknown>[] {
    return [...(this.#services.get(name)?.instances.keys() ?? [])];
  }

  #serviceOf(name: string): Service {
    let service = this.#services.get(name);
    if (service === undefined) this.#services.set(name, (service = new Service()));
    return service;
  }

  #watch(ref: Ref<unknown>): void {
    if (this.#watched.has(ref)) return;
    this.#self.watch(ref, () => this.#ended(ref));
    this.#watched.add(ref);
  }

  #ended(ref: Ref<unknown>): void {
    this.#watched.delete(ref);
    for (const [name, service] of this.#services) {
      if (service.subscribers.delete(ref as Ref<Subscriber>)) this.#gone(name, service);
      this.#remove(name, ref);
    }
  }

  #remove(name: string, ref: Ref<unknown>): void {
    const service = this.#services.get(name);
    if (service?.instances.has(ref) !== true) return;
    service.instances.get(ref)?.cancel();
    service.instances.delete(ref);
    this.#changed(name, service);
    this.#gone(name, service);
  }

  #gone(name: string, service: Service): void {
    this.#entries--;
    if (service.isEmpty) this.#services.delete(name);
  }

  #changed(name: string, { instances, subscribers }: Service): void {
    if (subscribers.size === 0) return;
    const change = { name, refs: [...instances.keys()] };
    for (const ref of subscribers) this.#self.tell(ref).changed(change);
  }
}
