// Machines whose snapshots are in a journal: `persistent` of antiphon/broker around a machine.

import type { Make, Self } from "antiphon";
import { powerFailure, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { assign, setup } from "xstate";
import { type MemoryJournal, memoryJournal } from "../../src/actors/broker/memory.ts";
import { persistent } from "../../src/actors/broker/persistent.ts";
import { type MachineProtocol, machine, type PersistedMachine } from "../../src/actors/xstate/index.ts";

const meter = setup({
  types: { context: {} as { turns: number; rests: number }, events: {} as { type: "turn" } },
}).createMachine({
  id: "meter",
  initial: "resting",
  context: { turns: 0, rests: 0 },
  on: { turn: { target: ".turning", actions: assign({ turns: ({ context }) => context.turns + 1 }) } },
  states: {
    resting: {},
    turning: { after: { 1000: { target: "resting", actions: assign({ rests: ({ context }) => context.rests + 1 }) } } },
  },
});
type Meter = MachineProtocol<typeof meter>;

const kept = (journal: MemoryJournal): Make<Meter> =>
  persistent<Meter, PersistedMachine | null, PersistedMachine>(journal.open, {
    initial: null,
    apply: (_, persisted) => persisted,
    commands: (self, log) =>
      machine(meter, { snapshot: () => log.state ?? undefined, save: (persisted) => log.emit(persisted) })(
        self,
      ) as Meter,
    snapshotEvery: 10,
  });

describe("a machine in a journal", () => {
  test.each([510, 900, 1_200])(
    "loses nothing that was answered when the power fails at %d ms, delays included",
    async (at) => {
      const journal = memoryJournal({ latency: "5ms" });
      const boot = (system: { spawn: Self["spawn"] }) => system.spawn(kept(journal), { name: "meter" });
      const faults = [powerFailure({ at })];
      const { value, leaks } = await simulate({ seed: at, journals: [journal], boot, faults }, async (world) => {
        const ask = () => world.system.ask(world.booted);
        for (let n = 0; n < 3; n++) await ask().turn();
        await world.run(at);
        const { turns } = (await ask().getSnapshot()).context;
        await world.run("2s");
        const { value, context } = await ask().getSnapshot();
        return { turns, value, context };
      });
      expect(value).toEqual({ turns: 3, value: "resting", context: { turns: 3, rests: 1 } });
      expect(leaks).toEqual([]);
    },
  );
});
