// The public names of `antiphon/xstate`, nothing else.

export { MachineCoverage, type StateEvent } from "./coverage.ts";
export { type MachineOptions, machine } from "./machine.ts";
export {
  type EmittedListener,
  type MachineProtocol,
  type MachineState,
  NotAcceptedInState,
  type PersistedMachine,
  type PersistedTimer,
  type StateObserver,
} from "./protocol.ts";
