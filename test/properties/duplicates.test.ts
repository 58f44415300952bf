import { type Make, type Self, settle } from "antiphon";
import { idempotent } from "antiphon/actors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Kit, live, sim } from "../conformance/world.ts";
import { anything, programs, Run } from "./tree.ts";

describe.each([live, sim])("duplicates", ({ name, run: inWorld }) => {
  test(`[D2 ${name}] [A1 ${name}] no message is handled twice, none unput, and each ask settles, whatever crashes, stops and restarts`, async () => {
    let starts = 0;
    await fc.assert(
      fc.asyncProperty(programs(anything), (program) =>
        inWorld(async (kit) => {
          const run = new Run(program, kit);
          await run.steps(kit.conserve);
          const started = run.starts.map(({ entry }) => entry);
          expect(new Set(started).size).toBe(started.length);
          for (const { at, entry } of run.starts) expect(run.puts[entry]?.to).toBe(at);
          const waiting = run.puts.filter(
            ({ verb, by, outcome }) => by < 0 && verb !== "tell" && outcome === undefined,
          );
          expect(waiting.filter(({ verb }) => verb !== "forward")).toEqual([]);
          starts += started.length;
        }),
      ),
      { seed: 4, numRuns: 50 },
    );
    expect(starts).toBeGreaterThan(1_000);
  }, 60_000);
});

/** What a client does: asks for the order of an id, any number of times, while crashes fall in between. */
interface Errand {
  readonly act: "order" | "crash" | "crash later";
  readonly id: number;
  readonly ms: number;
  readonly then: "at once" | "a breath" | "idle";
}

const errands = fc.array(
  fc.record({
    act: fc.constantFrom(
      "order" as const,
      "order" as const,
      "order" as const,
      "crash" as const,
      "crash later" as const,
    ),
    id: fc.nat({ max: 3 }),
    ms: fc.constantFrom(0, 0, 1, 2),
    then: fc.constantFrom("at once" as const, "a breath" as const, "idle" as const),
  }),
  { minLength: 4, maxLength: 24, size: "max" },
);

/** Takes its effect last: what a crash cuts short has had none. */
class Orders {
  readonly #self: Self;
  readonly #effects: string[];

  constructor(self: Self, effects: string[]) {
    this.#self = self;
    this.#effects = effects;
  }

  order({ id, ms }: { id: number; ms: number }): number | Promise<number> {
    const effect = () => this.#effects.push(`${id}`);
    return ms === 0 ? effect() : this.#self.sleep(ms).then(effect);
  }

  async crash(ms: number): Promise<void> {
    if (ms > 0) await this.#self.sleep(ms);
    throw new Error("planted");
  }
}

interface Outcome {
  readonly effects: string[];
  /** The answers that each id got, failures left out. */
  readonly answers: Map<number, number[]>;
  failures: number;
  retried: number;
}

async function runErrands(
  { system, idle, breathe, conserve }: Kit,
  plan: readonly Errand[],
  concurrency: number,
  wrap: (make: Make<Orders>) => Make<Orders>,
): Promise<Outcome> {
  const outcome: Outcome = { effects: [], answers: new Map(), failures: 0, retried: 0 };
  const ref = system.spawn(
    wrap((self) => new Orders(self, outcome.effects)),
    { concurrency, supervision: { maxRestarts: 1_000 } },
  );
  const order = async (id: number, ms: number): Promise<boolean> => {
    const answer = await settle(system.ask(ref, { id: `order ${id}` }).order({ id, ms }));
    if (answer.ok) outcome.answers.set(id, [...(outcome.answers.get(id) ?? []), answer.value]);
    else outcome.failures++;
    return answer.ok;
  };
  const asked: Promise<unknown>[] = [];
  for (const { act, id, ms, then } of plan) {
    if (act === "order") asked.push(order(id, ms));
    else system.tell(ref).crash(act === "crash" ? 0 : ms);
    conserve();
    if (then === "a breath") await breathe();
    if (then === "idle") await idle();
    conserve();
  }
  await Promise.all(asked);
  // A client retries until it is answered.
  for (const id of new Set(plan.filter(({ act }) => act === "order").map(({ id }) => id)))
    while (!(await order(id, 0))) outcome.retried++;
  return outcome;
}

describe.each([live, sim])("idempotent", ({ name, run: inWorld }) => {
  /** Once per id: one effect, and to every duplicate the same answer. */
  const once = (wrap: (make: Make<Orders>) => Make<Orders>, seen = { failures: 0, shared: 0 }) =>
    fc.asyncProperty(errands, fc.constantFrom(1, 2, 8), (plan, concurrency) =>
      inWorld(async (kit) => {
        const { effects, answers, failures } = await runErrands(kit, plan, concurrency, wrap);
        expect([...effects].sort()).toEqual([...answers.keys()].map(String).sort());
        for (const given of answers.values()) expect(new Set(given).size).toBe(1);
        seen.failures += failures;
        for (const given of answers.values()) seen.shared += given.length - 1;
      }),
    );

  test(`[D2 ${name}] has one effect and one answer for an id, under any duplicates and crashes`, async () => {
    const seen = { failures: 0, shared: 0 };
    await fc.assert(
      once((make) => idempotent(make, { window: "1h" }), seen),
      { seed: 5, numRuns: 120 },
    );
    expect(seen.failures).toBeGreaterThan(30);
    expect(seen.shared).toBeGreaterThan(100);
  }, 60_000);

  test("is what makes it so: the same actor without it fails the same property", async () => {
    const { failed, counterexample } = await fc.check(
      once((make) => make),
      { seed: 5, numRuns: 120 },
    );
    expect(failed).toBe(true);
    const [plan = []] = counterexample ?? [];
    expect(plan.filter(({ act }) => act === "order").length).toBeGreaterThanOrEqual(1);
    expect(plan.length).toBeLessThanOrEqual(4);
  }, 60_000);

  test("does not help without a window: what is forgotten at once is done again", async () => {
    const { failed } = await fc.check(
      once((make) => idempotent(make, { window: 0.001 })),
      { seed: 5, numRuns: 120, endOnFailure: true },
    );
    expect(failed).toBe(true);
  });
});
