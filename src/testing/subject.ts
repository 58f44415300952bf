// The actor that a wrapper under test stands before: it answers, refuses, crashes, takes its time or hangs, as it is asked.

import { Refusal } from "../runtime/kernel/failure.ts";
import { type Message, type Reply, receive } from "../runtime/kernel/protocol.ts";
import type { Make, Self } from "../runtime/kernel/verbs.ts";

/** What the inner actor refuses with. */
export class Declined extends Refusal {
  readonly _tag = "Declined";
  readonly value: unknown;

  constructor(value: unknown) {
    super("The inner actor of the conformance kit refuses what it is asked to refuse.");
    this.value = value;
  }
}

/** The messages of the inner actor, and so of what stands before it. */
export interface Subject {
  /** Answers with what it is given. */
  echo(value: unknown): Reply<unknown>;
  refuse(value: unknown): Reply<never, Declined>;
  crash(): Reply<never>;
  /** Answers with `ms` after that time. */
  slow(ms: number): Reply<number>;
  /** Never answers. */
  hang(): Reply<never>;
}

/** A message that reached the inner actor, in the order of their starts. */
export interface Seen {
  readonly type: string;
  readonly payload: unknown;
  readonly about: { readonly id: string; readonly key: string | undefined; readonly attempt: number };
}

/** A name that the inner actor does not have, and some actor has: so a sender may say it. */
export interface Elsewhere {
  elsewhere(): void;
}

export const messages: readonly (keyof Subject)[] = ["echo", "refuse", "crash", "slow", "hang"];

export function subject(seen: Seen[]): Make<{ [receive](m: Message<Subject>): unknown }> {
  return (self: Self) => ({
    async [receive](m: Message<Subject>): Promise<unknown> {
      const { type, payload, id, key, attempt } = m;
      seen.push({ type, payload, about: { id, key, attempt } });
      if (type === "refuse") return new Declined(payload);
      if (type === "crash") throw new Error("Planted by the conformance kit.");
      if (type === "hang") m.hold();
      if (type === "slow") await self.sleep(payload as number);
      return payload;
    },
  });
}
