// What runs in the thread of a worker: a system of its own, with the one actor that the module makes.

import { parentPort, workerData } from "node:worker_threads";
import { AskTimeout, Cancelled, Failure, InvalidFactory } from "../../runtime/kernel/failure.ts";
import { messagesOf } from "../../runtime/kernel/names.ts";
import { type Message, type Ref, receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self, SystemEvent } from "../../runtime/kernel/verbs.ts";
import { createSystem } from "../../runtime/live/create.ts";
import { printReport } from "../../runtime/live/report.ts";
import { buffersOf, cross, dataOf, type FromThread, noFront, type Start, type ToThread } from "./wire.ts";

type Calls = Extract<ToThread, { kind: "call" }>;
type Handlers = Record<string | symbol, (payload?: unknown) => unknown>;
type Asked = Record<string, (call: Call) => Promise<unknown>>;

/** The payload that the actor's wrapper is sent: it is asked in place of the object, to see when a handler ends in truth. */
interface Call {
  readonly number: number;
  readonly payload: unknown;
  ended: () => void;
}

const { module, path, seed } = workerData as Start;
const open = new Map<number, AbortController>();
/** The last that a handler threw. */
let thrown: { readonly call: number; readonly error: unknown } | undefined;

function post(message: FromThread, buffers: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, buffers);
}

// A crash is told where the actor is supervised.
const print = printReport();
const report = (event: SystemEvent) => (event.kind === "crashed" ? undefined : print(event));
const system = createSystem({ name: path, seed, report });

function wrap(self: Self, inner: object): object {
  // What is no actor is the runtime's to refuse.
  if (typeof inner !== "object" || inner === null) return inner;
  if (receive in inner) throw new InvalidFactory(self.path, ...noFront);
  const handlers = inner as Handlers;
  const run = (type: string, { number, payload, ended }: Call): unknown => {
    const crash = (error: unknown): never => {
      thrown = { call: number, error };
      ended();
      throw error;
    };
    try {
      const result = handlers[type]?.(payload);
      if (typeof (result as { then?: unknown } | null | undefined)?.then !== "function") {
        ended();
        return result;
      }
      return Promise.resolve(result).then((value) => {
        ended();
        return value;
      }, crash);
    } catch (error) {
      return crash(error);
    }
  };
  const outer: Record<symbol, unknown> = {
    [receive]: (m: Message) => run(m.type, m.payload as Call),
  };
  for (const dispose of [Symbol.asyncDispose, Symbol.dispose])
    if (dispose in inner) outer[dispose] = () => handlers[dispose]?.();
  post({ kind: "ready", messages: messagesOf(inner) });
  return outer;
}

async function answer(
  ref: Ref<unknown>,
  { call: number, type, payload, id, key, attempt, withinMs }: Calls,
): Promise<void> {
  const giveUp = new AbortController();
  open.set(number, giveUp);
  const call: Call = { number, payload, ended: () => {} };
  const ended = new Promise<void>((resolve) => (call.ended = resolve));
  try {
    const within = withinMs ?? Number.POSITIVE_INFINITY;
    const asked = system.ask(ref, { id, key, attempt, within, signal: giveUp.signal }) as unknown as Asked;
    const value = await asked[type]?.(call);
    cross(path, type, value, true, () => post({ kind: "answer", call: number, value }, buffersOf(value)));
  } catch (error) {
    const mayRun = error instanceof AskTimeout || error instanceof Cancelled;
    if (mayRun && error.outcome !== "not-started") await ended;
    if (error instanceof Failure) post({ kind: "refusal", call: number, error: dataOf(error) });
    else throw error;
  } finally {
    open.delete(number);
  }
}

async function stop(): Promise<void> {
  await system.stop();
  process.exit();
}

function begin(make: Make<object>): void {
  const made = async (self: Self) => wrap(self, await make(self));
  const ref = system.spawn(made, {
    name: path.slice(path.lastIndexOf("/") + 1),
    concurrency: Number.POSITIVE_INFINITY,
    // Who supervises it decides in the other thread.
    supervision: { onCrash: "resume" },
  });
  parentPort?.on("message", (message: ToThread) => {
    if (message.kind === "call") void answer(ref, message);
    else if (message.kind === "give-up") open.get(message.call)?.abort();
    else void stop();
  });
}

system.events((event) => {
  if (event.kind !== "crashed") return;
  const call = thrown?.error === event.reason ? thrown?.call : undefined;
  post({ kind: "crash", call, error: dataOf(event.reason) });
});

try {
  const { default: make } = (await import(module)) as { default?: Make<object> };
  if (typeof make !== "function") throw new TypeError("it does not export by default a function that makes the actor");
  begin(make);
} catch (error) {
  post({ kind: "not-ready", error: dataOf(error) });
}
