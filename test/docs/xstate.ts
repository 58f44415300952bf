// What docs/xstate.md quotes and runs.

// #region order
import { type Ref, Refusal, type Self, settle } from "antiphon";
import { crash, simulate } from "antiphon/sim";
import { MachineCoverage, machine, type PersistedMachine } from "antiphon/xstate";
import { assign, emit, fromPromise, setup } from "xstate";

class Declined extends Refusal {
  readonly _tag = "Declined";
}

class Payments {
  charge({ amount }: { amount: number }) {
    return amount > 100 ? new Declined("too much") : `receipt for ${amount}`;
  }
}

const order = (self: Self, payments: Ref<Payments>) =>
  setup({
    types: {
      context: {} as { amount: number; receipt: string | undefined },
      events: {} as { type: "add"; price: number } | { type: "pay" } | { type: "cancel" },
      emitted: {} as { type: "paid"; receipt: string },
    },
    actors: {
      charge: fromPromise(({ input }: { input: { amount: number } }) => self.ask(payments).charge(input)),
    },
  }).createMachine({
    id: "order",
    initial: "open",
    context: { amount: 0, receipt: undefined },
    states: {
      open: {
        on: {
          add: { actions: assign({ amount: ({ context, event }) => context.amount + event.price }) },
          pay: "paying",
          cancel: "cancelled",
        },
        after: { 1800000: "cancelled" },
      },
      paying: {
        invoke: {
          src: "charge",
          input: ({ context }) => ({ amount: context.amount }),
          onDone: {
            target: "paid",
            actions: [
              assign({ receipt: ({ event }) => event.output }),
              emit(({ event }) => ({ type: "paid" as const, receipt: event.output })),
            ],
          },
          onError: "open",
        },
      },
      paid: { type: "final" },
      cancelled: { type: "final" },
    },
  });
// #endregion

// #region life
const coverage = new MachineCoverage();
let saved: PersistedMachine | undefined;

const { value, trace } = await simulate(
  { seed: 7, faults: [crash("/order", { at: "20m" })] },
  async ({ system, run, runUntilIdle }) => {
    const payments = system.spawn(() => new Payments(), { name: "payments" });
    const ref = system.spawn(
      machine((self) => order(self, payments), {
        save: (persisted) => void (saved = persisted),
        snapshot: () => saved,
        coverage,
      }),
      { name: "order" },
    );
    const { context } = await system.ask(ref).add({ price: 12 });
    await run("29m");
    const kept = await system.ask(ref).getPersistedSnapshot();
    const paying = await system.ask(ref).pay();
    const late = await settle(system.ask(ref).add({ price: 3 }));
    await runUntilIdle();
    const { value: state, context: end } = await system.ask(ref).getSnapshot();
    return {
      kept,
      context,
      paying: paying.value,
      late: late.ok ? "" : late.error.message,
      state,
      receipt: end.receipt,
    };
  },
);

const { kept, ...seen } = value;
console.log(seen);
console.log(`${coverage}`);
console.log(trace.slice(0, 4).join("\n"));
// #endregion

// #region restore
console.log(kept.timers);

const { value: moved } = await simulate({}, async ({ system, run }) => {
  const payments = system.spawn(() => new Payments());
  const ref = system.spawn(
    machine((self) => order(self, payments), {
      snapshot: JSON.parse(JSON.stringify(kept)) as PersistedMachine,
      epochMs: 29 * 60_000, // the world begins here
    }),
  );
  await run("59s");
  const before = (await system.ask(ref).getSnapshot()).value;
  await run("2s");
  return [before, (await system.ask(ref).getSnapshot()).value];
});
console.log(moved);

// #endregion

// #region journal
import { memoryJournal, persistent } from "antiphon/broker";
import { powerFailure } from "antiphon/sim";
import type { MachineProtocol } from "antiphon/xstate";

const meter = setup({
  types: { context: {} as { turns: number }, events: {} as { type: "turn" } },
}).createMachine({
  initial: "resting",
  context: { turns: 0 },
  on: { turn: { target: ".turning", actions: assign({ turns: ({ context }) => context.turns + 1 }) } },
  states: { resting: {}, turning: { after: { 60000: "resting" } } },
});

type Meter = MachineProtocol<typeof meter>;

const journal = memoryJournal();
const lasting = persistent(journal.open, {
  initial: undefined as PersistedMachine | undefined,
  apply: (_, persisted: PersistedMachine) => persisted,
  commands: (self, log) => machine(meter, { snapshot: () => log.state, save: (now) => log.emit(now) })(self) as Meter,
});

const { value: after } = await simulate(
  {
    journals: [journal],
    boot: (system) => system.spawn(lasting, { name: "meter" }),
    faults: [powerFailure({ at: "30s" })],
  },
  async (world) => {
    // The power failure makes another one.
    const ask = () => world.system.ask(world.booted);
    await ask().turn();
    await world.run("50s");
    const { value, context } = await ask().getSnapshot();
    await world.run("20s");
    return [value, context.turns, (await ask().getSnapshot()).value];
  },
);
console.log(after);
// #endregion
