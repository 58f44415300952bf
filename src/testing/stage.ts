// The world of one case of the conformance kit: an inner actor, what stands before it, and what became of what was sent.

import { inspect, isDeepStrictEqual } from "node:util";
import { audit } from "../runtime/kernel/census.ts";
import { Failure } from "../runtime/kernel/failure.ts";
import type { Ref } from "../runtime/kernel/protocol.ts";
import type { ActorSystem } from "../runtime/kernel/system.ts";
import type { Make, SpawnOptions, SystemEvent } from "../runtime/kernel/verbs.ts";
import { type SimulatedWorld, simulate } from "../runtime/sim/simulate.ts";
import { type Elsewhere, messages, type Seen, type Subject, subject } from "./subject.ts";

/** A wrapper does not do what a caller relies on. */
export class NotConforming extends Error {
  readonly _tag = "NotConforming";
  readonly code = "NOT_CONFORMING";

  constructor(what: string, found: string, expected: string) {
    super(`${what}: found ${found}, expected ${expected}.`);
  }

  override get name(): string {
    return this._tag;
  }
}

interface StageOptions {
  readonly spawn?: Omit<SpawnOptions, "name"> | undefined;
  readonly seed?: number | undefined;
}

export interface Stage extends SimulatedWorld {
  readonly front: Ref<Subject>;
  readonly inner: Ref<Subject>;
  readonly seen: readonly Seen[];
  readonly events: readonly SystemEvent[];
}

export async function play(
  wrap: (inner: Ref<Subject>) => Make<object>,
  { spawn, seed = 1 }: StageOptions,
  body: (stage: Stage) => Promise<void>,
): Promise<void> {
  await simulate({ seed, trace: "off", steps: 500_000 }, async (world) => {
    const { system } = world;
    const seen: Seen[] = [];
    const events: SystemEvent[] = [];
    system.events((event) => events.push(event));
    system.spawn((): Elsewhere => ({ elsewhere() {} }), { name: "elsewhere" });
    const inner = system.spawn(subject(seen), {
      name: "inner",
      messages,
      concurrency: Number.POSITIVE_INFINITY,
      supervision: { maxRestarts: Number.POSITIVE_INFINITY },
    });
    const front = system.spawn(wrap(inner), { ...spawn, name: "front" }) as Ref<unknown> as Ref<Subject>;
    await body({ ...world, front, inner, seen, events });
    const wrong = audit((system as ActorSystem).core);
    if (wrong.length > 0) throw new NotConforming("The census", wrong.join("; "), "that every message is counted once");
  });
}

/** How an ask or offer ended, as far as it has. */
interface End {
  how: "not at all" | "with a value" | "with a failure";
  value: unknown;
  atMs: number;
}

export function ended({ now }: Stage, promise: Promise<unknown>): End {
  const end: End = { how: "not at all", value: undefined, atMs: Number.POSITIVE_INFINITY };
  const note = (how: End["how"]) => (value: unknown) => {
    Object.assign(end, { how, value, atMs: now() });
  };
  promise.then(note("with a value"), note("with a failure"));
  return end;
}

export function text(value: unknown): string {
  if (value instanceof Failure) return `${value._tag}, ${value.outcome}`;
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}

export function endText({ how, value }: End): string {
  if (how === "not at all") return "no end of it";
  return how === "with a value" ? `the value ${text(value)}` : text(value);
}

export function demand(is: boolean, what: string, found: string, expected: string): void {
  if (!is) throw new NotConforming(what, found, expected);
}

export function demandValue(what: string, end: End, value: unknown): void {
  const is = end.how === "with a value" && isDeepStrictEqual(end.value, value);
  demand(is, what, endText(end), `the value ${text(value)}`);
}

/** Longer than anything that a wrapper may be expected to wait for. */
export const long = "1m";

/** Asks once more, when what came before is over. */
export async function goesOn(stage: Stage, after: string): Promise<void> {
  await stage.run(long);
  const end = ended(stage, stage.system.ask(stage.front).echo("again"));
  await stage.run(long);
  demandValue(`An ask after ${after}`, end, "again");
}

export function openIn({ system }: Stage, of?: Ref<unknown>): string {
  const { queued, running, held, waitingForRoom, transit } = system.census(of);
  return Object.entries({ queued, running, held, waitingForRoom, transit })
    .flatMap(([term, count]) => (count === 0 ? [] : [`${count} ${term}`]))
    .join(", ");
}
