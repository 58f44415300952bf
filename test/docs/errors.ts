// docs/errors.md, from the closed set: what is said of a kind stands above its class, what to do stands here.

import { readFileSync } from "node:fs";
import { failures, type Outcome } from "antiphon";
import { brokerAdvice, brokerSources } from "./errors-broker.ts";

interface Advice {
  /** What it may say of the message; none for those that are no answers. */
  readonly outcomes: readonly Outcome[];
  readonly todo: string;
}

/** By the name of the class. */
export const advice: Readonly<Record<string, Advice>> = {
  AskTimeout: {
    outcomes: ["not-started", "unknown"],
    todo:
      "If `retrySafe`, ask again. Otherwise the message may still be handled: ask again only what may be done twice, or " +
      "put `idempotent` in front of the receiver. If it happens under load, the receiver is slower than its callers: " +
      "`tell` what needs no answer, raise its `concurrency`, or give it less work.",
  },
  OfferTimeout: {
    outcomes: ["not-started", "unknown"],
    todo:
      "If `retrySafe`, offer again later, or let the caller slow down: the mailbox stayed full for the whole of `within`. " +
      "Otherwise the receiver is one with `[receive]`, has the message, and did not say in time that it accepts it.",
  },
  Cancelled: {
    outcomes: ["not-started", "unknown"],
    todo: "Nothing: whoever gave up does not wait any more. In a handler, release what you hold and let it pass.",
  },
  MailboxFull: {
    outcomes: ["not-started"],
    todo: "Send less, `offer` to wait for room, raise `mailbox.capacity`, or choose another `mailbox.overflow`.",
  },
  UnknownMessage: {
    outcomes: ["not-started"],
    todo: "Check the name, and `messages` if the receiver's protocol is closed. The compiler finds it unless a cast hid it.",
  },
  NotIsolated: {
    outcomes: ["not-started", "unknown"],
    todo:
      "Send plain data, without functions, classes with private state or sockets; or send a `Ref` to the actor that has " +
      'them; or use `isolation: "share"`.',
  },
  ActorStopped: {
    outcomes: ["not-started", "unknown"],
    todo: "Get a current ref from whoever spawns that actor; `watch` it to be told when it ends.",
  },
  ActorCrashed: {
    outcomes: ["not-started", "unknown"],
    todo:
      "Read `cause`: it is a bug of the receiver, and `not-started` if it is one of its mailbox's `priority`. Its " +
      "supervisor has already decided whether it restarts.",
  },
  ActorRestarted: {
    outcomes: ["unknown"],
    todo: "As for ActorCrashed: this message was in flight, or held, beside the one that crashed.",
  },
  WaitCycle: {
    outcomes: ["not-started"],
    todo:
      "Break the cycle that the message shows: `tell` on one of its edges, raise the `concurrency` of an actor on it, or " +
      "give the wait to `pipeToSelf`.",
  },
  Stopped: {
    outcomes: ["not-started", "unknown"],
    todo: "Release what the handler holds (`finally` runs) and return. No verb of this incarnation does anything any more.",
  },
  SystemStopped: {
    outcomes: ["not-started"],
    todo: "Stop sending. With `stop({ drain })` work accepted before that is finished up to the limit.",
  },
  InvalidOption: {
    outcomes: [],
    todo: "Mend the call: the message says which option, what was found and what is allowed.",
  },
  InvalidFactory: {
    outcomes: [],
    todo: "Make a new object in the factory, each time: it runs again at every restart.",
  },
  FrozenPayload: {
    outcomes: [],
    todo:
      "Copy before you change: what is sent and what is answered belongs to both sides. The message says which message " +
      "it came with or was given away in, as far as that is known.",
  },
  SystemFailed: {
    outcomes: [],
    todo: "Find out why the actor failed again and again: its crashes were reported before. It stays stopped.",
  },
  InjectedError: {
    outcomes: ["answered"],
    todo: "What the caller does when the service says no: the fault is there to find that out.",
  },
  Unavailable: {
    outcomes: ["not-started"],
    todo: "Tell instead, as far as no answer is needed: what is told stays queued. Or ask again later, which is safe.",
  },
  NotReproducible: {
    outcomes: [],
    todo:
      "Take time, timers and draws from `self`, and promises from actors of the simulation. `leak` says which actor used " +
      "what; the message says what to use instead.",
  },
  Stalled: {
    outcomes: [],
    todo: "Give the ask a deadline, or answer it: the message says who waits for what.",
  },
  StepsExhausted: {
    outcomes: [],
    todo: "Find out what goes on for ever, such as actors that tell each other in one instant; or raise `steps`.",
  },
  NotExhaustible: {
    outcomes: [],
    todo: "Do what the message says, or leave `exhaustive` out: schedules are drawn then.",
  },
  ExplorationFailed: {
    outcomes: [],
    todo:
      "Read the order and the picture: what is marked came later than it was posted. Mend the program, or the property; " +
      "then keep the case with `storePlan`.",
  },
  PropertyViolated: {
    outcomes: [],
    todo: "`operator`, `property` and `atMs` say which one and when. For `sometimes`: draw inputs or faults that lead there.",
  },
  NotConforming: {
    outcomes: [],
    todo: "Mend the wrapper; or, if it does so by intention, switch that case off in the options of `conformance`.",
  },
  NotRegistered: {
    outcomes: ["answered"],
    todo: "Ask again later, or do without the service. Whoever offers it `announce`s itself, under that very name.",
  },
  RegistrationRefused: {
    outcomes: ["answered"],
    todo: "Mend the registration, as the message says; or raise `limit` of the registry, or register less.",
  },
  NotSubscribed: {
    outcomes: ["answered"],
    todo: "Mend the subscription, as the message says; or raise `limit` of the bus, or unsubscribe what nobody needs.",
  },
  ChildRefused: {
    outcomes: ["answered"],
    todo: "`reason` says what is in the way: `terminateChild` before `restartChild` and `deleteChild`, another id for another child.",
  },
  WrongBatch: {
    outcomes: ["answered"],
    todo: "Have the actor behind the batcher answer each list with a list that is as long, in the same order.",
  },
  WorkerRefusal: {
    outcomes: ["answered"],
    todo: "Look at its `_tag`, or give `worker` the class in `errors`, so that `instanceof` holds.",
  },
  WorkerFailed: {
    outcomes: [],
    todo:
      "Read the message and `cause`: a module that can not be loaded or exports no factory, `process.exit`, or " +
      "a handler that ran on for `grace` after its asker gave up. The supervisor has decided already.",
  },
  EffectRefusal: {
    outcomes: ["answered"],
    todo: "Look at `error`, which is what the Effect failed with; or ask with `ask` of `antiphon/effect`, which fails with that itself.",
  },
  InvalidPayload: {
    outcomes: ["answered"],
    todo: "Send what the contract says: `issues` has the places in the payload and the kinds of what is wrong.",
  },
  NotAcceptedInState: {
    outcomes: ["answered"],
    todo: "Send the event in a state that has a transition for it, or give the state one. `state` says where the machine was.",
  },
  ChildFailed: {
    outcomes: [],
    todo: "Read `cause`. If the child may fail without its parent, do not escalate: choose another `onCrash` for it.",
  },
  ...brokerAdvice,
};

