// One actor asks another, each written plainly or with another library.

import { createSystem, type Make, type Ref, type Self } from "antiphon";
import * as effects from "antiphon/effect";
import { asking, stateful, streaming } from "antiphon/rxjs";
import { machine } from "antiphon/xstate";
import { Effect, Schema } from "effect";
import { firstValueFrom, of } from "rxjs";
import { assign, setup } from "xstate";
import { askAll, expectEqual, type Prepared } from "./rows.ts";

interface Echo {
  next(payload: { readonly n: number }): number;
}

type Asker = (self: Self, echo: Ref<Echo>) => { run(asks: number): unknown };

const echo: Make<Echo> = () => ({ next: ({ n }) => n + 1 });

const asker: Asker = (self, echo) => ({
  run: (asks) => askAll(asks, 1, (n) => self.ask(echo).next({ n })),
});

const effectAsker = (echo: Ref<Echo>) =>
  effects.effectful(() => ({
    run: (asks: number) =>
      Effect.gen(function* () {
        let sum = 0;
        for (let n = 0; n < asks; n++) sum += yield* effects.ask(echo).next({ n });
        return sum;
      }),
  }));

const counter = setup({
  types: { context: {} as { n: number }, events: {} as { type: "next"; n: number } },
}).createMachine({
  context: { n: 0 },
  on: { next: { actions: assign({ n: ({ event }) => event.n + 1 }) } },
});

const gen = (n: number) =>
  Effect.gen(function* () {
    const one = yield* Effect.succeed(1);
    const given = yield* Effect.succeed(n);
    return yield* Effect.succeed(given + one);
  });

/** Whoever answers with a number: the compiler sees other types of answers in each of them. */
const echoes: Readonly<Record<string, Make<object>>> = {
  plain: echo,
  async: () => ({ next: async ({ n }: { n: number }) => n + 1 }),
  "effect, succeed": effects.effectful(() => ({ next: ({ n }: { n: number }) => Effect.succeed(n + 1) })),
  "effect, gen": effects.effectful(() => ({ next: ({ n }: { n: number }) => gen(n) })),
  "effect, yield": effects.effectful(() => ({
    next: ({ n }: { n: number }) => Effect.as(Effect.yieldNow, n + 1),
  })),
  "effect, contract": effects.contracted({ next: Schema.Struct({ n: Schema.Number }) }, echo),
  "xstate, assign": machine(counter, { answer: ({ context }) => context.n }),
  "rxjs, of": streaming(() => ({ next: ({ n }: { n: number }) => of(n + 1) })),
  "rxjs, stateful": stateful(echo, () => 1),
};

const askers: Readonly<Record<string, (echo: Ref<Echo>) => Make<object>>> = {
  "effect, asks": effectAsker,
  "rxjs, asks": (echo) => (self) => ({
    run: (asks: number) => askAll(asks, 1, (n) => firstValueFrom(asking(self, echo).next({ n }))),
  }),
};

export function work(name: string, asks: number): Prepared {
  const system = createSystem();
  const ref = system.spawn(echoes[name] ?? echo) as Ref<Echo>;
  const make = askers[name]?.(ref) ?? ((self: Self) => asker(self, ref));
  const from = system.spawn(make) as Ref<{ run(asks: number): number }>;
  let sum = 0;
  return {
    async run() {
      sum = await system.ask(from, { within: "1m" }).run(asks);
    },
    check: () => expectEqual("sum of answers", sum, (asks * (asks + 1)) / 2),
  };
}
