// Small programs drawn at random: three actors, and messages that say what is to be done.

import { type Ref, type Self, type SpawnOptions, settle, type Timer } from "antiphon";
import * as fc from "fast-check";
import type { Body } from "../../../../src/runtime/sim/explorer.ts";

interface Sent {
  readonly to: number;
  readonly steps: readonly Step[];
  readonly within?: number;
}

type Step =
  | ({ readonly do: "tell" | "ask" | "pipe" } & Sent)
  | { readonly do: "askBoth"; readonly asks: readonly [Sent, Sent] }
  | { readonly do: "sleep"; readonly ms: number }
  | { readonly do: "after"; readonly ms: number; readonly steps: readonly Step[] }
  | { readonly do: "cancel" | "crash" | "stop" };

/** What the body tells them. */
export type Program = readonly Sent[];

const size = 3;

class Actor {
  readonly #self: Self;
  readonly #all: readonly Ref<Actor>[];
  readonly #timers: Timer[] = [];

  constructor(self: Self, all: readonly Ref<Actor>[]) {
    this.#self = self;
    this.#all = all;
  }

  run(steps: readonly Step[]): unknown {
    const waits = steps.findIndex((step) => ["ask", "askBoth", "sleep"].includes(step.do));
    for (const step of waits < 0 ? steps : steps.slice(0, waits)) this.#act(step);
    return waits < 0 ? undefined : this.#wait(steps.slice(waits));
  }

  async #wait(steps: readonly Step[]): Promise<void> {
    for (const step of steps)
      if (step.do === "ask") await settle(this.#ask(step));
      else if (step.do === "askBoth") await Promise.all(step.asks.map((sent) => settle(this.#ask(sent))));
      else if (step.do === "sleep") await this.#self.sleep(step.ms);
      else this.#act(step);
  }

  #ask({ to, steps, within }: Sent) {
    return this.#self.ask(this.#all[to]!, within === undefined ? {} : { within }).run(steps);
  }

  #act(step: Step): void {
    switch (step.do) {
      case "tell":
        this.#self.tell(this.#all[step.to]!).run(step.steps);
        break;
      case "pipe":
        this.#self.pipeToSelf(this.#ask(step), () => {});
        break;
      case "after":
        this.#timers.push(this.#self.after(step.ms, () => this.run(step.steps), "timer"));
        break;
      case "cancel":
        this.#timers.pop()?.cancel();
        break;
      case "crash":
        throw new Error("crash");
      case "stop":
        this.#self.stop();
        break;
    }
  }
}

export function bodyOf(program: Program, options: SpawnOptions = {}): Body {
  return async ({ system, runUntilIdle }) => {
    const all: Ref<Actor>[] = [];
    for (const name of ["a", "b", "c"])
      all.push(system.spawn((self: Self) => new Actor(self, all), { ...options, name }));
    for (const { to, steps } of program) system.tell(all[to]!).run(steps);
    await runUntilIdle();
  };
}

/** Those that may occur; `within` gives asks deadlines. */
export type Kind = Step["do"] | "within";

/**
 * Whoever asks asks an actor behind itself, so that nobody waits for itself.
 */
export function programs(
  kinds: readonly Kind[],
  { sentMax = 3, depth = 2 }: { sentMax?: number; depth?: number } = {},
): fc.Arbitrary<Program> {
  const of = new Map<string, fc.Arbitrary<readonly Step[]>>();
  const sentTo = (least: number, left: number): fc.Arbitrary<Sent> =>
    fc.integer({ min: least, max: size - 1 }).chain((to) => stepsOf(to, left).map((steps) => ({ to, steps })));
  const asked = (by: number, left: number): fc.Arbitrary<Sent> => {
    const within = kinds.includes("within") ? fc.option(fc.constantFrom(5, 20)) : fc.constant(null);
    return fc.tuple(sentTo(by + 1, left), within).map(([sent, ms]) => (ms === null ? sent : { ...sent, within: ms }));
  };
  const ms = fc.constantFrom(1, 5);
  const makes: Record<Step["do"], (by: number, left: number) => fc.Arbitrary<Step>> = {
    tell: (_, left) => sentTo(0, left).map((sent) => ({ do: "tell", ...sent })),
    ask: (by, left) => asked(by, left).map((sent) => ({ do: "ask", ...sent })),
    pipe: (by, left) => asked(by, left).map((sent) => ({ do: "pipe", ...sent })),
    askBoth: (by, left) => fc.tuple(asked(by, left), asked(by, left)).map((asks) => ({ do: "askBoth", asks })),
    sleep: () => ms.map((ms) => ({ do: "sleep", ms })),
    after: (by, left) => fc.record({ do: fc.constant("after"), ms, steps: stepsOf(by, left) }),
    cancel: () => fc.constant({ do: "cancel" }),
    crash: () => fc.constant({ do: "crash" }),
    stop: () => fc.constant({ do: "stop" }),
  };
  function stepsOf(by: number, left: number): fc.Arbitrary<readonly Step[]> {
    const key = `${by} ${left}`;
    let steps = of.get(key);
    if (steps === undefined) {
      const found = kinds.filter((kind): kind is Step["do"] => kind !== "within" && left > 0 && canDo(kind, by));
      const choices = found.map((kind) => makes[kind](by, left - 1));
      steps = choices.length === 0 ? fc.constant([]) : fc.array(fc.oneof(...choices), { maxLength: 2 });
      of.set(key, steps);
    }
    return steps;
  }
  return fc.array(sentTo(0, depth), { minLength: 1, maxLength: sentMax });
}

function canDo(kind: Step["do"], by: number): boolean {
  return by < size - 1 || !["ask", "askBoth", "pipe"].includes(kind);
}