const source = "src/runtime/kernel/failure.ts";
const simSource = "src/runtime/sim/failure.ts";
const testingSources = ["src/testing/report.ts", "src/testing/temporal.ts", "src/testing/stage.ts"];

const stockSources = ["registry", "bus", "supervisor", "batcher", "thread/wire", "thread/handle"];
const adapterSources = ["effect/answers", "effect/contract", "xstate/protocol"];
const [ofStock, ofAdapters] = [stockSources, adapterSources].map((names) =>
  names.map((name) => `src/actors/${name}.ts`),
) as [string[], string[]];

/** All that these doors have, with what the comments say. */
export function allKinds(): Kind[] {
  return kindsIn([source, simSource, ...testingSources, ...brokerSources, ...ofStock, ...ofAdapters]);
}

function kindsIn(paths: readonly string[]): Kind[] {
  return paths.flatMap((path) => kindsOf(readFileSync(path, "utf8")));
}

interface Kind {
  readonly name: string;
  readonly code: string;
  readonly meaning: string;
}

/** Each concrete class of the source that is an error, with its code and what its comment says. */
function kindsOf(text: string): Kind[] {
  const declared = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport class (\w+)(?:<[^>]*>)? extends (\w+) \{([\s\S]*?)\n\}/g;
  return [...text.matchAll(declared)].flatMap(([, comment = "", name = "", base = "", body = ""]) => {
    const [, code = base === "Refusal" ? "REFUSED" : undefined] = /readonly code = "(\w+)"/.exec(body) ?? [];
    const meaning = comment
      .replaceAll(/\n \*/g, " ")
      .replaceAll(/\s+/g, " ")
      .replaceAll(/\{@link (\w+)\}/g, "`$1`");
    return code === undefined ? [] : [{ name, code, meaning: meaning.trim() }];
  });
}

