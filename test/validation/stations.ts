// Queues under random customers.

import type { Ref, Self, SpawnOptions } from "antiphon";
import {
  constant,
  exponential,
  hyperexponential,
  lognormal,
  poisson,
  replicatedQuantile,
  type ServiceTime,
  type Summary,
  summary,
  warmup,
} from "antiphon/lab";
import { type Case, mean, shareAbove } from "./finding.ts";
import { look, type Station, send, shared, station, synchronous, untilAllLeft, Visits } from "./queues.ts";
import {
  erlangB,
  finiteRoom,
  pollaczekMs,
  priorityWaitsMs,
  shareLonger,
  stayQuantileMs,
  waitingRoom,
} from "./theory.ts";

interface Single {
  readonly perSecond: number;
  readonly requests: number;
  readonly seed: number;
  readonly time?: ServiceTime;
  readonly make?: typeof station;
  readonly options?: SpawnOptions;
}

const meanMs = 10;
const exp = exponential({ mean: meanMs });

export interface Run extends Readonly<Visits> {
  readonly barriers: number;
}

/** Poisson customers of one station. Of the queue of a mailbox there is a census. */
export async function visitsOf(single: Single): Promise<Run> {
  const { perSecond, requests, seed, time = exp, make = station, options } = single;
  const visits = new Visits();
  const { barriers } = await untilAllLeft(seed, (system) => {
    const at = system.spawn(make(time, visits), options);
    if (make === station) look(system, at, visits);
    send(system, poisson({ perSecond, requests }), at, visits);
  });
  return { ...visits, barriers };
}

/** The clock has no smaller step for long: who waits for less does not wait. */
const noneMs = 1e-6;

interface Timed {
  readonly ids: readonly string[];
  readonly perSecond: number;
  /** Of which times to look at the share of customers who stay longer. */
  readonly aboveMs: readonly number[];
  readonly few?: number;
  readonly many: number;
}

/** M/M/1 with timers alone. */
function timed({ perSecond, aboveMs, ...about }: Timed): Case {
  const { waitMs, stayMs } = waitingRoom({ perSecond, meanMs });
  return {
    ...about,
    says: `M/M/1 at ${perSecond} %, timers`,
    async run(requests, seed) {
      const { waitsMs, staysMs } = await visitsOf({ perSecond, requests, seed, make: synchronous });
      return [
        mean("wait, ms", waitMs, waitsMs),
        mean("stay, ms", stayMs, staysMs),
        ...aboveMs.map((ms) => shareAbove(ms, `share over ${ms} ms`, shareLonger(ms, stayMs), staysMs)),
      ];
    },
  };
}

/** M/M/c at 80 %, which waits in a mailbox. */
function slots(id: string, slots: number, meanMs: number): Case {
  const perSecond = (0.8 * slots * 1000) / meanMs;
  const { waitMs, stayMs, inside, queued, delayed } = waitingRoom({ perSecond, meanMs, slots });
  return {
    ids: [id],
    says: `M/M/${slots} at 80 %, mailbox`,
    few: 30_000,
    many: 1_000_000,
    async run(requests, seed) {
      const time = exponential({ mean: meanMs });
      const visits = await visitsOf({ perSecond, requests, seed, time, options: { concurrency: slots } });
      return [
        shareAbove(noneMs, "share who wait", delayed, visits.waitsMs),
        mean("wait, ms", waitMs, visits.waitsMs),
        mean("stay, ms", stayMs, visits.staysMs),
        mean("queued", queued, visits.queued),
        mean("inside", inside, visits.inside),
      ];
    },
  };
}

const quantiles: Case = {
  ids: ["V7"],
  says: "M/M/1 at 80 %, 24 runs",
  few: 72_000,
  many: 2_400_000,
  async run(customers, seed) {
    const { stayMs } = waitingRoom({ perSecond: 80, meanMs });
    const replications: Summary[] = [];
    for (let run = 0; run < 24; run++) {
      const requests = Math.ceil(customers / 24);
      const { staysMs } = await visitsOf({ perSecond: 80, requests, seed: 24 * seed + run, make: synchronous });
      replications.push(summary(staysMs.slice(warmup(staysMs, { share: 0.05 }).cut)));
    }
    return [0.5, 0.9, 0.95, 0.99].map((p) => ({
      what: `p${100 * p}, ms`,
      predicted: stayQuantileMs(p, stayMs),
      measured: (level) => replicatedQuantile(replications, { p, level }),
    }));
  },
};

/** Without a queue, whatever the law of service. */
function loss(offered: number, slots: number, law: string, time: ServiceTime, few?: number): Case {
  const blocked = erlangB(offered, slots);
  return {
    ids: ["V15"],
    says: `M/${law}/${slots}/${slots}, no queue`,
    few,
    many: 800_000,
    async run(requests, seed) {
      const options = { concurrency: slots, mailbox: { capacity: 0 } };
      const perSecond = (offered * 1000) / meanMs;
      const { turnedAway, running } = await visitsOf({ perSecond, requests, seed, time, options });
      return [mean("share turned away", blocked, turnedAway), mean("slots taken", offered * (1 - blocked), running)];
    },
  };
}

function generalLaw(id: string, law: string, cv: number, time: ServiceTime, make: typeof station): Case {
  return {
    ids: [id],
    says: `M/${law}/1, ${make === station ? "mailbox" : "timers"}`,
    few: 30_000,
    many: 2_000_000,
    async run(requests, seed) {
      const { waitsMs } = await visitsOf({ perSecond: 80, requests, seed, time, make });
      return [mean("wait, ms", pollaczekMs({ perSecond: 80, meanMs, cv }), waitsMs)];
    },
  };
}

