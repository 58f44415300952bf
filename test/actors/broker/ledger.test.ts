// The state machine of a store against the reference model: command by command, no actors.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apply } from "../../../src/actors/broker/apply.ts";
import type { StoreEvent, TopicRules } from "../../../src/actors/broker/event.ts";
import { bury } from "../../../src/actors/broker/grave.ts";
import { Ledger } from "../../../src/actors/broker/ledger.ts";
import { lineOf, type Selection } from "../../../src/actors/broker/line.ts";
import { admit, type Capacity } from "../../../src/actors/broker/publish.ts";
import { eventsOf, RecordWriter } from "../../../src/actors/broker/record-bytes.ts";
import {
  acknowledge,
  due,
  type End,
  expire,
  fail,
  type Redelivery,
  reject,
  release,
  resume,
} from "../../../src/actors/broker/settle.ts";
import { snapshotOf, stateFrom } from "../../../src/actors/broker/snapshot.ts";
import {
  type Delivery,
  phasesOf,
  StoreState,
  type Subscription,
  subscriptionOf,
} from "../../../src/actors/broker/state.ts";
import { hash } from "../../../src/actors/ring.ts";
import { Model, type ModelOptions } from "./model.ts";

const mishap = { code: "ERROR", error: "planted" };
const capacity: Capacity = {
  messages: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
  overflow: "conflate-by-key",
  keptCount: Number.POSITIVE_INFINITY,
  keptMs: Number.POSITIVE_INFINITY,
};

const ways = ["ack", "crash", "crash", "expiry", "nack", "reject", "release", "defer"] as const;

type Step =
  | { do: "publish"; key: string | undefined; delay: number; ttl: number; priority: number }
  | { do: "pass"; ms: number }
  | { do: "start" }
  | { do: "end"; which: number; how: (typeof ways)[number] }
  | { do: "drop"; which: number }
  | { do: "unpark" }
  | { do: "skip" }
  | { do: "reboot" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      key: fc.constantFrom("a", "b", "c", undefined),
      delay: fc.constantFrom(0, 0, 0, 5),
      ttl: fc.constantFrom(0, 0, 12),
      priority: fc.integer({ min: 0, max: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("start" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      which: fc.nat(5),
      how: fc.constantFrom(...ways),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop" as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("unpark" as const, "skip" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reboot" as const) }) },
);

interface BenchOptions extends ModelOptions {
  /** Keys share so many lanes; each has its own with 0. */
  lanes: number;
  passes: boolean;
  selection: Selection;
  counts: readonly End[];
  room: number;
}

const everyEnd: readonly End[] = ["crash", "expiry", "nack"];

const options: fc.Arbitrary<BenchOptions> = fc
  .record({
    order: fc.constantFrom("none", "key", "all" as const),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    counts: fc.constantFrom(everyEnd, everyEnd, everyEnd.slice(0, 1), everyEnd.slice(1)),
    parksLane: fc.constantFrom(false, false, true),
    isOnce: fc.constantFrom(false, false, true),
    room: fc.constantFrom(Number.POSITIVE_INFINITY, 4),
    backoffMs: fc.constantFrom(0, 4),
    onExhausted: fc.constantFrom("deadLetter", "drop", "park" as const),
    lanes: fc.constantFrom(0, 0, 2),
    passes: fc.boolean(),
    selection: fc.constantFrom<Selection>("fifo", "fair", { agingMs: 6 }, { agingMs: Number.POSITIVE_INFINITY }),
  })
  // What settings refuse or settle.
  .map((one) => ({
    ...one,
    parksLane: one.parksLane && !one.passes,
    ...(one.isOnce && { maxAttempts: 1, counts: everyEnd }),
  }));

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const names = { topic: "t", name: "s" };

class Bench {
  readonly model: Model;
  readonly redelivery: Redelivery;
  readonly selection: Selection;
  readonly events: StoreEvent[] = [];
  readonly record = new RecordWriter();
  ledger: Ledger;

