// Histories recorded from simulated actors.

import { type Ref, Refusal, type Self, type System } from "antiphon";
import { type SimulateOptions, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { type Operation, type Recorder, recorder } from "../../src/testing/history.ts";
import { linearizable } from "../../src/testing/linearizable.ts";
import { type RegisterInput, type RegisterOutput, register } from "../../src/testing/models.ts";

type Input = RegisterInput<number>;
type Output = RegisterOutput<number>;

interface Register {
  read(): number;
  write(value: number): void;
}

const single = () => {
  let value = 0;
  return { read: () => value, write: (to: number) => void (value = to) };
};

/** Answers at once, and tells the others afterwards. */
const replica = (self: Self) => {
  let value = 0;
  let other: Ref<{ copy(to: number): void }> | undefined;
  return {
    meet: (ref: Ref<{ copy(to: number): void }>) => void (other = ref),
    read: () => value,
    copy: (to: number) => void (value = to),
    write(to: number) {
      value = to;
      if (other !== undefined) self.tell(other).copy(to);
    },
  };
};

function replicas(system: System): Ref<Register>[] {
  const [a, b] = ["a", "b"].map((name) => system.spawn(replica, { name }));
  system.tell(a!).meet(b!);
  system.tell(b!).meet(a!);
  return [a!, b!];
}

/** Reads and writes values of its own, one after the other, at whom it likes. */
const client = (self: Self, { record }: Recorder<Input, Output>, targets: readonly Ref<Register>[]) => ({
  async work(first: number) {
    for (let value = first; value < first + 6; value++) {
      await self.sleep(20 * self.random());
      const target = targets[Math.floor(self.random() * targets.length)]!;
      const asked = self.ask(target, { within: "30ms" });
      if (self.random() < 0.5) await record(self.path, ["read"], () => asked.read());
      else await record(self.path, ["write", value], () => asked.write(value));
    }
  },
});

type History = readonly Operation<Input, Output>[];

async function recorded(options: SimulateOptions, start: (system: System) => Ref<Register>[]): Promise<History> {
  const { value, leaks } = await simulate(options, async ({ system, now, runUntilIdle }) => {
    const recording = recorder<Input, Output>(now);
    const targets = start(system);
    for (const n of [1, 2, 3]) {
      const ref = system.spawn((self: Self) => client(self, recording, targets), { name: `client${n}` });
      system.tell(ref).work(100 * n);
    }
    await runUntilIdle();
    return recording.history;
  });
  expect(leaks).toEqual([]);
  return value;
}

const seeds = Array.from({ length: 100 }, (_, at) => at + 1);

/** How many of the histories, one for each seed, have this verdict. */
async function judged(options: SimulateOptions, start: (system: System) => Ref<Register>[]) {
  const histories = await Promise.all(seeds.map((seed) => recorded({ ...options, seed }, start)));
  return { histories, oks: histories.map((history) => linearizable(history, register<number>(0)).ok) };
}

describe("a history of simulated actors", () => {
  /** There and back it may take longer than the clients wait. */
  const latency = { "/client*>/register": { min: 0, max: 25 }, "/register>/client*": { min: 0, max: 25 } };
  const one = (system: System) => [system.spawn(single, { name: "register" })];

  test("of one register is linearizable, though some answers are late", async () => {
    const { histories, oks } = await judged({ latency }, one);
    expect(oks).toEqual(seeds.map(() => true));
    const unknown = histories.map((history) => history.filter(({ outcome }) => outcome === "unknown"));
    expect(unknown.flat().length).toBeGreaterThan(100);
  });

  test("would be accused wrongly if what is unknown were left out", async () => {
    const { histories } = await judged({ latency }, one);
    const isKnown = ({ outcome }: Operation<Input, Output>) => outcome !== "unknown";
    const without = histories.map((history) => linearizable(history.filter(isKnown), register<number>(0)).ok);
    expect(without).toContain(false);
  });

  test("of two replicas is linearizable while what they tell each other is there at once", async () => {
    const { oks } = await judged({}, replicas);
    expect(oks).toEqual(seeds.map(() => true));
  });

  test("of two replicas is not when that takes time", async () => {
    const { histories, oks } = await judged({ latency: { "/a>/b": 10, "/b>/a": 10 } }, replicas);
    expect(oks.filter((ok) => ok === false).length).toBeGreaterThan(50);
    const found = linearizable(histories[oks.indexOf(false)]!, register<number>(0));
    expect(found.text).toMatch(/the state is \d+, and none of these can be next:\n {2}\/client\d: read\(\) → \d+ \(/);
  });
});

describe("recorder", () => {
  class Closed extends Refusal {
    readonly _tag = "Closed";
  }
  const shop = (self: Self) => ({
    buy: (n: number) => (n > 9 ? new Closed() : n + 1),
    crash(): number {
      throw new Error("planted");
    },
    nap: (ms: number) => self.sleep(ms).then(() => 0),
  });
  const said = ({ input, outcome, ...rest }: Operation<string, unknown>) =>
    `${input}: ${outcome}${"output" in rest ? ` ${rest.output}` : ""}`;

  test("notes answers, refusals, what never began and what nobody knows, and gives them as settle does", async () => {
    await simulate({}, async ({ system, now, runUntilIdle }) => {
      const { record, history } = recorder<string, number | Closed>(now);
      const ref = system.spawn(shop, { name: "shop", mailbox: { capacity: 1 } });
      const ask = system.ask(ref, { within: "10ms" });
      const all = [
        await record("a", "buy 1", () => ask.buy(1)),
        await record("a", "buy 10", () => ask.buy(10)),
        await record("a", "crash", () => ask.crash()),
        ...(await Promise.all([
          record("a", "nap", () => ask.nap(20)),
          record("b", "wait", () => ask.buy(2)),
          record("c", "turned away", () => ask.buy(3)),
        ])),
      ];
      await runUntilIdle();
      expect(all.map((each) => (each.ok ? each.value : each.error._tag))).toEqual([
        2,
        "Closed",
        "ActorCrashed",
        "AskTimeout",
        "AskTimeout",
        "MailboxFull",
      ]);
      expect(history.map(said)).toEqual([
        "buy 1: answered 2",
        "buy 10: answered Closed",
        "crash: unknown",
        "nap: unknown",
        "wait: not-started",
        "turned away: not-started",
      ]);
    });
  });

  test("has operations in the order of their invocations, with places and times", async () => {
    await simulate({}, async ({ system, now }) => {
      const { record, history } = recorder<string, number>(now);
      const ask = system.ask(system.spawn(shop, { concurrency: 2 }));
      const both = [record("a", "long", () => ask.nap(20)), record("b", "short", () => ask.nap(10))];
      expect(history.map(({ outcome }) => outcome)).toEqual(["unknown", "unknown"]);
      await Promise.all(both);
      expect(history).toEqual([
        {
          client: "a",
          input: "long",
          outcome: "answered",
          output: 0,
          invoked: 0,
          ended: 3,
          invokedAtMs: 0,
          endedAtMs: 20,
        },
        {
          client: "b",
          input: "short",
          outcome: "answered",
          output: 0,
          invoked: 1,
          ended: 2,
          invokedAtMs: 0,
          endedAtMs: 10,
        },
      ]);
    });
  });

  test("lets through what is no failure of an ask, and knows nothing then", async () => {
    const { record, history } = recorder<string, number>(() => 0);
    const broken = record("a", "broken", () => Promise.reject(new TypeError("planted")));
    await expect(broken).rejects.toThrow("planted");
    expect(history).toMatchObject([{ outcome: "unknown" }]);
  });
});
