// Faults of a run, drawn. Each run has but few kinds of them, so that they do not hide each other.
// Source: A. Groce et al., "Swarm testing" (ISSTA 2012).

import { milliseconds } from "../kernel/duration.ts";
import { InvalidOption } from "../kernel/failure.ts";
import { whole } from "../kernel/options.ts";
import type { Duration } from "../kernel/protocol.ts";
import { type Stream, stream } from "../kernel/random.ts";
import type { Fault } from "./fault.ts";
import * as fault from "./fault.ts";

/** What may go wrong, and where: targets are paths, links are `from>to`. */
export interface Swarm {
  readonly crash?: readonly string[] | undefined;
  readonly restart?: readonly string[] | undefined;
  readonly pause?: readonly string[] | undefined;
  readonly slow?: readonly string[] | undefined;
  readonly clockOffset?: readonly string[] | undefined;
  readonly errors?: readonly string[] | undefined;
  readonly down?: readonly string[] | undefined;
  readonly drop?: readonly string[] | undefined;
  readonly duplicate?: readonly string[] | undefined;
  readonly delay?: readonly string[] | undefined;
  readonly reorder?: readonly string[] | undefined;
  /** Any of these from the others. */
  readonly partition?: readonly string[] | undefined;
  readonly powerFailure?: boolean | undefined;
  /** Faults of one run, at most; 4 by default. */
  readonly most?: number | undefined;
  /** They begin, and end, before this; 10 s by default. */
  readonly within?: Duration | undefined;
}

type Kind = Exclude<keyof Swarm, "most" | "within">;

/** What a fault is drawn with. */
interface Draw {
  readonly random: Stream;
  readonly withinMs: number;
  /** In ms, any before the end. */
  readonly at: () => number;
  /** A whole number of at least 1, mostly small. */
  readonly nth: () => number;
  readonly window: () => { from: number; to: number };
}

const draws: Readonly<Record<Kind, (target: string, draw: Draw, all: readonly string[]) => Fault>> = {
  crash: (target, { at }) => fault.crash(target, { at: at() }),
  restart: (target, { at }) => fault.restart(target, { at: at() }),
  powerFailure: (_, { at }) => fault.powerFailure({ at: at() }),
  pause: (target, { window }) => fault.pause(target, window()),
  slow: (target, { window, random }) => fault.slow(target, { ...window(), times: 2 + Math.floor(random() * 49) }),
  clockOffset: (target, { window, random, withinMs }) =>
    fault.clockOffset(target, { ...window(), by: Math.round((random() * 2 - 1) * withinMs) }),
  errors: (target, { nth }) => fault.errors(target, { first: nth() }),
  down: (target, { window }) => fault.down(target, window()),
  drop: (link, { nth }) => fault.drop(link, { nth: nth() }),
  duplicate: (link, { nth }) => fault.duplicate(link, { nth: nth() }),
  delay: (link, { nth, at }) => fault.delay(link, { nth: nth(), by: at() }),
  reorder: (link, { nth, at }) => fault.reorder(link, { nth: nth(), by: at() }),
  partition: (_, { window, random }, all) => {
    const one = all.filter(() => random() < 0.5);
    const [few, others] =
      one.length === 0 || one.length === all.length
        ? [all.slice(0, 1), all.slice(1)]
        : [one, all.filter((path) => !one.includes(path))];
    return fault.partition(few, others, window());
  },
};

const kinds = Object.keys(draws) as Kind[];

/** Fails: InvalidOption. */
export function checkSwarm(swarm: Swarm): void {
  if (typeof swarm !== "object" || swarm === null)
    throw new InvalidOption("faults", swarm, "a list of faults, or an object of kinds and where they strike");
  const known = [...kinds, "most", "within"];
  for (const [name, found] of Object.entries(swarm)) {
    if (!known.includes(name)) throw new InvalidOption(`faults.${name}`, "an unknown kind", known.join(", "));
    if (name === "powerFailure" && found !== undefined && typeof found !== "boolean")
      throw new InvalidOption("faults.powerFailure", found, "true or false");
    if (name === "powerFailure" || name === "most" || name === "within" || found === undefined) continue;
    if (!Array.isArray(found)) throw new InvalidOption(`faults.${name}`, found, "a list of paths, or of links from>to");
    for (const target of found) {
      if (["drop", "duplicate", "delay", "reorder"].includes(name)) fault.ends(target, `faults.${name}`);
      else fault.pattern(`faults.${name}`, target);
    }
    if (name === "partition" && found.length < 2)
      throw new InvalidOption("faults.partition", found, "at least two paths");
  }
  whole("faults.most", swarm.most, 4, 1);
  const withinMs = milliseconds("faults.within", swarm.within ?? "10s");
  if (!(withinMs > 0 && withinMs < Number.POSITIVE_INFINITY))
    throw new InvalidOption("faults.within", swarm.within, "a duration above 0 that ends");
}

/** Faults for the run of this seed: none to `most`, of about half of the kinds. */
export function drawFaults(swarm: Swarm, seed: number): Fault[] {
  const random = stream(seed, "swarm");
  const withinMs = milliseconds("faults.within", swarm.within ?? "10s");
  const at = () => Math.floor(random() * withinMs);
  const window = () => {
    const from = at();
    return { from, to: from + 1 + Math.floor(random() * (withinMs - from)) };
  };
  const draw: Draw = { random, withinMs, at, window, nth: () => 1 + Math.floor(8 * random() * random()) };
  const targets = kinds.flatMap((kind) => {
    const found = swarm[kind];
    if (found === undefined || found === false || random() < 0.5) return [];
    if (found === true || kind === "partition") return [{ kind, target: "" }];
    return found.map((target) => ({ kind, target }));
  });
  if (targets.length === 0) return [];
  const count = Math.floor(random() * (whole("faults.most", swarm.most, 4, 1) + 1));
  return Array.from({ length: count }, () => {
    const { kind, target } = targets[Math.floor(random() * targets.length)] as (typeof targets)[number];
    return draws[kind](target, draw, kind === "partition" ? (swarm.partition ?? []) : []);
  });
}
