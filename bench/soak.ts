// npm run soak: the runtime under faults, for as long as one likes. Random programs of its whole interface, in drawn orders
// and all modes of time, and the protocols of the zoo without their bugs; what fails first is made small and said.

import { command, type Flags, figure, positiveFlag, progress, wholeFlag } from "antiphon/lab";
import { keyed } from "../src/runtime/kernel/random.ts";
import { sequenceText } from "../src/runtime/observe/sequence.ts";
import type { Finding, Plan } from "../src/runtime/sim/explorer.ts";
import { NotReproducible } from "../src/runtime/sim/failure.ts";
import { shrink } from "../src/runtime/sim/shrink.ts";
import { exchangesOf, sliceOf } from "../src/testing/picture.ts";
import { fromToken, tokenOf } from "../src/testing/token.ts";
import { sentencesOf } from "../src/testing/words.ts";
import { type Inputs, type Operations, type Trial, trialFrom, trialOf } from "./soak-trial.ts";

/** Of one program; then comes the next. */
const schedulesEach = 24;
/** Of what is said of a failure. */
const [linesMax, lettersMax] = [40, 2_000];
const replaysMax = 2_000;
const lineMs = 5_000;
/** Numbers of programs that a seed has for itself. */
const perSeed = 1_000_000;

const flags = {
  seconds: { takes: "N", says: "how long; 60 by default" },
  seed: { takes: "N", says: "of the programs and their orders; 1 by default" },
  again: { takes: "SHARE", says: "of the runs are played again by their pairs, 0 for none; 0.05 by default" },
  twice: { takes: "N", says: "plays every run twice and compares the two, until that was done N times" },
  token: { takes: "TEXT", says: "plays what failed once more, and nothing else" },
} as const;

const help = `Does the runtime keep its promises, whatever happens in whichever order?

  npm run soak                          a minute
  npm run soak -- --seconds 3600        an hour; Ctrl-C ends it and says what was done
  npm run soak -- --seed 2              other programs
  npm run soak -- --again 0             without asking whether pairs replay
  npm run soak -- --twice 10000         until so many runs were played twice
  npm run soak -- --token antiphon1:…   what failed, once more

Programs are random: up to eight actors with random options, which tell, offer, ask and forward, crash, refuse and stop.
Runs have random latencies, faults and orders. Looked at are: order (D1), at most once (D2), the books after every event
(D3), that asks settle (A1), that a crash changes no other actor (F1), that nothing is left (S1), that a run comes out the same
again (W1), also by its pairs (X1). Of four trials one is a protocol of test/zoo without its bug. Exit code 1 if something fails.`;

interface Tally {
  trials: number;
  schedules: number;
  events: number;
  orders: number;
  again: number;
  /** Of these, by the pairs of the whole run. */
  inFull: number;
  /** Played twice and equal. */
  compared: number;
  /** Programs with an actor crashed, and held against themselves without that. */
  isolated: number;
  readonly startMs: number;
}

function tallyText({ trials, schedules, events, orders, again, inFull, compared, isolated, startMs }: Tally): string {
  const seconds = (performance.now() - startMs) / 1_000;
  return [
    `${figure(Math.round(seconds))} s`,
    `${figure(trials)} programs`,
    `${figure(schedules)} schedules`,
    `${figure(Math.round(events / seconds))} events/s`,
    `${figure(orders)} different orders`,
    `${figure(again)} played again by their pairs, ${figure(inFull)} of them by those of the whole run`,
    `${figure(compared)} played twice and equal`,
    `${figure(isolated)} programs with a crash that changed no other actor`,
  ].join(", ");
}

await command({
  flags,
  help,
  async run(given, interrupted) {
    if (given.token !== undefined) return await replay(given.token);
    return await soak(given, interrupted);
  },
});

async function soak(
  { twice, seconds = twice === undefined ? "60" : "1e9", seed = "1", again = "0.05" }: Flags<typeof flags>,
  interrupted: (known: () => string) => void,
): Promise<string> {
  const endMs = performance.now() + positiveFlag("seconds", seconds, "60") * 1_000;
  const first = wholeFlag("seed", seed, "1", 0) * perSeed;
  const comparedMost = twice === undefined ? Number.POSITIVE_INFINITY : wholeFlag("twice", twice, "1", 1);
  const share = again === "0" ? 0 : positiveFlag("again", again, "0.05", 1);
  const tally: Tally = {
    trials: 0,
    schedules: 0,
    events: 0,
    orders: 0,
    again: 0,
    inFull: 0,
    compared: 0,
    isolated: 0,
    startMs: performance.now(),
  };
  let now = tallyText(tally);
  const clear = progress(process.stderr, () => now);
  const lines = process.stderr.isTTY ? undefined : setInterval(() => process.stderr.write(`${now}\n`), lineMs);
  interrupted(() => {
    clear();
    return tallyText(tally);
  });
  try {
    while (performance.now() < endMs && tally.compared < comparedMost) {
      const trial = trialOf(first + tally.trials, twice === undefined ? undefined : 1);
      const finding = await search(trial, { tally, endMs, share }, () => {
        now = tallyText(tally);
      });
      if (finding === undefined) continue;
      process.exitCode = 1;
      return `${await failureText(trial, finding)}\n\n${tallyText(tally)}`;
    }
  } finally {
    clearInterval(lines);
    clear();
  }
  return `${tallyText(tally)}: nothing failed.`;
}