function sharing(law: string, time: ServiceTime, few?: number): Case {
  return {
    ids: ["V19"],
    says: `M/${law}/1, shared processor`,
    few,
    many: 1_000_000,
    async run(requests, seed) {
      const { staysMs } = await visitsOf({ perSecond: 80, requests, seed, time, make: shared });
      // As in M/M/1, whatever the law of service.
      return [mean("stay, ms", waitingRoom({ perSecond: 80, meanMs }).stayMs, staysMs)];
    },
  };
}

/** M/M/1/K: the slot is one of the places. */
function finite(id: string, perSecond: number, places: number, few?: number): Case {
  const { blocked, stayMs, inside, perSecond: admitted } = finiteRoom({ perSecond, meanMs, places });
  return {
    ids: [id],
    says: `M/M/1/${places} at ${perSecond} %`,
    few,
    many: 1_000_000,
    async run(requests, seed) {
      const options = { mailbox: { capacity: places - 1 } };
      const visits = await visitsOf({ perSecond, requests, seed, options });
      return [
        mean("share turned away", blocked, visits.turnedAway),
        mean("stay, ms", stayMs, visits.staysMs),
        mean("inside", inside, visits.inside),
        mean("share busy", (admitted * meanMs) / 1000, visits.running),
      ];
    },
  };
}

const priority: Case = {
  ids: ["V23"],
  says: "urgent and other customers",
  few: 60_000,
  many: 2_000_000,
  async run(customers, seed) {
    const rates = { urgent: 20, other: 60 };
    const waits = { urgent: [] as number[], other: [] as number[] };
    await untilAllLeft(seed, (system) => {
      const make = (self: Self): Station => ({
        async serve(dueMs) {
          waits[self.message?.key as keyof typeof waits].push(self.now() - dueMs);
          await self.sleep(exp(() => self.random()));
        },
      });
      const order = { priority: ({ key }: { key?: string }) => (key === "urgent" ? 1 : 0) };
      const at = system.spawn(make, { name: "station", mailbox: { order } });
      for (const key of ["urgent", "other"] as const)
        send(system, poisson({ perSecond: rates[key], seconds: customers / 80 }), at, new Visits(), key);
    });
    const [urgentMs, otherMs] = priorityWaitsMs(meanMs, [rates.urgent, rates.other]) as [number, number];
    return [mean("urgent wait, ms", urgentMs, waits.urgent), mean("other wait, ms", otherMs, waits.other)];
  },
};

const tandem: Case = {
  ids: ["V24"],
  says: "three stations in a row",
  few: 15_000,
  many: 1_000_000,
  async run(requests, seed) {
    const stages = [100, 120, 150].map((perSecond) => ({ meanMs: 1000 / perSecond, visits: new Visits() }));
    await untilAllLeft(seed, (system) => {
      let next: Ref<Station> | undefined;
      for (const { meanMs, visits } of stages.toReversed()) {
        next = system.spawn(station(exponential({ mean: meanMs }), visits, next));
        look(system, next, visits);
      }
      send(system, poisson({ perSecond: 80, requests }), next!, new Visits());
    });
    const rooms = stages.map(({ meanMs }) => waitingRoom({ perSecond: 80, meanMs }));
    // Nobody overtakes: the samples of one place are of one customer, or of one instant.
    const sums = (samples: (visits: Visits) => number[]) => {
      const [first, second, third] = stages.map(({ visits }) => samples(visits)) as [number[], number[], number[]];
      return first.map((sample, place) => sample + second[place]! + third[place]!);
    };
    const total = (of: (room: (typeof rooms)[number]) => number) => rooms.reduce((sum, room) => sum + of(room), 0);
    return [
      ...rooms.map(({ stayMs }, stage) => mean(`stay at ${stage + 1}, ms`, stayMs, stages[stage]!.visits.staysMs)),
      mean(
        "stay, ms",
        total(({ stayMs }) => stayMs),
        sums(({ staysMs }) => staysMs),
      ),
      mean(
        "inside",
        total(({ inside }) => inside),
        sums(({ inside }) => inside),
      ),
    ];
  },
};

const steadily = constant(meanMs);
const unevenly = hyperexponential({ mean: meanMs, cv: 2 });
/** σ = 1. */
const cvLog = Math.sqrt(Math.E - 1);
const logarithmic = lognormal({ mean: meanMs, cv: cvLog });

export const stationCases: readonly Case[] = [
  timed({ ids: ["V6", "V9"], perSecond: 80, aboveMs: [100], few: 40_000, many: 2_500_000 }),
  slots("V6", 1, 10),
  quantiles,
  timed({ ids: ["V8"], perSecond: 50, aboveMs: [92.1], few: 30_000, many: 1_000_000 }),
  timed({ ids: ["V8"], perSecond: 90, aboveMs: [460.5], many: 3_000_000 }),
  timed({ ids: ["V8", "V9"], perSecond: 95, aboveMs: [100, 921], many: 4_000_000 }),
  slots("V10", 2, 10),
  slots("V11", 4, 10),
  slots("V13", 10, 100),
  loss(8, 10, "M", exp, 20_000),
  loss(8, 10, "D", steadily, 20_000),
  loss(8, 10, "LogN", logarithmic, 20_000),
  loss(4, 5, "M", exp),
  loss(4, 5, "D", steadily),
  loss(4, 5, "LogN", logarithmic),
  generalLaw("V16", "D", 0, steadily, station),
  generalLaw("V16", "H2", 2, unevenly, synchronous),
  generalLaw("V17", "LogN", cvLog, logarithmic, synchronous),
  sharing("D", steadily, 30_000),
  sharing("H2", unevenly),
  finite("V20", 80, 5, 30_000),
  finite("V20", 80, 10, 30_000),
  finite("V20", 80, 20),
  finite("V21", 120, 10, 30_000),
  priority,
  tandem,
];