  constructor(options: BenchOptions) {
    const { lanes, passes, order, selection, isOnce = false } = options;
    this.selection = selection;
    this.model = new Model({ ...options, ...(lanes > 0 && { laneOf: (key) => `${hash(key) % lanes}` }) });
    this.redelivery = {
      maxAttempts: options.maxAttempts,
      counts: new Set(options.counts),
      waitMs: () => options.backoffMs,
      onExhausted: options.onExhausted,
      onRefusal: "deadLetter",
      onExpired: "drop",
      parksLane: options.parksLane ?? false,
      deadLetters: 100,
    };
    this.ledger = new Ledger(new StoreState(), this.record);
    const rules: TopicRules = {
      ...{ retention: "untilSettled", dedupMs: 0, dedupCount: 1, dropsOldest: false, conflates: true },
    };
    this.ledger.emit({ kind: "declared", topic: "t", rules });
    this.ledger.emit({ kind: "declared", topic: "t/dead", rules: { ...rules, retention: "kept" } });
    this.ledger.emit({
      kind: "subscribed",
      ...names,
      rules: { order, lanes, passes, isOnce },
      from: 1,
    });
    this.select();
  }

  /** As the couriers do when they begin. */
  select(): void {
    const before = this.of.ready;
    this.of.ready = lineOf(this.selection);
    for (let one = before.peek(); one !== undefined; one = before.peek()) {
      before.take();
      this.of.ready.put(one, false);
    }
  }

  get of(): Subscription {
    return subscriptionOf(this.ledger.state, "t", "s") as Subscription;
  }

  get moment() {
    return { now: this.model.now, random: () => 0.5 };
  }

  take(one: Step): void {
    const { model, ledger, redelivery } = this;
    const { now } = model;
    switch (one.do) {
      case "publish": {
        const topic = ledger.state.topics.get("t")!;
        const notBefore = one.delay > 0 ? now + one.delay : 0;
        const expiresAt = one.ttl > 0 ? now + one.ttl : 0;
        const seq = admit(
          ledger,
          topic,
          {
            id: "i",
            key: one.key,
            type: "go",
            payload: 1,
            notBefore,
            expiresAt,
            sizeBytes: 1,
            tag: undefined,
            priority: one.priority,
            same: "",
            ...{ to: undefined, history: undefined, failures: 0 },
          },
          { ...capacity, messages: model.options.room ?? Number.POSITIVE_INFINITY },
          now,
        );
        expect(seq === "full").toBe(!model.makeRoom(one.key));
        if (seq !== "full") model.publish(seq as number, one.key, notBefore, expiresAt, one.priority);
        return;
      }
      case "pass":
        model.tick(now + one.ms);
        due(ledger.state, ledger, model.now, (late) => expire(ledger, late, redelivery, model.now));
        return;
      case "start": {
        due(ledger.state, ledger, now, (late) => expire(ledger, late, redelivery, now));
        const next = this.of.ready.peek();
        if (next === undefined) {
          expect(model.startable()).toEqual([]);
          return;
        }
        this.#urgent(next);
        this.of.ready.take();
        ledger.emit({ kind: "leased", ...names, seq: next.entry.seq, at: now, consumer: "c" });
        model.start(next.entry.seq, next.attempt);
        return;
      }
      case "end": {
        const leased = this.#in("leased");
        const of = leased[one.which % leased.length];
        if (of === undefined) return;
        model.end(of.entry.seq, one.how);
        if (one.how === "ack") acknowledge(ledger, of);
        if (one.how === "crash" || one.how === "expiry" || one.how === "nack")
          fail(ledger, of, one.how, redelivery, mishap, this.moment);
        if (one.how === "reject") reject(ledger, of, "rejected", redelivery, mishap, this.moment);
        if (one.how === "release") release(ledger, of, 0, now);
        if (one.how === "defer") release(ledger, of, Number.POSITIVE_INFINITY, now);
        due(ledger.state, ledger, now, (late) => expire(ledger, late, redelivery, now));
        return;
      }
      case "drop": {
        const seq = 1 + one.which;
        if (seq >= ledger.state.topics.get("t")!.nextSeq) return;
        ledger.emit({ kind: "trimmed", topic: "t", seq });
        model.drop(seq);
        return;
      }
      case "unpark":
        for (const { entry } of this.#in("parked"))
          ledger.emit({ kind: "unparked", ...names, seq: entry.seq, failures: 0 });
        model.unpark();
        due(ledger.state, ledger, now, (late) => expire(ledger, late, redelivery, now));
        return;
      case "skip":
        for (const parked of this.#in("parked")) bury(ledger, parked, "skipped", 100, now);
        model.skip();
        due(ledger.state, ledger, now, (late) => expire(ledger, late, redelivery, now));
        return;
      case "reboot":
        this.reboot();
    }
  }

  /** Of all that may start it has the highest priority, with what its wait is worth. */
  #urgent({ entry: { seq, at } }: Delivery): void {
    const { selection, model } = this;
    // Where lanes pass, the model does not say which of a lane is next.
    if (typeof selection === "string" || (model.options.passes === true && model.options.order !== "none")) return;
    const { agingMs } = selection;
    const published = new Map([...this.of.deliveries.values()].map(({ entry }) => [entry.seq, entry.at]));
    const worth = (of: number) =>
      agingMs === Number.POSITIVE_INFINITY
        ? model.of(of).priority
        : model.of(of).priority * agingMs - (published.get(of) as number);
    expect({ seq, at, worth: worth(seq) }).toEqual({ seq, at, worth: Math.max(...model.startable().map(worth)) });
  }

  #in(phase: Delivery["phase"]): Delivery[] {
    return [...this.of.deliveries.values()].filter((one) => one.phase === phase);
  }

