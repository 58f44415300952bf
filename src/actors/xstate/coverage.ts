// Which transitions of a machine were taken, of those there are: over one run, or over all runs of an exploration.

import type { AnyStateMachine } from "xstate";

/** A transition as its state's id and its event; `""` is an eventless one. */
export interface StateEvent {
  readonly state: string;
  readonly event: string;
}

interface Node {
  readonly id: string;
  readonly states: Readonly<Record<string, Node>>;
  readonly transitions: ReadonlyMap<string, unknown>;
  readonly always?: readonly unknown[] | undefined;
}

/**
 * Pairs of state and event, covered and not. Give one to `machine` as its `coverage`, in each run of an exploration, and
 * ask it when they are over.
 */
export class MachineCoverage {
  readonly #machines = new WeakSet<AnyStateMachine["config"]>();
  readonly #all = new Map<string, StateEvent>();
  readonly #times = new Map<string, number>();

  add(logic: AnyStateMachine): void {
    if (this.#machines.has(logic.config)) return;
    this.#machines.add(logic.config);
    this.#walk(logic.root as unknown as Node);
  }

  took(transitions: readonly { readonly source: { readonly id: string }; readonly eventType: string }[]): void {
    for (const { source, eventType } of transitions) {
      const key = `${source.id}\n${eventType}`;
      if (this.#all.has(key)) this.#times.set(key, (this.#times.get(key) ?? 0) + 1);
    }
  }

  /** How often each was taken. */
  get pairs(): readonly (StateEvent & { readonly times: number })[] {
    return [...this.#all].map(([key, pair]) => ({ ...pair, times: this.#times.get(key) ?? 0 }));
  }

  get missing(): readonly StateEvent[] {
    return [...this.#all].flatMap(([key, pair]) => (this.#times.has(key) ? [] : [pair]));
  }

  /** One sentence, and a line for each that is missing. */
  toString(): string {
    const { missing } = this;
    const all = this.#all.size;
    const lines = missing.map(({ state, event }) => `\n  never: ${event === "" ? "always" : event} in ${state}`);
    return `${all - missing.length} of ${all} transitions were taken${lines.join("")}`;
  }

  #walk(node: Node): void {
    const events = [...node.transitions.keys(), ...(node.always === undefined || node.always.length === 0 ? [] : [""])];
    for (const event of events) this.#all.set(`${node.id}\n${event}`, { state: node.id, event });
    for (const child of Object.values(node.states)) this.#walk(child);
  }
}
