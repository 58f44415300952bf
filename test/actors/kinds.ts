// The kinds of behaviour that the suite of behaviours.test.ts is played with: one subject, written in each way there is.

import { type Make, type Ref, Refusal, type Self, type Timer } from "antiphon";
import * as Effect from "effect/Effect";
import { finalize, map, of, type Subscription, tap, throwError, timer } from "rxjs";
import { assign, fromPromise, setup } from "xstate";
import { ask, effectful } from "../../src/actors/effect/index.ts";
import { asking, streaming, worldScheduler } from "../../src/actors/rxjs/index.ts";
import { machine } from "../../src/actors/xstate/index.ts";

class No extends Refusal {
  readonly _tag = "No";
}

/** What each kind does, each in its own way. Payloads are objects, as events of machines are. */
interface Subject {
  add(by: { n: number }): number;
  refuse(): No;
  crash(): never;
  /** Asks another subject to add, and gives what that answered. */
  relay(to: { to: Ref<Subject>; n: number }): number;
  /** Takes so long. */
  slow(by: { ms: number }): number;
  /** Has a timer add, so much later; the name replaces. */
  later(by: { ms: number; n: number }): number;
  cancel(): number;
}

export type Log = string[];

export interface Kind {
  readonly name: string;
  readonly make: (log: Log) => Make<Subject>;
  /** Its handlers wait for what they ask; those of a machine have ended, and answer with the state before. */
  readonly waits: boolean;
  /** What `refuse` is refused with. */
  readonly refusal: "No" | "NotAcceptedInState";
}

const plain = (log: Log) => (self: Self<Subject>) => {
  let total = 0;
  let timer: Timer | undefined;
  const note = (text: string) => void log.push(`${self.path} ${text}`);
  return {
    add: ({ n }: { n: number }) => (total += n),
    refuse: () => new No("no"),
    crash: () => {
      throw new Error("planted");
    },
    later: ({ ms, n }: { ms: number; n: number }) => {
      timer = self.after(ms, () => void (total += n), "later");
      return total;
    },
    cancel: () => {
      timer?.cancel();
      return total;
    },
    note,
    total: () => total,
  };
};

const asynchronous =
  (log: Log): Make<Subject> =>
  (self) => {
    const { note, total, ...sync } = plain(log)(self);
    const turned = Object.fromEntries(
      Object.entries(sync).map(([name, run]) => [
        name,
        async (payload: never) => {
          await Promise.resolve();
          return (run as (payload: never) => unknown)(payload);
        },
      ]),
    );
    return {
      ...turned,
      relay: async ({ to, n }: { to: Ref<Subject>; n: number }) => await self.ask(to).add({ n }),
      slow: async ({ ms }: { ms: number }) => {
        note("begins");
        self.signal.addEventListener("abort", () => note("aborted"));
        try {
          await self.sleep(ms);
          note("ends");
        } finally {
          note("finally");
        }
        return total();
      },
    } as never;
  };

/** Synchronous where it can be: its handlers return the promises of the runtime. */
const synchronous =
  (log: Log): Make<Subject> =>
  (self) => {
    const { note, total, ...sync } = plain(log)(self);
    return {
      ...sync,
      relay: ({ to, n }: { to: Ref<Subject>; n: number }) => self.ask(to).add({ n }),
      slow: ({ ms }: { ms: number }) => {
        note("begins");
        self.signal.addEventListener("abort", () => note("aborted"));
        return self
          .sleep(ms)
          .then(() => {
            note("ends");
            return total();
          })
          .finally(() => note("finally"));
      },
    } as never;
  };

const ofEffects = (log: Log): Make<Subject> =>
  effectful((self) => {
    const { note, total, ...sync } = plain(log)(self);
    return {
      add: (by: { n: number }) => Effect.sync(() => sync.add(by)),
      refuse: () => Effect.fail(new No("no")),
      crash: () => Effect.die(new Error("planted")),
      later: sync.later,
      cancel: sync.cancel,
      relay: ({ to, n }: { to: Ref<Subject>; n: number }) => ask(to).add({ n }),
      slow: ({ ms }: { ms: number }) =>
        Effect.sync(() => note("begins")).pipe(
          Effect.andThen(Effect.sleep(ms)),
          Effect.andThen(Effect.sync(() => note("ends"))),
          Effect.onInterrupt(() => Effect.sync(() => note("aborted"))),
          Effect.ensuring(Effect.sync(() => note("finally"))),
          Effect.map(total),
        ),
    };
  }) as never;

