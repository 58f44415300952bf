// What docs/simulation.md quotes and runs.

// #region first
import type { Self } from "antiphon";
import { simulate } from "antiphon/sim";

const kettle = (self: Self) => ({
  async boil() {
    await self.sleep("3m");
    return `tea at ${self.now() / 60_000} minutes`;
  },
});

const day = await simulate({ seed: 7 }, async ({ system, run }) => {
  const ref = system.spawn(kettle, { name: "kettle" });
  const first = await system.ask(ref, { within: "5m" }).boil();
  await run("8h");
  return [first, await system.ask(ref, { within: "5m" }).boil()];
});

console.log(day.value);
console.log(day.trace.join("\n"));
console.log(day.hash);
// #endregion
