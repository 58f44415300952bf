// Services that are down or slow by chance, in independent trials.

import { type Self, settle } from "antiphon";
import { meanInterval } from "antiphon/lab";
import { simulate } from "antiphon/sim";
import { chain, Down, fanOut, leaf, queue } from "./calls.ts";
import { type Case, chance } from "./finding.ts";
import { attempts } from "./theory.ts";

const long = { trace: "off", steps: Number.POSITIVE_INFINITY } as const;

const availability: Case = {
  ids: ["V30"],
  says: "chain of 10 services, each 99 %",
  many: 100_000,
  async run(requests, seed) {
    const length = 10;
    let answered = 0;
    await simulate({ ...long, seed }, async ({ system, random }) => {
      const [first] = chain(system, length);
      const draw = random("which are down");
      for (let request = 0; request < requests; request++) {
        const down = Array.from({ length }, () => draw() < 0.01);
        if ((await settle(system.ask(first!).call(down))).ok) answered++;
      }
    });
    return [chance("share answered", 0.99 ** length, { hits: answered, of: requests })];
  },
};

const tail: Case = {
  ids: ["V32"],
  says: "10 services at once, each slow in 1 of 100",
  many: 100_000,
  async run(requests, seed) {
    const width = 10;
    let slow = 0;
    await simulate({ ...long, seed }, async ({ system, random }) => {
      const leaves = Array.from({ length: width }, () => system.spawn(leaf));
      const front = system.spawn(fanOut(leaves));
      const draw = random("who is slow");
      for (let request = 0; request < requests; request++) {
        const times = leaves.map(() => (draw() < 0.01 ? 1_000 : 10 * draw()));
        if ((await system.ask(front).gather(times)) > 100) slow++;
      }
    });
    return [chance("share slow", 1 - 0.99 ** width, { hits: slow, of: requests })];
  },
};

const redelivery: Case = {
  ids: ["V39"],
  says: "queue, up to 5 deliveries, 30 % fail",
  few: 4_000,
  many: 200_000,
  async run(jobs, seed) {
    const deliveries: number[] = Array.from({ length: jobs }, () => 0);
    const dead: number[] = [];
    await simulate({ ...long, seed }, async ({ system, runUntilIdle }) => {
      const consumer = system.spawn((self: Self) => ({
        take(job: number) {
          deliveries[job] = self.message!.attempt;
          return self.random() < 0.3 ? new Down() : undefined;
        },
      }));
      const jobsQueue = system.spawn(queue(consumer, 5, dead), { mailbox: { capacity: jobs } });
      for (let job = 0; job < jobs; job++) system.tell(jobsQueue).put(job);
      await runUntilIdle();
    });
    return [
      { what: "deliveries", predicted: attempts(0.3, 5), measured: (level) => meanInterval(deliveries, { level }) },
      chance("share never taken", 0.3 ** 5, { hits: dead.length, of: jobs }),
    ];
  },
};

export const serviceCases: readonly Case[] = [availability, tail, redelivery];
