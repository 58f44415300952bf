// A saga: steps in several services, one after the other, without a transaction around them. When one can not be done,
// those before it are taken back, the last first.

import { milliseconds } from "../../runtime/kernel/duration.ts";
import { InvalidOption, Refusal } from "../../runtime/kernel/failure.ts";
import { whole } from "../../runtime/kernel/options.ts";
import type { Duration, Ref } from "../../runtime/kernel/protocol.ts";
import type { Backoff, Make, Self } from "../../runtime/kernel/verbs.ts";
import { commit, inspect, queue, Requeue, read, redrive, type StoreProtocol } from "../broker/index.ts";

/** What a step knows. */
export interface SagaCall<I> {
  /** Of this step of this saga, and the same at each attempt: what a service knows a duplicate by. */
  readonly id: string;
  readonly input: I;
  /** What the steps before answered, by their names. */
  readonly results: Readonly<Record<string, unknown>>;
}

export interface SagaStep<I> {
  readonly name: string;
  /** Does it. A refusal makes the saga go back, and so do `attempts` that failed in another way. */
  act(self: Self, call: SagaCall<I>): unknown;
  /**
   * Takes it back, with an id of its own. Not called for a step that refused; called for one that failed, which may have
   * done all of its work or nothing. Without it there is nothing to take back.
   */
  undo?(self: Self, call: SagaCall<I>): unknown;
  /** Attempts, of which the last one decides; 5 by default, at most those of the saga. */
  readonly attempts?: number | undefined;
}

export interface SagaOptions {
  /** Sagas that have a step under way at a time; 10 by default. */
  concurrency?: number | undefined;
  /** How long an attempt may take; `"30s"` by default. */
  lease?: Duration | undefined;
  /** The wait between attempts; from `"1s"` doubling to `"1m"` by default. */
  backoff?: Backoff | undefined;
  /** Attempts after which a step, or taking it back, is left to somebody: 100 by default. */
  maxAttempts?: number | undefined;
  /** How long after its end a saga is remembered; for ever, or until {@link Saga.forget}, by default. */
  keep?: Duration | undefined;
}

export interface SagaReport {
  readonly status: "going on" | "going back" | "completed" | "undone";
  /** Why it went back. */
  readonly reason: string | undefined;
  readonly results: Readonly<Record<string, unknown>>;
}

export interface Saga<I> {
  /** Begins a saga, of one id once. Answered when that is safe. */
  begin(saga: { readonly id: string; readonly input: I }): Promise<void>;
  /** How far it is; undefined for one that was never begun. */
  look(id: string): Promise<SagaReport | undefined>;
  /** One that has ended is no more, and could begin again. Nothing happens to one that has not. */
  forget(id: string): Promise<void>;
  /** Sagas that used up their attempts go on. Gives how many. */
  retry(): Promise<number>;
}

/** A saga between two steps: the message that makes it go on. */
interface Progress<I> extends SagaReport {
  readonly id: string;
  readonly input: I;
  /** The step that is next. */
  readonly at: number;
}

/**
 * An actor that runs sagas: each step is a message of a queue in `store`, and the end of a step one commit with the next.
 *
 * Promises: a saga that was begun ends completed, with each step done, or undone, with each step that was done or may have
 * been done taken back in reverse; whatever crashes. Until then it is under way, or has used up `maxAttempts` and waits
 * for `retry`. A step is attempted at least once, with the same id each time: its service has to know duplicates.
 * No step begins before the one ahead of it has ended or used up its lease; a service that goes on after that has to know,
 * by the id, what was taken back meanwhile. Nobody is kept from seeing what is taken back later.
 * Fails: InvalidOption; what {@link commit} fails with.
 * Cost: two messages of the store and two commits for each step; a value in the store for each saga, as long as it is
 * remembered: until then one that is begun again is the same one.
 */
