// Queueing systems made of actors, on the public interface alone, and the customers who visit them.

import type { Ref, Self, System } from "antiphon";
import { generator, type Load, type ServiceTime } from "antiphon/lab";
import { type Simulation, simulate } from "antiphon/sim";

/** Where customers go. */
export interface Station {
  serve(dueMs: number): void | Promise<void>;
}

/** What the customers of a station met. Times are virtual. */
export class Visits {
  /** In the order of their starts. */
  readonly waitsMs: number[] = [];
  /** From the moment a customer was due until the end of its service, in the order of these ends. */
  readonly staysMs: number[] = [];
  /** 1 for who was turned away, in the order of arrivals. */
  readonly turnedAway: number[] = [];
  /** What the census of the station says, every 100 ms. */
  readonly queued: number[] = [];
  readonly running: number[] = [];
  readonly inside: number[] = [];
}

type MakeStation = (self: Self) => Station;

/**
 * The mailbox is the queue, and its slots serve: how many, how long the queue may be and who goes first are options of
 * `spawn`. Who has been served goes on to `next`.
 */
export function station(time: ServiceTime, visits: Visits, next?: Ref<Station>): MakeStation {
  return (self) => {
    const random = () => self.random();
    return {
      async serve(dueMs) {
        visits.waitsMs.push(self.now() - dueMs);
        await self.sleep(time(random));
        visits.staysMs.push(self.now() - dueMs);
        if (next !== undefined) self.tell(next).serve(self.now());
      },
    };
  };
}

/** One slot and a queue, without a promise: service is a timer, and the queue a list. */
export function synchronous(time: ServiceTime, visits: Visits): MakeStation {
  return (self) => {
    const random = () => self.random();
    const waiting: number[] = [];
    let free = true;
    function begin(dueMs: number): void {
      free = false;
      visits.waitsMs.push(self.now() - dueMs);
      self.after(time(random), () => {
        visits.staysMs.push(self.now() - dueMs);
        free = true;
        const next = waiting.shift();
        if (next !== undefined) begin(next);
      });
    }
    return {
      serve(dueMs) {
        if (free) begin(dueMs);
        else waiting.push(dueMs);
      },
    };
  };
}

/** Work in ms that is less is done: virtual time has no smaller step for long. */
const nothingMs = 1e-6;

/** Processor sharing: of n customers inside, each is served at an n-th of the speed. */
export function shared(time: ServiceTime, visits: Visits): MakeStation {
  return (self) => {
    const random = () => self.random();
    let inside: { readonly dueMs: number; leftMs: number }[] = [];
    let sinceMs = 0;
    function work(): void {
      const eachMs = (self.now() - sinceMs) / inside.length;
      for (const customer of inside) customer.leftMs -= eachMs;
      sinceMs = self.now();
    }
    function plan(): void {
      const leastMs = Math.min(...inside.map(({ leftMs }) => leftMs));
      if (inside.length > 0) self.after(leastMs * inside.length, finish, "first to finish");
    }
    function finish(): void {
      work();
      for (const { dueMs, leftMs } of inside) if (leftMs < nothingMs) visits.staysMs.push(self.now() - dueMs);
      inside = inside.filter(({ leftMs }) => leftMs >= nothingMs);
      plan();
    }
    return {
      serve(dueMs) {
        work();
        inside.push({ dueMs, leftMs: time(random) });
        plan();
      },
    };
  };
}

/** Customers who come as `load` says, with `key` on their messages, and do not wait. Begins at once. */
export function send(system: System, load: Load, to: Ref<Station>, visits: Visits, key?: string): void {
  let dead = 0;
  system.events(({ kind }) => {
    if (kind === "dead-letter") dead++;
  });
  const customers = generator(load, (self, _, dueMs) => {
    const before = dead;
    self.tell(to, { key }).serve(dueMs);
    visits.turnedAway.push(dead - before);
  });
  system.tell(system.spawn(customers)).start();
}

/** Counts who is in a station. */
export function look(system: System, at: Ref<Station>, visits: Visits): void {
  system.spawn((self) => {
    self.every("100ms", () => {
      const { queued, running } = system.census(at);
      visits.queued.push(queued);
      visits.running.push(running);
      visits.inside.push(queued + running);
    });
    return {};
  });
}

/** Runs what `open` starts until the last customer has left. */
export function untilAllLeft(seed: number, open: (system: System) => void): Promise<Simulation<void>> {
  return simulate({ seed, trace: "off", steps: Number.POSITIVE_INFINITY }, async ({ system, runUntilIdle }) => {
    open(system);
    await runUntilIdle();
  });
}
