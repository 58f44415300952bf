// An actor whose code runs in a thread of its own: for work that keeps a processor busy. In virtual time there is no
// thread: a model handles the messages, and they take what they are said to cost.

import { Worker } from "node:worker_threads";
import { milliseconds } from "../runtime/kernel/duration.ts";
import { InvalidOption } from "../runtime/kernel/failure.ts";
import { type Duration, type Message, receive } from "../runtime/kernel/protocol.ts";
import { Incarnation } from "../runtime/kernel/self.ts";
import type { Make, Self } from "../runtime/kernel/verbs.ts";
import { functionOf, known } from "./front.ts";
import { type Cost, handle, type Settings, type Threaded, WorkerFailed } from "./thread/handle.ts";
import { modelled } from "./thread/model.ts";
import {
  buffersOf,
  cross,
  type ErrorClasses,
  type ErrorData,
  errorOf,
  type FromThread,
  type Start,
  type ToThread,
} from "./thread/wire.ts";

export interface WorkerOptions<A extends object> {
  /** Handles the messages in virtual time, where it is required: the module's own factory, or one that is simpler. */
  model?: Make<A> | undefined;
  /** What messages take in virtual time, by name; nothing by default. */
  costs?: { readonly [M in keyof A]?: Cost } | undefined;
  /**
   * How long a handler may run on after its asker gave up; then its thread is terminated, which is a crash. `"2s"` by
   * default, so rarely that the default budget of restarts is never used up by it; `Infinity`: for ever.
   */
  grace?: Duration | undefined;
  /** Classes of errors that the module throws and refuses with, by their `_tag` or name: so `instanceof` holds for them. */
  errors?: ErrorClasses | undefined;
  /** Flags of Node for the thread, those of the process by default: what compiles a module in TypeScript, on Node 20. */
  execArgv?: readonly string[] | undefined;
}

/**
 * An actor whose object is made by the default export of `module`, a factory as `spawn` takes it, in a worker thread. Its
 * ref, its mailbox, its options are those of any actor; each incarnation has a thread of its own.
 *
 * Promises: payloads and answers are copied, or moved by {@link transfer}. The asker's deadline and signal reach the
 * handler. A throw in a handler is a crash with the same error, and so is the end of the thread, for whatever reason: the
 * supervisor decides, other actors go on. Under `onCrash: "resume"` the state survives a throw in a handler; an actor whose
 * thread has ended crashes at every message. A thread ends with its incarnation, and keeps no process alive that has nothing
 * in flight. Refusals keep their `_tag`, `code` and fields, and their class if it is among `errors`.
 * In virtual time `model` handles the messages in this thread, under the same rules, after the time of `costs`.
 * Fails: InvalidOption. The asker with NotIsolated, for what can not be copied; the factory with WorkerFailed, when the
 * module can not be loaded.
 * Not there: refs in payloads, and so other actors; the sender. The clock and the draws of the thread are its own. Memory
 * is not isolated: a thread that takes too much may end the process, as Node then does.
 * Cost: a message and its answer 0.1 ms, a thread 0.2 s and 10 MB.
 * Example: `system.spawn(worker<Resizer>(new URL("./resizer.js", import.meta.url)), { name: "resizer" })`.
 */
export function worker<A extends object>(module: URL | string, options: WorkerOptions<A> = {}): Make<Threaded<A>> {
  known(options, ["model", "costs", "grace", "errors", "execArgv"]);
  const { model, costs = {}, grace = "2s", errors = {}, execArgv } = options;
  if (model !== undefined) functionOf("model", model, "a function that makes the actor's object");
  for (const [type, cost] of Object.entries<Cost>(costs as Record<string, Cost>))
    if (typeof cost !== "function") milliseconds(`costs.${type}`, cost);
  const settings: Settings = {
    module: urlOf(module),
    model,
    costs: new Map(Object.entries(costs)),
    graceMs: milliseconds("grace", grace),
    errors,
    execArgv,
  };
  return (self) => {
    const isLive = !(self instanceof Incarnation) || self.cell.core.world.name === "live";
    return isLive ? Thread.start<A>(self, settings) : modelled<A>(self, settings);
  };
}

