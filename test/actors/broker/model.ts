// The reference: what one topic with its subscriptions promises, said as plainly as possible and as slowly as need be.

type Fate = "acked" | "dead" | "expired" | "dropped";
type Failed = "crash" | "expiry" | "nack";
export type Order = "none" | "key" | "all";

interface One {
  readonly seq: number;
  /** Its place in the order of its lane: a message that comes back has a later one. */
  place: number;
  readonly key: string | undefined;
  readonly priority: number;
  notBefore: number;
  readonly expiresAt: number;
  failures: number;
  /** Attempts that failed and do not count. */
  free: number;
  phase: "open" | "leased" | "parked" | Fate;
  /** It has let others pass: among those that were there before it has no order any more. */
  hasPassed: boolean;
}

export interface ModelOptions {
  order: Order;
  maxAttempts: number;
  backoffMs: number;
  onExhausted: "deadLetter" | "drop" | "park";
  /** What waits lets the rest of its lane pass; false by default. */
  passes?: boolean;
  /** The lane of a key; each has its own by default. */
  laneOf?: (key: string) => string;
  /** The failures that count; all by default. */
  counts?: readonly Failed[];
  /** What is dead is parked instead, if it has a lane; false by default. */
  parksLane?: boolean;
  /** What was under way is over when its broker starts again; false by default. */
  isOnce?: boolean;
  /** Messages that may be open; what comes then takes the place of one of its key. Without limit by default. */
  room?: number;
}

/** One subscription: a list of messages, each with its state. */
export class Model {
  readonly options: ModelOptions;
  readonly messages: One[] = [];
  isPaused = false;
  now = 0;
  #places = 0;

  constructor(options: ModelOptions) {
    this.options = options;
  }

  publish(seq: number, key: string | undefined, notBefore: number, expiresAt: number, priority = 0): void {
    if (seq <= (this.messages.at(-1)?.seq ?? 0)) throw new Error("G4: sequence numbers increase");
    const place = ++this.#places;
    const one: One = {
      ...{ seq, place, key, priority, notBefore, expiresAt },
      ...{ failures: 0, free: 0, phase: "open", hasPassed: false },
    };
    one.hasPassed = this.#isOutside(one);
    this.messages.push(one);
  }

  /** Makes room for a message of this key. False when there is none. */
  makeRoom(key: string | undefined): boolean {
    const open = this.messages.filter((one) => this.#isOpen(one));
    if (open.length < (this.options.room ?? Number.POSITIVE_INFINITY)) return true;
    const before = open.find((one) => one.key !== undefined && one.key === key && one.phase === "open");
    if (before !== undefined) before.phase = "dropped";
    return before !== undefined;
  }

  tick(now: number): void {
    this.now = now;
    for (const one of this.messages)
      if (one.phase === "open" && one.expiresAt > 0 && one.expiresAt <= now) one.phase = "expired";
  }

  /** Why a delivery may not start; undefined when it may. */
  objection(seq: number, attempt: number): string | undefined {
    const one = this.of(seq);
    if (this.isPaused) return "paused";
    if (one.phase !== "open") return `G3: it is ${one.phase}`;
    if (one.notBefore > this.now) return `G9: not before ${one.notBefore}, now ${this.now}`;
    if (one.expiresAt > 0 && one.expiresAt <= this.now) return "G9: it has expired";
    if (attempt !== one.failures + one.free + 1) return `attempt ${attempt} after ${one.failures + one.free} failures`;
    const lane = this.messages.filter((other) => other !== one && this.#isLane(other, one) && this.#isOpen(other));
    const inHand = lane.find(({ phase }) => phase === "leased");
    if (inHand !== undefined) return `G5: ${inHand.seq} of its lane is leased`;
    if (one.hasPassed) return undefined;
    const earlier = lane.find((other) => other.place < one.place && !other.hasPassed);
    return earlier && `G5: ${earlier.seq} of its lane is ${earlier.phase}`;
  }

  /** The messages that may start now. */
  startable(): number[] {
    return this.messages
      .filter(({ seq, failures, free }) => this.objection(seq, failures + free + 1) === undefined)
      .map(({ seq }) => seq);
  }

  start(seq: number, attempt: number): void {
    const why = this.objection(seq, attempt);
    if (why !== undefined) throw new Error(`${seq} may not start: ${why}`);
    this.of(seq).phase = "leased";
  }

  end(
    seq: number,
    how: "ack" | "reject" | "release" | "defer" | Failed,
    waitMs: number = this.options.backoffMs,
  ): void {
    const one = this.of(seq);
    if (one.phase !== "leased") throw new Error(`${seq} ends and is ${one.phase}`);
    if (how === "ack") one.phase = "acked";
    if (how === "reject") one.phase = this.#dead(one);
    if (how === "release") one.phase = "open";
    if (how === "defer") one.phase = "parked";
    if (how === "crash" || how === "expiry" || how === "nack") {
      const counts = this.options.counts?.includes(how) ?? true;
      if (counts) one.failures++;
      else one.free++;
      if (!counts || one.failures < this.options.maxAttempts) {
        one.phase = "open";
        one.notBefore = this.now + waitMs;
      } else
        one.phase = { deadLetter: this.#dead(one), drop: "dropped" as const, park: "parked" as const }[
          this.options.onExhausted
        ];
    }
    one.hasPassed ||= this.#isOutside(one);
    this.tick(this.now);
  }

  drop(seq: number): void {
    const one = this.of(seq);
    if (this.#isOpen(one) && one.phase !== "leased") one.phase = "dropped";
  }

  /** The broker starts again: nobody knows how this one ended. */
  lose(seq: number): void {
    if (this.options.isOnce !== true) this.end(seq, "release");
    else this.of(seq).phase = "dropped";
  }

  skip(): void {
    for (const one of this.messages) if (one.phase === "parked") one.phase = "dead";
  }

  unpark(): void {
    for (const one of this.messages)
      if (one.phase === "parked") Object.assign(one, { phase: "open", failures: 0, notBefore: 0 });
    this.tick(this.now);
  }

  /** A dead letter comes back, behind all that is there. */
  redrive(seq: number): void {
    const one = this.of(seq);
    if (one.phase !== "dead") throw new Error(`${seq} is redriven and is ${one.phase}`);
    Object.assign(one, { phase: "open", failures: 0, notBefore: 0, place: ++this.#places, hasPassed: false });
  }

  of(seq: number): One {
    const found = this.messages.find((one) => one.seq === seq);
    if (found === undefined) throw new Error(`${seq} was never published`);
    return found;
  }

  /** What each message is, as the broker shows it. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = { open: 0, leased: 0, parked: 0, acked: 0, dead: 0, expired: 0, dropped: 0 };
    for (const { phase } of this.messages) counts[phase]!++;
    return counts;
  }

  #dead({ key }: One): "dead" | "parked" {
    const { order, parksLane = false } = this.options;
    const hasLane = order === "all" || (order === "key" && key !== undefined);
    return parksLane && hasLane ? "parked" : "dead";
  }

  #isOpen({ phase }: One): boolean {
    return phase === "open" || phase === "leased" || phase === "parked";
  }

  #isOutside({ phase, notBefore }: One): boolean {
    return (this.options.passes ?? false) && (phase === "parked" || (phase === "open" && notBefore > this.now));
  }

  #isLane(a: One, b: One): boolean {
    const { order, laneOf = (key) => key } = this.options;
    if (order === "all") return true;
    return order === "key" && a.key !== undefined && b.key !== undefined && laneOf(a.key) === laneOf(b.key);
  }
}
