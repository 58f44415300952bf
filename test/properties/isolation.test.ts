// A differential run: the same program twice, once with one of its handlers crashing. Whoever is reached from the crash
// neither by messages nor through the tree must not see a difference.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { live, sim, type WorldUnderTest } from "../conformance/world.ts";
import { type Job, type Limits, outside, type Program, type Put, programs, Run } from "./tree.ts";

const calm: Omit<Limits, "verbs"> = {
  capacities: [10_000],
  overflows: ["turn-away"],
  ends: fc.constantFrom("answer", "answer", "answer", "refuse"),
  within: 60_000,
};

interface Trial {
  readonly program: Program;
  /** Which message's handler crashes, counted through the program. */
  readonly crash: number;
}

/**
 * Actors live in zones, i modulo their number. Messages stay in a zone, but for tells to a later one: what happens
 * there comes back by no message, only through the tree, which knows no zones.
 */
const zones = fc.integer({ min: 2, max: 4 });

/** Several messages at a time. */
const trials: fc.Arbitrary<Trial> = fc
  .record({
    program: programs({ ...calm, verbs: ["tell", "offer", "ask", "forward"] }),
    crash: fc.nat({ max: 1_000 }),
    zones,
  })
  .map(({ program, crash, zones }) => ({
    crash,
    program: mapPuts(program, (put, by) => {
      if (by === outside) return put;
      const to = put.to % zones < by % zones ? by : put.to;
      // Waits lead to higher numbers only: no circle of waits, whose victim would depend on the schedule.
      const verb = to % zones > by % zones || to <= by ? "tell" : put.verb;
      return { ...put, to, verb };
    }),
  }));

/** One thread of control: each step is one message, whose handlers ask one after the other. */
const singleTrials: fc.Arbitrary<Trial> = fc
  .record({ program: programs({ ...calm, verbs: ["ask"] }), crash: fc.nat({ max: 1_000 }), zones })
  .map(({ program, crash, zones }) => {
    const prune = (put: Put): Put => {
      const puts = put.job.puts.filter(({ to }) => to > put.to && to % zones === put.to % zones);
      return { ...put, awaited: true, job: { ...put.job, puts: puts.map(prune) } };
    };
    const steps = program.steps.flatMap(({ puts }) =>
      puts.map((put) => ({ puts: [prune(put)], then: "idle" as const })),
    );
    return { crash, program: { ...program, steps } };
  });

function mapPuts(program: Program, change: (put: Put, by: number) => Put): Program {
  const changed =
    (by: number) =>
    (put: Put): Put => {
      const one = change(put, by);
      return { ...one, job: { ...one.job, puts: one.job.puts.map(changed(one.to)) } };
    };
  return { ...program, steps: program.steps.map((step) => ({ ...step, puts: step.puts.map(changed(outside)) })) };
}

/** The program with one handler that crashes, and where. */
function withCrash({ program, crash }: Trial): { crashing: Program; at: number } {
  let count = 0;
  mapPuts(program, (put) => {
    count++;
    return put;
  });
  let [at, left] = [outside, crash % count];
  const crashing = mapPuts(program, (put) => {
    if (left-- !== 0) return put;
    at = put.to;
    const job: Job = { ...put.job, end: "crash" };
    return { ...put, job };
  });
  return { crashing, at };
}

/** Actors that the crash may reach: through the tree, then by messages and answers. More than are, never fewer. */
function reachedFrom({ nodes, steps }: Program, crashed: number): Set<number> {
  const reached = new Set<number>();
  const withDescendants = (i: number) => {
    reached.add(i);
    nodes.forEach(({ parent }, child) => {
      if (parent === i) withDescendants(child);
    });
  };
  for (let i = crashed; i >= 0; i = nodes[i]?.parent ?? outside) {
    withDescendants(i);
    const { parent = outside, onCrash } = nodes[i] ?? {};
    const strategy = nodes[parent]?.strategy ?? "one-for-one";
    if (onCrash === "restart" && strategy !== "one-for-one")
      nodes.forEach((node, sibling) => {
        if (node.parent === parent && (strategy === "one-for-all" || sibling > i)) withDescendants(sibling);
      });
    if (onCrash !== "escalate") break;
  }
  const answerers = ({ to, job }: Put): number[] => [
    to,
    ...job.puts.filter(({ verb }) => verb === "forward").flatMap(answerers),
  ];
  for (let before = -1; before < reached.size; ) {
    before = reached.size;
    mapPuts({ nodes, steps, within: 0 }, (put, by) => {
      if (reached.has(by)) reached.add(put.to);
      if (by !== outside && put.verb !== "tell" && answerers(put).some((one) => reached.has(one))) reached.add(by);
      return put;
    });
  }
  return reached;
}

async function runOf(program: Program, world: WorldUnderTest): Promise<Run> {
  let run: Run | undefined;
  await world.run(async (kit) => {
    run = new Run(program, kit);
    await run.steps(kit.conserve);
  });
  return run as Run;
}

/** Compares the logs of those that are not reached; counts how much was compared, and that the crash did something. */
async function compare(world: WorldUnderTest, trial: Trial, view: View, met: Met, reach = reachedFrom): Promise<void> {
  const { crashing, at } = withCrash(trial);
  const reached = reach(crashing, at);
  const [without, with_] = [await runOf(trial.program, world), await runOf(crashing, world)];
  trial.program.nodes.forEach((_, i) => {
    const [calm, shaken] = [view(without, i), view(with_, i)];
    if (reached.has(i)) {
      if (JSON.stringify(calm) !== JSON.stringify(shaken)) met.changed++;
      return;
    }
    expect(shaken, `the log of a${i}, after a crash of a${at}`).toEqual(calm);
    expect(with_.factories[i]).toBe(1);
    met.compared += calm.length;
  });
}

type View = (run: Run, i: number) => readonly unknown[];

interface Met {
  compared: number;
  changed: number;
}

/** The order of what different actors put is not promised: logs are compared as sets. */
const sorted: View = (run, i) => (run.logs[i] ?? []).map(({ text }) => text).sort();
const exact: View = (run, i) => run.logs[i] ?? [];

describe.each([live, sim])("isolation", (world) => {
  const { name } = world;
  test(`[F1 ${name}] who is reached by neither messages nor the tree does the same with and without a crash`, async () => {
    const met = { compared: 0, changed: 0 };
    await fc.assert(
      fc.asyncProperty(trials, (trial) => compare(world, trial, sorted, met)),
      { seed: 6, numRuns: 25 },
    );
    expect(met.compared).toBeGreaterThan(100);
    expect(met.changed).toBeGreaterThan(20);
  }, 60_000);

  test(`[F1 ${name}] with one thread of control it does so line by line, in the same order and state`, async () => {
    const met = { compared: 0, changed: 0 };
    await fc.assert(
      fc.asyncProperty(singleTrials, (trial) => compare(world, trial, exact, met)),
      { seed: 6, numRuns: 40 },
    );
    expect(met.compared).toBeGreaterThan(100);
    expect(met.changed).toBeGreaterThan(20);
  }, 60_000);

  test("shows who is reached: with the crashed actor alone taken for it, the comparison fails", async () => {
    for (const [drawn, view] of [
      [trials, sorted],
      [singleTrials, exact],
    ] as const) {
      const only = (_: Program, at: number) => new Set([at]);
      const property = fc.asyncProperty(drawn, (trial) =>
        compare(world, trial, view, { compared: 0, changed: 0 }, only),
      );
      expect((await fc.check(property, { seed: 6, numRuns: 60, endOnFailure: true })).failed).toBe(true);
    }
  }, 60_000);
});