function urlOf(module: URL | string): string {
  const text = String(module);
  if (URL.canParse(text)) return text;
  throw new InvalidOption("module", module, 'a URL, as new URL("./resizer.js", import.meta.url)');
}

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The entry of a thread, beside this file or, in the package, beside the door that this file is a part of. */
const entry = new URL(`./thread/main.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);

/** Node's timers take no more. */
const timerMsMax = 2_147_483_647;

class Thread<P> implements Threaded<P> {
  readonly #self: Self;
  readonly #settings: Settings;
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call>();
  #count = 0;
  #messages: readonly string[] = [];
  /** The start, which is the first thing to wait for. */
  #starting: Call | undefined;
  /** Why it takes nothing more. */
  #over: Error | undefined = undefined;
  readonly #gone: Promise<void>;

  /** Fails: WorkerFailed. */
  static async start<P>(self: Self, settings: Settings): Promise<Thread<P>> {
    let thread: Thread<P> | undefined;
    await new Promise<void>((resolve, reject) => {
      thread = new Thread<P>(self, settings, { resolve: () => resolve(), reject });
    });
    return thread as Thread<P>;
  }

  private constructor(self: Self, settings: Settings, starting: Call) {
    const { module, execArgv } = settings;
    this.#self = self;
    this.#settings = settings;
    this.#starting = starting;
    const start: Start = { module, path: self.path, seed: Math.floor(self.random() * 4_294_967_296) };
    const worker = new Worker(entry, {
      workerData: start,
      name: self.path,
      ...(execArgv && { execArgv: [...execArgv] }),
    });
    this.#worker = worker;
    worker.on("message", (message: FromThread) => this.#hear(message));
    worker.on("error", (error) => this.#fail("its thread failed", error));
    this.#gone = new Promise((resolve) =>
      worker.on("exit", (code) => {
        this.#fail(`its thread ended with code ${code}`, undefined);
        resolve();
      }),
    );
  }

  [receive](m: Message<P>): Promise<unknown> {
    const call = ++this.#count;
    return handle(this.#self, m, this.#settings.graceMs, {
      messages: this.#messages,
      begin: () => this.#begin(call, m),
      gaveUp: () => this.#post({ kind: "give-up", call }),
      expired: () => void this.#worker.terminate(),
    });
  }

  /** An idle one is asked to end, and given its grace; one that works is ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    const isIdle = this.#calls.size === 0 && this.#over === undefined;
    this.#over ??= new WorkerFailed(this.#self.path, "it has ended");
    if (!isIdle) await worker.terminate();
    else {
      worker.ref();
      this.#post({ kind: "stop" });
      // The host's, as the thread is: nothing of an actor that ends waits for a clock of its world.
      const limit = setTimeout(() => worker.terminate(), Math.min(this.#settings.graceMs, timerMsMax));
      await this.#gone;
      clearTimeout(limit);
    }
  }

  #post(message: ToThread, buffers: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, buffers);
  }

  async #begin(call: number, { type, payload, id, key, attempt, deadline }: Message): Promise<unknown> {
    if (this.#over !== undefined) throw this.#over;
    const withinMs = deadline === undefined ? undefined : Math.max(0, deadline - this.#self.now());
    const message: ToThread = { kind: "call", call, type, payload, id, key, attempt, withinMs };
    cross(this.#self.path, type, payload, false, () => this.#post(message, buffersOf(payload)));
    if (this.#calls.size === 0) this.#worker.ref();
    return await new Promise((resolve, reject) => this.#calls.set(call, { resolve, reject }));
  }

  #hear(message: FromThread): void {
    switch (message.kind) {
      case "ready":
        this.#messages = message.messages;
        this.#starting?.resolve(undefined);
        this.#starting = undefined;
        this.#worker.unref();
        return;
      case "not-ready":
        this.#fail(`${this.#settings.module} can not be run`, this.#errorOf(message.error));
        return;
      case "answer":
        this.#take(message.call)?.resolve(message.value);
        return;
      case "refusal":
        this.#take(message.call)?.reject(this.#errorOf(message.error));
        return;
      case "crash":
        this.#crash(this.#errorOf(message.error), message.call);
    }
  }

  #errorOf(data: ErrorData): Error {
    return errorOf(data, this.#settings.errors);
  }

  /** Undefined for what nobody waits for any more. */
  #take(call: number): Call | undefined {
    const taken = this.#calls.get(call);
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#worker.unref();
    return taken;
  }

  #fail(what: string, cause: Error | undefined): void {
    if (this.#over !== undefined) return;
    const said = cause === undefined ? what : `${what}: ${cause.message}`;
    this.#over = new WorkerFailed(this.#self.path, said, { cause });
    this.#crash(this.#over, undefined);
  }

  /** The actor's crash is that of the message that did it, or of one that was in flight, or of none. */
  #crash(error: Error, by: number | undefined): void {
    const [any] = this.#calls.keys();
    const call = by !== undefined && this.#calls.has(by) ? by : any;
    if (this.#starting !== undefined) {
      this.#over ??= error;
      void this.#worker.terminate();
      this.#starting.reject(error);
    } else if (call !== undefined) this.#take(call)?.reject(error);
    else
      this.#self.after(0, () => {
        throw error;
      });
  }
}
