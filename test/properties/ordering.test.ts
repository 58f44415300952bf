import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { live, sim } from "../conformance/world.ts";
import { anything, type Entry, programs, Run } from "./tree.ts";

type Start = Run["starts"][number];

/** Starts that came out of order: of one putter, at one receiver, after one that it had put later. */
function overtaken(puts: readonly Entry[], starts: readonly Start[]): string[] {
  const last = new Map<string, number>();
  return starts.flatMap(({ at, entry }) => {
    const pair = `${puts[entry]?.by} to ${at}`;
    const before = last.get(pair) ?? -1;
    last.set(pair, Math.max(before, entry));
    return before > entry ? [`${pair}: ${entry} after ${before}`] : [];
  });
}

describe.each([live, sim])("ordering", ({ name, run: inWorld }) => {
  test(`[D1 ${name}] what one actor puts into one mailbox starts in the order put, whatever crashes, stops and restarts`, async () => {
    const met = { puts: 0, starts: 0, pairs: 0, restarts: 0, ok: 0, MailboxFull: 0, ActorCrashed: 0, WaitCycle: 0 };
    await fc.assert(
      fc.asyncProperty(programs(anything), (program) =>
        inWorld(async (kit) => {
          const run = new Run(program, kit);
          await run.steps(kit.conserve);
          const { puts, starts } = run;
          expect(overtaken(puts, starts)).toEqual([]);
          met.puts += puts.length;
          met.starts += starts.length;
          met.pairs += new Set(starts.map(({ at, entry }) => `${puts[entry]?.by} ${at}`)).size;
          met.restarts += run.factories.filter((times) => times > 1).length;
          for (const { outcome } of puts) if (outcome !== undefined && outcome in met) met[outcome as "ok"]++;
        }),
      ),
      { seed: 3, numRuns: 60 },
    );
    // The programs do what they are for: pairs with several messages, and every kind of trouble.
    expect(met.starts - met.pairs).toBeGreaterThan(1_000);
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(10);
  }, 60_000);
});

describe("the property of ordering", () => {
  test("finds a message that was overtaken", () => {
    const puts = [0, 1, 0].map((by) => ({ label: "", verb: "tell" as const, by, to: 2, outcome: undefined }));
    const at = (entry: number) => ({ at: 2, entry });
    expect(overtaken(puts, [at(1), at(0), at(2)])).toEqual([]);
    expect(overtaken(puts, [at(2), at(1), at(0)])).toEqual(["0 to 2: 0 after 2"]);
  });
});
