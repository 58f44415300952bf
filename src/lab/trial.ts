// One design under one load in virtual time, and what it came to.

import { cellOf } from "../runtime/kernel/cell.ts";
import { Failure, Refusal } from "../runtime/kernel/failure.ts";
import type { Ref } from "../runtime/kernel/protocol.ts";
import type { System, Verbs } from "../runtime/kernel/verbs.ts";
import { createSystem } from "../runtime/live/create.ts";
import type { Fault } from "../runtime/sim/fault.ts";
import type { Latencies } from "../runtime/sim/link.ts";
import { simulate } from "../runtime/sim/simulate.ts";
import { generator } from "./generator.ts";
import { type Effects, Instrument, type Occupancy } from "./instrument.ts";
import type { ClosedLoad, Load } from "./load.ts";

/** What became of a request, as whoever sent it saw it. */
export interface Outcome {
  /** `refused` is an answer, of no; `failed` is none. */
  readonly kind: "ok" | "refused" | "failed" | "open";
  /** The tag of a refusal or failure. */
  readonly tag: string | undefined;
  /** From when it was due until its answer, in ms. */
  readonly edgeMs: number;
  /** From when it was due until all that was done for it had ended; NaN when its messages had no key. */
  readonly doneMs: number;
  /** It was answered ok, and something that was done for it, which nobody waited for, was refused. */
  readonly regretted: boolean;
  readonly messages: number;
}

/** The raw material of the numbers of one design. */
export interface Trial {
  /** By the number of the request. */
  readonly outcomes: readonly Outcome[];
  readonly actors: readonly Occupancy[];
  readonly messages: number;
  /** The path of the actor that requests are put to. */
  readonly entry: string;
  /** Virtual time from the start until nothing was left to do, in ms. */
  readonly lastedMs: number;
}

export interface Setup<D, P> {
  readonly seed: number;
  readonly load: Load | ClosedLoad;
  readonly faults: readonly Fault[];
  readonly latency: Latencies;
  start(world: { readonly system: System }, design: D): Ref<P>;
  request(caller: Verbs, entry: Ref<P>, index: number): PromiseLike<unknown>;
}

interface Pending {
  readonly dueMs: number;
  key: string | undefined;
  kind: Outcome["kind"];
  tag: string | undefined;
  answeredMs: number;
}

/** Fills `soFar` as it goes, so that somebody may look before it ends. */
export class Bench<D, P> {
  readonly #setup: Setup<D, P>;
  readonly #pending: Pending[] = [];
  #instrument: Instrument | undefined;
  #thrown: { readonly error: unknown } | undefined;
  #system: System | undefined;

  constructor(setup: Setup<D, P>) {
    this.#setup = setup;
  }

  /** How much of the load was sent, from 0 to 1: of its requests, or of its time where that ends it. */
  get share(): number {
    const { requests, lastsMs } = this.#setup.load;
    const share = Number.isFinite(requests) ? this.#pending.length / requests : (this.#system?.now() ?? 0) / lastsMs;
    return Math.min(1, share);
  }

  async run(design: D): Promise<Trial> {
    const { seed, faults, latency } = this.#setup;
    const options = { seed, latency, trace: "off", steps: Number.MAX_SAFE_INTEGER } as const;
    await simulate(options, async ({ system, runUntilIdle, inject }) => {
      const sent = this.#play(system, design);
      for (const fault of faults) inject(fault);
      await sent;
      await runUntilIdle();
    });
    return this.soFar();
  }

  /** The same on Node's clock: no latency, no faults. */
  async runLive(design: D): Promise<Trial> {
    const system = createSystem({ seed: this.#setup.seed, report: false });
    try {
      await this.#play(system, design);
    } finally {
      await system.stop({ drain: "1m" });
    }
    return this.soFar();
  }

  /** What is sent to begin with is neither counted nor, as faults come after it, struck. */
  async #play(system: System, design: D): Promise<void> {
    const { load } = this.#setup;
    const entry = this.#setup.start({ system }, design);
    const crowd = system.spawn(
      generator(load, (self, index, dueMs) => this.#send(self, entry, index, dueMs)),
      { name: "load" },
    );
    const sent = system.ask(crowd, { within: Number.POSITIVE_INFINITY }).run();
    this.#system = system;
    this.#instrument = new Instrument(system, load.lastsMs);
    this.#instrument.entry = cellOf(entry);
    await sent.catch((error: unknown) => {
      throw this.#thrown === undefined ? error : this.#thrown.error;
    });
  }

  soFar(): Trial {
    const effects = this.#instrument?.effects ?? new Map<string, Effects>();
    return {
      outcomes: this.#pending.map((one) => outcomeOf(one, one.key === undefined ? undefined : effects.get(one.key))),
      actors: (this.#instrument?.occupancies() ?? []).filter(({ path }) => path !== "/load"),
      messages: this.#instrument?.messages ?? 0,
      entry: this.#instrument?.entry?.path ?? "",
      lastedMs: this.#system?.now() ?? 0,
    };
  }

  /** No asynchronous function: there are millions of requests. */
  #send(self: Verbs & { now(): number }, entry: Ref<P>, index: number, dueMs: number): PromiseLike<void> {
    const instrument = this.#instrument as Instrument;
    const pending: Pending = { dueMs, key: undefined, kind: "open", tag: undefined, answeredMs: Number.NaN };
    this.#pending.push(pending);
    instrument.entryKey = undefined;
    try {
      const answer = this.#setup.request(self, entry, index);
      pending.key = instrument.entryKey;
      return answer.then(
        () => this.#end(pending, self.now(), "ok", undefined),
        (error: unknown) => {
          if (!(error instanceof Failure)) throw this.#throws(error);
          this.#end(pending, self.now(), error instanceof Refusal ? "refused" : "failed", error._tag);
        },
      );
    } catch (error) {
      throw this.#throws(error);
    }
  }

  #end(pending: Pending, atMs: number, kind: Outcome["kind"], tag: string | undefined): void {
    pending.answeredMs = atMs;
    pending.kind = kind;
    pending.tag = tag;
  }

  #throws(error: unknown): unknown {
    this.#thrown ??= { error };
    return error;
  }
}

function outcomeOf({ dueMs, kind, tag, answeredMs }: Pending, effects: Effects | undefined): Outcome {
  return {
    kind,
    tag,
    edgeMs: answeredMs - dueMs,
    doneMs: Math.max(answeredMs, effects?.lastMs ?? Number.NaN) - dueMs,
    regretted: kind === "ok" && effects?.refusedBehind === true,
    messages: effects?.messages ?? 0,
  };
}
