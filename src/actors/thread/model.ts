// A worker in virtual time: the model's object, with payloads and answers copied, and a time for each message.

import { Failure, InvalidFactory, InvalidOption } from "../../runtime/kernel/failure.ts";
import { messagesOf } from "../../runtime/kernel/names.ts";
import { type Message, receive } from "../../runtime/kernel/protocol.ts";
import type { Self } from "../../runtime/kernel/verbs.ts";
import { handle, type Settings, type Threaded } from "./handle.ts";
import { buffersOf, cross, dataOf, errorOf, noFront } from "./wire.ts";

export function modelled<P>(self: Self, settings: Settings): Threaded<P> | Promise<Threaded<P>> {
  const { model } = settings;
  if (model === undefined) throw new InvalidOption("model", model, "a factory, in virtual time");
  const wrap = (inner: object) => modelOf<P>(self, inner, settings);
  const made = model(self);
  return made instanceof Promise ? made.then(wrap) : wrap(made);
}

type Handlers = Record<string | symbol, (payload?: unknown) => unknown>;

function modelOf<P>(self: Self, inner: object, { costs, graceMs, errors }: Settings): Threaded<P> {
  if (receive in inner) throw new InvalidFactory(self.path, ...noFront);
  const handlers = inner as Handlers;
  const messages = messagesOf(inner);
  const random = () => self.random();
  const begin = async ({ type, payload }: Message): Promise<unknown> => {
    const copy = cross(self.path, type, payload, false, () => clone(payload));
    const cost = costs.get(type);
    if (cost !== undefined) await self.sleep(typeof cost === "function" ? cost(random) : cost);
    try {
      const answer = await handlers[type]?.(copy);
      if (answer instanceof Failure) throw answer;
      return cross(self.path, type, answer, true, () => clone(answer));
    } catch (error) {
      throw errorOf(dataOf(error), errors);
    }
  };
  return {
    [receive]: (m) => handle(self, m, graceMs, { messages, begin, gaveUp: nothing, expired: nothing }),
    async [Symbol.asyncDispose]() {
      await (handlers[Symbol.asyncDispose] ?? handlers[Symbol.dispose])?.call(inner);
    },
  };
}

function clone(value: unknown): unknown {
  return structuredClone(value, { transfer: buffersOf(value) });
}

function nothing(): void {}
