// What one actor sends another arrives in its order, whatever holds it up and whatever a schedule draws; only `reorder`
// and outages of some messages say otherwise.

import { type Ref, type Self, settle } from "antiphon";
import { delay, down, drop, duplicate, type Fault, partition, reorder, simulate, unavailable } from "antiphon/sim";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Body, Explorer, type ExplorerOptions } from "../../../../src/runtime/sim/explorer.ts";
import { strategies } from "../../../../src/runtime/sim/strategy/portfolio.ts";
import { drawn } from "./drawn.ts";

type Mode = "sync" | "windows" | "des" | "async";
const modes: readonly Mode[] = ["sync", "windows", "des", "async"];

/** Plays a body in one order that is drawn; `sync` is the base order of `simulate`. */
async function playedIn(
  mode: Mode,
  seed: number,
  body: Body,
  { latency, faults }: Pick<ExplorerOptions, "latency"> & { readonly faults?: readonly Fault[] } = {},
): Promise<void> {
  if (mode === "sync") {
    await simulate({ seed, ...(latency && { latency }), ...(faults && { faults }) }, body);
    return;
  }
  const explorer = new Explorer({ latency, faults, time: mode, seed });
  const { played } = await drawn(explorer, strategies[seed % strategies.length]!, seed, body);
  if (played.error !== undefined) throw played.error;
}

interface Sent {
  /** Before it is sent, in ms. */
  readonly pauseMs: number;
  readonly isAsked: boolean;
}

/** All faults, after so many events and then so long. */
interface Healed {
  readonly steps: number;
  readonly ms: number;
}

/** One writer sends numbers; gives them as they come. */
const numbers =
  (sent: readonly Sent[], came: number[], healed?: Healed): Body =>
  async ({ system, run, step, runUntilIdle, heal }) => {
    const to = system.spawn(() => ({ note: (n: number) => void came.push(n) }), { name: "to" });
    const writer = (self: Self) => ({
      async write() {
        for (const [n, { pauseMs, isAsked }] of sent.entries()) {
          if (pauseMs > 0) await self.sleep(pauseMs);
          if (isAsked) void settle(self.ask(to, { within: "1h" }).note(n));
          else self.tell(to).note(n);
        }
      },
    });
    system.tell(system.spawn(writer, { name: "writer" })).write();
    // In `async` time its clock may be ahead of that of the writer when all is healed.
    system.tell(system.spawn((self: Self) => ({ sleep: () => self.sleep(50) }), { name: "other" })).sleep();
    if (healed !== undefined) {
      for (let i = 0; i < healed.steps; i++) await step();
      if (healed.ms > 0) await run(healed.ms);
      heal();
    }
    await runUntilIdle();
  };

const link = "/writer>/to";
const ms = fc.nat(12);
const upTo = fc.tuple(ms, ms).map(([from, more]) => ({ from, to: from + more + 1 }));
const nth = fc.integer({ min: 1, max: 4 });
const holdUp: fc.Arbitrary<Fault> = fc.oneof(
  upTo.map((window) => down("/to", window)),
  upTo.map((window) => partition(["/to"], ["/writer"], window)),
  fc.tuple(nth, ms).map(([nth, by]) => delay(link, { nth, by })),
  nth.map((first) => delay(link, { first, by: { min: 1, max: 9 } })),
  nth.map((nth) => drop(link, { nth })),
  nth.map((nth) => duplicate(link, { nth })),
);
const latencies = fc.option(
  fc.tuple(ms, ms).map(([min, span]) => ({ [link]: { min, max: min + span } })),
  { nil: undefined },
);

describe.each(modes)("a link, in %s time,", (mode) => {
  test("[D1 sim] is in order whatever holds up what is on it (seed 81)", async () => {
    const sent = fc.array(fc.record({ pauseMs: fc.constantFrom(0, 0, 3, 7), isAsked: fc.boolean() }), { maxLength: 6 });
    const property = fc.asyncProperty(
      sent,
      fc.array(holdUp, { maxLength: 3 }),
      latencies,
      fc.option(fc.record({ steps: fc.nat(6), ms: fc.constantFrom(0, 0, 4, 7, 9) }), { nil: undefined }),
      fc.nat(1_000_000),
      async (sent, faults, latency, healed, seed) => {
        const came: number[] = [];
        await playedIn(mode, seed, numbers(sent, came, healed), { latency, faults });
        expect(came).toEqual([...came].sort((a, b) => a - b));
      },
    );
    await fc.assert(property, { numRuns: 200, seed: 81 });
  });

  const two: readonly Sent[] = [
    { pauseMs: 0, isAsked: false },
    { pauseMs: 2, isAsked: false },
  ];
  const orders = async (faults: readonly Fault[]) => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) {
      const came: number[] = [];
      await playedIn(mode, seed, numbers(two, came), { faults });
      seen.add(came.join());
    }
    return [...seen].sort();
  };

  test.each<[string, Fault]>([
    ["a delay of the first", delay(link, { first: 1, by: "5ms" })],
    ["a receiver that is down", down("/to", { from: 0, to: "10ms" })],
  ])("keeps the order under %s", async (_, fault) => {
    expect(await orders([fault])).toEqual(["0,1"]);
  });

  test.each<[string, Fault, Healed]>([
    ["that had nothing to do with it any more", down("/to", { to: "1ms" }), { steps: 0, ms: 4 }],
    ["that still holds what was sent", down("/to", { to: "10ms" }), { steps: 3, ms: 0 }],
  ])("keeps the order when an outage is healed %s (seeds 1 to 100)", async (_, fault, healed) => {
    const sent = [
      { pauseMs: 0, isAsked: false },
      { pauseMs: 3, isAsked: false },
    ];
    const latency = healed.ms > 0 ? { [link]: { min: 0, max: 5 } } : undefined;
    for (let seed = 1; seed <= 100; seed++) {
      const came: number[] = [];
      await playedIn(mode, seed, numbers(sent, came, healed), { faults: [fault], latency });
      expect(came).toEqual([0, 1]);
    }
  });

  test("is out of order where a fault reorders", async () => {
    expect(await orders([reorder(link, { first: 1, by: "5ms" })])).toContain("1,0");
  });

  test("has what an outage does not hold pass what it holds, as keys do", async () => {
    const seen = await orders([unavailable("/to", { share: 0.5, back: "1h" })]);
    expect(seen).toContain("1,0");
  });

  test("keeps the order of answers and messages", async () => {
    interface Asker {
      ask(): void;
      note(): void;
    }
    const seen = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) {
      const body: Body = async ({ system, runUntilIdle }) => {
        const came: string[] = [];
        const to = system.spawn(
          (self: Self) => ({
            get(from: Ref<Asker>) {
              self.tell(from).note();
              return true;
            },
          }),
          { name: "to" },
        );
        const asker = (self: Self<Asker>): Asker => ({
          ask: () => self.pipeToSelf(self.ask(to, { within: "1h" }).get(self.ref), () => void came.push("answer")),
          note: () => void came.push("note"),
        });
        system.tell(system.spawn(asker, { name: "asker" })).ask();
        await runUntilIdle();
        seen.add(came.join());
      };
      await playedIn(mode, seed, body, { faults: [delay("/to>/asker", { first: 1, by: "5ms" })] });
    }
    expect([...seen]).toContain("note,answer");
  });
});
