// Event-sourced actors: what a handler emits is written before anybody hears of it, and makes the state of the next start.

import { Failure, InvalidFactory, InvalidOption } from "../../runtime/kernel/failure.ts";
import { messagesOf } from "../../runtime/kernel/names.ts";
import { whole } from "../../runtime/kernel/options.ts";
import { receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import type { OpenJournal } from "./journal.ts";
import { EventLog, type Persisted, type Upcaster } from "./persistent-log.ts";

export interface PersistentOptions<C extends object, S, E> {
  /** The state before any event. Never changed: `apply` gives a new one. */
  initial: S;
  /** The state after an event: pure, and able to apply every event that was ever emitted (or what `upcast` makes of it). */
  apply: (state: S, event: E) => S;
  /** Makes the object whose methods are the messages; runs at every start, after the recovery. */
  commands: (self: Self, log: Persisted<S, E>) => C;
  /** Turns of timers that outlive the actor, by name; none by default. */
  timers?: ((self: Self, log: Persisted<S, E>) => { readonly [name: string]: () => unknown }) | undefined;
  /** Of the events and the state: a whole number, raised when their form changes; 1 by default. */
  version?: number | undefined;
  /** By version: how what that version wrote becomes what the next one would have. */
  upcast?: { readonly [version: number]: Upcaster } | undefined;
  /** Events after which the state is written in their place; 1,000 by default, `Infinity` is legal. */
  snapshotEvery?: number | undefined;
  /** Of the events; {@link jsonCodec} by default. */
  codec?: Codec | undefined;
  /** Of the state, in snapshots; {@link jsonCodec} by default. */
  snapshotCodec?: Codec | undefined;
}

const known = [
  "initial",
  "apply",
  "commands",
  "timers",
  "version",
  "upcast",
  "snapshotEvery",
  "codec",
  "snapshotCodec",
];

/**
 * An actor whose state is made of the events that its handlers emit.
 *
 * Promises: an answer, a value or a refusal, leaves when all events emitted before it are safe. A restart, a stop and a
 * power failure lose none of these, apply none twice, and keep their order. With `concurrency` above 1 synchronous
 * handlers still run one after the other, on a state that has all events of those before; their groups are written side
 * by side, which is where many messages per second come from.
 * Not held back is what a handler tells or asks others: `await log.emit(…)` before it, or `log.saved()`.
 * Fails: InvalidOption. The start fails, as a crash of the factory, with RecoveryFailed, JournalCorrupt, JournalLocked
 * or JournalFailed. When the journal refuses an event the actor crashes with NotPersisted: its askers get ActorCrashed,
 * and it goes on from what the journal holds.
 * Cost: one group in the journal for each stretch of code that emits; a start reads the snapshot and the events since.
 */
export function persistent<C extends object, S, E>(journal: OpenJournal, options: PersistentOptions<C, S, E>): Make<C> {
  if (typeof journal !== "function") throw new InvalidOption("journal", journal, "a function that opens a journal");
  for (const option of Object.keys(options))
    if (!known.includes(option)) throw new InvalidOption(option, "an unknown option", known.join(", "));
  const { initial, apply, commands, timers, upcast = {}, codec = jsonCodec, snapshotCodec = jsonCodec } = options;
  for (const [option, found] of Object.entries({ apply, commands }))
    if (typeof found !== "function") throw new InvalidOption(option, found, "a function");
  if (timers !== undefined && typeof timers !== "function") throw new InvalidOption("timers", timers, "a function");
  const version = whole("version", options.version, 1, 1);
  if (!(version <= 0xffff_ffff)) throw new InvalidOption("version", version, "a whole number below 4,294,967,296");
  const snapshotEvery = whole("snapshotEvery", options.snapshotEvery, 1_000, 1);
  const logOptions = { initial, apply, version, upcast, snapshotEvery, codec, snapshotCodec };
  return async (self) => {
    const opened = await journal(self);
    try {
      const log = new EventLog<S, E>(self, opened, logOptions);
      const inner = commands(self, log);
      log.resume(timers?.(self, log) ?? {});
      if (receive in inner)
        throw new InvalidFactory(
          self.path,
          "an object with [receive] to persistent",
          "Its answers can not be held back: give commands an object with a method per message.",
        );
      return guarded(inner, log, () => opened.close());
    } catch (error) {
      await opened.close();
      throw error;
    }
  };
}

/** What of a log holds answers back. */
type Safe = Pick<EventLog<unknown, unknown>, "check" | "flush" | "push">;
type Handlers = Record<string | symbol, (payload?: unknown) => unknown>;

/** The messages of `inner`, each answered when what it emitted is safe. */
function guarded<C extends object>(inner: C, log: Safe, close: () => Promise<void>): C {
  const handlers = inner as Handlers;
  const outer: object = Object.create(Object.getPrototypeOf(inner));
  const define = (name: string | symbol, value: (payload: unknown) => unknown) =>
    Object.defineProperty(outer, name, { value, enumerable: true });
  for (const name of messagesOf(inner))
    define(name, (payload) => {
      log.check();
      return answered(log, () => handlers[name]?.(payload));
    });
  define(Symbol.asyncDispose, async () => {
    try {
      await (handlers[Symbol.asyncDispose] ?? handlers[Symbol.dispose])?.call(inner);
    } finally {
      await close();
    }
  });
  return outer as C;
}

function answered(log: Safe, run: () => unknown): unknown {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    return after(
      log.flush(),
      () => {
        throw error;
      },
      error,
    );
  }
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== "function")
    return after(log.flush(), () => result);
  // What it emitted before its first await is on its way while it goes on.
  log.push();
  return Promise.resolve(result as PromiseLike<unknown>).then(
    (value) => after(log.flush(), () => value),
    (error: unknown) =>
      after(
        log.flush(),
        () => {
          throw error;
        },
        error,
      ),
  );
}

/** Whatever ends a handler is held back until all is safe, but for a crash: its actor goes back to the journal. */
function after(safe: Promise<void> | undefined, then: () => unknown, error?: unknown): unknown {
  if (safe === undefined || (error !== undefined && !(error instanceof Failure))) return then();
  return safe.then(then);
}
