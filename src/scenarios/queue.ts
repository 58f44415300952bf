// A queue in virtual time: how long does one wait for a service, as it gets busier? Ten minutes of each load in milliseconds,
// beside what theory says.

// #region program
import type { Ref, Self } from "antiphon";
import { batchMeans, deviations, estimate, exponential, figure, generator, poisson, table } from "antiphon/lab";
import { simulate } from "antiphon/sim";

const serviceMs = 10;

/** Handles one customer at a time, as any actor does: the others wait in its mailbox. */
const desk = (self: Self) => {
  const time = exponential({ mean: serviceMs });
  return { serve: () => self.sleep(time(() => self.random())) };
};

async function waitAt(perSecond: number) {
  const { value } = await simulate({ seed: 7, trace: "off", steps: 1e8 }, async ({ system }) => {
    const times: number[] = [];
    const ref: Ref<{ serve(): Promise<void> }> = system.spawn(desk, { name: "desk" });
    const customer = async (self: Self, _: number, dueMs: number) => {
      await self.ask(ref, { within: "1h" }).serve();
      times.push(self.now() - dueMs);
    };
    const crowd = system.spawn(generator(poisson({ perSecond, seconds: 600 }), customer), { name: "crowd" });
    await system.ask(crowd, { within: "100h" }).run();
    return batchMeans(times);
  });
  const theoryMs = 1_000 / (1_000 / serviceMs - perSecond);
  return [
    `${figure((perSecond * serviceMs) / 10)} %`,
    figure(theoryMs),
    estimate(value),
    deviations(value, theoryMs).toFixed(1),
  ];
}

const rows = await Promise.all([20, 50, 80, 90].map(waitAt));
console.log(table([["busy", "theory, ms", "ten minutes of it, ms", "z"], ...rows]));
// #endregion
