// What stands in front of other actors: it takes their messages, and its ref is one of their protocol.

import { Failure, failures, InvalidOption } from "../runtime/kernel/failure.ts";
import { type Message, receive } from "../runtime/kernel/protocol.ts";

/** An actor that takes the messages of P for others. */
export interface Front<P> {
  [receive](m: Message<P>): void;
}

/**
 * The failure of a relay as the one who relayed gives it on. What was not started at the other actor was not started at
 * all; the runtime, which does not know what else a handler did, would call it unknown.
 */
export function givenOn(failure: Failure): Failure {
  if (failure.outcome !== "not-started") return failure;
  const Kind = failures.find((kind) => failure.constructor === kind);
  return Kind === undefined ? failure : new Kind(failure.message, "not-started", { cause: failure });
}

/** For the second half of a relay: what is no failure is a mistake of the program, and of this actor's. */
export function refuse(m: Message, error: unknown): void {
  if (!(error instanceof Failure)) throw error;
  m.refuse(givenOn(error));
}

/** Fails: InvalidOption, for an unknown name. */
export function known(given: object, allowed: readonly string[], group = ""): void {
  if (typeof given !== "object" || given === null)
    throw new InvalidOption(group === "" ? "options" : group, given, `an object of ${allowed.join(", ")}`);
  for (const option of Object.keys(given))
    if (!allowed.includes(option))
      throw new InvalidOption(group === "" ? option : `${group}.${option}`, "an unknown option", allowed.join(", "));
}

/** Fails: InvalidOption. */
export function functionOf<F>(option: string, found: F, what: string): F {
  if (typeof found !== "function") throw new InvalidOption(option, found, what);
  return found;
}
