// The reference: what one topic with its subscriptions promises, said as plainly as possible and as slowly as need be.

type Fate = "acked" | "dead" | "expired" | "dropped";
export type Order = "none" | "key" | "all";

interface One {
  seq: number;
  key: string | undefined;
  notBefore: number;
  expiresAt: number;
  failures: number;
  phase: "open" | "leased" | "parked" | Fate;
}

export interface ModelOptions {
  order: Order;
  maxAttempts: number;
  backoffMs: number;
  onExhausted: "deadLetter" | "drop" | "park";
}

/** One subscription: a list of messages, each with its state. */
export class Model {
  readonly options: ModelOptions;
  readonly messages: One[] = [];
  isPaused = false;
  now = 0;

  constructor(options: ModelOptions) {
    this.options = options;
  }

  publish(seq: number, key: string | undefined, notBefore: number, expiresAt: number): void {
    if (seq <= (this.messages.at(-1)?.seq ?? 0)) throw new Error("G4: sequence numbers increase");
    this.messages.push({ seq, key, notBefore, expiresAt, failures: 0, phase: "open" });
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
    if (attempt !== one.failures + 1) return `attempt ${attempt} after ${one.failures} failures`;
    const earlier = this.messages.find((other) => other.seq < seq && this.#isLane(other, one) && this.#isOpen(other));
    return earlier && `G5: ${earlier.seq} of its lane is ${earlier.phase}`;
  }

  /** The messages that may start now. */
  startable(): number[] {
    return this.messages
      .filter(({ seq, failures }) => this.objection(seq, failures + 1) === undefined)
      .map(({ seq }) => seq);
  }

  start(seq: number, attempt: number): void {
    const why = this.objection(seq, attempt);
    if (why !== undefined) throw new Error(`${seq} may not start: ${why}`);
    this.of(seq).phase = "leased";
  }

  end(seq: number, how: "ack" | "fail" | "reject" | "release", waitMs: number = this.options.backoffMs): void {
    const one = this.of(seq);
    if (one.phase !== "leased") throw new Error(`${seq} ends and is ${one.phase}`);
    if (how === "ack") one.phase = "acked";
    if (how === "reject") one.phase = "dead";
    if (how === "release") one.phase = "open";
    if (how !== "fail") return;
    one.failures++;
    if (one.failures < this.options.maxAttempts) {
      one.phase = "open";
      one.notBefore = this.now + waitMs;
    } else one.phase = ({ deadLetter: "dead", drop: "dropped", park: "parked" } as const)[this.options.onExhausted];
    this.tick(this.now);
  }

  drop(seq: number): void {
    const one = this.of(seq);
    if (this.#isOpen(one) && one.phase !== "leased") one.phase = "dropped";
  }

  unpark(): void {
    for (const one of this.messages)
      if (one.phase === "parked") Object.assign(one, { phase: "open", failures: 0, notBefore: 0 });
    this.tick(this.now);
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

  #isOpen({ phase }: One): boolean {
    return phase === "open" || phase === "leased" || phase === "parked";
  }

  #isLane(a: One, b: One): boolean {
    if (this.options.order === "all") return true;
    return this.options.order === "key" && a.key !== undefined && a.key === b.key;
  }
}