const ofStreams = (log: Log): Make<Subject> =>
  streaming((self) => {
    const { note, total, add } = plain(log)(self);
    let waiting: Subscription | undefined;
    return {
      add: (by: { n: number }) => of(add(by)),
      refuse: () => throwError(() => new No("no")),
      crash: () => throwError(() => new Error("planted")),
      later({ ms, n }: { ms: number; n: number }) {
        waiting?.unsubscribe();
        waiting = timer(ms, worldScheduler(self)).subscribe(() => void add({ n }));
        return of(total());
      },
      cancel() {
        waiting?.unsubscribe();
        return of(total());
      },
      relay: ({ to, n }: { to: Ref<Subject>; n: number }) => asking(self, to).add({ n }),
      slow({ ms }: { ms: number }) {
        note("begins");
        return timer(ms, worldScheduler(self, { by: "sleep" })).pipe(
          map(total),
          tap({ next: () => note("ends"), unsubscribe: () => note("aborted") }),
          finalize(() => note("finally")),
        );
      },
    };
  }) as never;

type Events =
  | { type: "add"; n: number }
  | { type: "refuse" }
  | { type: "crash" }
  | { type: "relay"; to: Ref<Subject>; n: number }
  | { type: "slow"; ms: number }
  | { type: "later"; ms: number; n: number }
  | { type: "cancel" };

const ofStates = (log: Log): Make<Subject> =>
  machine(
    (self) =>
      setup({
        types: { context: {} as { total: number; n: number; ms: number; to?: Ref<Subject> }, events: {} as Events },
        actors: {
          asking: fromPromise(({ input }: { input: { to: Ref<Subject>; n: number } }) => self.ask(input.to).add(input)),
        },
        delays: { later: ({ context }) => context.ms },
        actions: {
          fall: () => {
            throw new Error("planted");
          },
          note: (_, text: string) => void log.push(`${self.path} ${text}`),
        },
      }).createMachine({
        id: "subject",
        context: { total: 0, n: 0, ms: 0 },
        type: "parallel",
        on: {
          add: { actions: assign({ total: ({ context, event }) => context.total + event.n }) },
          crash: { actions: "fall" },
        },
        states: {
          timer: {
            initial: "idle",
            on: {
              later: { target: ".armed", actions: assign({ ms: ({ event }) => event.ms, n: ({ event }) => event.n }) },
              cancel: { target: ".idle" },
            },
            states: {
              idle: {},
              armed: {
                after: {
                  later: { target: "idle", actions: assign({ total: ({ context }) => context.total + context.n }) },
                },
              },
            },
          },
          call: {
            initial: "idle",
            states: {
              // Never there: its event is known, and not accepted.
              refusing: { on: { refuse: "idle" } },
              idle: {
                on: {
                  relay: {
                    target: "asking",
                    actions: assign({ to: ({ event }) => event.to, n: ({ event }) => event.n }),
                  },
                },
              },
              asking: {
                invoke: {
                  src: "asking",
                  input: ({ context }) => ({ to: context.to as Ref<Subject>, n: context.n }),
                  onDone: { target: "idle", actions: assign({ total: ({ event }) => event.output }) },
                },
              },
            },
          },
        },
      }),
    { answer: ({ context }) => context.total },
  ) as never;

/** A machine whose messages are in flight until it is saved: what it does then, it waits for. */
const ofSavedStates =
  (log: Log): Make<Subject> =>
  (self) => {
    const { note, total, add, later, cancel } = plain(log)(self);
    let answer = 0;
    let work: (() => Promise<number>) | undefined;
    const slow = async (ms: number) => {
      note("begins");
      self.signal.addEventListener("abort", () => note("aborted"));
      try {
        await self.sleep(ms);
        note("ends");
      } finally {
        note("finally");
      }
      return total();
    };
    const logic = setup({ types: { events: {} as Events } }).createMachine({
      id: "saved",
      initial: "open",
      states: {
        refusing: { on: { refuse: "open" } },
        open: {
          on: {
            add: { actions: ({ event }) => void (answer = add(event)) },
            crash: {
              actions: () => {
                throw new Error("planted");
              },
            },
            later: { actions: ({ event }) => void (answer = later(event)) },
            cancel: { actions: () => void (answer = cancel()) },
            relay: { actions: ({ event: { to, n } }) => void (work = () => self.ask(to).add({ n })) },
            slow: { actions: ({ event: { ms } }) => void (work = () => slow(ms)) },
          },
        },
      },
    });
    const save = () => {
      const saving = work?.();
      work = undefined;
      return saving?.then((value) => {
        answer = value;
      });
    };
    return machine(logic, { save, answer: () => answer })(self) as never;
  };

export const kinds: readonly Kind[] = [
  { name: "plain", make: synchronous, waits: true, refusal: "No" },
  { name: "async", make: asynchronous, waits: true, refusal: "No" },
  { name: "Effect", make: ofEffects, waits: true, refusal: "No" },
  { name: "stream", make: ofStreams, waits: true, refusal: "No" },
  { name: "machine", make: ofStates, waits: false, refusal: "NotAcceptedInState" },
  { name: "saved machine", make: ofSavedStates, waits: true, refusal: "NotAcceptedInState" },
];
