// Loads: when requests are meant to be sent. An open load never waits for an answer, a closed one does; whoever sends
// late still stamps latency from the intended time.

import { milliseconds } from "../runtime/kernel/duration.ts";
import { InvalidOption } from "../runtime/kernel/failure.ts";
import type { Duration } from "../runtime/kernel/protocol.ts";
import { notNegative, positive, whole } from "./check.ts";
import type { ServiceTime } from "./service.ts";

/** Customers who come whatever happens to those before them. */
export interface Load {
  readonly kind: "open";
  /** How many requests there are, or on average will be. */
  readonly requests: number;
  /** How long it lasts in story ms, on average where it is drawn. */
  readonly lastsMs: number;
  /** Intended send times in story ms from the start of the load, never decreasing. Equal draws give equal times. */
  times(random: () => number): Iterable<number>;
}

/** Users of whom each waits for an answer, then thinks, then sends the next request. */
export interface ClosedLoad {
  readonly kind: "closed";
  readonly users: number;
  /** How long a user thinks, before the first request too. */
  readonly think: ServiceTime;
  /** How many requests all users together send; Infinity when it ends by time. */
  readonly requests: number;
  /** From this story ms on no request is sent; Infinity when it ends by requests. */
  readonly lastsMs: number;
}

/** Where a load ends: exactly one of the two. */
export interface Ends {
  readonly requests?: number | undefined;
  readonly seconds?: number | undefined;
}

/**
 * Independent customers: exponential gaps at a mean rate of `perSecond`, until `requests` are sent or `seconds` are over.
 *
 * Fails: InvalidOption, also when both ends or none is given.
 */
export function poisson({ perSecond, ...ends }: { perSecond: number } & Ends): Load {
  positive("perSecond", perSecond);
  return openLoad("poisson", perSecond, ends, function* (random) {
    for (let atMs = gapMs(perSecond, random); ; atMs += gapMs(perSecond, random)) yield atMs;
  });
}

/**
 * Equal gaps at `perSecond`, the first request at once: nothing is drawn.
 *
 * Fails: InvalidOption, also when both ends or none is given.
 */
export function steady({ perSecond, ...ends }: { perSecond: number } & Ends): Load {
  positive("perSecond", perSecond);
  return openLoad("steady", perSecond, ends, function* () {
    for (let sent = 0; ; sent++) yield (sent * 1000) / perSecond;
  });
}

/** Each time of `load` brings `size` requests at once. Fails: InvalidOption. */
export function batches(load: Load, size: number): Load {
  whole("size", size);
  return {
    kind: "open",
    requests: load.requests * size,
    lastsMs: load.lastsMs,
    *times(random) {
      for (const atMs of load.times(random)) for (let sent = 0; sent < size; sent++) yield atMs;
    },
  };
}

/**
 * `users` who ask, wait for the answer and think, until all together have sent `requests` or `seconds` are over.
 *
 * A slow service slows its users down, and is asked less just when it is worst: latency under a closed load is no
 * measure of what independent customers would see.
 * Promises: requests / time = users / (think + latency), in the mean (the interactive response time law).
 * Fails: InvalidOption, also when both ends or none is given.
 */
export function closed(options: { users: number; think: ServiceTime | Duration } & Ends): ClosedLoad {
  const { users, think, requests = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = options;
  whole("users", users);
  checkEnds("closed", options);
  return { kind: "closed", users, think: thinking(think), requests, lastsMs: seconds * 1000 };
}

function thinking(think: ServiceTime | Duration): ServiceTime {
  if (typeof think === "function") return think;
  const thinkMs = milliseconds("think", think);
  notNegative("think", thinkMs, " of ms");
  return () => thinkMs;
}

/** An open load of what `times` has before its end; `of` is its name in errors, `perSecond` its mean rate. */
export function openLoad(of: string, perSecond: number, ends: Ends, times: Load["times"]): Load {
  checkEnds(of, ends);
  const { requests = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = ends;
  return {
    kind: "open",
    requests: ends.requests ?? perSecond * seconds,
    lastsMs: (ends.seconds ?? requests / perSecond) * 1000,
    *times(random) {
      let sent = 0;
      for (const atMs of times(random)) {
        if (atMs >= seconds * 1000) return;
        yield atMs;
        if (++sent >= requests) return;
      }
    },
  };
}

/** The time until the next of independent events, in ms. */
export function gapMs(perSecond: number, random: () => number): number {
  return (-Math.log(1 - random()) / perSecond) * 1000;
}

function checkEnds(of: string, { requests, seconds }: Ends): void {
  if ((requests === undefined) === (seconds === undefined)) {
    throw new InvalidOption(
      of,
      requests === undefined ? "no end" : "requests and seconds",
      "either requests or seconds",
    );
  }
  if (requests !== undefined) whole("requests", requests);
  if (seconds !== undefined) positive("seconds", seconds);
}
