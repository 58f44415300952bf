// Closed forms that the simulated world is held against. Rates are per second, times in ms. `offered` is the work that
// comes, in slots: the arrival rate times the mean time of service.
// Source, where none is given: L. Kleinrock, "Queueing Systems, volume I" (1975), chapters 3 and 5.

/** Of `slots` slots without a queue, the share of customers who find all taken, whatever the law of service. Source: A. K. Erlang (1917). */
export function erlangB(offered: number, slots: number): number {
  let blocked = 1;
  for (let slot = 1; slot <= slots; slot++) blocked = (offered * blocked) / (slot + offered * blocked);
  return blocked;
}

export interface WaitingRoom {
  /** The share of customers who wait at all. */
  readonly delayed: number;
  readonly waitMs: number;
  readonly stayMs: number;
  readonly queued: number;
  readonly inside: number;
}

/** M/M/c: one queue before `slots` slots, exponential service of mean `meanMs`. Source: A. K. Erlang (1917) for `delayed`. */
export function waitingRoom(room: { perSecond: number; meanMs: number; slots?: number }): WaitingRoom {
  const { perSecond, meanMs, slots = 1 } = room;
  const offered = (perSecond * meanMs) / 1000;
  const blocked = erlangB(offered, slots);
  const delayed = (slots * blocked) / (slots - offered * (1 - blocked));
  const waitMs = (delayed * meanMs) / (slots - offered);
  const queued = (perSecond * waitMs) / 1000;
  return { delayed, waitMs, stayMs: waitMs + meanMs, queued, inside: queued + offered };
}

/** M/M/1: the share of customers who stay longer than `ms`, where the mean stay is `stayMs`. */
export function shareLonger(ms: number, stayMs: number): number {
  return Math.exp(-ms / stayMs);
}

/** M/M/1: what the share `p` of all stays does not exceed, where the mean stay is `stayMs`. */
export function stayQuantileMs(p: number, stayMs: number): number {
  return -Math.log(1 - p) * stayMs;
}

/**
 * M/M/1: the variance in ms² of the mean wait of n customers, times n, for large n.
 *
 * Source: D. J. Daley, "The serial correlation coefficients of waiting times in a stationary single server queue" (1968).
 */
export function waitVariance(perSecond: number, meanMs: number): number {
  const load = (perSecond * meanMs) / 1000;
  return (meanMs ** 2 * load * (2 + 5 * load - 4 * load ** 2 + load ** 3)) / (1 - load) ** 4;
}

/** M/G/1: the mean wait of service with the coefficient of variation `cv`. Source: F. Pollaczek (1930), A. Khinchine (1932). */
export function pollaczekMs({ perSecond, meanMs, cv }: { perSecond: number; meanMs: number; cv: number }): number {
  const load = (perSecond * meanMs) / 1000;
  return (load * meanMs * (1 + cv ** 2)) / (2 * (1 - load));
}

export interface FiniteRoom {
  /** The share of customers who are turned away. */
  readonly blocked: number;
  readonly inside: number;
  /** Of those who are not. */
  readonly perSecond: number;
  readonly stayMs: number;
}

/** M/M/1/K: `places` of which one is the slot; who finds all taken is turned away. */
export function finiteRoom(room: { perSecond: number; meanMs: number; places: number }): FiniteRoom {
  const { meanMs, places } = room;
  const load = (room.perSecond * meanMs) / 1000;
  const weights = Array.from({ length: places + 1 }, (_, inside) => load ** inside);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const blocked = weights[places]! / total;
  const inside = weights.reduce((sum, weight, count) => sum + count * weight, 0) / total;
  const perSecond = room.perSecond * (1 - blocked);
  return { blocked, inside, perSecond, stayMs: (inside / perSecond) * 1000 };
}

/**
 * Mean waits of classes of customers with exponential service of one mean, the most urgent class first, whose service is
 * not interrupted. Source: A. Cobham, "Priority assignment in waiting line problems" (1954).
 */
export function priorityWaitsMs(meanMs: number, perSecond: readonly number[]): number[] {
  const loads = perSecond.map((rate) => (rate * meanMs) / 1000);
  const residualMs = loads.reduce((sum, load) => sum + load * meanMs, 0);
  let before = 1;
  return loads.map((load) => {
    const after = before - load;
    const waitMs = residualMs / (before * after);
    before = after;
    return waitMs;
  });
}

/** How many of at most `most` trials there are on average until the first that does not fail, when each fails with `chance`. */
export function attempts(chance: number, most: number): number {
  return chance === 1 ? most : (1 - chance ** most) / (1 - chance);
}
