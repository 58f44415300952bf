// An aggregator: messages that belong together become one, when they are complete or when it is time.

import { milliseconds } from "../../runtime/kernel/duration.ts";
import { whole } from "../../runtime/kernel/options.ts";
import type { Duration, Ref } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import { commit, inspect, type Publication, queue, type Receives, read, type StoreProtocol } from "../broker/index.ts";

export interface Part<T> {
  /** What it belongs to. */
  readonly of: string;
  /** Whose it is: one part of each counts, the first. */
  readonly from: string;
  readonly value: T;
}

export interface Gathered<T> {
  readonly of: string;
  /** In the order in which they came. */
  readonly parts: readonly { readonly from: string; readonly value: T }[];
  /** False when it was time before all parts had come. */
  readonly isComplete: boolean;
}

export interface AggregateOptions<T> {
  store: Ref<StoreProtocol>;
  /** Gets what was gathered: a queue or topic of the store. An outbox, for somewhere else. */
  to: Ref<{ gathered(all: Gathered<T>): unknown }>;
  /** How many parts are all of them, or a look at those that have come. Pure. */
  complete: number | ((parts: Gathered<T>["parts"]) => boolean);
  /** How long, from the first part on, others are waited for. */
  within: Duration;
  /** How much longer it is known to be over, so that parts that are late are dropped; `"1h"` by default. */
  keep?: Duration | undefined;
}

/** The messages of an aggregate. */
export interface Parts<T> {
  part(part: Part<T>): void;
}

interface Group<T> {
  readonly parts: Gathered<T>["parts"];
  readonly isOver: boolean;
}

/**
 * A queue in `store` that gathers parts. With a topic in front of several consumers that answer here, it is the second
 * half of scatter and gather.
 *
 * Promises: of the parts of one `of` comes one `gathered`, once: complete, or `within` after the first with those that
 * came; whatever crashes. A part that comes twice counts once; one that is late is dropped, until `keep` is over.
 * Fails: InvalidOption. Its ref is that of a queue: `inspect`, `deadLetters` and `redrive` take it.
 * Cost: a value in the store while it is gathered and known; two messages more for each `of`.
 */
export function aggregate<T>(options: AggregateOptions<T>): Make<Receives<Parts<T>>> {
  const { store, to, complete, keep = "1h" } = options;
  const withinMs = milliseconds("within", options.within);
  const forgetMs = withinMs + milliseconds("keep", keep);
  const isAll = typeof complete === "function" ? complete : countOf(whole("complete", complete, 1, 1));
  return async (self) => {
    let clock: Ref<unknown> | undefined;
    const later = (type: "end" | "forget", of: string): Publication => {
      return { to: clock as Ref<unknown>, type, payload: of, id: `${of} ${type}` };
    };
    const worker = self.spawn(
      (own: Self) => {
        const place = (of: string) => `${self.path} ${of}`;
        const groupOf = async (of: string) => (await read(own, store, place(of))) as Group<T> | undefined;
        const change = (of: string, group: Group<T> | undefined, publish: readonly Publication[]) =>
          commit(own, store, { state: { [place(of)]: group }, publish });
        const end = (of: string, parts: Group<T>["parts"], isComplete: boolean): Publication[] => {
          return [{ to, type: "gathered", payload: { of, parts, isComplete }, id: of, key: of }, later("forget", of)];
        };
        return {
          async part({ of, from, value }: Part<T>) {
            const group = await groupOf(of);
            if (group?.isOver || group?.parts.some((one) => one.from === from)) return;
            const parts = [...(group?.parts ?? []), { from, value }];
            const first = group === undefined ? [later("end", of)] : [];
            if (isAll(parts)) await change(of, { parts: [], isOver: true }, [...first, ...end(of, parts, true)]);
            else await change(of, { parts, isOver: false }, first);
          },
          async end(of: string) {
            const group = await groupOf(of);
            if (group === undefined || group.isOver) return;
            await change(of, { parts: [], isOver: true }, end(of, group.parts, false));
          },
          async forget(of: string) {
            await change(of, undefined, []);
          },
        };
      },
      // One at a time: what it reads is as it was when it commits.
      { name: "worker", supervision: { maxRestarts: Number.POSITIVE_INFINITY } },
    );
    const delay = ({ type }: { readonly type: string }) => (type === "end" ? withinMs : forgetMs);
    clock = self.spawn(queue(worker, { store, delay }), { name: "clock" });
    await inspect(self, clock);
    return await queue<Parts<T>>(worker, { store })(self);
  };
}

function countOf(count: number): (parts: readonly unknown[]) => boolean {
  return ({ length }) => length >= count;
}
