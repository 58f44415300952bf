// The state of one persistent actor between its journal and its handlers: what they emit is applied at once and written
// in groups; what was written is read back at the start.

import { milliseconds } from "../../runtime/kernel/duration.ts";
import { InvalidOption, Stopped } from "../../runtime/kernel/failure.ts";
import type { Duration } from "../../runtime/kernel/protocol.ts";
import { messageOf } from "../../runtime/kernel/thenable.ts";
import type { Self } from "../../runtime/kernel/verbs.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import { NotPersisted, RecoveryFailed } from "./failure-journal.ts";
import type { Journal } from "./journal.ts";

/** What the handlers of a persistent actor are given. */
export interface Persisted<out S, in E> {
  /** With everything applied that was emitted so far, safe or not. */
  readonly state: S;
  /**
   * Applies events to the state at once and writes them. All that is emitted, armed and cancelled with no await between
   * is one group: after a crash all of it is found, or none. Resolves when it is safe, as do the answers of all handlers
   * by themselves: to be awaited before something else is told of it.
   *
   * Fails: Unencodable, or what `apply` throws: then nothing is applied or written. NotPersisted, which is a crash.
   */
  emit(...events: readonly E[]): Promise<void>;
  /** Resolves when all that was emitted, armed and cancelled so far is safe. */
  saved(): Promise<void>;
  /**
   * Runs the turn of this name among `timers` after so long, also when the actor was not there meanwhile: then at the
   * end of the start that follows. Replaces the one of its name. At least once: it is forgotten together with what its
   * turn emits, or, when that is asynchronous, at its end.
   */
  after(name: string, duration: Duration): void;
  /** The same, at a time of {@link now}. */
  at(name: string, timeMs: number): void;
  cancel(name: string): void;
  /** Milliseconds of a clock that goes on while the actor is not there: the journal's, if it has one, else the world's. */
  now(): number;
}

/** From one version of the program's events and states to the next; what is left out stays as it is. */
export interface Upcaster {
  readonly event?: ((event: unknown) => unknown) | undefined;
  readonly state?: ((state: unknown) => unknown) | undefined;
}

export interface LogOptions<S, E> {
  readonly initial: S;
  readonly apply: (state: S, event: E) => S;
  readonly version: number;
  readonly upcast: { readonly [version: number]: Upcaster };
  readonly snapshotEvery: number;
  readonly codec: Codec;
  readonly snapshotCodec: Codec;
}

/** A journal whose clock outlives the process. */
interface Clocked extends Journal {
  readonly clock?: () => number;
}

const tags = { event: 1, timer: 2, snapshot: 3 } as const;
const headBytes = 5;

export class EventLog<S, E> implements Persisted<S, E> {
  readonly #self: Self;
  readonly #journal: Clocked;
  readonly #options: LogOptions<S, E>;
  state: S;
  /** When they are due, by name. */
  readonly #timers = new Map<string, number>();
  #turns: { readonly [name: string]: () => unknown } = {};
  /** Emitted, armed or cancelled since the last await. */
  #batch: Uint8Array[] = [];
  #batched: PromiseWithResolvers | undefined = undefined;
  /** Groups and snapshots on their way. */
  #onWay = 0;
  #sinceSnapshot = 0;
  #failure: unknown = undefined;

  /** Recovers. Fails: RecoveryFailed. */
  constructor(self: Self, journal: Journal, options: LogOptions<S, E>) {
    this.#self = self;
    this.#journal = journal;
    this.#options = options;
    this.state = options.initial;
    const { snapshot, records } = journal.recovered;
    if (snapshot !== undefined) this.#restore(snapshot);
    let record = 0;
    for (const bytes of records) this.#replay(bytes, ++record);
    this.#sinceSnapshot = record;
  }

  now(): number {
    return this.#journal.clock?.() ?? this.#self.now();
  }

