// What the tests of queues and topics share: consumers that do as their payload says, and a journal that is slow.

import type { Self } from "antiphon";
import type { Codec } from "../../../src/actors/broker/codec.ts";
import { JournalFailed } from "../../../src/actors/broker/failure-journal.ts";
import type { Journal, OpenJournal } from "../../../src/actors/broker/journal.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const json: Codec = {
  encode: (value) => encoder.encode(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(decoder.decode(bytes)),
};

/** How a journal may be wrong: it says "safe" before it is. */
export type Lie = "none" | "says safe at once";

/** Records are safe some milliseconds after they were appended; a power failure may lose those that are not. */
export class SlowJournal {
  readonly lie: Lie;
  snapshot: Uint8Array | undefined = undefined;
  records: Uint8Array[] = [];
  #out: Uint8Array[] | undefined = undefined;
  fails = false;
  groups = 0;

  constructor(lie: Lie = "none") {
    this.lie = lie;
  }

  readonly open: OpenJournal = (self: Self): Journal => ({
    recovered: { snapshot: this.snapshot, records: [...this.records] },
    append: async (records) => {
      if (this.fails) throw new JournalFailed("slow", "the disk is full");
      this.groups++;
      this.#out = [...records];
      const write = async () => {
        await self.sleep(5);
        this.records.push(...records);
        this.#out = undefined;
      };
      if (this.lie === "none") await write();
      else write().catch(() => {});
    },
    compact: async (snapshot) => {
      await self.sleep(5);
      this.snapshot = snapshot;
      this.records = [];
    },
    close: async () => {},
  });

  /** The group that was on its way is there or not. */
  keepPrefix(random: () => number): void {
    if (this.#out !== undefined && random() < 0.5) this.records.push(...this.#out);
    this.#out = undefined;
  }
}