export function saga<I>(
  store: Ref<StoreProtocol>,
  steps: readonly SagaStep<I>[],
  options: SagaOptions = {},
): Make<Saga<I>> {
  const { lease = "30s", backoff = { first: "1s", max: "1m" } } = options;
  const concurrency = whole("concurrency", options.concurrency, 10, 1);
  const maxAttempts = whole("maxAttempts", options.maxAttempts, 100, 1);
  const keepMs = milliseconds("keep", options.keep ?? Number.POSITIVE_INFINITY);
  if (steps.length === 0) throw new InvalidOption("steps", "none", "at least one");
  if (new Set(steps.map(({ name }) => name)).size < steps.length)
    throw new InvalidOption("steps", steps.map(({ name }) => name).join(", "), "a name of its own for each");
  for (const { name, attempts } of steps) whole(`attempts of ${name}`, attempts, 5, 1);
  return async (self) => {
    const place = (id: string) => `${self.path} ${id}`;
    const next = (to: Ref<unknown>, one: Progress<I>) => {
      const { id, status, reason, results } = one;
      const step = { to, type: "step", payload: one, key: id, id: `${id} ${status} ${one.at}` };
      const last = ended === undefined ? [] : [{ to: ended, type: "forget", payload: id, id: `${id} ended` }];
      return {
        state: { [place(id)]: { status, reason, results } satisfies SagaReport },
        publish: isOver(one) ? last : [step],
      };
    };
    const worker = self.spawn(
      (own: Self) => ({
        async step(one: Progress<I>): Promise<void> {
          const after = one.status === "going back" ? await back(own, steps, one) : await forth(own, steps, one);
          await commit(own, store, next(queued, after));
        },
      }),
      { name: "worker", concurrency, supervision: { maxRestarts: Number.POSITIVE_INFINITY } },
    );
    const limits = { maxAttempts, lease, backoff, prefetch: concurrency };
    const queued: Ref<unknown> = self.spawn(
      queue(worker, { store, ...limits, onExhausted: "park", onRefusal: "retry" }),
      { name: "steps" },
    );
    // Each one that ended waits here until it is forgotten.
    const ended: Ref<unknown> | undefined =
      keepMs === Number.POSITIVE_INFINITY
        ? undefined
        : self.spawn(
            queue(self.ref as Ref<Pick<Saga<I>, "forget">>, {
              store,
              delay: keepMs,
              maxAttempts: Number.POSITIVE_INFINITY,
            }),
            { name: "ended" },
          );
    // Before the store has the queues, nothing can be published in them.
    for (const one of [queued, ended]) if (one !== undefined) await inspect(self, one);
    const look = async (id: string) => (await read(self, store, place(id))) as SagaReport | undefined;
    return {
      async begin({ id, input }) {
        // Who begins is this actor alone, one at a time.
        if ((await look(id)) !== undefined) return;
        const first = { id, input, at: 0, status: "going on", reason: undefined, results: {} } as const;
        await commit(self, store, { settle: [], ...next(queued, first) });
      },
      look,
      async forget(id) {
        const found = await look(id);
        if (found !== undefined && isOver(found))
          await commit(self, store, { settle: [], state: { [place(id)]: undefined } });
      },
      retry: () => redrive(self, queued),
    };
  };
}

function isOver({ status }: SagaReport): boolean {
  return status === "completed" || status === "undone";
}

async function forth<I>(self: Self, steps: readonly SagaStep<I>[], one: Progress<I>): Promise<Progress<I>> {
  const { id, input, results, at } = one;
  const step = steps[at] as SagaStep<I>;
  const most = step.attempts ?? 5;
  const attempt = self.message?.attempt ?? 1;
  try {
    // The last one ended in a way that could not be seen.
    if (attempt > most) return turned(one, at, `${step.name} ended in none of ${most} attempts`);
    const answer = await step.act(self, { id: `${id}/${step.name}`, input, results });
    if (answer instanceof Refusal) throw answer;
    const isLast = at + 1 === steps.length;
    const more = answer === undefined ? results : { ...results, [step.name]: answer };
    return { ...one, at: at + 1, results: more, status: isLast ? "completed" : "going on" };
  } catch (error) {
    if (error instanceof Requeue) throw error;
    const reason = `${step.name}: ${error instanceof Error ? error.message : error}`;
    if (error instanceof Refusal) return turned(one, at - 1, reason);
    if (attempt < most) throw error;
    return turned(one, at, reason);
  }
}

async function back<I>(self: Self, steps: readonly SagaStep<I>[], one: Progress<I>): Promise<Progress<I>> {
  const { id, input, results, at, reason } = one;
  const step = steps[at] as SagaStep<I>;
  const answer = await step.undo?.(self, { id: `${id}/${step.name}/undo`, input, results });
  if (answer instanceof Refusal) throw answer;
  return turned(one, at - 1, reason);
}

function turned<I>(one: Progress<I>, at: number, reason: string | undefined): Progress<I> {
  return { ...one, at, reason, status: at < 0 ? "undone" : "going back" };
}
