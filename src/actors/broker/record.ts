// Makes what was decided safe: the events of a group as one record of a journal, one group on its way at a time.

import type { Message } from "../../runtime/kernel/protocol.ts";
import type { Self } from "../../runtime/kernel/verbs.ts";
import { NotSafe } from "./failure.ts";
import { JournalFailed } from "./failure-journal.ts";
import type { Journal } from "./journal.ts";
import { RecordWriter } from "./record-bytes.ts";
import { Ring } from "./ring.ts";
import { snapshotOf } from "./snapshot.ts";
import type { StoreState } from "./state.ts";

/** Answers in one turn, and deliveries: what is more goes on in the next one, so that the event loop has its turns. */
export const burst = 256;
const already: Promise<void> = Promise.resolve();

export class Records {
  readonly #self: Self;
  readonly #journal: Journal;
  readonly #safe: () => void;
  /** One command's events come into one group: found again together, or not at all. */
  readonly record: RecordWriter = new RecordWriter();
  #answers: [Message, unknown][] = [];
  /** Answers whose group is safe. */
  readonly #told: Ring<[Message, unknown]> = new Ring();
  #isOut = false;
  /** The group that collects, and the last one that is safe. */
  collecting = 1;
  safe = 0;
  /** Events since the last snapshot. */
  written: number;

  /** `safe` is called, in a turn of the actor, after each group. */
  constructor(self: Self, journal: Journal, written: number, safe: () => void) {
    this.#self = self;
    this.#journal = journal;
    this.#safe = safe;
    this.written = written;
  }

  get isIdle(): boolean {
    return !this.#isOut && this.record.events === 0 && this.#answers.length === 0 && this.#told.length === 0;
  }

  /** Answers `m` when all that was added so far is safe. */
  answer(m: Message, value: unknown): void {
    if (this.isIdle) m.answer(value);
    else this.#answers.push([m, value]);
  }

  /** Sends what was collected on its way, unless another group is. */
  flush(): void {
    const { events } = this.record;
    if (this.#isOut || (events === 0 && this.#answers.length === 0)) return;
    const answers = this.#answers;
    const number = this.collecting++;
    this.#answers = [];
    this.#isOut = true;
    this.written += events;
    // Answers alone wait for nothing but the groups before them.
    const work = events === 0 ? Promise.resolve() : this.#journal.append([this.record.take()]);
    this.#self.pipeToSelf(
      work,
      () => {
        this.#isOut = false;
        this.safe = number;
        const isTelling = this.#told.length > 0;
        for (const answer of answers) this.#told.push(answer);
        if (!isTelling) this.#tell(burst);
        this.#safe();
      },
      (error) => this.#unsafe(answers, error),
    );
  }

  #tell(most: number): void {
    for (let i = 0; i < most; i++) {
      const next = this.#told.shift();
      if (next === undefined) return;
      next[0].answer(next[1]);
    }
    if (this.#told.length > 0) this.#self.pipeToSelf(already, () => this.#tell(burst));
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
    this.#tell(Number.POSITIVE_INFINITY);
    const outcome = error instanceof JournalFailed ? error.outcome : "unknown";
    for (const [m] of answers) m.refuse(new NotSafe(said, outcome, { cause: error }));
    // These were not written.
    for (const [m] of this.#answers) m.refuse(new NotSafe(said, "not-started", { cause: error }));
    throw new Error(`The journal of ${this.#self.path} failed: ${why}`, { cause: error });
  }
}
