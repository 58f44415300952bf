// From an observable into an actor, as fast as the actor takes it: RxJS pushes, an offer waits.

import type { Observable, ObservableInput } from "rxjs";
import { from } from "rxjs";
import { MailboxFull } from "../../runtime/kernel/failure.ts";
import { oneOf, whole } from "../../runtime/kernel/options.ts";
import type { Offer, Ref } from "../../runtime/kernel/protocol.ts";
import type { Verbs, WaitOptions } from "../../runtime/kernel/verbs.ts";

type PayloadOf<F> = F extends (...payload: infer A) => unknown ? (A extends readonly [] ? unknown : A[0]) : never;

export interface FeedOptions extends WaitOptions {
  /** Values that may wait while an offer does; 1,000 by default. */
  readonly capacity?: number | undefined;
  /** What happens to a value that finds no place: the feed `"fails"`, by default, or a value is dropped. */
  readonly overflow?: "fail" | "drop-oldest" | "drop-newest" | undefined;
}

/** How a feed ended: it does not reject, so that no error is left for the host. */
export interface Fed {
  readonly ok: boolean;
  /** What the observable failed with, or why an offer was turned away, or `MailboxFull` for the feed's own places. */
  readonly error?: unknown;
  readonly offered: number;
  readonly dropped: number;
}

/**
 * Offers each value to an actor as this message, one after the other in their order, and waits while the mailbox is
 * full. Ends when the observable does and everything was accepted, or at the first failure; then, and when `signal`
 * aborts, it unsubscribes.
 * Fails: InvalidOption. Example: `const { ok, dropped } = await feed(system, clicks$, shop, "click", { capacity: 100 })`.
 */
export function feed<P, M extends keyof Offer<P> & string>(
  by: Verbs,
  source: ObservableInput<PayloadOf<Offer<P>[M]>>,
  to: Ref<P>,
  message: M,
  options: FeedOptions = {},
): Promise<Fed> {
  const { capacity, overflow: how, signal, ...waitOptions } = options;
  const room = whole("capacity", capacity, 1_000, 0);
  const overflow = oneOf("overflow", how, ["fail", "drop-oldest", "drop-newest"]);
  return new Promise((resolve) => {
    const waiting: unknown[] = [];
    const giveUp = new AbortController();
    let [offered, dropped, isOffering, isComplete, isOver] = [0, 0, false, false, false];
    const end = (error?: { readonly error: unknown }) => {
      if (isOver) return;
      isOver = true;
      giveUp.abort();
      signal?.removeEventListener("abort", abort);
      subscription?.unsubscribe();
      resolve({ ok: error === undefined, ...error, offered, dropped });
    };
    const abort = () => end({ error: signal?.reason });
    const put = (value: unknown) => {
      isOffering = true;
      offerOne(value).then(
        () => {
          offered++;
          isOffering = false;
          if (isOver) return;
          if (waiting.length > 0) put(waiting.shift());
          else if (isComplete) end();
        },
        (error) => end({ error }),
      );
    };
    const offerOne = async (value: unknown) => {
      const stub: unknown = by.offer(to, { ...waitOptions, signal: giveUp.signal });
      await (stub as Record<string, (value: unknown) => Promise<void>>)[message]?.(value);
    };
    const take = (value: unknown) => {
      if (isOver) return;
      if (!isOffering) put(value);
      else if (waiting.length < room) waiting.push(value);
      else if (overflow === "fail")
        end({
          error: new MailboxFull(
            `The feed of ${message} to ${to.path}: ${room} values wait already. Raise its capacity, choose another overflow, or send less.`,
            "not-started",
          ),
        });
      else {
        dropped++;
        if (overflow === "drop-newest" || room === 0) return;
        waiting.shift();
        waiting.push(value);
      }
    };
    let subscription: ReturnType<Observable<unknown>["subscribe"]> | undefined;
    subscription = from(source).subscribe({
      next: take,
      error: (error) => end({ error }),
      complete: () => {
        isComplete = true;
        if (!isOffering) end();
      },
    });
    if (isOver) subscription.unsubscribe();
    else if (signal?.aborted === true) abort();
    else signal?.addEventListener("abort", abort);
  });
}
