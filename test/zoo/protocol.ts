// A protocol with a known bug, and its twin without: what the strategies of exploration are measured with.

import type { SimulatedWorld } from "antiphon/sim";

export type Variant = "buggy" | "fixed";

export interface Protocol<Op = unknown> {
  readonly name: string;
  /** Where the bug is known from. */
  readonly source: string;
  /** Ordering constraints that suffice for it, as read from the code. */
  readonly depth: number;
  /** How often others found it, if they said so. */
  readonly published?: string;
  /** `async`: timers and deadlines may come at any moment. `windows`: they come at their time. */
  readonly time: "async" | "windows";
  /** What the clients do; any part of it is a workload too. */
  readonly operations: readonly Op[];
  /** Plays it once. Fails: an Error whose message names the property that is violated. */
  play(world: SimulatedWorld, variant: Variant, operations: readonly Op[]): Promise<void>;
}