export function errorsPage(): string {
  const kinds = kindsOf(readFileSync(source, "utf8"));
  const ofSim = kindsOf(readFileSync(simSource, "utf8"));
  const answers = kinds.filter(({ name }) => failures.some((failure) => failure.name === name));
  const others = kinds.filter((kind) => !answers.includes(kind));
  const sectionsOf = (paths: readonly string[]) => kindsIn(paths).map(sectionOf).join("\n");
  return `# Errors

Written by \`npm run docs\` from \`${source}\`,
\`${simSource}\`, three files of \`src/testing\` and some of \`src/actors\`: do not edit.

## What an ask or an offer can fail with

Each extends \`Failure\`. \`outcome\` says what may have become of the message: \`not-started\`, it was never handled, and
\`retrySafe\` is true; \`unknown\`, it may have been; \`answered\`, the receiver said no. That last one belongs to your own
refusals, which extend \`Refusal\` and have the code \`REFUSED\` unless they say otherwise. A failure that an actor lets
pass to its own asker is \`unknown\` from there on where it was \`not-started\`, and \`passed\` names the actors on its way.

${answers.map(sectionOf).join("\n")}
## What is no answer

These are thrown at the caller of a function, or reported as the reason of an end.

${others.map(sectionOf).join("\n")}
## What a simulation fails with

The first are what asks fail with, by faults that were injected. The others end \`simulate\`.

${ofSim
  .sort((a, b) => Number(isAnswer(b)) - Number(isAnswer(a)))
  .map(sectionOf)
  .join("\n")}
## What a test fails with

${sectionsOf(testingSources)}
## What queues, topics and durable actors fail with

The first are what asks and offers fail with. The others end the start of an actor, or are reported as its crash.

${kindsIn(brokerSources)
  .sort((a, b) => Number(isAnswer(b)) - Number(isAnswer(a)))
  .map(sectionOf)
  .join("\n")}
## What stock actors say

Refusals of those in [actors.md](actors.md), and the crash of a thread.

${sectionsOf(ofStock)}
## What adapters say

What actors written with [Effect](effect.md) and [XState](xstate.md) refuse with.

${sectionsOf(ofAdapters)}`;
}

function isAnswer({ name }: Kind): boolean {
  return (advice[name]?.outcomes.length ?? 0) > 0;
}

function sectionOf({ name, code, meaning }: Kind): string {
  const { outcomes, todo } = advice[name] ?? { outcomes: [], todo: "" };
  const outcome = outcomes.length > 0 ? ` · ${outcomes.map((outcome) => `\`${outcome}\``).join(" or ")}` : "";
  return `### ${name}\n\n\`${code}\`${outcome}\n\n${meaning}\n\n*What to do:* ${todo}\n`;
}
