// What a caller may rely on, whatever stands between it and the actor that does the work: a list of cases for a wrapper of
// one's own, each a run in virtual time. A case fails by what was seen from outside, never by how the wrapper is made.

import { isDeepStrictEqual } from "node:util";
import { AskTimeout, InvalidOption } from "../runtime/kernel/failure.ts";
import type { Ref } from "../runtime/kernel/protocol.ts";
import type { Make, Self, SpawnOptions, Verb } from "../runtime/kernel/verbs.ts";
import { restart } from "../runtime/sim/fault.ts";
import { demand, demandValue, ended, endText, goesOn, long, openIn, play, type Stage, text } from "./stage.ts";
import { Declined, type Elsewhere, type Subject } from "./subject.ts";

export interface ConformanceOptions {
  /** How the wrapper is spawned. */
  readonly spawn?: Omit<SpawnOptions, "name"> | undefined;
  /** `false` for what lets messages of one sender overtake each other, as a pool does. */
  readonly order?: boolean | undefined;
  /** `false` for what keeps a crash of the inner actor to itself, as a queue does that delivers again. */
  readonly passesCrash?: boolean | undefined;
  /** 1 by default. */
  readonly seed?: number | undefined;
}

/** For `test.each`. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * Cases for an actor that stands before another: a pool, a router, a queue, a decorator. `wrap` makes it, anew in each
 * case, for an inner actor of the kit; the cases talk to it as to the inner actor itself.
 *
 * Promises: a case sees nothing of the wrapper but answers, what reaches the inner actor, the census and the events.
 * A message that is answered twice is not held against it: only the first answer arrives (A1).
 * Fails: InvalidOption; `run` with NotConforming, or with what a simulation fails with.
 * Cost: a case takes some ms.
 * Example: `test.each(conformance((inner) => () => ({ [receive]: (m: Message<Subject>) => m.forward(inner) })))("$name",
 * ({ run }) => run())`. What a wrapper does otherwise by intention, and no option says, is left out by its name.
 */
export function conformance(
  wrap: (inner: Ref<Subject>) => Make<object>,
  options: ConformanceOptions = {},
): ConformanceCase[] {
  if (typeof wrap !== "function") throw new InvalidOption("wrap", wrap, "a function that makes a factory");
  for (const option of Object.keys(options))
    if (!["spawn", "order", "passesCrash", "seed"].includes(option))
      throw new InvalidOption(option, "an unknown option", "spawn, order, passesCrash, seed");
  return Object.entries(cases)
    .filter(([, { unless }]) => unless === undefined || options[unless] !== false)
    .map(([name, { body }]) => ({ name, run: () => play(wrap, options, body) }));
}

interface Case {
  readonly body: (stage: Stage) => Promise<void>;
  /** The option that leaves it out when it is false. */
  readonly unless?: "order" | "passesCrash";
}

const verbs: readonly Verb[] = ["tell", "offer", "ask"];

const cases: Readonly<Record<string, Case>> = {
  "answers an ask with the value of the inner actor": { body: answers },
  "gives the asker a refusal of the inner actor": { body: refuses },
  "tells the asker that the inner actor crashed, and goes on": { body: crashes, unless: "passesCrash" },
  "lets an ask end by its deadline while the inner actor hangs, and goes on": { body: hangs },
  "lets go of an ask that is given up, and goes on": { body: givesUp },
  "brings every message to the inner actor once": { body: bringsOnce },
  "keeps the order of what one sender tells": { body: keepsOrder, unless: "order" },
  "settles an offer that is taken": { body: offers },
  "turns a message away that the inner actor does not have, and says so": { body: turnsAway },
  "keeps id, key and attempt": { body: keepsNames },
  "has nothing left when all is done": { body: hasNothingLeft },
  "works after a restart": { body: restarts },
  "stops with its system, when its work is done": { body: stops },
};

async function answers(stage: Stage): Promise<void> {
  const { system, front, run } = stage;
  const values = [1, "two", { three: [3] }, undefined];
  const ends = values.map((value) => ended(stage, system.ask(front).echo(value)));
  const late = ended(stage, system.ask(front).slow(200));
  await run(long);
  values.forEach((value, i) => {
    demandValue(`An ask of echo(${text(value)})`, ends[i]!, value);
  });
  demandValue("An ask of slow(200)", late, 200);
}

async function refuses(stage: Stage): Promise<void> {
  const end = ended(stage, stage.system.ask(stage.front).refuse("why"));
  await stage.run(long);
  const is = end.value instanceof Declined && end.value.value === "why" && end.how === "with a failure";
  demand(is, "An ask of refuse", endText(end), "Declined, answered, with its value");
}

async function crashes(stage: Stage): Promise<void> {
  const end = ended(stage, stage.system.ask(stage.front).crash());
  await stage.run(long);
  const is = end.how === "with a failure" && !(end.value instanceof AskTimeout);
  demand(is, "An ask of crash", endText(end), "a failure that says so, as ActorCrashed, before the deadline");
  await goesOn(stage, "a crash of the inner actor");
}

async function hangs(stage: Stage): Promise<void> {
  const end = ended(stage, stage.system.ask(stage.front, { within: "2s" }).hang());
  await stage.run(long);
  const is = end.how === "with a failure" && end.atMs <= 2_000;
  demand(
    is,
    "An ask of hang, within 2 s",
    `${endText(end)}, at ${end.atMs} ms`,
    "AskTimeout at 2000 ms or a failure before",
  );
  await goesOn(stage, "one that the inner actor did not answer");
}