  /** What is found again: from the events, and from a snapshot, the same. */
  reboot(): void {
    const { now } = this.model;
    if (this.model.options.isOnce === true) {
      // A snapshot knows what was under way.
      this.#keep();
      this.ledger = new Ledger(stateFrom(snapshotOf(this.ledger.state)), this.record);
      this.select();
    }
    for (const one of this.#in("leased")) {
      resume(this.ledger, one, now);
      this.model.lose(one.entry.seq);
    }
    this.model.tick(now);
    due(this.ledger.state, this.ledger, now, (late) => expire(this.ledger, late, this.redelivery, now));
    this.#keep();
    const replayed = new StoreState();
    for (const event of this.events) apply(replayed, event);
    // What the time brought about is not kept: it comes about again.
    due(replayed, new Ledger(replayed, undefined), this.model.now, () => expect.unreachable());
    const saved = snapshotOf(this.ledger.state);
    expect(text(snapshotOf(replayed))).toBe(text(saved));
    this.ledger = new Ledger(stateFrom(saved), this.record);
    this.select();
    expect(text(snapshotOf(this.ledger.state))).toBe(text(saved));
  }

  #keep(): void {
    if (this.record.events > 0) this.events.push(...eventsOf(this.record.take()));
  }

  check(): void {
    const { fates, matched } = this.of;
    const counts = phasesOf(this.of);
    const open = counts.behind + counts.ready + counts.scheduled;
    const { leased, parked } = counts;
    expect({ open, leased, parked, ...fates }).toEqual(this.model.counts());
    expect(matched).toBe(open + leased + parked + fates.acked + fates.dead + fates.expired + fates.dropped);
    for (const value of Object.values(counts)) expect(value).toBeGreaterThanOrEqual(0);
    const { backlog } = this.ledger.state.topics.get("t")!;
    expect(backlog).toBe(open + leased + parked);
    expect(this.ledger.state.topics.get("t/dead")!.log.size).toBe(fates.dead);
  }
}

/** What was found once: orders of a lane that passes, which its records and its snapshot have to give again. */
const found: [BenchOptions, Step[]][] = (() => {
  const passing: BenchOptions = {
    ...{ order: "all", maxAttempts: 1, backoffMs: 0, onExhausted: "park", lanes: 0, passes: true, selection: "fifo" },
    ...{ counts: everyEnd, room: Number.POSITIVE_INFINITY },
  };
  const publish = (delay: number): Step => ({ do: "publish", key: "a", delay, ttl: 0, priority: 0 });
  const start: Step = { do: "start" };
  const reboot: Step = { do: "reboot" };
  const end = (how: "crash" | "ack"): Step => ({ do: "end", which: 0, how });
  const rest = [start, end("crash"), start, end("ack"), reboot];
  return [
    [passing, [publish(5), { do: "pass", ms: 5 }, publish(0), start, reboot, ...rest]],
    [passing, [publish(0), publish(0), start, end("crash"), { do: "unpark" }, reboot, ...rest]],
  ];
})();

describe("the state machine of a store", () => {
  test("[G1 sim] [G3 sim] [G4 sim] [G5 sim] [G9 sim] does what the reference model does, command by command", () => {
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 80, size: "max" }), (options, steps) => {
        const bench = new Bench(options);
        for (const one of steps) {
          bench.take(one);
          bench.check();
        }
      }),
      { seed: 7, numRuns: 600, examples: found },
    );
  }, 60_000);

  test("[G13 sim] is found again by its events and by its snapshot, whenever it is asked for", () => {
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 60, size: "max" }), (options, steps) => {
        const bench = new Bench(options);
        for (const one of steps) bench.take(one);
        bench.reboot();
        bench.check();
      }),
      { seed: 8, numRuns: 200 },
    );
  }, 60_000);
});