  emit(...events: readonly E[]): Promise<void> {
    this.check();
    const { codec, apply } = this.#options;
    let { state } = this;
    const records: Uint8Array[] = [];
    for (const event of events) {
      records.push(this.#record(tags.event, codec.encode(event)));
      state = apply(state, event);
    }
    if (records.length === 0) return this.saved();
    this.state = state;
    this.#sinceSnapshot += records.length;
    return this.#stage(records);
  }

  saved(): Promise<void> {
    return this.flush() ?? Promise.resolve();
  }

  after(name: string, duration: Duration): void {
    this.at(name, this.now() + milliseconds("after", duration));
  }

  at(name: string, timeMs: number): void {
    this.check();
    if (this.#turns[name] === undefined) throw this.#unknown(name);
    if (!Number.isFinite(timeMs)) throw new InvalidOption("at", timeMs, "a time in ms");
    this.#timers.set(name, timeMs);
    this.#arm(name, timeMs);
    void this.#stage([this.#timerRecord(name, timeMs)]);
  }

  cancel(name: string): void {
    this.check();
    if (!this.#timers.delete(name)) return;
    this.#self.after(0, nothing, timerName(name)).cancel();
    void this.#stage([this.#timerRecord(name, undefined)]);
  }

  /** Fails: NotPersisted, once the journal has refused something. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes what was emitted since the last await. Gives the wait until all is safe; undefined when it is. */
  flush(): Promise<void> | undefined {
    if (this.#failure !== undefined) return rejected(this.#failure);
    if (this.#batch.length === 0) {
      if (this.#onWay === 0) return undefined;
      // Nothing is written: this waits for what others wrote, by a wait that is seen to be of this message.
      return this.#write(this.#journal.append([]));
    }
    const records = this.#batch;
    const batched = this.#batched as PromiseWithResolvers;
    this.#batch = [];
    this.#batched = undefined;
    this.#write(this.#journal.append(records)).then(batched.resolve, batched.reject);
    if (this.#sinceSnapshot >= this.#options.snapshotEvery) this.#snapshot();
    return batched.promise;
  }

  /** Begins to write what was emitted since the last await, if anything was. */
  push(): void {
    if (this.#batch.length > 0) void this.flush();
  }

  /** The timers that were found, those that are due first. Fails: RecoveryFailed, for one that has no turn. */
  resume(turns: { readonly [name: string]: () => unknown }): void {
    this.#turns = turns;
    for (const [name, timeMs] of [...this.#timers].sort(([, one], [, other]) => one - other)) {
      if (turns[name] === undefined) {
        const remedy = "Add it: what it was armed for would never come.";
        throw new RecoveryFailed(this.#self.path, 0, `the timer ${name} is armed, and timers has no such turn`, remedy);
      }
      this.#arm(name, timeMs);
    }
  }

  #stage(records: readonly Uint8Array[]): Promise<void> {
    this.#batch.push(...records);
    if (this.#batched === undefined) {
      const batched = (this.#batched = withResolvers());
      batched.promise.catch(nothing);
      // Unless a handler returns before.
      void Promise.resolve().then(() => {
        if (this.#batched === batched) void this.flush();
      });
    }
    return this.#batched.promise;
  }

  #write(written: Promise<void>): Promise<void> {
    this.#onWay++;
    const outcome = written.then(
      () => void this.#onWay--,
      (error: unknown) => {
        this.#onWay--;
        throw this.#fail(error);
      },
    );
    outcome.catch(nothing);
    return outcome;
  }

  /** The state is ahead of the journal: the actor has to crash, also if no handler waits. */
  #fail(error: unknown): unknown {
    if (this.#failure !== undefined) return this.#failure;
    // It ends already: a crash, a stop or a restart.
    if (error instanceof Stopped) return (this.#failure = error);
    const failure = (this.#failure = new NotPersisted(this.#self.path, error));
    this.#self.pipeToSelf(Promise.resolve(), () => {
      throw failure;
    });
    return failure;
  }

  #snapshot(): void {
    this.#sinceSnapshot = 0;
    const { snapshotCodec } = this.#options;
    const timers = jsonCodec.encode([...this.#timers]);
    const state = snapshotCodec.encode(this.state);
    const bytes = this.#record(tags.snapshot, new Uint8Array(4 + timers.length + state.length));
    new DataView(bytes.buffer).setUint32(headBytes, timers.length, true);
    bytes.set(timers, headBytes + 4);
    bytes.set(state, headBytes + 4 + timers.length);
    void this.#write(this.#journal.compact(bytes));
  }

  #restore(bytes: Uint8Array): void {
    this.#reading(0, bytes, (view, version) => {
      if (view.getUint8(0) !== tags.snapshot) throw new Error("it is no snapshot of a persistent actor");
      const from = headBytes + 4 + view.getUint32(headBytes, true);
      const timers = jsonCodec.decode(bytes.subarray(headBytes + 4, from)) as [string, number][];
      for (const [name, timeMs] of timers) this.#timers.set(name, timeMs);
      const state = this.#options.snapshotCodec.decode(bytes.subarray(from));
      this.state = this.#upcast(state, version, "state") as S;
    });
  }

  #replay(bytes: Uint8Array, record: number): void {
    this.#reading(record, bytes, (view, version) => {
      const tag = view.getUint8(0);
      const content = bytes.subarray(headBytes);
      if (tag === tags.event) {
        const event = this.#upcast(this.#options.codec.decode(content), version, "event") as E;
        this.state = this.#options.apply(this.state, event);
      } else if (tag === tags.timer) {
        const [name, timeMs] = jsonCodec.decode(content) as [string, number | null];
        if (timeMs === null) this.#timers.delete(name);
        else this.#timers.set(name, timeMs);
      } else throw new Error(`found kind ${tag}, expected an event or a timer: it is no record of a persistent actor`);
    });
  }

  #reading(record: number, bytes: Uint8Array, read: (view: DataView, version: number) => void): void {
    const { path } = this.#self;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const version = bytes.length < headBytes ? 0 : view.getUint32(1, true);
    const { version: own } = this.#options;
    if (version > own) {
      const what = `it was written by version ${version} of the program, and this is version ${own}`;
      throw new RecoveryFailed(path, record, what, "Run the later program, or restore a journal of before it.");
    }
    try {
      if (version < 1) throw new Error("it is no record of a persistent actor");
      read(view, version);
    } catch (error) {
      const remedy = "Nothing was changed. Mend apply, the codec or upcast, or give the actor another journal.";
      throw new RecoveryFailed(path, record, messageOf(error).replace(/\.$/, ""), remedy, { cause: error });
    }
  }

  #upcast(found: unknown, version: number, what: "event" | "state"): unknown {
    let value = found;
    for (let from = version; from < this.#options.version; from++) {
      const step = this.#options.upcast[from];
      if (step === undefined)
        throw new Error(`the ${what} is of version ${version}, and upcast has no step from ${from}`);
      const cast = step[what];
      if (cast !== undefined) value = cast(value);
    }
    return value;
  }

  #arm(name: string, timeMs: number): void {
    this.#self.after(timeMs - this.now(), () => this.#fire(name, timeMs), timerName(name));
  }

  /** The turn, and with what it emits that it was run. It takes the actor's slot until that is safe. */
  #fire(name: string, timeMs: number): unknown {
    const done = (): Promise<void> | undefined => {
      // Else its turn armed or cancelled it anew.
      if (this.#timers.get(name) === timeMs) {
        this.#timers.delete(name);
        void this.#stage([this.#timerRecord(name, undefined)]);
      }
      return this.flush();
    };
    const result = this.#turns[name]?.();
    if (typeof (result as PromiseLike<unknown> | undefined)?.then !== "function") return done();
    const first = this.flush();
    return Promise.resolve(result)
      .then(() => first)
      .then(done);
  }

  #timerRecord(name: string, timeMs: number | undefined): Uint8Array {
    return this.#record(tags.timer, jsonCodec.encode([name, timeMs ?? null]));
  }

  #record(tag: number, content: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(headBytes + content.length);
    bytes[0] = tag;
    new DataView(bytes.buffer).setUint32(1, this.#options.version, true);
    bytes.set(content, headBytes);
    return bytes;
  }

  #unknown(name: string): InvalidOption {
    return new InvalidOption(
      "timer",
      name,
      `one of timers: ${Object.keys(this.#turns).join(", ") || "there are none"}`,
    );
  }
}

/** Beside those that the program names itself. */
function timerName(name: string): string {
  return `persistent-${name}`;
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = nothing;
  let reject: (error: unknown) => void = nothing;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function rejected(error: unknown): Promise<void> {
  const promise = Promise.reject(error);
  promise.catch(nothing);
  return promise;
}

function nothing(): void {}