async function givesUp(stage: Stage): Promise<void> {
  const { system, front, inner, run } = stage;
  const control = new AbortController();
  const end = ended(stage, system.ask(front, { within: "1h", signal: control.signal }).hang());
  await run("1s");
  control.abort();
  await run(long);
  demand(end.how === "with a failure", "An ask whose signal aborts", endText(end), "Cancelled, unknown");
  for (const of of [inner, front]) {
    const open = openIn(stage, of);
    demand(open === "", `${of.path}, a minute after the ask was given up`, open, "nothing of it");
  }
  await goesOn(stage, "one that was given up");
}

async function bringsOnce(stage: Stage): Promise<void> {
  const { system, front, run, seen } = stage;
  const sent = verbs.flatMap((verb) => [1, 2, 3, 4, 5].map((n) => ({ verb, n })));
  for (const payload of sent) {
    const waiting: unknown = system.via(payload.verb, front).echo(payload);
    if (waiting instanceof Promise) ended(stage, waiting);
  }
  await run(long);
  for (const payload of sent) {
    const count = seen.filter((one) => isDeepStrictEqual(one.payload, payload)).length;
    demand(count === 1, `Message ${payload.n}, by ${payload.verb}`, `${count} of it at the inner actor`, "1");
  }
}

async function keepsOrder({ system, front, run, seen }: Stage): Promise<void> {
  const sender = (by: string) => (self: Self) => ({
    send(from: number): void {
      for (let n = from; n < from + 10; n++) self.tell(front).echo({ by, n });
    },
  });
  const senders = ["one", "other"].map((by) => ({ by, ref: system.spawn(sender(by), { name: by }) }));
  for (const from of [0, 10, 20]) {
    for (const { ref } of senders) system.tell(ref).send(from);
    await run(10);
  }
  await run(long);
  for (const { by } of senders) {
    const found = seen.map(({ payload }) => payload as { by: string; n: number }).filter((one) => one.by === by);
    const order = found.map(({ n }) => n);
    const is = order.every((n, i) => i === 0 || order[i - 1]! <= n);
    demand(is, `What ${by} told, in the order of its starts`, order.join(" "), "the order in which it was told");
  }
}

async function offers(stage: Stage): Promise<void> {
  const { system, front, run } = stage;
  const ends = [1, 2, 3].map((n) => ended(stage, system.offer(front).echo({ offered: n })));
  await run(long);
  for (const end of ends)
    demand(end.how === "with a value", "An offer that was taken a minute ago", endText(end), "that it is settled");
}

async function turnsAway(stage: Stage): Promise<void> {
  const { system, run, events } = stage;
  const front = stage.front as Ref<unknown> as Ref<Elsewhere>;
  const end = ended(stage, system.ask(front).elsewhere());
  await run(long);
  const is = end.how === "with a failure" && !(end.value instanceof AskTimeout);
  demand(is, "An ask of a name that the inner actor lacks", endText(end), "a failure, as UnknownMessage, at once");
  const before = events.length;
  system.tell(front).elsewhere();
  await run(long);
  const said = events.slice(before).some(({ kind }) => kind === "dead-letter" || kind === "unheard");
  demand(
    said,
    "A tell of a name that the inner actor lacks",
    "no event",
    "a dead letter, or a refusal that is unheard",
  );
}

async function keepsNames(stage: Stage): Promise<void> {
  const { system, front, run, seen } = stage;
  const about = (verb: Verb) => ({ id: `the ${verb}`, key: `key of ${verb}`, attempt: 3 });
  for (const verb of verbs) {
    const waiting: unknown = system.via(verb, front, about(verb)).echo(verb);
    if (waiting instanceof Promise) ended(stage, waiting);
  }
  await run(long);
  for (const verb of verbs) {
    const one = seen.find(({ payload }) => payload === verb);
    if (one === undefined) continue;
    const is = isDeepStrictEqual(one.about, about(verb));
    demand(is, `What came by ${verb}`, text(one.about), text(about(verb)));
  }
}

async function hasNothingLeft(stage: Stage): Promise<void> {
  const { system, front, run } = stage;
  for (const verb of ["tell", "ask"] as const) {
    const to = system.via(verb, front);
    for (const waiting of [to.echo(1), to.refuse(2), to.slow(100)] as unknown[])
      if (waiting instanceof Promise) ended(stage, waiting);
  }
  await run(long);
  const open = openIn(stage);
  demand(open === "", "A minute after the last message", open, "that nothing is left");
}

async function restarts(stage: Stage): Promise<void> {
  const { system, front, run, inject, now, seen } = stage;
  const end = ended(stage, system.ask(front, { within: "5s" }).slow(1_000));
  await run(100);
  inject(restart(front.path, { at: now() + 100 }));
  await run(long);
  demand(end.how !== "not at all", "An ask that the wrapper had when it was restarted", endText(end), "an end");
  system.tell(front).echo("told");
  await goesOn(stage, "a restart");
  const count = seen.filter(({ payload }) => payload === "told").length;
  demand(count === 1, "A tell after a restart", `${count} of it at the inner actor`, "1");
}

async function stops(stage: Stage): Promise<void> {
  const { system, front, run, events } = stage;
  const ends = [300, 200, 100].map((ms) => ended(stage, system.ask(front).slow(ms)));
  system.tell(front).slow(400);
  await run(50);
  const { left } = await system.stop({ drain: "10s" });
  demand(left.length === 0, "A stop that drains", `${left.length} messages left`, "that the work is done first");
  ends.forEach((end, i) => {
    demandValue("An ask from before the stop", end, [300, 200, 100][i]);
  });
  const stragglers = events.filter(({ kind }) => kind === "straggler").length;
  demand(stragglers === 0, "A stop", `${stragglers} that did not end in time`, "that handlers and dispose end");
  const open = openIn(stage);
  demand(open === "", "A system that has stopped", open, "that nothing is left");
}
