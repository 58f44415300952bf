// Makes what was decided safe: events as records of a journal, in groups, one group on its way at a time.

import type { Message } from "../../runtime/kernel/protocol.ts";
import type { Self } from "../../runtime/kernel/verbs.ts";
import type { StoreEvent } from "./event.ts";
import { NotSafe } from "./failure.ts";
import { JournalFailed } from "./failure-journal.ts";
import type { Journal } from "./journal.ts";
import { formatVersion, Parts, packed, unpacked } from "./sealed.ts";
import { snapshotOf } from "./snapshot.ts";
import type { StoreState } from "./state.ts";

function recordOf(events: readonly StoreEvent[]): Uint8Array {
  const parts = new Parts();
  const told = events.map((event) => {
    if (event.kind === "published") return { ...event, payload: parts.put(event.payload) };
    return event.kind === "kept" ? { ...event, value: parts.put(event.value) } : event;
  });
  return packed({ v: formatVersion, events: told }, parts);
}

type Writable<T> = { -readonly [P in keyof T]: T[P] };
type Read = StoreEvent extends infer E ? (E extends StoreEvent ? Writable<E> : never) : never;

/** The events of a record. Fails: whatever it is that makes it no record. */
export function eventsOf(record: Uint8Array): readonly StoreEvent[] {
  const { head, part } = unpacked(record);
  const { v, events } = head as { v: number; events: Read[] };
  if (v !== formatVersion) throw new Error(`found version ${v} of the format, expected ${formatVersion}`);
  for (const event of events) {
    if (event.kind === "published") event.payload = part(event.payload);
    if (event.kind === "kept") event.value = part(event.value);
  }
  return events;
}

export class Records {
  readonly #self: Self;
  readonly #journal: Journal;
  readonly #safe: () => void;
  #group: Uint8Array[] = [];
  #answers: [Message, unknown][] = [];
  #isOut = false;
  /** The group that collects, and the last one that is safe. */
  collecting = 1;
  safe = 0;
  /** Records since the last snapshot. */
  written: number;

  /** `safe` is called, in a turn of the actor, after each group. */
  constructor(self: Self, journal: Journal, written: number, safe: () => void) {
    this.#self = self;
    this.#journal = journal;
    this.#safe = safe;
    this.written = written;
  }

  get isIdle(): boolean {
    return !this.#isOut && this.#group.length === 0 && this.#answers.length === 0;
  }

  /** One command's events: found again together, or not at all. */
  add(events: readonly StoreEvent[]): void {
    if (events.length > 0) this.#group.push(recordOf(events));
  }

  /** Answers `m` when all that was added so far is safe. */
  answer(m: Message, value: unknown): void {
    if (this.isIdle) m.answer(value);
    else this.#answers.push([m, value]);
  }

  /** Sends what was collected on its way, unless another group is. */
  flush(): void {
    if (this.#isOut || (this.#group.length === 0 && this.#answers.length === 0)) return;
    const group = this.#group;
    const answers = this.#answers;
    const number = this.collecting++;
    this.#group = [];
    this.#answers = [];
    this.#isOut = true;
    this.written += group.length;
    // Answers alone wait for nothing but the groups before them.
    const work = group.length === 0 ? Promise.resolve() : this.#journal.append(group);
    this.#self.pipeToSelf(
      work,
      () => {
        this.#isOut = false;
        this.safe = number;
        for (const [m, value] of answers) m.answer(value);
        this.#safe();
      },
      (error) => this.#unsafe(answers, error),
    );
  }

  /** Puts a snapshot in the place of all records. Call it when idle. */
  compact(state: StoreState): void {
    this.#isOut = true;
    this.written = 0;
    this.#self.pipeToSelf(
      this.#journal.compact(snapshotOf(state)),
      () => {
        this.#isOut = false;
        this.#safe();
      },
      (error) => this.#unsafe([], error),
    );
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }

  /** What was decided is not safe and never will be: nobody may go on with it. */
  #unsafe(answers: readonly [Message, unknown][], error: unknown): never {
    const why = error instanceof Error ? error.message : String(error);
    const said = `${this.#self.path} could not make it safe: ${why}`;
    const outcome = error instanceof JournalFailed ? error.outcome : "unknown";
    for (const [m] of answers) m.refuse(new NotSafe(said, outcome, { cause: error }));
    // These were not written.
    for (const [m] of this.#answers) m.refuse(new NotSafe(said, "not-started", { cause: error }));
    throw new Error(`The journal of ${this.#self.path} failed: ${why}`, { cause: error });
  }
}