interface Search {
  readonly tally: Tally;
  readonly endMs: number;
  /** Of the runs that are played again. */
  readonly share: number;
}

async function search(trial: Trial, { tally, endMs, share }: Search, say: () => void): Promise<Finding | undefined> {
  const { explorer, operations } = trial;
  const { coverage } = explorer;
  const body = trial.bodyOf(operations);
  const before = { ...tally };
  tally.trials++;
  for (let i = 0; i < schedulesEach && performance.now() < endMs; i++) {
    explorer.takesNote = keyed(i, "again", trial.name) < share;
    const found = await explorer.explore(i, body);
    tally.schedules = before.schedules + coverage.schedules;
    tally.events = before.events + coverage.steps;
    tally.orders = before.orders + coverage.orders;
    tally.compared = before.compared + coverage.compared;
    say();
    if (found !== undefined) return found;
    if (!explorer.takesNote) continue;
    tally.again++;
    const differs = await explorer.again(body);
    tally.inFull = before.inFull + explorer.inFull;
    if (differs !== undefined) return explorer.findingOf(differs.plan, differs.played);
  }
  const disturbed = await trial.isolates?.();
  if (disturbed !== undefined) return explorer.findingOf(disturbed.plan, disturbed.played);
  if (trial.isolates !== undefined) tally.isolated++;
  return undefined;
}

/** Plays a token. */
async function replay(token: string): Promise<string> {
  const { inputs, plan } = fromToken<Inputs>(token);
  const { trial, operations } = trialFrom(inputs, plan.seed);
  const { explorer } = trial;
  const played = await explorer.replay(plan, trial.bodyOf(operations));
  const finding = explorer.findingOf(plan, played);
  if (finding === undefined) return `${trial.name}: it passes.`;
  process.exitCode = 1;
  return textOf(trial, operations, { ...finding, plan }, "given");
}

async function failureText(trial: Trial, finding: Finding): Promise<string> {
  const { explorer } = trial;
  const found = `schedule ${explorer.coverage.schedules} (${finding.strategy}), ${finding.plan.time} time`;
  const shrunk = await shrink(
    finding,
    trial.operations,
    async ({ plan, operations }) => explorer.findingOf(plan, await explorer.replay(plan, trial.bodyOf(operations))),
    replaysMax,
  );
  if (shrunk === undefined) {
    const why = finding.error instanceof NotReproducible ? "two runs differ" : "it did not fail again";
    return textOf(trial, trial.operations, finding, `${found}; as it was found: ${why}`);
  }
  const { from, operations, replays } = shrunk;
  const counts = `${from.operations} operations, ${from.faults} faults, ${from.pairs} pairs`;
  return textOf(trial, operations, shrunk.finding, `${found}; made smaller from ${counts} in ${replays} replays`);
}

function textOf(trial: Trial, operations: Operations, finding: Finding, found: string): string {
  const { error, plan } = finding;
  const picture = sequenceText(exchangesOf(sliceOf(finding), finding)).split("\n");
  const plays = trial.textOf(operations);
  return [
    `${trial.name}: ${error instanceof Error ? error.message : String(error)}`,
    "",
    `  found   ${found}`,
    `  plays   ${plays.length > lettersMax ? `${plays.slice(0, lettersMax)}…` : plays}`,
    ...few(sentencesOf(plan)).map((sentence, i) => `  ${i === 0 ? "order " : "      "}  ${sentence}`),
    "",
    ...few(picture).map((line) => `  ${line}`),
    "",
    `  again   npm run soak -- --token ${tokenText(trial, operations, plan)}`,
    ...(error instanceof Error && error.name !== "Broken" ? ["", error.stack ?? ""] : []),
  ].join("\n");
}

function few(lines: readonly string[]): readonly string[] {
  return lines.length <= linesMax ? lines : [...lines.slice(0, linesMax), `and ${lines.length - linesMax} more`];
}

function tokenText(trial: Trial, operations: Operations, plan: Plan): string {
  return tokenOf({ inputs: trial.inputsOf(operations), plan }) ?? "(none: it can not be written)";
}
